//! What is left to do on LPARs after their updates.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::aftercare::OpenItem;
use crate::id::{ObjectName, OperationId};
use crate::stamp::Timestamp;

/// Asks what is left to do, and has the LPARs looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Aftercare {
    /// LPARs, groups, or patterns of names of LPARs; all LPARs where there is none.
    #[serde(default)]
    pub targets: Vec<String>,
}

/// What is left to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeftToDo {
    /// Each LPAR that had something open before this look, in the order in which they were named.
    pub lpars: Vec<LparAftercare>,
}

/// What is left to do on one LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LparAftercare {
    /// The LPAR.
    pub lpar: ObjectName,
    /// What is still open, the oldest first.
    pub open: Vec<StillOpen>,
    /// What this look found gone. It is not shown again.
    pub gone: Vec<GoneItem>,
    /// Why the LPAR could not be looked at: then what has to be seen there is as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Something that is still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StillOpen {
    /// What.
    pub item: OpenItem,
    /// The update that left it.
    pub operation: OperationId,
    /// Since when it is known.
    pub since: Timestamp,
    /// What it is, in a sentence.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
    /// Why this look could not tell, where it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_known: Option<String>,
}

/// Something that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoneItem {
    /// What.
    pub item: OpenItem,
    /// The update that had left it.
    pub operation: OperationId,
    /// What it was, in a sentence.
    pub text: String,
}
