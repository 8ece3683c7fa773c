//! IP filters: their rules are saved, the filters taken off and their devices removed. Source: LU S15, §4.4a, §5.4.
//!
//! No Live Update goes with filters that are in force (LU §1.2, IJ55348), and none that anybody has published goes with their devices.
//! The reference has the cookbook's four commands; the others are those of AIX's descriptions of IP Security (inferred). So what a command
//! says counts for nothing: what is there is read before and after, and what cannot be read is left alone.

mod restore;
mod saved;
mod tunnels;

use std::time::Duration;

use nim_shared::aix;
use nim_shared::frame::{ChangeClass, Effect, Exposed, Known};
use nim_shared::prep::{FilterState, IpVersion, Setting, Step};

use super::super::Stop;
use super::setting::{self, Error, LIMIT, Lpar};
use crate::command;
use crate::facts;
use crate::operation::Standing;
use crate::supervisor::{self, Supervisor};

pub(crate) use restore::{Failed, is_master_there, restore};

/// Takes off those that are there.
pub(super) fn run(
    supervisor: &mut Supervisor,
    class: ChangeClass,
    cut_tunnels: Option<&str>,
) -> Result<(), Stop> {
    for version in IpVersion::ALL {
        supervisor.change(
            class,
            |supervisor| plan(supervisor, version, cut_tunnels),
            |supervisor, effect| apply(supervisor, version, effect),
        )?;
    }
    Ok(())
}

/// What stands against it, before anything is changed.
pub(crate) fn faults(supervisor: &Supervisor) -> Vec<String> {
    let step = supervisor.request.prep.iter().find_map(|one| match &one.step {
        Step::IpFilters { cut_tunnels } => Some(cut_tunnels.as_deref()),
        _ => None,
    });
    let Some(cut_tunnels) = step.filter(|_| supervisor.request.kind.moves()) else {
        return Vec::new();
    };
    let lpar = setting::lpar(supervisor);
    let fault = |version| match state(lpar, version) {
        Ok(FilterState::Gone) => None,
        Ok(FilterState::There { .. }) => match tunnels::fault(lpar, version, cut_tunnels) {
            Ok(fault) => fault,
            Err(error) => Some(crate::text::chain(&error)),
        },
        Err(error) => Some(crate::text::chain(&error)),
    };
    IpVersion::ALL.into_iter().filter_map(fault).collect()
}

fn plan(
    supervisor: &mut Supervisor,
    version: IpVersion,
    cut_tunnels: Option<&str>,
) -> Result<Option<Effect>, Stop> {
    let lpar = setting::lpar(supervisor);
    let failed = |error: Error| setting::failed(&error);
    let before = state(lpar, version).map_err(failed)?;
    if before == FilterState::Gone {
        return Ok(None);
    }
    if let Some(fault) = tunnels::fault(lpar, version, cut_tunnels).map_err(failed)? {
        return Err(Stop::failed(fault));
    }
    saved::save(supervisor, version)?;
    if state(lpar, version).map_err(failed)? != before {
        let text = format!("the IP filters of version {version} changed while they were saved");
        return Err(Stop::failed(text));
    }
    let (before, after) = (before.to_string(), FilterState::Gone.to_string());
    Ok(Some(Effect::Setting { setting: Setting::IpFilters { version }, before, after }))
}

fn apply(supervisor: &mut Supervisor, version: IpVersion, effect: &Effect) -> Result<(), Stop> {
    let Effect::Setting { before, .. } = effect else { return Ok(()) };
    let was_active = before.parse().is_ok_and(|before: FilterState| before.is_active());
    let is_told = || supervisor.progress.exposed.iter().any(|one| one.version == version);
    if was_active && !is_told() {
        // Before they go: rather a moment too long than one too short.
        let exposed = Exposed { version, from: facts::now(), to: None };
        supervisor.record(Known::Exposed(exposed))?;
    }
    supervisor.operation.set_standing(version, Standing::Leaving)?;
    crate::crash::point("filters.leaving");
    take_off(setting::lpar(supervisor), version).map_err(|error| setting::failed(&error))?;
    crate::crash::point("filters.off");
    Ok(supervisor.operation.set_standing(version, Standing::Off)?)
}

