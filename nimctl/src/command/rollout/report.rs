//! `rollout report`: what became of a rollout, as text, JSON, CSV and a page that needs nothing else.

mod csv;
mod figures;
mod html;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nim_shared::api::{FailureGroup, ReportedLpar, RolloutEvent, RolloutReport};
use serde::Serialize;

use super::axis::{Axis, Layout};
use super::gantt::{LINES, NAME, UNKNOWN, WIDTH, heading, line};
use super::plan::{by_reason, long, numbers, short, some};
use super::status::under;
use crate::cli::ReportRollout;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::file;
use crate::output::table::{Columns, Piece, or_none};
use crate::output::text::{Paint, clean, count};
use crate::output::{Style, View};
use figures::{Figures, named};

pub(super) async fn run(args: &ReportRollout, context: &Context) -> Result<Exit, Error> {
    let written = args.file.as_deref().map(writer).transpose()?;
    let target = Target::new(&["rollouts", &args.rollout, "report"]);
    let report: RolloutReport = context.client.get(target).await?;
    let view = Shown(report);
    if let (Some(write), Some(path)) = (written, &args.file) {
        file::write(path, write(&view.0))?;
        context.printer.done(&format!("the report is in {}", path.display()))?;
    }
    // Whoever has it in a file reads it there; data that was asked for is given.
    if args.file.is_none() || !context.printer.format().is_for_people() {
        context.printer.show(&view)?;
    }
    Ok(Exit::Done)
}

