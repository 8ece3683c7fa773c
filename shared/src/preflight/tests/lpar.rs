//! An LPAR that is in order, as its answers show it, and what is around it.

use std::collections::BTreeMap;

use crate::preflight::around::{Console, ConsoleUser, ScsiServer, Target, Vios, VirtualSlots};
use crate::preflight::probe::{Answer, Probe, ProbeId, Probed};
use crate::preflight::*;
use crate::unit::{Megabytes, ProcessorUnits};

pub(in crate::preflight) type Answers = BTreeMap<ProbeId, Answer>;

pub(in crate::preflight) fn printed(stdout: &str) -> Answer {
    let (stdout, stderr) = (stdout.to_owned(), String::new());
    Answer::Printed { status: 0, stdout, stderr, missing: Vec::new() }
}

pub(in crate::preflight) fn file(text: &str) -> Answer {
    Answer::File { text: text.to_owned() }
}

/// Filesets of a system that is in order.
pub(in crate::preflight) const FILESETS: [(&str, &str); 5] = [
    ("bos.liveupdate.rte", "7.2.5.1"),
    ("bos.sysmgt.hmc", "7.2.5.1"),
    ("artex.base.rte", "7.2.5.1"),
    ("rsct.core.rmc", "3.2.6.0"),
    ("bos.mp64", "7.2.5.1"),
];

pub(in crate::preflight) fn filesets(more: &[(&str, &str)]) -> Answer {
    let all = FILESETS.iter().chain(more);
    let rows = all.map(|(name, level)| format!("{name}:{name}:{level}: : :C: :Fileset:: : :\n"));
    printed(&rows.collect::<String>())
}

pub(in crate::preflight) const MOUNT_HEAD: &str =
    "  node       mounted        mounted over    vfs       date        options\n-------- ------\n";
pub(in crate::preflight) const DISKS: &str = "hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 None\nhdisk2 00f94f58c90ae058 None\n";
pub(in crate::preflight) const VOLUMES: &str = "rootvg:\nLV NAME TYPE LPs PPs PVs LV STATE MOUNT POINT\nhd5 boot 1 1 1 closed/syncd N/A\nhd4 jfs2 4 4 1 open/syncd /\nhd2 jfs2 24 24 1 open/syncd /usr\n";
pub(in crate::preflight) const GROUP: &str =
    "VG STATE: active PP SIZE: 256 megabyte(s)\nSTALE PVs: 0 STALE PPs: 0\n";
pub(in crate::preflight) const DATA: &str = "general:\n\tkext_check = no\ndisks:\n\tnhdisk = hdisk1\n\tmhdisk = hdisk2\nhmc:\n\tmanagement_console = hmc01\n\tuser = live\n";

/// What an LPAR answers that is in order.
pub(in crate::preflight) fn healthy() -> Answers {
    use ProbeId as P;
    let df = "Filesystem MB blocks Free %Used Iused %Iused Mounted on\n/dev/hd4 1024.00 644.00 38% 100 1% /\n/dev/hd9var 2048.00 1428.00 31% 100 1% /var\n";
    let paths: String = (0..3)
        .flat_map(|disk| (0..2).map(move |adapter| (disk, adapter)))
        .map(|(disk, adapter)| {
            format!("hdisk{disk} vscsi{adapter} {adapter} 810000000000 Enabled\n")
        })
        .collect();
    let devices = "adapter vscsi0 Available Virtual SCSI Client Adapter\nadapter ent0 Available Virtual I/O Ethernet Adapter (l-lan)\ndisk hdisk0 Available Virtual SCSI Disk Drive\n";
    let mounts = format!(
        "{MOUNT_HEAD}         /dev/hd4  /     jfs2   Nov 02 09:12 rw,log=/dev/hd8\n         /proc     /proc procfs Nov 02 09:12 rw\n"
    );
    Answers::from([
        (P::Filesets, filesets(&[])),
        (
            P::Partition,
            printed("Online Memory : 8192 MB\nMinimum Memory : 2048 MB\nMemory Mode : Dedicated\n"),
        ),
        (P::Machine, printed("System Model: IBM,9105-42A\nPlatform Firmware level: VL950_105\n")),
        (P::FileSystems, printed(df)),
        (
            P::Tokens,
            printed(
                "Address  : hmc01\nUser name: live\nport     : 12443\nTTL      : 20:25:41 left\n",
            ),
        ),
        (
            P::ControlPoints,
            printed(
                "Management Domain Status: Management Control Points\n  I A  0x7edb4439af21a36f  0002  10.1.1.1\n",
            ),
        ),
        (
            P::Subsystems,
            printed(
                "Subsystem Group PID Status\n ctrmc rsct 6619442 active\n pfcdaemon pfc 12 active\n",
            ),
        ),
        (P::Disks, printed(DISKS)),
        (P::Paths, printed(&paths)),
        (P::Devices, printed(devices)),
        (P::RootVolumes, printed(VOLUMES)),
        (P::RootGroup, printed(GROUP)),
        (P::BootList, printed("hdisk0 blv=hd5 pathid=0\n")),
        (P::Mounts, printed(&mounts)),
        (P::LargePages, printed("lgpg_regions = 0\n")),
        (P::Interfaces, printed("en0: flags=1e\n\tinet 10.1.1.5\nlo0: flags=e0\n")),
        (P::InterimFixes, printed("There is no efix data on this system.\n")),
        (P::Trust, printed("TE=OFF\nTEP=OFF\nTEP=/usr/bin\n")),
        (
            P::Scripts,
            printed(
                "orig,LVUP_CHECK,6:\n        STOP_CACHE = /usr/sbin/cache_mgt cache stop -t all\n",
            ),
        ),
        (P::BaseProcesses, Answer::NoFile),
        (P::SurrogateInittab, Answer::NoFile),
        (P::KernelExtensions, Answer::NoFile),
        (P::ProcUsers, printed("\n")),
        (P::Processes, printed("     PID COMMAND\n       1 init\n 6619442 rmcd\n")),
        (P::WorkloadManager, ended(1)),
        (P::LvupdateData, file(DATA)),
        (P::Inittab, file("init:2:initdefault:\n")),
        (P::AuditConfig, file("start:\n\tbinmode = on\n\tstreammode = off\n")),
        (P::NameService, Answer::NoFile),
        (P::Kerberos, Answer::NoFile),
        (P::Lock, Answer::NoFile),
        (P::PathControl, printed("PCM/friend/vscsi\n")),
        (P::DiskSize, printed("51200\n")),
        (
            P::TrustedBase,
            printed(
                "\nPdAt:\n\tuniquetype = \"\"\n\tattribute = \"TCB_STATE\"\n\tdeflt = \"tcb_disabled\"\n",
            ),
        ),
        (P::SecurityProfile, printed("none\n")),
    ])
}

