//! The root process of an LPAR: `nim-lab lpar-root`. It starts what SSH asks for, adopts orphans, and dies with the site.
//!
//! A child subreaper, so that a process that detaches itself (the agent's supervisor, geninstall) stays in the LPAR's tree and is found by
//! freeze, kill and reboot. It is never stopped itself: its standard input is a lifeline from `nim-lab up`, and when that ends, everything
//! below it is killed, even what stands still.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use serde::{Deserialize, Serialize};

use super::tree;
use crate::clock::machine_now;
use crate::sys::{self, Ended};

/// First line of a connection to the root process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// The rest of this connection is standard input and output of command `id`.
    Stdio { id: u64 },
    /// The rest is its standard error.
    Stderr { id: u64 },
    /// Start command `id` on the two connections that came before; answers come back on this one.
    Start { id: u64, argv: Vec<String>, environment: BTreeMap<String, String>, directory: String },
}

/// What the root process tells of a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub(crate) enum Told {
    /// It runs.
    Started { pid: i32 },
    /// It could not be started.
    Failed { text: String },
    /// It left.
    Exit { code: u8 },
    /// A signal ended it.
    Signal { number: i32 },
}

/// Runs until the lifeline ends.
pub(crate) fn run(socket: &Path) -> io::Result<()> {
    sys::become_subreaper()?;
    if let Err(error) = fs::remove_file(socket)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(socket)?;
    // The time as processes of this LPAR see it, so that the site can set their clock by its own.
    writeln!(io::stdout(), "{} {}", std::process::id(), machine_now())?;
    let root = Arc::new(Root::default());
    let reaper = Arc::clone(&root);
    thread::spawn(move || reaper.reap());
    thread::spawn(move || root.serve(&listener));
    // Nothing is ever written to the lifeline: this ends when the other side is gone, however it went.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    let own = i32::try_from(std::process::id()).map_err(io::Error::other)?;
    tree::kill(own)?;
    // What the reaper has not taken yet would be left to somebody else.
    while !tree::below(own)?.is_empty() {
        thread::yield_now();
    }
    Ok(())
}

#[derive(Default)]
struct Root {
    parts: Mutex<HashMap<u64, Parts>>,
    /// How many processes were started. Held while one is: if exec fails, std itself must reap that child, not our reaper.
    started: Mutex<u64>,
    one_started: Condvar,
    ended: Mutex<HashMap<i32, Ended>>,
    part_came: Condvar,
    one_ended: Condvar,
}

#[derive(Default)]
struct Parts {
    stdio: Option<UnixStream>,
    stderr: Option<UnixStream>,
}

impl Root {
    fn serve(self: &Arc<Self>, listener: &UnixListener) {
        for stream in listener.incoming().filter_map(Result::ok) {
            let root = Arc::clone(self);
            thread::spawn(move || root.connection(stream));
        }
    }

    /// A connection whose first line cannot be read is dropped: the other side sees its end.
    fn connection(&self, mut stream: UnixStream) {
        let Some(ask) = first_line(&mut stream).and_then(|line| serde_json::from_slice(&line).ok())
        else {
            return;
        };
        match ask {
            Ask::Stdio { id } => self.part(id, |parts| parts.stdio = Some(stream)),
            Ask::Stderr { id } => self.part(id, |parts| parts.stderr = Some(stream)),
            Ask::Start { id, argv, environment, directory } => {
                let told = match self.start(id, &argv, environment, &directory) {
                    Ok(pid) => {
                        if tell(&mut stream, &Told::Started { pid }).is_err() {
                            return;
                        }
                        match self.wait(pid) {
                            Ended::Exit(code) => Told::Exit { code },
                            Ended::Signal(number) => Told::Signal { number },
                        }
                    }
                    Err(error) => Told::Failed { text: error.to_string() },
                };
                // When nobody listens any more the command's end interests nobody.
                tell(&mut stream, &told).ok();
            }
        }
    }

    fn part(&self, id: u64, set: impl FnOnce(&mut Parts)) {
        set(lock(&self.parts).entry(id).or_default());
        self.part_came.notify_all();
    }

    fn start(
        &self,
        id: u64,
        argv: &[String],
        environment: BTreeMap<String, String>,
        directory: &str,
    ) -> io::Result<i32> {
        let (stdio, stderr) = self.take_parts(id);
        let (program, arguments) =
            argv.split_first().ok_or_else(|| io::Error::other("an empty command"))?;
        let output = stdio.try_clone()?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment)
            .current_dir(directory)
            .stdin(Stdio::from(OwnedFd::from(stdio)))
            .stdout(Stdio::from(OwnedFd::from(output)))
            .stderr(Stdio::from(OwnedFd::from(stderr)));
        // Ours alone: what we start reads its time from a file that can be changed.
        command.env_remove("FAKETIME");
        sys::in_new_session(&mut command);
        let mut started = lock(&self.started);
        let child = command.spawn()?;
        *started += 1;
        self.one_started.notify_all();
        i32::try_from(child.id()).map_err(io::Error::other)
    }

    /// The parts come on connections of their own, which may be accepted after the one that asks.
    fn take_parts(&self, id: u64) -> (UnixStream, UnixStream) {
        let mut parts = lock(&self.parts);
        loop {
            let complete = |parts: &Parts| parts.stdio.is_some() && parts.stderr.is_some();
            if parts.get(&id).is_some_and(complete)
                && let Some(Parts { stdio: Some(stdio), stderr: Some(stderr) }) = parts.remove(&id)
            {
                return (stdio, stderr);
            }
            parts = self.part_came.wait(parts).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn reap(&self) {
        loop {
            let before = *lock(&self.started);
            match self.reap_one() {
                Ok(true) => self.one_ended.notify_all(),
                // An orphan comes from a child: while there is none, only a start brings one.
                Err(error) if error.raw_os_error() == Some(libc::ECHILD) => {
                    let started = lock(&self.started);
                    drop(self.one_started.wait_while(started, |now| *now == before));
                }
                // One that std has to reap itself: look again soon.
                Ok(false) | Err(_) => thread::sleep(std::time::Duration::from_millis(5)),
            }
        }
    }

    fn reap_one(&self) -> io::Result<bool> {
        sys::await_ended_child()?;
        let _starting = lock(&self.started);
        let Some((pid, ended)) = sys::reap_now()? else { return Ok(false) };
        lock(&self.ended).insert(pid, ended);
        Ok(true)
    }

    fn wait(&self, pid: i32) -> Ended {
        let mut ended = lock(&self.ended);
        loop {
            if let Some(how) = ended.remove(&pid) {
                return how;
            }
            ended = self.one_ended.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Byte by byte, because what follows the line belongs to the command.
fn first_line(stream: &mut UnixStream) -> Option<Vec<u8>> {
    const LIMIT: usize = 1 << 20;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LIMIT {
        stream.read_exact(&mut byte).ok()?;
        if byte[0] == b'\n' {
            return Some(line);
        }
        line.push(byte[0]);
    }
    None
}

fn tell(stream: &mut UnixStream, told: &Told) -> io::Result<()> {
    let mut line = serde_json::to_vec(told)?;
    line.push(b'\n');
    stream.write_all(&line)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
