//! In which order the LPARs of one frame fill it best, among what is decided of the other frames.

use std::cmp::Reverse;

use crate::seed::Seeded;
use crate::site::{Job, NEVER, Site, Tick};

use super::weight;

/// Spans in which something cannot start, in order and apart from each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Forbidden(Vec<(Tick, Tick)>);

impl Forbidden {
    /// Of spans in any order, each without its end.
    #[must_use]
    pub(super) fn new(mut spans: Vec<(Tick, Tick)>) -> Self {
        spans.sort_unstable();
        let mut merged: Vec<(Tick, Tick)> = Vec::with_capacity(spans.len());
        for (begin, end) in spans.into_iter().filter(|(begin, end)| begin < end) {
            match merged.last_mut() {
                Some((_, last)) if begin <= *last => *last = end.max(*last),
                Some(_) | None => merged.push((begin, end)),
            }
        }
        Self(merged)
    }

    /// The first time from `at` on that is in none of them.
    fn next_free(&self, at: Tick) -> Tick {
        if self.0.is_empty() {
            return at;
        }
        let before = self.0.partition_point(|(begin, _)| *begin <= at);
        match before.checked_sub(1).and_then(|last| self.0.get(last)) {
            Some((_, end)) if *end > at => *end,
            Some(_) | None => at,
        }
    }
}

/// How much is tried. Counted, not timed: a plan must not depend on how fast the machine is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Jobs that may still be placed in tries.
    pub(super) left: u64,
    /// Tries for a frame, for each pair of its jobs.
    pub(super) per_pair: u64,
}

impl Effort {
    /// Tries for a frame with so many jobs.
    fn tries(&self, jobs: usize) -> u64 {
        let jobs = u64::try_from(jobs).unwrap_or(0);
        match jobs {
            0 | 1 => 0,
            _ => (jobs * jobs * self.per_pair).min(MOST_TRIES).min(self.left / jobs),
        }
    }
}

/// Most tries for one frame in one round.
const MOST_TRIES: u64 = 20_000;

/// One frame as if it were alone, with the numbers that are needed again and again side by side. What several frames share is left
/// out, but for what is already decided: when partners run, and when others start.
#[derive(Debug)]
pub(super) struct Alone<'a> {
    site: &'a Site,
    queue: Vec<u32>,
    /// By job: length, calendar, when it cannot start, and amounts of the resources of the frame one after the other.
    long: Vec<Tick>,
    calendar: Vec<u32>,
    forbidden: Vec<Forbidden>,
    amounts: Vec<u64>,
    weights: Vec<u64>,
    capacity: Vec<u64>,
    /// When nothing of this frame can start, because others do.
    others: Forbidden,
    gap: Tick,
    begin: Tick,
    free: Vec<u64>,
    running: Vec<(Tick, usize)>,
    waiting: Vec<usize>,
    starts: Vec<Tick>,
}

impl<'a> Alone<'a> {
    /// The frame with the jobs `queue`, from `begin` on. `forbidden` says for each when it cannot start, `others` when none can.
    #[must_use]
    pub(super) fn new(
        site: &'a Site,
        jobs: &[Job],
        queue: Vec<u32>,
        begin: Tick,
        forbidden: Vec<Forbidden>,
        others: Forbidden,
    ) -> Self {
        let job = |index: &u32| &jobs[*index as usize];
        let mut resources: Vec<u32> =
            queue.iter().flat_map(|one| job(one).uses.iter().map(|of| of.resource)).collect();
        resources.sort_unstable();
        resources.dedup();
        // What is never short is not counted.
        let total = |resource: u32| -> u64 {
            let uses = queue.iter().flat_map(|one| &job(one).uses);
            uses.filter(|of| of.resource == resource).map(|of| of.amount).sum()
        };
        resources.retain(|&one| total(one) > site.resources[one as usize].capacity);
        let mut amounts = Vec::with_capacity(queue.len() * resources.len());
        for one in &queue {
            for &resource in &resources {
                let found = job(one).uses.iter().find(|of| of.resource == resource);
                amounts.push(found.map_or(0, |of| of.amount));
            }
        }
        let gaps = queue.iter().flat_map(|one| &job(one).gaps);
        let gap = gaps.map(|&gap| site.gaps[gap as usize].least).max().unwrap_or(0);
        let capacity: Vec<u64> =
            resources.iter().map(|&one| site.resources[one as usize].capacity).collect();
        Self {
            site,
            long: queue.iter().map(|one| job(one).long).collect(),
            calendar: queue.iter().map(|one| job(one).calendar).collect(),
            weights: queue.iter().map(|one| weight(site, job(one))).collect(),
            forbidden,
            amounts,
            free: capacity.clone(),
            capacity,
            others,
            gap,
            begin,
            running: Vec::new(),
            waiting: Vec::new(),
            starts: vec![NEVER; queue.len()],
            queue,
        }
    }

