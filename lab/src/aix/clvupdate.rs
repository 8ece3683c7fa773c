//! `clvupdate`: cleans up after a Live Update that could not do so itself (LU §5.1).
//!
//! What it prints when it refuses, and what it asks, is not known: the numbers and sentences are the lab's own.

use std::fs;
use std::io::{self, Write};

use super::{Context, Options, geninstall};
use crate::fault::Fault;
use crate::world::World;
use crate::world::frame::PartitionState;
use crate::world::update::Update;

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
            if let Some(update) = &lpar.update {
                let booted = update.booted_at != lpar.booted_at;
                if booted && !options.has('e') {
                    writeln!(
                        out,
                        "9999-031 FAILED: the kernel knows of no live update; was the system booted since?"
                    )?;
                    return Ok(1);
                }
                let force = original_runs(&context.world()?, &context.name, update)?;
                if force && !options.has('o') {
                    writeln!(
                        out,
                        "9999-032 FAILED: the workload has moved, and the original partition still runs."
                    )?;
                    return Ok(1);
                }
            }
            if lpar.has(Fault::ClvupdateAsks) && !goes_on(out)? {
                return Ok(1);
            }
            if let Some(update) = lpar.update {
                context.store.change(|world| {
                    if Some(world.lpar(&context.name)?.partition_id) == update.surrogate_id {
                        // The workload has moved: forward only.
                        world.paths_back(&context.name)?;
                        world.original_deleted(&context.name)?;
                        world.processors_back(&context.name)?;
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

/// Whether the workload has moved and left an original that was not switched off.
fn original_runs(world: &World, lpar: &str, update: &Update) -> anyhow::Result<bool> {
    let moved = Some(world.lpar(lpar)?.partition_id) == update.surrogate_id;
    let original = world.frame_of(lpar)?.partition(update.original_id);
    Ok(moved && original.is_some_and(|one| one.state == PartitionState::Running))
}

/// Asks, as a command that has a terminal would.
fn goes_on(out: &mut dyn Write) -> anyhow::Result<bool> {
    write!(out, "9999-033 WARNING: the surrogate may still hold devices. Continue? (y/n) ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "y")
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
