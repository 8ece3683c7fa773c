//! Rehearsals of rollouts: how a plan comes out when times and faults are drawn by chance, again and again.

use serde::{Deserialize, Serialize};

use crate::api::File;
use crate::id::{Digest, ObjectName};
use crate::stamp::Timestamp;
use crate::unit::Seconds;

/// Asks for a rehearsal of a rollout. Nothing is changed, and no host is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearseRollout {
    /// The rollout: `schemas/rollout.schema.json` has its form.
    pub file: File,
    /// When it begins at the earliest; now where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<Timestamp>,
    /// How often it is run; where it is not said, as often as is quick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
    /// Seed of what is drawn; that of the file where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Faults beside those of the past: `CODE`, `CODE=LPAR` or `CODE=5%`, where the code may be `unreachable` or `stuck` too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// How a plan came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutRehearsed {
    /// Name of the rollout.
    pub name: ObjectName,
    /// The plan, in one number.
    pub fingerprint: Digest,
    /// When it begins at the earliest.
    pub begin: Timestamp,
    /// When the plan says that it is usually over.
    pub planned_usual_end: Timestamp,
    /// When the plan says that it is over at the latest.
    pub planned_end: Timestamp,
    /// How many LPARs are to be updated.
    pub targets: usize,
    /// Seed of what was drawn.
    pub seed: u64,
    /// How often it was run.
    pub runs: u32,
    /// How often it was to be run: more than it was where time ran out.
    pub runs_asked: u32,
    /// Runs in which all were updated.
    pub all_updated: u32,
    /// Runs that came to their end; the others stood still until somebody would have come.
    pub ended: u32,
    /// When they ended.
    pub end: Option<RehearsedTimes>,
    /// What stopped the others, the most frequent first.
    pub stops: Vec<RehearsedStop>,
    /// What went wrong with LPARs, the most frequent first.
    pub failures: Vec<RehearsedFailure>,
    /// What went wrong in the first run, in the order in which they were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_run: Vec<RehearsedFault>,
    /// Who was left out on the way, or did not come to its turn, by reason.
    pub left_out: Vec<RehearsedLeftOut>,
    /// Who was still at work when its window had ended.
    pub past_window: Option<RehearsedLate>,
    /// How long workloads stood still; `None` where nothing is known of any.
    pub blackout: Option<RehearsedBlackout>,
    /// What faults were drawn from; nothing where none were drawn from the past.
    pub history: Vec<RehearsedRate>,
    /// What was taken for granted, and what somebody should know of it.
    pub notes: Vec<String>,
    /// What somebody should know of what the plan rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_notes: Vec<String>,
}

/// Times by how many runs they were not exceeded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedTimes {
    /// In 5 of 100.
    pub p5: Timestamp,
    /// In half of them.
    pub p50: Timestamp,
    /// In 95 of 100.
    pub p95: Timestamp,
    /// In all.
    pub worst: Timestamp,
}

/// What stopped runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedStop {
    /// Which rule: `3 failed in wave rest`.
    pub rule: String,
    /// In how many runs.
    pub runs: u32,
    /// When.
    pub at: RehearsedTimes,
    /// How many were updated then, in half of these runs at most.
    pub updated: usize,
    /// How many waited then, in half of these runs at most.
    pub waiting: usize,
}

/// What went wrong with LPARs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedFailure {
    /// `failed`, `unreachable` or `stuck`.
    pub state: String,
    /// Its code, where it has one.
    pub code: Option<String>,
    /// What, in a few words.
    pub title: String,
    /// In how many runs.
    pub runs: u32,
    /// How often in all of them together.
    pub times: u64,
    /// With whom most often.
    pub lpars: Vec<RehearsedTimesOf>,
    /// With how many more.
    pub more: usize,
}

/// What went wrong with an LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedFault {
    /// The LPAR.
    pub lpar: ObjectName,
    /// `failed`, `unreachable` or `stuck`.
    pub state: String,
    /// Its code, where it has one.
    pub code: Option<String>,
}

/// How often something was with an LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedTimesOf {
    /// The LPAR.
    pub lpar: ObjectName,
    /// How often, in all runs together.
    pub times: u64,
}

/// Who was left out on the way, or did not come to its turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedLeftOut {
    /// `skipped` or `not_started`.
    pub state: String,
    /// Why.
    pub why: String,
    /// In how many runs.
    pub runs: u32,
    /// How many LPARs at most in one run.
    pub most: usize,
    /// Who, most often first.
    pub lpars: Vec<RehearsedTimesOf>,
    /// How many more.
    pub more: usize,
}

/// Updates that ran on when their window had ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedLate {
    /// In how many runs.
    pub runs: u32,
    /// How many at most in one run.
    pub most: usize,
    /// How long after the end of the window at worst.
    pub longest: Seconds,
    /// Who, most often first.
    pub lpars: Vec<RehearsedTimesOf>,
    /// How many more.
    pub more: usize,
}

/// How long workloads stood still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedBlackout {
    /// All of a run together, in half of the runs at most.
    pub p50: Seconds,
    /// All of a run together, in 95 of 100 runs at most.
    pub p95: Seconds,
    /// All of a run together, at worst.
    pub worst: Seconds,
    /// The longest of one LPAR.
    pub longest: Seconds,
    /// Of whom that was.
    pub longest_of: ObjectName,
    /// Of how many LPARs nothing is known.
    pub unknown: usize,
}

/// How earlier updates came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedRate {
    /// Of whom: `site`, `class` or `lpar`.
    pub of: String,
    /// Which class or LPAR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub which: Option<String>,
    /// How many earlier updates there are.
    pub updates: usize,
    /// What went wrong in some of them, the most frequent first.
    pub faults: Vec<RehearsedPast>,
}

/// What went wrong in earlier updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RehearsedPast {
    /// `failed`, `unreachable` or `stuck`.
    pub state: String,
    /// Its code, where it has one.
    pub code: Option<String>,
    /// In how many of them.
    pub updates: usize,
}

/// Whether what a rollout was told leads to the same decisions again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutReplayed {
    /// Name of the rollout.
    pub name: ObjectName,
    /// Whether all that it was told is on record; where not, only the first part was fed again.
    pub complete: bool,
    /// How often it was told something.
    pub steps: usize,
    /// How many events that were.
    pub events: usize,
    /// How many updates were ordered upon that.
    pub starts: usize,
    /// Where it first decided otherwise.
    pub differs: Option<String>,
}
