//! `domainname`: no NIS domain is set on any LPAR of the lab (LU §4.4 S24).

use std::io::Write;

use super::Context;

pub(super) fn run(_: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    writeln!(out)?;
    Ok(0)
}
