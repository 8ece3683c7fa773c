//! What `snap -U` collects of a Live Update for IBM's support, kept with an operation as one archive.
//!
//! The archive is made from the folder while it is added behind what the programs printed, with a record of where before, like a log that is
//! kept: so it goes to the master in pieces, at least once and resumed, and a successor of an agent that was killed adds what is missing. One
//! that is larger than the order allows is not begun: half of it would help nobody. Sources: LU §5.4; the form is POSIX's ustar.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nim_shared::frame::{KeptLog, Known};
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::Kind;

use crate::disk::{self, Error as DiskError};
use crate::supervisor::{Error, Supervisor};
use crate::system;
use crate::text::chain;

/// What `snap` is told. Source: LU §5.4.
pub(crate) const LIVE_UPDATE: &str = "-U";

/// Keeps what was collected. An operation that was to keep it and could not has failed.
pub(crate) fn keep(supervisor: &mut Supervisor, mut report: Report) -> Result<Report, Error> {
    let is_made = matches!(report.outcome, Outcome::Succeeded { .. });
    if supervisor.request.kind != Kind::Snap || !is_made {
        return Ok(report);
    }
    let failed = match archived(supervisor) {
        Ok(None) => None,
        Ok(Some(why)) => Some(why),
        Err(Error::Disk(error)) => Some(chain(&error)),
        Err(error) => return Err(error),
    };
    match failed {
        None => report.logs = supervisor.progress.logs.iter().map(|log| log.name.clone()).collect(),
        Some(why) => {
            report.outcome = Outcome::Failed { software: Software::Unchanged };
            report.summary = format!("{}; {FOLDER} on the LPAR is not kept: {why}", report.summary);
        }
    }
    Ok(report)
}

/// Adds the archive to the output. Why it is not added, where it is not.
fn archived(supervisor: &mut Supervisor) -> Result<Option<String>, Error> {
    let entries = entries(&supervisor.root.at(FOLDER))?;
    if entries.is_empty() {
        return Ok(Some("it is empty".to_owned()));
    }
    if entries.len() > MOST_FILES {
        return Ok(Some(format!("it has more than {MOST_FILES} files")));
    }
    if let Some(long) = entries.iter().find(|one| header(one).is_none()) {
        return Ok(Some(format!("the name {} is too long for an archive", long.name)));
    }
    let bytes = entries.iter().map(|one| BLOCK as u64 + one.padded()).sum::<u64>() + END as u64;
    let path = supervisor.operation.output();
    let options = OpenOptions::new().append(true).custom_flags(system::NO_FOLLOW).open(&path);
    let mut output = disk::doing("open", &path, options)?;
    let end = disk::doing("look at", &path, output.seek(SeekFrom::End(0)))?;
    let known = supervisor.progress.logs.iter().find(|log| log.name == NAME).cloned();
    let there = match known {
        Some(log) if log.bytes == bytes && end >= log.output => end - log.output,
        Some(_) => return Ok(Some("it was changed while it was kept".to_owned())),
        None => {
            let limit = supervisor.request.limits.output.0.saturating_mul(1 << 20);
            if end.saturating_add(bytes) > limit {
                let (has, most) = (bytes.div_ceil(1 << 20), limit >> 20);
                return Ok(Some(format!(
                    "it has {has} MB, and agent.snap of nimd's settings allows {most} MB"
                )));
            }
            if let Some(free) = supervisor.facts.free_megabytes("/var")
                && free < supervisor.request.limits.keep_free.0 + bytes.div_ceil(1 << 20)
            {
                return Ok(Some(format!("/var has {free} MB free")));
            }
            let log = KeptLog {
                name: NAME.to_owned(),
                path: FOLDER.to_owned(),
                size: bytes,
                output: end,
                bytes,
                messages: Vec::new(),
            };
            supervisor.record(Known::Log(log))?;
            0
        }
    };
    crate::crash::point("snap.recorded");
    let mut archive = Archive { output, path, skip: there };
    for entry in &entries {
        archive.add(entry)?;
    }
    archive.put(&[0; END])?;
    Ok(None)
}

/// A file or folder that goes into the archive.
struct Entry {
    /// Its name there: it begins with the name of the folder.
    name: String,
    path: PathBuf,
    is_folder: bool,
    bytes: u64,
    /// When it was changed last, in seconds since 1970.
    changed: u64,
}

impl Entry {
    /// Its content in whole blocks.
    const fn padded(&self) -> u64 {
        self.bytes.div_ceil(BLOCK as u64) * BLOCK as u64
    }
}

