//! A rollout as somebody sees it who watches: short enough to be asked for every second.

use serde::{Deserialize, Serialize};

use super::{PlannedFrame, RolloutEvent, RolloutView};
use crate::id::{ObjectName, OperationId};
use crate::operation::{Named, StateName};
use crate::stage::{Phase, Stage};
use crate::stamp::Timestamp;
use crate::unit::{Megabytes, Seconds};

/// How a rollout stands, and what happened since it was asked last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchedRollout {
    /// The rollout.
    #[serde(flatten)]
    pub view: RolloutView,
    /// When this was so, by the clock of the database.
    pub at: Timestamp,
    /// What is to be expected; `None` when it is over.
    pub outlook: Option<RolloutOutlook>,
    /// Its waves.
    pub waves: Vec<WatchedWave>,
    /// The frames of its LPARs.
    pub frames: Vec<WatchedFrame>,
    /// Each LPAR, in the order of the plan.
    pub targets: Vec<WatchedLpar>,
    /// What was done with it after `after` of the request, the oldest first; the newest few where that was not said.
    pub events: Vec<RolloutEvent>,
    /// `after` of the next request.
    pub last_event: i64,
}

/// What is to be expected of a rollout, from how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutOutlook {
    /// When the last one is over, if each takes its usual time.
    pub usual_end: Timestamp,
    /// When the last one is over, if each takes longer than 95 of 100.
    pub end: Timestamp,
    /// What people have to do at once for that to be true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provided: Vec<String>,
}

/// A wave that is watched. How its LPARs stand, they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchedWave {
    /// Its name.
    pub name: ObjectName,
    /// When it was to begin.
    pub planned_begin: Timestamp,
    /// When it was to be over at the latest.
    pub planned_end: Timestamp,
}

/// A frame that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchedFrame {
    /// The frame, with what is free on it beyond what is promised.
    #[serde(flatten)]
    pub frame: PlannedFrame,
    /// All memory that it has for partitions, where it was read.
    pub memory: Option<Megabytes>,
    /// Updates that have a place on it, of this rollout and of others.
    pub updates: usize,
    /// The maintenance of it, its HMC and its VIOSes: why nothing new is started on it, or of what these VIOSes serve.
    pub maintenance: Option<String>,
}

/// An LPAR that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchedLpar {
    /// Its name.
    pub lpar: ObjectName,
    /// Number of its wave, from 0.
    pub wave: usize,
    /// Its frame when it was planned.
    pub frame: Option<ObjectName>,
    /// As in the status of a rollout.
    pub state: String,
    /// How often it was started.
    pub attempt: u32,
    /// Since when it is being started, runs, or waits for its memory to come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it usually starts, of one that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Timestamp>,
    /// What holds it back, or why it ended so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The code that says most about why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What to do about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Its update, of one that is under way or did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<WatchedUpdate>,
}

/// The update of an LPAR that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchedUpdate {
    /// The operation.
    pub id: OperationId,
    /// Its state.
    pub state: StateName,
    /// Where it is.
    pub stage: Option<Named<Stage>>,
    /// Where in it.
    pub phase: Option<Named<Phase>>,
    /// Since when it is there.
    pub entered_at: Timestamp,
    /// When the agent took it.
    pub started_at: Option<Timestamp>,
    /// Since when nothing was heard.
    pub lost_contact_since: Option<Timestamp>,
    /// What it waits for.
    pub waits_for: Option<String>,
    /// How long its workload is to stand still.
    pub estimated_blackout: Option<Seconds>,
    /// How long all of it is to take.
    pub estimated_total: Option<Seconds>,
}
