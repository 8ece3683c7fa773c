//! Events as they come from the agents: stored in batches over many operations, each event once.
//!
//! A batch is one transaction: it moves each operation's row under its fence, inserts what is new, keeps the list of changes,
//! and stores what the engine made of the events. A part under a stale fence, or one that leaves a gap, is refused without
//! holding up the others. What came before is recognised by its key and not stored again.

mod append;
mod partition;

pub use append::{Batched, Stored};

use nim_shared::frame::{Body, Change, Effect, Event, KeptLog};
use nim_shared::id::{Epoch, OperationId, Seq};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query_as, query_scalar};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::entity::event::{Column, Entity, Model};
use super::{Error, Page, Store, bigint, unsigned};

/// An event with when it was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// The event.
    pub event: Event,
    /// When it was stored, by the database's clock.
    pub stored_at: Timestamp,
}

/// A place in the events of one operation: after this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The line of history.
    pub epoch: Epoch,
    /// The number in it.
    pub seq: Seq,
}

impl Store {
    /// At most `limit` events of one operation after `after`, in order. Safe as a cursor to follow: one fenced owner writes, in
    /// order.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn events(
        &self,
        operation: OperationId,
        after: Cursor,
        limit: u32,
    ) -> Result<Page<StoredEvent, Cursor>, Error> {
        let epoch = bigint(after.epoch.0).unwrap_or(i64::MAX);
        let seq = bigint(after.seq.0).unwrap_or(i64::MAX);
        let later = Condition::any()
            .add(Column::Epoch.gt(epoch))
            .add(Condition::all().add(Column::Epoch.eq(epoch)).add(Column::Seq.gt(seq)));
        let rows = Entity::find()
            .filter(Column::OperationId.eq(operation.0))
            .filter(later)
            .order_by_asc(Column::Epoch)
            .order_by_asc(Column::Seq)
            .limit(u64::from(limit) + 1)
            .all(&self.db)
            .await
            .map_err(|cause| {
                Error::database(format!("read the events of operation {operation}"), cause)
            })?;
        let items = rows.into_iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        Ok(super::page(items, limit, |last| Cursor {
            epoch: last.event.epoch,
            seq: last.event.seq,
        }))
    }

    /// The events of each of `wanted` after its first place and up to its second: in order, at most `limit` of each operation. One
    /// query, however many operations they are.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn events_between(
        &self,
        wanted: &[(OperationId, Cursor, Cursor)],
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        let places = |of: fn(&(OperationId, Cursor, Cursor)) -> u64| -> Vec<i64> {
            wanted.iter().map(|one| bigint(of(one)).unwrap_or(i64::MAX)).collect()
        };
        let rows: Vec<Model> = query_as(
            "SELECT e.* FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                 AS w (id, epoch, seq, upto_epoch, upto_seq)
             CROSS JOIN LATERAL (
                 SELECT operation_id, epoch, seq, hash, at, body, stored_at FROM event
                 WHERE operation_id = w.id AND (epoch, seq) > (w.epoch, w.seq)
                     AND (epoch, seq) <= (w.upto_epoch, w.upto_seq)
                 ORDER BY epoch, seq LIMIT $6
             ) e ORDER BY e.operation_id, e.epoch, e.seq",
        )
        .bind(wanted.iter().map(|(id, ..)| id.0).collect::<Vec<_>>())
        .bind(places(|(_, from, _)| from.epoch.0))
        .bind(places(|(_, from, _)| from.seq.0))
        .bind(places(|(.., upto)| upto.epoch.0))
        .bind(places(|(.., upto)| upto.seq.0))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the events of what is watched", cause))?
        .into_iter()
        .map(|(operation_id, epoch, seq, hash, at, body, stored_at): Row| Model {
            operation_id,
            epoch,
            seq,
            hash,
            at,
            body,
            stored_at,
        })
        .collect();
        rows.into_iter().map(stored).collect()
    }

    /// The logs that are kept with an operation, each with its line of history, in the order in which they were added.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn logs(&self, operation: OperationId) -> Result<Vec<(Epoch, KeptLog)>, Error> {
        let rows: Vec<(i64, Value)> = query_as(
            "SELECT epoch, body FROM event WHERE operation_id = $1 AND body->>'kind' = 'log'
             ORDER BY epoch, seq LIMIT $2",
        )
        .bind(operation.0)
        .bind(MOST_LOGS)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("read the logs of operation {operation}"), cause))?;
        // What another version wrote otherwise is no log that this one could find.
        let logs = rows.into_iter().filter_map(|(epoch, body)| {
            serde_json::from_value(body).ok().map(|log| (Epoch(unsigned(epoch)), log))
        });
        Ok(logs.collect())
    }

    /// The newest operation that has collected for `operation` what `snap` finds, where one has come to its end.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn snap_of(&self, operation: OperationId) -> Result<Option<OperationId>, Error> {
        let found: Option<Uuid> = query_scalar(
            "SELECT s.id FROM operation o JOIN operation s ON s.lpar = o.lpar JOIN batch b ON b.id = s.batch_id
             WHERE o.id = $1 AND s.kind = 'snap' AND s.state = 'succeeded' AND b.request->>'snap_of' = $2
             ORDER BY s.id DESC LIMIT 1",
        )
        .bind(operation.0)
        .bind(operation.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("look for what was collected for operation {operation}"), cause))?;
        Ok(found.map(OperationId))
    }

    /// What an operation changed on its LPAR, as the last event about each change says, in the order in which it was made.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn change_list(&self, operation: OperationId) -> Result<Vec<Change>, Error> {
        let rows: Vec<(i64, String, String, Value, Option<String>)> = query_as(
            "SELECT number, moment, class, effect, error FROM change_list
             WHERE operation_id = $1 ORDER BY number",
        )
        .bind(operation.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| {
            Error::sqlx(format!("read the changes of operation {operation}"), cause)
        })?;
        rows.into_iter()
            .map(|(number, moment, class, effect, error)| {
                let effect: Effect = serde_json::from_value(effect).map_err(|cause| {
                    Error::unreadable(format!("change {number} of operation {operation}"), cause)
                })?;
                Ok(Change {
                    number: u32::try_from(number).unwrap_or(u32::MAX),
                    moment: nim_shared::operation::Named::read(&moment),
                    class: nim_shared::operation::Named::read(&class),
                    effect,
                    error,
                })
            })
            .collect()
    }
}

