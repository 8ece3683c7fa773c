//! Reads how a rollout goes: limits, stops, budgets, retries.

use std::collections::{BTreeMap, BTreeSet};

use nim_shared::id::ObjectName;
use nim_shared::object::is_label_key;
use nim_shared::yaml::{Node, Value};

use super::section::{Faults, Section, number, parse, text};
use super::{
    Above, Again, Apart, Approval, Assume, Blackout, Canary, Deadlines, KeepPlace, Limits, Retry,
    ServiceBudget, Span, Stop, StopAt,
};

pub(super) const CANARY: &[(&str, Canary)] = &[("one-per-class", Canary::OnePerClass)];

pub(super) const APPROVAL: &[(&str, Approval)] = &[("yes", Approval::Yes), ("no", Approval::No)];

const KEEP_PLACE: &[(&str, KeepPlace)] = &[("yes", KeepPlace::Yes), ("no", KeepPlace::No)];

const ABOVE: &[(&str, Above)] = &[("refuse", Above::Refuse), ("approval", Above::Approval)];

/// Least reserve of memory, in percent: what nimd's own ledger keeps. Below it the run would wait for what the plan had promised.
const LEAST_RESERVE: u8 = 5;

pub(super) fn limits(root: &Section<'_>, faults: &mut Faults) -> Limits {
    let keys = [
        "in_flight",
        "per_hmc",
        "per_frame",
        "per_vios_pair",
        "per_label",
        "stagger_hmc",
        "stagger_vios",
        "reserve_memory",
        "reserve_processors",
    ];
    let usual = Limits::default();
    let Some(section) = root.section("limits", &keys, faults) else { return usual };
    let mut per_label = BTreeMap::new();
    if let Some(node) = section.node("per_label") {
        let labels = Section::free(node, &section.of("per_label"), faults);
        for (key, node) in labels.fields() {
            let path = labels.of(key);
            if label_key(key, node.line, &path, faults)
                && let Some(most) = number(node, &path, faults)
            {
                per_label.insert(key.to_owned(), most);
            }
        }
    }
    let limits = Limits {
        in_flight: section.count("in_flight", faults),
        per_hmc: section.count("per_hmc", faults),
        per_frame: section.count("per_frame", faults),
        per_vios_pair: section.count("per_vios_pair", faults).unwrap_or(usual.per_vios_pair),
        per_label,
        stagger_hmc: section.get("stagger_hmc", faults).unwrap_or(usual.stagger_hmc),
        stagger_vios: section.get("stagger_vios", faults).unwrap_or(usual.stagger_vios),
        reserve_memory: section.get("reserve_memory", faults).unwrap_or(usual.reserve_memory),
        reserve_processors: section
            .get("reserve_processors", faults)
            .unwrap_or(usual.reserve_processors),
    };
    if limits.reserve_memory.get() < LEAST_RESERVE {
        let message = format!("is less than the {LEAST_RESERVE}% that nimd keeps in any case");
        faults.add(section.line, &section.of("reserve_memory"), message);
    }
    limits
}

pub(super) fn apart(root: &Section<'_>, faults: &mut Faults) -> Apart {
    let Some(section) = root.section("apart", &["labels", "lists"], faults) else {
        return Apart::default();
    };
    let mut apart = Apart::default();
    for (node, path) in section.items("labels") {
        if let Some(key) = text(node, &path, faults)
            && label_key(key, node.line, &path, faults)
        {
            apart.labels.push(key.to_owned());
        }
    }
    for (node, path) in section.items("lists") {
        let names = names(node, &path, faults);
        if names.len() < 2 {
            faults.add(node.line, &path, "should be a list of two names or more");
        }
        apart.lists.push(names);
    }
    apart
}

/// A list of different names.
fn names(node: &Node, path: &str, faults: &mut Faults) -> Vec<ObjectName> {
    let Value::List(items) = &node.value else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let path = format!("{path}[{at}]");
        if let Some(name) = parse::<ObjectName>(item, &path, faults) {
            if !seen.insert(name.clone()) {
                faults.add(item.line, &path, format!("\"{name}\" is in the list already"));
            }
            names.push(name);
        }
    }
    names
}

fn label_key(key: &str, line: u64, path: &str, faults: &mut Faults) -> bool {
    let sound = is_label_key(key);
    if !sound {
        faults.add(line, path, "is no key of a label: letters, digits, `_`, `-`, `.` and `/`");
    }
    sound
}

