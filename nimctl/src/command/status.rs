//! `status`: operations as they stand.

use nim_shared::api::OperationView;
use nim_shared::operation::StateName;
use nim_shared::stamp::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::Status;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::operation::{find, shortened};
use crate::output::fold::folded;
use crate::output::table::{Columns, Layout, Piece};
use crate::output::text::{ago, clean, moment};
use crate::output::{Style, View};
use crate::watch::summary::{ending, paint_of};
use crate::watch::{place, waiting};

pub(super) async fn run(args: &Status, context: &Context) -> Result<Exit, Error> {
    let now = Timestamp::new(OffsetDateTime::now_utc());
    if let Some(typed) = &args.operation {
        let view = find(typed, &context.client).await?;
        context.printer.show(&One { view, now })?;
        return Ok(Exit::Done);
    }
    let mut target = Target::new(&["operations"]);
    if let Some(batch) = args.batch {
        target = target.with("batch", batch.to_string());
    }
    let open = StateName::ALL.iter().filter(|state| !state.is_terminal());
    let states: Vec<&str> = match (&args.state[..], args.batch) {
        (_, _) if args.all => Vec::new(),
        ([], Some(_)) => Vec::new(),
        ([], None) => open.map(|state| state.name()).collect(),
        (states, _) => states.iter().map(|state| state.name()).collect(),
    };
    let complete = states.is_empty() && args.batch.is_none();
    let target = target.with_each("state", states);
    let operations: Vec<OperationView> = context.client.pages(target, Some(args.limit)).await?;
    if operations.is_empty() && context.printer.format().is_for_people() {
        context.printer.note(match (args.all, args.batch, &args.state[..]) {
            (true, None, _) => "no operation has run yet",
            (false, None, []) => "no operation is open: `nimctl status --all` lists what ran",
            _ => "there is no such operation: `nimctl status --all` lists all",
        });
    }
    let ids = match context.printer.format().is_for_people() {
        true => shortened(&operations, complete, &context.client).await?,
        false => Vec::new(),
    };
    context.printer.show(&Many { operations, ids, now })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Many {
    operations: Vec<OperationView>,
    /// Their ids, as short as they may be.
    #[serde(skip)]
    ids: Vec<String>,
    #[serde(skip)]
    now: Timestamp,
}

impl View for Many {
    fn table(&self, style: Style) -> String {
        if self.operations.is_empty() {
            return String::new();
        }
        let flat = self.columns(Layout::Beside, style);
        // Operations of one request have ids that differ late: then there is less room for the rest.
        let fits = flat.fits() || !style.is_narrow();
        if fits { flat.text() } else { self.columns(Layout::Below, style).text() }
    }
}

impl Many {
    fn columns(&self, layout: Layout, style: Style) -> Columns {
        let headings: &[&str] = match layout {
            Layout::Beside => &["ID", "LPAR", "KIND", "STATE", "AT", "SINCE", "NOTE"],
            Layout::Below => &["ID", "LPAR, KIND", "STATE", "AT", "SINCE, NOTE"],
        };
        let mut columns = Columns::new(headings, style);
        for (view, id) in self.operations.iter().zip(&self.ids) {
            let since = view.ended_at.or(view.entered_at).unwrap_or(view.created_at);
            let mut row = vec![Piece::from(id)];
            row.extend(layout.pieces([view.lpar.to_string(), view.kind.words().to_owned()]));
            row.push(Piece::painted(view.state.name(), paint_of(view.state)));
            row.push(place(view).into());
            row.extend(layout.pieces([ago(since, self.now), note(view, self.now)]));
            columns.row(row);
        }
        columns
    }
}

/// What is worth knowing beside the state, in a few words.
fn note(view: &OperationView, now: Timestamp) -> String {
    match (&view.failure, waiting(view, now)) {
        (Some(failure), _) => failure.code.clone(),
        (None, Some(waiting)) => waiting,
        (None, None) => String::new(),
    }
}

/// One operation with its details.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct One {
    pub(super) view: OperationView,
    #[serde(skip)]
    pub(super) now: Timestamp,
}

impl View for One {
    fn table(&self, style: Style) -> String {
        let view = &self.view;
        let mut rows = vec![
            ("operation", view.id.to_string()),
            ("batch", view.batch.to_string()),
            ("kind", view.kind.words().to_owned()),
            ("state", view.state.to_string()),
        ];
        if let Some(way) = &view.way {
            let reason = way.reason.as_ref().map(|reason| format!(": {reason}"));
            rows.insert(3, ("strategy", format!("{}{}", way.strategy, reason.unwrap_or_default())));
        }
        let at = place(view);
        if !view.state.is_terminal() && !at.is_empty() {
            let since = view.entered_at.map(|at| format!(", since {}", moment(at)));
            rows.push(("at", format!("{at}{}", since.unwrap_or_default())));
        }
        rows.extend(waiting(view, self.now).map(|text| ("note", text)));
        rows.extend(
            view.deadline
                .map(|at| ("deadline", format!("{}: past it a person is needed", moment(at)))),
        );
        rows.push((
            "accepted",
            format!("{}, by uid {}", moment(view.created_at), view.requested_by),
        ));
        rows.extend(view.started_at.map(|at| ("started", moment(at))));
        rows.extend(view.ended_at.map(|at| ("ended", moment(at))));
        rows.extend(view.owner.map(|owner| ("master", owner.to_string())));
        rows.extend(view.backup.iter().map(|backup| ("backup", backup.to_string())));
        let made = view.report.iter().filter_map(|report| report.site_backup.as_ref());
        rows.extend(made.map(|made| ("made", made.to_string())));
        rows.extend(view.prep.iter().map(|step| ("prep", step.to_string())));
        let exposed = view.report.iter().flat_map(|report| &report.exposed);
        rows.extend(exposed.map(|one| ("exposed", one.to_string())));
        let mut text = format!("{}:\n", view.lpar);
        for (what, value) in rows {
            text += &folded(&format!("   {what:9} = "), &clean(&value), style);
        }
        text + &ending(view, style)
    }
}
