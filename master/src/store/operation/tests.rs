use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nim_shared::frame::Position;
use nim_shared::id::{Fence, MasterId, OperationId};
use nim_shared::operation::{Outcome as Ended, Software, StateName, StuckReason};
use nim_shared::stage::{Point, Stage};
use nim_shared::unit::Seconds;
use uuid::Uuid;

use super::*;
use crate::engine::deadline::Deadlines;
use crate::engine::operation::{Action, Event, Operation, State};
use crate::store::object::Change as Edit;
use crate::store::testing::world::{
    SOMEBODY, accepted, adopted, claimed, master, name, no_limits, object, request, site,
};
use crate::store::{Error, Store, testing};

const LPARS: [&str; 6] = ["lpar01", "lpar02", "lpar03", "lpar04", "lpar05", "lpar06"];

fn limits(global: u32, per_frame: u32, per_hmc: u32) -> Limits {
    Limits { global, per_frame, per_hmc, deadlines: Deadlines::default() }
}

/// The engine's step for `event`.
fn step(record: &Record, event: Event) -> Step {
    let (operation, actions) = record.operation.after(event).unwrap();
    Step::new(operation, actions)
}

async fn end(store: &Store, record: &Record) {
    let step = Step::new(ended(), vec![Action::Notify, Action::CloseSession]);
    store.transition(record.id, record.fence, &step).await.unwrap();
}

fn ended() -> Operation {
    let state = State::Ended { outcome: Ended::Failed { software: Software::Unchanged } };
    Operation { state, cancel_asked: false }
}

fn stuck() -> Operation {
    let state = State::Stuck { reason: StuckReason::UndoFailed, run: None };
    Operation { state, cancel_asked: false }
}

#[tokio::test]
async fn a_claim_takes_the_oldest_and_raises_the_fence() {
    let store = testing::store().await;
    site(&store, 3).await;
    let ids = accepted(&store, &["lpar01", "lpar02", "lpar03"]).await;
    let owner = master(&store).await;
    let taken = store.claim(owner, &no_limits(), 2).await.unwrap();
    assert_eq!(taken.iter().map(|one| one.id).collect::<Vec<_>>(), ids[..2]);
    for one in &taken {
        assert_eq!(one.owner, Some(owner));
        assert!(one.fence > Fence(0));
        assert_eq!(one.operation.name(), StateName::Dispatching);
        assert!(one.deadline.is_some());
        assert_eq!(store.operation(one.id).await.unwrap(), *one);
    }
    assert_eq!(store.operation(ids[2]).await.unwrap().owner, None);
}

#[tokio::test]
async fn masters_that_claim_at_once_share_the_queue_and_exceed_no_limit() {
    let store = testing::store().await;
    site(&store, 6).await;
    accepted(&store, &LPARS).await;
    let claim = async || {
        let owner = master(&store).await;
        store.claim(owner, &limits(100, 4, 100), 3).await.unwrap()
    };
    let (a, b, c) = tokio::join!(claim(), claim(), claim());
    let all: Vec<OperationId> = [a, b, c].concat().iter().map(|one| one.id).collect();
    assert_eq!(all.len(), 4, "the frame takes four");
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4, "each goes to one");
}

#[tokio::test]
async fn every_limit_counts_and_what_one_holds_back_does_not_hold_up_others() {
    let store = testing::store().await;
    site(&store, 6).await;
    let owner = master(&store).await;
    // A batch that wants one at a time stands first in the queue.
    let (token, mut one_by_one, operations) = request(&["lpar01", "lpar02", "lpar03"]);
    one_by_one.concurrent = Some(1);
    store.accept(token, &one_by_one, &operations).await.unwrap();
    accepted(&store, &["lpar04", "lpar05", "lpar06"]).await;
    let claim = async |limits: Limits| -> Vec<String> {
        let taken = store.claim(owner, &limits, 100).await.unwrap();
        taken.iter().map(|one| one.lpar.to_string()).collect()
    };
    assert_eq!(claim(limits(100, 2, 100)).await, ["lpar01", "lpar04"]);
    let held = async |limits: Limits| -> Vec<String> {
        let all = store.operations(&OperationFilter::default(), None, 100).await.unwrap();
        let mut all = all.items;
        store.say_what_holds(&limits, &mut all).await.unwrap();
        let said = |one: Record| one.waits_for.map(|what| format!("{}: {what}", one.lpar));
        all.into_iter().rev().filter_map(said).collect()
    };
    assert_eq!(
        held(limits(100, 2, 100)).await,
        [
            "lpar02: limit: 1 of this request at a time",
            "lpar03: limit: 1 of this request at a time",
            "lpar05: limit: 2 at a time on frame p10a",
            "lpar06: limit: 2 at a time on frame p10a",
        ]
    );
    assert_eq!(
        held(limits(2, 9, 9)).await[2..],
        ["lpar05: limit: 2 at a time in all", "lpar06: limit: 2 at a time in all"]
    );
    assert_eq!(held(limits(100, 3, 100)).await.len(), 2, "the others wait for nothing but a look");
    assert_eq!(claim(limits(100, 2, 100)).await, [""; 0]);
    assert_eq!(claim(limits(2, 100, 100)).await, [""; 0]);
    assert_eq!(claim(limits(100, 100, 2)).await, [""; 0]);
    assert_eq!(claim(limits(3, 100, 100)).await, ["lpar05"]);
    // The frame's own limit goes before the general one.
    let frame = store.object(&name("p10a")).await.unwrap().object;
    let mut draft = nim_shared::object::Draft::of(&frame);
    draft.set("limit", "3");
    let frame = draft.finish(name("p10a")).unwrap();
    store.apply(vec![Edit::Put(frame)], crate::store::object::Mode::Store, SOMEBODY).await.unwrap();
    assert_eq!(claim(limits(100, 100, 100)).await, [""; 0]);
}

