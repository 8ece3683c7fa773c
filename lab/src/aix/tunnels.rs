//! `lstun -v N -a` and `ike cmd=list` (inferred): the active tunnels. Where there is none, neither says anything.

use std::io::Write;

use super::Context;
use crate::fault::Fault;

pub(super) fn lstun(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    if context.lpar()?.has(Fault::IpTunnel) {
        // No transcript is published: the lab's own words.
        writeln!(out, "Tunnel 1: 10.1.1.1 to 10.9.9.9, active")?;
    }
    Ok(0)
}

pub(super) fn ike(_: &Context, _: &[String], _: &mut dyn Write) -> anyhow::Result<u8> {
    Ok(0)
}
