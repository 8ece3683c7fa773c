//! A report as a page that needs nothing else, for readers who have no terminal.

use std::fmt::Write as _;

use nim_shared::api::{FailureGroup, ReportedLpar, RolloutReport};

use super::figures::{self, Figures, named};
use super::{SAID, facts, frames, said};
use crate::command::rollout::axis::{Axis, Layout};
use crate::command::rollout::picture::escaped;
use crate::command::rollout::plan::{by_reason, long, short};
use crate::command::rollout::status::under;
use crate::output::table::NONE;

/// Points of a row of a picture, of the names before bars, and of the bars.
const ROW: usize = 16;
const LEFT: usize = 190;
const BARS: usize = 900;

/// Up to how many LPARs have a row each in the timeline.
const ROWS: usize = 2000;

const STYLE: &str = "body{font-family:sans-serif;margin:2em;color:#222;max-width:1140px}\
table{border-collapse:collapse;margin:.5em 0 1.5em}\
th,td{text-align:left;padding:.2em .8em .2em 0;vertical-align:top;border-bottom:1px solid #ddd}\
svg text{font:12px sans-serif;fill:#222}svg .dim{fill:#555}svg .end{text-anchor:end}svg line{stroke:#ccc}\
.bad{color:#b00020}h2{margin-top:1.6em}p.note{color:#555}";

/// The page.
pub(super) fn page(report: &RolloutReport) -> String {
    let figures = Figures::of(report);
    let name = escaped(report.view.name.as_str());
    let mut body = format!("<h1>Rollout {name}</h1>\n<table>\n");
    for (label, fact) in facts(report, &figures) {
        row(&mut body, "td", &[label, &fact]);
    }
    body += "</table>\n";
    body += &failures(report);
    body += &timeline(report);
    body += &histogram(&figures);
    body += &levels(&figures);
    body += &lpars(report);
    body += &rest(report);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Rollout {name}</title>\n\
         <style>{STYLE}</style></head>\n<body>\n{body}<p class=\"note\">Fingerprint of the plan: {}</p>\n</body>\n</html>\n",
        report.view.fingerprint
    )
}

fn row(into: &mut String, cell: &str, cells: &[&str]) {
    into.push_str("<tr>");
    for text in cells {
        let class = if cell == "td" && figures::is_bad(text) { " class=\"bad\"" } else { "" };
        draw(into, format_args!("<{cell}{class}>{}</{cell}>", escaped(text)));
    }
    into.push_str("</tr>\n");
}

fn draw(into: &mut String, what: std::fmt::Arguments<'_>) {
    into.write_fmt(what).expect("a String takes everything");
}

fn failures(report: &RolloutReport) -> String {
    let mut text = "<h2>What went wrong, by cause</h2>\n".to_owned();
    if report.failures.is_empty() {
        text += "<p>Nothing: all that were begun came to a good end.</p>\n";
    } else {
        text += &groups(&report.failures, &report.lpars);
    }
    if !report.earlier.is_empty() {
        text += "<h2>What went wrong in earlier attempts, by cause</h2>\n";
        text += &groups(&report.earlier, &[]);
    }
    text
}

fn groups(groups: &[FailureGroup], lpars: &[ReportedLpar]) -> String {
    let mut text = "<table>\n".to_owned();
    let headings =
        ["How many", "How it ended", "Code", "Cause", "What was said", "What to do", "LPARs"];
    row(&mut text, "th", &headings);
    for group in groups {
        let said = said(lpars, group);
        let more = said.len().saturating_sub(SAID);
        let mut said: Vec<&str> = said.into_iter().take(SAID).map(|(why, _)| why).collect();
        said.extend((more > 0).then_some("others: see each LPAR below"));
        let said = if said.is_empty() { NONE.to_owned() } else { said.join("; ") };
        let names: Vec<&str> = group.lpars.iter().map(|name| name.as_str()).collect();
        row(
            &mut text,
            "td",
            &[
                &group.lpars.len().to_string(),
                &named(&group.state),
                group.code.as_deref().unwrap_or(NONE),
                &group.cause,
                &said,
                group.remedy.as_deref().unwrap_or(NONE),
                &names.join(" "),
            ],
        );
    }
    text + "</table>\n"
}

