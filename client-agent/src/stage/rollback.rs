//! `rollback`: the LPAR is booted from the copy of rootvg that is on record as holding the old level.
//!
//! What is decided here is decided again right before: the disks have to be what is on record, and none of them the surrogate's. The boot
//! list is set as a change like any other, and looked at; then the LPAR is booted, as the last act. On the copy nobody knows of this
//! operation, for it is older: that the LPAR came up from the copy is what the master sees, and ends the operation by. If the LPAR comes
//! up from where it was, this journal is there, and the boot list is put back. Source: LU §6.3, §5.3.
//!
//! How long `shutdown` takes is the workload's affair, and half of one is worse than none: it is never ended, and as long as it may go on the
//! boot list stays, or the LPAR would come up from where it was. Only its own refusal, or another boot, says that it does not.

use std::process::Child;
use std::time::{Duration, Instant};

use nim_shared::disks::{self, Keep, Rollback, SURROGATE, SeenDisk};
use nim_shared::frame::{ChangeClass, Effect};
use nim_shared::hook::HookPoint;
use nim_shared::id::printable;
use nim_shared::operation::StuckReason;

use super::{Stop, backup, hook};
use crate::disk;
use crate::operation::{Reboot, Verdict};
use crate::slot::Durability;
use crate::supervisor::{CONTROL_PACE, Supervisor};
use crate::text::chain;

/// What stands against it now: all of it.
pub(crate) fn faults(supervisor: &Supervisor) -> Vec<String> {
    let Some(order) = &supervisor.request.rollback else { return Vec::new() };
    let mut faults = Vec::new();
    for program in [BOOTLIST, SHUTDOWN] {
        if supervisor.root.command(program).is_none() {
            faults.push(format!("there is no {program}"));
        }
    }
    faults.extend(found(supervisor, order).err().unwrap_or_default());
    faults
}

/// Boots the copy. It returns only where that did not come about.
pub(crate) fn run(supervisor: &mut Supervisor) -> Result<Verdict, Stop> {
    let Some(order) = supervisor.request.rollback.clone() else {
        return Err(Stop::failed("it is not said what the LPAR is booted from"));
    };
    if supervisor.was_rebooted() {
        return Err(elsewhere(supervisor));
    }
    match reboot(supervisor)? {
        Some(Reboot::Refused(why)) => return Err(refused(&why)),
        Some(Reboot::Begun) => return wait(supervisor, None),
        // Nobody knows whether it was started; to ask twice for one boot leads to one.
        Some(Reboot::Asked) | None => {}
    }
    hook::before(supervisor, HookPoint::BeforeReboot)?;
    supervisor.change(
        ChangeClass::Always,
        |supervisor| {
            let disks =
                found(supervisor, &order).map_err(|faults| Stop::failed(faults.join("; ")))?;
            let after = disks.iter().map(|disk| disk.name.to_string()).collect();
            Ok(Some(Effect::Bootlist { before: backup::bootlist(&supervisor.commands)?, after }))
        },
        |supervisor, effect| match effect {
            Effect::Bootlist { after, .. } => set(supervisor, after),
            _ => Ok(()),
        },
    )?;
    let disks = found(supervisor, &order).map_err(|faults| Stop::failed(faults.join("; ")))?;
    let names: Vec<&str> = disks.iter().map(|disk| disk.name.as_str()).collect();
    supervisor.note(format!("{SHUTDOWN} -Fr: the LPAR is booted from {}", names.join(" ")))?;
    supervisor.wait_until_stored()?;
    note(supervisor, &Reboot::Asked)?;
    crate::crash::point("rollback.reboot");
    let output = supervisor.operation.backup_output();
    let file = disk::doing("open", &output, disk::private().append(true).open(&output))?;
    let started = supervisor.commands.installer(SHUTDOWN, &["-Fr".to_owned()], file);
    let child = match started {
        Ok(child) => child,
        Err(error) => {
            let why = chain(&error);
            note(supervisor, &Reboot::Refused(why.clone()))?;
            return Err(refused(&why));
        }
    };
    note(supervisor, &Reboot::Begun)?;
    wait(supervisor, Some(child))
}

/// Whether the LPAR may be on its way down: then nothing is put back that says what it comes up from.
pub(crate) fn is_under_way(supervisor: &Supervisor) -> Result<bool, disk::Error> {
    let asked = matches!(reboot(supervisor)?, Some(Reboot::Asked | Reboot::Begun));
    Ok(asked && !supervisor.was_rebooted())
}

/// What the boot that did not come about in time has come to since.
pub(crate) fn judge_anew(supervisor: &Supervisor) -> Result<Verdict, Stop> {
    Err(if supervisor.was_rebooted() { elsewhere(supervisor) } else { late(supervisor) })
}

/// Waits for the boot, which ends this process; or for what says that there will be none.
fn wait(supervisor: &mut Supervisor, mut child: Option<Child>) -> Result<Verdict, Stop> {
    let limit = supervisor.request.limits.update.duration();
    let since = Instant::now();
    while since.elapsed() < limit {
        let ended = child.as_mut().and_then(|child| child.try_wait().ok().flatten());
        if let Some(status) = ended {
            child = None;
            // One that a signal has ended may have come far.
            if let Some(status) = status.code().filter(|status| *status != 0) {
                let said = disk::read(&supervisor.operation.backup_output(), OUTPUT_LIMIT)?;
                let said = String::from_utf8_lossy(&said.unwrap_or_default()).trim().to_owned();
                let said: String = printable(&said).chars().take(TEXT).collect();
                let why = format!("{SHUTDOWN} failed with exit status {status}: {said}");
                note(supervisor, &Reboot::Refused(why.clone()))?;
                return Err(refused(&why));
            }
        }
        supervisor.pause(CONTROL_PACE)?;
    }
    Err(late(supervisor))
}

