//! Counts over the fleet.

use axum::Json;
use axum::extract::State;
use nim_shared::api::{BlackoutReport, LevelCount};
use nim_shared::id::ObjectName;

use super::Api;
use super::error::Answer;
use super::extract::Query;

/// `GET /v1/report/levels`: LPARs by the level that their HMC showed last, the oldest first; last those of which none is known.
pub(super) async fn levels(State(api): State<Api>) -> Answer<Json<Vec<LevelCount>>> {
    Ok(Json(api.store.levels().await?))
}

/// `GET /v1/report/blackout`: how long workloads stood still in the updates on record, and how far the estimates were off.
pub(super) async fn blackout(
    State(api): State<Api>,
    mut query: Query,
) -> Answer<Json<BlackoutReport>> {
    let lpars = query.all::<ObjectName>("lpar")?;
    let worst = query.one::<usize>("limit")?.unwrap_or(WORST).min(MOST_WORST);
    query.end()?;
    let views = api.store.blackouts(&lpars, UPDATES).await?;
    Ok(Json(BlackoutReport::of(views, worst)))
}

/// How many of the newest updates count.
const UPDATES: u32 = 100_000;

/// How many of the longest are named.
const WORST: usize = 10;

/// How many of them can be asked for.
const MOST_WORST: usize = 1000;
