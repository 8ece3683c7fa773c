//! The state of everything, what can happen next, and what must hold.

use stateright::{Model, Property};

use crate::agent::{self, Disk, Entry, Geninstall, Live, Step};
use crate::decide::{Order, Outcome, Row, State};
use crate::flaw::Flaw;
use crate::master::{self, Database, Session};
use crate::message::{Message, position};

/// Operations on the one LPAR.
pub(crate) const OPERATIONS: usize = 2;
/// Masters on the one database.
pub(crate) const MASTERS: usize = 2;

/// How much may happen. The model is checked completely within these bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Setup {
    /// Operations that are asked for, at most [`OPERATIONS`].
    pub(crate) operations: usize,
    /// How often an operation is claimed, all together. Each is a new fence.
    pub(crate) claims: u8,
    pub(crate) budget: Budget,
    /// Whether all connections can drop at any moment. Without it a frame can still never arrive; with it what was sent is
    /// certainly lost, and somebody has to ask again.
    pub(crate) drops: bool,
    pub(crate) flaw: Option<Flaw>,
}

/// How often something may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Budget {
    /// A master claims what another still holds, or held before it was killed. The other goes on: it was only stopped.
    pub(crate) takeovers: u8,
    pub(crate) cancels: u8,
    /// The database falls back to a moment before.
    pub(crate) failovers: u8,
    /// All processes of the agent are killed.
    pub(crate) kills: u8,
    /// The LPAR boots from the same disk.
    pub(crate) boots: u8,
    /// The LPAR boots from the other disk.
    pub(crate) other_boots: u8,
    /// The disk in use is copied over the other. Before that the other is empty.
    pub(crate) copies: u8,
    /// Somebody runs a Live Update by hand.
    pub(crate) strangers: u8,
}

/// The state of everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) left: Budget,
    pub(crate) db: Database,
    /// Where the database falls back to: how it was at some moment. One such moment for each failover is enough, as any
    /// moment can be the one.
    pub(crate) standby: Option<Database>,
    /// What each master believes to own.
    pub(crate) masters: [[Option<Session>; OPERATIONS]; MASTERS],
    pub(crate) serials: u8,
    pub(crate) disk: Disk,
    pub(crate) other: Disk,
    pub(crate) live: [Live; OPERATIONS],
    pub(crate) boots: u8,
    /// A Live Update that is not ours has the LPAR.
    pub(crate) stranger: bool,
    /// Sorted, without doubles.
    pub(crate) net: Vec<Message>,
    pub(crate) ghost: Ghost,
}

/// What only the model knows: it judges by it, no part of the system sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Ghost {
    /// How often geninstall was started for each operation, on whatever disk.
    pub(crate) begins: [u8; OPERATIONS],
    /// `proceed` was once committed.
    pub(crate) proceeded: [bool; OPERATIONS],
    /// Somebody was told that the operation is accepted.
    pub(crate) accepted: [bool; OPERATIONS],
    pub(crate) two_at_once: bool,
    pub(crate) begun_after_end: bool,
    pub(crate) taken_after_end: bool,
    /// A frame changed the LPAR after one of a later claim had arrived there.
    pub(crate) stale_effect: bool,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Submit(usize),
    AskCancel(usize),
    Claim {
        master: usize,
        operation: usize,
    },
    Do {
        master: usize,
        operation: usize,
        order: Order,
    },
    Arrives(Message),
    Agent(usize, Step),
    /// An operation that is open in `hello` and unknown in the database becomes a row.
    Adopt(usize),
    Kill,
    Boot,
    CopyDisk,
    BootOther,
    DropConnections,
    StrangerBegins,
    StrangerEnds,
    /// From here on the standby gets nothing.
    StandbyLags,
    Failover,
}

impl Budget {
    /// Nothing goes wrong.
    pub(crate) const NONE: Self = Self {
        takeovers: 0,
        cancels: 0,
        failovers: 0,
        kills: 0,
        boots: 0,
        other_boots: 0,
        copies: 0,
        strangers: 0,
    };
}

impl World {
    /// Puts a frame on the wire.
    pub(crate) fn send(&mut self, message: Message) {
        if let Err(at) = self.net.binary_search(&message) {
            self.net.insert(at, message);
        }
    }

    /// Both ends of every connection learn that it is gone.
    pub(crate) fn disconnect(&mut self) {
        for live in &mut self.live {
            live.attached.clear();
        }
        for session in self.masters.iter_mut().flatten().flatten() {
            session.attached = false;
        }
    }

    /// Drops the frames that can never again do anything, so that worlds that differ by them alone are one.
    fn tidy(&mut self) {
        let mut net = std::mem::take(&mut self.net);
        net.retain(|message| {
            if message.frame.is_for_agent() {
                !agent::refuses(self, *message)
            } else {
                !master::ignores(self, *message)
            }
        });
        self.net = net;
    }

    /// Whether a fault of each of the two kinds happened that only together break what they break.
    fn failed_over(&self) -> bool {
        self.left.failovers < self.setup.budget.failovers
    }

