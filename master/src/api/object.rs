//! Objects: define, show, change, remove.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use nim_shared::api::{Define, Edit, FileFault, ObjectView, Pair, PastChange};
use nim_shared::id::ObjectName;
use nim_shared::object::{Draft, Fault, LiveUpdateData, Object, Spec};
use tracing::info;

use super::Api;
use super::apply::attribute;
use super::derived::Derived;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named, Query};
use super::words;
use crate::render;
use crate::store;
use crate::store::object::{Change, Mode, Problem, Stored};

/// `POST /v1/objects`
pub(super) async fn define(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(define): Body<Define>,
) -> Answer<(StatusCode, Json<ObjectView>)> {
    let mut meant = words::meant(&api, define.object_type, &define.attributes).await?;
    let mut draft = Draft::new(define.object_type);
    for Pair { attribute, value } in meant.pairs.drain(..) {
        draft.add(&attribute, &value);
    }
    let object = finish(draft, &define.name)?;
    let changes = meant.changes(&api, &object.name, Change::Define(object.clone())).await?;
    api.store.apply(changes, Mode::Store, who).await?;
    info!(
        object.name = %object.name, object.type = %define.object_type, peer.uid = who.uid,
        "{} {} was defined by uid {}", define.object_type, object.name, who.uid
    );
    super::lpp::look_soon(&api, [&object]);
    Ok((StatusCode::CREATED, Json(view(&api, &object.name).await?)))
}

/// `GET /v1/objects/{name}`
pub(super) async fn show(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
) -> Answer<Json<ObjectView>> {
    Ok(Json(view(&api, &name).await?))
}

/// `GET /v1/objects/{name}/history`, also of an object that is gone.
pub(super) async fn history(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
    mut query: Query,
) -> Answer<Json<Vec<PastChange>>> {
    let limit = query.limit()?;
    query.end()?;
    let past = api.store.object_history(&name, limit).await?;
    let row = |one: store::object::Past| PastChange {
        at: one.at,
        by_uid: one.by.uid,
        what: one.what,
        version: one.version,
        attributes: one.attributes.into_iter().map(attribute).collect(),
    };
    Ok(Json(past.into_iter().map(row).collect()))
}

/// `PATCH /v1/objects/{name}`
pub(super) async fn edit(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(edit): Body<Edit>,
) -> Answer<Json<ObjectView>> {
    let stored = api.store.object(&name).await?;
    let (edit, meant) = words::meant_edit(&api, stored.object.spec.object_type(), edit).await?;
    let changed = edited(&stored.object, &edit)?;
    // Two people who change the same object do not undo each other's work: the second is told.
    let version = edit.version.unwrap_or(stored.version);
    let beside = meant.network.is_some() || !meant.groups.is_empty();
    if changed != stored.object || beside || edit.version.is_some_and(|seen| seen != stored.version)
    {
        let change = Change::Change { object: changed.clone(), version: Some(version) };
        let changes = meant.changes(&api, &name, change).await?;
        let mode = if edit.force { Mode::Force } else { Mode::Store };
        api.store.apply(changes, mode, who).await?;
        info!(
            object.name = %name, object.type = %changed.spec.object_type(), peer.uid = who.uid,
            "{name} was changed by uid {}", who.uid
        );
        super::lpp::look_soon(&api, [&changed]);
    }
    Ok(Json(view(&api, &name).await?))
}

/// `DELETE /v1/objects/{name}`
pub(super) async fn remove(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
) -> Answer<StatusCode> {
    api.store.remove(&name, who).await.map_err(|error| not_removed(&name, error))?;
    info!(object.name = %name, peer.uid = who.uid, "{name} was removed by uid {}", who.uid);
    Ok(StatusCode::NO_CONTENT)
}

/// Why an object stays. The store's own words are about storing.
fn not_removed(name: &ObjectName, error: store::Error) -> Refusal {
    match error {
        store::Error::Faults { faults } if faults.iter().any(|f| f.problem == Problem::Missing) => {
            store::Error::NoSuchObject { name: name.clone() }.into()
        }
        store::Error::Faults { faults } => {
            let row = |fault: &store::object::Fault| FileFault {
                file: None,
                line: None,
                path: String::new(),
                message: fault.problem.to_string(),
            };
            let hint = faults.iter().find_map(|fault| fault.problem.hint());
            let refusal = Refusal::refused("NLU-0112", format!("{name} cannot be removed"))
                .faults(faults.iter().map(row).collect());
            match hint {
                Some(hint) => refusal.hint(hint),
                None => refusal,
            }
        }
        other => other.into(),
    }
}

/// `object` after `edit`.
fn edited(object: &Object, edit: &Edit) -> Answer<Object> {
    let mut draft = Draft::of(object);
    for Pair { attribute, value } in &edit.set {
        draft.set(attribute, value);
    }
    for Pair { attribute, value } in &edit.add {
        draft.add(attribute, value);
    }
    let missing: Vec<_> = edit
        .remove
        .iter()
        .filter_map(|Pair { attribute, value }| draft.remove(attribute, value).err())
        .collect();
    draft.settle(&object.spec);
    match (finish(draft, &object.name), missing.is_empty()) {
        (Ok(changed), true) => Ok(changed),
        (Ok(_), false) => Err(bad_attributes(&object.name, &missing)),
        (Err(refusal), true) => Err(refusal),
        (Err(refusal), false) => {
            let mut faults = rows(&missing);
            faults.extend(refusal.failure().faults);
            Err(bad_attributes(&object.name, &[]).faults(faults))
        }
    }
}

/// The object that `draft` makes.
fn finish(draft: Draft, name: &ObjectName) -> Answer<Object> {
    draft.finish(name.clone()).map_err(|faults| bad_attributes(name, &faults))
}

/// Says what is wrong with attributes, all of it.
fn bad_attributes(name: &ObjectName, faults: &[Fault]) -> Refusal {
    Refusal::usage("NLU-0110", format!("the attributes of {name} are not right"))
        .faults(rows(faults))
}

/// Faults of attributes as the API has them.
fn rows(faults: &[Fault]) -> Vec<FileFault> {
    let row = |fault: &Fault| FileFault {
        file: None,
        line: None,
        path: fault.attribute.clone(),
        message: fault.problem.to_string(),
    };
    faults.iter().map(row).collect()
}

/// One object as it is shown.
async fn view(api: &Api, name: &ObjectName) -> Answer<ObjectView> {
    let stored = api.store.object(name).await?;
    let mut views = views(api, vec![stored]).await?;
    Ok(views.remove(0))
}

/// Objects as they are shown. A few queries, however many there are.
pub(super) async fn views(api: &Api, stored: Vec<Stored>) -> Answer<Vec<ObjectView>> {
    let derived = Derived::of(api, &stored).await?;
    Ok(stored
        .into_iter()
        .map(|one| ObjectView {
            derived: derived.pairs(&one.object),
            warnings: warnings(&one.object.spec),
            last_seen: derived.last_seen(&one.object.name),
            class: one.object.spec.object_type().class(),
            version: one.version,
            created_at: one.created_at,
            changed_at: one.changed_at,
            object: one.object,
        })
        .collect())
}

/// What somebody should look at in an object.
pub(super) fn warnings(spec: &Spec) -> Vec<String> {
    match spec {
        Spec::LiveUpdateData(LiveUpdateData { content: Some(template), .. }) => {
            render::look(template)
        }
        _ => Vec::new(),
    }
}
