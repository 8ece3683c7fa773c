//! Levels, filesets, sizes.

use super::super::advice::{Danger, Remedy};
use super::super::around::Around;
use super::super::facts::{Facts, Seen};
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, of_ibms_master};
use crate::aix::FilesetState;
use crate::level::{FilesetLevel, TechnologyLevel};

const ALL: Levels = Levels::All;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "L01",
        title: "the level of AIX has Live Update",
        looks_at: "oslevel -s",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence(
            "update AIX with a reboot first: 7200-01 or later",
            Danger::Outage,
        ),
        source: "LU §4.1 L01, §4.7",
        rule: able,
    },
    Check {
        id: "L02",
        title: "the Live Update runtime is installed",
        looks_at: "lslpp -Lqc, bos.liveupdate.rte",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("install bos.liveupdate", Danger::None),
        source: "LU §4.1 L02",
        rule: |seen| installed(seen.facts, "bos.liveupdate.rte"),
    },
    Check {
        id: "L03",
        title: "the HMC client is installed",
        looks_at: "lslpp -Lqc, bos.sysmgt.hmc",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence(
            "install bos.sysmgt.hmc; where PowerVC manages the LPAR, bos.sysmgt.pvc",
            Danger::None,
        ),
        source: "LU §4.1 L03",
        rule: |seen| match get(&seen.facts.data)? {
            Some(data) if data.pvc.is_some() && data.hmc.is_none() => {
                installed(seen.facts, "bos.sysmgt.pvc")
            }
            Some(_) | None => installed(seen.facts, "bos.sysmgt.hmc"),
        },
    },
    Check {
        id: "L04",
        title: "the artex filesets are installed: tunables are saved through them",
        looks_at: "lslpp -Lqc, artex*",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("install the artex filesets", Danger::None),
        source: "LU §4.1 L04",
        rule: |seen| {
            let found = get(&seen.facts.filesets)?.iter().find(|one| one.name.starts_with("artex"));
            Ok(match found {
                Some(one) => Judged::pass(format!("{} {}", one.name, one.level)),
                None => Judged::block("no artex fileset", vec!["lslpp lists none".to_owned()]),
            })
        },
    },
    Check {
        id: "L05",
        title: "dsm.core and dsm.dsh are on the NIM master",
        looks_at: "the NIM master of IBM",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.1 L05",
        rule: of_ibms_master,
    },
    Check {
        id: "L06",
        title: "the LPAR has 2 GB of memory or more, now and as the minimum of its profile",
        looks_at: "lparstat -i",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("raise the memory in the profile and activate it", Danger::Outage),
        source: "LU §4.1 L06",
        rule: memory,
    },
    Check {
        id: "L07",
        title: "the firmware of the frame is late enough",
        looks_at: "prtconf",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("update the firmware of the frame", Danger::Outage),
        source: "LU §4.1 L07",
        rule: firmware,
    },
    Check {
        id: "L08",
        title: "the HMC is 8.4.0 or later",
        looks_at: "HMC: lshmc -V",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("update the HMC", Danger::None),
        source: "LU §4.1 L08",
        rule: |seen| {
            let mut shown = Vec::new();
            let mut old = Vec::new();
            let mut silent = None;
            for (name, console) in get(&seen.around.consoles)? {
                let level = match &console.level {
                    Ok(level) => level,
                    Err(why) => {
                        silent = Some(why.clone());
                        continue;
                    }
                };
                let found = numbers(level);
                let text = format!("{name} is {level}");
                match found.is_empty() {
                    true => return Err(format!("{name} says no level")),
                    false if found < vec![8, 8, 4, 0] => old.push(text),
                    false => shown.push(text),
                }
            }
            // One of two that is down stops nobody: the other one is asked.
            match silent {
                Some(why) if old.is_empty() && shown.is_empty() => Err(why),
                _ => Ok(super::none("an HMC below 8.4.0", old, &shown.join(", "))),
            }
        },
    },
    Check {
        id: "L09",
        title: "the VIOSes of the frame are 2.2.3.50 or later",
        looks_at: "VIOS: ioslevel, as it was read last",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("update the VIOS", Danger::None),
        source: "LU §4.1 L09",
        rule: vios,
    },
    Check {
        id: "L10",
        title: "RSCT is 3.2.1.0 or later, and PowerHA 7.2.0 where it is installed",
        looks_at: "lslpp -Lqc, rsct.core.rmc and cluster.es.server.rte",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("update RSCT or PowerHA with AIX", Danger::Cluster),
        source: "LU §4.1 L10",
        rule: companions,
    },
    Check {
        id: "L11",
        title: "the frame has memory and processors free for a second copy of the LPAR",
        looks_at: "HMC: lshwres, as it was read last",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence(
            "give capacity back on the frame, set cpu_reduction where processors are short, or choose another time",
            Danger::None,
        ),
        source: "LU §4.1 L11",
        rule: |seen| capacity(seen.around),
    },
    Check {
        id: "L12",
        title: "an Enterprise Pool is in compliance",
        looks_at: "HMC: lscodpool --level pool",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence("bring the pool into compliance", Danger::None),
        source: "LU §4.1 L12, HV §2.5",
        rule: |seen| match get(&seen.around.has_pool)? {
            false => Ok(Judged::not_applicable("the HMC manages no Enterprise Pool")),
            true => {
                Err("the HMC manages a pool; whether it is in compliance is not read".to_owned())
            }
        },
    },
    Check {
        id: "L13",
        title: "the partition has a free virtual slot, and a vNIC its backing",
        looks_at: "HMC: lshwres -r virtualio --rsubtype slot; lsdev -C",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence(
            "raise the maximum of virtual adapters in the profile",
            Danger::Outage,
        ),
        source: "LU §4.1 L13, HV §2.4",
        rule: virtual_slot,
    },
    Check {
        id: "L14",
        title: "/var has 100 MB free, better 500 MB",
        looks_at: "df -m",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::command("chfs -a size=+1G /var", Danger::None)
            .after("rootvg has free partitions: lsvg rootvg"),
        source: "LU §4.1 L14",
        rule: |seen| space(seen.facts, "/var"),
    },
    Check {
        id: "L15",
        title: "/ has 100 MB free, better 500 MB",
        looks_at: "df -m",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::command("chfs -a size=+1G /", Danger::None)
            .after("rootvg has free partitions: lsvg rootvg"),
        source: "LU §4.1 L15",
        rule: |seen| space(seen.facts, "/"),
    },
    Check {
        id: "L16",
        title: "the profile is saved as wanted and its synchronisation is known",
        looks_at: "HMC: lssyscfg -r lpar",
        severity: Severity::Warn,
        levels: Levels::From(TechnologyLevel::TL_7300_03),
        remedy: Remedy::sentence(
            "synchronisation of the current profile has to be off for clone_from_hmc_profile",
            Danger::None,
        ),
        source: "LU §4.1 L16, HV §2.2",
        rule: profile_sync,
    },
];

