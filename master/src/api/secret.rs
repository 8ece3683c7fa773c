//! Secrets: set, list, remove. Never read back.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use nim_shared::api::{Page, Rotated, SecretView, SetSecret};
use nim_shared::id::ObjectName;
use tracing::info;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use super::policy::current;
use crate::store::secret::{NewSecret, SecretInfo};

/// `GET /v1/secrets`
pub(super) async fn list(State(api): State<Api>) -> Answer<Json<Page<SecretView>>> {
    let items = api.store.secret_list().await?.into_iter().map(view).collect();
    Ok(Json(Page { items, next: None }))
}

/// `PUT /v1/secrets/{name}`
pub(super) async fn set(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(SetSecret { value, login }): Body<SetSecret>,
) -> Answer<Json<SecretView>> {
    // It goes to a password prompt as one line.
    let text = value.reveal();
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(Refusal::usage(
            "NLU-0140",
            format!("a secret is one line of 1 to {LONGEST} bytes without control characters"),
        ));
    }
    if login.as_deref().is_some_and(|login| {
        login.is_empty()
            || login.len() > LONGEST_USER
            || !login.chars().all(|c| c.is_ascii_graphic())
    }) {
        return Err(Refusal::usage(
            "NLU-0140",
            format!("a user is one word of 1 to {LONGEST_USER} characters"),
        ));
    }
    let new = NewSecret { value: &value, login: login.as_deref() };
    let info = api.store.secret_set(&api.secrets, &name, new, who).await?;
    info!(
        secret.name = %name, peer.uid = who.uid,
        "secret {name} was set by uid {}, version {}", who.uid, info.version
    );
    Ok(Json(view(info)))
}

/// `DELETE /v1/secrets/{name}`
pub(super) async fn remove(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
) -> Answer<StatusCode> {
    let policy = current(&api.store).await?.unwrap_or_default();
    let signs = policy.receivers.iter().filter(|(_, one)| one.secret.as_ref() == Some(&name));
    let receivers = signs.map(|(receiver, _)| receiver.clone()).collect();
    api.store.secret_remove(&name, receivers).await?;
    info!(secret.name = %name, peer.uid = who.uid, "secret {name} was removed by uid {}", who.uid);
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/secret-key`: a new key, with which all secrets are sealed.
pub(super) async fn rotate(State(api): State<Api>, Asker(who): Asker) -> Answer<Json<Rotated>> {
    let masters = api.store.masters().await?;
    let others: Vec<_> = masters
        .iter()
        .filter(|one| one.alive && one.id != api.master)
        .map(|one| &*one.place)
        .collect();
    if !others.is_empty() {
        return Err(Refusal::refused(
            "NLU-0141",
            format!(
                "other masters use the secrets with the key that they have: {}",
                others.join(", ")
            ),
        )
        .hint("stop them, try again, copy secret.key of this master over theirs, and start them"));
    }
    let secrets = api.store.secret_rotate(&api.secrets).await?;
    info!(
        peer.uid = who.uid,
        count = secrets,
        "uid {} exchanged the key of {secrets} secrets",
        who.uid
    );
    Ok(Json(Rotated { secrets: secrets as u64 }))
}

/// What may be shown of it.
fn view(info: SecretInfo) -> SecretView {
    SecretView {
        held_back: info.refused.map(|(hmc, at)| {
            format!("{hmc} refused it at {at}; it is not used until it is set anew, because three refusals lock the account")
        }),
        name: info.name,
        version: info.version,
        login: info.login,
        set_at: info.changed_at,
        set_by: info.changed_by.uid,
    }
}

/// Longest secret in bytes. Source: `hmcauth` takes strings of at most 64 characters (HMC reference §6); others may be longer.
const LONGEST: usize = 1024;

/// Longest name of a user in bytes; an HMC has at most 32 (HMC reference §1.2).
const LONGEST_USER: usize = 255;
