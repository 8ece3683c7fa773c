//! What a run leaves on its disks. Recorded at its end, by what the LPAR shows then.
//!
//! The sources disagree on which of nhdisk and mhdisk is which afterwards, so neither name decides: the disk that shows
//! [`SURROGATE`] booted the running kernel, and the disks of the other list hold what was split off. Where that is not what is seen,
//! the record says that it is not clear. Source: LU §0, §6.1, §6.3.

use serde::{Deserialize, Serialize};

use super::{Pvid, Role, SeenDisk, Udid};
use crate::id::DiskName;
use crate::lvupdate;
use crate::operation::{Disk, Named, Outcome, Snapshot};
use crate::request::{Install, Request};
use crate::stage::{Phase, names};

names! {
    /// What a disk was in a run.
    DiskUse, "use of a disk in a run" {
        /// rootvg of the running system.
        Rootvg = "rootvg",
        /// As in `lvupdate.data`.
        Nhdisk = "nhdisk",
        /// As in `lvupdate.data`.
        Mhdisk = "mhdisk",
        /// As in `lvupdate.data`.
        Tohdisk = "tohdisk",
        /// As in `lvupdate.data`.
        Tshdisk = "tshdisk",
        /// A copy of rootvg, made before the update.
        Backup = "backup",
        /// A copy of rootvg that was asked for by itself.
        Copy = "copy",
    }
}

names! {
    /// What a disk is good for after a run.
    GoodFor, "use of what a disk holds" {
        /// The LPAR runs from it.
        Running = "running",
        /// It booted the running kernel, and base processes use it. It holds the surrogate's minimal system: nobody boots it.
        BootedKernel = "booted_kernel",
        /// The LPAR can be booted from it, into the level before.
        WayBack = "way_back",
        /// It holds a copy of rootvg with the level after, or one that somebody asked for.
        Copy = "copy",
        /// Nothing: it holds nothing of use.
        Nothing = "nothing",
        /// It was released: what it holds belongs to no run any more.
        Released = "released",
        /// What it holds is not clear.
        Unclear = "unclear",
    }
}

impl GoodFor {
    /// Until when it is good for that.
    #[must_use]
    pub const fn until(self) -> &'static str {
        match self {
            Self::Running => "the LPAR is booted from another disk",
            Self::BootedKernel => "a reboot, or a later update that succeeds",
            Self::WayBack => "a later update that leaves a way back of its own",
            Self::Copy => "somebody releases it by name",
            Self::Unclear => "somebody has looked at it",
            Self::Nothing | Self::Released => "now",
        }
    }
}

/// One disk of a run, as the run left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunDisk {
    /// The name that it had then: for people.
    pub name: DiskName,
    /// Its physical volume id.
    pub pvid: Option<Pvid>,
    /// Its unique id.
    pub udid: Option<Udid>,
    /// What it was in the run.
    pub role: Named<DiskUse>,
    /// Its volume group; `None` where `lspv` showed none.
    pub volume_group: Option<String>,
    /// The level that it holds, as `oslevel -s` shows it; `None` where that is not known.
    pub level: Option<String>,
    /// What it is good for.
    pub good_for: Named<GoodFor>,
}

impl RunDisk {
    /// Whether it is the same disk, by its ids. Without any id it is none's.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.is_one_of(other.pvid.as_ref(), other.udid.as_ref())
    }

    /// Whether it has one of these ids.
    #[must_use]
    pub fn is_one_of(&self, pvid: Option<&Pvid>, udid: Option<&Udid>) -> bool {
        let same_pvid = self.pvid.is_some() && self.pvid.as_ref() == pvid;
        let same_udid = self.udid.is_some() && self.udid.as_ref() == udid;
        same_pvid || same_udid
    }
}

/// What a run left on its disks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunDisks {
    /// When the LPAR had been booted, as `who -b` said at the end: another text later means that it was booted since. Read
    /// after the Live Update: whether that is the boot of the surrogate is not known.
    pub booted_at: Option<String>,
    /// Live Update's newest entry in the error log at the end: another one later is of a Live Update that is on no record here.
    #[serde(default)]
    pub last_update: Option<String>,
    /// The disks.
    pub disks: Vec<RunDisk>,
}

/// A copy of rootvg that a run made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its disks.
    pub disks: Vec<DiskName>,
    /// Its volume group.
    pub group: String,
    /// The level that it holds.
    pub level: Option<String>,
    /// Whether it was finished.
    pub whole: bool,
}

