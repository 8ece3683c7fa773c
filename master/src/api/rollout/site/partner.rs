//! What holds an LPAR back because of those that never run together with it, wherever these are updated: also by hand, or by another rollout.
//! Those of its own rollout are a matter of the decision.

use std::collections::{BTreeMap, BTreeSet};

use nim_rollout::facts::{ClusterSoftware, Lpar};
use nim_rollout::file::Apart;
use nim_shared::id::{ObjectName, OperationId};
use nim_shared::operation::StateName;

/// LPARs on which something is being changed, by what they have in common with those that never run together with them.
#[derive(Debug, Default)]
pub(super) struct Busy(BTreeMap<Group, Vec<(ObjectName, OperationId, StateName)>>);

/// What LPARs that never run together have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// A label with its value.
    Label(String, String),
    /// A list of the file, by its place.
    List(usize),
    /// A PowerHA cluster.
    Cluster(String),
}

impl Busy {
    /// Of the operations that are `open`, without those of the rollout itself. `known` says what is known of an LPAR.
    pub(super) fn new<'l>(
        apart: &Apart,
        open: &BTreeMap<ObjectName, (OperationId, StateName)>,
        own: &BTreeSet<OperationId>,
        known: impl Fn(&ObjectName) -> Option<&'l Lpar>,
    ) -> Self {
        let mut busy = Self::default();
        for (name, (id, state)) in open.iter().filter(|(_, (id, _))| !own.contains(id)) {
            for group in known(name).into_iter().flat_map(|lpar| groups(apart, lpar)) {
                busy.0.entry(group).or_default().push((name.clone(), *id, *state));
            }
        }
        busy
    }

    /// What of it holds `lpar` back.
    pub(super) fn holds(&self, apart: &Apart, lpar: &Lpar) -> BTreeSet<String> {
        let found = groups(apart, lpar).into_iter().filter_map(|group| self.0.get(&group));
        let others = found.flatten().filter(|(name, ..)| *name != lpar.name);
        let said = others
            .map(|(name, id, state)| format!("operation {id} is {state} on its partner {name}"));
        said.collect()
    }
}

fn groups(apart: &Apart, lpar: &Lpar) -> Vec<Group> {
    let labels = apart.labels.iter().filter_map(|key| {
        lpar.labels.get(key).map(|value| Group::Label(key.clone(), value.clone()))
    });
    let lists = apart.lists.iter().enumerate();
    let lists = lists.filter(|(_, list)| list.contains(&lpar.name)).map(|(at, _)| Group::List(at));
    let clusters = lpar.clusters.iter().filter(|one| one.software == ClusterSoftware::PowerHa);
    let clusters = clusters.map(|one| Group::Cluster(one.name.clone()));
    labels.chain(lists).chain(clusters).collect()
}

#[cfg(test)]
mod tests {
    use nim_rollout::facts::Cluster;
    use nim_rollout::testing::{lpar, rollout};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_partner_that_somebody_else_changes_holds_an_lpar_back() {
        let file = rollout("apart: {labels: [pair], lists: [[a, d]]}\n");
        let mut all: Vec<Lpar> = ["a", "b", "c", "d", "e"].map(|name| lpar(name, "f")).into();
        for at in [0, 1] {
            all[at].labels.insert("pair".to_owned(), "x".to_owned());
        }
        all[2].labels.insert("pair".to_owned(), "y".to_owned());
        for at in [3, 4] {
            let name = "ha1".to_owned();
            all[at].clusters.insert(Cluster { software: ClusterSoftware::PowerHa, name });
        }
        let id = |number| OperationId(Uuid::from_u128(number));
        let open = |name: &str, number| (name.parse().unwrap(), (id(number), StateName::Running));
        let open = BTreeMap::from([open("a", 1), open("c", 2), open("e", 3), open("gone", 4)]);
        let held = |own: &[u128]| -> Vec<String> {
            let own = own.iter().map(|number| id(*number)).collect();
            let known = |name: &ObjectName| all.iter().find(|one| one.name == *name);
            let busy = Busy::new(&file.apart, &open, &own, known);
            let said = all.iter().flat_map(|one| {
                let holds = busy.holds(&file.apart, one).into_iter();
                holds.map(move |why| {
                    format!("{}: {}", one.name, &why[why.find("on its").unwrap()..])
                })
            });
            said.collect()
        };
        let by_a = ["b: on its partner a", "d: on its partner a"].map(str::to_owned);
        assert_eq!(held(&[3])[..2], by_a);
        assert_eq!(held(&[1, 2]), ["d: on its partner e"]);
        assert_eq!(held(&[1, 3]), Vec::<String>::new(), "its own are a matter of the decision");
    }
}
