//! `lvupdateRegScript -l` (LU §5.1): some of what IBM registers, and what a fault leaves behind.

use std::io::Write;

use super::{Context, Options};
use crate::fault::Fault;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    if !Options::read(arguments, "nsdPp").has('l') {
        return Ok(1);
    }
    writeln!(out, "orig,LVUP_CHECK,6:")?;
    writeln!(out, "        STOP_CACHE = /usr/sbin/cache_mgt cache stop -t all")?;
    // Its file is gone: LU §4.5 pitfall 5.
    if context.lpar()?.has(Fault::AutofsMissing) {
        writeln!(out, "        AUTOFS_UMOUNT = /usr/sbin/autofs_lvup_umount")?;
    }
    writeln!(out, "orig,LVUP_ERROR,1:")?;
    writeln!(out, "        ERR_START_CACHE = /usr/sbin/cache_mgt cache start -t all")?;
    Ok(0)
}
