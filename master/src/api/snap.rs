//! What `snap -U` collects of a Live Update, on request: by an operation of its own, whose archive is found with the one it is about.

use axum::Json;
use axum::extract::State;
use nim_shared::api::{Accepted, Snap};
use nim_shared::id::OperationId;
use nim_shared::operation::StateName;
use nim_shared::request::{Kind, Limits, Request};
use tracing::info;

use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use super::{Api, clean_up, cust};

/// `POST /v1/operations/{id}/snap`
pub(super) async fn start(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(id): Named<OperationId>,
    Body(Snap { token }): Body<Snap>,
) -> Answer<Json<Accepted>> {
    let written = serde_json::json!({ "snap_of": id });
    if let Some(accepted) = api.store.accepted(token, &written).await? {
        return Ok(Json(cust::answer(accepted)));
    }
    let record = api.store.operation(id).await?;
    let state = record.operation.name();
    if !state.is_terminal() && state != StateName::Stuck {
        let message = format!("the operation on {} is {state}: it is not over", record.lpar);
        return Err(Refusal::refused("NLU-0190", message).hint(format!("nimctl watch {id}")));
    }
    if record.kind.looks_after() {
        let message = format!("operation {id} is no update that something could be collected of");
        return Err(Refusal::refused("NLU-0190", message).hint("nimctl status --all"));
    }
    let target = clean_up::target(&api, &record.lpar).await?;
    let order = clean_up::order(&api, Kind::Snap, &target);
    let settings = &api.configuration.settings.agent;
    let limits = Limits {
        output: settings.snap.megabytes(),
        update: settings.stage.seconds(),
        ..order.limits
    };
    let request = Request { limits, ..order };
    let accepted = clean_up::accept(&api, who, target, &request, (token, written)).await?;
    info!(
        batch.id = %accepted.batch, operation.id = %id, lpar.name = %record.lpar, peer.uid = who.uid,
        "what snap collects for operation {id} was asked for by uid {}", who.uid
    );
    Ok(Json(accepted))
}
