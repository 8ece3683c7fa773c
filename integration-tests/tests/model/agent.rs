//! The agent: what it does about a frame, and what its supervisor does by itself. State that survives a crash is on a
//! [`Disk`]; the LPAR has two, and boots from either.

use crate::decide::Outcome;
use crate::flaw::Flaw;
use crate::message::{Claim, Frame, Message, Position, position};
use crate::world::{OPERATIONS, World};

/// A copy of rootvg, as far as the agent wrote on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Disk {
    pub(crate) entries: [Entry; OPERATIONS],
}

/// What a disk says of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Entry {
    #[default]
    Unknown,
    /// No `start` with this fence or a lower one is taken.
    Tombstone(Claim),
    /// No `start` is taken any more.
    Forgotten,
    Taken(Journal),
}

/// A journal, with what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Journal {
    /// Highest fence seen.
    pub(crate) claim: Claim,
    pub(crate) epoch: u8,
    pub(crate) records: Vec<Record>,
    /// A cancel was accepted.
    pub(crate) cancel: bool,
    /// How many records are only in memory. Always 0, but for [`Flaw::AnswersBeforeSync`].
    pub(crate) unsynced: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    /// Which boot of the LPAR wrote it: the evidence that `taken` and every record carry.
    pub(crate) boot: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Taken,
    Ready,
    /// geninstall is about to be started.
    Begun,
    /// A line of history that the master did not know: `epoch_opened`.
    Reopened,
    Finished(Outcome),
}

/// Processes and sessions of one operation: gone after a boot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Live {
    pub(crate) supervisor: bool,
    pub(crate) geninstall: Geninstall,
    /// Sessions that are sent each new record.
    pub(crate) attached: Vec<Claim>,
}

/// geninstall, with its status file: both outlive the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Geninstall {
    #[default]
    None,
    Running,
    Ended,
}

impl Journal {
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.records.iter().any(|record| record.kind == kind)
    }

    pub(crate) fn finished(&self) -> Option<Outcome> {
        finished(&self.records)
    }

    /// Begins another line of history with the record that says so; what stood here is told again after it.
    fn reopen(&mut self, epoch: u8, boot: u8) {
        self.epoch = epoch;
        self.records.retain(|record| record.kind != Kind::Reopened);
        self.records.insert(0, Record { kind: Kind::Reopened, boot });
    }

    /// Whether the master's `position` is a place in this line of history, or before its beginning.
    fn contains(&self, claimed: Position) -> bool {
        if claimed.epoch < self.epoch {
            return true; // Everything is sent again, under the newer epoch.
        }
        claimed.epoch == self.epoch
            && usize::from(claimed.seq) <= self.records.len()
            && position(self.epoch, &self.records[..usize::from(claimed.seq)]) == claimed
    }
}

/// The outcome that `records` tell.
pub(crate) fn finished(records: &[Record]) -> Option<Outcome> {
    records.iter().find_map(|record| match record.kind {
        Kind::Finished(outcome) => Some(outcome),
        Kind::Taken | Kind::Ready | Kind::Begun | Kind::Reopened => None,
    })
}

/// What the supervisor of an operation can do next, by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Prep and backup are done.
    Ready,
    /// `proceed` did not come in time: prep is undone.
    NoProceed,
    /// A cancel was accepted: prep is undone.
    Cancel,
    StartGeninstall,
    GeninstallEnds,
    Finish,
    /// What was appended reaches the disk.
    Sync,
    /// A successor of a supervisor that is gone.
    Adopt,
}

/// The steps that are possible.
pub(crate) fn steps(world: &World, operation: usize) -> Vec<Step> {
    let Entry::Taken(journal) = &world.disk.entries[operation] else { return Vec::new() };
    let live = &world.live[operation];
    let mut steps = Vec::new();
    if live.geninstall == Geninstall::Running {
        steps.push(Step::GeninstallEnds);
    }
    if journal.unsynced > 0 {
        steps.push(Step::Sync);
    }
    if journal.finished().is_some() {
        return steps;
    }
    if !live.supervisor {
        steps.push(Step::Adopt);
        return steps;
    }
    match (journal.has(Kind::Ready), journal.has(Kind::Begun), live.geninstall) {
        (_, true, Geninstall::None) => steps.push(Step::StartGeninstall),
        (_, true, Geninstall::Ended) => steps.push(Step::Finish),
        (_, true, Geninstall::Running) => {}
        (_, false, _) if journal.cancel => steps.push(Step::Cancel),
        (true, false, _) => steps.push(Step::NoProceed),
        (false, false, _) => steps.push(Step::Ready),
    }
    steps
}

