//! The operations that the starts of a rollout became, and what was done again of them outside of it.

use std::collections::HashMap;
use std::fmt;

use nim_shared::id::{ClientToken, Digest, OperationId};
use nim_shared::operation::{Report, StateName};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::types::Json;
use sea_orm::sqlx::{AssertSqlSafe, query, query_as, query_scalar};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::commit::Writing;
use crate::store::operation::lock_claims;
use crate::store::{Error, Store, Who};

/// The operation of a start.
#[derive(Clone, Debug)]
pub struct Started {
    /// Its id.
    pub id: OperationId,
    /// Where it stands.
    pub state: StateName,
    /// Whether the agent has taken it.
    pub taken: bool,
    /// Whether a cancel was asked for.
    pub cancel_asked: bool,
    /// Since when it has waited for capacity of its frame, at `ready`.
    pub waits_since: Option<Timestamp>,
    /// What the agent said at its end.
    pub report: Option<Report>,
    /// Whether what it takes of its frame may be used by others: nothing was promised to it, or it was given back.
    pub released: bool,
}

/// Why nothing is ever accepted for a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// It was not to come at that time: another one may come later.
    Withdrawn,
    /// For good, for this reason.
    For(String),
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Withdrawn => f.write_str("it was not to be started at that time"),
            Self::For(why) => f.write_str(why),
        }
    }
}

/// What came of a start that was asked for, or was given up before.
pub type Asked = Result<Started, Closed>;

/// The last operation of a start.
#[derive(Clone, Debug)]
pub struct Last {
    /// The operation.
    pub of: Started,
    /// Whether it did again what the start had led to, outside of the rollout.
    pub is_again: bool,
}

/// Whether reports of operations are read, which are long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports {
    /// They are.
    With,
    /// They are not: nobody looks at more than how operations ended.
    Without,
}

/// Token, why it is closed, and the columns of an operation.
type TokenRow = (
    Uuid,
    Option<Json<Closed>>,
    Option<Uuid>,
    Option<String>,
    bool,
    bool,
    Option<OffsetDateTime>,
    Option<Value>,
    bool,
);

/// The columns of an operation.
type Columns = (Uuid, String, bool, bool, Option<OffsetDateTime>, Option<Value>, bool);

/// Token, whether it was done again, and the columns of an operation.
type LastRow = (Uuid, bool, Uuid, String, bool, bool, Option<OffsetDateTime>, Option<Value>, bool);

/// When an operation came to where it waits for capacity.
const WAITS_SINCE: &str = "CASE WHEN o.state = 'running' AND o.detail->'state'->>'point' = 'ready'
                AND o.detail->'state'->>'gate' = 'closed' THEN o.entered_at END";

impl Store {
    /// The operations that were accepted under these tokens, in their order: `None` for one that was not used, the reason for one under
    /// which nothing will ever be accepted.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn started(&self, tokens: &[ClientToken]) -> Result<Vec<Option<Asked>>, Error> {
        let rows: Vec<TokenRow> = query_as(AssertSqlSafe(format!(
            "SELECT b.token, b.request->'closed', o.id, o.state, o.started_at IS NOT NULL, o.cancel_asked_at IS NOT NULL,
                {WAITS_SINCE}, o.report,
                NOT EXISTS (SELECT FROM reservation r WHERE r.operation_id = o.id AND r.released_at IS NULL)
             FROM batch b LEFT JOIN operation o ON o.batch_id = b.id WHERE b.token = ANY($1)",
        )))
        .bind(tokens.iter().map(|token| token.0).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look how starts of a rollout go", cause))?;
        // Nothing removes one without the other.
        let gone = || Closed::For("what it became is not on record any more".to_owned());
        let mut found = HashMap::new();
        for (token, closed, id, state, taken, cancel_asked, since, report, released) in rows {
            let one = match id.zip(state) {
                Some((id, state)) => {
                    Ok(operation((id, state, taken, cancel_asked, since, report, released))?)
                }
                None => Err(closed.map_or_else(gone, |closed| closed.0)),
            };
            found.insert(token, one);
        }
        Ok(tokens.iter().map(|token| found.remove(&token.0)).collect())
    }

