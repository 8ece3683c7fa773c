//! Storing a batch.

use std::collections::{BTreeMap, HashMap};

use nim_shared::frame::{Body, Event, Known};
use nim_shared::id::{Fence, OperationId};
use sea_orm::sqlx::query;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::without_nul;
use crate::store::commit::{Txn, Writing};
use crate::store::operation::{Moved, Outcome, Step, write_moves};
use crate::store::output::{self, Chunk};
use crate::store::{Error, Store, bigint};

/// What one operation's owner wants stored together.
#[derive(Clone, Debug, PartialEq)]
pub struct Batched {
    /// The operation.
    pub operation: OperationId,
    /// The owner's fence.
    pub fence: Fence,
    /// Events in order, without gaps. Those that are stored already do no harm.
    pub events: Vec<Event>,
    /// Raw output in order.
    pub output: Vec<Chunk>,
    /// What the engine made of it.
    pub step: Step,
}

/// What became of one part of a batch.
pub type Stored = Result<(), Error>;

impl Store {
    /// Stores `parts` in one transaction, and says of each what became of it. A part that is refused ([`Error::Fenced`],
    /// [`Error::Gap`], [`Error::BadNumber`], [`Error::NoSuchOperation`]) stores nothing and does not stop the others.
    ///
    /// # Errors
    /// When the transaction itself failed: then nothing of any part is stored.
    pub async fn append(&self, parts: Vec<Batched>) -> Result<Vec<Stored>, Error> {
        let (merged, places) = merge(parts);
        let mut txn = self.begin(Writing::Append).await?;
        let refused: Vec<_> = merged.iter().map(check).collect();
        let sound: Vec<_> = merged
            .iter()
            .zip(&refused)
            .filter(|(_, no)| no.is_none())
            .map(|(part, _)| part)
            .collect();
        let moves: Vec<_> = sound.iter().map(|part| moved(part)).collect();
        let outcomes = write_moves(&mut txn, &moves).await?;
        let done: Vec<_> = sound
            .iter()
            .zip(&outcomes)
            .filter_map(|(part, outcome)| match outcome {
                Outcome::Done { output_bytes } => Some((*part, *output_bytes)),
                Outcome::Fenced | Outcome::Gap | Outcome::Unknown | Outcome::TooLarge => None,
            })
            .collect();
        insert_events(&mut txn, done.iter().flat_map(|(part, _)| &part.events)).await?;
        insert_changes(&mut txn, done.iter().flat_map(|(part, _)| &part.events)).await?;
        output::insert(&mut txn, &done, self.output_limit).await?;
        if !done.is_empty() {
            txn.commit().await?;
        }
        let mut outcomes = outcomes.into_iter();
        let verdicts: Vec<_> = refused
            .into_iter()
            .map(|no| {
                no.or_else(|| outcomes.next().map(Verdict::Of))
                    .unwrap_or(Verdict::Of(Outcome::Unknown))
            })
            .collect();
        Ok(places.iter().map(|place| place.answer(&merged, &verdicts)).collect())
    }
}

/// What is said about a merged part.
#[derive(Clone, Copy)]
enum Verdict {
    /// By the database.
    Of(Outcome),
    /// Refused before: events of another operation, or with gaps between them.
    Unsound,
}

/// Where a part went.
struct Place {
    operation: OperationId,
    fence: Fence,
    /// Index of the merged part; `None` when a part with a higher fence came in the same batch.
    merged: Option<usize>,
}

impl Place {
    fn answer(&self, merged: &[Batched], verdicts: &[Verdict]) -> Stored {
        let Self { operation, fence, .. } = *self;
        let fenced = || Err(Error::Fenced { operation, fence });
        let at = self.merged.filter(|at| merged.get(*at).is_some_and(|part| part.fence == fence));
        match at.and_then(|at| verdicts.get(at)) {
            None | Some(Verdict::Of(Outcome::Fenced)) => fenced(),
            Some(Verdict::Of(Outcome::Done { .. })) => Ok(()),
            Some(Verdict::Of(Outcome::Gap) | Verdict::Unsound) => Err(Error::Gap { operation }),
            Some(Verdict::Of(Outcome::Unknown)) => Err(Error::NoSuchOperation { id: operation }),
            Some(Verdict::Of(Outcome::TooLarge)) => {
                Err(Error::BadNumber { operation, what: "a number in its events" })
            }
        }
    }
}

/// One part for each operation: that with the highest fence, all of its parts in their order.
fn merge(parts: Vec<Batched>) -> (Vec<Batched>, Vec<Place>) {
    let mut highest: HashMap<OperationId, Fence> = HashMap::new();
    for part in &parts {
        let fence = highest.entry(part.operation).or_insert(part.fence);
        *fence = part.fence.max(*fence);
    }
    let mut index: BTreeMap<OperationId, usize> = BTreeMap::new();
    let mut merged: Vec<Batched> = Vec::new();
    let mut places = Vec::new();
    for part in parts {
        let (operation, fence) = (part.operation, part.fence);
        let at = if highest.get(&operation) == Some(&fence) {
            let at = *index.entry(operation).or_insert(merged.len());
            match merged.get_mut(at) {
                Some(earlier) => {
                    earlier.events.extend(part.events);
                    earlier.output.extend(part.output);
                    earlier.step.then(part.step);
                }
                None => merged.push(part),
            }
            Some(at)
        } else {
            None
        };
        places.push(Place { operation, fence, merged: at });
    }
    (merged, places)
}

