//! Every decision of a run: what follows from an event, at a time.
//!
//! [`State::after`] says what comes next and never does it. A state is stored together with the actions that follow from it, so that whoever
//! takes over does the open ones again ([`State::open_actions`]): an order to start names its target and attempt, and is one order however
//! often it is given.
//!
//! What a run may do is what the plan was made from ([`Orders`]): the same resources, distances and calendars. What is free is what the HMCs
//! show now ([`Event::Capacity`]), and a place is free when the HMC shows the memory back ([`Event::Released`]), not when an update says that it
//! is over.

mod decide;
mod doubt;
mod drift;
mod fill;
mod forecast;
mod fresh;
mod orders;
mod pass;
mod step;
mod tell;
mod waits;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use nim_shared::code::Retry as Sense;
use nim_shared::id::Digest;

use crate::site::Tick;

pub use doubt::Doubt;
pub use drift::{Known, differences, known};
pub use forecast::Outlook;
pub(crate) use forecast::RELEASE;
pub use fresh::fresh_capacity;
pub use orders::{Orders, Target, WaveOrders};
pub use step::{Follows, Recorded, Step};
pub use waits::Wait;

/// Number of a target, in the order of [`Orders::targets`].
pub type TargetNumber = u32;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What it does as a whole.
    pub phase: Phase,
    /// The wave that runs, or is to run next.
    pub wave: usize,
    /// Whether that wave may start anything.
    pub gate: Gate,
    /// Where each target stands.
    pub targets: Vec<Standing>,
    /// When the last start was that each gap counts from.
    last_starts: Vec<Option<Tick>>,
    /// How much there is of each resource now, where that was looked at.
    capacities: Vec<Option<u64>>,
    /// What had gone wrong when somebody last resumed after a stop: it does not stop again. By wave; the last is the whole.
    forgiven: Vec<Counts>,
}

/// What a run does as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Planned; nobody has started it.
    Planned,
    /// It starts what may be started.
    Running,
    /// Somebody holds new starts.
    Paused,
    /// So much went wrong that nothing new is started until somebody resumes or aborts it.
    Stopped {
        /// What, in words.
        why: String,
    },
    /// Nothing new is started, for good; what runs is waited for.
    Aborting,
    /// All targets have their end.
    Ended,
}

impl Phase {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped { .. } => "stopped",
            Self::Aborting => "aborting",
            Self::Ended => "ended",
        }
    }
}

/// Whether a wave may start anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gate", rename_all = "snake_case")]
pub enum Gate {
    /// It may.
    Open,
    /// Somebody has to approve it first.
    Approval,
    /// The wave before it is watched.
    Soaking {
        /// Until then.
        until: Tick,
    },
    /// Too few of the wave before are updated and healthy: somebody has to promote it.
    Promotion,
}

/// Where a target stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its state.
    pub is: Is,
    /// How often its start was decided: each is one order by this number.
    pub attempt: u32,
    /// How many of these were withdrawn before anything was begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub withdrawn: u32,
    /// What holds it back for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What somebody has to approve of it: a blackout above the budget, or what is other than it was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// What is known of it, in one number, where that is other than was planned: it is asked about, or was approved so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drifted: Option<Digest>,
    /// Since when it is held back, or waits for somebody to approve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Tick>,
    /// Why it is not known to be healthy although it is done.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub doubts: BTreeSet<Doubt>,
    /// Those of which somebody has said that it is healthy all the same.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub trusted: BTreeSet<Doubt>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// State of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Is {
    /// It waits for its turn, not before this time.
    Waiting {
        /// Not before.
        from: Tick,
    },
    /// Its start was ordered; whether the agent has taken it is not known.
    Starting {
        /// Since when.
        since: Tick,
    },
    /// The agent has taken it.
    Running {
        /// Since when.
        since: Tick,
    },
    /// It waited for capacity of its frame until its window was too short for it: it is being put back, and comes again.
    Recalled {
        /// Since when the agent has it.
        since: Tick,
    },
    /// It is over, and its memory is not back yet.
    Releasing {
        /// Since when.
        since: Tick,
        /// How it ended.
        end: End,
    },
    /// It has its end.
    Ended {
        /// Which.
        end: End,
        /// Whether its memory is not back: somebody has to look, and nobody gets it.
        keeps_capacity: bool,
    },
}

/// How a target ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// Updated. Whether it is known to be healthy then say the doubts of the target.
    Updated,
    /// There was nothing to do.
    Unchanged,
    /// It failed.
    Failed {
        /// Whether the knowledge base says that trying again makes sense.
        sense: Sense,
    },
    /// It could not be reached.
    Unreachable,
    /// A person is needed.
    Stuck,
    /// It was cancelled, and everything put back.
    Cancelled,
    /// It was left out on the way.
    Skipped {
        /// Why.
        why: String,
    },
    /// Its turn did not come.
    NotStarted {
        /// Why.
        why: String,
    },
}

impl End {
    /// Whether the LPAR is known to be in order.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        match self {
            Self::Updated | Self::Unchanged | Self::Skipped { .. } | Self::NotStarted { .. } => {
                true
            }
            Self::Failed { .. } | Self::Unreachable | Self::Stuck | Self::Cancelled => false,
        }
    }
}

