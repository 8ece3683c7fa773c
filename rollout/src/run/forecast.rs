//! When a run is over, from how it stands: what runs takes as long as was predicted, what waits starts in the order of the plan as soon as
//! something is free, and nobody who is waited for takes any time.

use super::{Gate, Is, Orders, Phase, State, TargetNumber};
use crate::pack::{Length, simulate};
use crate::site::{Calendar, Job, Site, Tick};

/// What is to be expected of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// When the last one is over, if each takes its usual time.
    pub usual_end: Tick,
    /// When the last one is over, if each takes longer than 95 of 100.
    pub end: Tick,
    /// Who starts when, if each takes its usual time, the next first.
    pub starts: Vec<(TargetNumber, Tick)>,
    /// Who never starts, because no window is long enough any more.
    pub never: Vec<TargetNumber>,
}

/// The least time that is expected of something that takes longer than it should.
const LATE: Tick = 60;

/// How long it takes usually until the HMC shows memory as free.
pub(crate) const RELEASE: Tick = 30;

impl State {
    /// What is to be expected at `now`; `None` when there is nothing to come.
    #[must_use]
    pub fn outlook(&self, orders: &Orders, now: Tick) -> Option<Outlook> {
        if self.phase == Phase::Ended {
            return None;
        }
        let known = Known::new(self, orders, now);
        let (end, _) = self.waves(orders, &known, Length::Long, now);
        let (usual_end, starts) = self.waves(orders, &known, Length::Usual, now);
        let (mut next, mut never) = (Vec::new(), Vec::new());
        for (number, start) in starts {
            match start {
                Some(at) => next.push((number, at)),
                None => never.push(number),
            }
        }
        next.sort_by_key(|(number, at)| (*at, *number));
        Some(Outlook { usual_end, end: end.max(usual_end), starts: next, never })
    }

    /// When the last wave is over, and when each of those that wait starts.
    fn waves(
        &self,
        orders: &Orders,
        known: &Known,
        length: Length,
        now: Tick,
    ) -> (Tick, Vec<(TargetNumber, Option<Tick>)>) {
        let mut begin = now;
        let mut found = Vec::new();
        for wave in self.wave..orders.waves.len().max(self.wave + 1) {
            let is_now = wave == self.wave;
            let mut queues: Vec<Vec<u32>> = vec![Vec::new(); known.site.frames as usize];
            let mut waiting = Vec::new();
            for (number, (one, target)) in (0..).zip(self.targets.iter().zip(&orders.targets)) {
                let comes = match one.is {
                    Is::Waiting { .. } if is_now => target.wave <= wave,
                    Is::Waiting { .. } => target.wave == wave,
                    Is::Starting { .. }
                    | Is::Running { .. }
                    | Is::Recalled { .. }
                    | Is::Releasing { .. } => is_now,
                    Is::Ended { .. } => false,
                };
                if !comes {
                    continue;
                }
                if let Is::Waiting { .. } = one.is {
                    waiting.push(number);
                }
                queues[target.job.frame as usize].push(number);
            }
            let schedule =
                simulate(&known.site, &known.jobs, &queues, begin, length, Some(&known.not_before));
            found.extend(waiting.iter().map(|at| (*at, schedule.starts[*at as usize])));
            let has_some = orders.targets.iter().any(|target| target.wave == wave);
            let soak = orders.waves.get(wave).filter(|_| has_some).map_or(0, |wave| wave.soak);
            let last = wave + 1 >= orders.waves.len();
            begin = match self.gate {
                _ if last => schedule.end,
                Gate::Soaking { until } if is_now => schedule.end.max(until),
                Gate::Promotion if is_now => schedule.end,
                Gate::Soaking { .. } | Gate::Promotion | Gate::Open | Gate::Approval => {
                    schedule.end.saturating_add(soak)
                }
            };
        }
        (begin, found)
    }
}

/// What is left of the run, as the scheduler sees it.
struct Known {
    site: Site,
    jobs: Vec<Job>,
    not_before: Vec<Tick>,
}

impl Known {
    fn new(state: &State, orders: &Orders, now: Tick) -> Self {
        let mut site = orders.site.clone();
        let always = u32::try_from(site.calendars.len()).unwrap_or(u32::MAX);
        site.calendars.push(Calendar::always());
        // What those who are over keep is not there for others; what others have now is less of what was planned with.
        let mut kept = vec![0_u64; site.resources.len()];
        let mut running = vec![0_u64; site.resources.len()];
        let mut jobs = Vec::with_capacity(orders.targets.len());
        let mut not_before = Vec::with_capacity(orders.targets.len());
        for (one, target) in state.targets.iter().zip(&orders.targets) {
            let mut job = target.job.clone();
            let mut from = 0;
            let under_way = |since: Tick, job: &mut Job| {
                let passed = now.saturating_sub(since);
                job.long = job.long.saturating_sub(passed).max(LATE);
                job.usual = job.usual.saturating_sub(passed).max(LATE).min(job.long);
            };
            match one.is {
                Is::Waiting { from: at } => {
                    // After those that run: they have what they have.
                    let kept = state.distance(orders, target).unwrap_or(0);
                    from = at.max(kept).max(now.saturating_add(1));
                }
                Is::Starting { since } | Is::Running { since } | Is::Recalled { since } => {
                    under_way(since, &mut job);
                }
                Is::Releasing { since, .. } => {
                    let left = RELEASE.saturating_sub(now.saturating_sub(since)).max(1);
                    (job.long, job.usual) = (left, left);
                }
                Is::Ended { .. } => {}
            }
            let holds = one.holds(orders.failed_keep_place);
            for of in &job.uses {
                let at = of.resource as usize;
                if holds.counts(site.resources[at].what) {
                    let sum =
                        if matches!(one.is, Is::Ended { .. }) { &mut kept } else { &mut running };
                    sum[at] = sum[at].saturating_add(of.amount);
                }
            }
            if !matches!(one.is, Is::Waiting { .. }) {
                job.gaps.clear();
                job.calendar = always;
            }
            jobs.push(job);
            not_before.push(from);
        }
        for (at, resource) in site.resources.iter_mut().enumerate() {
            let there =
                state.capacities[at].map_or(resource.capacity, |now| now.min(resource.capacity));
            resource.capacity = there.saturating_sub(kept[at]).max(running[at]);
        }
        Self { site, jobs, not_before }
    }
}
