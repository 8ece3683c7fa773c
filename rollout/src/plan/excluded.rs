//! Who is left out, and why.

use nim_shared::api::LeftOut;
use nim_shared::unit::{ProcessorUnits, Seconds};

/// Somebody who is left out for this reason.
#[must_use]
pub(crate) fn left_out(name: &str, why: &Why) -> LeftOut {
    LeftOut { name: name.to_owned(), why: why.to_string(), proposals: Vec::new() }
}

/// Why somebody is left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No such LPAR.
    #[error("no LPAR is called so")]
    NoSuchLpar,
    /// No such group.
    #[error("no LPAR is in a group that is called so")]
    NoSuchGroup,
    /// `exclude` names it.
    #[error("the file excludes it")]
    ByFile,
    /// Its level.
    #[error("its level is {}, and {wanted} is asked for", level.as_deref().unwrap_or("not known"))]
    Level {
        /// Its level, where it is known.
        level: Option<String>,
        /// What is asked for.
        wanted: String,
    },
    /// A node of a cluster that is not updated so.
    #[error(
        "is a node of the {software} cluster \"{}\", which is not updated in a rollout",
        nim_shared::id::printable(name)
    )]
    Cluster {
        /// Its software.
        software: &'static str,
        /// Its name.
        name: String,
    },
    /// What rules a Live Update out.
    #[error("a Live Update of it is ruled out: {}", .0.iter().map(|one| nim_shared::id::printable(one)).collect::<Vec<_>>().join("; "))]
    Blocked(Vec<String>),
    /// More than there is.
    #[error("needs {needed} of {what}, and there are {there} when nothing else runs")]
    TooLarge {
        /// Of what.
        what: String,
        /// What it needs.
        needed: String,
        /// What there is.
        there: String,
        /// Of what, for the proposals.
        shortage: Shortage,
    },
    /// The partition id that it asks for.
    #[error("asks for the partition id {0}, which is taken on its frame")]
    IdTaken(u32),
    /// No window at all.
    #[error("no window is for it before the rollout's deadline")]
    NoWindow,
    /// No window that is long enough.
    #[error(
        "may take {needed}, and the longest window for it before the rollout's deadline has {longest}"
    )]
    WindowTooShort {
        /// How long it may take.
        needed: Seconds,
        /// The longest window.
        longest: Seconds,
    },
    /// Its blackout.
    #[error("its workload may stand still for {predicted}, and {budget} are allowed")]
    Blackout {
        /// What is predicted.
        predicted: Seconds,
        /// What is allowed.
        budget: Seconds,
    },
    /// Its blackout is not known.
    #[error(
        "how long its workload will stand still is not known, and there is a budget for it: a preview estimates it"
    )]
    BlackoutUnknown,
    /// The blackouts of its service.
    #[error(
        "the workloads of \"{}\" may stand still for {budget} together, and with this one for {predicted}",
        nim_shared::id::printable(service)
    )]
    Service {
        /// The service.
        service: String,
        /// What is predicted with this one.
        predicted: Seconds,
        /// What is allowed.
        budget: Seconds,
    },
    /// No wave takes it.
    #[error("no wave takes it")]
    NoWave,
    /// There is no time left.
    #[error("does not come to its turn before the rollout's deadline")]
    NoTime,
}

/// What there is too little of, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Memory, in MB.
    Memory {
        /// What is missing.
        missing: u64,
    },
    /// Processors.
    Processors {
        /// How many there are.
        there: ProcessorUnits,
    },
    /// Something else.
    Other,
}
