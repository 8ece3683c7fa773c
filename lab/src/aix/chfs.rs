//! `chfs -a size=+1G FILESYSTEM`: makes a file system larger, from what rootvg has left (LU §4.1 L14).

use std::io::Write;

use super::{Context, Options};
use crate::fault::Fault;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "a");
    let size = options.value('a').and_then(|text| text.strip_prefix("size=+"));
    let (Some(megabytes), [folder]) = (size.and_then(megabytes), &options.words[..]) else {
        writeln!(std::io::stderr(), "chfs: the lab knows only -a size=+NUMBER[M|G] FILESYSTEM")?;
        return Ok(1);
    };
    let blocks = context.change(|lpar| {
        let found = lpar.filesystems.iter_mut().find(|one| one.mounted_on == *folder);
        let blocks = found.map(|found| {
            found.size_mb += megabytes;
            found.size_mb * 2048
        });
        if blocks.is_some() && folder == "/var" {
            lpar.faults.remove(&Fault::DiskFull);
        }
        Ok(blocks)
    })?;
    match blocks {
        Some(blocks) => writeln!(out, "Filesystem size changed to {blocks}")?,
        None => return Ok(1),
    }
    Ok(0)
}

/// `1G`, `512M`.
fn megabytes(text: &str) -> Option<u64> {
    match (text.strip_suffix('G'), text.strip_suffix('M')) {
        (Some(number), _) => number.parse::<u64>().ok()?.checked_mul(1024),
        (None, Some(number)) => number.parse().ok(),
        (None, None) => None,
    }
}
