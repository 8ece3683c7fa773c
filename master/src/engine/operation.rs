//! What comes next for one operation. Decides, never does: every transition is tested without a host.
//!
//! The state and the actions that follow from a transition are stored in one transaction. After a crash the next owner asks
//! [`Operation::on_claim`] and [`Operation::on_session`] what to do, so every action is one that may be done again.

use nim_shared::frame::Refusal;
use nim_shared::operation::{Outcome, Software, StateName, StuckReason};
use nim_shared::stage::{Phase, Point, Stage};
use serde::{Deserialize, Serialize};

/// One operation as the engine sees it. Who owns it, and under which fence, stands beside it in its row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Operation {
    /// Where it stands.
    pub state: State,
    /// Whether somebody asked for a cancel. Kept until the end: it may not be possible yet, or no longer.
    pub cancel_asked: bool,
}

/// Where an operation stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// The request was committed; no master works on it. Written by `accept`, and when the agent left a tombstone.
    Queued,
    /// A master holds it and opens the session. Written by a claim.
    Dispatching {
        /// Whether `start` may have left the master.
        start: Start,
    },
    /// The agent acknowledged that it took the id. Written by the owner.
    Running(Run),
    /// A person is needed, or the LPAR has to speak again. Keeps LPAR and capacity. Written by the owner.
    Stuck {
        /// Why.
        reason: StuckReason,
        /// How far it had come, where the agent had taken it.
        run: Option<Run>,
    },
    /// Nothing follows. Written by the owner, by a cancel in time, or by `resolve`.
    Ended {
        /// How.
        outcome: Outcome,
    },
}

/// Whether `start` may have left the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Certainly not: it is sent only after [`Event::StartCommitted`] is stored.
    NotSent,
    /// Perhaps: only `attach` tells, and leaves a tombstone where it had not arrived.
    Sent,
}

/// How far the agent has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Run {
    /// The stage it is in.
    pub stage: Stage,
    /// The phase of geninstall, in the stage `update`.
    pub phase: Option<Phase>,
    /// The last point that was passed.
    pub point: Option<Point>,
    /// Whether it may go on after `ready`.
    pub gate: Gate,
}

impl Run {
    /// Just taken.
    pub const NEW: Self = Self { stage: Stage::Pre, phase: None, point: None, gate: Gate::Closed };
}

/// Whether an operation may go on after `ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Capacity is not reserved.
    Closed,
    /// Capacity is reserved and `proceed` may have left the master. Stored before it does.
    Open,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A master took it, from the queue or from one whose lease lapsed.
    Claimed,
    /// It is stored that `start` is about to leave.
    StartCommitted,
    /// The agent has the id: it answered `start` or `attach`, or a record of its journal arrived.
    Taken,
    /// The agent left a tombstone: no `start` up to now was or will be taken.
    Tombstoned,
    /// The agent refused `start`.
    StartRefused(Refusal),
    /// The LPAR could not be reached in time, or not by this master, before `start` was sent.
    GaveUp,
    /// The journal says that a stage was entered.
    Entered(Stage),
    /// The journal says that a phase of geninstall was entered.
    EnteredPhase(Phase),
    /// The journal says that a point was passed.
    Passed(Point),
    /// Capacity is reserved, and it is stored that `proceed` is about to leave.
    ProceedCommitted,
    /// Somebody asked for a cancel.
    CancelAsked,
    /// Last record of the journal.
    Finished(Outcome),
    /// The agent no longer has an operation that it had taken.
    JournalLost,
    /// The LPAR that answers is not the one that took the operation.
    AnotherMachine,
    /// The state or phase lasted longer than it may.
    DeadlinePassed,
    /// A person decided about an operation that is stuck.
    Resolved(Outcome),
}

