//! What NIM's users give and NIM keeps in another form: `find_net` becomes the network, `mgmt_profile1` the frame and the partition
//! id, `group` a member of a group. Source: the NIM reference, §1.5, §1.7, §2.3.
//!
//! A network is a convenience here: where `find_net` finds none and no `net_definition` says how to make one, it stays.

use nim_shared::api::{Edit, FileFault, Pair};
use nim_shared::id::ObjectName;
use nim_shared::object::{Ent, Interface, Object, ObjectType, PasswordFile, Spec};

use super::Api;
use super::error::{Answer, Refusal};
use crate::inventory::network;
use crate::store;
use crate::store::object::{Change, ObjectFilter};
use crate::store::secret::SecretInfo;

/// What was given, as it is stored, and what is made or changed beside the object.
#[derive(Debug, Default)]
pub(super) struct Meant {
    /// The attributes.
    pub(super) pairs: Vec<Pair>,
    /// A network that is made with the object.
    pub(super) network: Option<Object>,
    /// Groups that the object becomes a member of.
    pub(super) groups: Vec<ObjectName>,
}

/// What `pairs`, given for an object of type `of`, mean.
pub(super) async fn meant(api: &Api, of: ObjectType, pairs: &[Pair]) -> Answer<Meant> {
    let mut words = Words { api, of, faults: Vec::new(), meant: Meant::default() };
    let definition = pairs.iter().find(|pair| pair.attribute == "net_definition");
    for pair in pairs {
        match pair.attribute.as_str() {
            "net_definition" if words.has_interface() => {}
            "mgmt_profile1" if words.is_machine() => words.profile(&pair.value).await?,
            "group" if words.is_machine() => match pair.value.parse() {
                Ok(group) => words.meant.groups.push(group),
                Err(bad) => words.fault("group", bad.to_string()),
            },
            name if words.has_interface() && is_interface(name) => {
                let value = words.interface(pair, definition).await?;
                words.meant.pairs.push(Pair { attribute: pair.attribute.clone(), value });
            }
            _ => words.meant.pairs.push(pair.clone()),
        }
    }
    if of == ObjectType::Hmc {
        words.login(pairs).await?;
    }
    if words.faults.is_empty() {
        return Ok(words.meant);
    }
    Err(Refusal::usage("NLU-0110", "the attributes are not right").faults(words.faults))
}

/// As [`meant`], for what a change sets. What is made beside the object comes with it.
pub(super) async fn meant_edit(api: &Api, of: ObjectType, edit: Edit) -> Answer<(Edit, Meant)> {
    let mut meant = meant(api, of, &edit.set).await?;
    let set = std::mem::take(&mut meant.pairs);
    Ok((Edit { set, ..edit }, meant))
}

impl Meant {
    /// The changes that `change`, of the object `name`, comes to with what is made beside it.
    pub(super) async fn changes(
        self,
        api: &Api,
        name: &ObjectName,
        change: Change,
    ) -> Answer<Vec<Change>> {
        let mut changes: Vec<_> = self.network.into_iter().map(Change::Define).collect();
        changes.push(change);
        for group in self.groups {
            let stored = api.store.object(&group).await?;
            let mut object = stored.object;
            let Spec::MacGroup(members) = &mut object.spec else {
                let of = object.spec.object_type();
                return Err(Refusal::usage("NLU-0110", "the attributes are not right").faults(
                    vec![fault("group", format!("{group} is of type {of}, not mac_group"))],
                ));
            };
            if !members.member.contains(name) {
                members.member.push(name.clone());
                changes.push(Change::Change { object, version: Some(stored.version) });
            }
        }
        Ok(changes)
    }
}

/// Attributes on their way from what was given to what is stored.
struct Words<'a> {
    api: &'a Api,
    of: ObjectType,
    faults: Vec<FileFault>,
    meant: Meant,
}

