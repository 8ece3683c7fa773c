//! Disks, paths, rootvg, devices.

use super::super::advice::{Danger, Remedy};
use super::super::facts::{Facts, Seen};
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, none, not_looked_at};
use crate::aix::LogicalVolume;
use crate::level::TechnologyLevel;
use crate::operation::Disk;
use crate::unit::Megabytes;

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "D01",
        title: "the disks of lvupdate.data are there and in no volume group",
        looks_at: "lspv, lvupdate.data",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "name disks that are free: a disk without a volume group may still belong to a database or a cluster",
            Danger::None,
        ),
        source: "LU §4.3 D01, §4.4a",
        rule: free_disks,
    },
    Check {
        id: "D02",
        title: "the disks of lvupdate.data are large enough for rootvg",
        looks_at: "getconf DISK_SIZE, lsvg -l rootvg",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("have larger LUNs mapped: as large as the disks of rootvg", Danger::None),
        source: "LU §4.3 D02, §1.3",
        rule: large_disks,
    },
    Check {
        id: "D03",
        title: "each disk has enabled paths over two adapters or more",
        looks_at: "lspath",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "map and zone the disk over both VIOSes: half of the paths go to the copy of the LPAR",
            Danger::None,
        ),
        source: "LU §4.3 D03",
        rule: two_adapters,
    },
    Check {
        id: "D04",
        title: "no path has failed or is missing",
        looks_at: "lspath",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence("repair the path, or remove it with rmpath -d and run cfgmgr", Danger::Reversible),
        source: "LU §4.3 D04",
        rule: |seen| {
            let bad = get(&seen.facts.paths)?.iter().filter(|path| path.status != "Enabled");
            let bad: Vec<_> =
                bad.map(|path| format!("{} over {}: {}", path.disk, path.parent, path.status)).collect();
            Ok(if bad.is_empty() {
                Judged::pass("all paths are Enabled")
            } else {
                Judged::warn("paths that are not Enabled", bad)
            })
        },
    },
    Check {
        id: "D05",
        title: "NPIV: both WWPNs of each client adapter are zoned and mapped",
        looks_at: "the storage",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("zone and map the second WWPN, as for partition mobility", Danger::None),
        source: "LU §4.3 D05",
        rule: |seen| match fibre_channel(seen.facts)? {
            true => not_looked_at(seen),
            false => Ok(Judged::not_applicable("no virtual Fibre Channel adapter")),
        },
    },
    Check {
        id: "D06",
        title: "virtual SCSI disks are whole disks of the VIOS, not volumes or files",
        looks_at: "VIOS: lsmap",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("move the data to whole disks", Danger::Outage),
        source: "LU §4.3 D06",
        rule: not_looked_at,
    },
    Check {
        id: "D07",
        title: "no virtual SCSI server adapter is for any partition and any slot",
        looks_at: "HMC: profiles of the VIOSes",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("name the client partition and slot in the profile", Danger::None),
        source: "LU §4.3 D07",
        rule: not_looked_at,
    },
    Check {
        id: "D08",
        title: "the disk of rootvg is driven by the path control module of AIX",
        looks_at: "lsattr -El DISK -a PCM",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("manage_disk_drivers switches to it, with a reboot", Danger::Outage),
        source: "LU §4.3 D08",
        rule: |seen| {
            if let Ok(Some(data)) = &seen.facts.data
                && data.general.aix_mpio == Some(false)
            {
                return Ok(Judged::not_applicable("lvupdate.data says aix_mpio = no"));
            }
            let module = get(&seen.facts.path_control)?;
            Ok(if module.starts_with("PCM/friend/") {
                Judged::pass(module.clone())
            } else {
                Judged::block("a path control module that is not that of AIX", vec![module.clone()])
            })
        },
    },
    Check {
        id: "D09",
        title: "all adapters are virtual",
        looks_at: "lsdev -C, class adapter",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("take physical adapters out of the profile", Danger::Outage),
        source: "LU §4.3 D09",
        rule: |seen| {
            let physical = get(&seen.facts.devices)?.iter().filter(|one| {
                one.class == "adapter"
                    && one.status == "Available"
                    && !VIRTUAL.iter().any(|word| one.description.contains(word))
            });
            let physical = physical.map(|one| format!("{} {}", one.name, one.description)).collect();
            Ok(none("physical adapters", physical, "all adapters are virtual"))
        },
    },
    Check {
        id: "D10",
        title: "there is no tape and no optical drive",
        looks_at: "lsdev -C, classes tape and cdrom",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("rmdev -dl NAME, once nothing uses it", Danger::Reversible),
        source: "LU §4.3 D10",
        rule: |seen| of_class(seen.facts, &["tape", "cdrom"], "tape or optical drives"),
    },
    Check {
        id: "D11",
        title: "no CAPI device is open",
        looks_at: "lsdev -C, class adapter",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("close what uses it", Danger::Outage),
        source: "LU §4.3 D11",
        rule: |seen| {
            let is_capi = |one: &&crate::aix::Device| one.description.contains("CAPI");
            match get(&seen.facts.devices)?.iter().find(is_capi) {
                None => Ok(Judged::not_applicable("no device is of that kind")),
                Some(one) => Err(format!("whether {} is open is not looked at", one.name)),
            }
        },
    },
    Check {
        id: "D12",
        title: "there is no altinst_rootvg",
        looks_at: "lspv",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "rename it: alt_rootvg_op -v NAME -d DISK; do not remove it, it is usually somebody's way back",
            Danger::Reversible,
        ),
        source: "LU §4.3 D12, §4.4a",
        rule: |seen| no_group(seen.facts, "altinst_rootvg"),
    },
    Check {
        id: "D13",
        title: "there is no lvup_rootvg of an earlier run",
        looks_at: "lspv",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::command("clvupdate -v", Danger::Permanent)
            .after("the LPAR was booted since the last Live Update: base processes may still run from that disk"),
        source: "LU §4.3 D13, §4.4a",
        rule: |seen| no_group(seen.facts, "lvup_rootvg"),
    },
    Check {
        id: "D14",
        title: "rootvg has one copy or two, of all volumes alike",
        looks_at: "lsvg -l rootvg",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("unmirrorvg or mirrorvg rootvg", Danger::Reversible),
        source: "LU §4.3 D14",
        rule: copies,
    },
    Check {
        id: "D15",
        title: "nothing of rootvg is stale",
        looks_at: "lsvg rootvg",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::command("syncvg -v rootvg", Danger::None),
        source: "LU §4.3 D15",
        rule: |seen| {
            let (group, _) = get(&seen.facts.root_group)?;
            let text = format!("STALE PVs {}, STALE PPs {}", group.stale_disks, group.stale_partitions);
            Ok(if group.stale_disks + group.stale_partitions == 0 {
                Judged::pass(text)
            } else {
                Judged::block("stale partitions in rootvg", vec![text])
            })
        },
    },
    Check {
        id: "D16",
        title: "rootvg is no snapshot",
        looks_at: "lsvg rootvg",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("join the snapshot again, or remove it", Danger::Permanent),
        source: "LU §4.3 D16",
        rule: |seen| {
            let (group, _) = get(&seen.facts.root_group)?;
            let line = group.snapshot.clone().into_iter().collect();
            Ok(none("rootvg has to do with a snapshot", line, "no snapshot"))
        },
    },
    Check {
        id: "D17",
        title: "the boot list begins with a disk of rootvg",
        looks_at: "bootlist -m normal -o, lspv",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("bootlist -m normal DISK, with the disk of rootvg", Danger::None),
        source: "LU §4.3 D17",
        rule: boot_list,
    },
    Check {
        id: "D18",
        title: "there is no multibos environment",
        looks_at: "lsvg -l rootvg",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::command("multibos -R", Danger::Permanent),
        source: "LU §4.3 D18",
        rule: |seen| {
            let volumes = get(&seen.facts.root_volumes)?.iter();
            let multi = volumes.filter(|one| one.name.starts_with("bos_"));
            let multi = multi.map(|one| one.name.clone()).collect();
            Ok(none("a multibos environment", multi, "no volume begins with bos_"))
        },
    },
    Check {
        id: "D19",
        title: "the LPAR is not diskless",
        looks_at: "lspv",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("Live Update needs a rootvg on disks", Danger::None),
        source: "LU §4.3 D19",
        rule: |seen| {
            let disks = root_disks(get(&seen.facts.disks)?);
            Ok(match disks.is_empty() {
                true => Judged::block("no active rootvg", vec!["lspv shows none".to_owned()]),
                false => Judged::pass(format!("rootvg is on {}", disks.join(", "))),
            })
        },
    },
    Check {
        id: "D20",
        title: "only file systems of supported types are mounted",
        looks_at: "mount",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("umount them for the update", Danger::Reversible),
        source: "LU §4.3 D20, §4.4a, §4.7",
        rule: mounts,
    },
    Check {
        id: "D21",
        title: "no program runs from NFS",
        looks_at: "mount",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("stop what runs from NFS", Danger::Outage),
        source: "LU §4.3 D21",
        rule: |seen| {
            let mut nfs = get(&seen.facts.mounts)?.iter().filter(|one| one.kind.starts_with("nfs"));
            match nfs.next() {
                None => Ok(Judged::not_applicable("nothing is mounted over NFS")),
                Some(one) => Err(format!("which programs run from {} is not looked at", one.over)),
            }
        },
    },
    Check {
        id: "D22",
        title: "no NFS mount uses Kerberos",
        looks_at: "mount",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("mount it again without sec=krb5", Danger::Reversible),
        source: "LU §4.3 D22",
        rule: |seen| {
            let with = get(&seen.facts.mounts)?.iter().filter(|one| one.options.contains("sec=krb5"));
            let with = with.map(|one| format!("{}: {}", one.over, one.options)).collect();
            Ok(none("NFS mounts with Kerberos", with, "no mount has sec=krb5"))
        },
    },
    Check {
        id: "D23",
        title: "no space management (DMAPI) is active",
        looks_at: "ps",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("stop the space management of Spectrum Protect", Danger::Reversible),
        source: "LU §4.3 D23",
        rule: |seen| {
            let names = ["dsmrecalld", "dsmmonitord", "dsmscoutd", "dsmwatchd"];
            let all = get(&seen.facts.processes)?.iter();
            let run = all.filter(|one| names.contains(&one.name()));
            let run = run.map(|one| format!("{} {}", one.pid, one.name())).collect();
            Ok(none("space management runs", run, "no daemon of it runs"))
        },
    },
    Check {
        id: "D24",
        title: "there is no pool of 16 MB pages",
        looks_at: "vmo -o lgpg_regions",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("vmo -r -o lgpg_regions=0, bosboot, and a reboot", Danger::Outage),
        source: "LU §4.3 D24",
        rule: |seen| {
            let regions = *get(&seen.facts.large_pages)?;
            let text = format!("lgpg_regions = {regions}");
            Ok(if regions == 0 {
                Judged::pass(text)
            } else {
                Judged::block("a pool of 16 MB pages", vec![text])
            })
        },
    },
    Check {
        id: "D25",
        title: "memory is dedicated, not shared between partitions",
        looks_at: "lparstat -i",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("give it dedicated memory in the profile", Danger::Outage),
        source: "LU §4.3 D25",
        rule: |seen| {
            let mode = get(&seen.facts.partition)?.memory_mode();
            let mode = mode.ok_or("lparstat -i shows no memory mode")?;
            Ok(if mode.starts_with("Dedicated") {
                Judged::pass(mode)
            } else {
                Judged::block("shared memory", vec![format!("Memory Mode: {mode}")])
            })
        },
    },
    Check {
        id: "D26",
        title: "there is no GRE tunnel",
        looks_at: "ifconfig -a",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("remove the tunnel", Danger::Reversible),
        source: "LU §4.3 D26",
        rule: |seen| {
            let all = get(&seen.facts.interfaces)?.iter();
            let tunnels = all.filter(|name| name.starts_with("gre")).cloned().collect();
            Ok(none("GRE tunnels", tunnels, "no interface is one"))
        },
    },
    Check {
        id: "D27",
        title: "a system dump in rootvg is not needed any more: it is gone afterwards",
        looks_at: "sysdumpdev -L",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::sentence("copy the dump away first", Danger::None),
        source: "LU §4.3 D27",
        rule: super::for_information,
    },
    Check {
        id: "D28",
        title: "disks, volumes and targets are on record for the comparison afterwards",
        looks_at: "lspv",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.3 D28",
        rule: super::for_information,
    },
];

