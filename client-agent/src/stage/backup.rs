//! `backup`: makes the copy of rootvg that one can go back to: an update of a TL or SP is committed first and cannot be rejected.
//!
//! `alt_disk_copy -B` leaves the bootlist alone, which is looked at before and after. The copy gets a name of ours, because Live
//! Update makes an `altinst_rootvg` itself. It runs once, below a shim as geninstall does, and outlives the supervisor. What prep had
//! changed by then is in the copy too, with the journal that has the records of it: after a boot from the copy it is undone by them.
//! Source: LU §5.3, D12, D17, S37.

use std::time::{Duration, Instant};

use nim_shared::aix;
use nim_shared::disks::BACKUP;
use nim_shared::frame::{ChangeClass, Effect};
use nim_shared::id::DiskName;
use nim_shared::operation::{Disk, Snapshot};
use nim_shared::prep::Backup;

use super::Stop;
use super::prep::copy_name::{COPY, PROGRAM as RENAMES, name};
use crate::alive;
use crate::command::{self, Commands};
use crate::disk;
use crate::run::{Run, Standing, Step, Watch};
use crate::slot::Durability;
use crate::supervisor::{CONTROL_PACE, Supervisor, start};
use crate::text::chain;
use crate::undo;

/// Makes the copy that the order asks for, or says that there is none.
pub(crate) fn run(supervisor: &mut Supervisor, entered_now: bool) -> Result<(), Stop> {
    match wanted(supervisor).cloned() {
        Some(Backup::CopyTo(disks)) => copy(supervisor, &disks),
        None if entered_now => {
            Ok(supervisor.note("no copy of rootvg is made: the order asks for none")?)
        }
        Some(Backup::Waived(reason)) if entered_now => {
            Ok(supervisor.note(format!("no copy of rootvg is made: {reason}"))?)
        }
        Some(Backup::Waived(_)) | None => Ok(()),
    }
}

/// What the order asks for; a preview makes none.
fn wanted(supervisor: &Supervisor) -> Option<&Backup> {
    supervisor.request.backup.as_ref().filter(|_| supervisor.request.kind.moves())
}

/// What becomes of an `altinst_rootvg` of somebody else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OtherCopy {
    /// It is renamed before ours is made.
    Renamed,
    /// It is in the way.
    InTheWay,
}

/// What stands against the copy on this LPAR, before anything is changed.
pub(crate) fn faults(supervisor: &Supervisor, before: &Snapshot) -> Vec<String> {
    let Some(Backup::CopyTo(disks)) = wanted(supervisor) else { return Vec::new() };
    let missing =
        [PROGRAM, RENAMES].into_iter().filter(|name| supervisor.root.command(name).is_none());
    let mut faults: Vec<String> = missing
        .map(|name| format!("there is no {name}: bos.alt_disk_install.rte is not installed"))
        .collect();
    let other = match super::prep::renames_copies(&supervisor.request) {
        true => OtherCopy::Renamed,
        false => OtherCopy::InTheWay,
    };
    faults.extend(disk_faults(disks, &before.disks, other));
    faults
}

/// Whether the disks are free, and the name of a new copy is.
fn disk_faults(wanted: &[DiskName], disks: &[Disk], other: OtherCopy) -> Vec<String> {
    let mut faults = Vec::new();
    for name in wanted {
        match disks.iter().find(|disk| disk.name == *name) {
            None => faults.push(format!("the backup goes to {name}, and lspv shows no such disk")),
            Some(Disk { volume_group: Some(group), .. }) => {
                faults.push(format!("the backup goes to {name}, which is in {group}"));
            }
            Some(_) => {}
        }
    }
    let held = disks.iter().find(|disk| disk.volume_group.as_deref() == Some(COPY));
    if let Some(disk) = held.filter(|_| other == OtherCopy::InTheWay) {
        faults.push(format!(
            "{COPY} is there, on {0}: keep it under another name with `{RENAMES} -v NAME -d {0}`, or have the policy rename it (other_copy)",
            disk.name
        ));
    }
    faults
}

fn copy(supervisor: &mut Supervisor, disks: &[DiskName]) -> Result<(), Stop> {
    supervisor.change(
        ChangeClass::Permanent,
        |supervisor| {
            let faults = disk_faults(disks, &lspv(&supervisor.commands)?, OtherCopy::InTheWay);
            if !faults.is_empty() {
                return Err(Stop::failed(faults.join("; ")));
            }
            Ok(Some(Effect::RootvgCopy {
                disks: disks.to_vec(),
                name: name(&supervisor.operation, BACKUP),
                level: supervisor.progress.before.clone().and_then(|before| before.level),
                bootlist: bootlist(&supervisor.commands)?,
                prepared: supervisor.progress.open_changes().iter().map(|one| one.number).collect(),
            }))
        },
        make,
    )
}

