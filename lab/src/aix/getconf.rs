//! `getconf DISK_SIZE /dev/hdisk1` and a few names (LU §5.3).

use std::io::Write;

use super::Context;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let lpar = context.lpar()?;
    let answer = match words.as_slice() {
        ["DISK_SIZE" | "DISK_SIZE_MB", device] => {
            let found = lpar.disk(device.trim_start_matches("/dev/"));
            found.map(|disk| lpar.size_of(disk).to_string())
        }
        ["BOOT_DEVICE"] => lpar.boot_disk().map(|disk| disk.name.clone()),
        ["KERNEL_BITMODE"] => Some("64".to_owned()),
        ["REAL_MEMORY"] => {
            Some((context.world()?.partition_of(&context.name)?.memory_mb * 1024).to_string())
        }
        _ => None,
    };
    match answer {
        Some(text) => writeln!(out, "{text}")?,
        None => return Ok(1),
    }
    Ok(0)
}
