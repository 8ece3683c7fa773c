//! `backup`: makes the copy of rootvg that one can go back to: an update of a TL or SP is committed first and cannot be rejected.
//!
//! `alt_disk_copy -B` leaves the bootlist alone, which is looked at before and after. The copy gets a name of ours, because Live
//! Update makes an `altinst_rootvg` itself. It runs once, below a shim as geninstall does, and outlives the supervisor. What prep had
//! changed by then is in the copy too, with the journal that has the records of it: after a boot from the copy it is undone by them.
//! Source: LU §5.3, D12, D17, S37.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nim_shared::aix;
use nim_shared::disks::{self, BACKUP};
use nim_shared::frame::{ChangeClass, Effect, ScriptMoment, ScriptStep};
use nim_shared::hook::HookPoint;
use nim_shared::id::DiskName;
use nim_shared::operation::{Disk, Named, Snapshot};
use nim_shared::prep::{Backup, SiteBackup};

use super::prep::copy_name::{COPY, PROGRAM as RENAMES, name};
use super::{Stop, hook, once};
use crate::command::{self, Commands};
use crate::disk;
use crate::run::{Run, Step};
use crate::supervisor::Supervisor;
use crate::text::chain;
use crate::undo;

/// Makes the copy that the order asks for, or says that there is none.
pub(crate) fn run(supervisor: &mut Supervisor, entered_now: bool) -> Result<(), Stop> {
    match wanted(supervisor).cloned() {
        Some(Backup::CopyTo(disks)) => copy(supervisor, &disks),
        Some(Backup::Hook(_) | Backup::MasterHook(_)) => {
            hook::before(supervisor, HookPoint::Backup)
        }
        None if entered_now => {
            Ok(supervisor.note("no copy of rootvg is made: the order asks for none")?)
        }
        Some(Backup::Waived(reason)) if entered_now => {
            Ok(supervisor.note(format!("no copy of rootvg is made: {reason}"))?)
        }
        Some(Backup::Waived(_)) | None => Ok(()),
    }
}

/// The backup that the site's hook on the LPAR has made, with the last line that it printed.
pub(crate) fn by_site(supervisor: &Supervisor) -> Result<Option<SiteBackup>, disk::Error> {
    let is_it = |step: &&ScriptStep| {
        step.hook == Some(Named::Known(HookPoint::Backup))
            && step.moment == Named::Known(ScriptMoment::Succeeded)
    };
    let Some(step) = supervisor.progress.scripts.values().find(is_it) else { return Ok(None) };
    let path = supervisor.operation.output();
    let output = disk::doing("open", &path, File::open(&path))?;
    let from = supervisor.progress.output_backup.max(step.output.saturating_sub(LAST));
    let mut text = vec![0; usize::try_from(step.output.saturating_sub(from)).unwrap_or(0)];
    disk::doing("read", &path, output.read_exact_at(&mut text, from))?;
    Ok(Some(SiteBackup::by(&step.name, &String::from_utf8_lossy(&text))))
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
    faults.extend(content_faults(&supervisor.commands, disks, &before.disks));
    faults
}

/// What is on those of the disks that are in no volume group, or who has them open. The policy names them by names, and a name may be
/// another disk's by now.
fn content_faults(commands: &Commands, wanted: &[DiskName], disks: &[Disk]) -> Vec<String> {
    let is_free = |name: &&DiskName| {
        disks.iter().any(|disk| disk.name == **name && disk.volume_group.is_none())
    };
    let free = wanted.iter().filter(is_free);
    free.filter_map(|name| {
        let why = super::disks::fault_of_named(commands, name)?;
        Some(format!("the backup goes to {name}: {why}"))
    })
    .collect()
}

/// Whether the disks are free, and the name of a new copy is.
fn disk_faults(wanted: &[DiskName], found: &[Disk], other: OtherCopy) -> Vec<String> {
    let mut faults = disks::backup_faults(wanted, found);
    let held = found.iter().find(|disk| disk.volume_group.as_deref() == Some(COPY));
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
            let found = lspv(&supervisor.commands)?;
            let mut faults = disk_faults(disks, &found, OtherCopy::InTheWay);
            faults.extend(content_faults(&supervisor.commands, disks, &found));
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
        let end = once::follow(supervisor, Step::Backup)?;
        if end != (Run::Exited { status: Some(0) }) {
            return Err(Stop::failed(format!(
                "the copy of rootvg failed: {}{}; what is left of it: `{RENAMES} -X {COPY}` drops its definition",
                once::told(PROGRAM, end),
                once::last_lines(supervisor)?,
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

/// Arguments of the program.
pub(crate) fn arguments(backup: Option<&Backup>) -> Vec<String> {
    let Some(Backup::CopyTo(disks)) = backup else { return Vec::new() };
    let disks: Vec<_> = disks.iter().map(ToString::to_string).collect();
    vec!["-B".to_owned(), "-d".to_owned(), disks.join(" ")]
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

/// The end of a hook's output in which its last line is looked for, in bytes.
const LAST: u64 = 4096;
