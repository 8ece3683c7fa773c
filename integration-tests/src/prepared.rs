//! The database that a new `nimd` finds: made once by a `nimd`, copied for each that follows.
//!
//! To make a cluster and its schema takes a second of processor time, a copy a twentieth of it. How `nimd` makes its own is the
//! store's to test, the demo's and that of the first master of each run.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::master::Master;

/// Where a master keeps its database, in its data folder.
const DATABASE: &str = "postgres";

/// A database with the schema and nothing in it. It is there as long as somebody holds it.
#[derive(Debug)]
pub(crate) struct Prepared {
    folder: TempDir,
}

impl Prepared {
    /// The one of this process, made where there is none.
    ///
    /// # Errors
    /// When `nimd` does not start or end.
    pub(crate) fn get() -> Result<Arc<Self>> {
        static MADE: Mutex<Weak<Prepared>> = Mutex::new(Weak::new());
        // Who failed while making it left nothing behind.
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = made.upgrade() {
            return Ok(prepared);
        }
        let prepared = Arc::new(Self::make()?);
        *made = Arc::downgrade(&prepared);
        Ok(prepared)
    }

    fn make() -> Result<Self> {
        let folder = crate::test_folder("nimp")?;
        Master::unprepared(folder.path())?.stop()?;
        Ok(Self { folder })
    }

    /// Puts a copy of the database into the data folder of a master that has none yet.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub(crate) fn copy_to(&self, data: &Path) -> Result<()> {
        let status = Command::new("cp")
            .arg("--archive")
            .arg(self.folder.path().join(DATABASE))
            .arg(data.join(DATABASE))
            .status()
            .context("cp does not start")?;
        ensure!(status.success(), "the prepared database cannot be copied: cp ended with {status}");
        Ok(())
    }
}

/// Whether a master on this data folder would have to make a database first.
pub(crate) fn is_wanted(data: &Path) -> bool {
    // Settings may name a database elsewhere.
    !data.join(DATABASE).exists() && !data.join("nimd.yaml").exists()
}
