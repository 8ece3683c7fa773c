//! How long workloads stood still, of all updates on record.

use nim_shared::api::BlackoutView;
use nim_shared::id::{ObjectName, OperationId};
use nim_shared::operation::Blackout;
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::query_as;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::{Error, Store, batch};

/// Id, LPAR, end, times, level afterwards.
type Row = (Uuid, String, OffsetDateTime, Option<Value>, Option<String>);

impl Store {
    /// The newest updates, at most `limit` of them, that moved their workload: of `lpars`, or of all where none is named.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn blackouts(
        &self,
        lpars: &[ObjectName],
        limit: u32,
    ) -> Result<Vec<BlackoutView>, Error> {
        let names: Vec<&str> = lpars.iter().map(ObjectName::as_str).collect();
        let rows: Vec<Row> = query_as(
            "SELECT id, lpar, ended_at, report->'blackout', report->'after'->>'level' FROM operation
             WHERE kind = 'update' AND ended_at IS NOT NULL
                 AND (cardinality($1::text[]) = 0 OR lpar = ANY($1))
                 AND (state = 'succeeded' OR report->'blackout'->>'reported' IS NOT NULL)
             ORDER BY id DESC LIMIT $2",
        )
        .bind(&names)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read how long workloads stood still", cause))?;
        rows.into_iter()
            .map(|(id, lpar, ended_at, times, level)| {
                let id = OperationId(id);
                let times: Blackout = match times {
                    Some(times) => serde_json::from_value(times).map_err(|cause| {
                        Error::unreadable(format!("the report of operation {id}"), cause)
                    })?,
                    None => Blackout::default(),
                };
                let ended_at = Timestamp::new(ended_at);
                Ok(BlackoutView::new(batch::name(&lpar)?, id, ended_at, level, times))
            })
            .collect()
    }
}
