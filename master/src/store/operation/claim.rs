//! Which master works on which operation.
//!
//! Claims are made one after the other, whichever master makes them (an advisory lock, held for one transaction): counting
//! what is in flight and adding to it is then one act, and no limit is ever exceeded. A claim takes many operations at once.

use nim_shared::id::{MasterId, OperationId};
use sea_orm::sqlx::{AssertSqlSafe, query, query_as, query_scalar};
use serde_json::json;
use uuid::Uuid;

use super::Record;
use super::record::record;
use super::room::{Room, Waiting};
use crate::engine::deadline::Deadlines;
use crate::engine::operation::{Event, Operation, State};
use crate::store::commit::{Txn, Writing};
use crate::store::entity::{self, operation::Model};
use crate::store::notify::Topic;
use crate::store::{Error, Store};

/// Most operations in flight at a time. A frame's and an HMC's own attribute `limit` goes before the general one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Over all masters.
    pub global: u32,
    /// On one frame.
    pub per_frame: u32,
    /// By one HMC.
    pub per_hmc: u32,
    /// How long an operation that is claimed may take to reach its LPAR.
    pub deadlines: Deadlines,
}

/// A fence above the row's. Above every fence that was ever given, too, where the database lost its last commits: then the row
/// is older than what an agent has seen, and the clock, in milliseconds, is not.
pub(super) const RAISED: &str =
    "greatest(fence + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)";

/// Key of the advisory lock that claims take.
const LOCK: i64 = 0x6e69_6d64_0000_0003;

/// How many operations of the queue are looked at in one go.
const LOOK: i64 = 1000;

impl Store {
    /// Takes at most `max` queued operations that have room within the limits, the oldest first, for `owner`, and raises their
    /// fences. An operation counts against its limits while it is dispatched or runs; against its frame's also while it is
    /// stuck, because its surrogate may still be there. Nothing of a batch is taken past the batch's time limit.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn claim(
        &self,
        owner: MasterId,
        limits: &Limits,
        max: u32,
    ) -> Result<Vec<Record>, Error> {
        if !self.anything_queued().await? {
            return Ok(Vec::new());
        }
        let mut txn = self.begin(Writing::Claim).await?;
        lock_claims(&mut txn).await?;
        let cancelled = cancel_queued(&mut txn).await?;
        let mut room = Room::of(txn.connection(), limits, &[]).await.map_err(txn.failed())?;
        let mut taken: Vec<Uuid> = Vec::new();
        let mut after = Uuid::nil();
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        while taken.len() < max && !room.is_full() {
            let waiting = waiting(&mut txn, after).await?;
            let Some(last) = waiting.last() else { break };
            after = last.id;
            let fits = waiting.iter().filter(|one| room.take(one)).map(|one| one.id);
            taken.extend(fits.take(max - taken.len()));
        }
        let claimed = raise(&mut txn, owner, limits, &taken).await?;
        if claimed.is_empty() && !cancelled {
            return Ok(claimed);
        }
        txn.commit().await?;
        self.hint(Topic::Events).await;
        Ok(claimed)
    }

    /// Whether the queue holds anything. Most looks find nothing, and this one takes no lock and no mark.
    async fn anything_queued(&self) -> Result<bool, Error> {
        query_scalar("SELECT EXISTS (SELECT FROM operation WHERE state = 'queued')")
            .fetch_one(&self.pool)
            .await
            .map_err(|cause| Error::sqlx("look into the queue", cause))
    }

    /// Takes at most `max` open operations whose owner's lease lapsed, by the database's clock, and raises their fences in the
    /// same statement: from then on nothing that the former owner writes is stored.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn take_over(&self, owner: MasterId, max: u32) -> Result<Vec<Record>, Error> {
        let mut txn = self.begin(Writing::TakeOver).await?;
        let held: Vec<Uuid> = query_scalar(
            "SELECT o.id FROM operation o LEFT JOIN master m ON m.id = o.owner
             WHERE o.state IN ('dispatching', 'running', 'stuck') AND o.owner IS DISTINCT FROM $1
               AND (m.lease_until IS NULL OR m.lease_until < clock_timestamp())
             ORDER BY o.id LIMIT $2 FOR UPDATE OF o SKIP LOCKED",
        )
        .bind(owner.0)
        .bind(i64::from(max))
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
        if held.is_empty() {
            return Ok(Vec::new());
        }
        // One that another master took while this one looked was locked with its new owner, and judged by the lease of the former
        // one. Nobody changes them any more: a second look sees whose they are.
        let rows = query(
            AssertSqlSafe(format!(
                "UPDATE operation o SET owner = $1, fence = {RAISED}, changed_at = now()
                 WHERE o.id = ANY($2) AND o.owner IS DISTINCT FROM $1
                   AND o.state IN ('dispatching', 'running', 'stuck')
                   AND NOT EXISTS (SELECT FROM master m WHERE m.id = o.owner AND m.lease_until >= clock_timestamp())
                 RETURNING *"
            )),
        )
        .bind(owner.0)
        .bind(held)
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let taken = records(rows)?;
        txn.commit().await?;
        Ok(taken)
    }

    /// Takes an operation that `owner` owns once more, under a higher fence. Needed when its agent has seen a fence above ours: a
    /// database that lost its last commits may have given one away twice. `None` when it is somebody else's, or at an end.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn claim_again(
        &self,
        owner: MasterId,
        id: OperationId,
    ) -> Result<Option<Record>, Error> {
        let mut txn = self.begin(Writing::TakeOver).await?;
        let rows = query(AssertSqlSafe(format!(
            "UPDATE operation SET fence = {RAISED}, changed_at = now()
             WHERE id = $2 AND owner = $1 AND state IN ('dispatching', 'running', 'stuck')
             RETURNING *"
        )))
        .bind(owner.0)
        .bind(id.0)
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
        let taken = records(rows)?.pop();
        if taken.is_some() {
            txn.commit().await?;
        }
        Ok(taken)
    }

    /// At most `max` operations past their deadline that `owner` owns, or that wait in the queue.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn overdue(&self, owner: MasterId, max: u32) -> Result<Vec<Record>, Error> {
        let rows = query(
            "SELECT * FROM operation WHERE deadline < clock_timestamp()
               AND state IN ('queued', 'dispatching', 'running', 'stuck')
               AND (owner = $1 OR (state = 'queued' AND owner IS NULL))
             ORDER BY deadline LIMIT $2",
        )
        .bind(owner.0)
        .bind(i64::from(max))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for operations past their deadline", cause))?;
        records(rows)
    }
}

