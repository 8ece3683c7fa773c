//! `ps -e -o pid,args` and the like: the processes of this LPAR, not those of the machine under it.

use std::io::Write;

use super::{Context, Options};
use crate::fault::Fault;
use crate::lpar::processes_of_this_lpar;
use crate::world::lpar::MONITOR;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "opu");
    let columns: Vec<&str> = options.value('o').unwrap_or("pid,args").split(',').collect();
    let header: Vec<String> = columns.iter().map(|name| format!("{:>8}", title(name))).collect();
    writeln!(out, "{}", header.join(" "))?;
    for process in processes_of_this_lpar()? {
        let values: Vec<String> = columns
            .iter()
            .map(|name| match *name {
                "pid" => format!("{:>8}", process.pid),
                "ppid" => format!("{:>8}", process.parent),
                "user" => format!("{:>8}", "root"),
                "comm" => process.arguments.first().cloned().unwrap_or_default(),
                "args" => process.arguments.join(" "),
                _ => "-".to_owned(),
            })
            .collect();
        writeln!(out, "{}", values.join(" "))?;
    }
    let lpar = context.lpar()?;
    let monitor = Some(MONITOR).filter(|_| lpar.has(Fault::ProcfsOpen));
    let workload = lpar.system.processes.iter().map(|one| (one.pid, one.program.as_str()));
    let outdated = lpar.outdated.iter().map(|one| (one.pid, one.program.as_str()));
    for (pid, program) in workload.chain(outdated).chain(monitor) {
        let values: Vec<String> = columns
            .iter()
            .map(|name| match *name {
                "pid" => format!("{pid:>8}"),
                "ppid" => format!("{:>8}", 1),
                "user" => format!("{:>8}", "root"),
                "comm" | "args" => program.to_owned(),
                _ => "-".to_owned(),
            })
            .collect();
        writeln!(out, "{}", values.join(" "))?;
    }
    Ok(0)
}

fn title(column: &str) -> &'static str {
    match column {
        "pid" => "PID",
        "ppid" => "PPID",
        "user" => "USER",
        _ => "COMMAND",
    }
}
