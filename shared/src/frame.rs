//! What `nimd` and `nim-agent serve` say to each other over one SSH exec channel: one JSON object per line, both ways.
//!
//! A frame is at most [`FRAME_LIMIT`] bytes with its line end. Unknown fields are ignored; a frame of an unknown kind is
//! refused by name; unknown names inside a known frame are kept as text. The agent's journal is the session: a connection
//! may end anywhere and be replaced by another, which says `attach` and goes on after the last event that was stored.

mod event;
mod exposed;
mod file;
pub mod found;
mod log;
mod secret;
mod step;

pub use event::{
    Body, Change, ChangeClass, ChangeMoment, Effect, Event, Gap, Known, Moment, PartStep, Record,
    Recorded, ScriptMoment, ScriptStep, Verdict,
};
pub use exposed::Exposed;
pub use file::{FileChunk, FileFrame, FileOffer, FileState};
pub use log::KeptLog;
pub use secret::SecretText;
pub use step::{MasterStep, StepAnswer};

use serde::{Deserialize, Serialize};

use crate::id::{
    Digest, Epoch, Fence, InstallationId, LparId, MasterId, ObjectName, OperationId, Seq,
};
use crate::operation::{Named, Snapshot};
use crate::preflight::probe::{Probe, Probed};
use crate::query::Query;
use crate::stage::{Stage, names};
use crate::stamp::Timestamp;

/// Version of this protocol. Both sides say theirs in `hello`; the lower one is spoken.
pub const PROTOCOL: u32 = 1;

/// The lowest version that this build still speaks.
pub const PROTOCOL_FLOOR: u32 = 1;

/// Longest line, in bytes, with its line end. A longer one ends the session.
pub const FRAME_LIMIT: usize = 1 << 20;

/// Most bytes of raw output in one `output` frame, before base64.
pub const OUTPUT_CHUNK: usize = 64 << 10;

/// A place in a journal: after the record `seq` of `epoch`, whose hash is `hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// The line of history.
    pub epoch: Epoch,
    /// The last record that the master has stored; zero for none.
    pub seq: Seq,
    /// Hash of that record; all zeros for none.
    pub hash: Digest,
}

impl Position {
    /// Before the first record.
    pub const START: Self = Self { epoch: Epoch(1), seq: Seq(0), hash: Digest::ZERO };
}

/// Who commands, and what about. The agent keeps the highest fence it has seen for each operation and refuses a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Command {
    /// The operation.
    pub operation: OperationId,
    /// The commanding master's fence.
    pub fence: Fence,
    /// Digest of the request, so that a command for one order never acts on another.
    pub digest: Digest,
}

