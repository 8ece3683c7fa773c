//! What follows from a transition and outlives the session: stored with it, done by whichever master takes it, again if that
//! one dies.

use std::time::Duration;

use nim_shared::id::{LparId, MasterId, ObjectName, OperationId};
use sea_orm::sqlx::{query, query_as};
use serde_json::Value;
use uuid::Uuid;

use crate::engine::operation::Action;
use crate::store::commit::Writing;
use crate::store::{Error, Store, batch};

/// An action that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUpAction {
    /// Its number.
    pub id: i64,
    /// The operation that it follows from.
    pub operation: OperationId,
    /// The LPAR of that operation.
    pub lpar: ObjectName,
    /// The frame of that LPAR.
    pub frame: Option<ObjectName>,
    /// Partition id of that LPAR, where the agent told it at the end of the operation.
    pub lpar_id: Option<LparId>,
    /// Whether the operation moved the LPAR to a new kernel.
    pub moved: bool,
    /// What to do.
    pub action: Action,
    /// How often it was taken up before.
    pub attempts: u32,
}

/// What becomes of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// It is done.
    None,
    /// It has to be looked at again after this time.
    After(Duration),
}

/// Id, operation, LPAR, frame, partition id, whether it moved, kind, attempts.
type Row = (i64, Uuid, String, Option<String>, Option<Value>, bool, String, i32);

impl Store {
    /// Takes at most `max` actions that are due and that no living master works on.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn claim_actions(
        &self,
        owner: MasterId,
        max: u32,
    ) -> Result<Vec<FollowUpAction>, Error> {
        let mut txn = self.begin(Writing::ClaimActions).await?;
        let rows: Vec<Row> = query_as(
            "WITH due AS (
                SELECT a.id FROM follow_up_action a LEFT JOIN master m ON m.id = a.owner
                WHERE a.done_at IS NULL AND a.due_at <= clock_timestamp() AND a.kind = ANY($3)
                  AND (a.owner IS NULL OR m.lease_until IS NULL OR m.lease_until < clock_timestamp())
                ORDER BY a.due_at LIMIT $2 FOR UPDATE OF a SKIP LOCKED)
             UPDATE follow_up_action a SET owner = $1, attempts = a.attempts + 1
             FROM due, operation o WHERE a.id = due.id AND o.id = a.operation_id
             RETURNING a.id, o.id, o.lpar, o.frame, o.report->'after'->'lpar_id',
                coalesce(o.kind = 'update' AND o.report->'found'->>'kernel' = 'new', false), a.kind, a.attempts - 1",
        )
        .bind(owner.0)
        .bind(i64::from(max))
        .bind(Action::ALL.iter().filter(|one| one.is_stored()).map(|one| name(*one)).collect::<Vec<_>>())
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let actions = rows.into_iter().filter_map(read).collect::<Result<_, _>>()?;
        txn.commit().await?;
        Ok(actions)
    }

    /// Notes what became of actions that `owner` had taken, by number. One that somebody else has taken since stays theirs.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn actions_done(
        &self,
        owner: MasterId,
        done: &[(i64, NextTry)],
    ) -> Result<(), Error> {
        let mut txn = self.begin(Writing::ActionDone).await?;
        let ids: Vec<i64> = done.iter().map(|(id, _)| *id).collect();
        let after = |next: NextTry| match next {
            NextTry::None => None,
            NextTry::After(span) => Some(span.as_secs_f64()),
        };
        let afters: Vec<Option<f64>> = done.iter().map(|(_, next)| after(*next)).collect();
        query(
            "UPDATE follow_up_action a SET
                done_at = CASE WHEN x.after IS NULL THEN now() END,
                due_at = coalesce(now() + x.after * interval '1 second', a.due_at),
                owner = NULL
             FROM unnest($1::bigint[], $3::float8[]) AS x (id, after)
             WHERE a.id = x.id AND a.owner = $2 AND a.done_at IS NULL",
        )
        .bind(ids)
        .bind(owner.0)
        .bind(afters)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }

    /// The actions of one operation that are not done, the oldest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn open_actions(&self, operation: OperationId) -> Result<Vec<FollowUpAction>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT a.id, o.id, o.lpar, o.frame, o.report->'after'->'lpar_id',
                coalesce(o.kind = 'update' AND o.report->'found'->>'kernel' = 'new', false), a.kind, a.attempts
             FROM follow_up_action a JOIN operation o ON o.id = a.operation_id
             WHERE a.operation_id = $1 AND a.done_at IS NULL ORDER BY a.id",
        )
        .bind(operation.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| {
            Error::sqlx(format!("read what follows from operation {operation}"), cause)
        })?;
        rows.into_iter().filter_map(read).collect()
    }
}

/// The name of an action as it is stored: that of its JSON form.
pub(super) fn name(action: Action) -> String {
    serde_json::to_value(action)
        .ok()
        .and_then(|value| value.as_str().map(ToOwned::to_owned))
        .expect("an action is a name in JSON")
}

/// The action of a row. One that only a newer version knows is left to that version.
fn read(
    (id, operation, lpar, frame, lpar_id, moved, kind, attempts): Row,
) -> Option<Result<FollowUpAction, Error>> {
    let action: Action = serde_json::from_value(Value::String(kind)).ok()?;
    let action = || {
        Ok(FollowUpAction {
            id,
            operation: OperationId(operation),
            lpar: batch::name(&lpar)?,
            frame: frame.as_deref().map(batch::name).transpose()?,
            // What cannot be read tells nothing; there is no other way to hear it.
            lpar_id: lpar_id.and_then(|id| serde_json::from_value(id).ok()),
            moved,
            action,
            attempts: u32::try_from(attempts).unwrap_or(0),
        })
    };
    Some(action())
}
