//! What really happened in a run, held against what its orders allow: at each start, and when a wave gives way to the next.
//!
//! It is written from what is told to the decision and from what it orders, not from what it reckons.

use std::collections::{BTreeMap, BTreeSet};

use nim_rollout::file::Approval;
use nim_rollout::run::{End, Event, Is, Orders, State};
use nim_rollout::site::{Tick, What};

/// What really happened.
pub(crate) struct Record<'o> {
    orders: &'o Orders,
    seed: u64,
    /// Who runs, by target, and by which attempt: from the order to start until the HMC shows the memory back.
    pub(crate) in_flight: BTreeMap<u32, u32>,
    pub(crate) started: Vec<u32>,
    last_starts: BTreeMap<u32, Tick>,
    /// How much there is of resources, where that was told.
    capacities: BTreeMap<u32, u64>,
    /// What keeps targets from being started.
    held: BTreeSet<u32>,
    asked: BTreeSet<u32>,
    dropped: BTreeSet<u32>,
    /// Who is done and in doubt.
    pub(crate) sick: BTreeSet<u32>,
    approved: BTreeSet<usize>,
    /// When the last target of a wave had its end.
    over_at: Vec<Tick>,
    pub(crate) met: Met,
}

/// How often something was met: what never is proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Met {
    /// Starts where there was less than was planned with.
    pub(crate) short: u64,
    /// Starts of what had been held back, asked about or both.
    pub(crate) freed: u64,
    /// Starts in waves that somebody had approved.
    pub(crate) approved: u64,
    /// Looks that found somebody in doubt.
    pub(crate) doubted: u64,
    /// Waves that gave way to the next by themselves, after a time.
    pub(crate) soaked: u64,
}

impl<'o> Record<'o> {
    pub(crate) fn new(orders: &'o Orders, seed: u64) -> Self {
        let those = |is: &dyn Fn(&nim_rollout::run::Target) -> bool| {
            (0..).zip(&orders.targets).filter(|(_, one)| is(one)).map(|(at, _)| at).collect()
        };
        Self {
            orders,
            seed,
            in_flight: BTreeMap::new(),
            started: vec![0; orders.targets.len()],
            last_starts: BTreeMap::new(),
            capacities: BTreeMap::new(),
            held: those(&|one| one.held.is_some()),
            asked: those(&|one| one.asks.is_some()),
            dropped: BTreeSet::new(),
            sick: BTreeSet::new(),
            approved: BTreeSet::new(),
            over_at: vec![0; orders.waves.len()],
            met: Met::default(),
        }
    }

    /// An event that was accepted in the state `before`.
    pub(crate) fn told(&mut self, event: &Event, before: &State) {
        let waits = |target: u32| matches!(before.targets[target as usize].is, Is::Waiting { .. });
        match event {
            Event::Looked { target, held: Some(_) } => {
                self.held.insert(*target);
            }
            Event::Looked { target, held: None } => {
                self.held.remove(target);
            }
            Event::Drifted { target, .. } if waits(*target) => {
                self.asked.insert(*target);
            }
            Event::ApproveTargets { targets, .. } => {
                targets.iter().for_each(|target| {
                    self.asked.remove(target);
                });
            }
            Event::DroppedOut { target, .. } if waits(*target) => {
                self.dropped.insert(*target);
            }
            Event::Approve { .. } => {
                self.approved.insert(before.wave);
            }
            Event::Doubted { target, doubts, .. } if !doubts.is_empty() => {
                self.sick.insert(*target);
                self.met.doubted += 1;
            }
            Event::Doubted { target, .. } | Event::DoneAgain { target, .. } => {
                self.sick.remove(target);
            }
            Event::Trust { targets } => self.sick.retain(|at| !targets.contains(at)),
            Event::Capacity { resource, capacity } => {
                self.capacities.insert(*resource, *capacity);
            }
            Event::Released { target, attempt } | Event::NotBegun { target, attempt }
                if self.in_flight.get(target) == Some(attempt) =>
            {
                self.in_flight.remove(target);
            }
            _ => {}
        }
    }

