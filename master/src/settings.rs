//! Settings of `nimd`: as written in one YAML file → as meant.
//!
//! `nimd --data-dir DIR` needs no file at all: every key has a default. What is written is read by one table, which is also
//! the documentation (`nimd config --defaults`): a key that is not in it is refused with its line, and so is a value that
//! cannot be meant. All faults are said at once. Nothing else is configured by the environment but logging.

mod check;
mod file;
mod table;
mod value;

pub use file::{Error, Faults};
pub use table::{
    Agent, Api, Database, Deadlines, Events, Hooks, Inventory, KEYS, Key, Lease, Limits, Log,
    Notify, Retention, Settings, Socket, Ssh,
};
pub use value::{Count, DatabaseUrl, GroupName, HookList, LogFormat, Mode, Size, Span, Value};

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The settings and the folders that they are for.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The data folder, absolute.
    pub data_dir: PathBuf,
    /// As meant.
    pub settings: Settings,
}

/// Name of the settings file in the data folder.
const FILE: &str = "nimd.yaml";

impl Configuration {
    /// Reads `config`, or `nimd.yaml` in `data_dir` where there is one.
    ///
    /// # Errors
    /// [`Error`] when a file that was named cannot be read, or with all that is wrong in it.
    pub fn load(data_dir: &Path, config: Option<&Path>) -> Result<Self, Error> {
        let data_dir = std::path::absolute(data_dir)
            .map_err(|cause| Error::Folder { path: data_dir.to_owned(), cause })?;
        let settings = match config {
            Some(path) => Settings::load(path)?,
            None => {
                let path = data_dir.join(FILE);
                let there = path
                    .try_exists()
                    .map_err(|cause| Error::Unreadable { path: path.clone(), cause })?;
                if there { Settings::load(&path)? } else { Settings::default() }
            }
        };
        let configuration = Self { data_dir, settings };
        check::paths(&configuration)?;
        Ok(configuration)
    }

    /// Where nimd listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path(self.settings.socket.path.as_deref(), "run/nimd.sock")
    }

    /// The master's private key.
    #[must_use]
    pub fn ssh_key(&self) -> PathBuf {
        self.path(self.settings.ssh.key.as_deref(), "keys/id_ed25519")
    }

    /// The file with the key that secrets are encrypted with.
    #[must_use]
    pub fn secret_key(&self) -> PathBuf {
        self.data_dir.join("keys/secret.key")
    }

    /// The folder of agent binaries.
    #[must_use]
    pub fn agents(&self) -> PathBuf {
        self.path(self.settings.agent.folder.as_deref(), "agents")
    }

    /// The file with what the site adds to the known codes, and whether it has to be there.
    #[must_use]
    pub fn codes(&self) -> (PathBuf, bool) {
        let given = self.settings.knowledge.codes.as_deref();
        (self.path(given, "codes.yaml"), given.is_some())
    }

    /// The file with what the site says of preflights, and whether it has to be there.
    #[must_use]
    pub fn checks(&self) -> (PathBuf, bool) {
        let given = self.settings.knowledge.checks.as_deref();
        (self.path(given, "checks.yaml"), given.is_some())
    }

    /// The folder of the private cluster.
    #[must_use]
    pub fn cluster(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    /// `given`, taken from the data folder where it is relative; `default` in the data folder where it is not given.
    fn path(&self, given: Option<&Path>, default: &str) -> PathBuf {
        self.data_dir.join(given.unwrap_or(Path::new(default)))
    }
}

/// A settings file with every key, its documentation and its default, commented out: what `nimd config --defaults` prints.
#[must_use]
pub fn documentation() -> String {
    let mut text = String::from(
        "# Settings of nimd. Every key is optional; what is shown is its default.\n\
         # Spans of time have a unit: 500ms, 30s, 15m, 6h, 30d. Sizes too: 64KiB, 16MiB, 2GiB.\n",
    );
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            text.push('\n');
            for line in key.about.lines() {
                writeln!(text, "# {}", line.trim()).expect("a String takes everything");
            }
            writeln!(text, "{section}:").expect("a String takes everything");
        }
        let default = (key.default)();
        let shown = if default.is_empty() { String::new() } else { format!(" {default}") };
        for line in key.doc.lines() {
            writeln!(text, "  # {}", line.trim()).expect("a String takes everything");
        }
        writeln!(text, "  # Unit: {}. Since {}.\n  #{}:{shown}", key.unit, key.since, key.name)
            .expect("a String takes everything");
    }
    text
}

impl Settings {
    /// The settings as a file, each key with the value that holds. Passwords are `***`.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for (key, value) in KEYS.iter().zip(self.values()) {
            if key.section != section {
                section = key.section;
                writeln!(text, "{section}:").expect("a String takes everything");
            }
            let value = if value.is_empty() { "null" } else { &value };
            writeln!(text, "  {}: {value}", key.name).expect("a String takes everything");
        }
        text
    }
}

#[cfg(test)]
mod tests;
