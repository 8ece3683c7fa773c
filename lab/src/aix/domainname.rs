//! `domainname`: the NIS domain, an empty line where none is set (LU §4.4 S24). With a name it sets one.

use std::io::Write;

use super::Context;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    match arguments.first() {
        None => writeln!(out, "{}", context.lpar()?.system.nis_domain)?,
        Some(name) => context.change(|lpar| {
            name.clone_into(&mut lpar.system.nis_domain);
            Ok(())
        })?,
    }
    Ok(0)
}
