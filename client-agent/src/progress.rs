//! How far an operation has come, as its journal says: what a supervisor that takes it up again needs to know.

use std::collections::BTreeMap;

use nim_shared::frame::{
    Body, Boot, Change, Event, Exposed, Gap, Identity, KeptLog, Known, Moment, PartStep, Position,
    ScriptMoment, ScriptStep,
};
use nim_shared::hook::HookPoint;
use nim_shared::id::Epoch;
use nim_shared::operation::{Message, Named, Report, Snapshot};
use nim_shared::stage::{Phase, Point, Stage};
use nim_shared::strategy::Part;
use nim_shared::unit::Seconds;

use crate::journal::{self, Entry, Reader};
use crate::operation::Operation;

/// What the records of one journal add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Number of records.
    pub(crate) records: usize,
    /// The boot in which the operation was taken.
    pub(crate) boot: Boot,
    /// What the LPAR was called when it was taken.
    pub(crate) identity: Option<Identity>,
    /// The last stage that was entered.
    pub(crate) stage: Option<Stage>,
    /// The last phase of geninstall.
    pub(crate) phase: Option<Phase>,
    /// The furthest one.
    pub(crate) furthest: Option<Phase>,
    /// Points that were passed, in order.
    pub(crate) points: Vec<Point>,
    /// Changes by number, each with its last moment.
    pub(crate) changes: BTreeMap<u32, Change>,
    /// Parts of a split update, each with where it stands.
    pub(crate) parts: BTreeMap<Part, PartStep>,
    /// Scripts by number, each with where it stands.
    pub(crate) scripts: BTreeMap<u32, ScriptStep>,
    /// How many bytes hooks before the update have written, and logs that were kept before it: what geninstall wrote begins there.
    pub(crate) output_before: u64,
    /// How many bytes there were when the hook began that makes the backup.
    pub(crate) output_backup: u64,
    /// How many bytes there were when the first script or hook after it began.
    pub(crate) output_after: Option<u64>,
    /// Records that came from geninstall's output.
    pub(crate) told: usize,
    /// Error codes in order of appearance.
    pub(crate) codes: Vec<String>,
    /// The first line of each.
    pub(crate) messages: Vec<Message>,
    /// Times without IP filters.
    pub(crate) exposed: Vec<Exposed>,
    /// Logs that are kept behind the output.
    pub(crate) logs: Vec<KeptLog>,
    /// State before anything was touched.
    pub(crate) before: Option<Snapshot>,
    /// State at the end.
    pub(crate) after: Option<Snapshot>,
    /// The preview's estimate of the standstill.
    pub(crate) estimated_blackout: Option<Seconds>,
    /// The preview's estimate of the whole.
    pub(crate) estimated_total: Option<Seconds>,
    /// The standstill by geninstall's own lines.
    pub(crate) reported_blackout: Option<Seconds>,
    /// The freeze as it was measured.
    pub(crate) freeze: Option<Gap>,
    /// Whether a cancel was accepted.
    pub(crate) cancelled: bool,
    /// The last record, when it is there.
    pub(crate) finished: Option<Report>,
    /// The rootvg that the last record names.
    pub(crate) rootvg: Vec<String>,
    /// Positions that a master had stored and that opened another line of history.
    pub(crate) reopened: Vec<Position>,
}

/// Whether a journal contains what a master has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contained {
    /// It does: the master is told what comes after.
    Yes,
    /// It does not: the master is told the later lines of history.
    No,
}

impl Progress {
    /// What the journal of `operation` says now.
    pub(crate) fn read(operation: &Operation) -> Result<(Self, Position), journal::Error> {
        let mut reader = Reader::open(&operation.journal(), operation.id)?;
        let mut progress = Self::default();
        while let Some(entry) = reader.next()? {
            progress.add(&entry);
        }
        Ok((progress, reader.position()))
    }

    /// Adds one record that was read.
    pub(crate) fn add(&mut self, entry: &Entry) {
        self.rootvg.clone_from(&entry.rootvg);
        self.add_event(&entry.event);
    }

    /// Adds what has just been recorded.
    pub(crate) fn add_event(&mut self, event: &Event) {
        self.records += 1;
        if let Body::Known(known) = &event.body {
            self.told += usize::from(is_told(known));
            self.add_known(known);
        }
    }

