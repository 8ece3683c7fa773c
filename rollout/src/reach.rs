//! What of a file reaches nobody. A slip of the fingers in a target is seen in the plan; one in what leaves out, keeps apart or limits is
//! not: the plan looks as if it were not written, and the LPAR that was to be left alone is updated.
//!
//! A name stands for one thing and has to be on record. Labels and patterns may rightly mean nobody today; that is only said.

use std::collections::BTreeSet;

use nim_shared::api::FileFault;
use nim_shared::id::printable;
use nim_shared::near::closest;

use crate::choose::{choose, names};
use crate::facts::{Lpar, Snapshot};
use crate::file::{Chosen, Pattern, Rollout};

/// Names that are on record.
#[derive(Clone, Debug, Default)]
pub struct OnRecord<'a> {
    /// Of all LPARs, those that the file does not choose among them.
    pub lpars: BTreeSet<&'a str>,
    /// Of all groups, empty ones among them.
    pub groups: BTreeSet<&'a str>,
}

/// The names in `targets.exclude`, windows, freezes and `apart.lists` that are not on record, each with its path and the name that is nearest. Names in
/// `targets` itself are not among them: whom they miss the plan lists.
#[must_use]
pub fn strangers(file: &Rollout, on_record: &OnRecord<'_>) -> Vec<FileFault> {
    let mut faults = Vec::new();
    let mut look = |path: String, name: &str, known: &BTreeSet<&str>, of: &str| {
        if !known.contains(name) {
            let message = format!(
                "no {of} is called \"{}\"{}",
                printable(name),
                meant(name, known.iter().copied())
            );
            faults.push(FileFault { file: None, line: None, path, message });
        }
    };
    let exclude = std::iter::once(("targets.exclude".to_owned(), &file.targets.exclude.chosen));
    for (path, chosen) in exclude.chain(timing(file)) {
        for name in chosen.names.iter().filter_map(single) {
            look(format!("{path}.names"), name, &on_record.lpars, "LPAR");
        }
        for group in &chosen.groups {
            look(format!("{path}.groups"), group.as_str(), &on_record.groups, "group");
        }
    }
    for (at, list) in file.apart.lists.iter().enumerate() {
        for name in list {
            look(format!("apart.lists[{at}]"), name.as_str(), &on_record.lpars, "LPAR");
        }
    }
    faults
}

/// What in `file` concerns none of the LPARs that it updates, in words.
#[must_use]
pub fn idle(file: &Rollout, snapshot: &Snapshot) -> Vec<String> {
    let members: Vec<&Lpar> =
        choose(file, snapshot).chosen.into_iter().map(|at| &snapshot.lpars[at]).collect();
    let mut notes = Vec::new();
    let exclude = &file.targets.exclude.chosen;
    for pattern in exclude.names.iter().filter(|one| single(one).is_none()) {
        if !snapshot.lpars.iter().any(|one| pattern.matches(one.name.as_str())) {
            notes.push(format!("targets.exclude.names: {pattern} leaves nobody out"));
        }
    }
    if let Some(labels) = &exclude.labels
        && !snapshot.lpars.iter().any(|one| labels.0.matches(&one.labels))
    {
        notes.push(format!("targets.exclude.labels: {labels} leaves nobody out"));
    }
    let keys: BTreeSet<&str> =
        members.iter().flat_map(|one| one.labels.keys()).map(String::as_str).collect();
    let key = |path: &str, key: &str| {
        let near = || meant(key, keys.iter().copied());
        (!keys.contains(key)).then(|| format!("{path}: no target has a label {key}{}", near()))
    };
    notes.extend(file.apart.labels.iter().filter_map(|one| key("apart.labels", one)));
    notes.extend(file.limits.per_label.keys().filter_map(|one| key("limits.per_label", one)));
    if let Some(service) = &file.blackout.per_service {
        match key("blackout.per_service.label", &service.label) {
            Some(note) => notes.push(note),
            None => {
                let values: BTreeSet<&str> = members
                    .iter()
                    .filter_map(|one| one.labels.get(&service.label))
                    .map(String::as_str)
                    .collect();
                let unmet = service.of.keys().filter(|one| !values.contains(one.as_str()));
                notes.extend(unmet.map(|value| {
                    format!(
                        "blackout.per_service.of: no target has the label {}={}{}",
                        service.label,
                        printable(value),
                        meant(value, values.iter().copied())
                    )
                }));
            }
        }
    }
    for (path, only) in timing(file).filter(|(_, only)| !only.is_empty()) {
        if !members.iter().any(|one| names(only, one)) {
            notes.push(format!("{path} is for no target"));
        }
    }
    notes
}

