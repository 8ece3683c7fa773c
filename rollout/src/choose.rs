//! Which LPARs a rollout means.

use std::collections::{BTreeSet, HashSet};

use nim_shared::id::ObjectName;

use crate::facts::{ClusterSoftware, Lpar, Snapshot};
use crate::file::{Chosen, Rollout};
use crate::plan::excluded::left_out;
use crate::plan::{Excluded, Why};

/// Who is meant, and who is not although something of the file names them.
#[derive(Debug, Default)]
pub struct Choice {
    /// Indices of LPARs of the snapshot, in the order of their names.
    pub chosen: Vec<usize>,
    /// The others, with the reason.
    pub excluded: Vec<Excluded>,
}

/// Resolves the targets of `file`.
#[must_use]
pub fn choose(file: &Rollout, snapshot: &Snapshot) -> Choice {
    let mut choice = Choice::default();
    let targets = &file.targets;
    for (at, lpar) in snapshot.lpars.iter().enumerate() {
        if !names(&targets.chosen, lpar) {
            continue;
        }
        match refused(file, lpar) {
            None => choice.chosen.push(at),
            Some(why) => choice.excluded.push(left_out(lpar.name.as_str(), &why)),
        }
    }
    choice.chosen.sort_by(|a, b| snapshot.lpars[*a].name.cmp(&snapshot.lpars[*b].name));
    let lpars: HashSet<&str> = snapshot.lpars.iter().map(|one| one.name.as_str()).collect();
    let groups: HashSet<&ObjectName> = snapshot.lpars.iter().flat_map(|one| &one.groups).collect();
    let named = targets.chosen.names.iter().filter_map(|one| one.exact()).flatten();
    let missing: BTreeSet<&str> =
        named.map(String::as_str).filter(|name| !lpars.contains(name)).collect();
    choice.excluded.extend(missing.iter().map(|name| left_out(name, &Why::NoSuchLpar)));
    let empty = targets.chosen.groups.iter().filter(|group| !groups.contains(group));
    choice.excluded.extend(empty.map(|group| left_out(group.as_str(), &Why::NoSuchGroup)));
    choice
}

/// Whether something of `chosen` names `lpar`.
#[must_use]
pub fn names(chosen: &Chosen, lpar: &Lpar) -> bool {
    chosen.names.iter().any(|pattern| pattern.matches(lpar.name.as_str()))
        || chosen.groups.iter().any(|group| lpar.groups.contains(group))
        || chosen.labels.as_ref().is_some_and(|labels| labels.0.matches(&lpar.labels))
}

/// Why an LPAR that is named is left out all the same.
fn refused(file: &Rollout, lpar: &Lpar) -> Option<Why> {
    let targets = &file.targets;
    let exclude = &targets.exclude;
    if names(&exclude.chosen, lpar) || exclude.levels.iter().any(|one| one.fits(lpar.level)) {
        return Some(Why::ByFile);
    }
    if let Some(test) = targets.levels.iter().find(|test| !test.fits(lpar.level)) {
        let level = lpar.level.map(|level| level.to_string());
        return Some(Why::Level { level, wanted: test.to_string() });
    }
    for cluster in &lpar.clusters {
        match cluster.software {
            ClusterSoftware::PowerHa => {}
            ClusterSoftware::OracleRac => {
                return Some(Why::Cluster { software: "Oracle RAC", name: cluster.name.clone() });
            }
            ClusterSoftware::PureScale => {
                return Some(Why::Cluster {
                    software: "Db2 pureScale",
                    name: cluster.name.clone(),
                });
            }
        }
    }
    (!lpar.blocked.is_empty()).then(|| Why::Blocked(lpar.blocked.clone()))
}
