//! `allocate` and `deallocate`: which resources machines hold.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{Allocate, AllocationChange, Deallocate, FileFault, Pair};
use nim_shared::id::ObjectName;
use nim_shared::object::{Object, ObjectClass, ObjectType};
use tracing::info;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body};
use crate::store::object::{Deed, Difference, InUse};

/// `POST /v1/allocate`: each resource to each machine that does not hold it, or nothing to any.
pub(super) async fn allocate(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(ask): Body<Allocate>,
) -> Answer<Json<AllocationChange>> {
    let resources = resources(&api, &ask.resources, NOT_ALLOCATED).await?;
    let names = once(&ask.machines);
    let edit = |objects: Vec<Object>| {
        let mut faults = Faults::missing(&names, &objects);
        let mut changed = Vec::new();
        for mut object in objects {
            let of = object.spec.object_type();
            let Some(held) = object.spec.allocated_mut() else {
                faults.add(object.name.as_str(), no_machine(of));
                continue;
            };
            let more: Vec<_> =
                resources.iter().filter(|name| !held.contains(name)).cloned().collect();
            held.extend(more);
            changed.push(object);
        }
        faults.or(NOT_ALLOCATED).map(|()| changed)
    };
    let done = changed(api.store.edit::<Refusal>(&names, who, edit).await?);
    info!(
        count = done.len(),
        peer.uid = who.uid,
        "resources were allocated to {} machines by uid {}",
        done.len(),
        who.uid
    );
    Ok(Json(AllocationChange { machines: done, warnings: Vec::new() }))
}

/// `POST /v1/deallocate`
pub(super) async fn deallocate(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(ask): Body<Deallocate>,
) -> Answer<Json<AllocationChange>> {
    let resources = match ask.all {
        true => Vec::new(),
        false => resources(&api, &ask.resources, NOT_TAKEN).await?,
    };
    let names = once(&ask.machines);
    let used = api.store.in_use(Some(&names.iter().collect::<Vec<_>>())).await?;
    let mut warnings = Vec::new();
    let edit = |objects: Vec<Object>| {
        let (changed, more) = taken(&names, objects, &resources, &used, &ask)?;
        warnings = more;
        Ok(changed)
    };
    let done = changed(api.store.edit::<Refusal>(&names, who, edit).await?);
    info!(
        count = done.len(),
        peer.uid = who.uid,
        "resources were taken back from {} machines by uid {}",
        done.len(),
        who.uid
    );
    Ok(Json(AllocationChange { machines: done, warnings }))
}

/// The machines without what is to be taken back, and what an operation keeps.
fn taken(
    names: &[ObjectName],
    objects: Vec<Object>,
    resources: &[ObjectName],
    used: &[InUse],
    ask: &Deallocate,
) -> Result<(Vec<Object>, Vec<FileFault>), Refusal> {
    let mut faults = Faults::missing(names, &objects);
    let mut warnings = Vec::new();
    let mut changed = Vec::new();
    // Of a resource that one machine of several holds it is the one that is meant.
    let mut nowhere: BTreeSet<&ObjectName> = resources.iter().collect();
    for mut object in objects {
        let (name, of) = (object.name.clone(), object.spec.object_type());
        let Some(held) = object.spec.allocated_mut() else {
            faults.add(name.as_str(), no_machine(of));
            continue;
        };
        let is_meant = |resource: &ObjectName| ask.all || resources.contains(resource);
        for one in used.iter().filter(|one| one.machine == name && is_meant(&one.resource)) {
            nowhere.remove(&one.resource);
            let InUse { of, resource, operation, .. } = one;
            let message = format!(
                "operation {operation} uses the {of} {resource}: it comes back when that ends"
            );
            match ask.force {
                true => warnings.push(fault(name.as_str(), message)),
                false => faults.add(name.as_str(), message),
            }
        }
        for resource in held.iter() {
            nowhere.remove(resource);
        }
        held.retain(|resource| !is_meant(resource));
        changed.push(object);
    }
    if !ask.force {
        nowhere.into_iter().for_each(|resource| {
            faults.add(resource.as_str(), "none of the machines holds it".to_owned())
        });
    }
    faults.or(NOT_TAKEN).map(|()| (changed, warnings))
}

/// Code and text of a request that was refused.
type NotDone = (&'static str, &'static str);

const NOT_ALLOCATED: NotDone = ("NLU-0121", "nothing was allocated");

const NOT_TAKEN: NotDone = ("NLU-0122", "nothing was taken back");

/// The resources that `pairs` name, in their order, each of the type that is said.
async fn resources(api: &Api, pairs: &[Pair], not_done: NotDone) -> Answer<Vec<ObjectName>> {
    let mut faults = Faults::default();
    let mut named: Vec<(ObjectType, ObjectName)> = Vec::new();
    for Pair { attribute, value } in pairs {
        match (attribute.parse::<ObjectType>(), value.parse::<ObjectName>()) {
            (Ok(of), Ok(name)) if of.class() == ObjectClass::Resources => named.push((of, name)),
            (Ok(of), _) if of.class() == ObjectClass::Resources => {
                faults.add(
                    attribute,
                    format!("\"{}\" is no name of an object", nim_shared::id::printable(value)),
                );
            }
            _ => faults.add(attribute, "is no type of resources".to_owned()),
        }
    }
    if pairs.is_empty() {
        faults.add("resources", "none is named".to_owned());
    }
    let names: Vec<_> = named.iter().map(|(_, name)| name.clone()).collect();
    let found = super::cust::objects(&api.store, &names).await?;
    for (of, name) in &named {
        match found.get(name).map(|object| object.spec.object_type()) {
            Some(found) if found == *of => {}
            Some(found) => faults.add(of.name(), format!("{name} is of type {found}")),
            None => faults.add(of.name(), format!("there is no object \"{name}\"")),
        }
    }
    faults.or(not_done).map(|()| once(&names))
}

/// What stands against a request.
#[derive(Default)]
struct Faults(Vec<FileFault>);

impl Faults {
    /// Those of `names` that are not among `objects`.
    fn missing(names: &[ObjectName], objects: &[Object]) -> Self {
        let found: BTreeSet<_> = objects.iter().map(|object| &object.name).collect();
        let missing = names.iter().filter(|name| !found.contains(name));
        let mut faults: Vec<_> = missing
            .map(|name| fault(name.as_str(), "there is no such machine".to_owned()))
            .collect();
        if names.is_empty() {
            faults.push(fault("machines", "none is named".to_owned()));
        }
        Self(faults)
    }

    fn add(&mut self, path: &str, message: String) {
        self.0.push(fault(path, message));
    }

    /// Nothing, where nothing stands against it.
    fn or(self, (code, what): NotDone) -> Answer<()> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Refusal::refused(code, what).faults(self.0)),
        }
    }
}

fn fault(path: &str, message: String) -> FileFault {
    FileFault { file: None, line: None, path: path.to_owned(), message }
}

fn no_machine(of: ObjectType) -> String {
    format!("is of type {of}: resources are allocated to machines")
}

/// Each of `names` once, in their order.
fn once(names: &[ObjectName]) -> Vec<ObjectName> {
    let mut seen = BTreeSet::new();
    names.iter().filter(|name| seen.insert(*name)).cloned().collect()
}

/// The objects that were changed.
fn changed(differences: Vec<Difference>) -> Vec<ObjectName> {
    let changed = differences.into_iter().filter(|one| one.deed == Deed::Changed);
    changed.map(|one| one.name).collect()
}
