//! The agent on an LPAR: its installer, what it says about itself, and what AIX answers through it.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use nim_shared::api::{AgentStatus, QueryAnswer};
use nim_shared::id::ObjectName;
use nim_shared::object::{Spec, Standalone};
use nim_shared::query::Query;
use tracing::info;

use super::Api;
use super::apply::blocking;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use super::look::Silence;
use crate::bundle;

/// `GET /v1/agent/{lpar}/bundle`
pub(super) async fn bundle(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
) -> Answer<([(HeaderName, &'static str); 1], String)> {
    let lpar = lpar(&api, &name).await?;
    let folder = api.configuration.agents();
    // The key that this LPAR is logged in to with, which may be another than the master's.
    let public_key = match &lpar.ssh_key {
        None => api.public_key.clone(),
        Some(path) => api.hosts.public_key(Path::new(path))?,
    };
    let script = blocking({
        let name = name.clone();
        move || {
            let program = bundle::program(&folder, &lpar)?;
            bundle::script(&name, &lpar, &program, &public_key)
        }
    })
    .await?
    .map_err(|error| refused(&error))?;
    info!(lpar.name = %name, peer.uid = who.uid, "uid {} took the agent's installer for {name}", who.uid);
    Ok(([(CONTENT_TYPE, "text/x-shellscript")], script))
}

/// `GET /v1/agent/{lpar}/status`
pub(super) async fn status(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
) -> Answer<Json<AgentStatus>> {
    lpar(&api, &name).await?;
    Ok(Json(api.hosts.agent_status(name).await))
}

/// `POST /v1/agent/{lpar}/query`; a VIOS, which has no agent, is asked too.
pub(super) async fn query(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
    Body(query): Body<Query>,
) -> Answer<Json<QueryAnswer>> {
    if !matches!(api.store.object(&name).await?.object.spec, Spec::Vios(_)) {
        lpar(&api, &name).await?;
    }
    let run = query.invocation().map_err(|bad| {
        Refusal::usage("NLU-0186", format!("{name} is not asked that")).because(Some(&bad))
    })?;
    Silence::new(&api).refuse(&name, run.program).await?;
    Ok(Json(api.hosts.query(name, query).await?))
}

/// The LPAR `name`.
async fn lpar(api: &Api, name: &ObjectName) -> Answer<Standalone> {
    match api.store.object(name).await?.object.spec {
        Spec::Standalone(lpar) => Ok(lpar),
        other => Err(Refusal::usage(
            "NLU-0180",
            format!(
                "{name} is of type {}, not standalone: there is no agent on it",
                other.object_type()
            ),
        )),
    }
}

/// Why there is no installer.
fn refused(error: &bundle::Error) -> Refusal {
    use bundle::Error as E;
    let refusal = |refusal: Refusal| refusal.because(std::error::Error::source(error));
    match error {
        E::NoProgram { path, .. } => refusal(Refusal::refused("NLU-0181", error.to_string())).hint(format!(
            "put the agent that was built for this platform at {}, or set agent.folder in nimd's settings",
            path.display()
        )),
        E::Unreadable { .. } => refusal(Refusal::refused("NLU-0182", error.to_string())),
        E::BadPlatform { .. } | E::BadUser { .. } => {
            refusal(Refusal::refused("NLU-0183", error.to_string())).hint("nimctl change")
        }
        E::BadKey | E::Template(_) => Refusal::internal("NLU-0184", error.to_string(), error),
    }
}
