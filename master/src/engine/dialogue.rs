//! One conversation with one agent about one operation: what each frame means, and what is said next. Pure.
//!
//! The session reads frames as they come, hands them in here, stores what came out in one transaction together with others',
//! and only then acknowledges and acts. So a frame that was acted on is a frame that is stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use nim_shared::disks::Rollback;
use nim_shared::frame::{
    AgentFrame, AgentHello, Body, Change, ChangeMoment, Command, Effect, Event as JournalEvent,
    Identity, Known, MasterFrame, MasterStep, OUTPUT_CHUNK, PROTOCOL_FLOOR, Recorded, Refusal,
    StepAnswer,
};
use nim_shared::id::{Digest, Epoch, Fence, ObjectName, OperationId};
use nim_shared::level::Level;
use nim_shared::operation::{Named, Report};
use nim_shared::prep::Setting;
use nim_shared::request::{Expected, Request};

use super::arrived::{Arrived, arrived};
use super::journal::{Progress, Step, Violation};
use super::operation::{Action, Event, Operation, Refused, State};

/// Code of an operation whose `start` the agent refused.
pub(crate) const REFUSED: &str = "NLU-0406";

/// What does not change during a session.
#[derive(Clone, Debug)]
pub struct Order {
    /// The operation.
    pub operation: OperationId,
    /// Under which fence this master commands.
    pub fence: Fence,
    /// Digest of `request`.
    pub digest: Digest,
    /// The request as it was accepted.
    pub request: String,
    /// The machine it is meant for.
    pub expected: Expected,
    /// What its LPAR is booted from, where it is about that.
    pub rollback: Option<Rollback>,
}

impl Order {
    /// Whether its `lvupdate.data` has an LPAR of this level give up processors where they are short.
    #[must_use]
    pub fn reduces_processors(&self, level: Option<Level>) -> bool {
        // What cannot be read is refused by the agent.
        let request = serde_json::from_str::<Request>(&self.request);
        request.is_ok_and(|request| request.data().reduces_processors(level))
    }

    const fn command(&self) -> Command {
        Command { operation: self.operation, fence: self.fence, digest: self.digest }
    }
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Dialogue {
    order: Order,
    operation: Operation,
    progress: Progress,
    output: u64,
    /// What was changed and not put back, as it is stored.
    changes: Vec<Change>,
    /// sshd was started anew since this conversation began.
    login_due: bool,
    pending: Batch,
}

/// What has to be stored before anything is acknowledged or done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Journal events, in order.
    pub events: Vec<JournalEvent>,
    /// Raw output, in order.
    pub output: Vec<Chunk>,
    /// What is to be done once it is stored, in order.
    pub actions: Vec<Action>,
    /// Whether the operation's state or progress changed.
    pub changed: bool,
    /// Secrets that the agent asked for.
    pub secrets: Vec<ObjectName>,
    /// The trial of IP filters that a fresh connection has to prove.
    pub trial: Option<Digest>,
    /// What the agent waits for this master to do, with which question it is.
    pub step: Option<(Digest, MasterStep)>,
    /// The agent said what it has of the operation.
    pub answered: Option<Answered>,
}

/// What an agent has of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Nothing, or nothing that was told to proceed.
    NotProceeding,
    /// It was told to proceed, by this master or by one before it.
    Proceeding,
}

