//! `lssrc -a`, `lssrc -s NAME` (LU §5.4), `lssrc -g GROUP` (inferred).

use std::io::Write;

use super::{Context, Options};
use crate::fault::Fault;
use crate::world::Lpar;

/// Process id of a usual one, while it runs.
pub(super) fn process_of(name: &str) -> Option<u32> {
    SUBSYSTEMS.iter().find(|(one, ..)| *one == name).map(|(_, _, pid)| *pid)
}

/// Subsystem, group, process id while it runs.
const SUBSYSTEMS: [(&str, &str, u32); 6] = [
    ("syslogd", "ras", 5_112_110),
    ("sshd", "ssh", 5_243_188),
    ("ctrmc", "rsct", 6_619_442),
    ("IBM.DRM", "rsct_rm", 6_816_054),
    ("clcomd", "caa", 5_570_962),
    ("pfcdaemon", "pfc", 6_095_236),
];

/// All that are on file: the usual ones, and the site's.
pub(super) fn on_file(lpar: &Lpar) -> Vec<(String, &'static str, u32)> {
    let usual = SUBSYSTEMS.into_iter().map(|(name, group, pid)| (name.to_owned(), group, pid));
    let more = (7_000_000..).zip(&lpar.more_subsystems);
    usual.chain(more.map(|(pid, name)| (name.clone(), "site", pid))).collect()
}

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "sgl");
    let (lpar, now) = (context.lpar()?, context.now()?);
    let (wanted, group_wanted) = (options.value('s'), options.value('g'));
    let all = on_file(&lpar);
    if let Some(name) = wanted
        && !all.iter().any(|(one, ..)| *one == name)
    {
        return not_on_file(name);
    }
    if let Some(name) = group_wanted
        && !all.iter().any(|(_, group, _)| *group == name)
    {
        // The words for a group are inferred from those for a subsystem.
        writeln!(std::io::stderr(), "0513-086 The {name} Group is not on file.")?;
        return Ok(1);
    }
    writeln!(out, "Subsystem         Group            PID          Status")?;
    for (name, group, pid) in all {
        let is_wanted = wanted.is_none_or(|wanted| wanted == name)
            && group_wanted.is_none_or(|wanted| wanted == group);
        if is_wanted {
            let stuck = lpar.has(Fault::Pfcdaemon) && name == "pfcdaemon";
            let (pid, status) = match (stuck, lpar.runs(&name, now)) {
                (true, _) => (pid.to_string(), "stopping"),
                (false, true) => (pid.to_string(), "active"),
                (false, false) => (String::new(), "inoperative"),
            };
            writeln!(out, " {name:<16} {group:<16} {pid:<12} {status}")?;
        }
    }
    Ok(0)
}

/// What is said of a subsystem that is none (LU §3.2).
pub(super) fn not_on_file(name: &str) -> anyhow::Result<u8> {
    writeln!(std::io::stderr(), "0513-085 The {name} Subsystem is not on file.")?;
    Ok(1)
}
