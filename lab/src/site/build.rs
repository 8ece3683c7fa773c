//! A checked site file becomes a world.

use std::collections::{BTreeMap, BTreeSet};

use super::check::level;
use super::{DiskEntry, File, FrameEntry, LparEntry, PoolEntry, variation};
use crate::fault::{Armed, ConsoleFault};
use crate::state::Turn;
use crate::world::frame::{Frame, Odd, Partition, PartitionState, Pool, Vfchost, Vhost, Vios};
use crate::world::lpar::{Applied, Disk, FileSystem, Ifix, Lpar, Software, Style};
use crate::world::running::Running;
use crate::world::system::System;
use crate::world::update::{all_paths, fresh_pvid, os_version};
use crate::world::{Hmc, HmcUser, World};

/// The world at the moment the site is switched on for the first time.
pub fn world(file: &File) -> World {
    let mut world = World {
        seed: file.seed,
        hmcs: file.hmcs.iter().map(|entry| (entry.name.clone(), hmc(entry))).collect(),
        frames: file.frames.iter().map(|entry| (entry.name.clone(), frame(file, entry))).collect(),
        lpars: file.lpars.iter().map(|entry| (entry.name.clone(), lpar(file, entry))).collect(),
        exports: BTreeMap::new(),
    };
    for entry in &file.lpars {
        for state in entry.all_states() {
            // What the file says was checked; a frame without room for one partition more stays as it is.
            world.put(&entry.name, state, Turn::On, 0).ok();
        }
    }
    world.begin_with_faults();
    world
}

fn hmc(entry: &super::HmcEntry) -> Hmc {
    let (version, release, service_pack) = level(&entry.level).unwrap_or((10, 3, 1060));
    let users = entry.users.iter().map(|user| {
        let state = HmcUser {
            role: user.role.clone(),
            password: user.password.clone(),
            keys: Vec::new(),
            failed_logins: 0,
            locked_until: None,
        };
        (user.name.clone(), state)
    });
    Hmc {
        address: entry.address.clone(),
        lpar_address: entry.lpar_address.as_ref().unwrap_or(&entry.address).clone(),
        version,
        release,
        service_pack,
        users: users.collect(),
        faults: entry.faults.iter().copied().collect(),
    }
}

pub(super) fn frame(file: &File, entry: &FrameEntry) -> Frame {
    let clients: Vec<&LparEntry> =
        file.lpars.iter().filter(|lpar| lpar.frame == entry.name).collect();
    let vioses = (1u32..).zip(&entry.vios).map(|(number, vios)| {
        let vhosts = (0u32..).zip(&clients).map(|(index, lpar)| Vhost {
            name: format!("vhost{index}"),
            slot: 100 * number + index,
            client_id: lpar.id,
            lpar: lpar.name.clone(),
            backing: disks(lpar)
                .iter()
                .map(|disk| format!("{}_{}", lpar.name, disk.name))
                .collect(),
            open: false,
        });
        let on_fabric = clients.iter().filter(|lpar| lpar.npiv);
        let vfchosts = (0u32..).zip(on_fabric).map(|(index, lpar)| Vfchost {
            name: format!("vfchost{index}"),
            slot: 100 * number + 50 + index,
            client_id: lpar.id,
            client_slot: 29 + number,
            lpar: lpar.name.clone(),
        });
        let state = Vios {
            address: vios.address.clone(),
            level: vios.level.clone(),
            vhosts: vhosts.collect(),
            vfchosts: vfchosts.collect(),
            faults: vios.faults.iter().copied().collect(),
        };
        (vios.name.clone(), state)
    });
    let servers = entry.vios.iter().map(|vios| Partition {
        name: vios.name.clone(),
        id: vios.id,
        env: "vioserver".to_owned(),
        state: if vios.faults.contains(&ConsoleFault::ViosDown) {
            PartitionState::NotActivated
        } else {
            PartitionState::Running
        },
        memory_mb: 0,
        hundredths: 0,
        desired_hundredths: 0,
        min_hundredths: 0,
        procs: 1,
        pool: 0,
        uuid: uuid(&entry.serial, vios.id),
        os_version: format!("VIOS {}", vios.level),
        refcode: String::new(),
        rmc_ipaddr: vios.address.clone(),
        odd: Odd::default(),
    });
    let partitions = clients.iter().map(|lpar| Partition {
        name: lpar.name.clone(),
        id: lpar.id,
        env: "aixlinux".to_owned(),
        state: PartitionState::Running,
        memory_mb: lpar.memory_mb,
        hundredths: lpar.processors.hundredths,
        desired_hundredths: lpar.processors.hundredths,
        min_hundredths: lpar.least_processors().hundredths,
        procs: lpar.virtual_processors,
        pool: lpar.pool,
        uuid: uuid(&entry.serial, lpar.id),
        os_version: os_version(&lpar.level),
        refcode: String::new(),
        rmc_ipaddr: lpar.address.clone(),
        odd: Odd::default(),
    });
    Frame {
        type_model: entry.type_model.clone(),
        serial: entry.serial.clone(),
        hmcs: entry.hmcs.clone(),
        state: "Operating".to_owned(),
        ipaddr: service_processor(file, entry),
        configurable_mb: entry.memory_mb,
        firmware_mb: entry.firmware_mb,
        region_mb: entry.region_mb,
        page_tables: entry.page_tables,
        configurable_hundredths: entry.processors.hundredths,
        max_lpars: entry.max_lpars,
        firmware: entry.firmware.clone(),
        vioses: vioses.collect(),
        partitions: servers.chain(partitions).collect(),
        pools: entry.pools.iter().map(pool).collect(),
    }
}