fn make(supervisor: &mut Supervisor, effect: &Effect) -> Result<(), Stop> {
    let Effect::RootvgCopy { disks, name, bootlist: before, .. } = effect else { return Ok(()) };
    if !are_in(&lspv(&supervisor.commands)?, disks, name) {
        let end = follow(supervisor)?;
        if end != (Run::Exited { status: Some(0) }) {
            return Err(Stop::failed(format!(
                "the copy of rootvg failed: {}{}; what is left of it: `{RENAMES} -X {COPY}` drops its definition",
                told(end),
                last_lines(supervisor)?,
            )));
        }
        let found = lspv(&supervisor.commands)?;
        if !are_in(&found, disks, COPY) {
            let text = format!("{PROGRAM} succeeded, and lspv does not show its copy as {COPY}");
            return Err(Stop::failed(text));
        }
        let first = disks.first().map(ToString::to_string).unwrap_or_default();
        ask(&supervisor.commands, RENAMES, &["-v", name, "-d", &first])?;
        if !are_in(&lspv(&supervisor.commands)?, disks, name) {
            return Err(Stop::failed(format!("{RENAMES} did not give the copy the name {name}")));
        }
    }
    let now = bootlist(&supervisor.commands)?;
    if now == *before {
        return Ok(());
    }
    Err(Stop::failed(format!(
        "the bootlist was {} before the copy and is {} now: `bootlist -m normal {}` puts it back",
        before.join(" "),
        now.join(" "),
        before.join(" ")
    )))
}

/// Has the copy made, once, and waits for its end.
fn follow(supervisor: &mut Supervisor) -> Result<Run, Stop> {
    let slot = supervisor.operation.run(Step::Backup)?;
    if slot.get()?.is_none() {
        slot.set(&Run::Asked, Durability::Synced)?;
        crate::crash::point("backup.asked");
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
                start::run(&supervisor.commands, &supervisor.operation, Step::Backup)?;
            }
            Standing::Runs => {}
        }
        if since.elapsed() >= limit {
            return Ok(Run::TooLong);
        }
        supervisor.pause(CONTROL_PACE)?;
    }
}

/// Arguments of the program.
pub(crate) fn arguments(backup: Option<&Backup>) -> Vec<String> {
    let Some(Backup::CopyTo(disks)) = backup else { return Vec::new() };
    let disks: Vec<_> = disks.iter().map(ToString::to_string).collect();
    vec!["-B".to_owned(), "-d".to_owned(), disks.join(" ")]
}

fn told(end: Run) -> String {
    match end {
        Run::Exited { status: Some(status) } => {
            format!("{PROGRAM} ended with exit status {status}")
        }
        Run::Exited { status: None } => format!("{PROGRAM} was ended by a signal"),
        Run::TooLong => format!("{PROGRAM} did not end in time"),
        Run::NotStarted => format!("{PROGRAM} could not be started"),
        Run::Asked | Run::Starting | Run::Started { .. } => {
            format!("how {PROGRAM} ended is not known")
        }
    }
}

/// What it printed last.
fn last_lines(supervisor: &Supervisor) -> Result<String, Stop> {
    let output =
        disk::read(&supervisor.operation.backup_output(), OUTPUT_LIMIT)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    let lines: Vec<_> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    let text: Vec<_> = lines.into_iter().rev().map(nim_shared::id::printable).collect();
    Ok(if text.is_empty() { String::new() } else { format!(": {}", text.join(" / ")) })
}

fn are_in(found: &[Disk], disks: &[DiskName], group: &str) -> bool {
    disks.iter().all(|name| {
        let disk = found.iter().find(|disk| disk.name == *name);
        disk.is_some_and(|disk| disk.volume_group.as_deref() == Some(group))
    })
}

fn lspv(commands: &Commands) -> Result<Vec<Disk>, Stop> {
    Ok(aix::lspv(&ask(commands, "lspv", &[])?).rows)
}

/// Disks of the boot list.
pub(crate) fn bootlist(commands: &Commands) -> Result<Vec<String>, Stop> {
    undo::bootlist(commands)
        .map_err(|error| Stop::failed(format!("the boot list cannot be read: {}", chain(&error))))
}

fn ask(commands: &Commands, command: &str, arguments: &[&str]) -> Result<String, Stop> {
    let failed = |error: command::Error| {
        Stop::failed(format!("the copy of rootvg failed: {}", chain(&error)))
    };
    commands.ask(command, arguments, LIMIT).map_err(failed)
}

/// What makes a copy.
pub(crate) const PROGRAM: &str = "alt_disk_copy";

const LIMIT: Duration = Duration::from_secs(300);

/// How much longer than its limit the shim may be there.
const SHIMS_OWN: Duration = Duration::from_secs(60);

const OUTPUT_LIMIT: u64 = 4 << 20;
