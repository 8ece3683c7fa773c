//! `lsdev -C`, with `-c class`, `-l name` and `-F columns` (LU §5.3).

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "clstrF");
    let lpar = context.lpar()?;
    let there = "Available";
    let disks = lpar.disks.iter();
    let disks = disks.map(|disk| (disk.name.as_str(), "disk", there, "Virtual SCSI Disk Drive"));
    let adapters = lpar.adapters.iter();
    let adapters =
        adapters.map(|name| (name.as_str(), "adapter", there, "Virtual SCSI Client Adapter"));
    let network = ("ent0", "adapter", there, "Virtual I/O Ethernet Adapter (l-lan)");
    let fabric = fabric(context)?;
    let fabric = fabric.iter();
    let fabric = fabric
        .map(|name| (name.as_str(), "adapter", there, "Virtual Fibre Channel Client Adapter"));
    let others = lpar.system.devices.iter();
    let others = others.map(|one| (&*one.name, &*one.class, &*one.status, &*one.text));
    let all = disks.chain(adapters).chain([network]).chain(fabric).chain(others);
    for (name, class, status, text) in all {
        let shown = options.value('c').is_none_or(|wanted| wanted == class)
            && options.value('l').is_none_or(|wanted| wanted == name);
        if !shown {
            continue;
        }
        match options.value('F') {
            None => writeln!(out, "{name} {status}  {text}")?,
            Some(columns) => {
                let values: Vec<_> = columns
                    .split_whitespace()
                    .map(|column| match column {
                        "class" => class,
                        "name" => name,
                        "status" => status,
                        "description" => text,
                        _ => "",
                    })
                    .collect();
                writeln!(out, "{}", values.join(" "))?;
            }
        }
    }
    Ok(0)
}

/// A client adapter for each server adapter that VIO servers have for this LPAR (LU §5.3, inferred).
fn fabric(context: &Context) -> anyhow::Result<Vec<String>> {
    let world = context.world()?;
    let servers = world.frame_of(&context.name)?.vioses.values();
    let own = servers.flat_map(|vios| &vios.vfchosts).filter(|one| one.lpar == context.name);
    Ok(own.enumerate().map(|(number, _)| format!("fcs{number}")).collect())
}
