//! What a state is in the world.

use super::{State, Turn};
use crate::world::frame::{Partition, PartitionState};
use crate::world::lpar::{Disk, DiskPath, FileSystem, Ifix, Lpar, Mount, Subsystem};
use crate::world::running::WorkloadManager;
use crate::world::system::{Cluster, Device, Filters, Process};
use crate::world::update::{Refused, SUFFIX, fresh_pvid};
use crate::world::{Unknown, World};

impl World {
    /// From now on `lpar` is so, or is as after the installation again. `now` is the site's time in milliseconds.
    ///
    /// # Errors
    /// [`Unknown`] LPAR; no id for a partition.
    pub fn put(&mut self, lpar: &str, state: State, turn: Turn, now: u64) -> Result<(), Refused> {
        if state == State::LeftBehind {
            return self.left_behind(lpar, turn);
        }
        self.on_frame(lpar, state, turn)?;
        self.lpar_mut(lpar)?.put(state, turn, now);
        Ok(())
    }

    /// What the HMC and the VIO servers show.
    fn on_frame(&mut self, lpar: &str, state: State, turn: Turn) -> Result<(), Refused> {
        let (is_on, id) = (turn == Turn::On, self.lpar(lpar)?.partition_id);
        let frame = self.frame_mut(lpar)?;
        let vioses = frame.vioses.values_mut();
        let vhosts = vioses.flat_map(|vios| &mut vios.vhosts).filter(|vhost| vhost.lpar == lpar);
        match state {
            State::OpenServerAdapter => vhosts.for_each(|vhost| vhost.open = is_on),
            State::FileBacked => vhosts.for_each(|vhost| {
                if let Some(last) = vhost.backing.last_mut() {
                    let disk = last.rsplit('/').next().unwrap_or_default().to_owned();
                    *last = if is_on { format!("{FILES}/{disk}") } else { disk };
                }
            }),
            _ => {}
        }
        let Some(partition) = frame.partition_mut(id) else { return Ok(()) };
        let odd = &mut partition.odd;
        match state {
            State::ProfileSynced => odd.profile_synced = is_on,
            State::NoVirtualSlot => odd.no_virtual_slot = is_on,
            State::RemoteRestart => odd.remote_restart = is_on,
            State::Migrating => odd.migrating = is_on,
            State::PhysicalAdapter | State::CapiDevice if is_on => {
                odd.physical_slots.insert(state.explain().to_owned());
            }
            State::PhysicalAdapter | State::CapiDevice => {
                odd.physical_slots.remove(state.explain());
            }
            _ => {}
        }
        Ok(())
    }

    /// A partition that a run has left on the frame: switched off, without memory.
    fn left_behind(&mut self, lpar: &str, turn: Turn) -> Result<(), Refused> {
        let own = self.partition_of(lpar)?.clone();
        let name = format!("{}{SUFFIX}", own.name);
        let frame = self.frame_mut(lpar)?;
        frame.partitions.retain(|partition| partition.name != name);
        if turn == Turn::On {
            let id = frame.free_id().ok_or(Refused::Id(None))?;
            let (state, memory_mb, hundredths) = (PartitionState::NotActivated, 0, 0);
            frame.partitions.push(Partition { name, id, state, memory_mb, hundredths, ..own });
        }
        Ok(())
    }

    /// Partitions of `frame` whose system no management console reaches over RMC.
    #[must_use]
    pub fn without_rmc(&self, frame: &str) -> Vec<u32> {
        let there = self.lpars.values().filter(|lpar| lpar.frame == frame);
        there.filter(|lpar| !lpar.has_rmc()).map(|lpar| lpar.partition_id).collect()
    }

    /// `command` touches what a cluster stands on. Whether it broke one by that.
    ///
    /// # Errors
    /// [`Unknown`] LPAR.
    pub fn disturb_cluster(&mut self, lpar: &str, command: &str) -> Result<bool, Unknown> {
        let lpar = self.lpar_mut(lpar)?;
        let Some(cluster) = &mut lpar.system.cluster else { return Ok(false) };
        if cluster.broken_by.is_some() {
            return Ok(false);
        }
        cluster.broken_by = Some(command.to_owned());
        let stopped = CLUSTER.map(|name| (name.to_owned(), Subsystem::Stopped));
        lpar.subsystems.extend(stopped);
        Ok(true)
    }
}

