//! What a rehearsal in a lab came to, beside what was drawn before.

use std::path::PathBuf;

use nim_shared::api::{FailureGroup, LeftOut, RolloutCounts, RolloutRehearsed};
use nim_shared::code;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use serde::Serialize;

use super::fault::Set;
use crate::command::rehearse::Rehearsal;
use crate::command::rollout::counts;
use crate::output::table::{Columns, NONE, Piece};
use crate::output::text::{Paint, clean, clock_seconds, count};
use crate::output::{Style, View};

/// Both.
#[derive(Debug, Serialize)]
pub(super) struct InLab {
    /// What was drawn.
    pub(super) rehearsal: RolloutRehearsed,
    /// What the programs did.
    pub(super) lab: LabRun,
}

/// One run of the programs in the lab.
#[derive(Debug, Serialize)]
pub(super) struct LabRun {
    /// Where it was, and where its results are.
    pub(super) folder: PathBuf,
    /// How many times faster than life.
    pub(super) speed: u32,
    pub(super) began: Timestamp,
    pub(super) over: Timestamp,
    /// How long it took, by the clock on the wall.
    pub(super) took: Seconds,
    /// And in the time of the lab.
    pub(super) took_in_lab: Seconds,
    /// What it stood still for; nothing where it came to its end.
    pub(super) stopped_by: Option<String>,
    pub(super) counts: RolloutCounts,
    pub(super) failures: Vec<FailureGroup>,
    /// Faults that were set.
    pub(super) faults: Vec<Set>,
    /// Whom the lab does not have.
    pub(super) left_out: Vec<LeftOut>,
    /// How else it differs from what is known.
    pub(super) differs: Vec<String>,
}

impl View for InLab {
    fn table(&self, style: Style) -> String {
        let drawn = &self.rehearsal;
        let lab = &self.lab;
        let mut text = Rehearsal(drawn.clone()).table(style);
        text += &format!(
            "\nthe same in the lab, {} times as fast as life, with its files in {}\n\n",
            lab.speed,
            lab.folder.display()
        );
        let mut columns = Columns::new(&["", "REHEARSED", "IN THE LAB"], style);
        let runs = drawn.runs;
        let all = format!("in {} of {runs} runs", drawn.all_updated);
        let others =
            lab.counts.failed + lab.counts.unreachable + lab.counts.left_out + lab.counts.waiting;
        let paint = if others == 0 { Paint::Good } else { Paint::Care };
        columns.row([
            "all updated".into(),
            Piece::from(all),
            Piece::painted(counts(&lab.counts), paint),
        ]);
        let (took, clock) = (clock_seconds(lab.took_in_lab), clock_seconds(lab.took));
        let takes = drawn.end.map_or_else(
            || NONE.to_owned(),
            |end| {
                let after = |at: Timestamp| {
                    let seconds = at.since(drawn.begin).whole_seconds();
                    clock_seconds(Seconds(u64::try_from(seconds).unwrap_or(0)))
                };
                format!("{} in half, {} in 95 of 100", after(end.p50), after(end.p95))
            },
        );
        columns.row([
            "took".into(),
            Piece::from(takes),
            format!("{took} ({clock} on the clock)").into(),
        ]);
        let stops = drawn.stops.first().map_or_else(
            || "nothing".to_owned(),
            |stop| format!("{} in {} of {runs} runs", stop.rule, stop.runs),
        );
        let stopped = lab
            .stopped_by
            .as_deref()
            .map_or_else(|| Piece::from("nothing"), |why| Piece::painted(clean(why), Paint::Bad));
        columns.row(["stopped by".into(), Piece::from(stops), stopped]);
        text += &columns.text();
        text += &self.failures(style);
        text += &self.differs(style);
        text
    }
}

impl InLab {
    /// What went wrong in the lab, and in how many of the runs that were drawn.
    fn failures(&self, style: Style) -> String {
        let mut text = String::new();
        if !self.lab.faults.is_empty() {
            let set = self.lab.faults.iter().map(|one| format!("{} on {}", one.fault, one.host));
            text += &format!("\nset in the lab: {}\n", set.collect::<Vec<_>>().join(", "));
        }
        if self.lab.failures.is_empty() {
            return text + "\nnothing went wrong in the lab\n";
        }
        let headings = ["WENT WRONG IN THE LAB", "CODE", "WITH", "REHEARSED"];
        let mut columns = Columns::new(&headings, style);
        for one in &self.lab.failures {
            let lpars: Vec<String> = one.lpars.iter().map(ToString::to_string).collect();
            let same = |drawn: &&nim_shared::api::RehearsedFailure| {
                (&drawn.state, &drawn.code) == (&one.state, &one.code)
            };
            let drawn = self.rehearsal.failures.iter().find(same);
            let drawn = drawn.map_or_else(
                || "never".to_owned(),
                |drawn| format!("in {} of {} runs", drawn.runs, self.rehearsal.runs),
            );
            let cells: [Piece; 4] = [
                Piece::painted(format!("{}: {}", one.state, title(one)), Paint::Bad),
                one.code.as_deref().unwrap_or(NONE).into(),
                lpars.join(", ").into(),
                drawn.into(),
            ];
            columns.row(cells);
        }
        text + &format!("\n{}", columns.text())
    }

    fn differs(&self, style: Style) -> String {
        let mut columns = Columns::new(&["THE LAB DIFFERS"], style);
        for line in said(&self.lab.left_out, &self.lab.differs) {
            columns.row([Piece::painted(line, Paint::Care)]);
        }
        format!("\n{}", columns.text())
    }
}

/// What went wrong, in a few words where there are such.
fn title(of: &FailureGroup) -> &str {
    let known = of.code.as_deref().and_then(code::find);
    known.map_or(&of.cause, |entry| entry.title)
}

/// How the lab differs from what is known, a line each. Whom it does not have comes first, one line a reason.
pub(super) fn said(left_out: &[LeftOut], differs: &[String]) -> Vec<String> {
    const NAMES: usize = 5;
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in left_out {
        match reasons.iter_mut().find(|(why, _)| *why == one.why) {
            Some((_, names)) => names.push(&one.name),
            None => reasons.push((&one.why, vec![&one.name])),
        }
    }
    let lines = reasons.into_iter().map(|(why, names)| {
        let more = names.len().saturating_sub(NAMES);
        let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {}", count(more, "other")) } else { String::new() };
        format!("not there: {shown}{more}: {why}")
    });
    lines.chain(differs.iter().cloned()).collect()
}

#[cfg(test)]
mod tests;
