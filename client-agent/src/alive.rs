//! Whether what runs for an operation still does: its supervisor, the shim around geninstall, geninstall, a Live Update.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nim_shared::id::OperationId;
use nim_shared::strategy::Part;

use crate::command::Commands;
use crate::disk::{self, Error};
use crate::operation::Operation;
use crate::root::Root;
use crate::run::{Run, Step};
use crate::slot::Slot;
use crate::system;

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is.
    There,
    /// It is not.
    Gone,
}

impl Presence {
    const fn when(there: bool) -> Self {
        if there { Self::There } else { Self::Gone }
    }

    /// Whether it is there.
    pub(crate) const fn is_there(self) -> bool {
        matches!(self, Self::There)
    }
}

/// The lock file of Live Update: one run per LPAR. Source: `geninstall` uses it to guarantee that (LU §2.8).
pub(crate) const LIVE_UPDATE_LOCK: &str = "/usr/lpp/.genlib.lock.check";

/// The supervisor of `operation`. It counts as gone only when its lock is free and its process is: nobody has proved that
/// a lock survives a Live Update, and a process that was moved keeps its id (LU §7.1).
pub(crate) fn supervisor(operation: &Operation, commands: &Commands) -> Result<Presence, Error> {
    if is_locked(&operation.supervisor())? {
        return Ok(Presence::There);
    }
    let pid = operation.supervisor_pid()?.get()?;
    Ok(Presence::when(pid.is_some_and(|pid| is_of(pid, operation.id, commands))))
}

/// Looks for the supervisor of one operation without opening or starting anything, for the time in which nothing may be.
#[derive(Debug)]
pub(crate) struct Watch {
    lock: File,
    path: PathBuf,
    pid: Slot<u32>,
}

impl Watch {
    /// Opens what will be looked at.
    pub(crate) fn open(operation: &Operation) -> Result<Self, Error> {
        let path = operation.supervisor();
        let lock = disk::doing("open", &path, disk::private().open(&path))?;
        Ok(Self { lock, path, pid: operation.supervisor_pid()? })
    }

    /// Whether lock and process are there. Another process that has got its id counts as it.
    pub(crate) fn look(&self) -> Result<Presence, Error> {
        let locked = disk::doing("ask for the lock of", &self.path, system::is_locked(&self.lock))?;
        Ok(Presence::when(locked || self.pid.get()?.is_some_and(system::process_exists)))
    }
}

/// The run of geninstall or of a script: its shim, or geninstall itself where the shim was killed.
pub(crate) fn run(operation: &Operation, commands: &Commands) -> Result<Presence, Error> {
    if is_locked(&operation.shim())? {
        return Ok(Presence::There);
    }
    let parts = Part::ALL.iter().copied().map(Step::Part);
    let others = [Step::Software, Step::Backup, Step::Removal];
    for step in others.into_iter().chain(parts) {
        if let Some(slot) = operation.run_if_any(step)?
            && let Some(Run::Started { pid }) = slot.get()?
            && is_installer(pid, commands)
        {
            return Ok(Presence::There);
        }
    }
    Ok(Presence::Gone)
}

/// Whether `pid` is a program of ours that changes the LPAR, as far as this LPAR tells; where it does not, any process with that id is.
/// After a reboot the id may be another process's.
pub(crate) fn is_installer(pid: u32, commands: &Commands) -> bool {
    system::process_exists(pid)
        && processes(commands).is_none_or(|list| {
            let ours = |arguments: &str| {
                installs(arguments) || ["startsrc", "snap"].contains(&program(arguments))
            };
            list.iter().any(|(found, arguments)| *found == pid && ours(arguments))
        })
}

/// The lock of a Live Update, ours or another's.
pub(crate) fn live_update_lock(root: &Root) -> Presence {
    // What cannot be looked at may be there.
    Presence::when(root.at(LIVE_UPDATE_LOCK).try_exists().unwrap_or(true))
}

/// A process that installs or updates. `None` where this LPAR does not tell.
pub(crate) fn installer(commands: &Commands) -> Option<String> {
    let list = processes(commands)?;
    list.into_iter().map(|(_, arguments)| arguments).find(|arguments| installs(arguments))
}

/// Whether this is the command line of a program that installs or updates.
fn installs(arguments: &str) -> bool {
    const KNOWN: [&str; 6] =
        ["geninstall", "installp", "lvupdate", "install_all_updates", "alt_disk_copy", "clvupdate"];
    KNOWN.contains(&program(arguments))
}

/// The name of the program in a command line, whichever shell reads it.
pub(crate) fn program(arguments: &str) -> &str {
    let program = arguments.split_whitespace().find(|word| !is_shell(word)).unwrap_or_default();
    program.rsplit('/').next().unwrap_or_default()
}

fn is_shell(word: &str) -> bool {
    word.starts_with('-') || matches!(word.rsplit('/').next(), Some("sh" | "ksh" | "ksh93" | "bsh"))
}

/// Whether `pid` is a process of the operation `id`, its supervisor or a script: their command lines have the id. Where this LPAR
/// does not tell, any process with that number is.
pub(crate) fn is_of(pid: u32, id: OperationId, commands: &Commands) -> bool {
    if pid == std::process::id() || !system::process_exists(pid) {
        return false;
    }
    let Some(list) = processes(commands) else { return true };
    let id = id.to_string();
    list.iter().any(|(found, arguments)| *found == pid && arguments.contains(&id))
}

/// Process ids and command lines; `None` where this LPAR does not tell.
pub(crate) fn processes(commands: &Commands) -> Option<Vec<(u32, String)>> {
    let text = commands.ask("ps", &["-e", "-o", "pid,args"], PS_LIMIT).ok()?;
    let row = |line: &str| {
        let (pid, arguments) = line.trim_start().split_once(' ')?;
        Some((pid.parse().ok()?, arguments.trim().to_owned()))
    };
    Some(text.lines().filter_map(row).collect())
}

fn is_locked(path: &Path) -> Result<bool, Error> {
    let file = disk::doing("open", path, disk::private().open(path))?;
    disk::doing("ask for the lock of", path, system::is_locked(&file))
}

const PS_LIMIT: Duration = Duration::from_secs(60);
