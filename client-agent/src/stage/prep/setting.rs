//! Settings: read, brought to another state, and put back. What was done is seen again before it counts.

use std::time::Duration;

use nim_shared::disks::RENAMED;
use nim_shared::frame::{ChangeClass, Effect};
use nim_shared::prep::{FilterState, PrepStep, Setting, Step};

use super::super::Stop;
use super::{
    audit, autofs, copy_name, ip_filters, pfcdaemon, secorder, services, trusted_execution,
    verification, workload_manager,
};
use crate::command::{self, Commands};
use crate::disk;
use crate::root::Root;
use crate::supervisor::Supervisor;
use crate::text::chain;
use crate::undo::{self, Undo};

/// Why a setting cannot be read, or does not come to a state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Command(#[from] command::Error),
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// What AIX says of it is none of its states.
    #[error("not known: the state of {setting}: {text}")]
    Unreadable { setting: Setting, text: String },
    /// AIX agreed, and it is as it was.
    #[error("{setting} is {found}, and had to become {wanted}")]
    NotReached { setting: Setting, wanted: String, found: String },
    /// It is one that cannot be had.
    #[error("{setting} cannot become {wanted}")]
    Impossible { setting: Setting, wanted: String },
}

/// What settings are read and written with.
#[derive(Clone, Copy)]
pub(crate) struct Lpar<'a> {
    /// The LPAR.
    pub(crate) root: &'a Root,
    /// AIX.
    pub(crate) commands: &'a Commands,
}

impl Lpar<'_> {
    /// Its state now.
    pub(crate) fn read(self, setting: &Setting) -> Result<String, Error> {
        match setting {
            Setting::TrustedExecution => trusted_execution::read(self),
            Setting::Secorder => secorder::read(self),
            Setting::WorkloadManager => workload_manager::read(self),
            Setting::WorkloadManagerEntry => workload_manager::read_entry(self),
            Setting::Subsystem { subsystem } => services::read(self, subsystem),
            Setting::Auditing => audit::read(self),
            Setting::AutofsScript => autofs::read(self),
            Setting::IpFilters { version } => Ok(ip_filters::state(self, *version)?.to_string()),
            Setting::CopyName { pvid } => copy_name::read(self, pvid),
        }
    }

    /// Brings it to `wanted`, and looks again.
    pub(crate) fn put(self, setting: &Setting, wanted: &str) -> Result<(), Error> {
        if self.read(setting)? == wanted {
            return Ok(());
        }
        match setting {
            Setting::TrustedExecution => trusted_execution::write(self, wanted)?,
            Setting::Secorder => secorder::write(self, wanted)?,
            Setting::WorkloadManager => workload_manager::write(self, wanted)?,
            Setting::WorkloadManagerEntry => workload_manager::write_entry(self, wanted)?,
            Setting::Subsystem { subsystem } => services::write(self, subsystem, wanted)?,
            Setting::Auditing => audit::write(self, wanted)?,
            Setting::AutofsScript => autofs::write(self, wanted)?,
            // They need more than a command: a proof, and whoever waits for it.
            Setting::IpFilters { .. } => {
                let (setting, wanted) = (setting.clone(), wanted.to_owned());
                return Err(Error::Impossible { setting, wanted });
            }
            Setting::CopyName { pvid } => copy_name::write(self, pvid, wanted)?,
        }
        let found = self.read(setting)?;
        if found == wanted {
            return Ok(());
        }
        let (setting, wanted) = (setting.clone(), wanted.to_owned());
        Err(Error::NotReached { setting, wanted, found })
    }
}

/// Brings `setting` to what `wanted` makes of its state before; `None`: it is as it has to be.
pub(super) fn change(
    supervisor: &mut Supervisor,
    class: ChangeClass,
    setting: Setting,
    wanted: impl FnOnce(&str) -> Option<String>,
) -> Result<(), Stop> {
    supervisor.change(
        class,
        |supervisor| {
            let before = match lpar(supervisor).read(&setting) {
                Err(Error::Command(missing @ command::Error::Missing { .. })) => {
                    // What the system does not have is not on.
                    supervisor.note(format!("{setting}: {}", chain(&missing)))?;
                    return Ok(None);
                }
                read => read.map_err(|error| failed(&error))?,
            };
            let after = wanted(&before);
            Ok(after.map(|after| Effect::Setting { setting, before, after }))
        },
        |supervisor, effect| match effect {
            Effect::Setting { setting, after, .. } => {
                lpar(supervisor).put(setting, after).map_err(|error| failed(&error))
            }
            _ => Ok(()),
        },
    )
}

