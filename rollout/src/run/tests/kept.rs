//! Those of whom somebody else decides when they come.

use super::*;

#[test]
fn a_start_that_was_not_begun_comes_again_and_after_an_abort_never() {
    let (mut case, first) = Case::started("limits: {in_flight: 1}\n", &one_each(2));
    assert_eq!(first, [0]);
    let not_begun = |attempt| Event::NotBegun { target: 0, attempt };
    case.does(Event::Pause);
    assert_eq!(case.does(not_begun(1)), NOBODY);
    assert_eq!(case.does(not_begun(1)), NOBODY, "told twice");
    // The HMC was asked for its start, so that the next one there comes a minute later.
    case.now = 60;
    assert_eq!(case.does(Event::Resume), [0], "its place was free again");
    assert_eq!(case.state.targets[0].attempt, 2, "nothing is asked for twice by one name");
    assert_eq!(case.tries(not_begun(1)), Err(Refused::NotOfTarget(0)));
    case.does(Event::Abort { running: Running::Drain });
    assert_eq!(case.does(not_begun(2)), NOBODY);
    assert_eq!(case.state.phase, Phase::Ended);
    // What has begun has.
    let (mut case, _) = Case::started("", &one_each(1));
    case.does(Event::Taken { target: 0, attempt: 1 });
    assert_eq!(case.tries(not_begun(1)), Err(Refused::NotOfTarget(0)));
}

#[test]
fn a_start_that_was_not_begun_is_no_try() {
    let text = "retry: {unreachable: {times: 1, after: 1m}}\napart: {lists: [[lpar0, lpar1]]}\n";
    let (mut case, first) = Case::started(text, &one_each(2));
    assert_eq!(first, [0]);
    case.does(Event::Looked { target: 0, held: Some("a path is lost".to_owned()) });
    let partner = case.does(Event::NotBegun { target: 0, attempt: 1 });
    assert_eq!(partner, [1], "nothing of its partner is yet to be verified");
    assert_eq!(case.state.targets[0].tries(), 0);
    assert_eq!(case.ends(1, End::Updated), NOBODY);
    case.now = 60;
    assert_eq!(case.does(Event::Looked { target: 0, held: None }), [0]);
    assert_eq!(case.ends(0, End::Unreachable), NOBODY);
    let again = Is::Waiting { from: 120 };
    assert_eq!((case.state.targets[0].tries(), &case.state.targets[0].is), (1, &again));
    case.now = 120;
    assert_eq!(case.does(Event::Tick), [0]);
    case.ends(0, End::Unreachable);
    assert!(matches!(case.state.targets[0].is, Is::Ended { end: End::Unreachable, .. }));
}

#[test]
fn an_update_that_waits_for_capacity_until_its_window_is_too_short_is_called_back() {
    // It lasts 10 minutes: the last start is at 00:20.
    let window = "windows: [{name: n, zone: UTC, from: '00:00', to: '00:30'}]\n";
    let (mut case, first) = Case::started(window, &one_each(1));
    assert_eq!(first, [0]);
    let waits = |since| Event::WaitsForCapacity { target: 0, attempt: 1, since };
    let is = |case: &Case| case.state.targets[0].is.clone();
    case.now = 300;
    case.does(Event::Taken { target: 0, attempt: 1 });
    // From 00:05 on it may be carried on by 15 minutes.
    case.now = 600 + 900;
    assert_eq!(case.tries(waits(600)), Ok(vec![]));
    assert_eq!(is(&case), Is::Running { since: 300 });
    case.now += 1;
    let cancel = Action::Cancel { target: 0, attempt: 1 };
    assert_eq!(case.tries(waits(600)), Ok(vec![cancel]));
    assert_eq!((is(&case), case.state.open_actions()), (Is::Recalled { since: 300 }, vec![cancel]));
    assert_eq!(case.tries(waits(600)), Ok(vec![]), "told twice");
    let called_back = case.state.clone();
    case.does(Event::NotBegun { target: 0, attempt: 1 });
    assert_eq!((is(&case), case.state.targets[0].tries()), (Is::Waiting { from: 1501 }, 0));
    case.now = 86_400;
    assert_eq!(case.does(Event::Tick), [0], "in its next window");
    // After an abort it does not come, and what had capacity at that moment goes on.
    (case.state, case.now) = (called_back.clone(), 1502);
    case.does(Event::Abort { running: Running::Drain });
    case.does(Event::NotBegun { target: 0, attempt: 1 });
    assert!(matches!(is(&case), Is::Ended { end: End::NotStarted { .. }, .. }), "{:?}", is(&case));
    case.state = called_back;
    case.ends(0, End::Updated);
    assert_eq!(is(&case), Is::Ended { end: End::Updated, keeps_capacity: false });
}

