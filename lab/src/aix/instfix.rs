//! `instfix -i`, `-ik KEYWORD`, `-ic`: which fixes are in the database of fixes. Source: AIX's description of the command, and the two
//! sentences that administrators quote; that the exit status is 1 where a fix is not there is inferred.

use std::collections::BTreeSet;
use std::io::Write;

use super::{Context, Options};
use crate::world::Lpar;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "kdfst");
    if !options.has('i') || options.has('d') || options.has('f') {
        writeln!(std::io::stderr(), "instfix: the lab knows only -i, with -k, -c and -q")?;
        return Ok(1);
    }
    let known = known(&context.lpar()?);
    let asked: Vec<String> = match options.value('k') {
        Some(words) => words.split_whitespace().map(str::to_owned).collect(),
        None => known.iter().cloned().collect(),
    };
    let mut status = 0;
    for keyword in &asked {
        let there = known.contains(keyword);
        status |= u8::from(!there);
        match (there, options.has('q')) {
            (_, true) => {}
            (true, false) => writeln!(out, "    All filesets for {keyword} were found.")?,
            (false, false) => {
                writeln!(out, "    There was no data for {keyword} in the fix database.")?;
            }
        }
    }
    Ok(status)
}

/// The keyword of the technology level, the fixes that updates brought, and those that interim fixes are for: their labels begin with it.
fn known(lpar: &Lpar) -> BTreeSet<String> {
    let level = lpar.software.level.get(..7).unwrap_or(&lpar.software.level);
    let fixes = lpar.software.ifixes.iter().map(|ifix| ifix.label.chars().take(7).collect());
    let brought = lpar.software.fixes.iter().cloned();
    fixes.chain(brought).chain([format!("{level}_AIX_ML")]).collect()
}