pub(super) fn stop(root: &Section<'_>, faults: &mut Faults) -> Stop {
    let keys = ["wave", "whole", "failed_keep_place"];
    let Some(section) = root.section("stop", &keys, faults) else { return Stop::default() };
    let mut at = |key: &str| {
        let keys = ["failed", "unreachable", "skipped"];
        section.section(key, &keys, faults).map_or_else(StopAt::default, |one| StopAt {
            failed: one.get("failed", faults),
            unreachable: one.get("unreachable", faults),
            skipped: one.get("skipped", faults),
        })
    };
    let (wave, whole) = (at("wave"), at("whole"));
    let keep = section.word("failed_keep_place", KEEP_PLACE, faults);
    Stop { wave, whole, failed_keep_place: keep.unwrap_or_default() }
}

pub(super) fn blackout(root: &Section<'_>, faults: &mut Faults) -> Blackout {
    let keys = ["per_lpar", "per_service", "above"];
    let Some(section) = root.section("blackout", &keys, faults) else {
        return Blackout::default();
    };
    let service = section.section("per_service", &["label", "budget", "of"], faults);
    let per_service = service.and_then(|service| {
        let label: Option<String> = service.need("label", faults);
        let label = label.filter(|key| label_key(key, service.line, &service.of("label"), faults));
        let mut of = BTreeMap::new();
        if let Some(node) = service.node("of") {
            let single = Section::free(node, &service.of("of"), faults);
            for (name, node) in single.fields() {
                if let Some(span) = parse::<Span>(node, &single.of(name), faults) {
                    of.insert(name.to_owned(), span);
                }
            }
        }
        let budget = service.get("budget", faults);
        if budget.is_none() && of.is_empty() {
            faults.add(
                service.line,
                &service.path,
                "has no budget: it takes budget, or of with single ones",
            );
        }
        Some(ServiceBudget { label: label?, budget, of })
    });
    Blackout {
        per_lpar: section.get("per_lpar", faults),
        per_service,
        above: section.word("above", ABOVE, faults).unwrap_or_default(),
    }
}

pub(super) fn retry(root: &Section<'_>, faults: &mut Faults) -> Retry {
    let keys = ["later", "unreachable", "after_remedy", "never", "see_others"];
    let Some(section) = root.section("retry", &keys, faults) else { return Retry::default() };
    for (key, why) in [
        (
            "after_remedy",
            "the same update fails in the same way until somebody has done the remedy",
        ),
        ("never", "the update is in effect: running it again repairs nothing and risks more"),
        ("see_others", "such a message alone does not tell whether a retry makes sense"),
    ] {
        if let Some(node) = section.node(key) {
            faults.add(node.line, &section.of(key), format!("cannot be tried again: {why}"));
        }
    }
    let mut again = |key: &str| {
        let one = section.section(key, &["times", "after"], faults)?;
        let times = one.count("times", faults);
        if one.node("times").is_none() {
            faults.add(one.line, &one.of("times"), "is required");
        }
        let after = one.need("after", faults);
        Some(Again { times: times?, after: after? })
    };
    Retry { later: again("later"), unreachable: again("unreachable") }
}

pub(super) fn deadlines(root: &Section<'_>, faults: &mut Faults) -> Deadlines {
    let keys = ["start", "update", "release", "whole"];
    let usual = Deadlines::default();
    let Some(section) = root.section("deadlines", &keys, faults) else { return usual };
    let mut span = |key: &str, usual: Span| {
        let found = section.get::<Span>(key, faults);
        if let (Some(node), Some(0)) = (section.node(key), found.map(Span::get)) {
            faults.add(node.line, &section.of(key), "is no time at all");
        }
        found.unwrap_or(usual)
    };
    Deadlines {
        start: span("start", usual.start),
        update: span("update", usual.update),
        release: span("release", usual.release),
        whole: span("whole", usual.whole),
    }
}

pub(super) fn assume(root: &Section<'_>, faults: &mut Faults) -> Assume {
    let usual = Assume::default();
    let Some(section) = root.section("assume", &["duration"], faults) else { return usual };
    let duration = section.get::<Span>("duration", faults);
    if duration.is_some_and(|span| span.get() == 0) {
        faults.add(section.line, &section.of("duration"), "is no time at all");
    }
    Assume { duration: duration.unwrap_or(usual.duration) }
}
