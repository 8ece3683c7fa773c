//! Programs of the site that nimd runs itself at points of operations: those of one folder, a few at a time.
//!
//! Whoever may write to the folder decides what nimd runs, so it, all that leads to it, and each program in it have to belong to root or
//! to the user that nimd runs as, and nobody else may write to them; links count as nothing. Which hook is due, that it begins and how
//! it ended is in the database (`store::hook`); how one is run is in `program`.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nim_shared::api::HookState;
use nim_shared::id::{ObjectName, OperationId};
use tokio::process::Command;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::program::{self, Ended, Limits};
use crate::store::hook::HookEnd;

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder is set.
    #[error("nimd has no folder of hooks: hooks.folder of its settings names one")]
    NoFolder,
    /// It cannot be looked at.
    #[error("cannot look at {}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Somebody else could change what is run.
    #[error("{} is not trusted: {why}", path.display())]
    NotTrusted {
        /// What.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
}

/// How hooks are run. Settings of `nimd`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder.
    pub folder: Option<PathBuf>,
    /// Most at a time.
    pub concurrent: usize,
    /// How long each may take.
    pub limit: Duration,
    /// How many bytes of its output are kept.
    pub output: usize,
}

/// Runs hooks of this master.
#[derive(Debug)]
pub struct Hooks {
    settings: Settings,
    places: Arc<Semaphore>,
    /// What ends each of those that run.
    running: Mutex<BTreeMap<(OperationId, u32), CancellationToken>>,
    given_back: Notify,
    /// What has to be waited for when nimd stops.
    pub tasks: TaskTracker,
    stop: CancellationToken,
}

/// A place among those that may run, held by one hook.
#[derive(Debug)]
pub struct Place {
    hooks: Arc<Hooks>,
    which: (OperationId, u32),
    /// Ends it.
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let running = &self.hooks.running;
        running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.which);
        self.hooks.given_back.notify_one();
    }
}

impl Hooks {
    /// Runs none before it is told to.
    #[must_use]
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(settings.concurrent)),
            settings,
            running: Mutex::default(),
            given_back: Notify::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// The file of the hook `name`, where it may be run.
    ///
    /// # Errors
    /// Says what is wrong with the folder or the program, and where.
    pub fn program(&self, name: &ObjectName) -> Result<PathBuf, Error> {
        program(self.settings.folder.as_deref(), name)
    }

    /// Waits until a place is given back. Cancel safe.
    pub async fn given_back(&self) {
        self.given_back.notified().await;
    }

    /// Waits for a place for one hook. Places are given in the order in which they were asked for; whoever asks is an operation that
    /// waits, of which there are not more than may run. `None` when nimd stops.
    pub async fn place(self: &Arc<Self>, operation: OperationId, number: u32) -> Option<Place> {
        let permit = tokio::select! {
            // First: once nimd stops no hook is begun, free places or not.
            biased;
            () = self.stop.cancelled() => return None,
            permit = Arc::clone(&self.places).acquire_owned() => permit.ok()?,
        };
        Some(self.held(permit, operation, number))
    }

    /// A place, where one is free.
    #[must_use]
    pub fn free(&self) -> Option<OwnedSemaphorePermit> {
        if self.stop.is_cancelled() {
            return None;
        }
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Holds `permit` for one hook.
    #[must_use]
    pub fn held(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        operation: OperationId,
        number: u32,
    ) -> Place {
        let (which, stop) = ((operation, number), self.stop.child_token());
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(which, stop.clone());
        drop(running);
        Place { hooks: Arc::clone(self), which, stop, _permit: permit }
    }

    /// The hooks that this process is running, or is about to.
    #[must_use]
    pub fn running(&self) -> Vec<(OperationId, u32)> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Ends what this process runs for `operation`, which somebody has cancelled. Whether there is anything.
    #[must_use]
    pub fn end(&self, operation: OperationId) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut any = false;
        for (_, stop) in running.iter().filter(|((of, _), _)| *of == operation) {
            stop.cancel();
            any = true;
        }
        any
    }

    /// Ends what runs, and waits until that is on record.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Runs the hook `name`, which has `place`, with `input` on its standard input, to its end. `limit` is its own, where it has one.
    pub async fn run(
        &self,
        name: &ObjectName,
        input: &str,
        limit: Option<Duration>,
        place: &Place,
    ) -> HookEnd {
        let end = |state, status, output: String| HookEnd { state, status, output };
        let program = match self.program(name) {
            Ok(program) => program,
            Err(error) => {
                return end(HookState::NotStarted, None, crate::telemetry::chain(&error));
            }
        };
        let time = limit.unwrap_or(self.settings.limit);
        let limits = Limits { time, output: self.settings.output };
        match program::run(&mut Command::new(&program), input, limits, &place.stop).await {
            Ended::NotStarted(cause) => {
                let text = format!("{} could not be started: {cause}", program.display());
                end(HookState::NotStarted, None, text)
            }
            Ended::TooLong(output) => end(HookState::TooLong, None, output),
            Ended::Exited(status, output) if status.success() => {
                end(HookState::Succeeded, Some(0), output)
            }
            Ended::Exited(status, output) => end(HookState::Failed, status.code(), output),
            Ended::Stopped(mut output) if self.stop.is_cancelled() => {
                output.push_str("\nended by nimd: it stopped\n");
                end(HookState::Failed, None, output)
            }
            Ended::Stopped(output) => end(HookState::Cancelled, None, output),
            Ended::Broken(cause, mut output) => {
                output.push_str(&format!("\nended by nimd: {cause}\n"));
                end(HookState::Failed, None, output)
            }
        }
    }
}

