//! Draws the screen: a function of what is known, the size, and the time.
//!
//! Each part has as many rows as it wants where there is room; where there is not, parts get rows in turn, and what is left over is summed
//! up in one.

mod lpar;
mod parts;

use nim_shared::api::RolloutEvent;
use nim_shared::stamp::Timestamp;

use super::screen::{Asks, Screen, Shows, Turn};
use super::{by, clock, counts};
use crate::output::Style;
use crate::output::text::{Paint, clean, cut};
use parts::Part;

/// Of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// A line, in pieces of one colour each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(String, Paint)>);

impl Line {
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self::painted(text, Paint::None)
    }

    pub(super) fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self(vec![(text.into(), paint)])
    }

    /// With more at its end.
    pub(super) fn and(mut self, text: impl Into<String>, paint: Paint) -> Self {
        self.0.push((text.into(), paint));
        self
    }

    fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.chars().count()).sum()
    }

    /// At most so wide, and without anything that a terminal acts on.
    fn cut(self, width: usize) -> Self {
        let mut left = width;
        let mut pieces = Vec::with_capacity(self.0.len());
        let more = self.width() > width;
        for (text, paint) in self.0 {
            let text = clean(&text);
            let count = text.chars().count();
            let kept = if count > left || (more && count == left) {
                // Shows that it is cut, also where the cut is between two pieces.
                cut(&format!("{text} "), left)
            } else {
                text
            };
            if left > 0 && !kept.is_empty() {
                pieces.push((kept, paint));
            }
            left = left.saturating_sub(count);
        }
        Self(pieces)
    }

    /// As it is written.
    pub(super) fn text(&self, style: Style) -> String {
        self.0.iter().map(|(text, paint)| paint.paint(text, style)).collect()
    }
}

/// The lines of the screen, at most as many and as wide as it has.
pub(super) fn draw(screen: &Screen, size: Size, now: Timestamp) -> Vec<Line> {
    let foot = foot(screen, size.columns);
    let room = size.rows.saturating_sub(foot.len());
    let mut lines = match &screen.shows {
        Shows::Whole => whole(screen, Size { rows: room, ..size }, now),
        Shows::Lpar { name, why } => lpar::lines(screen, name, why.as_deref(), size.columns, now),
    };
    lines.truncate(room);
    // The foot stays where it is.
    lines.resize(room, Line::default());
    lines.extend(foot);
    lines.truncate(size.rows);
    lines.into_iter().map(|line| line.cut(size.columns)).collect()
}

/// Everything, folded as far as it has to be.
fn whole(screen: &Screen, size: Size, now: Timestamp) -> Vec<Line> {
    let mut lines = head(screen, size.columns, now);
    let parts = if screen.filter.is_empty() && screen.asks != Asks::Filter {
        parts::all(screen, size.columns, now)
    } else {
        vec![parts::found(screen, now)]
    };
    let room = size.rows.saturating_sub(lines.len());
    let shares = shares(&parts, room);
    for (part, rows) in parts.into_iter().zip(shares) {
        lines.extend(part.lines(rows));
    }
    // Rows that nobody wants say what happened last.
    let left = size.rows.saturating_sub(lines.len());
    if left > 1 && !screen.lately.is_empty() {
        lines.push(Line::painted("LATELY, the newest first", Paint::Dim));
        lines.extend(screen.lately.iter().take(left - 1).map(happened));
    }
    lines
}

/// Something that happened.
fn happened(event: &RolloutEvent) -> Line {
    Line::of(format!("  {} {}", clock(event.at), event.what)).and(by(event), Paint::Care)
}

/// How many rows each part has below its heading. Parts take in turn what they want, until there is none left.
fn shares(parts: &[Part], room: usize) -> Vec<usize> {
    let mut left = room.saturating_sub(parts.len());
    let mut shares = vec![0; parts.len()];
    loop {
        let before = left;
        for (share, part) in shares.iter_mut().zip(parts) {
            for _ in 0..part.weight {
                if left > 0 && *share < part.rows.len() {
                    *share += 1;
                    left -= 1;
                }
            }
        }
        if left == before {
            return shares;
        }
    }
}