/// What is known at the end of a run.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// What was to be done.
    pub request: &'a Request,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// Whether the workload was moved.
    pub moved: bool,
    /// The furthest phase of geninstall.
    pub furthest: Option<Phase>,
    /// The LPAR before.
    pub before: Option<&'a Snapshot>,
    /// Its level now.
    pub level: Option<&'a str>,
    /// Its disks now, as `lspv -u` shows them.
    pub now: &'a [SeenDisk],
    /// Copies of rootvg that were made first.
    pub copies: &'a [Copied],
}

/// What the run left on its disks.
#[must_use]
pub fn record(ended: &Ended<'_>) -> Vec<RunDisk> {
    let mut disks: Vec<RunDisk> = Vec::new();
    let running = ended.now.iter().filter(|disk| disk.volume_group.as_deref() == Some(ROOTVG));
    disks.extend(running.map(|disk| RunDisk {
        level: ended.level.map(str::to_owned),
        ..of(disk, DiskUse::Rootvg, GoodFor::Running)
    }));
    let more = copies(ended).into_iter().chain(asked(ended)).chain(update(ended));
    for disk in more {
        // What runs now is not also something else, such as a mirror that was not split.
        if !disks.iter().any(|known| known.is(&disk)) {
            disks.push(disk);
        }
    }
    disks
}

fn of(disk: &SeenDisk, role: DiskUse, good_for: GoodFor) -> RunDisk {
    RunDisk {
        name: disk.name.clone(),
        pvid: disk.pvid.clone(),
        udid: disk.udid.clone(),
        role: Named::Known(role),
        volume_group: disk.volume_group.clone(),
        level: None,
        good_for: Named::Known(good_for),
    }
}

/// Copies that were made before the update.
fn copies(ended: &Ended<'_>) -> Vec<RunDisk> {
    let mut disks = Vec::new();
    for copy in ended.copies {
        for disk in ended.now.iter().filter(|disk| copy.disks.contains(&disk.name)) {
            let is_whole = copy.whole && disk.volume_group.as_ref() == Some(&copy.group);
            let good_for = if is_whole { GoodFor::WayBack } else { GoodFor::Unclear };
            let level = copy.level.clone().filter(|_| is_whole);
            disks.push(RunDisk { level, ..of(disk, DiskUse::Backup, good_for) });
        }
    }
    disks
}

/// The copy that the order is for.
fn asked(ended: &Ended<'_>) -> Vec<RunDisk> {
    let Some(copy) = &ended.request.alt_disk else { return Vec::new() };
    let is_whole = matches!(ended.outcome, Outcome::Succeeded { .. });
    let level = ended.before.and_then(|before| before.level.clone());
    let level = level.filter(|_| is_whole && ended.request.install == Install::Nothing);
    let good_for = if is_whole { GoodFor::Copy } else { GoodFor::Unclear };
    let there = ended.now.iter().filter(|disk| copy.disks.contains(&disk.name));
    there
        .filter(|disk| is_whole || disk.volume_group.is_some())
        .map(|disk| RunDisk { level: level.clone(), ..of(disk, DiskUse::Copy, good_for) })
        .collect()
}

/// The disks of a Live Update.
fn update(ended: &Ended<'_>) -> Vec<RunDisk> {
    if !ended.request.kind.moves() {
        return Vec::new();
    }
    let disks = used(ended);
    if !ended.moved {
        // Before the copy for the surrogate is made nothing is written to any of them.
        let is_written = ended.furthest >= Some(Phase::Clone);
        let stuck = matches!(ended.outcome, Outcome::Stuck { .. });
        let unclear = disks.into_iter().filter(|(_, disk)| {
            is_written || stuck && ended.furthest.is_some() || disk.volume_group.is_some()
        });
        return unclear.map(|(role, disk)| of(disk, use_of(role), GoodFor::Unclear)).collect();
    }
    let (split, level) = split_off(ended, &disks);
    let all = disks.iter().map(|(role, disk)| {
        let good_for = match (role, disk.volume_group.as_deref()) {
            (Role::Nhdisk | Role::Mhdisk, Some(SURROGATE)) => GoodFor::BootedKernel,
            (role, None) if split.is_some_and(|(split, _)| split == *role) => {
                split.map_or(GoodFor::Unclear, |(_, good_for)| good_for)
            }
            (Role::Tohdisk | Role::Tshdisk, None) => GoodFor::Nothing,
            (Role::Nhdisk | Role::Mhdisk | Role::Tohdisk | Role::Tshdisk, _) => GoodFor::Unclear,
        };
        let holds = matches!(good_for, GoodFor::WayBack | GoodFor::Copy);
        let level = level.clone().filter(|_| holds);
        RunDisk { level, ..of(disk, use_of(*role), good_for) }
    });
    all.collect()
}

