//! The folders of the cluster, whose they are, and the lock of the data folder.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use nim_shared::id::Digest;

use super::binaries::{Binaries, Version};
use super::process::{self, User, effective_uid, name_of};
use super::{ClusterError, PORT, ROLE};

/// Longest path of a Unix socket: what `sun_path` holds with its NUL, on Linux.
const SOCKET_PATH_MAX: usize = 107;

/// A data folder that is ours until this is dropped.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    file: File,
}

impl FolderLock {
    /// Takes the data folder, and makes it where it is not there. The kernel gives it back when this process ends, however.
    ///
    /// # Errors
    /// [`ClusterError::Locked`], which names the holder.
    pub fn take(folder: &Path) -> Result<Self, ClusterError> {
        let doing = |what: &str| ClusterError::io(format!("{what} {}", folder.display()));
        // Others than us have to get through it to what is theirs; nothing in it but the sockets is for them.
        DirBuilder::new().recursive(true).mode(0o711).create(folder).map_err(doing("make"))?;
        let folder = folder.canonicalize().map_err(doing("enter"))?;
        let path = folder.join("nimd.lock");
        let doing = |what: &str| ClusterError::io(format!("{what} {}", path.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(doing("open"))?;
        match file.try_lock() {
            Ok(()) => (),
            Err(fs::TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = file.read_to_string(&mut text);
                let holder = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(ClusterError::Locked { folder, holder });
            }
            Err(fs::TryLockError::Error(cause)) => return Err(doing("lock")(cause)),
        }
        file.set_len(0).map_err(doing("write"))?;
        writeln!(file, "{}", std::process::id()).map_err(doing("write"))?;
        Ok(Self { folder, file })
    }

    /// The data folder, as an absolute path without links.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread is just starting has a copy of it until its
        // exec, and would keep the folder so long. Where this fails, the close that follows is what is left.
        let _unlocked = self.file.unlock();
    }
}

/// The folders of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    /// The server's own.
    pub(super) server: PathBuf,
    /// PGDATA.
    pub(super) data: PathBuf,
    /// Where its socket is.
    pub(super) socket: PathBuf,
}

impl Folders {
    /// Where the folders of the cluster in the data folder `folder` are.
    pub(super) fn of(folder: &Path) -> Self {
        let server = folder.join("postgres");
        let data = server.join("data");
        let near = server.join("socket");
        let socket = if socket_path(&near).as_os_str().len() <= SOCKET_PATH_MAX {
            near
        } else {
            // Named after the data folder, so that the next nimd finds the same.
            let digest = Digest::of(folder.as_os_str().as_encoded_bytes()).to_string();
            let base = if effective_uid() == 0 { Path::new("/run") } else { Path::new("/tmp") };
            base.join(format!("nimd-{}-{}", effective_uid(), &digest[..16]))
        };
        Self { server, data, socket }
    }

    /// Makes the folders that are not there and sees that they are the server's alone.
    pub(super) fn prepare(folder: &Path, user: Option<&User>) -> Result<Self, ClusterError> {
        let folders = Self::of(folder);
        if let Some(user) = user {
            traversable(folder, user)?;
        }
        own(&folders.server, user)?;
        own(&folders.socket, user)?;
        Ok(folders)
    }

    /// What made the cluster; `None` where there is none yet.
    pub(super) fn version(&self) -> Result<Option<Version>, ClusterError> {
        let path = self.data.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => {
                let major = text.trim().parse().map_err(|_| ClusterError::Io {
                    doing: format!("read {}", path.display()),
                    cause: io::Error::new(io::ErrorKind::InvalidData, "no version number"),
                })?;
                Ok(Some(Version { major, folder: self.server.clone() }))
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(ClusterError::io(format!("read {}", path.display()))(cause)),
        }
    }

    /// Makes the cluster. It appears whole under its name or not at all.
    pub(super) fn make_cluster(
        &self,
        binaries: &Binaries,
        user: Option<&User>,
    ) -> Result<(), ClusterError> {
        let new = self.server.join("data.new");
        let doing =
            |what: &str, path: &Path| ClusterError::io(format!("{what} {}", path.display()));
        // What an initdb left behind that was killed.
        match fs::remove_dir_all(&new) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(doing("remove", &new)(cause));
            }
            Ok(()) | Err(_) => (),
        }
        process::run(
            process::command(binaries.program("initdb").as_os_str(), user)
                .arg("-D")
                .arg(&new)
                .args(["-U", ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C"])
                .args(["--data-checksums", "--no-instructions"]),
        )?;
        fs::rename(&new, &self.data).map_err(doing("rename", &new))?;
        File::open(&self.server)
            .and_then(|folder| folder.sync_all())
            .map_err(doing("sync", &self.server))
    }

    /// The socket itself.
    pub(super) fn socket_file(&self) -> PathBuf {
        socket_path(&self.socket)
    }
}

/// The name that the server gives its socket.
fn socket_path(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}

/// Whether `user` gets to `folder`: execute permission on it and on all above.
pub(super) fn traversable(folder: &Path, user: &User) -> Result<(), ClusterError> {
    for above in folder.ancestors() {
        let found = fs::metadata(above)
            .map_err(ClusterError::io(format!("look at {}", above.display())))?;
        let bit = if found.uid() == user.uid {
            0o100
        } else if found.gid() == user.gid {
            0o010
        } else {
            0o001
        };
        if found.mode() & bit == 0 {
            return Err(ClusterError::NotTraversable {
                user: user.name.clone(),
                folder: above.to_owned(),
            });
        }
    }
    Ok(())
}

/// Makes `folder`, 0700 and the server's, or sees that it is.
fn own(folder: &Path, user: Option<&User>) -> Result<(), ClusterError> {
    let doing = |what: &str| ClusterError::io(format!("{what} {}", folder.display()));
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {
            if let Some(user) = user {
                chown(folder, Some(user.uid), Some(user.gid)).map_err(doing("give away"))?;
            }
            fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(doing("close"))
        }
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            // Not through a link: in /tmp anybody may have put one there.
            let found = fs::symlink_metadata(folder).map_err(doing("look at"))?;
            let uid = user.map_or_else(effective_uid, |user| user.uid);
            if found.is_dir() && found.uid() == uid && found.mode() & 0o077 == 0 {
                Ok(())
            } else {
                Err(ClusterError::NotOurs { folder: folder.to_owned(), user: name_of(user) })
            }
        }
        Err(cause) => Err(doing("make")(cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_given_back_though_a_child_that_is_starting_has_a_copy_of_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        let copy = lock.file.try_clone().unwrap();
        drop(lock);
        FolderLock::take(folder.path()).unwrap();
        drop(copy);
    }
}
