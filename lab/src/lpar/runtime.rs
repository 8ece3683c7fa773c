//! What `nim-lab up` holds of a running LPAR.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use super::files::Files;
use super::init::Ask;
use super::tree;

/// The root process of one LPAR and the way to it. Dropping it ends everything on the LPAR.
#[derive(Debug)]
pub(crate) struct Runtime {
    processes: Processes,
    socket: PathBuf,
    /// What its clock showed when it said that it is ready, in milliseconds since 1970.
    pub(crate) showed: u64,
    next: AtomicU64,
    /// None once it was ended.
    alive: Mutex<Option<Alive>>,
}

/// What keeps the root process.
#[derive(Debug)]
struct Alive {
    /// The root process ends when this does.
    lifeline: Option<ChildStdin>,
    child: Child,
}

/// All processes of an LPAR, by the one they descend from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processes {
    root: i32,
}

/// A command that was started: three connections to it.
#[derive(Debug)]
pub(crate) struct Started {
    /// Its standard input and output.
    pub(crate) stdio: UnixStream,
    /// Its standard error.
    pub(crate) stderr: UnixStream,
    /// What the root process tells of it.
    pub(crate) told: UnixStream,
}

/// Why an LPAR's root process did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// It could not be started.
    #[error("cannot start the root process of {lpar} ({program})")]
    Spawn {
        /// The LPAR.
        lpar: String,
        /// What was started.
        program: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// It ended without saying that it is ready.
    #[error("the root process of {lpar} ended at once; it said {said:?}")]
    Silent {
        /// The LPAR.
        lpar: String,
        /// Its first line.
        said: String,
    },
}

impl Runtime {
    /// Starts the root process: `program` with `arguments`, by which it runs `nim-lab lpar-root`.
    pub(crate) fn start(
        files: &Files,
        lpar: &str,
        program: &Path,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, StartError> {
        let failed =
            |cause| StartError::Spawn { lpar: lpar.to_owned(), program: program.to_owned(), cause };
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let lifeline = child.stdin.take();
        let mut said = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut said).map_err(failed)?;
        }
        let ready = said.trim().split_once(' ');
        let ready = ready.and_then(|(pid, time)| Some((pid.parse().ok()?, time.parse().ok()?)));
        let Some((root, showed)) = ready else {
            drop(lifeline);
            child.wait().map_err(failed)?;
            return Err(StartError::Silent { lpar: lpar.to_owned(), said });
        };
        let processes = Processes { root };
        let alive = Mutex::new(Some(Alive { lifeline, child }));
        Ok(Self { processes, socket: files.socket(), showed, next: AtomicU64::new(1), alive })
    }

    /// Handle on all its processes.
    pub(crate) const fn processes(&self) -> Processes {
        self.processes
    }

    /// Starts a command below the root process.
    pub(crate) async fn command(
        &self,
        argv: Vec<String>,
        environment: BTreeMap<String, String>,
        directory: &Path,
    ) -> io::Result<Started> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let stdio = self.connect(&Ask::Stdio { id }).await?;
        let stderr = self.connect(&Ask::Stderr { id }).await?;
        let directory = directory.display().to_string();
        let told = self.connect(&Ask::Start { id, argv, environment, directory }).await?;
        Ok(Started { stdio, stderr, told })
    }

    async fn connect(&self, ask: &Ask) -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        let mut line = serde_json::to_vec(ask)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        Ok(stream)
    }
}

impl Runtime {
    /// Ends the root process and everything below it, and waits for that. Blocks, but not long: nothing survives SIGKILL.
    pub(crate) fn end(&self) {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Alive { lifeline, mut child }) = alive {
            drop(lifeline);
            if let Err(error) = child.wait() {
                tracing::warn!(%error, "the root process of an LPAR cannot be waited for");
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.end();
    }
}

impl Processes {
    /// Stops all of them.
    pub(crate) fn stop(self) -> io::Result<()> {
        tree::stop(self.root).map(drop)
    }

    /// Lets all of them go on.
    pub(crate) fn go_on(self) -> io::Result<()> {
        tree::go_on(self.root)
    }

    /// Kills all of them, at once as a power failure does: first nothing may move any more.
    pub(crate) fn kill(self) -> io::Result<()> {
        tree::stop(self.root)?;
        tree::kill(self.root)
    }

    /// Kills those whose arguments satisfy `which`. How many there were.
    pub(crate) fn kill_those(self, which: impl Fn(&[String]) -> bool) -> io::Result<usize> {
        let those: Vec<i32> = tree::below(self.root)?
            .into_iter()
            .filter(|pid| which(&tree::arguments(*pid)))
            .collect();
        for pid in &those {
            crate::sys::signal(*pid, libc::SIGKILL)?;
        }
        Ok(those.len())
    }
}
