//! A script of autofs that Live Update is to notify and that is no longer there: its registration goes. Source: LU S25, §4.5 pitfall 5.

use nim_shared::aix;
use nim_shared::frame::ChangeClass;
use nim_shared::prep::Setting;

use super::super::Stop;
use super::setting::{self, Error, LIMIT, Lpar};
use crate::supervisor::Supervisor;

/// Takes the registration away, where its program is not there.
pub(super) fn run(supervisor: &mut Supervisor, class: ChangeClass) -> Result<(), Stop> {
    let root = supervisor.root.clone();
    setting::change(supervisor, class, Setting::AutofsScript, |before| {
        is_stale(&root, before).then(String::new)
    })
}

/// Whether a registration names a program that is not there.
pub(super) fn is_stale(root: &crate::root::Root, registered: &str) -> bool {
    match split(registered) {
        Some((_, command)) => {
            let program = command.split_whitespace().next().unwrap_or_default();
            program.starts_with('/') && !root.at(program).exists()
        }
        None => false,
    }
}

/// The priority with the command: `6 /usr/lpp/nfs/autofs/autofs_lku orig`; empty where none is registered.
pub(super) fn read(lpar: Lpar<'_>) -> Result<String, Error> {
    let text = lpar.commands.ask(PROGRAM, &["-l"], LIMIT)?;
    let mut found = aix::lvupdate_scripts(&text).rows.into_iter().filter_map(|row| {
        let mut place = row.place.split(',').map(str::trim);
        let is_it = row.label == LABEL && place.next() == Some(SIDE) && place.next() == Some(PHASE);
        let priority: u8 = place.next().filter(|_| is_it)?.parse().ok()?;
        Some(format!("{priority} {}", row.command))
    });
    let first = found.next().unwrap_or_default();
    match found.next() {
        None => Ok(first),
        Some(second) => {
            let text = format!("{LABEL} is registered twice: {first}, {second}");
            Err(Error::Unreadable { setting: Setting::AutofsScript, text })
        }
    }
}

pub(super) fn write(lpar: Lpar<'_>, wanted: &str) -> Result<(), Error> {
    let place = ["-n", LABEL, "-d", SIDE, "-P", PHASE];
    let mut arguments = Vec::new();
    match split(wanted) {
        Some((priority, command)) => {
            arguments.push("-a");
            arguments.extend(place);
            arguments.extend(["-p", priority, "-s", command]);
        }
        None => {
            arguments.push("-r");
            arguments.extend(place);
        }
    }
    lpar.commands.ask(PROGRAM, &arguments, LIMIT)?;
    Ok(())
}

fn split(registered: &str) -> Option<(&str, &str)> {
    registered.split_once(' ').filter(|(priority, _)| priority.parse::<u8>().is_ok())
}

const PROGRAM: &str = "lvupdateRegScript";
const LABEL: &str = "AUTOFS_UMOUNT";
const SIDE: &str = "orig";
const PHASE: &str = "LVUP_CHECK";
