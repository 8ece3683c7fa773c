//! The parts of the screen: who is in flight, what failed, frames, waves, what comes next. Each folds what has no room.

use std::collections::BTreeMap;

use nim_shared::api::{WatchedFrame, WatchedLpar, WatchedRollout, WatchedUpdate};
use nim_shared::operation::StateName;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Megabytes;
use time::macros::format_description;

use super::super::screen::{Kind, Screen, is_in_blackout, kind};
use super::Line;
use crate::output::text::{Paint, clock as span, clock_seconds, count, cut};

/// A part of the screen.
pub(super) struct Part {
    heading: String,
    /// Rows that it takes at a time.
    pub(super) weight: usize,
    pub(super) rows: Vec<Line>,
    /// The row that has to be seen.
    focus: Option<usize>,
    /// What stands for rows that have no room, from the first number to before the last.
    fold: Vec<String>,
}

impl Part {
    /// The heading and so many rows; the last one of them stands for what is left over.
    pub(super) fn lines(self, room: usize) -> Vec<Line> {
        let mut lines = vec![Line::painted(self.heading, Paint::Dim)];
        if room >= self.rows.len() {
            lines.extend(self.rows);
            return lines;
        }
        let shown = room.saturating_sub(1);
        let first = match self.focus {
            Some(focus) if focus >= shown => focus + 1 - shown.min(focus + 1),
            Some(_) | None => 0,
        };
        let hidden = self.rows.len() - shown;
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        let texts = self.fold.iter().enumerate();
        let texts =
            texts.filter(|(at, text)| !(first..first + shown).contains(at) && !text.is_empty());
        texts.for_each(|(_, text)| *left.entry(text).or_default() += 1);
        let mut sums: Vec<(&str, usize)> = left.into_iter().collect();
        sums.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        let sums: Vec<String> =
            sums.iter().map(|(text, number)| format!("{number} {text}")).collect();
        let sums = if sums.is_empty() { String::new() } else { format!(": {}", sums.join(", ")) };
        lines.extend(self.rows.into_iter().skip(first).take(shown));
        if room > 0 {
            lines.push(Line::painted(format!("  ... {hidden} more{sums}"), Paint::Dim));
        }
        lines
    }
}

/// All parts that have something to say.
pub(super) fn all(screen: &Screen, columns: usize, now: Timestamp) -> Vec<Part> {
    let rollout = &screen.rollout;
    let parts = [
        in_flight(screen, now),
        failures(screen),
        frames(rollout),
        waves(rollout, now),
        next(rollout, columns, now),
    ];
    parts.into_iter().filter(|part| !part.rows.is_empty()).collect()
}

/// The LPARs that the filter fits.
pub(super) fn found(screen: &Screen, now: Timestamp) -> Part {
    let listed = screen.listed();
    let name = widest(&listed);
    let rows = listed.iter().map(|one| match kind(one) {
        Kind::InFlight => running(one, name, screen, now),
        Kind::Waiting => {
            let starts = one.starts.map(|at| format!("starts about {}", when(at, now)));
            let text = starts.or_else(|| Some("waits".to_owned())).unwrap_or_default();
            let why = one.why.as_ref().map(|why| format!("  {why}")).unwrap_or_default();
            start(one, name, screen).and(text, Paint::None).and(why, Paint::Care)
        }
        Kind::Done => start(one, name, screen).and(one.state.clone(), Paint::Good),
        Kind::Bad | Kind::LeftOut => bad(one, name, screen),
    });
    let fold = listed.iter().map(|one| one.state.clone()).collect();
    let heading = format!("{} of {}", count(listed.len(), "LPAR"), screen.rollout.targets.len());
    Part { rows: rows.collect(), heading, weight: 1, focus: focus(screen, &listed), fold }
}

/// The row that is chosen.
fn focus(screen: &Screen, listed: &[&WatchedLpar]) -> Option<usize> {
    let chosen = screen.chosen.as_ref()?;
    listed.iter().position(|one| one.lpar == *chosen)
}

fn in_flight(screen: &Screen, now: Timestamp) -> Part {
    let listed = screen.in_flight();
    let name = widest(&listed);
    let blackouts = listed.iter().filter(|one| is_in_blackout(one)).count();
    let still = if blackouts > 0 { format!(", {blackouts} in blackout") } else { String::new() };
    Part {
        heading: format!("IN FLIGHT: {}{still}", listed.len()),
        weight: 2,
        rows: listed.iter().map(|one| running(one, name, screen, now)).collect(),
        focus: focus(screen, &listed),
        fold: listed.iter().map(|one| standing(one)).collect(),
    }
}

