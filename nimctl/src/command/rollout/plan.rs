//! A plan for a person: waves, a timeline for each frame, who waits for what, who is left out, and when it stops.

use std::collections::HashMap;

use nim_shared::api::{
    Approval, Basis, LeftOut, PlannedWave, RolloutPlan, RolloutPlanned, StopNumbers,
};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use serde::Serialize;
use time::macros::format_description;

use super::gantt::gantt;
use crate::output::table::{Columns, NONE, Piece, or_none};
use crate::output::text::{Paint, clean, clock, count};
use crate::output::{Style, View};

/// How many LPARs have a row where no more is asked for.
const ROWS: usize = 40;

#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Plan(pub(super) RolloutPlanned);

impl View for Plan {
    fn table(&self, style: Style) -> String {
        let planned = &self.0;
        let plan = &planned.plan;
        let mut text = headline(plan);
        text += &tried(planned, style);
        text += &waves(plan, style);
        text += &gantt(planned, style);
        text += &targets(plan, style);
        text += &others(plan, style);
        text += &stops(plan);
        if style.wide {
            text += "\nclasses of LPARs that are equal as far as an update goes:\n";
            for (number, class) in plan.classes.iter().enumerate() {
                text += &format!("  {number}: {}\n", clean(class));
            }
        }
        if !planned.notes.is_empty() {
            let mut columns = Columns::new(&["NOTE"], style);
            planned.notes.iter().for_each(|note| columns.row([Piece::painted(note, Paint::Care)]));
            text += &format!("\n{}\n", columns.text().trim_end());
        }
        text += &format!("fingerprint {}\n", plan.fingerprint);
        text
    }
}

fn headline(plan: &RolloutPlan) -> String {
    let mut who =
        format!("{} in {}", count(plan.targets.len(), "LPAR"), count(plan.waves.len(), "wave"));
    if !plan.held.is_empty() {
        who += &format!(", {} held back now", plan.held.len());
    }
    if !plan.excluded.is_empty() {
        who += &format!(", {} left out", plan.excluded.len());
    }
    let mut text = format!("rollout {}: {who}\n", plan.name);
    if plan.targets.is_empty() && plan.held.is_empty() && plan.excluded.is_empty() {
        text += "the targets of the file mean no LPAR that is on record: nimctl list standalone\n";
    }
    if !plan.targets.is_empty() {
        let more = clock(plan.end.since(plan.bound));
        text += &format!("begins         {}\n", long(plan.begin));
        text += &format!("usually over   {}\n", long(plan.usual_end));
        text +=
            &format!("at the latest  {}, {more} later than the best plan ends\n", long(plan.end));
    }
    text
}

fn tried(planned: &RolloutPlanned, style: Style) -> String {
    let Some(tried) = &planned.what_if else { return String::new() };
    let mut text = format!(
        "what if        {}\nwithout it     {}, usually over {}, at the latest {}\n",
        clean(&tried.changes),
        count(tried.targets_without, "LPAR"),
        short(tried.usual_end_without),
        short(tried.end_without)
    );
    if let Some(by) = tried.finish_by {
        text += &match &tried.late[..] {
            [] => format!("finish by      {}: all are done\n", long(by)),
            late => {
                let shown: Vec<&str> = late.iter().take(10).map(|name| name.as_str()).collect();
                let more = late.len().saturating_sub(10);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let label = Paint::Bad.paint("may be late", style);
                let who = count(late.len(), "LPAR");
                format!("finish by      {}: {who} {label}: {}{more}\n", long(by), shown.join(" "))
            }
        };
    }
    text
}

fn waves(plan: &RolloutPlan, style: Style) -> String {
    if plan.targets.is_empty() {
        return String::new();
    }
    let headings = ["WAVE", "LPARS", "AT A TIME", "BEGINS (UTC)", "USUALLY OVER", "AT LATEST"];
    let mut columns = Columns::new(&headings, style);
    let mut before: Option<&PlannedWave> = None;
    let mut conditions = String::new();
    for wave in &plan.waves {
        let cells: [Piece; 6] = [
            wave.name.as_str().into(),
            wave.members.to_string().into(),
            wave.in_flight.to_string().into(),
            short(wave.begin).into(),
            short(wave.usual_end).into(),
            short(wave.end).into(),
        ];
        columns.row(cells);
        if let Some(first) = first(wave, before) {
            conditions += &format!("before {}: {first}\n", wave.name);
        }
        before = Some(wave);
    }
    format!("\n{}{conditions}", columns.text())
}

