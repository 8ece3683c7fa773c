//! `fuser -c /proc` (LU §5.4, inferred), and `fuser` for devices of disks: process ids on standard output, the path before them on
//! standard error.

use std::io::Write;

use super::{Context, Options};
use crate::fault::Fault;
use crate::world::DATABASE;
use crate::world::lpar::MONITOR;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let lpar = context.lpar()?;
    for path in &Options::read(arguments, "").words {
        write!(std::io::stderr(), "{path}: ")?;
        let raw = path.strip_prefix("/dev/r").and_then(|name| lpar.disk(name));
        if path == "/proc" && lpar.has(Fault::ProcfsOpen) {
            write!(out, " {}", MONITOR.0)?;
        } else if raw.is_some_and(|disk| disk.asm) {
            write!(out, " {DATABASE}")?;
        }
        out.flush()?;
        writeln!(std::io::stderr())?;
    }
    Ok(0)
}
