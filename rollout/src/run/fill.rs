//! Which targets start now.

use crate::site::{Tick, Use, What};

use super::pass::Holds;
use super::{Action, Gate, Is, Orders, Phase, State, Target, TargetNumber};

impl State {
    /// Starts whatever may start, in the order of the plan.
    pub(super) fn fill(&mut self, orders: &Orders, now: Tick, actions: &mut Vec<Action>) {
        let mut used = self.used(orders);
        // Who is started now does not wait any more, so that this stays true while others are.
        let (unverified, doubted) = (self.unverified(orders), self.doubted_partners(orders));
        for (number, target) in orders.targets.iter().enumerate() {
            if !self.may_start(orders, number, (&unverified, &doubted), now)
                || !self.fits(orders, target, &used)
            {
                continue;
            }
            for one in &target.job.uses {
                used[one.resource as usize] += one.amount;
            }
            for &gap in &target.job.gaps {
                self.last_starts[gap as usize] = Some(now);
            }
            let one = &mut self.targets[number];
            one.attempt += 1;
            one.is = Is::Starting { since: now };
            let target = u32::try_from(number).unwrap_or(u32::MAX);
            actions.push(Action::Start { target, attempt: one.attempt });
        }
    }

    /// When time alone may change something; `None` when it never does.
    #[must_use]
    pub fn wake(&self, orders: &Orders, now: Tick) -> Option<Tick> {
        if matches!(self.phase, Phase::Ended | Phase::Planned) {
            return None;
        }
        let limits = &orders.deadlines;
        let mut times = vec![limits.whole.get()];
        if let Gate::Soaking { until } = self.gate {
            times.push(until);
        }
        for (one, target) in self.targets.iter().zip(&orders.targets) {
            match one.is {
                Is::Waiting { from } => {
                    times.push(from);
                    let calendar = &orders.site.calendars[target.job.calendar as usize];
                    // While it is open something else is waited for, which is told.
                    times.extend(calendar.next_start(from.max(now), target.job.long));
                    times.extend(self.distance(orders, target));
                }
                Is::Starting { since } => times.push(since.saturating_add(limits.start.get())),
                Is::Running { since } | Is::Recalled { since } => {
                    times.push(since.saturating_add(limits.update.get()));
                }
                Is::Releasing { since, .. } => {
                    times.push(since.saturating_add(limits.release.get()));
                }
                Is::Ended { .. } => {}
            }
        }
        times.into_iter().filter(|at| *at > now).min()
    }

    /// When the distances to the starts before it are kept.
    pub(super) fn distance(&self, orders: &Orders, target: &Target) -> Option<Tick> {
        let free = target.job.gaps.iter().filter_map(|&gap| {
            let least = orders.site.gaps[gap as usize].least;
            Some(self.last_starts[gap as usize]?.saturating_add(least))
        });
        free.max()
    }

    /// How much of each resource is taken.
    pub(super) fn used(&self, orders: &Orders) -> Vec<u64> {
        let mut used = vec![0_u64; orders.site.resources.len()];
        for (one, target) in self.targets.iter().zip(&orders.targets) {
            let holds = one.holds(orders.failed_keep_place);
            for of in &target.job.uses {
                let what = orders.site.resources[of.resource as usize].what;
                used[of.resource as usize] += if holds.counts(what) { of.amount } else { 0 };
            }
        }
        used
    }

    fn may_start(
        &self,
        orders: &Orders,
        number: usize,
        (unverified, doubted): (&[u32], &[Vec<TargetNumber>]),
        now: Tick,
    ) -> bool {
        let (one, target) = (&self.targets[number], &orders.targets[number]);
        let Is::Waiting { from } = one.is else { return false };
        let wave = target.wave < self.wave || (target.wave == self.wave && self.gate == Gate::Open);
        let calendar = &orders.site.calendars[target.job.calendar as usize];
        wave && from <= now
            && one.held.is_none()
            && one.asks.is_none()
            && self.distance(orders, target).is_none_or(|free| free <= now)
            && calendar.next_start(now, target.job.long) == Some(now)
            && (one.tries() > 0 || orders.partners(target).all(|group| unverified[group] == 0))
            && orders.partners(target).all(|group| doubted[group].is_empty())
    }

    /// For each group of partners, how many of it were started and are yet to be verified: they are tried again.
    pub(super) fn unverified(&self, orders: &Orders) -> Vec<u32> {
        let mut groups = vec![0; orders.site.resources.len()];
        for (one, target) in self.targets.iter().zip(&orders.targets) {
            if one.tries() > 0 && matches!(one.is, Is::Waiting { .. }) {
                orders.partners(target).for_each(|group| groups[group] += 1);
            }
        }
        groups
    }

    /// For each group of partners, who of it is done and not known to be healthy.
    pub(super) fn doubted_partners(&self, orders: &Orders) -> Vec<Vec<TargetNumber>> {
        let mut groups = vec![Vec::new(); orders.site.resources.len()];
        for (number, (one, target)) in (0..).zip(self.targets.iter().zip(&orders.targets)) {
            if one.is_doubted() {
                orders.partners(target).for_each(|group| groups[group].push(number));
            }
        }
        groups
    }

    fn fits(&self, orders: &Orders, target: &Target, used: &[u64]) -> bool {
        target.job.uses.iter().all(|one| self.has_room(orders, *one, used))
    }

    pub(super) fn has_room(&self, orders: &Orders, need: Use, used: &[u64]) -> bool {
        let at = need.resource as usize;
        // What an HMC shows may be less than was planned with; more is not used, it was not approved.
        let planned = orders.site.resources[at].capacity;
        let capacity = self.capacities[at].map_or(planned, |now| now.min(planned));
        used[at].saturating_add(need.amount) <= capacity
    }
}

impl Holds {
    /// Whether what a target has of `what` is among it.
    pub(super) const fn counts(self, what: What) -> bool {
        match self {
            Self::All => true,
            Self::Places => is_place(what),
            Self::Nothing => false,
        }
    }
}

impl Orders {
    /// The groups of partners of a target, as indices of resources.
    pub(super) fn partners<'o>(&'o self, target: &'o Target) -> impl Iterator<Item = usize> + 'o {
        let resources = target.job.uses.iter().map(|one| one.resource as usize);
        resources.filter(|at| matches!(self.site.resources[*at].what, What::Apart(_)))
    }
}

/// Whether it is a number of updates in flight, and nothing that an HMC shows.
const fn is_place(what: What) -> bool {
    match what {
        What::InFlight | What::Hmc(_) | What::FrameSlots(_) | What::VioPair(_) | What::Label(_) => {
            true
        }
        What::Apart(_)
        | What::Memory(_)
        | What::Processors(_)
        | What::Pool(_)
        | What::Partitions(_)
        | What::PartitionId(_) => false,
    }
}
