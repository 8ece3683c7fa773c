//! A whole fleet from YAML, and back.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use nim_shared::api::{
    Action, Applied, Apply, AttributeChange, FileFault, ObjectChange, PAGE_LIMIT,
};
use nim_shared::id::ObjectName;
use nim_shared::object::{Object, ObjectType};
use nim_shared::yaml::{Fleet, Place, render_fleet};
use tracing::info;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Query};
use crate::store::object::{Change, Deed, Difference, Mode, ObjectFilter, Stored};
use crate::store::{self, Store};

/// `POST /v1/apply`: all or nothing, in one transaction.
pub(super) async fn apply(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(apply): Body<Apply>,
) -> Answer<Json<Applied>> {
    let dry_run = apply.dry_run;
    // Reading a fleet of 100,000 LPARs takes the processor for a while: not the one that answers others.
    let fleet = blocking(move || Fleet::read(&apply.files)).await?;
    let known = types(&api.store, fleet.names()).await?;
    let objects =
        blocking(move || fleet.check(|name| known.get(name).copied())).await?.map_err(bad_files)?;
    let looked = |(object, place): &(Object, Place)| {
        let warnings = super::object::warnings(&object.spec);
        (!warnings.is_empty()).then(|| (object.name.clone(), (place.clone(), warnings)))
    };
    let warned: BTreeMap<_, _> = objects.iter().filter_map(looked).collect();
    let (changes, places): (Vec<_>, BTreeMap<_, _>) = objects
        .into_iter()
        .map(|(object, place)| {
            let name = object.name.clone();
            (Change::Put(object), (name, place))
        })
        .unzip();
    let sources: Vec<Object> = changes.iter().filter_map(source).collect();
    let mode = if dry_run { Mode::DryRun } else { Mode::Store };
    let differences = api.store.apply(changes, mode, who).await.map_err(|error| match error {
        // What only the database can know is said with its place in the file too.
        store::Error::Faults { faults } => {
            let rows = faults.iter().map(|fault| placed(fault, places.get(&fault.object)));
            bad_files(rows.collect())
        }
        other => other.into(),
    })?;
    let mut applied = applied(differences, !dry_run);
    for change in &applied.changes {
        let Some((place, warnings)) = warned.get(&change.name) else { continue };
        applied.warnings.extend(warnings.iter().map(|message| FileFault {
            file: Some(place.file.clone()),
            line: Some(place.line),
            path: place.path.clone(),
            message: message.clone(),
        }));
    }
    if !dry_run {
        info!(
            count = applied.changes.len(),
            peer.uid = who.uid,
            "{} objects were created or changed by uid {}",
            applied.changes.len(),
            who.uid
        );
        let is_changed =
            |source: &&Object| applied.changes.iter().any(|one| one.name == source.name);
        super::lpp::look_soon(&api, sources.iter().filter(is_changed));
    }
    Ok(Json(applied))
}

/// The object of a change, where it is an `lpp_source`.
fn source(change: &Change) -> Option<Object> {
    match change {
        Change::Put(object) if object.spec.object_type() == ObjectType::LppSource => {
            Some(object.clone())
        }
        _ => None,
    }
}

/// `GET /v1/export`: the objects with these names or patterns, all of them where none is given, as a fleet file.
pub(super) async fn export(
    State(api): State<Api>,
    mut query: Query,
) -> Answer<([(axum::http::HeaderName, &'static str); 1], String)> {
    let names = query.names("name")?;
    query.end()?;
    let objects = all(&api.store, &ObjectFilter { names, ..ObjectFilter::default() }).await?;
    let text = blocking(move || render_fleet(&objects)).await?.map_err(|cause| {
        Refusal::internal("NLU-0119", "the fleet cannot be written as YAML", &cause)
    })?;
    Ok(([(CONTENT_TYPE, "application/yaml")], text))
}

/// Every object that `filter` lets through.
pub(super) async fn all(store: &Store, filter: &ObjectFilter) -> Result<Vec<Object>, store::Error> {
    Ok(all_stored(store, filter).await?.into_iter().map(|one| one.object).collect())
}

/// The same, with their versions.
pub(super) async fn all_stored(
    store: &Store,
    filter: &ObjectFilter,
) -> Result<Vec<Stored>, store::Error> {
    let mut objects = Vec::new();
    let mut after = None;
    loop {
        let page = store.objects(filter, after, PAGE_LIMIT).await?;
        objects.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(objects);
        }
    }
}

/// The types of those of `names` that are defined: one query for each thousand.
async fn types(
    store: &Store,
    names: impl IntoIterator<Item = ObjectName>,
) -> Result<BTreeMap<ObjectName, ObjectType>, store::Error> {
    let names: Vec<_> = names.into_iter().collect();
    let found = super::cust::objects(store, &names).await?;
    Ok(found.into_iter().map(|(name, object)| (name, object.spec.object_type())).collect())
}

/// Runs what takes the processor for a while on a thread for such things.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Answer<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| Refusal::internal("NLU-0199", "a fault in nimd ended the request", &cause))
}

/// Files with faults.
fn bad_files(faults: Vec<FileFault>) -> Refusal {
    let what = if faults.len() == 1 { "1 fault" } else { &format!("{} faults", faults.len()) };
    Refusal::refused("NLU-0111", format!("{what} in the files; nothing was changed")).faults(faults)
}

/// A fault that the database found, with the place of its object.
fn placed(fault: &store::object::Fault, place: Option<&Place>) -> FileFault {
    let message = format!("{}: {}", fault.object, fault.problem);
    FileFault {
        file: place.map(|place| place.file.clone()),
        line: place.map(|place| place.line),
        path: place.map(|place| place.path.clone()).unwrap_or_default(),
        message,
    }
}

/// One attribute that differs, as the API has it.
pub(super) fn attribute(change: store::object::AttributeChange) -> AttributeChange {
    let store::object::AttributeChange { attribute, before, after } = change;
    AttributeChange { attribute, before, after }
}

/// The differences as the API has them.
pub(super) fn applied(differences: Vec<Difference>, applied: bool) -> Applied {
    let mut answer = Applied { applied, changes: Vec::new(), unchanged: 0, warnings: Vec::new() };
    for one in differences {
        let action = match one.deed {
            Deed::Made => Action::Create,
            Deed::Changed => Action::Change,
            // A fleet file removes nothing.
            Deed::Same | Deed::Removed => {
                answer.unchanged += 1;
                continue;
            }
        };
        let attributes = one.attributes.into_iter().map(attribute);
        answer.changes.push(ObjectChange {
            name: one.name,
            object_type: one.object_type,
            action,
            attributes: attributes.collect(),
        });
    }
    answer
}