fn pool(entry: &PoolEntry) -> Pool {
    Pool {
        id: entry.id,
        name: entry.name.clone(),
        most_hundredths: entry.processors.hundredths,
        reserved_hundredths: entry.reserved.hundredths,
    }
}

/// Address of a frame's service processor, as its HMC has it: each frame has one of its own. Frames count from 2 in the shape of the
/// captured `10.254.0.3` (HV §2.2).
fn service_processor(file: &File, entry: &FrameEntry) -> String {
    let place = file.frames.iter().position(|frame| frame.name == entry.name).unwrap_or(0);
    let number = place + 2;
    format!("10.254.{}.{}", number / 256, number % 256)
}

fn lpar(file: &File, entry: &LparEntry) -> Lpar {
    let software = software(entry);
    let disks: Vec<Disk> =
        disks(entry).into_iter().map(|disk| built_disk(entry, disk, &software)).collect();
    let booted = disks.iter().find(|disk| disk.vg.as_deref() == Some("rootvg"));
    let style =
        entry.style.unwrap_or(if entry.level.as_str() >= "7300-03" { Style::B } else { Style::A });
    let servers =
        file.frames.iter().find(|frame| frame.name == entry.frame).map_or(2, |f| f.vios.len());
    let faults = entry
        .faults
        .iter()
        .filter_map(|fault| fault.read().ok())
        .map(|(fault, at)| (fault, at.map_or_else(|| fault.armed(), Armed::At)));
    let mut lpar = Lpar {
        frame: entry.frame.clone(),
        address: entry.address.clone(),
        hostname: entry.name.clone(),
        locale: entry.locale.clone(),
        style,
        partition_id: entry.id,
        adapters: (0..servers).map(|number| format!("vscsi{number}")).collect(),
        booted_from: booted.and_then(|disk| disk.pvid.clone()).unwrap_or_default(),
        booted_at: 0,
        bootlist: booted.map(|disk| disk.name.clone()).into_iter().collect(),
        disks,
        paths: Vec::new(),
        filesystems: filesystems(entry),
        mounts: Vec::new(),
        kernel: software.level.clone(),
        software,
        errors: Vec::new(),
        tokens: Vec::new(),
        outdated: Vec::new(),
        running: Running::default(),
        autofs_gone: false,
        more_subsystems: entry.subsystems.iter().cloned().collect(),
        users: entry.users.clone(),
        subsystems: BTreeMap::new(),
        update: None,
        faults: faults.collect(),
        variation: variation(entry, file.seed).unwrap_or_default(),
        partial_success_status: entry.partial_success_status,
        size_tenths: entry.size_tenths,
        agent: entry.agent,
        system: System::default(),
    };
    lpar.paths = all_paths(&lpar);
    lpar
}