/// From `nimd` to the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum MasterFrame {
    /// First on every channel.
    Hello {
        /// Highest protocol version that this master speaks.
        protocol: u32,
        /// Version of the program.
        version: String,
        /// Which run of which master.
        master: MasterId,
        /// The master's clock, for the skew that the agent reports.
        now: Timestamp,
    },
    /// Take this operation, at most once. Answered by `taken`, also when it was taken before with the same digest.
    Start {
        /// Operation, fence and digest of `request`.
        #[serde(flatten)]
        command: Command,
        /// A [`crate::request::Request`] as JSON text.
        request: String,
    },
    /// After `ready`: go on to the update.
    Proceed {
        /// Operation, fence and digest.
        #[serde(flatten)]
        command: Command,
    },
    /// Stop at the next point between our own steps. geninstall is never signalled.
    Cancel {
        /// Operation, fence and digest.
        #[serde(flatten)]
        command: Command,
    },
    /// Everything is stored: the agent may delete the operation's journal and output.
    Forget {
        /// Operation, fence and digest.
        #[serde(flatten)]
        command: Command,
    },
    /// Go on reporting. Never starts anything: for an unknown id the agent writes a tombstone with this fence, after which a
    /// `start` of that id with this fence or a lower one, however late it arrives, is refused for ever.
    Attach {
        /// The operation.
        operation: OperationId,
        /// The asker's fence.
        fence: Fence,
        /// Send events after this one.
        after: Position,
        /// Send raw output from this byte on.
        output_offset: u64,
        /// What the operation changed and did not put back, as the master has stored it. An agent whose journal does not contain
        /// `after` is on another copy of rootvg, which may have such a change and not its record.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<Change>,
    },
    /// The answer to `need_secret`. Held in memory, never written.
    Secret {
        /// The operation that needs it.
        operation: OperationId,
        /// The asker's fence.
        fence: Fence,
        /// Which one.
        name: ObjectName,
        /// The secret; `None` when the master has none of that name or may not use it now.
        value: Option<SecretText>,
    },
    /// The answer to `need_proof`, on a connection that was opened after it was asked for. Refused on one whose agent was there before.
    Proof {
        /// Operation, fence and digest.
        #[serde(flatten)]
        command: Command,
        /// Which trial is proven.
        trial: Digest,
    },
    /// The answer to `need_step`.
    Step {
        /// Operation, fence and digest.
        #[serde(flatten)]
        command: Command,
        /// Which question is answered.
        asking: Digest,
        /// What came of it.
        #[serde(flatten)]
        answer: StepAnswer,
    },
    /// Stored and committed up to here.
    Ack {
        /// The operation.
        operation: OperationId,
        /// Last event stored.
        upto: Position,
        /// Bytes of raw output stored.
        output_offset: u64,
    },
    /// Asks for the present state of the LPAR, read-only. Answered by `facts`; refused while a run is in its silent phases.
    Facts,
    /// Asks AIX something, read-only, by an id of the list that is compiled into the agent. Answered by `query_output` and, last,
    /// `query_ended`; refused where the list or the LPAR's policy does not have it, and while a run is in its silent phases.
    Query(Query),
    /// Looks at the LPAR for a preflight, read-only, by ids of a list that is compiled into the agent. Answered by a `probed` for each
    /// and, last, `preflight_ended`; refused where the LPAR's policy does not allow it, and while a run is in its silent phases.
    Preflight {
        /// What is looked at, in this order.
        probes: Vec<Probe>,
    },
}

/// From the agent to `nimd`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum AgentFrame {
    /// The answer to `hello`.
    Hello(Box<AgentHello>),
    /// The operation was taken, now or before, with this digest.
    Taken {
        /// The operation.
        operation: OperationId,
        /// Digest of the request that was taken.
        digest: Digest,
        /// Where its journal stands.
        at: Position,
        /// Whether a `proceed` was accepted, now or before. From this answer on none under a lower fence is.
        #[serde(default)]
        proceeded: bool,
    },
    /// Something that was asked for is not done, and nothing was changed by it.
    Refused {
        /// The operation, where the frame named one.
        operation: Option<OperationId>,
        /// Kind of the frame that is refused.
        refused: String,
        /// Why, for the engine.
        why: Named<Refusal>,
        /// Why, for a person.
        text: String,
    },
    /// The answer to `attach` for an operation that the agent has: events follow.
    Attached {
        /// The operation.
        operation: OperationId,
        /// Digest of the request that was taken.
        digest: Digest,
        /// Where its journal stands.
        at: Position,
        /// Size of the raw output so far, in bytes.
        output_bytes: u64,
        /// Whether a `proceed` was accepted. From this answer on none under a lower fence is.
        #[serde(default)]
        proceeded: bool,
        /// The request as it was taken, where events from the first on were asked for: a master that has nothing of the operation
        /// goes on from it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// The answer to `attach` for an operation that the agent does not have: a tombstone is on its disk now.
    Tombstoned {
        /// The operation.
        operation: OperationId,
        /// The fence under which the tombstone stands.
        fence: Fence,
    },
    /// One journalled event.
    Event(Box<Recorded>),
    /// Raw output of what runs, in order.
    Output {
        /// The operation.
        operation: OperationId,
        /// The line of history.
        epoch: Epoch,
        /// Offset of the first byte.
        offset: u64,
        /// The bytes, in base64: what AIX prints need not be UTF-8.
        data: String,
    },
    /// A secret is wanted; the operation waits.
    NeedSecret {
        /// The operation.
        operation: OperationId,
        /// Which one.
        name: ObjectName,
    },
    /// IP filters were put back and are on trial: a connection that is opened from now on has to prove that the master gets through
    /// them, else they are taken off again. A channel of one that is there proves nothing.
    NeedProof {
        /// The operation.
        operation: OperationId,
        /// Which trial.
        trial: Digest,
    },
    /// The master has something to do here, for which the operation waits. Asked again on each connection until it is answered.
    NeedStep {
        /// The operation.
        operation: OperationId,
        /// Which question: an answer to an earlier one is none to this.
        asking: Digest,
        /// What it is.
        #[serde(flatten)]
        step: MasterStep,
    },
    /// The operation's files are deleted.
    Forgotten {
        /// The operation.
        operation: OperationId,
    },
    /// The present state of the LPAR.
    Facts {
        /// What was found.
        snapshot: Box<Snapshot>,
    },
    /// A part of what a query printed, in order for each stream.
    QueryOutput {
        /// Which of its two streams.
        stream: Named<OutputStream>,
        /// Where it stands in that stream, in bytes: a part that comes twice is known by it.
        offset: u64,
        /// The bytes, in base64.
        data: String,
    },
    /// The query is answered.
    QueryEnded {
        /// Its exit status; -1 when a signal ended it.
        status: i32,
    },
    /// What one probe of a preflight found.
    Probed(Box<Probed>),
    /// All probes that were asked for are answered.
    PreflightEnded,
}

