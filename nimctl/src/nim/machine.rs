//! Machines that can be asked something, and what they answer.

use std::time::Duration;

use nim_shared::api::{FailureKind, ObjectView, QueryAnswer};
use nim_shared::id::ObjectName;
use nim_shared::object::{ObjectType, Spec};
use nim_shared::query::Query;

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;

use super::object::find;
use super::say;

/// The machine that a tool names: by the name of its object, or by the host name of its first interface.
///
/// # Errors
/// There is none, or it has no agent.
pub(super) async fn named(name: &str, context: &Context) -> Result<ObjectView, Error> {
    let mut found = None;
    // A host name is often the object's name, with a domain after it.
    for candidate in [name, name.split('.').next().unwrap_or_default()] {
        if candidate.parse::<ObjectName>().is_err() {
            continue;
        }
        match context.client.get::<ObjectView>(Target::new(&["objects", candidate])).await {
            Ok(view) if candidate == name || is_host(&view, name) => {
                found = Some(view);
                break;
            }
            Ok(_) => {}
            Err(error) if error.failure().kind == FailureKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let view = match found {
        Some(view) => view,
        None => {
            let all = Target::new(&["objects"]).with("type", ObjectType::Standalone.name());
            let all: Vec<ObjectView> = context.client.pages(all, None).await?;
            all.into_iter().find(|view| is_host(view, name)).ok_or_else(|| unknown(name))?
        }
    };
    match view.object.spec {
        Spec::Standalone(_) => Ok(view),
        _ => Err(no_agent(&view)),
    }
}

/// The machines of `views`: the LPARs among them and the members of groups, each once, in their order.
///
/// # Errors
/// One of them is neither a machine with an agent nor a group of such.
pub(super) async fn expanded(
    program: &str,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Vec<ObjectView>, Error> {
    let mut machines: Vec<ObjectView> = Vec::new();
    for view in views {
        let members = match &view.object.spec {
            Spec::Standalone(_) => vec![view],
            Spec::MacGroup(_) => {
                let names = view.object.spec.references().into_iter();
                let names: Vec<_> = names.map(|reference| reference.name.to_string()).collect();
                match &names[..] {
                    [] => Vec::new(),
                    names => find(program, Target::new(&["objects"]), names, context).await?.views,
                }
            }
            _ => return Err(no_agent(&view)),
        };
        for member in members {
            if !matches!(member.object.spec, Spec::Standalone(_)) {
                return Err(no_agent(&member));
            }
            if !machines.iter().any(|one| one.object.name == member.object.name) {
                machines.push(member);
            }
        }
    }
    Ok(machines)
}

/// What `lpar` answers to `query`, which takes as long as the query may.
///
/// # Errors
/// Nobody was asked, or nobody answered.
pub(super) async fn ask(
    lpar: &ObjectName,
    query: &Query,
    context: &Context,
) -> Result<QueryAnswer, Error> {
    let limit = query.invocation().map_or(Duration::ZERO, |run| run.limit.duration());
    let client = context.client.with_limit(limit + BESIDE);
    client.post(Target::new(&["agent", lpar.as_str(), "query"]), query).await
}

/// How long a question may take beside the command that it runs: a turn, a login, the agent's start.
const BESIDE: Duration = Duration::from_secs(180);

fn is_host(view: &ObjectView, name: &str) -> bool {
    view.object.spec.interface().is_some_and(|interface| interface.hostname == name)
}

fn unknown(name: &str) -> Error {
    say::refused(
        "NLU-0541",
        format!(
            "no machine is called {}, and none has it as host name",
            nim_shared::id::printable(name)
        ),
        "lsnim -l -t standalone shows names and host names",
    )
}

fn no_agent(view: &ObjectView) -> Error {
    say::refused(
        "NLU-0542",
        format!(
            "{} is of type {}, and only standalone machines are asked",
            view.object.name,
            view.object.spec.object_type()
        ),
        "lsnim -t standalone and lsnim -t mac_group list them",
    )
}
