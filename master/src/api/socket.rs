//! The Unix socket: making it with the right mode, and knowing who is at its other end.
//!
//! Who may speak with nimd is who may open the socket; its mode and group say so. The kernel tells the uid of each peer, which
//! is recorded with every change.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{UnixListener, UnixStream};

/// A peer, as the kernel says. `None` where it does not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// Its user id.
    pub(super) uid: Option<u32>,
    /// Its process.
    pub(super) pid: Option<i32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        match stream.io().peer_cred() {
            Ok(cred) => Self { uid: Some(cred.uid()), pid: cred.pid() },
            Err(_) => Self { uid: None, pid: None },
        }
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another nimd answers there.
    #[error("another program listens on {}", path.display())]
    Taken {
        /// The path.
        path: PathBuf,
    },
    /// Something that is no socket is in its place.
    #[error("{} is there and is no socket", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot {doing} {}", path.display())]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// A socket that is listened on. Removed when dropped, if it is still this one.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    guard: Guard,
}

/// Removes the file of a socket when nobody listens any more.
#[derive(Debug)]
pub(super) struct Guard {
    path: PathBuf,
    /// Device and inode: another nimd may have put its own socket here since.
    file: (u64, u64),
}

impl Socket {
    /// Makes the socket at `path` with `mode` and the group `gid`. A socket that nobody answers on is replaced.
    ///
    /// # Errors
    /// [`Error::Taken`] when somebody answers, [`Error::NoSocket`] when a file is in the way, else [`Error::Refused`].
    pub async fn bind(path: &Path, mode: u32, gid: Option<u32>) -> Result<Self, Error> {
        let refused = |doing| move |cause| Error::Refused { doing, path: path.to_owned(), cause };
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(Error::NoSocket { path: path.to_owned() });
            }
            Ok(_) => match UnixStream::connect(path).await {
                Ok(_) => return Err(Error::Taken { path: path.to_owned() }),
                // Nobody listens: left behind by a nimd that was killed. It is replaced below.
                Err(cause) if cause.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(cause) => return Err(refused("connect to the socket that is at")(cause)),
            },
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(refused("look at")(cause)),
        }
        // Made under another name and put in place when mode and group are right: nobody can connect before, and nobody
        // finds the place empty.
        let new = path.with_extension(format!("{}.new", std::process::id()));
        match std::fs::remove_file(&new) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(refused("remove what is left over beside")(cause)),
        }
        let listener = UnixListener::bind(&new).map_err(refused("listen on"))?;
        let placed = place(&new, path, mode, gid);
        if placed.is_err() {
            // The error of the placing counts; the file under its temporary name is removed at the next start at the latest.
            drop(std::fs::remove_file(&new));
        }
        let file = placed.map_err(refused("set mode and group of"))?;
        Ok(Self { listener, guard: Guard { path: path.to_owned(), file } })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.guard.path
    }

    /// The listener, and what removes its file.
    pub(super) fn into_parts(self) -> (UnixListener, Guard) {
        (self.listener, self.guard)
    }
}

/// Gives the socket at `new` its mode and group and puts it at `path`. Device and inode of it.
fn place(new: &Path, path: &Path, mode: u32, gid: Option<u32>) -> io::Result<(u64, u64)> {
    // The group before the mode: with the old group the wrong people could connect.
    std::fs::set_permissions(new, std::fs::Permissions::from_mode(0o600))?;
    chown(new, None, gid)?;
    std::fs::set_permissions(new, std::fs::Permissions::from_mode(mode))?;
    let found = std::fs::symlink_metadata(new)?;
    std::fs::rename(new, path)?;
    Ok((found.dev(), found.ino()))
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.file);
        if ours {
            // What cannot be removed is replaced at the next start, because nobody answers on it.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
