//! The one place that starts a process: argument list, environment, time limit, output cap.
//!
//! No shell is involved. Commands run in the C locale with a fixed search path, and are ended with their children when their time
//! is over or they print more than anybody reads. geninstall alone has no limit, writes to a file, and is never signalled.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::root::{self, Root};
use crate::system;

/// Why a command gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// This LPAR does not have the command.
    #[error("there is no command {command} on this LPAR")]
    Missing {
        /// Its name.
        command: String,
    },
    /// It could not be started.
    #[error("cannot start {command}")]
    Start {
        /// Its name.
        command: String,
        #[source]
        cause: io::Error,
    },
    /// It ran past its limit and was ended.
    #[error("{command} did not end within {} seconds", limit.as_secs())]
    TooLong {
        /// Its name.
        command: String,
        /// The limit.
        limit: Duration,
    },
    /// It printed without end and was ended.
    #[error("{command} printed more than {OUTPUT_CAP} bytes")]
    TooMuch {
        /// Its name.
        command: String,
    },
    /// Whoever asked does not want it to go on.
    #[error("{command} was ended before it was done")]
    Stopped {
        /// Its name.
        command: String,
    },
    /// It ended with an error.
    #[error("{command} failed with exit status {status}: {text}")]
    Failed {
        /// Its name.
        command: String,
        /// Its exit status; -1 when a signal ended it.
        status: i32,
        /// The beginning of what it printed.
        text: String,
    },
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Exit status; -1 when a signal ended it.
    pub(crate) status: i32,
    /// Standard output and standard error, in the order in which they came, up to the cap.
    pub(crate) text: String,
}

/// What a command printed, each stream by itself, and how it ended.
#[derive(Debug)]
pub(crate) struct Apart {
    /// Exit status; -1 when a signal ended it.
    pub(crate) status: i32,
    /// Standard output, up to the cap.
    pub(crate) stdout: Vec<u8>,
    /// Standard error, up to the cap.
    pub(crate) stderr: Vec<u8>,
}

/// Runs AIX commands.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    root: Root,
}

impl Commands {
    /// For the LPAR at `root`.
    pub(crate) const fn new(root: Root) -> Self {
        Self { root }
    }

    /// Runs `name` with `arguments` to its end, within `limit`.
    pub(crate) fn run(
        &self,
        name: &str,
        arguments: &[&str],
        limit: Duration,
    ) -> Result<Answer, Error> {
        let start = |cause| Error::Start { command: name.to_owned(), cause };
        let (ours, theirs) = io::pipe().map_err(start)?;
        let mut command = self.command(name, arguments)?;
        command.stdin(Stdio::null());
        command.stdout(theirs.try_clone().map_err(start)?).stderr(theirs);
        system::in_own_session(&mut command);
        let since = Instant::now();
        let mut child = command.spawn().map_err(start)?;
        // Our copies of the writing end go with it.
        drop(command);
        let read = read_until(&File::from(OwnedFd::from(ours)), since, limit, || true);
        let (text, status) = end(name, &mut child, read, since, limit)?;
        Ok(Answer { status, text: String::from_utf8_lossy(&text).into_owned() })
    }

    /// Runs `name` as [`Self::run`] does, with its two streams apart, for as long as `go_on` says so: it is asked about once a second.
    pub(crate) fn run_apart(
        &self,
        name: &str,
        arguments: &[String],
        limit: Duration,
        go_on: impl FnMut() -> bool,
    ) -> Result<Apart, Error> {
        let start = |cause| Error::Start { command: name.to_owned(), cause };
        let (out, their_out) = io::pipe().map_err(start)?;
        let (err, their_err) = io::pipe().map_err(start)?;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = self.command(name, &arguments)?;
        command.stdin(Stdio::null()).stdout(their_out).stderr(their_err);
        system::in_own_session(&mut command);
        let since = Instant::now();
        let mut child = command.spawn().map_err(start)?;
        // Our copies of the writing ends go with it.
        drop(command);
        std::thread::scope(|scope| {
            let err =
                scope.spawn(|| read_until(&File::from(OwnedFd::from(err)), since, limit, || true));
            let read = read_until(&File::from(OwnedFd::from(out)), since, limit, go_on);
            let ended = end(name, &mut child, read, since, limit);
            // What the first stream did not end has its end by the limit.
            let stderr = err.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")));
            let (stdout, status) = ended?;
            match stderr.map_err(start)? {
                Printed::All(stderr) => Ok(Apart { status, stdout, stderr }),
                Printed::TooMuch => Err(Error::TooMuch { command: name.to_owned() }),
                Printed::TooLong | Printed::Stopped => {
                    Err(Error::TooLong { command: name.to_owned(), limit })
                }
            }
        })
    }

