//! Classes of LPARs that are equal as far as an update goes: what works for one works for the others.

use std::collections::{BTreeSet, HashMap};

use nim_shared::id::ObjectName;
use nim_shared::level::Level;

use crate::facts::{ClusterSoftware, Lpar, Snapshot};

/// What the LPARs of a class have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class<'a> {
    level: Option<Level>,
    fixes: &'a BTreeSet<String>,
    storage: &'a BTreeSet<String>,
    cluster: BTreeSet<u8>,
    availability: &'a BTreeSet<String>,
    extensions: &'a BTreeSet<String>,
}

/// Classes by number, in the order in which they were met.
#[derive(Debug, Default)]
pub struct Classes<'a> {
    known: HashMap<Class<'a>, u32>,
    /// What each has in common, in words.
    pub names: Vec<String>,
}

impl<'a> Classes<'a> {
    /// The number of the class of `lpar`.
    pub fn of(&mut self, lpar: &'a Lpar) -> u32 {
        let class = Class {
            level: lpar.level,
            fixes: &lpar.fixes,
            storage: &lpar.storage,
            cluster: lpar.clusters.iter().map(|one| software(one.software).0).collect(),
            availability: &lpar.availability,
            extensions: &lpar.extensions,
        };
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        match self.known.get(&class) {
            Some(found) => *found,
            None => {
                self.names.push(words(lpar));
                self.known.insert(class, next);
                next
            }
        }
    }
}

/// The classes of all LPARs of `snapshot`, and which is whose.
#[must_use]
pub fn classes(snapshot: &Snapshot) -> (Classes<'_>, HashMap<&ObjectName, u32>) {
    let mut classes = Classes::default();
    let class_of = snapshot.lpars.iter().map(|lpar| (&lpar.name, classes.of(lpar))).collect();
    (classes, class_of)
}

const fn software(of: ClusterSoftware) -> (u8, &'static str) {
    match of {
        ClusterSoftware::PowerHa => (0, "PowerHA"),
        ClusterSoftware::OracleRac => (1, "Oracle RAC"),
        ClusterSoftware::PureScale => (2, "Db2 pureScale"),
    }
}

fn words(lpar: &Lpar) -> String {
    let mut words =
        vec![lpar.level.map_or_else(|| "level not known".to_owned(), |l| l.to_string())];
    let list = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(" ");
    for part in [&lpar.storage, &lpar.fixes, &lpar.extensions, &lpar.availability] {
        if !part.is_empty() {
            words.push(list(part));
        }
    }
    let clusters: BTreeSet<&str> =
        lpar.clusters.iter().map(|one| software(one.software).1).collect();
    words.extend(clusters.into_iter().map(str::to_owned));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Cluster;
    use crate::testing::one_each;

    #[test]
    fn what_is_there_for_high_availability_makes_a_class_and_the_name_of_a_cluster_does_not() {
        let mut site = one_each(6);
        for (lpar, what) in [(1, "dataguard"), (2, "sap-enq"), (3, "dataguard")] {
            site.lpars[lpar].availability.insert(what.to_owned());
        }
        for (lpar, name) in [(4, "web"), (5, "shop")] {
            let cluster = Cluster { software: ClusterSoftware::PowerHa, name: name.to_owned() };
            site.lpars[lpar].clusters.insert(cluster);
        }
        let (classes, class_of) = classes(&site);
        let of: Vec<u32> = site.lpars.iter().map(|one| class_of[&one.name]).collect();
        assert_eq!(of, [0, 1, 2, 1, 3, 3]);
        let plain = "7300-03-01-2520, vscsi";
        let words = ["", ", dataguard", ", sap-enq", ", PowerHA"];
        assert_eq!(classes.names, words.map(|more| format!("{plain}{more}")));
    }
}
