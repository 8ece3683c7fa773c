//! `lspv`: columns of 16, 36 and 16 characters (LU §5.3), and `lspv -u` with unique id and UUID behind them (AIX's description of
//! `lspv`).

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    for disk in context.lpar()?.disks {
        let is_active = matches!(disk.vg.as_deref(), Some("rootvg" | "caavg_private" | "appvg"));
        let state = if is_active { "active" } else { "" };
        let (pvid, vg) =
            (disk.pvid.as_deref().unwrap_or("none"), disk.vg.as_deref().unwrap_or("None"));
        let mut line = format!("{:<16}{pvid:<36}{vg:<16}{state}", disk.name);
        if options.has('u') {
            // Made from the LUN, so that every LPAR that sees it shows the same.
            let number = disk
                .udid
                .bytes()
                .fold(7_u64, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
            let digits = format!("{number:016x}{:016x}", number.rotate_left(17));
            let uuid =
                [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            line = format!("{line:<80}{:<50}  {}", disk.udid, uuid.join("-"));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(0)
}
