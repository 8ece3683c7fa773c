//! Runs of small rollouts by chance, in a world that answers late, wrongly, twice or never. A record of what really ran is kept beside, and is
//! held against the limits at each start. Seeds are printed with what fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use nim_rollout::plan::make;
use nim_rollout::run::{
    Action, Doubt, End, Event, Gate, Is, Orders, Phase, Running, Standing, State, Step,
};
use nim_rollout::seed::Seeded;
use nim_rollout::site::{Tick, What};
use nim_rollout::testing::each_seed;
use nim_rollout::testing::small::Small;
use nim_shared::code::Retry as Sense;
use nim_shared::id::Digest;
use record::{Met, Record};

/// Cases of a test run.
const CASES: u64 = 100_000;

/// Who asks for runs, and who approves them.
const REQUESTER: u32 = 1000;
const APPROVER: u32 = 1001;

/// What agents do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agents {
    /// They work, most of the time.
    Alive,
    /// Nobody ever answers.
    Dead,
}

/// The world beside a run.
struct World<'o> {
    orders: &'o Orders,
    random: Seeded,
    agents: Agents,
    /// What happens when; a number keeps the order of what happens at the same time.
    to_come: BTreeMap<(Tick, u64), Event>,
    next: u64,
    /// What really happened.
    record: Record<'o>,
    /// Since when nothing may be started any more.
    held: bool,
    /// Whether somebody let it go on after what had gone wrong.
    forgiven: bool,
    /// How many were called back.
    recalls: u32,
    seed: u64,
}

#[test]
fn no_run_breaks_a_limit_and_every_target_comes_to_its_end() {
    let small = Small::default();
    let (starts, stops, ends) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (at_worst, recalls) = (AtomicU64::new(0), AtomicU64::new(0));
    let met: [AtomicU64; 5] = Default::default();
    each_seed(CASES, |seed| {
        let case = small.case(seed);
        let input = case.input();
        let plan = make(&input);
        let orders = Orders::new(&input, &plan, REQUESTER);
        let agents = if seed.is_multiple_of(8) { Agents::Dead } else { Agents::Alive };
        let Ran { state, started, stopped, forgiven, recalled, met: here } =
            World::new(&orders, seed, agents).run();
        assert_eq!(state.phase, Phase::Ended, "seed {seed}: {state:#?}");
        if !forgiven {
            let waves = plan.waves.iter().enumerate();
            let waves = waves.map(|(number, wave)| (Some(number), wave.worst_failed));
            for (wave, worst) in waves.chain([(None, plan.worst_failed)]) {
                let failed = state.counts(&orders, wave).failed;
                assert!(
                    worst.is_none_or(|worst| failed <= worst),
                    "seed {seed}: {failed} of {wave:?}: {plan:#?}"
                );
                at_worst.fetch_add(u64::from(stopped && worst == Some(failed)), Ordering::Relaxed);
            }
        }
        starts.fetch_add(u64::from(started), Ordering::Relaxed);
        recalls.fetch_add(u64::from(recalled), Ordering::Relaxed);
        let of_record = [here.short, here.freed, here.approved, here.soaked, here.doubted];
        for (sum, here) in met.iter().zip(of_record) {
            sum.fetch_add(here, Ordering::Relaxed);
        }
        stops.fetch_add(u64::from(stopped), Ordering::Relaxed);
        ends.fetch_add(u64::try_from(state.targets.len()).unwrap(), Ordering::Relaxed);
    });
    // What is never met proves nothing.
    let found = (starts.into_inner(), stops.into_inner(), ends.into_inner());
    assert!(found.0 > CASES && found.1 > CASES / 20 && found.2 > 2 * CASES, "{found:?}");
    let rare = (at_worst.into_inner(), recalls.into_inner());
    assert!(rare.0 > CASES / 1000 && rare.1 > CASES / 1000, "{rare:?}");
    let met = met.map(AtomicU64::into_inner);
    assert!(met.iter().all(|met| *met > CASES / 1000), "{met:?}");
}

/// How a run ended.
struct Ran {
    state: State,
    /// How many starts there were.
    started: u32,
    stopped: bool,
    /// Whether somebody let it go on after what had gone wrong.
    forgiven: bool,
    /// How many were called back.
    recalled: u32,
    met: Met,
}