impl Batch {
    /// Whether there is nothing to store, say or do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A piece of raw output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The line of history.
    pub epoch: Epoch,
    /// Offset of the first byte.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why a conversation cannot go on. The operation stays as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The agent speaks no protocol that we do.
    #[error("the agent speaks protocol {theirs}, this master {PROTOCOL_FLOOR} and later")]
    Protocol {
        /// The agent's highest.
        theirs: u32,
    },
    /// The first frame was not `hello`, or a second one came.
    #[error("the agent sent `{found}` where `{wanted}` was due")]
    Unexpected {
        /// What was due.
        wanted: &'static str,
        /// What came.
        found: &'static str,
    },
    /// The journal jumps, was changed, or tells of another operation.
    #[error(transparent)]
    Journal(#[from] Violation),
    /// A journal event does not fit the operation's state.
    #[error("the agent's journal tells what cannot be")]
    Impossible(#[source] Refused),
    /// Raw output jumps, is too long, or is not base64.
    #[error("raw output of the agent cannot be read at byte {offset}")]
    Output {
        /// Where.
        offset: u64,
    },
    /// The LPAR's sshd was started anew: what comes next counts only over a connection that was let in since.
    #[error("sshd was started anew: a new login has to show that it lets in")]
    LoginDue,
    /// Another operation's answer.
    #[error("an answer about operation {found} in the session of {expected}")]
    AnotherOperation {
        /// The session's.
        expected: OperationId,
        /// The answer's.
        found: OperationId,
    },
    /// What the copy of rootvg that was booted has open is not ended yet.
    #[error(
        "the LPAR runs from its copy, and operation {operation}, in whose middle that was made, is being ended there"
    )]
    Unsettled {
        /// Which one.
        operation: OperationId,
    },
    /// The agent took another request under this id.
    #[error("the agent took a request with another digest under this id")]
    AnotherRequest,
}

/// In which respect a machine is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its {what} is {found}, expected is {expected}")]
pub struct Mismatch {
    /// Serial, partition name or installation.
    pub what: &'static str,
    /// As the agent reports it.
    pub found: String,
    /// As it is on record.
    pub expected: String,
}

/// Compares what an agent reports with what is on record. What is not on record, or not reported, is not compared.
///
/// # Errors
/// The first [`Mismatch`].
pub fn compare(identity: &Identity, expected: &Expected) -> Result<(), Mismatch> {
    let pairs = [
        ("machine serial", identity.machine_serial.clone(), expected.machine_serial.clone()),
        ("partition name", identity.partition_name.clone(), expected.partition_name.clone()),
        (
            "installation",
            Some(identity.installation.to_string()),
            expected.installation.map(|id| id.to_string()),
        ),
    ];
    for (what, found, expected) in pairs {
        if let (Some(found), Some(expected)) = (found, expected)
            && found != expected
        {
            return Err(Mismatch { what, found: nim_shared::id::printable(&found), expected });
        }
    }
    Ok(())
}

impl Dialogue {
    /// A conversation about an operation as it is stored.
    #[must_use]
    pub fn new(order: Order, operation: Operation, progress: Progress, output: u64) -> Self {
        let (changes, pending) = (Vec::new(), Batch::default());
        Self { order, operation, progress, output, changes, login_due: false, pending }
    }

