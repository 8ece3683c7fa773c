//! The settings file: reading it, and all that may be wrong with it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nim_shared::api::{File, FileFault};
use nim_shared::near::closest;
use nim_shared::yaml::{self, Scalar};

use super::check;
use super::table::{KEYS, Key, Settings};
use super::value::Value;

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data folder has no absolute path.
    #[error("cannot find the data folder {}", path.display())]
    Folder {
        /// As it was given.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the settings in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It says things that cannot be meant.
    #[error("the settings in {} are not right", path.display())]
    Faults {
        /// The file.
        path: PathBuf,
        /// All of them, in the order of their lines.
        #[source]
        faults: Faults,
    },
    /// The path of the socket is longer than Linux takes.
    #[error("the path of the socket has {found} bytes, and at most 107 are possible: {}", path.display())]
    SocketPath {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        found: usize,
    },
}

impl Error {
    /// The code, which stays the same for years.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "NLU-0001",
            Self::Unreadable { .. } => "NLU-0002",
            Self::Faults { .. } => "NLU-0003",
            Self::SocketPath { .. } => "NLU-0004",
        }
    }

    /// What to type now.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Folder { .. } => "give --data-dir an absolute path".to_owned(),
            Self::Unreadable { path, .. } => format!("ls -l {}", path.display()),
            Self::Faults { .. } => {
                "nimd config --defaults lists every key; nothing was started".to_owned()
            }
            Self::SocketPath { .. } => {
                "set socket.path to a shorter one, or use another --data-dir".to_owned()
            }
        }
    }
}

/// What is wrong with a file, all at once.
#[derive(Debug)]
pub struct Faults(pub Vec<FileFault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl Settings {
    /// Reads the file at `path`.
    pub(super) fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::Unreadable { path: path.to_owned(), cause })?;
        let file = File { name: path.display().to_string(), text };
        Self::read(&file)
            .map_err(|faults| Error::Faults { path: path.to_owned(), faults: Faults(faults) })
    }

    /// Reads the text of a settings file.
    ///
    /// # Errors
    /// All faults, in the order of their lines.
    pub fn read(file: &File) -> Result<Self, Vec<FileFault>> {
        let scalars = yaml::read_scalars(file).map_err(|fault| vec![fault])?;
        let mut sheet = Sheet { file: file.name.clone(), scalars, faults: Vec::new() };
        let settings = Self::take(&mut sheet);
        sheet.refuse_unknown();
        if sheet.faults.is_empty() {
            // Rules between keys are looked at when each of them is right for itself.
            check::rules(&settings, &mut sheet);
        }
        sheet.faults.sort_by_key(|fault| fault.line);
        if sheet.faults.is_empty() { Ok(settings) } else { Err(sheet.faults) }
    }
}

/// The values of a file, and what is wrong so far.
pub(super) struct Sheet {
    file: String,
    scalars: Vec<Scalar>,
    faults: Vec<FileFault>,
}

impl Sheet {
    /// The value of a key; `default` where it is not written or empty.
    pub(super) fn take<T: Value>(&mut self, section: &str, name: &str, default: T) -> T {
        let key = format!("{section}.{name}");
        let mut texts = self.scalars.iter().filter(|scalar| scalar.path == key);
        let Some(first) = texts.next() else { return default };
        let (line, read) = (first.line, first.text.as_deref().map(T::read));
        let twice = texts.next().map(|second| second.line);
        if let Some(line) = twice {
            self.refuse(Some(line), &key, "is written twice".to_owned());
        }
        match read {
            Some(Ok(value)) => value,
            Some(Err(message)) => {
                self.refuse(Some(line), &key, message);
                default
            }
            None => default,
        }
    }

    /// The line that `key` is written on.
    pub(super) fn line(&self, key: &str) -> Option<u64> {
        self.scalars.iter().find(|scalar| scalar.path == key).map(|scalar| scalar.line)
    }

    /// Notes a fault.
    pub(super) fn refuse(&mut self, line: Option<u64>, key: &str, message: String) {
        let file = Some(self.file.clone());
        self.faults.push(FileFault { file, line, path: key.to_owned(), message });
    }

    /// Notes the keys that do not exist.
    fn refuse_unknown(&mut self) {
        let is_known = |scalar: &Scalar| {
            let is_key = |key: &Key| scalar.path == format!("{}.{}", key.section, key.name);
            // A section without keys is no mistake.
            let is_section = |key: &Key| key.section == scalar.path && scalar.text.is_none();
            KEYS.iter().any(|key| is_key(key) || is_section(key))
        };
        let unknown: Vec<_> =
            self.scalars.iter().filter(|scalar| !is_known(scalar)).cloned().collect();
        for scalar in unknown {
            self.refuse(Some(scalar.line), &scalar.path, no_key(&scalar.path));
        }
    }
}

/// Says that `path` is no key, and which one may be meant.
fn no_key(path: &str) -> String {
    let keys: Vec<_> = KEYS.iter().map(|key| format!("{}.{}", key.section, key.name)).collect();
    match closest(path, keys.iter().map(String::as_str)) {
        Some(key) => format!("is no setting; did you mean {key}?"),
        None => "is no setting; `nimd config --defaults` lists them".to_owned(),
    }
}
