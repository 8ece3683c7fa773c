//! `multibos -R`: removes the standby system (LU §4.3 D18).

use std::io::Write;

use super::Context;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    if arguments != ["-R"] {
        writeln!(std::io::stderr(), "multibos: the lab knows only -R")?;
        return Ok(1);
    }
    context.change(|lpar| {
        lpar.system.volumes.retain(|name| !name.starts_with("bos_"));
        Ok(0)
    })
}
