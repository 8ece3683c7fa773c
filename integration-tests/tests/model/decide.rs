//! What a master decides about one operation: a row, what happened, the row after. Nothing else in the model knows these
//! rules, so that this file can be exchanged for the engine's own function.

/// The part of an operation's row that decisions read and write. Fence and owner are the store's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) state: State,
    /// Somebody asked for a cancel, and was told that it is recorded.
    pub(crate) cancel: bool,
}

/// The states of DESIGN §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// The request is committed.
    Queued,
    /// Claimed. `start_sent` is committed before `start` leaves the master.
    Dispatching { start_sent: bool },
    /// The agent acknowledged that it took the id. `proceed` is committed before it leaves the master.
    Running { ready: bool, proceed: bool },
    /// Terminal.
    Ended(Outcome),
    /// The agent no longer has an operation that it had acknowledged.
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
    /// Commit [`Happened::Proceed`] where that was not done, then send `proceed`.
    Proceed,
    Cancel,
    Forget,
}

impl Row {
    pub(crate) const NEW: Self = Self { state: State::Queued, cancel: false };

    /// The row after `happened`; `None` when that does not concern the row as it stands.
    pub(crate) fn after(self, happened: Happened) -> Option<Self> {
        use {Happened as H, State as S};
        let Self { state, cancel } = self;
        let to = |state| Some(Self { state, cancel });
        match (state, happened) {
            (S::Queued, H::Claimed) => to(S::Dispatching { start_sent: false }),
            (S::Dispatching { .. } | S::Running { .. } | S::Stuck, H::Claimed) => Some(self),
            (S::Queued | S::Dispatching { start_sent: false }, H::CancelAsked) => {
                to(S::Ended(Outcome::Cancelled))
            }
            (S::Dispatching { start_sent: true } | S::Running { .. }, H::CancelAsked) => {
                Some(Self { state, cancel: true })
            }
            (S::Dispatching { .. }, H::StartSent) => to(S::Dispatching { start_sent: true }),
            (S::Dispatching { .. }, H::Taken) => to(S::Running { ready: false, proceed: false }),
            (S::Dispatching { .. }, H::Tombstoned) if cancel => to(S::Ended(Outcome::Cancelled)),
            (S::Dispatching { .. }, H::Tombstoned) => to(S::Queued),
            (S::Running { .. }, H::Tombstoned) => to(S::Stuck),
            (S::Running { proceed, .. }, H::Ready) => to(S::Running { ready: true, proceed }),
            (S::Running { ready: true, .. }, H::Proceed) if !cancel => {
                to(S::Running { ready: true, proceed: true })
            }
            (S::Dispatching { .. } | S::Running { .. } | S::Stuck, H::Finished(outcome)) => {
                to(S::Ended(outcome))
            }
            (S::Queued | S::Dispatching { .. } | S::Running { .. } | S::Ended(_) | S::Stuck, _) => {
                None
            }
        }
    }

    /// What is open.
    pub(crate) fn orders(self) -> &'static [Order] {
        match (self.state, self.cancel) {
            (State::Queued, _) => &[],
            (State::Dispatching { start_sent: false }, _) => &[Order::Start],
            (State::Dispatching { start_sent: true } | State::Stuck, _) => &[Order::Attach],
            (State::Running { .. }, true) => &[Order::Attach, Order::Cancel],
            (State::Running { ready: true, .. }, false) => &[Order::Attach, Order::Proceed],
            (State::Running { ready: false, .. }, false) => &[Order::Attach],
            (State::Ended(_), _) => &[Order::Forget],
        }
    }

    /// Whether another operation may be accepted for the LPAR, and nothing more is owed to whoever asked for this one.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self.state, State::Ended(_))
    }
}
