//! What the site and its products have registered with Live Update: shown, never judged. What is registered takes part in the update,
//! and a person who plans one should have seen it.
//!
//! Base processes, the inittab of the surrogate and its kernel extensions are read from the files that `lvupdateSetProcs`, `lvupdateInit`
//! and `lvupdateRegKE` keep, as raw lines: their format is not published. A process that registers itself while an update runs (`proc_mobility_base_set`,
//! `proc_mobility_restartexit_set`) is in no list.

use std::collections::BTreeMap;

use super::super::Levels::All as ALL;
use super::super::Severity;
use super::super::advice::Remedy;
use super::super::facts::Seen;
use super::super::judged::{Judged, LONGEST};
use super::{Check, get};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "R01",
        title: "scripts that Live Update notifies are known",
        looks_at: "lvupdateRegScript -l",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §5.1",
        rule: scripts,
    },
    Check {
        id: "R02",
        title: "processes that are registered as base or exit processes are known",
        looks_at: "/etc/liveupdate/lvup_BaseProcs, which lvupdateSetProcs writes",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §5.1, §7.1",
        rule: |seen| {
            Ok(shown("base or exit processes are registered", get(&seen.facts.base_processes)?))
        },
    },
    Check {
        id: "R03",
        title: "programs that are started with the surrogate are known",
        looks_at: "/etc/liveupdate/lvup_inittab, which lvupdateInit writes",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §5.1, §7.1",
        rule: |seen| {
            let rows = get(&seen.facts.surrogate_inittab)?;
            Ok(shown("programs are started with the surrogate", rows))
        },
    },
    Check {
        id: "R04",
        title: "kernel extensions that are loaded on the surrogate are known",
        looks_at: "/etc/liveupdate/lvup_preload_KE, which lvupdateRegKE writes",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §5.1",
        rule: |seen| {
            let rows = get(&seen.facts.kernel_extensions)?;
            Ok(shown("kernel extensions are loaded on the surrogate", rows))
        },
    },
];

/// Checks that tell what the site itself has registered; scripts (R01) IBM has on every LPAR.
pub const OF_THE_SITE: [&str; 3] = ["R02", "R03", "R04"];

/// Labels by place and phase: IBM alone registers more than fifty, and nothing tells theirs from others'.
fn scripts(seen: &Seen<'_>) -> Result<Judged, String> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in get(&seen.facts.scripts)? {
        // `orig,LVUP_CHECK,6`: the last part is the priority.
        let place = one.place.rsplit_once(',').map_or(one.place.as_str(), |(place, _)| place);
        places.entry(place).or_default().push(&one.label);
    }
    let mut rows = Vec::new();
    for (place, labels) in places {
        let mut row = format!("{place}:");
        for label in labels {
            if row.chars().count() + label.chars().count() + 2 > LONGEST {
                rows.push(std::mem::replace(&mut row, format!("{place}:")));
            }
            let gap = if row.ends_with(':') { " " } else { ", " };
            row = format!("{row}{gap}{label}");
        }
        rows.push(row);
    }
    let missing = get(&seen.facts.missing_scripts)?;
    rows.extend(missing.iter().map(|program| format!("is not there: {program}")));
    Ok(shown("scripts are registered", &rows))
}

/// It holds whatever is there, and what is there is told.
fn shown(what: &str, rows: &[String]) -> Judged {
    let none = Judged::pass("none is registered");
    if rows.is_empty() {
        return none;
    }
    Judged { found: what.to_owned(), evidence: rows.to_vec(), ..none }
}
