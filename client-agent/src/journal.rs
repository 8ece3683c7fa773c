//! The journal of one operation: what happened, in order, on the LPAR's own disk.
//!
//! The file is filled with zeros to its full size before the operation is taken, so that no record ever fails for want of space.
//! Each record is synced before anything that it announces is done, and carries the hash of the one before. There is one writer at
//! a time; readers see only what is on the disk, because they sync before they pass a record on.
//!
//! After a crash a bad last record is dropped: it was being written, so nothing that it announced was done. Anything else that is
//! bad means that the file was damaged, and a person has to look.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nim_shared::frame::{Event, Known, Position, Record, Recorded};
use nim_shared::id::{Epoch, OperationId, Seq};
use nim_shared::stamp::Timestamp;

use crate::crash;
use crate::disk;

mod record;

use record::Place;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Reading or writing failed.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// A record other than the last is bad.
    #[error("{} is damaged {at} bytes from its beginning, after record {last}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage begins.
        at: u64,
        /// The last good record.
        last: Seq,
    },
    /// The record does not fit.
    #[error("a record does not fit into {}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
}

/// How much a record matters when space runs short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Space is kept for it: stages, points, changes, the end.
    Needed,
    /// Left out when only that space is left: the raw output has it too.
    Detail,
}

/// One event and the rootvg that was active when it happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// What happened.
    pub(crate) event: Event,
    /// The text of its record.
    pub(crate) text: String,
    /// Physical volume ids.
    pub(crate) rootvg: Vec<String>,
}

/// Reads records in order, from the first one on.
#[derive(Debug)]
pub(crate) struct Reader {
    file: File,
    path: PathBuf,
    operation: OperationId,
    offset: u64,
    size: u64,
    last: Position,
    /// Read and synced, and not handed out yet.
    ahead: VecDeque<Entry>,
}

impl Reader {
    /// At the beginning of the journal `path`.
    pub(crate) fn open(path: &Path, operation: OperationId) -> Result<Self, Error> {
        let file = disk::doing("open", path, disk::private().open(path))?;
        let size = disk::doing("look at", path, file.metadata())?.len();
        Ok(Self {
            file,
            path: path.to_owned(),
            operation,
            offset: 0,
            size,
            last: Position::START,
            ahead: VecDeque::new(),
        })
    }

