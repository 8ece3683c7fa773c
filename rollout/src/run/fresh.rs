//! How much memory there is on frames now, as a decision is told of it.

use std::collections::{BTreeMap, HashMap};

use nim_shared::id::ObjectName;

use super::{Event, Orders, TargetNumber};
use crate::compile::takable;
use crate::facts::Snapshot;
use crate::file::Rollout;
use crate::plan::Plan;
use crate::site::What;

/// What the HMCs show of the frames of `plan`, with what those of its targets take to which memory is promised (`own`): the rest is taken
/// by others. Of a frame of which nothing is known nothing is said.
///
/// Of memory only. Who may give up processors takes all that there are, and would wait for good where one of them is taken: what is short
/// then is decided when capacity is reserved.
#[must_use]
pub fn fresh_memory(
    orders: &Orders,
    plan: &Plan,
    file: &Rollout,
    snapshot: &Snapshot,
    own: &[TargetNumber],
) -> Vec<Event> {
    let frame_of: HashMap<&ObjectName, &ObjectName> =
        plan.targets.iter().filter_map(|one| Some((&one.lpar, one.frame.as_ref()?))).collect();
    let memory = |number: TargetNumber| {
        let target = &orders.targets[number as usize];
        let is_memory =
            |at: u32| matches!(orders.site.resources[at as usize].what, What::Memory(_));
        target.job.uses.iter().find(|one| is_memory(one.resource)).copied()
    };
    // By resource: the frame that it is of.
    let mut frames: BTreeMap<u32, &ObjectName> = BTreeMap::new();
    for (number, target) in (0..).zip(&orders.targets) {
        if let (Some(need), Some(frame)) = (memory(number), frame_of.get(&target.lpar)) {
            frames.insert(need.resource, frame);
        }
    }
    let mut taken: HashMap<u32, u64> = HashMap::new();
    for need in own.iter().filter_map(|&number| memory(number)) {
        *taken.entry(need.resource).or_default() += need.amount;
    }
    let shown: HashMap<&ObjectName, u64> = snapshot
        .frames
        .iter()
        .filter_map(|frame| Some((&frame.name, takable(&file.limits, frame.free?).memory.0)))
        .collect();
    let event = |(resource, frame): (u32, &ObjectName)| {
        let own = taken.get(&resource).copied().unwrap_or_default();
        let capacity = shown.get(frame)?.saturating_add(own);
        Some(Event::Capacity { resource, capacity })
    };
    frames.into_iter().filter_map(event).collect()
}