    fn booted_other(&self) -> bool {
        self.left.other_boots < self.setup.budget.other_boots
    }

    /// Every operation that was accepted has come to an end that somebody is told.
    pub(crate) fn all_ended(&self) -> bool {
        (0..self.setup.operations).all(|operation| match &self.db.rows[operation] {
            Some(stored) => stored.row.is_terminal() || stored.row.state() == State::Stuck,
            None => !self.ghost.accepted[operation],
        })
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.db.rows.iter().enumerate().filter_map(|(at, s)| s.as_ref().map(|s| (at, &s.row)))
    }

    /// Whether the index over non-terminal rows lets a row for this LPAR in.
    fn has_room(&self) -> bool {
        self.rows().all(|(_, row)| row.is_terminal())
    }
}

impl Model for Setup {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            setup: *self,
            left: self.budget,
            db: Database::default(),
            standby: None,
            masters: Default::default(),
            serials: 0,
            disk: Disk::default(),
            other: Disk::default(),
            live: Default::default(),
            boots: 1,
            stranger: false,
            net: Vec::new(),
            ghost: Ghost::default(),
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for operation in 0..self.operations {
            operation_actions(world, operation, actions);
        }
        actions.extend(world.net.iter().copied().map(Action::Arrives));
        let left = &world.left;
        let lives = world.live.iter().any(|live| live.supervisor);
        let faults = [
            (lives && left.kills > 0, Action::Kill),
            (left.boots > 0, Action::Boot),
            (left.copies > 0, Action::CopyDisk),
            (left.other_boots > 0, Action::BootOther),
            (self.drops && !world.net.is_empty(), Action::DropConnections),
            (left.strangers > 0, Action::StrangerBegins),
            (world.stranger, Action::StrangerEnds),
            (left.failovers > 0 && world.standby.is_none(), Action::StandbyLags),
            (world.standby.is_some(), Action::Failover),
        ];
        actions.extend(faults.into_iter().filter_map(|(can, fault)| can.then_some(fault)));
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Submit(operation) => {
                world.ghost.accepted[operation] = true;
                world.db.rows[operation] = Some(master::Stored::new(Row::NEW));
            }
            Action::Adopt(operation) => {
                world.db.rows[operation] = Some(master::Stored::new(Row::adopted()));
            }
            Action::AskCancel(operation) => {
                world.left.cancels -= 1;
                master::ask_cancel(&mut world, operation);
            }
            Action::Claim { master, operation } => master::claim(&mut world, master, operation),
            Action::Do { master, operation, order } => {
                master::obey(&mut world, master, operation, order);
            }
            Action::Arrives(message) if message.frame.is_for_agent() => {
                agent::receive(&mut world, message);
            }
            Action::Arrives(message) => master::receive(&mut world, message),
            Action::Agent(operation, step) => agent::step(&mut world, operation, step),
            Action::Kill => {
                world.left.kills -= 1;
                agent::kill(&mut world);
            }
            Action::Boot => {
                world.left.boots -= 1;
                agent::boot(&mut world);
            }
            Action::CopyDisk => {
                world.left.copies -= 1;
                world.other = world.disk.clone();
            }
            Action::BootOther => {
                world.left.other_boots -= 1;
                agent::boot(&mut world);
                std::mem::swap(&mut world.disk, &mut world.other);
            }
            Action::DropConnections => {
                world.net.clear();
                world.disconnect();
            }
            Action::StrangerBegins => {
                world.left.strangers -= 1;
                world.stranger = true;
            }
            Action::StrangerEnds => world.stranger = false,
            Action::StandbyLags => world.standby = Some(world.db.clone()),
            Action::Failover => {
                world.left.failovers -= 1;
                world.db = world.standby.take()?;
            }
        }
        world.tidy();
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("an update starts at most once", |_, w: &World| {
                w.failed_over() && w.booted_other()
                    || w.ghost.begins.iter().all(|begins| *begins <= 1)
            }),
            Property::always("one operation has the LPAR", |_, w: &World| {
                let open = w.disk.entries.iter().filter(|entry| agent::is_open(entry)).count();
                open <= 1 && !w.ghost.two_at_once
            }),
            Property::always("one row is not terminal", |_, w: &World| {
                w.rows().filter(|(_, row)| !row.is_terminal()).count() <= 1
            }),
            Property::always("nothing stale has an effect", |_, w: &World| !w.ghost.stale_effect),
            Property::always("what ended is not taken up", |_, w: &World| {
                w.failed_over() || !w.ghost.taken_after_end && !w.ghost.begun_after_end
            }),
            Property::always("an update was allowed to begin", |_, w: &World| {
                (0..OPERATIONS).all(|at| w.ghost.begins[at] == 0 || w.ghost.proceeded[at])
            }),
            Property::always("the record of the end is true", |_, w: &World| {
                w.rows().all(|(at, row)| match row.state() {
                    State::Ended(Outcome::Succeeded) => w.ghost.begins[at] > 0,
                    State::Ended(Outcome::Cancelled) => {
                        w.ghost.begins[at] == 0 || w.failed_over() || w.booted_other()
                    }
                    State::Stuck => w.booted_other(),
                    _ => true,
                })
            }),
            Property::always(
                "what is stored is a beginning of a line of history",
                |_, w: &World| {
                    w.db.rows.iter().flatten().all(|stored| {
                        stored.lines.is_sorted_by(|a, b| a.at.epoch < b.at.epoch)
                            && stored.lines.iter().all(|l| position(l.at.epoch, &l.records) == l.at)
                    })
                },
            ),
            Property::always("an end is stored with the line that ends so", |_, w: &World| {
                w.db.rows.iter().flatten().all(|stored| match stored.row.state() {
                    // A start that was refused has no line.
                    State::Ended(Outcome::Failed) if stored.lines.is_empty() => true,
                    State::Ended(Outcome::Succeeded | Outcome::Failed) => {
                        stored.lines.iter().any(|l| agent::finished(&l.records).is_some())
                    }
                    _ => true,
                })
            }),
            Property::sometimes("succeeds", |_, w: &World| ended(w, Outcome::Succeeded)),
            Property::sometimes("fails", |_, w: &World| ended(w, Outcome::Failed)),
            Property::sometimes("is cancelled by the agent", |_, w: &World| {
                w.db.rows.iter().flatten().any(|s| {
                    s.row.state() == State::Ended(Outcome::Cancelled) && !s.lines.is_empty()
                })
            }),
            Property::sometimes("is cancelled over a tombstone", |_, w: &World| {
                w.db.rows.iter().zip(&w.disk.entries).any(|(s, entry)| {
                    matches!(entry, Entry::Tombstone(_))
                        && s.as_ref().is_some_and(|s| s.row.cancel_asked() && s.row.is_terminal())
                })
            }),
            Property::sometimes("a journal is lost", |_, w: &World| {
                w.rows().any(|(_, row)| row.state() == State::Stuck)
            }),
            Property::sometimes("a second line of history is stored to its end", |_, w: &World| {
                w.db.rows.iter().flatten().any(|s| {
                    s.lines.len() > 1
                        && s.lines.last().is_some_and(|l| agent::finished(&l.records).is_some())
                })
            }),
            Property::sometimes("geninstall outlives the supervisor", |_, w: &World| {
                w.live.iter().any(|l| l.geninstall == Geninstall::Running && !l.supervisor)
            }),
            Property::sometimes("two masters believe to own one operation", |_, w: &World| {
                (0..OPERATIONS).any(|at| w.masters.iter().all(|claims| claims[at].is_some()))
            }),
            Property::sometimes(
                "the LPAR runs what the database thinks is queued",
                |_, w: &World| {
                    w.rows().any(|(at, row)| {
                        row.state() == State::Queued && w.live[at].geninstall == Geninstall::Running
                    })
                },
            ),
            Property::sometimes("the LPAR runs what the database does not know", |_, w: &World| {
                (0..OPERATIONS).any(|at| w.db.rows[at].is_none() && w.live[at].supervisor)
            }),
            Property::sometimes("both succeed", |_, w: &World| {
                w.rows().filter(|(_, r)| r.state() == State::Ended(Outcome::Succeeded)).count() == 2
            }),
            Property::sometimes("is refused", |_, w: &World| {
                w.db.rows
                    .iter()
                    .flatten()
                    .any(|s| s.row.state() == State::Ended(Outcome::Failed) && s.lines.is_empty())
            }),
            Property::sometimes("is forgotten", |_, w: &World| {
                w.disk.entries.contains(&Entry::Forgotten)
            }),
            Property::sometimes("an update starts twice", |_, w: &World| {
                w.ghost.begins.iter().any(|begins| *begins > 1)
            }),
        ]
    }
}

