//! The disks that were chosen for this Live Update, found by what does not change.
//!
//! An order names a chosen disk by PVID or UDID in the place of a name in its `lvupdate.data`; an agent that does not know how to find
//! it writes no name, and geninstall refuses. A disk that was renumbered is found under its new name; one that is in use by now, or
//! holds something, or is another one under the old name, ends the operation before anything is touched.

use std::time::Duration;

use nim_shared::aix;
use nim_shared::disks::{self, ChosenDisk, SeenDisk};
use nim_shared::id::DiskName;
use nim_shared::lvupdate;

use super::Stop;
use crate::command::Commands;
use crate::disk::{self, Error};
use crate::supervisor::Supervisor;
use crate::text::chain;
use crate::undo::FILE_LIMIT;

/// What stands against the chosen disks now: all of it.
pub(crate) fn faults(supervisor: &Supervisor) -> Vec<String> {
    found(supervisor).err().unwrap_or_default()
}

/// `lvupdate.data` for this LPAR, with the names that the chosen disks have now.
pub(crate) fn data(supervisor: &mut Supervisor) -> Result<String, Stop> {
    let text = supervisor.request.lvupdate_data.clone();
    if supervisor.request.disks.is_empty() {
        return Ok(text);
    }
    let now = found(supervisor).map_err(|faults| Stop::failed(faults.join("; ")))?;
    for (chosen, name) in &now {
        let was =
            if chosen.name == *name { String::new() } else { format!(", {} before", chosen.name) };
        supervisor.note(format!("{} is {name}{was}: {}", chosen.role, chosen.key()))?;
    }
    Ok(disks::with_names(lvupdate::parse(&text), &now).render())
}

/// Why `lvupdate.data` no longer names the chosen disks, right before the move: whatever happened since it was written.
pub(crate) fn named_otherwise(supervisor: &Supervisor) -> Result<Vec<String>, Error> {
    if supervisor.request.disks.is_empty() {
        return Ok(Vec::new());
    }
    let now = match found(supervisor) {
        Ok(now) => now,
        Err(faults) => return Ok(faults),
    };
    let wanted = lvupdate::parse(&supervisor.request.lvupdate_data);
    let wanted = disks::with_names(wanted, &now).render();
    let written = disk::read(&supervisor.root.at(lvupdate::PATH), FILE_LIMIT)?;
    if written.as_deref() == Some(wanted.as_bytes()) {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "{} no longer names the chosen disks: they were renumbered, or it was changed",
        lvupdate::PATH
    )])
}

/// Each chosen disk with its name now, or everything that stands against them.
fn found(supervisor: &Supervisor) -> Result<Vec<(ChosenDisk, DiskName)>, Vec<String>> {
    let chosen = &supervisor.request.disks;
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let commands = &supervisor.commands;
    let seen = seen(commands).map_err(|why| vec![why])?;
    let (mut now, mut faults) = (Vec::new(), Vec::new());
    for one in chosen {
        match disks::resolve(one, &seen) {
            Err(why) => faults.push(why.to_string()),
            Ok(disk) => match fault(commands, one, disk) {
                Some(why) => faults.push(format!("{} {}: {why}", one.role, disk.name)),
                None => now.push((one.clone(), disk.name.clone())),
            },
        }
    }
    if faults.is_empty() { Ok(now) } else { Err(faults) }
}

/// Every disk with what names it. A line that cannot be read may be of one of them.
pub(crate) fn seen(commands: &Commands) -> Result<Vec<SeenDisk>, String> {
    let text = commands.ask("lspv", &["-u"], LIMIT).map_err(|error| chain(&error))?;
    let all = aix::lspv_u(&text);
    match all.unread.first() {
        None if all.omitted == 0 => Ok(all.rows),
        None => Err("lspv -u shows more disks than are read".to_owned()),
        Some(line) => {
            Err(format!("line {} of lspv -u cannot be read: \"{}\"", line.line, line.text))
        }
    }
}

/// What speaks against a disk by what is on it and who has it open.
fn fault(commands: &Commands, chosen: &ChosenDisk, disk: &SeenDisk) -> Option<String> {
    let look = || {
        let device = format!("/dev/{}", disk.name);
        let (_, size) = asked(commands, "getconf", &["DISK_SIZE", &device])?;
        let (dump, (status, open)) = content(commands, &disk.name)?;
        let reason = disks::fault(chosen, disk, &size, &dump, (status, &open));
        Ok::<_, String>(reason.map(|reason| reason.to_string()))
    };
    look().unwrap_or_else(Some)
}

/// What speaks against a copy of rootvg on a disk that somebody has named for it, by what is on it and who has it open.
pub(super) fn fault_of_named(commands: &Commands, disk: &DiskName) -> Option<String> {
    match content(commands, disk) {
        Ok((dump, (status, open))) => {
            disks::fault_of_named(&dump, (status, &open)).map(|reason| reason.to_string())
        }
        Err(why) => Some(why),
    }
}

/// The beginning of a disk, and what `fuser` says of it.
fn content(commands: &Commands, disk: &DiskName) -> Result<(String, (i32, String)), String> {
    let (device, raw) = (format!("/dev/{disk}"), format!("/dev/r{disk}"));
    let (_, dump) = asked(commands, "lquerypv", &["-h", &device, "0", "1000"])?;
    Ok((dump, asked(commands, "fuser", &[&device, &raw])?))
}

fn asked(commands: &Commands, program: &str, arguments: &[&str]) -> Result<(i32, String), String> {
    let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    let ended = commands.run_apart(program, &arguments, LIMIT, || true);
    let ended = ended.map_err(|error| chain(&error))?;
    Ok((ended.status, String::from_utf8_lossy(&ended.stdout).into_owned()))
}

/// For what asks a device: a path that is gone takes its time-out.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
