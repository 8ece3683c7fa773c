//! What an attached master is told without asking: events as they are synced, output as it grows, that a secret is wanted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use nim_shared::frame::{AgentFrame, Body, Known, OUTPUT_CHUNK, Position, Recorded};
use nim_shared::id::{Digest, Epoch, ObjectName, OperationId};
use nim_shared::stage::Phase;

use super::Out;
use crate::alive::{self, Watch};
use crate::command::Commands;
use crate::disk;
use crate::journal::{self, Entry, Reader};
use crate::operation::{Asking, Filters, Operation};
use crate::progress::Contained;
use crate::slot::Slot;
use crate::supervisor::start;
use crate::tell;
use crate::text::chain;

/// The operations that this session reports on. A thread of its own looks at them; nothing but the master's reading slows it.
#[derive(Clone, Default)]
pub(super) struct Streams {
    open: Arc<Mutex<BTreeMap<OperationId, Stream>>>,
}

/// Where the report on one operation stands.
pub(super) struct Stream {
    operation: Operation,
    journal: Reader,
    from: From,
    epoch: Epoch,
    output: File,
    offset: u64,
    cap: u64,
    secret: Option<ObjectName>,
    /// How often a secret was wanted, and for which of these times the master was asked.
    secrets_wanted: Slot<u64>,
    asked: Option<u64>,
    /// IP filters on trial, and which trial the master was asked to prove.
    filters: Option<Slot<Filters>>,
    tried: Option<Digest>,
    /// What the master is asked for, and which question it was asked on this connection.
    asking: Option<Slot<Option<Asking>>>,
    stepped: Option<Digest>,
    phase: Option<Phase>,
    finished: bool,
    looks: u32,
    watch: Watch,
}

/// From where on a master wants to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct From {
    /// The last event that it has.
    pub(super) after: Position,
    /// Whether that event is in the journal.
    pub(super) contained: Contained,
    /// The output that it has, in bytes.
    pub(super) output_offset: u64,
}

/// Why a report ended.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot write to the master")]
    Out(#[source] io::Error),
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(transparent)]
    Start(#[from] start::Error),
}

impl Streams {
    /// Begins to look after what will be added.
    pub(super) fn start(out: Out, commands: Commands) -> Self {
        let streams = Self::default();
        let looked_after = streams.clone();
        std::thread::spawn(move || looked_after.run(&out, &commands));
        streams
    }

    /// Reports on `stream` from now on, instead of an earlier one on the same operation.
    pub(super) fn add(&self, stream: Stream) {
        self.lock().insert(stream.operation.id, stream);
    }

    /// Ends the report on `operation`.
    pub(super) fn remove(&self, operation: OperationId) {
        self.lock().remove(&operation);
    }

