//! Puts updates on a time line: as many at a time as fit, none above a limit.
//!
//! Two steps. [`order`] looks for the order in which a frame's LPARs fill it best, frame by frame, for those frames that
//! decide when all is done. [`simulate`] then runs all frames together, second by second as far as something happens, as a run would do it:
//! whenever something is free, the next in order that fits starts. So a plan is never better than what a run can do with it.

mod line;
mod order;

use std::cmp::Reverse;

use crate::bound::lower_bound;
use crate::seed::Seeded;
use crate::site::{Job, NEVER, Site, Tick, Use, What};

pub use line::simulate;

use order::{Alone, Effort, Forbidden};

/// When each job starts, and what it waited for last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Start of each job; `None` where its calendar never lets it.
    pub starts: Vec<Option<Tick>>,
    /// What each waited for last before it started; `None` where it started at once.
    pub waits: Vec<Option<Waiting>>,
    /// When the last one is over.
    pub end: Tick,
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Others have the resource with this index.
    Resource(u32),
    /// Another one has just been started: the gap with this index.
    Gap(u32),
    /// Its calendar.
    Calendar,
    /// The order in which its frame is filled best.
    Turn,
}

/// Which length counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The one that has to fit.
    Long,
    /// The usual one.
    Usual,
}

impl Length {
    const fn of(self, job: &Job) -> Tick {
        match self {
            Self::Long => job.long,
            Self::Usual => job.usual,
        }
    }
}

/// Schedules `chosen` from `begin` on.
#[must_use]
pub fn pack(site: &Site, jobs: &[Job], chosen: &[u32], begin: Tick, seed: u64) -> Schedule {
    let bound = lower_bound(site, jobs, chosen, begin);
    let near = |end: Tick| u64::from(end - begin) * 1000 <= u64::from(bound - begin) * NEAR;
    let mut frames = frames(site, jobs, chosen, begin);
    let mut random = Seeded::new(seed);
    let mut best: Option<Schedule> = None;
    let count = u64::try_from(chosen.len()).unwrap_or(u64::MAX);
    let mut per_pair = FIRST_TRIES;
    for _ in 0..ROUNDS {
        let left = EFFORT.saturating_add(count.saturating_mul(EFFORT_PER_JOB));
        let effort = Effort { left, per_pair };
        let placed = place(site, jobs, &mut frames, begin, bound, effort, &mut random);
        let mut queues: Vec<Vec<u32>> = vec![Vec::new(); site.frames as usize];
        for frame in &frames {
            queues[frame.number as usize].clone_from(&frame.queue);
        }
        let before = best.as_ref().map(|best| best.end);
        for not_before in [Some(&placed[..]), None] {
            let found = simulate(site, jobs, &queues, begin, Length::Long, not_before);
            if best.as_ref().is_none_or(|best| better(&found, best)) {
                best = Some(found);
            }
        }
        let now = best.as_ref().map(|best| best.end);
        if now.is_none_or(near) || now == before {
            break;
        }
        // Those that ended late choose first the next time.
        frames.sort_by_key(|frame| (Reverse(frame.end), frame.number));
        per_pair *= 2;
    }
    best.unwrap_or_default()
}

/// Whether more can be started, or all is over sooner.
fn better(found: &Schedule, best: &Schedule) -> bool {
    let missing = |of: &Schedule| of.starts.iter().filter(|start| start.is_none()).count();
    (missing(found), found.end) < (missing(best), best.end)
}

/// How often all is placed anew.
const ROUNDS: usize = 4;

/// Tries for the order of a frame in the first round, for each pair of its jobs.
const FIRST_TRIES: u64 = 5;

/// Jobs that may be placed in the tries of a round, and how many more for each job there is.
const EFFORT: u64 = 500_000;
const EFFORT_PER_JOB: u64 = 150;

/// Thousandths of the bound that are near enough.
const NEAR: u64 = 1010;

