//! `clvupdate`: cleans up after a Live Update that could not do so itself (LU §5.1).

use std::fs;
use std::io::{self, Write};

use super::{Context, Options, geninstall};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "aUf");
    let only = ['l', 'r', 'v', 'n', 'd'].into_iter().find(|letter| options.has(*letter));
    match only {
        Some('l') => unlock(context)?,
        Some('v') => forget_boot_disk(context)?,
        Some('r') => context.change(|lpar| {
            lpar.update = None;
            Ok(())
        })?,
        Some(_) => {}
        None => {
            let lpar = context.lpar()?;
            // Without a session with the HMC nothing can be tidied up there.
            if lpar.update.is_some() && lpar.tokens.is_empty() {
                for line in geninstall::NO_TOKEN {
                    writeln!(out, "{line}")?;
                }
                return Ok(1);
            }
            if let Some(update) = lpar.update {
                context.store.change(|world| {
                    if Some(world.lpar(&context.name)?.partition_id) == update.surrogate_id {
                        // The workload has moved: forward only.
                        world.paths_back(&context.name)?;
                        world.original_deleted(&context.name)?;
                        world.lpar_mut(&context.name)?.update = None;
                    } else {
                        world.rolled_back(&context.name)?;
                    }
                    Ok::<_, anyhow::Error>(())
                })?;
            }
            unlock(context)?;
        }
    }
    Ok(0)
}

fn unlock(context: &Context) -> anyhow::Result<()> {
    match fs::remove_file(context.path(geninstall::LOCK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// `-v`: removes the volume group of an earlier Live Update.
fn forget_boot_disk(context: &Context) -> anyhow::Result<()> {
    context.change(|lpar| {
        for disk in &mut lpar.disks {
            if disk.vg.as_deref() == Some("lvup_rootvg") {
                disk.vg = None;
                disk.image = None;
            }
        }
        Ok(())
    })
}
