//! What each frame of the master is answered with.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use nim_shared::VERSION;
use nim_shared::frame::{
    AgentFrame, AgentHello, Change, Command, MasterFrame, OpenOperation, PROTOCOL, Position,
    Refusal, SecretText, StepAnswer,
};
use nim_shared::id::{Digest, Fence, ObjectName, OperationId, Seq, printable};
use nim_shared::operation::Named;
use nim_shared::stage::{Point, Stage};

use super::refused::Refused;
use super::stream::{From, Stream, Streams};
use super::{Out, order};
use crate::command::Commands;
use crate::disk::{self, Created};
use crate::facts::Facts;
use crate::operation::{Answered, Operation, Stored};
use crate::progress::{self, Contained, Progress};
use crate::root::Root;
use crate::run::Step;
use crate::slot::Durability;
use crate::state::{Claim, FORGOTTEN, State};
use crate::supervisor::start::{self, revive};
use crate::{alive, images, system};

/// Answers the frames of one session.
pub(super) struct Answerer {
    pub(super) root: Root,
    pub(super) state: State,
    pub(super) commands: Commands,
    pub(super) facts: Facts,
    pub(super) out: Out,
    /// How many processes this session has started for preflights.
    pub(super) processes: usize,
    streams: Streams,
    /// What was on trial when this process began: only what was is proven by it.
    trials: BTreeMap<OperationId, Digest>,
    /// What this session reports on, and under which fence it asked.
    attached: Vec<(OperationId, Fence)>,
    /// What to report on once the answer is out.
    next: Option<Stream>,
}

type Answer = Result<Option<AgentFrame>, Refused>;

impl Answerer {
    pub(super) fn new(root: Root, out: Out, streams: Streams) -> Result<Self, disk::Error> {
        let state = State::open(&root)?;
        let commands = Commands::new(root.clone());
        let facts = Facts::new(root.clone(), &state)?;
        let mut trials = BTreeMap::new();
        for operation in state.operations()? {
            let filters = operation.filters_if_any()?.map(|slot| slot.get()).transpose()?;
            let trial = filters.flatten().and_then(|filters| filters.trial);
            trials.extend(trial.map(|trial| (operation.id, trial)));
        }
        let (attached, next, processes) = (Vec::new(), None, 0);
        Ok(Self { root, state, commands, facts, out, processes, streams, trials, attached, next })
    }

    pub(super) fn answer(&mut self, frame: MasterFrame) -> Answer {
        match frame {
            MasterFrame::Hello { .. } => self.hello(),
            MasterFrame::Start { command, request } => self.start(command, &request),
            MasterFrame::Attach { operation, fence, after, output_offset, changes } => {
                self.attach(operation, fence, (after, output_offset), &changes)
            }
            MasterFrame::Proceed { command } => self.proceed(command),
            MasterFrame::Cancel { command } => self.cancel(command),
            MasterFrame::Forget { command } => self.forget(command),
            MasterFrame::Secret { operation, fence, name, value } => {
                self.secret(operation, fence, &name, value.as_ref())
            }
            MasterFrame::Proof { command, trial } => self.proof(command, trial),
            MasterFrame::Step { command, asking, answer } => self.step(command, asking, answer),
            MasterFrame::Ack { operation, upto, .. } => self.ack(operation, upto),
            MasterFrame::Facts => self.facts(),
            MasterFrame::Query(query) => self.query(&query),
            MasterFrame::Preflight { probes } => self.preflight(&probes),
        }
    }

    /// Begins the report that an answer announced: never before it.
    pub(super) fn after_answer(&mut self) {
        if let Some(stream) = self.next.take() {
            self.streams.add(stream);
        }
    }

