//! Places at which a test may kill the agent. Compiled out unless the feature `crash-points` is on, which no release has.

use std::time::Duration;

/// A place between two steps whose order matters: with the feature on, the process ends here, as by SIGKILL, when
/// `NIM_AGENT_CRASH` names it as `NAME:COUNT` (the COUNT-th time that any process of the test's agent comes by, counted in the
/// file that `NIM_AGENT_CRASH_LOG` names); each passing is added to that file.
#[cfg(not(feature = "crash-points"))]
pub(crate) const fn point(_name: &str) {}

/// How long to wait where it is usually for `usual`: with the feature on a tenth, since the same operation is then run some hundred times.
pub(crate) fn pace(usual: Duration) -> Duration {
    if cfg!(feature = "crash-points") { usual / 10 } else { usual }
}

#[cfg(feature = "crash-points")]
pub(crate) use enabled::{point, torn};

#[cfg(feature = "crash-points")]
mod enabled {
    use std::fs::{File, OpenOptions};
    use std::io::{Read, Seek, Write};

    /// Name of the point inside the write of a record: only its first half reaches the disk.
    const TORN: &str = "journal.torn";

    pub(crate) fn point(name: &str) {
        if is_here(name) {
            std::process::abort();
        }
    }

    /// Whether the next write has to stop in the middle.
    pub(crate) fn torn() -> bool {
        is_here(TORN)
    }

    fn is_here(name: &str) -> bool {
        let Some(log) = std::env::var_os("NIM_AGENT_CRASH_LOG") else { return false };
        let wanted = std::env::var("NIM_AGENT_CRASH").unwrap_or_default();
        let passed = pass(&log, name).unwrap_or_default();
        wanted == format!("{name}:{passed}")
    }

    /// Notes one passing of `name`; which one it is.
    fn pass(log: &std::ffi::OsStr, name: &str) -> std::io::Result<usize> {
        let mut file: File = OpenOptions::new().read(true).append(true).create(true).open(log)?;
        crate::system::lock(&file)?;
        file.write_all(format!("{name}\n").as_bytes())?;
        file.rewind()?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text.lines().filter(|line| *line == name).count())
    }
}
