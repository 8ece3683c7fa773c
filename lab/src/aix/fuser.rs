//! `fuser -c /proc` (LU §5.4, inferred): process ids on standard output, the path before them on standard error.

use std::io::Write;

use super::Context;
use crate::fault::Fault;
use crate::world::lpar::MONITOR;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let path = arguments.last().map_or("", String::as_str);
    write!(std::io::stderr(), "{path}: ")?;
    if path == "/proc" && context.lpar()?.has(Fault::ProcfsOpen) {
        write!(out, " {}", MONITOR.0)?;
    }
    writeln!(std::io::stderr())?;
    Ok(0)
}