/// What it is, how many stand where, and when it is over.
fn head(screen: &Screen, columns: usize, now: Timestamp) -> Vec<Line> {
    let rollout = &screen.rollout;
    let view = &rollout.view;
    let number = rollout.waves.iter().position(|wave| wave.name == view.wave).unwrap_or(0) + 1;
    let paint = match view.phase.as_str() {
        "stopped" => Paint::Bad,
        "paused" | "aborting" => Paint::Care,
        _ => Paint::Good,
    };
    let title = Line::of(format!("rollout {} is ", view.name))
        .and(view.phase.clone(), paint)
        .and(format!(", at wave {} ({number} of {})", view.wave, rollout.waves.len()), Paint::None);
    let clock = clock(now);
    let gap = columns.saturating_sub(title.width() + clock.chars().count()).max(1);
    let title = title.and(format!("{}{clock}", " ".repeat(gap)), Paint::Dim);
    let counts_of = view.counts;
    let over = counts_of.done + counts_of.failed + counts_of.unreachable + counts_of.left_out;
    let bad = counts_of.failed + counts_of.unreachable > 0;
    let how_many = Line::painted(counts(&view.counts), if bad { Paint::Care } else { Paint::None });
    vec![title, how_many, progress(over, rollout, columns, now)]
}

/// A bar, and when it is over.
fn progress(
    over: usize,
    rollout: &nim_shared::api::WatchedRollout,
    columns: usize,
    now: Timestamp,
) -> Line {
    let all = rollout.targets.len().max(1);
    let end = rollout.outlook.as_ref().map(|outlook| {
        let time = |at| parts::when(at, now);
        let latest = rollout.view.planned_end;
        let (text, paint) = if outlook.end > latest && time(outlook.end) != time(latest) {
            (format!(", planned {}", time(latest)), Paint::Care)
        } else {
            (String::new(), Paint::None)
        };
        let (usual, end) = (time(outlook.usual_end), time(outlook.end));
        let expected = if usual == end {
            format!("over by about {end}")
        } else {
            format!("over about {usual}, by {end} at the latest")
        };
        (expected, text, paint)
    });
    let (expected, late, paint) = end.unwrap_or((String::new(), String::new(), Paint::None));
    // An answer to a pause may be newer than the LPARs that are known.
    let over = over.min(all);
    let text = format!(" {:3} %  ", over * 100 / all);
    let width = columns.saturating_sub(text.len() + expected.len() + late.len()).clamp(6, 26);
    let inner = width - 2;
    let full = over * inner / all;
    Line::of(format!("[{}{}]{text}{expected}", "=".repeat(full), " ".repeat(inner - full)))
        .and(late, paint)
}

/// What was said last, and what keys do, or what is asked.
fn foot(screen: &Screen, columns: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some((text, paint)) = &screen.note {
        lines.push(Line::painted(text.clone(), *paint));
    }
    lines.push(match (screen.asks, &screen.shows) {
        (Asks::Sure(Turn::Pause), _) => Line::painted(
            "pause: nothing new is started, what runs goes on. Sure? y/n",
            Paint::Care,
        ),
        (Asks::Sure(Turn::Resume), _) => {
            let forgives = screen.rollout.view.phase == "stopped";
            let more = if forgives { ", what has gone wrong stops it no more" } else { "" };
            Line::painted(format!("resume: it goes on{more}. Sure? y/n"), Paint::Care)
        }
        (Asks::Filter, _) => Line::of("filter: ")
            .and(format!("{}_", screen.filter), Paint::Care)
            .and("  Enter keeps it, Esc clears it", Paint::Dim),
        (Asks::Nothing, Shows::Lpar { .. }) => {
            Line::painted("Esc back  p pause  r resume  q leave", Paint::Dim)
        }
        (Asks::Nothing, Shows::Whole) => {
            let keys = "q leave  p pause  r resume  / filter  up, down, Enter: open one LPAR";
            let short = "q leave  p pause  r resume  / filter";
            Line::painted(if columns < keys.len() { short } else { keys }, Paint::Dim)
        }
    });
    lines
}
