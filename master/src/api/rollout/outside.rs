//! What was done again outside of a rollout of what it had started: `nimctl retry`. It counts for the rollout, which starts nothing for it:
//! while that runs its driver says so, and whoever looks at it after its end sees it as the driver would have.

use std::collections::HashMap;

use nim_rollout::run::{End, Event, Is, Orders, Standing, State, TargetNumber};
use nim_shared::id::{ClientToken, RolloutId};
use nim_shared::operation::StateName;

use super::driver::token;
use crate::api::error::Answer;
use crate::store::Store;
use crate::store::rollout::{Last, Reports, Rollout, Started};

/// The last operations of targets.
pub(super) type Lasts = HashMap<TargetNumber, Last>;

/// The last operation of each target of which `is_asked`, as far as one was ever accepted for its last attempt.
pub(super) async fn lasts(
    store: &Store,
    (id, orders, state): (RolloutId, &Orders, &State),
    reports: Reports,
    is_asked: impl Fn(TargetNumber, &Standing) -> bool,
) -> Answer<Lasts> {
    let asked = (0..).zip(&state.targets).filter(|(number, one)| is_asked(*number, one));
    let tokens: HashMap<ClientToken, (TargetNumber, bool)> = asked
        .flat_map(|(number, one)| (1..=one.attempt).map(move |attempt| (number, attempt, one)))
        .map(|(number, attempt, one)| {
            (token(id, orders, number, attempt), (number, attempt == one.attempt))
        })
        .collect();
    if tokens.is_empty() {
        return Ok(Lasts::new());
    }
    let all: Vec<ClientToken> = tokens.keys().copied().collect();
    let found = store.last_of_starts(&all, reports).await?.into_iter();
    Ok(newest(found.filter_map(|(token, last)| Some((*tokens.get(&token)?, last)))))
}

/// The operations of starts that were not the last of their target, in the order of attempts: others came after them, in the rollout or
/// outside of it.
pub(super) async fn earlier(
    store: &Store,
    (id, orders, state): (RolloutId, &Orders, &State),
    lasts: &Lasts,
) -> Answer<Vec<(TargetNumber, Started)>> {
    let several = (0..).zip(&state.targets).filter(|(number, one)| {
        one.attempt > 1 || lasts.get(number).is_some_and(|last| last.is_again)
    });
    let tokens: Vec<(TargetNumber, ClientToken)> = several
        .flat_map(|(number, one)| (1..=one.attempt).map(move |attempt| (number, attempt)))
        .map(|(number, attempt)| (number, token(id, orders, number, attempt)))
        .collect();
    let mut earlier = Vec::new();
    for tokens in tokens.chunks(AT_A_TIME) {
        let (numbers, tokens): (Vec<_>, Vec<_>) = tokens.iter().copied().unzip();
        let found = numbers.into_iter().zip(store.started(&tokens).await?);
        // Under the others nothing was accepted.
        let found = found.filter_map(|(number, asked)| Some((number, asked?.ok()?)));
        earlier.extend(
            found.filter(|(number, one)| lasts.get(number).is_none_or(|last| last.of.id != one.id)),
        );
    }
    Ok(earlier)
}

/// Of how many starts operations with their reports are read at a time.
const AT_A_TIME: usize = 1000;

/// The newest of each target. What was done before its last attempt began says nothing of that.
fn newest(found: impl Iterator<Item = ((TargetNumber, bool), Last)>) -> Lasts {
    let mut lasts: HashMap<TargetNumber, (bool, Last)> = HashMap::new();
    for ((number, is_last), last) in found {
        match lasts.get(&number) {
            Some((_, kept)) if kept.of.id > last.of.id => {}
            Some(_) | None => drop(lasts.insert(number, (is_last || last.is_again, last))),
        }
    }
    lasts.into_iter().filter(|(_, (counts, _))| *counts).map(|(at, (_, last))| (at, last)).collect()
}

/// Whether a target may have been done again: it did not come to a good end, or is to be tried again.
pub(super) fn may_be_done_again(one: &Standing) -> bool {
    match &one.is {
        Is::Waiting { .. } | Is::Releasing { .. } => one.attempt > 0,
        Is::Ended { end, .. } => !matches!(end, End::Updated | End::Unchanged),
        Is::Starting { .. } | Is::Running { .. } | Is::Recalled { .. } => false,
    }
}

/// What the run is told of it.
pub(super) fn happened(state: &State, lasts: &Lasts) -> Vec<Event> {
    let targets = (0..).zip(&state.targets);
    let done = targets.filter_map(|(target, one)| {
        let last = lasts.get(&target).filter(|last| last.is_again && may_be_done_again(one))?;
        let end = match last.of.state {
            StateName::Succeeded => End::Updated,
            StateName::Unchanged => End::Unchanged,
            _ => return None,
        };
        Some(Event::DoneAgain { target, attempt: one.attempt, end })
    });
    done.collect()
}

