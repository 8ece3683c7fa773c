//! Whether something is still left to do, by what a look found.

use super::profile::{self, Profile};
use super::{OpenItem, differences};
use crate::aix;
use crate::id::printable;
use crate::level::{FilesetLevel, Level};
use crate::operation::PathCount;
use crate::preflight::Fact;
use crate::preflight::probe::{Answer, Probe, ProbeId, Probed};

/// What a look found.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// On the LPAR.
    pub probed: &'a [Probed],
    /// On an HMC, or why that is not known.
    pub console: &'a Fact<OnConsole>,
}

/// What an HMC shows of an LPAR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnConsole {
    /// Whether there is a partition with its name and `_lku0`.
    pub has_surrogate: bool,
    /// Its RMC state as the HMC spells it, such as `active`; `None` where the HMC does not show the LPAR.
    pub rmc_state: Option<String>,
    /// Its profiles, or why they are not known.
    pub profiles: Fact<Vec<Profile>>,
}

impl OnConsole {
    /// What is left to do by it. A state that is not known is none of the two.
    #[must_use]
    pub fn items(&self) -> Vec<OpenItem> {
        let surrogate = self.has_surrogate.then_some(OpenItem::Surrogate);
        let rmc = self.rmc_state.as_deref().is_some_and(|state| !is_active(state));
        surrogate.into_iter().chain(rmc.then_some(OpenItem::Rmc)).collect()
    }

    /// What its profiles do not show as `before`; nothing while it has a surrogate, whose profile it is then.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn profile_items(&self, before: &Fact<Vec<Profile>>) -> Result<Vec<OpenItem>, String> {
        if self.has_surrogate {
            return Err(BEING_REPLACED.to_owned());
        }
        let before = before.as_ref().map_err(|why| format!("before the update: {why}"))?;
        let now = self.profiles.as_ref().map_err(Clone::clone)?;
        Ok(differences(before, now))
    }
}

fn is_active(state: &str) -> bool {
    state.eq_ignore_ascii_case("active")
}

impl OpenItem {
    /// What is looked at on the LPAR to tell whether it is still so; nothing where an HMC tells.
    #[must_use]
    pub const fn probes(&self) -> &'static [ProbeId] {
        use ProbeId as P;
        match self {
            Self::OldLibraries { .. } => &[P::OldLibraries],
            Self::Paths { .. } => &[P::Paths],
            Self::BootList { .. } => &[P::BootList, P::Disks],
            Self::ManagementLink => &[P::ControlPoints],
            Self::InterimFix { .. } => &[P::InterimFixes],
            Self::Level { .. } => &[P::Level],
            Self::Fileset { .. } => &[P::Filesets],
            Self::ErrorLog { .. } => &[P::ErrorLog],
            Self::HostName { .. } => &[P::HostName],
            Self::MachineId { .. } => &[P::MachineId],
            Self::ConsoleToken { .. } => &[P::Tokens],
            Self::PostProcessing { .. } => &[P::Paths, P::Lock],
            Self::Surrogate | Self::Rmc | Self::Profile { .. } | Self::Other(_) => &[],
        }
    }

    /// Whether an HMC has to be asked to tell whether it is still so.
    #[must_use]
    pub const fn asks_console(&self) -> bool {
        matches!(self, Self::Surrogate | Self::Rmc | Self::Profile { .. })
    }

    /// Whether it is still so, by what was found.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn is_open(&self, seen: &Seen<'_>) -> Result<bool, String> {
        let printed = |id| printed(seen.probed, id);
        Ok(match self {
            Self::OldLibraries { pid, name, .. } => {
                let read = aix::genld(printed(ProbeId::OldLibraries)?);
                if !read.unread.is_empty() {
                    return Err("genld -u cannot be read".to_owned());
                }
                // A process that was started anew has another id.
                read.rows.iter().any(|one| one.pid == *pid && one.name == *name)
            }
            Self::Paths { disk, enabled, others } => {
                let paths = paths(printed(ProbeId::Paths)?)?;
                let of_disk = |is_enabled: bool| {
                    sum(paths.iter().filter(|path| path.disk == *disk), is_enabled)
                };
                of_disk(true) < *enabled || of_disk(false) > *others
            }
            Self::BootList { .. } => {
                let first = aix::bootlist(printed(ProbeId::BootList)?).rows.into_iter().next();
                let first = first.ok_or("bootlist names no disk")?;
                let disks = aix::lspv(printed(ProbeId::Disks)?).rows;
                let mut root =
                    disks.iter().filter(|disk| disk.volume_group.as_deref() == Some("rootvg"));
                !root.any(|disk| disk.name.to_string() == first.device)
            }
            Self::ManagementLink => {
                let consoles = aix::rmcdomainstatus(printed(ProbeId::ControlPoints)?).rows;
                !consoles.iter().any(|console| console.is_up)
            }
            Self::InterimFix { label } => {
                let text = printed(ProbeId::InterimFixes)?;
                !aix::emgr_l(text).rows.iter().any(|fix| fix.label == *label)
            }
            Self::Level { before } => {
                let now = aix::oslevel(printed(ProbeId::Level)?).map_err(|bad| bad.to_string())?;
                let before: Level = before.parse().map_err(|_| unreadable("a level", before))?;
                now < before
            }
            Self::Fileset { name, wanted } => {
                let wanted: FilesetLevel =
                    wanted.parse().map_err(|_| unreadable("a level", wanted))?;
                let rows = aix::lslpp_q(printed(ProbeId::Filesets)?).rows;
                let levels = rows.iter().filter(|row| row.name == *name);
                let levels: Vec<_> = levels.filter_map(|row| row.fileset_level()).collect();
                // One that was removed since needs no update.
                !levels.is_empty() && levels.iter().all(|at| *at < wanted)
            }
            Self::ErrorLog { identifier, resource, since, .. } => {
                let read = aix::errpt(printed(ProbeId::ErrorLog)?);
                read.rows.iter().any(|entry| {
                    entry.identifier == *identifier
                        && entry.resource == *resource
                        && entry.at.to_string() >= *since
                })
            }
            Self::HostName { before } => printed(ProbeId::HostName)?.trim() != before,
            Self::MachineId { before } => printed(ProbeId::MachineId)?.trim() != before,
            Self::ConsoleToken { address, user } => {
                let tokens = aix::hmcauth(printed(ProbeId::Tokens)?).rows;
                let mut own = tokens.iter().filter(|token| token.user.as_ref() == Some(user));
                match own.clone().next() {
                    None => true,
                    Some(_) if own.any(|token| token.address == *address) => false,
                    // One console has several names, and here nobody can resolve them.
                    Some(other) => {
                        let other = printable(&other.address);
                        return Err(format!("whether {other} is that console is not known"));
                    }
                }
            }
            Self::PostProcessing { others } => {
                let is_locked = match answer(seen.probed, ProbeId::Lock)? {
                    Answer::File { .. } => true,
                    Answer::NoFile => false,
                    Answer::Failed { why } => return Err(printable(why)),
                    Answer::Printed { .. } => return Err("lock is no file".to_owned()),
                };
                is_locked || sum(paths(printed(ProbeId::Paths)?)?.iter(), false) > *others
            }
            Self::Surrogate => seen.console.clone()?.has_surrogate,
            Self::Rmc => {
                let state = seen.console.clone()?.rmc_state;
                !is_active(&state.ok_or("the HMC does not show the LPAR")?)
            }
            Self::Profile { profile, attribute, before, .. } => {
                let console = seen.console.clone()?;
                if console.has_surrogate {
                    return Err(BEING_REPLACED.to_owned());
                }
                profile::is_open(&console.profiles?, profile, attribute, before)?
            }
            Self::Other(_) => return Err("this version does not know it".to_owned()),
        })
    }
}