names! {
    /// Where a command writes.
    OutputStream, "stream" {
        /// Standard output.
        Stdout = "stdout",
        /// Standard error.
        Stderr = "stderr",
    }
}

names! {
    /// Why the agent does not do what a frame asks for.
    Refusal, "refusal" {
        /// A higher fence was seen: another master commands.
        StaleFence = "stale_fence",
        /// The operation has a tombstone whose fence is not lower than that of the `start`: that `start` will never run here.
        /// One under a higher fence may: its master has seen the tombstone, or claimed the operation after it. A forgotten
        /// operation has a tombstone with the highest fence there is.
        Tombstoned = "tombstoned",
        /// Another operation runs on this LPAR, or a Live Update that is not ours.
        Busy = "busy",
        /// The digest is not that of the request, or not the one that was taken.
        DigestMismatch = "digest_mismatch",
        /// The machine, the partition name or the installation is not the expected one.
        AnotherMachine = "another_machine",
        /// The request cannot be read, or asks for something that this version cannot do.
        BadRequest = "bad_request",
        /// The LPAR's level is below what the agent supports.
        Unsupported = "unsupported",
        /// No room for the journal.
        NoSpace = "no_space",
        /// The LPAR's own policy forbids it.
        Policy = "policy",
        /// No such operation here.
        UnknownOperation = "unknown_operation",
        /// Too late, or too early, for this operation's present stage.
        WrongMoment = "wrong_moment",
        /// A frame of an unknown kind.
        UnknownFrame = "unknown_frame",
        /// The line was no frame: too long, not JSON, or a field is missing.
        BadFrame = "bad_frame",
        /// The agent's own disk or system refused.
        System = "system",
    }
}

/// What the agent says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentHello {
    /// Highest protocol version that this agent speaks.
    pub protocol: u32,
    /// Version of the program.
    pub version: String,
    /// Which machine this is.
    pub identity: Identity,
    /// What booted it, and from where.
    pub boot: Boot,
    /// The LPAR's clock.
    pub clock: ClockReading,
    /// `oslevel -s`, where it could be read.
    pub level: Option<String>,
    /// Operations whose files are here and that were not forgotten.
    #[serde(default)]
    pub operations: Vec<OpenOperation>,
    /// Whether the lock of a Live Update is there; an older agent does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_update_lock: Option<bool>,
}

/// Which machine this is. The partition id is reported, and is no part of identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Identity {
    /// Serial of the machine as AIX reports it.
    pub machine_serial: Option<String>,
    /// Partition name.
    pub partition_name: Option<String>,
    /// Partition id at this moment.
    pub lpar_id: Option<LparId>,
    /// Host name.
    pub hostname: Option<String>,
    /// Installation of the agent.
    pub installation: InstallationId,
}

