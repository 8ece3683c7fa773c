//! What went wrong and somebody did again outside of the run.

use super::*;

/// Target `target` was done again to this end.
fn again(case: &mut Case, target: u32, end: End) -> Result<Vec<Action>, Refused> {
    let attempt = case.state.targets[target as usize].attempt;
    case.tries(Event::DoneAgain { target, attempt, end })
}

const fn over(end: End) -> Is {
    Is::Ended { end, keeps_capacity: false }
}

#[test]
fn what_somebody_did_again_counts_as_done_and_is_not_started_a_second_time() {
    let text = "limits: {in_flight: 3}\nretry: {later: {times: 1, after: 10m}}\n";
    let (mut case, first) = Case::started(text, &one_each(4));
    assert_eq!(first, [0, 1, 2]);
    assert_eq!(case.ends(0, REMEDY), [3]);
    assert_eq!(case.ends(1, LATER), NOBODY);
    assert_eq!(case.state.targets[1].is, Is::Waiting { from: 600 });
    assert_eq!(again(&mut case, 0, End::Updated), Ok(vec![]));
    assert_eq!(again(&mut case, 1, End::Unchanged), Ok(vec![]));
    assert_eq!(case.state.targets[0].is, over(End::Updated));
    assert_eq!(case.state.targets[1].is, over(End::Unchanged));
    assert_eq!(case.state.counts(&case.orders, None), super::super::Counts::default());
    case.now = 600;
    assert_eq!(case.does(Event::Tick), NOBODY, "what was to be tried again is done");
    let retry = case.tries(Event::Retry { targets: vec![0] });
    assert_eq!(retry, Err(Refused::NoRetry { target: 0, why: "it is done" }));

    // What the run has under way itself ends as that ends, and what is done stays so.
    assert_eq!(again(&mut case, 2, End::Updated), Err(Refused::NotOfTarget(2)));
    let stale = Event::DoneAgain { target: 0, attempt: 2, end: End::Updated };
    assert_eq!(case.tries(stale), Err(Refused::NotOfTarget(0)));
    assert_eq!(again(&mut case, 0, End::Unchanged), Ok(vec![]));
    assert_eq!(case.state.targets[0].is, over(End::Updated));
    case.ends(2, End::Updated);
    case.ends(3, REMEDY);
    assert_eq!(case.state.phase, Phase::Ended);
    // It is told so after the end of the run too.
    assert_eq!(again(&mut case, 3, End::Updated), Ok(vec![]));
    assert_eq!(case.state.targets[3].is, over(End::Updated));
    assert_eq!(case.state.phase, Phase::Ended);
}

#[test]
fn what_never_began_and_what_keeps_its_memory_stay_so() {
    let (mut case, _) = Case::started("limits: {in_flight: 1}\n", &one_each(2));
    assert_eq!(again(&mut case, 1, End::Updated), Err(Refused::NotOfTarget(1)), "it waits");
    case.does(Event::Taken { target: 0, attempt: 1 });
    case.now = case.orders.deadlines.update.get();
    assert_eq!(case.does(Event::Tick), NOBODY);
    assert_eq!(again(&mut case, 0, End::Updated), Ok(vec![]));
    let kept = Is::Ended { end: End::Updated, keeps_capacity: true };
    assert_eq!(case.state.targets[0].is, kept, "its place is not given away");
}

#[test]
fn a_wave_is_healthy_when_what_failed_was_done_again() {
    let text = "waves: [{name: a, take: 2, healthy: 100%, soak: 1h}, {name: b}]\n";
    let (mut case, _) = Case::started(text, &one_each(4));
    case.ends(0, End::Updated);
    case.ends(1, REMEDY);
    assert_eq!(case.state.gate, Gate::Promotion);
    assert_eq!(again(&mut case, 1, End::Updated), Ok(vec![]));
    assert_eq!(case.state.gate, Gate::Soaking { until: 3600 });
}

#[test]
fn no_more_may_go_wrong_because_what_was_forgiven_is_mended() {
    let text = "limits: {in_flight: 1}\nstop: {whole: {failed: 1}}\n";
    let (mut case, _) = Case::started(text, &one_each(4));
    case.ends(0, REMEDY);
    assert!(matches!(case.state.phase, Phase::Stopped { .. }));
    assert_eq!(case.does(Event::Resume), [1]);
    assert_eq!(again(&mut case, 0, End::Updated), Ok(vec![]));
    assert_eq!(case.ends(1, REMEDY), NOBODY);
    assert!(matches!(case.state.phase, Phase::Stopped { .. }), "{:?}", case.state.phase);
}
