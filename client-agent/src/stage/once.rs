//! A program that comes before the update and is run once: below a shim as geninstall is, so that it outlives the supervisor, and with its
//! output in a file apart from geninstall's, which is read from its beginning.

use std::time::{Duration, Instant};

use crate::alive;
use crate::disk;
use crate::run::{Run, Standing, Step, Watch};
use crate::slot::Durability;
use crate::supervisor::{CONTROL_PACE, Supervisor, start};

use super::Stop;

/// Whether the program of `step` was asked for, by whichever supervisor.
pub(crate) fn is_asked(supervisor: &Supervisor, step: Step) -> Result<bool, Stop> {
    Ok(supervisor.operation.run(step)?.get()?.is_some())
}

/// Has the program of `step` run, once, and waits for its end.
pub(crate) fn follow(supervisor: &mut Supervisor, step: Step) -> Result<Run, Stop> {
    let slot = supervisor.operation.run(step)?;
    if slot.get()?.is_none() {
        slot.set(&Run::Asked, Durability::Synced)?;
        crate::crash::point("once.asked");
    }
    let watch = Watch::open(&supervisor.operation)?;
    let foreign = match slot.get()? {
        Some(Run::Started { pid }) if !alive::is_installer(pid, &supervisor.commands) => Some(pid),
        Some(_) | None => None,
    };
    let limit = supervisor.request.limits.stage.duration() + SHIMS_OWN;
    let since = Instant::now();
    loop {
        match watch.look(&slot, foreign)? {
            Standing::Over => return Ok(slot.get()?.unwrap_or(Run::NotStarted)),
            Standing::Wanted => {
                start::run(&supervisor.commands, &supervisor.operation, step)?;
            }
            Standing::Runs => {}
        }
        if since.elapsed() >= limit {
            return Ok(Run::TooLong);
        }
        supervisor.pause(CONTROL_PACE)?;
    }
}

/// How `program` ended.
pub(crate) fn told(program: &str, end: Run) -> String {
    match end {
        Run::Exited { status: Some(status) } => {
            format!("{program} ended with exit status {status}")
        }
        Run::Exited { status: None } => format!("{program} was ended by a signal"),
        Run::TooLong => format!("{program} did not end in time"),
        Run::NotStarted => format!("{program} could not be started"),
        Run::Asked | Run::Starting | Run::Started { .. } => {
            format!("how {program} ended is not known")
        }
    }
}

/// What such a program printed last.
pub(crate) fn last_lines(supervisor: &Supervisor) -> Result<String, Stop> {
    let output =
        disk::read(&supervisor.operation.backup_output(), OUTPUT_LIMIT)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    let lines: Vec<_> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    let text: Vec<_> = lines.into_iter().rev().map(nim_shared::id::printable).collect();
    Ok(if text.is_empty() { String::new() } else { format!(": {}", text.join(" / ")) })
}

/// How much longer than its limit the shim may be there.
const SHIMS_OWN: Duration = Duration::from_secs(60);

const OUTPUT_LIMIT: u64 = 4 << 20;
