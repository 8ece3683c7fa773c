//! What the disks of an LPAR's runs are needed for now, and which of them can be released.
//!
//! A disk is what the last run that used it left on it. From then on time works for it: the disk that booted the running kernel is free
//! after a reboot, and a way back is free once a later one is there. What is not known is needed. Source: LU §4.4a (D12, D13), §6.2.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::resolve::{Lookup, by_ids};
use super::{GoodFor, RunDisk, RunDisks, SeenDisk};
use crate::id::{DiskName, OperationId};
use crate::operation::Named;
use crate::stage::names;

/// A run with what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// The operation.
    pub operation: OperationId,
    /// Whether nothing of it can follow any more.
    pub over: bool,
    /// Its disks.
    pub left: RunDisks,
}

names! {
    /// Why a disk is needed.
    Need, "need of a disk" {
        /// The LPAR runs from it.
        Running = "running",
        /// It booted the running kernel.
        BootedKernel = "booted_kernel",
        /// It is the way back.
        WayBack = "way_back",
        /// It was asked for by itself.
        Asked = "asked",
        /// What is on it is not clear.
        Unclear = "unclear",
        /// Its operation is not over.
        Open = "open",
    }
}

impl Need {
    /// Whether it ends where a person names the disk.
    #[must_use]
    pub const fn ends_by_name(self) -> bool {
        matches!(self, Self::Asked | Self::Unclear)
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Running => "the LPAR runs from it",
            Self::BootedKernel => "it booted the running kernel, and base processes use it",
            Self::WayBack => "it is the way back",
            Self::Asked => "it was asked for by itself",
            Self::Unclear => "what it holds is not clear",
            Self::Open => "its operation is not over",
        }
    }
}

/// A disk that a run used, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Standing {
    /// The last run that used it.
    pub operation: OperationId,
    /// As that left it.
    #[serde(flatten)]
    pub disk: RunDisk,
    /// Why it is needed; `None` where nothing needs it.
    pub need: Option<Named<Need>>,
    /// Until when, or why nothing needs it.
    pub until: String,
    /// When the LPAR had been booted at the end of that run, as `who -b` said.
    pub booted_at: Option<String>,
    /// Live Update's newest entry in the error log at the end of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update: Option<String>,
}

/// The disks of `runs`, which are in order, the newest first: each once.
#[must_use]
pub fn standing(runs: &[PastRun]) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::new();
    // Of what came later: whether a kernel was moved to, and whether it left a way back, or said what runs.
    let mut kernel_later = false;
    let mut way_back_later = false;
    let mut running_later = false;
    let last_boot = runs.iter().find_map(|run| run.left.booted_at.as_ref());
    for run in runs {
        let own_boot = run.left.booted_at.as_ref();
        let booted_since = own_boot.is_some() && own_boot != last_boot;
        let mut new: Vec<Standing> = Vec::new();
        for disk in &run.left.disks {
            let is_known = all.iter().chain(&new).any(|known| known.disk.is(disk));
            if is_known {
                continue;
            }
            let good_for = disk.good_for.known().unwrap_or(GoodFor::Unclear);
            let (need, until) = match good_for {
                _ if !run.over => (Some(Need::Open), "the operation is over"),
                GoodFor::BootedKernel if kernel_later => (None, "a later update has succeeded"),
                GoodFor::BootedKernel if booted_since => (None, "the LPAR was booted since"),
                GoodFor::WayBack if way_back_later => (None, "a later way back is there"),
                // It ran then, and now another disk does: what it holds is not what the run left.
                GoodFor::Running if running_later => (Some(Need::Unclear), good_for.until()),
                GoodFor::Running => (Some(Need::Running), good_for.until()),
                GoodFor::BootedKernel => (Some(Need::BootedKernel), good_for.until()),
                GoodFor::WayBack => (Some(Need::WayBack), good_for.until()),
                GoodFor::Copy if disk.role == Named::Known(super::DiskUse::Copy) => {
                    (Some(Need::Asked), good_for.until())
                }
                GoodFor::Copy => (None, "it holds the level after the update: no way back"),
                GoodFor::Unclear => (Some(Need::Unclear), good_for.until()),
                GoodFor::Nothing => (None, "it holds nothing of use"),
                GoodFor::Released => (None, "it was released"),
            };
            new.push(Standing {
                operation: run.operation,
                disk: disk.clone(),
                need: need.map(Named::Known),
                until: until.to_owned(),
                booted_at: run.left.booted_at.clone(),
                last_update: run.left.last_update.clone(),
            });
        }
        let has =
            |good_for| run.left.disks.iter().any(|disk| disk.good_for == Named::Known(good_for));
        kernel_later |= run.over && has(GoodFor::BootedKernel);
        running_later |= has(GoodFor::Running);
        way_back_later |= run.over && has(GoodFor::WayBack);
        all.extend(new);
    }
    all
}

/// What is seen of an LPAR.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// When it was booted, as `who -b` says; `None` where that is not known.
    pub booted_at: Option<&'a str>,
    /// Its disks.
    pub disks: &'a [SeenDisk],
    /// Live Update's newest entry in its error log; `None` where nobody looked.
    pub last_update: Option<Option<&'a str>>,
}

