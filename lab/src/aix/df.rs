//! `df`, `-k`, `-m`, `-g` (LU §5.3).

use std::io::Write;

use super::locale::language;
use super::{Context, Options};
use crate::fault::Fault;
use crate::world::lpar::{FileSystem, Lpar};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    let lpar = context.lpar()?;
    let (unit, per_mb): (&str, f64) = if options.has('g') {
        ("GB", 1.0 / 1024.0)
    } else if options.has('m') {
        ("MB", 1.0)
    } else if options.has('k') {
        ("1024-blocks", 1024.0)
    } else {
        ("512-blocks", 2048.0)
    };
    let header = match unit {
        "GB" => "Filesystem    GB blocks      Free %Used    Iused %Iused Mounted on".to_owned(),
        "MB" => "Filesystem    MB blocks      Free %Used    Iused %Iused Mounted on".to_owned(),
        blocks => format!("Filesystem    {blocks}      Free %Used    Iused %Iused Mounted on"),
    };
    writeln!(out, "{}", language().say(&header))?;
    let wanted: Vec<&str> = options
        .words
        .iter()
        .filter_map(|path| lpar.filesystem_of(path))
        .map(|fs| fs.mounted_on.as_str())
        .collect();
    for fs in &lpar.filesystems {
        if options.words.is_empty() || wanted.contains(&fs.mounted_on.as_str()) {
            let (size, free) = sizes(&lpar, fs);
            let used = 100 - (free * 100).checked_div(size).unwrap_or(0);
            let digits = if unit == "GB" || unit == "MB" { 2 } else { 0 };
            writeln!(
                out,
                "{:<15} {:>9.digits$} {:>9.digits$} {used:>4}% {:>8} {:>5}% {}",
                fs.device,
                scaled(size, per_mb),
                scaled(free, per_mb),
                fs.used_mb * 30,
                used / 2,
                fs.mounted_on
            )?;
        }
    }
    if options.words.is_empty() {
        writeln!(
            out,
            "{:<15} {:>9} {:>9} {:>5} {:>8} {:>6} /proc",
            "/proc", "-", "-", "-", "-", "-"
        )?;
        for mount in &lpar.mounts {
            writeln!(
                out,
                "{}:{} 512000.00 128000.00   75%     1200     1% {}",
                mount.node, mount.remote, mount.over
            )?;
        }
    }
    Ok(0)
}

/// Size and free space in MB, as everything on the LPAR sees them.
pub(super) fn sizes(lpar: &Lpar, fs: &FileSystem) -> (u64, u64) {
    let full = lpar.has(Fault::DiskFull) && fs.mounted_on == "/var";
    (fs.size_mb, if full { 0 } else { fs.size_mb.saturating_sub(fs.used_mb) })
}

fn scaled(megabytes: u64, per_mb: f64) -> f64 {
    u32::try_from(megabytes).map_or(f64::MAX, f64::from) * per_mb
}