/// Keeps claims back until the transaction ends: what it changes is seen by each claim that comes after.
pub(in crate::store) async fn lock_claims(txn: &mut Txn) -> Result<(), Error> {
    query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(txn.connection())
        .await
        .map(drop)
        .map_err(txn.failed())
}

/// Id, LPAR, frame, HMC, batch, and how many of that batch at a time.
type WaitingRow = (Uuid, String, Option<String>, Option<String>, Uuid, Option<i64>);

/// The next operations of the queue after `after`.
async fn waiting(txn: &mut Txn, after: Uuid) -> Result<Vec<Waiting>, Error> {
    let rows: Vec<WaitingRow> = query_as(
        "SELECT o.id, o.lpar, o.frame, o.hmc, o.batch_id, b.concurrent
         FROM operation o JOIN batch b ON b.id = o.batch_id
         WHERE o.state = 'queued' AND o.id > $1 AND o.cancel_asked_at IS NULL
           AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
           AND (o.deadline IS NULL OR o.deadline > clock_timestamp())
           AND (b.time_limit_seconds IS NULL
                OR b.created_at + b.time_limit_seconds * interval '1 second' > clock_timestamp())
         ORDER BY o.id LIMIT $2",
    )
    .bind(after)
    .bind(LOOK)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    let waiting = |(id, lpar, frame, hmc, batch, concurrent)| Waiting {
        id,
        lpar,
        frame,
        hmc,
        batch,
        concurrent,
    };
    Ok(rows.into_iter().map(waiting).collect())
}

/// Gives the operations to `owner` and raises their fences, in one statement. Rows that somebody else holds at this moment (a
/// cancel) are left for the next time.
async fn raise(
    txn: &mut Txn,
    owner: MasterId,
    limits: &Limits,
    ids: &[Uuid],
) -> Result<Vec<Record>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let claimed = dispatched();
    let deadline = limits.deadlines.of(&claimed.state, None).map(|span| span.as_secs_f64());
    let rows = query(
        AssertSqlSafe(format!(
            "UPDATE operation SET owner = $1, fence = {RAISED}, state = $2, detail = $3,
                    deadline = now() + $4 * interval '1 second', not_before = NULL, waits_for = NULL,
                    entered_at = now(), changed_at = now()
             WHERE id IN (SELECT id FROM operation WHERE id = ANY($5) AND state = 'queued'
                            AND cancel_asked_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED)
             RETURNING *"
        )),
    )
    .bind(owner.0)
    .bind(claimed.name().name())
    .bind(json!(claimed))
    .bind(deadline)
    .bind(ids)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    records(rows)
}

/// What the engine makes of a queued operation that is claimed. All of them are alike.
fn dispatched() -> Operation {
    let (claimed, _) =
        Operation::NEW.after(Event::Claimed).expect("a queued operation can be claimed");
    debug_assert!(matches!(claimed.state, State::Dispatching { .. }));
    claimed
}

/// Ends the operations that came back to the queue while a cancel was on its way. Whether there were any.
async fn cancel_queued(txn: &mut Txn) -> Result<bool, Error> {
    let rows = query(
        "SELECT * FROM operation WHERE state = 'queued' AND cancel_asked_at IS NOT NULL
         ORDER BY id FOR UPDATE SKIP LOCKED",
    )
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    let found = records(rows)?;
    for one in &found {
        super::decide::happened(txn, one, Event::CancelAsked).await?;
    }
    Ok(!found.is_empty())
}

/// Reads rows of the table `operation`.
pub(super) fn records(rows: Vec<sea_orm::sqlx::postgres::PgRow>) -> Result<Vec<Record>, Error> {
    let rows: Vec<Model> = entity::read("an operation", rows)?;
    let mut records = rows.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
    records.sort_by_key(|one| one.id);
    Ok(records)
}
