//! `lsdev -Cc class` (LU §5.3).

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
        if shown {
            writeln!(out, "{name} Available  {text}")?;
        }
    }
    Ok(0)
}
