//! From text to a rollout, with all that is wrong.

use std::collections::BTreeSet;

use nim_shared::api::{File, FileFault};
use nim_shared::id::ObjectName;
use nim_shared::yaml::read_document;

use super::notify::notify;
use super::section::{Faults, Section};
use super::strategy;
use super::{Chosen, Exclusion, Operation, Rollout, Targets, Wave, timing};

/// Keys of a rollout.
const KEYS: &[&str] = &[
    "name",
    "targets",
    "operation",
    "waves",
    "limits",
    "apart",
    "stop",
    "windows",
    "freezes",
    "blackout",
    "retry",
    "deadlines",
    "assume",
    "notify",
    "seed",
];

/// Reads a rollout.
///
/// # Errors
/// All that is wrong with it, in the order of the file, each with its place.
pub fn read(file: &File) -> Result<Rollout, Vec<FileFault>> {
    let mut faults = Faults::of(&file.name);
    let document = read_document(file).map_err(|fault| vec![fault])?;
    let Some(document) = document else {
        faults.add(1, "", "is empty; it holds a mapping with name, targets and operation");
        return Err(faults.finish());
    };
    let root = Section::new(&document, "", KEYS, &mut faults);
    let read = rollout(&root, &mut faults);
    let faults = faults.finish();
    match read {
        Some(read) if faults.is_empty() => Ok(read),
        Some(_) | None => Err(faults),
    }
}

fn rollout(root: &Section<'_>, faults: &mut Faults) -> Option<Rollout> {
    // All is read before anything is found missing: whoever has one fault wants to hear of the others too.
    let name = root.need("name", faults);
    let targets = targets(root, faults);
    let operation = Operation::read(root, faults);
    let waves = waves(root, faults);
    let limits = strategy::limits(root, faults);
    let apart = strategy::apart(root, faults);
    let stop = strategy::stop(root, faults);
    let windows = timing::windows(root, faults);
    let freezes = timing::freezes(root, faults);
    let blackout = strategy::blackout(root, faults);
    let retry = strategy::retry(root, faults);
    let deadlines = strategy::deadlines(root, faults);
    let assume = strategy::assume(root, faults);
    let notify = notify(root, faults);
    let seed = root.get("seed", faults).unwrap_or_default();
    Some(Rollout {
        name: name?,
        targets: targets?,
        operation: operation?,
        waves,
        limits,
        apart,
        stop,
        windows,
        freezes,
        blackout,
        retry,
        deadlines,
        assume,
        notify,
        seed,
    })
}

fn targets(root: &Section<'_>, faults: &mut Faults) -> Option<Targets> {
    let keys = ["names", "groups", "labels", "levels", "exclude"];
    let Some(section) = root.section("targets", &keys, faults) else {
        faults.add(root.line, "targets", "is required: names, groups or labels of LPARs");
        return None;
    };
    let chosen = chosen(&section, faults);
    let none = ["names", "groups", "labels"].iter().all(|key| section.node(key).is_none());
    if none {
        faults.add(section.line, "targets", "chooses nobody: it takes names, groups or labels");
    }
    let levels = section.list("levels", faults);
    let keys = ["names", "groups", "labels", "levels"];
    let exclude = section.section("exclude", &keys, faults).map(|exclude| Exclusion {
        chosen: self::chosen(&exclude, faults),
        levels: exclude.list("levels", faults),
    });
    Some(Targets { chosen, levels, exclude: exclude.unwrap_or_default() })
}

pub(super) fn chosen(section: &Section<'_>, faults: &mut Faults) -> Chosen {
    Chosen {
        names: section.list("names", faults),
        groups: section.list("groups", faults),
        labels: section.get("labels", faults),
    }
}

fn waves(root: &Section<'_>, faults: &mut Faults) -> Vec<Wave> {
    let keys = ["name", "labels", "frames", "take", "canary", "soak", "approval", "healthy"];
    let mut names: BTreeSet<ObjectName> = BTreeSet::new();
    let mut waves = Vec::new();
    // Whoever comes after a wave that takes all that is left gets nothing.
    let mut all_taken: Option<ObjectName> = None;
    for (node, path) in root.items("waves") {
        let wave = Section::new(node, &path, &keys, faults);
        let Some(name) = wave.need::<ObjectName>("name", faults) else { continue };
        if !names.insert(name.clone()) {
            faults.add(wave.line, &wave.of("name"), format!("another wave is called \"{name}\""));
        }
        if let Some(before) = &all_taken {
            let message = format!("takes nobody: wave \"{before}\" takes all that are left");
            faults.add(wave.line, &wave.path, message);
        }
        let read = Wave {
            labels: wave.get("labels", faults),
            frames: wave.list("frames", faults),
            take: wave.get("take", faults),
            canary: wave.word("canary", strategy::CANARY, faults),
            soak: wave.get("soak", faults),
            approval: wave.word("approval", strategy::APPROVAL, faults).unwrap_or_default(),
            healthy: wave.get("healthy", faults),
            name,
        };
        if read.canary.is_some() && read.take.is_some() {
            faults.add(
                wave.line,
                &wave.of("take"),
                "goes without canary: a canary wave takes one of each class",
            );
        }
        let keys = ["labels", "frames", "take", "canary"];
        if keys.iter().all(|key| wave.node(key).is_none()) {
            all_taken.get_or_insert(read.name.clone());
        }
        waves.push(read);
    }
    waves
}
