//! What a Live Update changes, step by step, as LU §5.5 and HV §4.1 table it.
//!
//! Each function is one step of the run and leaves the world in the state in which a process that dies right after it would leave it.

use serde::{Deserialize, Serialize};

use super::frame::{Frame, Partition, PartitionState, Vios};
use super::lpar::{Lpar, Software};
use super::{Unknown, Variation, World};
use crate::Phase;

/// An update under way. It stays in the world when the geninstall that drives it dies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The phase last entered.
    pub phase: Phase,
    /// Clone disks.
    pub nhdisk: Vec<String>,
    /// Mirror disks.
    pub mhdisk: Vec<String>,
    /// Partition id before.
    pub original_id: u32,
    /// Partition id of the surrogate, once there is one.
    pub surrogate_id: Option<u32>,
    /// What the moved system will hold.
    pub target: Software,
    /// What was there before, for the copy that is split off.
    pub before: Software,
    /// Process that drives it.
    pub pid: u32,
    /// When the system that it began on was booted: the kernel of another boot knows nothing of it.
    #[serde(default)]
    pub booted_at: u64,
    /// What the LPAR had before it gave up processors, in hundredths of a unit.
    #[serde(default)]
    pub own_hundredths: Option<u64>,
}

/// Whether the original gives up processors for as long as there are two partitions (LU §1.2: `cpu_reduction`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuReduction {
    /// It keeps them.
    No,
    /// Where they are short, as on 7.2.
    WhereShort,
    /// In any case, as on 7.3.
    Always,
}

/// Why a step of an update cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Not enough memory on the frame.
    #[error("the frame has {free_mb} MB free, {needed_mb} MB are needed")]
    Memory {
        /// MB free.
        free_mb: u64,
        /// MB needed.
        needed_mb: u64,
    },
    /// Not enough entitlement on the frame.
    #[error("the frame has {free} hundredths of a processor free, {needed} are needed")]
    Processors {
        /// Hundredths free.
        free: u64,
        /// Hundredths needed.
        needed: u64,
    },
    /// Not enough entitlement in its pool.
    #[error("pool {pool} has {free} hundredths of a processor free, {needed} are needed")]
    Pool {
        /// Number of the pool.
        pool: u32,
        /// Hundredths free.
        free: u64,
        /// Hundredths needed.
        needed: u64,
    },
    /// The wanted id is taken, or none is free.
    #[error("partition id {0:?} is not available")]
    Id(Option<u32>),
    /// Something is not there.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The step needs an update, and none is under way.
    #[error("no live update is under way on {0}")]
    NoUpdate(String),
    /// The world could not be read or written.
    #[error(transparent)]
    Store(#[from] super::StoreError),
}

/// Suffix of the original's name while both exist (HV §4.1).
pub const SUFFIX: &str = "_lku0";

impl World {
    /// Whether the frame could take a surrogate of this LPAR now.
    pub fn fits(&self, lpar: &str, reduction: CpuReduction) -> Result<(), Refused> {
        let (frame, own) = (self.frame_of(lpar)?, self.partition_of(lpar)?);
        share(frame, own, reduction).map(drop)
    }

    /// The HMC makes the surrogate under the original's name and renames the original; memory and processors are gone from now on.
    pub fn take_resources(
        &mut self,
        lpar: &str,
        wanted: Option<u32>,
        reduction: CpuReduction,
    ) -> Result<u32, Refused> {
        let own = self.partition_of(lpar)?.clone();
        let frame = self.frame_mut(lpar)?;
        let hundredths = share(frame, &own, reduction)?;
        let had = (hundredths < own.hundredths).then_some(own.hundredths);
        let id = match wanted {
            Some(id) if frame.partition(id).is_some() || id > frame.max_lpars => {
                return Err(Refused::Id(Some(id)));
            }
            Some(id) => id,
            None => frame.free_id().ok_or(Refused::Id(None))?,
        };
        if let Some(original) = frame.partition_mut(own.id) {
            original.name = format!("{}{SUFFIX}", own.name);
            original.hundredths = hundredths;
        }
        let uuid = own.uuid.chars().rev().collect();
        let state = PartitionState::NotActivated;
        frame.partitions.push(Partition { id, uuid, state, hundredths, ..own });
        let update = self.update_mut(lpar)?;
        (update.surrogate_id, update.own_hundredths) = (Some(id), had);
        Ok(id)
    }