/// Subsystems that run on a node of a cluster only.
const CLUSTER: [&str; 3] = ["clstrmgrES", "clconfd", "cthags"];

impl Lpar {
    fn put(&mut self, state: State, turn: Turn, now: u64) {
        let is_on = turn == Turn::On;
        match state {
            State::NoLiveUpdateRuntime => self.fileset("bos.liveupdate.rte", !is_on, None),
            State::NoHmcClient => self.fileset("bos.sysmgt.hmc", !is_on, None),
            State::NoArtex => self.fileset("artex.base.rte", !is_on, None),
            State::OldRsct => self.fileset("rsct.core.rmc", true, is_on.then_some("3.2.0.12")),
            State::MlsConfiguration => self.fileset("bos.mls.cfg", is_on, None),
            State::Pkcs11 => self.fileset("security.pkcs11", is_on, None),
            State::CasAgent => self.fileset("cas.agent", is_on, None),
            State::NisWithoutDomain => {
                self.fileset("bos.net.nis.client", is_on, None);
                self.system.nis_domain.clear();
            }
            State::OldIpsec => {
                self.fileset("bos.net.ipsec.rte", is_on, Some("7.3.3.1"));
                self.put(State::IpFilters, turn, now);
            }
            State::SmallProfile => self.system.minimum_memory_mb = is_on.then_some(1024),
            State::VarFull => self.fill("/var", turn),
            State::RootFull => self.fill("/", turn),
            // What was there is not known any more.
            State::TokenGone => self.tokens.retain(|_| !is_on),
            State::ForeignToken => {
                for token in &mut self.tokens {
                    let (other, usual) = ("viewer", "liveupdate");
                    if is_on { other } else { usual }.clone_into(&mut token.user);
                }
            }
            State::TokenShort => {
                let hours = if is_on { 1 } else { 24 };
                self.tokens.iter_mut().for_each(|token| token.expires = now + hours * HOUR);
            }
            State::RmcLost => self.system.rmc_lost = is_on,
            State::CtrmcStopped => {
                self.subsystems.remove("ctrmc");
                let stopped = is_on.then(|| ("ctrmc".to_owned(), Subsystem::Stopped));
                self.subsystems.extend(stopped);
            }
            State::FreeDiskTaken => self.take_free_disk(turn),
            State::OneAdapter => {
                let last = self.adapters.last().cloned().unwrap_or_default();
                self.paths = crate::world::update::all_paths(self);
                self.paths.retain(|path| !is_on || path.parent != last);
            }
            State::PathMissing => {
                self.paths.retain(|path| path.status != "Missing");
                let old = self.paths.first().cloned();
                let status = "Missing".to_owned();
                let id = u32::try_from(self.adapters.len()).unwrap_or(u32::MAX);
                self.paths.extend(old.filter(|_| is_on).map(|path| DiskPath {
                    id,
                    status,
                    ..path
                }));
            }
            // No other one is in the references: the lab's own.
            State::ForeignPathControl => {
                self.system.path_control = is_on.then(|| "PCM/lab/foreign".to_owned());
            }
            // The words of its kind are general knowledge of AIX (inferred); those of LU §4.3 D09 are all of virtual ones.
            State::PhysicalAdapter => {
                self.device("fcs7", "adapter", "8Gb PCI Express Dual Port FC Adapter", turn);
            }
            State::TapeDevice => self.device("rmt0", "tape", "Other SCSI Tape Drive", turn),
            State::CapiDevice => self.device("capi0", "adapter", "CAPI Flash Accelerator", turn),
            State::AltinstRootvg => self.copy_of_rootvg("hdisk30", "altinst_rootvg", turn),
            State::LvupRootvg => self.copy_of_rootvg("hdisk31", "lvup_rootvg", turn),
            State::UnevenMirror => self.system.copies = only("hd9var", 2, is_on),
            State::StaleRootvg => self.system.stale_partitions = if is_on { 4 } else { 0 },
            // LU §4.3 D16 knows that there is a line, not its words (inferred).
            State::SnapshotRootvg => {
                self.system.snapshot = is_on.then(|| "SNAPSHOT VG:        snaprootvg".to_owned());
            }
            State::BootlistElsewhere => {
                let is_root =
                    |disk: &&Disk| disk.pvid.as_deref() == Some(self.booted_from.as_str());
                // A copy that can be booted, where there is one.
                let others = self.disks.iter().filter(|disk| is_root(disk) != is_on);
                let other = others.max_by_key(|disk| disk.image.is_some());
                self.bootlist = other.map(|disk| disk.name.clone()).into_iter().collect();
            }
            State::Multibos => {
                let volumes = ["bos_hd5", "bos_hd4", "bos_hd2"];
                volumes.into_iter().for_each(|name| {
                    if is_on {
                        self.system.volumes.insert(name.to_owned());
                    } else {
                        self.system.volumes.remove(name);
                    }
                });
            }
            State::NoRootvg => {
                let booted = self.booted_from.clone();
                let root = self.disks.iter_mut().find(|disk| disk.pvid.as_ref() == Some(&booted));
                if let Some(disk) = root {
                    disk.vg = (!is_on).then(|| "rootvg".to_owned());
                }
            }
            State::NfsMount => self.nfs("/export/tools", "/tools", "", turn),
            State::KerberosMount => self.nfs("/export/safe", "/safe", ",sec=krb5p", turn),
            State::SpaceManagement => self.process("/usr/bin/dsmrecalld", turn),
            State::LargePages => self.system.large_pages = if is_on { 64 } else { 0 },
            // LU §4.3 D25 has the word of a partition that is in order; this one is that of the attribute (inferred).
            State::SharedMemory => self.system.memory_mode = is_on.then(|| "Shared".to_owned()),
            State::GreTunnel => {
                if is_on {
                    self.system.interfaces.insert("gre0".to_owned());
                } else {
                    self.system.interfaces.remove("gre0");
                }
            }
            State::IfixInstalled => self.ifix("IJ41685m3a", "S", "bos.mp64", turn),
            State::RebootPending => self.ifix("IJ09625s2a", "*Q*", "bos.rte.libc", turn),
            State::AppliedOnly => {
                let applied = &mut self.software.applied;
                applied.filesets.remove("bos.rte.libc");
                if is_on {
                    applied.filesets.insert("bos.rte.libc".to_owned(), "7.2.5.0".to_owned());
                }
            }
            // `lsdev -t vlog` (LU §4.4 S14, inferred).
            State::VirtualLog => self.device("vlog0", "vlog", "Virtual Log Device", turn),
            State::IpFilters => {
                for (version, any) in [("4", "0.0.0.0|0.0.0.0"), ("6", "::|0")] {
                    self.device(&format!("ipsec_v{version}"), "ipsec", "", Turn::Off);
                    self.system.filters.remove(version);
                    if is_on {
                        self.system.secure(version);
                        let rules = filter_rules(any);
                        let filters = Filters { active: rules.clone(), rules };
                        self.system.filters.insert(version.to_owned(), filters);
                    }
                }
            }
            State::AuditStream => self.running.auditing = is_on,
            State::StoppedWpar => self.wpar('D', turn),
            State::ActiveWpar => self.wpar('A', turn),
            State::TrustedBase => self.system.trusted_base = is_on,
            State::SecurityProfile => {
                self.system.security_profile = is_on.then(|| "pci".to_owned());
            }
            State::ProbeVue => self.process("probevue", turn),
            State::WlmActive => {
                let (active, stopped) = (WorkloadManager::Active, WorkloadManager::Stopped);
                self.running.workload_manager = if is_on { active } else { stopped };
            }
            State::BackupRuns => self.process("dsmc", turn),
            State::PowerHa => self.powerha(turn),
            State::Clusterware => self.process("/u01/app/grid/bin/crsd.bin", turn),
            State::OracleRuns => self.process("ora_pmon_PROD", turn),
            // In files, or on the frame.
            State::TrustedExecution
            | State::TrustedPath
            | State::TrustLocked
            | State::TrustInLdap
            | State::Kerberos
            | State::LockLeft
            | State::ProfileSynced
            | State::NoVirtualSlot
            | State::RemoteRestart
            | State::FileBacked
            | State::OpenServerAdapter
            | State::Migrating
            | State::LeftBehind => {}
        }
    }

