//! `lsmpio -q`: disks with the names of their LUNs (LU §5.3). A disk whose storage gives none has none.

use std::io::Write;

use super::Context;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    writeln!(
        out,
        "Device           Vendor Id  Product Id       Size       Volume Name\n{}",
        "-".repeat(81)
    )?;
    for disk in context.lpar()?.disks {
        let hundredths = disk.size_mb * 100 / 1024;
        let size = format!("{}.{:02}GiB", hundredths / 100, hundredths % 100);
        let lun = disk.lun.unwrap_or_default();
        let line = format!("{:<16} IBM        2145         {size:>12} {lun}", disk.name);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(0)
}
