//! A master that does what the protocol asks of it, and starts at most once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nim_shared::VERSION;
use nim_shared::frame::{
    self, AgentFrame, Body, Change, ChangeMoment, Event, FileChunk, FileFrame, FileOffer, Known,
    MasterFrame, MasterStep, PROTOCOL, Position, Recorded, Refusal, SecretText, StepAnswer,
};
use nim_shared::id::{Digest, Fence, OperationId};
use nim_shared::operation::Report;
use nim_shared::request::Request;
use nim_shared::stage::Point;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Megabytes;

use crate::lpar::{FIX, Lpar, PASSWORD};

pub(crate) const ID: &str = "0190b2c0-0000-7000-8000-000000000001";

/// One connection: a running `serve`.
pub(crate) struct Session {
    root: PathBuf,
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Session {
    pub(crate) fn open(lpar: &Lpar, variables: &[(&str, &str)]) -> Self {
        Self::start(lpar, "serve", variables)
    }

    pub(crate) fn start(lpar: &Lpar, mode: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_at(lpar.root(), mode, variables)
    }

    /// Another connection to the same LPAR, opened now.
    pub(crate) fn beside(&self) -> Self {
        Self::start_at(&self.root, "serve", &[])
    }

    fn start_at(root: &Path, mode: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nim-agent"));
        command.arg(mode).env("NIM_AGENT_ROOT", root).envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { root: root.to_owned(), child, to, from }
    }

    /// Number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends; the agent may be gone.
    pub(crate) fn send(&mut self, frame: &MasterFrame) {
        self.send_bytes(&frame::write(frame).unwrap());
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        if let Some(to) = &mut self.to {
            // A broken pipe shows as the end of what the agent says.
            to.write_all(bytes).and_then(|()| to.flush()).unwrap_or_default();
        }
    }

    /// What the agent says next; `None` when it is gone.
    pub(crate) fn next(&mut self) -> Option<AgentFrame> {
        let mut line = Vec::new();
        self.from.read_until(b'\n', &mut line).unwrap();
        (line.last() == Some(&b'\n')).then(|| frame::read(&line[..line.len() - 1]).unwrap())
    }

    /// As [`Self::next`]; `None` also when nothing comes and `gone` says that nothing will.
    fn next_unless(&mut self, gone: impl Fn() -> bool) -> Option<AgentFrame> {
        while self.from.buffer().is_empty() && !readable(self.from.get_ref()) {
            if gone() {
                return None;
            }
        }
        self.next()
    }

    pub(crate) fn next_file_frame(&mut self) -> Option<FileFrame> {
        let mut line = Vec::new();
        self.from.read_until(b'\n', &mut line).unwrap();
        (line.last() == Some(&b'\n')).then(|| frame::read(&line[..line.len() - 1]).unwrap())
    }

    pub(crate) fn hello(&mut self) -> Option<AgentFrame> {
        self.send(&hello());
        self.next()
    }

    /// Closes our end; the agent's exit code.
    pub(crate) fn close(mut self) -> Option<i32> {
        self.to = None;
        self.child.wait().unwrap().code()
    }
}

/// Whether there is something to read, or the end, within a moment.
fn readable(from: &ChildStdout) -> bool {
    use std::os::fd::AsRawFd;
    let mut one = libc::pollfd { fd: from.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid structure.
    #[expect(unsafe_code, reason = "std has no way to ask")]
    let found = unsafe { libc::poll(&raw mut one, 1, 50) };
    found > 0
}

impl Drop for Session {
    fn drop(&mut self) {
        self.to = None;
        self.child.kill().unwrap_or_default();
        self.child.wait().unwrap();
    }
}

pub(crate) fn hello() -> MasterFrame {
    MasterFrame::Hello {
        protocol: PROTOCOL,
        version: VERSION.to_owned(),
        master: ID.parse().unwrap(),
        now: Timestamp::from_unix_micros(0),
    }
}

/// Sends the contents that orders need, where they are not there.
pub(crate) fn push(lpar: &Lpar) {
    push_all(lpar, &[FIX]);
}

pub(crate) fn push_all(lpar: &Lpar, contents: &[&[u8]]) {
    let mut session = Session::start(lpar, "receive", &[]);
    let offer =
        |content: &&[u8]| FileOffer { digest: Digest::of(content), bytes: content.len() as u64 };
    let files = contents.iter().map(offer).collect();
    let keep_free = Megabytes(0);
    session.send_bytes(&frame::write(&FileFrame::Offer { files, keep_free }).unwrap());
    let FileFrame::State { files } = session.next_file_frame().unwrap() else { panic!("no state") };
    let missing = contents.iter().zip(files).filter(|(_, state)| !state.kept);
    for (content, _) in missing {
        let (digest, bytes) = (Digest::of(content), u32::try_from(content.len()).unwrap());
        session.send_bytes(
            &frame::write(&FileFrame::Chunk(FileChunk { digest, offset: 0, bytes })).unwrap(),
        );
        session.send_bytes(content);
        assert_eq!(session.next_file_frame(), Some(FileFrame::Kept { digest }));
    }
    assert_eq!(session.close(), Some(0));
}

/// What a master has of one operation.
pub(crate) struct Master {
    pub(crate) operation: OperationId,
    pub(crate) request: String,
    pub(crate) fence: Fence,
    pub(crate) position: Position,
    pub(crate) events: Vec<Event>,
    /// Raw output as it came.
    pub(crate) output: Vec<u8>,
    /// Called with the number of events as each one arrives.
    pub(crate) on_event: Option<Box<dyn FnMut(usize)>>,
    /// Called before a secret is sent.
    pub(crate) on_secret: Option<Box<dyn FnMut()>>,
    /// How it answers where IP filters are on trial, by the number of the trial.
    pub(crate) proves: fn(usize) -> Proves,
    /// How often it was asked to.
    pub(crate) trials: usize,
    /// Called before it answers.
    pub(crate) on_trial: Option<Box<dyn FnMut(usize)>>,
    /// What it says to a step of its own, by how many it was asked for before; `None`: it cancels.
    pub(crate) steps: fn(usize) -> Option<StepAnswer>,
    /// The steps that it was asked for, each question once.
    pub(crate) asked: Vec<(Digest, MasterStep)>,
    /// What it says where an operation is ready.
    pub(crate) at_ready: AtReady,
    start: Start,
}

/// What a master says where an operation is ready.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum AtReady {
    /// To go on.
    Proceed,
    /// To stop, as somebody has asked.
    Cancel,
}

/// How a master answers that IP filters are on trial.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Proves {
    /// By another connection, as it has to.
    Anew,
    /// On the connection that is there.
    Here,
}

