//! The control socket of a site: `DIR/run/control.sock`, one JSON object a line, each question with one answer.
//!
//! `nim-lab fault`, `status`, `advance` use it, and so do the AIX commands: they ask for the time, wait, and report the phase they enter,
//! which is when armed faults strike.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Phase;
use crate::clock::Pending;
use crate::fault::{Armed, ConsoleFault, Fault};
use crate::state::{State, Turn};

/// A question to the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// What time is it?
    Now,
    /// An update on the LPAR enters a phase; events armed for it strike before the answer.
    Enter {
        /// The LPAR.
        lpar: String,
        /// The phase.
        phase: Phase,
    },
    /// Answer when the site's time has come.
    Wait(Pending),
    /// Freeze the LPAR with all its processes, for so long from the moment everything stands still.
    Freeze {
        /// The LPAR.
        lpar: String,
        /// The phase.
        phase: Phase,
        /// How long, by the site's clock.
        milliseconds: u64,
    },
    /// Set a fault; without `armed` a condition holds from now on and an event strikes now.
    SetFault {
        /// The LPAR.
        lpar: String,
        /// The fault.
        fault: Fault,
        /// When it strikes.
        armed: Option<Armed>,
    },
    /// Take a fault back.
    ClearFault {
        /// The LPAR.
        lpar: String,
        /// The fault.
        fault: Fault,
    },
    /// Put an LPAR in a state, or take that back.
    State {
        /// The LPAR.
        lpar: String,
        /// The state.
        state: State,
        /// Whether it sets in.
        turn: Turn,
    },
    /// Set a fault of an HMC or a VIO server, or take it back.
    ConsoleFault {
        /// The HMC or VIO server.
        host: String,
        /// The fault.
        fault: ConsoleFault,
        /// Whether it is set or taken back.
        set: bool,
    },
    /// Boot the LPAR again, from this disk or by its boot list.
    Reboot {
        /// The LPAR.
        lpar: String,
        /// A disk instead of the boot list.
        disk: Option<String>,
    },
    /// End the earliest wait (step by step only), or all waits up to a phase.
    Advance {
        /// Of this LPAR only.
        lpar: Option<String>,
        /// Go on until the LPAR waits in this phase.
        to: Option<Phase>,
    },
    /// What is set and what waits?
    Status,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// Done; the site's time in milliseconds.
    Done {
        /// Site time.
        now: u64,
    },
    /// The waits that were ended; none when nothing waits.
    Advanced {
        /// They, in order.
        steps: Vec<Pending>,
    },
    /// State of the site.
    Status(Status),
    /// Not done.
    Refused {
        /// Why.
        text: String,
    },
}

/// State of a site in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Site time in milliseconds.
    pub now: u64,
    /// Waits that have not ended (step by step only).
    pub pending: Vec<Pending>,
    /// One entry for each LPAR.
    pub lpars: Vec<LparStatus>,
}

/// State of an LPAR in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LparStatus {
    /// Name.
    pub name: String,
    /// `127.77.3.1:2222`.
    pub address: String,
    /// Level on disk.
    pub level: String,
    /// Partition id.
    pub partition_id: u32,
    /// Phase of an update under way.
    pub phase: Option<Phase>,
    /// Faults that are set.
    pub faults: Vec<Fault>,
}

/// Why the site did not answer, or answered no.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens.
    #[error("no lab answers at {path}; is `nim-lab up` running with this --dir?")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The answer could not be read.
    #[error("the lab's answer is not understood: {text}")]
    Garbled {
        /// What came.
        text: String,
    },
    /// It said no.
    #[error("{0}")]
    Refused(String),
}

/// A connection to the site from an ordinary process. One question at a time.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    path: PathBuf,
}

impl Client {
    /// Connects to the site that runs in `directory`.
    pub fn connect(directory: &Path) -> Result<Self, Error> {
        let path = socket(directory);
        match UnixStream::connect(&path) {
            Ok(stream) => Ok(Self { stream: BufReader::new(stream), path }),
            Err(cause) => Err(Error::Unreachable { path, cause }),
        }
    }

    /// Asks and waits for the answer, as long as it takes.
    pub fn ask(&mut self, request: &Request) -> Result<Reply, Error> {
        let path = self.path.clone();
        let lost = |cause| Error::Unreachable { path, cause };
        let mut line = serde_json::to_string(request)
            .map_err(|error| Error::Garbled { text: error.to_string() })?;
        line.push('\n');
        let mut answer = String::new();
        let exchange = self
            .stream
            .get_mut()
            .write_all(line.as_bytes())
            .and_then(|()| self.stream.read_line(&mut answer));
        exchange.map_err(lost)?;
        match serde_json::from_str(&answer) {
            Ok(Reply::Refused { text }) => Err(Error::Refused(text)),
            Ok(reply) => Ok(reply),
            Err(_) => Err(Error::Garbled { text: answer }),
        }
    }

    /// Asks something whose answer is only that it is done. The site's time then.
    pub fn done(&mut self, request: &Request) -> Result<u64, Error> {
        match self.ask(request)? {
            Reply::Done { now } => Ok(now),
            other => Err(Error::Garbled { text: format!("{other:?}") }),
        }
    }
}

/// Where the site in `directory` listens.
pub fn socket(directory: &Path) -> PathBuf {
    directory.join("run").join("control.sock")
}