    /// What an event came to: waves come one after the other, each when the one before has ended, is healthy and has soaked, unless
    /// somebody promoted it.
    pub(crate) fn went_on(&mut self, event: &Event, before: &State, after: &State, now: Tick) {
        let has_ended = |state: &State, at: usize| matches!(state.targets[at].is, Is::Ended { .. });
        for (at, target) in self.orders.targets.iter().enumerate() {
            if has_ended(after, at) && !has_ended(before, at) {
                self.over_at[target.wave] = now;
            }
        }
        assert!(after.wave >= before.wave, "seed {}: a wave comes again", self.seed);
        if matches!(event, Event::Promote) {
            return;
        }
        for wave in before.wave..after.wave {
            let of_wave = |at: &usize| self.orders.targets[*at].wave == wave;
            let members: Vec<usize> = (0..self.orders.targets.len()).filter(of_wave).collect();
            if members.is_empty() {
                continue;
            }
            let orders = &self.orders.waves[wave];
            let is_good = |at: &&usize| {
                let is = &after.targets[**at].is;
                let is_sick = u32::try_from(**at).is_ok_and(|at| self.sick.contains(&at));
                matches!(is, Is::Ended { end: End::Updated | End::Unchanged, .. }) && !is_sick
            };
            let all = members.iter().all(|at| has_ended(after, *at));
            assert!(all, "seed {}: wave {wave} is left at {now} before its end", self.seed);
            let good = members.iter().filter(is_good).count();
            assert!(good >= orders.healthy, "seed {}: wave {wave} is not healthy", self.seed);
            let soaked = self.over_at[wave].saturating_add(orders.soak);
            assert!(now >= soaked, "seed {}: wave {wave} soaks until {soaked}: {now}", self.seed);
            self.met.soaked += u64::from(orders.soak > 0);
        }
    }

    /// An update starts in the state `state`: nothing may be above its limit from now on, and nothing may keep it.
    pub(crate) fn begin(&mut self, target: u32, attempt: u32, state: &State, now: Tick) {
        let (orders, seed) = (self.orders, self.seed);
        let one = &orders.targets[target as usize];
        let twice = self.in_flight.insert(target, attempt);
        assert_eq!(twice, None, "seed {seed}: target {target} runs already");
        self.started[target as usize] += 1;
        assert_eq!(self.started[target as usize], attempt, "seed {seed}: an attempt is skipped");
        for (kept, why) in
            [(&self.held, "held back"), (&self.asked, "asked about"), (&self.dropped, "out")]
        {
            assert!(!kept.contains(&target), "seed {seed}: target {target} starts and is {why}");
        }
        self.met.freed += u64::from(one.held.is_some() || one.asks.is_some());
        assert!(one.wave <= state.wave, "seed {seed}: target {target} starts before its wave");
        if orders.waves[one.wave].approval == Approval::Yes {
            let is_approved = self.approved.contains(&one.wave);
            assert!(is_approved, "seed {seed}: nobody approved the wave of target {target}");
            self.met.approved += 1;
        }
        self.fits(target, one);
        self.has_no_sick_partner(target, one);
        for &gap in &one.job.gaps {
            let least = orders.site.gaps[gap as usize].least;
            if let Some(before) = self.last_starts.insert(gap, now) {
                assert!(now - before >= least, "seed {seed}: {now} is too near to {before}");
            }
        }
        let spans = &orders.site.calendars[one.job.calendar as usize].0;
        let inside = spans.iter().any(|(from, to)| *from <= now && now + one.job.long <= *to);
        assert!(inside, "seed {seed}: target {target} starts at {now}, outside of its windows");
        assert!(now < orders.deadlines.whole.get(), "seed {seed}: started after the deadline");
    }

    fn has_no_sick_partner(&self, target: u32, one: &nim_rollout::run::Target) {
        let groups = |one: &nim_rollout::run::Target| -> BTreeSet<u32> {
            let uses = one.job.uses.iter().map(|of| of.resource);
            let is_apart =
                |at: &u32| matches!(self.orders.site.resources[*at as usize].what, What::Apart(_));
            uses.filter(is_apart).collect()
        };
        let own = groups(one);
        for sick in &self.sick {
            let is_partner = !own.is_disjoint(&groups(&self.orders.targets[*sick as usize]));
            assert!(!is_partner, "seed {}: {target} starts while {sick} is in doubt", self.seed);
        }
    }

    /// Nothing is above what was planned with, and nothing that `target` takes above what there is now.
    fn fits(&mut self, target: u32, one: &nim_rollout::run::Target) {
        let (orders, seed) = (self.orders, self.seed);
        let mut used: BTreeMap<u32, u64> = BTreeMap::new();
        for running in self.in_flight.keys() {
            for of in &orders.targets[*running as usize].job.uses {
                *used.entry(of.resource).or_default() += of.amount;
            }
        }
        let mut is_short = false;
        for (resource, amount) in used {
            let of = &orders.site.resources[resource as usize];
            let is_own = one.job.uses.iter().any(|one| one.resource == resource);
            let now = self.capacities.get(&resource).copied().filter(|_| is_own);
            let there = of.capacity.min(now.unwrap_or(u64::MAX));
            is_short |= there < of.capacity;
            let what = of.what;
            assert!(amount <= there, "seed {seed}: {target} of {what:?}: {amount} of {there}");
        }
        self.met.short += u64::from(is_short);
    }
}
