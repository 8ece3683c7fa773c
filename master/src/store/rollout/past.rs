//! How earlier updates ended, the good and the bad: what a rehearsal draws faults from.

use nim_shared::id::ObjectName;
use nim_shared::operation::{Report, StateName};
use nim_shared::unit::Seconds;
use sea_orm::sqlx::query_as;
use serde_json::Value;

use crate::store::{Error, Store, batch};

/// How an update ended.
#[derive(Clone, Debug)]
pub struct PastEnd {
    /// Of this LPAR.
    pub lpar: ObjectName,
    /// Its state.
    pub state: StateName,
    /// Whether it was stuck until somebody resolved it.
    pub resolved: bool,
    /// Whether its agent ever took it.
    pub taken: bool,
    /// How long it took from then, or from when it was asked for where it never was taken.
    pub took: Seconds,
    /// What the agent said, without what it found on the LPAR.
    pub report: Option<Report>,
}

/// LPAR, state, whether it was resolved and taken, how long it took, report.
type Row = (String, String, bool, bool, i64, Option<Value>);

impl Store {
    /// The newest updates that have their end or are stuck, at most `limit`. What somebody cancelled says nothing of how updates go.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn past_ends(&self, limit: u32) -> Result<Vec<PastEnd>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT lpar, state, resolved_at IS NOT NULL, started_at IS NOT NULL,
                greatest(extract(epoch FROM coalesce(ended_at, changed_at) - coalesce(started_at, created_at)), 0)::bigint,
                report - ARRAY['found', 'before', 'after', 'logs', 'open_items', 'exposed', 'disks']
             FROM operation
             WHERE kind = 'update' AND state IN ('succeeded', 'unchanged', 'failed', 'stuck')
             ORDER BY id DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read how earlier updates ended", cause))?;
        rows.into_iter()
            .map(|(lpar, state, resolved, taken, took, report)| {
                let state = state
                    .parse()
                    .map_err(|cause| Error::unreadable(format!("an update of {lpar}"), cause))?;
                let report = report.map(serde_json::from_value).transpose();
                let report = report.map_err(|cause| {
                    Error::unreadable(format!("the report of an update of {lpar}"), cause)
                })?;
                let took = Seconds(u64::try_from(took).unwrap_or(0));
                Ok(PastEnd { lpar: batch::name(&lpar)?, state, resolved, taken, took, report })
            })
            .collect()
    }
}
