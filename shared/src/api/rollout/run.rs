//! Rollouts that run: what is asked of them, how they stand, and what happened to them.

use serde::{Deserialize, Serialize};

use crate::api::File;
use crate::id::{ClientToken, Digest, ObjectName, OperationId, RolloutId};
use crate::stamp::Timestamp;
use crate::ticket::{Deed, Ticket};

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
    /// The ticket under which it is done; the policy may want one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
}

impl TurnRollout {
    /// As what a policy knows it.
    #[must_use]
    pub const fn deed(&self) -> Deed {
        match self {
            Self::Pause => Deed::Pause,
            Self::Resume => Deed::Resume,
            Self::Abort { .. } => Deed::Abort,
            Self::Approve { .. } => Deed::Approve,
            Self::Promote { .. } => Deed::Promote,
            Self::Retry { .. } => Deed::Retry,
        }
    }
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
    /// The next wave may begin although the one before has not soaked, is not healthy enough, or waits only for LPARs that are held back; or
    /// single LPARs that are updated and not known to be healthy count as healthy.
    Promote {
        /// The LPARs; none for the wave.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lpars: Vec<ObjectName>,
    },
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
    /// How many LPARs its file means that the plan has left out; they are in no count.
    #[serde(default)]
    pub excluded: usize,
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
    /// `waiting`, `starting`, `running`, `recalled`, `releasing`, or how it ended: `updated`, `unchanged`, `failed`, `unreachable`, `stuck`,
    /// `cancelled`, `skipped`, `not_started`.
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
