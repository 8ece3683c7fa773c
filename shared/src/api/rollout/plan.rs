//! Plans of rollouts: who is updated when, who waits for what, who is left out and why, and when it stops.

use serde::{Deserialize, Serialize};

use crate::api::{File, FileFault};
use crate::id::{Digest, ObjectName};
use crate::stamp::Timestamp;
use crate::unit::{Megabytes, ProcessorUnits, Seconds};

/// Asks for the plan of a rollout. Nothing is changed, and no host is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanRollout {
    /// The rollout: `schemas/rollout.schema.json` has its form.
    pub file: File,
    /// Changes that are tried: `max_in_flight=20,finish_by=2026-12-01T06:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what_if: Option<String>,
    /// When it begins at the earliest; now where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<Timestamp>,
}

/// A plan with what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutPlanned {
    /// The plan.
    #[serde(flatten)]
    pub plan: RolloutPlan,
    /// The frames of the LPARs that are named, as they were read last.
    pub frames: Vec<PlannedFrame>,
    /// What came of changes that were tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what_if: Option<Tried>,
    /// What somebody should know of what the plan rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What somebody should look at in what is used, and what is changed on LPARs before the update, as `cust` says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FileFault>,
}

/// What came of changes that were tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tried {
    /// The changes as they were written.
    pub changes: String,
    /// When the last one is usually over without them.
    pub usual_end_without: Timestamp,
    /// When the last one is over without them, if each takes longer than 95 of 100.
    pub end_without: Timestamp,
    /// How many are updated without them.
    pub targets_without: usize,
    /// When all has to be done, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_by: Option<Timestamp>,
    /// Who may not be done by then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<ObjectName>,
}

/// A frame as the plan sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedFrame {
    /// Its name.
    pub name: ObjectName,
    /// Its HMC, of several the one that is preferred.
    pub hmc: Option<ObjectName>,
    /// As an HMC showed it last: `Operating`.
    pub state: Option<String>,
    /// When its capacity was read; `None` where it never was: then only the number of updates counts.
    pub read_at: Option<Timestamp>,
    /// Memory that no partition holds and nobody is promised.
    pub free_memory: Option<Megabytes>,
    /// Processors that no partition holds and nobody is promised.
    pub free_processors: Option<ProcessorUnits>,
    /// How many updates nimd lets run on it at a time.
    pub at_a_time: u32,
}

/// A plan. It is a function of the file, what was read of the site, what is known of earlier updates, the seed, and the time at which it
/// begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutPlan {
    /// Name of the rollout.
    pub name: ObjectName,
    /// What it was made from, in one number.
    pub fingerprint: Digest,
    /// The seed of what chance decided.
    pub seed: u64,
    /// When it begins at the earliest.
    pub begin: Timestamp,
    /// When the last one is over, if each takes its usual time.
    pub usual_end: Timestamp,
    /// When the last one is over, if each takes longer than 95 of 100.
    pub end: Timestamp,
    /// Before this no plan could be done that takes the same times.
    pub bound: Timestamp,
    /// Its waves.
    pub waves: Vec<PlannedWave>,
    /// Who is updated, in the order of their starts.
    pub targets: Vec<PlannedLpar>,
    /// Who would be updated but is held back now.
    pub held: Vec<HeldLpar>,
    /// Who is left out.
    pub excluded: Vec<LeftOut>,
    /// What the classes have in common, by their numbers.
    pub classes: Vec<String>,
    /// How many stop the whole.
    pub stop: StopNumbers,
    /// How many can have failed at worst when everything has come to rest after that: those in flight then fail too.
    #[serde(default)]
    pub worst_failed: Option<usize>,
}

