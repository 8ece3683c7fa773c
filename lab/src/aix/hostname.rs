//! `hostname`.

use std::io::Write;

use super::Context;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    writeln!(out, "{}", context.lpar()?.hostname)?;
    Ok(0)
}
