//! Each check with what makes it pass, with what breaks it, without its facts, and at another level.

use std::collections::{BTreeMap, BTreeSet};

use super::probe::{self, Answer, Look, MOST_PROCESSES, Probe, ProbeId, Probed};
use super::*;
use crate::operation::Named;
use crate::unit::{Megabytes, ProcessorUnits};

type Answers = BTreeMap<ProbeId, Answer>;

fn printed(stdout: &str) -> Answer {
    let (stdout, stderr) = (stdout.to_owned(), String::new());
    Answer::Printed { status: 0, stdout, stderr, missing: Vec::new() }
}

fn file(text: &str) -> Answer {
    Answer::File { text: text.to_owned() }
}

/// Filesets of a system that is in order.
const FILESETS: [(&str, &str); 5] = [
    ("bos.liveupdate.rte", "7.2.5.1"),
    ("bos.sysmgt.hmc", "7.2.5.1"),
    ("artex.base.rte", "7.2.5.1"),
    ("rsct.core.rmc", "3.2.6.0"),
    ("bos.mp64", "7.2.5.1"),
];

fn filesets(more: &[(&str, &str)]) -> Answer {
    let all = FILESETS.iter().chain(more);
    let rows = all.map(|(name, level)| format!("{name}:{name}:{level}: : :C: :Fileset:: : :\n"));
    printed(&rows.collect::<String>())
}

const MOUNT_HEAD: &str =
    "  node       mounted        mounted over    vfs       date        options\n-------- ------\n";
const DISKS: &str = "hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 None\nhdisk2 00f94f58c90ae058 None\n";
const VOLUMES: &str = "rootvg:\nLV NAME TYPE LPs PPs PVs LV STATE MOUNT POINT\nhd5 boot 1 1 1 closed/syncd N/A\nhd4 jfs2 4 4 1 open/syncd /\nhd2 jfs2 24 24 1 open/syncd /usr\n";
const GROUP: &str = "VG STATE: active PP SIZE: 256 megabyte(s)\nSTALE PVs: 0 STALE PPs: 0\n";
const DATA: &str = "general:\n\tkext_check = no\ndisks:\n\tnhdisk = hdisk1\n\tmhdisk = hdisk2\nhmc:\n\tmanagement_console = hmc01\n\tuser = live\n";

/// What an LPAR answers that is in order.
fn healthy() -> Answers {
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
    ])
}

fn ended(status: i32) -> Answer {
    Answer::Printed { status, stdout: String::new(), stderr: String::new(), missing: Vec::new() }
}

