//! What was understood of a whole transcript: the answer of `nimctl explain`.

use serde::{Deserialize, Serialize};

use super::event::{Check, Estimate, Event, What};
use super::local_time::LocalTime;
use super::outcome::Outcome;
use super::reader::Reader;
use crate::frame::Verdict;
use crate::stage::Phase;

/// Understands a whole text at once.
#[must_use]
pub fn explain(text: &[u8]) -> Understanding {
    let mut reader = Reader::new();
    let mut understanding = Understanding::default();
    for portion in text.chunks(64 * 1024) {
        understanding.add(reader.push(portion));
    }
    understanding.add(reader.finish());
    understanding.outcome = reader.ending().outcome();
    understanding
}

/// What was understood of a transcript. Where it holds several runs of geninstall, of the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Understanding {
    /// How the run ended.
    pub outcome: Outcome,
    /// The phases in the order in which they began.
    pub phases: Vec<PhaseSpan>,
    /// How long the workload stood still by the two lines of geninstall; `None` where they have no time.
    pub blackout_seconds: Option<u64>,
    /// What the preview expected.
    pub estimate: Estimate,
    /// The lines with a verdict, in order.
    pub checks: Vec<CheckLine>,
    /// The message numbers in the order in which they first appeared.
    pub codes: Vec<String>,
    /// What is missing above, because there was more of it than any real run prints. Absent when nothing is missing.
    #[serde(default, skip_serializing_if = "Omitted::is_nothing")]
    pub omitted: Omitted,
}

/// One phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhaseSpan {
    /// Which.
    pub phase: Phase,
    /// When it began, on the clock of the LPAR; `None` where the text has no time.
    pub started_at: Option<LocalTime>,
    /// How long it took; `None` where the text does not tell.
    pub seconds: Option<u64>,
}

/// One line with a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckLine {
    /// What Live Update thinks.
    pub verdict: Verdict,
    /// The number before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The sentence behind the verdict.
    pub text: String,
}

/// How much was left out of an [`Understanding`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Omitted {
    /// Phases.
    pub phases: u64,
    /// Checks.
    pub checks: u64,
    /// Message numbers that are not in the list; one that comes again is counted again.
    pub codes: u64,
    /// Lines of which only the beginning was read.
    pub shortened_lines: u64,
    /// The reader itself stopped reporting details or progress: there is more than can be counted.
    pub uncounted: bool,
}

/// Most phases kept; a run has 19.
const MAX_PHASES: usize = 64;
/// Most checks kept; a preview has some 50.
const MAX_CHECKS: usize = 1024;
/// Most message numbers kept.
const MAX_CODES: usize = 256;

impl Default for Understanding {
    fn default() -> Self {
        Self {
            outcome: Outcome::Unfinished,
            phases: Vec::new(),
            blackout_seconds: None,
            estimate: Estimate::default(),
            checks: Vec::new(),
            codes: Vec::new(),
            omitted: Omitted::default(),
        }
    }
}

impl Understanding {
    fn add(&mut self, events: Vec<Event>) {
        for event in events {
            self.add_one(event);
        }
    }

    fn add_one(&mut self, Event { at, what }: Event) {
        match what {
            What::NewRun => {
                let omitted = Omitted { uncounted: self.omitted.uncounted, ..Omitted::default() };
                *self = Self { omitted, ..Self::default() };
            }
            What::Phase { phase } => self.phase(phase, at),
            What::BlackoutEnded { seconds } => {
                self.blackout_seconds = seconds;
                if let Some(last) =
                    self.phases.last_mut().filter(|last| last.phase == Phase::Blackout)
                {
                    last.seconds = seconds;
                }
            }
            What::Estimate(estimate) => self.estimate = estimate,
            What::Check(Check { verdict, code, text }) => {
                code.clone().into_iter().for_each(|code| self.code(code));
                if self.checks.len() < MAX_CHECKS {
                    self.checks.push(CheckLine { verdict, code, text });
                } else {
                    self.omitted.checks += 1;
                }
            }
            What::Code(mention) => self.code(mention.code),
            What::LineShortened => self.omitted.shortened_lines += 1,
            What::Capped { .. } => self.omitted.uncounted = true,
            What::Point { .. }
            | What::Step { .. }
            | What::Size { .. }
            | What::Install { .. }
            | What::PreviewSucceeded
            | What::LogCapture
            | What::ConfigurationChanged { .. }
            | What::Ended { .. } => {}
        }
    }

    fn phase(&mut self, phase: Phase, at: Option<LocalTime>) {
        if let Some(last) = self.phases.last_mut().filter(|last| last.seconds.is_none()) {
            last.seconds = at.zip(last.started_at).and_then(|(at, since)| at.seconds_since(since));
        }
        if self.phases.len() < MAX_PHASES {
            self.phases.push(PhaseSpan { phase, started_at: at, seconds: None });
        } else {
            self.omitted.phases += 1;
        }
    }

    fn code(&mut self, code: String) {
        if self.codes.contains(&code) {
            return;
        }
        if self.codes.len() < MAX_CODES {
            self.codes.push(code);
        } else {
            self.omitted.codes += 1;
        }
    }
}

impl Omitted {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
