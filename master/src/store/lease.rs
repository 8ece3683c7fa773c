//! Leases of masters: set and judged by the database's clock, counted by each master on its own monotonic clock.
//!
//! A master counts its lease from *before* it sent the heartbeat, so its own count ends no later than the database's. Past it,
//! less a margin, it sends no commanding frame; past it others may take over, and raise the fence in doing so.

use std::time::{Duration, Instant};

use nim_shared::id::MasterId;
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::commit::Writing;
use super::life::{self, Life};
use super::{Error, Store};

/// How long a lease lasts, and how long before its end a master falls silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// From heartbeat to lapse.
    pub lasts: Duration,
    /// No commanding frame is sent in this last part of it: it covers what is on its way, and clocks that run at other rates.
    pub margin: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self { lasts: Duration::from_secs(15), margin: Duration::from_secs(5) }
    }
}

/// This master's lease, as it counts it itself.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    times: LeaseTimes,
    counted_from: Option<Instant>,
}

impl Lease {
    /// No lease yet.
    #[must_use]
    pub const fn new(times: LeaseTimes) -> Self {
        Self { times, counted_from: None }
    }

    /// The heartbeat that was sent after `before` arrived.
    pub fn renewed(&mut self, before: Instant) {
        // An answer that overtook a later one must not shorten the lease.
        self.counted_from = self.counted_from.max(Some(before));
    }

    /// Whether a commanding frame may be sent at `now`.
    #[must_use]
    pub fn valid_for_command(&self, now: Instant) -> bool {
        let usable = self.times.lasts.saturating_sub(self.times.margin);
        self.counted_from.is_some_and(|from| now.saturating_duration_since(from) < usable)
    }

    /// How long a lease lasts, and its margin.
    #[must_use]
    pub const fn times(&self) -> LeaseTimes {
        self.times
    }
}

/// A master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// Which run.
    pub id: MasterId,
    /// Host and data folder that it runs on.
    pub place: String,
    /// Version of the program.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Its last heartbeat.
    pub beat_at: Timestamp,
    /// Whether its lease still runs.
    pub alive: bool,
}

impl Store {
    /// Makes this run of a master known and gives it a lease. Whatever ran at the same `place` before is dead, because this
    /// run holds the lock of the data folder: its leases end now, so that its operations can be taken over at once.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn register(
        &self,
        master: MasterId,
        place: &str,
        times: LeaseTimes,
    ) -> Result<(), Error> {
        let mut txn = self.begin(Writing::Register).await?;
        query("UPDATE master SET lease_until = '-infinity' WHERE place = $1 AND id <> $2")
            .bind(place)
            .bind(master.0)
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        query(
            "INSERT INTO master (id, place, version, beat_at, lease_until)
             VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + $4 * interval '1 second')
             ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, lease_until = excluded.lease_until",
        )
        .bind(master.0)
        .bind(place)
        .bind(nim_shared::VERSION)
        .bind(times.lasts.as_secs_f64())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }

    /// Renews the lease of `master` by the database's clock, and says in which life the database is. The caller notes the time
    /// *before* this call and, when it returns, tells [`Lease::renewed`].
    ///
    /// # Errors
    /// [`Error::LeaseEnded`] when the lease was ended by a successor at the same place; it is not to be renewed ever again.
    pub async fn heartbeat(&self, master: MasterId, times: LeaseTimes) -> Result<Life, Error> {
        let mut txn = self.begin(Writing::Heartbeat).await?;
        let done = query(
            "UPDATE master SET beat_at = clock_timestamp(),
                    lease_until = clock_timestamp() + $2 * interval '1 second'
             WHERE id = $1 AND lease_until > '-infinity'",
        )
        .bind(master.0)
        .bind(times.lasts.as_secs_f64())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        if done.rows_affected() == 0 {
            return Err(Error::LeaseEnded { master });
        }
        let life = life::begun(&mut txn).await?;
        txn.commit().await?;
        Ok(life)
    }

    /// Ends the lease of `master`, which is about to leave: others need not wait for it to lapse.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn resign(&self, master: MasterId) -> Result<(), Error> {
        let mut txn = self.begin(Writing::Resign).await?;
        query("UPDATE master SET lease_until = '-infinity' WHERE id = $1")
            .bind(master.0)
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        txn.commit().await
    }

    /// The masters that are known, the latest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn masters(&self) -> Result<Vec<Master>, Error> {
        type Row = (Uuid, String, String, OffsetDateTime, OffsetDateTime, bool);
        let rows: Vec<Row> = query_as(
            "SELECT id, place, version, started_at, beat_at, lease_until >= clock_timestamp()
             FROM master ORDER BY started_at DESC",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("list the masters", cause))?;
        let master = |(id, place, version, started_at, beat_at, alive)| Master {
            id: MasterId(id),
            place,
            version,
            started_at: Timestamp::new(started_at),
            beat_at: Timestamp::new(beat_at),
            alive,
        };
        Ok(rows.into_iter().map(master).collect())
    }
}

#[cfg(test)]
mod tests;