#[tokio::test]
async fn a_stuck_operation_keeps_its_place_on_the_frame_only() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (first, owner) = claimed(&store, "lpar01").await;
    store.transition(first.id, first.fence, &Step::new(stuck(), vec![])).await.unwrap();
    accepted(&store, &["lpar02"]).await;
    assert_eq!(store.claim(owner, &limits(1, 1, 1), 1).await.unwrap(), []);
    assert_eq!(store.claim(owner, &limits(1, 2, 1), 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_started_past_the_time_limit_of_its_request() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (token, mut batch, operations) = request(&["lpar01"]);
    batch.time_limit = Some(Seconds(0));
    store.accept(token, &batch, &operations).await.unwrap();
    let owner = master(&store).await;
    assert_eq!(store.claim(owner, &no_limits(), 1).await.unwrap(), []);
    let late = store.overdue(owner, 10).await.unwrap();
    assert_eq!(late.len(), 1);
    let step = step(&late[0], Event::DeadlinePassed);
    store.transition(late[0].id, late[0].fence, &step).await.unwrap();
    let after = store.operation(late[0].id).await.unwrap();
    assert_eq!(after.operation.name(), StateName::Cancelled);
    assert!(after.ended_at.is_some());
}

#[tokio::test]
async fn what_a_master_without_a_lease_held_is_taken_over_and_it_can_write_no_more() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (held, former) = claimed(&store, "lpar01").await;
    let other = master(&store).await;
    assert_eq!(store.take_over(other, 10).await.unwrap(), [], "while the lease runs");
    store.resign(former).await.unwrap();
    let taken = store.take_over(other, 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].owner, Some(other));
    assert!(taken[0].fence > held.fence);
    assert_eq!(taken[0].operation, held.operation, "the state is as the former owner left it");
    match store.transition(held.id, held.fence, &Step::new(ended(), vec![])).await {
        Err(Error::Fenced { operation, fence }) => {
            assert_eq!((operation, fence), (held.id, held.fence))
        }
        result => panic!("{result:?}"),
    }
    assert!(matches!(start(&store, &held).await, Err(Error::Fenced { .. })));
    assert_eq!(store.operation(held.id).await.unwrap(), taken[0]);
    assert_eq!(store.take_over(master(&store).await, 10).await.unwrap(), []);
}

#[tokio::test]
async fn masters_that_take_over_at_once_share() {
    let store = testing::store().await;
    site(&store, 6).await;
    accepted(&store, &LPARS).await;
    let former = master(&store).await;
    let claimed = store.claim(former, &no_limits(), 6).await.unwrap();
    let fences: HashMap<OperationId, Fence> =
        claimed.into_iter().map(|one| (one.id, one.fence)).collect();
    store.resign(former).await.unwrap();
    let take = async || store.take_over(master(&store).await, 4).await.unwrap();
    let (a, b, c) = tokio::join!(take(), take(), take());
    let mut owners: HashMap<OperationId, usize> = HashMap::new();
    for one in [a, b, c].concat() {
        *owners.entry(one.id).or_default() += 1;
        assert!(one.fence > fences[&one.id]);
    }
    assert_eq!(owners.values().copied().collect::<Vec<_>>(), [1; 6]);
}