    /// alt_disk_copy is done: nhdisk holds the system the surrogate will boot.
    pub fn cloned(&mut self, lpar: &str) -> Result<(), Refused> {
        let update = self.update_mut(lpar)?.clone();
        let lpar = self.lpar_mut(lpar)?;
        for name in &update.nhdisk {
            if let Some(disk) = lpar.disk_mut(name) {
                disk.pvid.get_or_insert_with(|| fresh_pvid(&disk.udid));
                disk.vg = Some("altinst_rootvg".to_owned());
                disk.asm = false;
                disk.image = Some(update.target.clone());
            }
        }
        Ok(())
    }

    /// The surrogate runs with half of the adapters.
    pub fn surrogate_booted(&mut self, lpar: &str) -> Result<(), Refused> {
        let surrogate = self.surrogate(lpar)?;
        self.set_state(lpar, surrogate, PartitionState::Running)?;
        let gone = second_half(self.lpar(lpar)?);
        self.lpar_mut(lpar)?.paths.retain(|path| !gone.contains(&path.parent));
        let half = gone.len();
        self.repoint(lpar, surrogate, half)
    }

    /// rootvg is mirrored to mhdisk.
    pub fn mirrored(&mut self, lpar: &str) -> Result<(), Refused> {
        let update = self.update_mut(lpar)?.clone();
        let lpar = self.lpar_mut(lpar)?;
        for name in &update.mhdisk {
            if let Some(disk) = lpar.disk_mut(name) {
                disk.pvid.get_or_insert_with(|| fresh_pvid(&disk.udid));
                disk.vg = Some("rootvg".to_owned());
                disk.asm = false;
            }
        }
        Ok(())
    }

    /// The workload runs on the surrogate, with the other half of the paths; the mirror is split.
    pub fn moved(&mut self, lpar: &str) -> Result<(), Refused> {
        let surrogate = self.surrogate(lpar)?;
        let update = self.update_mut(lpar)?.clone();
        let mine = second_half(self.lpar(lpar)?);
        let lpar = self.lpar_mut(lpar)?;
        lpar.partition_id = surrogate;
        lpar.software = update.target.clone();
        lpar.kernel.clone_from(&update.target.level);
        lpar.paths =
            all_paths(lpar).into_iter().filter(|path| mine.contains(&path.parent)).collect();
        let (boot, old) = if lpar.variation.disks_swapped {
            (&update.mhdisk, &update.nhdisk)
        } else {
            (&update.nhdisk, &update.mhdisk)
        };
        for name in boot {
            if let Some(disk) = lpar.disk_mut(name) {
                disk.vg = Some("lvup_rootvg".to_owned());
                disk.image = None;
            }
        }
        for name in old {
            if let Some(disk) = lpar.disk_mut(name) {
                disk.vg = None;
                disk.image = Some(update.before.clone());
            }
        }
        if lpar.variation.token_lost {
            lpar.tokens.clear();
        }
        Ok(())
    }

    /// The surrogate has all adapters.
    pub fn paths_back(&mut self, lpar: &str) -> Result<(), Refused> {
        let surrogate = self.surrogate(lpar)?;
        let entry = self.lpar_mut(lpar)?;
        entry.paths = all_paths(entry);
        let all = entry.adapters.len();
        self.repoint(lpar, surrogate, all)
    }

    /// The original is switched off.
    pub fn original_down(&mut self, lpar: &str) -> Result<(), Refused> {
        let original = self.update_mut(lpar)?.original_id;
        self.set_state(lpar, original, PartitionState::NotActivated)
    }

    /// The original is deleted: its memory and processors are free again. Whether processors that it gave up come back with that is a
    /// reading of its own.
    pub fn original_deleted(&mut self, lpar: &str) -> Result<(), Refused> {
        let update = self.update_mut(lpar)?.clone();
        let surrogate = self.surrogate(lpar)?;
        let Variation { same_lpar_id: same, processors_back_later, .. } =
            self.lpar(lpar)?.variation;
        let frame = self.frame_mut(lpar)?;
        let uuid = frame.partition(update.original_id).map(|original| original.uuid.clone());
        frame.partitions.retain(|partition| partition.id != update.original_id);
        if !processors_back_later {
            give_back(frame, surrogate, update.own_hundredths);
        }
        let id = if same { update.original_id } else { surrogate };
        if let Some(partition) = frame.partition_mut(surrogate) {
            partition.id = id;
            partition.os_version = os_version(&update.target.level);
            // "partition UUID reset to the original's at LVUP_COMPLETE" (LU §6.1).
            if let Some(uuid) = uuid {
                partition.uuid = uuid;
            }
        }
        self.lpar_mut(lpar)?.partition_id = id;
        let all = self.lpar(lpar)?.adapters.len();
        self.repoint(lpar, id, all)
    }

