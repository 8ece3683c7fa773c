//! How progress is shown to a person: bars on a terminal, lines elsewhere. All of it goes to stderr.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use nim_shared::operation::StateName;
use nim_shared::stamp::Timestamp;
use time::macros::format_description;

use super::board::{Board, Row, Said, Weight};
use super::is_over;
use super::line::{WIDTH, line};
use crate::cli::Format;
use crate::output::Printer;
use crate::output::text::{Paint, clean, clock, cut};
use crate::terminal::Modes;

/// How often the live display moves.
pub(super) const TICK: Duration = Duration::from_millis(125);

/// Most operations that have a line each.
const LINES: usize = 30;

/// Columns that the spinner takes, and one that stays free so that no terminal wraps.
const SPINNER: usize = 3;

/// How many have a line when there are more.
const BUSIEST: usize = 10;

/// A way to show progress.
pub(super) struct Display {
    printer: Printer,
    kind: Kind,
}

enum Kind {
    /// Nothing is shown.
    None,
    /// A line of text each time that something happens.
    Plain,
    /// Lines that move.
    Live {
        bars: MultiProgress,
        lines: Vec<ProgressBar>,
        #[expect(dead_code, reason = "held for its Drop: the terminal is put back")]
        modes: Option<Modes>,
    },
}

impl Display {
    /// What stderr can show.
    pub(super) fn new(printer: Printer) -> Self {
        let target = ProgressDrawTarget::stderr();
        // Hidden also on a terminal that cannot move its cursor (TERM=dumb): it takes lines.
        let moves = io::stderr().is_terminal() && !target.is_hidden();
        let kind = match (moves, printer.format()) {
            (true, _) => {
                let bars = MultiProgress::with_draw_target(target);
                Kind::Live { bars, lines: Vec::new(), modes: Modes::without_control_keys() }
            }
            (false, Format::Table | Format::Wide) => Kind::Plain,
            // A program reads the data, and nobody reads the rest.
            (false, Format::Json | Format::Yaml) => Kind::None,
        };
        Self { printer, kind }
    }

    /// Nothing is shown: each message is written as data.
    pub(super) const fn none(printer: Printer) -> Self {
        Self { printer, kind: Kind::None }
    }

    /// Says that something happened to an LPAR.
    pub(super) fn say(&self, said: &Said) {
        let clock = said.at.get().format(format_description!("[hour]:[minute]:[second]Z"));
        let clock = clock.unwrap_or_default();
        let text = format!("{}: {}", said.lpar, clean(&said.text));
        match (&self.kind, said.weight) {
            (Kind::None, _) | (Kind::Live { .. }, Weight::Progress) => {}
            (Kind::Plain, _) => self.printer.note(&format!("{clock} {text}")),
            (Kind::Live { .. }, Weight::Matters(paint)) => {
                let style = self.printer.style_of_stderr();
                let clock = Paint::Dim.paint(&clock, style);
                self.above(&format!("{clock} {}", paint.paint(&text, style)));
            }
        }
    }

    /// Says something about the watching itself.
    pub(super) fn note(&self, text: &str) {
        match &self.kind {
            // Also where data is written: it is on stderr.
            Kind::None | Kind::Plain => self.printer.note(text),
            Kind::Live { .. } => self.above(text),
        }
    }

    /// Shows how it stands now.
    pub(super) fn refresh(&mut self, board: &Board, now: Timestamp) {
        let Kind::Live { bars, lines, .. } = &mut self.kind else {
            return;
        };
        let width = self.printer.style_of_stderr().width.map_or(WIDTH, usize::from);
        let texts = texts(board, now, width.saturating_sub(SPINNER).min(WIDTH));
        while lines.len() < texts.len() {
            let style = ProgressStyle::with_template("{spinner} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner())
                .tick_chars("|/-\\ ");
            lines.push(bars.add(ProgressBar::new_spinner().with_style(style)));
        }
        for bar in lines.drain(texts.len()..) {
            bars.remove(&bar);
        }
        for (bar, (text, moves)) in lines.iter().zip(texts) {
            bar.set_message(text);
            if moves {
                bar.tick();
            } else if !bar.is_finished() {
                bar.abandon();
            }
        }
    }

    /// Takes what moves off the screen, for good.
    pub(super) fn clear(&mut self) {
        if let Kind::Live { bars, .. } = &mut self.kind {
            // Where the terminal is gone there is nothing to clear.
            drop(bars.clear());
            // A line that is dropped is drawn once more otherwise, and stays.
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Writes a line above what moves.
    fn above(&self, text: &str) {
        if let Kind::Live { bars, .. } = &self.kind {
            // Where the terminal is gone there is nobody to tell.
            drop(bars.println(text));
        }
    }
}

/// The lines, each with whether it moves.
fn texts(board: &Board, now: Timestamp, width: usize) -> Vec<(String, bool)> {
    let rows = board.rows();
    let widest =
        |rows: &[&Row]| rows.iter().map(|row| row.view.lpar.as_str().len()).max().unwrap_or(0);
    let text =
        |row: &Row, name| (cut(&line(&row.view, name, now), width), !is_over(row.view.state));
    if rows.len() <= LINES {
        let rows: Vec<&Row> = rows.iter().collect();
        let name = widest(&rows);
        return rows.into_iter().map(|row| text(row, name)).collect();
    }
    let mut busy: Vec<&Row> =
        rows.iter().filter(|row| row.view.state == StateName::Running).collect();
    // Those that are furthest, where something is at stake.
    busy.sort_by(|a, b| {
        let at = |row: &Row| {
            let phase = row.view.phase.as_ref().and_then(|phase| phase.known());
            (phase, row.view.stage.as_ref().and_then(|stage| stage.known()))
        };
        at(b).cmp(&at(a)).then_with(|| a.view.lpar.cmp(&b.view.lpar))
    });
    busy.truncate(BUSIEST);
    let name = widest(&busy);
    std::iter::once((cut(&summary(rows, now), width), true))
        .chain(busy.into_iter().map(|row| text(row, name)))
        .collect()
}

/// All operations in one line: how many are in which state, and since when.
fn summary(rows: &[Row], now: Timestamp) -> String {
    let counts = StateName::ALL.iter().filter_map(|state| {
        let number = rows.iter().filter(|row| row.view.state == *state).count();
        (number > 0).then(|| format!("{number} {state}"))
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    let begun = rows.iter().map(|row| row.view.created_at).min().unwrap_or(now);
    format!("{} LPARs  {}  {counts}", rows.len(), clock(now.since(begun)))
}