fn failures(screen: &Screen) -> Part {
    let listed = screen.failures();
    let name = widest(&listed);
    let fold = listed.iter().map(|one| one.code.clone().unwrap_or_else(|| one.state.clone()));
    Part {
        heading: format!("NOT UPDATED: {}", listed.len()),
        weight: 1,
        rows: listed.iter().map(|one| bad(one, name, screen)).collect(),
        focus: focus(screen, &listed),
        fold: fold.collect(),
    }
}

fn frames(rollout: &WatchedRollout) -> Part {
    let mut running: BTreeMap<&str, usize> = BTreeMap::new();
    for one in rollout.targets.iter().filter(|one| kind(one) == Kind::InFlight) {
        *running.entry(one.frame.as_ref().map_or("", |frame| frame.as_str())).or_default() += 1;
    }
    let updates = |one: &WatchedFrame| {
        running.get(one.frame.name.as_str()).copied().unwrap_or(0).max(one.updates)
    };
    let mut frames: Vec<&WatchedFrame> = rollout.frames.iter().collect();
    // Where something is wrong, and where something runs.
    frames.sort_by_key(|one| std::cmp::Reverse((trouble(one).is_some(), updates(one) > 0)));
    let name = frames.iter().map(|one| one.frame.name.as_str().len()).max().unwrap_or(0).min(NAME);
    let free: u64 = frames.iter().filter_map(|one| one.frame.free_memory).map(|free| free.0).sum();
    let rows = frames.iter().map(|one| {
        let shown = cut(one.frame.name.as_str(), name);
        let line = Line::of(format!(
            "  {shown:name$}  {:>5}  ",
            format!("{}/{}", updates(one), one.frame.at_a_time)
        ));
        match trouble(one) {
            Some(text) => {
                let free = one.frame.free_memory.map(|free| format!("{} free, ", gigabytes(free)));
                line.and(free.unwrap_or_default(), Paint::None).and(text, Paint::Care)
            }
            None => line.and(memory(one), Paint::None),
        }
    });
    Part {
        rows: rows.collect(),
        heading: format!(
            "FRAMES: {}, {} with updates, {} free",
            frames.len(),
            frames.iter().filter(|one| updates(one) > 0).count(),
            gigabytes(Megabytes(free))
        ),
        weight: 1,
        focus: None,
        fold: frames
            .iter()
            .map(|one| if updates(one) > 0 { "with updates" } else { "without" }.to_owned())
            .collect(),
    }
}

/// Why nothing starts on a frame, or nothing is known of it.
fn trouble(one: &WatchedFrame) -> Option<String> {
    let frame = &one.frame;
    let maintenance = one.maintenance.as_ref().map(|why| format!("maintenance of {why}"));
    let state = || frame.state.clone().filter(|state| state != "Operating");
    let unread = || frame.read_at.is_none().then(|| "what is free was never read".to_owned());
    maintenance.or_else(state).or_else(unread)
}

/// How much of a frame is used, as a bar and in numbers.
fn memory(one: &WatchedFrame) -> String {
    let (Some(all), Some(free)) = (one.memory, one.frame.free_memory) else {
        return one
            .frame
            .free_memory
            .map(|free| format!("{} free", gigabytes(free)))
            .unwrap_or_default();
    };
    let used = Megabytes(all.0.saturating_sub(free.0));
    let full = usize::try_from(used.0 * BAR / all.0.max(1)).unwrap_or(0);
    let cells = usize::try_from(BAR).unwrap_or(0);
    let full = full.min(cells);
    let units =
        one.frame.free_processors.map(|units| format!(", {units} units")).unwrap_or_default();
    format!(
        "[{}{}] {} of {} used, {} free{units}",
        "#".repeat(full),
        ".".repeat(cells - full),
        gigabytes(used),
        gigabytes(all),
        gigabytes(free)
    )
}

/// Cells of a bar.
const BAR: u64 = 10;

fn gigabytes(memory: Megabytes) -> String {
    if memory.0.is_multiple_of(1024) || memory.0 >= 100 * 1024 {
        format!("{} GB", memory.0 / 1024)
    } else {
        format!("{}.{} GB", memory.0 / 1024, memory.0 % 1024 * 10 / 1024)
    }
}