/// Words in the descriptions of adapters that are no hardware of the partition. Source: LU §4.3 D09, §5.3.
const VIRTUAL: [&str; 6] = ["Virtual", "virtual", "l-lan", "vNIC", "EtherChannel", "VLAN"];

fn fibre_channel(facts: &Facts) -> Result<bool, String> {
    let mut all = get(&facts.devices)?.iter();
    Ok(all.any(|one| one.description.contains("Virtual Fibre Channel")))
}

fn root_disks(disks: &[Disk]) -> Vec<&str> {
    let root =
        disks.iter().filter(|disk| disk.volume_group.as_deref() == Some("rootvg") && disk.active);
    root.map(|disk| disk.name.as_str()).collect()
}

fn free_disks(seen: &Seen<'_>) -> Result<Judged, String> {
    let disks = get(&seen.facts.disks)?;
    get(&seen.facts.data)?;
    let names = seen.facts.named_disks();
    if names.is_empty() {
        return Ok(Judged::not_applicable("no lvupdate.data on the LPAR names disks"));
    }
    let faults =
        names.iter().filter_map(|name| match disks.iter().find(|disk| disk.name == *name) {
            None => Some(format!("lspv shows no {name}")),
            Some(disk) => disk.volume_group.as_ref().map(|group| format!("{name} is in {group}")),
        });
    let shown: Vec<_> = names.iter().map(ToString::to_string).collect();
    let found = "disks of lvupdate.data that are missing or in use";
    Ok(none(found, faults.collect(), &format!("{} are in no volume group", shown.join(", "))))
}

