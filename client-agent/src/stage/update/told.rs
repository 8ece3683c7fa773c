//! What geninstall's output becomes in the journal.

use nim_shared::frame::Known;
use nim_shared::operation::Named;
use nim_shared::request::Kind;
use nim_shared::stage::{Phase, Point};
use nim_shared::transcript::{Ending, Install, Outcome, Reader, What};
use nim_shared::unit::Seconds;

use crate::progress;

/// Turns output into records, leaving out those that a predecessor has written: the same text makes the same records.
#[derive(Debug)]
pub(super) struct Told {
    reader: Reader,
    kind: Kind,
    written: usize,
    seen: Summary,
}

/// Something for the journal.
#[derive(Debug, PartialEq)]
pub(super) enum Record {
    /// Written each time it is said.
    Known(Box<Known>),
    /// Written once.
    Point(Point),
}

/// What the output as a whole says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// How it ends.
    pub(super) ending: Ending,
    /// The last phase.
    pub(super) phase: Option<Phase>,
    /// Whether it says that there is nothing to install.
    pub(super) nothing_to_install: bool,
    /// Whether it says that the installation succeeded.
    pub(super) installed: bool,
    /// Whether it says that files of the administrator were changed.
    pub(super) configuration_changed: bool,
}

/// A record of what is said.
fn known(known: Known) -> Record {
    Record::Known(Box::new(known))
}

impl Summary {
    /// Whether the text claims that the workload was moved.
    pub(super) const fn says_success(&self) -> bool {
        matches!(self.ending.outcome(), Outcome::Succeeded | Outcome::SucceededWithFollowUp)
    }
}

impl Told {
    /// Begins with the first byte of the output; the first `written` records are in the journal.
    pub(super) fn after(written: usize, kind: Kind) -> Self {
        let seen = Summary {
            ending: Ending::Lost,
            phase: None,
            nothing_to_install: false,
            installed: false,
            configuration_changed: false,
        };
        Self { reader: Reader::new(), kind, written, seen }
    }

    /// What the next bytes say.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Record> {
        let events = self.reader.push(bytes);
        self.records(events)
    }

    /// What is still said when nothing more comes.
    pub(super) fn finish(&mut self) -> Vec<Record> {
        let events = self.reader.finish();
        self.records(events)
    }

    /// What all of it says.
    pub(super) const fn summary(&self) -> Summary {
        Summary { ending: self.reader.ending(), ..self.seen }
    }

    fn records(&mut self, events: Vec<nim_shared::transcript::Event>) -> Vec<Record> {
        let mut records = Vec::new();
        for event in events {
            let printed_at = event.at.map(|at| at.to_string());
            self.record(event.what, printed_at, &mut records);
        }
        records.retain(|record| match record {
            Record::Known(known) if progress::is_told(known) && self.written > 0 => {
                self.written -= 1;
                false
            }
            Record::Known(_) | Record::Point(_) => true,
        });
        records
    }

    fn record(&mut self, what: What, printed_at: Option<String>, records: &mut Vec<Record>) {
        match what {
            What::Phase { phase } => {
                self.seen.phase = Some(phase);
                records.push(known(Known::Phase { phase: Named::Known(phase), printed_at }));
                if self.kind == Kind::Update && phase == Phase::Install {
                    records.push(Record::Point(Point::InstallBegun));
                }
            }
            What::Point { point } => {
                if self.kind == Kind::Update {
                    records.push(Record::Point(point));
                }
            }
            What::BlackoutEnded { seconds } => {
                records.push(known(Known::BlackoutEnded { reported: seconds.map(Seconds) }));
            }
            What::Estimate(estimate) => records.push(known(Known::Estimate {
                blackout: estimate.blackout_seconds.map(Seconds),
                total: estimate.total_seconds.map(Seconds),
            })),
            What::Check(check) => records.push(known(Known::Check {
                verdict: Named::Known(check.verdict),
                code: check.code,
                text: check.text,
            })),
            // startsrc says so when all is well.
            What::Code(mention) if mention.code == STARTED => {}
            What::Code(mention) => {
                records.push(known(Known::Code { code: mention.code, text: mention.text }));
            }
            What::Install { install } => match install {
                Install::Succeeded => self.seen.installed = true,
                Install::NothingToInstall => self.seen.nothing_to_install = true,
                Install::Failed
                | Install::HigherUtilities
                | Install::EfixLocks
                | Install::MissingApars => {}
            },
            What::ConfigurationChanged { .. } => self.seen.configuration_changed = true,
            // The raw output has the rest.
            What::NewRun
            | What::Step { .. }
            | What::Size { .. }
            | What::PreviewSucceeded
            | What::LogCapture
            | What::Ended { .. }
            | What::LineShortened
            | What::Capped { .. } => {}
        }
    }
}

/// A subsystem was started. Source: LU §3.2.
const STARTED: &str = "0513-059";

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
01/29/2025-09:09:09 The live update preview succeeded.
Non-interruptable live update operation begins in 10 seconds.
01/29/2025-09:09:19 Live AIX update is starting.
01/29/2025-09:09:29 Initializing live update on original LPAR.
01/29/2025-09:16:39 Moving workload to surrogate LPAR.
01/29/2025-09:17:16 Blackout Time started.
01/29/2025-09:17:37 Blackout Time end.
01/29/2025-09:17:37 Workload is running on surrogate LPAR.
01/29/2025-09:20:17 Live AIX update completed in 0h 10m 58s.
";

    fn all(written: usize) -> (Vec<Record>, Summary) {
        let mut told = Told::after(written, Kind::Update);
        let mut records = told.push(TEXT.as_bytes());
        records.extend(told.finish());
        (records, told.summary())
    }

    #[test]
    fn a_run_becomes_phases_points_and_its_blackout() {
        let (records, summary) = all(0);
        let point = |record: &Record| match record {
            Record::Point(point) => Some(*point),
            Record::Known(_) => None,
        };
        let points: Vec<_> = records.iter().filter_map(point).collect();
        assert_eq!(points, [Point::Committed, Point::Moved]);
        assert!(records.contains(&known(Known::BlackoutEnded { reported: Some(Seconds(21)) })));
        assert!(summary.says_success());
        assert_eq!(summary.phase, Some(Phase::Done));
    }

    #[test]
    fn a_successor_writes_only_what_is_missing() {
        let is_known = |record: &&Record| matches!(record, Record::Known(_));
        let (whole, _) = all(0);
        let known: Vec<_> = whole.iter().filter(is_known).collect();
        for written in 0..=known.len() {
            let (rest, _) = all(written);
            let rest: Vec<_> = rest.iter().filter(is_known).collect();
            assert_eq!(rest, known[written..], "after {written}");
        }
    }
}
