//! `genld -u`: processes with old libraries; nothing when there are none (LU §5.1).

use std::io::Write;

use super::Context;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    if arguments.iter().any(|word| word.contains('u')) {
        for process in context.lpar()?.outdated {
            writeln!(out, "Proc_pid: {:<9} Proc_name: {}", process.pid, process.name)?;
        }
    }
    Ok(0)
}
