//! `vmo -o NAME`: large pages (LU §4.3 D24).

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "o");
    match options.value('o') {
        Some(name @ "lgpg_regions") => {
            writeln!(out, "{name} = {}", context.lpar()?.system.large_pages)?;
            Ok(0)
        }
        Some(_) | None => Ok(1),
    }
}