/// What to do about it. Each may be done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Open a session with the agent; then do what [`Operation::on_session`] says.
    OpenSession,
    /// Store that `start` is about to leave, then send it.
    CommitStart,
    /// Send `start`. Once for each fence.
    SendStart,
    /// Send `attach` from the last stored event on.
    Attach,
    /// Look at cancel, window and fence, reserve capacity, store that `proceed` is about to leave.
    Reserve,
    /// Send `proceed`.
    SendProceed,
    /// Send `cancel`.
    SendCancel,
    /// Close the session; the operation is no longer this master's, or needs it no more.
    CloseSession,
    /// Read the LPAR's and the frame's state anew.
    RefreshInventory,
    /// Tell those who want to know.
    Notify,
    /// Watch the HMC until the surrogate is gone, then release the capacity.
    WatchCapacity,
}

impl Action {
    /// All of them: the kill tests derive their points from this.
    pub const ALL: &'static [Self] = &[
        Self::OpenSession,
        Self::CommitStart,
        Self::SendStart,
        Self::Attach,
        Self::Reserve,
        Self::SendProceed,
        Self::SendCancel,
        Self::CloseSession,
        Self::RefreshInventory,
        Self::Notify,
        Self::WatchCapacity,
    ];

    /// Whether it is a frame that leaves at once.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendStart | Self::SendProceed | Self::SendCancel)
    }

    /// Whether it outlives the session: stored with the transition and done by whoever owns the operation then.
    #[must_use]
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::RefreshInventory | Self::Notify | Self::WatchCapacity)
    }
}

/// An event that does not fit the state. Nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an operation that is {} takes no {event:?}", from.name())]
pub struct Refused {
    /// The state it is in.
    pub from: State,
    /// What happened.
    pub event: Event,
}

impl Operation {
    /// An operation that was just accepted.
    pub const NEW: Self = Self { state: State::Queued, cancel_asked: false };

