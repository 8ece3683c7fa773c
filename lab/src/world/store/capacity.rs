//! What partitions take from their frame and give back, in the lab's record.
//!
//! Written by whoever changes the world, while it still holds the frame: no entry is missing, and none stands before another one of its
//! frame that came first.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Store, StoreError};
use crate::clock::machine_now;
use crate::control::{Client, Request};
use crate::record::{self, Capacity, Change, Deed, Entry};
use crate::world::Frame;
use crate::world::update::SUFFIX;

/// What the partitions of a frame hold, by their ids.
#[derive(Debug)]
pub(super) struct Held(BTreeMap<u32, Share>);

/// What one partition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Share {
    name: String,
    memory_mb: u64,
    hundredths: u64,
    pool: u32,
}

impl Held {
    pub(super) fn of(frame: &Frame) -> Self {
        let share = |partition: &crate::world::Partition| Share {
            name: partition.name.clone(),
            memory_mb: frame.held_mb(partition),
            hundredths: partition.hundredths,
            pool: partition.pool,
        };
        Self(frame.partitions.iter().map(|one| (one.id, share(one))).collect())
    }
}

/// Where a change is recorded, and when it was.
#[derive(Debug)]
pub(super) struct Noting {
    directory: PathBuf,
    at: u64,
}

impl Store {
    /// Asked before anything is locked: the site may be waiting for the same frame, and would not answer.
    pub(super) fn noting(&self) -> Noting {
        let directory = self.directory.parent().unwrap_or(&self.directory).to_owned();
        let at = match &self.clock {
            Some(clock) => clock.now(),
            // Without a site the machine's time has to do.
            None => Client::connect(&directory)
                .and_then(|mut site| site.done(&Request::Now))
                .unwrap_or_else(|_| machine_now()),
        };
        Noting { directory, at }
    }
}

impl Noting {
    /// Records what has become of a frame's partitions.
    pub(super) fn changes(
        &self,
        frame: &str,
        before: Option<&Held>,
        after: Option<&Frame>,
    ) -> Result<(), StoreError> {
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        for capacity in changes(frame, before, after) {
            let name = &capacity.partition;
            let lpar = name.strip_suffix(SUFFIX).unwrap_or(name).to_owned();
            let entry = Entry { at: self.at, lpar, deed: Deed::Capacity(capacity) };
            record::append(&self.directory, &entry).map_err(StoreError::Record)?;
        }
        Ok(())
    }
}

/// What has become of a frame's partitions: what was given back comes first.
fn changes(name: &str, before: &Held, frame: &Frame) -> Vec<Capacity> {
    let after = Held::of(frame);
    let nothing = |of: &Share| Share { memory_mb: 0, hundredths: 0, ..of.clone() };
    let left = frame.left();
    let note = |id: u32, change: Change, was: &Share, is: &Share| Capacity {
        frame: name.to_owned(),
        partition: is.name.clone(),
        id,
        change,
        taken_mb: is.memory_mb.cast_signed() - was.memory_mb.cast_signed(),
        taken_hundredths: is.hundredths.cast_signed() - was.hundredths.cast_signed(),
        pool: is.pool,
        left: left.clone(),
    };
    let gone = before.0.iter().filter(|(id, _)| !after.0.contains_key(*id));
    let gone = gone.map(|(id, was)| note(*id, Change::Removed, was, &nothing(was)));
    let there = after.0.iter().filter_map(|(id, is)| match before.0.get(id) {
        None => Some(note(*id, Change::Made, &nothing(is), is)),
        Some(was)
            if (was.memory_mb, was.hundredths, was.pool)
                == (is.memory_mb, is.hundredths, is.pool) =>
        {
            None
        }
        Some(was) => Some(note(*id, Change::Resized, was, is)),
    });
    gone.chain(there).collect()
}