fn large_disks(seen: &Seen<'_>) -> Result<Judged, String> {
    let data = get(&seen.facts.data)?.as_ref();
    let lists = data.map(|data| [("nhdisk", &data.disks.nhdisk), ("mhdisk", &data.disks.mhdisk)]);
    let lists: Vec<_> = lists.into_iter().flatten().filter(|(_, list)| !list.is_empty()).collect();
    if lists.is_empty() {
        return Ok(Judged::not_applicable("no lvupdate.data on the LPAR names disks"));
    }
    let (_, partition) = get(&seen.facts.root_group)?;
    let partition = partition.ok_or("lsvg rootvg shows no PP SIZE")?;
    let logical: u64 = get(&seen.facts.root_volumes)?.iter().map(|one| one.logical).sum();
    let needed = Megabytes(logical.saturating_mul(partition.0));
    let (mut small, mut fit) = (Vec::new(), Vec::new());
    for (key, list) in lists {
        let mut size = Megabytes(0);
        for name in list {
            let one = seen.facts.disk_sizes.get(name);
            let one = one.ok_or_else(|| format!("the size of {name} was not looked at"))?;
            size = size + *get(one)?;
        }
        let text = format!("{key} has {size}, rootvg needs {needed}");
        if size < needed { small.push(text) } else { fit.push(text) }
    }
    Ok(none("disks of lvupdate.data that are too small", small, &fit.join("; ")))
}

