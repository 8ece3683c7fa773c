//! `lsnim`: what there is, laid out as NIM does.

use nim_shared::api::ObjectView;
use nim_shared::nim::listing::{self, Entry};
use nim_shared::nim::lsnim::{BadQuery, Filter, Group, Query, USAGE};
use nim_shared::nim::{predefined as words, row};
use nim_shared::object::{ObjectClass, ObjectType, Spec};

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

use super::object::{Found, find};
use super::{predefined, say};

/// Lists what `arguments` ask for.
///
/// # Errors
/// A command line that cannot be meant, or that nimd does not answer.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    context: &Context,
) -> Result<Exit, Error> {
    let query = match Query::read(arguments) {
        Ok(query) => query,
        Err(BadQuery::Help) => {
            context.printer.on_stderr(&format!("{USAGE}\n"));
            return Ok(Exit::Usage);
        }
        Err(bad) => return Err(say::usage(bad.to_string(), Some(USAGE.to_owned()))),
    };
    if query.predefined.is_some() || (query.names.is_empty() && query.operation.is_some()) {
        return predefined::show(&query, context);
    }
    let Some(target) = target(&query)? else {
        return Ok(Exit::Done);
    };
    if query.available {
        return available(program, &query, target, context).await;
    }
    let found = match query.group {
        // What is chosen by class or type is the members, not the group.
        Some(_) => find(program, Target::new(&["objects"]), &query.names, context).await?,
        None => find(program, target.clone(), &query.names, context).await?,
    };
    match query.group {
        Some(Group::States) => states(program, &query, &found, context).await,
        Some(Group::Members) => {
            let members = members(&found.views)?;
            if members.is_empty() {
                return Ok(found.exit);
            }
            let found =
                Found { exit: found.exit, ..find(program, target, &members, context).await? };
            show(&query, found, context)
        }
        None => show(&query, found, context),
    }
}

/// Which objects are asked for; `None` for a class or a type that NIM has and this master has nothing of.
fn target(query: &Query) -> Result<Option<Target>, Error> {
    let all = Target::new(&["objects"]);
    Ok(match &query.filter {
        None => Some(all),
        Some(Filter::Class(class)) => match class.parse::<ObjectClass>() {
            Ok(_) => Some(all.with("class", class)),
            Err(_) if words::is_other_class(class) => None,
            Err(unknown) => return Err(say::usage(unknown.to_string(), None)),
        },
        Some(Filter::Type(of)) => match of.parse::<ObjectType>() {
            Ok(_) => Some(all.with("type", of)),
            Err(_) if words::is_other_type(of) => None,
            Err(unknown) => return Err(say::usage(unknown.to_string(), None)),
        },
        Some(Filter::Subclass(subclass)) => {
            let hint = "choose by class (-c) or type (-t): lsnim -p lists the classes";
            return Err(say::usage(
                format!(
                    "subclass \"{}\" is not known: there are none here",
                    nim_shared::id::printable(subclass)
                ),
                Some(hint.to_owned()),
            ));
        }
    })
}

/// The short form, the long one, attributes, operations, or a table.
fn show(query: &Query, found: Found, context: &Context) -> Result<Exit, Error> {
    let Found { mut views, exit } = found;
    if query.names.is_empty() && !query.attributes.is_empty() {
        // Which objects have it?
        views.retain(|view| {
            query.attributes.iter().any(|wanted| !row::wanted(view, wanted).is_empty())
        });
    }
    if !context.printer.format().is_for_people() {
        context.printer.data(&views)?;
        return Ok(exit);
    }
    let text = if let Some(operation) = &query.operation {
        views.iter().map(|view| attributes(operation, view)).collect::<Result<String, _>>()?
    } else if query.operations {
        views.iter().map(operations).collect()
    } else {
        listed(query, &views)
    };
    if !text.is_empty() {
        context.printer.raw(text.as_bytes())?;
    }
    Ok(exit)
}

/// The text of a listing.
fn listed(query: &Query, views: &[ObjectView]) -> String {
    let entries = || entries(query, views);
    match (query.table, query.attributes.is_empty()) {
        (Some(columns), false) => listing::table(&query.attributes, &entries(), columns),
        (Some(columns), true) if query.long => listing::long_table(&entries(), columns),
        (Some(_), true) if views.is_empty() => String::new(),
        (Some(columns), true) => {
            let wanted = ["class".to_owned(), "type".to_owned()];
            listing::table(&wanted, &entries(), columns)
        }
        (None, true) if !query.long => {
            let short: Vec<_> = views
                .iter()
                .map(|view| {
                    let of = view.object.spec.object_type();
                    (view.object.name.as_str(), view.class.name(), of.name())
                })
                .collect();
            listing::short(&short)
        }
        (None, true) => listing::long(&entries()),
        (None, false) => {
            let mut entries = entries();
            entries.retain(|entry| !entry.rows.is_empty());
            listing::long(&entries)
        }
    }
}

