//! `rmcdomainstatus -s ctrmc` (LU §5.4): a line for each HMC of the frame; one that is away is not active. What it says where the daemon
//! does not run is not known: here nothing, with status 1.

use std::io::Write;

use super::Context;
use crate::fault::ConsoleFault;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    let world = context.world()?;
    let lpar = world.lpar(&context.name)?;
    if !lpar.runs("ctrmc", context.now()?) {
        return Ok(1);
    }
    writeln!(out, "Management Domain Status: Management Control Points")?;
    for (number, name) in (2..).zip(&world.frame_of(&context.name)?.hmcs) {
        let Some(hmc) = world.hmcs.get(name) else { continue };
        let is_lost = lpar.system.rmc_lost || hmc.faults.contains(&ConsoleFault::HmcReboot);
        let flags = if is_lost { "I I" } else { "I A" };
        let id = 0x7edb_4439_af21_a36f_u64 + number;
        writeln!(out, "  {flags}  {id:#x}  {number:04}  {}", hmc.lpar_address)?;
    }
    Ok(0)
}
