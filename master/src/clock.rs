//! The time, real or driven by a test.
//!
//! Decisions take `now` as an argument; only what drives them owns a [`Clock`]. A test that owns the clock moves hours in no
//! time, and nothing moves unless the test says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nim_shared::stamp::Timestamp;
use time::OffsetDateTime;
use tokio::sync::watch;

/// Wall clock, monotonic clock and timers. Cheap to clone; clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Real { start: Instant },
    Driven { start: Timestamp, passed: Arc<watch::Sender<Duration>> },
}

impl Clock {
    /// The machine's.
    #[must_use]
    pub fn real() -> Self {
        Self(Kind::Real { start: Instant::now() })
    }

    /// One that stands still at `start` until [`Clock::advance`].
    #[must_use]
    pub fn driven(start: Timestamp) -> Self {
        Self(Kind::Driven { start, passed: Arc::new(watch::Sender::new(Duration::ZERO)) })
    }

    /// The wall clock: for records and for people. It may step; nothing that must be safe is decided by it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Real { .. } => Timestamp::new(OffsetDateTime::now_utc()),
            Kind::Driven { start, passed } => start.plus(*passed.borrow()),
        }
    }

    /// Time since this clock was made. Never steps: leases and limits are counted by it.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Kind::Real { start } => start.elapsed(),
            Kind::Driven { passed, .. } => *passed.borrow(),
        }
    }

    /// Ends when `span` has passed.
    pub async fn sleep(&self, span: Duration) {
        match &self.0 {
            Kind::Real { .. } => tokio::time::sleep(span).await,
            Kind::Driven { passed, .. } => {
                let until = passed.borrow().saturating_add(span);
                let reached = passed.subscribe().wait_for(|now| *now >= until).await.is_ok();
                debug_assert!(reached, "the sender is kept alive by this clock");
            }
        }
    }

    /// Moves a driven clock on and ends the sleeps that are due.
    ///
    /// # Panics
    /// On the real clock, which nobody moves.
    pub fn advance(&self, span: Duration) {
        match &self.0 {
            Kind::Real { .. } => panic!("the machine's clock cannot be moved"),
            Kind::Driven { passed, .. } => {
                passed.send_modify(|now| *now = now.saturating_add(span));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_driven_clock_ends_a_sleep_exactly_when_it_is_due() {
        let clock = Clock::driven(Timestamp::from_unix_micros(0));
        let sleeper = clock.clone();
        let task = tokio::spawn(async move {
            sleeper.sleep(Duration::from_secs(10)).await;
            sleeper.monotonic()
        });
        // The sleep may begin before or after the first step: either way it ends ten seconds after it began.
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        assert!(!task.is_finished());
        clock.advance(Duration::from_secs(10));
        assert_eq!(task.await.unwrap(), Duration::from_secs(19));
        assert_eq!(clock.now().to_string(), "1970-01-01T00:00:19Z");
    }
}
