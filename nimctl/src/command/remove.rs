//! `remove`: the objects, not what they stand for.

use nim_shared::id::ObjectName;
use serde::Serialize;

use crate::cli::Remove;
use crate::client::Target;
use crate::command::{Context, each};
use crate::error::Error;
use crate::exit::Exit;

#[derive(Serialize)]
struct Removed {
    removed: Vec<ObjectName>,
}

pub(super) async fn run(args: &Remove, context: &Context) -> Result<Exit, Error> {
    let mut removed = Vec::new();
    let exit = each(&args.names, context, async |name| {
        context.client.delete(Target::new(&["objects", name.as_str()])).await?;
        removed.push(name.clone());
        context.printer.done(&format!("{name} removed"))
    })
    .await?;
    if !context.printer.format().is_for_people() {
        context.printer.data(&Removed { removed })?;
    }
    Ok(exit)
}