    fn add_known(&mut self, known: &Known) {
        match known {
            Known::Stage { stage } => {
                self.stage = stage.known().or(self.stage);
                self.phase = None;
            }
            Known::Phase { phase, .. } => {
                self.phase = phase.known().or(self.phase);
                self.furthest = self.furthest.max(self.phase);
            }
            Known::Point { point } => self.points.extend(point.known()),
            Known::Estimate { blackout, total } => {
                self.estimated_blackout = *blackout;
                self.estimated_total = *total;
            }
            Known::BlackoutEnded { reported } => self.reported_blackout = *reported,
            Known::Freeze(gap) => self.freeze = Some(*gap),
            Known::Code { code, text } => self.add_code(code, text),
            Known::Log(log) => {
                log.messages.iter().for_each(|message| self.add_code(&message.code, &message.text));
                if self.stage < Some(Stage::Update) {
                    self.output_before = self.output_before.max(log.output + log.bytes);
                }
                self.logs.push(log.clone());
            }
            Known::Check { code, text, .. } => {
                code.iter().for_each(|code| self.add_code(code, text));
            }
            Known::Change(change) => {
                self.changes.insert(change.number, change.clone());
            }
            Known::Exposed(exposed) => {
                let begun =
                    |one: &&mut Exposed| (one.version, one.from) == (exposed.version, exposed.from);
                match self.exposed.iter_mut().find(begun) {
                    Some(one) => *one = *exposed,
                    None => self.exposed.push(*exposed),
                }
            }
            Known::Part(step) => {
                if let Some(part) = step.part.known() {
                    self.parts.insert(part, step.clone());
                }
            }
            Known::Script(step) => {
                let is_before =
                    step.hook.as_ref().and_then(Named::known).is_some_and(HookPoint::is_before);
                let begun = step.moment == Named::Known(ScriptMoment::Begun);
                if begun && step.hook == Some(Named::Known(HookPoint::Backup)) {
                    self.output_backup = step.output;
                }
                if is_before {
                    self.output_before = self.output_before.max(step.output);
                } else if begun {
                    self.output_after.get_or_insert(step.output);
                }
                self.scripts.insert(step.number, step.clone());
            }
            Known::Snapshot { moment, snapshot } => match moment {
                Moment::Before => self.before = Some((**snapshot).clone()),
                Moment::After => self.after = Some((**snapshot).clone()),
            },
            Known::CancelAccepted { .. } => self.cancelled = true,
            Known::EpochOpened { claimed, .. } => self.reopened.push(*claimed),
            Known::Finished(report) => self.finished = Some((**report).clone()),
            Known::Taken { boot, identity, .. } => {
                self.boot = boot.clone();
                self.identity = Some(identity.clone());
            }
            Known::FenceRaised { .. }
            | Known::Adopted { .. }
            | Known::Note { .. }
            | Known::Found(_) => {}
        }
    }

    fn add_code(&mut self, code: &str, line: &str) {
        if !self.codes.iter().any(|known| known == code) && self.codes.len() < MOST_CODES {
            let text = line.chars().take(LONGEST_LINE).collect();
            self.messages.push(Message { code: code.to_owned(), text });
            self.codes.push(code.to_owned());
        }
    }

    /// Whether `point` was passed.
    pub(crate) fn has_passed(&self, point: Point) -> bool {
        self.points.contains(&point)
    }

    /// Whether silence is expected: nothing may be opened or started on the LPAR.
    pub(crate) fn is_silent(&self) -> bool {
        self.finished.is_none() && self.phase.is_some_and(Phase::is_silent)
    }

    /// Whether something that was changed is neither put back nor left on purpose.
    pub(crate) fn has_open_changes(&self) -> bool {
        self.changes.values().any(Change::is_open)
    }

    /// Changes that are neither put back nor left on purpose, in the order in which they are undone.
    pub(crate) fn open_changes(&self) -> Vec<Change> {
        self.changes.values().rev().filter(|change| change.is_open()).cloned().collect()
    }
}

/// Whether `journal` contains the record at `position`.
pub(crate) fn contains(
    operation: &Operation,
    position: Position,
) -> Result<Contained, journal::Error> {
    if position.seq.0 == 0 && position.epoch <= Epoch(1) {
        return Ok(Contained::Yes);
    }
    let mut reader = Reader::open(&operation.journal(), operation.id)?;
    while let Some(Entry { event, .. }) = reader.next()? {
        let there = event.epoch == position.epoch
            && (position.seq.0 == 0 || event.seq == position.seq && event.hash == position.hash);
        if there {
            return Ok(Contained::Yes);
        }
    }
    Ok(Contained::No)
}

/// Whether a record is one that geninstall's output makes, so that reading the output again makes it again.
pub(crate) const fn is_told(known: &Known) -> bool {
    match known {
        Known::Phase { .. }
        | Known::Check { .. }
        | Known::Estimate { .. }
        | Known::BlackoutEnded { .. }
        | Known::Code { .. } => true,
        Known::Taken { .. }
        | Known::Stage { .. }
        | Known::Point { .. }
        | Known::Freeze(_)
        | Known::Change(_)
        | Known::Exposed(_)
        | Known::Part(_)
        | Known::Script(_)
        | Known::Log(_)
        | Known::Snapshot { .. }
        | Known::CancelAccepted { .. }
        | Known::FenceRaised { .. }
        | Known::EpochOpened { .. }
        | Known::Adopted { .. }
        | Known::Note { .. }
        | Known::Finished(_)
        | Known::Found(_) => false,
    }
}

/// Most codes of a report.
const MOST_CODES: usize = 50;

/// Most characters of a line that is kept of a code.
pub(crate) const LONGEST_LINE: usize = 300;
