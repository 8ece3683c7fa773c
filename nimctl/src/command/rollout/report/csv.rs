//! A report with a line for each LPAR, as RFC 4180 has it.

use nim_shared::api::{ReportedLpar, RolloutReport};
use nim_shared::stamp::Timestamp;

use crate::output::text::{clean, moment};

const COLUMNS: [&str; 19] = [
    "lpar",
    "frame",
    "wave",
    "state",
    "attempt",
    "planned_begin",
    "planned_end",
    "began",
    "ended",
    "seconds",
    "planned_blackout_seconds",
    "blackout_seconds",
    "level_before",
    "level_after",
    "fixes_before",
    "fixes_after",
    "codes",
    "why",
    "operation",
];

/// The lines, the names of the columns first.
pub(super) fn lines(report: &RolloutReport) -> String {
    let mut text = COLUMNS.join(",") + "\r\n";
    for one in &report.lpars {
        let cells: Vec<String> = row(one).into_iter().map(|cell| quoted(&cell)).collect();
        text += &cells.join(",");
        text += "\r\n";
    }
    text
}

fn row(one: &ReportedLpar) -> [String; 19] {
    let at = |at: Option<Timestamp>| at.map(moment).unwrap_or_default();
    let took = one.began.zip(one.ended).map(|(began, ended)| ended.since(began).whole_seconds());
    let number = |seconds: Option<nim_shared::unit::Seconds>| {
        seconds.map(|seconds| seconds.0.to_string()).unwrap_or_default()
    };
    let fixes = |labels: &Option<Vec<String>>| {
        labels.iter().flatten().cloned().collect::<Vec<_>>().join(" ")
    };
    [
        one.lpar.to_string(),
        one.frame.as_ref().map(ToString::to_string).unwrap_or_default(),
        one.wave.to_string(),
        one.state.clone(),
        one.attempt.to_string(),
        at(one.planned_begin),
        at(one.planned_end),
        at(one.began),
        at(one.ended),
        took.map(|took| took.max(0).to_string()).unwrap_or_default(),
        number(one.planned_blackout),
        number(one.blackout),
        one.level_before.clone().unwrap_or_default(),
        one.level_after.clone().unwrap_or_default(),
        fixes(&one.fixes_before),
        fixes(&one.fixes_after),
        one.codes.join(" "),
        one.why.clone().unwrap_or_default(),
        one.operation.map(|id| id.to_string()).unwrap_or_default(),
    ]
}

/// A cell that is one cell to whoever reads it, and no formula to a program for tables.
fn quoted(cell: &str) -> String {
    let mut cell = clean(cell);
    if cell.starts_with(['=', '+', '-', '@']) {
        cell.insert(0, '\'');
    }
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}
