//! `lsps -a`: the one paging space that LPARs of the lab have. Source of the columns: AIX's description of `lsps`.

use std::io::Write;

use super::Context;
use crate::world::lpar::PAGING_MB;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    let lpar = context.lpar()?;
    let disk = lpar.boot_disk().map_or("hdisk0", |disk| disk.name.as_str());
    writeln!(
        out,
        "Page Space      Physical Volume   Volume Group    Size %Used   Active    Auto    Type   Chksum"
    )?;
    let size = format!("{PAGING_MB}MB");
    writeln!(
        out,
        "{:<15} {disk:<17} {:<11} {size:>8}     1     yes     yes      lv       0",
        "hd6", "rootvg"
    )?;
    Ok(0)
}
