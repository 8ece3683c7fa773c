//! What is on disks, and what happens to them from outside: a database takes one, storage maps one to a second LPAR, numbers change.

use super::lpar::{Disk, Lpar};
use super::update::all_paths;
use super::{Unknown, World};
use crate::fault::{Armed, Fault};

/// The process that has the disks of the database open: its id.
pub const DATABASE: u32 = 7_340_256;

/// How many bytes of a disk are known.
const HEADER: usize = 4096;

impl Disk {
    /// Its first bytes: the mark of AIX and its physical volume id, and what marks that which is on it. Sources: IBM, "AIX LVM PVID
    /// Sources"; dumps of ASM disks; Linux, `block/partitions/aix.c`.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        let mut put = |place: usize, mark: &[u8]| {
            bytes[place..place + mark.len()].copy_from_slice(mark);
        };
        if self.asm {
            put(0, &[0x00, 0x82, 0x01, 0x01]);
            put(0x20, b"ORCLDISK");
            return bytes;
        }
        let digits = self.pvid.as_deref().and_then(|id| u64::from_str_radix(id, 16).ok());
        if let Some(id) = digits {
            put(0, &[0xC9, 0xC2, 0xD4, 0xC1]);
            put(0x80, &id.to_be_bytes());
        }
        if self.vg.is_some() || self.image.is_some() {
            put(0xE00, b"_LVM");
        }
        bytes
    }
}

impl World {
    /// A database takes the last free disk of `lpar` as one of its own: `lspv` goes on showing it as before.
    ///
    /// # Errors
    /// [`Unknown`] where there is no such LPAR, or no disk of it is free.
    pub fn give_to_database(&mut self, lpar: &str) -> Result<(), Unknown> {
        let disk = last_free(self.lpar_mut(lpar)?)?;
        disk.asm = true;
        Ok(())
    }

    /// The database gives back what it has.
    ///
    /// # Errors
    /// [`Unknown`].
    pub fn take_from_database(&mut self, lpar: &str) -> Result<(), Unknown> {
        self.lpar_mut(lpar)?.disks.iter_mut().for_each(|disk| disk.asm = false);
        Ok(())
    }

    /// Storage maps the last free disk of `lpar` to the next LPAR by name as well.
    ///
    /// # Errors
    /// [`Unknown`] where there is no such LPAR, no other one, or no disk is free.
    pub fn share_disk(&mut self, lpar: &str) -> Result<(), Unknown> {
        let disk = last_free(self.lpar_mut(lpar)?)?.clone();
        let other = self.neighbour(lpar)?;
        let numbers = other.disks.iter().filter_map(|disk| number(&disk.name));
        let next = numbers.max().unwrap_or(0) + 1;
        other.disks.push(Disk { name: format!("hdisk{next}"), ..disk });
        other.paths = all_paths(other);
        Ok(())
    }

    /// The next LPAR no longer sees disks of `lpar`.
    ///
    /// # Errors
    /// [`Unknown`].
    pub fn unshare_disks(&mut self, lpar: &str) -> Result<(), Unknown> {
        let own: Vec<String> =
            self.lpar(lpar)?.disks.iter().map(|disk| disk.udid.clone()).collect();
        let other = self.neighbour(lpar)?;
        other.disks.retain(|disk| !own.contains(&disk.udid));
        other.paths = all_paths(other);
        Ok(())
    }

    /// The free disks of `lpar` change numbers with each other, as when their definitions are removed and found in another order.
    ///
    /// # Errors
    /// [`Unknown`].
    pub fn renumber_disks(&mut self, lpar: &str) -> Result<(), Unknown> {
        let lpar = self.lpar_mut(lpar)?;
        let free: Vec<usize> =
            (0..lpar.disks.len()).filter(|at| lpar.disks[*at].vg.is_none()).collect();
        let mut names: Vec<String> = free.iter().map(|at| lpar.disks[*at].name.clone()).collect();
        if !names.is_empty() {
            names.rotate_left(1);
        }
        for (at, name) in free.into_iter().zip(names) {
            lpar.disks[at].name = name;
        }
        lpar.disks.sort_by_key(|disk| number(&disk.name));
        lpar.paths = all_paths(lpar);
        Ok(())
    }