fn waves(rollout: &WatchedRollout, now: Timestamp) -> Part {
    let mut counts = vec![[0_usize; 5]; rollout.waves.len()];
    for one in &rollout.targets {
        if let Some(of) = counts.get_mut(one.wave) {
            let at = match kind(one) {
                Kind::Done => 0,
                Kind::Bad => 1,
                Kind::LeftOut => 2,
                Kind::InFlight => 3,
                Kind::Waiting => 4,
            };
            of[at] += 1;
        }
    }
    let current = rollout.waves.iter().position(|wave| wave.name == rollout.view.wave).unwrap_or(0);
    let name = rollout.waves.iter().map(|wave| wave.name.as_str().len()).max().unwrap_or(0);
    let name = name.clamp(5, NAME);
    // The one that runs, those to come, and then those that are over.
    let order = (current..rollout.waves.len()).chain(0..current);
    let (mut rows, mut fold) = (Vec::new(), Vec::new());
    for at in order {
        let (wave, [done, bad, left_out, running, waiting]) = (&rollout.waves[at], counts[at]);
        let mark = if at == current { '*' } else { ' ' };
        let shown = cut(wave.name.as_str(), name);
        let number = |number: usize| if number == 0 { "-".to_owned() } else { number.to_string() };
        let line = Line::of(format!(
            "{mark} {shown:name$}  {:>5}  {:>5}  ",
            number(waiting),
            number(running)
        ))
        .and(format!("{:>5}  ", number(done)), Paint::Good)
        .and(format!("{:>6}  ", number(bad)), if bad > 0 { Paint::Bad } else { Paint::None })
        .and(
            format!(
                "{:>6}  {} to {}",
                number(left_out),
                when(wave.planned_begin, now),
                when(wave.planned_end, now)
            ),
            Paint::None,
        );
        rows.push(line);
        fold.push(if at < current { "over" } else { "to come" }.to_owned());
    }
    Part {
        heading: format!(
            "  {:name$}  {:>5}  {:>5}  {:>5}  {:>6}  {:>6}  PLANNED",
            "WAVES", "WAIT", "RUN", "DONE", "FAILED", "OTHERS"
        ),
        weight: 1,
        rows,
        focus: None,
        fold,
    }
}

/// What it waits for, and who starts when.
fn next(rollout: &WatchedRollout, columns: usize, now: Timestamp) -> Part {
    let mut rows = Vec::new();
    let mut fold = Vec::new();
    if let Some(waits) = &rollout.view.waits_for {
        rows.push(Line::painted(format!("  waits for {waits}"), Paint::Care));
        fold.push(String::new());
    }
    let provided = rollout.outlook.iter().flat_map(|outlook| &outlook.provided);
    let provided: Vec<&str> = provided.map(String::as_str).collect();
    if !provided.is_empty() {
        rows.push(Line::painted(
            format!("  the times hold if at once {}", provided.join(", ")),
            Paint::Care,
        ));
        fold.push(String::new());
    }
    let waiting: Vec<&WatchedLpar> =
        rollout.targets.iter().filter(|one| kind(one) == Kind::Waiting).collect();
    for one in waiting.iter().filter(|one| one.why.is_some()) {
        let why = one.why.as_deref().unwrap_or_default();
        rows.push(Line::of(format!("  {}: ", one.lpar)).and(why.to_owned(), Paint::Care));
        fold.push("held back".to_owned());
    }
    let mut times: BTreeMap<Timestamp, Vec<&WatchedLpar>> = BTreeMap::new();
    for one in waiting.iter().filter(|one| one.why.is_none()) {
        if let Some(at) = one.starts {
            times.entry(at).or_default().push(one);
        }
    }
    let mut before: Option<(String, Vec<&WatchedLpar>)> = None;
    let mut groups = Vec::new();
    // What is shown as the same time is one row.
    for (at, lpars) in times {
        let text = when(at, now);
        match &mut before {
            Some((shown, all)) if *shown == text => all.extend(lpars),
            _ => groups.extend(before.replace((text, lpars))),
        }
    }
    groups.extend(before);
    for (text, lpars) in groups {
        let head = format!("  about {text}  ");
        rows.push(Line::of(format!("{head}{}", names(&lpars, columns.saturating_sub(head.len())))));
        fold.push(String::new());
    }
    Part {
        heading: format!("NEXT: {} to start", waiting.len()),
        weight: 1,
        rows,
        focus: None,
        fold,
    }
}

/// As many names as have room, and how many more there are.
fn names(lpars: &[&WatchedLpar], room: usize) -> String {
    let mut text = String::new();
    for (at, one) in lpars.iter().enumerate() {
        let left = lpars.len() - at;
        let more = if left > 1 { format!(" and {} more", left - 1) } else { String::new() };
        let comma = if at > 0 { ", " } else { "" };
        let name = one.lpar.as_str();
        if at > 0 && text.len() + comma.len() + name.len() + more.len() > room {
            return format!("{text} and {left} more");
        }
        text += comma;
        text += name;
    }
    text
}

/// Widest name that is shown.
const NAME: usize = 16;