/// The windows and the freezes, each with its path and for whom it is.
fn timing(file: &Rollout) -> impl Iterator<Item = (String, &Chosen)> {
    let windows = file.windows.iter().map(|one| (format!("windows.{}", one.name), &one.only));
    let freezes = file.freezes.iter().map(|one| (format!("freezes.{}", one.name), &one.only));
    windows.chain(freezes)
}

/// The name that is written, where that is no pattern and no range of names.
fn single(pattern: &Pattern) -> Option<&str> {
    match pattern.exact() {
        Some([name]) => Some(name),
        Some(_) | None => None,
    }
}

/// What was most probably meant, as the end of a sentence.
fn meant<'k>(typed: &str, known: impl Iterator<Item = &'k str>) -> String {
    closest(typed, known)
        .map_or_else(String::new, |name| format!("; did you mean {}?", printable(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{one_each, rollout};

    #[test]
    fn a_name_that_is_not_on_record_is_a_fault_with_the_nearest() {
        let on_record =
            OnRecord { lpars: ["lpar07", "lpar08", "db1"].into(), groups: ["frozen"].into() };
        let of = |more: &str| -> Vec<String> {
            let mut file = rollout(more);
            file.targets.exclude.chosen.names =
                ["lpar7", "db1", "old*", "gone[1:9]"].map(|one| one.parse().unwrap()).into();
            file.targets.exclude.chosen.groups =
                ["frozn", "frozen"].map(|one| one.parse().unwrap()).into();
            strangers(&file, &on_record).iter().map(ToString::to_string).collect()
        };
        let excluded = [
            "targets.exclude.names: no LPAR is called \"lpar7\"; did you mean lpar07?",
            "targets.exclude.groups: no group is called \"frozn\"; did you mean frozen?",
        ];
        assert_eq!(of("apart: {lists: [[lpar07, lpar08]]}\n"), excluded);
        let more = "apart: {lists: [[lpar07, lpar08], [db1, unheard-of]]}\n\
             freezes: [{name: f, zone: UTC, from: 2026-01-01, to: 2026-01-02, names: db2}]\n";
        assert_eq!(
            of(more)[2..],
            [
                "freezes.f.names: no LPAR is called \"db2\"; did you mean db1?",
                "apart.lists[1]: no LPAR is called \"unheard-of\"",
            ]
        );
    }

    #[test]
    fn what_concerns_no_target_is_said_and_what_concerns_one_is_not() {
        let mut site = one_each(4);
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        site.lpars[0].labels = [label("service", "crm"), label("site", "north")].into();
        // Who is left out is no target.
        site.lpars[1].labels = [label("tier", "db")].into();
        let text = |key: &str, service: &str, site: &str| {
            format!(
                "apart: {{labels: [{key}]}}\nlimits: {{per_label: {{{key}: 1}}}}\n\
                 blackout: {{per_service: {{label: {key}, of: {{{service}: 60s}}}}}}\n\
                 windows: [{{name: w, zone: UTC, from: '00:00', to: '24:00', labels: site={site}}}]\n\
                 freezes: [{{name: f, zone: UTC, from: 2026-01-01, to: 2026-01-02, labels: site={site}}}]\n"
            )
        };
        let of = |more: &str, names: &str, labels: &str| {
            let mut file = rollout(more);
            let exclude = &mut file.targets.exclude.chosen;
            exclude.names = ["lpar1", names].map(|one| one.parse().unwrap()).into();
            exclude.labels = Some(labels.parse().unwrap());
            idle(&file, &site)
        };
        assert_eq!(of(&text("service", "crm", "north"), "lpar[1:2]", "tier=db"), [""; 0]);
        assert_eq!(
            of(&text("servce", "crm", "nort"), "lpar9*", "tier=web"),
            [
                "targets.exclude.names: lpar9* leaves nobody out",
                "targets.exclude.labels: tier in (web) leaves nobody out",
                "apart.labels: no target has a label servce; did you mean service?",
                "limits.per_label: no target has a label servce; did you mean service?",
                "blackout.per_service.label: no target has a label servce; did you mean service?",
                "windows.w is for no target",
                "freezes.f is for no target",
            ]
        );
        assert_eq!(
            of(&text("service", "cmr", "north"), "lpar1", "tier=db"),
            ["blackout.per_service.of: no target has the label service=cmr; did you mean crm?"]
        );
        assert_eq!(
            of(&text("tier", "db", "north"), "lpar1", "tier=db")[0],
            "apart.labels: no target has a label tier",
        );
    }
}