    /// The operation after `event`, and what to do about it.
    ///
    /// # Errors
    /// [`Refused`] when the event does not fit; everything stays as it was.
    pub fn after(&self, event: Event) -> Result<(Self, Vec<Action>), Refused> {
        use {Action as Do, Event as E, State as S};
        let stay = || self.state.clone();
        let cancel_asked = self.cancel_asked || event == E::CancelAsked;
        let (state, actions) = match (&self.state, event) {
            // Before anything left the master.
            (S::Queued, E::Claimed) => {
                (S::Dispatching { start: Start::NotSent }, vec![Do::OpenSession])
            }
            (S::Queued | S::Dispatching { start: Start::NotSent }, E::CancelAsked) => {
                (ended(Outcome::Cancelled), vec![Do::Notify, Do::CloseSession])
            }
            (S::Queued, E::DeadlinePassed) => (ended(Outcome::Cancelled), vec![Do::Notify]),
            (S::Dispatching { start: Start::NotSent }, E::Claimed) => {
                (stay(), vec![Do::OpenSession])
            }
            (S::Dispatching { start: Start::NotSent }, E::StartCommitted) => {
                (S::Dispatching { start: Start::Sent }, vec![Do::SendStart])
            }
            (
                S::Dispatching { start: Start::NotSent },
                E::GaveUp | E::DeadlinePassed | E::AnotherMachine,
            ) => (ended(NOT_STARTED), vec![Do::Notify, Do::CloseSession]),

            // `start` may be anywhere.
            (S::Dispatching { start: Start::Sent }, E::Claimed) => (stay(), vec![Do::OpenSession]),
            (S::Dispatching { .. }, E::Taken) => {
                (S::Running(Run::NEW), owed(Run::NEW, cancel_asked))
            }
            (S::Dispatching { .. }, E::Tombstoned | E::StartRefused(Refusal::Tombstoned)) => {
                if cancel_asked {
                    (ended(Outcome::Cancelled), vec![Do::Notify, Do::CloseSession])
                } else {
                    // A new claim raises the fence above the tombstone's.
                    (S::Queued, vec![Do::CloseSession])
                }
            }
            (S::Dispatching { .. }, E::StartRefused(Refusal::StaleFence)) => {
                (stay(), vec![Do::CloseSession])
            }
            (S::Dispatching { .. }, E::StartRefused(_)) => {
                let outcome = if cancel_asked { Outcome::Cancelled } else { NOT_STARTED };
                (ended(outcome), vec![Do::Notify, Do::CloseSession])
            }
            (S::Dispatching { start: Start::Sent }, E::CancelAsked) => (stay(), vec![]),
            (S::Dispatching { start: Start::Sent }, E::GaveUp) => (stay(), vec![]),
            (S::Dispatching { start: Start::Sent }, E::DeadlinePassed) => {
                (stuck(StuckReason::DeadlinePassed, None), vec![Do::Notify])
            }
            (S::Dispatching { start: Start::Sent }, E::AnotherMachine) => {
                (stuck(StuckReason::AnotherMachine, None), vec![Do::Notify, Do::CloseSession])
            }

            // The agent has it.
            (S::Running(_), E::Claimed) => (stay(), vec![Do::OpenSession]),
            (S::Running(run), E::Taken) => (stay(), owed(*run, cancel_asked)),
            (S::Running(run), E::Entered(stage)) => {
                (S::Running(Run { stage, phase: None, ..*run }), vec![])
            }
            (S::Running(run), E::EnteredPhase(phase)) => {
                (S::Running(Run { phase: Some(phase), ..*run }), vec![])
            }
            (S::Running(run), E::Passed(point)) => {
                let run = Run { point: Some(point), ..*run };
                let next = if point == Point::Ready { owed(run, cancel_asked) } else { vec![] };
                (S::Running(run), next)
            }
            (S::Running(run), E::ProceedCommitted)
                if run.point == Some(Point::Ready) && !cancel_asked =>
            {
                (S::Running(Run { gate: Gate::Open, ..*run }), vec![Do::SendProceed])
            }
            (S::Running(_), E::CancelAsked) => (stay(), vec![Do::SendCancel]),
            (S::Running(run), E::JournalLost | E::Tombstoned) => {
                (stuck(StuckReason::JournalLost, Some(*run)), vec![Do::Notify, Do::CloseSession])
            }
            (S::Running(run), E::AnotherMachine) => {
                (stuck(StuckReason::AnotherMachine, Some(*run)), vec![Do::Notify, Do::CloseSession])
            }
            (S::Running(run), E::DeadlinePassed) => {
                (stuck(StuckReason::DeadlinePassed, Some(*run)), vec![Do::Notify])
            }
            (S::Running(run), E::Finished(Outcome::Stuck { reason })) => {
                (stuck(reason, Some(*run)), vec![Do::Notify, Do::RefreshInventory])
            }
            (S::Running(_), E::Finished(outcome)) => (ended(outcome), AT_THE_END.to_vec()),

            // A person is needed; until one decides, what the LPAR says counts.
            (S::Stuck { .. }, E::Claimed) => (stay(), vec![Do::OpenSession]),
            (S::Stuck { reason: StuckReason::DeadlinePassed, run }, E::Taken) => {
                let run = run.unwrap_or(Run::NEW);
                (S::Running(run), owed(run, cancel_asked))
            }
            (S::Stuck { reason: StuckReason::DeadlinePassed, run: None }, E::Tombstoned) => {
                (ended(NOT_STARTED), vec![Do::Notify, Do::CloseSession])
            }
            (S::Stuck { .. }, E::Taken | E::GaveUp | E::DeadlinePassed | E::CancelAsked) => {
                (stay(), vec![])
            }
            (S::Stuck { run, .. }, E::Tombstoned | E::JournalLost) => {
                (stuck(StuckReason::JournalLost, *run), vec![Do::CloseSession])
            }
            (S::Stuck { run, .. }, E::AnotherMachine) => {
                (stuck(StuckReason::AnotherMachine, *run), vec![Do::CloseSession])
            }
            (S::Stuck { reason, run }, E::Entered(stage)) => {
                let run = Run { stage, phase: None, ..run.unwrap_or(Run::NEW) };
                (stuck(*reason, Some(run)), vec![])
            }
            (S::Stuck { reason, run }, E::EnteredPhase(phase)) => {
                let run = Run { phase: Some(phase), ..run.unwrap_or(Run::NEW) };
                (stuck(*reason, Some(run)), vec![])
            }
            (S::Stuck { reason, run }, E::Passed(point)) => {
                let run = Run { point: Some(point), ..run.unwrap_or(Run::NEW) };
                (stuck(*reason, Some(run)), vec![])
            }
            (S::Stuck { run, .. }, E::Finished(Outcome::Stuck { reason })) => {
                (stuck(reason, *run), vec![])
            }
            (S::Stuck { .. }, E::Finished(outcome) | E::Resolved(outcome)) => {
                (ended(outcome), AT_THE_END.to_vec())
            }

            // What is late about something that is over changes nothing.
            (S::Ended { .. }, E::CancelAsked | E::DeadlinePassed | E::Taken | E::GaveUp) => {
                (stay(), vec![])
            }

            // Every state by name: a new one does not compile until somebody has decided about it.
            (
                S::Queued
                | S::Dispatching { .. }
                | S::Running(_)
                | S::Stuck { .. }
                | S::Ended { .. },
                event,
            ) => return Err(Refused { from: stay(), event }),
        };
        Ok((Self { state, cancel_asked }, actions))
    }