/// The file of the hook `name` in `folder`, where it may be run.
///
/// # Errors
/// Says what is wrong with the folder or the program, and where.
pub fn program(folder: Option<&Path>, name: &ObjectName) -> Result<PathBuf, Error> {
    let folder = folder.ok_or(Error::NoFolder)?;
    trusted_way(folder)?;
    let path = folder.join(name.as_str());
    let found = look(&path)?;
    let refuse = |why| Err(Error::NotTrusted { path: path.clone(), why });
    if !found.is_file() {
        return refuse("it is a link, or no file");
    }
    if found.mode() & 0o100 == 0 {
        return refuse("its owner may not execute it: chmod 755");
    }
    owned(&path, &found)?;
    Ok(path)
}

/// Whether nobody but root and this user can put something else in the place of `folder`.
fn trusted_way(folder: &Path) -> Result<(), Error> {
    let refuse = |path: &Path, why| Err(Error::NotTrusted { path: path.to_owned(), why });
    if !folder.is_absolute() {
        return refuse(folder, "it is no absolute path");
    }
    let found = look(folder)?;
    if !found.is_dir() {
        return refuse(folder, "it is a link, or no folder");
    }
    owned(folder, &found)?;
    for above in folder.ancestors().skip(1) {
        let found = look(above)?;
        if !found.is_dir() {
            return refuse(above, "it is a link, or no folder");
        }
        // In a sticky folder nobody can rename what is another's.
        if found.mode() & 0o1000 == 0 {
            owned(above, &found)?;
        }
    }
    Ok(())
}

fn owned(path: &Path, found: &std::fs::Metadata) -> Result<(), Error> {
    let refuse = |why| Err(Error::NotTrusted { path: path.to_owned(), why });
    if found.uid() != 0 && found.uid() != crate::os::effective_user() {
        return refuse("it belongs neither to root nor to the user that nimd runs as");
    }
    if found.mode() & 0o022 != 0 {
        return refuse("others may write to it: chmod go-w");
    }
    Ok(())
}

/// The file itself, where it is a link.
fn look(path: &Path) -> Result<std::fs::Metadata, Error> {
    path.symlink_metadata().map_err(|cause| Error::Unreadable { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests;