#[tokio::test]
async fn start_is_committed_once_and_not_after_a_cancel() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let Go::Ahead(operation) = start(&store, &one).await.unwrap() else {
        panic!("nobody cancelled")
    };
    assert_eq!(store.operation(one.id).await.unwrap().operation, operation);
    assert!(matches!(start(&store, &one).await, Err(Error::WrongState { .. })));
    let (two, owner) = claimed(&store, "lpar02").await;
    let answer = store.ask_cancel(two.id, SOMEBODY).await.unwrap();
    assert_eq!(answer, CancelAnswer::Noted { owner: Some(owner) });
    assert_eq!(start(&store, &two).await.unwrap(), Go::CancelAsked);
    assert_eq!(store.asked_cancels(owner).await.unwrap(), [two.id]);
    let heard = step(&two, Event::CancelAsked);
    store.transition(two.id, two.fence, &heard).await.unwrap();
    assert_eq!(store.asked_cancels(owner).await.unwrap(), []);
    let after = store.operation(two.id).await.unwrap();
    assert_eq!(after.operation.name(), StateName::Cancelled);
    assert_eq!(after.cancel.map(|asked| asked.by), Some(SOMEBODY));
    assert_eq!(after.owner, None);
}

#[tokio::test]
async fn of_starts_that_are_committed_together_each_is_judged_by_itself() {
    let store = testing::store().await;
    site(&store, 4).await;
    accepted(&store, &["lpar01", "lpar02", "lpar03"]).await;
    let owner = master(&store).await;
    let claimed = store.claim(owner, &no_limits(), 3).await.unwrap();
    let [good, stale, cancelled] = claimed.try_into().unwrap();
    store.ask_cancel(cancelled.id, SOMEBODY).await.unwrap();
    let raised = store.claim_again(owner, stale.id).await.unwrap().unwrap();
    let unknown = Starting { operation: OperationId(Uuid::nil()), ..starting(&good) };
    let twice = starting(&good);
    let of = |one| starting(one);
    let all = [unknown, of(&stale), of(&cancelled), of(&good), twice];
    let answers = store.commit_starts(&all).await.unwrap();
    let [unknown, behind, asked, ahead, again] = answers.try_into().unwrap();
    assert!(matches!(unknown, Err(Error::NoSuchOperation { .. })), "{unknown:?}");
    assert!(matches!(behind, Err(Error::Fenced { .. })), "{behind:?}");
    assert_eq!(asked.unwrap(), Go::CancelAsked);
    let Go::Ahead(operation) = ahead.unwrap() else { panic!("nobody cancelled") };
    assert!(again.is_err(), "one start is told once: {again:?}");
    let now = store.operation(good.id).await.unwrap();
    assert_eq!(now.operation, operation);
    assert!(now.deadline < good.deadline, "it is that of an answer, a minute from now");
    assert_eq!(store.operation(stale.id).await.unwrap(), raised, "nothing of it is stored");
    assert_eq!(store.operation(cancelled.id).await.unwrap().operation, cancelled.operation);
}

/// That `start` is about to leave for an operation as it was claimed.
async fn start(store: &Store, one: &Record) -> Result<Go, Error> {
    store.commit_starts(&[starting(one)]).await.unwrap().remove(0)
}

fn starting(one: &Record) -> Starting {
    Starting { operation: one.id, fence: one.fence, deadline: Duration::from_secs(60) }
}

#[tokio::test]
async fn an_owner_claims_again_what_is_its_own_and_open_and_nothing_else() {
    let store = testing::store().await;
    site(&store, 2).await;
    let ids = accepted(&store, &["lpar01", "lpar02"]).await;
    let (owner, other) = (master(&store).await, master(&store).await);
    let first = store.claim(owner, &no_limits(), 1).await.unwrap().remove(0);
    assert_eq!(store.claim_again(other, ids[0]).await.unwrap(), None);
    assert_eq!(store.claim_again(owner, ids[1]).await.unwrap(), None);
    let again = store.claim_again(owner, ids[0]).await.unwrap().unwrap();
    assert!(again.fence > first.fence);
    let stale = store.transition(ids[0], first.fence, &Step::default()).await;
    assert!(matches!(stale, Err(Error::Fenced { .. })), "{stale:?}");
}

#[tokio::test]
async fn a_fence_lies_above_those_that_a_failover_forgot() {
    let store = testing::store().await;
    site(&store, 1).await;
    accepted(&store, &["lpar01"]).await;
    let before = store.now().await.unwrap();
    let claimed = store.claim(master(&store).await, &no_limits(), 1).await.unwrap().remove(0);
    // Whatever the row said: a fence given before this moment is below it.
    let milliseconds = u64::try_from(before.get().unix_timestamp_nanos() / 1_000_000).unwrap();
    assert!(claimed.fence >= Fence(milliseconds));
}

