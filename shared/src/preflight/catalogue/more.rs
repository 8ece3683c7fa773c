//! What is to be looked at beside the rows of the reference.

use super::super::advice::{Danger, Remedy};
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, none};
use crate::disks::backup_faults;
use crate::prep::Backup;

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "F01",
        title: "no partition of the frame has the name that the original takes",
        looks_at: "HMC: lssyscfg -r lpar, as it was read last",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "a run that failed left it: see which of the two runs the workload before anything is removed",
            Danger::Permanent,
        ),
        source: "LU §6.2 row 8",
        rule: |seen| {
            let name = format!("{}_lku0", get(&seen.around.partition_name)?);
            let there =
                get(&seen.around.names)?.contains(&name).then(|| format!("{name} is there"));
            let found = "a partition that a Live Update left behind";
            Ok(none(found, there.into_iter().collect(), "no such partition"))
        },
    },
    Check {
        id: "F02",
        title: "the name of the partition leaves room for _lku0",
        looks_at: "HMC: lssyscfg -r lpar, as it was read last",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence(
            "shorten the name of the partition on the HMC",
            Danger::Reversible,
        ),
        source: "HV §4.2",
        rule: |seen| {
            let name = get(&seen.around.partition_name)?;
            let length = name.chars().count() + "_lku0".len();
            let text = format!("{name}_lku0 has {length} characters");
            Ok(if length > LONGEST_NAME {
                Judged::warn("a partition name that is too long with _lku0", vec![text])
            } else {
                Judged::pass(text)
            })
        },
    },
    Check {
        id: "F03",
        title: "the frame may have one more partition",
        looks_at: "HMC: lssyscfg -r sys, as it was read last",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("remove partitions that nobody needs", Danger::Permanent),
        source: "LU §4.1 L11",
        rule: |seen| {
            let (there, most) = *get(&seen.around.partitions)?;
            let text = format!("{there} of {most} partitions");
            Ok(if there >= most {
                Judged::block("the frame has as many partitions as it may", vec![text])
            } else {
                Judged::pass(text)
            })
        },
    },
    Check {
        id: "F04",
        title: "the VIOSes of the frame run, the HMC reaches them, and none is maintained",
        looks_at: "HMC: lssyscfg -r lpar, as it was read last; nimctl maintenance list",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("wait until the VIOS is back with all paths", Danger::None),
        source: "HV §4.3, LU §8.3",
        rule: |seen| {
            let all = get(&seen.around.vioses)?;
            if all.is_empty() {
                return Err("the HMC shows no VIOS of the frame".to_owned());
            }
            let down = all.iter().filter(|(_, vios)| vios.state != "Running");
            let down: Vec<_> =
                down.map(|(name, vios)| format!("{name} is {}", vios.state)).collect();
            let deaf = all.iter().filter(|(_, vios)| vios.rmc_state != "active");
            let deaf: Vec<_> =
                deaf.map(|(name, vios)| format!("{name}: RMC is {}", vios.rmc_state)).collect();
            let maintained: Vec<_> = all
                .iter()
                .filter_map(|(name, vios)| Some(format!("{name}: {}", vios.maintenance.as_ref()?)))
                .collect();
            Ok(match (down.is_empty(), deaf.is_empty(), maintained.is_empty()) {
                (false, _, _) => Judged::block("a VIOS that does not run", down),
                // As while one is being updated or has not come up yet: HV §4.3.
                (true, false, _) => Judged::block("a VIOS that the HMC does not reach", deaf),
                // It still runs. An update that is asked for now waits for the end of it by itself.
                (true, true, false) => Judged::warn("a VIOS that is maintained", maintained),
                (true, true, true) => Judged::pass(format!("{} run", all.len())),
            })
        },
    },
    Check {
        id: "F05",
        title: "no migration of the partition is under way",
        looks_at: "HMC: lssyscfg -r lpar, migration_state",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("wait for its end", Danger::None),
        source: "HV §2.2, §2.5",
        rule: |seen| {
            let state = get(&seen.around.migration)?;
            Ok(match state.as_str() {
                "Not Migrating" => Judged::pass(state.clone()),
                "" => return Err("the HMC shows no migration_state".to_owned()),
                other => Judged::block(
                    "a migration of the partition",
                    vec![format!("migration_state is {other}")],
                ),
            })
        },
    },
    Check {
        id: "F06",
        title: "no physical slot is assigned to the partition",
        looks_at: "HMC: lshwres -r io --rsubtype slot",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("take physical slots out of the profile", Danger::Outage),
        source: "LU §4.3 D09, HV §2.4",
        rule: |seen| {
            let all = get(&seen.around.physical_slots)?.clone();
            Ok(none("physical slots", all, "the HMC shows no physical slot of it"))
        },
    },
    Check {
        id: "F07",
        title: "the policies of Trusted Execution can be changed without a reboot",
        looks_at: "trustchk -p, LOCK_KERN_POLICIES",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("switch it off, which needs a reboot", Danger::Outage),
        source: "LU §4.4a S08",
        rule: |seen| {
            let all = get(&seen.facts.trust)?;
            let is_on = |name: &str| all.get(name).copied().unwrap_or(false);
            Ok(match (is_on("LOCK_KERN_POLICIES"), is_on("TE")) {
                (false, _) => Judged::pass("LOCK_KERN_POLICIES is not on"),
                (true, false) => Judged::not_applicable("nothing has to be changed: TE=OFF"),
                (true, true) => Judged::block(
                    "Trusted Execution is locked on",
                    vec!["LOCK_KERN_POLICIES=ON".to_owned()],
                ),
            })
        },
    },
    Check {
        id: "F08",
        title: "the disks that the policy copies rootvg to are there and in no volume group",
        looks_at: "lspv, the policy",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "name other disks in the policy's backup, or have what is on these released: nimctl disks and nimctl release-disks say what may go",
            Danger::None,
        ),
        source: "LU §4.4 S37, §4.3 D12",
        rule: |seen| {
            let Some(Backup::CopyTo(wanted)) = get(&seen.around.backup)? else {
                return Ok(Judged::not_applicable("the policy has no copy of rootvg made"));
            };
            let faults = backup_faults(wanted, get(&seen.facts.disks)?);
            Ok(none("the backup has no place", faults, "they are in no volume group"))
        },
    },
];

/// Longest name of a partition on older levels of the HMC. Source: HV §4.2 (inferred).
const LONGEST_NAME: usize = 31;
