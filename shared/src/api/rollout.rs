//! Plans of rollouts: who is updated when, who waits for what, who is left out and why, and when it stops.

mod lab;
mod rehearsal;
mod watch;

pub use lab::{CopyForLab, LabCopy, LabFrame, LabHmc, LabLimits, LabLpar, LabMedia, LabVios};
pub use rehearsal::{
    RehearseRollout, RehearsedBlackout, RehearsedFailure, RehearsedFault, RehearsedLate,
    RehearsedLeftOut, RehearsedPast, RehearsedRate, RehearsedStop, RehearsedTimes,
    RehearsedTimesOf, RolloutRehearsed, RolloutReplayed,
};
pub use watch::{
    RolloutOutlook, WatchedFrame, WatchedLpar, WatchedRollout, WatchedUpdate, WatchedWave,
};

use serde::{Deserialize, Serialize};

use super::{File, FileFault};
use crate::id::{ClientToken, Digest, ObjectName, OperationId, RolloutId};
use crate::stamp::Timestamp;
use crate::ticket::Ticket;
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
        Some(format!("{count} {what}, {limit} are the end"))
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

/// Plans a rollout and starts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StartRollout {
    /// Chosen by the client; the same request sent again starts once.
    pub token: ClientToken,
    /// The rollout.
    pub file: File,
    /// When it begins at the earliest; now where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<Timestamp>,
    /// The plan that was seen: another one is not started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Digest>,
    /// The ticket under which it is done; the policy may want one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
}

/// Does something with a rollout that was started, perhaps under a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskTurn {
    /// What.
    #[serde(flatten)]
    pub turn: TurnRollout,
    /// The ticket under which it is done; the policy may want one for an approval and an abort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
}

/// What is done with a rollout that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum TurnRollout {
    /// Nothing new is started; what runs goes on.
    Pause,
    /// It goes on, also after a stop.
    Resume,
    /// Nothing new is started, for good.
    Abort {
        /// Whether those that run are cancelled where they still can be.
        cancel: bool,
    },
    /// The wave that waits for an approval may begin, of the plan with this fingerprint; or single LPARs may start.
    Approve {
        /// The plan that was seen.
        fingerprint: Digest,
        /// The LPARs; none for the wave.
        #[serde(default)]
        lpars: Vec<ObjectName>,
    },
    /// The next wave may begin although the one before has not soaked, or is not healthy enough.
    Promote,
    /// LPARs that failed, could not be reached or were left out are tried again; also when the rollout has ended.
    Retry {
        /// Which.
        lpars: Vec<ObjectName>,
        /// Whether what their failures ask for is done.
        #[serde(default)]
        remedied: bool,
    },
}

/// A rollout that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutView {
    /// Its id.
    pub id: RolloutId,
    /// Its name.
    pub name: ObjectName,
    /// `running`, `paused`, `stopped`, `aborting`, `ended`.
    pub phase: String,
    /// What it waits for as a whole, in a sentence, where it does.
    pub waits_for: Option<String>,
    /// The wave that runs, or is to run next.
    pub wave: ObjectName,
    /// The plan, in one number.
    pub fingerprint: Digest,
    /// When its plan begins.
    pub begin: Timestamp,
    /// When the plan says that it is over at the latest.
    pub planned_end: Timestamp,
    /// Who started it, as uid on the master.
    pub requested_by: u32,
    /// Under which ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// When.
    pub created_at: Timestamp,
    /// When all of its targets had their end.
    pub ended_at: Option<Timestamp>,
    /// How many LPARs stand where.
    pub counts: RolloutCounts,
}

/// How many LPARs of a rollout stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutCounts {
    /// They wait for their turn.
    pub waiting: usize,
    /// They are being started, run, or wait for their memory to come back.
    pub in_flight: usize,
    /// Updated and verified, or there was nothing to do.
    pub done: usize,
    /// Failed or stuck.
    pub failed: usize,
    /// Could not be reached.
    pub unreachable: usize,
    /// Cancelled, left out on the way, or their turn did not come.
    pub left_out: usize,
}

/// A rollout with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutStatus {
    /// The rollout.
    #[serde(flatten)]
    pub view: RolloutView,
    /// Each LPAR, in the order of the plan.
    pub targets: Vec<TargetView>,
    /// What was done with it, the newest first.
    pub events: Vec<RolloutEvent>,
    /// How receivers were told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<ReceiverDeliveries>,
}

/// How a receiver was told of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReceiverDeliveries {
    /// The receiver.
    pub receiver: ObjectName,
    /// How many messages it has.
    pub sent: u64,
    /// How many wait to be sent, or to be sent again.
    pub waiting: u64,
    /// How many were given up.
    pub given_up: u64,
    /// Why the last one that was not sent was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A receiver that was sent a test message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReceiverTold {
    /// The receiver.
    pub receiver: ObjectName,
    /// Where the message went: a host, or addresses.
    pub at: String,
}

/// Where an LPAR of a rollout stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TargetView {
    /// The LPAR.
    pub lpar: ObjectName,
    /// Its wave.
    pub wave: ObjectName,
    /// `waiting`, `starting`, `running`, `releasing`, or how it ended: `updated`, `unchanged`, `failed`, `unreachable`, `stuck`, `cancelled`,
    /// `skipped`, `not_started`.
    pub state: String,
    /// How often it was started.
    pub attempt: u32,
    /// Since when it is being started, runs, or waits for its memory; of one that waits, the time before which it does not start.
    pub at: Option<Timestamp>,
    /// What it waits for, or why it ended so.
    pub why: Option<String>,
    /// Its last operation.
    pub operation: Option<OperationId>,
    /// Whether it can be tried again.
    pub retry: TryAgain,
}

/// Whether an LPAR of a rollout can be tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "may", rename_all = "snake_case")]
pub enum TryAgain {
    /// It can.
    Now,
    /// It would fail again until something is done.
    AfterRemedy {
        /// What.
        remedy: String,
    },
    /// It cannot.
    Not {
        /// Why.
        why: String,
    },
}

/// Something that was done with a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutEvent {
    /// When.
    pub at: Timestamp,
    /// By whom, as uid on the master; `None` for nimd itself.
    pub by: Option<u32>,
    /// What.
    pub what: String,
    /// Under which ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
}

/// What something waits for: since when, until when, and who decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Why {
    /// What it is about: `rollout spring`, `lpar07 in rollout spring`.
    pub about: String,
    /// Where it stands.
    pub stands: String,
    /// The ticket under which its rollout was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What it waits for; nothing where it waits for nothing.
    pub waits: Vec<WaitsFor>,
    /// When it is given up, whatever it waits for.
    pub given_up_at: Option<Timestamp>,
    /// What somebody can type.
    pub hint: Option<String>,
}

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitsFor {
    /// What.
    pub what: String,
    /// By how many LPARs, of a rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpars: Option<usize>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// Until when, where a time ends it.
    pub until: Option<Timestamp>,
    /// Who or what decides.
    pub decides: String,
    /// What somebody can type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What became of a rollout: what one hands to those who let the change happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutReport {
    /// The rollout.
    #[serde(flatten)]
    pub view: RolloutView,
    /// When this was written.
    pub at: Timestamp,
    /// How many stop the whole.
    pub stop: StopNumbers,
    /// Each LPAR, in the order of the plan.
    pub lpars: Vec<ReportedLpar>,
    /// What went wrong, by cause, the most frequent first.
    pub failures: Vec<FailureGroup>,
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
}
