//! The scripts and hooks of a request. Read when the request is made: the content of that moment is what runs.

use std::path::Path;

use nim_shared::api::{Cust, FileFault};
use nim_shared::hook::{BadHook, Hook, HookPoint, MOST_HOOKS, MOST_HOOKS_AT, NamedHook};
use nim_shared::id::{Digest, ObjectName};
use nim_shared::object::ObjectType;
use nim_shared::request::{Content, Kind, LARGEST_SCRIPT, Script};

use super::plan;
use super::source::{self, read_bytes};
use crate::api::Api;
use crate::api::error::Answer;

/// The scripts that `cust` names, in their order; what is wrong with them is added to `faults`.
pub(super) async fn read(
    api: &Api,
    cust: &Cust,
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<Script>> {
    contents(api, "script", &cust.scripts, faults).await
}

/// The scripts with these names; what is wrong with them is said of the attribute `path`.
async fn contents(
    api: &Api,
    path: &'static str,
    names: &[ObjectName],
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<Script>> {
    let files = source::files(api, names, ObjectType::Script, faults).await?;
    let read = super::super::apply::blocking(move || {
        let read = |(name, location): (_, String)| {
            (name, read_bytes(Path::new(&location), LARGEST_SCRIPT))
        };
        files.into_iter().map(read).collect::<Vec<_>>()
    })
    .await?;
    let mut scripts = Vec::new();
    for (name, content) in read {
        match content {
            Ok(content) if content.is_empty() => {
                faults.push(plan::fault(path, format!("{name} is empty")));
            }
            Ok(content) => {
                let (digest, bytes) = (Digest::of(&content), content.len() as u64);
                scripts.push(Script { name, content: Content { digest, bytes } });
            }
            Err(why) => faults.push(plan::fault(path, format!("{name}: {why}"))),
        }
    }
    Ok(scripts)
}

/// The hooks that `cust` names, in their order; what is wrong with them is added to `faults`.
pub(super) async fn hooks(
    api: &Api,
    cust: &Cust,
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<Hook>> {
    named_hooks(api, &cust.hooks, faults).await
}

/// The hooks with these names, in their order; what is wrong with them is added to `faults`.
pub(in crate::api) async fn named_hooks(
    api: &Api,
    named: &[NamedHook],
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<Hook>> {
    let mut names: Vec<ObjectName> = Vec::new();
    for hook in named {
        if !names.contains(&hook.name) {
            names.push(hook.name.clone());
        }
    }
    with_contents(api, "hook", named, &names, faults).await
}

/// The scripts with these names as hooks that make a backup; what is wrong with them is added to `faults`.
pub(super) async fn backup_hooks(
    api: &Api,
    names: &[ObjectName],
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<Hook>> {
    let hooks: Vec<NamedHook> = names.iter().map(NamedHook::backup).collect();
    with_contents(api, "backup", &hooks, names, faults).await
}

async fn with_contents(
    api: &Api,
    path: &'static str,
    named: &[NamedHook],
    names: &[ObjectName],
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<Hook>> {
    let scripts = contents(api, path, names, faults).await?;
    let hook = |NamedHook { at, name, exit }: &NamedHook| {
        let script = scripts.iter().find(|script| script.name == *name)?.clone();
        Some(Hook { at: *at, exit: *exit, script })
    };
    Ok(named.iter().filter_map(hook).collect())
}

/// What is wrong with the hooks of a request by themselves.
pub(super) fn hook_faults(cust: &Cust) -> Vec<FileFault> {
    let mut faults = Vec::new();
    let mut refuse = |message: String| faults.push(plan::fault("hook", message));
    if cust.hooks.is_empty() {
        return faults;
    }
    if cust.kind.is_maintenance() || cust.kind == Kind::AltDisk {
        refuse("goes with cust: neither maintenance nor a copy of rootvg takes one".to_owned());
    }
    if cust.hooks.len() > MOST_HOOKS {
        refuse(format!("at most {MOST_HOOKS} can be named"));
    }
    for (index, hook) in cust.hooks.iter().enumerate() {
        let NamedHook { at, name, exit } = hook;
        if !at.takes(*exit) {
            refuse(BadHook::Late(*at).to_string());
        }
        if cust.hooks[..index].iter().any(|one| one.at == *at && one.name == *name) {
            refuse(format!("{name} is named twice at {at}"));
        }
    }
    if let Some(hook) = cust.hooks.iter().find(|hook| hook.at == HookPoint::Backup) {
        refuse(format!("{} at backup: {}", hook.name, BadHook::OfThePolicy(hook.at)));
    }
    if let Some(hook) = cust.hooks.iter().find(|hook| hook.at == HookPoint::BeforeReboot) {
        refuse(format!(
            "{} at before-reboot: an update boots nothing; it goes with nimctl rollback",
            hook.name
        ));
    }
    for at in HookPoint::ALL {
        if cust.hooks.iter().filter(|hook| hook.at == *at).count() > MOST_HOOKS_AT {
            refuse(format!("at most {MOST_HOOKS_AT} can be named at {at}"));
        }
    }
    faults
}

/// What a preview leaves out.
pub(super) fn not_run(cust: &Cust) -> Vec<FileFault> {
    let mut warnings = Vec::new();
    let scripts: Vec<String> = cust.scripts.iter().map(ToString::to_string).collect();
    let names = |hooks: &[NamedHook]| hooks.iter().map(|one| one.name.to_string()).collect();
    let (hooks, on_master) = (names(&cust.hooks), names(&cust.master_hooks));
    for (what, names) in [("script", scripts), ("hook", hooks), ("master_hook", on_master)] {
        if cust.kind.is_preview() && !names.is_empty() {
            let names = names.join(", ");
            let text = format!("a preview runs no {what}: {names} is left out");
            warnings.push(plan::fault(what, text));
        }
    }
    warnings
}
