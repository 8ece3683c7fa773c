//! `define` and `change`: one object at a time, in NIM's words.

use nim_shared::api::{Define as Body, Edit, ObjectView, Pair};

use crate::cli::{Change, Define};
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::pair::Assignment;

pub(super) async fn define(args: &Define, context: &Context) -> Result<Exit, Error> {
    let attributes = args.attributes.iter().map(|assignment| {
        // As NIM has it: `-a add_member=aix01` also when a group is defined.
        let attribute = assignment.attribute.strip_prefix(ADD).unwrap_or(&assignment.attribute);
        pair(attribute, assignment)
    });
    let body = Body {
        object_type: args.object_type,
        name: args.name.clone(),
        attributes: attributes.collect(),
    };
    let view: ObjectView = context.client.post(Target::new(&["objects"]), &body).await?;
    changed("defined", &view, context)
}

pub(super) async fn change(args: &Change, context: &Context) -> Result<Exit, Error> {
    let mut edit = Edit { version: args.if_version, ..Edit::default() };
    for assignment in &args.attributes {
        if let Some(list) = assignment.attribute.strip_prefix(ADD) {
            edit.add.push(pair(list, assignment));
        } else if let Some(list) = assignment.attribute.strip_prefix(REMOVE) {
            edit.remove.push(pair(list, assignment));
        } else {
            edit.set.push(pair(&assignment.attribute, assignment));
        }
    }
    let target = Target::new(&["objects", args.name.as_str()]);
    let view: ObjectView = context.client.patch(target, &edit).await?;
    changed("changed", &view, context)
}

/// Before the name of a list: an entry is added.
const ADD: &str = "add_";

/// Before the name of a list: an entry is taken out.
const REMOVE: &str = "rm_";

fn pair(attribute: &str, assignment: &Assignment) -> Pair {
    Pair { attribute: attribute.to_owned(), value: assignment.value.clone() }
}

fn changed(what: &str, view: &ObjectView, context: &Context) -> Result<Exit, Error> {
    let done = format!("{} {} {what}", view.object.spec.object_type(), view.object.name);
    context.printer.done(&done)?;
    if context.printer.format() != crate::cli::Format::Table {
        context.printer.data(view)?;
    }
    Ok(Exit::Done)
}
