//! What frames have: some so little of something that it decides how many updates run on them at a time. The lab's record of it says
//! whether more was ever taken than there was, the reserve included, and whether anybody had to wait for it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use nim_lab::Phase;
use nim_lab::fault::Fault;
use nim_lab::record::{Capacity, Change, Deed, Entry, Left};
use nim_lab::site::{self, LparEntry, PoolEntry};
use nim_lab::world::{FILLER, Frame, World};

use super::Size;

/// What is short on a frame: there is enough of it for one update at a time ([`fitting`]), and not for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Short {
    /// Memory.
    Memory,
    /// Processors.
    Processors,
    /// Processors of the shared pool in which all LPARs of the frame are.
    Pool,
    /// Partitions.
    Partitions,
}

/// How many updates fit on a frame on which something is short: one more where a fault may leave behind what another update needs.
fn fitting(frame: &str, lpars: &[&mut LparEntry], faults: &[(String, Fault)]) -> u64 {
    let leaves = |lpar: &str| faults.iter().any(|(name, fault)| name == lpar && may_leave(*fault));
    let leaves = lpars.iter().any(|lpar| lpar.frame == frame && leaves(&lpar.name));
    if leaves { 2 } else { 1 }
}

/// Whether an update with this fault may end with two partitions, or without nimd knowing that it did not: then what it was promised stays
/// promised.
fn may_leave(fault: Fault) -> bool {
    // The update goes on without them.
    const PASSING: [Fault; 3] = [Fault::AgentKilled, Fault::SshDrop, Fault::SshDropInBlackout];
    fault.phase() != Phase::Install && !PASSING.contains(&fault)
}

/// Share of the configurable memory that the rollout leaves alone, beside a region, in percent.
pub(super) const RESERVE_MEMORY: u64 = 5;

/// Share of the processors that are free before anything runs, which the rollout leaves alone, in percent.
pub(super) const RESERVE_PROCESSORS: u64 = 10;

/// What nimd reckons for the hypervisor, for LPARs as they are here, in MB.
const OVERHEAD_MB: u64 = 512;

/// The pool in which all LPARs of a frame are whose processors of that are short.
const POOL: u32 = 1;

impl Short {
    /// What is short on the frame of this number.
    const fn of(frame: u32) -> Option<Self> {
        match frame % 8 {
            1 | 3 | 5 | 7 => Some(Self::Memory),
            2 => Some(Self::Processors),
            6 => Some(Self::Pool),
            0 => Some(Self::Partitions),
            _ => None,
        }
    }

    /// What is short on `size.frames` frames, by their names.
    fn all(size: &Size) -> impl Iterator<Item = (String, Self)> {
        (1..=size.frames).filter_map(|frame| Some((super::fleet::frame(frame), Self::of(frame)?)))
    }
}

