//! `rehearse`: how a rollout comes out when it is run again and again.

use nim_shared::api::{
    RehearseRollout, RehearsedFailure, RehearsedLeftOut, RehearsedPast, RehearsedRate,
    RehearsedTimesOf, RolloutRehearsed,
};
use serde::Serialize;

use crate::cli::Rehearse;
use crate::client::Target;
use crate::command::rollout::{LIMIT, long, short};
use crate::command::{Context, apply};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, NONE, Piece};
use crate::output::text::{Paint, clean, clock_seconds, count};
use crate::output::{Style, View};

mod lab;
#[cfg(test)]
mod tests;

pub(super) async fn run(args: &Rehearse, context: &Context) -> Result<Exit, Error> {
    if let Some(folder) = &args.in_lab {
        return lab::run(args, folder, context).await;
    }
    let rehearsed = rehearse(&body(args)?, context).await?;
    let exit = if rehearsed.targets == 0 { Exit::DidNotSucceed } else { Exit::Done };
    context.printer.show_end(&Rehearsal(rehearsed), exit)
}

/// What is asked for.
fn body(args: &Rehearse) -> Result<RehearseRollout, Error> {
    Ok(RehearseRollout {
        file: apply::read(&args.file)?,
        begin: args.begin,
        runs: args.runs,
        seed: args.seed,
        faults: args.faults.clone(),
    })
}

