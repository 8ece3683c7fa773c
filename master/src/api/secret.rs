//! Secrets: set, list, remove. Never read back.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use nim_shared::api::{Page, SecretView, SetSecret};
use nim_shared::id::ObjectName;
use tracing::info;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use crate::store::secret::SecretInfo;

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
    Body(SetSecret { value }): Body<SetSecret>,
) -> Answer<Json<SecretView>> {
    // It goes to a password prompt as one line.
    let text = value.reveal();
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(Refusal::usage(
            "NLU-0140",
            format!("a secret is one line of 1 to {LONGEST} bytes without control characters"),
        ));
    }
    let info = api.store.secret_set(&api.secrets, &name, &value, who).await?;
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
    api.store.secret_remove(&name).await?;
    info!(secret.name = %name, peer.uid = who.uid, "secret {name} was removed by uid {}", who.uid);
    Ok(StatusCode::NO_CONTENT)
}

/// What may be shown of it.
fn view(info: SecretInfo) -> SecretView {
    SecretView {
        held_back: info.refused.map(|(hmc, at)| {
            format!("{hmc} refused it at {at}; it is not used until it is set anew, because three refusals lock the account")
        }),
        name: info.name,
        version: info.version,
        set_at: info.changed_at,
        set_by: info.changed_by.uid,
    }
}

/// Longest secret in bytes. Source: `hmcauth` takes strings of at most 64 characters (HMC reference §6); others may be longer.
const LONGEST: usize = 1024;
