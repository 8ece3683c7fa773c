//! Keeps this master's lease, and tells everybody whether it is good.
//!
//! The lease is set and judged by Postgres' clock; this master counts its own on its monotonic clock, from before the
//! heartbeat left. So a master that was stopped for a while finds its lease lapsed the moment it goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use nim_shared::id::MasterId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::store::lease::{Lease, LeaseTimes};
use crate::store::life::Life;
use crate::store::{self, Store};

/// Heartbeats in the time that a lease lasts: some may be lost without a lapse.
const BEATS: u32 = 5;

/// Whether commands may be sent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Mutex<Lease>>);

impl Guard {
    /// A guard without a lease.
    #[must_use]
    pub fn new(times: LeaseTimes) -> Self {
        Self(Arc::new(Mutex::new(Lease::new(times))))
    }

    /// Whether a commanding frame may be sent at this moment.
    #[must_use]
    pub fn may_command(&self) -> bool {
        self.lease().valid_for_command(Instant::now())
    }

    fn lease(&self) -> std::sync::MutexGuard<'_, Lease> {
        // Two fields that are written in one assignment: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the lease is not kept any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// nimd stops.
    Stopped,
    /// A successor on the same data folder ended it: this run must not go on.
    Superseded,
}

/// Keeps the lease of `master` until `stop`, and tells in which life the database is. The lease is not given back here: sessions
/// may still be ending.
pub async fn keep(
    store: &Store,
    master: MasterId,
    guard: &Guard,
    life: &watch::Sender<Option<Life>>,
    stop: CancellationToken,
) -> Ended {
    let times = guard.lease().times();
    loop {
        let before = Instant::now();
        match store.heartbeat(master, times).await {
            Ok(present) => {
                // The life first: with the lease good, what was stored in an earlier one is asked about anew.
                let known = life.send_replace(Some(present));
                if known.is_some_and(|known| known != present) {
                    warn!(
                        "the database may have lost its last commits: every LPAR in flight is asked anew"
                    );
                }
                guard.lease().renewed(before);
            }
            Err(store::Error::LeaseEnded { .. }) => {
                error!("the lease of this master was ended by a successor on the same data folder");
                return Ended::Superseded;
            }
            Err(cause) => warn!(error = %crate::telemetry::chain(&cause),
                "the lease could not be renewed: {}", crate::telemetry::chain(&cause)),
        }
        tokio::select! {
            () = tokio::time::sleep(times.lasts / BEATS) => {}
            () = stop.cancelled() => return Ended::Stopped,
        }
    }
}
