//! What an agent's journal says, in the engine's terms. Pure.
//!
//! Nothing that comes from a host is trusted: an event counts only when it is the next one of its own operation, and its hash
//! that of its text after the one before. Times and texts of the LPAR are kept for display, nothing is decided by them.

use nim_shared::frame::{Body, Known, Position, Recorded};
use nim_shared::id::{Digest, OperationId};
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
    /// Its hash is not that of its record: the journal was changed, or another one was put in its place.
    #[error("the hash of event {epoch}/{seq} is not that of its record after the one before")]
    Hash {
        /// Epoch of the event.
        epoch: nim_shared::id::Epoch,
        /// Number of the event.
        seq: nim_shared::id::Seq,
    },
    /// It comes after the last record.
    #[error("an event after the agent's last record")]
    AfterTheEnd,
}

impl Progress {
    /// Takes an event of `operation` in.
    ///
    /// # Errors
    /// [`Violation`]; the progress stays as it was.
    pub fn take(&mut self, operation: OperationId, recorded: &Recorded) -> Result<Step, Violation> {
        let event = &recorded.event;
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
        let opens = (event.epoch > at.epoch && event.seq.0 == 1)
            .then(|| opened_after(&event.body))
            .flatten();
        let Some(before) = continues.then_some(at.hash).or(opens) else {
            return Err(Violation::Jump {
                expected: at,
                found_epoch: event.epoch,
                found_seq: event.seq,
            });
        };
        if !recorded.follows(before) {
            return Err(Violation::Hash { epoch: event.epoch, seq: event.seq });
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
                self.report = Some((**report).clone());
                Some(Event::Finished(report.outcome.clone()))
            }
            Known::Check { .. }
            | Known::BlackoutEnded { .. }
            | Known::Freeze(_)
            | Known::Code { .. }
            | Known::Change(_)
            | Known::Exposed(_)
            | Known::Part(_)
            | Known::Script(_)
            | Known::Log(_)
            | Known::Snapshot { .. }
            | Known::CancelAccepted { .. }
            | Known::FenceRaised { .. }
            | Known::Note { .. }
            // What an agent sends as such is no more than a text.
            | Known::Found(_) => None,
        }
    }
}

/// The hash before an event that may begin a new line of history: what stands in that journal, which need not be stored here.
fn opened_after(body: &Body) -> Option<Digest> {
    match body {
        Body::Known(known) => match **known {
            Known::EpochOpened { found, .. } => Some(found.hash),
            _ => None,
        },
        Body::Other(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nim_shared::frame::Record;
    use nim_shared::id::{Epoch, Seq};
    use nim_shared::operation::Named;
    use nim_shared::stage::Stage;
    use nim_shared::stamp::Timestamp;

    fn operation(number: u128) -> OperationId {
        OperationId(uuid::Uuid::from_u128(number))
    }

    /// The event that an honest agent sends after what `progress` has.
    fn event(progress: &Progress, epoch: u64, seq: u64, body: impl Into<Body>) -> Recorded {
        let at = Timestamp::from_unix_micros(0);
        let body = body.into();
        let record = Record { epoch: Epoch(epoch), seq: Seq(seq), at, rootvg: vec![], body };
        Recorded::after(progress.position.hash, operation(1), record).unwrap()
    }

    fn note() -> Known {
        Known::Note { text: "n".to_owned() }
    }

    fn opened(found: Position) -> Known {
        Known::EpochOpened { claimed: Position::START, found }
    }

    fn finished() -> Known {
        Known::Finished(Box::new(Report::of(Outcome::Unchanged, "")))
    }

    fn after(body: Known) -> Progress {
        let mut progress = Progress::START;
        let event = event(&progress, 1, 1, body);
        progress.take(operation(1), &event).unwrap();
        progress
    }

    #[test]
    fn the_next_event_counts_and_a_repeated_one_does_not() {
        let mut progress = after(note());
        let repeated = event(&Progress::START, 1, 1, note());
        assert_eq!(progress.take(operation(1), &repeated), Ok(Step::Repeated));
        let entered = event(&progress, 1, 2, Known::Stage { stage: Named::Known(Stage::Prep) });
        let step = progress.take(operation(1), &entered);
        assert_eq!(step, Ok(Step::Next(Some(Event::Entered(Stage::Prep)))));
        assert_eq!(progress.position.seq, Seq(2));
    }

    #[test]
    fn jumps_and_foreign_events_change_nothing() {
        let before = after(note());
        let event = |epoch, seq, body: Known| event(&before, epoch, seq, body);
        let mut foreign = event(1, 2, note());
        foreign.event.operation = operation(2);
        let hostile = [
            event(1, 3, note()),
            event(2, 1, note()),
            event(3, 1, note()),
            event(2, 2, opened(before.position)),
            event(u64::MAX, u64::MAX, note()),
            foreign,
        ];
        for event in hostile {
            let mut progress = before.clone();
            assert!(progress.take(operation(1), &event).is_err(), "{event:?}");
            assert_eq!(progress, before);
        }
    }

    #[test]
    fn a_record_whose_hash_does_not_fit_changes_nothing() {
        let before = after(note());
        let honest = event(&before, 1, 2, note());
        let changed = Recorded { text: honest.text.replace("\"n\"", "\"m\""), ..honest.clone() };
        let other = after(Known::Note { text: "another journal".to_owned() });
        let elsewhere = event(&other, 1, 2, note());
        let unchained = event(&before, 2, 1, opened(other.position));
        for event in [changed, elsewhere, unchained] {
            let mut progress = before.clone();
            let (epoch, seq) = (event.event.epoch, event.event.seq);
            assert_eq!(progress.take(operation(1), &event), Err(Violation::Hash { epoch, seq }));
            assert_eq!(progress, before);
        }
        assert!(before.clone().take(operation(1), &honest).is_ok());
        let mut elsewhere = before;
        let opening = event(&other, 2, 1, opened(other.position));
        assert_eq!(elsewhere.take(operation(1), &opening), Ok(Step::Next(None)));
    }

    #[test]
    fn a_new_epoch_forgets_what_the_old_one_said_of_the_end() {
        let ended = after(finished());
        assert!(ended.report.is_some());
        let late = event(&ended, 1, 2, note());
        assert_eq!(ended.clone().take(operation(1), &late), Err(Violation::AfterTheEnd));
        let mut other = ended;
        let opening = event(&other, 2, 1, opened(other.position));
        assert_eq!(other.take(operation(1), &opening), Ok(Step::Next(None)));
        assert_eq!(other.report, None);
        let next = event(&other, 2, 2, note());
        assert_eq!(other.take(operation(1), &next), Ok(Step::Next(None)));
    }

    #[test]
    fn what_a_newer_agent_says_is_stored_and_means_nothing() {
        let mut progress = Progress::START;
        let newer = event(&progress, 1, 1, Body::Other(serde_json::json!({"kind": "x"})));
        assert_eq!(progress.take(operation(1), &newer), Ok(Step::Next(None)));
        let later = Known::Stage { stage: Named::Other("seance".to_owned()) };
        let later = event(&progress, 1, 2, later);
        assert_eq!(progress.take(operation(1), &later), Ok(Step::Next(None)));
    }
}
