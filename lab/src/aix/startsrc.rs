//! `startsrc -s NAME`, `stopsrc -s NAME` (LU §3.2).

use std::io::Write;

use super::lssrc::{not_on_file, on_file};
use super::{Context, Options};
use crate::fault::Fault;
use crate::world::lpar::Subsystem;

/// How long the flash-cache daemon takes where it is slow, in milliseconds (LU §3.1, 1430-134).
const SLOW: u64 = 300_000;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "sage");
    let name = options.value('s').unwrap_or_default();
    let all = on_file(&context.lpar()?);
    let Some((_, _, pid)) = all.iter().find(|(one, ..)| *one == name) else {
        return not_on_file(name);
    };
    let now = context.now()?;
    let started = context.change(|lpar| {
        // One that hangs is there again (LU §4.5 pitfall 3).
        let hung = name == "pfcdaemon" && lpar.faults.remove(&Fault::Pfcdaemon).is_some();
        if hung {
            return Ok(true);
        }
        if lpar.subsystems.get(name) != Some(&Subsystem::Stopped) {
            return Ok(false);
        }
        // A new process has the new libraries.
        lpar.outdated.retain(|process| process.name != name);
        let slow = lpar.has(Fault::PfcdaemonSlow) && name == "pfcdaemon";
        match slow {
            true => {
                let starting = Subsystem::Starting { ready: now + SLOW };
                lpar.subsystems.insert(name.to_owned(), starting)
            }
            false => lpar.subsystems.remove(name),
        };
        Ok(true)
    })?;
    if started {
        writeln!(out, "0513-059 The {name} Subsystem has been started. Subsystem PID is {pid}.")?;
        return Ok(0);
    }
    writeln!(std::io::stderr(), "0513-029 The {name} Subsystem is already active.")?;
    Ok(1)
}

/// Subsystems that a cluster stands on (LU §4.4a M05).
const GROUND: [&str; 5] = ["clcomd", "ctrmc", "clconfd", "cthags", "clstrmgrES"];

pub(super) fn stop(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "sg");
    let name = options.value('s').unwrap_or_default();
    if !on_file(&context.lpar()?).iter().any(|(one, ..)| one == name) {
        return not_on_file(name);
    }
    if GROUND.contains(&name) {
        context.disturbs_cluster(&format!("stopsrc -s {name}"))?;
    }
    let before =
        context.change(|lpar| Ok(lpar.subsystems.insert(name.to_owned(), Subsystem::Stopped)))?;
    if before == Some(Subsystem::Stopped) {
        let text = format!("0513-004 The Subsystem or Group, {name}, is currently inoperative.");
        writeln!(std::io::stderr(), "{text}")?;
        return Ok(1);
    }
    writeln!(out, "0513-044 The {name} Subsystem was requested to stop.")?;
    Ok(0)
}
