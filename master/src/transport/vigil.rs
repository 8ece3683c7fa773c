//! When silence means that the other end is gone.
//!
//! A host that answers nothing for a minute is usually gone. During a Live Update it is usually
//! frozen, on purpose and announced: then silence is noted and nothing is done, no probe, no
//! login, until the time the engine has allowed for it has passed.

use std::time::Duration;

use tokio::time::Instant;

/// How much silence of a host is borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A probe after each interval, and lost after four of them.
    Normal,
    /// The host is in its blackout: silence is only noted until this time, then [`Normal`]
    /// (counting from then on).
    ///
    /// [`Normal`]: Patience::Normal
    Blackout {
        /// The end of the allowed time.
        until: Instant,
    },
}

/// What to do about a host that was last heard some time ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// Look again then.
    Wait { until: Instant },
    /// Ask for a sign of life, then look again then.
    Probe { until: Instant },
    /// The connection is lost.
    GiveUp,
}

/// What is known when the decision is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silence {
    pub(super) now: Instant,
    /// When the other end was last heard.
    pub(super) heard: Instant,
    /// Whether it could be heard: we are not busy with what it said before.
    pub(super) listening: bool,
    pub(super) patience: Patience,
    /// When `patience` was set.
    pub(super) since: Instant,
}

impl Silence {
    pub(super) fn decide(self, interval: Duration, limit: Duration) -> Watch {
        let Self { now, heard, listening, patience, since } = self;
        let counted_from = match patience {
            Patience::Blackout { until } if now < until => return Watch::Wait { until },
            Patience::Blackout { until } => heard.max(until),
            Patience::Normal => heard.max(since),
        };
        if !listening {
            return Watch::Wait { until: now + interval };
        }
        let silent = now.saturating_duration_since(counted_from);
        if silent >= limit {
            Watch::GiveUp
        } else if silent >= interval {
            Watch::Probe { until: now + interval.min(limit - silent) }
        } else {
            Watch::Wait { until: now + (interval - silent) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decision_table() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let blackout = |seconds| Patience::Blackout { until: at(seconds) };
        let normal = Patience::Normal;
        let (wait, probe) = (|s| Watch::Wait { until: at(s) }, |s| Watch::Probe { until: at(s) });
        // now, heard, listening, patience, set at → decision
        for (now, heard, listening, patience, since, expected) in [
            (1000, 1000, true, normal, 0, wait(1015)),
            (1010, 1000, true, normal, 0, wait(1015)),
            (1015, 1000, true, normal, 0, probe(1030)),
            (1050, 1000, true, normal, 0, probe(1060)),
            (1060, 1000, true, normal, 0, Watch::GiveUp),
            (9999, 1000, true, normal, 0, Watch::GiveUp),
            // We are busy with what it sent: no fault of its own.
            (1060, 1000, false, normal, 0, wait(1075)),
            // Frozen: nothing until the allowed time has passed.
            (1060, 1000, true, blackout(1300), 990, wait(1300)),
            (1300, 1000, true, blackout(1300), 990, wait(1315)),
            (1315, 1000, true, blackout(1300), 990, probe(1330)),
            (1360, 1000, true, blackout(1300), 990, Watch::GiveUp),
            // Heard again in time.
            (1360, 1350, true, blackout(1300), 990, wait(1365)),
            // Patience ended early: counted from there, not from before the blackout.
            (1100, 1000, true, normal, 1100, wait(1115)),
            (1160, 1000, true, normal, 1100, Watch::GiveUp),
        ] {
            let silence =
                Silence { now: at(now), heard: at(heard), listening, patience, since: at(since) };
            let decision = silence.decide(Duration::from_secs(15), Duration::from_secs(60));
            assert_eq!(decision, expected, "{silence:?}");
        }
    }
}