/// Most logs of one operation: more than an agent keeps.
const MOST_LOGS: i64 = 64;

/// A row as it comes by a query of ours.
type Row = (Uuid, i64, i64, Vec<u8>, OffsetDateTime, Value, OffsetDateTime);

/// The domain's event of a row.
fn stored(row: Model) -> Result<StoredEvent, Error> {
    let operation = OperationId(row.operation_id);
    let what = || format!("event {}/{} of operation {operation}", row.epoch, row.seq);
    let hash = <[u8; 32]>::try_from(row.hash)
        .map_err(|_| Error::unreadable(what(), "a digest has 32 bytes"))?;
    let body: Body =
        serde_json::from_value(row.body).map_err(|cause| Error::unreadable(what(), cause))?;
    let event = Event {
        operation,
        epoch: Epoch(unsigned(row.epoch)),
        seq: Seq(unsigned(row.seq)),
        hash: nim_shared::id::Digest(hash),
        at: Timestamp::new(row.at),
        body,
    };
    Ok(StoredEvent { event, stored_at: Timestamp::new(row.stored_at) })
}

/// `value` without NUL characters, which `jsonb` refuses and a hostile host may send: one such text must not stop the batch
/// that it travels in.
pub(super) fn without_nul(mut value: Value) -> Value {
    fn clean(text: &str) -> String {
        text.replace('\0', "\u{fffd}")
    }
    match &mut value {
        Value::String(text) if text.contains('\0') => *text = clean(text),
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_nul(item.take())),
        Value::Object(map) => {
            *map = std::mem::take(map)
                .into_iter()
                .map(|(key, value)| (clean(&key), without_nul(value)))
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
    value
}

#[cfg(test)]
mod tests;
