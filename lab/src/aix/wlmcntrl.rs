//! `wlmcntrl -q`: Workload Manager is stopped, which its exit status says (LU §5.4, inferred).

use std::io::Write;

use super::Context;

pub(super) fn run(_: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    writeln!(out, "WLM is stopped")?;
    Ok(1)
}
