//! `lssrc -a`, `lssrc -s NAME` (LU §5.4).

use std::io::Write;

use super::{Context, Options};
use crate::fault::Fault;

/// Subsystem, group, process id while it runs.
const SUBSYSTEMS: [(&str, &str, u32); 6] = [
    ("syslogd", "ras", 5_112_110),
    ("sshd", "ssh", 5_243_188),
    ("ctrmc", "rsct", 6_619_442),
    ("IBM.DRM", "rsct_rm", 6_816_054),
    ("clcomd", "caa", 5_570_962),
    ("pfcdaemon", "pfc", 6_095_236),
];

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "sgl");
    let stuck = context.lpar()?.has(Fault::Pfcdaemon);
    let wanted = options.value('s');
    if let Some(name) = wanted
        && !SUBSYSTEMS.iter().any(|(one, ..)| *one == name)
    {
        // LU §3.2.
        writeln!(std::io::stderr(), "0513-085 The {name} Subsystem is not on file.")?;
        return Ok(1);
    }
    writeln!(out, "Subsystem         Group            PID          Status")?;
    for (name, group, pid) in SUBSYSTEMS {
        if wanted.is_none_or(|wanted| wanted == name) {
            let status = if stuck && name == "pfcdaemon" { "stopping" } else { "active" };
            writeln!(out, " {name:<16} {group:<16} {pid:<12} {status}")?;
        }
    }
    Ok(0)
}
