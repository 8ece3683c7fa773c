//! The part before the Live Update: installp and emgr (LU §2.1, §2.4, §2.7).

use std::fs;

use anyhow::Context as _;

use super::say::Printer;
use crate::Phase;
use crate::aix::Context;
use crate::aix::media::Selection;
use crate::fault::Fault;
use crate::world::lpar::Lpar;

const LOG: &str = "/var/adm/ras/install_all_updates.log";

/// The media cannot be read, or lack what was asked for.
pub(super) fn unusable(printer: &mut Printer<'_>, error: &anyhow::Error) -> anyhow::Result<u8> {
    printer.plain(&format!("geninstall: {error:#}"))?;
    ending(printer)
}

/// What a preview says of the software.
pub(super) fn preview(
    context: &Context,
    printer: &mut Printer<'_>,
    selection: &Selection,
) -> anyhow::Result<()> {
    if !selection.filesets.is_empty() {
        beginning(printer)?;
        let lpar = context.lpar()?;
        let locks = locks(&lpar, selection);
        if !locks.is_empty() {
            locked(printer, &locks)?;
        }
        printer.plain("install_all_updates: Result = SUCCESS")?;
    }
    for ifix in &selection.ifixes {
        printer.plain(&format!("LABEL:             {}", ifix.label))?;
        let capable = if ifix.live_update { "yes" } else { "no" };
        printer.plain(&format!("LU CAPABLE:        {capable}"))?;
    }
    Ok(())
}

/// Applies and commits updates on the original, before anything is moved. `Some(status)`: it ends here.
pub(super) fn apply(
    context: &Context,
    printer: &mut Printer<'_>,
    selection: &Selection,
) -> anyhow::Result<Option<u8>> {
    if let Some(ifix) = selection.ifixes.iter().find(|ifix| !ifix.live_update) {
        printer.plain(&format!("LABEL:             {}", ifix.label))?;
        printer.plain("LU CAPABLE:        no")?;
        return ending(printer).map(Some);
    }
    if selection.filesets.is_empty() {
        return Ok(None);
    }
    beginning(printer)?;
    printer.enter(Phase::Install)?;
    let lpar = context.lpar()?;
    let locks = locks(&lpar, selection);
    let refused = !locks.is_empty() || lpar.has(Fault::InstallFails);
    if !refused {
        printer.wait(Phase::Install, Phase::Install.sample_seconds())?;
        let selection = selection.clone();
        context.change(|lpar| {
            for (name, level) in selection.filesets {
                let known = lpar.software.filesets.entry(name).or_default();
                if *known < level {
                    *known = level;
                }
            }
            if let Some(level) = selection.level.filter(|level| *level > lpar.software.level) {
                lpar.software.level = level;
            }
            Ok(())
        })?;
    } else if !locks.is_empty() {
        locked(printer, &locks)?;
    }
    let result = if refused { "FAILURE" } else { "SUCCESS" };
    printer.plain(&format!("install_all_updates: Log file is {LOG}"))?;
    printer.plain(&format!("install_all_updates: Result = {result}"))?;
    fs::write(context.path(LOG), format!("Result = {result}\n"))
        .context("cannot write the log of installp")?;
    if refused { ending(printer).map(Some) } else { Ok(None) }
}

fn beginning(printer: &mut Printer<'_>) -> anyhow::Result<()> {
    printer.plain("")?;
    printer.plain("install_all_updates: Initializing system parameters.")?;
    printer.plain(&format!("install_all_updates: Log file is {LOG}"))?;
    printer.plain("install_all_updates: Checking for updated install utilities on media.")?;
    printer.plain("install_all_updates: Processing media.")
}

/// Interim fixes that lock filesets of the update, with those filesets.
fn locks(lpar: &Lpar, selection: &Selection) -> Vec<(String, String)> {
    let locks = lpar.software.ifixes.iter().flat_map(|ifix| {
        ifix.packages.iter().map(move |package| (ifix.label.clone(), package.clone()))
    });
    locks.filter(|(_, package)| selection.filesets.contains_key(package)).collect()
}

fn locked(printer: &mut Printer<'_>, locks: &[(String, String)]) -> anyhow::Result<()> {
    printer.plain("EFIX MANAGER LOCKS")?;
    printer.plain("------------------")?;
    printer.plain("The following selected filesets are locked by EFIX manager:")?;
    for (label, package) in locks {
        printer.plain(&format!("  {package}  {label}"))?;
    }
    printer.plain("")?;
    printer.plain("  # /usr/sbin/emgr -P")?;
    printer.plain("  # /usr/sbin/emgr -r -L <EFIX label>")
}

fn ending(printer: &mut Printer<'_>) -> anyhow::Result<u8> {
    printer
        .plain("geninstall:  The live update will not proceed because of an install failure.")?;
    printer.plain("Please check your logs in /var/adm/ras/liveupdate/logs.")?;
    printer.plain("Please check /var/adm/ras/emgr.log for interim fix status.")?;
    Ok(1)
}
