//! Writing where operations stand: one statement for any number of them, each under its own fence.

use std::collections::HashMap;
use std::time::Duration;

use nim_shared::aftercare::MOST_ITEMS;
use nim_shared::frame::Position;
use nim_shared::id::{Epoch, Fence, OperationId, Seq};
use nim_shared::operation::Report;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use sea_orm::sqlx::{query, query_as};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::engine::operation::{Action, Operation};
use crate::store::commit::{Txn, Writing};
use crate::store::life::Life;
use crate::store::notify::Topic;
use crate::store::{Error, Store, batch, bigint, open_item};

/// Where an operation stands now, and what follows. What is not said stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The engine's new state.
    pub operation: Option<Operation>,
    /// What follows; those that outlive a session are stored ([`Action::is_stored`]).
    pub actions: Vec<Action>,
    /// Past it a person is needed: from now.
    pub deadline: Change<Duration>,
    /// Since when there is no contact.
    pub lost_contact_since: Change<Timestamp>,
    /// Not to be claimed before: from now.
    pub not_before: Change<Duration>,
    /// What it waits for.
    pub waits_for: Change<String>,
    /// The preview's estimates: standstill, and the whole.
    pub estimate: Option<(Option<Seconds>, Option<Seconds>)>,
    /// What the agent reported at the end.
    pub report: Option<Report>,
    /// Its agent was asked in this life of the database: nothing that matters to others is unknown of it.
    pub known_in: Option<Life>,
}

/// What becomes of a value that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It is this from now on.
    Set(T),
    /// It is absent from now on.
    Clear,
}

/// What moves in the row of one operation.
pub(in crate::store) struct Moved<'a> {
    pub(in crate::store) id: OperationId,
    pub(in crate::store) fence: Fence,
    /// First new event: epoch and number.
    pub(in crate::store) first: Option<(Epoch, Seq)>,
    /// Last new event.
    pub(in crate::store) last: Option<Position>,
    /// End of the raw output received.
    pub(in crate::store) output_offset: Option<u64>,
    /// Bytes of raw output that come with it.
    pub(in crate::store) output_bytes: u64,
    pub(in crate::store) step: &'a Step,
}

/// What became of one operation's move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Outcome {
    /// It is done; so much output of this operation is stored with it.
    Done { output_bytes: u64 },
    /// The fence was raised.
    Fenced,
    /// The events do not follow.
    Gap,
    /// No such operation.
    Unknown,
    /// A number that cannot be stored.
    TooLarge,
}

impl Step {
    /// The engine's new state with what follows.
    #[must_use]
    pub fn new(operation: Operation, actions: Vec<Action>) -> Self {
        Self { operation: Some(operation), actions, ..Self::default() }
    }

    /// This step and then `later` in one: what the later one says counts, and the actions of both follow.
    pub(in crate::store) fn then(&mut self, later: Self) {
        fn or<T>(earlier: &mut Change<T>, later: Change<T>) {
            if !matches!(later, Change::Keep) {
                *earlier = later;
            }
        }
        self.operation = later.operation.or(self.operation.take());
        self.actions.extend(later.actions);
        or(&mut self.deadline, later.deadline);
        or(&mut self.lost_contact_since, later.lost_contact_since);
        or(&mut self.not_before, later.not_before);
        or(&mut self.waits_for, later.waits_for);
        self.estimate = later.estimate.or(self.estimate.take());
        self.report = later.report.or(self.report.take());
        self.known_in = later.known_in.or(self.known_in);
    }
}

impl Store {
    /// Stores where an operation stands, and what follows, in one transaction.
    ///
    /// # Errors
    /// [`Error::Fenced`] when `fence` is not the operation's any more: nothing is stored.
    pub async fn transition(
        &self,
        id: OperationId,
        fence: Fence,
        step: &Step,
    ) -> Result<(), Error> {
        let mut txn = self.begin(Writing::Transition).await?;
        transition(&mut txn, id, fence, step).await?;
        txn.commit().await?;
        self.hint(Topic::Events).await;
        Ok(())
    }
}

/// As [`Store::transition`], within a transaction.
pub(in crate::store) async fn transition(
    txn: &mut Txn,
    id: OperationId,
    fence: Fence,
    step: &Step,
) -> Result<(), Error> {
    let moved =
        Moved { id, fence, first: None, last: None, output_offset: None, output_bytes: 0, step };
    let outcomes = write_moves(txn, &[moved]).await?;
    match outcomes.first() {
        Some(Outcome::Done { .. }) => Ok(()),
        Some(Outcome::Fenced | Outcome::Gap) => Err(Error::Fenced { operation: id, fence }),
        Some(Outcome::TooLarge) => Err(Error::BadNumber { operation: id, what: "the fence" }),
        Some(Outcome::Unknown) | None => Err(Error::NoSuchOperation { id }),
    }
}

