//! `lspv`: columns of 16, 36 and 16 characters (LU §5.3).

use std::io::Write;

use super::Context;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    for disk in context.lpar()?.disks {
        let is_active = matches!(disk.vg.as_deref(), Some("rootvg" | "caavg_private" | "appvg"));
        let state = if is_active { "active" } else { "" };
        let (pvid, vg) =
            (disk.pvid.as_deref().unwrap_or("none"), disk.vg.as_deref().unwrap_or("None"));
        let line = format!("{:<16}{pvid:<36}{vg:<16}{state}", disk.name);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(0)
}
