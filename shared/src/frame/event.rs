//! Journalled events: what happened on the LPAR, in order.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::hook::HookPoint;
use crate::id::{Digest, DiskName, Epoch, Fence, ObjectName, OperationId, Seq};
use crate::operation::{Named, Report, Snapshot};
use crate::prep::{RemovedFileset, Setting};
use crate::stage::{Phase, Point, Stage, names};
use crate::stamp::Timestamp;
use crate::strategy::Part;
use crate::unit::{Milliseconds, Seconds};

use super::found::Found;
use super::{Boot, Exposed, Identity, KeptLog, Position};

/// A record as it stands in the journal of an operation. Its JSON text is what the hash covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// The line of history.
    pub epoch: Epoch,
    /// Number in that line, from 1, without gaps.
    pub seq: Seq,
    /// The LPAR's wall clock in UTC.
    pub at: Timestamp,
    /// Physical volume ids of the rootvg that was active: tells one copy of the system from another.
    pub rootvg: Vec<String>,
    /// What happened.
    pub body: Body,
}

/// An event on its way to the master: with the text of its record as it stands in the journal, so that the master can compute
/// the hash again, also where a newer agent writes fields that it does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What the text says.
    pub event: Event,
    /// A [`Record`] as JSON text.
    pub text: String,
}

impl Recorded {
    /// The record of `operation` after one with the hash `before`.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn after(
        before: Digest,
        operation: OperationId,
        record: Record,
    ) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_string(&record)?;
        let hash = before.chain(text.as_bytes());
        Ok(Self { event: Event::new(operation, hash, record), text })
    }

    /// Whether its hash is the one that such a record has after one with the hash `before`.
    #[must_use]
    pub fn follows(&self, before: Digest) -> bool {
        before.chain(self.text.as_bytes()) == self.event.hash
    }
}

/// [`Recorded`] as it is sent.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Sent<'a> {
    /// The operation.
    operation: OperationId,
    /// Hash of `record`, chained to the one of the record before.
    hash: Digest,
    /// A `Record` as JSON text, as it stands in the journal.
    record: Cow<'a, str>,
}

impl Serialize for Recorded {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Event { operation, hash, .. } = self.event;
        Sent { operation, hash, record: Cow::Borrowed(&self.text) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Recorded {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Sent { operation, hash, record } = Sent::deserialize(deserializer)?;
        let read = serde_json::from_str(&record).map_err(serde::de::Error::custom)?;
        Ok(Self { event: Event::new(operation, hash, read), text: record.into_owned() })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Recorded {
    fn schema_name() -> Cow<'static, str> {
        "Recorded".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Sent::json_schema(generator)
    }
}

/// One event of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// The operation.
    pub operation: OperationId,
    /// The line of history.
    pub epoch: Epoch,
    /// Number in that line, from 1, without gaps.
    pub seq: Seq,
    /// Hash of its record, chained to the one before.
    pub hash: Digest,
    /// The LPAR's wall clock in UTC. For display: nothing is decided by it.
    pub at: Timestamp,
    /// What happened.
    pub body: Body,
}

impl Event {
    /// What `record` of `operation` says.
    #[must_use]
    pub fn new(operation: OperationId, hash: Digest, record: Record) -> Self {
        let Record { epoch, seq, at, body, rootvg: _ } = record;
        Self { operation, epoch, seq, hash, at, body }
    }
}

/// What happened, or what another version says happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Body {
    /// One of ours.
    Known(Box<Known>),
    /// Kept as it came, shown as text.
    Other(serde_json::Value),
}

