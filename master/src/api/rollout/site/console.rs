//! What keeps LPARs from logging in at their HMC for now: it does not answer, or has refused the password.

use std::collections::BTreeMap;

use nim_rollout::file::Rollout;
use nim_shared::id::{ClientToken, ObjectName};
use nim_shared::object::{ObjectType, Spec};
use uuid::Uuid;

use crate::api::Api;
use crate::api::apply;
use crate::api::cust;
use crate::api::error::Answer;
use crate::store::object::ObjectFilter;

/// LPARs that are looked at together.
const AT_A_TIME: usize = 1000;

/// Why those of `lpars` have to wait that do, by what `file` has done on them. An update would end in prep for want of a token.
pub(super) async fn held(
    api: &Api,
    file: &Rollout,
    lpars: &[&ObjectName],
) -> Answer<BTreeMap<ObjectName, String>> {
    let closed = closed(api).await?;
    let mut held = BTreeMap::new();
    if closed.is_empty() {
        return Ok(held);
    }
    for lpars in lpars.chunks(AT_A_TIME) {
        let names = lpars.iter().map(ToString::to_string).collect();
        // What is wrong with the operation itself is said where it is asked for.
        let Ok(cust) = file.operation.cust(names, ClientToken(Uuid::nil())) else { continue };
        let consoles = cust::consoles(api, cust).await?;
        let why = |(lpar, hmc)| Some((lpar, closed.get(&hmc)?.clone()));
        held.extend(consoles.into_iter().filter_map(why));
    }
    Ok(held)
}

/// The HMCs that let nobody in at the moment, and why.
async fn closed(api: &Api) -> Answer<BTreeMap<ObjectName, String>> {
    let silent = api.hosts.silent().into_iter();
    let mut closed: BTreeMap<ObjectName, String> =
        silent.map(|hmc| (hmc.clone(), format!("its HMC {hmc} does not answer"))).collect();
    let secrets = api.store.secret_list().await?.into_iter();
    let refused: BTreeMap<ObjectName, _> =
        secrets.filter_map(|one| Some((one.name, one.refused?))).collect();
    if refused.is_empty() {
        return Ok(closed);
    }
    let hmcs = ObjectFilter { types: vec![ObjectType::Hmc], ..ObjectFilter::default() };
    for object in apply::all(&api.store, &hmcs).await? {
        let Spec::Hmc(hmc) = object.spec else { continue };
        let secret = hmc.passwd_file.as_ref().map(|file| file.secret());
        if let Some((secret, refused)) = secret.and_then(|name| refused.get_key_value(name)) {
            closed.entry(object.name).or_insert_with(|| cust::refused_secret(secret, refused));
        }
    }
    Ok(closed)
}
