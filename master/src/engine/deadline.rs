//! Until when an operation may stay where it is. Past it something is wrong that a person has to look at.

use std::time::Duration;

use nim_shared::stage::{Phase, Point, Stage};
use nim_shared::unit::Seconds;

use super::operation::{Run, Start, State};

/// How long each state, stage and phase may last. Settings of `nimd`.
///
/// Defaults: from the durations and rules of the Live Update reference (§2.6, §7.3 rule 8, §8), generous, because a deadline
/// that bites too early makes work for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// In the queue, waiting for limits.
    pub queued: Seconds,
    /// Reaching the LPAR, before `start` was sent.
    pub connect: Seconds,
    /// An answer to `start`, by `attach` if need be.
    pub start: Seconds,
    /// `pre`, `prep` and `backup` each.
    pub stage: Seconds,
    /// From `ready` until capacity is free.
    pub capacity: Seconds,
    /// `installp` and `emgr`, before the move.
    pub install: Seconds,
    /// One phase of geninstall, outside the silent ones.
    pub phase: Seconds,
    /// Each silent phase, where there is no estimate.
    pub silent: Seconds,
    /// Undo and verification.
    pub post: Seconds,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            queued: Seconds(24 * 3600),
            connect: Seconds(900),
            start: Seconds(900),
            stage: Seconds(2 * 3600),
            capacity: Seconds(4 * 3600),
            install: Seconds(3 * 3600),
            phase: Seconds(2 * 3600),
            silent: Seconds(15 * 60),
            post: Seconds(3600),
        }
    }
}

impl Deadlines {
    /// How long an operation may stay in `state`, counted from when its state, stage or phase was entered. `None`: for ever,
    /// because nothing follows or a person already knows. `estimate` is the preview's for the blackout.
    #[must_use]
    pub fn of(&self, state: &State, estimate: Option<Seconds>) -> Option<Duration> {
        let seconds = match state {
            State::Queued => self.queued,
            State::Dispatching { start: Start::NotSent } => self.connect,
            State::Dispatching { start: Start::Sent } => self.start,
            State::Running(run) => self.of_run(*run, estimate),
            State::Stuck { .. } | State::Ended { .. } => return None,
        };
        Some(seconds.duration())
    }

    fn of_run(&self, run: Run, estimate: Option<Seconds>) -> Seconds {
        match (run.stage, run.phase) {
            // The agent waits as long and then ends by itself: its word, and the undo before it, are waited for.
            (Stage::Pre | Stage::Prep | Stage::Backup, _) if run.point == Some(Point::Ready) => {
                Seconds(self.capacity.0.saturating_add(self.stage.0))
            }
            (Stage::Pre | Stage::Prep | Stage::Backup, _) => self.stage,
            (Stage::Post, _) => self.post,
            (Stage::Update, Some(Phase::Install) | None) => self.install,
            // Live Update reference §7.3 rule 8: five times the estimate, at least a quarter of an hour.
            (Stage::Update, Some(phase)) if phase.is_silent() => {
                Seconds(estimate.map_or(0, |e| e.0.saturating_mul(5)).max(self.silent.0))
            }
            (Stage::Update, Some(_)) => self.phase,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::operation::{Gate, Run};
    use nim_shared::operation::{Outcome, StuckReason};

    #[test]
    fn every_state_that_moves_by_itself_has_a_deadline() {
        let limits = Deadlines::default();
        let running =
            |stage, phase, point| State::Running(Run { stage, phase, point, gate: Gate::Closed });
        let mut states = vec![
            State::Queued,
            State::Dispatching { start: Start::NotSent },
            State::Dispatching { start: Start::Sent },
        ];
        for stage in Stage::ALL {
            states.push(running(*stage, None, None));
            states.push(running(*stage, None, Some(Point::Ready)));
            states.extend(
                Phase::ALL
                    .iter()
                    .map(|phase| running(*stage, Some(*phase), Some(Point::Committed))),
            );
        }
        for state in states {
            assert!(limits.of(&state, None).is_some(), "{state:?}");
        }
        let stuck = State::Stuck { reason: StuckReason::UndoFailed, run: None };
        assert_eq!(limits.of(&stuck, None), None);
        assert_eq!(limits.of(&State::Ended { outcome: Outcome::Unchanged }, None), None);
    }

    #[test]
    fn a_long_blackout_has_five_times_its_estimate() {
        let limits = Deadlines::default();
        let blackout = Run {
            stage: Stage::Update,
            phase: Some(Phase::Blackout),
            point: Some(Point::Committed),
            gate: Gate::Open,
        };
        let of = |estimate| limits.of(&State::Running(blackout), estimate).unwrap().as_secs();
        assert_eq!((of(None), of(Some(Seconds(77))), of(Some(Seconds(600)))), (900, 900, 3000));
    }
}
