//! Clusters, databases, tunables and backups.

use super::super::advice::{Danger, Remedy};
use super::super::facts::Seen;
use super::super::judged::Judged;
use super::super::workload::{self, Stance};
use super::super::{Levels, Severity};
use super::{Check, for_information, get, of_the_update, processes};
use crate::disks;
use crate::level::TechnologyLevel;

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "S31",
        title: "a PowerHA node is unmanaged, its partner stable, GLVM synchronous",
        looks_at: "lssrc -ls clstrmgrES, lsdev -C",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "one node at a time, with whoever runs the cluster",
            Danger::Cluster,
        ),
        source: "LU §4.4 S31",
        rule: power_ha,
    },
    Check {
        id: "S32",
        title: "the LPAR is no node of Oracle RAC or Db2 pureScale",
        looks_at: "ps, lssrc -a, mount",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "maintain the nodes one after the other, with a reboot",
            Danger::Outage,
        ),
        source: "LU §4.4 S32",
        rule: refused,
    },
    Check {
        id: "S33",
        title: "time-outs of databases are longer than the standstill",
        looks_at: "ps, lssrc -a, mount; the last preview; time-outs that the site names",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence("raise them", Danger::Reversible),
        source: "LU §4.4 S33",
        rule: timeouts,
    },
    Check {
        id: "S34",
        title: "the dynamic system optimizer may run; it starts from the beginning afterwards",
        looks_at: "nothing",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.4 S34",
        rule: for_information,
    },
    Check {
        id: "S35",
        title: "tunables that would need a reboot can be set with -K",
        looks_at: "nothing",
        severity: Severity::Info,
        levels: Levels::From(TechnologyLevel { release: 7300, number: 0 }),
        remedy: Remedy::NONE,
        source: "LU §4.4 S35",
        rule: for_information,
    },
    Check {
        id: "S36",
        title: "no tunable is changed during the update",
        looks_at: "nothing",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.4 S36",
        rule: of_the_update,
    },
    Check {
        id: "S37",
        title: "there is a recent copy of rootvg",
        looks_at: "lspv",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence(
            "make one before a TL or SP, and give its volume group a name with rootvg in it, by which it is known here: alt_disk_copy -B -d DISK, alt_rootvg_op -v bak_rootvg -d DISK",
            Danger::None,
        ),
        source: "LU §4.4 S37",
        rule: |seen| {
            let disks = get(&seen.facts.disks)?.iter();
            let copies: Vec<_> = disks
                .filter_map(|disk| disk.volume_group.as_ref().map(|group| (disk, group)))
                .filter(|(_, group)| holds_copy(group))
                .map(|(disk, group)| format!("{} is {group}", disk.name))
                .collect();
            Ok(if copies.is_empty() {
                let text = "no volume group is one; an mksysb elsewhere is not seen".to_owned();
                Judged::warn("no copy of rootvg is seen", vec![text])
            } else {
                Judged::pass(copies.join(", "))
            })
        },
    },
];

/// Whether a volume group of this name is a copy of rootvg to go back to: one of ours, or one that is called after it. What the surrogate
/// was booted from has the new level (LU §6.1).
fn holds_copy(group: &str) -> bool {
    let ours = [disks::BACKUP, disks::RENAMED].iter().any(|begin| group.starts_with(begin));
    ours || (group.contains("rootvg") && !["rootvg", disks::SURROGATE].contains(&group))
}

/// That the partner stands still cannot be seen from here: which node that is, is the cluster's own knowledge.
fn power_ha(seen: &Seen<'_>) -> Result<Judged, String> {
    let mut all = get(&seen.facts.subsystems)?.iter();
    if !all.any(|one| one.name == "clstrmgrES" && one.is_active()) {
        return Ok(Judged::not_applicable("PowerHA does not run"));
    }
    let state = get(&seen.facts.cluster_state)?;
    if state != "ST_STABLE" {
        let text = vec![format!("Current state: {state}")];
        return Ok(Judged::block("PowerHA's manager is not stable", text));
    }
    let mut devices = get(&seen.facts.devices)?.iter();
    match devices.find(|one| one.description.contains("Remote Physical Volume")) {
        Some(one) => Err(format!(
            "ST_STABLE; {} is of GLVM: whether that is synchronous is not looked at",
            one.name
        )),
        None => Ok(Judged::warn(
            "a node of PowerHA: one at a time",
            vec!["Current state: ST_STABLE".to_owned()],
        )),
    }
}

fn refused(seen: &Seen<'_>) -> Result<Judged, String> {
    let (mut found, mut unread) = (Vec::new(), None);
    for profile in workload::PROFILES.iter().filter(|one| one.stance == Stance::Refused) {
        match profile.seen(seen.facts) {
            Ok(Some(one)) => found.push(one),
            Ok(None) => {}
            Err(why) => unread = Some(why),
        }
    }
    if let (true, Some(why)) = (found.is_empty(), unread) {
        return Err(why);
    }
    if found.is_empty() {
        // pureScale needs Spectrum Scale below it.
        let scale = !processes(seen, &["mmfsd"])?.is_empty();
        if scale && !processes(seen, &["db2sysc"])?.is_empty() {
            return Err(
                "Db2 runs above Spectrum Scale: whether as pureScale is not looked at".into()
            );
        }
        return Ok(Judged::pass("nothing shows one"));
    }
    let titles: Vec<_> = found.iter().map(|one| one.profile.title).collect();
    let evidence = found.iter().flat_map(|one| one.evidence.clone()).collect();
    Ok(Judged::block(titles.join(", "), evidence))
}

/// The estimate of the standstill against the smallest time-out that is known. Each workload with time-outs has to have one that is.
fn timeouts(seen: &Seen<'_>) -> Result<Judged, String> {
    let (mut known, mut silent) = (Vec::new(), Vec::new());
    for profile in workload::PROFILES.iter().filter(|one| !one.timeouts.is_empty()) {
        if profile.seen(seen.facts)?.is_none() {
            continue;
        }
        let before = known.len();
        for timeout in profile.timeouts {
            let key = (profile.id.to_owned(), timeout.name.to_owned());
            if let Some(value) = seen.around.timeouts.get(&key) {
                known
                    .push((*value, format!("{} of {} is {} s", timeout.name, profile.id, value.0)));
            }
        }
        if known.len() == before {
            silent.push(profile.id);
        }
    }
    known.sort();
    let Some((smallest, text)) = known.first() else {
        return match silent.is_empty() {
            true => Ok(Judged::not_applicable("no workload with time-outs is seen")),
            false => Err(format!(
                "no time-out of {} is known: the site names them in checks.yaml",
                silent.join(", ")
            )),
        };
    };
    let estimate = seen.around.estimate.as_ref().map_err(|why| format!("{text}; {why}"))?;
    let estimated = format!("the last preview estimated {} s", estimate.0);
    if smallest <= estimate {
        let short = known.iter().filter(|(value, _)| value <= estimate);
        let evidence =
            std::iter::once(estimated).chain(short.map(|(_, text)| text.clone())).collect();
        return Ok(Judged::warn("a time-out that is not longer than the standstill", evidence));
    }
    if !silent.is_empty() {
        return Err(format!(
            "no time-out of {} is known: the site names them in checks.yaml",
            silent.join(", ")
        ));
    }
    Ok(Judged::pass(format!("{text}, {estimated}")))
}
