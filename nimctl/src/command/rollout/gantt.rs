//! When which LPAR is updated, frame by frame, as text.

use std::collections::BTreeMap;

use nim_shared::api::{PlannedFrame, PlannedLpar, RolloutPlanned};
use nim_shared::stamp::Timestamp;

use super::axis::{Axis, Layout};
use super::plan::{short, short_time};
use crate::output::Style;
use crate::output::text::{clean, count, cut};

/// Up to how many LPARs have a line each.
pub(super) const LINES: usize = 40;

/// Columns where there is no terminal to ask.
pub(super) const WIDTH: u16 = 80;

/// Columns of a name at most.
pub(super) const NAME: usize = 20;

/// Each frame with its LPARs: `=` the usual time, `-` up to what 95 of 100 do not exceed. Where they are many, each frame has one line
/// with how many run.
pub(super) fn gantt(planned: &RolloutPlanned, style: Style) -> String {
    let targets = &planned.plan.targets;
    if targets.is_empty() {
        return String::new();
    }
    let single = style.wide || targets.len() <= LINES;
    let mut frames: BTreeMap<&str, Vec<&PlannedLpar>> = BTreeMap::new();
    for one in targets {
        let frame = one.frame.as_ref().map_or(UNKNOWN, |frame| frame.as_str());
        frames.entry(frame).or_default().push(one);
    }
    let names = targets.iter().map(|one| one.lpar.as_str()).chain(frames.keys().copied());
    let longest = names.map(|name| name.chars().count()).max().unwrap_or(0).min(NAME);
    let left = longest + 3;
    let width = usize::from(style.width.unwrap_or(WIDTH)).saturating_sub(left + 1).max(24);
    let axis = Axis::of(&planned.plan, Layout { width, least: 11, gap: 1 });
    let mut text = format!("\n{:left$}{}\n", "", heading(&axis));
    for (name, lpars) in frames {
        let frame = planned.frames.iter().find(|frame| frame.name.as_str() == name);
        if single {
            text += &format!("{}\n", cut(&about(name, frame), left + width));
            for one in lpars {
                text += &line(&format!("  {}", one.lpar), left, &bar(one, &axis));
            }
        } else {
            text += &line(name, left, &load(&lpars, &axis));
        }
    }
    let key = if single {
        "= usual time, - up to what 95 of 100 do not exceed"
    } else {
        "how many run at a time, + for more than 9; -o wide shows each LPAR"
    };
    text += &format!("{key}; all times UTC\n");
    text
}

/// What stands for a frame that is not known.
pub(super) const UNKNOWN: &str = "(frame not known)";

/// A name with its bar.
pub(super) fn line(name: &str, left: usize, bar: &str) -> String {
    let name = cut(&clean(name), left - 1);
    format!("{name:left$}{}\n", bar.trim_end())
}

/// A frame with what is free on it.
fn about(name: &str, frame: Option<&PlannedFrame>) -> String {
    let Some(frame) = frame else { return clean(name) };
    let mut parts = Vec::new();
    match (frame.free_memory, frame.free_processors) {
        (Some(memory), Some(units)) => parts.push(format!("{memory} and {units} units free")),
        _ => parts.push("what is free was never read".to_owned()),
    }
    parts.push(format!(
        "{} at a time",
        count(usize::try_from(frame.at_a_time).unwrap_or(0), "update")
    ));
    if let Some(state) = frame.state.as_deref().filter(|state| *state != "Operating") {
        parts.push(clean(state));
    }
    format!("{}: {}", clean(name), parts.join(", "))
}

/// The times at which the parts begin, and the last end.
pub(super) fn heading(axis: &Axis) -> String {
    let mut text = String::new();
    let mut day = None;
    for part in &axis.parts {
        let begin = part.begin();
        let label = match day.replace(begin.get().date()) {
            Some(before) if before == begin.get().date() => short_time(begin),
            _ => short(begin),
        };
        let room = part.at.saturating_sub(text.chars().count());
        text += &" ".repeat(room);
        text += &label;
    }
    if let Some(last) = axis.parts.last() {
        let label = if day == Some(last.end().get().date()) {
            short_time(last.end())
        } else {
            short(last.end())
        };
        let room = (last.at + last.width).saturating_sub(text.len() + label.len());
        if room > 1 {
            text += &" ".repeat(room);
            text += &label;
        }
    }
    text
}

fn bar(one: &PlannedLpar, axis: &Axis) -> String {
    let place = |at: Timestamp| axis.place(at);
    let begin = place(one.begin);
    let usual = place(one.usual_end).max(begin + 1);
    let end = place(one.end).max(usual);
    format!("{}{}{}", " ".repeat(begin), "=".repeat(usual - begin), "-".repeat(end - usual))
}

/// How many run, column by column.
fn load(lpars: &[&PlannedLpar], axis: &Axis) -> String {
    let width = axis.parts.last().map_or(0, |part| part.at + part.width);
    let mut counts = vec![0_usize; width + 1];
    for one in lpars {
        let begin = axis.place(one.begin).min(width);
        let end = axis.place(one.end).clamp(begin + 1, width + 1);
        counts[begin..end].iter_mut().for_each(|count| *count += 1);
    }
    let digit = |count: usize| match count {
        0 => '.',
        1..=9 => char::from_digit(u32::try_from(count).unwrap_or(9), 10).unwrap_or('9'),
        _ => '+',
    };
    counts[..width].iter().map(|count| digit(*count)).collect()
}