    /// What the faults of a site file that are a state of disks come to. One that cannot be has no effect.
    pub(crate) fn begin_with_faults(&mut self) {
        let has = |world: &Self, fault| -> Vec<String> {
            let all = world.lpars.iter();
            let all = all.filter(|(_, lpar)| lpar.faults.get(&fault) == Some(&Armed::Always));
            all.map(|(name, _)| name.clone()).collect()
        };
        for lpar in has(self, Fault::AsmDisk) {
            let _none = self.give_to_database(&lpar);
        }
        for lpar in has(self, Fault::SharedLun) {
            let _none = self.share_disk(&lpar);
        }
    }

    /// The next LPAR by name, the first after the last.
    fn neighbour(&mut self, lpar: &str) -> Result<&mut Lpar, Unknown> {
        let after = self.lpars.keys().filter(|name| name.as_str() > lpar);
        let other = after.chain(self.lpars.keys()).find(|name| *name != lpar).cloned();
        let missing = || Unknown { kind: "other LPAR", name: lpar.to_owned() };
        self.lpar_mut(&other.ok_or_else(missing)?)
    }
}

/// The last disk without a volume group that nothing else was done to.
fn last_free(lpar: &mut Lpar) -> Result<&mut Disk, Unknown> {
    let missing = Unknown { kind: "free disk", name: lpar.hostname.clone() };
    let free = |disk: &&mut Disk| disk.vg.is_none() && disk.image.is_none() && !disk.asm;
    lpar.disks.iter_mut().rev().find(free).ok_or(missing)
}

fn number(name: &str) -> Option<u32> {
    name.trim_start_matches("hdisk").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site;

    fn world() -> World {
        let text = include_str!("../../../examples/site-small.yaml");
        site::build::world(&site::parse("site-small.yaml", text).unwrap())
    }

    #[test]
    fn a_shared_disk_is_the_same_on_two_lpars_until_it_is_not() {
        let (mut world, before) = (world(), world());
        world.share_disk("lpar01").unwrap();
        let last = world.lpar("lpar02").unwrap().disks.last().unwrap().clone();
        let own = &world.lpar("lpar01").unwrap().disks;
        assert!(own.iter().any(|disk| disk.udid == last.udid && disk.pvid == last.pvid));
        world.unshare_disks("lpar01").unwrap();
        assert_eq!(world, before);
    }

    #[test]
    fn numbers_change_among_free_disks_alone_and_ids_stay() {
        let mut world = world();
        let ids = |world: &World| {
            let disks = &world.lpar("lpar01").unwrap().disks;
            disks.iter().map(|disk| (disk.name.clone(), disk.udid.clone())).collect::<Vec<_>>()
        };
        let before = ids(&world);
        world.renumber_disks("lpar01").unwrap();
        let after = ids(&world);
        assert_eq!(before[0], after[0], "rootvg");
        assert_ne!(before, after);
        let names =
            |all: &[(String, String)]| all.iter().map(|one| one.0.clone()).collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after));
    }

    #[test]
    fn a_database_leaves_its_mark_and_a_volume_group_another() {
        let mut world = world();
        world.give_to_database("lpar01").unwrap();
        let disks = &world.lpar("lpar01").unwrap().disks;
        assert!(disks.last().unwrap().header()[0x20..].starts_with(b"ORCLDISK"));
        assert!(disks[0].header()[0xE00..].starts_with(b"_LVM"));
        assert_eq!(disks[1].header()[0xE00..0xE04], [0; 4]);
        world.take_from_database("lpar01").unwrap();
        assert!(!world.lpar("lpar01").unwrap().disks.iter().any(|disk| disk.asm));
    }
}