/// A wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedWave {
    /// Its name.
    pub name: ObjectName,
    /// How many LPARs are in it, those held back included.
    pub members: usize,
    /// When it begins.
    pub begin: Timestamp,
    /// When it is over, if each takes its usual time.
    pub usual_end: Timestamp,
    /// When it is over, if each takes longer than 95 of 100.
    pub end: Timestamp,
    /// Before this it could not be over.
    pub bound: Timestamp,
    /// How long is waited after it.
    pub soak: Seconds,
    /// Whether somebody has to approve before it.
    pub approval: Approval,
    /// How many of it have to be updated before the next begins.
    pub healthy: Option<usize>,
    /// Most in flight at a time.
    pub in_flight: usize,
    /// How many stop it.
    pub stop: StopNumbers,
    /// How many can have failed at worst when everything has come to rest after a stop: those in flight then fail too.
    pub worst_failed: Option<usize>,
}

/// Whether somebody has to approve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody.
    #[default]
    No,
    /// Somebody who has not asked for the rollout.
    Yes,
}

/// An LPAR that is updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedLpar {
    /// Its name.
    pub lpar: ObjectName,
    /// Number of its wave, from 0.
    pub wave: usize,
    /// Its frame.
    pub frame: Option<ObjectName>,
    /// Number of its class.
    pub class: u32,
    /// When it starts.
    pub begin: Timestamp,
    /// When it is over usually.
    pub usual_end: Timestamp,
    /// When it is over, if it takes longer than 95 of 100.
    pub end: Timestamp,
    /// How long its workload stands still, longer than 95 of 100.
    pub blackout: Option<Seconds>,
    /// What the times rest on.
    pub basis: Basis,
    /// What it waits for before it starts, beside its wave.
    pub waits_for: Option<String>,
    /// Why somebody has to approve it.
    pub approval: Option<String>,
    /// What was known of it, in one number.
    pub fingerprint: Digest,
}

/// What a prediction rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Earlier updates of this LPAR.
    Own,
    /// Earlier updates of LPARs of its class.
    Class,
    /// Earlier updates of any LPAR.
    All,
    /// The estimate of a preview alone.
    Estimate,
    /// Nothing but what the file assumes.
    Assumed,
}

/// An LPAR that is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeldLpar {
    /// Its name.
    pub lpar: ObjectName,
    /// Number of its wave, from 0.
    pub wave: usize,
    /// Why; looked at again just before it would start.
    pub reasons: Vec<String>,
    /// What was known of it, in one number.
    pub fingerprint: Digest,
}

/// Somebody who is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// The LPAR, or what the file names and is none.
    pub name: String,
    /// Why, in a sentence.
    pub why: String,
    /// What would let it take part; each was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<String>,
}

/// So many stop a rollout; `None` where no number does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StopNumbers {
    /// That failed or are stuck.
    pub failed: Option<usize>,
    /// That could not be reached.
    pub unreachable: Option<usize>,
    /// That were skipped.
    pub skipped: Option<usize>,
}

impl StopNumbers {
    /// What of it so many have reached, in words; `None` where nothing.
    #[must_use]
    pub fn reached(&self, failed: usize, unreachable: usize, skipped: usize) -> Option<String> {
        let (limit, count, what) = self.first(failed, unreachable, skipped)?;
        Some(format!("{count} {what}, and it stops at {limit}"))
    }

    /// Which of the numbers so many have reached first, in words without how many there are by now; `None` where none.
    #[must_use]
    pub fn rule(&self, failed: usize, unreachable: usize, skipped: usize) -> Option<String> {
        let (limit, _, what) = self.first(failed, unreachable, skipped)?;
        Some(format!("{limit} {what}"))
    }

    /// The first number that is reached, how many there are, and what they did.
    fn first(
        &self,
        failed: usize,
        unreachable: usize,
        skipped: usize,
    ) -> Option<(usize, usize, &'static str)> {
        [
            (self.failed, failed, "failed"),
            (self.unreachable, unreachable, "could not be reached"),
            (self.skipped, skipped, "were skipped"),
        ]
        .into_iter()
        .find_map(|(limit, count, what)| {
            Some((limit.filter(|limit| count >= *limit)?, count, what))
        })
    }
}
