//! What of an LPAR is other than it was planned with, fact by fact: whoever is asked to approve it reads what has changed, from what to what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::facts::{Cluster, ClusterSoftware, Lpar, Shape};

/// What is known of an LPAR and decides about its update, by what it is called. What is not known, and what there is none of, is left out.
pub type Known = BTreeMap<String, String>;

/// What is known of `lpar`: all that its fingerprint stands for.
#[must_use]
pub fn known(lpar: &Lpar) -> Known {
    let Lpar {
        name: _,
        frame,
        vioses,
        groups,
        labels,
        level,
        fixes,
        storage,
        extensions,
        clusters,
        availability,
        shape,
        blocked,
        // These are no part of it.
        wanted_id: _,
        estimate: _,
        held: _,
    } = lpar;
    let labels = labels.iter().map(|(key, value)| format!("{key}={value}"));
    let clusters: BTreeSet<String> =
        clusters.iter().map(|one| format!("{} {}", software(one), one.name)).collect();
    let mut known: Vec<(&str, Option<String>)> = vec![
        ("frame", frame.as_ref().map(ToString::to_string)),
        ("VIOSes", list(vioses)),
        ("groups", list(groups)),
        ("labels", list(labels)),
        ("level", level.map(|level| level.to_string())),
        ("interim fixes", list(fixes)),
        ("storage", list(storage)),
        ("kernel extensions", list(extensions)),
        ("clusters", list(clusters)),
        ("high availability", list(availability)),
        ("what rules it out", list(blocked)),
    ];
    if let Some(Shape { memory, min_memory, max_memory, hpt_ratio, processors, pool, .. }) = shape {
        known.extend([
            ("memory in MB", Some(memory.0.to_string())),
            ("least memory in MB", Some(min_memory.0.to_string())),
            ("most memory in MB", Some(max_memory.0.to_string())),
            ("ratio of its page table", hpt_ratio.map(|ratio| ratio.to_string())),
            ("processor units", Some(processors.to_string())),
            ("pool of processors", pool.map(|pool| pool.to_string())),
        ]);
    }
    known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// What is other now than `before`, from what to what; empty where nothing is.
#[must_use]
pub fn differences(before: &Known, now: &Known) -> Vec<String> {
    let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let changed = keys.into_iter().filter(|key| before.get(*key) != now.get(*key));
    let said = |known: &Known, key: &String| known.get(key).map_or("none", |it| it).to_owned();
    changed
        .map(|key| {
            format!("{key}: {} when it was planned, {} now", said(before, key), said(now, key))
        })
        .collect()
}

const fn software(cluster: &Cluster) -> &'static str {
    match cluster.software {
        ClusterSoftware::PowerHa => "PowerHA",
        ClusterSoftware::OracleRac => "Oracle RAC",
        ClusterSoftware::PureScale => "Db2 pureScale",
    }
}

fn list(all: impl IntoIterator<Item = impl fmt::Display>) -> Option<String> {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::one_each;

    #[test]
    fn what_has_changed_is_said_from_what_to_what() {
        let planned = one_each(1).lpars.remove(0);
        let of = |change: fn(&mut Lpar)| {
            let mut now = planned.clone();
            change(&mut now);
            differences(&known(&planned), &known(&now))
        };
        assert_eq!(of(|_| {}), [""; 0]);
        let passing: fn(&mut Lpar) = |now| {
            now.held.push("a path is lost".to_owned());
            now.wanted_id = Some(9);
        };
        assert_eq!(of(passing), [""; 0], "that is looked at by itself");
        let fixed: fn(&mut Lpar) = |now| {
            now.fixes.extend(["IJ2".to_owned(), "IJ1".to_owned()]);
            now.labels.insert("env".to_owned(), "prod".to_owned());
        };
        assert_eq!(
            of(fixed),
            [
                "interim fixes: none when it was planned, IJ1 IJ2 now",
                "labels: none when it was planned, env=prod now"
            ]
        );
    }
}
