//! `nim -o select`: which members of a group its operations leave alone. Success is silent.

use nim_shared::api::{Edit, ObjectView, Pair};
use nim_shared::id::printable;
use nim_shared::nim::order::Order;
use nim_shared::object::{MacGroup, Spec};

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

use super::say;

/// The name that messages have.
const PROGRAM: &str = "nim";

/// Excludes members of the groups, or includes them again.
///
/// # Errors
/// What is no group, or what cannot be meant.
pub(super) async fn run(
    order: &Order,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Exit, Error> {
    let choices = order.attributes.iter().map(choices).collect::<Result<Vec<_>, _>>()?.concat();
    if choices.is_empty() {
        return Err(say::usage(
            "who is meant is not said: give -a exclude=MEMBER, -a include=MEMBER, -a include_all=yes or -a exclude_all=yes",
            None,
        ));
    }
    let mut exit = Exit::Done;
    for view in views {
        let name = view.object.name.clone();
        let Spec::MacGroup(group) = &view.object.spec else {
            let of = view.object.spec.object_type();
            let error = say::refused(
                "NLU-0546",
                format!("select is for groups of machines, and {name} is of type {of}"),
                "lsnim -t mac_group lists them",
            );
            exit = exit.max(say::report(PROGRAM, &error, context));
            continue;
        };
        let done = match after(&view, group, &choices) {
            Ok(Some(edit)) => {
                let target = Target::new(&["objects", name.as_str()]);
                context.client.patch::<ObjectView>(target, &edit).await.map(drop)
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => {}
            Err(error @ Error::Server(_)) => exit = exit.max(say::report(PROGRAM, &error, context)),
            Err(other) => return Err(other),
        }
    }
    Ok(exit)
}

/// What is said of members.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    Exclude(String),
    Include(String),
    ExcludeAll,
    IncludeAll,
}

/// What one attribute says. Source of the names: the NIM reference, §2.4 (recalled there).
fn choices(pair: &Pair) -> Result<Vec<Choice>, Error> {
    let members = || {
        let split = |c: char| c.is_whitespace() || c == ',';
        pair.value.split(split).filter(|name| !name.is_empty()).map(str::to_owned)
    };
    let all = |choice| match pair.value.as_str() {
        "yes" => Ok(vec![choice]),
        "no" => Ok(Vec::new()),
        other => Err(say::usage(
            format!("{} is yes or no, not {}", pair.attribute, printable(other)),
            None,
        )),
    };
    match pair.attribute.as_str() {
        "exclude" => Ok(members().map(Choice::Exclude).collect()),
        "include" => Ok(members().map(Choice::Include).collect()),
        "exclude_all" => all(Choice::ExcludeAll),
        "include_all" => all(Choice::IncludeAll),
        other => Err(say::usage(
            format!("select does not take the attribute {}", printable(other)),
            Some("it takes exclude, include, exclude_all and include_all".to_owned()),
        )),
    }
}

/// The change of the group that `choices`, one after the other, come to; `None` where it is like that already.
fn after(view: &ObjectView, group: &MacGroup, choices: &[Choice]) -> Result<Option<Edit>, Error> {
    let mut excluded = group.excluded.clone();
    for choice in choices {
        match choice {
            Choice::ExcludeAll => excluded.clone_from(&group.member),
            Choice::IncludeAll => excluded.clear(),
            Choice::Exclude(name) | Choice::Include(name) => {
                let Some(member) = group.member.iter().find(|member| member.as_str() == name)
                else {
                    return Err(say::refused(
                        "NLU-0547",
                        format!("{} is no member of {}", printable(name), view.object.name),
                        format!("lsnim -l {} shows who is", view.object.name),
                    ));
                };
                excluded.retain(|one| one != member);
                if matches!(choice, Choice::Exclude(_)) {
                    excluded.push(member.clone());
                }
            }
        }
    }
    let is_as_before = excluded.len() == group.excluded.len()
        && excluded.iter().all(|name| group.excluded.contains(name));
    let pair = |value: String| Pair { attribute: "excluded".to_owned(), value };
    Ok((!is_as_before).then(|| Edit {
        set: vec![pair(String::new())],
        add: excluded.iter().map(|name| pair(name.to_string())).collect(),
        version: Some(view.version),
        ..Edit::default()
    }))
}
