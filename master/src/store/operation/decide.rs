//! Transitions that are decided within the transaction, because what they depend on may change under the owner's eyes: that
//! somebody asks for a cancel, that a person decides.

use nim_shared::id::{Epoch, Fence, MasterId, OperationId, Seq};
use nim_shared::operation::{Outcome, StateName};
use nim_shared::request::Request;
use nim_shared::stage::{Phase, Stage};
use sea_orm::sqlx::{AssertSqlSafe, query, query_scalar};

use super::claim::{RAISED, records};
use super::step::transition;
use super::{Change, Record, Step};
use crate::engine::operation::{Event, Operation, Run, State};
use crate::store::commit::{Txn, Writing};
use crate::store::notify::Topic;
use crate::store::{Error, Store, Who, unsigned};

/// What became of the wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelAnswer {
    /// It was not started: it is cancelled.
    Cancelled,
    /// It is noted; the owner does what is still possible.
    Noted {
        /// The owner, where there is one at this moment.
        owner: Option<MasterId>,
    },
    /// It is over already.
    Over,
    /// geninstall has begun: it goes on to its end, and the wish is not kept.
    TooLate,
}

/// A person's decision about an operation that is stuck.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Who decides.
    pub who: Who,
    /// Why.
    pub reason: String,
    /// What it counts as.
    pub outcome: Outcome,
    /// The last event that the person has seen; where given, something newer makes the verdict void.
    pub seen: Option<(Epoch, Seq)>,
}

impl Store {
    /// Asks for a cancel. What was not claimed yet is cancelled at once; for the rest the owner hears of it.
    ///
    /// # Errors
    /// [`Error::NoSuchOperation`].
    pub async fn ask_cancel(&self, id: OperationId, who: Who) -> Result<CancelAnswer, Error> {
        let mut txn = self.begin(Writing::AskCancel).await?;
        let found = locked(&mut txn, id).await?;
        if found.operation.name().is_terminal() {
            return Ok(CancelAnswer::Over);
        }
        // The agent would refuse it too: docs/decisions/0008.
        if let State::Running(Run { stage: stage @ (Stage::Update | Stage::Post), phase, .. }) =
            found.operation.state
        {
            let asks = stage == Stage::Update
                && phase <= Some(Phase::Install)
                && serde_json::from_str::<Request>(&found.request)
                    .is_ok_and(|request| request.is_split());
            if !asks {
                return Ok(CancelAnswer::TooLate);
            }
        }
        query(
            "UPDATE operation SET cancel_asked_at = coalesce(cancel_asked_at, now()),
                    cancel_asked_by = coalesce(cancel_asked_by, $2), changed_at = now()
             WHERE id = $1",
        )
        .bind(id.0)
        .bind(i64::from(who.uid))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        let answer = match found.operation.state {
            State::Queued => {
                happened(&mut txn, &found, Event::CancelAsked).await?;
                CancelAnswer::Cancelled
            }
            State::Dispatching { .. }
            | State::Running(_)
            | State::Stuck { .. }
            | State::Ended { .. } => CancelAnswer::Noted { owner: found.owner },
        };
        txn.commit().await?;
        self.hint(Topic::Work).await;
        Ok(answer)
    }

    /// Operations of `owner` for which a cancel was asked and whose engine has not heard of it.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn asked_cancels(&self, owner: MasterId) -> Result<Vec<OperationId>, Error> {
        let rows: Vec<uuid::Uuid> = query_scalar(
            "SELECT id FROM operation WHERE cancel_asked_at IS NOT NULL AND owner = $1
               AND state IN ('queued', 'dispatching', 'running', 'stuck')
               AND NOT (detail->'cancel_asked')::boolean ORDER BY id",
        )
        .bind(owner.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for cancels", cause))?;
        Ok(rows.into_iter().map(OperationId).collect())
    }

    /// Ends an operation that is stuck, on a person's word, and gives its capacity back. The fence is raised: what its owner
    /// still writes is refused.
    ///
    /// # Errors
    /// [`Error::WrongState`] when it is not stuck, or something happened that the person has not seen.
    pub async fn resolve(&self, id: OperationId, verdict: Verdict) -> Result<Record, Error> {
        let mut txn = self.begin(Writing::Resolve).await?;
        let found = locked(&mut txn, id).await?;
        let state = found.operation.name();
        let newer = |(epoch, seq)| (epoch, seq) < (found.position.epoch, found.position.seq);
        if state != StateName::Stuck || verdict.seen.is_some_and(newer) {
            return Err(Error::WrongState { operation: id, state });
        }
        query(
            "UPDATE operation SET resolved_at = now(), resolved_by = $2, resolved_reason = $3 WHERE id = $1",
        )
        .bind(id.0)
        .bind(i64::from(verdict.who.uid))
        .bind(nim_shared::id::printable(&verdict.reason))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        happened(&mut txn, &found, Event::Resolved(verdict.outcome)).await?;
        query(
            "UPDATE reservation SET released_at = now(), released_because = 'resolved by a person'
             WHERE operation_id = $1 AND released_at IS NULL",
        )
        .bind(id.0)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        let resolved = locked(&mut txn, id).await?;
        txn.commit().await?;
        self.hint(Topic::Events).await;
        Ok(resolved)
    }
}

/// Applies an event that comes from outside the owner, and raises the fence so that the owner hears of it.
pub(super) async fn happened(txn: &mut Txn, found: &Record, event: Event) -> Result<(), Error> {
    let (operation, actions) = after(found, event)?;
    let raise = format!("UPDATE operation SET fence = {RAISED} WHERE id = $1 RETURNING fence");
    let fence: i64 = query_scalar(AssertSqlSafe(raise))
        .bind(found.id.0)
        .fetch_one(txn.connection())
        .await
        .map_err(txn.failed())?;
    let step = Step {
        operation: Some(operation),
        actions,
        deadline: Change::Clear,
        waits_for: Change::Clear,
        ..Step::default()
    };
    transition(txn, found.id, Fence(unsigned(fence)), &step).await
}

/// The engine's answer to an event.
fn after(
    found: &Record,
    event: Event,
) -> Result<(Operation, Vec<crate::engine::operation::Action>), Error> {
    found
        .operation
        .after(event)
        .map_err(|_| Error::WrongState { operation: found.id, state: found.operation.name() })
}

/// The operation, its row held until the end of the transaction.
async fn locked(txn: &mut Txn, id: OperationId) -> Result<Record, Error> {
    let rows = query("SELECT * FROM operation WHERE id = $1 FOR NO KEY UPDATE")
        .bind(id.0)
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
    records(rows)?.pop().ok_or(Error::NoSuchOperation { id })
}

/// As [`locked`], for its owner only.
pub(in crate::store) async fn held(
    txn: &mut Txn,
    id: OperationId,
    fence: Fence,
) -> Result<Record, Error> {
    let found = locked(txn, id).await?;
    if found.fence == fence { Ok(found) } else { Err(Error::Fenced { operation: id, fence }) }
}