    fn hello(&self) -> Answer {
        let mut operations = Vec::new();
        let mut silent = false;
        for operation in self.state.operations()? {
            let Some(Claim::Taken { digest }) = self.state.claim(operation.id)? else { continue };
            let (progress, at) = Progress::read(&operation)?;
            silent |= progress.is_silent();
            operations.push(OpenOperation {
                operation: operation.id,
                digest,
                fence: operation.fence()?.get()?.unwrap_or_default(),
                at,
                stage: progress.stage.filter(|_| progress.finished.is_none()).map(Named::Known),
                finished: progress.finished.is_some(),
                open_changes: progress.has_open_changes(),
            });
            revive(&self.root, &self.commands, &operation, &progress)?;
        }
        let about = if silent { self.facts.remembered()? } else { self.facts.about()? };
        Ok(Some(AgentFrame::Hello(Box::new(AgentHello {
            protocol: PROTOCOL,
            version: VERSION.to_owned(),
            identity: about.identity,
            boot: about.boot,
            clock: self.facts.clock(),
            level: about.level,
            operations,
            live_update_lock: Some(alive::live_update_lock(&self.root).is_there()),
        }))))
    }

    fn start(&mut self, command: Command, request: &str) -> Answer {
        let operation = order::take(self, command, request)?;
        // Taken is taken, also when the supervisor cannot be started now: the next session tries again.
        if let Err(error) = start::supervise(&self.commands, &operation) {
            crate::tell(&format!(
                "nim-agent: operation {}: {}",
                operation.id,
                crate::text::chain(&error)
            ));
        }
        let at = Progress::read(&operation)?.1;
        let from = From { after: Position::START, contained: Contained::Yes, output_offset: 0 };
        self.report(&operation, command.fence, from)?;
        let proceeded = operation.proceed()?.get()?.is_some();
        Ok(Some(AgentFrame::Taken {
            operation: operation.id,
            digest: command.digest,
            at,
            proceeded,
        }))
    }

    fn attach(
        &mut self,
        id: OperationId,
        fence: Fence,
        (after, output_offset): (Position, u64),
        changes: &[Change],
    ) -> Answer {
        let lock = self.state.lock()?;
        let digest = match self.state.claim(id)? {
            Some(Claim::Taken { digest }) => digest,
            Some(Claim::Tombstone { fence: found }) => {
                let fence = found.max(fence);
                if fence > found {
                    self.state.claim_anew(id, Claim::Tombstone { fence })?;
                }
                return Ok(Some(AgentFrame::Tombstoned { operation: id, fence }));
            }
            None => match self.state.claim_once(id, Claim::Tombstone { fence })? {
                (Created::New, _) => {
                    return Ok(Some(AgentFrame::Tombstoned { operation: id, fence }));
                }
                (Created::Exists, _) => {
                    return Err(Refused::new(
                        Refusal::System,
                        "a claim appeared while the lock was held",
                    ));
                }
            },
        };
        let operation = self.state.operation(id);
        admit(&operation, fence)?;
        drop(lock);
        let contained = progress::contains(&operation, after)?;
        let (progress, at) = Progress::read(&operation)?;
        if contained == Contained::No && !progress.reopened.contains(&after) {
            operation.tell_changes(changes)?;
            operation.reopen()?.set(&after, Durability::Synced)?;
            start::supervise(&self.commands, &operation)?;
        } else {
            revive(&self.root, &self.commands, &operation, &progress)?;
        }
        if contained == Contained::Yes {
            store(&operation, after)?;
        }
        let output = operation.output();
        let output_bytes = disk::doing("look at", &output, output.metadata())?.len();
        let request = (after == Position::START).then(|| operation.request_text()).transpose()?;
        let proceeded = operation.proceed()?.get()?.is_some();
        self.report(&operation, fence, From { after, contained, output_offset })?;
        Ok(Some(AgentFrame::Attached {
            operation: id,
            digest,
            at,
            output_bytes,
            proceeded,
            request,
        }))
    }

    fn report(&mut self, operation: &Operation, fence: Fence, from: From) -> Result<(), Refused> {
        self.streams.remove(operation.id);
        self.next = Some(Stream::open(operation.clone(), from)?);
        self.attached.retain(|(id, _)| *id != operation.id);
        self.attached.push((operation.id, fence));
        Ok(())
    }