fn able(seen: &Seen<'_>) -> Result<Judged, String> {
    let level = *get(&seen.facts.level)?;
    Ok(match level.technology {
        below if below.release < 7200 => {
            Judged::block("AIX below 7.2", vec![format!("this is {level}")])
        }
        below if below < TechnologyLevel::UPDATES => {
            let text = format!("{level} takes interim fixes only");
            Judged::warn("a level that takes interim fixes only", vec![text])
        }
        _ => Judged::pass(level.to_string()),
    })
}

/// Whether a fileset is there and whole.
fn installed(facts: &Facts, name: &str) -> Result<Judged, String> {
    let found = get(&facts.filesets)?.iter().find(|one| one.name == name);
    Ok(match found {
        None => {
            Judged::block(format!("{name} is not installed"), vec!["lslpp lists it not".into()])
        }
        Some(one) => match one.state {
            FilesetState::Applied | FilesetState::Committed => {
                Judged::pass(format!("{name} {}", one.level))
            }
            FilesetState::Broken | FilesetState::Other(_) => {
                Judged::block(format!("{name} is broken"), vec![format!("{:?}", one.state)])
            }
        },
    })
}

fn memory(seen: &Seen<'_>) -> Result<Judged, String> {
    let partition = get(&seen.facts.partition)?;
    let (Some(online), Some(least)) = (partition.online_memory(), partition.minimum_memory())
    else {
        return Err("lparstat -i shows no memory".to_owned());
    };
    let evidence = format!("online {online}, minimum {least}");
    Ok(if online.0.min(least.0) < 2048 {
        Judged::block("less than 2 GB of memory, now or as the minimum", vec![evidence])
    } else {
        Judged::pass(evidence)
    })
}

/// `SV810_081`: any letters, release, fix. Source of the lowest ones: LU §4.1 L07.
fn firmware(seen: &Seen<'_>) -> Result<Judged, String> {
    let level = get(&seen.facts.firmware)?;
    let unreadable = || format!("{level} is no level of firmware that is known here");
    let (release, fix) = level.split_once('_').ok_or_else(unreadable)?;
    let release = release.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    // What is in test carries more after the fix.
    let fix: String = fix.chars().take_while(char::is_ascii_digit).collect();
    let (release, fix): (u16, u16) = match (release.parse(), fix.parse()) {
        (Ok(release), Ok(fix)) => (release, fix),
        _ => return Err(unreadable()),
    };
    let is_enough = match release {
        730 => fix >= 66,
        740 => fix >= 43,
        770 => fix >= 63,
        773 | 780 => fix >= 56,
        release => release >= 810,
    };
    Ok(if is_enough {
        Judged::pass(level.clone())
    } else {
        Judged::block("firmware that is too old", vec![level.clone()])
    })
}