/// How far a person has gone for a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing of it by itself.
    Nothing,
    /// Its name.
    Named,
    /// Its name, and that it need be no way back any more.
    GivenUp,
}

/// A disk that can be released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free<'a> {
    /// As it is now.
    pub now: &'a SeenDisk,
    /// The volume group of ours whose definition goes; `None` where there is none.
    pub group: Option<String>,
}

/// Why a disk is not released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is needed.
    Needed(Need, String),
    /// It was released before.
    Released,
    /// It cannot be told from others: it had no id.
    NoIdentity,
    /// No disk has its ids.
    Gone,
    /// A disk has one of its ids, and not the other.
    Changed(DiskName),
    /// Several disks have them.
    Several(DiskName, DiskName),
    /// It is in another volume group than it was: was, is.
    OtherGroup(Option<String>, Option<String>),
    /// Its volume group is varied on, or it is locked: the state.
    Active(String),
}

impl Keep {
    /// Its name, which stays the same for years.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Needed(..) => "needed",
            Self::Released => "released",
            Self::NoIdentity => "no_identity",
            Self::Gone => "gone",
            Self::Changed(_) => "changed",
            Self::Several(..) => "several",
            Self::OtherGroup(..) => "other_group",
            Self::Active(_) => "active",
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |group: &Option<String>| match group {
            Some(group) => format!("in {group}"),
            None => "in no volume group".to_owned(),
        };
        match self {
            Self::Needed(need, until) => write!(f, "{}, until {until}", need.told()),
            Self::Released => f.write_str("it was released before"),
            Self::NoIdentity => {
                f.write_str("it had neither PVID nor UDID: nothing tells it from others")
            }
            Self::Gone => f.write_str("no disk of the LPAR has its PVID and UDID"),
            Self::Changed(now) => {
                write!(
                    f,
                    "{now} has one of its ids and not the other: it was written to, or mapped anew"
                )
            }
            Self::Several(first, second) => write!(f, "{first} and {second} both have its ids"),
            Self::OtherGroup(was, is) => {
                write!(f, "it was {}, and is {} now: somebody else uses it", group(was), group(is))
            }
            Self::Active(state) => write!(f, "it is {state}: somebody uses it"),
        }
    }
}

/// Whether a disk can be released, by what is seen of the LPAR now.
///
/// # Errors
/// [`Keep`]: why not.
pub fn releasable<'a>(one: &Standing, live: &Live<'a>, said: Said) -> Result<Free<'a>, Keep> {
    let disk = &one.disk;
    if disk.good_for == Named::Known(GoodFor::Released) {
        return Err(Keep::Released);
    }
    if let Some(need) = &one.need {
        let need = need.known().unwrap_or(Need::Unclear);
        let is_over = match need {
            // Another text is another boot: what runs now was not booted from it.
            Need::BootedKernel => {
                matches!(
                    (one.booted_at.as_deref(), live.booted_at),
                    (Some(then), Some(now)) if then != now
                ) && !is_of_another_update(one, live)
            }
            Need::WayBack => said == Said::GivenUp,
            Need::Running | Need::Open => false,
            Need::Asked | Need::Unclear => said != Said::Nothing,
        };
        if !is_over {
            return Err(Keep::Needed(need, one.until.clone()));
        }
    }
    let now = as_recorded(disk, live.disks)?;
    Ok(Free { now, group: now.volume_group.clone() })
}

/// The disk as it is now: the same one, in the same volume group, which is not varied on.
///
/// # Errors
/// [`Keep`]: what differs.
pub fn as_recorded<'a>(disk: &RunDisk, disks: &'a [SeenDisk]) -> Result<&'a SeenDisk, Keep> {
    if disk.pvid.is_none() && disk.udid.is_none() {
        return Err(Keep::NoIdentity);
    }
    let now =
        by_ids(disk.pvid.as_ref(), disk.udid.as_ref(), disks).map_err(|lookup| match lookup {
            Lookup::Gone => Keep::Gone,
            Lookup::Changed(now) => Keep::Changed(now),
            Lookup::Several(first, second) => Keep::Several(first, second),
        })?;
    if now.volume_group != disk.volume_group && !is_former_root(disk, now) {
        return Err(Keep::OtherGroup(disk.volume_group.clone(), now.volume_group.clone()));
    }
    if let Some(state) = &now.state {
        return Err(Keep::Active(state.clone()));
    }
    Ok(now)
}

/// Whether it is the former rootvg after a boot from another disk, which shows no volume group, or this one. Source: LU §6.3.
fn is_former_root(disk: &RunDisk, now: &SeenDisk) -> bool {
    disk.role == Named::Known(super::DiskUse::Rootvg)
        && disk.good_for == Named::Known(GoodFor::WayBack)
        && disk.volume_group.is_none()
        && now.volume_group.as_deref() == Some("old_rootvg")
}

/// Whether a Live Update has taken place since that is on no record: it may have booted its kernel from the same disk. An error log that
/// was cleared says nothing of one.
fn is_of_another_update(one: &Standing, live: &Live<'_>) -> bool {
    let newest = live.last_update.flatten();
    newest.is_some() && one.last_update.as_deref() != newest
}

#[cfg(test)]
mod tests;
