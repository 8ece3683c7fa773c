//! Counts over the fleet.

use axum::Json;
use axum::extract::State;
use nim_shared::api::LevelCount;

use super::Api;
use super::error::Answer;

/// `GET /v1/report/levels`: LPARs by the level that their HMC showed last, the oldest first; last those of which none is known.
pub(super) async fn levels(State(api): State<Api>) -> Answer<Json<Vec<LevelCount>>> {
    Ok(Json(api.store.levels().await?))
}