#[derive(PartialEq)]
enum Start {
    NotSent,
    Sent,
    Taken,
}

impl Master {
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            operation: ID.parse().unwrap(),
            request: serde_json::to_string(request).unwrap(),
            fence: Fence(1),
            position: Position::START,
            events: Vec::new(),
            output: Vec::new(),
            on_event: None,
            on_secret: None,
            proves: |_| Proves::Anew,
            trials: 0,
            on_trial: None,
            steps: |_| Some(StepAnswer::GoOn),
            asked: Vec::new(),
            at_ready: AtReady::Proceed,
            start: Start::NotSent,
        }
    }

    /// One that says this to its steps.
    pub(crate) fn saying(request: &Request, steps: fn(usize) -> Option<StepAnswer>) -> Self {
        Self { steps, ..Self::new(request) }
    }

    pub(crate) fn command(&self) -> frame::Command {
        let digest = Digest::of(self.request.as_bytes());
        frame::Command { operation: self.operation, fence: self.fence, digest }
    }

    /// What the agent waits for at `ready`.
    fn word(&self) -> MasterFrame {
        let command = self.command();
        match self.at_ready {
            AtReady::Proceed => MasterFrame::Proceed { command },
            AtReady::Cancel => MasterFrame::Cancel { command },
        }
    }

    fn order(&self) -> MasterFrame {
        MasterFrame::Start { command: self.command(), request: self.request.clone() }
    }

    /// Asks for the operation, whatever is said to that.
    pub(crate) fn start(&self, session: &mut Session) {
        session.send(&self.order());
    }

    /// What was changed and not put back, as the events say.
    pub(crate) fn open_changes(&self) -> Vec<Change> {
        let mut changes = BTreeMap::new();
        for event in &self.events {
            if let Body::Known(known) = &event.body
                && let Known::Change(change) = &**known
            {
                changes.insert(change.number, change.clone());
            }
        }
        changes.into_values().filter(Change::is_open).collect()
    }

    /// Never sends `start` again.
    pub(crate) fn attach_only(&mut self) {
        self.start = Start::Taken;
    }

    fn first_frame(&mut self) -> MasterFrame {
        if self.start == Start::NotSent {
            self.start = Start::Sent;
            return self.order();
        }
        let (operation, fence) = (self.operation, self.fence);
        let changes = self.open_changes();
        MasterFrame::Attach { operation, fence, after: self.position, output_offset: 0, changes }
    }

    /// Follows the operation on `session` until its last record, or until the session ends (`None`).
    pub(crate) fn follow(&mut self, session: &mut Session) -> Option<Report> {
        self.follow_until(session, || false)
    }

    /// The same, until `gone` says that whoever the session is about is gone.
    pub(crate) fn follow_until(
        &mut self,
        session: &mut Session,
        gone: impl Fn() -> bool,
    ) -> Option<Report> {
        session.hello()?;
        session.send(&self.first_frame());
        loop {
            let next = session.next_unless(&gone)?;
            match next {
                AgentFrame::Taken { proceeded, .. } | AgentFrame::Attached { proceeded, .. } => {
                    self.start = Start::Taken;
                    // What was sent before may have been lost with its session.
                    if !proceeded && self.has_passed_ready() {
                        session.send(&self.word());
                    }
                }
                AgentFrame::Tombstoned { fence, .. } => {
                    assert!(self.start != Start::Taken, "a taken operation was forgotten");
                    // A new claim raises the fence above the tombstone's.
                    self.fence = fence.next();
                    self.start = Start::NotSent;
                    session.send(&self.first_frame());
                }
                AgentFrame::Event(event) => {
                    if let Some(report) = self.event(session, *event) {
                        return Some(report);
                    }
                }
                AgentFrame::NeedSecret { operation, name } => {
                    if let Some(act) = &mut self.on_secret {
                        act();
                    }
                    session.send(&MasterFrame::Secret {
                        operation,
                        fence: self.fence,
                        name,
                        value: Some(SecretText::new(PASSWORD.to_owned())),
                    });
                }
                AgentFrame::NeedProof { trial, .. } => self.prove(session, trial),
                AgentFrame::NeedStep { asking, step, .. } => self.step(session, asking, step),
                AgentFrame::Output { offset, data, .. } => {
                    if offset == self.output.len() as u64 {
                        self.output.extend(STANDARD.decode(data).unwrap());
                    }
                }
                // What was said twice comes too late the second time.
                AgentFrame::Refused { why, .. } if why.known() == Some(Refusal::WrongMoment) => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    fn step(&mut self, session: &mut Session, asking: Digest, step: MasterStep) {
        let before = self.asked.iter().position(|(one, _)| *one == asking);
        let number = before.unwrap_or(self.asked.len());
        if before.is_none() {
            self.asked.push((asking, step));
        }
        let command = self.command();
        session.send(&match (self.steps)(number) {
            Some(answer) => MasterFrame::Step { command, asking, answer },
            None => MasterFrame::Cancel { command },
        });
    }

    fn prove(&mut self, session: &mut Session, trial: Digest) {
        self.trials += 1;
        if let Some(act) = &mut self.on_trial {
            act(self.trials);
        }
        let proof = MasterFrame::Proof { command: self.command(), trial };
        match (self.proves)(self.trials) {
            Proves::Here => session.send(&proof),
            Proves::Anew => {
                let mut fresh = session.beside();
                fresh.hello();
                fresh.send(&proof);
                // It has done what it was told when it ends.
                assert_eq!(fresh.close(), Some(0));
            }
        }
    }

    fn has_passed_ready(&self) -> bool {
        self.sequence().iter().any(|line| line == "point ready")
    }

    fn event(&mut self, session: &mut Session, recorded: Recorded) -> Option<Report> {
        let event = &recorded.event;
        let at = Position { epoch: event.epoch, seq: event.seq, hash: event.hash };
        if (at.epoch, at.seq) > (self.position.epoch, self.position.seq) {
            let before = match &event.body {
                Body::Known(known) => match **known {
                    Known::EpochOpened { found, .. } => found.hash,
                    _ => self.position.hash,
                },
                Body::Other(_) => self.position.hash,
            };
            assert!(recorded.follows(before), "not chained: {recorded:?}");
            assert_eq!(
                at.seq.0,
                if at.epoch > self.position.epoch { 1 } else { self.position.seq.0 + 1 }
            );
            self.position = at;
            self.events.push(event.clone());
            if let Some(act) = &mut self.on_event {
                act(self.events.len());
            }
        }
        let (operation, upto) = (self.operation, self.position);
        session.send(&MasterFrame::Ack { operation, upto, output_offset: 0 });
        match recorded.event.body {
            Body::Known(known) => match *known {
                Known::Point { point } if point.known() == Some(Point::Ready) => {
                    session.send(&self.word());
                    None
                }
                Known::Finished(report) => Some(*report),
                _ => None,
            },
            Body::Other(_) => None,
        }
    }

    /// The sequence of stages, phases, points and changes, without times and recovery notes.
    pub(crate) fn sequence(&self) -> Vec<String> {
        let line = |event: &Event| match &event.body {
            Body::Known(known) => match &**known {
                Known::Stage { stage } => Some(format!("stage {stage}")),
                Known::Phase { phase, .. } => Some(format!("phase {phase}")),
                Known::Point { point } => Some(format!("point {point}")),
                Known::Change(change) => {
                    Some(format!("change {} {}", change.number, change.moment))
                }
                Known::Part(step) => Some(format!("part {} {}", step.part, step.moment)),
                Known::Log(log) => Some(format!("log {} {}", log.name, log.bytes)),
                Known::Script(step) => Some(format!("script {} {}", step.number, step.moment)),
                _ => None,
            },
            Body::Other(_) => None,
        };
        self.events.iter().filter_map(line).collect()
    }

    /// What was noted.
    pub(crate) fn notes(&self) -> Vec<&str> {
        fn note(event: &Event) -> Option<&str> {
            match &event.body {
                Body::Known(known) => match &**known {
                    Known::Note { text } => Some(text.as_str()),
                    _ => None,
                },
                Body::Other(_) => None,
            }
        }
        self.events.iter().filter_map(note).collect()
    }

    pub(crate) fn changes(&self, wanted: ChangeMoment) -> usize {
        let text = format!(" {wanted}");
        self.sequence()
            .iter()
            .filter(|line| line.starts_with("change") && line.ends_with(&text))
            .count()
    }
}