/// Where the boot stands. An operation that an earlier version took has no place for it.
fn reboot(supervisor: &Supervisor) -> Result<Option<Reboot>, disk::Error> {
    supervisor.operation.reboot()?.map_or(Ok(None), |slot| slot.get())
}

fn note(supervisor: &Supervisor, reboot: &Reboot) -> Result<(), disk::Error> {
    match supervisor.operation.reboot()? {
        Some(slot) => slot.set(reboot, Durability::Synced),
        None => Ok(()),
    }
}

fn elsewhere(supervisor: &Supervisor) -> Stop {
    let on = supervisor.facts.boot().rootvg.join(" ");
    Stop::failed(format!("the LPAR was booted, and not from the copy: its rootvg is on {on}"))
}

fn refused(why: &str) -> Stop {
    Stop::failed(format!("the LPAR was not booted: {why}"))
}

/// It may still go down: what it comes up from stays as it was asked for.
fn late(supervisor: &Supervisor) -> Stop {
    let disks = supervisor.request.rollback.iter().flat_map(|order| &order.to.disks);
    let names: Vec<&str> = disks.map(|disk| disk.name.as_str()).collect();
    let text = format!(
        "{SHUTDOWN} -Fr was begun, and the LPAR still runs after {} seconds; its boot list stays at {}, which it comes up from when \
         it goes down: see what holds it up, and boot it",
        supervisor.request.limits.update.0,
        names.join(" ")
    );
    Stop::stuck(StuckReason::DeadlinePassed, text)
}

/// Sets the boot list, and sees that it is set and that its first disk can be booted.
fn set(supervisor: &Supervisor, disks: &[String]) -> Result<(), Stop> {
    let failed = |why: String| Stop::failed(format!("the boot list was not set: {why}"));
    let mut arguments = vec!["-m", "normal"];
    arguments.extend(disks.iter().map(String::as_str));
    let asked = supervisor.commands.ask(BOOTLIST, &arguments, LIMIT);
    asked.map_err(|error| failed(chain(&error)))?;
    let shown = supervisor.commands.ask(BOOTLIST, &["-m", "normal", "-o"], LIMIT);
    let shown = shown.map_err(|error| failed(chain(&error)))?;
    let mut lines = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let can_boot = |words: &Vec<&str>| words.iter().any(|word| word.starts_with("blv="));
    match lines.find(|words| words.first() == disks.first().map(String::as_str).as_ref()) {
        Some(words) if can_boot(&words) => {}
        Some(_) => return Err(failed(format!("bootlist shows no boot volume on {}", disks[0]))),
        None => return Err(failed(format!("bootlist does not show {}", disks.join(" ")))),
    }
    let now = backup::bootlist(&supervisor.commands)?;
    if now == disks { Ok(()) } else { Err(failed(format!("it is {} now", now.join(" ")))) }
}

/// The disks of the copy as they are now, or everything that stands against booting them.
fn found(supervisor: &Supervisor, order: &Rollback) -> Result<Vec<SeenDisk>, Vec<String>> {
    let now = super::disks::seen(&supervisor.commands).map_err(|why| vec![why])?;
    let (mut disks, mut faults) = (Vec::new(), Vec::new());
    for disk in &order.to.disks {
        match disks::as_recorded(disk, &now) {
            Err(keep @ Keep::OtherGroup(..)) if runs(disk, &now) => {
                faults.push(format!("{}: {keep}; the LPAR runs from it", disk.name));
            }
            Err(keep) => faults.push(format!("{}: {keep}", disk.name)),
            Ok(seen) if seen.volume_group.as_deref() == Some(SURROGATE) => {
                faults.push(format!("{} holds the surrogate's minimal system", disk.name));
            }
            Ok(seen) => disks.push(seen.clone()),
        }
    }
    // A volume group that has grown since is not the copy that is on record.
    for seen in &now {
        let group = order.to.disks.iter().filter_map(|disk| disk.volume_group.as_ref());
        let is_in =
            seen.volume_group.as_ref().is_some_and(|own| group.clone().any(|one| one == own));
        let is_known = order
            .to
            .disks
            .iter()
            .any(|disk| disk.is_one_of(seen.pvid.as_ref(), seen.udid.as_ref()));
        if is_in && !is_known {
            faults.push(format!("{} is in the copy's volume group too", seen.name));
        }
    }
    if faults.is_empty() { Ok(disks) } else { Err(faults) }
}

fn runs(disk: &disks::RunDisk, now: &[SeenDisk]) -> bool {
    now.iter().any(|seen| {
        disk.is_one_of(seen.pvid.as_ref(), seen.udid.as_ref())
            && seen.volume_group.as_deref() == Some("rootvg")
    })
}

const BOOTLIST: &str = "bootlist";

/// Source: LU §6.3.
const SHUTDOWN: &str = "shutdown";

/// Most of what `shutdown` prints that is read.
const OUTPUT_LIMIT: u64 = 1 << 20;

/// How much of it is told.
const TEXT: usize = 300;

const LIMIT: Duration = Duration::from_secs(300);
