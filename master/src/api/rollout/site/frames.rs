//! Frames as a plan sees them: what was read of them, less what was promised since.

use std::collections::BTreeMap;

use nim_rollout::facts::{Frame, Free};
use nim_shared::api::{PartitionView, PlannedFrame};
use nim_shared::capacity;
use nim_shared::id::ObjectName;
use nim_shared::unit::{Megabytes, ProcessorUnits};

use crate::engine::capacity::{Reading, Reservation};
use crate::store::operation::Limits;

/// What is known of frames.
pub(super) struct Around {
    pub(super) consoles: Vec<crate::store::object::Frame>,
    pub(super) hmc_limits: BTreeMap<ObjectName, u32>,
    pub(super) readings: BTreeMap<ObjectName, (Reading, Vec<PartitionView>)>,
    pub(super) shapes: BTreeMap<ObjectName, BTreeMap<String, capacity::Shape>>,
    pub(super) pools: BTreeMap<ObjectName, BTreeMap<u32, ProcessorUnits>>,
    pub(super) promises: BTreeMap<ObjectName, Vec<Reservation>>,
    pub(super) limits: Limits,
}

impl Around {
    /// The frames, and how they are shown.
    pub(super) fn frames(&self) -> (Vec<Frame>, Vec<PlannedFrame>) {
        let made = self.consoles.iter().map(|one| {
            let reading = self.readings.get(&one.name);
            let promised = self.promises.get(&one.name).map_or(&[][..], Vec::as_slice);
            let free = reading.map(|(reading, _)| free(reading, promised));
            let hmc = one.hmcs.first();
            let states = || one.hmcs.iter().filter_map(|hmc| hmc.last_state.as_deref());
            // One HMC may have lost it while another has not.
            let state = states().find(|state| *state == OPERATING).or_else(|| states().next());
            let ids = reading.iter().flat_map(|(_, partitions)| partitions);
            let frame = Frame {
                name: one.name.clone(),
                hmc: hmc.map(|hmc| hmc.name.clone()),
                limit: one.limit,
                hmc_limit: hmc.and_then(|hmc| self.hmc_limits.get(&hmc.name).copied()),
                state: state.map(ToOwned::to_owned),
                free,
                pools: reading
                    .zip(self.pools.get(&one.name))
                    .map_or_else(BTreeMap::new, |((reading, _), pools)| {
                        free_of_pools(pools, reading, promised)
                    }),
                ids: ids.map(|one| one.lpar_id.0.get()).collect(),
            };
            let shown = PlannedFrame {
                name: frame.name.clone(),
                hmc: frame.hmc.clone(),
                state: frame.state.clone(),
                read_at: reading.map(|(reading, _)| reading.read_at),
                free_memory: free.map(|free| free.memory),
                free_processors: free.map(|free| free.processors),
                at_a_time: frame.limit.unwrap_or(self.limits.per_frame),
            };
            (frame, shown)
        });
        made.unzip()
    }
}

/// The state of a frame in which LPARs can be worked on. Source: the HMC reference, §2.2.
const OPERATING: &str = "Operating";

/// What is free of what was read, less what was promised since.
fn free(reading: &Reading, promised: &[Reservation]) -> Free {
    let outstanding = || promised.iter().filter_map(|one| one.outstanding(reading));
    let memory: Megabytes = outstanding().map(|need| need.memory).sum();
    let units: ProcessorUnits = outstanding().map(|need| need.processors).sum();
    let waiting = promised.iter().filter(|one| !one.is_seen(reading)).count();
    let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
    let taken = reading.partitions.map(|there| there.saturating_add(waiting));
    let partitions = reading.max_partitions.zip(taken);
    Free {
        memory: Megabytes(reading.free_memory.0.saturating_sub(memory.0)),
        processors: ProcessorUnits {
            hundredths: reading.free_processors.hundredths.saturating_sub(units.hundredths),
        },
        region: reading.region,
        configurable: reading.configurable_memory,
        partitions: partitions.map(|(most, taken)| most.saturating_sub(taken)),
    }
}

/// The same of its pools.
fn free_of_pools(
    pools: &BTreeMap<u32, ProcessorUnits>,
    reading: &Reading,
    promised: &[Reservation],
) -> BTreeMap<u32, ProcessorUnits> {
    let of = |(pool, free): (&u32, &ProcessorUnits)| {
        let needs = promised.iter().filter_map(|one| one.outstanding(reading));
        let taken: ProcessorUnits =
            needs.filter(|need| need.pool == Some(*pool)).map(|need| need.processors).sum();
        (*pool, ProcessorUnits { hundredths: free.hundredths.saturating_sub(taken.hundredths) })
    };
    pools.iter().map(of).collect()
}
