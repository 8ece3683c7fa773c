//! What somebody is shown who watches a rollout: where its updates are, and what happened since.

use std::collections::HashMap;

use nim_shared::api::WatchedUpdate;
use nim_shared::id::{ClientToken, OperationId, RolloutId};
use nim_shared::operation::{Message, Named};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use sea_orm::sqlx::{query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Happened;
use super::run::{HappenedRow, happened};
use crate::store::{Error, Store};

/// An update, and what its agent said at its end.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Where it is.
    pub update: WatchedUpdate,
    /// What decided how it ended.
    pub summary: Option<String>,
    /// Codes of what went wrong.
    pub codes: Vec<String>,
    /// Lines that have them.
    pub messages: Vec<Message>,
}

/// Columns of an update that is watched.
#[derive(sea_orm::FromQueryResult)]
struct Row {
    token: Uuid,
    id: Uuid,
    state: String,
    stage: Option<String>,
    phase: Option<String>,
    entered_at: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    lost_contact_since: Option<OffsetDateTime>,
    waits_for: Option<String>,
    estimated_blackout_seconds: Option<i64>,
    estimated_total_seconds: Option<i64>,
    summary: Option<String>,
    codes: Option<serde_json::Value>,
    messages: Option<serde_json::Value>,
}

impl Store {
    /// Where the operations are that were accepted under these tokens, by token. Of a report only what is shown is read: a rollout has
    /// thousands, and is asked for every second.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn watched(
        &self,
        tokens: &[ClientToken],
    ) -> Result<HashMap<ClientToken, Watched>, Error> {
        let rows = query(
            "SELECT b.token, o.id, o.state, o.stage, o.phase, o.entered_at, o.started_at, o.lost_contact_since, o.waits_for,
                o.estimated_blackout_seconds, o.estimated_total_seconds, o.report->>'summary' AS summary, o.report->'codes' AS codes,
                o.report->'messages' AS messages
             FROM batch b JOIN operation o ON o.batch_id = b.id WHERE b.token = ANY($1)",
        )
        .bind(tokens.iter().map(|token| token.0).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look where updates of a rollout are", cause))?;
        let rows: Vec<Row> = crate::store::entity::read("an operation", rows)?;
        rows.into_iter().map(watched).collect()
    }

    /// What was done with a rollout after the event with this number, the oldest first, and the number of the last.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_events_after(
        &self,
        id: RolloutId,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<Happened>, i64), Error> {
        self.numbered(
            "SELECT number, at, by_uid, what, ticket FROM rollout_event WHERE rollout_id = $1 AND number > $2
             ORDER BY number LIMIT $3",
            (id, after, limit),
        )
        .await
    }

    /// The newest of what was done with a rollout, the oldest first, and the number of the last.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_events_newest(
        &self,
        id: RolloutId,
        limit: u32,
    ) -> Result<(Vec<Happened>, i64), Error> {
        self.numbered(
            "SELECT * FROM (SELECT number, at, by_uid, what, ticket FROM rollout_event WHERE rollout_id = $1 AND number > $2
             ORDER BY number DESC LIMIT $3) newest ORDER BY number",
            (id, 0, limit),
        )
        .await
    }

    async fn numbered(
        &self,
        sql: &'static str,
        (id, after, limit): (RolloutId, i64, u32),
    ) -> Result<(Vec<Happened>, i64), Error> {
        let rows: Vec<HappenedRow> = query_as(sql)
            .bind(id.0)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(|cause| Error::sqlx("read what was done with a rollout", cause))?;
        let last = rows.last().map_or(after, |(number, ..)| *number);
        let happened = rows.into_iter().map(happened).collect::<Result<_, _>>()?;
        Ok((happened, last))
    }
}

fn watched(row: Row) -> Result<(ClientToken, Watched), Error> {
    let id = OperationId(row.id);
    let seconds = |number: Option<i64>| number.and_then(|it| u64::try_from(it).ok()).map(Seconds);
    let unreadable = |cause: serde_json::Error| {
        Error::unreadable(format!("the report of operation {id}"), cause)
    };
    let codes = row.codes.map(serde_json::from_value).transpose().map_err(unreadable)?;
    let messages = row.messages.map(serde_json::from_value).transpose().map_err(unreadable)?;
    let update = WatchedUpdate {
        id,
        state: row
            .state
            .parse()
            .map_err(|cause| Error::unreadable(format!("operation {id}"), cause))?,
        stage: row.stage.as_deref().map(Named::read),
        phase: row.phase.as_deref().map(Named::read),
        entered_at: Timestamp::new(row.entered_at),
        started_at: row.started_at.map(Timestamp::new),
        lost_contact_since: row.lost_contact_since.map(Timestamp::new),
        waits_for: row.waits_for,
        estimated_blackout: seconds(row.estimated_blackout_seconds),
        estimated_total: seconds(row.estimated_total_seconds),
    };
    let watched = Watched {
        update,
        summary: row.summary,
        codes: codes.unwrap_or_default(),
        messages: messages.unwrap_or_default(),
    };
    Ok((ClientToken(row.token), watched))
}
