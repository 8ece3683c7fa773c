//! Files that must survive a crash: written, synced, and only then given their name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::crash;
use crate::system;

/// What could not be done with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}", path.display())]
pub(crate) struct Error {
    /// What was tried, such as `write`.
    pub(crate) doing: &'static str,
    /// On which file.
    pub(crate) path: PathBuf,
    #[source]
    cause: io::Error,
}

impl Error {
    /// Whether the file system is full.
    pub(crate) fn is_no_space(&self) -> bool {
        matches!(
            self.cause.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    }
}

/// Names the file and what was tried in the error of an operation on it.
pub(crate) fn doing<T>(
    doing: &'static str,
    path: &Path,
    result: io::Result<T>,
) -> Result<T, Error> {
    result.map_err(|cause| Error { doing, path: path.to_owned(), cause })
}

/// What came of [`create_once`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    /// The file is ours.
    New,
    /// Somebody had it before; it is as they left it.
    Exists,
}

/// Gives `path` this content unless there is such a file already: written and synced under another name, then linked, so that of
/// any number of writers exactly one wins and a crash leaves the whole file or none.
pub(crate) fn create_once(path: &Path, content: &[u8]) -> Result<Created, Error> {
    let temporary = write_temporary(path, content, 0o600)?;
    crash::point("create_once.written");
    let linked = fs::hard_link(&temporary, path);
    crash::point("create_once.linked");
    remove_file(&temporary)?;
    match linked {
        Ok(()) => {
            sync_parent(path)?;
            crash::point("create_once.synced");
            Ok(Created::New)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::Exists),
        Err(error) => doing("link", path, Err(error)),
    }
}

/// Gives `path` this content, whatever it had before: after a crash it has the one or the other, whole.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    let temporary = write_temporary(path, content, mode)?;
    crash::point("replace.written");
    doing("rename to", path, fs::rename(&temporary, path))?;
    crash::point("replace.renamed");
    sync_parent(path)
}

/// A new file of `bytes` zeros that are really on the disk, so that writing into it later needs no space.
pub(crate) fn create_zeros(path: &Path, bytes: u64) -> Result<(), Error> {
    let mut file = doing("create", path, private().create_new(true).open(path))?;
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    while left > 0 {
        let zeros = &ZEROS[..left.min(ZEROS.len())];
        doing("reserve space for", path, file.write_all(zeros))?;
        left -= zeros.len();
    }
    doing("reserve space for", path, file.sync_all())
}

/// A piece of a file in which nothing is written yet.
pub(crate) static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Content of `path`, at most `limit` bytes of it; `None` when there is no such file. A link is not followed.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let file = match OpenOptions::new().read(true).custom_flags(system::NO_FOLLOW).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return doing("open", path, Err(error)),
    };
    let mut content = Vec::new();
    let count = doing("read", path, file.take(limit + 1).read_to_end(&mut content))?;
    if count as u64 > limit {
        let cause = io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes"));
        return doing("read", path, Err(cause));
    }
    Ok(Some(content))
}

/// Makes the folder `path` for its owner alone, if it is not there.
pub(crate) fn ensure_folder(path: &Path) -> Result<(), Error> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_folder(path),
        Err(error) => doing("make the folder", path, Err(error)),
    }
}

/// Looks whether `path` is a folder itself: a link to one is none.
pub(crate) fn check_folder(path: &Path) -> Result<(), Error> {
    if doing("look at", path, fs::symlink_metadata(path))?.is_dir() {
        return Ok(());
    }
    doing("use", path, Err(io::Error::new(io::ErrorKind::NotADirectory, "it is no folder")))
}

/// Removes `path`, which may be gone already.
pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => doing("remove", path, Err(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes the folder `path` with what is in it; it may be gone already. Links in it are removed, not followed.
pub(crate) fn remove_folder(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => doing("remove", path, Err(error)),
        Ok(()) | Err(_) => sync_parent(path),
    }
}

/// Makes names given or taken in the folder of `path` survive a crash.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    doing("sync", folder, File::open(folder).and_then(|folder| folder.sync_all()))
}

/// How the agent opens its own files: for their owner alone, links not followed.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(system::NO_FOLLOW);
    options
}

fn write_temporary(path: &Path, content: &[u8], mode: u32) -> Result<PathBuf, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
    remove_file(&temporary)?;
    let mut options = private();
    let mut file =
        doing("create", &temporary, options.mode(mode).create_new(true).open(&temporary))?;
    if let Err(cause) = file.write_all(content).and_then(|()| file.sync_all()) {
        remove_file(&temporary)?;
        return doing("write", path, Err(cause));
    }
    Ok(temporary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_who_create_a_file_the_first_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claim");
        assert_eq!(create_once(&path, b"one").unwrap(), Created::New);
        assert_eq!(create_once(&path, b"two").unwrap(), Created::Exists);
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left");
    }

    #[test]
    fn reading_is_bounded_and_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        replace(&path, b"12345", 0o644).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read(&path, 5).is_ok());
        assert_eq!(read(&path, 4).unwrap_err().doing, "read");
        assert_eq!(read(&link, 5).unwrap_err().doing, "open");
        assert_eq!(read(&folder.path().join("none"), 5).unwrap(), None);
    }

    #[test]
    fn a_link_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        ensure_folder(&real).unwrap();
        ensure_folder(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(ensure_folder(&link).is_err());
        remove_folder(&real).unwrap();
        remove_folder(&real).unwrap();
    }
}
