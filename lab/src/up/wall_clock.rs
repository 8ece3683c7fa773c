//! The wall clock of an LPAR under libfaketime, and how it is stepped.
//!
//! Processes read where their time starts from a file, `DIR/lpars/NAME/clock`, each time they ask for it; writing another start steps the clock
//! of all of them at once. libfaketime steps the monotonic clock with it: whether AIX's includes the freeze is not known (LU §7.2).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::macros::format_description;

/// How far a clock is stepped at the end of a freeze, by LPARs whose clock does that.
pub(super) const STEP_MILLISECONDS: u64 = 3000;

/// The clock of one LPAR.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    file: PathBuf,
    start: u64,
    speed: u32,
}

impl WallClock {
    /// A clock that shows `start` (milliseconds since 1970) when the LPAR's root process starts.
    pub(super) fn create(directory: &Path, lpar: &str, start: u64, speed: u32) -> io::Result<Self> {
        let clock = Self { file: directory.join("lpars").join(lpar).join("clock"), start, speed };
        clock.write(0)?;
        Ok(clock)
    }

    /// The start as an argument of `faketime -f`.
    pub(super) fn argument(&self) -> String {
        text(self.start, self.speed)
    }

    /// What processes need in their environment, beside what the wrapper gives them.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("FAKETIME_TIMESTAMP_FILE".to_owned(), self.file.display().to_string()),
            ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
        ])
    }

    /// Sets the clock right, which showed `showed` when it was `now`: it started some time after it was made.
    pub(super) fn set(&mut self, showed: u64, now: u64) -> io::Result<()> {
        self.start = (self.start + now).saturating_sub(showed);
        self.write(0)
    }

    /// Steps the clock forward once.
    pub(super) fn step(&self) -> io::Result<()> {
        self.write(STEP_MILLISECONDS)
    }

    fn write(&self, later: u64) -> io::Result<()> {
        let beside = self.file.with_extension("new");
        fs::write(&beside, format!("{}\n", text(self.start + later, self.speed)))?;
        fs::rename(beside, &self.file)
    }
}

fn text(start: u64, speed: u32) -> String {
    let seconds = i64::try_from(start / 1000).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let shape = format_description!("@[year]-[month]-[day] [hour]:[minute]:[second]");
    format!("{} x{speed}", time.format(shape).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_moves_the_start_that_processes_read() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("lpars/lpar01")).unwrap();
        let mut clock =
            WallClock::create(directory.path(), "lpar01", 1_442_039_184_364, 100).unwrap();
        let file = directory.path().join("lpars/lpar01/clock");
        assert_eq!(fs::read_to_string(&file).unwrap(), "@2015-09-12 06:26:24 x100\n");
        clock.set(1_442_039_200_000, 1_442_039_205_000).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "@2015-09-12 06:26:29 x100\n");
        clock.step().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "@2015-09-12 06:26:32 x100\n");
    }
}