/// What has to be before a wave begins.
fn first(wave: &PlannedWave, before: Option<&PlannedWave>) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(before) = before {
        if let Some(healthy) = before.healthy {
            parts.push(format!("{healthy} of {} updated in {}", before.members, before.name));
        }
        if before.soak.0 > 0 {
            parts.push(format!("{} to soak", span(before.soak)));
        }
    }
    if wave.approval == Approval::Yes {
        parts.push("approval".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn targets(plan: &RolloutPlan, style: Style) -> String {
    if plan.targets.is_empty() {
        return String::new();
    }
    let shown = if style.wide { plan.targets.len() } else { ROWS };
    let mut headings = vec!["LPAR", "WAVE", "STARTS (UTC)", "LATEST", "BLACKOUT"];
    if style.wide {
        headings.extend(["FRAME", "CLASS", "BY"]);
    }
    headings.push("WAITS FOR");
    let mut columns = Columns::new(&headings, style);
    for one in plan.targets.iter().take(shown) {
        let wave = plan.waves.get(one.wave).map_or(NONE, |wave| wave.name.as_str());
        let mut cells: Vec<Piece> = vec![
            one.lpar.as_str().into(),
            wave.into(),
            short(one.begin).into(),
            short_time(one.end).into(),
            or_none(one.blackout).into(),
        ];
        if style.wide {
            let frame = one.frame.as_ref().map_or(NONE, |frame| frame.as_str());
            cells.extend([
                Piece::from(frame),
                one.class.to_string().into(),
                basis(one.basis).into(),
            ]);
        }
        let mut waits = one.waits_for.clone();
        if let Some(why) = &one.approval {
            let asks = format!("approval: {why}");
            waits = Some(waits.map_or(asks.clone(), |waits| format!("{waits}; {asks}")));
        }
        cells.push(or_none(waits).into());
        columns.row(cells);
    }
    let mut text = format!("\n{}", columns.text());
    if plan.targets.len() > shown {
        text += &format!("... and {} more: -o wide\n", plan.targets.len() - shown);
    }
    text
}

fn basis(of: Basis) -> &'static str {
    match of {
        Basis::Own => "own",
        Basis::Class => "class",
        Basis::All => "all",
        Basis::Estimate => "preview",
        Basis::Assumed => "assumed",
    }
}

/// Who is held back, and who is left out: those with the same reason together.
fn others(plan: &RolloutPlan, style: Style) -> String {
    let mut text = String::new();
    if !plan.held.is_empty() {
        let mut columns = Columns::new(&["HELD BACK", "WHY, UNTIL IT IS LOOKED AT AGAIN"], style);
        for one in &plan.held {
            columns.row([Piece::from(one.lpar.as_str()), one.reasons.join("; ").into()]);
        }
        text += &format!("\n{}", columns.text());
    }
    if !plan.excluded.is_empty() {
        let mut columns = Columns::new(&["LEFT OUT", "WHY"], style);
        for (one, names) in by_reason(&plan.excluded) {
            columns.row([Piece::from(some(&names, style)), one.why.as_str().into()]);
            for proposal in &one.proposals {
                columns.row([Piece::from(""), proposal.as_str().into()]);
            }
        }
        text += &format!("\n{}", columns.text());
    }
    text
}

/// Those that are left out by their reason, in the order in which reasons first come.
pub(super) fn by_reason(left_out: &[LeftOut]) -> Vec<(&LeftOut, Vec<&str>)> {
    let mut reasons: Vec<(&LeftOut, Vec<&str>)> = Vec::new();
    let mut places: HashMap<(&str, &[String]), usize> = HashMap::new();
    for one in left_out {
        let at = *places.entry((&one.why, &one.proposals)).or_insert_with(|| {
            reasons.push((one, Vec::new()));
            reasons.len() - 1
        });
        reasons[at].1.push(&one.name);
    }
    reasons
}

/// The first of these names, and how many more there are.
pub(super) fn some(names: &[&str], style: Style) -> String {
    let shown = if style.wide { names.len() } else { NAMES };
    let mut who = names.iter().take(shown).copied().collect::<Vec<_>>().join(" ");
    if names.len() > shown {
        who += &format!(" and {} more", names.len() - shown);
    }
    who
}

/// How many of those that are left out for one reason are named.
const NAMES: usize = 5;

/// The exact numbers at which it stops.
fn stops(plan: &RolloutPlan) -> String {
    let mut text = String::from("\n");
    for wave in plan.waves.iter().filter(|wave| wave.members > 0) {
        let Some(numbers) = numbers(&wave.stop) else { continue };
        text += &format!("wave {} stops at {numbers}{}\n", wave.name, worst(wave.worst_failed));
    }
    match numbers(&plan.stop) {
        Some(numbers) => {
            text += &format!("the whole stops at {numbers}{}\n", worst(plan.worst_failed));
        }
        None if text == "\n" => text += "no number of failures stops it: the file has no stop\n",
        None => {}
    }
    text
}

fn worst(failed: Option<usize>) -> String {
    let said = failed.map(|worst| format!("; at worst {worst} failed when all has come to rest"));
    said.unwrap_or_default()
}

pub(super) fn numbers(stop: &StopNumbers) -> Option<String> {
    let parts =
        [(stop.failed, "failed"), (stop.unreachable, "unreachable"), (stop.skipped, "skipped")];
    let parts: Vec<String> =
        parts.iter().filter_map(|(number, what)| Some(format!("{} {what}", (*number)?))).collect();
    (!parts.is_empty()).then(|| parts.join(" or "))
}

/// A span as a file has it: `1d`, `90m`.
fn span(seconds: Seconds) -> String {
    for (unit, size) in [("d", 86_400), ("h", 3600), ("m", 60)] {
        if seconds.0 >= size && seconds.0.is_multiple_of(size) {
            return format!("{}{unit}", seconds.0 / size);
        }
    }
    format!("{}s", seconds.0)
}

/// A time with its year, to the minute, and that it is UTC: near it times are shorter.
pub(in crate::command) fn long(at: Timestamp) -> String {
    written(at, format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
}

/// A time without its year.
pub(in crate::command) fn short(at: Timestamp) -> String {
    written(at, format_description!("[month]-[day] [hour]:[minute]"))
}

/// A time of a day.
pub(super) fn short_time(at: Timestamp) -> String {
    written(at, format_description!("[hour]:[minute]"))
}

fn written(at: Timestamp, form: &[time::format_description::BorrowedFormatItem<'_>]) -> String {
    at.get().format(form).unwrap_or_else(|_| at.to_string())
}
