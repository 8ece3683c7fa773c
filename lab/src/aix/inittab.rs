//! `lsitab ID`, `chitab ENTRY`, `rmitab ID` (LU §5.4) on `/etc/inittab`: status 1 without output where there is no such entry (inferred).

use std::fs;
use std::io::Write;

use super::Context;

/// The file.
pub(crate) const INITTAB: &str = "/etc/inittab";

pub(super) fn lsitab(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let text = fs::read_to_string(context.path(INITTAB))?;
    let id = arguments.first().map_or("", String::as_str);
    match text.lines().find(|line| id_of(line) == id) {
        Some(line) => writeln!(out, "{line}")?,
        None => return Ok(1),
    }
    Ok(0)
}

pub(super) fn chitab(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let entry = arguments.first().map_or("", String::as_str);
    replace(context, id_of(entry), Some(entry))
}

pub(super) fn rmitab(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    replace(context, arguments.first().map_or("", String::as_str), None)
}

fn replace(context: &Context, id: &str, with: Option<&str>) -> anyhow::Result<u8> {
    let path = context.path(INITTAB);
    let text = fs::read_to_string(&path)?;
    if !text.lines().any(|line| id_of(line) == id) {
        return Ok(1);
    }
    let lines = text.lines().filter_map(|line| if id_of(line) == id { with } else { Some(line) });
    fs::write(path, lines.map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(0)
}

fn id_of(line: &str) -> &str {
    line.split(':').next().unwrap_or_default()
}
