//! Who is updated and not known to be healthy.

use std::collections::BTreeSet;

use super::super::Doubt;
use super::*;

fn found(what: &str) -> Doubt {
    Doubt::Found { what: what.to_owned() }
}

/// A look at a target that is done.
fn look(case: &Case, target: u32, doubts: &[Doubt]) -> Event {
    let attempt = case.state.targets[target as usize].attempt;
    Event::Doubted { target, attempt, doubts: doubts.iter().cloned().collect() }
}

/// An update ends well and leaves something in doubt, which is known at the same time, also that its memory is back.
fn ends_doubted(case: &mut Case, target: u32, doubts: &[Doubt]) -> Vec<Action> {
    let attempt = case.state.targets[target as usize].attempt;
    let over = Event::Over { target, attempt, end: End::Updated };
    let events = vec![over, Event::Released { target, attempt }, look(case, target, doubts)];
    let (state, actions) = case.state.clone().after_all(&case.orders, events, case.now);
    case.state = state;
    actions
}

#[test]
fn a_partner_of_one_in_doubt_waits_until_that_is_gone_or_somebody_vouches_for_it() {
    let text = "apart: {lists: [[lpar0, lpar1]]}\nlimits: {stagger_hmc: 0s, stagger_vios: 0s}\n";
    let paths = || found("hdisk1: a path is lost");
    let (doubted, first) = Case::started(text, &one_each(2));
    assert_eq!(first, [0]);
    let doubted = || {
        let mut case =
            Case { orders: doubted.orders.clone(), state: doubted.state.clone(), now: 0 };
        assert_eq!(ends_doubted(&mut case, 0, &[paths()]), []);
        assert_eq!(case.state.waits(&case.orders, 1, 0), [Wait::Doubt { of: vec![0] }]);
        case
    };
    let mut case = doubted();
    assert_eq!(case.does(Event::Tick), NOBODY);
    assert_eq!(case.does(look(&case, 0, &[])), [1], "a look found it gone");

    let mut case = doubted();
    let trust = || Event::Trust { targets: vec![0] };
    assert_eq!(case.does(look(&case, 0, &[paths(), found("it is down")])), NOBODY);
    assert_eq!(case.does(trust()), [1]);
    let again = case.tries(trust());
    assert_eq!(again, Err(Refused::NotOfTarget(0)), "nothing is in doubt of it");
    assert!(case.tries(Event::Trust { targets: vec![1] }).is_err(), "it runs");

    // What is found after that is nothing that somebody has vouched for, nor what comes again.
    let mut case = doubted();
    case.does(Event::Pause);
    assert_eq!(case.does(trust()), NOBODY);
    assert!(!case.state.targets[0].is_doubted());
    for (found, is_doubted) in
        [(vec![paths(), found("it is down")], true), (vec![paths()], false), (vec![], false)]
    {
        case.does(look(&case, 0, &found));
        assert_eq!(case.state.targets[0].is_doubted(), is_doubted, "{found:?}");
    }
    case.does(look(&case, 0, &[paths()]));
    assert_eq!(case.does(Event::Resume), NOBODY, "it was gone, and came again");
    let kept = serde_json::to_string(&case.state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&kept).unwrap(), case.state);
}

#[test]
fn a_partner_that_is_tried_again_waits_for_one_in_doubt_as_well() {
    let text = "apart: {lists: [[lpar0, lpar1]]}\nlimits: {stagger_hmc: 0s, stagger_vios: 0s}\n\
        retry: {later: {times: 1, after: 10m}}\n";
    let (mut case, first) = Case::started(text, &one_each(2));
    assert_eq!(first, [0]);
    assert_eq!(case.ends(0, End::Updated), [1]);
    assert_eq!(case.ends(1, LATER), NOBODY);
    case.does(look(&case, 0, &[found("it is down")]));
    case.now = 600;
    assert_eq!(case.does(Event::Tick), NOBODY);
    assert_eq!(case.does(look(&case, 0, &[])), [1]);
}

#[test]
fn only_what_is_done_is_in_doubt_and_what_is_done_again_no_more() {
    let (mut case, first) = Case::started("limits: {in_flight: 1}\n", &one_each(2));
    assert_eq!(first, [0]);
    let doubts = [found("it is down")];
    for target in [0, 1] {
        let refused = case.tries(look(&case, target, &doubts));
        assert_eq!(refused, Err(Refused::NotOfTarget(target)));
    }
    assert_eq!(case.ends(0, REMEDY), [1]);
    assert!(case.tries(look(&case, 0, &doubts)).is_err(), "it failed");
    case.does(Event::DoneAgain { target: 0, attempt: 1, end: End::Updated });
    case.does(look(&case, 0, &doubts));
    assert!(case.state.targets[0].is_doubted());
    let late = Event::Doubted { target: 0, attempt: 2, doubts: BTreeSet::new() };
    assert_eq!(case.tries(late), Err(Refused::NotOfTarget(0)), "of another attempt");
}

#[test]
fn a_wave_is_healthy_when_nobody_of_it_is_in_doubt() {
    let text = "waves: [{name: a, take: 2, healthy: 100%, soak: 1h}, {name: b}]\n";
    let unverified = || Doubt::Unverified { what: "nobody looked".to_owned() };
    let (mut case, _) = Case::started(text, &one_each(3));
    case.ends(0, End::Updated);
    ends_doubted(&mut case, 1, &[unverified()]);
    assert_eq!(case.state.gate, Gate::Promotion);
    case.now = 100;
    assert_eq!(case.does(Event::Trust { targets: vec![1] }), NOBODY);
    assert_eq!(case.state.gate, Gate::Soaking { until: 3700 });
    // Only as many as have to be healthy.
    let (mut case, _) = Case::started(&text.replace("100%", "50%"), &one_each(3));
    case.ends(0, End::Updated);
    ends_doubted(&mut case, 1, &[unverified()]);
    assert_eq!(case.state.gate, Gate::Soaking { until: 3600 });
}

#[test]
fn how_healthy_a_wave_is_counts_at_the_end_of_its_soak() {
    let text = "waves: [{name: a, take: 2, healthy: 100%, soak: 1h}, {name: b}]\n";
    let (mut case, _) = Case::started(text, &one_each(3));
    case.ends(0, End::Updated);
    case.ends(1, End::Unchanged);
    let until = 3600;
    assert_eq!(case.state.gate, Gate::Soaking { until });
    case.now = 1800;
    case.does(look(&case, 1, &[found("its partition is Not Activated")]));
    assert_eq!(case.state.gate, Gate::Soaking { until }, "it may come back until then");
    let soaking = case.state.clone();
    case.now = until;
    assert_eq!(case.does(Event::Tick), NOBODY);
    assert_eq!(case.state.gate, Gate::Promotion);
    case.now = 4000;
    assert_eq!(case.does(look(&case, 1, &[])), NOBODY);
    assert_eq!(case.state.gate, Gate::Soaking { until: 7600 }, "it is watched anew");
    (case.state, case.now) = (soaking, until);
    let back = look(&case, 1, &[]);
    assert_eq!(case.does(back), [2], "it was back at the end");
}