    /// The operation with all that was handed in.
    #[must_use]
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }

    /// What the journal said, with all that was handed in.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Offset up to which raw output was handed in.
    #[must_use]
    pub const fn output(&self) -> u64 {
        self.output
    }

    /// What the operation changed and did not put back, for an agent whose journal may not have it.
    pub fn tell_changes(&mut self, changes: Vec<Change>) {
        self.changes = changes;
    }

    /// Takes the agent's `hello`.
    ///
    /// # Errors
    /// [`Broken::Protocol`]. A machine that is not the expected one is no error here: it becomes an event, which the engine
    /// decides about, and nothing is sent to it.
    pub fn hello(&mut self, hello: &AgentHello) -> Result<(), Broken> {
        self.login_due = false;
        if hello.protocol < PROTOCOL_FLOOR {
            return Err(Broken::Protocol { theirs: hello.protocol });
        }
        if compare(&hello.identity, &self.order.expected).is_err() {
            return self.happened(Event::AnotherMachine);
        }
        if let Some(order) = &self.order.rollback {
            match arrived(self.order.operation, &self.operation.state, order, hello) {
                Arrived::No => {}
                Arrived::Unsettled(operation) => return Err(Broken::Unsettled { operation }),
                Arrived::Yes(report) => {
                    let outcome = report.outcome.clone();
                    self.progress.report = Some(*report);
                    return self.happened(Event::Finished(outcome));
                }
            }
        }
        self.pending.actions.extend(self.operation.on_session());
        Ok(())
    }

    /// Something happened that does not come from the agent.
    ///
    /// # Errors
    /// [`Broken::Impossible`] when it does not fit; nothing changed then.
    pub fn happened(&mut self, event: Event) -> Result<(), Broken> {
        let (after, actions) = self.operation.after(event).map_err(Broken::Impossible)?;
        self.pending.changed |= after != self.operation;
        self.operation = after;
        self.pending.actions.extend(actions);
        Ok(())
    }

    /// Something happened that is stored already, in a transaction of its own.
    ///
    /// # Errors
    /// As [`happened`](Self::happened).
    pub fn stored_with(&mut self, event: Event) -> Result<(), Broken> {
        let (after, actions) = self.operation.after(event).map_err(Broken::Impossible)?;
        self.operation = after;
        self.pending.actions.extend(actions);
        Ok(())
    }

    /// The agent still waits for a secret.
    pub fn wants(&mut self, secret: ObjectName) {
        if !self.pending.secrets.contains(&secret) {
            self.pending.secrets.push(secret);
        }
    }

    /// Orders `action` once more.
    pub fn owe(&mut self, action: Action) {
        self.pending.actions.push(action);
    }

    /// Takes one frame.
    ///
    /// # Errors
    /// [`Broken`]: what was handed in before stays good, this frame and what follows it do not count.
    pub fn receive(&mut self, frame: AgentFrame) -> Result<(), Broken> {
        if self.login_due {
            return Err(Broken::LoginDue);
        }
        match frame {
            AgentFrame::Hello(_) => Err(Broken::Unexpected { wanted: "an answer", found: "hello" }),
            AgentFrame::Taken { operation, digest, proceeded, .. }
            | AgentFrame::Attached { operation, digest, proceeded, .. } => {
                self.mine(operation)?;
                if digest != self.order.digest {
                    return Err(Broken::AnotherRequest);
                }
                self.happened(Event::Taken)?;
                self.pending.answered =
                    Some(if proceeded { Answered::Proceeding } else { Answered::NotProceeding });
                Ok(())
            }
            AgentFrame::Tombstoned { operation, .. } => {
                self.mine(operation)?;
                self.happened(Event::Tombstoned)?;
                self.pending.answered = Some(Answered::NotProceeding);
                Ok(())
            }
            // About another operation only `forget` is said, and a later session says it again.
            AgentFrame::Refused { operation: Some(other), .. } if other != self.order.operation => {
                Ok(())
            }
            AgentFrame::Refused { refused, why, text, .. } => self.refused(&refused, &why, &text),
            AgentFrame::Event(recorded) => self.event(*recorded),
            AgentFrame::Output { operation, epoch, offset, data } => {
                self.mine(operation)?;
                self.take_output(epoch, offset, &data)
            }
            AgentFrame::NeedSecret { operation, name } => {
                self.mine(operation)?;
                self.wants(name);
                Ok(())
            }
            AgentFrame::NeedProof { operation, trial } => {
                self.mine(operation)?;
                self.pending.trial = Some(trial);
                Ok(())
            }
            AgentFrame::NeedStep { operation, asking, step } => {
                self.mine(operation)?;
                self.pending.step = Some((asking, step));
                Ok(())
            }
            // Answers to what is asked outside of operations, or after the end of one.
            AgentFrame::Forgotten { .. }
            | AgentFrame::Facts { .. }
            | AgentFrame::QueryOutput { .. }
            | AgentFrame::QueryEnded { .. }
            | AgentFrame::Probed(_)
            | AgentFrame::PreflightEnded => Ok(()),
        }
    }

    /// Takes out what has to be stored, acknowledged and done.
    #[must_use]
    pub fn take(&mut self) -> Batch {
        std::mem::take(&mut self.pending)
    }

    /// The frame that an action sends, for those that send one.
    #[must_use]
    pub fn frame(&self, action: Action) -> Option<MasterFrame> {
        let command = self.order.command();
        Some(match action {
            Action::SendStart => {
                MasterFrame::Start { command, request: self.order.request.clone() }
            }
            Action::SendProceed => MasterFrame::Proceed { command },
            Action::SendCancel => MasterFrame::Cancel { command },
            Action::Attach => MasterFrame::Attach {
                operation: command.operation,
                fence: command.fence,
                after: self.progress.position,
                output_offset: self.output,
                changes: self.changes.clone(),
            },
            Action::OpenSession
            | Action::CommitStart
            | Action::Reserve
            | Action::CloseSession
            | Action::RefreshInventory
            | Action::Notify
            | Action::WatchCapacity => return None,
        })
    }

    /// Says that a connection came through IP filters on trial.
    #[must_use]
    pub const fn proof(&self, trial: Digest) -> MasterFrame {
        MasterFrame::Proof { command: self.order.command(), trial }
    }

    /// Answers what the agent waits for this master to do.
    #[must_use]
    pub const fn step(&self, asking: Digest, answer: StepAnswer) -> MasterFrame {
        MasterFrame::Step { command: self.order.command(), asking, answer }
    }

    /// Says that everything handed in is stored.
    #[must_use]
    pub const fn acknowledgement(&self) -> MasterFrame {
        MasterFrame::Ack {
            operation: self.order.operation,
            upto: self.progress.position,
            output_offset: self.output,
        }
    }

    fn event(&mut self, recorded: Recorded) -> Result<(), Broken> {
        // On a copy: an event that does not fit must not leave half of itself behind.
        let mut progress = self.progress.clone();
        match progress.take(self.order.operation, &recorded)? {
            Step::Repeated => return Ok(()),
            Step::Next(Some(happened)) => self.happened(happened)?,
            Step::Next(None) => {}
        }
        if progress.position.epoch != self.progress.position.epoch {
            self.output = 0;
        }
        self.progress = progress;
        self.pending.changed = true;
        self.login_due = restarts_sshd(&recorded.event.body);
        self.pending.events.push(recorded.event);
        Ok(())
    }

    fn refused(&mut self, refused: &str, why: &Named<Refusal>, text: &str) -> Result<(), Broken> {
        match (refused, why.known()) {
            (_, Some(Refusal::StaleFence)) => {
                self.pending.actions.push(Action::CloseSession);
                Ok(())
            }
            ("start", known) => {
                self.happened(Event::StartRefused(known.unwrap_or(Refusal::BadRequest)))?;
                if let State::Ended { outcome } = &self.operation.state {
                    self.progress.report = Some(Report {
                        codes: vec![REFUSED.to_owned()],
                        ..Report::of(
                            outcome.clone(),
                            format!("the agent refused: {}", nim_shared::id::printable(text)),
                        )
                    });
                }
                Ok(())
            }
            // A cancel that came too late, a proceed that had arrived before: the journal tells how it goes on.
            _ => Ok(()),
        }
    }

    fn take_output(&mut self, epoch: Epoch, offset: u64, data: &str) -> Result<(), Broken> {
        let bad = || Broken::Output { offset };
        let bytes = BASE64.decode(data).map_err(|_| bad())?;
        let end = u64::try_from(bytes.len())
            .ok()
            .and_then(|len| offset.checked_add(len))
            .ok_or_else(bad)?;
        if bytes.len() > OUTPUT_CHUNK
            || offset > self.output
            || epoch != self.progress.position.epoch
        {
            return Err(bad());
        }
        if offset == self.output && end > offset {
            self.output = end;
            self.pending.output.push(Chunk { epoch, offset, bytes });
        }
        Ok(())
    }

    fn mine(&self, found: OperationId) -> Result<(), Broken> {
        let expected = self.order.operation;
        if found == expected { Ok(()) } else { Err(Broken::AnotherOperation { expected, found }) }
    }
}

/// Whether it says that sshd, which was stopped, runs again.
fn restarts_sshd(body: &Body) -> bool {
    let Body::Known(known) = body else { return false };
    let Known::Change(Change { moment, effect, .. }) = &**known else { return false };
    let Effect::Setting { setting: Setting::Subsystem { subsystem }, .. } = effect else {
        return false;
    };
    subsystem.as_str() == SSHD && moment.known() == Some(ChangeMoment::Undone)
}

/// The subsystem that lets the master in. Source: LU §5.4.
const SSHD: &str = "sshd";

#[cfg(test)]
mod tests;
