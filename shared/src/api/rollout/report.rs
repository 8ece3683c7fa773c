//! What became of a rollout.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LeftOut, RolloutEvent, RolloutView, StopNumbers};
use crate::id::{ObjectName, OperationId};
use crate::stamp::Timestamp;
use crate::unit::Seconds;

/// What became of a rollout: what one hands to those who let the change happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutReport {
    /// The rollout.
    #[serde(flatten)]
    pub view: RolloutView,
    /// When this was written.
    pub at: Timestamp,
    /// What was to be done to each LPAR: attributes with their values, as `nimctl cust -a` takes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operation: BTreeMap<String, String>,
    /// How many stop the whole.
    pub stop: StopNumbers,
    /// Each LPAR, in the order of the plan.
    pub lpars: Vec<ReportedLpar>,
    /// What went wrong, by cause, the most frequent first.
    pub failures: Vec<FailureGroup>,
    /// What went wrong in attempts that were not the last of their LPAR, by cause, the most frequent first. An LPAR is among those of a
    /// cause as often as it failed of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<FailureGroup>,
    /// Who was named and left out of the plan.
    pub left_out: Vec<LeftOut>,
    /// What was done with it, the oldest first.
    pub events: Vec<RolloutEvent>,
}

/// What became of one LPAR of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportedLpar {
    /// The LPAR.
    pub lpar: ObjectName,
    /// Its wave.
    pub wave: ObjectName,
    /// Its frame when it was planned.
    pub frame: Option<ObjectName>,
    /// As in the status of a rollout.
    pub state: String,
    /// How often it was started.
    pub attempt: u32,
    /// Why it ended so.
    pub why: Option<String>,
    /// When it was to start; `None` of one that was held back then.
    pub planned_begin: Option<Timestamp>,
    /// When it was to be over at the latest.
    pub planned_end: Option<Timestamp>,
    /// When the agent took it, of the last attempt.
    pub began: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// How long its workload was to stand still at most.
    pub planned_blackout: Option<Seconds>,
    /// How long it stood still: as the agent measured it, else as geninstall says.
    pub blackout: Option<Seconds>,
    /// `oslevel -s` before.
    pub level_before: Option<String>,
    /// `oslevel -s` after.
    pub level_after: Option<String>,
    /// Labels of its interim fixes before; `None` where they were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixes_before: Option<Vec<String>>,
    /// Labels of its interim fixes after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixes_after: Option<Vec<String>>,
    /// Codes of what went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// Its last operation.
    pub operation: Option<OperationId>,
}

/// LPARs of which the same went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailureGroup {
    /// How they ended.
    pub state: String,
    /// Its code, where it has one.
    pub code: Option<String>,
    /// What.
    pub cause: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Who.
    pub lpars: Vec<ObjectName>,
    /// What earlier attempts said themselves, where that is more than the cause: each text once. Of last attempts it is with each LPAR.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
}