/// When which LPAR was updated, frame by frame.
fn timeline(report: &RolloutReport) -> String {
    let frames = frames(report);
    let mut text = "<h2>When, frame by frame</h2>\n".to_owned();
    if frames.is_empty() {
        return text + "<p>No update has begun.</p>\n";
    }
    let spans = frames.values().flatten().filter_map(|one| figures::span(one, report.at));
    let axis = Axis::of_spans(spans, Layout { width: BARS, least: 150, gap: 10 });
    let single = frames.values().map(Vec::len).sum::<usize>() <= ROWS;
    let mut bars = String::new();
    let mut y = 2 * ROW;
    for (frame, lpars) in &frames {
        label(&mut bars, 4, y, "", frame);
        for one in lpars {
            let Some((begin, end)) = figures::span(one, report.at) else { continue };
            if single {
                y += ROW;
                label(&mut bars, 20, y, "", one.lpar.as_str());
            }
            let from = LEFT + axis.place(begin);
            let to = (LEFT + axis.place(end)).max(from + 1);
            let colour = if figures::is_bad(&one.state) { "#b00020" } else { "#0072b2" };
            let blackout = one.blackout.map(|one| format!(", blackout {one}")).unwrap_or_default();
            let title = format!(
                "{}: {}, {} to {}{blackout}",
                one.lpar,
                named(&one.state),
                long(begin),
                long(end)
            );
            draw(
                &mut bars,
                format_args!(
                    "<rect x=\"{from}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{colour}\" opacity=\"0.8\"><title>{}</title></rect>\n",
                    y + 2,
                    to - from,
                    ROW - 4,
                    escaped(&title)
                ),
            );
        }
        y += ROW;
    }
    let mut marks = String::new();
    for part in &axis.parts {
        let (from, to) = (LEFT + part.at, LEFT + part.at + part.width);
        label(&mut marks, from, 0, "dim", &short(part.begin()));
        for x in [from, to] {
            draw(
                &mut marks,
                format_args!("<line x1=\"{x}\" y1=\"{ROW}\" x2=\"{x}\" y2=\"{y}\"/>\n"),
            );
        }
    }
    if let Some(last) = axis.parts.last() {
        label(&mut marks, LEFT + last.at + last.width, 0, "dim end", &short(last.end()));
    }
    text += "<p class=\"note\">Each bar is an update, from when the LPAR took it to when it was over; red ones did not succeed. Times are UTC.</p>\n";
    text + &picture(LEFT + BARS + 20, y + ROW, &(marks + &bars))
}

fn label(into: &mut String, x: usize, y: usize, class: &str, what: &str) {
    let y = y + ROW - 4;
    draw(
        into,
        format_args!("<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{}</text>\n", escaped(what)),
    );
}

fn picture(width: usize, height: usize, inside: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n{inside}</svg>\n"
    )
}

/// How many stood still how long.
fn histogram(figures: &Figures) -> String {
    let mut text = "<h2>How long workloads stood still</h2>\n".to_owned();
    let Some(most) = figures.histogram.iter().map(|(_, number)| *number).max() else {
        return text + "<p>No update has said how long.</p>\n";
    };
    let mut bars = String::new();
    for (at, (span, number)) in figures.histogram.iter().enumerate() {
        let y = at * ROW;
        label(&mut bars, 4, y, "", span);
        let width = number * (BARS / 2) / most.max(1);
        draw(
            &mut bars,
            format_args!(
                "<rect x=\"{LEFT}\" y=\"{}\" width=\"{width}\" height=\"{}\" fill=\"#009e73\"/>\n",
                y + 2,
                ROW - 4
            ),
        );
        label(&mut bars, LEFT + width + 6, y, "dim", &number.to_string());
    }
    text +=
        "<p class=\"note\">How many LPARs, by the time without their workload in seconds.</p>\n";
    text + &picture(LEFT + BARS / 2 + 80, figures.histogram.len() * ROW + 4, &bars)
}

fn levels(figures: &Figures) -> String {
    if figures.levels.is_empty() {
        return String::new();
    }
    let mut text = "<h2>Levels before and after</h2>\n<table>\n".to_owned();
    row(&mut text, "th", &["Before", "After", "LPARs"]);
    for ((before, after), number) in &figures.levels {
        row(&mut text, "td", &[before, after, &number.to_string()]);
    }
    text + "</table>\n"
}

fn lpars(report: &RolloutReport) -> String {
    let mut text = "<h2>Each LPAR</h2>\n<table>\n".to_owned();
    let headings = [
        "LPAR",
        "Wave",
        "State",
        "Tries",
        "Began (UTC)",
        "Over (UTC)",
        "Blackout",
        "Before",
        "After",
        "Interim fixes",
        "Why",
    ];
    row(&mut text, "th", &headings);
    for one in &report.lpars {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
        row(
            &mut text,
            "td",
            &[
                one.lpar.as_str(),
                one.wave.as_str(),
                &named(&one.state),
                &one.attempt.to_string(),
                &or_none(one.began.map(short)),
                &or_none(one.ended.map(short)),
                &or_none(one.blackout.map(|blackout| blackout.to_string())),
                &or_none(one.level_before.clone()),
                &or_none(one.level_after.clone()),
                &or_none(figures::fixes(one)),
                &or_none(one.why.clone()),
            ],
        );
    }
    text + "</table>\n"
}

/// Who was left out, and what was done with it.
fn rest(report: &RolloutReport) -> String {
    let mut text = String::new();
    if !report.left_out.is_empty() {
        text += "<h2>Left out of the plan</h2>\n<table>\n";
        row(&mut text, "th", &["Names", "Why"]);
        for (one, names) in by_reason(&report.left_out) {
            row(&mut text, "td", &[&names.join(" "), &one.why]);
        }
        text += "</table>\n";
    }
    text += "<h2>What happened</h2>\n<table>\n";
    row(&mut text, "th", &["When", "By", "What"]);
    for one in &report.events {
        let by = one.by.map_or_else(|| "nimd".to_owned(), |uid| format!("uid {uid}"));
        row(
            &mut text,
            "td",
            &[&long(one.at), &by, &format!("{}{}", one.what, under(one.ticket.as_ref()))],
        );
    }
    text + "</table>\n"
}
