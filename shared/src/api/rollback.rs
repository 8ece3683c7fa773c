//! Going back to the level before: what the LPAR would be booted from, and having it booted.

use serde::{Deserialize, Serialize};

use crate::disks::Rollback;
use crate::hook::NamedHook;
use crate::id::{ClientToken, DiskName, ObjectName};
use crate::policy::BeforeReboot;
use crate::stamp::Timestamp;

/// Asks where an LPAR would go back to. It is looked at, and nothing is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookAtRollback {
    /// A disk of the copy, by the name that it has now; `None` where only one copy comes into question.
    #[serde(default)]
    pub disk: Option<DiskName>,
}

/// Where an LPAR would go back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RollbackProposal {
    /// The LPAR.
    pub lpar: ObjectName,
    /// When it was looked at, by this master's clock.
    pub at: Timestamp,
    /// From where to where.
    #[serde(flatten)]
    pub rollback: Rollback,
    /// Its level now.
    pub level: Option<String>,
    /// What is lost with it, a sentence each.
    pub lost: Vec<String>,
    /// What the policy has run before the boot.
    #[serde(default)]
    pub before_reboot: BeforeReboot,
}

/// Has an LPAR booted from the copy of rootvg that is on record as holding the level before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RollBack {
    /// Makes the request count once.
    pub token: ClientToken,
    /// A disk of the copy, by the name that it has now.
    #[serde(default)]
    pub disk: Option<DiskName>,
    /// Objects of type `script`, which are run on the LPAR at `before-reboot` after those of the policy: what stops the workload.
    #[serde(default)]
    pub hooks: Vec<NamedHook>,
    /// Programs of a folder of the master that `nimd` runs itself at `before-reboot`, before those on the LPAR.
    #[serde(default)]
    pub master_hooks: Vec<NamedHook>,
}