#[tokio::test]
async fn a_cancel_that_comes_too_late_is_not_kept() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let begun = [Event::Entered(Stage::Update), Event::Passed(Point::InstallBegun)];
    for event in [Event::StartCommitted, Event::Taken].into_iter().chain(begun) {
        let now = store.operation(one.id).await.unwrap();
        store.transition(one.id, one.fence, &step(&now, event)).await.unwrap();
    }
    assert_eq!(store.ask_cancel(one.id, SOMEBODY).await.unwrap(), CancelAnswer::TooLate);
    assert!(store.operation(one.id).await.unwrap().cancel.is_none());
}

#[tokio::test]
async fn what_waits_in_the_queue_is_cancelled_at_once() {
    let store = testing::store().await;
    site(&store, 1).await;
    let id = accepted(&store, &["lpar01"]).await[0];
    assert_eq!(store.ask_cancel(id, SOMEBODY).await.unwrap(), CancelAnswer::Cancelled);
    assert_eq!(store.ask_cancel(id, SOMEBODY).await.unwrap(), CancelAnswer::Over);
    let after = store.operation(id).await.unwrap();
    assert_eq!(after.operation.name(), StateName::Cancelled);
    assert!(after.fence > Fence(0));
    accepted(&store, &["lpar01"]).await;
}

#[tokio::test]
async fn a_cancel_that_meets_a_return_to_the_queue_is_not_forgotten() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, owner) = claimed(&store, "lpar01").await;
    store.ask_cancel(one.id, SOMEBODY).await.unwrap();
    // The owner has not heard of it, and hears of a tombstone.
    store.transition(one.id, one.fence, &step(&one, Event::Tombstoned)).await.unwrap();
    assert_eq!(store.claim(owner, &no_limits(), 1).await.unwrap(), []);
    assert_eq!(store.operation(one.id).await.unwrap().operation.name(), StateName::Cancelled);
}

#[tokio::test]
async fn only_what_is_stuck_is_resolved_and_only_as_it_was_seen() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let verdict = |seen| Verdict {
        who: SOMEBODY,
        reason: "looked at it on the HMC".to_owned(),
        outcome: Ended::Failed { software: Software::Unchanged },
        seen,
    };
    assert!(matches!(store.resolve(one.id, verdict(None)).await, Err(Error::WrongState { .. })));
    store.transition(one.id, one.fence, &Step::new(stuck(), vec![])).await.unwrap();
    let event = testing::world::event(one.id, 1, 1);
    let part = testing::world::batched(&one, vec![event]);
    store.append(vec![part]).await.unwrap().remove(0).unwrap();
    let seen = |seq| Some((nim_shared::id::Epoch(1), nim_shared::id::Seq(seq)));
    assert!(matches!(store.resolve(one.id, verdict(seen(0))).await, Err(Error::WrongState { .. })));
    let after = store.resolve(one.id, verdict(seen(1))).await.unwrap();
    assert_eq!(after.operation.name(), StateName::Failed);
    assert_eq!(after.resolution.unwrap().reason, "looked at it on the HMC");
    assert!(matches!(
        store.transition(one.id, one.fence, &Step::new(stuck(), vec![])).await,
        Err(Error::Fenced { .. })
    ));
}