/// Notes that they are in force again, where they were not.
fn end_exposure(supervisor: &mut Supervisor, version: IpVersion) -> Result<(), supervisor::Error> {
    let open = |one: &&Exposed| one.version == version && one.to.is_none();
    match supervisor.progress.exposed.iter().find(open).copied() {
        Some(open) => supervisor.record(Known::Exposed(Exposed { to: Some(facts::now()), ..open })),
        None => Ok(()),
    }
}

/// Their state. What is printed and cannot be told is an error: nothing is done to such filters.
pub(super) fn state(lpar: Lpar<'_>, version: IpVersion) -> Result<FilterState, Error> {
    if !is_available(lpar, version)? {
        return Ok(FilterState::Gone);
    }
    let (table, in_force) = (table(lpar, version)?, in_force(lpar, version)?);
    told(version, &table, &in_force)
}

/// The same once they were taken off: it is not known that the rules in force can be listed where there are none.
fn state_after(lpar: Lpar<'_>, version: IpVersion) -> Result<FilterState, Error> {
    if !is_available(lpar, version)? {
        return Ok(FilterState::Gone);
    }
    let table = table(lpar, version)?;
    match in_force(lpar, version) {
        Err(Error::Command(command::Error::Failed { .. })) => told(version, &table, ""),
        in_force => told(version, &table, &in_force?),
    }
}

fn told(version: IpVersion, table: &str, in_force: &str) -> Result<FilterState, Error> {
    FilterState::read(table, in_force).ok_or_else(|| {
        let text = format!("lsfilt prints {}", first_line(&[table, in_force].concat()));
        Error::Unreadable { setting: Setting::IpFilters { version }, text }
    })
}

/// All rules. Source: LU S15.
fn table(lpar: Lpar<'_>, version: IpVersion) -> Result<String, Error> {
    lsfilt(lpar, version, &["-O"])
}

/// The rules in force. Source: AIX's description of `lsfilt` (inferred).
fn in_force(lpar: Lpar<'_>, version: IpVersion) -> Result<String, Error> {
    lsfilt(lpar, version, &["-a", "-O"])
}

fn lsfilt(lpar: Lpar<'_>, version: IpVersion, more: &[&str]) -> Result<String, Error> {
    let which = format!("-v{version}");
    match lpar.commands.ask("lsfilt", &[&[&*which], more].concat(), LIMIT) {
        Err(missing @ command::Error::Missing { .. }) => {
            // Their device is there: that nothing can be read of them does not mean that there are none.
            let (setting, text) = (Setting::IpFilters { version }, missing.to_string());
            Err(Error::Unreadable { setting, text })
        }
        other => Ok(other?),
    }
}

/// Whether their device is available, as preflight looks for it.
fn is_available(lpar: Lpar<'_>, version: IpVersion) -> Result<bool, Error> {
    let text = lpar.commands.ask("lsdev", &["-C", "-F", "class name status description"], LIMIT)?;
    let is_it = |one: &aix::Device| one.name == version.device() && one.status == "Available";
    Ok(aix::lsdev_fields(&text).rows.iter().any(is_it))
}

/// Takes them off and removes their device. Their rules are only deleted where the device does not go otherwise.
fn take_off(lpar: Lpar<'_>, version: IpVersion) -> Result<(), Error> {
    if !is_available(lpar, version)? {
        return Ok(());
    }
    let number = version.number();
    let remove = ["-dl", version.device(), "-R"];
    try_to(lpar, "mkfilt", &["-v", number, "-d"])?;
    try_to(lpar, "rmdev", &remove)?;
    if is_available(lpar, version)? {
        try_to(lpar, "rmfilt", &["-v", number, "-n", "all"])?;
        lpar.commands.ask("rmdev", &remove, LIMIT)?;
    }
    if is_available(lpar, version)? {
        let (setting, wanted) = (Setting::IpFilters { version }, FilterState::Gone.to_string());
        return Err(Error::NotReached {
            setting,
            wanted,
            found: state(lpar, version)?.to_string(),
        });
    }
    Ok(())
}

/// Runs a command whose effect is looked at afterwards, whatever it says.
fn try_to(lpar: Lpar<'_>, name: &str, arguments: &[&str]) -> Result<(), Error> {
    Ok(lpar.commands.run(name, arguments, LIMIT).map(drop)?)
}

/// The first line of what was printed, for a sentence.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    format!("\"{}\"", nim_shared::id::printable(line).chars().take(200).collect::<String>())
}

/// How long a fresh connection of the master is waited for at most: meanwhile nobody else may get in either.
const PROOF: Duration = Duration::from_secs(120);
