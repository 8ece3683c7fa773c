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
    let disks =
        lpar.disks.iter().map(|disk| (disk.name.as_str(), "disk", "Virtual SCSI Disk Drive"));
    let adapters =
        lpar.adapters.iter().map(|name| (name.as_str(), "adapter", "Virtual SCSI Client Adapter"));
    let network = ("ent0", "adapter", "Virtual I/O Ethernet Adapter (l-lan)");
    for (name, class, text) in disks.chain(adapters).chain([network]) {
        let shown = options.value('c').is_none_or(|wanted| wanted == class)
            && options.value('l').is_none_or(|wanted| wanted == name);
        if !shown {
            continue;
        }
        match options.value('F') {
            None => writeln!(out, "{name} Available  {text}")?,
            Some(columns) => {
                let values: Vec<_> = columns
                    .split_whitespace()
                    .map(|column| match column {
                        "class" => class,
                        "name" => name,
                        "status" => "Available",
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
