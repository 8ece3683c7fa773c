//! The repair of RMC: `rmcctrl -z`, `uncfgct -n`, `recfgct`, `rmcctrl -p` (LU §5.4). It makes a new node of RSCT, which ends a cluster that
//! knows the old one (LU §4.4a M05).

use std::io::Write;

use super::{Context, Options};
use crate::world::lpar::Subsystem;

/// `-z` stops the daemon, `-A` and `-k` start and stop it, `-p` lets management consoles in.
pub(super) fn rmcctrl(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    let runs = match options.has('z') || options.has('k') {
        true => {
            context.disturbs_cluster("rmcctrl -z")?;
            false
        }
        false => true,
    };
    context.change(|lpar| {
        match runs {
            true => drop(lpar.subsystems.remove("ctrmc")),
            false => drop(lpar.subsystems.insert("ctrmc".to_owned(), Subsystem::Stopped)),
        }
        Ok(0)
    })
}

pub(super) fn uncfgct(context: &Context, _: &[String], _: &mut dyn Write) -> anyhow::Result<u8> {
    context.disturbs_cluster("uncfgct")?;
    context.change(|lpar| {
        lpar.system.rmc_lost = true;
        Ok(0)
    })
}

pub(super) fn recfgct(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    context.disturbs_cluster("recfgct")?;
    context.change(|lpar| {
        lpar.system.rmc_lost = false;
        lpar.subsystems.remove("ctrmc");
        Ok(())
    })?;
    // LU §3.2.
    writeln!(
        out,
        "2610-656 Could not obtain information about the cluster: fopen(NODEDEF FILE=/var/ct/IW/cfg/nodedef.cfg) fail (errno=2)\n0513-071 The ctrmc Subsystem has been added."
    )?;
    Ok(0)
}
