//! Measures the freeze: a thread that looks at both clocks at every tick and remembers the largest gap while it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use nim_shared::frame::Gap;
use nim_shared::unit::Milliseconds;

/// A running ticker. It lives as long as the process: threads are not started or ended while the workload is moved.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    measuring: AtomicBool,
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl Ticker {
    /// Starts it, not yet measuring.
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let ticking = Arc::clone(&shared);
        std::thread::spawn(move || ticking.run());
        Self { shared }
    }

    /// Measures from now on, until [`Self::stop`].
    pub(crate) fn measure(&self) {
        self.shared.measuring.store(true, Ordering::Relaxed);
    }

    /// Ends measuring; the largest gap meanwhile. `None` when it did not measure.
    pub(crate) fn stop(&self) -> Option<Gap> {
        self.shared.measuring.swap(false, Ordering::Relaxed).then(|| Gap {
            wall: Milliseconds(self.shared.wall.load(Ordering::Relaxed)),
            monotonic: Milliseconds(self.shared.monotonic.load(Ordering::Relaxed)),
            tick: milliseconds(TICK),
        })
    }
}

impl Shared {
    fn run(&self) {
        let mut before = (SystemTime::now(), Instant::now());
        loop {
            std::thread::sleep(TICK);
            let now = (SystemTime::now(), Instant::now());
            if self.measuring.load(Ordering::Relaxed) {
                // A clock that was set back shows no gap.
                let wall = now.0.duration_since(before.0).unwrap_or_default();
                self.wall.fetch_max(milliseconds(wall).0, Ordering::Relaxed);
                let monotonic = now.1.duration_since(before.1);
                self.monotonic.fetch_max(milliseconds(monotonic).0, Ordering::Relaxed);
            }
            before = now;
        }
    }
}

/// How long the workload stood still, where both clocks tell the same. They need not: nobody has published whether AIX's
/// monotonic clock counts the freeze, and the wall clock may be set meanwhile.
pub(crate) fn measured(gap: Gap) -> Option<Milliseconds> {
    let (wall, monotonic) = (gap.wall.0, gap.monotonic.0);
    let tolerated = AGREEMENT.max(wall.max(monotonic) / 20);
    (wall.abs_diff(monotonic) <= tolerated).then(|| Milliseconds(wall.saturating_sub(gap.tick.0)))
}

fn milliseconds(duration: Duration) -> Milliseconds {
    Milliseconds(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

const TICK: Duration = Duration::from_millis(100);

/// Clocks that differ by no more than this, or by a twentieth, agree. In milliseconds.
const AGREEMENT: u64 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(wall: u64, monotonic: u64) -> Gap {
        Gap {
            wall: Milliseconds(wall),
            monotonic: Milliseconds(monotonic),
            tick: Milliseconds(100),
        }
    }

    #[test]
    fn clocks_that_disagree_measure_nothing() {
        for (wall, monotonic, found) in [
            (21_100, 21_000, Some(21_000)),
            (21_100, 100, None),
            (100, 21_100, None),
            (600_000, 575_000, Some(599_900)),
            (120, 100, Some(20)),
            (0, 100, Some(0)),
        ] {
            assert_eq!(
                measured(gap(wall, monotonic)),
                found.map(Milliseconds),
                "{wall} {monotonic}"
            );
        }
    }

    #[test]
    fn a_ticker_that_does_not_measure_reports_nothing() {
        let ticker = Ticker::start();
        assert_eq!(ticker.stop(), None);
        ticker.measure();
        assert!(ticker.stop().is_some());
        assert_eq!(ticker.stop(), None);
    }
}
