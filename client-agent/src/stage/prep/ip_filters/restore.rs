//! IP filters come back, on trial: they stay only when a connection that the master opens under them comes through.
//!
//! Rules that keep the master out keep out whoever would mend them, and after a move an address may be another. So they are loaded only
//! while a master is heard, and taken off again when it does not come anew in time. Whoever dies between, the successor takes off what
//! was not proven before it does anything else. After a boot nothing counts as proven, and what is there is nobody's doing: what AIX makes of
//! filters at a boot is not known.

use std::time::{Duration, Instant};

use nim_shared::id::Digest;
use nim_shared::prep::{FilterState, IpVersion, Setting};

use super::super::setting::{self, LIMIT, Lpar};
use super::{PROOF, end_exposure, is_available, saved, state, state_after, take_off, try_to};
use crate::crash;
use crate::disk;
use crate::facts;
use crate::operation::{Filters, Standing};
use crate::supervisor::{self, CONTROL_PACE, Supervisor};

/// Why they are not put back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Setting(#[from] setting::Error),
    /// Somebody else has given them another state. They are left as they are.
    #[error(
        "the IP filters of version {version} were set to {now} by somebody else; before, they were {before}"
    )]
    SetMeanwhile { version: IpVersion, now: String, before: String },
    /// They stay off.
    #[error(
        "the IP filters of version {version} stay off: no master was there within {seconds} s for whom they could be tried; {saved}"
    )]
    NobodyThere { version: IpVersion, seconds: u64, saved: String },
    /// They were taken off again.
    #[error(
        "the IP filters of version {version} are off again: no connection that the master opened came through them within {seconds} s; {saved}"
    )]
    Unproven { version: IpVersion, seconds: u64, saved: String },
    /// What came back is not what was there. They were taken off again.
    #[error(
        "the IP filters of version {version} do not come back as they were, and are off; {saved}"
    )]
    NotTheSame {
        version: IpVersion,
        saved: String,
        #[source]
        cause: setting::Error,
    },
    /// They have to go, and do not.
    #[error("the IP filters of version {version} could not be taken off again; {saved}")]
    StillThere {
        version: IpVersion,
        saved: String,
        #[source]
        cause: setting::Error,
    },
}

/// Why they are not put back, or why nothing goes on here.
#[derive(Debug)]
pub(crate) enum Failed {
    /// They are not put back.
    Not(Error),
    /// The supervisor itself cannot go on. Its successor will.
    Broken(supervisor::Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Not(error)
    }
}

impl From<setting::Error> for Failed {
    fn from(error: setting::Error) -> Self {
        Self::Not(error.into())
    }
}

