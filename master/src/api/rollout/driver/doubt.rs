//! Whether the LPARs that a rollout has updated are known to be healthy: by what the reports of their updates say, by what is left to do on
//! them, and by where their HMC shows them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nim_rollout::run::{Doubt, End, Event, Gate, Is, Orders, State, TargetNumber};
use nim_rollout::site::Tick;
use nim_shared::aftercare::OpenItem;
use nim_shared::id::ObjectName;
use nim_shared::operation::{FollowUp, Found, Kernel, Outcome, Report};

use crate::api::error::Answer;
use crate::inventory::around::RUNNING;
use crate::store::Store;
use crate::store::open_item::Left;

/// Who is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api::rollout) enum Who {
    /// All who are done.
    All,
    /// Those of whom the run is told just now that they are.
    JustDone,
}

impl Who {
    /// All where something could follow from how they stand: another waits, and nobody looked for so long or a wave has soaked.
    pub(super) fn due(state: &State, looked: Option<Tick>, now: Tick) -> Self {
        if is_due(state, looked, now) { Self::All } else { Self::JustDone }
    }
}

fn is_due(state: &State, looked: Option<Tick>, now: Tick) -> bool {
    let soaked = matches!(state.gate, Gate::Soaking { until } if until <= now);
    let is_old = looked.is_none_or(|at| now.saturating_sub(at) >= super::FRESH);
    let waits = state.targets.iter().any(|one| matches!(one.is, Is::Waiting { .. }));
    waits && (soaked || is_old)
}

/// What a run is told of those who are done. `events` say who is so just now, and `reports` are of their updates.
pub(in crate::api::rollout) async fn look(
    store: &Store,
    (orders, state): (&Orders, &State),
    events: &[Event],
    reports: &HashMap<TargetNumber, Option<&Report>>,
    who: Who,
) -> Answer<Vec<Event>> {
    let done = done(state, events, who);
    if done.is_empty() {
        return Ok(Vec::new());
    }
    let lpars: Vec<&ObjectName> =
        done.keys().map(|at| &orders.targets[*at as usize].lpar).collect();
    let left = store.open_items(&lpars).await?;
    let states = store.partition_states(&lpars).await?;
    let told = done.into_iter().filter_map(|(target, Done { attempt, is_new })| {
        let lpar = &orders.targets[target as usize].lpar;
        let one = &state.targets[target as usize];
        let mut doubts =
            found(left.get(lpar), states.get(lpar).filter(|_| is_read(state, events, target)));
        doubts.extend(match reports.get(&target) {
            Some(report) => unverified(*report),
            // It was said when it ended.
            None => one.doubts.iter().filter(|one| is_unverified(one)).cloned().collect(),
        });
        (is_new || doubts != one.doubts).then_some(Event::Doubted { target, attempt, doubts })
    });
    Ok(told.collect())
}

/// A target that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Done {
    attempt: u32,
    /// Whether the run is told so just now: what is known of it until then is of another end.
    is_new: bool,
}

/// Who is done and is to be looked at.
fn done(state: &State, events: &[Event], who: Who) -> BTreeMap<TargetNumber, Done> {
    let kept = (0..).zip(&state.targets).filter(|(_, one)| who == Who::All && one.is_done());
    let kept = kept.map(|(at, one)| (at, Done { attempt: one.attempt, is_new: false }));
    let mut all: BTreeMap<TargetNumber, Done> = kept.collect();
    all.extend(events.iter().filter_map(|event| {
        let (Event::Over { target, attempt, end } | Event::DoneAgain { target, attempt, end }) =
            event
        else {
            return None;
        };
        let is_new = !state.targets[*target as usize].is_done();
        let is_good = matches!(end, End::Updated | End::Unchanged);
        is_good.then_some((*target, Done { attempt: *attempt, is_new }))
    }));
    all
}

/// Whether its frame was read after its update. Until then an HMC may have shown the partition as it was being made.
fn is_read(state: &State, events: &[Event], target: TargetNumber) -> bool {
    let is_released =
        |event: &Event| matches!(event, Event::Released { target: of, .. } if *of == target);
    matches!(state.targets[target as usize].is, Is::Ended { .. }) || events.iter().any(is_released)
}

const fn is_unverified(doubt: &Doubt) -> bool {
    matches!(doubt, Doubt::Unverified { .. })
}