    /// A fileset that is there, at the level of the rest where none is said, or is not.
    fn fileset(&mut self, name: &str, there: bool, level: Option<&str>) {
        let filesets = &mut self.software.filesets;
        let usual = filesets.get("bos.rte").cloned().unwrap_or_default();
        if there {
            filesets.insert(name.to_owned(), level.map_or(usual, str::to_owned));
        } else {
            filesets.remove(name);
        }
    }

    /// A file system with 40 MB left, or with half of it.
    fn fill(&mut self, folder: &str, turn: Turn) {
        if let Some(found) = self.filesystems.iter_mut().find(|one| one.mounted_on == folder) {
            found.used_mb = match turn {
                Turn::On => found.size_mb.saturating_sub(40),
                Turn::Off => found.size_mb / 2,
            };
        }
    }

    fn take_free_disk(&mut self, turn: Turn) {
        let (from, to) = match turn {
            Turn::On => (None, Some("appvg")),
            Turn::Off => (Some("appvg"), None),
        };
        if let Some(disk) = self.disks.iter_mut().find(|disk| disk.vg.as_deref() == from) {
            disk.vg = to.map(str::to_owned);
        }
    }

    /// A disk more, with a copy of this system.
    fn copy_of_rootvg(&mut self, name: &str, group: &str, turn: Turn) {
        self.disk_more(name, group, turn);
        let software = self.software.clone();
        if let Some(disk) = self.disk_mut(name) {
            disk.image = Some(software);
        }
    }

