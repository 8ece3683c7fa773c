//! `audit query` (LU §5.4): auditing in stream mode is a fault of the lab.

use std::io::Write;

use super::Context;
use crate::fault::Fault;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    let state = if context.lpar()?.has(Fault::AuditStream) { "on" } else { "off" };
    writeln!(out, "auditing {state}")?;
    Ok(0)
}
