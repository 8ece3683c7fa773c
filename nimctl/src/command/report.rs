//! `report`: counts over the fleet.

mod blackout;

use nim_shared::api::LevelCount;
use nim_shared::stamp::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;

use blackout::Blackouts;

use crate::cli::Report;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, NONE, Piece};
use crate::output::text::ago;
use crate::output::{Style, View};

pub(super) async fn run(args: &Report, context: &Context) -> Result<Exit, Error> {
    match args {
        Report::Levels => {
            let rows = context.client.get(Target::new(&["report", "levels"])).await?;
            let now = Timestamp::new(OffsetDateTime::now_utc());
            context.printer.show(&Levels { rows, now })?;
        }
        Report::Blackout { longest, lpars } => {
            let target = Target::new(&["report", "blackout"])
                .with_each("lpar", lpars)
                .with("limit", longest.to_string());
            context.printer.show(&Blackouts(context.client.get(target).await?))?;
        }
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Levels {
    rows: Vec<LevelCount>,
    #[serde(skip)]
    now: Timestamp,
}

impl View for Levels {
    fn table(&self, style: Style) -> String {
        let mut columns = Columns::new(&["LEVEL", "LPARS", "SUCH AS", "READ"], style);
        for row in &self.rows {
            let names: Vec<_> = row.examples.iter().map(ToString::to_string).collect();
            let cells: [Piece; 4] = [
                row.level.as_deref().unwrap_or("unknown").into(),
                row.lpars.to_string().into(),
                names.join(" ").into(),
                row.oldest_reading.map_or_else(|| NONE.to_owned(), |at| ago(at, self.now)).into(),
            ];
            columns.row(cells);
        }
        columns.text()
    }
}
