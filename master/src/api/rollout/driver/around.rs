//! What is so around the LPARs of a rollout that wait: whether one is still what and where it was planned as, and what holds it back.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use nim_rollout::facts::Lpar;
use nim_rollout::file::Rollout as File;
use nim_rollout::plan::present;
use nim_rollout::run::{
    Event, Gate, Is, Phase, State, Target, TargetNumber, differences, fresh_capacity, known,
};
use nim_rollout::site::Tick;
use nim_shared::id::{Digest, ObjectName, OperationId};

use super::FRESH;
use crate::api::Api;
use crate::api::apply::blocking;
use crate::api::error::Answer;
use crate::api::rollout::site::gather_beside;
use crate::store::maintenance::Maintenance;
use crate::store::rollout::Rollout;

/// Whether there is maintenance of the same for the same reasons.
pub(super) fn is_same(one: &[Maintenance], other: &[Maintenance]) -> bool {
    let said = |one: &Maintenance| (one.on.clone(), one.reason.clone());
    one.iter().map(said).eq(other.iter().map(said))
}

/// Whether something could start soon of which the surroundings have to be known.
pub(super) fn is_fresh_needed(state: &State, now: Tick) -> bool {
    let soon = match state.gate {
        Gate::Open => true,
        Gate::Soaking { until } => until <= now.saturating_add(2 * FRESH),
        Gate::Approval | Gate::Promotion => false,
    };
    state.phase == Phase::Running
        && soon
        && state.targets.iter().any(|one| matches!(one.is, Is::Waiting { .. }))
}

/// What is so of the LPARs that wait, beside the rollout's own operations, and how much there is for them on their frames beside what is
/// promised to `own` targets. Those that are `put_back` just now wait too.
pub(super) async fn around(
    api: &Api,
    file: &File,
    rollout: &Arc<Rollout>,
    state: &State,
    (own, operations): (Vec<TargetNumber>, BTreeSet<OperationId>),
    put_back: &BTreeSet<TargetNumber>,
) -> Answer<Vec<Event>> {
    let orders = &rollout.orders;
    // Who was held back when it was planned has no place in the plan: where it was then is part of its fingerprint.
    let frames: HashMap<&ObjectName, Option<&ObjectName>> =
        rollout.plan.targets.iter().map(|one| (&one.lpar, one.frame.as_ref())).collect();
    let (site, file) = gather_beside(api, file.clone(), operations).await?;
    let kept = Arc::clone(rollout);
    let (present, excluded, silent, mut events, drifts) = blocking(move || {
        let (present, excluded) = present(&file, &site.snapshot);
        let capacity = fresh_capacity(&kept.orders, &kept.plan, &file, &site.snapshot, &own);
        let prints: HashMap<&ObjectName, Digest> =
            present.iter().map(|one| (&one.lpar, one.fingerprint)).collect();
        let facts: HashMap<&ObjectName, &Lpar> =
            site.snapshot.lpars.iter().map(|one| (&one.name, one)).collect();
        let drifts = kept.orders.targets.iter().filter_map(|target| {
            let is_other = prints.get(&target.lpar).is_some_and(|now| *now != target.fingerprint);
            let now = facts.get(&target.lpar).filter(|_| is_other)?;
            Some((target.lpar.clone(), drift(target, now)))
        });
        let drifts: HashMap<ObjectName, String> = drifts.collect();
        let silent = site.snapshot.lpars.into_iter().filter(|one| one.level.is_none());
        let silent: HashSet<ObjectName> = silent.map(|one| one.name).collect();
        (present, excluded, silent, capacity, drifts)
    })
    .await?;
    let present: HashMap<ObjectName, _> =
        present.into_iter().map(|one| (one.lpar.clone(), one)).collect();
    let excluded: HashMap<String, String> =
        excluded.into_iter().map(|one| (one.name, one.why)).collect();
    for (number, (one, target)) in (0..).zip(state.targets.iter().zip(&orders.targets)) {
        let waits = matches!(one.is, Is::Waiting { .. }) || put_back.contains(&number);
        if !waits || target.wave > state.wave + 1 {
            continue;
        }
        let now = present.get(&target.lpar);
        let is_other = now.is_none_or(|now| now.fingerprint != target.fingerprint);
        // An HMC that does not reach it over RMC shows no level: that passes, and says nothing of what it is.
        if is_other && silent.contains(&target.lpar) {
            let held = Some("its level is not known at the moment".to_owned());
            if held != one.held {
                events.push(Event::Looked { target: number, held });
            }
            continue;
        }
        let Some(now) = now else {
            let gone = || "it is on record no more".to_owned();
            let why = excluded.get(target.lpar.as_str()).cloned().unwrap_or_else(gone);
            events.push(Event::DroppedOut { target: number, why });
            continue;
        };
        if let Some(planned) = frames.get(&target.lpar).copied()
            && now.frame.as_ref() != planned
        {
            let place = |frame: Option<&ObjectName>| {
                frame.map_or_else(|| "no frame that is known".to_owned(), ToString::to_string)
            };
            let why = format!(
                "it was planned on {} and is on {}",
                place(planned),
                place(now.frame.as_ref())
            );
            events.push(Event::DroppedOut { target: number, why });
            continue;
        }
        let held = (!now.held.is_empty()).then(|| now.held.join("; "));
        if held != one.held {
            events.push(Event::Looked { target: number, held });
        }
        if is_other && one.drifted != Some(now.fingerprint) && one.tries() == 0 {
            let why = drifts.get(&target.lpar).cloned().unwrap_or_else(|| OTHER.to_owned());
            events.push(Event::Drifted { target: number, why, to: now.fingerprint });
        }
    }
    Ok(events)
}

/// What is said of an LPAR that is other than it was planned.
const OTHER: &str = "what is known of it is other than it was planned with";

/// The same, with what has changed where that is known.
fn drift(target: &Target, now: &Lpar) -> String {
    let changed =
        if target.known.is_empty() { Vec::new() } else { differences(&target.known, &known(now)) };
    if changed.is_empty() { OTHER.to_owned() } else { format!("{OTHER}: {}", changed.join("; ")) }
}
