//! Why a frame is not acted on.

use nim_shared::frame::Refusal;

use crate::supervisor::start;
use crate::text::chain;
use crate::{command, disk, journal};

/// What the master is told instead of an answer. Nothing was changed.
#[derive(Debug)]
pub(super) struct Refused {
    /// For the engine.
    pub(super) why: Refusal,
    /// For a person.
    pub(super) text: String,
}

impl Refused {
    pub(super) fn new(why: Refusal, text: impl Into<String>) -> Self {
        Self { why, text: text.into() }
    }

    /// Too late, or too early.
    pub(super) fn moment(text: impl Into<String>) -> Self {
        Self::new(Refusal::WrongMoment, text)
    }
}

impl From<disk::Error> for Refused {
    fn from(error: disk::Error) -> Self {
        let why = if error.is_no_space() { Refusal::NoSpace } else { Refusal::System };
        Self::new(why, chain(&error))
    }
}

impl From<journal::Error> for Refused {
    fn from(error: journal::Error) -> Self {
        match error {
            journal::Error::Disk(error) => error.into(),
            journal::Error::Damaged { .. } | journal::Error::Full { .. } => {
                Self::new(Refusal::System, chain(&error))
            }
        }
    }
}

impl From<command::Error> for Refused {
    fn from(error: command::Error) -> Self {
        Self::new(Refusal::System, chain(&error))
    }
}

impl From<start::Error> for Refused {
    fn from(error: start::Error) -> Self {
        match error {
            start::Error::Disk(error) => error.into(),
            start::Error::Command(error) => error.into(),
        }
    }
}
