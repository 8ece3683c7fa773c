//! rootvg: its volume groups, copies and boot list.

use super::super::advice::{Danger, Remedy};
use super::super::facts::{Facts, Seen};
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, none};
use crate::aix::LogicalVolume;
use crate::operation::Disk;
use crate::prep::StepKind;

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "D12",
        title: "there is no altinst_rootvg",
        looks_at: "lspv",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "rename it: alt_rootvg_op -v NAME -d DISK; do not remove it, it is usually somebody's way back",
            Danger::Reversible,
        ).undone_by(StepKind::OtherCopy),
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
];

fn root_disks(disks: &[Disk]) -> Vec<&str> {
    let root =
        disks.iter().filter(|disk| disk.volume_group.as_deref() == Some("rootvg") && disk.active);
    root.map(|disk| disk.name.as_str()).collect()
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
