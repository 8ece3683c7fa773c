use nim_shared::hook::{HookPlace, HookPoint, NamedHook};
use nim_shared::operation::{FollowUp, Outcome, Software};

use super::*;
use crate::engine::operation::{Operation, State};
use crate::store::operation::Step;
use crate::store::testing;
use crate::store::testing::world::{master, no_limits, request, site};

/// Accepts an operation on `lpar01` with these hooks, and claims it.
async fn with(store: &Store, hooks: &[&str]) -> (MasterId, OperationId, Fence) {
    site(store, 1).await;
    let (token, batch, mut operations) = request(&["lpar01"]);
    operations[0].hooks =
        hooks.iter().map(|hook| NamedHook::read(hook, HookPlace::Master).unwrap()).collect();
    store.accept(token, &batch, &operations).await.unwrap();
    let owner = master(store).await;
    let record = store.claim(owner, &no_limits(), 1).await.unwrap().pop().unwrap();
    (owner, record.id, record.fence)
}

async fn states(store: &Store, operation: OperationId) -> Vec<String> {
    let hooks = store.hooks(operation).await.unwrap();
    hooks.iter().map(|one| format!("{} {}", one.hook.name, one.hook.state)).collect()
}

fn end(state: HookState, status: Option<i32>) -> HookEnd {
    HookEnd { state, status, output: "said\0\n".to_owned() }
}

/// Ends the operation with `outcome`.
async fn finish(store: &Store, operation: OperationId, fence: Fence, outcome: Outcome) {
    let report = Report::of(outcome.clone(), "it went so");
    let operation_now = Operation { state: State::Ended { outcome }, cancel_asked: false };
    let step = Step { operation: Some(operation_now), report: Some(report), ..Step::default() };
    store.transition(operation, fence, &step).await.unwrap();
}

#[tokio::test]
async fn a_hook_is_begun_once_and_by_the_owner_alone() {
    let store = testing::store().await;
    let (owner, operation, fence) = with(&store, &["pre:look", "post:tell:ignore"]).await;
    assert_eq!(states(&store, operation).await, ["look due", "tell due"]);
    let other = master(&store).await;
    let stale = Fence(fence.0 - 1);
    assert_eq!(store.begin_hook(other, operation, stale, 1).await.unwrap(), None);
    let begun = store.begin_hook(owner, operation, fence, 1).await.unwrap().unwrap();
    assert_eq!((begun.number, begun.hook.to_string().as_str()), (1, "pre:look:fail"));
    assert_eq!(store.begin_hook(owner, operation, fence, 1).await.unwrap(), None);
    // Nothing comes after an operation that goes on.
    assert_eq!(store.begin_late_hook(owner).await.unwrap(), None);
    let failed = end(HookState::Failed, Some(3));
    assert!(!store.end_hook(other, operation, 1, &failed).await.unwrap());
    assert!(store.end_hook(owner, operation, 1, &failed).await.unwrap());
    assert!(
        !store.end_hook(owner, operation, 1, &end(HookState::Succeeded, Some(0))).await.unwrap()
    );
    let hooks = store.hooks(operation).await.unwrap();
    assert_eq!((hooks[0].hook.status, hooks[0].hook.output.as_str()), (Some(3), "said\n"));
    assert_eq!(states(&store, operation).await, ["look failed", "tell due"]);
}

#[tokio::test]
async fn what_comes_after_an_end_is_begun_in_its_order_and_the_rest_is_left_out() {
    let store = testing::store().await;
    let hooks = ["before-update:look", "on-failure:page", "post:one", "post:two:ignore"];
    let (owner, operation, fence) = with(&store, &hooks).await;
    finish(&store, operation, fence, Outcome::Succeeded { follow_up: vec![] }).await;
    let first = store.begin_late_hook(owner).await.unwrap().unwrap();
    assert_eq!(first.hook.name.as_str(), "one");
    assert_eq!(first.report.as_ref().map(|report| report.summary.as_str()), Some("it went so"));
    assert_eq!(store.begin_late_hook(owner).await.unwrap(), None, "the second waits for it");
    assert!(store.end_hook(owner, operation, 3, &end(HookState::Failed, None)).await.unwrap());
    let warning = ("NLU-0168", "one failed".to_owned());
    store.warn_of_hook(operation, &warning).await.unwrap();
    assert_eq!(store.begin_late_hook(owner).await.unwrap().unwrap().number, 4);
    assert_eq!(store.settle_hooks(&[]).await.unwrap(), []);
    let all = ["look left_out", "page left_out", "one failed", "two begun"];
    assert_eq!(states(&store, operation).await, all);
    let report = store.operation(operation).await.unwrap().report.unwrap();
    assert_eq!(report.summary, "it went so; one failed");
    assert_eq!(report.codes, ["NLU-0168"]);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![FollowUp::Hook] });
}

#[tokio::test]
async fn a_hook_whose_master_is_gone_is_unknown_and_never_begun_again() {
    let store = testing::store().await;
    let hooks = ["pre:look", "on-failure:page"];
    let (owner, operation, fence) = with(&store, &hooks).await;
    // One that is begun after a look at what was begun is no business of that look.
    assert_eq!(store.begun_hooks(owner).await.unwrap(), []);
    store.begin_hook(owner, operation, fence, 1).await.unwrap().unwrap();
    assert_eq!(store.settle_hooks(&[]).await.unwrap(), []);
    assert_eq!(store.begun_hooks(owner).await.unwrap(), [(operation, 1)]);
    let other = master(&store).await;
    assert_eq!(store.begun_hooks(other).await.unwrap(), [], "another cannot know");
    finish(&store, operation, fence, Outcome::Failed { software: Software::Unchanged }).await;
    let late = store.begin_late_hook(owner).await.unwrap().unwrap();
    assert_eq!(late.hook.at, HookPoint::OnFailure);
    // The master is alive and runs the first no more.
    let lost = store.settle_hooks(&[(operation, 1)]).await.unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].0, lost[0].1.number), (operation, 1));
    assert!(
        !store.end_hook(owner, operation, 1, &end(HookState::Succeeded, Some(0))).await.unwrap()
    );
    // It is gone.
    store.resign(owner).await.unwrap();
    assert_eq!(store.settle_hooks(&[]).await.unwrap().len(), 1);
    assert_eq!(states(&store, operation).await, ["look unknown", "page unknown"]);
    assert_eq!(store.begin_late_hook(other).await.unwrap(), None);
}
