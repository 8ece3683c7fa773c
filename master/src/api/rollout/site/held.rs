//! What holds an LPAR back for now, as far as it is on record: where its partitions and its VIOSes stand, and paths that were lost.

use nim_shared::aftercare::OpenItem;
use nim_shared::api::{PartitionView, PreflightReport};
use nim_shared::id::{LparId, ObjectName};
use nim_shared::preflight::Verdict;

use crate::inventory::around::in_the_way;
use crate::inventory::hmc::ORIGINAL;
use crate::store::open_item::Left;

/// The check of paths that have failed or are missing.
const PATHS: &str = "D04";

/// What the partitions of its frame say of an LPAR with this `partition`, which these VIOSes serve.
pub(super) fn by_partitions<'a>(
    partition: &str,
    vioses: impl Iterator<Item = &'a (LparId, ObjectName)>,
    partitions: &[PartitionView],
) -> Vec<String> {
    let mut held = in_the_way(partition, vioses, partitions);
    let original = format!("{partition}{ORIGINAL}");
    if partitions.iter().any(|one| one.name == original) {
        held.push(format!("there is a second partition of it, {original}"));
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
    use crate::store::testing::world::partition;

    #[test]
    fn an_lpar_waits_while_a_second_partition_of_it_is_there() {
        let of = |partitions: &[PartitionView]| by_partitions("aix1", [].iter(), partitions);
        let own = partition("aix1", 7, "Not Activated");
        assert_eq!(of(&[partition("aix10_lku0", 8, "Running")]), [""; 0]);
        assert_eq!(
            of(&[own, partition("aix1_lku0", 8, "Running")]),
            ["its partition is Not Activated", "there is a second partition of it, aix1_lku0"]
        );
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
                kernel_extensions: None,
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
