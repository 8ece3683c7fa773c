//! Trusted Execution: off while updates are installed. Source: LU S08, §4.4a.

use nim_shared::aix;
use nim_shared::frame::ChangeClass;
use nim_shared::prep::Setting;

use super::super::Stop;
use super::setting::{self, Error, LIMIT, Lpar};
use super::verification;
use crate::supervisor::Supervisor;

/// Switches it off, where it is on.
pub(super) fn run(supervisor: &mut Supervisor, class: ChangeClass) -> Result<(), Stop> {
    verification::remember(supervisor)?;
    // Asked before anything is changed: what is locked cannot be switched without a reboot. Source: LU §4.4a (inferred).
    if let Ok(text) = supervisor.commands.ask("trustchk", &["-p"], LIMIT) {
        let policies = aix::trustchk(&text);
        let is_on = |name: &str| policies.get(name).copied().unwrap_or(false);
        if is_on("TE") && is_on(LOCK) {
            return Err(Stop::failed(format!(
                "the LPAR could not be made ready: Trusted Execution is on and {LOCK}=ON: only a reboot lets it be switched off"
            )));
        }
    }
    setting::change(supervisor, class, Setting::TrustedExecution, |before| {
        (before == ON).then(|| OFF.to_owned())
    })
}

pub(super) fn read(lpar: Lpar<'_>) -> Result<String, Error> {
    let text = lpar.commands.ask("trustchk", &["-p", "te"], LIMIT)?;
    match aix::trustchk(&text).get("TE") {
        Some(true) => Ok(ON.to_owned()),
        Some(false) => Ok(OFF.to_owned()),
        None => Err(Error::Unreadable { setting: Setting::TrustedExecution, text }),
    }
}

pub(super) fn write(lpar: Lpar<'_>, wanted: &str) -> Result<(), Error> {
    lpar.commands.ask("trustchk", &["-p", &format!("te={wanted}")], LIMIT)?;
    Ok(())
}

pub(super) const ON: &str = "on";
pub(super) const OFF: &str = "off";

const LOCK: &str = "LOCK_KERN_POLICIES";
