//! Objects by the names that a person types.

use std::collections::HashMap;

use nim_shared::api::ObjectView;

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

use super::say;

/// Most names in one request: they stand in its URL.
const MOST: usize = 100;

/// What was found.
pub(super) struct Found {
    /// The objects, in the order of the names; within a pattern in that in which they were made.
    pub(super) views: Vec<ObjectView>,
    /// Done, or that names mean nothing; each was said.
    pub(super) exit: Exit,
}

/// The objects that `target` lists, all of them or those of `names`, in which `*` and `?` stand for others.
pub(super) async fn find(
    program: &str,
    target: Target,
    names: &[String],
    context: &Context,
) -> Result<Found, Error> {
    if names.is_empty() {
        return Ok(Found { views: context.client.pages(target, None).await?, exit: Exit::Done });
    }
    let mut by_name = HashMap::new();
    let (patterns, exact): (Vec<_>, Vec<_>) =
        names.iter().partition(|name| name.contains(['*', '?']));
    // What can be no name is not asked for: nothing has it.
    let exact: Vec<_> = exact
        .into_iter()
        .filter(|name| name.parse::<nim_shared::id::ObjectName>().is_ok())
        .collect();
    for names in exact.chunks(MOST) {
        let found: Vec<ObjectView> =
            context.client.pages(target.clone().with_each("name", names), None).await?;
        by_name.extend(found.into_iter().map(|view| (view.object.name.to_string(), vec![view])));
    }
    for pattern in patterns {
        let found: Vec<ObjectView> =
            context.client.pages(target.clone().with("name", pattern), None).await?;
        by_name.insert(pattern.clone(), found);
    }
    let mut found = Found { views: Vec::new(), exit: Exit::Done };
    for name in names {
        match by_name.get(name) {
            Some(views) if !views.is_empty() => found.views.extend(views.iter().cloned()),
            _ => found.exit = say::no_object(program, name, context),
        }
    }
    Ok(found)
}
