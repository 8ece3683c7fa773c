//! Files on the master in which a site says what it knows better.

use std::fmt::Display;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nim_shared::api::{File, FileFault};

/// Reads such a file; `None` where there is none and none is needed.
pub(super) fn file(path: &Path, needed: bool) -> io::Result<Option<File>> {
    match text(path) {
        Ok(text) => Ok(Some(File { name: path.display().to_string(), text })),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && !needed => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Which state of a file was read: inode, size, and when it was changed in seconds and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(u64, u64, i64, i64);

impl Version {
    /// As it is now; `None` where it cannot be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self(file.ino(), file.len(), file.ctime(), file.ctime_nsec()))
    }
}

/// What is wrong in it beside its form.
pub(super) fn faults(file: &File, bad: &[impl Display]) -> Vec<FileFault> {
    let fault = |bad: &dyn Display| FileFault {
        file: Some(file.name.clone()),
        line: None,
        path: String::new(),
        message: bad.to_string(),
    };
    bad.iter().map(|bad| fault(bad)).collect()
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {LARGEST} bytes"),
        ));
    }
    Ok(text)
}

/// Largest file, in bytes.
const LARGEST: u64 = 4 << 20;
