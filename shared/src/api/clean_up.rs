//! Cleaning up after a Live Update that could not do so itself: what is found, what `clvupdate` would be told, and why.

use serde::{Deserialize, Serialize};

use super::PartitionView;
use crate::id::{ClientToken, LparId, ObjectName, OperationId};
use crate::request::CleanUpFlag;
use crate::stage::names;

/// What is found of an LPAR that has to be cleaned up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CleanUpView {
    /// The LPAR.
    pub lpar: ObjectName,
    /// The operation on it that is stuck, where one is.
    pub operation: Option<OperationId>,
    /// Its partition id, as it says itself.
    pub lpar_id: Option<LparId>,
    /// When it was booted, as it says itself.
    pub booted_at: Option<String>,
    /// The partitions that an HMC shows under its name and under that of an original, just now.
    pub partitions: Vec<PartitionView>,
    /// Why no HMC shows them, where none does.
    pub not_seen: Option<String>,
    /// Who runs where, in a sentence.
    pub place: String,
    /// Whether nothing asks for it to be cleaned up: no operation on it is stuck, there is no second partition of it,
    /// and no lock of a Live Update is seen.
    #[serde(default)]
    pub nothing_left: bool,
    /// What `clvupdate` can be told.
    pub flags: Vec<FlagView>,
}

/// Whether `clvupdate` should be told something, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlagView {
    /// What.
    pub flag: CleanUpFlag,
    /// Whether.
    pub advice: Advice,
    /// Why: the evidence, in a sentence.
    pub because: String,
}

names! {
    /// Whether `clvupdate` should be told something.
    Advice, "advice" {
        /// What is found asks for it.
        Wanted = "wanted",
        /// Nothing that is found speaks for it or against it: a person decides.
        Possible = "possible",
        /// What is found stands against it, or nothing is known that it would need.
        Refused = "refused",
    }
}

/// Asks for an LPAR to be cleaned up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CleanUp {
    /// Chosen by the client; the same request sent again is accepted once.
    pub token: ClientToken,
    /// What `clvupdate` is told: what a person has agreed to.
    #[serde(default)]
    pub flags: Vec<CleanUpFlag>,
}
