//! `snap -U`: collects what there is of Live Update into `/tmp/ibmsupt/liveupdate` (LU §5.4). What it prints is the lab's own.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::{Context, Options};

/// Where it collects.
const FOLDER: &str = "/tmp/ibmsupt/liveupdate";

/// What it collects.
const SOURCE: &str = "/var/adm/ras/liveupdate";

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    if !Options::read(arguments, "").has('U') {
        writeln!(out, "snap: this lab knows -U only.")?;
        return Ok(1);
    }
    writeln!(out, "Gathering Live Update information...")?;
    copy(&context.path(SOURCE), &context.path(FOLDER))?;
    writeln!(out, "done.")?;
    Ok(0)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let there = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy(&item.path(), &there)?;
        } else {
            fs::copy(item.path(), there)?;
        }
    }
    Ok(())
}
