//! A private PostgreSQL cluster in the data folder, for sites that bring no database of their own.
//!
//! It is the installed server, run by `nimd`: as another user than root (`postgres` or `nimd`), on a Unix socket in a folder
//! that only that user and root may enter, with `fsync` on. It is started by a thread that lives as long as the cluster is
//! wanted: the kernel stops the server when that thread ends, however `nimd` dies, and the thread starts it again when it
//! dies by itself. The data folder is locked, so there is one `nimd` to a folder.
//!
//! ```text
//! DIR/nimd.lock           held by the nimd that runs here
//! DIR/postgres/           of the server's user, 0700
//!              data/      PGDATA
//!              socket/    the Unix socket, unless the path is too long for one
//!              server.log what the server says
//! ```

mod backup;
mod binaries;
mod folder;
mod process;
mod server;
mod survivor;

use std::io;
use std::path::{Path, PathBuf};

pub use backup::{backup, restore};
pub use folder::FolderLock;
pub use server::{ClusterHandle, ClusterState};

use binaries::Binaries;
use folder::Folders;
use process::User;

/// Major version of PostgreSQL below which nothing is promised.
pub const OLDEST: u32 = 14;

/// How a private cluster is run.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// Settings of the server beyond ours, as `name`, `value`; later ones win.
    pub settings: Vec<(String, String)>,
}

/// Starts the private cluster of the data folder `folder`, and makes it where there is none. Blocks until it takes
/// connections; to be called from a thread that may wait.
///
/// `lock` is proof that no other `nimd` uses the folder.
///
/// # Errors
/// [`ClusterError`].
pub fn open(lock: &FolderLock, options: &ClusterOptions) -> Result<ClusterHandle, ClusterError> {
    let user = User::of_server(lock.folder())?;
    let folders = Folders::prepare(lock.folder(), user.as_ref())?;
    let binaries = match folders.version()? {
        Some(version) => Binaries::of(version)?,
        None => {
            let newest = Binaries::newest()?;
            folders.make_cluster(&newest, user.as_ref())?;
            newest
        }
    };
    survivor::see_off(&folders)?;
    ClusterHandle::start(server::Plan {
        binaries,
        folders,
        user,
        settings: options.settings.clone(),
    })
}

/// Looks whether a private cluster can be had in the data folder `folder`, which need not be there yet: a server is installed, and its user gets
/// there. Makes nothing.
///
/// # Errors
/// [`ClusterError`].
pub fn check(folder: &Path) -> Result<(), ClusterError> {
    let doing = || format!("find {}", folder.display());
    let folder = std::path::absolute(folder).map_err(|cause| ClusterError::io(doing())(cause))?;
    let there = folder.ancestors().find(|one| one.exists()).unwrap_or(Path::new("/"));
    let there = there.canonicalize().map_err(|cause| ClusterError::io(doing())(cause))?;
    if let Some(user) = User::of_server(&folder)? {
        folder::traversable(&there, &user)?;
    }
    match Folders::of(&folder).version()? {
        Some(version) => Binaries::of(version),
        None => Binaries::newest(),
    }
    .map(drop)
}

