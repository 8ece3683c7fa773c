//! `lvupdate.data` that is written from what an LPAR and its frame show.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::disks::{PoolEntry, Role, SeenDisk};
use crate::id::ObjectName;
use crate::operation::Named;
use crate::stage::names;
use crate::stamp::Timestamp;
use crate::unit::Megabytes;

/// In the place of an object with `lvupdate.data`: the disks are chosen and the file is written for each LPAR.
pub const AUTO: &str = "auto";

/// Asks what would be written. Nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Generate {
    /// LPARs, groups, or patterns of names of LPARs; all LPARs where there is none.
    #[serde(default)]
    pub targets: Vec<String>,
}

/// What would be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Generated {
    /// Each LPAR, in the order in which they were named.
    pub lpars: Vec<DataProposal>,
}

names! {
    /// What a proposal is good for.
    ProposalState, "state of a proposal" {
        /// `live_update_data=auto` takes it as it is.
        Ready = "ready",
        /// It is whole, and no pool names its disks: `auto` refuses it.
        Proposed = "proposed",
        /// Something is missing.
        Incomplete = "incomplete",
    }
}

/// `lvupdate.data` as it would be written for one LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DataProposal {
    /// The LPAR.
    pub lpar: ObjectName,
    /// When it was looked at, by this master's clock.
    pub at: Timestamp,
    /// Its level.
    pub level: Option<String>,
    /// What it is good for.
    pub state: Named<ProposalState>,
    /// What the site gives Live Updates of it: its own `disk_pool`, and that of its frame.
    pub pool: Vec<PoolEntry>,
    /// Each value, and why.
    pub values: Vec<ProposedValue>,
    /// The file; `None` where something is missing for it.
    pub text: Option<String>,
    /// Each disk, in the order of `lspv`.
    pub disks: Vec<JudgedDisk>,
    /// What is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What to type next, where `auto` would refuse it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Why the LPAR could not be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A value of `lvupdate.data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposedValue {
    /// Its stanza.
    pub stanza: String,
    /// Its name.
    pub key: String,
    /// The value; empty for the default of AIX.
    pub value: String,
    /// Why that.
    pub why: String,
}

/// A disk, with what was decided about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JudgedDisk {
    /// The disk.
    #[serde(flatten)]
    pub disk: SeenDisk,
    /// Its size, where it was asked for.
    pub size: Option<Megabytes>,
    /// What it is chosen for.
    pub role: Option<Named<Role>>,
    /// What speaks against it. Empty for one that is chosen or could be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<Against>,
}

/// What speaks against a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Against {
    /// Stays the same for years: `not_in_pool`, `shared`, `holds`.
    pub reason: String,
    /// For a person.
    pub text: String,
}