    fn proceed(&self, command: Command) -> Answer {
        let operation = self.commanded(command)?;
        let _control = operation.control()?;
        let slot = operation.proceed()?;
        if slot.get()?.is_some() {
            return Ok(None);
        }
        let (progress, _) = Progress::read(&operation)?;
        if progress.cancelled || progress.finished.is_some() || operation.cancel()?.get()?.is_some()
        {
            return Err(Refused::moment("the operation was cancelled or has ended"));
        }
        if progress.stage > Some(Stage::Backup) || operation.verdict()?.get()?.is_some() {
            return Err(Refused::moment(
                "the agent no longer waits: what prep changed is being put back",
            ));
        }
        if !progress.has_passed(Point::Ready) {
            return Err(Refused::moment("the operation is not ready yet"));
        }
        slot.set(&command.fence, Durability::Synced)?;
        Ok(None)
    }

    fn cancel(&self, command: Command) -> Answer {
        let operation = self.commanded(command)?;
        let _control = operation.control()?;
        let slot = operation.cancel()?;
        if slot.get()?.is_some() {
            return Ok(None);
        }
        let (progress, _) = Progress::read(&operation)?;
        if progress.finished.is_some() {
            return Err(Refused::moment("the operation has ended"));
        }
        if operation.verdict()?.get()?.is_some() {
            return Err(Refused::moment(
                "the outcome is decided: what prep changed is being put back",
            ));
        }
        // A split update asks between its parts, up to the move.
        let asks = progress.stage < Some(Stage::Update)
            || progress.stage == Some(Stage::Update) && operation.request()?.is_split();
        if !asks || operation.run(Step::Software)?.get()?.is_some() {
            let text = "what was asked for was started: it is one run, which is never interrupted";
            return Err(Refused::moment(text));
        }
        slot.set(&command.fence, Durability::Synced)?;
        Ok(None)
    }

    fn forget(&mut self, command: Command) -> Answer {
        let id = command.operation;
        let _lock = self.state.lock()?;
        if self.state.claim(id)? == Some(Claim::Tombstone { fence: FORGOTTEN }) {
            // The answer was lost, or a crash came between.
            disk::remove_folder(self.state.operation(id).folder())?;
            return Ok(Some(AgentFrame::Forgotten { operation: id }));
        }
        let operation = self.commanded(command)?;
        let (progress, _) = Progress::read(&operation)?;
        if progress.finished.is_none() || alive::supervisor(&operation, &self.commands)?.is_there()
        {
            return Err(Refused::moment("the operation has not ended"));
        }
        if is_mount_point(&operation) {
            return Err(Refused::moment("the images are still mounted in the operation's folder"));
        }
        let request = operation.request().ok();
        self.streams.remove(id);
        self.state.claim_anew(id, Claim::Tombstone { fence: FORGOTTEN })?;
        crate::crash::point("forget.buried");
        disk::remove_folder(operation.folder())?;
        images::release(&self.state, request.as_ref())?;
        Ok(Some(AgentFrame::Forgotten { operation: id }))
    }

    fn secret(
        &self,
        id: OperationId,
        fence: Fence,
        name: &ObjectName,
        value: Option<&SecretText>,
    ) -> Answer {
        let operation = self.taken(id)?.0;
        admit(&operation, fence)?;
        let gone = |_| Refused::moment("no secret is wanted now");
        let mut options = OpenOptions::new();
        let flags = system::NO_WAIT | system::NO_FOLLOW;
        let mut pipe =
            options.write(true).custom_flags(flags).open(operation.secret()).map_err(gone)?;
        let answer = order::SecretAnswer { name: name.clone(), value: value.cloned() };
        let mut line =
            serde_json::to_vec(&answer).map_err(|_| Refused::moment("no secret of this form"))?;
        line.push(b'\n');
        if line.len() > order::SECRET_LIMIT {
            return Err(Refused::new(Refusal::BadRequest, "the secret is too long"));
        }
        pipe.write_all(&line).map_err(gone)?;
        Ok(None)
    }

    /// Takes the word of a connection that came through IP filters on trial.
    fn proof(&self, command: Command, trial: Digest) -> Answer {
        let operation = self.commanded(command)?;
        if self.trials.get(&operation.id) != Some(&trial) {
            return Err(Refused::moment(
                "this connection was there before the filters were, and proves nothing",
            ));
        }
        let _control = operation.control()?;
        operation.proven()?.set(&trial, Durability::Synced)?;
        Ok(None)
    }

