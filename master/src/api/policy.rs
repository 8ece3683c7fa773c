//! The site's policy: set, shown, and what it means for an LPAR.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{File, FileFault, LparPolicy, PolicyView, SetPolicy};
use nim_shared::id::ObjectName;
use nim_shared::object::Spec;
use nim_shared::policy::Policy;
use nim_shared::yaml;
use tracing::info;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use crate::store::Store;
use crate::store::policy::StoredPolicy;

/// `GET /v1/policy`
pub(super) async fn show(State(api): State<Api>) -> Answer<Json<PolicyView>> {
    Ok(Json(view(api.store.policy().await?)))
}

/// `PUT /v1/policy`
pub(super) async fn set(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(SetPolicy { file }): Body<SetPolicy>,
) -> Answer<Json<PolicyView>> {
    read(&file).map_err(|faults| {
        let what = if faults.len() == 1 { "1 fault" } else { &format!("{} faults", faults.len()) };
        let text = format!("{what} in the policy; the one before holds on");
        Refusal::refused("NLU-0145", text).faults(faults)
    })?;
    let stored = api.store.policy_set(&file.text, who).await?;
    info!(peer.uid = who.uid, "the policy was set by uid {}, version {}", who.uid, stored.version);
    Ok(Json(view(Some(stored))))
}

/// `GET /v1/policy/{lpar}`
pub(super) async fn of(
    State(api): State<Api>,
    Named(lpar): Named<ObjectName>,
) -> Answer<Json<LparPolicy>> {
    let object = api.store.object(&lpar).await?.object;
    if !matches!(object.spec, Spec::Standalone(_)) {
        let text = format!("{lpar} is of type {}, no LPAR", object.spec.object_type());
        return Err(Refusal::usage("NLU-0146", text).hint("nimctl list standalone"));
    }
    let policy = current(&api.store).await?.unwrap_or_default();
    let prep = policy.prep_of(&lpar, &object.labels).steps();
    let restart = policy.restart_of(&lpar, &object.labels);
    let backup = policy.backup_of(&lpar, &object.labels).cloned();
    let before_reboot = policy.before_reboot_of(&lpar, &object.labels);
    Ok(Json(LparPolicy { lpar, prep, restart, backup, before_reboot }))
}

/// The policy that holds now; `None` where none was set.
pub(super) async fn current(store: &Store) -> Answer<Option<Policy>> {
    let Some(StoredPolicy { text, version, .. }) = store.policy().await? else {
        return Ok(None);
    };
    let name = format!("policy, version {version}");
    // What another version of nimd has let in may be more than this one knows: nothing of it is left out in silence.
    read(&File { name, text }).map(Some).map_err(|faults| {
        Refusal::refused("NLU-0147", "the policy of the site cannot be read by this nimd")
            .hint("nimctl policy show; nimctl policy set FILE")
            .faults(faults)
    })
}

/// The same for who answers no request: why it cannot be read is a text.
pub(crate) async fn now(store: &Store) -> Result<Option<Policy>, String> {
    current(store).await.map_err(|refusal| refusal.failure().message)
}

fn read(file: &File) -> Result<Policy, Vec<FileFault>> {
    if file.text.len() > LARGEST {
        let message = format!("is larger than {} KB", LARGEST >> 10);
        let name = Some(file.name.clone());
        return Err(vec![FileFault { file: name, line: None, path: String::new(), message }]);
    }
    let policy: Policy = yaml::read_settings(file)?;
    let faults = policy.faults();
    if faults.is_empty() {
        return Ok(policy);
    }
    let fault =
        |(path, message)| FileFault { file: Some(file.name.clone()), line: None, path, message };
    Err(faults.into_iter().map(fault).collect())
}

/// What is changed before an update, as it is said before it starts: each step once, with the LPARs that it is for.
pub(super) fn announced<'a>(
    planned: impl Iterator<Item = (&'a ObjectName, Vec<String>)>,
) -> Vec<FileFault> {
    let mut lpars: BTreeMap<String, Vec<&ObjectName>> = BTreeMap::new();
    let mut order = Vec::new();
    for (lpar, steps) in planned {
        for text in steps {
            if !lpars.contains_key(&text) {
                order.push(text.clone());
            }
            lpars.entry(text).or_default().push(lpar);
        }
    }
    let fault = |text: String| {
        let whom = match &lpars[&text][..] {
            [one] => one.to_string(),
            all => format!("{} LPARs", all.len()),
        };
        FileFault {
            file: None,
            line: None,
            path: "prep".to_owned(),
            message: format!("{whom}: {text}"),
        }
    };
    order.into_iter().map(fault).collect()
}

fn view(stored: Option<StoredPolicy>) -> PolicyView {
    match stored {
        None => PolicyView { text: String::new(), version: 0, set_at: None, set_by: None },
        Some(StoredPolicy { text, version, changed_by, changed_at }) => {
            PolicyView { text, version, set_at: Some(changed_at), set_by: Some(changed_by.uid) }
        }
    }
}

/// Largest policy in bytes.
const LARGEST: usize = 256 << 10;
