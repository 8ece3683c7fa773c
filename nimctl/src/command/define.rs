//! `define` and `change`: one object at a time, in NIM's words.

use nim_shared::api::{Define as Body, Edit, ObjectView, Pair};

use crate::cli::{Change, Define};
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::pair;

pub(super) async fn define(args: &Define, context: &Context) -> Result<Exit, Error> {
    let body = Body {
        object_type: args.object_type,
        name: args.name.clone(),
        attributes: pair::defined(args.attributes.iter().map(Pair::from)),
    };
    let view: ObjectView = context.client.post(Target::new(&["objects"]), &body).await?;
    changed("defined", &view, context)
}

pub(super) async fn change(args: &Change, context: &Context) -> Result<Exit, Error> {
    let edit =
        Edit { version: args.if_version, ..pair::edit(args.attributes.iter().map(Pair::from)) };
    let target = Target::new(&["objects", args.name.as_str()]);
    let view: ObjectView = context.client.patch(target, &edit).await?;
    changed("changed", &view, context)
}

fn changed(what: &str, view: &ObjectView, context: &Context) -> Result<Exit, Error> {
    let done = format!("{} {} {what}", view.object.spec.object_type(), view.object.name);
    context.printer.done(&done)?;
    context.printer.warnings(&view.warnings);
    if !context.printer.format().is_for_people() {
        context.printer.data(view)?;
    }
    Ok(Exit::Done)
}
