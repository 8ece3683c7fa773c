//! A `nimd` that knows its answers by heart, on a Unix socket, and what `nimctl` makes of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use nim_shared::api::{Failure, FailureKind};
use serde::Serialize;
use tempfile::TempDir;

/// The server. Ends with the test's process; its socket ends with this value.
pub(crate) struct Api {
    folder: TempDir,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By method and target; several answers to one question are given in order, the last one again and again.
    answers: HashMap<String, Vec<Answer>>,
    requests: Vec<String>,
    /// Listening for requests of one kind.
    streams: Vec<Sender<String>>,
}

#[derive(Clone)]
enum Answer {
    /// Status and body.
    Body(u16, Vec<u8>),
    /// Server-sent events; then the connection is closed.
    Events(String),
    /// Events that a test sends one by one.
    Live(Arc<Mutex<Receiver<String>>>),
    /// A body that a test sends when it wants to.
    OnDemand(Arc<Mutex<Receiver<String>>>),
    /// The connection is closed without an answer.
    Hangup,
}

/// What a run came to.
pub(crate) struct Ran(pub(crate) Output);

impl Api {
    pub(crate) fn new() -> Self {
        let api = Self { folder: TempDir::new().unwrap(), state: Arc::default() };
        api.listen();
        api
    }

    /// Listens on the socket.
    fn listen(&self) {
        let listener = UnixListener::bind(self.socket()).unwrap();
        let state = Arc::clone(&self.state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(stream.unwrap(), &state));
            }
        });
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("nimd.sock")
    }

    /// A folder for files of the test.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// To `METHOD /v1/path?query` the answer is `body`.
    pub(crate) fn on(self, asked: &str, body: &impl Serialize) -> Self {
        self.add(asked, Answer::Body(200, serde_json::to_vec(body).unwrap()))
    }

    /// To `METHOD /v1/path?query` the answer is this text.
    pub(crate) fn on_text(self, asked: &str, body: &str) -> Self {
        self.add(asked, Answer::Body(200, body.as_bytes().to_vec()))
    }

    /// The answer is a stream of these items.
    pub(crate) fn lines(self, asked: &str, items: &[impl Serialize]) -> Self {
        let mut text = String::new();
        for item in items {
            writeln!(text, "{}", serde_json::json!({ "item": item })).unwrap();
        }
        writeln!(text, "{}", serde_json::json!({ "end": { "items": items.len() } })).unwrap();
        self.on_text(asked, &text)
    }

    /// It is refused.
    pub(crate) fn refuse(self, asked: &str, failure: &Failure) -> Self {
        let body = serde_json::to_vec(failure).unwrap();
        self.add(asked, Answer::Body(failure.kind.status(), body))
    }

    /// The connection ends without an answer.
    pub(crate) fn hang_up(self, asked: &str) -> Self {
        self.add(asked, Answer::Hangup)
    }

    /// Server-sent events: ids count from `first`.
    pub(crate) fn events(self, asked: &str, first: usize, events: &[serde_json::Value]) -> Self {
        let mut text = String::from(": hello\n\n");
        for (number, event) in events.iter().enumerate() {
            write!(text, "id: {}\ndata: {event}\n\n", first + number).unwrap();
        }
        self.add(asked, Answer::Events(text))
    }

    /// Server-sent events that the test sends one by one.
    pub(crate) fn live(self, asked: &str) -> (Self, Sender<String>) {
        let (sender, receiver) = channel();
        let api = self.add(asked, Answer::Live(Arc::new(Mutex::new(receiver))));
        (api, sender)
    }

    /// The answer is a body that the test sends when it wants to. Without one the connection stays open until the test ends.
    pub(crate) fn on_demand(self, asked: &str) -> (Self, Sender<String>) {
        let (sender, receiver) = channel();
        let api = self.add(asked, Answer::OnDemand(Arc::new(Mutex::new(receiver))));
        (api, sender)
    }

    fn add(self, asked: &str, answer: Answer) -> Self {
        let mut state = self.state.lock().unwrap();
        state.answers.entry(asked.to_owned()).or_default().push(answer);
        drop(state);
        self
    }

    /// What was asked, with bodies, except what only reads.
    pub(crate) fn changes(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|one| !one.starts_with("GET")).cloned().collect()
    }

    /// What was asked.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Waits until something whose beginning is `asked` was asked `times` times.
    pub(crate) fn wait_for(&self, asked: &str, times: usize) {
        let (sender, receiver) = channel();
        let already = {
            let mut state = self.state.lock().unwrap();
            state.streams.push(sender);
            state.requests.iter().filter(|one| one.starts_with(asked)).count()
        };
        let mut seen = already;
        while seen < times {
            if receiver.recv().unwrap().starts_with(asked) {
                seen += 1;
            }
        }
    }

    /// `nimctl` with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nimctl"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("NIMD_SERVER", format!("unix:{}", self.socket().display()))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// What `nimctl` says to `line`, which is split at blanks.
    pub(crate) fn nimctl(&self, line: &str) -> Ran {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// What `nimctl` says under another name, with something on standard input.
    pub(crate) fn called(&self, program: &str, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.arg0(program).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that reads nothing may be gone.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        Ran(child.wait_with_output().unwrap())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    /// As [`Api::nimctl`], with something on standard input.
    pub(crate) fn nimctl_reads(&self, line: &str, input: &str) -> Ran {
        let mut command = self.command(&line.split_whitespace().collect::<Vec<_>>());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that reads nothing may be gone.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        Ran(child.wait_with_output().unwrap())
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit: {}", self.0.status.code().unwrap_or(-1))?;
        for (name, bytes) in [("stdout", &self.0.stdout), ("stderr", &self.0.stderr)] {
            let text = String::from_utf8_lossy(bytes);
            if !text.is_empty() {
                write!(f, "\n--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// Answers the requests of one connection.
fn serve(stream: UnixStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut head = String::new();
    let mut length = 0;
    let mut last_id = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if let Some(value) = lower.strip_prefix("last-event-id:") {
            last_id = Some(value.trim().to_owned());
        }
        if head.is_empty() {
            line.trim_end().trim_end_matches(" HTTP/1.1").clone_into(&mut head);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut request = head.clone();
    if !body.is_empty() {
        request += &format!(" {}", String::from_utf8_lossy(&body));
    }
    if let Some(id) = last_id {
        request += &format!(" after {id}");
    }
    let answer = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        state.streams.retain(|stream| stream.send(request.clone()).is_ok());
        match state.answers.get_mut(&head) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
            None => unknown(&head),
        }
    };
    // A client that went away in the middle is what some tests are about.
    drop(write_answer(&mut stream, answer));
}

fn write_answer(stream: &mut UnixStream, answer: Answer) -> std::io::Result<()> {
    const EVENTS: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    match answer {
        Answer::Body(status, body) => {
            write!(stream, "HTTP/1.1 {status} -\r\ncontent-length: {}\r\n\r\n", body.len())?;
            stream.write_all(&body)
        }
        Answer::Events(text) => {
            stream.write_all(EVENTS.as_bytes())?;
            stream.write_all(text.as_bytes())
        }
        Answer::Live(receiver) => {
            stream.write_all(EVENTS.as_bytes())?;
            let receiver = receiver.lock().unwrap();
            for (id, data) in receiver.iter().enumerate() {
                write!(stream, "id: {id}\ndata: {data}\n\n")?;
            }
            Ok(())
        }
        Answer::OnDemand(receiver) => {
            let body = receiver.lock().unwrap().recv();
            body.map_or(Ok(()), |body| write_answer(stream, Answer::Body(200, body.into_bytes())))
        }
        Answer::Hangup => Ok(()),
    }
}

/// What the test did not think of.
fn unknown(asked: &str) -> Answer {
    let failure = Failure {
        code: "NLU-9999".to_owned(),
        message: format!("the test has no answer to {asked}"),
        causes: Vec::new(),
        hint: None,
        faults: Vec::new(),
        kind: FailureKind::Internal,
    };
    Answer::Body(500, serde_json::to_vec(&failure).unwrap())
}