    /// The last operations of the starts under these tokens, by token: the one that was accepted, or the newest that did it again, also by
    /// way of others that did.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn last_of_starts(
        &self,
        tokens: &[ClientToken],
        reports: Reports,
    ) -> Result<HashMap<ClientToken, Last>, Error> {
        let rows: Vec<LastRow> = query_as(AssertSqlSafe(format!(
            "WITH RECURSIVE found (token, id, is_again) AS (
                SELECT b.token, o.id, false FROM batch b JOIN operation o ON o.batch_id = b.id WHERE b.token = ANY($1)
                UNION
                SELECT f.token, o.id, true FROM found f JOIN batch b ON b.again_of = f.id JOIN operation o ON o.batch_id = b.id
             )
             SELECT DISTINCT ON (f.token) f.token, f.is_again, o.id, o.state, o.started_at IS NOT NULL,
                o.cancel_asked_at IS NOT NULL, {WAITS_SINCE}, CASE WHEN $2 THEN o.report END,
                NOT EXISTS (SELECT FROM reservation r WHERE r.operation_id = o.id AND r.released_at IS NULL)
             FROM found f JOIN operation o ON o.id = f.id ORDER BY f.token, o.id DESC",
        )))
        .bind(tokens.iter().map(|token| token.0).collect::<Vec<_>>())
        .bind(reports == Reports::With)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for what was done again of a rollout", cause))?;
        rows.into_iter()
            .map(|(token, is_again, id, state, taken, cancel_asked, since, report, released)| {
                let of = operation((id, state, taken, cancel_asked, since, report, released))?;
                Ok((ClientToken(token), Last { of, is_again }))
            })
            .collect()
    }

    /// Sees to it that nothing is accepted under a token any more, and says why. Whether nothing had been.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn close_token(
        &self,
        token: ClientToken,
        why: &Closed,
        who: Who,
    ) -> Result<bool, Error> {
        let mut txn = self.begin(Writing::RolloutClose).await?;
        let made: Option<Uuid> = query_scalar(
            "INSERT INTO batch (id, token, digest, requested_by, request) VALUES ($1, $1, $2, $3, $4)
             ON CONFLICT (token) DO NOTHING RETURNING id",
        )
        .bind(token.0)
        .bind(Digest::ZERO.0.as_slice())
        .bind(i64::from(who.uid))
        .bind(json!({ "closed": why }))
        .fetch_optional(txn.connection())
        .await
        .map_err(txn.failed())?;
        let is_new = made.is_some();
        txn.commit().await?;
        Ok(is_new)
    }

    /// Sees to it that those of these operations that wait in the queue are taken by no master any more: their time in it is over, and they
    /// end as others whose time is. What was taken goes on.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn withdraw(&self, operations: &[OperationId]) -> Result<(), Error> {
        let ids: Vec<Uuid> = operations.iter().map(|id| id.0).collect();
        let mut txn = self.begin(Writing::RolloutWithdraw).await?;
        // A claim that has looked already has taken what it takes when this one goes on.
        lock_claims(&mut txn).await?;
        query(
            "UPDATE operation SET deadline = now(), changed_at = now()
             WHERE id = ANY($1) AND state = 'queued' AND (deadline IS NULL OR deadline > now())",
        )
        .bind(&ids)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }
}

fn operation(
    (id, state, taken, cancel_asked, since, report, released): Columns,
) -> Result<Started, Error> {
    let id = OperationId(id);
    let state =
        state.parse().map_err(|cause| Error::unreadable(format!("operation {id}"), cause))?;
    let report = report.map(serde_json::from_value).transpose();
    let report = report
        .map_err(|cause| Error::unreadable(format!("the report of operation {id}"), cause))?;
    let waits_since = since.map(Timestamp::new);
    Ok(Started { id, state, taken, cancel_asked, waits_since, report, released })
}