/// Writes `moves`, of different operations, and the actions that follow. Those under a stale fence, and those whose events do
/// not follow, write nothing and do not stop the others.
pub(in crate::store) async fn write_moves(
    txn: &mut Txn,
    moves: &[Moved<'_>],
) -> Result<Vec<Outcome>, Error> {
    let mut columns = Columns::default();
    let fits: Vec<bool> = moves.iter().map(|moved| columns.push(moved).is_some()).collect();
    let done: Vec<(Uuid, i64)> = query_as(UPDATE)
        .bind(&columns.ids)
        .bind(&columns.fences)
        .bind(&columns.first_epochs)
        .bind(&columns.first_seqs)
        .bind(&columns.epochs)
        .bind(&columns.seqs)
        .bind(&columns.hashes)
        .bind(&columns.output_offsets)
        .bind(&columns.output_bytes)
        .bind(&columns.steps)
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
    let done: HashMap<_, _> = done.into_iter().collect();
    let missed: Vec<_> = columns.ids.iter().copied().filter(|id| !done.contains_key(id)).collect();
    let fences = if missed.is_empty() { HashMap::new() } else { fences(txn, &missed).await? };
    let outcome = |(moved, fits): (&Moved<'_>, bool)| match done.get(&moved.id.0) {
        _ if !fits => Outcome::TooLarge,
        Some(bytes) => Outcome::Done { output_bytes: crate::store::unsigned(*bytes) },
        None => match fences.get(&moved.id.0) {
            Some(fence) if crate::store::unsigned(*fence) == moved.fence.0 => Outcome::Gap,
            Some(_) => Outcome::Fenced,
            None => Outcome::Unknown,
        },
    };
    let outcomes: Vec<_> = moves.iter().zip(fits).map(outcome).collect();
    write_actions(txn, moves, &outcomes).await?;
    let done = moves.iter().zip(&outcomes).filter(|(_, o)| matches!(o, Outcome::Done { .. }));
    let reported = done.filter_map(|(moved, _)| Some((moved.id, moved.step.report.as_ref()?)));
    let few = |report: &Report| report.open_items.len().min(MOST_ITEMS);
    let left: Vec<_> =
        reported.map(|(id, report)| (id, &report.open_items[..few(report)])).collect();
    open_item::insert(txn, &left).await?;
    Ok(outcomes)
}

/// The one statement that moves rows. `step` has a key only for what changes.
const UPDATE: &str = "
UPDATE operation o SET
    epoch = CASE WHEN (x.epoch, x.seq) > (o.epoch, o.seq) THEN x.epoch ELSE o.epoch END,
    seq = CASE WHEN (x.epoch, x.seq) > (o.epoch, o.seq) THEN x.seq ELSE o.seq END,
    hash = CASE WHEN (x.epoch, x.seq) > (o.epoch, o.seq) THEN x.hash ELSE o.hash END,
    output_offset = CASE WHEN x.epoch > o.epoch THEN coalesce(x.output_offset, 0)
            ELSE greatest(o.output_offset, x.output_offset) END,
    output_bytes = o.output_bytes + x.output_bytes,
    state = coalesce(x.step->>'state', o.state),
    detail = coalesce(x.step->'detail', o.detail),
    stage = CASE WHEN x.step ? 'state' THEN x.step->>'stage' ELSE o.stage END,
    phase = CASE WHEN x.step ? 'state' THEN x.step->>'phase' ELSE o.phase END,
    entered_at = CASE WHEN x.step ? 'state' AND
            (o.state, o.stage, o.phase, o.detail->'state'->>'point' = 'ready') IS DISTINCT FROM
            (x.step->>'state', x.step->>'stage', x.step->>'phase', x.step->'detail'->'state'->>'point' = 'ready')
            THEN now() ELSE o.entered_at END,
    started_at = CASE WHEN x.step->>'state' = 'running' THEN coalesce(o.started_at, now())
            ELSE o.started_at END,
    ended_at = CASE WHEN x.step->>'state' IN ('succeeded', 'unchanged', 'failed', 'cancelled')
            THEN coalesce(o.ended_at, now()) ELSE o.ended_at END,
    owner = CASE WHEN x.step->>'state' IN ('queued', 'succeeded', 'unchanged', 'failed', 'cancelled')
            THEN NULL ELSE o.owner END,
    deadline = CASE WHEN x.step ? 'deadline'
            THEN now() + (x.step->>'deadline')::float8 * interval '1 second' ELSE o.deadline END,
    not_before = CASE WHEN x.step ? 'not_before'
            THEN now() + (x.step->>'not_before')::float8 * interval '1 second' ELSE o.not_before END,
    lost_contact_since = CASE WHEN x.step ? 'lost_contact_since'
            THEN (x.step->>'lost_contact_since')::timestamptz ELSE o.lost_contact_since END,
    waits_for = CASE WHEN x.step ? 'waits_for' THEN x.step->>'waits_for' ELSE o.waits_for END,
    estimated_blackout_seconds = CASE WHEN x.step ? 'blackout'
            THEN (x.step->>'blackout')::bigint ELSE o.estimated_blackout_seconds END,
    estimated_total_seconds = CASE WHEN x.step ? 'total'
            THEN (x.step->>'total')::bigint ELSE o.estimated_total_seconds END,
    report = coalesce(x.step->'report', o.report),
    known_in = coalesce((x.step->>'known_in')::uuid, o.known_in),
    changed_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bytea[], $8::bigint[], $9::bigint[], $10::jsonb[])
     AS x (id, fence, first_epoch, first_seq, epoch, seq, hash, output_offset, output_bytes, step)