/// What a look finds.
fn found(left: Option<&Vec<Left>>, state: Option<&String>) -> BTreeSet<Doubt> {
    let items = left.into_iter().flatten().filter(|one| one.item.casts_doubt());
    let items = items.map(|one| one.item.to_string());
    let state = state.filter(|state| *state != RUNNING);
    let state = state.map(|state| format!("its partition is {state}"));
    items.chain(state).map(|what| Doubt::Found { what }).collect()
}

/// What an update that succeeded could not say of the LPAR, and no look will find.
fn unverified(report: Option<&Report>) -> BTreeSet<Doubt> {
    let doubt = |what: &str| Doubt::Unverified { what: what.to_owned() };
    let mut doubts = BTreeSet::new();
    let Some(report) = report else {
        return BTreeSet::from([doubt("its update left no report")]);
    };
    let Outcome::Succeeded { follow_up } = &report.outcome else { return doubts };
    // What came after the move went wrong, or is not known; where it is listed a look may find it gone.
    let is_listed = |item: &OpenItem| matches!(item, OpenItem::PostProcessing { .. });
    if follow_up.contains(&FollowUp::PostProcessing) && !report.open_items.iter().any(is_listed) {
        doubts.insert(doubt(&report.summary));
    }
    let is_moved = matches!(report.found, Some(Found { kernel: Some(Kernel::New), .. }));
    let had_paths = report.before.as_ref().is_some_and(|before| !before.paths.is_empty());
    let has_paths = report.after.as_ref().is_some_and(|after| !after.paths.is_empty());
    if is_moved && had_paths && !has_paths {
        doubts.insert(doubt("its paths were not read after its update"));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use nim_shared::id::OperationId;
    use nim_shared::operation::{PathCount, Snapshot};
    use nim_shared::stamp::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn left(item: OpenItem) -> Left {
        let operation = OperationId(Uuid::nil());
        Left { id: 1, operation, found_at: Timestamp::from_unix_micros(0), item }
    }

    fn said(doubts: &BTreeSet<Doubt>) -> Vec<String> {
        doubts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_left_casts_doubt_where_the_workload_may_suffer_from_it() {
        let paths = OpenItem::Paths { disk: "hdisk3".parse().unwrap(), enabled: 4, others: 0 };
        let text = paths.to_string();
        let all = vec![left(OpenItem::ManagementLink), left(OpenItem::Rmc), left(paths)];
        let doubts = found(Some(&all), Some(&"Running".to_owned()));
        assert_eq!(said(&doubts), [text]);
        assert_eq!(found(None, None), BTreeSet::new(), "not shown is not known");
        let down = found(None, Some(&"Not Activated".to_owned()));
        assert_eq!(said(&down), ["its partition is Not Activated"]);
    }

    #[test]
    fn what_nobody_could_verify_is_in_doubt() {
        let paths = |count| Snapshot {
            paths: (0..count)
                .map(|_| PathCount {
                    disk: "hdisk0".parse().unwrap(),
                    status: "Enabled".to_owned(),
                    count: 2,
                })
                .collect(),
            ..Snapshot::default()
        };
        let moved = Some(Found { software: None, kernel: Some(Kernel::New) });
        let of = |follow_up| Report {
            before: Some(paths(1)),
            after: Some(paths(1)),
            found: moved,
            ..Report::of(Outcome::Succeeded { follow_up }, "what came after is not known")
        };
        let verified = of(vec![FollowUp::OldLibraries]);
        assert_eq!(said(&unverified(Some(&verified))), [""; 0]);
        let half = of(vec![FollowUp::PostProcessing]);
        assert_eq!(said(&unverified(Some(&half))), ["what came after is not known"]);
        let open_items = vec![OpenItem::PostProcessing { others: 0 }];
        let listed = Report { open_items, ..half };
        assert_eq!(said(&unverified(Some(&listed))), [""; 0], "a look finds that");
        for after in [None, Some(paths(0))] {
            let unread = Report { after, ..verified.clone() };
            let doubts = unverified(Some(&unread));
            assert_eq!(said(&doubts), ["its paths were not read after its update"]);
            // An installation moves nothing.
            let installed = Report { found: None, ..unread };
            assert_eq!(said(&unverified(Some(&installed))), [""; 0]);
        }
        assert_eq!(said(&unverified(None)), ["its update left no report"]);
    }
}
