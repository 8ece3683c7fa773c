//! `report blackout`: how long workloads stood still, and how far the estimates were off.

use nim_shared::api::{BlackoutReport, BlackoutView, Distribution};
use serde::Serialize;

use crate::output::table::{Columns, Layout, Piece, or_none};
use crate::output::text::{count, moment};
use crate::output::{Style, View};

#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Blackouts(pub(super) BlackoutReport);

impl View for Blackouts {
    fn table(&self, style: Style) -> String {
        let BlackoutReport { updates, lpars, distribution, errors, longer_than_estimated, worst } =
            &self.0;
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        if *updates == 0 {
            return "no update has moved a workload yet\n".to_owned();
        }
        let mut text = format!(
            "{} of {}\n\n",
            count(number(*updates), "update"),
            count(number(*lpars), "LPAR")
        );
        let mut columns =
            Columns::new(&["", "UPDATES", "LEAST", "MEDIAN", "9 OF 10", "MOST"], style);
        for (what, spread) in [("blackout", distribution), ("estimate was off by", errors)] {
            let Some(Distribution { count, least, median, ninth, most }) = spread else { continue };
            let signed = what != "blackout";
            let figure = |value: i64| Piece::from(tenths(value, signed));
            let [least, median, ninth, most] = [*least, *median, *ninth, *most].map(figure);
            columns.row([Piece::from(what), count.to_string().into(), least, median, ninth, most]);
        }
        text += &columns.text();
        if errors.is_some() {
            text += "off by: + the estimate was longer than the blackout, - it was shorter\n";
            text += &format!(
                "longer than estimated: {}\n",
                count(number(*longer_than_estimated), "update")
            );
        }
        if !worst.is_empty() {
            text += "\nthe longest:\n";
            text += &longest(worst, style);
        }
        text
    }
}

fn longest(worst: &[BlackoutView], style: Style) -> String {
    let layout = Layout::of(style);
    let narrow = layout == Layout::Below;
    let headings: &[&str] = if narrow {
        &["LPAR", "BLACKOUT", "FIGURES", "LEVEL, ENDED, OPERATION"]
    } else {
        &["LPAR", "BLACKOUT", "ESTIMATED", "REPORTED", "MEASURED", "LEVEL", "ENDED", "OPERATION"]
    };
    let mut columns = Columns::new(headings, style);
    for view in worst {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let figures = [
            ("estimated ", or_none(view.times.estimated)),
            ("reported  ", or_none(view.times.reported)),
            ("measured  ", or_none(view.times.measured.map(|one| tenths(signed(one.0), false)))),
        ];
        // Where each has a column of its own, its heading says what it is.
        let named = |(name, value)| if narrow { format!("{name}{value}") } else { value };
        let update =
            [or_none(view.level.as_deref()), moment(view.ended_at), view.operation.to_string()];
        let mut row = vec![
            Piece::from(view.lpar.as_str()),
            or_none(view.milliseconds.map(|value| tenths(signed(value), false))).into(),
        ];
        row.extend(layout.pieces(figures.map(named)));
        row.extend(layout.pieces(update));
        columns.row(row);
    }
    columns.text()
}

/// Milliseconds as seconds with a tenth, `20.5 s`; with a sign where it means something.
fn tenths(milliseconds: i64, signed: bool) -> String {
    let sign = match milliseconds.signum() {
        -1 => "-",
        1 if signed => "+",
        _ => "",
    };
    let amount = milliseconds.unsigned_abs();
    format!("{sign}{}.{} s", amount / 1000, amount / 100 % 10)
}