impl From<supervisor::Error> for Failed {
    fn from(error: supervisor::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<disk::Error> for Failed {
    fn from(error: disk::Error) -> Self {
        Self::Broken(error.into())
    }
}

/// Brings the filters of `version` back to `before`.
pub(crate) fn restore(
    supervisor: &mut Supervisor,
    version: IpVersion,
    before: &str,
) -> Result<(), Failed> {
    let wanted: FilterState = before.parse().map_err(|_| setting::Error::Impossible {
        setting: Setting::IpFilters { version },
        wanted: before.to_owned(),
    })?;
    let filters = supervisor.operation.filters()?;
    let is_rebooted = is_rebooted(supervisor, &filters)?;
    let now = state_after(setting::lpar(supervisor), version);
    let is_there = now.as_ref().is_ok_and(|now| *now == wanted);
    match filters.of(version) {
        // What is there is not known to let anybody in.
        Standing::Returning if !is_there || !is_proven(supervisor, &filters)? => {
            withdraw(supervisor, version)?;
        }
        Standing::Off | Standing::Leaving | Standing::Returning if is_rebooted => {
            withdraw(supervisor, version)?;
        }
        standing => {
            let now = now?;
            let is_ours =
                now == FilterState::Gone || standing == Standing::Leaving && !now.is_active();
            if now != wanted && !is_ours {
                let (now, before) = (now.to_string(), before.to_owned());
                return Err(Error::SetMeanwhile { version, now, before }.into());
            }
        }
    }
    if state_after(setting::lpar(supervisor), version)? != wanted {
        bring_back(supervisor, version, &wanted)?;
    }
    supervisor.operation.set_standing(version, Standing::Back)?;
    Ok(end_exposure(supervisor, version)?)
}

/// Whether the LPAR was booted since they were taken off. A surrogate is booted too: what counts then is the time since they were first
/// put back.
fn is_rebooted(supervisor: &Supervisor, filters: &Filters) -> Result<bool, disk::Error> {
    let now = supervisor.facts.boot().booted_at;
    match &filters.put_back_in {
        Some(before) => Ok(now.is_some_and(|now| now != *before)),
        None => {
            supervisor.operation.set_put_back_in(now)?;
            Ok(supervisor.was_rebooted())
        }
    }
}

/// Whether a master is there that could prove them now.
pub(crate) fn is_master_there(supervisor: &mut Supervisor) -> Result<bool, supervisor::Error> {
    supervisor.note("IP filters are to be put back: is a master there?")?;
    supervisor.is_heard(SOON)
}

/// Loads them, and keeps them only when the master comes through.
fn bring_back(
    supervisor: &mut Supervisor,
    version: IpVersion,
    wanted: &FilterState,
) -> Result<(), Failed> {
    if wanted.is_active() {
        supervisor.note(format!(
            "the IP filters of version {version} can come back once a master is there"
        ))?;
        let limit = supervisor.request.limits.answer;
        if !supervisor.is_heard(limit.duration())? {
            let (seconds, saved) = (limit.0, place(supervisor, version));
            return Err(Error::NobodyThere { version, seconds, saved }.into());
        }
    }
    supervisor.operation.set_standing(version, Standing::Returning)?;
    crash::point("filters.returning");
    if let Err(cause) = load(supervisor, version, wanted) {
        withdraw(supervisor, version)?;
        let saved = place(supervisor, version);
        return Err(Error::NotTheSame { version, saved, cause }.into());
    }
    crash::point("filters.loaded");
    if wanted.is_active() { prove(supervisor, version) } else { Ok(()) }
}

/// Waits until a connection has come through that the master opened after they were loaded.
fn prove(supervisor: &mut Supervisor, version: IpVersion) -> Result<(), Failed> {
    let limit = PROOF.min(supervisor.request.limits.answer.duration());
    supervisor.note(format!(
        "the IP filters of version {version} are loaded, on trial for {} s",
        limit.as_secs()
    ))?;
    // One of its own for each trial: what proved another proves nothing here.
    let trial =
        format!("{} {version} {} {}", supervisor.operation.id, facts::now(), std::process::id());
    let trial = Digest::of(trial.as_bytes());
    supervisor.operation.set_trial(trial)?;
    crash::point("filters.tried");
    let since = Instant::now();
    loop {
        if supervisor.operation.proven()?.get()? == Some(trial) {
            crash::point("filters.proven");
            return Ok(());
        }
        if since.elapsed() >= limit {
            withdraw(supervisor, version)?;
            let (seconds, saved) = (limit.as_secs(), place(supervisor, version));
            return Err(Error::Unproven { version, seconds, saved }.into());
        }
        supervisor.pause(CONTROL_PACE)?;
    }
}

/// Whether the last trial had its proof.
fn is_proven(supervisor: &Supervisor, filters: &Filters) -> Result<bool, disk::Error> {
    Ok(filters.trial.is_some() && supervisor.operation.proven()?.get()? == filters.trial)
}

/// Takes them off again.
fn withdraw(supervisor: &mut Supervisor, version: IpVersion) -> Result<(), Failed> {
    let lpar = setting::lpar(supervisor);
    let taken = take_off(lpar, version);
    // Where the device stays, nothing may be in force on it.
    let is_off = || state(lpar, version).is_ok_and(|now| !now.is_active());
    if let Err(cause) = taken
        && !is_off()
    {
        let saved = place(supervisor, version);
        return Err(Error::StillThere { version, saved, cause }.into());
    }
    crash::point("filters.withdrawn");
    Ok(supervisor.operation.set_standing(version, Standing::Leaving)?)
}

/// Brings their device, their rules and what of them was in force back, and looks whether it is the same.
fn load(
    supervisor: &Supervisor,
    version: IpVersion,
    wanted: &FilterState,
) -> Result<(), setting::Error> {
    let lpar = setting::lpar(supervisor);
    let number = version.number();
    if !is_available(lpar, version)? {
        lpar.commands.ask("mkdev", &["-c", "ipsec", "-t", number], LIMIT)?;
    }
    // Whether rules outlive their device is not known.
    if !state_after(lpar, version)?.has_rules_of(wanted) {
        if !saved::are_there(&supervisor.operation, version) {
            let text =
                "the rules are not what they were, and none were kept on this copy of the system"
                    .to_owned();
            return Err(setting::Error::Unreadable {
                setting: Setting::IpFilters { version },
                text,
            });
        }
        try_to(lpar, "rmfilt", &["-v", number, "-n", "all"])?;
        let folder = supervisor.root.as_seen(&saved::folder(&supervisor.operation, version));
        lpar.commands.ask("impfilt", &["-v", number, "-f", &folder], LIMIT)?;
    }
    let found = state_after(lpar, version)?;
    // Rules that are not the same are not even tried.
    if found.has_rules_of(wanted) && wanted.is_active() && found != *wanted {
        lpar.commands.ask("mkfilt", &["-v", number, "-u"], LIMIT)?;
    }
    must_be(lpar, version, wanted)
}

fn must_be(lpar: Lpar<'_>, version: IpVersion, wanted: &FilterState) -> Result<(), setting::Error> {
    let found = state_after(lpar, version)?;
    if found == *wanted {
        return Ok(());
    }
    let (setting, wanted) = (Setting::IpFilters { version }, wanted.to_string());
    Err(setting::Error::NotReached { setting, wanted, found: found.to_string() })
}

/// Where a person finds the rules.
fn place(supervisor: &Supervisor, version: IpVersion) -> String {
    let folder = supervisor.root.as_seen(&saved::folder(&supervisor.operation, version));
    format!("their rules are in {folder} (`impfilt -v {version} -f {folder}`)")
}

/// How long a master may take to store a record, where it is there.
const SOON: Duration = Duration::from_secs(30);