    /// Runs `name` as [`Self::run`] does; any exit status but 0 is an error.
    pub(crate) fn ask(
        &self,
        name: &str,
        arguments: &[&str],
        limit: Duration,
    ) -> Result<String, Error> {
        let answer = self.run(name, arguments, limit)?;
        if answer.status == 0 {
            return Ok(answer.text);
        }
        let text =
            nim_shared::id::printable(answer.text.trim()).chars().take(TEXT_IN_ERRORS).collect();
        Err(Error::Failed { command: name.to_owned(), status: answer.status, text })
    }

    /// Starts `name` on `pty`.
    pub(crate) fn on_terminal(
        &self,
        name: &str,
        arguments: &[&str],
        pty: &system::Pty,
    ) -> Result<Child, Error> {
        let mut command = self.command(name, arguments)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        pty.attach(&mut command);
        command.spawn().map_err(|cause| Error::Start { command: name.to_owned(), cause })
    }

    /// Starts `name`, which changes software, with its output into a file, in the session of this process.
    pub(crate) fn installer(
        &self,
        name: &str,
        arguments: &[String],
        output: File,
    ) -> Result<Child, Error> {
        let start = |cause| Error::Start { command: name.to_owned(), cause };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = self.command(name, &arguments)?;
        command.stdin(Stdio::null());
        command.stdout(output.try_clone().map_err(start)?).stderr(output);
        command.spawn().map_err(start)
    }

    /// Starts the script `path` with its output into a file, in a session of its own. One that does not say which program reads
    /// it is read by `sh`, as a shell would do. `input` is what it reads, if anything.
    pub(crate) fn script(
        &self,
        path: &Path,
        input: Option<File>,
        output: File,
    ) -> Result<Child, Error> {
        let start = |cause| Error::Start { command: path.display().to_string(), cause };
        let mut begin = [0; 2];
        File::open(path).and_then(|mut file| file.read_exact(&mut begin)).map_err(start)?;
        let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        let mut command = if begin == *b"#!" || !begin.iter().all(is_text) {
            Command::new(path)
        } else {
            let mut shell = Command::new("sh");
            shell.arg(path);
            shell
        };
        self.set_environment(&mut command);
        command.stdin(input.map_or_else(Stdio::null, Stdio::from));
        command.stdout(output.try_clone().map_err(start)?).stderr(output);
        system::in_own_session(&mut command);
        command.spawn().map_err(start)
    }

