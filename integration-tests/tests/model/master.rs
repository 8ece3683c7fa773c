//! The masters and their database: each step is one transaction, guarded by owner and fence, and what is sent after it.

use crate::agent::{self, Kind, Record};
use crate::decide::{Happened, Order, Row, State};
use crate::flaw::Flaw;
use crate::message::{Claim, Frame, Message, Position, chain};
use crate::world::{OPERATIONS, World};

/// What is committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Database {
    pub(crate) rows: [Option<Stored>; OPERATIONS],
}

/// What a master has in memory of an operation that it believes to own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Session {
    pub(crate) claim: Claim,
    /// `attach` was sent over the connection that is open.
    pub(crate) attached: bool,
}

/// One operation in the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stored {
    pub(crate) row: Row,
    pub(crate) fence: u8,
    pub(crate) owner: Option<usize>,
    /// Events, a line for each epoch.
    pub(crate) lines: Vec<Line>,
}

/// The events of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    /// The place after the last of them, as the agent gave it.
    pub(crate) at: Position,
    pub(crate) records: Vec<Record>,
}

impl Stored {
    pub(crate) fn new(row: Row) -> Self {
        Self { row, fence: 0, owner: None, lines: Vec::new() }
    }

    fn at(&self) -> Position {
        self.lines.last().map_or(Position { epoch: 1, seq: 0, hash: 0 }, |line| line.at)
    }
}

/// Whether `master` may claim: nobody has it, its owner's lease lapsed, or `master` itself has it and [renews](renews) it.
pub(crate) fn can_claim(world: &World, master: usize, operation: usize) -> bool {
    let Some(stored) = &world.db.rows[operation] else { return false };
    world.serials < world.setup.claims
        && stored.row.after(Happened::Claimed).is_some()
        && (stored.owner.is_none() || world.left.takeovers > 0 || renews(world, master, operation))
}

/// Whether the row names `master` and yet its fence serves no more: it is lower than the agent has seen, of which a refusal
/// tells, or the row has another than `master` remembers. Both come from a database that fell back; nobody else would claim
/// what belongs to a master that lives.
fn renews(world: &World, master: usize, operation: usize) -> bool {
    let Some(stored) = &world.db.rows[operation] else { return false };
    let session = world.masters[master][operation];
    stored.owner == Some(master)
        && world.setup.flaw != Some(Flaw::NeverClaimsAgain)
        && session.is_none_or(|Session { claim, .. }| {
            claim.fence != stored.fence || claim.fence < agent::fence(world, operation)
        })
}

/// Claims an operation, under a fence that was never given before. A former owner that was only stopped still believes.
pub(crate) fn claim(world: &mut World, master: usize, operation: usize) {
    let again = renews(world, master, operation);
    let from_row = world.setup.flaw == Some(Flaw::FenceFromRow);
    let Some(stored) = &mut world.db.rows[operation] else { return };
    let Some(row) = stored.row.after(Happened::Claimed) else { return };
    if stored.owner.is_some() && !again {
        world.left.takeovers -= 1;
    }
    world.serials += 1;
    let fence = if from_row { stored.fence + 1 } else { world.serials };
    (stored.row, stored.fence, stored.owner) = (row, fence, Some(master));
    world.masters[master][operation] =
        Some(Session { claim: Claim { fence, serial: world.serials }, attached: false });
}

/// Whether the row is this master's, as its next transaction finds.
pub(crate) fn owns(world: &World, master: usize, operation: usize) -> bool {
    let session = world.masters[master][operation];
    let stored = world.db.rows[operation].as_ref();
    stored.zip(session).is_some_and(|(stored, session)| {
        world.setup.flaw == Some(Flaw::UnguardedWrites)
            || stored.owner == Some(master) && stored.fence == session.claim.fence
    })
}

/// What is open for this master: what the row asks for, and was not asked of the agent over this connection.
pub(crate) fn orders(
    world: &World,
    master: usize,
    operation: usize,
) -> impl Iterator<Item = Order> + use<> {
    let session = world.masters[master][operation].filter(|_| owns(world, master, operation));
    let stored = world.db.rows[operation].as_ref().filter(|_| session.is_some());
    let attached = session.is_some_and(|session| session.attached);
    let orders = stored.map(|stored| stored.row.orders()).unwrap_or_default();
    orders.into_iter().filter(move |order| *order != Order::Attach || !attached)
}

/// Whether an answer changes nothing, now and later: nobody listens, or it is stored. A database that may yet fall back
/// may yet want it.
pub(crate) fn ignores(world: &World, Message { operation, claim, frame }: Message) -> bool {
    let Some(master) = listener(world, operation, claim) else { return true };
    let may_fall_back = world.left.failovers > 0;
    if may_fall_back || world.setup.flaw.is_some() {
        return false;
    }
    let Some(stored) = &world.db.rows[operation] else { return true };
    let last = stored.at();
    !owns(world, master, operation)
        || match frame {
            Frame::Taken => stored.row.after(Happened::Taken).is_none(),
            Frame::Tombstoned => stored.row.after(Happened::Tombstoned).is_none(),
            Frame::Busy => stored.row.after(Happened::Busy).is_none(),
            Frame::Event(_, at) => (at.epoch, at.seq) <= (last.epoch, last.seq),
            Frame::Start | Frame::Attach(_) | Frame::Proceed | Frame::Cancel | Frame::Forget => {
                false
            }
        }
}

