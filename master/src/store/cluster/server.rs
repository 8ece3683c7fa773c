//! The server process, the thread that keeps it, and what is seen of both from outside.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::binaries::Binaries;
use super::folder::Folders;
use super::process::{self, Signal, User};
use super::{ClusterError, DATABASE, ROLE};

/// How often the thread looks at its server.
const LOOK: Duration = Duration::from_millis(20);

/// How long a server may take to come up. Recovery after a crash replays what was written since the last checkpoint.
const UP: Duration = Duration::from_secs(300);

/// How long a server may take to shut down before it is stopped at once.
const DOWN: Duration = Duration::from_secs(30);

/// Pauses between restarts: the first, doubled up to the longest; back to the first after a server has run for a while.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// After this time a server counts as one that runs.
const STEADY: Duration = Duration::from_secs(60);

/// Size from which the log is put aside at a start.
const LOG_LIMIT: u64 = 10 << 20;

/// All that it takes to start the server.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) binaries: Binaries,
    pub(super) folders: Folders,
    pub(super) user: Option<User>,
    pub(super) settings: Vec<(String, String)>,
}

/// How the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterState {
    /// It takes connections.
    Up {
        /// Its process id.
        pid: u32,
        /// How often it was started again.
        restarts: u64,
    },
    /// It died and is being started again.
    Down {
        /// What is known of why.
        why: String,
    },
    /// It was stopped.
    Stopped,
}

/// A running cluster. Dropping it stops the server and waits for that.
#[derive(Debug)]
pub struct ClusterHandle {
    url: String,
    stop: mpsc::Sender<()>,
    state: watch::Receiver<ClusterState>,
    thread: Option<JoinHandle<()>>,
}

impl ClusterHandle {
    /// Starts the thread and waits until its server takes connections.
    pub(super) fn start(plan: Plan) -> Result<Self, ClusterError> {
        let url = super::url(&plan.folders.socket);
        let (stop, stopped) = mpsc::channel();
        let (say, state) = watch::channel(ClusterState::Down { why: "not started yet".to_owned() });
        let (first, up) = mpsc::sync_channel(1);
        let keeper = Keeper { plan, stopped, say };
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || keeper.run(&first))
            .map_err(ClusterError::io("start a thread for the PostgreSQL server"))?;
        match up.recv() {
            Ok(Ok(())) => Ok(Self { url, stop, state, thread: Some(thread) }),
            Ok(Err(error)) => Err(error),
            Err(mpsc::RecvError) => Err(ClusterError::Io {
                doing: "keep the PostgreSQL server".to_owned(),
                cause: io::Error::other("its thread ended"),
            }),
        }
    }

    /// URL to connect with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How the server is, and every change of that.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ClusterState> {
        self.state.clone()
    }

    /// Stops the server: open transactions are rolled back, everything committed is written. Blocks until it is down.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if self.stop.send(()).is_err() {
            debug!("the thread of the PostgreSQL server has ended already");
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            warn!("the thread of the PostgreSQL server panicked");
        }
    }
}

impl Drop for ClusterHandle {
    fn drop(&mut self) {
        self.end();
    }
}

/// The thread's side.
struct Keeper {
    plan: Plan,
    stopped: mpsc::Receiver<()>,
    say: watch::Sender<ClusterState>,
}

/// Why a server is no longer looked after.
enum End {
    /// Somebody wanted it stopped.
    Wanted,
    /// It died, or did not come up.
    Died(String),
}

