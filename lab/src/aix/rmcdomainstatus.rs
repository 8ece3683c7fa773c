//! `rmcdomainstatus -s ctrmc` (LU §5.4): a line for each HMC of the frame; one that is away is not active.

use std::io::Write;

use super::Context;
use crate::fault::ConsoleFault;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    let world = context.world()?;
    writeln!(out, "Management Domain Status: Management Control Points")?;
    for (number, name) in (2..).zip(&world.frame_of(&context.name)?.hmcs) {
        let Some(hmc) = world.hmcs.get(name) else { continue };
        let flags = if hmc.faults.contains(&ConsoleFault::HmcReboot) { "I I" } else { "I A" };
        let id = 0x7edb_4439_af21_a36f_u64 + number;
        writeln!(out, "  {flags}  {id:#x}  {number:04}  {}", hmc.lpar_address)?;
    }
    Ok(0)
}
