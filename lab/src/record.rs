//! The lab's own record of what was done on it, so that a test can prove that something happened once, or not at all.
//!
//! One JSON object a line in `DIR/record.jsonl`, each written by one `write` to a file opened for appending, so that lines of several
//! processes never mix. Nothing on a simulated LPAR can read or change it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::Phase;
use crate::fault::{ConsoleFault, Fault};

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Site time in milliseconds.
    pub at: u64,
    /// Where: an LPAR, where it is about capacity a partition without the suffix of an original, and an HMC or a VIO server where it is
    /// about a fault of that.
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
    /// A fault was taken back.
    FaultCleared {
        /// Which.
        fault: Fault,
    },
    /// A fault of an HMC or a VIO server was set or taken back.
    ConsoleFault {
        /// Which.
        fault: ConsoleFault,
        /// Whether it was set.
        set: bool,
    },
    /// A partition was made or removed, or has more or less than before.
    Capacity(Capacity),
    /// The frame did not have what a surrogate needs.
    Refused {
        /// What was short.
        why: String,
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

/// What one partition takes from its frame or gives back, and what the frame has then. Written with the change itself, under the same
/// lock: the entries of a frame are in the order in which it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// The frame.
    pub frame: String,
    /// The partition, as the HMC shows it.
    pub partition: String,
    /// Its id.
    pub id: u32,
    /// Whether it is new, gone, or there as before.
    pub change: Change,
    /// Memory that it takes more than before, in MB, with what the hypervisor takes for it; below 0 what it gives back.
    pub taken_mb: i64,
    /// Entitlement that it takes more than before, in hundredths of a unit; below 0 what it gives back.
    pub taken_hundredths: i64,
    /// Its pool of processors.
    pub pool: u32,
    /// What is left once the whole change is made. Several partitions may change in one.
    pub left: Left,
}

/// What becomes of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is made.
    Made,
    /// It is removed.
    Removed,
    /// It has another amount of something.
    Resized,
}

/// What a frame has left. Below 0 where more is held than there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Memory in MB.
    pub free_mb: i64,
    /// Entitlement in hundredths of a unit.
    pub free_hundredths: i64,
    /// Entitlement in pools that have a limit, in hundredths of a unit, by their number.
    #[serde(deserialize_with = "by_number")]
    pub free_of_pools: BTreeMap<u32, i64>,
    /// Partitions that may still be made.
    pub free_partitions: i64,
}

/// Keys of an object in JSON are text, and are not made numbers by themselves inside something that says by a field what it is.
fn by_number<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<u32, i64>, D::Error> {
    let by_text = BTreeMap::<String, i64>::deserialize(deserializer)?;
    let number = |(key, free): (String, i64)| Ok((key.parse().map_err(D::Error::custom)?, free));
    by_text.into_iter().map(number).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_pools_is_read_as_it_was_written() {
        let left = Left {
            free_mb: 1,
            free_hundredths: 2,
            free_of_pools: BTreeMap::from([(1, 30), (12, -4)]),
            free_partitions: 3,
        };
        let capacity = Capacity {
            frame: "frame1".to_owned(),
            partition: "aix1".to_owned(),
            id: 11,
            change: Change::Made,
            taken_mb: 4,
            taken_hundredths: 5,
            pool: 1,
            left,
        };
        let entry = Entry { at: 7, lpar: "aix1".to_owned(), deed: Deed::Capacity(capacity) };
        let line = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry, "{line}");
    }
}
