//! The disks that operations used: what each holds, what it is needed for, and releasing those that nothing needs.

use serde::{Deserialize, Serialize};

use super::Against;
use crate::disks::Standing;
use crate::id::{ClientToken, DiskName, ObjectName};
use crate::stamp::Timestamp;

/// The disks of one LPAR's operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiskList {
    /// The LPAR.
    pub lpar: ObjectName,
    /// Each disk once, as the last operation that used it left it; those of the newest operation first.
    pub disks: Vec<Standing>,
}

/// Asks which disks can be released. The LPAR is looked at, and nothing is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookAtDisks {
    /// The names that they have now; all of the record where there is none.
    #[serde(default)]
    pub disks: Vec<DiskName>,
    /// Whether those that are named need be no way back any more.
    #[serde(default)]
    pub give_up: bool,
}

/// What can be released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReleaseProposal {
    /// The LPAR.
    pub lpar: ObjectName,
    /// When it was looked at, by this master's clock.
    pub at: Timestamp,
    /// Each disk that was asked about.
    pub disks: Vec<ProposedRelease>,
}

/// A disk, and whether it can be released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposedRelease {
    /// As it is on record.
    #[serde(flatten)]
    pub standing: Standing,
    /// The name that it has now; `None` where it was not found.
    pub now: Option<DiskName>,
    /// What is run for it; `None` where nothing has to be, or it is not released.
    pub command: Option<String>,
    /// Why it is not released; `None` where it can be.
    pub against: Option<Against>,
}

/// Releases disks: those that are named, or all that nothing needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReleaseDisks {
    /// Makes the request count once.
    pub token: ClientToken,
    /// The names that they have now. Where one of them cannot be released, none is.
    #[serde(default)]
    pub disks: Vec<DiskName>,
    /// Whether those that are named need be no way back any more.
    #[serde(default)]
    pub give_up: bool,
}
