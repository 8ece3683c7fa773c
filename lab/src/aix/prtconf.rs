//! `prtconf`: the head of what it prints (LU §5.4).

use std::io::Write;

use super::Context;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    let world = context.world()?;
    let (frame, partition) = (world.frame_of(&context.name)?, world.partition_of(&context.name)?);
    writeln!(out, "System Model: IBM,{}", frame.type_model)?;
    writeln!(out, "Machine Serial Number: {}", frame.serial)?;
    writeln!(out, "LPAR Info: {} {}", partition.id, context.name)?;
    writeln!(out, "Memory Size: {} MB", partition.memory_mb)?;
    writeln!(out, "Platform Firmware level: {}", frame.firmware)?;
    Ok(0)
}
