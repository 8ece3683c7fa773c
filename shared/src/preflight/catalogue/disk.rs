//! Disks, paths, adapters.

use super::super::advice::{Danger, Remedy};
use super::super::facts::{Facts, Seen};
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, none, not_looked_at};
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
        remedy: Remedy::sentence(
            "have larger LUNs mapped: as large as the disks of rootvg",
            Danger::None,
        ),
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
        remedy: Remedy::sentence(
            "repair the path, or remove it with rmpath -d and run cfgmgr",
            Danger::Reversible,
        ),
        source: "LU §4.3 D04",
        rule: |seen| {
            let bad = get(&seen.facts.paths)?.iter().filter(|path| path.status != "Enabled");
            let bad: Vec<_> = bad
                .map(|path| format!("{} over {}: {}", path.disk, path.parent, path.status))
                .collect();
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
        remedy: Remedy::sentence(
            "zone and map the second WWPN, as for partition mobility",
            Danger::None,
        ),
        source: "LU §4.3 D05",
        rule: |seen| match fibre_channel(seen.facts)? {
            true => not_looked_at(seen),
            false => Ok(Judged::not_applicable("no virtual Fibre Channel adapter")),
        },
    },
    Check {
        id: "D06",
        title: "virtual SCSI disks are whole disks of the VIOS, not volumes or files",
        looks_at: "VIOS: lsmap -all, as it was read last",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("move the data to whole disks", Danger::Outage),
        source: "LU §4.3 D06, HV §3.3",
        rule: whole_disks,
    },
    Check {
        id: "D07",
        title: "no virtual SCSI server adapter is for any partition and any slot",
        looks_at: "HMC: lshwres -r virtualio --rsubtype scsi",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("name the client partition and slot in the profile", Danger::None),
        source: "LU §4.3 D07, HV §2.4",
        rule: closed_servers,
    },
    Check {
        id: "D08",
        title: "the disk of rootvg is driven by the path control module of AIX",
        looks_at: "lsattr -El DISK -a PCM",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "manage_disk_drivers switches to it, with a reboot",
            Danger::Outage,
        ),
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
            let physical =
                physical.map(|one| format!("{} {}", one.name, one.description)).collect();
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
];

/// Words in the descriptions of adapters that are no hardware of the partition. Source: LU §4.3 D09, §5.3.
const VIRTUAL: [&str; 6] = ["Virtual", "virtual", "l-lan", "vNIC", "EtherChannel", "VLAN"];

fn fibre_channel(facts: &Facts) -> Result<bool, String> {
    let mut all = get(&facts.devices)?.iter();
    Ok(all.any(|one| one.description.contains("Virtual Fibre Channel")))
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

/// A VIOS that was not read may serve anything: what is wrong elsewhere is said all the same.
fn whole_disks(seen: &Seen<'_>) -> Result<Judged, String> {
    let (mut parts, mut disks, mut unread) = (Vec::new(), 0_usize, None);
    for (name, vios) in get(&seen.around.vioses)? {
        let targets = match &vios.targets {
            Ok(targets) => targets,
            Err(why) => {
                unread = Some(format!("{name}: {why}"));
                continue;
            }
        };
        for one in targets.iter().filter(|one| !one.backing.is_empty()) {
            let text = format!("{name}: {} is {}", one.device, one.backing);
            let number = one.backing.strip_prefix("hdisk");
            let is_hdisk = number.is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
            });
            match one.location.as_deref() {
                _ if one.backing.starts_with('/') => parts.push(text),
                _ if is_hdisk => disks += 1,
                // A disk that was given another name is somewhere in the machine; a volume is not.
                Some("") => parts.push(text),
                Some(_) => disks += 1,
                None => unread = Some(format!("{text}: whether that is a disk was not read")),
            }
        }
    }
    match unread {
        Some(why) if parts.is_empty() => Err(why),
        _ if parts.is_empty() && disks == 0 => {
            Ok(Judged::not_applicable("no VIOS serves it virtual SCSI disks"))
        }
        _ => Ok(none(
            "virtual SCSI targets that are no whole disks",
            parts,
            &format!("{disks} targets are whole disks"),
        )),
    }
}

fn closed_servers(seen: &Seen<'_>) -> Result<Judged, String> {
    let all = get(&seen.around.scsi_servers)?;
    if all.is_empty() {
        return Ok(Judged::not_applicable("the HMC shows no virtual SCSI adapter of it"));
    }
    let mut open = Vec::new();
    for one in all {
        let place = format!("slot {} of partition {}", one.slot, one.partition);
        let (partition, slot) =
            one.is_for.as_ref().ok_or_else(|| format!("the HMC shows no adapter in {place}"))?;
        if partition == "any" || slot == "any" {
            open.push(format!("{place} is for partition {partition}, slot {slot}"));
        }
    }
    Ok(none(
        "a virtual SCSI server adapter that is for any",
        open,
        &format!("{} are for it alone", all.len()),
    ))
}

fn of_class(facts: &Facts, classes: &[&str], found: &str) -> Result<Judged, String> {
    let all = get(&facts.devices)?.iter().filter(|one| classes.contains(&&*one.class));
    let all = all.map(|one| format!("{} {}", one.name, one.status)).collect();
    Ok(none(found, all, "none"))
}
