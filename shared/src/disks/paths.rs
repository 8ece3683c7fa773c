//! Whether the adapters can be divided into two sets of which each reaches all disks: half of the paths go to the surrogate.
//! Source: LU §4.3 D03, and the preview's line "adapters can be divided into two sets so that each has paths to all disks" (§2.2).

use std::collections::{BTreeMap, BTreeSet};

use crate::aix::DiskPath;
use crate::id::DiskName;

/// The adapters over which each disk is reached by an enabled path.
pub(super) fn adapters(paths: &[DiskPath]) -> BTreeMap<&DiskName, BTreeSet<&str>> {
    let mut over: BTreeMap<&DiskName, BTreeSet<&str>> = BTreeMap::new();
    for path in paths.iter().filter(|path| path.status == "Enabled") {
        over.entry(&path.disk).or_default().insert(&path.parent);
    }
    over
}

/// Those of `wanted` that one division of the adapters serves together with all of `needed`: the division that serves most of them.
/// `None` where no division serves `needed`, or there are more adapters than can be tried.
pub(super) fn served<'a>(
    over: &BTreeMap<&DiskName, BTreeSet<&str>>,
    needed: &[&DiskName],
    wanted: &[&'a DiskName],
) -> Option<Vec<&'a DiskName>> {
    let all: Vec<&str> =
        over.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
    if all.len() > MOST {
        return None;
    }
    let mask = |disk: &DiskName| -> u32 {
        let Some(found) = over.get(disk) else { return 0 };
        (0..).zip(&all).filter(|(_, one)| found.contains(*one)).map(|(bit, _)| 1_u32 << bit).sum()
    };
    let needed: Vec<u32> = needed.iter().map(|disk| mask(disk)).collect();
    let wanted: Vec<(&DiskName, u32)> = wanted.iter().map(|disk| (*disk, mask(disk))).collect();
    let divisions = 1_u32..1_u32 << all.len().saturating_sub(1);
    let whole = (1_u32 << all.len()) - 1;
    let mut best: Option<Vec<&DiskName>> = None;
    for first in divisions {
        let second = whole & !first;
        let both = |disk: u32| disk & first != 0 && disk & second != 0;
        if !needed.iter().all(|disk| both(*disk)) {
            continue;
        }
        let found: Vec<&DiskName> =
            wanted.iter().filter(|(_, disk)| both(*disk)).map(|(name, _)| *name).collect();
        if best.as_ref().is_none_or(|best| best.len() < found.len()) {
            best = Some(found);
        }
    }
    best
}

/// Most adapters whose divisions are tried: some 65,000.
const MOST: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(rows: &[(&str, &str, &str)]) -> Vec<DiskPath> {
        let one = |(disk, parent, status): &(&str, &str, &str)| DiskPath {
            disk: disk.parse().unwrap(),
            parent: (*parent).to_owned(),
            status: (*status).to_owned(),
            path_id: None,
            connection: None,
        };
        rows.iter().map(one).collect()
    }

    #[test]
    fn the_division_that_serves_rootvg_decides_over_the_others() {
        let name = |text: &str| text.parse::<DiskName>().unwrap();
        let (root, one, two, bad) =
            (name("hdisk0"), name("hdisk1"), name("hdisk2"), name("hdisk3"));
        let all = paths(&[
            ("hdisk0", "fcs0", "Enabled"),
            ("hdisk0", "fcs1", "Enabled"),
            ("hdisk1", "fcs0", "Enabled"),
            ("hdisk1", "fcs2", "Enabled"),
            ("hdisk2", "fcs1", "Enabled"),
            ("hdisk2", "fcs2", "Enabled"),
            ("hdisk3", "fcs0", "Enabled"),
            ("hdisk3", "fcs1", "Failed"),
        ]);
        let over = adapters(&all);
        let found = served(&over, &[&root], &[&one, &two, &bad]).unwrap();
        // fcs0 against fcs1 leaves fcs2 to one of them: one of the two, never both, and never the disk with one path.
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(served(&over, &[&root, &one, &two], &[]), None);
        assert_eq!(served(&over, &[&bad], &[&one]), None, "one path is no two");
        assert_eq!(served(&BTreeMap::new(), &[], &[]), None, "nothing is known of paths");
    }
}