async fn rehearse(body: &RehearseRollout, context: &Context) -> Result<RolloutRehearsed, Error> {
    let client = context.client.with_limit(LIMIT);
    client.post(Target::new(&["rollout", "rehearsal"]), body).await
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rehearsal(RolloutRehearsed);

impl View for Rehearsal {
    fn table(&self, style: Style) -> String {
        let of = &self.0;
        let mut text = headline(of, style);
        if of.targets == 0 {
            text += "the plan updates nobody: nimctl rollout plan says who is left out and why\n";
            return text;
        }
        text += &ends(of, style);
        text += &stops(of, style);
        text += &failures(&of.failures, style);
        text += &left_out(&of.left_out, style);
        text += &figures(of);
        text += &history(&of.history, style);
        let notes: Vec<&String> = of.notes.iter().chain(&of.plan_notes).collect();
        if !notes.is_empty() {
            let mut columns = Columns::new(&["NOTE"], style);
            notes.iter().for_each(|note| columns.row([Piece::painted(note, Paint::Care)]));
            text += &format!("\n{}\n", columns.text().trim_end());
        }
        text += &format!("fingerprint {}\n", of.fingerprint);
        text
    }
}

fn headline(of: &RolloutRehearsed, style: Style) -> String {
    let runs = if of.runs < of.runs_asked {
        format!("{} runs, for {} there was no time", of.runs, of.runs_asked)
    } else {
        count(usize::try_from(of.runs).unwrap_or(usize::MAX), "run")
    };
    let who = count(of.targets, "LPAR");
    let mut text = format!("rehearsal of rollout {}: {who}, {runs}, seed {}\n", of.name, of.seed);
    let paint = if of.all_updated == of.runs { Paint::Good } else { Paint::Care };
    let all = paint.paint(&format!("{} of {} runs", of.all_updated, of.runs), style);
    text += &format!("begins         {}\n", long(of.begin));
    text += &format!("all updated    in {all}\n");
    text
}

/// When it ends, beside what the plan says.
fn ends(of: &RolloutRehearsed, style: Style) -> String {
    let headings = ["", "RUNS", "5 OF 100", "HALF", "95 OF 100", "WORST (UTC)"];
    let mut columns = Columns::new(&headings, style);
    if let Some(end) = of.end {
        let times = [end.p5, end.p50, end.p95, end.worst].map(|at| Piece::from(short(at)));
        let mut cells = vec![Piece::from("ended by"), of.ended.to_string().into()];
        cells.extend(times);
        columns.row(cells);
    }
    let plan: [Piece; 6] = [
        "planned".into(),
        "".into(),
        "".into(),
        short(of.planned_usual_end).into(),
        short(of.planned_end).into(),
        "".into(),
    ];
    columns.row(plan);
    format!("\n{}", columns.text())
}

fn stops(of: &RolloutRehearsed, style: Style) -> String {
    if of.stops.is_empty() {
        return "\nnothing stopped it\n".to_owned();
    }
    let headings = ["STOPPED BY", "RUNS", "HALF BY", "WORST (UTC)", "UPDATED", "WAITING"];
    let mut columns = Columns::new(&headings, style);
    for one in &of.stops {
        let cells: [Piece; 6] = [
            Piece::painted(&one.rule, Paint::Bad),
            one.runs.to_string().into(),
            short(one.at.p50).into(),
            short(one.at.worst).into(),
            one.updated.to_string().into(),
            one.waiting.to_string().into(),
        ];
        columns.row(cells);
    }
    format!("\n{}", columns.text())
}

fn failures(failures: &[RehearsedFailure], style: Style) -> String {
    if failures.is_empty() {
        return "\nnothing went wrong with any LPAR\n".to_owned();
    }
    let mut columns = Columns::new(&["WENT WRONG", "CODE", "RUNS", "TIMES", "WITH"], style);
    let shown = if style.wide { failures.len() } else { ROWS };
    for one in failures.iter().take(shown) {
        let cells: [Piece; 5] = [
            Piece::painted(format!("{}: {}", one.state, one.title), Paint::Bad),
            one.code.as_deref().unwrap_or(NONE).into(),
            one.runs.to_string().into(),
            one.times.to_string().into(),
            with(&one.lpars, one.more, style).into(),
        ];
        columns.row(cells);
    }
    let mut text = format!("\n{}", columns.text());
    if failures.len() > shown {
        text += &format!("... and {} more: -o wide\n", failures.len() - shown);
    }
    text
}

/// How many kinds of failures have a row where no more is asked for.
const ROWS: usize = 15;

/// How many LPARs are named where no more is asked for.
const NAMES: usize = 3;

fn with(lpars: &[RehearsedTimesOf], more: usize, style: Style) -> String {
    let shown = if style.wide { lpars.len() } else { NAMES };
    let names = lpars.iter().take(shown).map(|one| format!("{} {}x", one.lpar, one.times));
    let mut text = names.collect::<Vec<_>>().join(", ");
    let more = more + lpars.len().saturating_sub(shown);
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

fn left_out(left_out: &[RehearsedLeftOut], style: Style) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let mut columns = Columns::new(&["LEFT OUT ON THE WAY", "RUNS", "AT MOST", "WHO"], style);
    for one in left_out {
        let cells: [Piece; 4] = [
            format!("{}: {}", one.state.replace('_', " "), one.why).into(),
            one.runs.to_string().into(),
            one.most.to_string().into(),
            with(&one.lpars, one.more, style).into(),
        ];
        columns.row(cells);
    }
    format!("\n{}", columns.text())
}

fn figures(of: &RolloutRehearsed) -> String {
    let mut text = String::from("\n");
    text += &match &of.past_window {
        None => "no update was still at work when its window had ended\n".to_owned(),
        Some(late) => format!(
            "past window    in {} of {} runs, {} at most, up to {} after its end\n",
            late.runs,
            of.runs,
            count(late.most, "LPAR"),
            clock_seconds(late.longest)
        ),
    };
    text += &match &of.blackout {
        None => "how long workloads stand still is not known of any LPAR\n".to_owned(),
        Some(blackout) => {
            let unknown = match blackout.unknown {
                0 => String::new(),
                many => format!("not known      of {}\n", count(many, "LPAR")),
            };
            format!(
                "blackouts      {} together in half of the runs, {} in 95 of 100\n\
                 at worst       {} together, {} of {} alone\n{unknown}",
                blackout.p50, blackout.p95, blackout.worst, blackout.longest, blackout.longest_of
            )
        }
    };
    text
}

/// What faults were drawn from.
fn history(rates: &[RehearsedRate], style: Style) -> String {
    if rates.is_empty() {
        return String::new();
    }
    let mut columns = Columns::new(&["DRAWN FROM", "UPDATES", "OF WHICH"], style);
    let shown = if style.wide { rates.len() } else { ROWS };
    for rate in rates.iter().take(shown) {
        let of = match (rate.of.as_str(), &rate.which) {
            ("site", _) => "all of the site".to_owned(),
            ("class", Some(which)) => format!("class {which}"),
            (_, Some(which)) => which.clone(),
            (of, None) => of.to_owned(),
        };
        let faults = match rate.faults.as_slice() {
            [] => "all went well".to_owned(),
            faults => faults.iter().map(past).collect::<Vec<_>>().join(", "),
        };
        columns.row([Piece::from(clean(&of)), rate.updates.to_string().into(), faults.into()]);
    }
    let mut text = format!("\n{}", columns.text());
    if rates.len() > shown {
        text += &format!("... and {} more: -o wide\n", rates.len() - shown);
    }
    text
}

fn past(one: &RehearsedPast) -> String {
    let code = one.code.as_deref().map(|code| format!(" by {code}")).unwrap_or_default();
    format!("{} {}{code}", one.updates, one.state)
}
