//! Each check with what breaks it, without its facts, and at another level.

use super::lpar::*;
use crate::preflight::probe::{Answer, ProbeId};
use crate::preflight::*;

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
    let cluster = |state: &str| {
        let manager = printed(&format!("Current state: {state}\nsccsid = \"x\"\n"));
        vec![(P::Subsystems, service(" clstrmgrES cluster 9 active")), (P::ClusterManager, manager)]
    };
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
        ("L16", late, vec![], NotApplicable),
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
        (
            "S11",
            LEVEL,
            vec![(P::TrustedBase, printed("PdAt:\n\tdeflt = \"tcb_enabled\"\n"))],
            Block,
        ),
        ("S11", LEVEL, vec![(P::TrustedBase, printed("PdAt:\n\tdeflt = \"\"\n"))], Unknown),
        ("S12", LEVEL, vec![(P::SecurityProfile, printed("SOX-COBIT\n"))], Block),
        ("S12", LEVEL, vec![(P::SecurityProfile, printed("The profile is: high\n"))], Block),
        ("S12", LEVEL, vec![(P::SecurityProfile, printed("our own\n"))], Unknown),
        ("S31", LEVEL, vec![(P::Subsystems, service(" clstrmgrES cluster 9 active"))], Unknown),
        ("S31", LEVEL, cluster("ST_STABLE"), Warn),
        ("S31", LEVEL, cluster("ST_RP_RUNNING"), Block),
        (
            "S31",
            LEVEL,
            [
                cluster("ST_STABLE"),
                vec![(P::Devices, device("disk hdisk9 Available Remote Physical Volume Client"))],
            ]
            .concat(),
            Unknown,
        ),
        ("S32", LEVEL, vec![(P::Processes, process("asm_pmon_+ASM"))], Block),
        ("S32", LEVEL, vec![(P::Processes, process("ca-server"))], Block),
        ("S32", LEVEL, vec![(P::Processes, process("crsd.bin"))], Block),
        ("S32", LEVEL, vec![(P::Processes, printed("1 init\n2 mmfsd\n3 db2sysc\n"))], Unknown),
        ("S33", LEVEL, vec![(P::Processes, process("ora_pmon_PROD"))], Unknown),
        ("S37", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 old_rootvg"))], Pass),
        ("S37", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 nimbak_12345678"))], Pass),
        ("S37", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 nimalt_12345678"))], Pass),
        // By the name that the remedy gives it.
        ("S37", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 bak_rootvg"))], Pass),
        ("S37", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 lvup_rootvg"))], Warn),
        ("S37", LEVEL, vec![(P::Disks, disk("hdisk3 00f9 datavg"))], Warn),
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
