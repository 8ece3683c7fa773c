//! Exit codes: the same for every command, so that scripts can rely on them.

use nim_shared::api::FailureKind;

/// How a run of `nimctl` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done, and what was asked for is true.
    Done,
    /// What was to be printed is lost. Whatever else is wrong is worse.
    Unwritten,
    /// It ran and did not succeed: an update failed.
    DidNotSucceed,
    /// The command line is wrong, or a question had nobody to answer it.
    Usage,
    /// Refused; nothing was changed.
    Refused,
    /// No answer: `nimd`, a console or the LPAR cannot be reached, or a limit passed.
    NoAnswer,
    /// Not allowed.
    NotAllowed,
    /// Interrupted: the operation goes on.
    Interrupted,
    /// As `nim` and its like: the number that goes with NIM's code.
    Nim(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::DidNotSucceed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NoAnswer => 4,
            Self::NotAllowed => 5,
            Self::Unwritten => 6,
            Self::Interrupted => 130,
            Self::Nim(code) => code,
        }
    }
}

impl From<FailureKind> for Exit {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Usage => Self::Usage,
            FailureKind::NotFound | FailureKind::Refused => Self::Refused,
            FailureKind::Unreachable | FailureKind::Internal => Self::NoAnswer,
            FailureKind::Forbidden => Self::NotAllowed,
        }
    }
}