    /// Takes the answer to what the supervisor asks of the master.
    fn step(&self, command: Command, asking: Digest, answer: StepAnswer) -> Answer {
        let operation = self.commanded(command)?;
        let _control = operation.control()?;
        let asked = operation.asking()?.map_or(Ok(None), |slot| slot.get())?.flatten();
        if asked.is_none_or(|asked| asked.asking != asking) {
            return Err(Refused::moment("this is not what is asked at the moment"));
        }
        let cut = |text: String| printable(&text).chars().take(SAID).collect();
        let answer = match answer {
            StepAnswer::GoOn => StepAnswer::GoOn,
            StepAnswer::Against { text } => StepAnswer::Against { text: cut(text) },
            StepAnswer::Unknown { text } => StepAnswer::Unknown { text: cut(text) },
        };
        operation.answered()?.set(&Answered { asking, answer }, Durability::Synced)?;
        Ok(None)
    }

    fn ack(&self, id: OperationId, upto: Position) -> Answer {
        let operation = self.taken(id)?.0;
        // Only whoever commands now may say that something is stored.
        let highest = operation.fence()?.get()?.unwrap_or_default();
        if !self.attached.iter().any(|(attached, fence)| *attached == id && *fence >= highest) {
            return Err(Refused::new(
                Refusal::StaleFence,
                "this session does not command the operation",
            ));
        }
        store(&operation, upto)?;
        Ok(None)
    }

    fn facts(&self) -> Answer {
        refuse_in_silence(&self.state)?;
        let (snapshot, _) = self.facts.snapshot();
        Ok(Some(AgentFrame::Facts { snapshot: Box::new(snapshot) }))
    }

    /// The operation that `command` is about, if whoever sent it may command it.
    fn commanded(&self, command: Command) -> Result<Operation, Refused> {
        let (operation, digest) = self.taken(command.operation)?;
        if digest != command.digest {
            return Err(Refused::new(
                Refusal::DigestMismatch,
                "another request was taken under this id",
            ));
        }
        admit(&operation, command.fence)?;
        Ok(operation)
    }

    fn taken(&self, id: OperationId) -> Result<(Operation, Digest), Refused> {
        match self.state.claim(id)? {
            Some(Claim::Taken { digest }) => Ok((self.state.operation(id), digest)),
            Some(Claim::Tombstone { .. }) | None => {
                Err(Refused::new(Refusal::UnknownOperation, "there is no such operation here"))
            }
        }
    }
}

/// Refuses whoever no longer commands.
pub(super) fn admit(operation: &Operation, fence: Fence) -> Result<(), Refused> {
    let _control = operation.control()?;
    if operation.admit(fence)? {
        return Ok(());
    }
    Err(Refused::new(Refusal::StaleFence, format!("fence {fence} is lower than the highest seen")))
}

/// Most characters that are kept of what the master says of its step.
const SAID: usize = 800;

/// Refuses while the workload is being moved: nothing is asked of AIX then.
pub(super) fn refuse_in_silence(state: &State) -> Result<(), Refused> {
    for operation in state.operations()? {
        if Progress::read(&operation)?.0.is_silent() {
            let text = "the workload is being moved: nothing is asked of AIX now";
            return Err(Refused::moment(text));
        }
    }
    Ok(())
}

/// Notes what the master has stored; never less than before.
fn store(operation: &Operation, upto: Position) -> Result<(), disk::Error> {
    let _control = operation.control()?;
    let slot = operation.stored()?;
    let place = |at: Position| (at.epoch, at.seq);
    if slot.get()?.is_none_or(|stored| place(stored.upto) < place(upto)) && upto.seq > Seq(0) {
        slot.set(&Stored { upto }, Durability::Loose)?;
    }
    Ok(())
}

/// Whether another file system is mounted on the folder for images.
fn is_mount_point(operation: &Operation) -> bool {
    let device = |path: &std::path::Path| path.metadata().map(|found| found.dev());
    match (device(&operation.file(images::MOUNT)), device(operation.folder())) {
        (Ok(on), Ok(under)) => on != under,
        _ => false,
    }
}