#[tokio::test]
async fn what_follows_is_stored_with_the_transition_and_done_by_whoever_lives() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, first) = claimed(&store, "lpar01").await;
    end(&store, &one).await;
    let open = store.open_actions(one.id).await.unwrap();
    assert_eq!(
        open.iter().map(|a| a.action).collect::<Vec<_>>(),
        [Action::Notify],
        "only what outlives"
    );
    let taken = store.claim_actions(first, 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    let second = master(&store).await;
    assert_eq!(store.claim_actions(second, 10).await.unwrap(), []);
    store.resign(first).await.unwrap();
    let again = store.claim_actions(second, 10).await.unwrap();
    assert_eq!((again.len(), again[0].attempts), (1, 1));
    store.actions_done(first, &[(taken[0].id, NextTry::None)]).await.unwrap();
    assert_eq!(
        store.open_actions(one.id).await.unwrap().len(),
        1,
        "it is no longer the first one's"
    );
    store
        .actions_done(second, &[(again[0].id, NextTry::After(Duration::from_secs(3600)))])
        .await
        .unwrap();
    assert_eq!(store.claim_actions(second, 10).await.unwrap(), [], "not due yet");
    assert_eq!(store.open_actions(one.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn operations_are_listed_newest_first_and_filtered() {
    let store = testing::store().await;
    site(&store, 3).await;
    let ids = accepted(&store, &["lpar01", "lpar02", "lpar03"]).await;
    store.ask_cancel(ids[1], SOMEBODY).await.unwrap();
    let list = async |filter: OperationFilter| -> Vec<OperationId> {
        let page = store.operations(&filter, None, 10).await.unwrap();
        page.items.iter().map(|one| one.id).collect()
    };
    assert_eq!(list(OperationFilter::default()).await, [ids[2], ids[1], ids[0]]);
    let queued = OperationFilter { states: vec![StateName::Queued], ..OperationFilter::default() };
    assert_eq!(list(queued).await, [ids[2], ids[0]]);
    let on = OperationFilter {
        lpars: vec!["*02".parse().unwrap(), "lpar01".parse().unwrap()],
        ..OperationFilter::default()
    };
    assert_eq!(list(on).await, [ids[1], ids[0]]);
    let nobody =
        OperationFilter { owner: Some(MasterId(Uuid::now_v7())), ..OperationFilter::default() };
    assert_eq!(list(nobody).await, []);
    let first = store.operations(&OperationFilter::default(), None, 2).await.unwrap();
    assert_eq!(first.next, Some(ids[1]));
    let rest = store.operations(&OperationFilter::default(), first.next, 2).await.unwrap();
    assert_eq!((rest.items[0].id, rest.next), (ids[0], None));
}

#[tokio::test]
async fn a_step_changes_what_it_names_and_nothing_else() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let step = Step {
        waits_for: Change::Set("room on\u{1b}[2J p10a".to_owned()),
        lost_contact_since: Change::Set(one.created_at),
        estimate: Some((Some(Seconds(77)), None)),
        ..Step::default()
    };
    store.transition(one.id, one.fence, &step).await.unwrap();
    let after = store.operation(one.id).await.unwrap();
    let expected = Record {
        waits_for: Some("room on\u{fffd}[2J p10a".to_owned()),
        lost_contact_since: Some(one.created_at),
        estimated_blackout: Some(Seconds(77)),
        changed_at: after.changed_at,
        ..one.clone()
    };
    assert_eq!(after, expected);
    let back = Step {
        waits_for: Change::Clear,
        lost_contact_since: Change::Clear,
        deadline: Change::Clear,
        ..Step::default()
    };
    store.transition(one.id, one.fence, &back).await.unwrap();
    let after = store.operation(one.id).await.unwrap();
    assert_eq!((after.waits_for, after.lost_contact_since, after.deadline), (None, None, None));
}

#[tokio::test]
async fn the_limit_of_an_hmc_is_its_own() {
    let store = testing::store().await;
    site(&store, 2).await;
    let hmc = object(
        nim_shared::object::ObjectType::Hmc,
        "hmc01",
        &[("if1", "find_net hmc01 0"), ("limit", "1")],
    );
    store.change(&hmc, None, SOMEBODY).await.unwrap();
    accepted(&store, &["lpar01", "lpar02"]).await;
    let owner = master(&store).await;
    assert_eq!(store.claim(owner, &no_limits(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_operation_that_only_an_lpar_knows_is_taken_in_once_and_never_started() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (open, owner) = claimed(&store, "lpar01").await;
    let busy = adopted("lpar01");
    assert!(!store.adopt(&busy, SOMEBODY).await.unwrap(), "one operation per LPAR");
    assert_eq!(store.past(&[busy.id, open.id]).await.unwrap().len(), 1, "nothing of it is left");

    let new = adopted("lpar02");
    assert!(store.adopt(&new, SOMEBODY).await.unwrap());
    assert!(!store.adopt(&new, SOMEBODY).await.unwrap(), "it is known by now");
    assert_eq!(store.claim(owner, &no_limits(), 10).await.unwrap(), [], "it is not in the queue");
    let taken = store.take_over(owner, 10).await.unwrap().pop().expect("nobody owned it");
    assert_eq!(
        (taken.id, taken.lpar.as_str(), taken.position),
        (new.id, "lpar02", Position::START)
    );
    assert_eq!(taken.operation.on_session(), Some(Action::Attach));
    assert_eq!((taken.request, taken.frame), (new.text, Some(name("p10a"))));
    assert!(taken.fence > new.fence, "the agent has seen that one");
    assert_eq!(store.past(&[new.id]).await.unwrap()[0].ended, None);
}