/// Does one of [`steps`].
pub(crate) fn step(world: &mut World, operation: usize, step: Step) {
    match step {
        Step::Ready => append(world, operation, Kind::Ready),
        Step::NoProceed => append(world, operation, Kind::Finished(Outcome::Failed)),
        Step::Cancel => append(world, operation, Kind::Finished(Outcome::Cancelled)),
        Step::StartGeninstall => start_geninstall(world, operation),
        Step::GeninstallEnds => {
            world.live[operation].geninstall = Geninstall::Ended;
            let begun =
                matches!(&world.disk.entries[operation], Entry::Taken(j) if j.has(Kind::Begun));
            if !begun {
                append(world, operation, Kind::Begun); // Only Flaw::BeginsBeforeRecord comes here.
            }
        }
        Step::Finish => append(world, operation, Kind::Finished(Outcome::Succeeded)),
        Step::Sync => {
            if let Entry::Taken(journal) = &mut world.disk.entries[operation] {
                journal.unsynced = 0;
            }
        }
        Step::Adopt => adopt(world, operation),
    }
}

/// The agent's processes are gone, and the connections with them. geninstall is not the agent's process.
pub(crate) fn kill(world: &mut World) {
    world.disconnect();
    world.net.retain(|message| !message.frame.is_for_agent());
    for live in &mut world.live {
        live.supervisor = false;
    }
}

/// All processes are gone, and what was not synced.
pub(crate) fn boot(world: &mut World) {
    kill(world);
    world.boots += 1;
    world.live = Default::default();
    for entry in &mut world.disk.entries {
        if let Entry::Taken(journal) = entry {
            let kept = journal.records.len() - usize::from(journal.unsynced);
            journal.records.truncate(kept);
            journal.unsynced = 0;
            if kept == 0 {
                *entry = Entry::Unknown;
            }
        }
    }
}

/// Takes up an operation whose supervisor is gone. After a boot nothing goes forward: the records may be those of another
/// copy of rootvg, on which geninstall was never started, while on this operation's behalf it was.
fn adopt(world: &mut World, operation: usize) {
    let Entry::Taken(journal) = &world.disk.entries[operation] else { return };
    let booted = journal.records.iter().any(|record| record.boot != world.boots);
    let lost = journal.has(Kind::Begun) && world.live[operation].geninstall == Geninstall::None;
    world.live[operation].supervisor = true;
    if lost || booted && world.setup.flaw != Some(Flaw::GoesOnAfterBoot) {
        append(world, operation, Kind::Finished(Outcome::Failed));
    }
}

fn start_geninstall(world: &mut World, operation: usize) {
    let others = world.live.iter().filter(|live| live.geninstall == Geninstall::Running).count();
    world.ghost.two_at_once |= others > 0;
    world.ghost.begun_after_end |=
        world.db.rows[operation].as_ref().is_some_and(|stored| stored.row.is_terminal());
    world.ghost.begins[operation] += 1;
    world.live[operation].geninstall = Geninstall::Running;
}

/// Appends and syncs one record, and streams it to whoever is attached.
fn append(world: &mut World, operation: usize, kind: Kind) {
    let record = Record { kind, boot: world.boots };
    let late = world.setup.flaw == Some(Flaw::AnswersBeforeSync);
    let Entry::Taken(journal) = &mut world.disk.entries[operation] else { return };
    journal.records.push(record);
    if late {
        journal.unsynced += 1;
    }
    let place = position(journal.epoch, &journal.records);
    for claim in world.live[operation].attached.clone() {
        world.send(Message { operation, claim, frame: Frame::Event(record, place) });
    }
}

/// Whether the frame is refused for its fence: now, and as long as this disk is in use.
pub(crate) fn refuses(world: &World, Message { operation, claim, .. }: Message) -> bool {
    world.setup.flaw != Some(Flaw::NoFenceComparison) && claim.fence < fence(world, operation)
}

/// What the agent does about a frame that it does not [refuse](refuses).
pub(crate) fn receive(world: &mut World, Message { operation, claim, frame }: Message) {
    let stale = claim.serial < serial(world, operation);
    let before = stale.then(|| (world.disk.clone(), world.live.clone()));
    match frame {
        Frame::Start => start(world, operation, claim),
        Frame::Attach(claimed) => attach(world, operation, claim, claimed),
        Frame::Proceed => proceed(world, operation, claim),
        Frame::Cancel => cancel(world, operation, claim),
        Frame::Forget => forget(world, operation),
        Frame::Taken | Frame::Tombstoned | Frame::Busy | Frame::Event(..) => {}
    }
    if let Some((disk, live)) = before {
        // Listening is no effect: it is what a stale master reads, and it cannot store it.
        let heard = |lives: &[Live]| lives.iter().map(|l| l.geninstall).collect::<Vec<_>>();
        world.ghost.stale_effect |= disk != world.disk || heard(&live) != heard(&world.live);
    }
}

/// Highest fence that this disk has seen for the operation.
pub(crate) fn fence(world: &World, operation: usize) -> u8 {
    match &world.disk.entries[operation] {
        Entry::Unknown | Entry::Forgotten => 0,
        Entry::Tombstone(claim) => claim.fence,
        Entry::Taken(journal) => journal.claim.fence,
    }
}

