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
pub(super) enum Group {
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

/// The nodes of PowerHA among `nodes` of which the file says who a partner is: another of them has a label or a list of `apart` in common.
/// One that is alone in what the file says is not: its partners are somebody else, and not known.
pub(super) fn named<'l>(
    apart: &Apart,
    nodes: impl Iterator<Item = &'l Lpar>,
) -> BTreeSet<ObjectName> {
    let mut by_group: BTreeMap<Group, BTreeSet<&ObjectName>> = BTreeMap::new();
    for lpar in nodes {
        for group in written(apart, lpar) {
            by_group.entry(group).or_default().insert(&lpar.name);
        }
    }
    by_group.into_values().filter(|names| names.len() > 1).flatten().cloned().collect()
}

/// What the file says of these LPARs that others may have in common with them.
pub(super) fn groups_of<'l>(
    apart: &Apart,
    lpars: impl Iterator<Item = &'l Lpar>,
) -> BTreeSet<Group> {
    lpars.flat_map(|lpar| written(apart, lpar)).collect()
}

/// Whether the file puts `lpar` into one of `groups`.
pub(super) fn is_in(apart: &Apart, lpar: &Lpar, groups: &BTreeSet<Group>) -> bool {
    written(apart, lpar).iter().any(|group| groups.contains(group))
}

fn groups(apart: &Apart, lpar: &Lpar) -> Vec<Group> {
    let clusters = lpar.clusters.iter().filter(|one| one.software == ClusterSoftware::PowerHa);
    let clusters = clusters.map(|one| Group::Cluster(one.name.clone()));
    written(apart, lpar).into_iter().chain(clusters).collect()
}

/// Those that the file says.
fn written(apart: &Apart, lpar: &Lpar) -> Vec<Group> {
    let labels = apart.labels.iter().filter_map(|key| {
        lpar.labels.get(key).map(|value| Group::Label(key.clone(), value.clone()))
    });
    let lists = apart.lists.iter().enumerate();
    let lists = lists.filter(|(_, list)| list.contains(&lpar.name)).map(|(at, _)| Group::List(at));
    labels.chain(lists).collect()
}

#[cfg(test)]
mod tests {
    use nim_rollout::facts::Cluster;
    use nim_rollout::testing::{lpar, rollout};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn partners_are_named_where_two_nodes_have_something_in_common_and_not_where_one_is_alone() {
        let file = rollout("apart: {labels: [pair, site], lists: [[d, e], [f, no-node]]}\n");
        let mut nodes: Vec<Lpar> =
            ["a", "b", "c", "d", "e", "f", "g"].map(|name| lpar(name, "x")).into();
        for (at, key, value) in
            [(0, "pair", "x"), (1, "pair", "x"), (2, "pair", "y"), (6, "site", "x")]
        {
            nodes[at].labels.insert(key.to_owned(), value.to_owned());
        }
        let names =
            |all: BTreeSet<ObjectName>| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(named(&file.apart, nodes.iter())), ["a", "b", "d", "e"]);
        assert_eq!(names(named(&file.apart, nodes[1..4].iter())), [""; 0]);
        // A partner that the rollout does not update is one too.
        let groups = groups_of(&file.apart, nodes[1..4].iter());
        let found: Vec<bool> = nodes.iter().map(|one| is_in(&file.apart, one, &groups)).collect();
        assert_eq!(found, [true, true, true, true, true, false, false]);
    }

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
