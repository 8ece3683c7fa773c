//! What an agent's journal says, in the engine's terms. Pure.
//!
//! Nothing that comes from a host is trusted: an event counts only when it is the next one of its own operation. Times and
//! texts of the LPAR are kept for display, nothing is decided by them.

use nim_shared::frame::{Body, Event as JournalEvent, Known, Position};
use nim_shared::id::OperationId;
use nim_shared::operation::{Outcome, Report};
use nim_shared::unit::Seconds;
use serde::{Deserialize, Serialize};

use super::operation::Event;

/// Where the stored journal of one operation ends, and what it said on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The last event that is stored.
    pub position: Position,
    /// What the preview estimated for the standstill.
    pub estimated_blackout: Option<Seconds>,
    /// What the preview estimated for the whole update.
    pub estimated_total: Option<Seconds>,
    /// The agent's report, once it has made one.
    pub report: Option<Report>,
}

impl Progress {
    /// Nothing is stored yet.
    pub const START: Self = Self {
        position: Position::START,
        estimated_blackout: None,
        estimated_total: None,
        report: None,
    };
}

/// What an event is, next to those that are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is stored already: an older connection brought it.
    Repeated,
    /// It is the next. What it means for the operation, where it means something.
    Next(Option<Event>),
}

/// An event that no honest agent sends. The session ends; nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// It names another operation than the session is about.
    #[error("an event of operation {found} in the session of {expected}")]
    AnotherOperation {
        /// The session's.
        expected: OperationId,
        /// The event's.
        found: OperationId,
    },
    /// It is not the next one.
    #[error(
        "event {found_epoch}/{found_seq} after {}/{}",
        expected.epoch, expected.seq
    )]
    Jump {
        /// The last stored one.
        expected: Position,
        /// Epoch of the event.
        found_epoch: nim_shared::id::Epoch,
        /// Number of the event.
        found_seq: nim_shared::id::Seq,
    },
    /// It comes after the last record.
    #[error("an event after the agent's last record")]
    AfterTheEnd,
}

impl Progress {
    /// Takes `event` of `operation` in.
    ///
    /// # Errors
    /// [`Violation`]; the progress stays as it was.
    pub fn take(
        &mut self,
        operation: OperationId,
        event: &JournalEvent,
    ) -> Result<Step, Violation> {
        if event.operation != operation {
            return Err(Violation::AnotherOperation {
                expected: operation,
                found: event.operation,
            });
        }
        let at = self.position;
        if event.epoch < at.epoch || (event.epoch == at.epoch && event.seq <= at.seq) {
            return Ok(Step::Repeated);
        }
        let continues = event.epoch == at.epoch && event.seq == at.seq.next();
        // A database that lost its last commits may have missed an epoch: any later one may begin.
        let opens = event.epoch > at.epoch && event.seq.0 == 1 && is_opening(&event.body);
        if !continues && !opens {
            return Err(Violation::Jump {
                expected: at,
                found_epoch: event.epoch,
                found_seq: event.seq,
            });
        }
        // A journal goes on after "stuck": a later supervisor may put back what this one could not.
        let over = |report: &Report| !matches!(report.outcome, Outcome::Stuck { .. });
        if continues && self.report.as_ref().is_some_and(over) {
            return Err(Violation::AfterTheEnd);
        }
        self.position = Position { epoch: event.epoch, seq: event.seq, hash: event.hash };
        let Body::Known(known) = &event.body else { return Ok(Step::Next(None)) };
        Ok(Step::Next(self.learn(known)))
    }

    fn learn(&mut self, known: &Known) -> Option<Event> {
        match known {
            Known::Taken { .. } | Known::Adopted { .. } => Some(Event::Taken),
            Known::Stage { stage } => stage.known().map(Event::Entered),
            Known::Phase { phase, .. } => phase.known().map(Event::EnteredPhase),
            Known::Point { point } => point.known().map(Event::Passed),
            Known::Estimate { blackout, total } => {
                self.estimated_blackout = blackout.or(self.estimated_blackout);
                self.estimated_total = total.or(self.estimated_total);
                None
            }
            Known::EpochOpened { .. } => {
                // What the other line of history said about an end is not true of this one.
                self.report = None;
                None
            }
            Known::Finished(report) => {
                self.report = Some(report.clone());
                Some(Event::Finished(report.outcome.clone()))
            }
            Known::Check { .. }
            | Known::BlackoutEnded { .. }
            | Known::Freeze(_)
            | Known::Code { .. }
            | Known::Change(_)
            | Known::Snapshot { .. }
            | Known::CancelAccepted { .. }
            | Known::FenceRaised { .. }
            | Known::Note { .. } => None,
        }
    }
}

