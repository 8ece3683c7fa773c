//! `audit query`, `audit start`, `audit shutdown` (LU §5.4). Auditing in stream mode is a fault of the lab, too.

use std::fs;
use std::io::Write;

use super::{Context, stanza};
use crate::fault::Fault;
use crate::world::Lpar;

/// What says how auditing works.
const CONFIG: &str = "/etc/security/audit/config";

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    match arguments.first().map_or("", String::as_str) {
        "start" => set(context, true)?,
        "shutdown" => set(context, false)?,
        _ => {
            let lpar = context.lpar()?;
            let is_on = lpar.running.auditing || lpar.has(Fault::AuditStream);
            writeln!(out, "auditing {}", if is_on { "on" } else { "off" })?;
        }
    }
    Ok(0)
}

fn set(context: &Context, on: bool) -> anyhow::Result<()> {
    context.change(|lpar| {
        lpar.running.auditing = on;
        Ok(())
    })
}

/// Whether it is on and streams.
pub(super) fn streams(context: &Context, lpar: &Lpar) -> bool {
    let text = fs::read_to_string(context.path(CONFIG)).unwrap_or_default();
    let is_set = stanza::value(&text, "start", "streammode").as_deref() == Some("on");
    lpar.has(Fault::AuditStream) || lpar.running.auditing && is_set
}
