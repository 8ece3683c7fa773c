//! Which PostgreSQL servers are installed here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{ClusterError, OLDEST};

/// The programs of one installed server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) version: u32,
    folder: PathBuf,
}

impl Binaries {
    /// The newest one that is installed.
    pub(super) fn newest() -> Result<Self, ClusterError> {
        installed().pop_last().map(|(_, found)| found).ok_or(ClusterError::NoServer)
    }

    /// The one that can read a cluster with this `PG_VERSION`.
    pub(super) fn of(version: Version) -> Result<Self, ClusterError> {
        let mut all = installed();
        let found = all.keys().copied().collect();
        all.remove(&version.major).ok_or(ClusterError::WrongVersion {
            folder: version.folder,
            wanted: version.major,
            found,
        })
    }

    /// Path of one of its programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// What `PG_VERSION` of a cluster says.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) folder: PathBuf,
}

/// Installed servers by major version: Debian's and Red Hat's folders, the search path, and what `pg_config` says. The first
/// of a version counts.
fn installed() -> BTreeMap<u32, Binaries> {
    let mut all = BTreeMap::new();
    for folder in folders() {
        if let Some(version) = version(&folder).filter(|version| *version >= OLDEST) {
            all.entry(version).or_insert(Binaries { version, folder });
        }
    }
    all
}

/// Where servers may be.
fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.filter_map(Result::ok).map(|entry| entry.path().join("bin")));
    }
    if let Ok(entries) = std::fs::read_dir("/usr") {
        let is_pgsql = |name: &str| name.starts_with("pgsql-");
        folders.extend(
            entries
                .filter_map(Result::ok)
                .filter(|entry| entry.file_name().to_str().is_some_and(is_pgsql))
                .map(|entry| entry.path().join("bin")),
        );
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path).filter(|folder| folder.is_absolute()));
    let asked = Command::new("pg_config")
        .arg("--bindir")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    if let Ok(output) = asked
        && let Ok(text) = String::from_utf8(output.stdout)
    {
        folders.push(PathBuf::from(text.trim()));
    }
    folders
}

/// Major version of the server in `folder`; `None` where there is none.
fn version(folder: &Path) -> Option<u32> {
    let has = |name: &str| folder.join(name).is_file();
    if !(has("postgres") && has("initdb")) {
        return None;
    }
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    major(&String::from_utf8(output.stdout).ok()?)
}

/// The major version in `postgres (PostgreSQL) 15.19 (Debian 15.19-0+deb12u1)`.
fn major(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_a_server_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.19 (Debian 15.19-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18devel\n"), Some(18));
        assert_eq!(major("oops"), None);
    }
}