WHERE o.id = x.id AND o.fence = x.fence
  AND (x.first_seq IS NULL OR x.first_epoch > o.epoch
       OR (x.first_epoch = o.epoch AND x.first_seq <= o.seq + 1))
RETURNING o.id, o.output_bytes";

/// The arrays of the statement.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    fences: Vec<i64>,
    first_epochs: Vec<Option<i64>>,
    first_seqs: Vec<Option<i64>>,
    epochs: Vec<Option<i64>>,
    seqs: Vec<Option<i64>>,
    hashes: Vec<Option<Vec<u8>>>,
    output_offsets: Vec<Option<i64>>,
    output_bytes: Vec<i64>,
    steps: Vec<Value>,
}

impl Columns {
    /// Adds one row; `None`, and nothing, when a number is too large.
    fn push(&mut self, moved: &Moved<'_>) -> Option<()> {
        let number = |number: Option<u64>| match number {
            Some(number) => bigint(number).map(Some),
            None => Some(None),
        };
        let fence = bigint(moved.fence.0)?;
        let first_epoch = number(moved.first.map(|(epoch, _)| epoch.0))?;
        let first_seq = number(moved.first.map(|(_, seq)| seq.0))?;
        let epoch = number(moved.last.map(|last| last.epoch.0))?;
        let seq = number(moved.last.map(|last| last.seq.0))?;
        let output_offset = number(moved.output_offset)?;
        let output_bytes = bigint(moved.output_bytes)?;
        self.ids.push(moved.id.0);
        self.fences.push(fence);
        self.first_epochs.push(first_epoch);
        self.first_seqs.push(first_seq);
        self.epochs.push(epoch);
        self.seqs.push(seq);
        self.hashes.push(moved.last.map(|last| last.hash.0.to_vec()));
        self.output_offsets.push(output_offset);
        self.output_bytes.push(output_bytes);
        self.steps.push(columns_of(moved.step));
        Some(())
    }
}

/// The step as the statement reads it: a key for what changes, `null` for what becomes absent.
fn columns_of(step: &Step) -> Value {
    fn put<T>(
        keys: &mut Map<String, Value>,
        key: &str,
        change: &Change<T>,
        write: impl Fn(&T) -> Value,
    ) {
        match change {
            Change::Keep => None,
            Change::Set(value) => keys.insert(key.to_owned(), write(value)),
            Change::Clear => keys.insert(key.to_owned(), Value::Null),
        };
    }
    let mut keys = Map::new();
    let mut set = |key: &str, value: Value| keys.insert(key.to_owned(), value);
    if let Some(operation) = &step.operation {
        let run = operation.state.run();
        set("state", json!(operation.name()));
        set("detail", json!(operation));
        set("stage", json!(run.map(|run| run.stage)));
        set("phase", json!(run.and_then(|run| run.phase)));
    }
    if let Some((blackout, total)) = step.estimate {
        set("blackout", json!(blackout.and_then(|seconds| bigint(seconds.0))));
        set("total", json!(total.and_then(|seconds| bigint(seconds.0))));
    }
    if let Some(report) = &step.report {
        set("report", crate::store::event::without_nul(json!(report)));
    }
    if let Some(Life(id)) = step.known_in {
        set("known_in", json!(id));
    }
    let span = |span: &Duration| json!(batch::seconds(Seconds(span.as_secs())));
    put(&mut keys, "deadline", &step.deadline, span);
    put(&mut keys, "not_before", &step.not_before, span);
    put(&mut keys, "lost_contact_since", &step.lost_contact_since, |at| json!(at));
    put(&mut keys, "waits_for", &step.waits_for, |text| json!(nim_shared::id::printable(text)));
    Value::Object(keys)
}

/// The fences that these operations have.
async fn fences(txn: &mut Txn, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>, Error> {
    let rows: Vec<(Uuid, i64)> = query_as("SELECT id, fence FROM operation WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
    Ok(rows.into_iter().collect())
}

/// Stores the actions that outlive a session, of the moves that were done.
async fn write_actions(
    txn: &mut Txn,
    moves: &[Moved<'_>],
    outcomes: &[Outcome],
) -> Result<(), Error> {
    let done = moves.iter().zip(outcomes).filter(|(_, o)| matches!(o, Outcome::Done { .. }));
    let (ids, kinds): (Vec<_>, Vec<_>) = done
        .flat_map(|(moved, _)| {
            let stored = moved.step.actions.iter().filter(|action| action.is_stored());
            stored.map(|action| (moved.id.0, super::action::name(*action)))
        })
        .unzip();
    if ids.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO follow_up_action (operation_id, kind)
         SELECT * FROM unnest($1::uuid[], $2::text[])",
    )
    .bind(ids)
    .bind(kinds)
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}