    /// The partition that stays has what the LPAR had before it gave up processors.
    pub fn processors_back(&mut self, lpar: &str) -> Result<(), Refused> {
        let own = self.update_mut(lpar)?.own_hundredths;
        let id = self.lpar(lpar)?.partition_id;
        give_back(self.frame_mut(lpar)?, id, own);
        Ok(())
    }

    /// A failed run is cleaned up: the surrogate goes, the original gets its name, its paths and free disks back.
    pub fn rolled_back(&mut self, lpar: &str) -> Result<(), Refused> {
        let update = self.update_mut(lpar)?.clone();
        let frame = self.frame_mut(lpar)?;
        if let Some(surrogate) = update.surrogate_id {
            frame.partitions.retain(|partition| partition.id != surrogate);
        }
        give_back(frame, update.original_id, update.own_hundredths);
        if let Some(original) = frame.partition_mut(update.original_id) {
            if let Some(name) = original.name.strip_suffix(SUFFIX) {
                original.name = name.to_owned();
            }
            original.refcode.clear();
        }
        let entry = self.lpar_mut(lpar)?;
        entry.paths = all_paths(entry);
        for name in update.nhdisk.iter().chain(&update.mhdisk) {
            if let Some(disk) = entry.disk_mut(name) {
                disk.vg = None;
                disk.image = None;
            }
        }
        entry.update = None;
        let all = entry.adapters.len();
        self.repoint(lpar, update.original_id, all)
    }

    /// Sets the code on the panels of both partitions (000e while the workload moves, HV §2.5), or clears it.
    pub fn refcode(&mut self, lpar: &str, code: &str) -> Result<(), Refused> {
        let update = self.update_mut(lpar)?.clone();
        let frame = self.frame_mut(lpar)?;
        for id in [Some(update.original_id), update.surrogate_id].into_iter().flatten() {
            if let Some(partition) = frame.partition_mut(id) {
                code.clone_into(&mut partition.refcode);
            }
        }
        Ok(())
    }

    /// The LPAR boots from the first bootable disk of its boot list, and forgets what only a kernel holds.
    /// `None`: nothing there can be booted.
    pub fn boot(
        &mut self,
        lpar: &str,
        disk: Option<&str>,
        now: u64,
    ) -> Result<Option<String>, Refused> {
        let entry = self.lpar_mut(lpar)?;
        entry.tokens.clear();
        entry.booted_at = now;
        let current = entry.booted_from.clone();
        let wanted: Vec<String> =
            disk.map_or_else(|| entry.bootlist.clone(), |d| vec![d.to_owned()]);
        let found = wanted.iter().find_map(|name| {
            let disk = entry.disk(name)?;
            let pvid = disk.pvid.clone()?;
            (pvid == current || disk.image.is_some()).then_some((name.clone(), pvid))
        });
        let Some((name, pvid)) = found else {
            let id = entry.partition_id;
            self.set_state(lpar, id, PartitionState::OpenFirmware)?;
            return Ok(None);
        };
        if pvid != current {
            let old = entry.software.clone();
            for disk in &mut entry.disks {
                // The former rootvg shows as none afterwards (LU §6.3).
                if disk.pvid.as_deref() == Some(current.as_str()) {
                    disk.vg = None;
                    disk.image = Some(old.clone());
                }
            }
            if let Some(disk) = entry.disk_mut(&name) {
                disk.vg = Some("rootvg".to_owned());
                if let Some(image) = disk.image.take() {
                    entry.software = image;
                }
            }
            entry.booted_from.clone_from(&pvid);
        }
        entry.kernel.clone_from(&entry.software.level);
        entry.outdated.clear();
        entry.subsystems.clear();
        let (id, level) = (entry.partition_id, entry.software.level.clone());
        self.set_state(lpar, id, PartitionState::Running)?;
        if let Some(partition) = self.frame_mut(lpar)?.partition_mut(id) {
            partition.os_version = os_version(&level);
        }
        Ok(Some(pvid))
    }

    /// The HMC has the LPAR's profile with half of the memory from now on.
    pub fn change_profile(&mut self, lpar: &str) -> Result<(), Refused> {
        let id = self.lpar(lpar)?.partition_id;
        if let Some(own) = self.frame_mut(lpar)?.partition_mut(id) {
            let half = (own.memory_mb / 2).to_string();
            own.odd.profile.insert("desired_mem".to_owned(), half);
        }
        Ok(())
    }

    /// The frame of the LPAR, to be changed.
    pub fn frame_mut(&mut self, lpar: &str) -> Result<&mut Frame, Unknown> {
        let name = self.lpar(lpar)?.frame.clone();
        self.frames.get_mut(&name).ok_or(Unknown { kind: "frame", name })
    }

