//! From lines to events: joins what was wrapped, separates what was glued, and keeps in mind where the run is.

use std::cmp::Ordering;

use super::broadcast::Filter;
use super::event::{CappedKind, CodeMention, Device, Estimate, Event, Install, SizeKind, What};
use super::line::{Line, Lines};
use super::local_time::LocalTime;
use super::message;
use super::outcome::{Ending, Evidence};
use super::prefix::Stripped;
use super::sentence::{Beginning, Meaning, Recognised, beginning, cut_off};
use crate::code;
use crate::frame::Verdict;
use crate::stage::{Phase, Point};
use crate::unit::Megabytes;

/// Events of one kind that a reader reports at most. A real run has some 60 details and 30 steps.
pub const MAX_EVENTS: u32 = 10_000;

/// The columns of a terminal, at which long lines are cut or go on in the next.
const TERMINAL: usize = 80;

/// Nobody wraps a line before this column.
const SHORTEST_WRAP: usize = 72;

/// A sentence that was cut off at the edge fills most of its line, time stamp aside.
const SHORTEST_CUT: usize = 50;

/// The longest text of an event, in bytes.
const MAX_TEXT: usize = 1024;

/// Reads what geninstall prints, as it arrives.
///
/// Bytes may come in any portions, stop anywhere, and hold anything; memory stays below a few kilobytes whatever comes.
/// An event is given as soon as the line is complete that says it. Only a message of which the next line may hold the rest
/// waits for that line, or for [`Reader::finish`].
#[derive(Debug, Default)]
pub struct Reader {
    lines: Lines,
    broadcast: Filter,
    open: Option<Open>,
    run: Run,
    counted: Counted,
}

/// A text that may go on in the next line.
#[derive(Debug)]
struct Open {
    at: Option<LocalTime>,
    /// What there is of it, white space as it came.
    text: String,
    /// The columns of its last line.
    width: usize,
    /// So little of it that it may be the beginning of anything: a terminal cut it behind dots, or behind its time stamp.
    torn: bool,
}

/// What one run of geninstall has said so far.
#[derive(Debug, Default)]
struct Run {
    evidence: Evidence,
    phase: Option<Phase>,
    passed: Option<Point>,
    blackout_since: Option<LocalTime>,
    estimate: Estimate,
    device: Option<Device>,
}

#[derive(Debug, Default)]
struct Counted {
    progress: u32,
    detail: u32,
}