/// What has to be looked at on the LPAR to tell of all `items`.
#[must_use]
pub fn probes<'a>(items: impl IntoIterator<Item = &'a OpenItem>) -> Vec<Probe> {
    let mut ids: Vec<ProbeId> =
        items.into_iter().flat_map(|item| item.probes().iter().copied()).collect();
    ids.sort();
    ids.dedup();
    ids.into_iter().map(Probe::of).collect()
}

fn answer(probed: &[Probed], id: ProbeId) -> Result<&Answer, String> {
    let found = probed.iter().find(|one| one.probe.id.known() == Some(id));
    found.map(|one| &one.answer).ok_or_else(|| format!("{id} was not looked at"))
}

fn printed(probed: &[Probed], id: ProbeId) -> Result<&str, String> {
    match answer(probed, id)? {
        Answer::Printed { status: 0, stdout, .. } => Ok(stdout),
        Answer::Printed { status, stderr, .. } => {
            Err(format!("{id} ended with {status}: {}", printable(stderr.trim())))
        }
        Answer::Failed { why } => Err(printable(why)),
        Answer::File { .. } | Answer::NoFile => Err(format!("{id} is a file")),
    }
}

fn paths(text: &str) -> Result<Vec<PathCount>, String> {
    let read = aix::lspath_fields(text);
    if read.rows.is_empty() {
        return Err("lspath shows no path".to_owned());
    }
    Ok(aix::path_counts(&read.rows))
}

fn sum<'a>(paths: impl Iterator<Item = &'a PathCount>, is_enabled: bool) -> u32 {
    let counted = paths.filter(|path| (path.status == ENABLED) == is_enabled);
    counted.map(|path| path.count).fold(0, u32::saturating_add)
}

fn unreadable(what: &str, text: &str) -> String {
    format!("{} is not {what}", printable(text))
}

/// Which of two partitions a profile of that name is of cannot be told.
const BEING_REPLACED: &str = "the HMC still shows the partition that is replaced";

/// As `lspath` prints it.
const ENABLED: &str = "Enabled";

#[cfg(test)]
mod tests;