fn two_adapters(seen: &Seen<'_>) -> Result<Judged, String> {
    let paths = get(&seen.facts.paths)?;
    let disks = get(&seen.facts.disks)?;
    let few = disks.iter().filter_map(|disk| {
        let enabled =
            paths.iter().filter(|path| path.disk == disk.name && path.status == "Enabled");
        let mut parents: Vec<&str> = enabled.map(|path| path.parent.as_str()).collect();
        parents.sort_unstable();
        parents.dedup();
        let over = if parents.is_empty() { "none".to_owned() } else { parents.join(", ") };
        (parents.len() < 2).then(|| format!("{}: enabled paths over {over}", disk.name))
    });
    let all = format!("{} disks over two adapters or more", disks.len());
    Ok(none("disks without paths over two adapters", few.collect(), &all))
}

fn of_class(facts: &Facts, classes: &[&str], found: &str) -> Result<Judged, String> {
    let all = get(&facts.devices)?.iter().filter(|one| classes.contains(&&*one.class));
    let all = all.map(|one| format!("{} {}", one.name, one.status)).collect();
    Ok(none(found, all, "none"))
}

fn no_group(facts: &Facts, group: &str) -> Result<Judged, String> {
    let all = get(&facts.disks)?.iter();
    let of = all.filter(|disk| disk.volume_group.as_deref() == Some(group));
    let of = of.map(|disk| format!("{} is in {group}", disk.name)).collect();
    Ok(none(&format!("{group} is there"), of, "no such volume group"))
}

