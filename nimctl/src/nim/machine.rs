//! Machines that can be asked something, and what they answer.

use std::time::Duration;

use nim_shared::api::{FailureKind, ObjectView, QueryAnswer};
use nim_shared::id::ObjectName;
use nim_shared::object::{ObjectType, Spec};
use nim_shared::query::Query;
use tokio::task::JoinSet;

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

/// Which machines are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machines {
    /// Those with an agent.
    Lpars,
    /// VIOSes too.
    LparsAndVioses,
}

impl Machines {
    fn has(self, view: &ObjectView) -> bool {
        match view.object.spec {
            Spec::Standalone(_) => true,
            Spec::Vios(_) => self == Self::LparsAndVioses,
            _ => false,
        }
    }
}

/// The machines of `views`: those among them that `of` means and the members of groups, each once, in their order.
///
/// # Errors
/// One of them is neither such a machine nor a group of such.
pub(super) async fn expanded(
    program: &str,
    views: Vec<ObjectView>,
    of: Machines,
    context: &Context,
) -> Result<Vec<ObjectView>, Error> {
    let machines = members(program, views, context).await?;
    match machines.iter().find(|one| !of.has(one)) {
        Some(other) => Err(no_agent(other)),
        None => Ok(machines),
    }
}

/// `views` with the members of groups in the place of the groups, each object once. Members that a group leaves out are left out, and
/// that is said.
pub(super) async fn members(
    program: &str,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Vec<ObjectView>, Error> {
    let mut machines: Vec<ObjectView> = Vec::new();
    let mut left_out = Vec::new();
    for view in views {
        let found = match &view.object.spec {
            Spec::MacGroup(group) => {
                let (out, names): (Vec<_>, Vec<_>) =
                    group.member.iter().partition(|name| group.excluded.contains(name));
                let name = &view.object.name;
                left_out.extend(out.into_iter().map(|member| (member.clone(), name.clone())));
                let names: Vec<_> = names.into_iter().map(ToString::to_string).collect();
                match &names[..] {
                    [] => Vec::new(),
                    names => find(program, Target::new(&["objects"]), names, context).await?.views,
                }
            }
            _ => vec![view],
        };
        for one in found {
            if !machines.iter().any(|known| known.object.name == one.object.name) {
                machines.push(one);
            }
        }
    }
    // Who is named otherwise is meant.
    left_out.retain(|(member, _)| !machines.iter().any(|one| one.object.name == *member));
    for (member, group) in left_out {
        let text = format!("{member}: left alone: it is excluded from {group}");
        say::warning("NLU-0548", program, &text, context);
    }
    Ok(machines)
}

/// What `ask` comes to for each of `views`, in their order. A few are asked at a time.
pub(super) async fn at_a_time<'a, T: Send + 'static, F>(
    views: &'a [ObjectView],
    context: &Context,
    ask: impl Fn(ObjectName, Context) -> F,
) -> Vec<(&'a ObjectView, Result<T, Error>)>
where
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let mut asked = JoinSet::new();
    let mut answers: Vec<Option<Result<T, Error>>> = views.iter().map(|_| None).collect();
    let mut waiting = views.iter().enumerate();
    loop {
        while asked.len() < AT_A_TIME
            && let Some((at, view)) = waiting.next()
        {
            let context = Context { client: context.client.clone(), printer: context.printer };
            let answer = ask(view.object.name.clone(), context);
            asked.spawn(async move { (at, answer.await) });
        }
        match asked.join_next().await {
            Some(Ok((at, answer))) => answers[at] = Some(answer),
            // A task that panicked has said so itself.
            Some(Err(_)) => {}
            None => break,
        }
    }
    views.iter().zip(answers).filter_map(|(view, answer)| Some((view, answer?))).collect()
}

/// How many machines are asked at a time. `nimd` has its own limits; this one keeps its queue short.
const AT_A_TIME: usize = 16;

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
