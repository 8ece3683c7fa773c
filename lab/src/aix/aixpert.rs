//! `aixpert -t`: no security profile was applied on any LPAR of the lab (LU §4.4 S12).

use std::io::Write;

use super::Context;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    if arguments.iter().map(String::as_str).eq(["-t"]) {
        let profile = context.lpar()?.system.security_profile;
        writeln!(out, "{}", profile.as_deref().unwrap_or("none"))?;
        return Ok(0);
    }
    writeln!(std::io::stderr(), "Usage: aixpert -t")?;
    Ok(1)
}