/// What is in `folder`, in an order that is the same each time. Links are left out: they would lead elsewhere.
fn entries(folder: &Path) -> Result<Vec<Entry>, DiskError> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut found = Vec::new();
    let mut open = vec![(name.unwrap_or_default(), folder.to_owned())];
    while let Some((above, folder)) = open.pop() {
        let mut here = Vec::new();
        for item in disk::doing("read", &folder, fs::read_dir(&folder))? {
            let item = disk::doing("read", &folder, item)?;
            let path = item.path();
            let about = disk::doing("look at", &path, path.symlink_metadata())?;
            if !about.is_file() && !about.is_dir() {
                continue;
            }
            here.push(Entry {
                name: format!("{above}/{}", item.file_name().to_string_lossy()),
                path,
                is_folder: about.is_dir(),
                bytes: if about.is_dir() { 0 } else { about.len() },
                changed: u64::try_from(about.mtime()).unwrap_or_default(),
            });
        }
        here.sort_by(|one, other| one.name.cmp(&other.name));
        let folders = here.iter().rev().filter(|one| one.is_folder);
        open.extend(folders.map(|one| (one.name.clone(), one.path.clone())));
        found.extend(here);
        if found.len() > MOST_FILES {
            break;
        }
    }
    Ok(found)
}

/// Where the archive goes: behind what is there of it.
struct Archive {
    output: fs::File,
    path: PathBuf,
    /// How many of the next bytes are there already.
    skip: u64,
}

impl Archive {
    fn add(&mut self, entry: &Entry) -> Result<(), DiskError> {
        self.put(&header(entry).unwrap_or([0; BLOCK]))?;
        if entry.is_folder {
            return Ok(());
        }
        let flags = system::NO_FOLLOW | system::NO_WAIT;
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(&entry.path);
        let mut file = disk::doing("open", &entry.path, opened)?.take(entry.bytes);
        let mut part = vec![0; PART];
        let mut left = entry.padded();
        while left > 0 {
            let count = disk::doing("read", &entry.path, file.read(&mut part))?;
            if count == 0 {
                // The last block, or a file that has become shorter meanwhile.
                let fill = usize::try_from(left).unwrap_or(PART).min(PART);
                part[..fill].fill(0);
                self.put(&part[..fill])?;
                left -= fill as u64;
            } else {
                self.put(&part[..count])?;
                left -= count as u64;
            }
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= skipped as u64;
        disk::doing("write", &self.path, self.output.write_all(&bytes[skipped..]))
    }
}

/// The block before a content, in the form of POSIX's ustar; `None` where the name does not fit.
fn header(entry: &Entry) -> Option<[u8; BLOCK]> {
    let name = if entry.is_folder { format!("{}/", entry.name) } else { entry.name.clone() };
    let (prefix, name) = match name.len() {
        ..=100 => ("", name.as_str()),
        _ => {
            let (at, _) =
                name.char_indices().find(|(at, c)| *c == '/' && name.len() - at <= 101)?;
            (&name[..at], &name[at + 1..])
        }
    };
    if prefix.len() > 155 || name.is_empty() {
        return None;
    }
    let mut block = [0; BLOCK];
    let mut field = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    let kind = if entry.is_folder { b"5" } else { b"0" };
    field(0, name.as_bytes());
    field(100, if entry.is_folder { b"0000755\0" } else { b"0000644\0" });
    field(108, b"0000000\0");
    field(116, b"0000000\0");
    field(124, format!("{:011o}\0", entry.bytes).as_bytes());
    field(136, format!("{:011o}\0", entry.changed).as_bytes());
    field(148, b"        ");
    field(156, kind);
    field(257, b"ustar\x0000");
    field(345, prefix.as_bytes());
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

/// Name by which the archive is asked for.
const NAME: &str = "snap";

/// Where `snap -U` collects. Source: LU §5.4.
const FOLDER: &str = "/tmp/ibmsupt/liveupdate";

/// Most files and folders of an archive.
const MOST_FILES: usize = 10_000;

/// Size of a block of an archive.
const BLOCK: usize = 512;

/// What an archive ends with.
const END: usize = 2 * BLOCK;

/// How much of a file is read at once.
const PART: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, is_folder: bool, bytes: u64) -> Entry {
        Entry { name: name.to_owned(), path: PathBuf::new(), is_folder, bytes, changed: 0o17 }
    }

    #[test]
    fn a_header_is_that_of_ustar_and_a_name_that_does_not_fit_has_none() {
        let block = header(&entry("liveupdate/lvupdlog", false, 10)).unwrap();
        assert_eq!(&block[..20], b"liveupdate/lvupdlog\0");
        assert_eq!(&block[124..136], b"00000000012\0");
        assert_eq!(&block[136..148], b"00000000017\0");
        let mut without = block;
        without[148..156].fill(b' ');
        let sum: u32 = without.iter().map(|byte| u32::from(*byte)).sum();
        assert_eq!(&block[148..156], format!("{sum:06o}\0 ").as_bytes());
        let long = format!("liveupdate/{}/{}", "a".repeat(90), "b".repeat(90));
        let block = header(&entry(&long, false, 0)).unwrap();
        assert_eq!(&block[..91], format!("{}\0", "b".repeat(90)).as_bytes());
        assert_eq!(&block[345..447], format!("liveupdate/{}\0", "a".repeat(90)).as_bytes());
        assert!(header(&entry(&format!("liveupdate/{}", "c".repeat(101)), false, 0)).is_none());
        assert_eq!(header(&entry("liveupdate/logs", true, 0)).unwrap()[156], b'5');
    }
}