    /// Starts this program again with `arguments`, in a session of its own, with no terminal and no pipe, as nobody's child: it
    /// lives on when this process ends.
    pub(crate) fn detach(&self, arguments: &[&str], log: &File) -> Result<(), Error> {
        let start =
            |cause| Error::Start { command: format!("nim-agent {}", arguments.join(" ")), cause };
        let mut command = self.own(&[&["detach"], arguments].concat()).map_err(start)?;
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(start)?).stderr(log.try_clone().map_err(start)?);
        system::in_own_session(&mut command);
        let status = command.status().map_err(start)?;
        if status.success() { Ok(()) } else { Err(start(io::Error::other(status.to_string()))) }
    }

    /// Starts this program again with `arguments` and does not wait: the second half of [`Self::detach`].
    pub(crate) fn leave_behind(&self, arguments: &[&str]) -> io::Result<()> {
        // Standard input, output and error are those that `detach` has set.
        self.own(arguments)?.spawn().map(drop)
    }

    fn own(&self, arguments: &[&str]) -> io::Result<Command> {
        let mut command = Command::new(system::own_program()?);
        command.args(arguments);
        self.set_environment(&mut command);
        if self.root.simulated().is_some() {
            // The lab's clock and the tests' crash points reach the agent through these.
            let kept = |name: &OsStr| {
                KEPT_FOR_OURSELVES.iter().any(|kept| name.to_string_lossy().starts_with(kept))
            };
            command.envs(std::env::vars_os().filter(|(name, _)| kept(name)));
        }
        Ok(command)
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Result<Command, Error> {
        let missing = || Error::Missing { command: name.to_owned() };
        let mut command = Command::new(self.root.command(name).ok_or_else(missing)?);
        command.args(arguments);
        self.set_environment(&mut command);
        Ok(command)
    }

    fn set_environment(&self, command: &mut Command) {
        command.env_clear().current_dir(self.root.at("/"));
        command.env("PATH", self.root.search_path());
        command.env("LC_ALL", "C").env("LANG", "C");
        command.env("ODMDIR", "/etc/objrepos").env("HOME", "/");
        if let Some(zone) = std::env::var_os("TZ") {
            command.env("TZ", zone);
        }
        if let Some(prefix) = self.root.simulated() {
            command.env(root::VARIABLE, prefix);
        }
    }
}

/// Waits for `child` at most `limit`; ends it and its session when that is over. `None`: it had to be ended.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let since = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if since.elapsed() >= limit {
            system::kill_group(child.id());
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Sees that `child` ends once what it prints was read: what it printed, and its status.
fn end(
    name: &str,
    child: &mut Child,
    read: io::Result<Printed>,
    since: Instant,
    limit: Duration,
) -> Result<(Vec<u8>, i32), Error> {
    let start = |cause| Error::Start { command: name.to_owned(), cause };
    let left = limit.saturating_sub(since.elapsed());
    let ended = match read {
        Ok(Printed::All(_)) => wait(child, left),
        Ok(Printed::TooMuch | Printed::TooLong | Printed::Stopped) | Err(_) => {
            wait(child, Duration::ZERO)
        }
    };
    let command = name.to_owned();
    match (read.map_err(start)?, ended.map_err(start)?) {
        (Printed::TooMuch, _) => Err(Error::TooMuch { command }),
        (Printed::Stopped, _) => Err(Error::Stopped { command }),
        (Printed::TooLong, _) | (Printed::All(_), None) => Err(Error::TooLong { command, limit }),
        (Printed::All(text), Some(status)) => Ok((text, status.code().unwrap_or(-1))),
    }
}

/// What came of reading what a command prints.
enum Printed {
    All(Vec<u8>),
    TooMuch,
    TooLong,
    Stopped,
}

/// Reads until nobody can write any more, or `go_on` says no.
fn read_until(
    mut from: &File,
    since: Instant,
    limit: Duration,
    mut go_on: impl FnMut() -> bool,
) -> io::Result<Printed> {
    let mut text = Vec::new();
    let mut part = [0; 16 << 10];
    let mut looked = since;
    loop {
        if looked.elapsed() >= LONGEST_WAIT {
            if !go_on() {
                return Ok(Printed::Stopped);
            }
            looked = Instant::now();
        }
        let Some(left) = limit.checked_sub(since.elapsed()) else { return Ok(Printed::TooLong) };
        if !system::wait_readable(from, left.min(LONGEST_WAIT))? {
            continue;
        }
        match from.read(&mut part)? {
            0 => return Ok(Printed::All(text)),
            count => text.extend_from_slice(&part[..count]),
        }
        if text.len() > OUTPUT_CAP {
            return Ok(Printed::TooMuch);
        }
    }
}

/// Most bytes of a command's output that are read.
const OUTPUT_CAP: usize = 4 << 20;

/// How long one wait for output lasts at most, before the time limit is looked at again.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Most characters of a command's output in an error.
const TEXT_IN_ERRORS: usize = 400;

/// Beginnings of the names of variables that the agent hands to itself on a simulated LPAR.
const KEPT_FOR_OURSELVES: [&str; 3] = ["LD_PRELOAD", "FAKETIME", "NIM_AGENT_CRASH"];

#[cfg(test)]
mod tests;
