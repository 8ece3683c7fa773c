//! The hooks of a request that nimd runs itself: what was asked for, and what the settings want of every operation.

use nim_shared::api::{Cust, FileFault};
use nim_shared::hook::{MOST_HOOKS, NamedHook};
use nim_shared::id::ObjectName;

use super::plan;
use crate::api::Api;
use crate::api::error::Answer;
use crate::hooks;
use crate::telemetry::chain;

/// The master's hooks of `cust`, in their order: those of every operation first. What is wrong with them is added to `faults`. A preview
/// has none.
pub(super) async fn of(
    api: &Api,
    cust: &Cust,
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<NamedHook>> {
    let settings = &api.configuration.settings.hooks;
    if cust.kind.is_preview() {
        return Ok(Vec::new());
    }
    let mut refuse = |message: String| faults.push(plan::fault("master_hook", message));
    let same = |one: &NamedHook, other: &NamedHook| one.at == other.at && one.name == other.name;
    for (index, hook) in cust.master_hooks.iter().enumerate() {
        if let Err(bad) = hook.on_master() {
            refuse(bad.to_string());
        }
        if cust.master_hooks[..index].iter().any(|one| same(one, hook)) {
            refuse(format!("{} is named twice at {}", hook.name, hook.at));
        }
    }
    // What was asked for by name says what its failure means.
    let always = settings.always.0.iter();
    let always = always.filter(|one| !cust.master_hooks.iter().any(|other| same(one, other)));
    let all: Vec<NamedHook> = always.chain(&cust.master_hooks).cloned().collect();
    if all.len() > MOST_HOOKS {
        refuse(format!("at most {MOST_HOOKS} can be named, with those of hooks.always"));
    }
    let names = all.iter().map(|hook| hook.name.clone()).collect();
    look_for(api, "master_hook", names, faults).await?;
    Ok(all)
}

/// Looks whether the programs with these names may be run; what is wrong with them is said of the attribute `path`.
pub(in crate::api) async fn look_for(
    api: &Api,
    path: &'static str,
    names: Vec<ObjectName>,
    faults: &mut Vec<FileFault>,
) -> Answer<()> {
    let folder = api.configuration.settings.hooks.folder.clone();
    let wrong = super::super::apply::blocking(move || {
        let program = |name: &ObjectName| hooks::program(folder.as_deref(), name).err();
        names.iter().filter_map(program).map(|error| chain(&error)).collect::<Vec<_>>()
    })
    .await?;
    for message in wrong {
        let fault = plan::fault(path, message);
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    Ok(())
}
