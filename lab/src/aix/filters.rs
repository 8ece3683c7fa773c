//! `lsfilt`, `mkfilt`, `rmfilt`, `expfilt`, `impfilt`, each with `-v 4|6` (LU S15; what the reference has no transcript of is inferred from
//! AIX's descriptions): the table of rules outlives its device, and what is in force is what was there when it was activated.

use std::fs;
use std::io::Write;

use anyhow::Context as _;

use super::{Context, Options};
use crate::fault::Fault;
use crate::world::Lpar;
use crate::world::system::Filters;

/// `lsfilt -v N [-a] -O`: the table, or with `-a` the rules in force.
pub(super) fn lsfilt(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "v");
    let lpar = context.lpar()?;
    let Some(filters) = found(&lpar, &options) else { return not_there() };
    let rules = if options.has('a') { &filters.active } else { &filters.rules };
    rules.iter().try_for_each(|rule| writeln!(out, "{rule}"))?;
    Ok(0)
}

/// `mkfilt -v N -u`: the table is in force from now on; `-d`: nothing is.
pub(super) fn mkfilt(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "vgz");
    if found(&context.lpar()?, &options).is_none() {
        return not_there();
    }
    let is_on = options.has('u');
    let locks_out = context.change(|lpar| {
        let locks_out = is_on && lpar.has(Fault::FiltersLockOut);
        if let Some(filters) = of(lpar, &options) {
            filters.active = if is_on { filters.rules.clone() } else { Vec::new() };
        }
        Ok(locks_out)
    })?;
    context.files.lock_out(locks_out)?;
    Ok(0)
}

/// `rmfilt -v N -n all`: the table is empty. What is in force stays so.
pub(super) fn rmfilt(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "vn");
    context.change(|lpar| {
        of(lpar, &options).into_iter().for_each(|filters| filters.rules.clear());
        Ok(0)
    })
}

/// `expfilt -v N -f FOLDER`: the table as a file of that folder.
pub(super) fn expfilt(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "vf");
    let lpar = context.lpar()?;
    let Some(filters) = found(&lpar, &options) else { return not_there() };
    let text: String = filters.rules.iter().map(|rule| format!("{rule}\n")).collect();
    fs::write(file(context, &options), text).context("cannot write the rules")?;
    Ok(0)
}

/// `impfilt -v N -f FOLDER`: the rules of that file behind those of the table.
pub(super) fn impfilt(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "vf");
    if found(&context.lpar()?, &options).is_none() {
        return not_there();
    }
    let text = fs::read_to_string(file(context, &options)).context("cannot read the rules")?;
    context.change(|lpar| {
        let rules = text.lines().map(str::to_owned);
        of(lpar, &options).into_iter().for_each(|filters| filters.rules.extend(rules.clone()));
        Ok(0)
    })
}

/// Those of the version that `-v` names, where their device is available.
fn found<'a>(lpar: &'a Lpar, options: &Options) -> Option<&'a Filters> {
    let version = options.value('v')?;
    let there = lpar.system.has_available(&format!("ipsec_v{version}"));
    lpar.system.filters.get(version).filter(|_| there)
}

fn of<'a>(lpar: &'a mut Lpar, options: &Options) -> Option<&'a mut Filters> {
    lpar.system.filters.get_mut(options.value('v')?)
}

fn file(context: &Context, options: &Options) -> std::path::PathBuf {
    context.path(options.value('f').unwrap_or_default()).join("ipsec_fltr_rule.exp")
}

/// No message of AIX is published for this: the lab's own words.
fn not_there() -> anyhow::Result<u8> {
    writeln!(std::io::stderr(), "IP Security is not available.")?;
    Ok(1)
}
