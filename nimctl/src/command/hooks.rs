//! `hooks`: what nimd runs itself for an operation, and what that printed.

use nim_shared::api::{HookState, MasterHook};
use serde::Serialize;

use crate::cli::Hooks;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::operation::find;
use crate::output::table::{Columns, NONE, Piece};
use crate::output::text::{Paint, clean, clock, moment};
use crate::output::{Style, View};

pub(super) async fn run(args: &Hooks, context: &Context) -> Result<Exit, Error> {
    let found = find(&args.operation, &context.client).await?;
    let target = Target::new(&["operations", &found.id.to_string(), "hooks"]);
    let hooks: Vec<MasterHook> = context.client.get(target).await?;
    if hooks.is_empty() && context.printer.format().is_for_people() {
        context.printer.note(
            "nimd runs no hook for this operation; what ran on its LPAR is in `nimctl events`",
        );
    }
    context.printer.show(&Many(hooks))?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Many(Vec<MasterHook>);

impl View for Many {
    fn table(&self, style: Style) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let headings = ["AT", "NAME", "MEANING", "STATE", "STATUS", "BEGAN", "TOOK"];
        let mut columns = Columns::new(&headings, style);
        for hook in &self.0 {
            let paint = match hook.state.known() {
                Some(HookState::Succeeded) => Paint::Good,
                Some(
                    HookState::Due | HookState::Begun | HookState::Cancelled | HookState::LeftOut,
                ) => Paint::None,
                _ => Paint::Bad,
            };
            let took = hook.begun_at.zip(hook.ended_at).map(|(begun, ended)| ended.since(begun));
            columns.row([
                Piece::from(hook.at.name()),
                Piece::from(hook.name.as_str()),
                Piece::from(hook.exit.name()),
                Piece::painted(hook.state.to_string(), paint),
                Piece::from(hook.status.map_or_else(|| NONE.to_owned(), |one| one.to_string())),
                Piece::from(hook.begun_at.map_or_else(|| NONE.to_owned(), moment)),
                Piece::from(took.map_or_else(|| NONE.to_owned(), clock)),
            ]);
        }
        let mut text = columns.text();
        for hook in self.0.iter().filter(|hook| !hook.output.is_empty()) {
            text += &format!("\n{} at {}:\n", hook.name, hook.at);
            for line in hook.output.lines() {
                text += &format!("  {}\n", clean(line));
            }
        }
        text
    }
}
