//! `cancel` and `resolve`: a person ends an operation.

use nim_shared::api::{EventView, OperationView, Resolve as Body};
use nim_shared::stamp::Timestamp;
use time::OffsetDateTime;

use super::status::One;
use crate::cli::{Cancel, Resolve};
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::operation::find;

pub(super) async fn cancel(args: &Cancel, context: &Context) -> Result<Exit, Error> {
    let found = find(&args.operation, &context.client).await?;
    let target = Target::new(&["operations", &found.id.to_string(), "cancel"]);
    let view: OperationView = context.client.post(target, &serde_json::json!({})).await?;
    let said = if view.state.is_terminal() {
        format!("{}: {}", view.lpar, view.state)
    } else {
        format!(
            "{}: cancel asked for; it takes effect between two steps, and what was changed is put back first",
            view.lpar
        )
    };
    shown(view, &said, context)
}

pub(super) async fn resolve(args: &Resolve, context: &Context) -> Result<Exit, Error> {
    let found = find(&args.operation, &context.client).await?;
    let id = found.id.to_string();
    // What the verdict is about: the server refuses it when something came since.
    let events: Vec<EventView> =
        context.client.pages(Target::new(&["operations", &id, "events"]), None).await?;
    let seen = events.last().map(|last| (last.event.epoch, last.event.seq));
    let body = Body { state: args.verdict.into(), reason: args.reason.clone(), seen };
    let view: OperationView =
        context.client.post(Target::new(&["operations", &id, "resolve"]), &body).await?;
    let said = format!("{}: counts as {}; the LPAR is free", view.lpar, view.state);
    shown(view, &said, context)
}

fn shown(view: OperationView, said: &str, context: &Context) -> Result<Exit, Error> {
    if context.printer.format().is_for_people() {
        context.printer.done(said)?;
    } else {
        context.printer.show(&One { view, now: Timestamp::new(OffsetDateTime::now_utc()) })?;
    }
    Ok(Exit::Done)
}