/// What can happen to one operation.
fn operation_actions(world: &World, operation: usize, actions: &mut Vec<Action>) {
    match &world.db.rows[operation] {
        None => {
            let again = world.ghost.accepted[operation];
            let before = world.ghost.accepted[..operation].iter().all(|accepted| *accepted);
            if world.has_room() && (again || before) {
                actions.push(Action::Submit(operation));
            }
            if world.has_room() && matches!(world.disk.entries[operation], Entry::Taken(_)) {
                actions.push(Action::Adopt(operation));
            }
        }
        Some(stored) => {
            if world.left.cancels > 0 && !stored.row.is_terminal() && !stored.row.cancel_asked() {
                actions.push(Action::AskCancel(operation));
            }
            // The masters are alike: who is first may be called the first.
            let masters = if world.serials == 0 { 1 } else { MASTERS };
            for master in 0..masters {
                if master::can_claim(world, master, operation) {
                    actions.push(Action::Claim { master, operation });
                }
                let orders = master::orders(world, master, operation);
                actions.extend(orders.map(|order| Action::Do { master, operation, order }));
            }
        }
    }
    actions.extend(agent::steps(world, operation).into_iter().map(|s| Action::Agent(operation, s)));
}

fn ended(world: &World, outcome: Outcome) -> bool {
    world.rows().any(|(_, row)| row.state() == State::Ended(outcome))
}