impl<'o> World<'o> {
    fn new(orders: &'o Orders, seed: u64, agents: Agents) -> Self {
        Self {
            orders,
            random: Seeded::new(seed ^ 0x0072_756e),
            agents,
            to_come: BTreeMap::new(),
            next: 0,
            record: Record::new(orders, seed),
            held: true,
            forgiven: false,
            recalls: 0,
            seed,
        }
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.random.below(count) == 0
    }

    fn number(&mut self, least: u32, most: u32) -> Tick {
        let more = usize::try_from(most - least + 1).unwrap();
        least + u32::try_from(self.random.below(more)).unwrap()
    }

    fn later(&mut self, at: Tick, event: Event) {
        self.to_come.insert((at, self.next), event);
        self.next += 1;
    }

    /// Lets the run come to its end.
    fn run(mut self) -> Ran {
        let orders = self.orders;
        let mut state = State::planned(orders);
        let mut now: Tick = 0;
        let mut stopped = false;
        self.disturb();
        self.step(&mut state, Event::Start { by: REQUESTER, fingerprint: orders.fingerprint }, 0);
        let longest = orders.deadlines.whole.get()
            + orders.deadlines.start.get()
            + orders.deadlines.update.get()
            + orders.deadlines.release.get();
        for _ in 0..100_000 {
            if state.phase == Phase::Ended && self.to_come.is_empty() {
                break;
            }
            self.person(&mut state, now);
            stopped |= matches!(state.phase, Phase::Stopped { .. });
            let wake = state.wake(orders, now);
            let next = self.to_come.keys().next().map(|(at, _)| *at);
            let Some(at) = wake.into_iter().chain(next).min() else { break };
            assert!(at >= now && at <= longest, "seed {}: at {at} of {longest}", self.seed);
            now = at;
            let due = self.to_come.first_entry().filter(|first| first.key().0 <= now);
            let event = due.map_or(Event::Tick, std::collections::btree_map::OccupiedEntry::remove);
            self.step(&mut state, event, now);
        }
        let all = state.targets.iter().all(|one| matches!(one.is, Is::Ended { .. }));
        assert!(all, "seed {}: not all have ended: {state:#?}", self.seed);
        assert!(now <= longest, "seed {}: it took {now} of {longest}", self.seed);
        Ran {
            state,
            started: self.record.started.iter().sum(),
            stopped,
            forgiven: self.forgiven,
            recalled: self.recalls,
            met: self.record.met,
        }
    }

    /// Things that happen beside the run.
    fn disturb(&mut self) {
        let count = u32::try_from(self.orders.targets.len()).unwrap();
        for target in 0..count {
            // What held it back when it was planned is gone at some time.
            let at = self.number(0, 86_400);
            self.later(at, Event::Looked { target, held: None });
            let at = self.number(0, 86_400);
            match self.random.below(20) {
                0 => {
                    let why = "another level".to_owned();
                    let to = Digest::of(why.as_bytes());
                    self.later(at, Event::Drifted { target, why, to });
                }
                1 => self.later(at, Event::DroppedOut { target, why: "a disk is lost".to_owned() }),
                2 => {
                    let held = Some("a path is lost".to_owned());
                    self.later(at, Event::Looked { target, held });
                }
                _ => {}
            }
        }
        for resource in 0..u32::try_from(self.orders.site.resources.len()).unwrap() {
            let of = &self.orders.site.resources[resource as usize];
            let (what, all) = (of.what, of.capacity);
            if matches!(what, What::Memory(_) | What::Processors(_)) && self.one_in(4) {
                let (at, back) = (self.number(0, 40_000), self.number(40_001, 86_400));
                self.later(at, Event::Capacity { resource, capacity: all / 2 });
                self.later(back, Event::Capacity { resource, capacity: all * 2 });
            }
        }
    }

