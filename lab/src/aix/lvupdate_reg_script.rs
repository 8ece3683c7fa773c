//! `lvupdateRegScript -l`, `-r -n LABEL …`, `-a -n LABEL …` (LU §5.1): some of what IBM registers, and what a fault leaves behind; only
//! that can be taken away and registered again.

use std::io::Write;

use super::{Context, Options};
use crate::fault::Fault;

/// Label of the script of autofs.
const AUTOFS: &str = "AUTOFS_UMOUNT";

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "nsdPp");
    if options.has('r') || options.has('a') {
        if options.value('n') != Some(AUTOFS) {
            return Ok(1);
        }
        context.change(|lpar| {
            lpar.autofs_gone = options.has('r');
            Ok(())
        })?;
        return Ok(0);
    }
    if !options.has('l') {
        return Ok(1);
    }
    writeln!(out, "orig,LVUP_CHECK,6:")?;
    writeln!(out, "        STOP_CACHE = /usr/sbin/cache_mgt cache stop -t all")?;
    // Its file is gone: LU §4.5 pitfall 5.
    let lpar = context.lpar()?;
    if lpar.has(Fault::AutofsMissing) && !lpar.autofs_gone {
        writeln!(out, "        {AUTOFS} = /usr/sbin/autofs_lvup_umount")?;
    }
    writeln!(out, "orig,LVUP_ERROR,1:")?;
    writeln!(out, "        ERR_START_CACHE = /usr/sbin/cache_mgt cache start -t all")?;
    Ok(0)
}