    /// The next record; `None` at the end of what is written now.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Error> {
        if self.ahead.is_empty() {
            self.read_ahead()?;
        }
        Ok(self.ahead.pop_front())
    }

    /// Reads what is there. One sync for all of it: a burst of records would take as many syncs otherwise. After an error this reader
    /// is of no use.
    fn read_ahead(&mut self) -> Result<(), Error> {
        let end = self.offset + AHEAD;
        while self.offset < end
            && let Place::Record(found) = self.look()?
        {
            let entry = self.take(*found);
            self.ahead.push_back(entry);
        }
        if self.ahead.is_empty() {
            return Ok(());
        }
        // What a crash could still take back must not be told.
        Ok(disk::doing("sync", &self.path, self.file.sync_data())?)
    }

    /// Where the record that was read last stands; of a reader at the end, the last one.
    pub(crate) const fn position(&self) -> Position {
        self.last
    }

    fn look(&self) -> Result<Place, Error> {
        let header = self.bytes(self.offset, record::HEADER)?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(Place::Empty);
        }
        Ok(record::decode(self.last.hash, &self.bytes(self.offset, record::LARGEST)?))
    }

    fn take(&mut self, found: record::Found) -> Entry {
        let record::Found { record, text, hash, size } = found;
        self.step(Position { epoch: record.epoch, seq: record.seq, hash }, size);
        let rootvg = record.rootvg.clone();
        Entry { event: Event::new(self.operation, hash, record), text, rootvg }
    }

    /// Goes on after the record at `last`, which takes `size` bytes.
    fn step(&mut self, last: Position, size: usize) {
        self.offset += size as u64;
        self.last = last;
    }

    /// At most `count` bytes from `offset` on: fewer at the end of the file.
    fn bytes(&self, offset: u64, count: usize) -> Result<Vec<u8>, Error> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; count.min(left)];
        disk::doing("read", &self.path, self.file.read_exact_at(&mut bytes, offset))?;
        Ok(bytes)
    }

    /// Decides about what comes after the last good record: nothing, or a last record that a crash cut short.
    fn check_rest(&self) -> Result<Rest, Error> {
        if matches!(self.look()?, Place::Empty) && self.next_written(self.offset)?.is_none() {
            return Ok(Rest::Clean);
        }
        let damaged =
            || Error::Damaged { path: self.path.clone(), at: self.offset, last: self.last.seq };
        let end = self.offset + record::LARGEST as u64;
        if self.next_written(end)?.is_some() {
            return Err(damaged());
        }
        let window = self.bytes(self.offset, 2 * record::LARGEST)?;
        let later = (record::STEP..record::LARGEST.min(window.len())).step_by(record::STEP);
        if later.into_iter().any(|at| record::is_whole(&window[at..])) {
            return Err(damaged());
        }
        Ok(Rest::Torn)
    }

    /// The first byte at or after `offset` that is not zero.
    fn next_written(&self, mut offset: u64) -> Result<Option<u64>, Error> {
        while offset < self.size {
            let bytes = self.bytes(offset, disk::ZEROS.len())?;
            // Compared as a whole first: nearly all of it has no record yet.
            if bytes != disk::ZEROS[..bytes.len()]
                && let Some(at) = bytes.iter().position(|byte| *byte != 0)
            {
                return Ok(Some(offset + at as u64));
            }
            offset += bytes.len() as u64;
        }
        Ok(None)
    }
}

enum Rest {
    Clean,
    Torn,
}

/// The one writer of a journal.
#[derive(Debug)]
pub(crate) struct Journal {
    reader: Reader,
    rootvg: Vec<String>,
    shortened: bool,
}

impl Journal {
    /// Makes the file `path`, filled with zeros. An error here means that the operation cannot be taken.
    pub(crate) fn create(path: &Path) -> Result<(), disk::Error> {
        disk::create_zeros(path, SIZE)
    }

    /// Opens the journal `path` to go on with it, and gives what is in it. `rootvg` goes into each new record; where it is
    /// not known now, what the last record says is used.
    pub(crate) fn open(
        path: &Path,
        operation: OperationId,
        rootvg: Option<Vec<String>>,
    ) -> Result<(Self, Vec<Entry>), Error> {
        let mut reader = Reader::open(path, operation)?;
        let mut entries = Vec::new();
        while let Some(entry) = reader.next()? {
            entries.push(entry);
        }
        if matches!(reader.check_rest()?, Rest::Torn) {
            let zeros = vec![0; reader.bytes(reader.offset, record::LARGEST)?.len()];
            let cleared = reader.file.write_all_at(&zeros, reader.offset);
            disk::doing("clear the end of", path, cleared.and_then(|()| reader.file.sync_data()))?;
        }
        let rootvg =
            rootvg.or_else(|| entries.last().map(|entry| entry.rootvg.clone())).unwrap_or_default();
        Ok((Self { reader, rootvg, shortened: false }, entries))
    }