/// The master whose session a frame belongs to, while it listens.
fn listener(world: &World, operation: usize, claim: Claim) -> Option<usize> {
    world
        .masters
        .iter()
        .position(|sessions| sessions[operation].is_some_and(|session| session.claim == claim))
}

/// Records that a cancel is wanted: any master may, for anybody.
pub(crate) fn ask_cancel(world: &mut World, operation: usize) {
    let Some(stored) = &mut world.db.rows[operation] else { return };
    if let Some(row) = stored.row.after(Happened::CancelAsked) {
        stored.row = row;
    }
}

/// One transaction of the owner. `false` when it changed no row.
fn write(world: &mut World, master: usize, operation: usize, happened: Happened) -> bool {
    if !owns(world, master, operation) {
        return false;
    }
    let Some(stored) = &mut world.db.rows[operation] else { return false };
    let Some(row) = stored.row.after(happened) else { return false };
    if row.state() == State::Queued {
        stored.owner = None;
    }
    stored.row = row;
    true
}

/// Carries out an open order: commits what has to be committed first, then sends.
pub(crate) fn obey(world: &mut World, master: usize, operation: usize, order: Order) {
    let flaw = world.setup.flaw;
    let Some(Session { claim, .. }) = world.masters[master][operation] else { return };
    let Some(stored) = &world.db.rows[operation] else { return };
    let frame = match order {
        Order::Start => {
            if flaw != Some(Flaw::StartBeforeCommit) {
                write(world, master, operation, Happened::StartSent);
            }
            Frame::Start
        }
        Order::Attach => {
            let after = stored.at();
            if flaw == Some(Flaw::StartAgain) {
                world.send(Message { operation, claim, frame: Frame::Start });
            }
            world.masters[master][operation] = Some(Session { claim, attached: true });
            Frame::Attach(after)
        }
        Order::Proceed => {
            if flaw != Some(Flaw::ProceedBeforeCommit) {
                write(world, master, operation, Happened::Proceed);
                world.ghost.proceeded[operation] = true;
            }
            Frame::Proceed
        }
        Order::Cancel => Frame::Cancel,
        Order::Forget => {
            let safe = world.standby.as_ref().is_none_or(|standby| {
                standby.rows[operation].as_ref().is_some_and(|old| old.row.is_terminal())
            });
            if !safe && flaw != Some(Flaw::ForgetsAtOnce) {
                return;
            }
            Frame::Forget
        }
    };
    world.send(Message { operation, claim, frame });
}

/// What a master does about an answer. One whose session is not that of its claim is not read any more.
pub(crate) fn receive(world: &mut World, Message { operation, claim, frame }: Message) {
    let Some(master) = listener(world, operation, claim) else { return };
    match frame {
        Frame::Taken => {
            write(world, master, operation, Happened::Taken);
        }
        Frame::Tombstoned => {
            write(world, master, operation, Happened::Tombstoned);
        }
        Frame::Busy => {
            write(world, master, operation, Happened::Busy);
        }
        Frame::Event(record, at) => store(world, master, operation, record, at),
        Frame::Start | Frame::Attach(_) | Frame::Proceed | Frame::Cancel | Frame::Forget => {}
    }
}

/// Stores an event that follows what is stored, with what follows from it. Others are not wanted: a gap is closed by the
/// next `attach`.
fn store(world: &mut World, master: usize, operation: usize, record: Record, at: Position) {
    if !owns(world, master, operation) {
        return;
    }
    let flaw = world.setup.flaw;
    let Some(stored) = &mut world.db.rows[operation] else { return };
    let last = stored.at();
    let follows = at.epoch == last.epoch
        && at.seq == last.seq + 1
        && (chain(last.hash, record) == at.hash || flaw == Some(Flaw::NoEpochs));
    let opens = at.epoch > last.epoch && record.kind == Kind::Reopened;
    if opens || stored.lines.is_empty() && follows {
        stored.lines.push(Line { at, records: vec![record] });
    } else if follows || flaw == Some(Flaw::StoresEveryDelivery) {
        if let Some(line) = stored.lines.last_mut() {
            line.at = at;
            line.records.push(record);
        }
    } else {
        return;
    }
    let happened = match record.kind {
        Kind::Taken => Happened::Taken,
        Kind::Ready => Happened::Ready,
        Kind::Finished(outcome) => Happened::Finished(outcome),
        Kind::Begun | Kind::Reopened => return,
    };
    write(world, master, operation, happened);
}
