//! The HMC that an LPAR logs in at, as its `lvupdate.data` names it.

use std::collections::BTreeMap;

use nim_shared::api::Cust;
use nim_shared::id::ObjectName;
use nim_shared::lvupdate::Data;
use nim_shared::object::{Hmc, Object, Spec};
use nim_shared::request::Console;
use nim_shared::stamp::Timestamp;

use super::{Known, Order};
use crate::store::object::Target;
use crate::store::secret::SecretInfo;

/// The HMC at which each of `targets` logs in, by what is on record: the one that its `lvupdate.data` names, or the preferred one of its
/// frame where that is written when its turn comes.
pub(in crate::api) fn consoles(
    cust: &Cust,
    targets: &[Target],
    known: &Known,
) -> BTreeMap<ObjectName, ObjectName> {
    let of = |target: &Target| {
        let mut order = Order { cust, target, known, wrong: Vec::new(), not_now: Vec::new() };
        let data = order.file().map(|file| file.data);
        let named = data.and_then(|data| data.hmc?.management_console);
        let mut hmcs = known.hmcs.iter();
        match named {
            Some(named) => Some(hmcs.find(|(name, hmc)| denotes(&named, name, hmc))?.0.clone()),
            None => target.hmc.clone(),
        }
    };
    targets.iter().filter_map(|target| Some((target.name.clone(), of(target)?))).collect()
}

/// What is said of a secret that an HMC has refused.
pub(in crate::api) fn refused_secret(
    secret: &ObjectName,
    (by, at): &(String, Timestamp),
) -> String {
    format!(
        "the secret {secret} was refused by {by} at {at} and is not used until it is changed: nimctl secret set {secret}"
    )
}

impl Order<'_> {
    /// The console that the LPAR authenticates at. `None` with PowerVC, and where the HMC has no `passwd_file`: then the LPAR
    /// has to hold a token already, which the preview checks.
    pub(super) fn console(&mut self, data: &Data) -> Option<Console> {
        let stanza = data.hmc.as_ref()?;
        let address = stanza.management_console.as_ref()?;
        let mut hmcs = self.known.hmcs.iter();
        let Some((name, hmc)) = hmcs.find(|(name, hmc)| denotes(address, name, hmc)) else {
            self.wrong.push(format!(
                "the management console {address} is no hmc: no object has it as name, as host in if1 or as lpar_address"
            ));
            return None;
        };
        self.frame_has(name);
        let file = hmc.passwd_file.as_ref()?;
        let secret = file.secret();
        match self.known.secrets.get(secret) {
            None => self.wrong.push(format!(
                "the secret {secret} of {name} is not set: nimctl secret set {file}"
            )),
            Some(SecretInfo { refused: Some(refused), .. }) => {
                self.not_now.push(refused_secret(secret, refused));
            }
            Some(_) => {}
        }
        let user = match (&stanza.user, &hmc.login) {
            (Some(user), Some(login)) if user != login => {
                self.wrong.push(format!(
                    "lvupdate.data has the user {user}, and the login of {name} is {login}: the token would not fit"
                ));
                return None;
            }
            (Some(user), _) | (None, Some(user)) => user.clone(),
            (None, None) => {
                self.wrong
                    .push(format!("neither lvupdate.data nor {name} says which user logs in"));
                return None;
            }
        };
        Some(Console {
            address: address.clone(),
            port: hmc.mgmt_port.map_or(REST, std::num::NonZeroU16::get),
            user,
            secret: secret.clone(),
        })
    }

    /// Looks whether the HMC `name` manages the LPAR's frame, where that is known.
    fn frame_has(&mut self, name: &ObjectName) {
        let Some(frame) = &self.target.frame else { return };
        if let Some(Object { spec: Spec::Cec(cec), .. }) = self.known.objects.get(frame)
            && !cec.mgmt_source.contains(name)
        {
            self.wrong.push(format!("{name} does not manage its frame {frame}"));
        }
    }
}

/// Whether `text` in `lvupdate.data` means the HMC `name`.
fn denotes(text: &str, name: &ObjectName, hmc: &Hmc) -> bool {
    text == name.as_str()
        || text == hmc.if1.hostname
        || hmc.lpar_address.as_deref().is_some_and(|address| address == text)
}

/// Port of the HMC's REST interface. Source: the HMC reference, §6.
const REST: u16 = 12443;