/// What is shown of each object.
fn entries(query: &Query, views: &[ObjectView]) -> Vec<Entry> {
    let rows = |view: &ObjectView| match &query.attributes[..] {
        [] => row::rows(view),
        wanted => wanted.iter().flat_map(|wanted| row::wanted(view, wanted)).collect(),
    };
    views
        .iter()
        .map(|view| Entry { name: view.object.name.to_string(), rows: rows(view) })
        .collect()
}

/// `-O`: the operations on an object (inferred).
fn operations(view: &ObjectView) -> String {
    let all = words::operations(view.object.spec.object_type());
    let names = all.iter().filter(|(name, _)| *name != "define");
    let lines: String = names.map(|(name, _)| format!("   {name}\n")).collect();
    format!("{}:\n{lines}", view.object.name)
}

/// `-q`: the attributes of an operation on an object.
fn attributes(operation: &str, view: &ObjectView) -> Result<String, Error> {
    let of = view.object.spec.object_type();
    let attributes = words::attributes(operation, of);
    attributes.map(|all| all.text()).ok_or_else(|| predefined::no_operation(operation, of))
}

/// `-L`: the resources that a machine can use: every one, as each machine is reached from where they lie.
async fn available(
    program: &str,
    query: &Query,
    target: Target,
    context: &Context,
) -> Result<Exit, Error> {
    let machines = find(program, Target::new(&["objects"]), &query.names, context).await?;
    if machines.views.is_empty() {
        return Ok(machines.exit);
    }
    let target = match query.filter {
        Some(Filter::Type(_)) => target,
        _ => target.with("class", ObjectClass::Resources.name()),
    };
    let mut resources = find(program, target, &[], context).await?.views;
    resources.retain(|view| view.class == ObjectClass::Resources);
    if !context.printer.format().is_for_people() {
        context.printer.data(&resources)?;
        return Ok(machines.exit);
    }
    let rows: Vec<_> = resources
        .iter()
        .map(|view| (view.object.name.as_str(), view.object.spec.object_type().name()))
        .collect();
    let text = listing::available(&rows);
    if !text.is_empty() {
        context.printer.raw(text.as_bytes())?;
    }
    Ok(machines.exit)
}

/// `-g`: the long form of groups, each member with its control state behind it (inferred).
async fn states(
    program: &str,
    query: &Query,
    found: &Found,
    context: &Context,
) -> Result<Exit, Error> {
    let members = members(&found.views)?;
    let states = match &members[..] {
        [] => Vec::new(),
        members => find(program, Target::new(&["objects"]), members, context).await?.views,
    };
    let state = |name: &str| {
        let view = states.iter().find(|view| view.object.name.as_str() == name)?;
        let state = view
            .derived
            .iter()
            .find(|pair| pair.attribute == "Cstate" || pair.attribute == "Rstate")?;
        Some(state.value.clone())
    };
    let mut entries = entries(&Query { attributes: Vec::new(), ..query.clone() }, &found.views);
    for row in entries.iter_mut().flat_map(|entry| &mut entry.rows) {
        let member = row.value.strip_suffix(row::EXCLUDED).unwrap_or(&row.value).to_owned();
        if members.contains(&member)
            && let Some(state) = state(&member)
        {
            row.value = format!("{}; {state}", row.value);
        }
    }
    let text = match query.table {
        Some(columns) => listing::long_table(&entries, columns),
        None => listing::long(&entries),
    };
    context.printer.raw(text.as_bytes())?;
    Ok(found.exit)
}

/// The members of groups, each once.
fn members(groups: &[ObjectView]) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    for group in groups {
        let (Spec::MacGroup(_) | Spec::ResGroup(_)) = group.object.spec else {
            let of = group.object.spec.object_type();
            return Err(say::usage(
                format!("{} is of type {of}, and no group", group.object.name),
                None,
            ));
        };
        for reference in group.object.spec.references() {
            let name = reference.name.to_string();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}
