//! Capacity of frames: promised before it is used, given back when the HMC shows it free.

use std::collections::BTreeMap;
use std::time::Duration;

use nim_shared::aftercare::Profile;
use nim_shared::api::PartitionView;
use nim_shared::capacity::Shape;
use nim_shared::id::{Fence, ObjectName, OperationId};
use nim_shared::preflight::Fact;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::ProcessorUnits;
use sea_orm::sqlx::{query, query_as, query_scalar};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::commit::{Txn, Writing};
use super::event::without_nul;
use super::life;
use super::notify::Topic;
use super::operation::{Change, Step, held, transition};
use super::{Error, Store};
use crate::engine::capacity::{Decision, FrameLedger, Need, Reading, Reservation};
use crate::engine::operation::{Event, Operation};

/// What became of the wish to go on after `ready`.
#[derive(Clone, Debug, PartialEq)]
pub enum Proceeding {
    /// Capacity is reserved and it is stored that `proceed` is about to leave: send it. The operation as it is now.
    Granted(Operation),
    /// Not now: the frame has to be read again, or there is no room.
    NotNow(Decision),
    /// Not before the agent on this LPAR was asked again: its operation was in flight on the same frame when the database last
    /// may have lost commits, and it may use capacity that is promised nowhere.
    NotAsked(ObjectName),
    /// Somebody asked for a cancel in the meantime: nothing was stored.
    CancelAsked,
}

/// What is asked for after `ready`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What the surrogate takes; `None` where nothing is known of the LPAR.
    pub need: Option<Need>,
    /// Name of the LPAR's partition on the HMC: its surrogate is seen by it.
    pub partition: String,
    /// Most updates at a time on the frame, where its object does not say.
    pub limit: u32,
    /// The profiles of the LPAR as they are before it is touched, or why they are not known; `None` where no HMC can say.
    pub profiles: Option<Fact<Vec<Profile>>>,
    /// How long the operation may stay where it goes to.
    pub deadline: Option<Duration>,
}

/// What an HMC showed of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameReading {
    /// Its figures, with the time before they were asked for, by the database's clock.
    pub reading: Reading,
    /// Names of partitions whose surrogate (`_lku0`) exists, without that ending.
    pub surrogates: Vec<String>,
    /// Its partitions, as they are shown to people.
    pub partitions: Vec<PartitionView>,
    /// What those have of which that was shown, by name.
    pub shapes: BTreeMap<String, Shape>,
    /// Processors of each LPAR, by its partition's name: those of original and surrogate together where both exist.
    pub processors: BTreeMap<String, ProcessorUnits>,
    /// What is free in its shared pools of processors that have a limit, by their number.
    pub pools: BTreeMap<u32, ProcessorUnits>,
}

/// A reading as it is stored: what partitions have stands beside its figures.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    reading: Reading,
    shapes: &'a BTreeMap<String, Shape>,
    pools: &'a BTreeMap<u32, ProcessorUnits>,
}

/// What of it are the pools.
#[derive(Deserialize)]
struct KeptPools {
    #[serde(default)]
    pools: BTreeMap<u32, ProcessorUnits>,
}