/// Gives each frame of `file` as much as it is to have, with these faults on its LPARs.
pub(super) fn shape(file: &mut site::File, faults: &[(String, Fault)]) -> Result<()> {
    for (number, frame) in (1..).zip(&mut file.frames) {
        let on = |lpar: &&mut LparEntry| lpar.frame == frame.name;
        let mut lpars: Vec<_> = file.lpars.iter_mut().filter(on).collect();
        let count = u64::try_from(lpars.len())?;
        let fitting = fitting(&frame.name, &lpars, faults);
        // On half of the frames whose memory is short the hypervisor takes some for each partition, on some LPARs are twice as large.
        frame.page_tables = number % 4 == 3;
        if number % 8 == 3 {
            lpars.iter_mut().for_each(|lpar| lpar.memory_mb *= 2);
        }
        let own = |lpar: &&mut LparEntry| (lpar.memory_mb, lpar.processors.hundredths);
        let (memory_mb, hundredths) = lpars.first().map(own).context("a frame with no LPAR")?;
        let units = (count + fitting) * hundredths + hundredths / 2;
        match Short::of(number) {
            Some(Short::Memory) => {
                let table = if frame.page_tables { frame.region_mb } else { 0 };
                let held = frame.firmware_mb + count * (memory_mb + table);
                let more = fitting * (memory_mb + OVERHEAD_MB) + 2 * frame.region_mb;
                let all = (held + more + frame.region_mb) * 100 / (100 - RESERVE_MEMORY);
                frame.memory_mb = all.next_multiple_of(frame.region_mb);
            }
            Some(Short::Processors) => frame.processors.hundredths = units,
            Some(Short::Pool) => {
                let mut pool = PoolEntry {
                    id: POOL,
                    name: "updated".to_owned(),
                    processors: frame.processors,
                    reserved: frame.processors,
                };
                pool.reserved.hundredths = 30;
                pool.processors.hundredths = units + pool.reserved.hundredths;
                frame.pools.push(pool);
                lpars.iter_mut().for_each(|lpar| lpar.pool = POOL);
            }
            Some(Short::Partitions) => {
                let vioses = u32::try_from(frame.vios.len())?;
                // Ids go as far as partitions do: none is left out.
                for (id, lpar) in (vioses + 1..).zip(&mut lpars) {
                    lpar.id = id;
                }
                frame.max_lpars = vioses + u32::try_from(count + fitting)?;
            }
            None => {}
        }
    }
    Ok(())
}

/// What is left alone of a frame.
struct Reserve {
    memory_mb: i64,
    hundredths: i64,
}

impl Reserve {
    fn of(frame: &Frame) -> Result<Self> {
        let memory_mb = frame.region_mb + frame.configurable_mb * RESERVE_MEMORY / 100;
        let free = frame.free_hundredths() * RESERVE_PROCESSORS;
        Ok(Self { memory_mb: memory_mb.try_into()?, hundredths: free.div_ceil(100).try_into()? })
    }
}

/// Proves from the record that nothing was taken of a frame that it did not have or that is left alone, and that all of it is back but
/// for what stayed behind. `before` is how the site was when the rollout began, `begun` when each LPAR began to be updated. Says on how
/// many frames what was short kept somebody waiting who was to be updated later.
pub(super) fn prove(
    entries: &[Entry],
    before: &World,
    after: &World,
    begun: &BTreeMap<&str, u64>,
) -> Result<BTreeMap<String, BTreeSet<Short>>> {
    let mut frames = BTreeMap::new();
    for (name, frame) in &before.frames {
        let one = OneFrame {
            frame,
            reserve: Reserve::of(frame)?,
            sum: frame.left(),
            filled: Filled::No,
            short: BTreeSet::new(),
        };
        frames.insert(name.as_str(), one);
    }
    let mut last_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let own = before.lpars.get(&entry.lpar).map(|lpar| lpar.frame.as_str());
        match &entry.deed {
            Deed::Capacity(capacity) => {
                let frame = frames.get_mut(capacity.frame.as_str()).context("an unknown frame")?;
                let waiting = before.lpars.iter().filter(|(name, lpar)| {
                    lpar.frame == capacity.frame
                        && begun.get(name.as_str()).is_some_and(|begun| *begun > entry.at)
                });
                frame.changes(at, capacity, waiting.map(|(name, _)| name.as_str()), before)?;
            }
            // What something else took between the promise and the request is nobody's fault.
            Deed::Refused { why } => {
                let frame = own.and_then(|name| frames.get(name)).context("an unknown LPAR")?;
                let asked = last_of.get(entry.lpar.as_str()).copied().unwrap_or(0);
                let excused = match frame.filled {
                    Filled::No => false,
                    Filled::Now => true,
                    Filled::Until(until) => until > asked,
                };
                ensure!(excused, "{} was let go on, and refused: {why}", entry.lpar);
            }
            Deed::Entered { phase: Phase::Resources } => {
                last_of.insert(&entry.lpar, at);
            }
            _ => {}
        }
    }
    for (name, one) in &frames {
        let left = after.frames[*name].left();
        ensure!(
            one.sum == left,
            "by the record {:?} is left on {name}, there is {left:?}",
            one.sum
        );
    }
    Ok(frames.into_iter().map(|(name, one)| (name.to_owned(), one.short)).collect())
}

