//! `who -b`: when the running kernel was booted. A Live Update boots nothing the workload would see.

use std::io::Write;

use super::{Context, Options, stamp};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    let booted = stamp::who(context.lpar()?.booted_at);
    if options.has('b') {
        writeln!(out, "   .        system boot {booted}")?;
    } else {
        writeln!(out, "root        pts/0       {booted}     (master)")?;
    }
    Ok(0)
}
