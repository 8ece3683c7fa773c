//! `errpt`, `-N resource`: newest first (LU §5.4).

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "NjsekdTt");
    let lpar = context.lpar()?;
    let wanted = lpar.errors.iter().rev().filter(|entry| {
        options.value('N').is_none_or(|name| name == entry.resource)
            && options.value('j').is_none_or(|ids| ids.split(',').any(|id| id == entry.identifier))
    });
    let mut first = true;
    for entry in wanted {
        if first {
            writeln!(out, "IDENTIFIER TIMESTAMP  T C RESOURCE_NAME  DESCRIPTION")?;
            first = false;
        }
        let (kind, class) = (entry.kind, entry.class);
        writeln!(
            out,
            "{:<10} {:<10} {kind} {class} {:<14} {}",
            entry.identifier, entry.timestamp, entry.resource, entry.text
        )?;
    }
    Ok(0)
}