/// A rollout with what was done again of it since its end.
pub(super) fn seen(mut rollout: Rollout, lasts: &Lasts) -> Rollout {
    for event in happened(&rollout.state, lasts) {
        // What is refused has not come to its end in the run; then that is seen first.
        if let Ok(state) = rollout.state.clone().noted(&rollout.orders, event, 0) {
            rollout.state = state;
        }
    }
    rollout
}

/// The same of one of which nothing else is asked. While it runs its driver sees to that.
pub(super) async fn after_its_end(store: &Store, rollout: Rollout) -> Answer<Rollout> {
    if rollout.ended_at.is_none() {
        return Ok(rollout);
    }
    let of = (rollout.id, &*rollout.orders, &rollout.state);
    let lasts = lasts(store, of, Reports::Without, |_, one| may_be_done_again(one)).await?;
    Ok(seen(rollout, &lasts))
}

/// That it was done again, in words, where it was.
pub(super) fn said(last: Option<&Last>) -> Option<String> {
    let Started { id, state, .. } = &last.filter(|last| last.is_again)?.of;
    Some(match state {
        StateName::Succeeded | StateName::Unchanged => format!("done again by operation {id}"),
        StateName::Queued
        | StateName::Dispatching
        | StateName::Running
        | StateName::Stuck
        | StateName::Failed
        | StateName::Cancelled => format!("operation {id}, which does it again, is {state}"),
    })
}

/// Two texts as one.
pub(super) fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nim_shared::id::OperationId;
    use uuid::Uuid;

    use super::*;

    fn last(number: u128, state: StateName, is_again: bool) -> Last {
        let id = OperationId(Uuid::from_u128(number));
        let of = Started {
            id,
            state,
            taken: true,
            cancel_asked: false,
            waits_since: None,
            report: None,
            released: true,
        };
        Last { of, is_again }
    }

    #[test]
    fn what_was_done_again_counts_where_it_came_after_the_last_attempt() {
        use StateName::{Failed, Succeeded};
        let of = |rows: Vec<(bool, Last)>| {
            let found = newest(rows.into_iter().map(|(is_last, last)| ((0, is_last), last)));
            found.get(&0).map(|last| (last.of.id.0.as_u128(), last.is_again))
        };
        let own = |number| last(number, Failed, false);
        let again = |number| last(number, Succeeded, true);
        assert_eq!(of(vec![]), None);
        assert_eq!(of(vec![(true, own(1))]), Some((1, false)));
        assert_eq!(of(vec![(true, again(2))]), Some((2, true)));
        // Of the first attempt, before the second and after it.
        assert_eq!(of(vec![(false, again(2)), (true, own(3))]), Some((3, false)));
        assert_eq!(of(vec![(true, own(3)), (false, again(4))]), Some((4, true)));
        // Nothing was ever accepted for the last attempt.
        assert_eq!(of(vec![(false, own(1))]), None);
        assert_eq!(of(vec![(false, again(2))]), Some((2, true)));
    }

    #[test]
    fn a_run_is_told_of_good_ends_of_what_went_wrong_in_it() {
        let standing = |is, attempt| Standing {
            is,
            attempt,
            withdrawn: 0,
            held: None,
            asks: None,
            drifted: None,
            since: None,
            doubts: BTreeSet::new(),
            trusted: BTreeSet::new(),
        };
        let ended = |end| Is::Ended { end, keeps_capacity: false };
        let stuck = || ended(End::Stuck);
        for (is, attempt, state, is_again, end) in [
            (stuck(), 2, StateName::Succeeded, true, Some(End::Updated)),
            (stuck(), 1, StateName::Unchanged, true, Some(End::Unchanged)),
            (stuck(), 1, StateName::Failed, true, None),
            (stuck(), 1, StateName::Running, true, None),
            (stuck(), 1, StateName::Succeeded, false, None),
            (ended(End::Updated), 1, StateName::Succeeded, true, None),
            (Is::Waiting { from: 9 }, 1, StateName::Succeeded, true, Some(End::Updated)),
            (Is::Running { since: 9 }, 1, StateName::Succeeded, true, None),
        ] {
            let (mut state_of_run, lasts) = (begun(), Lasts::from([(0, last(1, state, is_again))]));
            state_of_run.targets = vec![standing(is.clone(), attempt)];
            let told = end.map(|end| Event::DoneAgain { target: 0, attempt, end });
            assert_eq!(happened(&state_of_run, &lasts), Vec::from_iter(told), "{is:?} {state}");
        }
    }

    fn begun() -> State {
        let file = nim_rollout::testing::rollout("");
        let snapshot = nim_rollout::testing::fleet(
            nim_rollout::testing::Fleet {
                frames: 1,
                lpars: (1, 1),
                frames_per_hmc: 1,
                processors: nim_rollout::testing::Processors::FollowMemory,
            },
            1,
        );
        let begin = snapshot.at;
        let input =
            nim_rollout::plan::Input { file: &file, snapshot: &snapshot, history: &[], begin };
        State::planned(&Orders::new(&input, &nim_rollout::plan::make(&input), 1000))
    }
}