/// Puts `setting` back. What must not go on unseen is verified before.
pub(crate) fn restore(
    undo: &Undo<'_>,
    setting: &Setting,
    before: &str,
    after: &str,
) -> Result<(), undo::Error> {
    let lpar = Lpar { root: undo.root, commands: undo.commands };
    let now = lpar.read(setting)?;
    let is_passing = matches!(setting, Setting::Subsystem { .. });
    if now != before && now != after && !is_passing {
        let (setting, now) = (setting.to_string(), nim_shared::id::printable(&now));
        return Err(undo::Error::SetMeanwhile { setting, now, before: before.to_owned() });
    }
    match setting {
        Setting::TrustedExecution if before == trusted_execution::ON && now != before => {
            verification::check(undo)?;
            Ok(lpar.put(setting, before)?)
        }
        Setting::Secorder => {
            // The source that will be active has to agree with what is installed: it is asked while nothing is enforced by it.
            lpar.put(setting, before)?;
            let agrees = verification::check(undo);
            if agrees.is_err() {
                lpar.put(setting, after)?;
            }
            agrees
        }
        _ => Ok(lpar.put(setting, before)?),
    }
}

/// Whether `setting` must stay as it is because of what could not be put back before it: Trusted Execution would enforce by another
/// source than the one that was verified for it.
pub(crate) fn is_held_by(effect: &Effect, failed: &[Effect]) -> bool {
    let is = |effect: &Effect, wanted: &Setting| matches!(effect, Effect::Setting { setting, .. } if setting == wanted);
    is(effect, &Setting::TrustedExecution) && failed.iter().any(|one| is(one, &Setting::Secorder))
}

/// Whether one of `steps` makes this change on this LPAR, and its states are ones that the setting has.
pub(super) fn makes(supervisor: &Supervisor, setting: &Setting, before: &str, after: &str) -> bool {
    let made = |PrepStep { step, .. }: &PrepStep| match (step, setting) {
        (Step::TrustedExecution, Setting::TrustedExecution) => {
            (before, after) == (trusted_execution::ON, trusted_execution::OFF)
        }
        (Step::Secorder, Setting::Secorder) => secorder::wanted(before).as_deref() == Some(after),
        (Step::WorkloadManager, Setting::WorkloadManager) => {
            workload_manager::wanted(before).as_deref() == Some(after)
        }
        (Step::WorkloadManager, Setting::WorkloadManagerEntry) => {
            // The line is run by init: only one that stands there now is ever written.
            let now = lpar(supervisor).read(setting);
            workload_manager::entry_off(before).as_deref() == Some(after)
                && now.is_ok_and(|now| now == before || now == after)
        }
        (Step::Service { subsystem: one }, Setting::Subsystem { subsystem }) => {
            one == subsystem && (before, after) == (services::ACTIVE, services::INOPERATIVE)
        }
        (Step::Pfcdaemon, Setting::Subsystem { subsystem }) => {
            subsystem.as_str() == pfcdaemon::NAME
                && (before, after) == (services::INOPERATIVE, services::ACTIVE)
        }
        (Step::StaleAutofs, Setting::AutofsScript) => {
            // Live Update runs it as root: only one that could not be run is ever registered again.
            after.is_empty() && autofs::is_stale(&supervisor.root, before)
        }
        (Step::OtherCopy, Setting::CopyName { .. }) => {
            let ours = copy_name::name(&supervisor.operation, RENAMED);
            before == copy_name::COPY && after == ours
        }
        (Step::IpFilters { .. }, Setting::IpFilters { .. }) => {
            let is_state =
                before.parse().is_ok_and(|before: FilterState| before != FilterState::Gone);
            is_state && after == FilterState::Gone.to_string()
        }
        (Step::AuditStream, Setting::Auditing) => {
            let states = [audit::ON, audit::OFF];
            states.contains(&before) && states.contains(&after) && before != after
        }
        _ => false,
    };
    // What is started anew after the update is stopped before that.
    let anew = |setting: &Setting| matches!(setting, Setting::Subsystem { subsystem } if supervisor.request.restart.contains(subsystem));
    let stops = (before, after) == (services::ACTIVE, services::INOPERATIVE);
    supervisor.request.prep.iter().any(made) || stops && anew(setting)
}

/// The LPAR of `supervisor`.
pub(super) fn lpar(supervisor: &Supervisor) -> Lpar<'_> {
    Lpar { root: &supervisor.root, commands: &supervisor.commands }
}

/// A step that could not be done ends the operation; what was changed is put back.
pub(super) fn failed(error: &Error) -> Stop {
    Stop::failed(format!("the LPAR could not be made ready: {}", chain(error)))
}

/// Time that one command may take.
pub(super) const LIMIT: Duration = Duration::from_secs(120);
