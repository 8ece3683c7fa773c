//! `odmget -q attribute=TCB_STATE PdAt`: no LPAR of the lab has a Trusted Computing Base (LU §4.4 S11).

use std::io::Write;

use super::Context;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let wanted = ["-q", "attribute=TCB_STATE", "PdAt"];
    if arguments.iter().map(String::as_str).eq(wanted) {
        let is_on = context.lpar()?.system.trusted_base;
        let state = if is_on { "tcb_enabled" } else { "tcb_disabled" };
        writeln!(
            out,
            "\nPdAt:\n\tuniquetype = \"\"\n\tattribute = \"TCB_STATE\"\n\tdeflt = \"{state}\""
        )?;
    }
    Ok(0)
}