fn facts(level: &str, answers: &Answers) -> Facts {
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

fn around() -> Around {
    let units = |text: &str| text.parse::<ProcessorUnits>().unwrap();
    Around {
        partition_name: Ok("lpar01".to_owned()),
        makes_tokens: Ok(false),
        hmc_levels: Ok([("hmc01".to_owned(), "V10R3".to_owned())].into()),
        rmc_state: Ok("active".to_owned()),
        free: Ok((Megabytes(65_536), units("8.0"))),
        need: Ok((Megabytes(9000), units("1.0"))),
        partitions: Ok((12, 1000)),
        vios_levels: Ok([("vios1".to_owned(), Ok("3.1.4.21".to_owned()))].into()),
        vios_states: Ok([("vios1".to_owned(), "Running".to_owned())].into()),
        names: Ok(vec!["lpar01".to_owned(), "vios1".to_owned()]),
    }
}

const LEVEL: &str = "7200-05-03-2148";

fn verdict(check: &str, level: &str, answers: &Answers, around: &Around) -> Verdict {
    let facts = facts(level, answers);
    super::check(check).unwrap().judge(&Seen { facts: &facts, around }).verdict
}

#[test]
fn each_row_of_the_reference_is_a_check_of_its_own() {
    let mut wanted = BTreeSet::new();
    for (letter, last) in [('L', 16), ('M', 12), ('D', 28), ('S', 38), ('F', 7)] {
        wanted.extend((1..=last).map(|number| format!("{letter}{number:02}")));
    }
    wanted.extend(["P06", "P09", "P10", "P11"].map(str::to_owned));
    let ids: Vec<_> = catalogue().map(|check| check.id.to_owned()).collect();
    assert_eq!(ids.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(ids.len(), wanted.len(), "an id stands for one check");
    // Each published pitfall is covered by a check that names it.
    for pitfall in 1..=8 {
        let text = format!("pitfall {pitfall}");
        assert!(catalogue().any(|check| check.source.contains(&text)), "{text}");
    }
}

#[test]
fn an_lpar_in_order_has_no_block_and_what_nobody_looks_at_is_not_known() {
    let (facts, around) = (facts(LEVEL, &healthy()), around());
    let found = judge(&Seen { facts: &facts, around: &around });
    let of = |verdict: Verdict| -> Vec<&str> {
        let all = found.iter().filter(|one| one.verdict.known() == Some(verdict));
        all.map(|one| one.check.as_str()).collect()
    };
    assert_eq!(of(Verdict::Block), [""; 0]);
    assert_eq!(of(Verdict::Warn), ["S37"]);
    assert_eq!(
        of(Verdict::Unknown),
        ["L12", "L13", "M08", "M09", "M10", "D06", "D07", "S11", "S12", "S21", "F05", "F06"]
    );
    assert_eq!(score(&found), 100 - 5 - 2 * 12);
}

#[test]
fn nothing_passes_that_was_not_seen() {
    let (facts, around) = (Facts::unknown("lpar01 does not answer"), Around::unknown("no HMC"));
    for finding in judge(&Seen { facts: &facts, around: &around }) {
        let verdict = finding.verdict.known().unwrap();
        // The agent starts without a terminal wherever it runs.
        let fixed = finding.check == "S27" || verdict == Verdict::NotApplicable;
        assert!(verdict == Verdict::Unknown || fixed, "{finding:?}");
        assert!(verdict != Verdict::Unknown || !finding.found.is_empty(), "{finding:?}");
    }
    // A probe that fails alone takes the pass from every check that it is for, and gives none.
    let (all, around) = (healthy(), self::around());
    let passed = |answers: &Answers| -> BTreeSet<&str> {
        let facts = self::facts(LEVEL, answers);
        let seen = Seen { facts: &facts, around: &around };
        catalogue()
            .filter(|one| one.judge(&seen).verdict == Verdict::Pass)
            .map(|one| one.id)
            .collect()
    };
    let before = passed(&all);
    for id in all.keys() {
        let failed = Answer::Failed { why: "it took too long".to_owned() };
        let ended = Answer::Printed {
            status: 127,
            stdout: String::new(),
            stderr: "not found".to_owned(),
            missing: Vec::new(),
        };
        let garbage = printed("\u{1b}[31m?? : not what it should be\n");
        for broken in [failed, ended, garbage] {
            let mut answers = all.clone();
            answers.insert(*id, broken.clone());
            let now = passed(&answers);
            assert!(now.is_subset(&before), "{id}: {broken:?}");
            assert!(now.len() < before.len() || *id == ProbeId::ProcUsers, "{id}: {broken:?}");
        }
    }
    let mut answers = all;
    answers.insert(ProbeId::ProcUsers, Answer::Failed { why: "there is no fuser".to_owned() });
    assert_eq!(verdict("S26", LEVEL, &answers, &around), Verdict::Unknown);
}

/// A check, a level, what is answered otherwise, and what it comes to.
type Case = (&'static str, &'static str, Vec<(ProbeId, Answer)>, Verdict);

#[test]
fn each_check_is_broken_by_what_it_is_for() {
    use ProbeId as P;
    use Verdict::{Block, NotApplicable, Pass, Unknown, Warn};
    let free = |root: &str, var: &str| {
        printed(&format!(
            "Filesystem MB blocks Free %Used Iused %Iused Mounted on\n/dev/hd4 1024.00 {root} 38% 1 1% /\n/dev/hd9var 2048.00 {var} 31% 1 1% /var\n"
        ))
    };
    let mounted = |line: &str| {
        printed(&format!("{MOUNT_HEAD}         /dev/hd4 / jfs2 Nov 02 09:12 rw\n{line}\n"))
    };
    let device = |line: &str| {
        printed(&format!("adapter vscsi0 Available Virtual SCSI Client Adapter\n{line}\n"))
    };
    let service = |line: &str| {
        printed(&format!("Subsystem Group PID Status\n ctrmc rsct 1 active\n{line}\n"))
    };
    let process =
        |name: &str| printed(&format!("     PID COMMAND\n       1 init\n      77 {name}\n"));
    let disk = |line: &str| printed(&format!("{DISKS}{line}\n"));
    let fix = |state: &str, label: &str| {
        printed(&format!(
            "ID  STATE LABEL      INSTALL TIME      UPDATED BY ABSTRACT\n=== ===== ========== ================= ========== ======\n1   {state:^5} {label:<10} 04/30/20 11:03:46            text\n"
        ))
    };
    let without = |name: &str| {
        let rows = FILESETS.iter().filter(|(one, _)| *one != name);
        printed(
            &rows
                .map(|(name, level)| format!("{name}:{name}:{level}: : :C: :F:: :\n"))
                .collect::<String>(),
        )
    };
    let missing = |label: &str| Answer::Printed {
        status: 0,
        stdout: format!("orig,LVUP_CHECK,6:\n        {label} = /usr/sbin/gone stop\n"),
        stderr: String::new(),
        missing: vec!["/usr/sbin/gone".to_owned()],
    };
    let data = |text: &str| file(text);
    let streams = || file("start:\n\tstreammode = on\n");
    let late = "7300-03-01-2520";
    let cases: Vec<Case> = vec![
        ("L01", "7100-05-02-1832", vec![], Block),
        ("L01", "7200-00-02-1614", vec![], Warn),
        ("L01", "7300-00-00-0000", vec![], Pass),
        ("L02", LEVEL, vec![(P::Filesets, without("bos.liveupdate.rte"))], Block),
        (
            "L02",
            LEVEL,
            vec![(
                P::Filesets,
                printed("bos.liveupdate.rte:bos.liveupdate.rte:7.2.0.0: : :B: :x: :\n"),
            )],
            Block,
        ),
        ("L03", LEVEL, vec![(P::Filesets, without("bos.sysmgt.hmc"))], Block),
        (
            "L03",
            LEVEL,
            vec![
                (P::LvupdateData, data("pvc:\n\tmanagement_console = p\n")),
                (P::Filesets, filesets(&[("bos.sysmgt.pvc", "7.2.5.0")])),
            ],
            Pass,
        ),
        ("L04", LEVEL, vec![(P::Filesets, without("artex.base.rte"))], Block),
        (
            "L06",
            LEVEL,
            vec![(P::Partition, printed("Online Memory : 8192 MB\nMinimum Memory : 1024 MB\n"))],
            Block,
        ),
        ("L07", LEVEL, vec![(P::Machine, printed("Platform Firmware level: AM770_062\n"))], Block),
        ("L07", LEVEL, vec![(P::Machine, printed("Platform Firmware level: AM770_063\n"))], Pass),
        ("L07", LEVEL, vec![(P::Machine, printed("Platform Firmware level: new\n"))], Unknown),
        (
            "L10",
            LEVEL,
            vec![(P::Filesets, printed("rsct.core.rmc:rsct.core.rmc:3.2.0.12: : :C: :x: :\n"))],
            Block,
        ),
        (
            "L10",
            LEVEL,
            vec![(P::Filesets, filesets(&[("cluster.es.server.rte", "7.1.3.4")]))],
            Block,
        ),
        ("L14", LEVEL, vec![(P::FileSystems, free("644.00", "99.99"))], Block),
        ("L14", LEVEL, vec![(P::FileSystems, free("644.00", "499.00"))], Warn),
        ("L15", LEVEL, vec![(P::FileSystems, free("0.00", "900.00"))], Block),
        ("L16", LEVEL, vec![], NotApplicable),
        ("L16", late, vec![], Unknown),
        ("M01", LEVEL, vec![(P::Tokens, printed("\n"))], Block),
        (
            "M02",
            LEVEL,
            vec![(P::Tokens, printed("Address : other\nUser name: live\nPort : 1\n"))],
            Warn,
        ),
        ("M02", LEVEL, vec![(P::LvupdateData, Answer::NoFile)], NotApplicable),
        ("M03", LEVEL, vec![(P::Tokens, printed("Address : hmc01\nTTL : 01:59:59 left\n"))], Warn),
        ("M03", LEVEL, vec![(P::Tokens, printed("Address : hmc01\n"))], NotApplicable),
        ("M04", LEVEL, vec![(P::LvupdateData, data("pvc:\n\tuser = x\n"))], Unknown),
        (
            "M05",
            LEVEL,
            vec![(
                P::ControlPoints,
                printed("Management Domain Status: Management Control Points\n"),
            )],
            Block,
        ),
        (
            "M05",
            LEVEL,
            vec![(
                P::ControlPoints,
                printed(
                    "Management Domain Status: Management Control Points\n  I A  0x1  0002  a\n  I I  0x2  0003  b\n",
                ),
            )],
            Warn,
        ),
        (
            "M06",
            LEVEL,
            vec![(P::Subsystems, printed("Subsystem Group PID Status\n ctrmc rsct inoperative\n"))],
            Block,
        ),
        ("M06", LEVEL, vec![(P::Subsystems, printed("Subsystem Group PID Status\n"))], Block),
        ("D01", LEVEL, vec![(P::LvupdateData, data("disks:\n\tnhdisk = hdisk0\n"))], Block),
        ("D01", LEVEL, vec![(P::LvupdateData, data("disks:\n\tnhdisk = hdisk9\n"))], Block),
        ("D01", LEVEL, vec![(P::LvupdateData, Answer::NoFile)], NotApplicable),
        ("D02", LEVEL, vec![(P::DiskSize, printed("7000\n"))], Block),
        ("D02", LEVEL, vec![(P::DiskSize, printed("7424\n"))], Pass),
        (
            "D03",
            LEVEL,
            vec![(P::Paths, printed("hdisk0 vscsi0 0 81 Enabled\nhdisk0 vscsi1 1 81 Failed\n"))],
            Block,
        ),
        ("D04", LEVEL, vec![(P::Paths, printed("hdisk0 vscsi0 0 81 Missing\n"))], Warn),
        (
            "D05",
            LEVEL,
            vec![(
                P::Devices,
                device("adapter fcs0 Available Virtual Fibre Channel Client Adapter"),
            )],
            Unknown,
        ),
        ("D08", LEVEL, vec![(P::PathControl, printed("PCM/vendor/x\n"))], Block),
        (
            "D08",
            LEVEL,
            vec![
                (P::PathControl, printed("PCM/vendor/x\n")),
                (P::LvupdateData, data("general:\n\taix_mpio = no\n")),
            ],
            NotApplicable,
        ),
        (
            "D09",
            LEVEL,
            vec![(P::Devices, device("adapter fcs0 Available 16Gb PCIe2 FC Adapter"))],
            Block,
        ),
        ("D10", LEVEL, vec![(P::Devices, device("tape rmt0 Available Tape"))], Block),
        ("D10", LEVEL, vec![(P::Devices, device("cdrom cd0 Defined Optical"))], Block),
        ("D11", LEVEL, vec![(P::Devices, device("adapter capi0 Available CAPI Flash"))], Unknown),
        ("D12", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 altinst_rootvg"))], Block),
        ("D13", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 lvup_rootvg"))], Block),
        (
            "D14",
            LEVEL,
            vec![(P::RootVolumes, printed("rootvg:\nhd4 jfs2 4 12 3 open/syncd /\n"))],
            Block,
        ),
        (
            "D14",
            LEVEL,
            vec![(
                P::RootVolumes,
                printed("rootvg:\nhd4 jfs2 4 8 2 open/syncd /\nhd2 jfs2 4 4 1 open/syncd /usr\n"),
            )],
            Block,
        ),
        (
            "D14",
            LEVEL,
            vec![(
                P::RootVolumes,
                printed("rootvg:\nhd5 boot 1 1 1 closed/syncd N/A\nhd4 jfs2 4 8 2 open/syncd /\n"),
            )],
            Pass,
        ),
        (
            "D15",
            LEVEL,
            vec![(P::RootGroup, printed("PP SIZE: 256\nSTALE PVs: 1 STALE PPs: 4\n"))],
            Block,
        ),
        (
            "D16",
            LEVEL,
            vec![(P::RootGroup, printed("STALE PVs: 0 STALE PPs: 0\nSNAPSHOT VG: yes\n"))],
            Block,
        ),
        (
            "D17",
            LEVEL,
            vec![(P::BootList, printed("hdisk1 blv=hd5 pathid=0\nhdisk0 blv=hd5 pathid=0\n"))],
            Block,
        ),
        ("D17", LEVEL, vec![(P::BootList, printed("\n"))], Block),
        (
            "D18",
            LEVEL,
            vec![(
                P::RootVolumes,
                printed(
                    "rootvg:\nbos_hd5 boot 1 1 1 closed/syncd N/A\nhd4 jfs2 4 4 1 open/syncd /\n",
                ),
            )],
            Block,
        ),
        ("D19", LEVEL, vec![(P::Disks, printed("hdisk1 none None\n"))], Block),
        (
            "D20",
            LEVEL,
            vec![(P::Mounts, mounted("         /dev/cd0 /cdrom cdrfs Nov 02 09:12 ro"))],
            Block,
        ),
        ("D20", LEVEL, vec![(P::Mounts, mounted("         /a /b autofs Nov 02 09:12 ro"))], Pass),
        (
            "D20",
            "7200-03-05-1914",
            vec![(P::Mounts, mounted("         /a /b autofs Nov 02 09:12 ro"))],
            Block,
        ),
        (
            "D21",
            LEVEL,
            vec![(P::Mounts, mounted("nim01 /export /mnt nfs3 Nov 02 09:12 ro"))],
            Unknown,
        ),
        (
            "D22",
            LEVEL,
            vec![(P::Mounts, mounted("nim01 /export /mnt nfs4 Nov 02 09:12 ro,sec=krb5p"))],
            Block,
        ),
        ("D23", LEVEL, vec![(P::Processes, process("dsmrecalld"))], Block),
        ("D24", LEVEL, vec![(P::LargePages, printed("lgpg_regions = 64\n"))], Block),
        (
            "D25",
            LEVEL,
            vec![(P::Partition, printed("Online Memory : 8192 MB\nMemory Mode : Shared\n"))],
            Block,
        ),
        ("D26", LEVEL, vec![(P::Interfaces, printed("en0: x\ngre0: x\n"))], Block),
        ("S01", LEVEL, vec![(P::InterimFixes, fix("S", "IJ20785s2a"))], Warn),
        ("S02", LEVEL, vec![(P::InterimFixes, fix("*Q*", "IJ20785s2a"))], Block),
        (
            "S05",
            LEVEL,
            vec![(P::Filesets, printed("bos.rte:bos.rte:7.2.5.1: : :A: :x: :\n"))],
            Warn,
        ),
        ("S06", LEVEL, vec![(P::Filesets, filesets(&[("security.pkcs11", "7.2.5.0")]))], Block),
        ("S07", LEVEL, vec![(P::Filesets, filesets(&[("cas.agent", "7.2.5.0")]))], Block),
        ("S08", LEVEL, vec![(P::Trust, printed("TE=ON\n"))], Block),
        ("S09", LEVEL, vec![(P::Trust, printed("TE=ON\nTSD_FILES_LOCK=ON\n"))], Block),
        ("S09", LEVEL, vec![(P::Trust, printed("TE=ON\nCHKSHLIB=ON\nSTOP_UNTRUSTD=ON\n"))], Block),
        ("S09", LEVEL, vec![(P::Trust, printed("TE=ON\nCHKSHLIB=ON\n"))], Pass),
        ("S10", LEVEL, vec![(P::NameService, file("tsddat:\n\tsecorder = LDAP,files\n"))], Warn),
        (
            "S10",
            LEVEL,
            vec![(
                P::NameService,
                file("other:\n\tsecorder = LDAP\ntsddat:\n\tsecorder = files\n"),
            )],
            Pass,
        ),
        ("S13", LEVEL, vec![(P::Kerberos, file(""))], Block),
        ("S14", LEVEL, vec![(P::Devices, device("vlog vlog0 Available Virtual Log"))], Block),
        (
            "S15",
            LEVEL,
            vec![(P::Devices, device("ipsec ipsec_v4 Available IP Version 4 Security"))],
            Block,
        ),
        (
            "S15",
            late,
            vec![(P::Devices, device("ipsec ipsec_v4 Available IP Version 4 Security"))],
            Warn,
        ),
        (
            "S15",
            LEVEL,
            vec![(P::Devices, device("ipsec ipsec_v4 Defined IP Version 4 Security"))],
            Pass,
        ),
        (
            "S16",
            LEVEL,
            vec![(P::AuditConfig, streams()), (P::Audit, printed("auditing on\n"))],
            Block,
        ),
        (
            "S16",
            LEVEL,
            vec![(P::AuditConfig, streams()), (P::Audit, printed("auditing off\n"))],
            Pass,
        ),
        ("S16", LEVEL, vec![(P::AuditConfig, streams())], Unknown),
        (
            "S16",
            late,
            vec![(P::AuditConfig, streams()), (P::Audit, printed("auditing on\n"))],
            NotApplicable,
        ),
        (
            "S17",
            LEVEL,
            vec![
                (P::Filesets, filesets(&[("bos.wpars", "7.2.5.0")])),
                (P::WorkloadPartitions, printed("web:D\n")),
            ],
            Unknown,
        ),
        (
            "S18",
            LEVEL,
            vec![
                (P::Filesets, filesets(&[("bos.wpars", "7.2.5.0")])),
                (P::WorkloadPartitions, printed("web:A\n")),
            ],
            Block,
        ),
        ("S18", LEVEL, vec![(P::Filesets, filesets(&[("bos.wpars", "7.2.5.0")]))], Unknown),
        ("S19", LEVEL, vec![(P::Processes, process("probevue"))], Block),
        ("S20", LEVEL, vec![(P::LvupdateData, data("trace:\n\ttrc_option = -anl\n"))], Unknown),
        ("S22", LEVEL, vec![(P::WorkloadManager, ended(0))], Block),
        (
            "S22",
            LEVEL,
            vec![(P::Inittab, file("rcnetwlm:23456789:wait:/etc/rc.netwlm start\n"))],
            Block,
        ),
        (
            "S22",
            LEVEL,
            vec![(P::Inittab, file("rcnetwlm:23456789:off:/etc/rc.netwlm start\n"))],
            Pass,
        ),
        ("S22", LEVEL, vec![(P::Inittab, Answer::NoFile)], Unknown),
        ("S23", LEVEL, vec![(P::Subsystems, service(" pfcdaemon pfc 12 stopping"))], Warn),
        (
            "S24",
            LEVEL,
            vec![
                (P::Filesets, filesets(&[("bos.net.nis.client", "7.2.5.0")])),
                (P::NisDomain, printed("\n")),
            ],
            Block,
        ),
        (
            "S24",
            LEVEL,
            vec![
                (P::Filesets, filesets(&[("bos.net.nis.client", "7.2.5.0")])),
                (P::NisDomain, printed("here\n")),
            ],
            Pass,
        ),
        (
            "S24",
            late,
            vec![
                (P::Filesets, filesets(&[("bos.net.nis.client", "7.3.3.0")])),
                (P::NisDomain, printed("\n")),
            ],
            NotApplicable,
        ),
        ("S25", LEVEL, vec![(P::Scripts, missing("AUTOFS_UMOUNT"))], Block),
        ("S25", LEVEL, vec![(P::Scripts, missing("STOP_CACHE"))], Pass),
        (
            "S26",
            LEVEL,
            vec![(P::ProcUsers, printed(" 77\n")), (P::Processes, process("nmon"))],
            Block,
        ),
        ("S28", LEVEL, vec![(P::Lock, file(""))], Block),
        ("S28", LEVEL, vec![(P::Processes, process("geninstall"))], Block),
        ("S29", LEVEL, vec![(P::Processes, process("/usr/bin/nmon"))], Warn),
        ("S30", LEVEL, vec![(P::LvupdateData, Answer::NoFile)], Unknown),
        ("S31", LEVEL, vec![(P::Subsystems, service(" clstrmgrES cluster 9 active"))], Unknown),
        ("S32", LEVEL, vec![(P::Processes, process("crsd.bin"))], Block),
        ("S32", LEVEL, vec![(P::Processes, printed("1 init\n2 mmfsd\n3 db2sysc\n"))], Unknown),
        ("S33", LEVEL, vec![(P::Processes, process("ora_pmon_PROD"))], Unknown),
        ("S37", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 old_rootvg"))], Pass),
        ("P06", "7200-05-01-2038", vec![], Warn),
        ("P06", "7200-05-01-2038", vec![(P::InterimFixes, fix("S", "IJ30267s1a"))], Pass),
        ("P06", late, vec![], NotApplicable),
        (
            "P09",
            late,
            vec![
                (P::Filesets, filesets(&[("bos.net.ipsec.rte", "7.3.3.1")])),
                (P::Devices, device("ipsec ipsec_v4 Available IP")),
            ],
            Block,
        ),
        ("P09", LEVEL, vec![], NotApplicable),
        ("P10", "7300-03-00-2446", vec![], Warn),
        (
            "P11",
            late,
            vec![(
                P::Devices,
                device("adapter fcs0 Available Virtual Fibre Channel Client Adapter"),
            )],
            Warn,
        ),
        ("F07", LEVEL, vec![(P::Trust, printed("TE=ON\nLOCK_KERN_POLICIES=ON\n"))], Block),
        ("F07", LEVEL, vec![(P::Trust, printed("TE=OFF\nLOCK_KERN_POLICIES=ON\n"))], NotApplicable),
    ];
    let around = around();
    for (check, level, changes, wanted) in &cases {
        let mut answers = healthy();
        answers.extend(changes.iter().cloned());
        assert_eq!(
            verdict(check, level, &answers, &around),
            *wanted,
            "{check} at {level}: {changes:?}"
        );
    }
    // What concerns some levels only is not judged where the level is not known.
    let facts = Facts::read(Err("no oslevel".to_owned()), &[], "not answered");
    let seen = Seen { facts: &facts, around: &around };
    for check in catalogue().filter(|check| check.levels != Levels::All) {
        assert_eq!(check.judge(&seen).verdict, Unknown, "{check:?}");
    }
}

#[test]
fn what_is_around_an_lpar_is_judged_by_what_the_hmc_shows() {
    use Verdict::{Block, Pass, Unknown, Warn};
    type Change = fn(&mut Around);
    let cases: [(&str, Change, Verdict); 17] = [
        ("L08", |_| {}, Pass),
        ("L08", |all| all.hmc_levels = Ok([("h".into(), "V8R8.3.0".into())].into()), Block),
        ("L08", |all| all.hmc_levels = Ok([("h".into(), "V8R8.4.0".into())].into()), Pass),
        ("L09", |all| all.vios_levels = Ok([("v".into(), Ok("2.2.3.4".into()))].into()), Block),
        ("L09", |all| all.vios_levels = Ok([("v".into(), Err("down".into()))].into()), Unknown),
        ("L09", |all| all.vios_levels = Ok(BTreeMap::new()), Unknown),
        ("L11", |_| {}, Pass),
        ("L11", |all| all.free = Ok((Megabytes(8999), ProcessorUnits { hundredths: 800 })), Block),
        ("L11", |all| all.free = Ok((Megabytes(9000), ProcessorUnits { hundredths: 99 })), Block),
        ("L11", |all| all.need = Err("not shown".into()), Unknown),
        ("M07", |all| all.rmc_state = Ok("inactive".into()), Block),
        ("F01", |all| all.names = Ok(vec!["lpar01_lku0".into()]), Block),
        ("F02", |all| all.partition_name = Ok("x".repeat(26)), Pass),
        ("F02", |all| all.partition_name = Ok("x".repeat(27)), Warn),
        ("F03", |all| all.partitions = Ok((1000, 1000)), Block),
        ("F04", |all| all.vios_states = Ok([("v".into(), "Not Activated".into())].into()), Block),
        ("F04", |all| all.vios_states = Ok(BTreeMap::new()), Unknown),
    ];
    for (check, change, wanted) in cases {
        let mut around = around();
        change(&mut around);
        assert_eq!(verdict(check, LEVEL, &healthy(), &around), wanted, "{check}");
    }
}

#[test]
fn what_touches_a_cluster_is_never_printed_as_a_command_for_one_that_is_or_may_be_a_member() {
    let signs: [(ProbeId, Answer); 5] = [
        (ProbeId::Disks, printed(&format!("{DISKS}hdisk9 00f9 caavg_private active\n"))),
        (
            ProbeId::Subsystems,
            printed(
                "Subsystem Group PID Status\n ctrmc rsct inoperative\n cthags cthags 7 active\n",
            ),
        ),
        (ProbeId::Filesets, filesets(&[("cluster.es.server.rte", "7.2.7.0")])),
        (
            ProbeId::Mounts,
            printed(&format!("{MOUNT_HEAD}         /aha /aha ahafs Nov 02 09:12 rw\n")),
        ),
        (ProbeId::Disks, Answer::Failed { why: "lspv hangs".to_owned() }),
    ];
    let bad = |extra: Option<(ProbeId, Answer)>| {
        let mut answers = healthy();
        answers.insert(
            ProbeId::ControlPoints,
            printed("Management Domain Status: Management Control Points\n"),
        );
        answers.insert(
            ProbeId::Subsystems,
            printed("Subsystem Group PID Status\n ctrmc rsct inoperative\n"),
        );
        answers.extend(extra);
        let (facts, mut around) = (facts(LEVEL, &answers), around());
        around.rmc_state = Ok("inactive".to_owned());
        judge(&Seen { facts: &facts, around: &around })
    };
    let remedy = |found: &[Finding], check: &str| {
        let finding = found.iter().find(|one| one.check == check).cloned();
        finding.and_then(|finding| finding.remedy)
    };
    for check in ["M05", "M06", "M07"] {
        let advice = remedy(&bad(None), check).unwrap();
        assert!(advice.is_command && advice.danger == Danger::Cluster, "{check}: {advice:?}");
    }
    for sign in signs {
        let found = bad(Some(sign.clone()));
        for check in ["M05", "M06", "M07"] {
            let advice = remedy(&found, check).unwrap();
            assert!(!advice.is_command && advice.text.contains("ask whoever"), "{check}: {sign:?}");
            for word in ["recfgct", "startsrc", "rmcctrl"] {
                assert!(!advice.text.contains(word), "{check}: {advice:?}");
            }
        }
        // AHAFS is a member's ground.
        if sign.0 == ProbeId::Mounts {
            let advice = remedy(&found, "D20").unwrap();
            assert!(!advice.text.contains("umount") && advice.danger == Danger::Cluster);
        }
    }
    // No remedy that touches it hides behind another class.
    for check in catalogue().filter(|check| check.remedy.danger != Danger::Cluster) {
        for word in ["srcmstr", "clcomd", "ctrmc", "rsct", "recfgct", "ahafs", "rmcctrl"] {
            assert!(!check.remedy.text.to_lowercase().contains(word), "{check:?}");
        }
    }
}

#[test]
fn what_is_asked_stays_within_its_bounds_and_later_questions_follow_from_earlier_answers() {
    let commands = |probes: &[Probe]| {
        probes.iter().filter(|one| matches!(one.look(), Some(Look::Command { .. }))).count()
    };
    let first = probe::first();
    let next = probe::next(&facts(LEVEL, &healthy()));
    assert!(commands(&first) + commands(&next) <= MOST_PROCESSES, "{first:?} {next:?}");
    let ids: Vec<_> = next.iter().filter_map(|one| one.id.known()).collect();
    assert_eq!(ids, [ProbeId::DiskSize, ProbeId::DiskSize, ProbeId::PathControl]);
    let mut answers = healthy();
    answers.insert(ProbeId::AuditConfig, file("start:\n\tstreammode = on\n"));
    answers.insert(
        ProbeId::Filesets,
        filesets(&[("bos.wpars", "7.2.5.0"), ("bos.net.nis.client", "7.2.5.0")]),
    );
    let ids: Vec<_> = probe::next(&facts(LEVEL, &answers))
        .iter()
        .take(3)
        .filter_map(|one| one.id.known())
        .collect();
    assert_eq!(ids, [ProbeId::Audit, ProbeId::WorkloadPartitions, ProbeId::NisDomain]);
    for id in ProbeId::ALL {
        let about_disk = matches!(id, ProbeId::DiskSize | ProbeId::PathControl);
        assert_eq!(Probe::of(*id).look().is_none(), about_disk, "{id}");
    }
    let unknown = Probe { id: Named::Other("weather".to_owned()), disk: None };
    assert_eq!(unknown.look(), None);
}

#[test]
fn scores_go_down_to_nothing_and_blockers_come_first() {
    let mut answers = healthy();
    answers.insert(ProbeId::Tokens, printed(""));
    answers.insert(ProbeId::Lock, file(""));
    answers.insert(ProbeId::Trust, printed("TE=ON\n"));
    answers.insert(ProbeId::Kerberos, file(""));
    answers.insert(ProbeId::LargePages, printed("lgpg_regions = 1\n"));
    let (facts, around) = (facts(LEVEL, &answers), around());
    let found = judge(&Seen { facts: &facts, around: &around });
    assert_eq!(score(&found), 0);
    let first: Vec<_> = found.iter().take(5).map(|one| one.check.as_str()).collect();
    assert_eq!(first, ["M01", "D24", "S08", "S13", "S28"]);
    let found = found.iter().find(|one| one.check == "M01").unwrap();
    assert_eq!(found.found, "no token for a management console");
}

#[test]
fn who_has_proc_open_is_named_without_numbers_so_that_a_fleet_can_be_grouped() {
    let mut answers = healthy();
    answers.insert(ProbeId::ProcUsers, printed(" 77 78 99\n"));
    answers.insert(ProbeId::Processes, printed("77 nmon\n78 nmon\n"));
    let facts = facts(LEVEL, &answers);
    let judged = check("s26").unwrap().judge(&Seen { facts: &facts, around: &around() });
    assert_eq!(judged.found, "open files in /proc by an unknown process, nmon");
    assert_eq!(judged.evidence[0], "process 77, nmon");
}

#[test]
fn a_token_that_nimd_makes_itself_stops_nobody() {
    let mut answers = healthy();
    answers.insert(ProbeId::Tokens, printed(""));
    let of = |makes_tokens: Fact<bool>| {
        verdict("M01", LEVEL, &answers, &Around { makes_tokens, ..around() })
    };
    assert_eq!(of(Ok(true)), Verdict::Warn);
    assert_eq!(of(Ok(false)), Verdict::Block);
    assert_eq!(of(Err("no HMC".to_owned())), Verdict::Block);
}