    fn run(&self, out: &Out, commands: &Commands) {
        loop {
            let mut open = self.lock();
            let mut failed = Vec::new();
            for (id, stream) in &mut *open {
                match stream.pass_on(out, commands) {
                    Ok(()) => {}
                    // The master is gone: the session ends by itself when its other half is closed.
                    Err(Error::Out(_)) => return,
                    Err(error) => {
                        tell(&format!("nim-agent: operation {id}: {}", chain(&error)));
                        failed.push(*id);
                    }
                }
            }
            open.retain(|id, _| !failed.contains(id));
            drop(open);
            std::thread::sleep(INTERVAL);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OperationId, Stream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// A report on `operation`. Opens all that it will need: in the silent phases nothing may be opened.
    pub(super) fn open(operation: Operation, from: From) -> Result<Self, journal::Error> {
        let journal = Reader::open(&operation.journal(), operation.id)?;
        let path = operation.output();
        let output = disk::doing("open", &path, File::open(&path))?;
        let request = operation.request()?;
        let offset = match from.contained {
            Contained::Yes => from.output_offset,
            // Another line of history has its own output.
            Contained::No => 0,
        };
        Ok(Self {
            journal,
            from,
            epoch: from.after.epoch,
            output,
            offset,
            cap: request.limits.output.0.saturating_mul(1 << 20),
            secret: request.console.map(|console| console.secret),
            secrets_wanted: operation.secrets_wanted()?,
            asked: None,
            filters: operation.filters_if_any()?,
            tried: None,
            asking: operation.asking()?,
            stepped: None,
            phase: None,
            finished: false,
            looks: 0,
            watch: Watch::open(&operation)?,
            operation,
        })
    }

    fn pass_on(&mut self, out: &Out, commands: &Commands) -> Result<(), Error> {
        while let Some(entry) = self.journal.next()? {
            let Entry { event, text, .. } = entry;
            if let Body::Known(known) = &event.body {
                match &**known {
                    Known::Phase { phase, .. } => self.phase = phase.known(),
                    Known::Stage { .. } => self.phase = None,
                    Known::Finished(_) => self.finished = true,
                    _ => {}
                }
            }
            if self.is_new(event.epoch, event.seq.0) {
                self.epoch = event.epoch;
                if self.finished {
                    // Whoever hears of the end has all that was written before it.
                    self.pass_output(out)?;
                }
                let recorded = Recorded { event, text };
                out.send(&AgentFrame::Event(Box::new(recorded))).map_err(Error::Out)?;
            }
        }
        self.pass_output(out)?;
        let silent = self.phase.is_some_and(Phase::is_silent);
        if !silent {
            self.ask_for_secret(out)?;
            self.ask_for_proof(out)?;
            self.ask_for_step(out)?;
        }
        self.look_for_supervisor(commands, silent)
    }

    /// Replaces a supervisor that was killed while the master stays connected. Also while the workload is moved, though
    /// nothing should be started then: without a supervisor nobody would ever say that the silence is over.
    fn look_for_supervisor(&mut self, commands: &Commands, silent: bool) -> Result<(), Error> {
        self.looks += 1;
        let pace = if silent { SILENT_LOOKS } else { LOOKS };
        if self.finished || !self.looks.is_multiple_of(pace) {
            return Ok(());
        }
        let presence =
            if silent { self.watch.look()? } else { alive::supervisor(&self.operation, commands)? };
        if !presence.is_there() {
            start::supervise(commands, &self.operation)?;
        }
        Ok(())
    }

    fn is_new(&self, epoch: Epoch, seq: u64) -> bool {
        let after = self.from.after;
        match self.from.contained {
            Contained::Yes => (epoch, seq) > (after.epoch, after.seq.0),
            Contained::No => epoch > after.epoch,
        }
    }

    fn pass_output(&mut self, out: &Out) -> Result<(), Error> {
        // Output belongs to the line of history that the master is told about next.
        if self.from.contained == Contained::No && self.epoch <= self.from.after.epoch {
            return Ok(());
        }
        let mut bytes = vec![0; OUTPUT_CHUNK];
        loop {
            let left = self.cap.saturating_sub(self.offset);
            let wanted = usize::try_from(left).unwrap_or(OUTPUT_CHUNK).clamp(1, OUTPUT_CHUNK);
            let read = self.output.read_at(&mut bytes[..wanted], self.offset);
            let count = disk::doing("read", &self.operation.output(), read)?;
            if count == 0 || self.offset > self.cap {
                return Ok(());
            }
            let (data, passed) = if left == 0 {
                // Said once: from here on the offset is past the cap.
                (
                    STANDARD.encode(format!(
                        "\n[cut here: {} MB of output are kept]\n",
                        self.cap >> 20
                    )),
                    1,
                )
            } else {
                (STANDARD.encode(&bytes[..count]), count as u64)
            };
            let (operation, epoch, offset) = (self.operation.id, self.epoch, self.offset);
            out.send(&AgentFrame::Output { operation, epoch, offset, data }).map_err(Error::Out)?;
            self.offset += passed;
        }
    }

    fn ask_for_secret(&mut self, out: &Out) -> Result<(), Error> {
        let Some(name) = &self.secret else { return Ok(()) };
        if !self.operation.secret().exists() {
            return Ok(());
        }
        // Asked for a supervisor that was killed: nobody reads what was answered, so its successor wants it once more.
        let wanted = self.secrets_wanted.get()?;
        if wanted != self.asked {
            let (operation, name) = (self.operation.id, name.clone());
            out.send(&AgentFrame::NeedSecret { operation, name }).map_err(Error::Out)?;
        }
        self.asked = wanted;
        Ok(())
    }

    fn ask_for_proof(&mut self, out: &Out) -> Result<(), Error> {
        let Some(filters) = &self.filters else { return Ok(()) };
        let trial = filters.get()?.and_then(|filters| filters.trial);
        if let Some(trial) = trial.filter(|trial| self.tried != Some(*trial)) {
            let operation = self.operation.id;
            out.send(&AgentFrame::NeedProof { operation, trial }).map_err(Error::Out)?;
        }
        self.tried = trial;
        Ok(())
    }

    fn ask_for_step(&mut self, out: &Out) -> Result<(), Error> {
        let Some(asking) = &self.asking else { return Ok(()) };
        let Some(Asking { asking, step }) = asking.get()?.flatten() else { return Ok(()) };
        if self.stepped != Some(asking) {
            let operation = self.operation.id;
            out.send(&AgentFrame::NeedStep { operation, asking, step }).map_err(Error::Out)?;
            self.stepped = Some(asking);
        }
        Ok(())
    }
}

/// How often the disk is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// How many looks lie between two questions for the supervisor.
const LOOKS: u32 = 20;

/// The same while the workload is moved.
const SILENT_LOOKS: u32 = 100;
