//! Backup and restore of a private cluster, by `pg_dump` and `pg_restore` of the version that made it.
//!
//! A dump and not a copy of files: it is consistent while `nimd` runs, needs no second server to be read, and a later major
//! version takes it, which is also how one upgrades. The key file is not in it: without the key, secrets in a stolen backup
//! stay closed; keep a copy of `secret.key` elsewhere.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;

use super::binaries::Binaries;
use super::folder::{FolderLock, Folders};
use super::server::answers;
use super::{ClusterError, ClusterOptions, DATABASE, PORT, ROLE, process};

/// Writes everything in the private cluster of the data folder `folder` to `file`, readable by its owner only. A `nimd` that
/// runs goes on; without one the server is started for it. `file` appears whole or not at all.
///
/// # Errors
/// [`ClusterError`].
pub fn backup(folder: &Path, file: &Path) -> Result<(), ClusterError> {
    let entered =
        folder.canonicalize().map_err(ClusterError::io(format!("enter {}", folder.display())))?;
    let folders = Folders::of(&entered);
    if answers(&folders).unwrap_or(false) {
        return dump(&folders, file);
    }
    let lock = FolderLock::take(folder)?;
    let cluster = super::open(&lock, &ClusterOptions::default())?;
    let dumped = dump(&folders, file);
    cluster.stop();
    dumped
}

/// Makes the private cluster of the data folder that `lock` holds from a backup.
///
/// # Errors
/// [`ClusterError::NotEmpty`] when there is one already; when something fails, there is none afterwards.
pub fn restore(lock: &FolderLock, file: &Path) -> Result<(), ClusterError> {
    let folders = Folders::of(lock.folder());
    if folders.data.exists() {
        return Err(ClusterError::NotEmpty { folder: folders.server });
    }
    // The file is opened by us: the server's user need not be able to read it.
    let input =
        fs::File::open(file).map_err(ClusterError::io(format!("read {}", file.display())))?;
    let cluster = super::open(lock, &ClusterOptions::default())?;
    let restored = tool(&folders, "pg_restore").and_then(|mut command| {
        command.args(["--exit-on-error", "--single-transaction", "--no-owner", "-d", DATABASE]);
        process::run(command.stdin(Stdio::from(input)))
    });
    cluster.stop();
    if restored.is_err() {
        fs::remove_dir_all(&folders.data)
            .map_err(ClusterError::io(format!("remove {}", folders.data.display())))?;
    }
    restored
}

fn dump(folders: &Folders, file: &Path) -> Result<(), ClusterError> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = Path::new(&temporary);
    let doing = |what: &str| ClusterError::io(format!("{what} {}", temporary.display()));
    let output = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(temporary)
        .map_err(doing("write"))?;
    let kept = output.try_clone().map_err(doing("write"))?;
    let mut command = tool(folders, "pg_dump")?;
    command
        .args(["--format=custom", "--no-owner", "--no-unlogged-table-data", DATABASE])
        .stdout(Stdio::from(output))
        .stderr(Stdio::piped());
    let program = Path::new(command.get_program()).display().to_string();
    let done = command.output().map_err(ClusterError::io(format!("run {program}")))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        fs::remove_file(temporary).map_err(doing("remove"))?;
        return Err(ClusterError::Program { program, said });
    }
    kept.sync_all().map_err(doing("sync"))?;
    fs::rename(temporary, file).map_err(doing("rename"))
}

/// One of PostgreSQL's tools, of the version of the cluster, with the way to its server.
fn tool(folders: &Folders, name: &str) -> Result<std::process::Command, ClusterError> {
    let version = folders.version()?.ok_or(ClusterError::Io {
        doing: format!("find a database in {}", folders.server.display()),
        cause: std::io::ErrorKind::NotFound.into(),
    })?;
    let binaries = Binaries::of(version)?;
    let mut command = process::command(binaries.program(name).as_os_str(), None);
    command.arg("-h").arg(&folders.socket).args(["-p", &PORT.to_string(), "-U", ROLE]);
    Ok(command)
}