/// Evidence of the boot: tells one boot, and one copy of rootvg, from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Boot {
    /// When the system was booted, as it reports it, as text.
    pub booted_at: Option<String>,
    /// Physical volume ids of the active rootvg.
    #[serde(default)]
    pub rootvg: Vec<String>,
}

/// One reading of the LPAR's clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClockReading {
    /// Wall clock, in UTC.
    pub now: Timestamp,
    /// Offset of local time from UTC, in minutes.
    pub utc_offset_minutes: i32,
    /// `TZ` of the system, such as `Europe/Amsterdam` or `MEZ-1MESZ,M3.5.0,M10.5.0/3`.
    pub zone: Option<String>,
}

/// One operation whose files are on the LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenOperation {
    /// Its id.
    pub operation: OperationId,
    /// Digest of its request.
    pub digest: Digest,
    /// Highest fence seen.
    pub fence: Fence,
    /// Where its journal stands.
    pub at: Position,
    /// The stage it is in, while it runs.
    pub stage: Option<Named<Stage>>,
    /// Whether its last record is there.
    pub finished: bool,
    /// Whether something that it changed is neither put back nor left on purpose.
    #[serde(default)]
    pub open_changes: bool,
}

/// Why a line is no frame.
#[derive(Debug, thiserror::Error)]
pub enum BadFrame {
    /// Longer than [`FRAME_LIMIT`].
    #[error("a line of more than {FRAME_LIMIT} bytes")]
    TooLong,
    /// A kind that this version does not know.
    #[error("a frame of the unknown kind \"{}\"", crate::id::printable(kind))]
    UnknownKind {
        /// As it was sent.
        kind: String,
    },
    /// Not JSON, or a field is missing or wrong.
    #[error("not a frame")]
    Malformed(#[source] serde_json::Error),
}

/// Reads one line, without its line end.
///
/// # Errors
/// [`BadFrame`] when the line is too long, of an unknown kind, or malformed. Nothing of a line that is refused is acted on.
pub fn read<'a, F: Frame + Deserialize<'a>>(line: &'a [u8]) -> Result<F, BadFrame> {
    /// The kind alone.
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow)]
        frame: std::borrow::Cow<'a, str>,
    }
    if line.len() >= FRAME_LIMIT {
        return Err(BadFrame::TooLong);
    }
    match serde_json::from_slice(line) {
        Ok(frame) => Ok(frame),
        Err(error) => match serde_json::from_slice::<Kind<'a>>(line) {
            Ok(Kind { frame }) if !F::KINDS.contains(&&*frame) => {
                Err(BadFrame::UnknownKind { kind: frame.into_owned() })
            }
            Ok(_) | Err(_) => Err(BadFrame::Malformed(error)),
        },
    }
}

/// Writes one frame as a line with its line end.
///
/// # Errors
/// [`BadFrame::TooLong`] when it does not fit; the caller splits what it sends.
pub fn write<F: Frame + Serialize>(frame: &F) -> Result<Vec<u8>, BadFrame> {
    let mut line = serde_json::to_vec(frame).map_err(BadFrame::Malformed)?;
    line.push(b'\n');
    if line.len() > FRAME_LIMIT { Err(BadFrame::TooLong) } else { Ok(line) }
}

/// A direction of the protocol.
pub trait Frame {
    /// The kinds of frame in this direction.
    const KINDS: &'static [&'static str];
}

impl Frame for MasterFrame {
    const KINDS: &'static [&'static str] = &[
        "hello",
        "start",
        "proceed",
        "cancel",
        "forget",
        "attach",
        "secret",
        "proof",
        "step",
        "ack",
        "facts",
        "query",
        "preflight",
    ];
}

impl Frame for AgentFrame {
    const KINDS: &'static [&'static str] = &[
        "hello",
        "taken",
        "refused",
        "attached",
        "tombstoned",
        "event",
        "output",
        "need_secret",
        "need_proof",
        "need_step",
        "forgotten",
        "facts",
        "query_output",
        "query_ended",
        "probed",
        "preflight_ended",
    ];
}

impl Frame for FileFrame {
    const KINDS: &'static [&'static str] = &["offer", "state", "chunk", "kept", "refused"];
}

#[cfg(test)]
mod tests;
