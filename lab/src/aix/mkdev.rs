//! `mkdev -c ipsec -t 4|6` (LU §6 "undo prep"; inferred): the device of IP Security is available. Its table of rules is as it was.

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "clt");
    let version = options.value('t').unwrap_or_default().to_owned();
    if options.value('c') != Some("ipsec") || !["4", "6"].contains(&version.as_str()) {
        writeln!(std::io::stderr(), "mkdev: the lab makes devices of the class ipsec only")?;
        return Ok(1);
    }
    context.change(|lpar| {
        lpar.system.secure(&version);
        Ok(())
    })?;
    writeln!(out, "ipsec_v{version} Available")?;
    Ok(0)
}