impl From<Known> for Body {
    fn from(known: Known) -> Self {
        Self::Known(Box::new(known))
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Known {
    /// First record: the operation was taken.
    Taken {
        /// Digest of the request.
        digest: Digest,
        /// Fence of the `start`.
        fence: Fence,
        /// Which machine took it.
        identity: Identity,
        /// Which boot and which copy of rootvg.
        boot: Boot,
    },
    /// A stage was entered.
    Stage {
        /// Which.
        stage: Named<Stage>,
    },
    /// A phase of geninstall was entered.
    Phase {
        /// Which.
        phase: Named<Phase>,
        /// The LPAR's wall clock as geninstall printed it, where it does.
        printed_at: Option<String>,
    },
    /// A point was passed.
    Point {
        /// Which.
        point: Named<Point>,
    },
    /// One of geninstall's own checks.
    Check {
        /// What came out.
        verdict: Named<Verdict>,
        /// Number of the message, where it has one.
        code: Option<String>,
        /// As printed.
        text: String,
    },
    /// The preview's estimate.
    Estimate {
        /// Standstill of the workload.
        blackout: Option<Seconds>,
        /// The whole update.
        total: Option<Seconds>,
    },
    /// geninstall's blackout ended.
    BlackoutEnded {
        /// Length by geninstall's own two lines, where they have times.
        reported: Option<Seconds>,
    },
    /// The freeze as the agent measured it.
    Freeze(Gap),
    /// An error code appeared.
    Code {
        /// Such as `1430-030`.
        code: String,
        /// The line in which it stood, as printed.
        text: String,
    },
    /// Something on the LPAR is changed, was changed, or was put back.
    Change(Change),
    /// A part of a split update begins, or came to its end.
    Part(PartStep),
    /// A script or a hook of the order begins, or came to its end.
    Script(ScriptStep),
    /// A part of a log of the LPAR is kept behind the output: the operation did not go well.
    Log(KeptLog),
    /// The LPAR is, or was, without IP filters that it had.
    Exposed(Exposed),
    /// What the LPAR looks like.
    Snapshot {
        /// When: before anything was touched, or at the end.
        moment: Moment,
        /// What was found.
        snapshot: Box<Snapshot>,
    },
    /// A cancel was accepted; it takes effect at the next point between steps.
    CancelAccepted {
        /// Fence of the master that asked.
        fence: Fence,
    },
    /// A higher fence was seen.
    FenceRaised {
        /// Which.
        fence: Fence,
    },
    /// The journal that is here does not contain what the master had stored: another line of history begins.
    EpochOpened {
        /// What the master said it had stored.
        claimed: Position,
        /// Where the journal that is here stood.
        found: Position,
    },
    /// A supervisor took up the operation of one that is gone.
    Adopted {
        /// What it found, in a sentence.
        evidence: String,
    },
    /// Something worth knowing that changes nothing.
    Note {
        /// One sentence.
        text: String,
    },
    /// Last record.
    Finished(Box<Report>),
    /// What a master has found since.
    Found(Found),
}

/// Where one part of a split update stands. Two records make a part, as they make a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PartStep {
    /// Which.
    pub part: Named<Part>,
    /// Where it stands.
    pub moment: Named<ScriptMoment>,
    /// Its exit status, once it has one: `None` when a signal ended it.
    pub status: Option<i32>,
    /// How many bytes of output the operation had then.
    pub output: u64,
}

/// Where one script or hook of an order stands. Two records make one: that it begins, on the disk before it is started, and what
/// became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScriptStep {
    /// Number in the order, from 1: first its scripts, then its hooks.
    pub number: u32,
    /// Name of the object.
    pub name: ObjectName,
    /// Of a hook, where it is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<Named<HookPoint>>,
    /// Where it stands.
    pub moment: Named<ScriptMoment>,
    /// Its exit status, once it has one: `None` when a signal ended it.
    pub status: Option<i32>,
    /// How many bytes of output the operation had then: the script's own lie between those of its two records.
    pub output: u64,
}

names! {
    /// Where a script, or a part of a split update, stands.
    ScriptMoment, "moment of a script" {
        /// About to be started. From here on nobody starts it again.
        Begun = "begun",
        /// It ended with exit status 0.
        Succeeded = "succeeded",
        /// It ended otherwise.
        Failed = "failed",
        /// It was ended at its time limit.
        TooLong = "too_long",
        /// It could not be started.
        NotStarted = "not_started",
        /// It ran when the agent was killed, and how it ended is not known.
        Unknown = "unknown",
        /// It was left out: the LPAR was rebooted meanwhile, or a person was needed.
        LeftOut = "left_out",
    }
}

names! {
    /// What a check came to, as geninstall prints it.
    Verdict, "verdict" {
        /// `PASSED:`
        Passed = "passed",
        /// `FAILED:`
        Failed = "failed",
        /// `WARNING:`
        Warning = "warning",
        /// `INFO:`
        Info = "info",
    }
}