/// A frame with its jobs in the order in which they are to start.
struct Frame {
    number: u32,
    queue: Vec<u32>,
    /// When it was done the last time; before that, when it can be at best.
    end: Tick,
}

/// The frames that have something to do, those that cannot be done before others first.
fn frames(site: &Site, jobs: &[Job], chosen: &[u32], begin: Tick) -> Vec<Frame> {
    let mut queues: Vec<Vec<u32>> = vec![Vec::new(); site.frames as usize];
    chosen.iter().for_each(|&job| queues[jobs[job as usize].frame as usize].push(job));
    let mut frames: Vec<Frame> = (0..)
        .zip(queues)
        .filter(|(_, queue)| !queue.is_empty())
        .map(|(number, queue)| {
            let sum = queue.iter().map(|&job| weight(site, &jobs[job as usize])).sum::<u64>();
            let end = begin.saturating_add(Tick::try_from(sum / 1000).unwrap_or(NEVER));
            Frame { number, queue, end }
        })
        .collect();
    frames.sort_by_key(|frame| (Reverse(frame.end), frame.number));
    frames
}

/// Finds starts frame by frame: each sees when partners of its jobs run and when others start as far as that is decided. What else is
/// shared is left to [`simulate`].
fn place(
    site: &Site,
    jobs: &[Job],
    frames: &mut [Frame],
    begin: Tick,
    enough: Tick,
    mut effort: Effort,
    random: &mut Seeded,
) -> Vec<Tick> {
    let mut starts = vec![begin; jobs.len()];
    let mut running: Vec<Vec<(Tick, Tick)>> = vec![Vec::new(); site.resources.len()];
    let mut begun: Vec<Vec<Tick>> = vec![Vec::new(); site.gaps.len()];
    let exclusive =
        |one: &Use| matches!(site.resources[one.resource as usize].what, What::Apart(_));
    for frame in frames {
        let forbidden = frame.queue.iter().map(|&index| {
            let job = &jobs[index as usize];
            let spans = job.uses.iter().filter(|one| exclusive(one));
            let spans = spans.flat_map(|one| &running[one.resource as usize]);
            let before = job.long.saturating_sub(1);
            Forbidden::new(spans.map(|(from, to)| (from.saturating_sub(before), *to)).collect())
        });
        let forbidden = forbidden.collect();
        let mut gaps: Vec<u32> =
            frame.queue.iter().flat_map(|&job| &jobs[job as usize].gaps).copied().collect();
        gaps.sort_unstable();
        gaps.dedup();
        let spans = gaps.iter().flat_map(|&gap| {
            let least = site.gaps[gap as usize].least;
            let spans = begun[gap as usize].iter();
            spans.map(move |at| ((at + 1).saturating_sub(least), at.saturating_add(least)))
        });
        let others = Forbidden::new(spans.collect());
        let queue = std::mem::take(&mut frame.queue);
        let mut alone = Alone::new(site, jobs, queue, begin, forbidden, others);
        let (found, end) = alone.best(enough, &mut effort, random);
        for &(index, start) in &found {
            let job = &jobs[index as usize];
            starts[index as usize] = start;
            if start == NEVER {
                continue;
            }
            let span = (start, start.saturating_add(job.long));
            job.uses
                .iter()
                .filter(|one| exclusive(one))
                .for_each(|one| running[one.resource as usize].push(span));
            job.gaps.iter().for_each(|&gap| begun[gap as usize].push(start));
        }
        frame.end = end;
        frame.queue = found.iter().map(|(job, _)| *job).collect();
        frame.queue.sort_by_key(|&job| starts[job as usize]);
    }
    starts
}

/// What of a job decides how much its frame has left.
pub(crate) fn weight(site: &Site, job: &Job) -> u64 {
    let share = |one: &Use| {
        let capacity = site.resources[one.resource as usize].capacity.max(1);
        one.amount.saturating_mul(1000) / capacity
    };
    let largest = job.uses.iter().map(share).max().unwrap_or(0).max(1);
    largest * u64::from(job.long)
}
