//! The lab's own record of what was done on it, so that a test can prove that something happened once, or not at all.
//!
//! One JSON object a line in `DIR/record.jsonl`, each written by one `write` to a file opened for appending, so that lines of several
//! processes never mix. Nothing on a simulated LPAR can read or change it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Phase;
use crate::fault::Fault;

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Site time in milliseconds.
    pub at: u64,
    /// Where.
    pub lpar: String,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// geninstall was started.
    Geninstall {
        /// Whether it only looks.
        preview: bool,
        /// Its arguments.
        arguments: Vec<String>,
        /// Its process id.
        pid: u32,
    },
    /// geninstall left with this status.
    GeninstallEnded {
        /// Its process id.
        pid: u32,
        /// Its exit status.
        status: u8,
    },
    /// An update entered a phase.
    Entered {
        /// The phase.
        phase: Phase,
    },
    /// The LPAR stood still this long, by the site's clock and by the machine's.
    Frozen {
        /// Site time in milliseconds.
        milliseconds: u64,
        /// Machine time in milliseconds.
        machine_milliseconds: u64,
    },
    /// An AIX command was run.
    Command {
        /// Its name and arguments, without secrets.
        arguments: Vec<String>,
    },
    /// A fault struck or was set.
    Fault {
        /// Which.
        fault: Fault,
    },
    /// A command took away what a cluster stands on. It does not come back.
    ClusterBroken {
        /// The command.
        by: String,
    },
    /// The LPAR was booted.
    Booted {
        /// PVID of the disk; none when nothing could be booted.
        disk: Option<String>,
    },
}

/// Appends one entry.
pub fn append(directory: &Path, entry: &Entry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    let path = directory.join("record.jsonl");
    OpenOptions::new().create(true).append(true).open(path)?.write_all(&line)
}

/// Everything that was done, in order.
pub fn read(directory: &Path) -> io::Result<Vec<Entry>> {
    let text = match fs::read_to_string(directory.join("record.jsonl")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from)).collect()
}

/// How often geninstall was started to change something on `lpar`: what must be at most one per operation.
pub fn updates_started(entries: &[Entry], lpar: &str) -> usize {
    entries
        .iter()
        .filter(|entry| entry.lpar == lpar)
        .filter(|entry| matches!(entry.deed, Deed::Geninstall { preview: false, .. }))
        .count()
}
