//! Frames, VIOSes and HMCs on which nothing new is started.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use nim_shared::api::{MaintenanceView, SetMaintenance};
use nim_shared::id::ObjectName;
use nim_shared::object::ObjectType;
use tracing::info;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use crate::store::maintenance::Maintenance;

/// `GET /v1/maintenance`
pub(super) async fn list(State(api): State<Api>) -> Answer<Json<Vec<MaintenanceView>>> {
    Ok(Json(all(&api).await?))
}

/// `PUT /v1/maintenance/{name}`
pub(super) async fn on(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(SetMaintenance { reason }): Body<SetMaintenance>,
) -> Answer<Json<MaintenanceView>> {
    let of = api.store.object(&name).await?.object.spec.object_type();
    if !matches!(of, ObjectType::Cec | ObjectType::Vios | ObjectType::Hmc) {
        let text = format!("{name} is of type {of}: maintenance is of frames, VIOSes and HMCs");
        return Err(Refusal::usage("NLU-0127", text));
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > LONGEST_REASON || reason.contains('\0') {
        let text =
            format!("a reason has 1 to {LONGEST_REASON} bytes; it is shown to whoever waits");
        return Err(Refusal::usage("NLU-0127", text));
    }
    api.store.maintenance_on(&name, reason, who).await?;
    info!(peer.uid = who.uid, "maintenance of {name} was begun by uid {}", who.uid);
    let found = all(&api).await?.into_iter().find(|one| one.name == name);
    // Somebody else has ended it meanwhile.
    let gone = || Refusal::refused("NLU-0127", format!("maintenance of {name} was ended at once"));
    Ok(Json(found.ok_or_else(gone)?))
}

/// `DELETE /v1/maintenance/{name}`
pub(super) async fn off(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
) -> Answer<StatusCode> {
    // A name that means nothing is a slip; one that is not under maintenance is as it should be.
    api.store.object(&name).await?;
    if api.store.maintenance_off(&name).await? {
        info!(peer.uid = who.uid, "maintenance of {name} was ended by uid {}", who.uid);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// All of it, with what runs there.
async fn all(api: &Api) -> Answer<Vec<MaintenanceView>> {
    let running = api.store.running_under_maintenance().await?;
    let all = api.store.maintenance().await?.into_iter().map(|one| {
        let Maintenance { on, of, reason, by, since } = one;
        let running = running.get(&on).copied().unwrap_or(0);
        MaintenanceView { name: on, of, reason, by: by.uid, since, running }
    });
    Ok(all.collect())
}

/// Bytes of a reason.
const LONGEST_REASON: usize = 500;
