//! The part before the Live Update: installp and emgr (LU §2.1, §2.4, §2.7).

use std::fs;

use anyhow::Context as _;

use super::say::Printer;
use crate::Phase;
use crate::aix::media::Selection;
use crate::aix::{Context, stamp};
use crate::fault::Fault;
use crate::world::lpar::{Lpar, Subsystem};

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
        if lpar.has(Fault::HigherUtilities) {
            // LU §3.2.
            printer.plain(
                "install_all_updates: ATTENTION, a higher level of install utilities is available.",
            )?;
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
    match apply_updates(context, printer, selection, State::Committed)? {
        Applied::Done => Ok(None),
        Applied::Refused => ending(printer).map(Some),
    }
}

/// Applies and commits filesets with installp.
fn apply_updates(
    context: &Context,
    printer: &mut Printer<'_>,
    selection: &Selection,
    state: State,
) -> anyhow::Result<Applied> {
    beginning(printer)?;
    printer.enter(Phase::Install)?;
    let lpar = context.lpar()?;
    let locks = locks(&lpar, selection);
    let causes = [Fault::InstallFails, Fault::BosbootFails, Fault::MissingApars];
    let refused = !locks.is_empty() || causes.iter().any(|fault| lpar.has(*fault));
    // LU §3.2.
    if lpar.has(Fault::BosbootFails) {
        printer.plain("0503-409 installp:  bosboot verification starting...")?;
        printer.plain(
            "0503-497 installp:  An error occurred during bosboot verification processing.",
        )?;
    }
    if lpar.has(Fault::MissingApars) {
        printer.plain("BUILDDATE Verification ...")?;
        printer.plain("The updates being installed do not contain all the APARs to allow all existing interim fixes to be automatically removed.")?;
    }
    if !refused {
        printer.wait(Phase::Install, Phase::Install.sample_seconds())?;
        let selection = selection.clone();
        context.change(|lpar| {
            let before = lpar.software.level.clone();
            lpar.software.fixes.extend(selection.fixes);
            for (name, level) in selection.filesets {
                let known = lpar.software.filesets.entry(name.clone()).or_default();
                if *known < level {
                    let old = std::mem::replace(known, level);
                    if state == State::Applied && !old.is_empty() {
                        lpar.software.applied.level.get_or_insert_with(|| before.clone());
                        lpar.software.applied.filesets.entry(name.clone()).or_insert(old);
                    }
                }
                if state == State::Committed {
                    lpar.software.applied.filesets.remove(&name);
                }
            }
            if lpar.has(Fault::PfcdaemonSlow) {
                lpar.subsystems.insert("pfcdaemon".to_owned(), Subsystem::Stopped);
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
    Ok(if refused { Applied::Refused } else { Applied::Done })
}

/// Installs without Live Update: filesets as before, interim fixes until the next reboot (LU S02).
pub(super) fn plain(
    context: &Context,
    printer: &mut Printer<'_>,
    selection: &Selection,
    state: State,
) -> anyhow::Result<u8> {
    let lpar = context.lpar()?;
    let is_new = |(name, level): (&String, &String)| {
        lpar.software.filesets.get(name).is_none_or(|installed| installed < level)
    };
    let labels: Vec<&str> = lpar.software.ifixes.iter().map(|ifix| ifix.label.as_str()).collect();
    let new_fix = selection.ifixes.iter().any(|ifix| !labels.contains(&ifix.label.as_str()));
    if !new_fix && !selection.filesets.iter().any(is_new) {
        printer.plain("Either the software is already at the same level as on the media, or")?;
        return Ok(1);
    }
    if !selection.filesets.is_empty()
        && apply_updates(context, printer, selection, state)? == Applied::Refused
    {
        return Ok(1);
    }
    let at = stamp::emgr(printer.now);
    let mut log = String::new();
    for (number, ifix) in (1..).zip(&selection.ifixes) {
        // Source: the NIM reference, §3.2, the output of an interim fix.
        if number == 1 {
            printer.plain("Initializing log /var/adm/ras/emgr.log ...")?;
            printer.plain("EPKG NUMBER       LABEL               OPERATION              RESULT")?;
            printer.plain(
                "===========       ==============      =================      ==============",
            )?;
        }
        let row = format!("{number:<17} {:<19} {:<22} SUCCESS", ifix.label, "INSTALL");
        printer.plain(&row)?;
        log += &format!("{row}\n");
    }
    if !log.is_empty() {
        fs::write(context.path("/var/adm/ras/emgr.log"), log).context("cannot write emgr.log")?;
    }
    context.change(|lpar| {
        let new = selection.ifixes.iter().map(|ifix| ifix.installed("*Q*", at.clone()));
        lpar.software.ifixes.extend(new);
        Ok(())
    })?;
    Ok(0)
}

/// Whether updates can still be rejected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// They can.
    Applied,
    /// They cannot.
    Committed,
}

/// What came of installp.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applied {
    Done,
    Refused,
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
