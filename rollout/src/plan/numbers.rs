//! The exact numbers at which a rollout stops, and how many can have failed by then.

use nim_shared::api::StopNumbers;

use crate::file::{Amount, StopAt};
use crate::site::{Job, Site, What};

/// The numbers of `members` that `at` is about.
#[must_use]
pub(super) fn numbers(at: &StopAt, members: usize) -> StopNumbers {
    let number = |amount: Option<Amount>| amount.map(|one| one.of(members));
    StopNumbers {
        failed: number(at.failed),
        unreachable: number(at.unreachable),
        skipped: number(at.skipped),
    }
}

/// How many of `members` can have failed at worst when all has come to rest after a stop: those in flight with the last one then fail too.
#[must_use]
pub(super) fn worst_failed(
    stop: StopNumbers,
    site: &Site,
    jobs: &[Job],
    members: &[u32],
) -> Option<usize> {
    let failed = stop.failed?;
    Some((failed + at_a_time(site, jobs, members).max(1) - 1).min(members.len()))
}

/// More than so many are never in flight at a time, in whatever order and however long each takes: a plan has fewer where it
/// expects large ones beside each other, and a run has small ones there when others end early.
fn at_a_time(site: &Site, jobs: &[Job], members: &[u32]) -> usize {
    let mut frames: Vec<Vec<u32>> = vec![Vec::new(); site.frames as usize];
    members.iter().for_each(|&job| frames[jobs[job as usize].frame as usize].push(job));
    let by_frame =
        frames.iter().map(|jobs_of_frame| room(site, jobs, jobs_of_frame)).sum::<usize>();
    by_frame.min(room(site, jobs, members))
}

/// The same by each kind of resources alone: of each resource those that take least, and all that take none of them.
fn room(site: &Site, jobs: &[Job], members: &[u32]) -> usize {
    let mut uses: Vec<(usize, u32, u64)> = Vec::new();
    let (mut users, mut last) = ([0_usize; KINDS], [None; KINDS]);
    let mut is_several = [false; KINDS];
    for &job in members {
        for one in &jobs[job as usize].uses {
            let kind = kind(site.resources[one.resource as usize].what);
            is_several[kind] |= last[kind] == Some(job);
            users[kind] += usize::from(last[kind] != Some(job));
            last[kind] = Some(job);
            uses.push((kind, one.resource, one.amount));
        }
    }
    uses.sort_unstable();
    let mut fit = [0_usize; KINDS];
    for of_one in uses.chunk_by(|a, b| a.1 == b.1) {
        let capacity = site.resources[of_one[0].1 as usize].capacity;
        let mut taken = 0_u64;
        let fits = |(_, _, amount): &&(usize, u32, u64)| {
            taken = taken.saturating_add(*amount);
            taken <= capacity
        };
        fit[of_one[0].0] += of_one.iter().take_while(fits).count();
    }
    // Who takes several of a kind would be counted more than once.
    let rooms = (0..KINDS).filter(|kind| !is_several[*kind]);
    rooms.map(|kind| members.len() - users[kind] + fit[kind]).min().unwrap_or(members.len())
}

/// How many kinds of resources there are.
const KINDS: usize = 11;

const fn kind(what: What) -> usize {
    match what {
        What::InFlight => 0,
        What::Hmc(_) => 1,
        What::FrameSlots(_) => 2,
        What::VioPair(_) => 3,
        What::Label(_) => 4,
        What::Apart(_) => 5,
        What::Memory(_) => 6,
        What::Processors(_) => 7,
        What::Pool(_) => 8,
        What::Partitions(_) => 9,
        What::PartitionId(_) => 10,
    }
}