#[test]
fn an_ordinary_wait_for_capacity_calls_nothing_back() {
    // It is started at the last moment.
    let window = "windows: [{name: n, zone: UTC, from: '00:00', to: '00:10'}]\n";
    let (mut case, first) = Case::started(window, &one_each(1));
    assert_eq!(first, [0]);
    let waits = Event::WaitsForCapacity { target: 0, attempt: 1, since: 60 };
    case.now = 60;
    assert_eq!(case.tries(waits.clone()), Ok(vec![]), "nobody has taken it");
    case.does(Event::Taken { target: 0, attempt: 1 });
    case.now = 90;
    assert_eq!(case.tries(waits.clone()), Ok(vec![]));
    case.now = 91;
    assert_eq!(case.tries(waits), Ok(vec![Action::Cancel { target: 0, attempt: 1 }]));
}

#[test]
fn what_is_approved_as_it_is_now_asks_again_when_it_is_other_than_that() {
    let mut case = Case::new("limits: {in_flight: 1}\n", &one_each(2));
    let fingerprint = case.orders.fingerprint;
    case.does(drifted(1, "another level"));
    assert_eq!(case.does(Event::Start { by: REQUESTER, fingerprint }), [0]);
    let asks = |case: &Case| case.state.targets[1].asks.clone();
    let approve = || Event::ApproveTargets { by: APPROVER, targets: vec![1] };
    assert_eq!(asks(&case).as_deref(), Some("another level"));
    let asked = |case: &Case, targets: &[u32]| case.orders.asked(&case.state, targets);
    let seen = asked(&case, &[1]);
    assert!(
        seen != fingerprint
            && asked(&case, &[1, 0, 1]) == seen
            && asked(&case, &[0]) == fingerprint
    );
    let mut other = Case { orders: case.orders.clone(), state: case.state.clone(), now: case.now };
    other.does(drifted(1, "more memory"));
    assert_ne!(asked(&other, &[1]), seen, "it was another one that was seen");
    case.does(approve());
    assert_eq!(asked(&case, &[1]), fingerprint, "it is asked about no more");
    // It is looked at again and again while it waits for its place.
    case.does(drifted(1, "another level"));
    assert_eq!(asks(&case), None);
    case.does(drifted(1, "more memory"));
    case.does(drifted(1, "other fixes"));
    assert_eq!(asks(&case).as_deref(), Some("more memory; other fixes"));
    assert_eq!(case.ends(0, End::Updated), NOBODY);
    assert_eq!(case.does(approve()), [1]);
}

#[test]
fn who_is_held_back_keeps_no_wave_for_good_and_counts_for_its_own() {
    let text = "waves: [{name: a, take: 2, soak: 1h}, {name: b}]\nstop: {wave: {failed: 1}}\n";
    let mut case = Case::new(text, &one_each(3));
    let fingerprint = case.orders.fingerprint;
    let held = |held: Option<&str>| Event::Looked { target: 1, held: held.map(str::to_owned) };
    case.does(held(Some("a path is lost")));
    assert_eq!(case.does(Event::Start { by: REQUESTER, fingerprint }), [0]);
    let not_now: Result<Vec<Action>, _> =
        Err(Refused::NotNow("has no wave that waits to be promoted"));
    assert_eq!(case.tries(Event::Promote), not_now, "one of it runs");
    assert_eq!(case.ends(0, End::Updated), NOBODY);
    assert_eq!(case.does(Event::Promote), [2]);
    assert_eq!((case.state.wave, case.state.gate), (1, Gate::Open));
    assert_eq!(case.does(held(None)), [1], "it comes when it may");
    assert_eq!(case.ends(1, REMEDY), NOBODY);
    assert_eq!(case.state.phase, Phase::Stopped { why: "1 failed, and it stops at 1".to_owned() });
    assert_eq!(case.tries(Event::Promote), not_now, "no wave comes after the last");
}