    fn disk_more(&mut self, name: &str, group: &str, turn: Turn) {
        self.disks.retain(|disk| disk.name != name);
        self.paths.retain(|path| path.disk != name);
        if turn == Turn::Off {
            return;
        }
        let udid = format!("33213{}{name}04214503IBMfcp", self.hostname);
        self.disks.push(Disk {
            name: name.to_owned(),
            pvid: Some(fresh_pvid(&udid)),
            udid,
            size_mb: 51200,
            vg: Some(group.to_owned()),
            image: None,
            lun: None,
            asm: false,
        });
        self.paths.extend((0u32..).zip(&self.adapters).map(|(id, parent)| DiskPath {
            disk: name.to_owned(),
            parent: parent.clone(),
            id,
            status: "Enabled".to_owned(),
        }));
    }

    fn device(&mut self, name: &str, class: &str, text: &str, turn: Turn) {
        self.system.devices.retain(|device| device.name != name);
        if turn == Turn::On {
            let (name, class, text) = (name.to_owned(), class.to_owned(), text.to_owned());
            let status = "Available".to_owned();
            self.system.devices.push(Device { name, class, status, text });
        }
    }

    fn process(&mut self, program: &str, turn: Turn) {
        self.system.processes.retain(|process| process.program != program);
        if turn == Turn::On {
            let last = self.system.processes.iter().map(|process| process.pid).max();
            let pid = last.unwrap_or(10_092_858) + 2;
            self.system.processes.push(Process { pid, program: program.to_owned() });
        }
    }

    fn nfs(&mut self, remote: &str, over: &str, options: &str, turn: Turn) {
        self.mounts.retain(|mount| mount.over != over);
        if turn == Turn::On {
            self.mounts.push(Mount {
                node: "nfs01".to_owned(),
                remote: remote.to_owned(),
                over: over.to_owned(),
                kind: "nfs4".to_owned(),
                options: options.to_owned(),
            });
        }
    }

    fn ifix(&mut self, label: &str, state: &str, package: &str, turn: Turn) {
        self.software.ifixes.retain(|ifix| ifix.label != label);
        if turn == Turn::On {
            self.software.ifixes.push(Ifix {
                label: label.to_owned(),
                state: state.to_owned(),
                installed: "04/30/20 11:03:46".to_owned(),
                text: format!("{package} fix"),
                packages: [package.to_owned()].into(),
            });
        }
    }

