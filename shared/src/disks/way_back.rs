//! Which copy of rootvg an LPAR goes back to: the one that is on record as holding the old level, and never one that an attribute names.
//!
//! Booting the disk of the surrogate brings up its minimal system, and the sources disagree on which list that disk is of. So a copy
//! counts only where the run that made it recorded what it holds; where several come into question a person names the disk.
//! Source: LU §6.3.

use serde::{Deserialize, Serialize};

use super::{GoodFor, Keep, Need, RunDisk, SURROGATE, SeenDisk, Standing, as_recorded};
use crate::id::{DiskName, OperationId};
use crate::operation::Named;

/// A copy of rootvg that the LPAR can be booted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WayBack {
    /// The operation that made it.
    pub made_by: OperationId,
    /// Its disks, as they are on record.
    pub disks: Vec<RunDisk>,
    /// The level that it holds.
    pub level: String,
}

/// Why there is no way back, or not this one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWayBack {
    /// Nothing on record holds an old level.
    #[error("no disk is on record as holding a level to go back to")]
    None,
    /// Several copies do.
    #[error("several copies hold a level to go back to: {}", .0.iter().map(told).collect::<Vec<_>>().join("; "))]
    Several(Vec<WayBack>),
    /// No run has used the disk that was named.
    #[error("no operation has used {0}")]
    Unknown(DiskName),
    /// What the disk that was named is.
    #[error("{0} holds no level to go back to: it is {1}")]
    Other(DiskName, Named<GoodFor>),
    /// It is, or was, the surrogate's.
    #[error("{0} booted the surrogate and holds its minimal system: nobody boots it")]
    Surrogate(DiskName),
    /// What it holds is on record, and its level is not.
    #[error("the level that {0} holds is not on record")]
    Level(DiskName),
    /// It is not as it is on record.
    #[error("{0} is not what is on record: {1}")]
    Changed(DiskName, Keep),
}

fn told(copy: &WayBack) -> String {
    let names: Vec<&str> = copy.disks.iter().map(|disk| disk.name.as_str()).collect();
    format!("{} ({})", names.join(" "), copy.level)
}

/// The copy to go back to: the one that the disk `wanted` is of, or the only one.
///
/// # Errors
/// [`NoWayBack`].
pub fn way_back(
    standing: &[Standing],
    wanted: Option<&DiskName>,
    now: &[SeenDisk],
) -> Result<WayBack, NoWayBack> {
    let copy = match wanted {
        Some(name) => named(standing, name, now)?,
        None => only(standing)?,
    };
    for disk in &copy.disks {
        let found =
            as_recorded(disk, now).map_err(|keep| NoWayBack::Changed(disk.name.clone(), keep))?;
        if found.volume_group.as_deref() == Some(SURROGATE) {
            return Err(NoWayBack::Surrogate(disk.name.clone()));
        }
    }
    Ok(copy)
}

/// The copy that is needed as the way back.
fn only(standing: &[Standing]) -> Result<WayBack, NoWayBack> {
    let needed = standing.iter().filter(|one| one.need == Some(Named::Known(Need::WayBack)));
    let mut copies: Vec<WayBack> = Vec::new();
    for one in needed {
        let copy = whole(standing, one)?;
        if !copies.contains(&copy) {
            copies.push(copy);
        }
    }
    match copies.len() {
        0 => Err(NoWayBack::None),
        1 => Ok(copies.remove(0)),
        _ => Err(NoWayBack::Several(copies)),
    }
}

/// The copy that the disk with this name is of now.
fn named(standing: &[Standing], name: &DiskName, now: &[SeenDisk]) -> Result<WayBack, NoWayBack> {
    let seen = now.iter().find(|disk| disk.name == *name);
    let is_it = |one: &&Standing| match seen {
        Some(seen) => one.disk.is_one_of(seen.pvid.as_ref(), seen.udid.as_ref()),
        None => one.disk.name == *name,
    };
    let one = standing.iter().find(is_it).ok_or_else(|| NoWayBack::Unknown(name.clone()))?;
    match one.disk.good_for.known() {
        Some(GoodFor::WayBack) => whole(standing, one),
        Some(GoodFor::BootedKernel) => Err(NoWayBack::Surrogate(name.clone())),
        _ => Err(NoWayBack::Other(name.clone(), one.disk.good_for.clone())),
    }
}

/// All disks of the copy that `one` is of.
fn whole(standing: &[Standing], one: &Standing) -> Result<WayBack, NoWayBack> {
    let disk = &one.disk;
    let is_of_it = |other: &&Standing| {
        other.operation == one.operation
            && other.disk.role == disk.role
            && other.disk.volume_group == disk.volume_group
            && other.disk.good_for == disk.good_for
    };
    let level = disk.level.clone().ok_or_else(|| NoWayBack::Level(disk.name.clone()))?;
    let disks = standing.iter().filter(is_of_it).map(|one| one.disk.clone()).collect();
    Ok(WayBack { made_by: one.operation, disks, level })
}

/// Where an LPAR goes back to, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rollback {
    /// The copy that is booted.
    pub to: WayBack,
    /// What runs before, with its level: it stays on its disks, and is the way forward again.
    pub from: Vec<RunDisk>,
}

impl Rollback {
    /// Whether these are the disks that rootvg is on once the copy was booted: by their physical volume ids.
    #[must_use]
    pub fn is_on(&self, rootvg: &[String]) -> bool {
        let mut wanted: Vec<String> =
            self.to.disks.iter().filter_map(|disk| Some(disk.pvid.as_ref()?.to_string())).collect();
        wanted.sort();
        let mut found: Vec<String> = rootvg.iter().map(|pvid| pvid.to_lowercase()).collect();
        found.sort();
        !wanted.is_empty() && wanted.len() == self.to.disks.len() && wanted == found
    }
}

#[cfg(test)]
mod tests;