impl Store {
    /// Reserves capacity for an operation that is `ready` and stores that `proceed` is about to leave, in one transaction that
    /// holds the frame's row, so that no two operations are promised the same room. `decide` sees what is promised and read
    /// at this moment, and the database's time. An operation whose frame is unknown has nothing to reserve; one that was promised
    /// its room before keeps it.
    ///
    /// # Errors
    /// [`Error::Fenced`]; [`Error::WrongState`] when the operation is not `ready`.
    pub async fn reserve_and_proceed(
        &self,
        id: OperationId,
        fence: Fence,
        wish: &Wish,
        decide: impl FnOnce(&FrameLedger, Timestamp) -> Decision + Send,
    ) -> Result<Proceeding, Error> {
        let mut txn = self.begin(Writing::ReserveAndProceed).await?;
        // The frame before the operation, always: no two transactions wait for each other in a circle.
        let frame = frame_of(&mut txn, id).await?;
        if let Some(frame) = &frame
            && !is_promised(&mut txn, frame, id).await?
        {
            if let Some(lpar) = not_asked(&mut txn, frame, id).await? {
                return Ok(Proceeding::NotAsked(lpar));
            }
            let (ledger, now) = ledger(&mut txn, frame, id, wish.limit).await?;
            match decide(&ledger, now) {
                Decision::Granted(need) => {
                    reserve(&mut txn, id, frame, &Wish { need, ..wish.clone() }).await?;
                }
                wait @ (Decision::ReadAgain | Decision::Wait(_)) => {
                    return Ok(Proceeding::NotNow(wait));
                }
            }
        }
        let found = held(&mut txn, id, fence).await?;
        if found.cancel.is_some() {
            return Ok(Proceeding::CancelAsked);
        }
        let state = found.operation.name();
        let (operation, actions) = found
            .operation
            .after(Event::ProceedCommitted)
            .map_err(|_| Error::WrongState { operation: id, state })?;
        let step = Step {
            operation: Some(operation.clone()),
            actions,
            deadline: wish.deadline.map_or(Change::Keep, Change::Set),
            waits_for: Change::Clear,
            ..Step::default()
        };
        transition(&mut txn, id, fence, &step).await?;
        txn.commit().await?;
        self.hint(Topic::Events).await;
        Ok(Proceeding::Granted(operation))
    }

    /// Notes what an operation uses whose agent was told to proceed, by a master that had promised it the room: a database that
    /// lost its last commits does not know of the promise. There is no question whether there is room. Nothing happens where the
    /// promise is known, or was given back.
    ///
    /// # Errors
    /// [`Error::Fenced`].
    pub async fn promise(&self, id: OperationId, fence: Fence, wish: &Wish) -> Result<(), Error> {
        let mut txn = self.begin(Writing::ReserveAndProceed).await?;
        let frame = frame_of(&mut txn, id).await?;
        let Some(frame) = frame else { return Ok(()) };
        lock_frame(&mut txn, &frame).await?;
        held(&mut txn, id, fence).await?;
        query(
            "INSERT INTO reservation (operation_id, frame, partition, need) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(id.0)
        .bind(&frame)
        .bind(&wish.partition)
        .bind(wish.need.map(|need| json!(need)))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }

    /// The profiles of its LPAR before an operation was told to proceed, or why they are not known. `None`: that is not on record.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn profiles_before(
        &self,
        id: OperationId,
    ) -> Result<Option<Fact<Vec<Profile>>>, Error> {
        let found: Option<Option<Value>> =
            query_scalar("SELECT profiles FROM reservation WHERE operation_id = $1")
                .bind(id.0)
                .fetch_optional(&self.pool)
                .await
                .map_err(|cause| {
                    Error::sqlx(format!("read what operation {id} reserved"), cause)
                })?;
        let read = |value| {
            serde_json::from_value(value).map_err(|cause| {
                Error::unreadable(format!("the profiles before operation {id}"), cause)
            })
        };
        found.flatten().map(read).transpose()
    }