/// Whether something that is no LPAR has taken all of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    No,
    Now,
    /// Up to this entry.
    Until(usize),
}

/// A frame in the course of the record.
struct OneFrame<'w> {
    frame: &'w Frame,
    reserve: Reserve,
    /// What is left by what was taken and given back.
    sum: Left,
    filled: Filled,
    /// What was too little for somebody who waited.
    short: BTreeSet<Short>,
}

impl OneFrame<'_> {
    fn changes<'e>(
        &mut self,
        at: usize,
        capacity: &Capacity,
        waiting: impl Iterator<Item = &'e str>,
        before: &World,
    ) -> Result<()> {
        let Capacity { frame, partition, change, left, .. } = capacity;
        self.sum.free_mb -= capacity.taken_mb;
        self.sum.free_hundredths -= capacity.taken_hundredths;
        if let Some(free) = self.sum.free_of_pools.get_mut(&capacity.pool) {
            *free -= capacity.taken_hundredths;
        }
        self.sum.free_partitions -= match change {
            Change::Made => 1,
            Change::Removed => -1,
            Change::Resized => 0,
        };
        let of_pools = left.free_of_pools.values();
        let least = [left.free_mb, left.free_hundredths, left.free_partitions];
        ensure!(
            least.iter().chain(of_pools).all(|free| *free >= 0),
            "{frame} does not have what {partition} takes: {left:?}"
        );
        if partition == FILLER {
            self.filled = if *change == Change::Made { Filled::Now } else { Filled::Until(at) };
            return Ok(());
        }
        if *change == Change::Made {
            let Reserve { memory_mb, hundredths } = self.reserve;
            ensure!(
                left.free_mb >= memory_mb && left.free_hundredths >= hundredths,
                "{partition} takes of {frame} what is left alone, {memory_mb} MB and {hundredths} hundredths: {left:?}"
            );
        }
        if self.filled != Filled::Now {
            for lpar in waiting {
                let short = self.short_for(lpar, left, before)?;
                self.short.extend(short);
            }
        }
        Ok(())
    }

    /// What is too little for one more update, by what the lab takes for it.
    fn short_for(&self, lpar: &str, left: &Left, before: &World) -> Result<Vec<Short>> {
        let own = before.partition_of(lpar)?;
        let memory = i64::try_from(self.frame.held_mb(own))?;
        let processors = i64::try_from(own.hundredths)?;
        let of_pool = left.free_of_pools.get(&own.pool).copied().unwrap_or(i64::MAX);
        let short = [
            (Short::Memory, left.free_mb - self.reserve.memory_mb < memory),
            (Short::Processors, left.free_hundredths - self.reserve.hundredths < processors),
            (Short::Pool, of_pool < processors),
            (Short::Partitions, left.free_partitions < 1),
        ];
        Ok(short.into_iter().filter(|(_, is)| *is).map(|(short, _)| short).collect())
    }
}

/// That what is short on frames did keep somebody waiting: on one frame of each kind at least, and on half of those whose memory is
/// short. Says on how many.
pub(super) fn bound(
    size: &Size,
    found: &BTreeMap<String, BTreeSet<Short>>,
) -> Result<BTreeMap<Short, usize>> {
    let mut bound: BTreeMap<Short, (usize, usize)> = BTreeMap::new();
    for (frame, short) in Short::all(size) {
        let (all, met) = bound.entry(short).or_default();
        *all += 1;
        *met += usize::from(found.get(&frame).is_some_and(|found| found.contains(&short)));
    }
    for (short, (all, met)) in &bound {
        let least = if *short == Short::Memory { all.div_ceil(2) } else { 1 };
        ensure!(
            *met >= least,
            "{short:?} was short on {met} of {all} frames that have little of it"
        );
    }
    Ok(bound.into_iter().map(|(short, (_, met))| (short, met)).collect())
}

#[cfg(test)]
mod tests;
