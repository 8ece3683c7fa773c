//! The five stages of an operation, and how one of them ends it.

pub(crate) mod aftercare;
pub(crate) mod alt_disk;
pub(crate) mod backup;
pub(crate) mod clean_up;
pub(crate) mod content;
pub(crate) mod disks;
pub(crate) mod fixes;
pub(crate) mod hook;
pub(crate) mod left;
pub(crate) mod logs;
pub(crate) mod once;
pub(crate) mod post;
pub(crate) mod pre;
pub(crate) mod prep;
pub(crate) mod ready;
pub(crate) mod release;
pub(crate) mod restart;
pub(crate) mod rollback;
pub(crate) mod script;
pub(crate) mod snap;
pub(crate) mod step;
pub(crate) mod token;
pub(crate) mod update;

use nim_shared::operation::{Outcome, Software, StuckReason};

use crate::operation::Verdict;
use crate::supervisor::Error;

/// Why the stages do not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The outcome is decided; what was changed is put back.
    Decided(Verdict),
    /// The supervisor itself cannot go on. Its successor will.
    Broken(Error),
}

impl Stop {
    /// Nothing of the software was touched, and the update does not take place.
    pub(crate) fn failed(summary: impl Into<String>) -> Self {
        Self::decided(Outcome::Failed { software: Software::Unchanged }, summary)
    }

    /// There is nothing to do.
    pub(crate) fn unchanged(summary: impl Into<String>) -> Self {
        Self::decided(Outcome::Unchanged, summary)
    }

    /// Cancelled in time.
    pub(crate) fn cancelled(summary: impl Into<String>) -> Self {
        Self::decided(Outcome::Cancelled, summary)
    }

    /// A person is needed.
    pub(crate) fn stuck(reason: StuckReason, summary: impl Into<String>) -> Self {
        Self::decided(Outcome::Stuck { reason }, summary)
    }

    pub(crate) fn decided(outcome: Outcome, summary: impl Into<String>) -> Self {
        Self::Decided(Verdict::of(outcome, summary))
    }
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}