impl Keeper {
    /// Keeps a server running until it is stopped. `first` hears whether the first one came up; when not, that was it.
    fn run(self, first: &mpsc::SyncSender<Result<(), ClusterError>>) {
        let mut restarts = 0;
        let mut pause = PAUSE.0;
        loop {
            let begun = Instant::now();
            let end = self.start().map(|child| match child {
                Ok(child) => {
                    let pid = child.id();
                    self.say.send_replace(ClusterState::Up { pid, restarts });
                    if restarts == 0 {
                        tell(first, Ok(()));
                    }
                    info!("the PostgreSQL server runs with process id {pid}");
                    (self.watch(child), true)
                }
                Err(end) => (end, false),
            });
            let why = match end {
                Ok((End::Wanted, _)) => break,
                Ok((End::Died(said), false)) if restarts == 0 => {
                    let folder = self.plan.folders.server.clone();
                    tell(first, Err(ClusterError::NotUp { folder, said }));
                    return;
                }
                Err(error) if restarts == 0 => {
                    tell(first, Err(error));
                    return;
                }
                Ok((End::Died(why), _)) => why,
                Err(error) => error.to_string(),
            };
            warn!("the PostgreSQL server is down ({why}); it is started again");
            self.say.send_replace(ClusterState::Down { why });
            restarts += 1;
            pause = if begun.elapsed() > STEADY { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
            if self.wanted_down(pause) {
                break;
            }
        }
        self.say.send_replace(ClusterState::Stopped);
    }

    /// Starts a server and waits until it takes connections; else why it does not.
    fn start(&self) -> Result<Result<Child, End>, ClusterError> {
        super::survivor::see_off(&self.plan.folders)?;
        let mut child = self.spawn()?;
        let end = Instant::now() + UP;
        loop {
            if let Some(why) = exited(&mut child) {
                return Ok(Err(End::Died(format!("{why}; {}", self.last_words()))));
            }
            if answers(&self.plan.folders).unwrap_or(false) {
                return Ok(Ok(child));
            }
            if Instant::now() > end {
                self.stop(child);
                return Ok(Err(End::Died("it does not answer".to_owned())));
            }
            if self.wanted_down(LOOK) {
                self.stop(child);
                return Ok(Err(End::Wanted));
            }
        }
    }

    /// Whether somebody wants it stopped, or nobody wants it any more, within `pause`.
    fn wanted_down(&self, pause: Duration) -> bool {
        self.stopped.recv_timeout(pause) != Err(mpsc::RecvTimeoutError::Timeout)
    }

    fn spawn(&self) -> Result<Child, ClusterError> {
        let Plan { binaries, folders, user, settings } = &self.plan;
        let log = folders.server.join("server.log");
        let doing = || ClusterError::io(format!("write {}", log.display()));
        if fs::metadata(&log).is_ok_and(|found| found.len() > LOG_LIMIT) {
            fs::rename(&log, folders.server.join("server.log.old")).map_err(doing())?;
        }
        let out = OpenOptions::new().append(true).create(true).open(&log).map_err(doing())?;
        let error = out.try_clone().map_err(doing())?;
        let program = binaries.program("postgres");
        let mut command = process::command(program.as_os_str(), user.as_ref());
        command.arg("-D").arg(&folders.data).arg("-k").arg(&folders.socket);
        let ours = [
            ("listen_addresses", ""),
            ("unix_socket_permissions", "0700"),
            ("max_connections", "100"),
            ("log_timezone", "UTC"),
            ("log_line_prefix", "%m [%p] "),
        ];
        for (name, value) in ours {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
            .stdout(Stdio::from(out))
            .stderr(Stdio::from(error))
            .spawn()
            .map_err(ClusterError::io(format!("start {}", program.display())))
    }

    /// Looks after a server that is up.
    fn watch(&self, mut child: Child) -> End {
        loop {
            if let Some(why) = exited(&mut child) {
                return End::Died(why);
            }
            if self.wanted_down(LOOK) {
                self.stop(child);
                return End::Wanted;
            }
        }
    }

    /// Stops a server and waits for its end.
    fn stop(&self, mut child: Child) {
        // Ours and not yet waited for: the number is still its own.
        process::send(child.id(), Signal::Interrupt);
        let end = Instant::now() + DOWN;
        let mut told = false;
        while exited(&mut child).is_none() {
            if Instant::now() > end && !told {
                warn!("the PostgreSQL server does not shut down; it is stopped at once");
                process::send(child.id(), Signal::Quit);
                told = true;
            }
            thread::sleep(LOOK);
        }
    }

    /// The last lines of its log.
    fn last_words(&self) -> String {
        let text = fs::read(self.plan.folders.server.join("server.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}

/// Answers the one who waits for the first start.
fn tell(first: &mpsc::SyncSender<Result<(), ClusterError>>, what: Result<(), ClusterError>) {
    if first.send(what).is_err() {
        debug!("nobody waits for the PostgreSQL server");
    }
}

/// How it ended; `None` while it runs.
fn exited(child: &mut Child) -> Option<String> {
    match child.try_wait() {
        Ok(None) => None,
        Ok(Some(status)) => Some(status.to_string()),
        Err(cause) => Some(cause.to_string()),
    }
}

/// Whether the server takes sessions: a start-up packet is answered with a request for authentication. Source: PostgreSQL
/// manual, "Message Formats".
pub(super) fn answers(folders: &Folders) -> io::Result<bool> {
    let mut stream = UnixStream::connect(folders.socket_file())?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for text in ["user", ROLE, "database", DATABASE, ""] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&body)?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    Ok(kind == *b"R")
}