/// What went wrong how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Failed or stuck.
    pub failed: usize,
    /// Could not be reached.
    pub unreachable: usize,
    /// Skipped.
    pub skipped: usize,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Time passed.
    Tick,
    /// Somebody starts the run, of the plan with this fingerprint.
    Start {
        /// Peer uid.
        by: u32,
        /// The plan that was seen.
        fingerprint: Digest,
    },
    /// Somebody approves the wave that waits for it, of the plan with this fingerprint.
    Approve {
        /// Peer uid.
        by: u32,
        /// The plan that was seen.
        fingerprint: Digest,
    },
    /// Somebody approves single targets.
    ApproveTargets {
        /// Peer uid.
        by: u32,
        /// Which.
        targets: Vec<TargetNumber>,
    },
    /// Somebody lets the next wave begin although the one before has not soaked, or is not healthy enough, or waits for those of it only
    /// that are held back or asked about. These come when they may.
    Promote,
    /// Somebody takes targets that are done for healthy, whatever is in doubt of them now.
    Trust {
        /// Which.
        targets: Vec<TargetNumber>,
    },
    /// Somebody holds new starts.
    Pause,
    /// Somebody lets it go on, also after a stop: what has gone wrong until now does not stop it again.
    Resume,
    /// Somebody ends it.
    Abort {
        /// What becomes of those that run.
        running: Running,
    },
    /// Somebody has targets tried again.
    Retry {
        /// Which.
        targets: Vec<TargetNumber>,
    },
    /// The agent has taken an update.
    Taken {
        /// Of this target.
        target: TargetNumber,
        /// Which attempt.
        attempt: u32,
    },
    /// An update waits for capacity of its frame, before anything of it is installed.
    WaitsForCapacity {
        /// Of this target.
        target: TargetNumber,
        /// Which attempt.
        attempt: u32,
        /// Since when.
        since: Tick,
    },
    /// An update is over. [`End::Unreachable`] is said only when the agent is sure never to begin.
    Over {
        /// Of this target.
        target: TargetNumber,
        /// Which attempt.
        attempt: u32,
        /// How it ended.
        end: End,
    },
    /// Nothing was installed for the start of a target, and nothing will be: it waits for its turn again.
    NotBegun {
        /// Of this target.
        target: TargetNumber,
        /// Which attempt.
        attempt: u32,
    },
    /// The HMC shows no second partition, and its memory as free.
    Released {
        /// Of this target.
        target: TargetNumber,
        /// Which attempt.
        attempt: u32,
    },
    /// What the run had started went wrong, and somebody did it again outside of the run, to a good end.
    DoneAgain {
        /// Of this target.
        target: TargetNumber,
        /// Which attempt.
        attempt: u32,
        /// How that ended.
        end: End,
    },
    /// How a target that is done stands was looked at.
    Doubted {
        /// Which.
        target: TargetNumber,
        /// By which attempt it is done.
        attempt: u32,
        /// Why it is not known to be healthy; none where it is.
        doubts: BTreeSet<Doubt>,
    },
    /// What holds a target back was looked at: maintenance, a VIOS, a path, a migration.
    Looked {
        /// At this target.
        target: TargetNumber,
        /// What holds it; `None` for nothing.
        held: Option<String>,
    },
    /// A target is other than it was when it was planned and approved. It is asked about once: what is approved is what it is now.
    Drifted {
        /// Which.
        target: TargetNumber,
        /// What of it.
        why: String,
        /// What is known of it now, in one number.
        to: Digest,
    },
    /// A target cannot take part any more: it moved to another frame, or lost a disk.
    DroppedOut {
        /// Which.
        target: TargetNumber,
        /// Why.
        why: String,
    },
    /// How much there is of a resource, less what others than this run use.
    Capacity {
        /// Index of the resource.
        resource: u32,
        /// How much.
        capacity: u64,
    },
}

/// What becomes of those that run when a run is aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Running {
    /// They finish.
    Drain,
    /// They are cancelled where they still can be.
    Cancel,
}

/// What is to be done. Each can be done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Order the update of a target.
    Start {
        /// Which.
        target: TargetNumber,
        /// Which attempt.
        attempt: u32,
    },
    /// Ask for the update of a target to be cancelled.
    Cancel {
        /// Which.
        target: TargetNumber,
        /// Which attempt.
        attempt: u32,
    },
}

/// Why an event changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It makes no sense now.
    #[error("it {0}, so that makes no sense now")]
    NotNow(&'static str),
    /// Another plan was seen than the one that runs.
    #[error("the plan that was approved is not this one: its fingerprint is {0}")]
    OtherPlan(Digest),
    /// Who asked for it approves it.
    #[error("who asked for a rollout does not approve it; somebody else does")]
    SamePerson,
    /// There is no such target.
    #[error("the rollout has no target {0}")]
    NoTarget(TargetNumber),
    /// A target cannot be tried again.
    #[error("target {target} cannot be tried again: {why}")]
    NoRetry {
        /// Which.
        target: TargetNumber,
        /// Why.
        why: &'static str,
    },
    /// What is told of a target cannot be meant.
    #[error("target {0} is not in a state in which that can happen")]
    NotOfTarget(TargetNumber),
}
