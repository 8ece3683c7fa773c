//! That `start` is about to leave the master: stored before it may, for any number of operations in one transaction.

use std::collections::HashMap;
use std::time::Duration;

use nim_shared::id::{Fence, OperationId};
use sea_orm::sqlx::query_as;
use serde::Deserialize as _;
use serde_json::Value;
use uuid::Uuid;

use super::step::{Moved, Outcome, write_moves};
use super::{Change, Step};
use crate::engine::operation::{Event, Operation};
use crate::store::commit::{Txn, Writing};
use crate::store::{Error, Store, unsigned};

/// An operation whose `start` is about to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Starting {
    /// The operation.
    pub operation: OperationId,
    /// The owner's fence.
    pub fence: Fence,
    /// How long the agent may take to answer: from now.
    pub deadline: Duration,
}

/// Whether what was about to leave may leave.
#[derive(Clone, Debug, PartialEq)]
pub enum Go {
    /// It is committed: send it. The operation as it is now.
    Ahead(Operation),
    /// Somebody asked for a cancel in the meantime: nothing was stored.
    CancelAsked,
}

impl Store {
    /// Stores that `start` is about to leave the master for each of `starting`, and says of each what became of it: only after
    /// [`Go::Ahead`] may it. One that is refused ([`Error::Fenced`], [`Error::NoSuchOperation`]; [`Error::WrongState`] when it is
    /// not being dispatched, or `start` was committed before) stores nothing and does not stop the others.
    ///
    /// # Errors
    /// When the transaction itself failed: then nothing of any is stored.
    pub async fn commit_starts(
        &self,
        starting: &[Starting],
    ) -> Result<Vec<Result<Go, Error>>, Error> {
        let mut txn = self.begin(Writing::CommitStarts).await?;
        let mut found = held(&mut txn, starting).await?;
        let decided: Vec<_> = starting.iter().map(|one| decide(&mut found, one)).collect();
        let moves: Vec<_> = starting.iter().zip(&decided).filter_map(moved).collect();
        let outcomes = write_moves(&mut txn, &moves).await?;
        if !moves.is_empty() {
            txn.commit().await?;
        }
        let mut outcomes = outcomes.into_iter();
        let answer = |(one, decided): (&Starting, Result<Decided, Error>)| {
            let (id, fence) = (one.operation, one.fence);
            match decided? {
                Decided::CancelAsked => Ok(Go::CancelAsked),
                Decided::Start(operation, _) => match outcomes.next() {
                    Some(Outcome::Done { .. }) => Ok(Go::Ahead(operation)),
                    Some(Outcome::TooLarge) => {
                        Err(Error::BadNumber { operation: id, what: "the fence" })
                    }
                    // Its row was held; whatever this is, it is not the owner's any more.
                    Some(Outcome::Fenced | Outcome::Gap | Outcome::Unknown) | None => {
                        Err(Error::Fenced { operation: id, fence })
                    }
                },
            }
        };
        Ok(starting.iter().zip(decided).map(answer).collect())
    }
}

/// What a held row says.
struct Held {
    fence: Fence,
    detail: Value,
    cancel_asked: bool,
}

/// What was decided about an operation.
enum Decided {
    Start(Operation, Box<Step>),
    CancelAsked,
}

/// The rows of these operations, held until the end of the transaction.
async fn held(txn: &mut Txn, starting: &[Starting]) -> Result<HashMap<OperationId, Held>, Error> {
    let ids: Vec<Uuid> = starting.iter().map(|one| one.operation.0).collect();
    // In one order for all: no two transactions wait for each other in a circle.
    let rows: Vec<(Uuid, i64, Value, bool)> = query_as(
        "SELECT id, fence, detail, cancel_asked_at IS NOT NULL FROM operation
         WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(ids)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    let held = |(id, fence, detail, cancel_asked)| {
        (OperationId(id), Held { fence: Fence(unsigned(fence)), detail, cancel_asked })
    };
    Ok(rows.into_iter().map(held).collect())
}

/// Decides about one operation. What is decided to start is taken out of `found`: it starts once.
fn decide(found: &mut HashMap<OperationId, Held>, one: &Starting) -> Result<Decided, Error> {
    let Starting { operation: id, fence, deadline } = *one;
    let held = found.get(&id).ok_or(Error::NoSuchOperation { id })?;
    if held.fence != fence {
        return Err(Error::Fenced { operation: id, fence });
    }
    if held.cancel_asked {
        return Ok(Decided::CancelAsked);
    }
    let before = Operation::deserialize(&held.detail)
        .map_err(|cause| Error::unreadable(format!("operation {id}"), cause))?;
    let (operation, actions) = before
        .after(Event::StartCommitted)
        .map_err(|_| Error::WrongState { operation: id, state: before.name() })?;
    found.remove(&id);
    let deadline = Change::Set(deadline);
    let step = Step { operation: Some(operation.clone()), actions, deadline, ..Step::default() };
    Ok(Decided::Start(operation, Box::new(step)))
}

fn moved<'a>((one, decided): (&Starting, &'a Result<Decided, Error>)) -> Option<Moved<'a>> {
    let Ok(Decided::Start(_, step)) = decided else { return None };
    Some(Moved {
        id: one.operation,
        fence: one.fence,
        first: None,
        last: None,
        output_offset: None,
        output_bytes: 0,
        step,
    })
}
