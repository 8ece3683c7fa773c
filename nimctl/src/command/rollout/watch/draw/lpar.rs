//! One LPAR: where it is, since when, and what it waits for.

use nim_shared::api::{WatchedRollout, Why};
use nim_shared::id::ObjectName;
use nim_shared::stamp::Timestamp;

use super::super::screen::{Kind, Screen, kind};
use super::parts::{at_stake, paint_of, standing, when};
use super::{Line, clock};
use crate::output::text::{Paint, ago, clean, count};

/// The lines, at most `columns` wide.
pub(super) fn lines(
    screen: &Screen,
    name: &ObjectName,
    why: Option<&[Why]>,
    columns: usize,
    now: Timestamp,
) -> Vec<Line> {
    let rollout: &WatchedRollout = &screen.rollout;
    let Some(one) = rollout.targets.iter().find(|one| one.lpar == *name) else {
        return vec![Line::of(format!("{name} is no LPAR of rollout {}", rollout.view.name))];
    };
    let wave = rollout.waves.get(one.wave).map(|wave| format!(", wave {}", wave.name));
    let frame = one.frame.as_ref().map(|frame| format!(", on {frame}"));
    let title = Line::of(format!(
        "{name} in rollout {}{}{}",
        rollout.view.name,
        wave.unwrap_or_default(),
        frame.unwrap_or_default()
    ));
    let gap = columns.saturating_sub(title.width() + clock(now).len()).max(1);
    let mut lines = vec![title.and(format!("{}{}", " ".repeat(gap), clock(now)), Paint::Dim)];
    let attempt = if one.attempt > 1 { format!(", try {}", one.attempt) } else { String::new() };
    let kind = kind(one);
    let is_over = !matches!(kind, Kind::Waiting | Kind::InFlight);
    let entered = one.update.as_ref().filter(|_| is_over).map(|update| update.entered_at);
    let since = one.since.or(entered);
    let since = since.map(|at| format!(", since {} ({})", when(at, now), ago(at, now)));
    lines.push(
        Line::painted(one.state.replace('_', " "), paint_of(kind))
            .and(format!("{attempt}{}", since.unwrap_or_default()), Paint::None),
    );
    if let Some(update) = &one.update {
        let stands = standing(one);
        if !is_over && !stands.is_empty() && one.state != "releasing" {
            let at = update.entered_at;
            lines.push(Line::of(format!("{stands}, since {} ({})", when(at, now), ago(at, now))));
        }
        if let Some((text, paint)) = at_stake(one, now) {
            lines.push(Line::painted(text, paint));
        }
        lines.push(Line::painted(format!("operation {}", update.id), Paint::Dim));
    }
    if let Some(at) = one.starts {
        lines.push(Line::of(format!("starts about {}", when(at, now))));
    }
    let number = one.code.as_ref().map(|code| format!("{code}  "));
    if let (Some(text), true) = (&one.why, one.state != "waiting") {
        lines.extend(folded(&format!("{}{text}", number.unwrap_or_default()), 0, columns));
    }
    if let Some(remedy) = &one.remedy {
        lines.extend(folded(&format!("to do: {remedy}"), 0, columns));
    }
    lines.push(Line::default());
    match why {
        None if is_over => {}
        None => lines.push(Line::painted("what it waits for is being asked ...", Paint::Dim)),
        Some(found) => {
            found.iter().for_each(|why| lines.extend(reasons(why, is_over, columns, now)));
        }
    }
    lines
}

/// What it waits for, since when, until when, and who decides. Who is over waits for nothing, which need not be said.
fn reasons(why: &Why, is_over: bool, columns: usize, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    if why.waits.is_empty() && !is_over {
        lines.push(Line::of("waits for nothing"));
    }
    for one in &why.waits {
        let number = one.lpars.map(|number| format!(" ({})", count(number, "LPAR")));
        let what = format!("waits for {}{}", one.what, number.unwrap_or_default());
        lines.extend(folded(&what, 0, columns).into_iter().map(|line| line.care()));
        for (label, at) in [("since", one.since), ("until", one.until)] {
            lines.extend(at.map(|at| Line::of(format!("  {label} {}", when(at, now)))));
        }
        lines.extend(folded(&format!("decided by {}", one.decides), 2, columns));
        let hint = one.hint.iter().map(|hint| format!("type {hint}"));
        lines.extend(hint.flat_map(|hint| folded(&hint, 2, columns)));
    }
    if let Some(at) = why.given_up_at {
        lines.push(Line::of(format!("given up {}, if nothing changes before", when(at, now))));
    }
    let hint = why.hint.iter().map(|hint| format!("type {hint}"));
    lines.extend(hint.flat_map(|hint| folded(&hint, 0, columns)));
    lines
}

impl Line {
    fn care(mut self) -> Self {
        self.0.iter_mut().for_each(|(_, paint)| *paint = Paint::Care);
        self
    }
}

/// A text on as many lines as it takes, cut between words where there are some.
fn folded(text: &str, indent: usize, columns: usize) -> Vec<Line> {
    let text = clean(text);
    let width = columns.saturating_sub(indent).max(10);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.len() <= width => {
                last.push(' ');
                last.extend(word);
            }
            _ => {
                while word.len() > width {
                    let rest = word.split_off(width);
                    lines.push(word.into_iter().collect());
                    word = rest;
                }
                lines.push(word.into_iter().collect());
            }
        }
    }
    lines.into_iter().map(|line| Line::of(format!("{:indent$}{line}", ""))).collect()
}
