//! `maintenance`: where nothing new is started.

use nim_shared::api::{MaintenanceView, SetMaintenance};
use serde::Serialize;

use crate::cli::Maintenance;
use crate::client::Target;
use crate::command::rollout::long;
use crate::command::{Context, each};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, Piece};
use crate::output::{Style, View};

pub(super) async fn run(args: &Maintenance, context: &Context) -> Result<Exit, Error> {
    match args {
        Maintenance::On { name, reason } => {
            let body = SetMaintenance { reason: reason.clone() };
            let target = Target::new(&["maintenance", name.as_str()]);
            let view: MaintenanceView = context.client.put(target, &body).await?;
            context.printer.show(&Places(vec![view]))?;
            Ok(Exit::Done)
        }
        Maintenance::Off { names } => {
            each(names, context, async |name| {
                context.client.delete(Target::new(&["maintenance", name.as_str()])).await?;
                context.printer.done(&format!("{name} is not in maintenance any more"))
            })
            .await
        }
        Maintenance::List => {
            let places = context.client.get(Target::new(&["maintenance"])).await?;
            context.printer.show(&Places(places))?;
            Ok(Exit::Done)
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Places(Vec<MaintenanceView>);

impl View for Places {
    fn table(&self, style: Style) -> String {
        if self.0.is_empty() {
            return "there is no maintenance\n".to_owned();
        }
        let headings = ["MAINTENANCE OF", "TYPE", "SINCE", "BY UID", "STILL RUN THERE", "REASON"];
        let mut columns = Columns::new(&headings, style);
        for one in &self.0 {
            columns.row([
                Piece::from(one.name.as_str()),
                one.of.as_str().into(),
                long(one.since).into(),
                one.by.to_string().into(),
                one.running.to_string().into(),
                one.reason.as_str().into(),
            ]);
        }
        columns.text()
    }
}
