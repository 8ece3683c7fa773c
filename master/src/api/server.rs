//! About this nimd.

use axum::Json;
use axum::extract::State;
use nim_shared::api::{OtherMaster, Server};

use super::Api;
use super::error::Answer;

/// `GET /v1/server`
pub(super) async fn server(State(api): State<Api>) -> Answer<Json<Server>> {
    let others = api.store.masters().await?.into_iter();
    let masters = others.filter(|master| master.alive && master.id != api.master).map(|master| {
        OtherMaster { master: master.id, host: master.place, heartbeat: master.beat_at }
    });
    Ok(Json(Server {
        version: nim_shared::VERSION.to_owned(),
        master: api.master,
        ready_at: api.ready_at,
        now: api.clock.now(),
        masters: masters.collect(),
        public_key: api.public_key.clone(),
    }))
}
