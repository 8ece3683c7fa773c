//! What no plan can be shorter than.
//!
//! The largest over all resources of: area (amount × time, over what there is), and what does not fit together (of two that take
//! more than half each, one runs at a time; in general what takes more than all but `k` leaves room for nothing that takes `k`); the
//! longest job where its calendar first lets it end; and starts at their distance. Frames, partners, HMCs and limits are all resources, so that
//! the longest chain of partners is among them.

use crate::site::{Calendar, Job, Site, Tick};

/// The time before which nobody can be done who begins at `begin`.
#[must_use]
pub fn lower_bound(site: &Site, jobs: &[Job], chosen: &[u32], begin: Tick) -> Tick {
    let mut bound = begin;
    let mut by_resource: Vec<Vec<(u64, u32)>> = vec![Vec::new(); site.resources.len()];
    let mut by_gap: Vec<(u32, Tick)> = vec![(0, Tick::MAX); site.gaps.len()];
    for &index in chosen {
        let job = &jobs[index as usize];
        let calendar = &site.calendars[job.calendar as usize];
        let alone = calendar.next_start(begin, job.long).map_or(begin, |at| at + job.long);
        bound = bound.max(alone);
        for one in &job.uses {
            by_resource[one.resource as usize].push((one.amount, index));
        }
        for &gap in &job.gaps {
            let (count, shortest) = &mut by_gap[gap as usize];
            *count += 1;
            *shortest = job.long.min(*shortest);
        }
    }
    for (resource, users) in site.resources.iter().zip(&mut by_resource) {
        let calendar = common_calendar(site, jobs, users);
        let work = work(users, jobs, resource.capacity);
        bound = bound.max(reached(calendar, begin, work));
    }
    for (gap, (count, shortest)) in site.gaps.iter().zip(by_gap) {
        if count > 0 {
            let apart = (count - 1).saturating_mul(gap.least);
            bound = bound.max(begin.saturating_add(apart).saturating_add(shortest));
        }
    }
    bound
}

/// Seconds for which `users`, with their amounts, keep a resource of `capacity` busy at least. Sorts them.
fn work(users: &mut [(u64, u32)], jobs: &[Job], capacity: u64) -> u64 {
    let capacity = u128::from(capacity.max(1));
    users.sort_unstable();
    let length = |job: u32| u128::from(jobs[job as usize].long);
    // Suffixes of the users by amount: of those from `at` on, the area and the time.
    let mut area = 0_u128;
    let mut best = 0_u128;
    let mut high = users.len();
    let mut high_time = 0_u128;
    // From the largest `k` to none: those below `k` do not count, those above `capacity - k` count in full.
    for at in (0..users.len()).rev() {
        let (amount, job) = users[at];
        area += u128::from(amount) * length(job);
        let k = u128::from(amount);
        if 2 * k > capacity {
            high = at;
            high_time += length(job);
            best = best.max(high_time * capacity);
            continue;
        }
        // All that take more than `capacity - k`: the larger ones from `from` on.
        let from = high + users[high..].partition_point(|(a, _)| u128::from(*a) + k <= capacity);
        let full: u128 = users[from..].iter().map(|(_, job)| length(*job)).sum();
        let counted: u128 = users[from..].iter().map(|(a, j)| u128::from(*a) * length(*j)).sum();
        best = best.max(area - counted + full * capacity);
    }
    u64::try_from(best.max(area).div_ceil(capacity)).unwrap_or(u64::MAX)
}

/// The calendar of all of them; `None` where they have several.
fn common_calendar<'s>(site: &'s Site, jobs: &[Job], users: &[(u64, u32)]) -> Option<&'s Calendar> {
    let calendar = |(_, job): &(u64, u32)| jobs[*job as usize].calendar;
    let first = users.first().map(calendar)?;
    users.iter().all(|one| calendar(one) == first).then(|| &site.calendars[first as usize])
}

/// When `work` seconds can have passed.
fn reached(calendar: Option<&Calendar>, begin: Tick, work: u64) -> Tick {
    let plain = || u64::from(begin).saturating_add(work).try_into().unwrap_or(Tick::MAX);
    calendar.and_then(|one| one.after_open(begin, work)).unwrap_or_else(plain)
}
