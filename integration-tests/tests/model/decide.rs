//! What a master decides about one operation: the engine's own function, in the words of the model.
//!
//! `nim_master::engine::operation` is what ships and what is checked here. The model reads less of a state than the engine
//! keeps, and an owner's open orders are asked for rather than remembered, as after a takeover.

use nim_master::engine::operation::{Action, Event, Operation, State as Engine};
use nim_shared::frame::Refusal;
use nim_shared::operation::{Outcome as Reported, Software};
use nim_shared::stage::Point;

/// The part of an operation's row that decisions read and write. Fence and owner are the store's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row(Operation);

/// Where a row stands, as far as the properties of the model ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Queued,
    Dispatching,
    Running,
    Ended(Outcome),
    Stuck,
}

/// How an operation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    Cancelled,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Happened {
    /// A master holds the lease, with a new fence.
    Claimed,
    CancelAsked,
    /// The master is about to send `start`.
    StartSent,
    /// The agent has the operation.
    Taken,
    /// The agent does not have it, and a tombstone stands in its place.
    Tombstoned,
    /// The agent refused `start`, because something else has the LPAR.
    Busy,
    /// The event `ready` was stored.
    Ready,
    /// Cancel, window and fence were looked at again, capacity is reserved; the master is about to send `proceed`.
    Proceed,
    /// The last record of the journal was stored.
    Finished(Outcome),
}

/// What an owner has to do for a row as it stands. Each can be done any number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    /// Commit [`Happened::StartSent`], then send `start`.
    Start,
    Attach,
    /// Commit [`Happened::Proceed`], then send `proceed`.
    Proceed,
    Cancel,
    Forget,
}

impl Row {
    /// A row that was just accepted.
    pub(crate) const NEW: Self = Self(Operation::NEW);

    /// A row for an operation that an agent runs and the database does not know.
    pub(crate) fn adopted() -> Self {
        [Happened::Claimed, Happened::StartSent, Happened::Taken]
            .into_iter()
            .try_fold(Self::NEW, |row, happened| row.after(happened))
            .expect("the way of every operation")
    }

    /// The row after `happened`; `None` when that does not concern the row as it stands.
    pub(crate) fn after(&self, happened: Happened) -> Option<Self> {
        let event = match happened {
            Happened::Claimed => Event::Claimed,
            Happened::CancelAsked => Event::CancelAsked,
            Happened::StartSent => Event::StartCommitted,
            Happened::Taken => Event::Taken,
            Happened::Tombstoned => Event::Tombstoned,
            Happened::Busy => Event::StartRefused(Refusal::Busy),
            Happened::Ready => Event::Passed(Point::Ready),
            Happened::Proceed => Event::ProceedCommitted,
            Happened::Finished(outcome) => Event::Finished(outcome.reported()),
        };
        self.0.after(event).ok().map(|(after, _)| Self(after))
    }

    /// What is open: what the engine asks for once a session is open, and after the agent said that it has the operation.
    pub(crate) fn orders(&self) -> Vec<Order> {
        let first = self.0.on_session().into_iter();
        let taken = matches!(self.0.state, Engine::Running(_));
        let owed = taken.then(|| self.0.after(Event::Taken).ok()).flatten();
        let mut orders: Vec<Order> = first
            .chain(owed.into_iter().flat_map(|(_, actions)| actions))
            .filter_map(|action| match action {
                Action::CommitStart | Action::SendStart => Some(Order::Start),
                Action::Attach => Some(Order::Attach),
                Action::Reserve | Action::SendProceed => Some(Order::Proceed),
                Action::SendCancel => Some(Order::Cancel),
                Action::OpenSession
                | Action::CloseSession
                | Action::RefreshInventory
                | Action::Notify
                | Action::WatchCapacity => None,
            })
            .collect();
        if self.is_terminal() {
            orders.push(Order::Forget);
        }
        orders
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> State {
        match &self.0.state {
            Engine::Queued => State::Queued,
            Engine::Dispatching { .. } => State::Dispatching,
            Engine::Running(_) => State::Running,
            Engine::Stuck { .. } => State::Stuck,
            Engine::Ended { outcome } => State::Ended(match outcome {
                Reported::Succeeded { .. } => Outcome::Succeeded,
                Reported::Cancelled => Outcome::Cancelled,
                Reported::Failed { .. } | Reported::Unchanged | Reported::Stuck { .. } => {
                    Outcome::Failed
                }
            }),
        }
    }

    /// Somebody asked for a cancel, and was told that it is recorded.
    pub(crate) fn cancel_asked(&self) -> bool {
        self.0.cancel_asked
    }

    /// Whether another operation may be accepted for the LPAR, and nothing more is owed to whoever asked for this one.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.0.state, Engine::Ended { .. })
    }
}

impl Outcome {
    fn reported(self) -> Reported {
        match self {
            Self::Succeeded => Reported::Succeeded { follow_up: Vec::new() },
            Self::Failed => Reported::Failed { software: Software::Unchanged },
            Self::Cancelled => Reported::Cancelled,
        }
    }
}
