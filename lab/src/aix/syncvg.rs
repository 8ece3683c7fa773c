//! `syncvg -v rootvg`: what is stale is copied again (LU §4.3 D15).

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    if !options.has('v') || options.words != ["rootvg"] {
        writeln!(std::io::stderr(), "syncvg: the lab knows only -v rootvg")?;
        return Ok(1);
    }
    context.change(|lpar| {
        lpar.system.stale_partitions = 0;
        Ok(0)
    })
}
