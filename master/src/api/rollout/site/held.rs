//! What holds an LPAR back for now, as far as it is on record: where its partitions and its VIOSes stand, and paths that were lost.

use nim_shared::aftercare::OpenItem;
use nim_shared::api::{PartitionView, PreflightReport};
use nim_shared::id::{LparId, ObjectName};
use nim_shared::preflight::Verdict;

use crate::inventory::hmc::ORIGINAL;
use crate::store::open_item::Left;

/// The state of a partition that runs, as HMCs spell it. Source: the HMC reference, §2.2.
const RUNNING: &str = "Running";

/// What an HMC shows of RMC to a partition that it reaches. Source: the HMC reference, §2.2.
const ACTIVE: &str = "active";

/// The check of paths that have failed or are missing.
const PATHS: &str = "D04";

/// What the partitions of its frame say of an LPAR with this `partition`, which these VIOSes serve. All of them have to run with RMC, and
/// no LPAR is updated while it is migrated. Source: the HMC reference, §4.3.
pub(super) fn by_partitions<'a>(
    partition: &str,
    vioses: impl Iterator<Item = &'a (LparId, ObjectName)>,
    partitions: &[PartitionView],
) -> Vec<String> {
    let mut held = Vec::new();
    let named = |name: &str| partitions.iter().find(|one| one.name == name);
    if let Some(own) = named(partition).filter(|own| own.state != RUNNING) {
        held.push(format!("its partition is {}", own.state));
    }
    let original = format!("{partition}{ORIGINAL}");
    if named(&original).is_some() {
        held.push(format!("there is a second partition of it, {original}"));
    }
    for (id, vios) in vioses {
        let Some(seen) = partitions.iter().find(|one| one.lpar_id == *id) else { continue };
        if seen.state != RUNNING {
            held.push(format!("its VIOS {vios} is {}", seen.state));
        } else if !seen.rmc_state.is_empty() && seen.rmc_state != ACTIVE {
            held.push(format!("RMC to its VIOS {vios} is {}", seen.rmc_state));
        }
    }
    held
}

/// That its last preflight found paths that are lost.
pub(super) fn by_preflight(report: &PreflightReport) -> Option<String> {
    let is_bad =
        |verdict: Option<&Verdict>| matches!(verdict, Some(Verdict::Block | Verdict::Warn));
    let lost = report
        .findings
        .iter()
        .find(|one| one.check == PATHS && one.counts() && is_bad(one.verdict.known().as_ref()))?;
    let (check, found, at) = (&lost.check, &lost.found, report.at.get().date());
    Some(format!("{check} {found}, in the preflight of {at}: nimctl preflight looks again"))
}

/// The paths that earlier updates have left it without, and nobody has found back.
pub(super) fn by_what_is_left(left: &[Left]) -> Vec<String> {
    let paths = left.iter().filter(|one| matches!(one.item, OpenItem::Paths { .. }));
    paths
        .map(|one| format!("{}, since its last update: nimctl aftercare looks again", one.item))
        .collect()
}

#[cfg(test)]
mod tests {
    use nim_shared::id::OperationId;
    use nim_shared::operation::Named;
    use nim_shared::preflight::Finding;
    use nim_shared::stamp::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn partition(name: &str, id: u32, state: &str, rmc_state: &str) -> PartitionView {
        PartitionView {
            name: name.to_owned(),
            lpar_id: id.to_string().parse().unwrap(),
            lpar_env: "aixlinux".to_owned(),
            state: state.to_owned(),
            rmc_state: rmc_state.to_owned(),
            rmc_ipaddr: String::new(),
            os_version: String::new(),
        }
    }

    #[test]
    fn an_lpar_waits_until_it_and_its_vioses_run_and_it_is_not_migrated() {
        let run = |name, id| partition(name, id, "Running", "active");
        let (own, one, two) = (run("aix1", 7), run("vios1", 1), run("vios2", 2));
        let vioses: Vec<(LparId, ObjectName)> = [(1, "viosa"), (2, "viosb")]
            .map(|(id, name): (u32, &str)| (id.to_string().parse().unwrap(), name.parse().unwrap()))
            .to_vec();
        for (partitions, held) in [
            (vec![], vec![]),
            (vec![own.clone(), one.clone(), two.clone()], vec![]),
            // RMC to the LPAR itself is a matter of its preflight, and lags.
            (vec![partition("aix1", 7, "Running", "inactive")], vec![]),
            (
                vec![partition("aix1", 7, "Migrating - Running", "active")],
                vec!["its partition is Migrating - Running"],
            ),
            (
                vec![partition("aix1", 7, "Not Activated", "inactive"), run("aix1_lku0", 8)],
                vec![
                    "its partition is Not Activated",
                    "there is a second partition of it, aix1_lku0",
                ],
            ),
            (
                vec![own.clone(), partition("vios1", 1, "Shutting Down", "inactive"), two],
                vec!["its VIOS viosa is Shutting Down"],
            ),
            (
                vec![own.clone(), one, partition("vios2", 2, "Running", "inactive")],
                vec!["RMC to its VIOS viosb is inactive"],
            ),
            // Not shown is not known.
            (vec![own, partition("vios2", 2, "Running", "")], vec![]),
        ] {
            assert_eq!(by_partitions("aix1", vioses.iter(), &partitions), held, "{partitions:?}");
        }
    }

    #[test]
    fn an_lpar_waits_until_its_lost_paths_are_found_back() {
        let finding = |check: &str, verdict| Finding {
            check: check.to_owned(),
            title: String::new(),
            verdict: Named::Known(verdict),
            found: "paths that are not Enabled".to_owned(),
            evidence: Vec::new(),
            remedy: None,
            silenced: None,
        };
        let of = |finding| {
            by_preflight(&PreflightReport {
                lpar: "lpar01".parse().unwrap(),
                at: "2026-01-01T00:00:00Z".parse().unwrap(),
                level: None,
                score: 50,
                passed: 0,
                findings: vec![finding],
                failure: None,
                workloads: Vec::new(),
                interim_fixes: None,
                before: None,
            })
        };
        let held = "D04 paths that are not Enabled, in the preflight of 2026-01-01: nimctl preflight looks again";
        assert_eq!(of(finding(PATHS, Verdict::Warn)).as_deref(), Some(held));
        assert_eq!(of(finding(PATHS, Verdict::Unknown)), None);
        assert_eq!(of(finding("D05", Verdict::Warn)), None);
        let check = nim_shared::preflight::check(PATHS).unwrap();
        assert_eq!(check.title, "no path has failed or is missing");

        let left = |item| Left {
            id: 1,
            operation: OperationId(Uuid::nil()),
            found_at: Timestamp::from_unix_micros(0),
            item,
        };
        let lost = OpenItem::Paths { disk: "hdisk3".parse().unwrap(), enabled: 4, others: 0 };
        assert_eq!(
            by_what_is_left(&[left(OpenItem::ManagementLink), left(lost)]),
            [
                "hdisk3: not just the 4 enabled paths that it had before, since its last update: nimctl aftercare looks again"
            ]
        );
    }
}