    /// Gives back what was reserved for an operation whose surrogate can no longer come to be, such as one that was never told
    /// to proceed. Nothing happens when there is nothing.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn release(&self, id: OperationId, because: &str) -> Result<(), Error> {
        let mut txn = self.begin(Writing::Release).await?;
        query(
            "UPDATE reservation SET released_at = now(), released_because = $2
             WHERE operation_id = $1 AND released_at IS NULL",
        )
        .bind(id.0)
        .bind(because)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await?;
        self.hint(Topic::Work).await;
        Ok(())
    }

    /// Stores what was read of a frame, notes which surrogates are there, and gives back what was reserved for those that are
    /// gone: seen before and not now, or not there after their operation came to its end. A reading that is older than the
    /// stored one is dropped. Says which operations' capacity was given back.
    ///
    /// # Errors
    /// [`Error::NoSuchObject`] when there is no such frame.
    pub async fn record_reading(
        &self,
        frame: &ObjectName,
        found: &FrameReading,
    ) -> Result<Vec<OperationId>, Error> {
        let mut txn = self.begin(Writing::RecordReading).await?;
        let id = lock_frame(&mut txn, frame.as_str())
            .await?
            .ok_or_else(|| Error::NoSuchObject { name: frame.clone() })?;
        let at = found.reading.read_at.get();
        let newer = query(
            "INSERT INTO frame_reading AS r (cec_id, read_at, reading, partitions) VALUES ($1, $2, $3, $4)
             ON CONFLICT (cec_id) DO UPDATE SET read_at = excluded.read_at, reading = excluded.reading,
                partitions = excluded.partitions
             WHERE r.read_at < excluded.read_at",
        )
        .bind(id)
        .bind(at)
        .bind(json!(Kept { reading: found.reading, shapes: &found.shapes, pools: &found.pools }))
        .bind(json!(found.partitions))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        if newer.rows_affected() == 0 {
            return Ok(Vec::new());
        }
        partitions(&mut txn, id, &found.partitions).await?;
        query(
            "UPDATE reservation SET shown = $4->partition,
                seen_at = CASE WHEN partition = ANY($2) THEN coalesce(seen_at, $3) ELSE seen_at END
             WHERE frame = $1 AND released_at IS NULL",
        )
        .bind(frame.as_str())
        .bind(&found.surrogates)
        .bind(at)
        .bind(json!(found.processors))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        // Who gave up processors gets them back only when the original is gone.
        let released: Vec<Uuid> = query_scalar(
            "UPDATE reservation r SET released_at = now(), released_because = 'its surrogate is gone'
             FROM operation o
             WHERE o.id = r.operation_id AND r.frame = $1 AND r.released_at IS NULL
               AND r.partition <> ALL($2)
               AND (o.ended_at < $3 OR r.seen_at < $3
                    AND coalesce((r.need->'reduction'->>'own')::numeric <= (r.shown#>>'{}')::numeric, true))
             RETURNING r.operation_id",
        )
        .bind(frame.as_str())
        .bind(&found.surrogates)
        .bind(at)
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await?;
        if !released.is_empty() {
            self.hint(Topic::Work).await;
        }
        Ok(released.into_iter().map(OperationId).collect())
    }

    /// The frames with an HMC that were never read, or longer ago than `age`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn frames_not_read_for(&self, age: Duration) -> Result<Vec<ObjectName>, Error> {
        let names: Vec<String> = query_scalar(
            "SELECT o.name FROM nim_cec c JOIN nim_object o ON o.id = c.object_id
             LEFT JOIN frame_reading r ON r.cec_id = c.object_id
             WHERE EXISTS (SELECT FROM nim_cec_hmc l WHERE l.cec_id = c.object_id)
               AND (r.read_at IS NULL OR r.read_at < clock_timestamp() - $1 * interval '1 second')
             ORDER BY o.id",
        )
        .bind(age.as_secs_f64())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for frames that were not read for long", cause))?;
        names.iter().map(|name| super::batch::name(name)).collect()
    }

    /// What was read last of those of these frames of which something was.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn frame_readings(
        &self,
        frames: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, (Reading, Vec<PartitionView>)>, Error> {
        let rows: Vec<(String, Value, Value)> = query_as(
            "SELECT o.name, r.reading, r.partitions FROM frame_reading r JOIN nim_object o ON o.id = r.cec_id
             WHERE o.name = ANY($1)",
        )
        .bind(frames.iter().map(|frame| frame.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what is known of frames", cause))?;
        rows.into_iter()
            .map(|(name, reading, partitions)| {
                let what = || format!("the reading of the frame {name}");
                let reading = serde_json::from_value(reading)
                    .map_err(|cause| Error::unreadable(what(), cause))?;
                let partitions = serde_json::from_value(partitions)
                    .map_err(|cause| Error::unreadable(what(), cause))?;
                Ok((super::batch::name(&name)?, (reading, partitions)))
            })
            .collect()
    }

    /// What is promised on these frames and not released.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn promises(
        &self,
        frames: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, Vec<Reservation>>, Error> {
        let rows: Vec<OpenRow> = query_as(OPEN)
            .bind(frames.iter().map(|frame| frame.as_str()).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await
            .map_err(|cause| Error::sqlx("read what is promised on frames", cause))?;
        let mut promised: BTreeMap<ObjectName, Vec<Reservation>> = BTreeMap::new();
        for row in rows {
            let (frame, reservation) = open(row)?;
            promised.entry(super::batch::name(&frame)?).or_default().push(reservation);
        }
        Ok(promised)
    }

    /// What is known of a frame and promised on it to others than `own`, and the database's time.
    ///
    /// # Errors
    /// [`Error::NoSuchObject`] when there is no such frame.
    pub async fn ledger(
        &self,
        frame: &ObjectName,
        own: OperationId,
        limit: u32,
    ) -> Result<(FrameLedger, Timestamp), Error> {
        let mut txn = self.begin(Writing::ReserveAndProceed).await?;
        if lock_frame(&mut txn, frame.as_str()).await?.is_none() {
            return Err(Error::NoSuchObject { name: frame.clone() });
        }
        ledger(&mut txn, frame.as_str(), own, limit).await
    }
}

/// Notes the partitions of a frame one by one, as objects are selected by them. What is as it was is not written again: most of it is,
/// every time.
async fn partitions(txn: &mut Txn, frame: i64, seen: &[PartitionView]) -> Result<(), Error> {
    let seen = json!(seen);
    for sql in [
        "DELETE FROM frame_partition p WHERE p.cec_id = $1 AND NOT EXISTS
            (SELECT FROM jsonb_array_elements($2) x WHERE left(x->>'name', 255) = p.name)",
        // No HMC shows a name twice; if one did, the first would do.
        "INSERT INTO frame_partition AS p (cec_id, name, state, rmc_state, os_version)
         SELECT DISTINCT ON (name) $1, left(x.row->>'name', 255) AS name, x.row->>'state',
                x.row->>'rmc_state', x.row->>'os_version'
         FROM jsonb_array_elements($2) WITH ORDINALITY AS x (row, n) ORDER BY name, x.n
         ON CONFLICT (cec_id, name) DO UPDATE SET state = excluded.state,
            rmc_state = excluded.rmc_state, os_version = excluded.os_version
         WHERE (p.state, p.rmc_state, p.os_version)
            IS DISTINCT FROM (excluded.state, excluded.rmc_state, excluded.os_version)",
    ] {
        query(sql).bind(frame).bind(&seen).execute(txn.connection()).await.map_err(txn.failed())?;
    }
    Ok(())
}

/// Holds the frame's row; its id. `None` when the frame is gone from the inventory.
async fn lock_frame(txn: &mut Txn, frame: &str) -> Result<Option<i64>, Error> {
    query_scalar(
        "SELECT c.object_id FROM nim_cec c JOIN nim_object o ON o.id = c.object_id
         WHERE o.name = $1 FOR NO KEY UPDATE OF c",
    )
    .bind(frame)
    .fetch_optional(txn.connection())
    .await
    .map_err(txn.failed())
}

/// The frame of an operation.
async fn frame_of(txn: &mut Txn, id: OperationId) -> Result<Option<String>, Error> {
    query_scalar("SELECT frame FROM operation WHERE id = $1")
        .bind(id.0)
        .fetch_optional(txn.connection())
        .await
        .map_err(txn.failed())?
        .ok_or(Error::NoSuchOperation { id })
}

/// Whether room is promised to the operation. Holds the frame's row.
async fn is_promised(txn: &mut Txn, frame: &str, id: OperationId) -> Result<bool, Error> {
    lock_frame(txn, frame).await?;
    query_scalar(
        "SELECT EXISTS (SELECT FROM reservation WHERE operation_id = $1 AND released_at IS NULL)",
    )
    .bind(id.0)
    .fetch_one(txn.connection())
    .await
    .map_err(txn.failed())
}

/// The LPAR of an update on the frame, other than `own`, that may use room which nobody is known to have promised it: it was in
/// flight in an earlier life of the database, and its agent was not asked since.
async fn not_asked(
    txn: &mut Txn,
    frame: &str,
    own: OperationId,
) -> Result<Option<ObjectName>, Error> {
    let life = life::begun(txn).await?;
    let lpar: Option<String> = query_scalar(
        "SELECT o.lpar FROM operation o
         WHERE o.frame = $1 AND o.id <> $2 AND o.kind = 'update'
           AND o.state IN ('dispatching', 'running', 'stuck') AND o.known_in IS DISTINCT FROM $3
           AND NOT EXISTS (SELECT FROM reservation r
                           WHERE r.operation_id = o.id AND r.released_at IS NULL)
         ORDER BY o.id LIMIT 1",
    )
    .bind(frame)
    .bind(own.0)
    .bind(life.0)
    .fetch_optional(txn.connection())
    .await
    .map_err(txn.failed())?;
    lpar.as_deref().map(super::batch::name).transpose()
}

/// What is known of a frame and promised on it to others than `own`, and the database's time. Holds the frame's row.
async fn ledger(
    txn: &mut Txn,
    frame: &str,
    own: OperationId,
    limit: u32,
) -> Result<(FrameLedger, Timestamp), Error> {
    let id = lock_frame(txn, frame).await?;
    let found: Option<(Option<i64>, Option<Value>)> = query_as(
        "SELECT c.update_limit, r.reading FROM nim_cec c
         LEFT JOIN frame_reading r ON r.cec_id = c.object_id WHERE c.object_id = $1",
    )
    .bind(id)
    .fetch_optional(txn.connection())
    .await
    .map_err(txn.failed())?;
    let (own_limit, reading) = found.unwrap_or((None, None));
    let unreadable = |cause| Error::unreadable(format!("what was read of frame {frame}"), cause);
    let pools: Option<KeptPools> =
        reading.clone().map(serde_json::from_value).transpose().map_err(unreadable)?;
    let pools = pools.map(|kept| kept.pools).unwrap_or_default();
    let reading: Option<Reading> =
        reading.map(serde_json::from_value).transpose().map_err(unreadable)?;
    let rows: Vec<OpenRow> =
        query_as(OPEN).bind(vec![frame]).fetch_all(txn.connection()).await.map_err(txn.failed())?;
    let open = rows.into_iter().filter(|row| row.0 != own.0).map(|row| Ok(open(row)?.1));
    let reservations = open.collect::<Result<_, Error>>()?;
    let now: OffsetDateTime = query_scalar("SELECT clock_timestamp()")
        .fetch_one(txn.connection())
        .await
        .map_err(txn.failed())?;
    let limit = own_limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(limit);
    Ok((FrameLedger { reading, pools, reservations, limit }, Timestamp::new(now)))
}

/// What is promised on frames and not released.
const OPEN: &str = "SELECT operation_id, frame, need, seen_at, shown FROM reservation
     WHERE frame = ANY($1) AND released_at IS NULL ORDER BY operation_id";

/// A row of [`OPEN`].
type OpenRow = (Uuid, String, Option<Value>, Option<OffsetDateTime>, Option<Value>);

/// A promise that was not released, with its frame.
fn open((operation, frame, need, seen_at, shown): OpenRow) -> Result<(String, Reservation), Error> {
    let unreadable = |cause| Error::unreadable(format!("what is promised on frame {frame}"), cause);
    let need = need.map(serde_json::from_value).transpose().map_err(unreadable)?;
    let shown = shown.map(serde_json::from_value).transpose().map_err(unreadable)?;
    let seen_at = seen_at.map(Timestamp::new);
    Ok((frame, Reservation { operation: OperationId(operation), need, seen_at, shown }))
}

/// Notes the promise. One that is there already, from an answer that was lost, stays; one that was given back is made anew.
async fn reserve(txn: &mut Txn, id: OperationId, frame: &str, wish: &Wish) -> Result<(), Error> {
    query(
        "INSERT INTO reservation (operation_id, frame, partition, need, profiles) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (operation_id) DO UPDATE SET frame = excluded.frame, need = excluded.need, profiles = excluded.profiles,
            made_at = now(), seen_at = NULL, shown = NULL, released_at = NULL, released_because = NULL
         WHERE reservation.released_at IS NOT NULL",
    )
    .bind(id.0)
    .bind(frame)
    .bind(&wish.partition)
    .bind(wish.need.map(|need| json!(need)))
    .bind(wish.profiles.as_ref().map(|found| without_nul(json!(found))))
    .execute(txn.connection())
    .await
    .map(drop)
    .map_err(txn.failed())
}

#[cfg(test)]
mod tests;
