//! `supervise`: the detached process that owns one operation, from the moment it was taken until its last record.
//!
//! It has no terminal and no pipe, needs no master and no connection, and may die anywhere: its successor reads the journal and goes
//! on. Each step is done so that doing it again is harmless, and each decision is on the disk before it has effect.

use std::fs::File;
use std::process::ExitCode;

use nim_shared::frame::{Boot, Change, ChangeClass, ChangeMoment, Effect, Known, Position};
use nim_shared::hook::HookPoint;
use nim_shared::id::{Epoch, Fence, OperationId};
use nim_shared::operation::{Named, Outcome, Report, Software, StuckReason};
use nim_shared::request::{Kind, Request};
use nim_shared::stage::{Point, Stage};

use crate::command::{self, Commands};
use crate::crash;
use crate::disk;
use crate::facts::{self, Facts};
use crate::journal::{self, Journal, Weight};
use crate::operation::{Operation, Stored, Verdict};
use crate::progress::Progress;
use crate::root::Root;
use crate::run::{Run, Step};
use crate::slot::{Durability, Slot};
use crate::stage::{self, Stop};
use crate::state::State;
use crate::system;
use crate::text::chain;

pub(crate) mod start;
mod wait;

pub(crate) use wait::CONTROL_PACE;

/// Why a supervisor cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error(transparent)]
    Command(#[from] command::Error),
    #[error(transparent)]
    Start(#[from] start::Error),
}

/// Owns operation `id` until its end.
pub(crate) fn run(root: &Root, id: OperationId) -> ExitCode {
    let owned = Supervisor::take_up(root, id).and_then(|supervisor| match supervisor {
        Some(mut supervisor) => supervisor.drive(),
        // Another supervisor has it.
        None => Ok(()),
    });
    match owned {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::tell(&format!("nim-agent: operation {id}: {}", chain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// The owner of one operation.
pub(crate) struct Supervisor {
    /// The LPAR.
    pub(crate) root: Root,
    /// The agent's folder.
    pub(crate) state: State,
    /// The operation's files.
    pub(crate) operation: Operation,
    /// What is to be done.
    pub(crate) request: Request,
    /// AIX.
    pub(crate) commands: Commands,
    /// What is known of the LPAR.
    pub(crate) facts: Facts,
    /// What the journal says.
    pub(crate) progress: Progress,
    /// What comes from `serve` and the shim.
    pub(crate) slots: Slots,
    journal: Journal,
    next_change: u32,
    /// The claim of a master for which this process has taken in what it told of.
    taken_in: Option<Position>,
    damage: Option<String>,
    _lock: File,
}

/// Held open all the time: nothing may be opened while the workload is moved.
pub(crate) struct Slots {
    /// Fence of the accepted `proceed`.
    pub(crate) proceed: Slot<Fence>,
    /// Fence of the accepted `cancel`.
    pub(crate) cancel: Slot<Fence>,
    /// The run of geninstall.
    pub(crate) run: Slot<Run>,
    stored: Slot<Stored>,
    reopen: Slot<Position>,
    verdict: Slot<Verdict>,
}

impl Slots {
    fn open(operation: &Operation) -> Result<Self, disk::Error> {
        Ok(Self {
            proceed: operation.proceed()?,
            cancel: operation.cancel()?,
            run: operation.run(Step::Software)?,
            stored: operation.stored()?,
            reopen: operation.reopen()?,
            verdict: operation.verdict()?,
        })
    }
}

impl Supervisor {
    /// Takes up operation `id`; `None` when another supervisor has it.
    fn take_up(root: &Root, id: OperationId) -> Result<Option<Self>, Error> {
        let state = State::open(root)?;
        let operation = state.operation(id);
        let path = operation.supervisor();
        let lock = disk::doing("open", &path, disk::private().open(&path))?;
        if !disk::doing("lock", &path, system::try_lock(&lock))? {
            return Ok(None);
        }
        operation.supervisor_pid()?.set(&std::process::id(), Durability::Synced)?;
        let slots = Slots::open(&operation)?;
        let facts = Facts::new(root.clone(), &state)?;
        let path = operation.journal();
        let (journal, entries, damage) = match Journal::open(&path, id, None) {
            Ok((journal, entries)) => (journal, entries, None),
            Err(error @ journal::Error::Damaged { .. }) => {
                let (journal, entries) = Journal::salvage(&path, id, None)?;
                (journal, entries, Some(chain(&error)))
            }
            Err(error) => return Err(error.into()),
        };
        let mut progress = Progress::default();
        entries.iter().for_each(|entry| progress.add(entry));
        Ok(Some(Self {
            root: root.clone(),
            request: operation.request()?,
            commands: Commands::new(root.clone()),
            state,
            operation,
            facts,
            progress,
            slots,
            journal,
            next_change: 1,
            taken_in: None,
            damage,
            _lock: lock,
        }))
    }

    fn drive(&mut self) -> Result<(), Error> {
        if let Some(damage) = self.damage.take() {
            return self.give_up_damaged(&damage);
        }
        if let Some(report) = self.progress.finished.clone() {
            return self.go_on_after(&report);
        }
        self.adopt()?;
        let report = self.finish()?;
        self.record(Known::Finished(Box::new(report)))?;
        self.put_back_what_was_told()?;
        if self.request.kind == Kind::CleanUp {
            self.wake_others()?;
        }
        Ok(())
    }

    /// A master may have told of changes while others were put back, or the end was written: those that were taken in then are open behind
    /// an end that says otherwise.
    fn put_back_what_was_told(&mut self) -> Result<(), Error> {
        let is_stuck = |report: &Report| matches!(report.outcome, Outcome::Stuck { .. });
        while self.progress.has_open_changes()
            && !self.progress.finished.as_ref().is_none_or(is_stuck)
            && let Some(verdict) = self.slots.verdict.get()?
        {
            let report = self.conclude(verdict)?;
            self.record(Known::Finished(Box::new(report)))?;
        }
        Ok(())
    }

    /// Has operations that are stuck look whether they can go on now.
    fn wake_others(&self) -> Result<(), Error> {
        for other in self.state.operations()? {
            if other.id != self.operation.id {
                let (progress, _) = Progress::read(&other)?;
                start::revive(&self.root, &self.commands, &other, &progress)?;
            }
        }
        Ok(())
    }

    /// From wherever the journal stands to the report.
    fn finish(&mut self) -> Result<Report, Error> {
        let verdict = match self.slots.verdict.get()? {
            Some(verdict) => verdict,
            None => {
                let verdict = match self.stages() {
                    Ok(verdict) | Err(Stop::Decided(verdict)) => verdict,
                    Err(Stop::Broken(error)) => self.without_room(error)?,
                };
                self.decide(&verdict)?;
                verdict
            }
        };
        self.conclude(verdict)
    }

    /// From the decision about the software to the report.
    fn conclude(&mut self, verdict: Verdict) -> Result<Report, Error> {
        let software = verdict.outcome.clone();
        let whole = stage::script::run(self, verdict)?;
        let report = stage::post::run(self, &software, whole)?;
        let report = stage::hook::after(self, report)?;
        let report = stage::logs::keep(self, &software, report)?;
        stage::snap::keep(self, report)
    }

    /// A full disk ends an operation before geninstall is asked for: a successor would find it as full, and what has to be
    /// written from here on has its room. Every other error is a successor's.
    fn without_room(&self, error: Error) -> Result<Verdict, Error> {
        match error {
            Error::Disk(full) if full.is_no_space() && !self.has_begun()? => {
                let outcome = Outcome::Failed { software: Software::Unchanged };
                Ok(Verdict::of(outcome, chain(&full)))
            }
            error => Err(error),
        }
    }

    /// Whether something that changes software was asked for: then it is no longer as it was.
    pub(crate) fn has_begun(&self) -> Result<bool, Error> {
        Ok(self.slots.run.get()?.is_some() || !self.progress.parts.is_empty())
    }

    fn stages(&mut self) -> Result<Verdict, Stop> {
        if self.progress.stage < Some(Stage::Update) {
            self.must_be_the_same_boot()?;
            if self.progress.stage <= Some(Stage::Pre) {
                self.enter(Stage::Pre)?;
                stage::pre::run(self)?;
                stage::clean_up::prepare(self)?;
                stage::script::place(self)?;
                stage::hook::before(self, HookPoint::Pre)?;
            }
            self.check_cancel()?;
            let is_prepared = self.progress.stage > Some(Stage::Prep);
            self.enter(Stage::Prep)?;
            // Also by a successor that finds it done: changes are numbered by coming by.
            stage::prep::run(self)?;
            if !is_prepared {
                stage::hook::before(self, HookPoint::Prep)?;
            }
            self.check_cancel()?;
            let entered_now = self.progress.stage < Some(Stage::Backup);
            self.enter(Stage::Backup)?;
            stage::backup::run(self, entered_now)?;
            stage::prep::rest(self)?;
            stage::ready::wait(self)?;
        }
        stage::hook::before(self, HookPoint::BeforeUpdate)?;
        stage::update::run(self)
    }

    /// Puts the decision on the disk, before anything follows from it.
    pub(crate) fn decide(&self, verdict: &Verdict) -> Result<(), Error> {
        if self.slots.verdict.get()?.is_none() {
            self.slots.verdict.set(verdict, Durability::Synced)?;
            crash::point("supervisor.decided");
        }
        Ok(())
    }

    /// Says that a successor goes on, and from which copy of the system.
    fn adopt(&mut self) -> Result<(), Error> {
        if self.progress.records <= 1 {
            return Ok(());
        }
        if self.progress.is_silent() {
            return self.record(Known::Adopted {
                evidence: "the supervisor before is gone; the workload is being moved, so AIX is asked nothing".to_owned(),
            });
        }
        let boot = self.facts.boot();
        let before = self.progress.rootvg.clone();
        let elsewhere = !before.is_empty() && !boot.rootvg.is_empty() && boot.rootvg != before;
        self.journal.set_rootvg(boot.rootvg.clone());
        if !elsewhere {
            let evidence = "the supervisor before is gone".to_owned();
            return self.record(Known::Adopted { evidence });
        }
        let evidence =
            format!("rootvg is on {} now and was on {}", boot.rootvg.join(" "), before.join(" "));
        if !self.progress.has_passed(Point::Moved) {
            // Another copy of the system was booted. What the master has stored of later events is not in this copy's
            // journal, so what follows must not be taken for their continuation.
            let found = self.journal.position();
            self.open_epoch(found.epoch.next(), found)?;
        }
        self.record(Known::Adopted { evidence })
    }

    /// Before geninstall runs, a reboot ends the operation: what prep did may be gone.
    pub(crate) fn must_be_the_same_boot(&mut self) -> Result<(), Stop> {
        if self.progress.records <= 1 {
            return Ok(());
        }
        let (before, now) = (&self.progress.boot, self.facts.boot());
        let elsewhere =
            !before.rootvg.is_empty() && !now.rootvg.is_empty() && before.rootvg != now.rootvg;
        if elsewhere || self.is_another_boot(&now) {
            return Err(Stop::failed("the LPAR was rebooted before the update began"));
        }
        Ok(())
    }

    /// Whether a reboot, not a Live Update, has ended whatever ran: a surrogate was booted too, so a workload that was moved
    /// is left out.
    pub(crate) fn was_rebooted(&self) -> bool {
        !self.progress.has_passed(Point::Moved) && self.is_another_boot(&self.facts.boot())
    }

    /// Whether the operation was taken in another boot than `now`, as far as both are known.
    fn is_another_boot(&self, now: &Boot) -> bool {
        let before = &self.progress.boot.booted_at;
        before.is_some() && now.booted_at.is_some() && *before != now.booted_at
    }

    /// An operation that had ended: a master may lack its end, or what held it up may be gone.
    fn go_on_after(&mut self, report: &Report) -> Result<(), Error> {
        if self.look_for_reopen()? {
            let taken_in = self.progress.has_open_changes();
            let verdict = self.slots.verdict.get()?.filter(|_| taken_in);
            let report = match verdict {
                Some(verdict) => self.conclude(verdict)?,
                None => report.clone(),
            };
            self.record(Known::Finished(Box::new(report)))?;
            return self.put_back_what_was_told();
        }
        self.put_back_what_was_told()?;
        if !start::may_go_on(report) || crate::alive::live_update_lock(&self.root).is_there() {
            return Ok(());
        }
        // Also the clean-up of another operation: when that is over it looks here.
        if crate::alive::run(&self.operation, &self.commands)?.is_there()
            || crate::alive::installer(&self.commands).is_some()
        {
            return Ok(());
        }
        self.record(Known::Adopted { evidence: "what held the operation up is gone".to_owned() })?;
        let verdict = match report.outcome {
            // What is there now decides anew.
            Outcome::Stuck { reason: StuckReason::CleanUpOpen | StuckReason::DeadlinePassed } => {
                match stage::update::judge_anew(self) {
                    Ok(verdict) | Err(Stop::Decided(verdict)) => verdict,
                    Err(Stop::Broken(error)) => return Err(error),
                }
            }
            _ => match self.slots.verdict.get()? {
                Some(verdict) => verdict,
                None => return Ok(()),
            },
        };
        let report = self.conclude(verdict)?;
        if self.progress.finished.as_ref() != Some(&report) {
            self.record(Known::Finished(Box::new(report)))?;
        }
        Ok(())
    }

    fn give_up_damaged(&mut self, damage: &str) -> Result<(), Error> {
        let found = self.journal.position();
        self.open_epoch(found.epoch.next(), found)?;
        let report = Report {
            codes: self.progress.codes.clone(),
            messages: self.progress.messages.clone(),
            ..Report::of(
                Outcome::Stuck { reason: StuckReason::JournalDamaged },
                format!("{damage}; the file is kept as journal.damaged beside the journal"),
            )
        };
        self.record(Known::Finished(Box::new(report)))
    }

    // ---- records

    /// Adds a record and syncs it.
    pub(crate) fn record(&mut self, known: Known) -> Result<(), Error> {
        self.append(known, Weight::Needed)
    }

    /// Adds a record if there is room for details.
    pub(crate) fn record_detail(&mut self, known: Known) -> Result<(), Error> {
        self.append(known, Weight::Detail)
    }

    fn append(&mut self, known: Known, weight: Weight) -> Result<(), Error> {
        self.look_for_reopen()?;
        let event = self.journal.append(known, weight, facts::now())?;
        event.iter().for_each(|event| self.progress.add_event(event));
        Ok(())
    }

    /// Records that `stage` was entered, once.
    pub(crate) fn enter(&mut self, stage: Stage) -> Result<(), Error> {
        if self.progress.stage < Some(stage) {
            self.record(Known::Stage { stage: Named::Known(stage) })?;
        }
        Ok(())
    }

    /// Records that `point` was passed, once.
    pub(crate) fn point(&mut self, point: Point) -> Result<(), Error> {
        if !self.progress.has_passed(point) {
            self.record(Known::Point { point: Named::Known(point) })?;
        }
        Ok(())
    }

    /// Records a sentence.
    pub(crate) fn note(&mut self, text: impl Into<String>) -> Result<(), Error> {
        let text: String = text.into();
        self.record_detail(Known::Note { text: text.chars().take(2000).collect() })
    }

    /// Opens another line of history when a master has stored something that is not in this journal. Whether it did.
    fn look_for_reopen(&mut self) -> Result<bool, Error> {
        match self.slots.reopen.get()? {
            Some(claimed) if self.taken_in != Some(claimed) => {
                // Before anything is recorded: each record looks here.
                self.taken_in = Some(claimed);
                let is_new = !self.progress.reopened.contains(&claimed);
                if is_new {
                    let own = self.journal.position().epoch;
                    self.open_epoch(own.max(claimed.epoch).next(), claimed)?;
                }
                // Also where a predecessor has opened it: it may have died before it had taken in all.
                self.take_in_changes()?;
                Ok(is_new)
            }
            Some(_) | None => Ok(false),
        }
    }

    /// Takes in what the master says was changed and this journal does not: it was copied before the record, and the file after
    /// the change. Only what prep of this very order makes: a list from elsewhere gives no right to anything else.
    fn take_in_changes(&mut self) -> Result<(), Error> {
        for change in self.operation.told_changes()? {
            if self.progress.changes.contains_key(&change.number) {
                continue;
            }
            if !stage::prep::makes(self, &change.effect) {
                self.note(format!(
                    "change {} of the master's list is none that this order makes: it is left out",
                    change.number
                ))?;
                continue;
            }
            let moment = Named::Known(ChangeMoment::Intent);
            self.record(Known::Change(Change { moment, error: None, ..change }))?;
        }
        Ok(())
    }

    fn open_epoch(&mut self, epoch: Epoch, claimed: Position) -> Result<(), Error> {
        let found = self.journal.position();
        let event =
            self.journal.open_epoch(epoch, Known::EpochOpened { claimed, found }, facts::now())?;
        event.iter().for_each(|event| self.progress.add_event(event));
        Ok(())
    }

    // ---- changes

    /// Number of the change that comes next.
    pub(crate) const fn next_change(&self) -> u32 {
        self.next_change
    }

    /// Has the changes that come now counted behind all that there are, of whichever predecessor.
    pub(crate) fn count_behind_all(&mut self) {
        let last = self.progress.changes.keys().next_back().copied().unwrap_or_default();
        self.next_change = self.next_change.max(last.saturating_add(1));
    }

    /// Makes one change: its intent is on this disk and stored by the master before `apply` runs, which has to cope with being run
    /// again. `plan` says what it is, with the state before; `None`: nothing has to be changed.
    pub(crate) fn change(
        &mut self,
        class: ChangeClass,
        plan: impl FnOnce(&mut Self) -> Result<Option<Effect>, Stop>,
        apply: impl FnOnce(&mut Self, &Effect) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        // Counted also when nothing has to be changed, so that a successor counts the same.
        let number = self.next_change;
        self.next_change += 1;
        let effect = match self.progress.changes.get(&number) {
            Some(change) if change.moment != Named::Known(ChangeMoment::Intent) => return Ok(()),
            Some(change) => change.effect.clone(),
            None => {
                let Some(effect) = plan(self)? else { return Ok(()) };
                self.record_change(number, ChangeMoment::Intent, class, effect.clone(), None)?;
                effect
            }
        };
        self.wait_until_stored()?;
        crash::point("change.apply");
        apply(self, &effect)?;
        crash::point("change.applied");
        Ok(self.record_change(number, ChangeMoment::Done, class, effect, None)?)
    }

    /// Records where a change stands.
    pub(crate) fn record_change(
        &mut self,
        number: u32,
        moment: ChangeMoment,
        class: ChangeClass,
        effect: Effect,
        error: Option<String>,
    ) -> Result<(), Error> {
        let (moment, class) = (Named::Known(moment), Named::Known(class));
        self.record(Known::Change(Change { number, moment, class, effect, error }))
    }
}