fn copies(seen: &Seen<'_>) -> Result<Judged, String> {
    // What is for booting and dumping has copies of its own.
    let all = get(&seen.facts.root_volumes)?.iter();
    let usual: Vec<&LogicalVolume> =
        all.filter(|one| !matches!(&*one.kind, "boot" | "sysdump") && one.logical > 0).collect();
    let of = |one: &LogicalVolume| one.physical / one.logical;
    let Some(first) = usual.first() else {
        return Err("lsvg -l rootvg shows no volumes".to_owned());
    };
    let copies = of(first);
    let other: Vec<_> = usual
        .iter()
        .filter(|one| of(one) != copies || one.physical % one.logical != 0 || of(one) > 2)
        .map(|one| format!("{} has {} LPs and {} PPs", one.name, one.logical, one.physical))
        .collect();
    Ok(none(
        "rootvg is mirrored three times, or not uniformly",
        other,
        &format!("{copies} a volume"),
    ))
}

fn boot_list(seen: &Seen<'_>) -> Result<Judged, String> {
    let list = get(&seen.facts.boot_list)?;
    let root = root_disks(get(&seen.facts.disks)?);
    let shown: Vec<_> = list.iter().map(|one| one.device.as_str()).collect();
    Ok(match list.first() {
        Some(first) if root.contains(&&*first.device) && first.blv.is_some() => {
            Judged::pass(first.device.clone())
        }
        Some(_) | None => {
            let text =
                format!("the list is {}; rootvg is on {}", shown.join(", "), root.join(", "));
            Judged::block("the boot list does not begin with rootvg", vec![text])
        }
    })
}

fn mounts(seen: &Seen<'_>) -> Result<Judged, String> {
    let all = get(&seen.facts.mounts)?;
    let level = get(&seen.facts.level)?;
    let since = TechnologyLevel { release: 7200, number: 4 };
    let bad: Vec<_> = all
        .iter()
        .filter(|one| match one.kind.as_str() {
            "jfs2" | "procfs" => false,
            "autofs" => level.technology < since,
            kind => !kind.starts_with("nfs"),
        })
        .collect();
    let mut kinds: Vec<&str> = bad.iter().map(|one| one.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let found = format!("file systems of the type {}", kinds.join(", "));
    let shown = bad.iter().map(|one| format!("{} ({})", one.over, one.kind)).collect();
    let judged = none(&found, shown, "jfs2, nfs and procfs");
    Ok(Judged { touches_cluster: kinds.contains(&"ahafs"), ..judged })
}