fn widest(lpars: &[&WatchedLpar]) -> usize {
    lpars.iter().map(|one| one.lpar.as_str().len()).max().unwrap_or(0).min(NAME)
}

/// A row's begin: whether it is chosen, the LPAR and its frame.
fn start(one: &WatchedLpar, name: usize, screen: &Screen) -> Line {
    let mark = if screen.chosen.as_ref() == Some(&one.lpar) { '>' } else { ' ' };
    let frames = screen.rollout.frames.iter().map(|one| one.frame.name.as_str().len());
    let width = frames.max().unwrap_or(0).min(NAME);
    let frame = one.frame.as_ref().map_or("", |frame| frame.as_str());
    Line::of(format!(
        "{mark} {:name$}  {:width$}  ",
        cut(one.lpar.as_str(), name),
        cut(frame, width)
    ))
}

/// Somebody who is under way.
fn running(one: &WatchedLpar, name: usize, screen: &Screen, now: Timestamp) -> Line {
    let line = start(one, name, screen);
    let stands = standing(one);
    let begun = one.update.as_ref().and_then(|update| update.started_at).or(one.since);
    let total = one.update.as_ref().and_then(|update| update.estimated_total);
    let total = total.map(|total| format!("/~{}", clock_seconds(total))).unwrap_or_default();
    let time = begun.map(|at| format!("{}{total}", span(now.since(at)))).unwrap_or_default();
    let line = line.and(format!("{:PLACE$}  {time:>13}  ", cut(&stands, PLACE)), Paint::None);
    match at_stake(one, now) {
        Some((text, paint)) => line.and(text, paint),
        None => line,
    }
}

/// Width of stage and phase.
const PLACE: usize = 17;

/// Somebody who is not updated.
fn bad(one: &WatchedLpar, name: usize, screen: &Screen) -> Line {
    let code = one.code.as_ref().map(|code| format!("{code}  ")).unwrap_or_default();
    start(one, name, screen)
        .and(one.state.clone(), paint_of(kind(one)))
        .and(format!("  {code}{}", one.why.as_deref().unwrap_or_default()), Paint::None)
}

/// Where somebody is who is under way, as words: `update: move`.
pub(super) fn standing(one: &WatchedLpar) -> String {
    if one.state == "releasing" {
        return "memory to be free".to_owned();
    }
    let Some(update) = &one.update else { return "to be accepted".to_owned() };
    let WatchedUpdate { state, stage, phase, .. } = update;
    match (state, stage, phase) {
        (StateName::Queued, _, _) => "queued".to_owned(),
        (StateName::Dispatching, _, _) => "connecting".to_owned(),
        (_, Some(stage), Some(phase)) => format!("{stage}: {phase}"),
        (_, Some(stage), None) => stage.to_string(),
        (_, None, Some(phase)) => phase.to_string(),
        (state, None, None) => state.to_string(),
    }
}

/// What somebody should see of somebody who is under way: the blackout, that it is not heard of, or what it waits for.
pub(super) fn at_stake(one: &WatchedLpar, now: Timestamp) -> Option<(String, Paint)> {
    let update = one.update.as_ref()?;
    if is_in_blackout(one) {
        let seconds = now.since(update.entered_at).whole_seconds().max(0);
        let of =
            update.estimated_blackout.map(|time| format!(" of ~{}", time.0)).unwrap_or_default();
        return Some((format!("BLACKOUT {seconds}{of} s"), Paint::Bad));
    }
    if kind(one) != Kind::InFlight || one.state == "releasing" {
        return None;
    }
    let silent =
        update.phase.as_ref().and_then(|phase| phase.known()).is_some_and(|it| it.is_silent());
    match (update.lost_contact_since, &update.waits_for) {
        (Some(since), _) if silent => {
            Some((format!("silent for {}, as expected", span(now.since(since))), Paint::None))
        }
        (Some(since), _) => {
            Some((format!("no contact for {}", span(now.since(since))), Paint::Care))
        }
        (None, Some(what)) => Some((format!("waits: {what}"), Paint::Care)),
        (None, None) => None,
    }
}

/// The colour of a state.
pub(super) const fn paint_of(kind: Kind) -> Paint {
    match kind {
        Kind::Done => Paint::Good,
        Kind::Bad => Paint::Bad,
        Kind::LeftOut => Paint::Care,
        Kind::Waiting | Kind::InFlight => Paint::None,
    }
}

/// A time to the minute in UTC, with its day where that is another one.
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    let form = if at.get().date() == now.get().date() {
        format_description!("[hour]:[minute]Z")
    } else {
        format_description!("[month]-[day] [hour]:[minute]Z")
    };
    at.get().format(form).unwrap_or_else(|_| at.to_string())
}
