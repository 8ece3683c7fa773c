//! Clusters, databases, tunables and backups.

use super::super::advice::{Danger, Remedy};
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, for_information, get, of_the_update, processes};
use crate::level::TechnologyLevel;

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "S31",
        title: "a PowerHA node is unmanaged, its partner stable, GLVM synchronous",
        looks_at: "lssrc -a, clstrmgrES",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "one node at a time, with whoever runs the cluster",
            Danger::Cluster,
        ),
        source: "LU §4.4 S31",
        rule: |seen| {
            let mut all = get(&seen.facts.subsystems)?.iter();
            if all.any(|one| one.name == "clstrmgrES" && one.is_active()) {
                return Err("PowerHA runs here; the state of its nodes is not looked at".to_owned());
            }
            Ok(Judged::not_applicable("PowerHA does not run"))
        },
    },
    Check {
        id: "S32",
        title: "the LPAR is no node of Oracle RAC or Db2 pureScale",
        looks_at: "ps",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "maintain the nodes one after the other, with a reboot",
            Danger::Outage,
        ),
        source: "LU §4.4 S32",
        rule: |seen| {
            let clusterware = processes(seen, &["crsd.bin"])?;
            if !clusterware.is_empty() {
                return Ok(Judged::block("Oracle Clusterware runs", clusterware));
            }
            // pureScale needs Spectrum Scale below it.
            let scale = !processes(seen, &["mmfsd"])?.is_empty();
            if scale && !processes(seen, &["db2sysc"])?.is_empty() {
                return Err(
                    "Db2 runs above Spectrum Scale: whether as pureScale is not looked at".into()
                );
            }
            Ok(Judged::pass("neither crsd.bin runs, nor db2sysc above mmfsd"))
        },
    },
    Check {
        id: "S33",
        title: "time-outs of databases are longer than the standstill",
        looks_at: "ps",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence("raise them", Danger::Reversible),
        source: "LU §4.4 S33",
        rule: |seen| {
            let all = get(&seen.facts.processes)?.iter();
            let mut databases =
                all.filter(|one| one.name() == "db2sysc" || one.name().starts_with("ora_pmon"));
            match databases.next() {
                None => Ok(Judged::not_applicable("no Oracle and no Db2 instance runs")),
                Some(one) => Err(format!("the time-outs of {} are not looked at", one.name())),
            }
        },
    },
    Check {
        id: "S34",
        title: "the dynamic system optimizer may run; it starts from the beginning afterwards",
        looks_at: "nothing",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.4 S34",
        rule: for_information,
    },
    Check {
        id: "S35",
        title: "tunables that would need a reboot can be set with -K",
        looks_at: "nothing",
        severity: Severity::Info,
        levels: Levels::From(TechnologyLevel { release: 7300, number: 0 }),
        remedy: Remedy::NONE,
        source: "LU §4.4 S35",
        rule: for_information,
    },
    Check {
        id: "S36",
        title: "no tunable is changed during the update",
        looks_at: "nothing",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.4 S36",
        rule: of_the_update,
    },
    Check {
        id: "S37",
        title: "there is a recent copy of rootvg",
        looks_at: "lspv",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence(
            "make one before a TL or SP, and rename its volume group: alt_disk_copy -B -d DISK, alt_rootvg_op -v NAME -d DISK",
            Danger::None,
        ),
        source: "LU §4.4 S37",
        rule: |seen| {
            let disks = get(&seen.facts.disks)?.iter();
            let copies: Vec<_> = disks
                .filter_map(|disk| disk.volume_group.as_ref().map(|group| (disk, group)))
                .filter(|(_, group)| group.as_str() != "rootvg" && group.contains("rootvg"))
                .filter(|(_, group)| group.as_str() != "lvup_rootvg")
                .map(|(disk, group)| format!("{} is {group}", disk.name))
                .collect();
            Ok(if copies.is_empty() {
                let text = "no volume group is one; an mksysb elsewhere is not seen".to_owned();
                Judged::warn("no copy of rootvg is seen", vec![text])
            } else {
                Judged::pass(copies.join(", "))
            })
        },
    },
];
