//! How explanations look.

use nim_shared::code::{Fix, Matched, Meaning, Retry};
use nim_shared::frame::Verdict;
use nim_shared::transcript::{self, Outcome, PhaseSpan, Understanding};

use crate::output::Style;
use crate::output::table::{Columns, Piece, or_none};
use crate::output::text::{Paint, clean, cut};

/// What was understood of a transcript; nothing where the text is none, such as a log.
pub(super) fn understanding(understanding: &Understanding, style: Style) -> String {
    let Understanding { outcome, phases, blackout_seconds, estimate, checks, codes: _, omitted } =
        understanding;
    if *outcome == Outcome::Unfinished && phases.is_empty() && checks.is_empty() {
        return String::new();
    }
    let (word, paint) = outcome_word(*outcome);
    let seconds = |seconds: Option<u64>| or_none(seconds.map(|seconds| format!("{seconds} s")));
    let mut text = format!("outcome   {}\n", paint.paint(word, style));
    if estimate.blackout_seconds.is_some() || estimate.total_seconds.is_some() {
        let (blackout, total) = (estimate.blackout_seconds, estimate.total_seconds);
        text += &format!("estimate  blackout {}, in all {}\n", seconds(blackout), seconds(total));
    }
    if let Some(blackout) = blackout_seconds {
        text += &format!("blackout  {blackout} s\n");
    }
    text += &phases_table(phases, style);
    if !checks.is_empty() {
        let mut columns = Columns::new(&["CHECK", "TEXT"], style);
        for check in checks {
            let paint = match check.verdict {
                Verdict::Passed => Paint::Good,
                Verdict::Failed => Paint::Bad,
                Verdict::Warning => Paint::Care,
                Verdict::Info => Paint::None,
            };
            columns.row([Piece::painted(check.verdict.name(), paint), Piece::from(&check.text)]);
        }
        text += &format!("\n{}", columns.text());
    }
    if *omitted != transcript::Omitted::default() {
        text += "\nthere was more than any real run prints; the rest was left out\n";
    }
    text
}

/// What is known of the messages in a text, and what is not.
pub(super) fn matched(matched: &Matched) -> String {
    let Matched { messages, unknown, left_out } = matched;
    let mut text = String::new();
    for hit in messages {
        text += &format!("\n{}", meaning(&hit.meaning, Some((&hit.line, hit.lines))));
    }
    for one in unknown {
        text += &format!("\n{}: not known here\n", clean(&one.code));
        text += &line(&one.line, one.lines);
    }
    if *left_out > 0 {
        text += &format!("\n{left_out} more were left out\n");
    }
    text
}

/// What a message means, with the line in which it came.
pub(super) fn meaning(meaning: &Meaning, at: Option<(&str, u64)>) -> String {
    let Meaning { code, title, phases, cause, remedy, retry, levels, fixes, checks, of_site } =
        meaning;
    let mut text = format!("{}: {}\n", clean(code), clean(title));
    let mut row = |what: &str, value: &str| text += &format!("   {what:6} = {}\n", clean(value));
    row("cause", cause);
    row("to do", remedy);
    let again = match retry {
        Retry::NotNeeded => "nothing went wrong by this alone",
        Retry::Later => "it may pass by itself; try later",
        Retry::AfterRemedy => "only after that",
        Retry::Never => "no: the update is in effect",
        Retry::SeeOthers => "another message decides",
    };
    row("again", again);
    if !phases.is_empty() {
        let phases: Vec<_> = phases.iter().map(|phase| phase.name()).collect();
        row("phases", &phases.join(", "));
    }
    if !levels.is_empty() {
        row("levels", levels);
    }
    for Fix { level, apar, repaired } in *fixes {
        let repaired = repaired.map(|level| format!(", in {level}")).unwrap_or_default();
        row("fix", &format!("{level}: {apar}{repaired}"));
    }
    if !checks.is_empty() {
        row("before", &format!("nimctl preflight finds it: {}", checks.join(", ")));
    }
    if *of_site {
        row("source", "this site");
    }
    if let Some((found, lines)) = at {
        text += &line(&from(found, code), lines);
    }
    text
}

/// A line from where it says `code` on, where it is long: documents flatten many messages into one.
fn from(line: &str, code: &str) -> String {
    if line.chars().count() <= LONG {
        return line.to_owned();
    }
    let begin = line.find(code).unwrap_or(0);
    cut(&line[begin..], LONG)
}

/// The line in which something came first.
fn line(line: &str, lines: u64) -> String {
    if lines == 0 {
        return String::new();
    }
    let more = if lines > 1 { format!("   ({lines} lines)") } else { String::new() };
    format!("   line   = {}{more}\n", clean(line.trim()))
}

fn phases_table(phases: &[PhaseSpan], style: Style) -> String {
    if phases.is_empty() {
        return String::new();
    }
    let mut columns = Columns::new(&["PHASE", "STARTED", "SECONDS"], style);
    for PhaseSpan { phase, started_at, seconds } in phases {
        columns.row([
            Piece::from(phase.name()),
            Piece::from(or_none(*started_at)),
            Piece::from(or_none(*seconds)),
        ]);
    }
    format!("\n{}", columns.text())
}

/// An outcome in words.
const fn outcome_word(outcome: Outcome) -> (&'static str, Paint) {
    match outcome {
        Outcome::Succeeded => ("succeeded", Paint::Good),
        Outcome::SucceededWithFollowUp => ("succeeded, with something left to do", Paint::Care),
        Outcome::Failed => ("failed: the workload was not moved", Paint::Bad),
        Outcome::InstallFailed => ("failed: the software was not installed", Paint::Bad),
        Outcome::PreviewPassed => ("the preview passed", Paint::Good),
        Outcome::PreviewFailed => ("the preview failed", Paint::Bad),
        Outcome::Unfinished => ("the text does not say: it ends too early", Paint::Care),
    }
}

/// Most characters of a line that holds something known.
const LONG: usize = 200;