    fn wpar(&mut self, state: char, turn: Turn) {
        let is_on = turn == Turn::On;
        self.fileset("bos.wpars", is_on, None);
        self.system.workload_partitions = only("web1", state, is_on);
    }

    /// A node: its software, its daemons, its repository disk and AHAFS (LU §4.4a M05, D20).
    fn powerha(&mut self, turn: Turn) {
        let is_on = turn == Turn::On;
        self.fileset("cluster.es.server.rte", is_on, Some("7.2.5.1"));
        self.disk_more("hdisk40", "caavg_private", turn);
        for name in CLUSTER {
            match turn {
                Turn::On => drop(self.more_subsystems.insert(name.to_owned())),
                Turn::Off => drop(self.more_subsystems.remove(name)),
            }
            self.subsystems.remove(name);
        }
        self.filesystems.retain(|one| one.kind != "ahafs");
        if is_on {
            self.filesystems.push(FileSystem {
                device: AHAFS.to_owned(),
                mounted_on: AHAFS.to_owned(),
                kind: "ahafs".to_owned(),
                size_mb: 0,
                used_mb: 0,
            });
        }
        self.system.cluster = is_on.then(Cluster::default);
    }
}

/// Rules as `lsfilt -O` lists them (inferred): whoever comes by SSH is let in, and nobody else.
fn filter_rules(any: &str) -> Vec<String> {
    let rule = |number: u32, action: &str, port: &str| {
        format!(
            "{number}|{action}|{any}|{any}|yes|tcp|any|0|{port}|both|both|no|all packets|0|all|0|||"
        )
    };
    vec![rule(1, "permit", "eq|4001"), rule(2, "permit", "eq|22"), rule(0, "deny", "any|0")]
}

/// Where VIO servers keep disks that are files (inferred).
const FILES: &str = "/var/vio/storagepools/pool";

/// Where AHAFS is mounted.
const AHAFS: &str = "/aha";

/// An hour in milliseconds.
const HOUR: u64 = 3_600_000;

/// One entry, or none.
fn only<T>(name: &str, value: T, there: bool) -> std::collections::BTreeMap<String, T> {
    there.then(|| (name.to_owned(), value)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site;

    #[test]
    fn what_is_set_can_be_taken_back() {
        let text = include_str!("../../../examples/site-small.yaml");
        let file = site::parse("site-small.yaml", text).unwrap();
        let fresh = site::build::world(&file);
        for state in State::ALL {
            let mut world = fresh.clone();
            // File systems come back half full.
            let is_whole = !matches!(state, State::VarFull | State::RootFull);
            world.put("lpar01", *state, Turn::On, 1000).unwrap();
            let only_files = [
                State::TrustedExecution,
                State::TrustedPath,
                State::TrustLocked,
                State::TrustInLdap,
                State::Kerberos,
                State::LockLeft,
            ];
            let needs_tokens = [State::TokenGone, State::ForeignToken, State::TokenShort];
            let shows = !only_files.contains(state) && !needs_tokens.contains(state);
            assert_eq!(world != fresh, shows, "{state}");
            world.put("lpar01", *state, Turn::Off, 1000).unwrap();
            assert!(world == fresh || !is_whole, "{state} leaves something behind");
        }
    }

    #[test]
    fn a_cluster_breaks_once_and_for_good() {
        let text = include_str!("../../../examples/site-small.yaml");
        let mut world = site::build::world(&site::parse("site-small.yaml", text).unwrap());
        assert!(!world.disturb_cluster("lpar01", "recfgct").unwrap());
        world.put("lpar01", State::PowerHa, Turn::On, 0).unwrap();
        assert!(world.disturb_cluster("lpar01", "recfgct").unwrap());
        assert!(!world.disturb_cluster("lpar01", "umount /aha").unwrap());
        let system = &world.lpar("lpar01").unwrap().system;
        assert_eq!(system.cluster.as_ref().unwrap().broken_by.as_deref(), Some("recfgct"));
        assert!(!world.lpar("lpar01").unwrap().runs("clstrmgrES", 0));
    }
}
