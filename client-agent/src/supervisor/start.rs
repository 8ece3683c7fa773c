//! Starting a supervisor: after an operation was taken, and whenever one is found without.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;

use nim_shared::operation::{Outcome, Report, StuckReason};

use crate::alive;
use crate::command::{self, Commands};
use crate::disk;
use crate::operation::Operation;
use crate::progress::Progress;
use crate::root::Root;
use crate::run::Step;
use crate::system;

/// Why a supervisor was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(transparent)]
    Command(#[from] command::Error),
}

/// Starts a supervisor for `operation`. When there is one already, the new one ends at once.
pub(crate) fn supervise(commands: &Commands, operation: &Operation) -> Result<(), Error> {
    detach(commands, operation, "supervise", &[])
}

/// Starts the shim that runs the program of `step` for `operation`.
pub(crate) fn run(commands: &Commands, operation: &Operation, step: Step) -> Result<(), Error> {
    detach(commands, operation, "run", &step.words())
}

fn detach(
    commands: &Commands,
    operation: &Operation,
    mode: &str,
    more: &[String],
) -> Result<(), Error> {
    let path = operation.file("log");
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600).custom_flags(system::NO_FOLLOW);
    let log = disk::doing("open", &path, options.open(&path))?;
    let id = operation.id.to_string();
    let words = [mode, &id].into_iter().chain(more.iter().map(String::as_str));
    Ok(commands.detach(&words.collect::<Vec<_>>(), &log)?)
}

/// Starts a supervisor where one is missing: for an operation that has not ended, and for one that is stuck and might go on.
pub(crate) fn revive(
    root: &Root,
    commands: &Commands,
    operation: &Operation,
    progress: &Progress,
) -> Result<(), Error> {
    let wanted = match &progress.finished {
        None => true,
        Some(report) => {
            let told_late =
                progress.has_open_changes() && !matches!(report.outcome, Outcome::Stuck { .. });
            told_late || may_go_on(report) && !alive::live_update_lock(root).is_there()
        }
    };
    if wanted && !alive::supervisor(operation, commands)?.is_there() {
        supervise(commands, operation)?;
    }
    Ok(())
}

/// Whether an operation that ended as stuck may come to another end when what held it up is gone.
pub(crate) fn may_go_on(report: &Report) -> bool {
    matches!(
        report.outcome,
        Outcome::Stuck {
            reason: StuckReason::CleanUpOpen
                | StuckReason::DeadlinePassed
                | StuckReason::UndoFailed
        }
    )
}
