//! Resources that machines hold, and whether objects are as they should be.

use serde::{Deserialize, Serialize};

use super::{Failure, FileFault, ObjectView, Pair};
use crate::id::ObjectName;

/// Allocates resources to machines: each to all of them, or none to any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Allocate {
    /// The machines.
    pub machines: Vec<ObjectName>,
    /// The resources: type and name of each.
    pub resources: Vec<Pair>,
}

/// Takes resources back from machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deallocate {
    /// The machines.
    pub machines: Vec<ObjectName>,
    /// The resources: type and name of each.
    pub resources: Vec<Pair>,
    /// All that they hold, in place of `resources`.
    pub all: bool,
    /// Also where a machine does not hold it, or an operation on the machine is using it: what is used comes back at its end.
    pub force: bool,
}

/// What a request about allocations did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AllocationChange {
    /// The machines that hold more or less than before.
    pub machines: Vec<ObjectName>,
    /// What was not done, though nothing stood against the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FileFault>,
}

/// Looks whether an object is as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// Ask a machine also while an operation is open on it.
    #[serde(default)]
    pub force: bool,
}

/// What a look found. It is kept, and shown as `Mstate` or `Rstate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checked {
    /// The object as it is shown now.
    pub object: ObjectView,
    /// Why it is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}
