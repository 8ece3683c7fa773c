//! `events`: what happened in an operation, in order, with how long it took.

use nim_shared::api::EventView;
use nim_shared::id::Epoch;
use nim_shared::request::Kind;
use nim_shared::stamp::Timestamp;
use serde::Serialize;

use crate::cli::{Events, Format};
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::operation::find;
use crate::output::table::{Columns, Piece};
use crate::output::text::{clock, moment};
use crate::output::{Style, View};
use crate::watch::sentence;

pub(super) async fn run(args: &Events, context: &Context) -> Result<Exit, Error> {
    let found = find(&args.operation, &context.client).await?;
    let target = Target::new(&["operations", &found.id.to_string(), "events"]);
    let events: Vec<EventView> = context.client.pages(target, None).await?;
    match context.printer.format() {
        Format::Table | Format::Wide | Format::Yaml => {
            context.printer.show(&Timeline { events, kind: found.kind })?;
        }
        Format::Json => {
            for event in &events {
                context.printer.stream(event)?;
            }
        }
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Timeline {
    events: Vec<EventView>,
    /// Of what operation.
    #[serde(skip)]
    kind: Kind,
}

impl View for Timeline {
    fn table(&self, style: Style) -> String {
        let Some(first) = self.events.first() else {
            return String::new();
        };
        let begin: Timestamp = first.event.at;
        let is_ours = |view: &EventView| view.event.epoch == Epoch::OF_MASTERS;
        let mut lines =
            self.events.iter().filter(|view| !is_ours(view)).map(|view| view.event.epoch);
        let epochs = lines.next().is_some_and(|first| lines.any(|other| other != first));
        let headings = ["LPAR'S CLOCK", "AFTER", "EVENT", "WHAT"];
        let mut columns = Columns::new(&headings, style);
        for view in &self.events {
            let event = &view.event;
            let number = if is_ours(view) {
                format!("nimd.{}", event.seq)
            } else if epochs {
                format!("{}.{}", event.epoch, event.seq)
            } else {
                event.seq.to_string()
            };
            columns.row([
                Piece::from(moment(event.at)),
                // By another clock it would be anything.
                Piece::from(if is_ours(view) {
                    String::new()
                } else {
                    clock(event.at.since(begin))
                }),
                Piece::from(number),
                Piece::from(sentence::of(&event.body, self.kind)),
            ]);
        }
        columns.text()
    }
}