impl Words<'_> {
    fn fault(&mut self, attribute: &str, message: String) {
        self.faults.push(fault(attribute, message));
    }

    const fn is_machine(&self) -> bool {
        matches!(self.of, ObjectType::Standalone | ObjectType::Vios)
    }

    const fn has_interface(&self) -> bool {
        self.is_machine() || matches!(self.of, ObjectType::Hmc | ObjectType::Master)
    }

    /// Whose password `passwd_file` holds was said when it was stored (`dpasswd -U`): that is the login.
    async fn login(&mut self, pairs: &[Pair]) -> Answer<()> {
        let given = |name| pairs.iter().find(|pair| pair.attribute == name);
        let Some(file) = given("passwd_file").filter(|_| given("login").is_none()) else {
            return Ok(());
        };
        // What is no name of a secret is said when the object is finished.
        let Ok(file) = file.value.parse::<PasswordFile>() else { return Ok(()) };
        match self.api.store.secret_info(file.secret()).await {
            Ok(SecretInfo { login: Some(value), .. }) => {
                self.meant.pairs.push(Pair { attribute: "login".to_owned(), value });
                Ok(())
            }
            Ok(_) | Err(store::Error::NoSuchSecret { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// `<hmc> <partition id> <frame>`: the HMC has to be one of the frame's.
    async fn profile(&mut self, value: &str) -> Answer<()> {
        let words: Vec<_> = value.split_ascii_whitespace().collect();
        let (hmc, id, frame) = match words[..] {
            // An empty value clears.
            [] => {
                self.set_profile("", "");
                return Ok(());
            }
            [hmc, id, frame, ..] => (hmc, id, frame),
            [..] => {
                let shape = "is \"<hmc> <partition id> <frame>\", such as \"hmc01 26 p10-a\"";
                self.fault("mgmt_profile1", shape.to_owned());
                return Ok(());
            }
        };
        let found = match frame.parse() {
            Ok(name) => self.known(name).await?,
            Err(_) => None,
        };
        match found.map(|object| object.spec) {
            Some(Spec::Cec(cec)) if !cec.mgmt_source.iter().any(|name| name.as_str() == hmc) => {
                self.fault(
                    "mgmt_profile1",
                    format!("{hmc} does not manage {frame}: see mgmt_source of {frame}"),
                );
            }
            // What is no frame is said when the object is stored.
            _ => self.set_profile(frame, id),
        }
        Ok(())
    }

    fn set_profile(&mut self, frame: &str, id: &str) {
        for (attribute, value) in [("mgmt_source", frame), ("identity", id)] {
            let pair = Pair { attribute: attribute.to_owned(), value: value.to_owned() };
            self.meant.pairs.push(pair);
        }
    }

    /// The object `name`, where there is one.
    async fn known(&self, name: ObjectName) -> Answer<Option<Object>> {
        Ok(super::cust::objects(&self.api.store, std::slice::from_ref(&name)).await?.remove(&name))
    }

    /// An interface with the network that its host is on, where it says `find_net`.
    async fn interface(&mut self, given: &Pair, definition: Option<&Pair>) -> Answer<String> {
        let interface = match given.value.parse::<Interface>() {
            Ok(interface) if interface.network.is_none() => interface,
            // A network by name; what cannot be read is said when the object is made.
            Ok(_) | Err(_) => return Ok(given.value.clone()),
        };
        let addresses = network::addresses(&interface.hostname).await;
        let filter = ObjectFilter { types: vec![ObjectType::Ent], ..ObjectFilter::default() };
        let networks: Vec<(ObjectName, Ent)> = super::apply::all(&self.api.store, &filter)
            .await?
            .into_iter()
            .filter_map(|object| match object.spec {
                Spec::Ent(ent) => Some((object.name, ent)),
                _ => None,
            })
            .collect();
        if let Some(found) = network::containing(&networks, &addresses) {
            return Ok(Interface { network: Some(found.clone()), ..interface }.to_string());
        }
        let Some(definition) = definition else { return Ok(given.value.clone()) };
        let made = match addresses.first() {
            Some(address) => network::define(&definition.value, *address),
            None => Err(network::Error::NoAddress(interface.hostname.clone())),
        };
        match made {
            Ok((name, ent)) => {
                self.meant.network = Some(Object {
                    name: name.clone(),
                    spec: Spec::Ent(ent),
                    comments: None,
                    labels: Default::default(),
                });
                Ok(Interface { network: Some(name), ..interface }.to_string())
            }
            Err(bad) => {
                let attribute = match bad {
                    network::Error::Definition(_) => "net_definition",
                    network::Error::NoAddress(_) => &given.attribute,
                };
                self.fault(attribute, bad.to_string());
                Ok(given.value.clone())
            }
        }
    }
}

/// Whether an attribute is an interface: `if1`, `if2`, …
fn is_interface(attribute: &str) -> bool {
    let number = attribute.strip_prefix("if");
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
}

fn fault(attribute: &str, message: String) -> FileFault {
    FileFault { file: None, line: None, path: attribute.to_owned(), message }
}