    /// The update under way on the LPAR.
    pub fn update_mut(&mut self, lpar: &str) -> Result<&mut Update, Refused> {
        let missing = || Refused::NoUpdate(lpar.to_owned());
        self.lpar_mut(lpar)?.update.as_mut().ok_or_else(missing)
    }

    fn surrogate(&mut self, lpar: &str) -> Result<u32, Refused> {
        self.update_mut(lpar)?.surrogate_id.ok_or_else(|| Refused::NoUpdate(lpar.to_owned()))
    }

    fn set_state(&mut self, lpar: &str, id: u32, state: PartitionState) -> Result<(), Refused> {
        if let Some(partition) = self.frame_mut(lpar)?.partition_mut(id) {
            partition.state = state;
        }
        Ok(())
    }

    /// Points the server adapters of the last `count` client adapters at partition `id`.
    fn repoint(&mut self, lpar: &str, id: u32, count: usize) -> Result<(), Refused> {
        let frame = self.frame_mut(lpar)?;
        let serves = |vios: &Vios| vios.vhosts.iter().any(|vhost| vhost.lpar == lpar);
        let servers = frame.vioses.values().filter(|vios| serves(vios)).count();
        let moved = frame.vioses.values_mut().filter(|vios| serves(vios));
        for vios in moved.skip(servers.saturating_sub(count)) {
            let scsi = vios.vhosts.iter_mut().filter(|vhost| vhost.lpar == lpar);
            scsi.for_each(|vhost| vhost.client_id = id);
            let fc = vios.vfchosts.iter_mut().filter(|vfchost| vfchost.lpar == lpar);
            fc.for_each(|vfchost| vfchost.client_id = id);
        }
        Ok(())
    }
}

/// `AIX 7.2 7200-04-02-2028`, as RMC tells the HMC (HV §2.2).
pub fn os_version(level: &str) -> String {
    let release = match level.get(..2) {
        Some("73") => "7.3",
        _ => "7.2",
    };
    format!("AIX {release} {level}")
}

/// The adapters that move first: the second half, at least one.
pub fn second_half(lpar: &Lpar) -> Vec<String> {
    lpar.adapters.iter().skip(lpar.adapters.len() / 2).cloned().collect()
}

/// Every disk over every adapter.
pub fn all_paths(lpar: &Lpar) -> Vec<super::lpar::DiskPath> {
    (0u32..)
        .zip(&lpar.adapters)
        .flat_map(|(id, parent)| {
            lpar.disks.iter().map(move |disk| super::lpar::DiskPath {
                disk: disk.name.clone(),
                parent: parent.clone(),
                id,
                status: "Enabled".to_owned(),
            })
        })
        .collect()
}

/// A physical volume id for a disk that had none; derived from the LUN, so that every host would see the same.
pub fn fresh_pvid(udid: &str) -> String {
    let hash = udid.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("00fa343b{:08x}", hash >> 32)
}

/// What each of the two partitions gets, in hundredths of a unit. How they share is not known: here each gets half of what the LPAR has,
/// and no less than it needs (HV §4.3, inferred).
fn share(frame: &Frame, own: &Partition, reduction: CpuReduction) -> Result<u64, Refused> {
    let (free_mb, needed_mb) = (frame.free_mb(), frame.held_mb(own));
    if needed_mb > free_mb {
        return Err(Refused::Memory { free_mb, needed_mb });
    }
    let (free, of_pool) = (frame.free_hundredths(), frame.free_of_pool(own.pool));
    let (needed, least) = (own.hundredths, own.least_hundredths());
    let there = of_pool.map_or(free, |of_pool| of_pool.min(free));
    let reduces = match reduction {
        CpuReduction::No => false,
        CpuReduction::WhereShort => needed > there,
        CpuReduction::Always => true,
    };
    if reduces && there + needed >= 2 * least {
        return Ok((needed / 2).max(least));
    }
    if needed > free {
        return Err(Refused::Processors { free, needed });
    }
    match of_pool {
        Some(free) if needed > free => Err(Refused::Pool { pool: own.pool, free, needed }),
        Some(_) | None => Ok(needed),
    }
}

/// The partition that stays gets what the LPAR had, as far as nobody else has it by now.
fn give_back(frame: &mut Frame, stays: u32, own: Option<u64>) {
    let free = frame.free_hundredths();
    if let (Some(own), Some(partition)) = (own, frame.partition_mut(stays)) {
        partition.hundredths = own.min(partition.hundredths + free);
    }
}

#[cfg(test)]
mod tests;
