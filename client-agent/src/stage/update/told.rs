//! What geninstall's output becomes in the journal.

use nim_shared::code::{self, Retry};
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
    /// Messages without a number that were said.
    named: Vec<&'static str>,
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
        Self { reader: Reader::new(), kind, written, seen, named: Vec::new() }
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

    /// Records what has a name of ours instead of a number, once: several sentences say the same. What is no fault is a code only where
    /// it says that what was asked for is not all there: an update goes on with it.
    fn name(&mut self, install: Install, text: &str, records: &mut Vec<Record>) {
        let Some(entry) = code::install(install) else { return };
        let counts = match entry.retry {
            Retry::NotNeeded => install == Install::HigherUtilities && self.kind.is_preview(),
            Retry::Later | Retry::AfterRemedy | Retry::Never | Retry::SeeOthers => true,
        };
        if counts && !self.named.contains(&entry.code) {
            self.named.push(entry.code);
            records.push(known(Known::Code { code: entry.code.to_owned(), text: text.to_owned() }));
        }
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
            What::Install { install, text } => {
                match install {
                    Install::Succeeded => self.seen.installed = true,
                    Install::NothingToInstall => self.seen.nothing_to_install = true,
                    Install::Failed
                    | Install::HigherUtilities
                    | Install::EfixLocks
                    | Install::MissingApars => {}
                }
                self.name(install, text, records);
            }
            What::Ended { ending: Ending::InstallFailed, .. } => {
                self.name(Install::Failed, INSTALL_FAILED, records);
            }
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

/// What geninstall says where installp or emgr failed. Source: LU §2.7.
const INSTALL_FAILED: &str = "The live update will not proceed because of an install failure.";

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

    /// What is named of a text, without the phases.
    fn named(text: &str, kind: Kind) -> Vec<(String, String)> {
        let mut told = Told::after(0, kind);
        let mut records = told.push(text.as_bytes());
        records.extend(told.finish());
        let code = |record| match record {
            Record::Known(known) => match *known {
                Known::Code { code, text } => Some((code, text)),
                _ => None,
            },
            Record::Point(_) => None,
        };
        records.into_iter().filter_map(code).collect()
    }

    #[test]
    fn what_installp_says_without_a_number_is_named_once() {
        // LU §2.7, §3.2.
        let text = "\
install_all_updates: Initializing system parameters.
install_all_updates: ATTENTION, a higher level of install utilities is available.
EFIX MANAGER LOCKS
------------------
The following selected filesets are locked by EFIX manager:
BUILDDATE Verification ...
The updates being installed do not contain all the APARs to allow all existing interim fixes to be automatically removed.
install_all_updates: Result = FAILURE
geninstall:  The live update will not proceed because of an install failure.
";
        let codes = |kind| {
            let all = named(text, kind).into_iter().map(|(code, _)| code);
            all.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(codes(Kind::Update), "efix-locks missing-apars install-failed");
        let preview = "higher-install-utilities efix-locks missing-apars install-failed";
        assert_eq!(codes(Kind::Preview), preview);
        assert_eq!(named(text, Kind::Update)[0].1, "EFIX MANAGER LOCKS");
        // emgr alone has failed: there is no result of installp.
        let fix = "geninstall:  The live update will not proceed because of an install failure.\n";
        assert_eq!(named(fix, Kind::Update)[0].0, "install-failed");
        let same = "Either the software is already at the same level as on the media, or\n";
        assert_eq!(named(same, Kind::Update), []);
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
