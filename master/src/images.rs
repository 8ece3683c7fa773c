//! The files of an `lpp_source` that the master sends itself: which there are, and the digest of each.
//!
//! A technology level is gigabytes, and its digests take tens of seconds: they are computed once and kept as long as size,
//! time and inode of a file stay the same. Who asks waits for a while; what is not done by then goes on, and the next one who
//! asks finds it done.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nim_shared::id::Digest;
use nim_shared::request::PushedFile;
use ring::digest::{Context, SHA256};

/// Digests of files. Cheap to clone; clones share what is known.
#[derive(Clone, Debug, Default)]
pub struct Images(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    digests: Mutex<HashMap<PathBuf, (Stamp, Digest)>>,
    /// One reader at a time for each folder.
    folders: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
}

/// What shows that a file is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// Why the files of a folder are not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Something that cannot be sent: a link, a device, a name that is no text.
    #[error("{} is neither a file nor a folder with a name that can be sent", path.display())]
    Strange {
        /// Which.
        path: PathBuf,
    },
    /// More files than a folder of packages ever has.
    #[error("{} holds more than {MOST_FILES} files", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing is there.
    #[error("{} holds no files", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A file was written to while it was read.
    #[error("{} changes while it is read", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// It takes longer than the asker may wait.
    #[error("the files in {} are still being read, for their digests", path.display())]
    Late {
        /// The folder.
        path: PathBuf,
    },
    /// The thread that reads ended.
    #[error("reading {} ended by a fault", path.display())]
    Fault {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: tokio::task::JoinError,
    },
}

/// Most files of one folder.
const MOST_FILES: usize = 100_000;

impl Images {
    /// The files in `folder` and below it, in the order of their paths. Waits at most `longest`.
    ///
    /// # Errors
    /// [`Error`]; after [`Error::Late`] the work goes on.
    pub async fn files(&self, folder: &Path, longest: Duration) -> Result<Vec<PushedFile>, Error> {
        let late = || Error::Late { path: folder.to_owned() };
        let lock = {
            let mut folders = self.0.folders.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(folders.entry(folder.to_owned()).or_default())
        };
        let work = async {
            let turn = lock.lock_owned().await;
            let (known, folder) = (Arc::clone(&self.0), folder.to_owned());
            tokio::task::spawn_blocking(move || {
                let files = known.read(&folder);
                drop(turn);
                files
            })
            .await
        };
        tokio::time::timeout(longest, work)
            .await
            .map_err(|_| late())?
            .map_err(|cause| Error::Fault { path: folder.to_owned(), cause })?
    }
}

impl Known {
    fn read(&self, folder: &Path) -> Result<Vec<PushedFile>, Error> {
        let mut paths = Vec::new();
        list(folder, &mut paths)?;
        if paths.is_empty() {
            return Err(Error::Empty { path: folder.to_owned() });
        }
        paths.sort_unstable();
        let file = |path: PathBuf| {
            let strange = || Error::Strange { path: path.clone() };
            let name = path.strip_prefix(folder).ok().and_then(Path::to_str).ok_or_else(strange)?;
            if name.chars().any(char::is_control) {
                return Err(strange());
            }
            let (bytes, digest) = self.digest(&path)?;
            Ok(PushedFile { path: name.to_owned(), bytes, digest })
        };
        paths.into_iter().map(file).collect()
    }

    /// Size and digest of a file, from what is known where that still holds.
    fn digest(&self, path: &Path) -> Result<(u64, Digest), Error> {
        let unreadable = |cause| Error::Unreadable { path: path.to_owned(), cause };
        let mut file = File::open(path).map_err(unreadable)?;
        let before = Stamp::of(&file).map_err(unreadable)?;
        let lock = || self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, digest)) = lock().get(path).filter(|(stamp, _)| *stamp == before) {
            return Ok((before.bytes, *digest));
        }
        let mut context = Context::new(&SHA256);
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).map_err(unreadable)? {
                0 => break,
                read => context.update(&buffer[..read]),
            }
        }
        if Stamp::of(&file).map_err(unreadable)? != before {
            return Err(Error::Changing { path: path.to_owned() });
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        lock().insert(path.to_owned(), (before, Digest(digest)));
        Ok((before.bytes, Digest(digest)))
    }
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// Adds the files in `folder` and below it.
fn list(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |cause| Error::Unreadable { path: folder.to_owned(), cause };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        if kind.is_dir() {
            list(&path, into)?;
        } else if kind.is_file() {
            into.push(path);
        } else {
            return Err(Error::Strange { path });
        }
        if into.len() > MOST_FILES {
            return Err(Error::TooMany { path: folder.to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn files_are_listed_by_path_with_their_digests_and_a_change_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("installp")).unwrap();
        std::fs::write(folder.path().join("installp/bos.U"), "one").unwrap();
        std::fs::write(folder.path().join(".toc"), "two").unwrap();
        let images = Images::default();
        let files = images.files(folder.path(), LONG).await.unwrap();
        let rows: Vec<_> = files.iter().map(|file| (&*file.path, file.bytes)).collect();
        assert_eq!(rows, [(".toc", 3), ("installp/bos.U", 3)]);
        assert_eq!(files[1].digest, Digest::of(b"one"));
        std::fs::write(folder.path().join("installp/bos.U"), "other").unwrap();
        let files = images.files(folder.path(), LONG).await.unwrap();
        assert_eq!(files[1].digest, Digest::of(b"other"));
    }

    #[tokio::test]
    async fn a_link_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("bos.U")).unwrap();
        let error = Images::default().files(folder.path(), LONG).await.unwrap_err();
        assert!(matches!(&error, Error::Strange { path } if path.ends_with("bos.U")), "{error:?}");
    }

    #[tokio::test]
    async fn an_empty_or_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let images = Images::default();
        assert!(matches!(images.files(folder.path(), LONG).await, Err(Error::Empty { .. })));
        let gone = folder.path().join("gone");
        assert!(matches!(images.files(&gone, LONG).await, Err(Error::Unreadable { .. })));
    }
}
