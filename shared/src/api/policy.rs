//! The site's policy.

use serde::{Deserialize, Serialize};

use super::File;
use crate::id::ObjectName;
use crate::policy::BeforeReboot;
use crate::prep::{Backup, PrepStep, Subsystem};
use crate::stamp::Timestamp;

/// Sets the policy, in place of the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetPolicy {
    /// A YAML document as `schemas/policy.schema.json` describes it.
    pub file: File,
}

/// The policy as it was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyView {
    /// The document; empty where none was set: then every step is off.
    pub text: String,
    /// Rises each time it is set; 0 where none was.
    pub version: u64,
    /// When it was set.
    pub set_at: Option<Timestamp>,
    /// Who set it, as uid on the master.
    pub set_by: Option<u32>,
}

/// What the policy means for one LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LparPolicy {
    /// The LPAR.
    pub lpar: ObjectName,
    /// What an update changes on it before it begins, in this order.
    pub prep: Vec<PrepStep>,
    /// What is started anew after an update, where it runs on libraries that were replaced.
    #[serde(default)]
    pub restart: Vec<Subsystem>,
    /// What one can go back to after an update of a TL or SP; `None` where the policy says nothing.
    pub backup: Option<Backup>,
    /// What stops its workload before a rollback has it booted.
    #[serde(default)]
    pub before_reboot: BeforeReboot,
}