fn vios(seen: &Seen<'_>) -> Result<Judged, String> {
    let all = get(&seen.around.vioses)?;
    if all.is_empty() {
        return Err("the HMC shows no VIOS of the frame".to_owned());
    }
    let (mut old, mut shown) = (Vec::new(), Vec::new());
    for (name, vios) in all {
        let level = vios.level.as_ref().map_err(|why| format!("{name}: {why}"))?;
        let found = numbers(level);
        let text = format!("{name} is {level}");
        match found.is_empty() {
            true => return Err(format!("{name} says no level")),
            false if found < vec![2, 2, 3, 50] => old.push(text),
            false => shown.push(text),
        }
    }
    Ok(super::none("a VIOS below 2.2.3.50", old, &shown.join(", ")))
}

/// The numbers of a version, in order: `V10R3 M1060` is 10, 3, 1060, and `2.2.3.50` four.
fn numbers(text: &str) -> Vec<u64> {
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap_or(u64::MAX)).collect()
}

fn companions(seen: &Seen<'_>) -> Result<Judged, String> {
    let (mut old, mut shown) = (Vec::new(), Vec::new());
    for (name, least) in [("rsct.core.rmc", "3.2.1.0"), ("cluster.es.server.rte", "7.2.0.0")] {
        let Some(found) = get(&seen.facts.filesets)?.iter().find(|one| one.name == name) else {
            continue;
        };
        let text = format!("{name} {}", found.level);
        let (level, least) = (found.fileset_level(), least.parse::<FilesetLevel>().ok());
        match level {
            None => return Err(format!("{text} is no level of AIX")),
            level if level < least => old.push(text),
            _ => shown.push(text),
        }
    }
    let shown = if shown.is_empty() { "neither is installed".to_owned() } else { shown.join(", ") };
    Ok(super::none("RSCT or PowerHA that is too old", old, &shown))
}

fn capacity(around: &Around) -> Result<Judged, String> {
    let (memory, processors) = get(&around.need)?;
    let (free_memory, free_processors) = get(&around.free)?;
    let mut missing = Vec::new();
    if memory > free_memory {
        missing.push(format!("{memory} of memory are needed, {free_memory} are free"));
    }
    if processors > free_processors {
        missing.push(format!("{processors} processors are needed, {free_processors} are free"));
    }
    let fits =
        format!("{memory} and {processors} processors of {free_memory} and {free_processors}");
    Ok(super::none("no room on the frame", missing, &fits))
}

/// The next free slot is a number below the maximum; `none` is HV §2.1's word for no object.
fn virtual_slot(seen: &Seen<'_>) -> Result<Judged, String> {
    let slots = get(&seen.around.virtual_slots)?;
    let text = format!("the next free slot is {} of {}", slots.next, slots.most);
    let full = |text| Ok(Judged::block("no free virtual slot", vec![text]));
    match (slots.next.parse::<u32>(), slots.most.parse::<u32>()) {
        (Ok(next), Ok(most)) if next >= most => return full(text),
        (Ok(_), Ok(_)) => {}
        (Err(_), _) if slots.next == "none" => return full(text),
        (Err(_), _) | (_, Err(_)) => return Err(format!("the HMC says: {text}")),
    }
    let mut devices = get(&seen.facts.devices)?.iter();
    match devices.find(|one| one.class == "adapter" && one.description.contains("vNIC")) {
        Some(one) => Err(format!("{text}; the backing of {} is not looked at", one.name)),
        None => Ok(Judged::pass(text)),
    }
}

fn profile_sync(seen: &Seen<'_>) -> Result<Judged, String> {
    let hmc = get(&seen.facts.data)?.as_ref().and_then(|data| data.hmc.as_ref());
    if hmc.and_then(|hmc| hmc.clone_from_hmc_profile) != Some(true) {
        return Ok(Judged::not_applicable(
            "lvupdate.data does not say clone_from_hmc_profile = yes",
        ));
    }
    let state = get(&seen.around.profile_sync)?;
    let text = format!("sync_curr_profile is {state}");
    match state.as_str() {
        "0" => Ok(Judged::pass(text)),
        "1" | "2" => Ok(Judged::warn(
            "the profile is synchronised, which clone_from_hmc_profile excludes",
            vec![text],
        )),
        _ => Err(text),
    }
}

fn space(facts: &Facts, folder: &str) -> Result<Judged, String> {
    let all = get(&facts.file_systems)?;
    // What is not mounted by itself lies in the root.
    let found = all.iter().find(|one| one.mounted_on == folder);
    let found = found.or_else(|| all.iter().find(|one| one.mounted_on == "/"));
    let free =
        found.and_then(|one| one.free).ok_or_else(|| format!("df -m does not show {folder}"))?;
    let evidence = format!("{free} free in {folder}");
    Ok(match free.0 {
        ..100 => Judged::block(format!("{folder} is full"), vec![evidence]),
        100..500 => Judged::warn(format!("{folder} has less than 500 MB free"), vec![evidence]),
        _ => Judged::pass(evidence),
    })
}