/// Whether an event may begin a new line of history.
fn is_opening(body: &Body) -> bool {
    matches!(body, Body::Known(known) if matches!(**known, Known::EpochOpened { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nim_shared::id::{Digest, Epoch, Seq};
    use nim_shared::operation::Named;
    use nim_shared::stage::Stage;
    use nim_shared::stamp::Timestamp;

    fn operation(number: u128) -> OperationId {
        OperationId(uuid::Uuid::from_u128(number))
    }

    fn event(epoch: u64, seq: u64, body: impl Into<Body>) -> JournalEvent {
        JournalEvent {
            operation: operation(1),
            epoch: Epoch(epoch),
            seq: Seq(seq),
            hash: Digest::of(&seq.to_be_bytes()),
            at: Timestamp::from_unix_micros(0),
            body: body.into(),
        }
    }

    fn note() -> Known {
        Known::Note { text: "n".to_owned() }
    }

    fn opened() -> Known {
        Known::EpochOpened { claimed: Position::START, found: Position::START }
    }

    fn finished() -> Known {
        Known::Finished(Report {
            outcome: Outcome::Unchanged,
            summary: String::new(),
            codes: vec![],
            before: None,
            after: None,
            blackout: nim_shared::operation::Blackout::default(),
            estimated_total: None,
        })
    }

    fn after(events: Vec<JournalEvent>) -> Progress {
        let mut progress = Progress::START;
        for event in events {
            progress.take(operation(1), &event).unwrap();
        }
        progress
    }

    #[test]
    fn the_next_event_counts_and_a_repeated_one_does_not() {
        let mut progress = after(vec![event(1, 1, note())]);
        assert_eq!(progress.take(operation(1), &event(1, 1, note())), Ok(Step::Repeated));
        let entered = Known::Stage { stage: Named::Known(Stage::Prep) };
        let step = progress.take(operation(1), &event(1, 2, entered));
        assert_eq!(step, Ok(Step::Next(Some(Event::Entered(Stage::Prep)))));
        assert_eq!(progress.position.seq, Seq(2));
    }

    #[test]
    fn jumps_and_foreign_events_change_nothing() {
        let before = after(vec![event(1, 1, note())]);
        let hostile = [
            event(1, 3, note()),
            event(2, 1, note()),
            event(3, 1, note()),
            event(2, 2, opened()),
            event(u64::MAX, u64::MAX, note()),
            JournalEvent { operation: operation(2), ..event(1, 2, note()) },
        ];
        for event in hostile {
            let mut progress = before.clone();
            assert!(progress.take(operation(1), &event).is_err(), "{event:?}");
            assert_eq!(progress, before);
        }
    }

    #[test]
    fn a_new_epoch_forgets_what_the_old_one_said_of_the_end() {
        let ended = after(vec![event(1, 1, finished())]);
        assert!(ended.report.is_some());
        assert_eq!(
            ended.clone().take(operation(1), &event(1, 2, note())),
            Err(Violation::AfterTheEnd)
        );
        let mut other = ended;
        assert_eq!(other.take(operation(1), &event(2, 1, opened())), Ok(Step::Next(None)));
        assert_eq!(other.report, None);
        assert_eq!(other.take(operation(1), &event(2, 2, note())), Ok(Step::Next(None)));
    }

    #[test]
    fn what_a_newer_agent_says_is_stored_and_means_nothing() {
        let mut progress = Progress::START;
        let newer = event(1, 1, Body::Other(serde_json::json!({"kind": "x"})));
        assert_eq!(progress.take(operation(1), &newer), Ok(Step::Next(None)));
        let later = Known::Stage { stage: Named::Other("seance".to_owned()) };
        assert_eq!(progress.take(operation(1), &event(1, 2, later)), Ok(Step::Next(None)));
    }
}
