//! Faults of single levels that are published with their fixes.

use super::super::advice::{Danger, Remedy};
use super::super::facts::Seen;
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get};
use crate::code::keeps_libraries;
use crate::level::TechnologyLevel;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "P06",
        title: "the running kernel releases shared libraries of users other than root",
        looks_at: "oslevel -s, emgr -l",
        severity: Severity::Warn,
        levels: Levels::Below(TechnologyLevel { release: 7300, number: 0 }),
        remedy: Remedy::sentence(
            "have the fix in the running kernel first, or stop what does not run as root for the move",
            Danger::Outage,
        ),
        source: "LU §4.5 pitfall 6, §4.6",
        rule: shared_libraries,
    },
    Check {
        id: "P09",
        title: "the checkpoint is not spoilt by IP filters",
        looks_at: "oslevel -s, lslpp -Lqc, lsdev -C",
        severity: Severity::Block,
        levels: Levels::From(TechnologyLevel::TL_7300_03),
        remedy: Remedy::sentence(
            "install IJ55348 or 7300-03-02, or take the IP filters away for the update",
            Danger::Reversible,
        ),
        source: "LU §4.6, IJ55348",
        rule: ip_filters,
    },
    Check {
        id: "P10",
        title: "the standstill of a small LPAR is not longer than it has to be",
        looks_at: "oslevel -s",
        severity: Severity::Info,
        levels: Levels::From(TechnologyLevel::TL_7300_03),
        remedy: Remedy::sentence("7300-03-01 shortens it", Danger::None),
        source: "LU §4.6, §4.7",
        rule: |seen| {
            let level = get(&seen.facts.level)?;
            let is_first =
                level.technology == TechnologyLevel::TL_7300_03 && level.service_pack == 0;
            Ok(if is_first {
                Judged::warn("a level with a longer standstill", vec![level.to_string()])
            } else {
                Judged::pass(level.to_string())
            })
        },
    },
    Check {
        id: "P11",
        title: "NPIV paths stay after the update",
        looks_at: "oslevel -s, lsdev -C",
        severity: Severity::Warn,
        levels: Levels::From(TechnologyLevel::TL_7300_03),
        remedy: Remedy::sentence(
            "look at the paths after the update, and have the VIOS at its latest level",
            Danger::None,
        ),
        source: "LU §4.6",
        rule: |seen| {
            let level = get(&seen.facts.level)?;
            let mut devices = get(&seen.facts.devices)?.iter();
            let is_npiv = devices.any(|one| one.description.contains("Virtual Fibre Channel"));
            // Those two are the ones it was seen on.
            Ok(if !is_npiv {
                Judged::not_applicable("no virtual Fibre Channel adapter")
            } else if level.technology <= (TechnologyLevel { release: 7300, number: 4 }) {
                Judged::warn("a level on which an NPIV path may be lost", vec![level.to_string()])
            } else {
                Judged::pass(level.to_string())
            })
        },
    },
];

fn shared_libraries(seen: &Seen<'_>) -> Result<Judged, String> {
    let level = *get(&seen.facts.level)?;
    let Some(fix) = keeps_libraries(level).map(|fix| fix.apar) else {
        return Ok(Judged::pass(format!("{level} is none of the levels with that fault")));
    };
    let has_fix = get(&seen.facts.fixes)?.iter().any(|one| one.label.starts_with(fix));
    Ok(if has_fix {
        Judged::pass(format!("{fix} is installed"))
    } else {
        let found = "a kernel that keeps shared libraries";
        Judged::warn(found, vec![format!("{level} without {fix}")])
    })
}

fn ip_filters(seen: &Seen<'_>) -> Result<Judged, String> {
    let level = *get(&seen.facts.level)?;
    if level.technology != TechnologyLevel::TL_7300_03 || level.service_pack >= 2 {
        return Ok(Judged::pass(format!("{level} is none of the levels with that fault")));
    }
    let mut filesets = get(&seen.facts.filesets)?.iter();
    let affected = filesets.any(|one| one.name == "bos.net.ipsec.rte" && one.level == "7.3.3.1");
    let mut devices = get(&seen.facts.devices)?.iter();
    let filters = devices.any(|one| one.class == "ipsec" && one.status == "Available");
    let fixed = get(&seen.facts.fixes)?.iter().any(|one| one.label.starts_with("IJ55348"));
    Ok(if affected && filters && !fixed {
        Judged::block(
            "IP filters that spoil the checkpoint",
            vec!["bos.net.ipsec.rte 7.3.3.1".into()],
        )
    } else {
        Judged::pass("no filters, or not the fileset with that fault")
    })
}
