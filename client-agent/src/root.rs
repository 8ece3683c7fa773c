//! Where AIX's fixed paths are: at `/`, or below `NIM_AGENT_ROOT` on a simulated LPAR.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Environment variable with the folder that stands for `/` on a simulated LPAR. Unset on AIX.
pub(crate) const VARIABLE: &str = "NIM_AGENT_ROOT";

/// The root of the LPAR's file system as this process sees it.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    prefix: Option<PathBuf>,
}

impl Root {
    /// As the environment says.
    pub(crate) fn from_environment() -> Self {
        let prefix = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
        Self { prefix: prefix.map(PathBuf::from) }
    }

    /// Below `prefix`.
    #[cfg(test)]
    pub(crate) fn below(prefix: &Path) -> Self {
        Self { prefix: Some(prefix.to_owned()) }
    }

    /// The folder of a simulated LPAR; `None` on AIX.
    pub(crate) fn simulated(&self) -> Option<&Path> {
        self.prefix.as_deref()
    }

    /// Where `absolute`, a path as AIX knows it, is for this process.
    pub(crate) fn at(&self, absolute: &str) -> PathBuf {
        match &self.prefix {
            Some(prefix) => prefix.join(absolute.trim_start_matches('/')),
            None => PathBuf::from(absolute),
        }
    }

    /// `path` of this process as AIX knows it.
    pub(crate) fn as_seen(&self, path: &Path) -> String {
        let path = match &self.prefix {
            Some(prefix) => {
                path.strip_prefix(prefix).map_or(path.to_owned(), |p| Path::new("/").join(p))
            }
            None => path.to_owned(),
        };
        path.to_string_lossy().into_owned()
    }

    /// The file of the AIX command `name`; `None` when this LPAR does not have it.
    pub(crate) fn command(&self, name: &str) -> Option<PathBuf> {
        COMMAND_FOLDERS.iter().map(|folder| self.at(folder).join(name)).find(|path| path.is_file())
    }

    /// `PATH` for what the agent starts. On a simulated LPAR the host's own folders follow, for shells in scripts.
    pub(crate) fn search_path(&self) -> OsString {
        let host = self.prefix.iter().flat_map(|_| HOST_FOLDERS.iter().map(PathBuf::from));
        let folders = COMMAND_FOLDERS.iter().map(|folder| self.at(folder)).chain(host);
        std::env::join_paths(folders).unwrap_or_else(|_| COMMAND_FOLDERS.join(":").into())
    }
}

/// Where AIX keeps its commands.
const COMMAND_FOLDERS: [&str; 3] = ["/usr/bin", "/usr/sbin", "/etc"];

/// Where the machine under a simulated LPAR keeps its own.
const HOST_FOLDERS: [&str; 2] = ["/usr/bin", "/bin"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_as_aix_knows_it_reads_back() {
        let root = Root::below(Path::new("/lab/lpar01"));
        let here = root.at("/var/adm/ras");
        assert_eq!(here, Path::new("/lab/lpar01/var/adm/ras"));
        assert_eq!(root.as_seen(&here), "/var/adm/ras");
        assert_eq!(Root { prefix: None }.at("/var"), Path::new("/var"));
    }
}