impl Reader {
    /// A reader at the beginning of a transcript.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; gives what they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in bytes {
            if let Some(line) = self.lines.push(*byte) {
                self.line(&line, &mut events);
            }
        }
        events
    }

    /// Says that nothing more comes; gives what the unfinished last line still says.
    pub fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(line) = self.lines.finish() {
            self.line(&line, &mut events);
        }
        self.close(&mut events);
        events
    }

    /// How the run ends if nothing more comes: [`Ending::Lost`] while the text does not say.
    pub const fn ending(&self) -> Ending {
        self.run.evidence.ending()
    }

    fn line(&mut self, line: &Line, events: &mut Vec<Event>) {
        if line.shortened {
            self.tell(None, What::LineShortened, events);
        }
        let stripped = Stripped::new(&line.text);
        if self.broadcast.takes(&stripped) || stripped.is_blank() {
            return;
        }
        if let Some(open) = self.open.take() {
            match open.joined(&stripped, line.width) {
                Ok(joined) => return self.sentences(joined.at, &joined.text, joined.width, events),
                Err(open) => self.close_this(&open, events),
            }
        }
        self.sentences(None, stripped.whole, line.width, events);
    }

    /// Takes one sentence after the other from the front of `text`; what may go on in the next line stays open.
    fn sentences(
        &mut self,
        at: Option<LocalTime>,
        text: &str,
        width: usize,
        events: &mut Vec<Event>,
    ) {
        let mut at = at;
        let mut rest = text;
        loop {
            let stripped = Stripped::new(rest);
            at = stripped.at().or(at);
            rest = stripped.text;
            if rest.is_empty() {
                // A time stamp alone: the sentence was wrapped behind it.
                if stripped.has_stamp() {
                    self.open = Some(Open { at, text: String::new(), width, torn: true });
                }
                return;
            }
            let ends = rest.trim_end().ends_with(['.', ']']);
            let torn = !ends && (stripped.is_marked() || LocalTime::may_begin(rest));
            match beginning(rest) {
                Beginning::Sentence(found) => {
                    self.known(at, found, events);
                    rest = &rest[found.length..];
                    continue;
                }
                Beginning::Part => {
                    self.open = Some(Open { at, text: rest.to_owned(), width, torn });
                    return;
                }
                Beginning::Other => {}
            }
            if let Some(next) = message::next_start(rest) {
                self.unknown(at, &rest[..next], events);
                rest = &rest[next..];
                continue;
            }
            if torn || message::is_open(rest) {
                self.open = Some(Open { at, text: rest.to_owned(), width, torn });
            } else {
                self.unknown(at, rest, events);
            }
            return;
        }
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        if let Some(open) = self.open.take() {
            self.close_this(&open, events);
        }
    }

    /// Nothing continues this text: it was cut off, or it is something else than it seemed.
    fn close_this(&mut self, open: &Open, events: &mut Vec<Event>) {
        let text = open.text.trim_end();
        let at_the_edge = open.width >= TERMINAL - 1 && text.len() >= SHORTEST_CUT;
        match cut_off(text, at_the_edge) {
            // A check says its text itself, as far as it is there.
            Some(found) if found.length < text.len() || message::check(text).is_none() => {
                self.known(open.at, found, events);
            }
            Some(_) | None => self.unknown(open.at, text, events),
        }
    }

    /// What a known sentence says.
    fn known(&mut self, at: Option<LocalTime>, found: Recognised, events: &mut Vec<Event>) {
        let number = found.numbers[0];
        let what = match found.meaning {
            Meaning::Phase(phase) => return self.enter(at, phase, events),
            Meaning::Starting => return self.pass(at, Point::Committed, events),
            Meaning::InstallPart => return self.install_part(at, None, events),
            Meaning::Install(install) => {
                return self.install_part(at, Some((install, found.says)), events);
            }
            Meaning::BlackoutEnded => {
                let since = self.run.blackout_since.take();
                let seconds = since.zip(at).and_then(|(since, at)| at.seconds_since(since));
                What::BlackoutEnded { seconds }
            }
            Meaning::Step(step) => What::Step { step },
            Meaning::EstimatedBlackout => {
                self.run.estimate.blackout_seconds = Some(number);
                What::Estimate(self.run.estimate)
            }
            Meaning::EstimatedTotal => {
                self.run.estimate.total_seconds = Some(number);
                What::Estimate(self.run.estimate)
            }
            Meaning::Sizes(device) => {
                self.run.device = Some(device);
                return;
            }
            Meaning::RequiredSize => self.size(SizeKind::Required, number),
            Meaning::GivenSize => self.size(SizeKind::Given, number),
            Meaning::Passed | Meaning::Info => match found.check() {
                Some(check) => What::Check(check),
                None => return,
            },
            Meaning::PreviewSucceeded => {
                self.run.evidence.preview_succeeded();
                What::PreviewSucceeded
            }
            Meaning::PreviewEnd => match self.run.evidence.preview_ended() {
                Some(ending) => What::Ended { ending, seconds: None },
                None => return,
            },
            Meaning::SucceededDotted => {
                self.enter(at, Phase::Done, events);
                self.ended(Ending::SucceededDotted, None)
            }
            Meaning::SucceededStamped => {
                self.enter(at, Phase::Done, events);
                self.ended(Ending::SucceededStamped, duration(found.numbers))
            }
            Meaning::InstallFailed => self.ended(Ending::InstallFailed, None),
            Meaning::LogCapture => What::LogCapture,
            Meaning::ConfigurationChanged => What::ConfigurationChanged { file: None },
            Meaning::Nothing => return,
        };
        self.tell(at, what, events);
    }

    /// What any other text says.
    fn unknown(&mut self, at: Option<LocalTime>, text: &str, events: &mut Vec<Event>) {
        let text = tidy(text);
        if let Some(check) = message::check(&text) {
            if check.verdict == Verdict::Failed {
                self.run.evidence.check_failed();
            }
            self.tell(at, What::Check(check), events);
            return;
        }
        if text.starts_with("install_all_updates:") {
            self.install_part(at, None, events);
        }
        if let Some(file) = message::modified_file(&text) {
            let what = What::ConfigurationChanged { file: Some(file.to_owned()) };
            self.tell(at, what, events);
            return;
        }
        for found in code::scan(&text) {
            let closes = found.start == 0;
            let code = found.code.clone();
            let mention = CodeMention { code: found.code, text: text.clone() };
            self.tell(at, What::Code(mention), events);
            if closes {
                self.closing_code(at, &code, events);
            }
        }
    }

    /// A number at the beginning of a line is what geninstall itself reports; some of them close a run.
    fn closing_code(&mut self, at: Option<LocalTime>, code: &str, events: &mut Vec<Event>) {
        let ending = match code {
            "1430-045" => Ending::Failed,
            "1430-094" => Ending::PartialSuccess,
            "1430-249" => return self.run.evidence.post_processing_failed(),
            _ => return,
        };
        let what = self.ended(ending, None);
        self.tell(at, what, events);
    }

    fn enter(&mut self, at: Option<LocalTime>, phase: Phase, events: &mut Vec<Event>) {
        let again = self.run.evidence.has_ended() || self.run.evidence.is_past_its_checks();
        if phase == Phase::Preview && again {
            self.begin_again(events);
        }
        if phase >= Phase::Countdown {
            self.run.evidence.counted_down();
        }
        if phase > Phase::Install {
            self.run.evidence.went_on();
        }
        if phase > Phase::Countdown && phase < Phase::Done {
            self.pass(at, Point::Committed, events);
        }
        if phase == Phase::Running {
            self.pass(at, Point::Moved, events);
        }
        if phase == Phase::Blackout {
            self.run.blackout_since = at;
        }
        self.run.phase = Some(phase);
        self.tell(at, What::Phase { phase }, events);
    }

    fn pass(&mut self, at: Option<LocalTime>, point: Point, events: &mut Vec<Event>) {
        if self.run.passed.is_none_or(|passed| passed < point) {
            self.run.passed = Some(point);
            self.tell(at, What::Point { point }, events);
        }
    }

    /// Something that only installp and emgr print. They also run later, on the copy of rootvg, where that is no phase.
    fn install_part(
        &mut self,
        at: Option<LocalTime>,
        install: Option<(Install, &'static str)>,
        events: &mut Vec<Event>,
    ) {
        if self.run.evidence.has_ended() {
            self.begin_again(events);
        }
        if !self.run.evidence.is_past_its_checks() && self.run.phase != Some(Phase::Install) {
            self.enter(at, Phase::Install, events);
        }
        if matches!(install, Some((Install::Failed, _))) {
            self.run.evidence.install_failed();
        }
        if let Some((install, text)) = install {
            self.tell(at, What::Install { install, text }, events);
        }
    }

    /// The text goes on with another run: people keep several in one file.
    fn begin_again(&mut self, events: &mut Vec<Event>) {
        self.run = Run::default();
        self.tell(None, What::NewRun, events);
    }

    fn size(&self, kind: SizeKind, number: u64) -> What {
        What::Size { device: self.run.device, kind, size: Megabytes(number) }
    }

    fn ended(&mut self, ending: Ending, seconds: Option<u64>) -> What {
        What::Ended { ending: self.run.evidence.ended(ending), seconds }
    }

    fn tell(&mut self, at: Option<LocalTime>, what: What, events: &mut Vec<Event>) {
        let kind = what.kind();
        let count = match kind {
            CappedKind::Progress => &mut self.counted.progress,
            CappedKind::Detail => &mut self.counted.detail,
        };
        *count = count.saturating_add(1);
        match (*count).cmp(&MAX_EVENTS) {
            Ordering::Less => events.push(Event { at, what }),
            Ordering::Equal => events.push(Event { at, what: What::Capped { kind } }),
            Ordering::Greater => {}
        }
    }
}

