//! Hooks of an operation that `nimd` runs itself.

use serde::{Deserialize, Serialize};

use crate::hook::{HookExit, HookPoint};
use crate::id::ObjectName;
use crate::operation::Named;
use crate::stage::names;
use crate::stamp::Timestamp;

names! {
    /// Where a hook that `nimd` runs stands.
    HookState, "state of a hook" {
        /// Its point has not come yet, or it waits for its turn.
        Due = "due",
        /// It runs, or is about to. From here on nobody starts it again.
        Begun = "begun",
        /// It ended with exit status 0.
        Succeeded = "succeeded",
        /// It ended otherwise.
        Failed = "failed",
        /// It was ended at its time limit.
        TooLong = "too_long",
        /// It could not be started.
        NotStarted = "not_started",
        /// The nimd that ran it was killed, and how it ended is not known.
        Unknown = "unknown",
        /// It was ended because somebody cancelled its operation.
        Cancelled = "cancelled",
        /// The operation ended without coming to its point.
        LeftOut = "left_out",
    }
}

/// A hook that `nimd` runs for an operation, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MasterHook {
    /// Its number among those of the operation, from 1.
    pub number: u32,
    /// Where it is run.
    pub at: HookPoint,
    /// Name of the program.
    pub name: ObjectName,
    /// What it means when it does not succeed.
    pub exit: HookExit,
    /// Where it stands.
    pub state: Named<HookState>,
    /// Its exit status, where it has one.
    pub status: Option<i32>,
    /// When it began, by the database's clock.
    pub begun_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it printed, up to `hooks.output` of the settings; why it was not started, where it was not.
    pub output: String,
}