    /// What the owner does first: after a claim, a takeover, or a restart.
    #[must_use]
    pub const fn on_claim(&self) -> Option<Action> {
        match self.state {
            State::Queued | State::Ended { .. } => None,
            State::Dispatching { .. } | State::Running(_) | State::Stuck { .. } => {
                Some(Action::OpenSession)
            }
        }
    }

    /// What the owner does once `hello` was exchanged. `start` goes out only where none can have left before; in every other
    /// case `attach` asks.
    #[must_use]
    pub const fn on_session(&self) -> Option<Action> {
        match self.state {
            State::Dispatching { start: Start::NotSent } => Some(Action::CommitStart),
            State::Dispatching { start: Start::Sent } | State::Running(_) | State::Stuck { .. } => {
                Some(Action::Attach)
            }
            State::Queued | State::Ended { .. } => None,
        }
    }

    /// The state by name.
    #[must_use]
    pub const fn name(&self) -> StateName {
        self.state.name()
    }
}

impl State {
    /// The state by name.
    #[must_use]
    pub const fn name(&self) -> StateName {
        match self {
            Self::Queued => StateName::Queued,
            Self::Dispatching { .. } => StateName::Dispatching,
            Self::Running(_) => StateName::Running,
            Self::Stuck { .. } => StateName::Stuck,
            Self::Ended { outcome } => outcome.state(),
        }
    }

    /// Whether the agent waits for `proceed`, as far as its journal tells.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Running(run) if run.point == Some(Point::Ready) && run.stage < Stage::Update)
    }

    /// How far the agent has come, where it had taken the operation.
    #[must_use]
    pub const fn run(&self) -> Option<Run> {
        match self {
            Self::Running(run) => Some(*run),
            Self::Stuck { run, .. } => *run,
            Self::Queued | Self::Dispatching { .. } | Self::Ended { .. } => None,
        }
    }
}

/// Nothing was touched on the LPAR.
const NOT_STARTED: Outcome = Outcome::Failed { software: Software::Unchanged };

/// What follows from the end of an operation that the agent had taken.
const AT_THE_END: &[Action] =
    &[Action::RefreshInventory, Action::Notify, Action::WatchCapacity, Action::CloseSession];

const fn ended(outcome: Outcome) -> State {
    State::Ended { outcome }
}

const fn stuck(reason: StuckReason, run: Option<Run>) -> State {
    State::Stuck { reason, run }
}

/// What the agent waits for, as far as the stored events tell. Asked again after each `attach`: a command that had arrived is
/// one that the agent knows already.
fn owed(run: Run, cancel_asked: bool) -> Vec<Action> {
    match (run.point, run.gate) {
        _ if cancel_asked => vec![Action::SendCancel],
        (Some(Point::Ready), Gate::Closed) => vec![Action::Reserve],
        (Some(Point::Ready), Gate::Open) => vec![Action::SendProceed],
        (None | Some(Point::InstallBegun | Point::Committed | Point::Moved), _) => vec![],
    }
}

#[cfg(test)]
mod tests;
