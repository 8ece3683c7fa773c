//! How much there is of frames now, as a decision is told of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nim_shared::id::ObjectName;

use super::{Event, Orders, TargetNumber};
use crate::compile::takable;
use crate::facts::{CpuReduction, Frame, Lpar, Snapshot};
use crate::file::Rollout;
use crate::plan::Plan;
use crate::site::{Use, What};

/// What the HMCs show of the frames of `plan`, with what those of its targets take to which capacity is promised (`own`): the rest is taken
/// by others. Of a frame of which nothing is known nothing is said.
///
/// Nor is anything said of processors of which an LPAR gives up some: it takes all that there were, and would wait for good where one of
/// them is taken. What is short then is decided when capacity is reserved.
#[must_use]
pub fn fresh_capacity(
    orders: &Orders,
    plan: &Plan,
    file: &Rollout,
    snapshot: &Snapshot,
    own: &[TargetNumber],
) -> Vec<Event> {
    let frame_of: HashMap<&ObjectName, &ObjectName> =
        plan.targets.iter().filter_map(|one| Some((&one.lpar, one.frame.as_ref()?))).collect();
    let frames: HashMap<&ObjectName, &Frame> =
        snapshot.frames.iter().map(|frame| (&frame.name, frame)).collect();
    let lpars: HashMap<&ObjectName, &Lpar> =
        snapshot.lpars.iter().map(|lpar| (&lpar.name, lpar)).collect();
    let mut shown: BTreeMap<u32, u64> = BTreeMap::new();
    let mut given_up: BTreeSet<u32> = BTreeSet::new();
    for target in &orders.targets {
        let Some(frame) = frame_of.get(&target.lpar).and_then(|name| frames.get(name)) else {
            continue;
        };
        let shape = lpars.get(&target.lpar).and_then(|lpar| lpar.shape);
        let is_less = |one: &Use| {
            let what = orders.site.resources[one.resource as usize].what;
            matches!(what, What::Processors(_) | What::Pool(_))
                && shape.is_some_and(|shape| one.amount < shape.processors.hundredths)
        };
        // What is read while it runs does not say what is asked for; what was planned does.
        let reduces = shape.is_some_and(|shape| shape.cpu_reduction == CpuReduction::Yes)
            || target.job.uses.iter().any(is_less);
        for one in &target.job.uses {
            let there = match orders.site.resources[one.resource as usize].what {
                What::Memory(_) => frame.free.map(|free| takable(&file.limits, free).memory.0),
                What::Processors(_) | What::Pool(_) if reduces => {
                    given_up.insert(one.resource);
                    None
                }
                What::Processors(_) => {
                    frame.free.map(|free| takable(&file.limits, free).processors.hundredths)
                }
                What::Pool(_) => {
                    let pool = shape.and_then(|shape| shape.pool);
                    pool.and_then(|pool| frame.pools.get(&pool)).map(|units| units.hundredths)
                }
                What::Partitions(_) => frame.free.and_then(|free| free.partitions).map(u64::from),
                What::PartitionId(_) => {
                    target.wanted_id.map(|id| u64::from(!frame.ids.contains(&id)))
                }
                What::InFlight
                | What::Hmc(_)
                | What::FrameSlots(_)
                | What::VioPair(_)
                | What::Label(_)
                | What::Apart(_) => None,
            };
            shown.extend(there.map(|there| (one.resource, there)));
        }
    }
    shown.retain(|resource, _| !given_up.contains(resource));
    for number in own {
        for one in &orders.targets[*number as usize].job.uses {
            if let Some(there) = shown.get_mut(&one.resource) {
                *there = there.saturating_add(one.amount);
            }
        }
    }
    shown.into_iter().map(|(resource, capacity)| Event::Capacity { resource, capacity }).collect()
}