/// What writes a file of this name.
fn writer(path: &Path) -> Result<fn(&RolloutReport) -> String, Error> {
    match path.extension().and_then(|end| end.to_str()) {
        Some("html") => Ok(html::page),
        Some("csv") => Ok(csv::lines),
        _ => Err(Error::Usage {
            what: format!("{} is no name for a report", path.display()),
            faults: Vec::new(),
            hint: Some("it ends in .html or .csv".to_owned()),
        }),
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(RolloutReport);

impl View for Shown {
    fn table(&self, style: Style) -> String {
        let report = &self.0;
        let figures = Figures::of(report);
        let mut text = headline(report, &figures);
        text += &timeline(report, style);
        text += &blackouts(&figures);
        text += &groups("what went wrong, by cause", &report.failures, &report.lpars, style);
        text +=
            &groups("what went wrong in earlier attempts, by cause", &report.earlier, &[], style);
        text += &levels(&figures, style);
        text += &lpars(report, style);
        if !report.left_out.is_empty() {
            let mut columns = Columns::new(&["LEFT OUT OF THE PLAN", "WHY"], style);
            for (one, names) in by_reason(&report.left_out) {
                columns.row([Piece::from(some(&names, style)), one.why.as_str().into()]);
            }
            text += &format!("\n{}", columns.text());
        }
        text += &happened(&report.events, style);
        text + &format!("fingerprint of the plan {}\n", report.view.fingerprint)
    }
}

/// What happened. Of a large rollout that is thousands of starts and ends: what people did is shown, and the newest of the rest.
fn happened(events: &[RolloutEvent], style: Style) -> String {
    if events.is_empty() {
        return String::new();
    }
    let own = events.iter().filter(|one| one.by.is_none()).count();
    let hidden = if style.wide { 0 } else { own.saturating_sub(LINES) };
    let mut text = "\nwhat happened, the oldest first, in UTC:\n".to_owned();
    let mut skipped = 0;
    for one in events {
        if one.by.is_none() && skipped < hidden {
            skipped += 1;
            continue;
        }
        let by = one.by.map(|uid| format!(" by uid {uid}")).unwrap_or_default();
        let by = format!("{by}{}", under(one.ticket.as_ref()));
        text += &format!("  {} {}{by}\n", short(one.at), clean(&one.what));
    }
    if hidden > 0 {
        text += &format!("... and {} of nimd: -o wide\n", count(hidden, "earlier step"));
    }
    text
}

/// What one reads first.
fn facts(report: &RolloutReport, figures: &Figures) -> Vec<(&'static str, String)> {
    let view = &report.view;
    let mut facts = vec![
        ("state", view.phase.clone()),
        (
            "LPARs",
            figures
                .states
                .iter()
                .map(|(state, number)| format!("{number} {}", named(state)))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        (
            "started",
            format!(
                "{} by uid {}{}",
                long(view.created_at),
                view.requested_by,
                under(view.ticket.as_ref())
            ),
        ),
        ("planned", format!("{} to {} at the latest", long(view.begin), long(view.planned_end))),
    ];
    if let Some(what) = asked(&report.operation) {
        facts.insert(1, ("asked for", what));
    }
    if let Some((from, to)) = figures.ran {
        facts.push(("updates ran", format!("{} to {}", long(from), long(to))));
    }
    if let Some(at) = view.ended_at {
        facts.push(("ended", long(at)));
    }
    if let Some(stop) = numbers(&report.stop) {
        facts.push(("was to stop at", stop));
    }
    if let Some(spread) = &figures.spread {
        let above = match spread.above {
            None => String::new(),
            Some(0) => ", none longer than planned".to_owned(),
            Some(above) => format!(", {above} longer than planned"),
        };
        let known = count(spread.known, "LPAR");
        let half = format!("known of {known}, half of them up to {}", spread.median);
        facts.push(("blackout", half));
        facts.push(("the longest", format!("{} ({}){above}", spread.longest, spread.of)));
    }
    facts.push(("written", long(report.at)));
    facts
}

/// What was to be done, the software first. Nothing of a rollout of which that cannot be read any more.
fn asked(operation: &BTreeMap<String, String>) -> Option<String> {
    const FIRST: [&str; 3] = ["lpp_source", "fixes", "filesets"];
    if operation.is_empty() {
        return None;
    }
    let mut with: Vec<(&String, &String)> =
        operation.iter().filter(|(key, _)| *key != "live_update").collect();
    let place = |key: &str| FIRST.iter().position(|one| *one == key).unwrap_or(FIRST.len());
    with.sort_by_key(|(key, _)| place(key));
    let with = with.iter().map(|(key, value)| format!(", {key} {value}"));
    Some(format!("Live Update{}", with.collect::<String>()))
}

fn headline(report: &RolloutReport, figures: &Figures) -> String {
    let mut text = format!("rollout {}\n", report.view.name);
    for (label, fact) in facts(report, figures) {
        text += &format!("{label:<15}{}\n", clean(&fact));
    }
    text
}

/// Frames with those that were updated on them.
fn frames(report: &RolloutReport) -> BTreeMap<&str, Vec<&ReportedLpar>> {
    let mut frames: BTreeMap<&str, Vec<&ReportedLpar>> = BTreeMap::new();
    for one in report.lpars.iter().filter(|one| figures::span(one, report.at).is_some()) {
        let frame = one.frame.as_ref().map_or(UNKNOWN, |frame| frame.as_str());
        frames.entry(frame).or_default().push(one);
    }
    frames
}

/// When which LPAR was updated, frame by frame.
fn timeline(report: &RolloutReport, style: Style) -> String {
    let frames = frames(report);
    let all = || frames.values().flatten();
    if frames.is_empty() {
        return String::new();
    }
    let names = all().map(|one| one.lpar.as_str()).chain(frames.keys().copied());
    let longest = names.map(|name| name.chars().count()).max().unwrap_or(0).min(NAME);
    let left = longest + 3;
    let width = usize::from(style.width.unwrap_or(WIDTH)).saturating_sub(left + 1).max(24);
    let spans = all().filter_map(|one| figures::span(one, report.at));
    let axis = Axis::of_spans(spans, Layout { width, least: 11, gap: 1 });
    let mut text = format!("\n{:left$}{}\n", "", heading(&axis));
    let single = style.wide || all().count() <= LINES;
    for (name, lpars) in &frames {
        if !single {
            let bars: Vec<String> = lpars.iter().map(|one| bar(one, report, &axis)).collect();
            text += &line(name, left, &over_each_other(&bars));
            continue;
        }
        text += &format!("{}\n", clean(name));
        for one in lpars {
            text += &line(&format!("  {}", one.lpar), left, &bar(one, report, &axis));
        }
    }
    text + "= the update, ! one that did not succeed; all times UTC\n"
}

fn bar(one: &ReportedLpar, report: &RolloutReport, axis: &Axis) -> String {
    let Some((begin, end)) = figures::span(one, report.at) else { return String::new() };
    let begin = axis.place(begin);
    let end = axis.place(end).max(begin + 1);
    let sign = if figures::is_bad(&one.state) { "!" } else { "=" };
    format!("{}{}", " ".repeat(begin), sign.repeat(end - begin))
}

/// Several bars in one line: what did not succeed is seen.
fn over_each_other(bars: &[String]) -> String {
    let width = bars.iter().map(String::len).max().unwrap_or(0);
    let column = |at: usize| {
        let signs = bars.iter().filter_map(|bar| bar.as_bytes().get(at));
        signs.fold(' ', |seen, sign| match (seen, sign) {
            ('!', _) | (_, b'!') => '!',
            ('=', _) | (_, b'=') => '=',
            _ => ' ',
        })
    };
    (0..width).map(column).collect()
}

/// How many stood still how long.
fn blackouts(figures: &Figures) -> String {
    let Some(most) = figures.histogram.iter().map(|(_, number)| *number).max() else {
        return String::new();
    };
    let mut text = "\nhow long workloads stood still:\n".to_owned();
    for (label, number) in &figures.histogram {
        let bar = "#".repeat((number * BAR).div_ceil(most.max(1)));
        text += format!("  {label:>16} {number:>6} {bar}").trim_end();
        text += "\n";
    }
    text
}

/// Columns of the largest bar.
const BAR: usize = 40;

/// Groups of failures with what `lpars` say of them: what is on record of an LPAR is of its last attempt alone.
fn groups(what: &str, groups: &[FailureGroup], lpars: &[ReportedLpar], style: Style) -> String {
    let mut text = String::new();
    for group in groups {
        let code = group.code.as_ref().map(|code| format!(" [{}]", clean(code)));
        let what = format!("{} {}", group.lpars.len(), named(&group.state));
        text += &format!(
            "{}{}: {}\n",
            Paint::Bad.paint(&what, style),
            code.unwrap_or_default(),
            clean(&group.cause)
        );
        let said = said(lpars, group);
        let shown = if style.wide { said.len() } else { SAID };
        for (why, lpars) in said.iter().take(shown) {
            let who =
                if lpars.is_empty() { String::new() } else { format!(" ({})", some(lpars, style)) };
            text += &format!("  said   {}{who}\n", clean(why));
        }
        if said.len() > shown {
            text += &format!("  said   ... and {} more: -o wide\n", said.len() - shown);
        }
        if let Some(remedy) = &group.remedy {
            text += &format!("  to do  {}\n", clean(remedy));
        }
        text += &format!("  LPARs  {}\n", names(group, style));
    }
    if text.is_empty() { text } else { format!("\n{what}:\n{text}") }
}

/// What the LPARs of a group said themselves, where that is more than the cause they have in common; those who said the same together.
fn said<'r>(lpars: &'r [ReportedLpar], group: &'r FailureGroup) -> Vec<(&'r str, Vec<&'r str>)> {
    let members: BTreeSet<&str> = group.lpars.iter().map(|name| name.as_str()).collect();
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in lpars.iter().filter(|one| members.contains(one.lpar.as_str())) {
        let Some(why) = one.why.as_deref().filter(|why| *why != group.cause) else { continue };
        match said.iter_mut().find(|(text, _)| *text == why) {
            Some((_, lpars)) => lpars.push(one.lpar.as_str()),
            None => said.push((why, vec![one.lpar.as_str()])),
        }
    }
    said.sort_by_key(|(_, lpars)| std::cmp::Reverse(lpars.len()));
    said.extend(group.said.iter().map(|why| (why.as_str(), Vec::new())));
    said
}

/// How many different texts of a group are shown.
const SAID: usize = 3;

fn names(group: &FailureGroup, style: Style) -> String {
    let shown = if style.wide { group.lpars.len() } else { 8 };
    let names: Vec<&str> = group.lpars.iter().take(shown).map(|name| name.as_str()).collect();
    let more = group.lpars.len().saturating_sub(shown);
    let more = if more > 0 { format!(" and {more} more: -o wide") } else { String::new() };
    format!("{}{more}", names.join(" "))
}

fn levels(figures: &Figures, style: Style) -> String {
    if figures.levels.is_empty() {
        return String::new();
    }
    let mut columns = Columns::new(&["LEVEL BEFORE", "LEVEL AFTER", "LPARS"], style);
    for ((before, after), number) in &figures.levels {
        columns.row([
            Piece::from(before.as_str()),
            after.as_str().into(),
            number.to_string().into(),
        ]);
    }
    format!("\n{}", columns.text())
}

fn lpars(report: &RolloutReport, style: Style) -> String {
    let shown = if style.wide { report.lpars.len() } else { LINES };
    let mut headings = vec!["LPAR", "WAVE", "STATE", "TRY", "BEGAN", "OVER", "BLACKOUT"];
    if style.wide {
        headings.extend(["PLANNED", "BEFORE", "AFTER", "IFIXES", "OPERATION"]);
    }
    let mut columns = Columns::new(&headings, style);
    for one in report.lpars.iter().take(shown) {
        let paint = if figures::is_bad(&one.state) { Paint::Bad } else { Paint::None };
        let mut cells: Vec<Piece> = vec![
            one.lpar.as_str().into(),
            one.wave.as_str().into(),
            Piece::painted(named(&one.state), paint),
            one.attempt.to_string().into(),
            or_none(one.began.map(short)).into(),
            or_none(one.ended.map(short)).into(),
            or_none(one.blackout).into(),
        ];
        if style.wide {
            cells.extend([
                Piece::from(or_none(one.planned_begin.map(short))),
                or_none(one.level_before.as_deref()).into(),
                or_none(one.level_after.as_deref()).into(),
                or_none(figures::fixes(one)).into(),
                or_none(one.operation).into(),
            ]);
        }
        columns.row(cells);
    }
    let mut text = format!("\n{}", columns.text());
    if report.lpars.len() > shown {
        text += &format!("... and {}: -o wide\n", count(report.lpars.len() - shown, "more LPAR"));
    }
    text
}
