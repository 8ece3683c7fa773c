//! Runs a time line: whatever is free is given to the next in order that it fits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::site::{Job, NEVER, Site, Tick};

use super::{Length, Schedule, Waiting, weight};

/// Starts the jobs of `queues`, one queue a frame, in their order, each as soon as it may.
#[must_use]
pub fn simulate<'a>(
    site: &'a Site,
    jobs: &'a [Job],
    queues: &[Vec<u32>],
    begin: Tick,
    length: Length,
    not_before: Option<&'a [Tick]>,
) -> Schedule {
    let mut line = Line::new(site, jobs, queues, length);
    line.not_before = not_before;
    line.run(begin);
    Schedule { starts: line.starts, waits: line.waits, end: line.end.max(begin) }
}

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A job is over.
    End(u32),
    /// A gap is long enough.
    Gap(u32),
    /// A calendar lets a job of this frame start, unless the frame was looked at since.
    Wake { frame: u32, look: u32 },
}

/// A frame that waits: how much work it has left, its number, and how often it was looked at. It counts only as long as that is so.
type Waiter = (u64, Reverse<u32>, u32);

/// Frames that wait for something, those with most work left first.
type Waiters = BinaryHeap<Waiter>;

struct Line<'a> {
    site: &'a Site,
    jobs: &'a [Job],
    length: Length,
    not_before: Option<&'a [Tick]>,
    pending: Vec<Vec<u32>>,
    left: Vec<u64>,
    look: Vec<u32>,
    looked_at: Vec<Tick>,
    used: Vec<u64>,
    /// When the next start keeps the gap.
    free_at: Vec<Tick>,
    /// Which frames wait for a resource; only those of several frames have any.
    waiters: Vec<Waiters>,
    gap_waiters: Vec<Waiters>,
    is_shared: Vec<bool>,
    /// What all jobs of a frame take.
    common: Vec<Vec<u32>>,
    events: BinaryHeap<Reverse<(Tick, Event)>>,
    dirty: BinaryHeap<(u64, Reverse<u32>)>,
    starts: Vec<Option<Tick>>,
    waits: Vec<Option<Waiting>>,
    end: Tick,
}

impl<'a> Line<'a> {
    fn new(site: &'a Site, jobs: &'a [Job], queues: &[Vec<u32>], length: Length) -> Self {
        let mut first_user: Vec<Option<u32>> = vec![None; site.resources.len()];
        let mut is_shared = vec![false; site.resources.len()];
        let mut common: Vec<Vec<u32>> = Vec::with_capacity(queues.len());
        let mut left = Vec::with_capacity(queues.len());
        for queue in queues {
            let mut all: Option<Vec<u32>> = None;
            let mut sum = 0_u64;
            for &index in queue {
                let job = &jobs[index as usize];
                sum = sum.saturating_add(weight(site, job));
                for one in &job.uses {
                    let at = one.resource as usize;
                    is_shared[at] |= *first_user[at].get_or_insert(job.frame) != job.frame;
                }
                match &mut all {
                    None => all = Some(job.uses.iter().map(|one| one.resource).collect()),
                    Some(all) => all.retain(|r| job.uses.iter().any(|one| one.resource == *r)),
                }
            }
            common.push(all.unwrap_or_default());
            left.push(sum);
        }
        Self {
            site,
            jobs,
            length,
            not_before: None,
            pending: queues.to_vec(),
            left,
            look: vec![0; queues.len()],
            looked_at: vec![NEVER; queues.len()],
            used: vec![0; site.resources.len()],
            free_at: vec![0; site.gaps.len()],
            waiters: vec![Waiters::new(); site.resources.len()],
            gap_waiters: vec![Waiters::new(); site.gaps.len()],
            is_shared,
            common,
            events: BinaryHeap::new(),
            dirty: BinaryHeap::new(),
            starts: vec![None; jobs.len()],
            waits: vec![None; jobs.len()],
            end: 0,
        }
    }

    fn run(&mut self, begin: Tick) {
        for frame in 0..self.pending.len() {
            self.mark(frame);
        }
        self.settle(begin, &mut Vec::new(), &mut Vec::new());
        let (mut freed, mut gaps) = (Vec::new(), Vec::new());
        while let Some(Reverse((now, _))) = self.events.peek().copied() {
            while let Some(Reverse((at, event))) = self.events.peek().copied() {
                if at > now {
                    break;
                }
                self.events.pop();
                match event {
                    Event::End(job) => self.release(job, &mut freed),
                    Event::Gap(gap) => gaps.push(gap),
                    Event::Wake { frame, look } => {
                        if self.look[frame as usize] == look {
                            self.mark(frame as usize);
                        }
                    }
                }
            }
            self.settle(now, &mut freed, &mut gaps);
        }
    }

    /// Looks at a frame at the next occasion.
    fn mark(&mut self, frame: usize) {
        if !self.pending[frame].is_empty() {
            self.dirty.push((self.left[frame], Reverse(u32::try_from(frame).unwrap_or(u32::MAX))));
        }
    }

    fn release(&mut self, job: u32, freed: &mut Vec<u32>) {
        let jobs = self.jobs;
        for one in &jobs[job as usize].uses {
            self.used[one.resource as usize] -= one.amount;
            if self.is_shared[one.resource as usize] {
                freed.push(one.resource);
            }
        }
        self.mark(jobs[job as usize].frame as usize);
    }

