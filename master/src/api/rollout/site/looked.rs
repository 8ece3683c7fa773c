//! What the last preflight of an LPAR says of it, as far as a plan goes.

use std::collections::{BTreeMap, BTreeSet};

use nim_rollout::facts::{Cluster, ClusterSoftware, Lpar};
use nim_shared::api::PreflightReport;
use nim_shared::id::ObjectName;
use nim_shared::preflight::Verdict;
use nim_shared::preflight::workload::profile;

use super::held;

/// Stands for a name of a cluster: nothing that is on record has it.
const UNNAMED: &str = "(name not known)";

/// What is on record of one LPAR in its last preflight.
pub(super) struct Looked {
    blocked: Vec<String>,
    held: Option<String>,
    /// Ids of its workloads.
    workloads: BTreeSet<String>,
    fixes: BTreeSet<String>,
    extensions: BTreeSet<String>,
}

impl Looked {
    pub(super) fn of(report: PreflightReport) -> Self {
        let blocks = report
            .findings
            .iter()
            .filter(|one| one.counts() && one.verdict.known() == Some(Verdict::Block));
        let at = report.at.get().date();
        Self {
            held: held::by_preflight(&report),
            blocked: blocks
                .map(|one| format!("{} {}, in the preflight of {at}", one.check, one.found))
                .collect(),
            workloads: report.workloads.into_iter().map(|one| one.workload).collect(),
            fixes: report.interim_fixes.into_iter().flatten().collect(),
            extensions: report.kernel_extensions.into_iter().flatten().collect(),
        }
    }

    /// Adds what it says of the LPAR.
    pub(super) fn tell(&self, lpar: &mut Lpar, named: &BTreeSet<ObjectName>) {
        lpar.blocked.clone_from(&self.blocked);
        lpar.fixes.clone_from(&self.fixes);
        lpar.extensions.clone_from(&self.extensions);
        lpar.held.extend(self.held.clone());
        lpar.clusters = clusters(&self.workloads, &lpar.name, named);
        lpar.availability = availability(&self.workloads);
    }

    pub(super) fn is_node(&self) -> bool {
        is_node(&self.workloads)
    }
}

/// Whether an LPAR with these workloads is a node of PowerHA.
pub(super) fn is_node(workloads: &BTreeSet<String>) -> bool {
    workloads.iter().any(|id| software(id) == Some(ClusterSoftware::PowerHa))
}

/// Whether it is a node of PowerHA of which nobody said who its partners are.
pub(super) fn is_lonely(lpar: &Lpar) -> bool {
    let unnamed = |one: &Cluster| one.software == ClusterSoftware::PowerHa && one.name == UNNAMED;
    lpar.clusters.iter().any(unnamed)
}

/// The clusters of which an LPAR with these workloads is known to be a node. What is on record does not name a PowerHA cluster, so that
/// any two of its nodes could be partners; those whose partners the file has `named` each have one of their own name, which keeps them
/// from nobody. Its class has the software either way.
pub(super) fn clusters(
    workloads: &BTreeSet<String>,
    lpar: &ObjectName,
    named: &BTreeSet<ObjectName>,
) -> BTreeSet<Cluster> {
    let name = |software| match software {
        ClusterSoftware::PowerHa if named.contains(lpar) => lpar.to_string(),
        ClusterSoftware::PowerHa | ClusterSoftware::OracleRac | ClusterSoftware::PureScale => {
            UNNAMED.to_owned()
        }
    };
    let software = workloads.iter().filter_map(|id| software(id));
    software.map(|software| Cluster { software, name: name(software) }).collect()
}

fn software(workload: &str) -> Option<ClusterSoftware> {
    match workload {
        "powerha" => Some(ClusterSoftware::PowerHa),
        "oracle-rac" => Some(ClusterSoftware::OracleRac),
        "purescale" => Some(ClusterSoftware::PureScale),
        _ => None,
    }
}

/// The other workloads that are there so that something stays available.
fn availability(workloads: &BTreeSet<String>) -> BTreeSet<String> {
    let is_one = |id: &&String| {
        software(id).is_none() && profile(id).is_some_and(|one| one.is_for_availability)
    };
    workloads.iter().filter(is_one).cloned().collect()
}

/// The workloads by the reports of these LPARs.
pub(super) type Workloads = BTreeMap<ObjectName, BTreeSet<String>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn workloads(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_node_of_powerha_is_of_its_class_and_kept_from_all_whose_partners_are_not_named() {
        let named = BTreeSet::from(["lpar1".parse().unwrap()]);
        let of = |workload, lpar: &str| {
            let found = clusters(&workloads(&[workload]), &lpar.parse().unwrap(), &named);
            found.into_iter().map(|one| (one.software, one.name)).collect::<Vec<_>>()
        };
        let node = |software, name: &str| vec![(software, name.to_owned())];
        assert_eq!(of("powerha", "lpar1"), node(ClusterSoftware::PowerHa, "lpar1"));
        assert_eq!(of("powerha", "lpar2"), node(ClusterSoftware::PowerHa, UNNAMED));
        assert_eq!(of("oracle-rac", "lpar1"), node(ClusterSoftware::OracleRac, UNNAMED));
        assert_eq!(of("db2", "lpar1"), []);
    }

    #[test]
    fn all_that_is_there_for_availability_is_part_of_the_class_once() {
        let all = ["oracle", "dataguard", "db2", "mq-multi-instance", "powerha", "protect", "odd"];
        assert_eq!(
            availability(&workloads(&all)),
            workloads(&["dataguard", "db2", "mq-multi-instance"])
        );
    }
}
