//! `bootlist -m normal [-o] [hdiskN …]` (LU §5.3): with `-o` one line per path.

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "m");
    let disks = &options.words;
    if !disks.is_empty() {
        let known = context.change(|lpar| {
            let known = disks.iter().all(|name| lpar.disk(name).is_some());
            if known {
                lpar.bootlist.clone_from(disks);
            }
            Ok(known)
        })?;
        if !known {
            return Ok(1);
        }
    }
    if options.has('o') || disks.is_empty() {
        let lpar = context.lpar()?;
        for name in &lpar.bootlist {
            let is_bootable = lpar.disk(name).is_some_and(|disk| {
                disk.image.is_some() || disk.pvid.as_deref() == Some(lpar.booted_from.as_str())
            });
            let blv = if is_bootable { "blv=hd5" } else { "-" };
            for path in lpar.paths.iter().filter(|path| path.disk == *name) {
                writeln!(out, "{name} {blv} pathid={}", path.id)?;
            }
        }
    }
    Ok(0)
}