    /// Looks at all frames for which something has changed, those with most work left first.
    fn settle(&mut self, now: Tick, freed: &mut Vec<u32>, gaps: &mut Vec<u32>) {
        freed.sort_unstable();
        freed.dedup();
        let mut aside: Vec<(usize, Waiter)> = Vec::new();
        loop {
            for &resource in freed.iter() {
                self.call(resource as usize, now, &mut aside);
            }
            for &gap in gaps.iter() {
                self.call_gap(gap as usize, now);
            }
            let mut looked = false;
            while let Some((_, Reverse(frame))) = self.dirty.pop() {
                if self.looked_at[frame as usize] != now {
                    self.looked_at[frame as usize] = now;
                    self.look_at(frame as usize, now);
                    looked = true;
                    break;
                }
            }
            if !looked {
                break;
            }
        }
        for (resource, entry) in aside {
            self.waiters[resource].push(entry);
        }
        freed.clear();
        gaps.clear();
    }

    /// Marks the frame with most work left that waits for a resource of which something is free.
    fn call(&mut self, resource: usize, now: Tick, aside: &mut Vec<(usize, Waiter)>) {
        while self.used[resource] < self.site.resources[resource].capacity
            && let Some(entry @ (_, Reverse(frame), look)) = self.waiters[resource].pop()
        {
            if self.look[frame as usize] != look {
                continue;
            }
            if self.looked_at[frame as usize] == now {
                aside.push((resource, entry));
                continue;
            }
            // Stays on the list until it is looked at: by then it counts no more.
            self.mark(frame as usize);
            aside.push((resource, entry));
            break;
        }
    }

    fn call_gap(&mut self, gap: usize, now: Tick) {
        while self.free_at[gap] <= now
            && let Some((_, Reverse(frame), look)) = self.gap_waiters[gap].pop()
        {
            if self.look[frame as usize] == look && self.looked_at[frame as usize] != now {
                self.mark(frame as usize);
                break;
            }
        }
    }

    /// Starts what can be started on a frame, in its order.
    fn look_at(&mut self, frame: usize, now: Tick) {
        self.look[frame] += 1;
        let mut pending = std::mem::take(&mut self.pending[frame]);
        let mut told: Vec<Waiting> = Vec::new();
        let mut wake = NEVER;
        let mut blocked = false;
        pending.retain(|&index| {
            if blocked {
                return true;
            }
            match self.obstacle(index, frame, now) {
                None => {
                    self.start(index, now);
                    false
                }
                Some((waiting, is_common)) => {
                    self.waits[index as usize] = Some(waiting);
                    blocked = is_common;
                    if matches!(waiting, Waiting::Calendar | Waiting::Turn) {
                        let job = &self.jobs[index as usize];
                        let calendar = &self.site.calendars[job.calendar as usize];
                        let from = self.not_before(index).max(now);
                        wake = wake.min(calendar.next_start(from, job.long).unwrap_or(NEVER));
                    } else if !told.contains(&waiting) {
                        told.push(waiting);
                    }
                    true
                }
            }
        });
        if blocked && let Some(waiting) = told.last().copied() {
            for &index in &pending {
                self.waits[index as usize].get_or_insert(waiting);
            }
        }
        self.pending[frame] = pending;
        let entry =
            (self.left[frame], Reverse(u32::try_from(frame).unwrap_or(u32::MAX)), self.look[frame]);
        for waiting in told {
            self.wait(waiting, entry);
        }
        if wake != NEVER {
            let look = self.look[frame];
            let frame = u32::try_from(frame).unwrap_or(u32::MAX);
            self.events.push(Reverse((wake, Event::Wake { frame, look })));
        }
    }

    /// Puts a frame on the list of what it waits for. What is only on this frame becomes free when a job of it ends.
    fn wait(&mut self, waiting: Waiting, entry: Waiter) {
        match waiting {
            Waiting::Resource(at) if self.is_shared[at as usize] => {
                self.waiters[at as usize].push(entry);
            }
            Waiting::Gap(at) => self.gap_waiters[at as usize].push(entry),
            Waiting::Resource(_) | Waiting::Calendar | Waiting::Turn => {}
        }
    }

    /// What keeps a job from starting now, and whether it keeps all of its frame.
    fn obstacle(&self, index: u32, frame: usize, now: Tick) -> Option<(Waiting, bool)> {
        let job = &self.jobs[index as usize];
        for one in &job.uses {
            let at = one.resource as usize;
            let capacity = self.site.resources[at].capacity;
            if self.used[at] + one.amount > capacity {
                let full = self.used[at] >= capacity;
                let all = full && self.common[frame].contains(&one.resource);
                return Some((Waiting::Resource(one.resource), all));
            }
        }
        if let Some(gap) = job.gaps.iter().find(|gap| self.free_at[**gap as usize] > now) {
            return Some((Waiting::Gap(*gap), false));
        }
        let calendar = &self.site.calendars[job.calendar as usize];
        if calendar.next_start(now, job.long) != Some(now) {
            return Some((Waiting::Calendar, false));
        }
        (self.not_before(index) > now).then_some((Waiting::Turn, false))
    }

    fn not_before(&self, index: u32) -> Tick {
        self.not_before.map_or(0, |starts| starts[index as usize])
    }

    fn start(&mut self, index: u32, now: Tick) {
        let jobs = self.jobs;
        let job = &jobs[index as usize];
        for one in &job.uses {
            self.used[one.resource as usize] += one.amount;
        }
        for &gap in &job.gaps {
            let next = now.saturating_add(self.site.gaps[gap as usize].least);
            self.free_at[gap as usize] = next;
            self.events.push(Reverse((next, Event::Gap(gap))));
        }
        self.left[job.frame as usize] =
            self.left[job.frame as usize].saturating_sub(weight(self.site, job));
        let over = now.saturating_add(self.length.of(job));
        self.end = self.end.max(over);
        self.starts[index as usize] = Some(now);
        self.events.push(Reverse((over, Event::End(index))));
    }
}
