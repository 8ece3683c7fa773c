//! `aftercare`: what is left to do after updates.

use std::time::Duration;

use nim_shared::api::{Aftercare, LeftToDo};
use serde::Serialize;

use crate::cli;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, Piece};
use crate::output::text::{Paint, clean, moment};
use crate::output::{Style, View};

/// How long `nimd` may take: a slow LPAR takes minutes, and a fleet goes in turns.
const LIMIT: Duration = Duration::from_secs(1800);

pub(super) async fn run(args: &cli::Aftercare, context: &Context) -> Result<Exit, Error> {
    let client = context.client.with_limit(LIMIT);
    let body = Aftercare { targets: args.targets.clone() };
    let found: LeftToDo = client.post(Target::new(&["aftercare"]), &body).await?;
    let failures: Vec<_> = found.lpars.iter().filter_map(|one| one.failure.clone()).collect();
    let nothing = found.lpars.iter().all(|one| one.open.is_empty());
    if nothing && context.printer.format().is_for_people() {
        context.printer.note("nothing is left to do after updates");
    }
    context.printer.show(&Left(found))?;
    let mut exit = Exit::Done;
    for failure in &failures {
        context.printer.failure(failure);
        exit = exit.max(failure.kind.into());
    }
    Ok(exit)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Left(LeftToDo);

impl View for Left {
    fn table(&self, style: Style) -> String {
        let lpars = &self.0.lpars;
        if lpars.iter().all(|one| one.open.is_empty() && one.gone.is_empty()) {
            return String::new();
        }
        let mut columns = Columns::new(&["LPAR", "SINCE", "STATE", "WHAT", "TO DO"], style);
        for one in lpars {
            for open in &one.open {
                let state = if open.not_known.is_some() { "not known" } else { "open" };
                let why = open.not_known.iter().map(|why| format!(" ({why})"));
                columns.row([
                    Piece::from(one.lpar.as_str()),
                    Piece::from(moment(open.since)),
                    Piece::painted(state, Paint::Care),
                    Piece::from(clean(&format!("{}{}", open.text, why.collect::<String>()))),
                    Piece::from(clean(&open.remedy)),
                ]);
            }
            for gone in &one.gone {
                columns.row([
                    Piece::from(one.lpar.as_str()),
                    Piece::from("-"),
                    Piece::painted("gone", Paint::Good),
                    Piece::from(clean(&gone.text)),
                    Piece::from("-"),
                ]);
            }
        }
        columns.text()
    }
}