/// Why there is no private cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Another `nimd` runs on the folder.
    #[error("the data folder {} is in use by {}", folder.display(), holder.map_or_else(|| "another nimd".to_owned(), |pid| format!("the nimd with process id {pid}")))]
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// Its process id, where it could be read.
        holder: Option<u32>,
    },
    /// No PostgreSQL server is installed.
    #[error("no PostgreSQL server of version {OLDEST} or later is installed")]
    NoServer,
    /// The cluster was made by a version that is not installed.
    #[error("the database in {} was made by PostgreSQL {wanted}; installed: {}", folder.display(), versions(found))]
    WrongVersion {
        /// The server's folder.
        folder: PathBuf,
        /// Major version that it needs.
        wanted: u32,
        /// Major versions that are installed.
        found: Vec<u32>,
    },
    /// `nimd` runs as root and there is no user to run the server as.
    #[error(
        "PostgreSQL does not run as root, and there is no user postgres or nimd on this system"
    )]
    NoUser,
    /// The server's user cannot get to the folder.
    #[error("the user {user}, as whom the database runs, cannot enter {}", folder.display())]
    NotTraversable {
        /// The user.
        user: String,
        /// The folder in the way.
        folder: PathBuf,
    },
    /// A folder belongs to somebody else, or others may enter it.
    #[error("{} is not a folder of the user {user} alone", folder.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// Who should own it.
        user: String,
    },
    /// Something with a file or a process.
    #[error("cannot {doing}")]
    Io {
        /// What was tried, on which file.
        doing: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// One of PostgreSQL's own programs failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which.
        program: String,
        /// What it said.
        said: String,
    },
    /// The server did not come up.
    #[error("the PostgreSQL server in {} did not come up: {said}", folder.display())]
    NotUp {
        /// The server's folder.
        folder: PathBuf,
        /// The end of its log.
        said: String,
    },
    /// A server of an earlier `nimd` does not end.
    #[error("a PostgreSQL server of an earlier nimd (process id {pid}) still runs in {} and does not end", folder.display())]
    Survivor {
        /// Its process id.
        pid: u32,
        /// The server's folder.
        folder: PathBuf,
    },
    /// There is a database already.
    #[error("{} holds a database already", folder.display())]
    NotEmpty {
        /// The server's folder.
        folder: PathBuf,
    },
}

impl ClusterError {
    /// The code, which stays the same for years.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "NLU-0340",
            Self::NoServer => "NLU-0341",
            Self::WrongVersion { .. } => "NLU-0342",
            Self::NoUser => "NLU-0343",
            Self::NotTraversable { .. } => "NLU-0344",
            Self::NotOurs { .. } => "NLU-0345",
            Self::Io { .. } => "NLU-0346",
            Self::Program { .. } => "NLU-0347",
            Self::NotUp { .. } => "NLU-0348",
            Self::Survivor { .. } => "NLU-0349",
            Self::NotEmpty { .. } => "NLU-0350",
        }
    }

    /// What to type now, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Locked { .. } => "nimctl talks to the one that runs; use another --data-dir for a second one".to_owned(),
            Self::NoServer => {
                "install the Debian package postgresql (apt install postgresql), or set database.url to a server elsewhere"
                    .to_owned()
            }
            Self::WrongVersion { wanted, .. } => format!("install the Debian package postgresql-{wanted}"),
            Self::NoUser => "the Debian package postgresql makes the user postgres; or: useradd --system nimd".to_owned(),
            Self::NotTraversable { folder, .. } => format!("chmod o+x {}, or use a folder elsewhere", folder.display()),
            Self::NotOurs { folder, user } => format!("chown {user} {0}; chmod 700 {0}", folder.display()),
            Self::NotUp { folder, .. } => format!("see {}", folder.join("server.log").display()),
            Self::Survivor { pid, .. } => format!("see what it does (ps -fp {pid}), then: kill -INT {pid}"),
            Self::NotEmpty { .. } => "restore into an empty --data-dir".to_owned(),
            Self::Io { .. } | Self::Program { .. } => return None,
        })
    }

    /// Something with a file or a process.
    fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        |cause| Self::Io { doing, cause }
    }
}

/// Versions in a sentence.
fn versions(found: &[u32]) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The URL for a server whose socket is in `folder`.
fn url(folder: &Path) -> String {
    let folder = folder.as_os_str().as_encoded_bytes();
    let mut escaped = String::new();
    for byte in folder {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                escaped.push(char::from(*byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    format!("postgres://{ROLE}@localhost:{PORT}/{DATABASE}?host={escaped}")
}

/// The role that owns everything in the cluster.
const ROLE: &str = "nimd";

/// The database in the cluster.
const DATABASE: &str = "postgres";

/// The port, which is only a part of the socket's name.
const PORT: u16 = 5432;

#[cfg(test)]
mod tests;