    /// What somebody does who watches; nothing at all where agents are dead.
    fn person(&mut self, state: &mut State, now: Tick) {
        if self.agents == Agents::Dead {
            return;
        }
        let fingerprint = self.orders.fingerprint;
        if state.gate == Gate::Approval && self.one_in(3) {
            self.refused(state, Event::Approve { by: REQUESTER, fingerprint }, now);
            self.step(state, Event::Approve { by: APPROVER, fingerprint }, now);
        }
        if state.gate == Gate::Promotion && self.one_in(3) {
            self.step(state, Event::Promote, now);
        }
        if let Some(&target) = self.record.sick.first()
            && matches!(state.targets[target as usize].is, Is::Ended { .. })
            && !matches!(state.phase, Phase::Aborting | Phase::Ended)
            && self.one_in(20)
        {
            self.step(state, Event::Trust { targets: vec![target] }, now);
            assert!(!self.record.sick.contains(&target), "seed {}: {target} is trusted", self.seed);
        }
        let asks = (0..).zip(&state.targets).filter(|(_, one)| one.asks.is_some());
        let targets: Vec<u32> = asks.map(|(at, _)| at).collect();
        if !targets.is_empty() && self.one_in(10) {
            self.step(state, Event::ApproveTargets { by: APPROVER, targets }, now);
        }
        match state.phase {
            Phase::Running if self.one_in(200) => {
                self.step(state, Event::Pause, now);
                self.held = true;
            }
            Phase::Paused | Phase::Stopped { .. } if self.one_in(4) => {
                self.held = false;
                self.step(state, Event::Resume, now);
            }
            Phase::Running if self.one_in(1500) => {
                let cancel = self.one_in(2);
                let running = if cancel { Running::Cancel } else { Running::Drain };
                self.step(state, Event::Abort { running }, now);
                self.held = true;
            }
            Phase::Running if self.one_in(100) => {
                let failed = (0..).zip(&state.targets).find(|(_, one)| {
                    matches!(
                        one.is,
                        Is::Ended {
                            end: End::Failed { sense: Sense::Later },
                            keeps_capacity: false
                        }
                    )
                });
                if let Some((target, _)) = failed {
                    self.step(state, Event::Retry { targets: vec![target] }, now);
                }
            }
            Phase::Running | Phase::Paused if self.one_in(100) => {
                let is_sick = |one: &Standing| match &one.is {
                    Is::Ended { end, keeps_capacity: false } => !end.is_healthy(),
                    Is::Waiting { .. } => one.attempt > 0,
                    _ => false,
                };
                let sick = (0..).zip(&state.targets).find(|(_, one)| is_sick(one));
                if let Some((target, one)) = sick {
                    let (attempt, end) = (one.attempt, End::Updated);
                    self.step(state, Event::DoneAgain { target, attempt, end }, now);
                    let is = &state.targets[target as usize].is;
                    assert!(matches!(is, Is::Ended { end: End::Updated, .. }), "{is:?}");
                }
            }
            _ => {}
        }
    }

    fn refused(&self, state: &State, event: Event, now: Tick) {
        assert!(state.clone().after(self.orders, event, now).is_err(), "seed {}", self.seed);
    }

    /// One event, and what follows from it.
    #[expect(clippy::needless_pass_by_value, reason = "an event is made where it happens")]
    fn step(&mut self, state: &mut State, event: Event, now: Tick) {
        let was_held = !matches!(state.phase, Phase::Running);
        let may_go_on = matches!(event, Event::Start { .. } | Event::Resume | Event::Retry { .. });
        self.forgiven |= matches!(event, Event::Resume | Event::Retry { .. });
        // The same event at the same time has the same consequences, whoever asks: also after a restart.
        let first = state.clone().after(self.orders, event.clone(), now);
        if self.next.is_multiple_of(16) {
            let stored = serde_json::to_string(state).unwrap();
            let read: State = serde_json::from_str(&stored).unwrap();
            assert_eq!(read.after(self.orders, event.clone(), now), first, "seed {}", self.seed);
            // What is kept of what was told leads to the same, and nothing of it is told in vain.
            let told = Step::looked(vec![event.clone(), event.clone(), event.clone()], now);
            let (once, actions, kept) = state.clone().stepped(self.orders, told);
            let again = state.clone().stepped(self.orders, kept.clone());
            let is_of_the_run = matches!(event, Event::Tick | Event::Abort { .. });
            let is_approval = matches!(event, Event::ApproveTargets { .. });
            let is_once = kept.events.len() <= 1;
            assert!(is_once || is_of_the_run || is_approval, "seed {}: {kept:?}", self.seed);
            assert_eq!(again, (once, actions, kept), "seed {}", self.seed);
        }
        let Ok((next, actions)) = first else { return };
        self.record.told(&event, state);
        self.record.went_on(&event, state, &next, now);
        *state = next;
        if let Event::WaitsForCapacity { target, since, .. } = event
            && let Is::Running { since: taken } = state.targets[target as usize].is
        {
            let job = &self.orders.targets[target as usize].job;
            let mut spans = self.orders.site.calendars[job.calendar as usize].0.iter();
            let carried = taken + job.long + (now - since);
            let fits = spans.any(|(from, to)| *from <= taken && carried <= *to);
            assert!(fits || now - since <= 30, "seed {}: {target} is not called back", self.seed);
        }
        for action in actions {
            match action {
                Action::Start { target, attempt } => {
                    assert!(
                        !was_held || may_go_on,
                        "seed {}: target {target} was started although nothing may be",
                        self.seed
                    );
                    self.record.begin(target, attempt, state, now);
                    if self.agents == Agents::Alive {
                        self.answer(target, attempt, now);
                    }
                }
                Action::Cancel { target, attempt } => {
                    let at = now + self.number(1, 600);
                    if let Is::Recalled { .. } = state.targets[target as usize].is {
                        self.recalls += 1;
                        // What has capacity at that moment goes on.
                        if !self.one_in(4) {
                            self.later(at, Event::NotBegun { target, attempt });
                        }
                        continue;
                    }
                    if !self.one_in(3) {
                        self.later(at, Event::Over { target, attempt, end: End::Cancelled });
                    }
                }
            }
        }
        // Whoever waits can say for what, and by when it is given up.
        for target in 0..u32::try_from(state.targets.len()).unwrap() {
            let is_waiting = matches!(state.targets[target as usize].is, Is::Waiting { .. });
            let waits = !state.waits(self.orders, target, now).is_empty();
            let may_wait = is_waiting && !matches!(state.phase, Phase::Aborting | Phase::Ended);
            assert_eq!(waits, may_wait, "seed {}: target {target} of {state:#?}", self.seed);
            let has_end = matches!(state.targets[target as usize].is, Is::Ended { .. });
            let given_up = state.given_up_at(self.orders, target);
            assert_eq!(given_up.is_none_or(|at| at < now), has_end, "seed {}: {target}", self.seed);
        }
        // Whoever takes over gives the same orders again, and no other.
        for action in state.open_actions() {
            let (Action::Start { target, attempt } | Action::Cancel { target, attempt }) = action;
            assert_eq!(self.record.in_flight.get(&target), Some(&attempt), "seed {}", self.seed);
        }
    }

