//! `sysdumpdev -l`: dumps go into rootvg. Source of the lines: AIX's description of `sysdumpdev`.

use std::io::Write;

use super::Context;

pub(super) fn run(_: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    for (label, value) in [
        ("primary", "/dev/lg_dumplv"),
        ("secondary", "/dev/sysdumpnull"),
        ("copy directory", "/var/adm/ras"),
        ("forced copy flag", "TRUE"),
        ("always allow dump", "FALSE"),
        ("dump compression", "ON"),
    ] {
        writeln!(out, "{label:<20} {value}")?;
    }
    Ok(0)
}