/// Whether a part is unsound by itself.
fn check(part: &Batched) -> Option<Verdict> {
    let own = part.events.iter().all(|event| event.operation == part.operation);
    let follows = part.events.windows(2).all(|pair| match pair {
        [one, next] => {
            next.epoch > one.epoch || next.epoch == one.epoch && next.seq <= one.seq.next()
        }
        _ => true,
    });
    let storable =
        part.events.iter().all(|event| bigint(event.epoch.0).and(bigint(event.seq.0)).is_some())
            && part.output.iter().all(|chunk| chunk.end().is_some_and(|end| bigint(end).is_some()));
    if !own || !follows {
        Some(Verdict::Unsound)
    } else if !storable {
        Some(Verdict::Of(Outcome::TooLarge))
    } else {
        None
    }
}

/// What moves in the operation's row.
fn moved(part: &Batched) -> Moved<'_> {
    let last = part.events.iter().max_by_key(|event| (event.epoch, event.seq));
    Moved {
        id: part.operation,
        fence: part.fence,
        first: part.events.first().map(|event| (event.epoch, event.seq)),
        last: last.map(|event| nim_shared::frame::Position {
            epoch: event.epoch,
            seq: event.seq,
            hash: event.hash,
        }),
        output_offset: part.output.iter().filter_map(Chunk::end).max(),
        output_bytes: part.output.iter().map(|chunk| chunk.data.len() as u64).sum(),
        step: &part.step,
    }
}

/// Inserts events; those that are there already stay as they are.
async fn insert_events<'a>(
    txn: &mut Txn,
    events: impl Iterator<Item = &'a Event>,
) -> Result<(), Error> {
    let mut columns: Columns = Columns::default();
    for event in events {
        columns.push(event);
    }
    if columns.operations.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO event (operation_id, epoch, seq, hash, at, body)
         SELECT x.operation_id, x.epoch, x.seq, x.hash, x.at, x.body::jsonb
         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::timestamptz[], $6::text[])
              AS x (operation_id, epoch, seq, hash, at, body)
         ON CONFLICT DO NOTHING",
    )
    .bind(columns.operations)
    .bind(columns.epochs)
    .bind(columns.seqs)
    .bind(columns.hashes)
    .bind(columns.at)
    .bind(columns.bodies)
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

/// The arrays of the statement.
#[derive(Default)]
struct Columns<'a> {
    operations: Vec<Uuid>,
    epochs: Vec<i64>,
    seqs: Vec<i64>,
    hashes: Vec<&'a [u8]>,
    at: Vec<OffsetDateTime>,
    bodies: Vec<String>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, event: &'a Event) {
        // Both fit: `check` saw to it.
        let number = |number: u64| bigint(number).unwrap_or(i64::MAX);
        self.operations.push(event.operation.0);
        self.epochs.push(number(event.epoch.0));
        self.seqs.push(number(event.seq.0));
        self.hashes.push(&event.hash.0);
        self.at.push(event.at.get());
        self.bodies.push(body_text(&event.body));
    }
}

/// A body as JSON text that `jsonb` takes.
fn body_text(body: &Body) -> String {
    match serde_json::to_string(body) {
        Ok(text) if !text.contains("\\u0000") => text,
        // Rare, and dearer: somebody sent a NUL.
        _ => without_nul(json!(body)).to_string(),
    }
}

/// Keeps the list of changes: one row a change, as the last event about it says.
async fn insert_changes<'a>(
    txn: &mut Txn,
    events: impl Iterator<Item = &'a Event>,
) -> Result<(), Error> {
    let mut last: BTreeMap<(OperationId, u32), Value> = BTreeMap::new();
    for event in events {
        let Body::Known(known) = &event.body else { continue };
        let Known::Change(change) = &**known else { continue };
        let row = json!({
            "operation_id": event.operation, "number": change.number,
            "moment": change.moment.to_string(), "class": change.class.to_string(),
            "effect": change.effect, "error": change.error,
            "epoch": event.epoch, "seq": event.seq,
        });
        last.insert((event.operation, change.number), without_nul(row));
    }
    if last.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO change_list AS c (operation_id, number, moment, class, effect, error, epoch, seq)
         SELECT x.* FROM jsonb_to_recordset($1) AS x (operation_id uuid, number bigint, moment text,
                class text, effect jsonb, error text, epoch bigint, seq bigint)
         ON CONFLICT (operation_id, number) DO UPDATE SET moment = excluded.moment,
            class = excluded.class, effect = excluded.effect, error = excluded.error,
            epoch = excluded.epoch, seq = excluded.seq
         WHERE (excluded.epoch, excluded.seq) > (c.epoch, c.seq)",
    )
    .bind(Value::Array(last.into_values().collect()))
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}
