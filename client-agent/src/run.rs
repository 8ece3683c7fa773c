//! A program that is run once and never again: which, what has become of it, and whether it still runs.
//!
//! It is started by a shim, the process `nim-agent run`, which outlives the supervisor and writes down how it ended. What is wanted and
//! what was begun stands in a slot on the disk before it has effect.

use std::fs::File;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use nim_shared::prep::{self, Backup, PrepStep};
use nim_shared::request::Request;
use nim_shared::strategy::Part;

use crate::disk::{self, Error};
use crate::operation::Operation;
use crate::slot::Slot;
use crate::system;

/// One of the programs of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// geninstall, installp or alt_disk_copy; of a split update the move.
    Software,
    /// What copies rootvg before it.
    Backup,
    /// What removes filesets before it.
    Removal,
    /// What a split update runs before the move.
    Part(Part),
    /// The script or hook with this number in the order, from 1.
    Script(usize),
}

impl Step {
    /// All that `request` may run, whether it comes to it or not.
    pub(crate) fn all(request: &Request) -> impl Iterator<Item = Self> + use<> {
        let parts = if request.is_split() { Part::ALL } else { &[] };
        let parts = parts.iter().copied().map(Self::Part);
        let scripts = (1..=request.programs().count()).map(Self::Script);
        let copies = matches!(request.backup, Some(Backup::CopyTo(_)));
        let backup = copies.then_some(Self::Backup);
        let is_removal =
            |one: &PrepStep| matches!(one.step, prep::Step::UnsupportedFilesets { .. });
        let removal = request.prep.iter().any(is_removal).then_some(Self::Removal);
        let before = backup.into_iter().chain(removal);
        std::iter::once(Self::Software).chain(before).chain(parts).chain(scripts)
    }

    /// From the words after `nim-agent run ID`.
    pub(crate) fn read(words: &[&str]) -> Option<Self> {
        match words {
            [] => Some(Self::Software),
            ["backup"] => Some(Self::Backup),
            ["removal"] => Some(Self::Removal),
            ["part", part] => part.parse().ok().map(Self::Part),
            ["script", number] => number.parse().ok().map(Self::Script),
            _ => None,
        }
    }

    /// The words that [`Self::read`] reads.
    pub(crate) fn words(self) -> Vec<String> {
        match self {
            Self::Software => Vec::new(),
            Self::Backup => vec!["backup".to_owned()],
            Self::Removal => vec!["removal".to_owned()],
            Self::Part(part) => vec!["part".to_owned(), part.to_string()],
            Self::Script(number) => vec!["script".to_owned(), number.to_string()],
        }
    }
}

/// What a run has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "run", rename_all = "snake_case")]
pub(crate) enum Run {
    /// The supervisor wants it to be started. As long as this is what is written, it was not.
    Asked,
    /// It is being started. Nobody starts it again.
    Starting,
    /// It was started.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// It ended.
    Exited {
        /// Its exit status; `None` when a signal ended it.
        status: Option<i32>,
    },
    /// It was ended at its time limit.
    TooLong,
    /// It could not be started.
    NotStarted,
}

/// Whether something may still come of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is wanted, and nobody is about to start it.
    Wanted,
    /// It, or the shim around it, is there.
    Runs,
    /// It is over, or gone.
    Over,
}

/// Looks after the runs of an operation, without opening anything.
#[derive(Debug)]
pub(crate) struct Watch {
    shim: File,
    path: PathBuf,
}

impl Watch {
    /// Opens what will be looked at.
    pub(crate) fn open(operation: &Operation) -> Result<Self, Error> {
        let path = operation.shim();
        let shim = disk::doing("open", &path, disk::private().open(&path))?;
        Ok(Self { shim, path })
    }

    /// How the run of `slot` stands. `foreign` is a process id on record that is another process's by now.
    pub(crate) fn look(&self, slot: &Slot<Run>, foreign: Option<u32>) -> Result<Standing, Error> {
        match slot.get()? {
            // Its shim is about to go: what comes next looks whether something still runs.
            Some(Run::Exited { .. } | Run::TooLong | Run::NotStarted) => {}
            Some(Run::Started { pid }) if foreign != Some(pid) && system::process_exists(pid) => {
                return Ok(Standing::Runs);
            }
            Some(Run::Asked | Run::Starting | Run::Started { .. }) | None => {}
        }
        if disk::doing("ask for the lock of", &self.path, system::is_locked(&self.shim))? {
            return Ok(Standing::Runs);
        }
        // The shim may have ended between the two questions, or not have begun.
        Ok(match slot.get()? {
            Some(Run::Asked) => Standing::Wanted,
            Some(
                Run::Starting
                | Run::Started { .. }
                | Run::Exited { .. }
                | Run::TooLong
                | Run::NotStarted,
            )
            | None => Standing::Over,
        })
    }
}