pub(in crate::preflight) fn ended(status: i32) -> Answer {
    Answer::Printed { status, stdout: String::new(), stderr: String::new(), missing: Vec::new() }
}

pub(in crate::preflight) fn facts(level: &str, answers: &Answers) -> Facts {
    let mut probed = Vec::new();
    for (id, answer) in answers {
        let disks: &[&str] = match id {
            ProbeId::DiskSize => &["hdisk1", "hdisk2"],
            ProbeId::PathControl => &["hdisk0"],
            _ => &[],
        };
        let answer = || answer.clone();
        if disks.is_empty() {
            probed.push(Probed { probe: Probe::of(*id), answer: answer() });
        }
        probed.extend(disks.iter().map(|disk| Probed {
            probe: Probe::of_disk(*id, disk.parse().unwrap()),
            answer: answer(),
        }));
    }
    Facts::read(Ok(level), &probed, "not answered")
}

pub(in crate::preflight) fn around() -> Around {
    let units = |text: &str| text.parse::<ProcessorUnits>().unwrap();
    Around {
        partition_name: Ok("lpar01".to_owned()),
        makes_tokens: Ok(false),
        consoles: Ok([("hmc01".to_owned(), console())].into()),
        rmc_state: Ok("active".to_owned()),
        free: Ok((Megabytes(65_536), units("8.0"))),
        need: Ok((Megabytes(9000), units("1.0"))),
        partitions: Ok((12, 1000)),
        vioses: Ok([("vios1".to_owned(), vios())].into()),
        names: Ok(vec!["lpar01".to_owned(), "vios1".to_owned()]),
        remote_restart: Ok("0".to_owned()),
        profile_sync: Ok("0".to_owned()),
        migration: Ok("Not Migrating".to_owned()),
        virtual_slots: Ok(VirtualSlots { most: "64".to_owned(), next: "7".to_owned() }),
        scsi_servers: Ok(vec![ScsiServer {
            partition: "1".to_owned(),
            slot: "101".to_owned(),
            is_for: Some(("12".to_owned(), "2".to_owned())),
        }]),
        physical_slots: Ok(Vec::new()),
        has_pool: Ok(false),
        estimate: Err("no preview was run".to_owned()),
        prep: Ok(Vec::new()),
        backup: Ok(None),
        timeouts: BTreeMap::new(),
    }
}

pub(in crate::preflight) fn console() -> Console {
    let user = |name: &str, role: &str| ConsoleUser {
        name: name.to_owned(),
        task_role: role.to_owned(),
        resource_role: "ALL:".to_owned(),
    };
    Console {
        addresses: vec!["hmc01".to_owned(), "10.1.1.1".to_owned()],
        level: Ok("V10R3".to_owned()),
        users: Ok(vec![user("hscroot", "hmcsuperadmin"), user("live", "hmcclientliveupdate")]),
    }
}

pub(in crate::preflight) fn vios() -> Vios {
    let location = Some("U78C9.001.WZS01K8-P1-C6-T1-L6".to_owned());
    let target = |backing: &str| Target {
        device: "vtscsi0".to_owned(),
        backing: backing.to_owned(),
        location: location.clone(),
    };
    Vios {
        state: "Running".to_owned(),
        rmc_state: "active".to_owned(),
        level: Ok("3.1.4.21".to_owned()),
        targets: Ok(vec![target("hdisk7"), target("lpar01_root")]),
        maintenance: None,
    }
}

pub(in crate::preflight) const LEVEL: &str = "7200-05-03-2148";

pub(in crate::preflight) fn verdict(
    check: &str,
    level: &str,
    answers: &Answers,
    around: &Around,
) -> Verdict {
    let facts = facts(level, answers);
    crate::preflight::check(check).unwrap().judge(&Seen { facts: &facts, around }).verdict
}