fn built_disk(lpar: &LparEntry, entry: DiskEntry, software: &Software) -> Disk {
    let udid = format!("33213{}{}04214503IBMfcp", lpar.name, entry.name);
    let bootable = matches!(entry.vg.as_deref(), Some("altinst_rootvg" | "old_rootvg"));
    Disk {
        pvid: Some(fresh_pvid(&udid)),
        udid,
        size_mb: entry.size_mb,
        image: bootable.then(|| software.clone()),
        lun: entry.lun,
        asm: false,
        vg: entry.vg,
        name: entry.name,
    }
}

/// What is written, or one disk for rootvg and two free ones (LU §1.3: the minimum).
fn disks(entry: &LparEntry) -> Vec<DiskEntry> {
    if !entry.disks.is_empty() {
        return entry.disks.clone();
    }
    DiskEntry::row(&[Some("rootvg"), None, None])
}

/// The usual file systems (sizes of a captured `df -g`, LU §5.3), then those of the file.
fn filesystems(entry: &LparEntry) -> Vec<FileSystem> {
    const USUAL: [(&str, &str, u64, u64); 7] = [
        ("/dev/hd4", "/", 1024, 380),
        ("/dev/hd2", "/usr", 6144, 3900),
        ("/dev/hd9var", "/var", 2048, 620),
        ("/dev/hd3", "/tmp", 2048, 140),
        ("/dev/hd1", "/home", 512, 20),
        ("/dev/hd11admin", "/admin", 128, 1),
        ("/dev/hd10opt", "/opt", 1024, 340),
    ];
    let usual = USUAL.into_iter().map(|(device, mounted_on, size_mb, used_mb)| FileSystem {
        device: device.to_owned(),
        mounted_on: mounted_on.to_owned(),
        kind: "jfs2".to_owned(),
        size_mb,
        used_mb,
    });
    let own = entry.filesystems.iter().map(|fs| FileSystem {
        device: fs.device.clone(),
        mounted_on: fs.mounted_on.clone(),
        kind: fs.kind.clone(),
        size_mb: fs.size_mb,
        used_mb: fs.used_mb,
    });
    usual.chain(own).collect()
}

/// The filesets Live Update asks for (LU §4.1), at a level made from that of the system.
fn software(entry: &LparEntry) -> Software {
    const USUAL: [&str; 9] = [
        "bos.rte",
        "bos.mp64",
        "bos.rte.libc",
        "bos.rte.install",
        "bos.liveupdate.rte",
        "bos.sysmgt.hmc",
        "artex.base.rte",
        "openssh.base.server",
        "rsct.core.rmc",
    ];
    let digits: Vec<&str> = entry.level.split('-').collect();
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    let release = if entry.level.starts_with("73") { "7.3" } else { "7.2" };
    let (technology, pack) = match digits.as_slice() {
        [_, technology, pack, ..] => (number(technology), number(pack)),
        _ => (0, 0),
    };
    let version = format!("{release}.{technology}.{pack}");
    let usual = USUAL.iter().map(|name| ((*name).to_owned(), version.clone()));
    let ifixes = entry.ifixes.iter().map(|(label, package)| Ifix {
        label: label.clone(),
        state: "S".to_owned(),
        installed: "04/30/26 11:03:46".to_owned(),
        text: format!("{package} fix"),
        packages: BTreeSet::from([package.clone()]),
    });
    Software {
        level: entry.level.clone(),
        filesets: usual.chain(entry.filesets.clone()).collect(),
        ifixes: ifixes.collect(),
        fixes: BTreeSet::new(),
        applied: Applied::default(),
    }
}

/// A UUID made from serial and id, upper case as the HMC prints those of partitions.
fn uuid(serial: &str, id: u32) -> String {
    let hash = serial
        .bytes()
        .fold(u64::from(id), |hash, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
    let text = format!("{hash:016X}{:016X}", hash.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}