    /// The jobs with their starts in the best order that is found, and its end. Ends as soon as `enough` is reached, or `effort` is used
    /// up: a try takes as much of it as there are jobs.
    pub(super) fn best(
        &mut self,
        enough: Tick,
        effort: &mut Effort,
        random: &mut Seeded,
    ) -> (Vec<(u32, Tick)>, Tick) {
        let count = self.queue.len();
        let tries = effort.tries(count);
        let mut best: Vec<usize> = (0..count).collect();
        let mut reached = self.end(&best, Tick::MAX);
        let mut sorted = best.clone();
        for rule in 0..3 {
            match rule {
                0 => sorted.sort_by_key(|&at| Reverse(self.weights[at])),
                1 => sorted
                    .sort_by_key(|&at| Reverse(self.weights[at] / u64::from(self.long[at].max(1)))),
                _ => sorted.sort_by_key(|&at| Reverse(self.long[at])),
            }
            let end = self.end(&sorted, reached);
            if end < reached {
                (best, reached) = (sorted.clone(), end);
            }
        }
        let mut current = best.clone();
        let mut tried = current.clone();
        for number in 0..tries {
            if reached <= enough {
                break;
            }
            effort.left = effort.left.saturating_sub(u64::try_from(count).unwrap_or(0));
            tried.clone_from(&current);
            let (from, to) = (random.below(count), random.below(count));
            if random.below(2) == 0 {
                let moved = tried.remove(from);
                tried.insert(to, moved);
            } else {
                tried.swap(from, to);
            }
            // A little worse is taken for a while, so that it does not end on the first hill.
            let slack = u64::from(reached - self.begin) * (tries - number) / (tries * SLACK);
            let most = reached.saturating_add(Tick::try_from(slack).unwrap_or(0));
            let end = self.end(&tried, most.saturating_add(1));
            if end <= most {
                std::mem::swap(&mut current, &mut tried);
                if end < reached {
                    (best, reached) = (current.clone(), end);
                }
            }
        }
        let end = self.end(&best, Tick::MAX);
        let starts = best.iter().map(|&at| (self.queue[at], self.starts[at])).collect();
        (starts, end)
    }

    /// When all are over that start in this order, each as soon as it may; [`Tick::MAX`] as soon as it is not before `limit`.
    fn end(&mut self, order: &[usize], limit: Tick) -> Tick {
        let dims = self.capacity.len();
        self.free.copy_from_slice(&self.capacity);
        self.running.clear();
        self.waiting.clear();
        self.waiting.extend_from_slice(order);
        self.starts.fill(NEVER);
        let (mut now, mut end) = (self.begin, self.begin);
        let mut own_gap = self.begin;
        loop {
            let mut next = Tick::MAX;
            let mut at = 0;
            let open = self.others.next_free(now.max(own_gap));
            if open > now {
                next = open;
                at = self.waiting.len();
            }
            while at < self.waiting.len() {
                let job = self.waiting[at];
                let needs = &self.amounts[job * dims..(job + 1) * dims];
                if needs.iter().zip(&self.free).any(|(need, free)| need > free) {
                    at += 1;
                    continue;
                }
                match self.may_start(job, now) {
                    Some(start) if start == now => {}
                    Some(start) => {
                        next = next.min(start);
                        at += 1;
                        continue;
                    }
                    None => {
                        self.waiting.remove(at);
                        continue;
                    }
                }
                self.free.iter_mut().zip(needs).for_each(|(free, need)| *free -= need);
                let over = now.saturating_add(self.long[job]);
                end = end.max(over);
                if end >= limit {
                    return Tick::MAX;
                }
                self.running.push((over, job));
                self.starts[job] = now;
                self.waiting.remove(at);
                if self.gap > 0 {
                    own_gap = now.saturating_add(self.gap);
                    next = next.min(self.others.next_free(own_gap));
                    break;
                }
            }
            if self.waiting.is_empty() {
                return end;
            }
            let first = self.running.iter().map(|(over, _)| *over).min().unwrap_or(Tick::MAX);
            next = next.min(first);
            if next == Tick::MAX {
                return end;
            }
            now = next;
            let mut at = 0;
            while at < self.running.len() {
                let (over, job) = self.running[at];
                if over <= now {
                    let needs = &self.amounts[job * dims..(job + 1) * dims];
                    self.free.iter_mut().zip(needs).for_each(|(free, need)| *free += need);
                    self.running.swap_remove(at);
                } else {
                    at += 1;
                }
            }
        }
    }

    /// The first time from `now` on at which a job may start, as far as calendar and partners go.
    fn may_start(&self, job: usize, now: Tick) -> Option<Tick> {
        let calendar = &self.site.calendars[self.calendar[job] as usize];
        let mut at = now;
        loop {
            let open = calendar.next_start(at, self.long[job])?;
            let free = self.forbidden[job].next_free(open);
            if free == open {
                return Some(open);
            }
            at = free;
        }
    }
}

/// A hundredth worse is taken at the beginning.
const SLACK: u64 = 100;