names! {
    /// When a snapshot was taken.
    Moment, "moment" {
        /// Before anything was touched.
        Before = "before",
        /// At the end.
        After = "after",
    }
}

/// The largest pause of the agent's ticker while the LPAR was silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gap {
    /// By the wall clock.
    pub wall: Milliseconds,
    /// By the monotonic clock, which may or may not count the freeze on AIX.
    pub monotonic: Milliseconds,
    /// How far apart the ticks were meant to be: what a gap without a freeze looks like.
    pub tick: Milliseconds,
}

/// One change of the LPAR, in one of its moments. Three records make a change: intent, done, undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// Number of the change within the operation, from 1. Undone in reverse order.
    pub number: u32,
    /// Where it stands.
    pub moment: Named<ChangeMoment>,
    /// When it has to be undone.
    pub class: Named<ChangeClass>,
    /// What it is, with the state before: all that is needed to put it back.
    pub effect: Effect,
    /// Why it could not be undone, where that is so.
    pub error: Option<String>,
}

impl Change {
    /// Whether it is neither put back nor left on purpose.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.moment.known(), Some(ChangeMoment::Undone | ChangeMoment::Kept))
    }
}

names! {
    /// Where a change stands.
    ChangeMoment, "moment of a change" {
        /// About to be made; its record is synced here and stored by the master first.
        Intent = "intent",
        /// Made.
        Done = "done",
        /// Put back, and seen to be.
        Undone = "undone",
        /// Left on purpose, as its class says.
        Kept = "kept",
        /// Could not be put back.
        UndoFailed = "undo_failed",
    }
}

names! {
    /// When a change is undone.
    ChangeClass, "class of a change" {
        /// Whatever the outcome.
        Always = "always",
        /// Unless the LPAR was updated.
        UnlessUpdated = "unless_updated",
        /// Never; listed before the start.
        Permanent = "permanent",
    }
}

/// What a change is, with the state before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// A file gets other content.
    File {
        /// Absolute path.
        path: String,
        /// Digest of the content before; `None` when there was no such file.
        before: Option<Digest>,
        /// Digest of the new content; `None` when somebody else (geninstall) writes it.
        after: Option<Digest>,
        /// Where the content before is kept, relative to the operation's folder.
        saved_as: Option<String>,
    },
    /// A folder is made.
    Folder {
        /// Absolute path.
        path: String,
    },
    /// A file system is mounted.
    Mount {
        /// Host and export, such as `nim01:/export/lpp`.
        source: String,
        /// Absolute path of the mount point.
        on: String,
    },
    /// A token for a management console is fetched.
    ConsoleToken {
        /// The console's address.
        address: String,
        /// User on it.
        user: String,
        /// Whether a token for the same console and user was there before.
        present_before: bool,
    },
    /// Files that were copied to the LPAR for this operation are linked into one folder.
    Images {
        /// Absolute path.
        path: String,
    },
    /// Interim fixes are removed. Nothing puts them back.
    InterimFixes {
        /// Their labels.
        labels: Vec<String>,
    },
    /// Filesets are removed. Only media bring them back.
    FilesetsRemoved {
        /// Each, with the level that it had.
        filesets: Vec<RemovedFileset>,
    },
    /// A copy of rootvg is made, to go back to. It stays.
    RootvgCopy {
        /// Names of the disks that it is on.
        disks: Vec<DiskName>,
        /// Name of its volume group.
        name: String,
        /// The level that it holds, as `oslevel -s` shows it.
        level: Option<String>,
        /// Disks of the boot list, which stays as it is.
        bootlist: Vec<String>,
        /// Numbers of the changes that are in the copy too: undone after a boot from it.
        prepared: Vec<u32>,
    },
    /// The definition of a copy of rootvg is dropped. What is on its disks stays, and nothing shows it any more.
    CopyDropped {
        /// Name of its volume group.
        name: String,
        /// Its disks.
        disks: Vec<DiskName>,
    },
    /// The boot list is set.
    Bootlist {
        /// Its disks before.
        before: Vec<String>,
        /// Its disks after.
        after: Vec<String>,
    },
    /// A setting gets another state.
    Setting {
        /// Which.
        setting: Setting,
        /// Its state before, as it was read.
        before: String,
        /// Its state after.
        after: String,
    },
}
