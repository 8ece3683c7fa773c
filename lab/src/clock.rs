//! The site's time: it runs by itself, faster than life, or stands still until a test moves it.
//!
//! There is one clock per site, in `nim-lab up`. Commands on the LPARs ask it for the time and wait on it through the control socket, so
//! that all of them agree and a whole update can be stepped through phase by phase.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::Phase;

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By itself, this many times faster than life.
    Auto {
        /// 1 is real time.
        speed: u32,
    },
    /// Only when [`Clock::advance`] is called: to the end of a wait, never further.
    Explicit,
}

/// A wait that has not ended: the point at which something on an LPAR stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The LPAR.
    pub lpar: String,
    /// The phase it is in.
    pub phase: Phase,
    /// Site time in milliseconds at which the wait ends.
    pub until: u64,
}

/// The clock. Cheap to clone; all clones are one clock.
#[derive(Clone, Debug)]
pub struct Clock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mode: Mode,
    began: Instant,
    start: u64,
    explicit: Mutex<Explicit>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Explicit {
    now: u64,
    waiting: Vec<(Pending, oneshot::Sender<()>)>,
}

impl Clock {
    /// A clock that shows `start` milliseconds since 1970 now.
    pub fn new(mode: Mode, start: u64) -> Self {
        let explicit = Mutex::new(Explicit { now: start, waiting: Vec::new() });
        let shared =
            Shared { mode, began: Instant::now(), start, explicit, changed: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// How time passes.
    pub fn mode(&self) -> Mode {
        self.shared.mode
    }

    /// Site time in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        match self.shared.mode {
            Mode::Explicit => self.explicit(|state| state.now),
            Mode::Auto { speed } => {
                let passed =
                    self.shared.began.elapsed().as_millis().saturating_mul(u128::from(speed));
                self.shared.start + u64::try_from(passed).unwrap_or(u64::MAX / 2)
            }
        }
    }

    /// Returns when the site's time has reached `pending.until`, in [`Mode::Explicit`] when somebody says so.
    pub async fn wait(&self, pending: Pending) {
        match self.shared.mode {
            Mode::Auto { speed } => {
                let passed = pending.until.saturating_sub(self.shared.start);
                let real =
                    Duration::from_micros(passed.saturating_mul(1000) / u64::from(speed.max(1)));
                tokio::time::sleep_until(self.shared.began + real).await;
            }
            Mode::Explicit => {
                let (ended, wait) = oneshot::channel();
                self.explicit(|state| state.waiting.push((pending, ended)));
                self.shared.changed.notify_waiters();
                // An error means that the clock itself is gone, and with it the site.
                wait.await.unwrap_or_default();
            }
        }
    }

    /// Ends the earliest wait, of `lpar` if one is named, and moves the time to its end. `None` when nothing waits.
    pub fn advance(&self, lpar: Option<&str>) -> Option<Pending> {
        self.explicit(|state| {
            state.waiting.retain(|(_, ended)| !ended.is_closed());
            let next = state
                .waiting
                .iter()
                .enumerate()
                .filter(|(_, (pending, _))| lpar.is_none_or(|name| name == pending.lpar))
                .min_by_key(|(_, (pending, _))| pending.until)
                .map(|(index, _)| index)?;
            let (pending, ended) = state.waiting.remove(next);
            state.now = state.now.max(pending.until);
            // The waiter may have gone in this very moment; then nobody needs to know.
            ended.send(()).ok();
            Some(pending)
        })
    }

    /// What waits now.
    pub fn pending(&self) -> Vec<Pending> {
        self.explicit(|state| {
            state.waiting.retain(|(_, ended)| !ended.is_closed());
            state.waiting.iter().map(|(pending, _)| pending.clone()).collect()
        })
    }

    /// Returns when something on `lpar` waits: only then a step can be taken ([`Mode::Explicit`]).
    pub async fn until_pending(&self, lpar: &str) -> Pending {
        loop {
            let changed = self.shared.changed.notified();
            if let Some(found) = self.pending().into_iter().find(|pending| pending.lpar == lpar) {
                return found;
            }
            changed.await;
        }
    }

    fn explicit<T>(&self, act: impl FnOnce(&mut Explicit) -> T) -> T {
        act(&mut self.shared.explicit.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Milliseconds since 1970 by the machine's clock: where a new site's time starts.
pub fn machine_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(lpar: &str, until: u64) -> Pending {
        Pending { lpar: lpar.to_owned(), phase: Phase::Clone, until }
    }

    #[tokio::test]
    async fn explicit_time_moves_to_the_earliest_wait_and_no_further() {
        let clock = Clock::new(Mode::Explicit, 1000);
        let waits: Vec<_> = [("b", 3000), ("a", 2000)]
            .into_iter()
            .map(|(lpar, until)| {
                let clock = clock.clone();
                tokio::spawn(async move { clock.wait(pending(lpar, until)).await })
            })
            .collect();
        clock.until_pending("a").await;
        clock.until_pending("b").await;
        assert_eq!(clock.now(), 1000);
        assert_eq!(clock.advance(None), Some(pending("a", 2000)));
        assert_eq!(clock.now(), 2000);
        assert_eq!(clock.advance(Some("a")), None);
        assert_eq!(clock.advance(Some("b")), Some(pending("b", 3000)));
        for wait in waits {
            wait.await.unwrap();
        }
        assert_eq!(clock.advance(None), None);
    }

    #[tokio::test]
    async fn automatic_time_ends_a_wait_when_it_has_come() {
        let clock = Clock::new(Mode::Auto { speed: 10_000 }, 5000);
        clock.wait(pending("a", 65_000)).await;
        assert!(clock.now() >= 65_000);
        assert_eq!(clock.advance(None), None);
    }
}