    /// Keeps what is good of a damaged journal: the file is set aside as `journal.damaged`, and one that can be written
    /// takes its place.
    pub(crate) fn salvage(
        path: &Path,
        operation: OperationId,
        rootvg: Option<Vec<String>>,
    ) -> Result<(Self, Vec<Entry>), Error> {
        let mut old = Reader::open(path, operation)?;
        while old.next()?.is_some() {}
        let fresh = path.with_extension("fresh");
        disk::remove_file(&fresh)?;
        Self::create(&fresh)?;
        let file = disk::doing("open", &fresh, disk::private().open(&fresh))?;
        let mut offset = 0;
        while offset < old.offset {
            let left = usize::try_from(old.offset - offset).unwrap_or(usize::MAX);
            let bytes = old.bytes(offset, left.min(64 << 10))?;
            disk::doing("write", &fresh, file.write_all_at(&bytes, offset))?;
            offset += bytes.len() as u64;
        }
        disk::doing("sync", &fresh, file.sync_all())?;
        let aside = path.with_extension("damaged");
        if !aside.exists() {
            disk::doing("keep", path, std::fs::hard_link(path, &aside))?;
        }
        disk::doing("rename to", path, std::fs::rename(&fresh, path))?;
        disk::sync_parent(path)?;
        Self::open(path, operation, rootvg)
    }

    /// Adds a record and syncs it. `Ok(None)`: a detail for which there is no room.
    pub(crate) fn append(
        &mut self,
        body: Known,
        weight: Weight,
        at: Timestamp,
    ) -> Result<Option<Event>, Error> {
        let last = self.reader.last;
        self.write(last.epoch, last.seq.next(), body, weight, at)
    }

    /// Begins another line of history with the record that says so.
    pub(crate) fn open_epoch(
        &mut self,
        epoch: Epoch,
        body: Known,
        at: Timestamp,
    ) -> Result<Option<Event>, Error> {
        self.write(epoch, Seq(1), body, Weight::Needed, at)
    }

    /// Where the last record stands.
    pub(crate) const fn position(&self) -> Position {
        self.reader.last
    }

    /// Which rootvg the records to come say was active.
    pub(crate) fn set_rootvg(&mut self, rootvg: Vec<String>) {
        self.rootvg = rootvg;
    }

    fn write(
        &mut self,
        epoch: Epoch,
        seq: Seq,
        body: Known,
        weight: Weight,
        at: Timestamp,
    ) -> Result<Option<Event>, Error> {
        let path = self.reader.path.clone();
        let record = Record { epoch, seq, at, rootvg: self.rootvg.clone(), body: body.into() };
        let full = || Error::Full { path: path.clone() };
        let before = self.reader.last.hash;
        let Recorded { event, text } =
            Recorded::after(before, self.reader.operation, record).map_err(|_| full())?;
        let bytes = record::encode(before, &text).ok_or_else(full)?;
        let kept_free = match weight {
            Weight::Needed => 0,
            Weight::Detail => RESERVE,
        };
        if bytes.len() > record::LARGEST
            || self.reader.offset + bytes.len() as u64 + kept_free > self.reader.size
        {
            return match weight {
                Weight::Needed => Err(full()),
                Weight::Detail if self.shortened => Ok(None),
                Weight::Detail => {
                    self.shortened = true;
                    let text =
                        "the journal has no more room for details; the output has them".to_owned();
                    self.write(epoch, seq, Known::Note { text }, Weight::Needed, at)
                }
            };
        }
        crash::point("journal.before");
        #[cfg(feature = "crash-points")]
        if crash::torn() {
            disk::doing(
                "write",
                &path,
                self.reader.file.write_all_at(&bytes[..bytes.len() / 2], self.reader.offset),
            )?;
            std::process::abort();
        }
        let written = self.reader.file.write_all_at(&bytes, self.reader.offset);
        disk::doing("write", &path, written)?;
        crash::point("journal.written");
        disk::doing("sync", &path, self.reader.file.sync_data())?;
        crash::point("journal.synced");
        self.reader.step(Position { epoch, seq, hash: event.hash }, bytes.len());
        Ok(Some(event))
    }
}

/// Size of a journal: some hundred records of a few hundred bytes, two snapshots, and plenty.
const SIZE: u64 = 2 << 20;

/// How much is read at a time, in bytes.
const AHEAD: u64 = record::LARGEST as u64;

/// What details leave free for records that must be written.
const RESERVE: u64 = 3 * record::LARGEST as u64;

#[cfg(test)]
mod tests;