fn serial(world: &World, operation: usize) -> u8 {
    match &world.disk.entries[operation] {
        Entry::Unknown | Entry::Forgotten => 0,
        Entry::Tombstone(claim) => claim.serial,
        Entry::Taken(journal) => journal.claim.serial,
    }
}

fn start(world: &mut World, operation: usize, claim: Claim) {
    match &mut world.disk.entries[operation] {
        Entry::Taken(journal) => {
            journal.claim = claim.max(journal.claim);
            world.send(Message { operation, claim, frame: Frame::Taken });
        }
        Entry::Forgotten => {}
        // The comparison in `receive` let a higher fence and an equal one pass; the tombstone refuses the equal one too.
        Entry::Tombstone(grave) if claim.fence <= grave.fence => {}
        Entry::Tombstone(_) if world.setup.flaw == Some(Flaw::TombstoneForEver) => {}
        Entry::Tombstone(_) | Entry::Unknown => take(world, operation, claim),
    }
}

/// Takes the id, unless something else has the LPAR. The master ends an operation whose `start` is refused, so the refusal is
/// for good: a tombstone refuses the same `start` when it arrives again.
fn take(world: &mut World, operation: usize, claim: Claim) {
    let busy = world.stranger || world.disk.entries.iter().any(is_open);
    if busy && world.setup.flaw != Some(Flaw::NoLock) {
        if world.setup.flaw != Some(Flaw::RefusalLeavesNothing) {
            world.disk.entries[operation] = Entry::Tombstone(claim);
        }
        world.send(Message { operation, claim, frame: Frame::Busy });
        return;
    }
    world.ghost.taken_after_end |=
        world.db.rows[operation].as_ref().is_some_and(|stored| stored.row.is_terminal());
    world.disk.entries[operation] =
        Entry::Taken(Journal { claim, epoch: 1, records: vec![], cancel: false, unsynced: 0 });
    world.live[operation] = Live { supervisor: true, ..Live::default() };
    append(world, operation, Kind::Taken);
    world.send(Message { operation, claim, frame: Frame::Taken });
}

/// Whether the entry is an operation that has not ended.
pub(crate) fn is_open(entry: &Entry) -> bool {
    matches!(entry, Entry::Taken(journal) if journal.finished().is_none())
}

fn attach(world: &mut World, operation: usize, claim: Claim, claimed: Position) {
    let flaw = world.setup.flaw;
    let boot = world.boots;
    match &mut world.disk.entries[operation] {
        Entry::Unknown if flaw == Some(Flaw::AttachStarts) => take(world, operation, claim),
        Entry::Unknown | Entry::Tombstone(_) => {
            if flaw != Some(Flaw::NoTombstone) {
                world.disk.entries[operation] = Entry::Tombstone(claim);
            }
            world.send(Message { operation, claim, frame: Frame::Tombstoned });
        }
        Entry::Forgotten => {
            world.send(Message { operation, claim, frame: Frame::Tombstoned });
        }
        Entry::Taken(journal) => {
            journal.claim = claim.max(journal.claim);
            if !journal.contains(claimed) && flaw != Some(Flaw::NoEpochs) {
                journal.reopen(claimed.epoch + 1, boot);
            }
            let known = if claimed.epoch == journal.epoch { claimed.seq } else { 0 };
            let (epoch, records) = (journal.epoch, journal.records.clone());
            let attached = &mut world.live[operation].attached;
            if !attached.contains(&claim) {
                attached.push(claim);
                attached.sort_unstable();
            }
            world.send(Message { operation, claim, frame: Frame::Taken });
            for next in usize::from(known)..records.len() {
                let place = position(epoch, &records[..=next]);
                world.send(Message { operation, claim, frame: Frame::Event(records[next], place) });
            }
        }
    }
}

/// The journalled journey to geninstall: record first, then the process.
fn proceed(world: &mut World, operation: usize, claim: Claim) {
    let live = world.live[operation].clone();
    let Entry::Taken(journal) = &mut world.disk.entries[operation] else { return };
    journal.claim = claim.max(journal.claim);
    let waits = live.supervisor
        && journal.has(Kind::Ready)
        && !journal.has(Kind::Begun)
        && !journal.cancel
        && journal.finished().is_none();
    if !waits {
        return;
    }
    if world.setup.flaw == Some(Flaw::BeginsBeforeRecord) {
        start_geninstall(world, operation);
    } else {
        append(world, operation, Kind::Begun);
    }
}

fn cancel(world: &mut World, operation: usize, claim: Claim) {
    let Entry::Taken(journal) = &mut world.disk.entries[operation] else { return };
    journal.claim = claim.max(journal.claim);
    if !journal.has(Kind::Begun) && journal.finished().is_none() {
        journal.cancel = true;
    }
}

fn forget(world: &mut World, operation: usize) {
    let Entry::Taken(journal) = &world.disk.entries[operation] else { return };
    if journal.finished().is_some() {
        world.disk.entries[operation] = match world.setup.flaw {
            Some(Flaw::ForgetLeavesNothing) => Entry::Unknown,
            _ => Entry::Forgotten,
        };
    }
}