/// The list whose disks hold what was split off, with what that is good for, and its level. Only where each disk of the other list
/// shows [`SURROGATE`] and each of its own no volume group.
fn split_off(
    ended: &Ended<'_>,
    disks: &[(Role, &SeenDisk)],
) -> (Option<(Role, GoodFor)>, Option<String>) {
    let all = |role: Role, group: Option<&str>| {
        let mut of = disks.iter().filter(|(one, _)| *one == role).peekable();
        of.peek().is_some() && of.all(|(_, disk)| disk.volume_group.as_deref() == group)
    };
    let pairs = [(Role::Nhdisk, Role::Mhdisk), (Role::Mhdisk, Role::Nhdisk)];
    let found =
        pairs.into_iter().find(|(boot, split)| all(*boot, Some(SURROGATE)) && all(*split, None));
    let Some((_, role)) = found else { return (None, None) };
    let before = ended.before.and_then(|before| before.level.clone());
    match &ended.request.install {
        // Updates are committed on the original before it is mirrored: what is split off has them.
        install if install.updates() => {
            (Some((role, GoodFor::Copy)), ended.level.map(str::to_owned))
        }
        Install::Nothing => (Some((role, GoodFor::Copy)), before),
        // Interim fixes alone go to the surrogate's copy: what is split off has none of them.
        Install::UpdateAll | Install::All | Install::List(_) => {
            (Some((role, GoodFor::WayBack)), before)
        }
    }
}

/// The disks that the update used, as they are now: those that were chosen for it, and those that its file names.
fn used<'a>(ended: &Ended<'a>) -> Vec<(Role, &'a SeenDisk)> {
    let mut found: Vec<(Role, &SeenDisk)> = Vec::new();
    let chosen = ended.request.disks.iter().filter_map(|chosen| {
        let is_it = |disk: &&SeenDisk| match (&chosen.pvid, &chosen.udid) {
            (Some(pvid), _) => disk.pvid.as_ref() == Some(pvid),
            (None, Some(udid)) => disk.udid.as_ref() == Some(udid),
            (None, None) => false,
        };
        Some((chosen.role, ended.now.iter().find(is_it)?))
    });
    found.extend(chosen);
    let data = lvupdate::parse(&ended.request.lvupdate_data).data().disks;
    let lists = [
        (Role::Nhdisk, data.nhdisk),
        (Role::Mhdisk, data.mhdisk),
        (Role::Tohdisk, data.tohdisk),
        (Role::Tshdisk, data.tshdisk),
    ];
    for (role, name) in lists.iter().flat_map(|(role, names)| names.iter().map(|n| (*role, n))) {
        let before: &[Disk] = ended.before.map_or(&[], |before| &before.disks);
        let pvid = before.iter().find(|disk| disk.name == *name).and_then(|disk| {
            let pvid: Pvid = disk.pvid.as_ref()?.parse().ok()?;
            Some(pvid)
        });
        let by_id =
            pvid.and_then(|pvid| ended.now.iter().find(|disk| disk.pvid.as_ref() == Some(&pvid)));
        let by_name = || ended.now.iter().find(|disk| disk.name == *name);
        found.extend(by_id.or_else(by_name).map(|disk| (role, disk)));
    }
    found
}

const fn use_of(role: Role) -> DiskUse {
    match role {
        Role::Nhdisk => DiskUse::Nhdisk,
        Role::Mhdisk => DiskUse::Mhdisk,
        Role::Tohdisk => DiskUse::Tohdisk,
        Role::Tshdisk => DiskUse::Tshdisk,
    }
}

/// The volume group of the running system.
pub(super) const ROOTVG: &str = "rootvg";

/// The volume group of the disk from which the surrogate was booted. Source: LU §6.1.
pub const SURROGATE: &str = "lvup_rootvg";

/// How the names of the copies that are made before an update begin.
pub const BACKUP: &str = "nimbak_";

/// How the names begin that copies of somebody else have for the time of an update.
pub const RENAMED: &str = "nimalt_";

/// The volume group of a copy of rootvg that has no other name. Source: LU §5.3.
pub(super) const COPY: &str = "altinst_rootvg";

/// Whether a run of ours may have left a volume group of this name, whose definition is dropped with `alt_rootvg_op -X`.
#[must_use]
pub fn is_copy(group: &str) -> bool {
    group == SURROGATE
        || group == COPY
        || group.strip_prefix(BACKUP).is_some_and(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests;
