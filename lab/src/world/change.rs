//! What happens to partitions at one go: a whole update, a new name, another frame, the end. For sites on which only what an HMC shows
//! afterwards matters.

use super::World;
use super::update::{CpuReduction, Refused, Update};
use crate::Phase;

impl World {
    /// A whole Live Update of `lpar` that leads to `level`, each step in its order. The id of its partition afterwards.
    ///
    /// # Errors
    /// [`Refused`] where the frame has no room, or there are no two free disks to work with.
    pub fn update_at_once(&mut self, lpar: &str, level: &str) -> Result<u32, Refused> {
        let entry = self.lpar_mut(lpar)?;
        let mut free = entry.disks.iter().filter(|disk| disk.vg.is_none());
        let (Some(nhdisk), Some(mhdisk)) = (free.next(), free.next()) else {
            return Err(Refused::NoUpdate(lpar.to_owned()));
        };
        let before = entry.software.clone();
        let mut target = before.clone();
        level.clone_into(&mut target.level);
        entry.update = Some(Update {
            phase: Phase::Init,
            nhdisk: vec![nhdisk.name.clone()],
            mhdisk: vec![mhdisk.name.clone()],
            original_id: entry.partition_id,
            surrogate_id: None,
            target,
            before,
            pid: 0,
            booted_at: entry.booted_at,
            own_hundredths: None,
        });
        self.take_resources(lpar, None, CpuReduction::No)?;
        self.cloned(lpar)?;
        self.surrogate_booted(lpar)?;
        self.mirrored(lpar)?;
        self.moved(lpar)?;
        self.paths_back(lpar)?;
        self.original_down(lpar)?;
        self.original_deleted(lpar)?;
        let entry = self.lpar_mut(lpar)?;
        entry.update = None;
        Ok(entry.partition_id)
    }

    /// The partition of `lpar` gets another name, as somebody gives it on the HMC.
    ///
    /// # Errors
    /// [`Refused::Unknown`].
    pub fn rename_partition(&mut self, lpar: &str, name: &str) -> Result<(), Refused> {
        let id = self.lpar(lpar)?.partition_id;
        if let Some(partition) = self.frame_mut(lpar)?.partition_mut(id) {
            name.clone_into(&mut partition.name);
        }
        Ok(())
    }

    /// Partition mobility: `lpar` goes on, on the frame `to`, under an id that is free there. Its adapters are on the VIO servers there.
    ///
    /// # Errors
    /// [`Refused`] where that frame has no id left or is not there.
    pub fn migrate(&mut self, lpar: &str, to: &str) -> Result<(), Refused> {
        let missing = || super::Unknown { kind: "frame", name: to.to_owned() };
        let id = self.frames.get(to).ok_or_else(missing)?.free_id().ok_or(Refused::Id(None))?;
        let mut partition = self.partition_of(lpar)?.clone();
        let from = self.frame_mut(lpar)?;
        from.partitions.retain(|one| one.id != partition.id);
        let mut moved = Vec::new();
        for vios in from.vioses.values_mut() {
            let (own, others) =
                std::mem::take(&mut vios.vhosts).into_iter().partition(|vhost| vhost.lpar == lpar);
            vios.vhosts = others;
            moved.push(own);
            vios.vfchosts.retain(|vfchost| vfchost.lpar != lpar);
        }
        let target = self.frames.get_mut(to).ok_or_else(missing)?;
        for (vios, own) in target.vioses.values_mut().zip(moved) {
            let own: Vec<super::frame::Vhost> = own;
            for mut vhost in own {
                let number = vios.vhosts.len();
                let slots = vios.vhosts.iter().map(|one| one.slot).max();
                vhost.name = format!("vhost{number}");
                vhost.slot = slots.unwrap_or(0) + 1;
                vhost.client_id = id;
                vios.vhosts.push(vhost);
            }
        }
        partition.id = id;
        target.partitions.push(partition);
        let entry = self.lpar_mut(lpar)?;
        entry.partition_id = id;
        to.clone_into(&mut entry.frame);
        Ok(())
    }

    /// The partition of `lpar` is removed on the HMC, with what VIO servers have for it. The LPAR itself is as if switched off.
    ///
    /// # Errors
    /// [`Refused::Unknown`].
    pub fn remove_partition(&mut self, lpar: &str) -> Result<(), Refused> {
        let id = self.lpar(lpar)?.partition_id;
        let frame = self.frame_mut(lpar)?;
        frame.partitions.retain(|one| one.id != id);
        for vios in frame.vioses.values_mut() {
            vios.vhosts.retain(|vhost| vhost.lpar != lpar);
            vios.vfchosts.retain(|vfchost| vfchost.lpar != lpar);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site;

    #[test]
    fn partitions_change_as_the_hmc_shows_it_and_no_memory_is_lost() {
        let text = include_str!("../../../examples/site-small.yaml");
        let mut file = site::parse("site-small.yaml", text).unwrap();
        file.read_alike();
        let mut world = site::build::world(&file);
        let free =
            |world: &World| world.frames.values().map(super::super::Frame::free_mb).sum::<u64>();
        let before = free(&world);
        let id = world.update_at_once("lpar02", "7200-05-09-2446").unwrap();
        assert_ne!(id, 12);
        assert_eq!(world.partition_of("lpar02").unwrap().os_version, "AIX 7.2 7200-05-09-2446");
        world.rename_partition("lpar03", "db3").unwrap();
        assert_eq!(world.partition_of("lpar03").unwrap().name, "db3");
        world.migrate("lpar01", "frame2").unwrap();
        assert_eq!(free(&world), before);
        let served = |world: &World, frame: &str| {
            let vioses = world.frames[frame].vioses.values();
            vioses.flat_map(|vios| &vios.vhosts).filter(|vhost| vhost.lpar == "lpar01").count()
        };
        assert_eq!((served(&world, "frame1"), served(&world, "frame2")), (0, 2));
        assert_eq!(world.partition_of("lpar01").unwrap().name, "lpar01");
        world.remove_partition("lpar01").unwrap();
        assert_eq!(served(&world, "frame2"), 0);
        assert!(world.partition_of("lpar01").is_err() && free(&world) > before);
    }
}