impl Open {
    /// This text with `line` behind it, or itself unchanged when the line does not continue it.
    fn joined(self, line: &Stripped<'_>, width: usize) -> Result<Self, Self> {
        let text = self.glued(line.text, line.whole);
        let full = self.is_full_before(line.text) || self.text.is_empty();
        if self.torn && full && !line.is_marked() {
            let bare_code = code::normal(&self.text).is_some();
            let torn_code = code::leading(&text).is_some_and(|code| code.end > self.text.len());
            if bare_code || torn_code || !message::is_start(line.text) {
                return Ok(Self { text: bounded(text), width, torn: false, ..self });
            }
        }
        let known = !line.has_stamp() && beginning(&text) != Beginning::Other;
        let open = message::is_open(&self.text);
        // One dot behind a full line is a full stop or a part of a number, not progress.
        let stop = self.width == TERMINAL
            && line.whole.starts_with('.')
            && !line.whole[1..].starts_with(['.', '…'])
            && (line.text.is_empty() || open);
        let goes_on = !line.is_marked() && !line.text.is_empty() && full;
        if known || (stop || open && goes_on) && !message::is_start(line.text) {
            Ok(Self { text: bounded(text), width, ..self })
        } else {
            Err(self)
        }
    }

    /// A terminal cuts words at its last column; whoever wraps between words leaves a line that had no room for the next.
    fn glued(&self, text: &str, whole: &str) -> String {
        if self.width == TERMINAL {
            format!("{}{whole}", self.text)
        } else {
            format!("{} {text}", self.text.trim_end())
        }
    }

    /// Whether the last line had no room for the first word of `text`.
    fn is_full_before(&self, text: &str) -> bool {
        let word = text.split(' ').next().unwrap_or_default().chars().count();
        self.width == TERMINAL || self.width + 1 + word > SHORTEST_WRAP
    }
}

/// `0h 10m 58s` in seconds.
fn duration([hours, minutes, seconds]: [u64; 3]) -> Option<u64> {
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    minutes.checked_mul(60)?.checked_add(seconds)
}

/// One blank between words, none at the ends.
fn tidy(text: &str) -> String {
    let mut tidied = String::new();
    for word in text.split_whitespace() {
        if !tidied.is_empty() {
            tidied.push(' ');
        }
        tidied.push_str(word);
    }
    // Dots behind a message are progress, not punctuation.
    let bare = tidied.trim_end_matches(['.', '…', ' ']).len();
    if tidied[bare..].chars().count() > 1 {
        tidied.truncate(bare);
    }
    bounded(tidied)
}

fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