    /// What an agent and the HMC say of an update, sooner or later, sometimes twice, sometimes never.
    fn answer(&mut self, target: u32, attempt: u32, now: Tick) {
        let job = &self.orders.targets[target as usize].job;
        let (usual, long) = (job.usual, job.long);
        let taken = now + self.number(1, 60);
        if self.one_in(20) {
            return;
        }
        if self.one_in(20) {
            self.later(taken, Event::NotBegun { target, attempt });
            return;
        }
        if self.one_in(20) {
            self.later(taken, Event::Over { target, attempt, end: End::Unreachable });
            self.later(taken + 5, Event::Released { target, attempt });
            return;
        }
        self.later(taken, Event::Taken { target, attempt });
        if self.one_in(10) {
            self.later(taken + 1, Event::Taken { target, attempt });
        }
        // A few never say how they ended.
        if self.one_in(40) {
            return;
        }
        // Some wait for capacity at `ready`, a few for hours; what is called back is put back, or has gone on at that moment.
        let mut taken = taken;
        if self.one_in(10) {
            let since = taken + self.number(1, 120);
            let until =
                since + if self.one_in(3) { self.number(1, 14_400) } else { self.number(1, 60) };
            for at in (since..until).step_by(240) {
                self.later(at, Event::WaitsForCapacity { target, attempt, since });
            }
            taken = until;
        }
        let over = taken + self.number(usual / 2 + 1, long.max(usual / 2 + 1) * 2);
        let end = match self.random.below(16) {
            0 => End::Failed { sense: Sense::Later },
            1 => End::Failed { sense: Sense::AfterRemedy },
            2 => End::Stuck,
            3 => End::Unchanged,
            _ => End::Updated,
        };
        self.later(over, Event::Over { target, attempt, end: end.clone() });
        if end == End::Updated && self.one_in(6) {
            let what = "a path is lost".to_owned();
            let doubts = BTreeSet::from([Doubt::Found { what }]);
            self.later(over, Event::Doubted { target, attempt, doubts });
            if !self.one_in(3) {
                let gone = over + self.number(1, 7200);
                self.later(gone, Event::Doubted { target, attempt, doubts: BTreeSet::new() });
            }
        }
        if self.one_in(10) {
            self.later(over + 2, Event::Over { target, attempt, end });
        }
        // An HMC that shows it too early is not believed.
        if self.one_in(10) {
            self.later(taken + 1, Event::Released { target, attempt });
        }
        if !self.one_in(20) {
            let free = over + self.number(0, 900);
            self.later(free, Event::Released { target, attempt });
        }
    }
}
