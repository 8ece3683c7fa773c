//! `check`: whether a machine answers, and whether a resource is where its object says.
//!
//! What is found is kept and shown as `Mstate` or `Rstate`. What is not known changes neither.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{Check, Checked, Failure, FailureKind};
use nim_shared::id::ObjectName;
use nim_shared::object::{MASTER, ObjectClass, ObjectType, Spec};
use tracing::info;

use super::Api;
use super::apply::blocking;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use super::look::Silence;
use super::object::views;
use crate::store::object::Stored;

/// `POST /v1/objects/{name}/check`
pub(super) async fn check(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(check): Body<Check>,
) -> Answer<Json<Checked>> {
    let stored = api.store.object(&name).await?;
    let of = stored.object.spec.object_type();
    let failure = match of {
        ObjectType::Standalone => machine(&api, &stored, check.force).await?,
        ObjectType::LppSource => {
            return Err(not_here(&name, of, "POST /v1/lpp_sources/{name}/check looks into it"));
        }
        of if of.class() == ObjectClass::Resources => resource(&api, &stored).await?,
        of => return Err(not_here(&name, of, "nim -o check is for machines and resources")),
    };
    info!(object.name = %name, peer.uid = who.uid, "{name} was checked by uid {}", who.uid);
    // It may have gone meanwhile.
    let object = views(&api, vec![api.store.object(&name).await?]).await?.remove(0);
    Ok(Json(Checked { object, failure }))
}

fn not_here(name: &ObjectName, of: ObjectType, hint: &str) -> Refusal {
    Refusal::refused("NLU-0123", format!("{name} is of type {of}, which is not checked")).hint(hint)
}

/// Whether the agent on an LPAR answers. While an operation is open on it that is what is known of it: nobody is asked beside it,
/// unless that is forced.
async fn machine(api: &Api, stored: &Stored, force: bool) -> Answer<Option<Failure>> {
    let name = &stored.object.name;
    if force {
        Silence::new(api).refuse(name, "check").await?;
    } else {
        let last = api.store.last_operations(&[name]).await?;
        if last.get(name).is_some_and(|last| !last.operation.name().is_terminal()) {
            return Ok(None);
        }
    }
    let status = api.hosts.agent_status(name.clone()).await;
    match &status.failure {
        None => {
            api.store.checked(stored, None).await?;
        }
        Some(failure) if SILENT.contains(&failure.code.as_str()) => {
            api.store.checked(stored, Some(&failure.message)).await?;
        }
        // It answers, but not as it should; or it is not known whether it would.
        Some(_) => {}
    }
    Ok(status.failure)
}

/// Codes that say that nobody answers: no connection, none in time, none from the last bastion, no agent in time.
const SILENT: [&str; 4] = ["NLU-0201", "NLU-0207", "NLU-0224", "NLU-0194"];

/// Whether a resource is at its place.
async fn resource(api: &Api, stored: &Stored) -> Answer<Option<Failure>> {
    let object = &stored.object;
    // What has its content in itself is always there.
    let Some((server, location)) = object.spec.place() else { return Ok(None) };
    if server != MASTER {
        return Err(Refusal::refused(
            "NLU-0125",
            format!(
                "{} lies on {server}, and this master looks at its own files only",
                object.name
            ),
        )
        .hint(format!("look there: ls -l {location}")));
    }
    let path = Path::new(location).to_owned();
    let wanted = wanted(&object.spec);
    let problem = blocking(move || problem(std::fs::metadata(&path), wanted)).await?;
    api.store.checked(stored, problem.as_deref()).await?;
    Ok(problem.map(|problem| Failure {
        code: "NLU-0124".to_owned(),
        message: format!("{} cannot be used: {location}", object.name),
        causes: vec![problem],
        hint: Some(format!(
            "put it there, or correct the object: nim -o change -a location=PATH {}",
            object.name
        )),
        faults: Vec::new(),
        kind: FailureKind::Refused,
    }))
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    File,
    Folder,
}

/// A `spot` is a tree; everything else is a file. Source: the NIM reference, §1.4.
const fn wanted(spec: &Spec) -> Wanted {
    match spec {
        Spec::Spot(_) => Wanted::Folder,
        _ => Wanted::File,
    }
}

/// What is wrong with what was found.
fn problem(found: io::Result<Metadata>, wanted: Wanted) -> Option<String> {
    match (found, wanted) {
        (Err(cause), _) => Some(cause.to_string()),
        (Ok(found), Wanted::File) if !found.is_file() => Some("it is no file".to_owned()),
        (Ok(found), Wanted::Folder) if !found.is_dir() => Some("it is no folder".to_owned()),
        (Ok(_), _) => None,
    }
}
