//! `oslevel`, `-r`, `-s` (LU §5.2): the level on disk, which a reboot or a Live Update makes the running one.

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    let level = context.lpar()?.software.level;
    if options.has('s') {
        writeln!(out, "{level}")?;
    } else if options.has('r') {
        writeln!(out, "{}", level.get(..7).unwrap_or(&level))?;
    } else {
        let digits: Vec<String> = level.chars().take(4).map(String::from).collect();
        writeln!(out, "{}", digits.join("."))?;
    }
    Ok(0)
}
