mod done_again;
mod doubt;
mod fresh;
mod kept;

use nim_shared::code::Retry as Sense;
use nim_shared::notice::Subject;
use nim_shared::stamp::Timestamp;

use super::{Action, End, Event, Gate, Is, Orders, Phase, Refused, Running, State, Wait};
use crate::facts::Snapshot;
use crate::plan::{Input, make};
use crate::site::{Tick, What};
use crate::testing::{one_each, rollout};

const NOBODY: [u32; 0] = [];

const REQUESTER: u32 = 1000;
const APPROVER: u32 = 1001;

/// A run with its orders.
struct Case {
    orders: Orders,
    state: State,
    now: Tick,
}

impl Case {
    fn new(more: &str, site: &Snapshot) -> Self {
        let file = rollout(&format!("assume: {{duration: 10m}}\n{more}"));
        let begin: Timestamp = "2026-01-12T00:00:00Z".parse().unwrap();
        let input = Input { file: &file, snapshot: site, history: &[], begin };
        let orders = Orders::new(&input, &make(&input), REQUESTER);
        let state = State::planned(&orders);
        Self { orders, state, now: 0 }
    }

    fn started(more: &str, site: &Snapshot) -> (Self, Vec<u32>) {
        let mut case = Self::new(more, site);
        let fingerprint = case.orders.fingerprint;
        let starts = case.does(Event::Start { by: REQUESTER, fingerprint });
        (case, starts)
    }

    fn tries(&mut self, event: Event) -> Result<Vec<Action>, Refused> {
        let (state, actions) = self.state.clone().after(&self.orders, event, self.now)?;
        self.state = state;
        Ok(actions)
    }

    /// Who is started after an event.
    fn does(&mut self, event: Event) -> Vec<u32> {
        let actions = self.tries(event).unwrap();
        let started = actions.into_iter().filter_map(|action| match action {
            Action::Start { target, .. } => Some(target),
            Action::Cancel { .. } => None,
        });
        started.collect()
    }

    /// Who is started when an update ends so, and its memory is back.
    fn ends(&mut self, target: u32, end: End) -> Vec<u32> {
        let attempt = self.state.targets[target as usize].attempt;
        self.does(Event::Taken { target, attempt });
        let mut started = self.does(Event::Over { target, attempt, end });
        assert_eq!(started, NOBODY, "a place is free when the memory is back, not before");
        started.extend(self.does(Event::Released { target, attempt }));
        started
    }
}

const LATER: End = End::Failed { sense: Sense::Later };
const REMEDY: End = End::Failed { sense: Sense::AfterRemedy };

#[test]
fn a_place_is_taken_by_the_next_when_the_memory_is_back() {
    let (mut case, first) = Case::started("limits: {in_flight: 2}\n", &one_each(4));
    assert_eq!(first, [0, 1]);
    assert_eq!(case.ends(1, End::Updated), [2]);
    assert_eq!(case.ends(0, End::Updated), [3]);
    assert_eq!(case.ends(2, End::Updated), NOBODY);
    assert_eq!(case.state.phase, Phase::Running);
    assert_eq!(case.ends(3, End::Updated), NOBODY);
    assert_eq!(case.state.phase, Phase::Ended);
}

#[test]
fn the_numbers_of_the_plan_stop_it_and_what_runs_goes_on() {
    let text = "limits: {in_flight: 2}\nstop: {whole: {failed: 2}}\n";
    let (mut case, _) = Case::started(text, &one_each(6));
    assert_eq!(case.ends(0, REMEDY), [2]);
    assert_eq!(case.ends(1, End::Stuck), NOBODY, "the second is the end");
    assert_eq!(case.state.phase, Phase::Stopped { why: "2 failed, and it stops at 2".to_owned() });
    assert_eq!(case.ends(2, End::Updated), NOBODY);
    assert_eq!(case.does(Event::Resume), [3, 4], "what has failed does not stop it again");
    assert_eq!(case.ends(3, REMEDY), [5]);
    assert_eq!(case.state.phase, Phase::Running);
}

#[test]
fn what_is_tried_again_by_itself_stops_nothing_before_its_last_try() {
    let text = "stop: {whole: {failed: 1, unreachable: 1}}\nretry: {later: {times: 1, after: 1m}, unreachable: {times: 1, after: 1m}}\n";
    for end in [LATER, End::Unreachable] {
        let (mut case, _) = Case::started(text, &one_each(2));
        case.ends(0, end.clone());
        assert_eq!(case.state.phase, Phase::Running, "{end:?}");
        case.now = 60;
        assert_eq!(case.does(Event::Tick), [0]);
        case.ends(0, end.clone());
        assert!(matches!(case.state.phase, Phase::Stopped { .. }), "{end:?}");
    }
}

#[test]
fn failures_may_use_up_places() {
    let text = "limits: {in_flight: 2}\nstop: {failed_keep_place: yes}\n";
    let (mut case, _) = Case::started(text, &one_each(4));
    assert_eq!(case.ends(0, REMEDY), NOBODY);
    assert_eq!(case.ends(1, End::Updated), [2]);
}

#[test]
fn between_waves_are_health_soak_and_approval() {
    let text = "waves: [{name: a, take: 2, healthy: 100%, soak: 1h}, {name: b, approval: yes}]\n";
    let (mut case, first) = Case::started(text, &one_each(4));
    let fingerprint = case.orders.fingerprint;
    assert_eq!(first, [0, 1]);
    case.ends(0, End::Updated);
    case.ends(1, REMEDY);
    assert_eq!(case.state.gate, Gate::Promotion, "one of two is too few");
    assert_eq!(case.does(Event::Promote), NOBODY);
    assert_eq!(case.state.gate, Gate::Approval);
    let own = case.tries(Event::Approve { by: REQUESTER, fingerprint });
    assert_eq!(own, Err(Refused::SamePerson));
    let other = nim_shared::id::Digest::of(b"another plan");
    let wrong = case.tries(Event::Approve { by: APPROVER, fingerprint: other });
    assert_eq!(wrong, Err(Refused::OtherPlan(fingerprint)));
    assert_eq!(case.does(Event::Approve { by: APPROVER, fingerprint }), [2, 3]);
}

#[test]
fn a_healthy_wave_soaks() {
    let text = "waves: [{name: a, take: 1, soak: 1h}, {name: b}]\n";
    let (mut case, _) = Case::started(text, &one_each(2));
    case.now = 700;
    assert_eq!(case.ends(0, End::Updated), NOBODY);
    assert_eq!(case.state.gate, Gate::Soaking { until: 4300 });
    case.now = 4299;
    assert_eq!(case.does(Event::Tick), NOBODY);
    case.now = 4300;
    assert_eq!(case.does(Event::Tick), [1]);
}

#[test]
fn partners_of_somebody_who_is_not_healthy_are_left_alone() {
    let mut site = one_each(3);
    for lpar in &mut site.lpars[..2] {
        lpar.labels.insert("pair".to_owned(), "a".to_owned());
    }
    let (mut case, first) =
        Case::started("apart: {labels: [pair]}\nretry: {later: {times: 1, after: 10m}}\n", &site);
    // Whoever comes later by the plan has the higher number: lpar1 is the third.
    assert_eq!(first, [0, 1]);
    assert_eq!(case.ends(0, LATER), NOBODY, "it is tried again, and its partner waits for that");
    case.now = 600;
    assert_eq!(case.does(Event::Tick), [0]);
    assert_eq!(case.ends(0, LATER), NOBODY);
    let why = "a partner is not known to be healthy".to_owned();
    let skipped = Is::Ended { end: End::Skipped { why }, keeps_capacity: false };
    assert_eq!(case.state.targets[2].is, skipped);
}

#[test]
fn only_what_may_pass_is_tried_again_by_itself() {
    let text = "retry: {later: {times: 1, after: 10m}, unreachable: {times: 2, after: 5m}}\n";
    let (mut case, _) = Case::started(text, &one_each(3));
    case.ends(0, REMEDY);
    case.ends(1, LATER);
    case.ends(2, End::Unreachable);
    let is = |case: &Case, at: usize| case.state.targets[at].is.clone();
    assert!(matches!(is(&case, 0), Is::Ended { .. }));
    assert_eq!(
        (is(&case, 1), is(&case, 2)),
        (Is::Waiting { from: 600 }, Is::Waiting { from: 300 })
    );
    case.now = 600;
    assert_eq!(case.does(Event::Tick), [1, 2]);
    case.ends(1, LATER);
    assert!(matches!(is(&case, 1), Is::Ended { .. }), "once is enough");
    case.ends(2, End::Updated);
    let done = case.tries(Event::Retry { targets: vec![2] });
    assert_eq!(done, Err(Refused::NoRetry { target: 2, why: "it is done" }));
    assert_eq!(case.does(Event::Retry { targets: vec![0] }), [0], "somebody has done the remedy");
}

#[test]
fn with_dead_agents_everybody_comes_to_an_end() {
    let text = "limits: {in_flight: 1}\ndeadlines: {start: 10m, whole: 2h}\n";
    let (mut case, first) = Case::started(text, &one_each(3));
    assert_eq!(first, [0]);
    case.now = 600;
    // Nobody knows whether it will still begin: its place is not given away.
    assert_eq!(case.does(Event::Tick), NOBODY);
    let lost = Is::Ended { end: End::Unreachable, keeps_capacity: true };
    assert_eq!(case.state.targets[0].is, lost);
    assert_eq!(case.does(Event::Released { target: 0, attempt: 1 }), [1], "now it is known");
    case.now = 7200;
    assert_eq!(case.does(Event::Tick), NOBODY);
    assert_eq!(case.state.phase, Phase::Ended);
}

#[test]
fn who_drifts_asks_and_who_drops_out_is_skipped() {
    let mut case = Case::new("limits: {in_flight: 1}\n", &one_each(4));
    let fingerprint = case.orders.fingerprint;
    case.does(drifted(0, "another level"));
    case.does(Event::DroppedOut { target: 1, why: "moved".to_owned() });
    case.does(Event::Looked { target: 2, held: Some("a path is lost".to_owned()) });
    assert_eq!(case.does(Event::Start { by: REQUESTER, fingerprint }), [3]);
    assert_eq!(case.ends(3, End::Updated), NOBODY);
    let own = case.tries(Event::ApproveTargets { by: REQUESTER, targets: vec![0] });
    assert_eq!(own, Err(Refused::SamePerson));
    assert_eq!(case.does(Event::ApproveTargets { by: APPROVER, targets: vec![0] }), [0]);
    assert_eq!(case.ends(0, End::Updated), NOBODY);
    assert_eq!(case.does(Event::Looked { target: 2, held: None }), [2]);
}

/// That a target is other than it was, in a way that `what` says.
fn drifted(target: u32, what: &str) -> Event {
    let to = nim_shared::id::Digest::of(what.as_bytes());
    Event::Drifted { target, why: what.to_owned(), to }
}

#[test]
fn pause_abort_and_what_makes_no_sense() {
    let (mut case, _) = Case::started("limits: {in_flight: 2}\n", &one_each(4));
    let fingerprint = case.orders.fingerprint;
    assert!(case.tries(Event::Start { by: REQUESTER, fingerprint }).is_err());
    case.does(Event::Pause);
    assert_eq!(case.ends(0, End::Updated), NOBODY);
    assert!(case.tries(Event::Pause).is_err());
    assert_eq!(case.does(Event::Resume), [2]);
    let actions = case.tries(Event::Abort { running: Running::Cancel }).unwrap();
    assert_eq!(
        actions,
        [Action::Cancel { target: 1, attempt: 1 }, Action::Cancel { target: 2, attempt: 1 }]
    );
    case.ends(1, End::Cancelled);
    case.ends(2, End::Updated);
    assert_eq!(case.state.phase, Phase::Ended);
    assert!(matches!(case.state.targets[3].is, Is::Ended { end: End::NotStarted { .. }, .. }));
    assert!(case.tries(Event::Abort { running: Running::Drain }).is_err());
}

#[test]
fn less_is_used_where_an_hmc_shows_less_and_never_more_than_was_planned() {
    let (mut case, first) = Case::started("limits: {in_flight: 2}\n", &one_each(4));
    assert_eq!(first.len(), 2);
    case.does(Event::Capacity { resource: 0, capacity: 1 });
    assert_eq!(case.ends(0, End::Updated), NOBODY);
    assert_eq!(case.does(Event::Capacity { resource: 0, capacity: 9 }), [2]);
}

#[test]
fn what_is_known_at_the_same_time_is_looked_at_before_anything_starts() {
    let mut case = Case::new("limits: {in_flight: 1}\n", &one_each(3));
    let fingerprint = case.orders.fingerprint;
    let state = case.state.clone();
    let begun = Event::Start { by: REQUESTER, fingerprint };
    let state = state.noted(&case.orders, begun, 0).unwrap();
    assert_eq!(state.open_actions(), [], "nothing follows from a note");
    let held = |target| Event::Looked { target, held: Some("maintenance".to_owned()) };
    let late = Event::Released { target: 0, attempt: 1 };
    let (state, actions) = state.after_all(&case.orders, vec![held(0), late, held(1)], 0);
    assert_eq!(actions, [Action::Start { target: 2, attempt: 1 }]);
    case.state = state;
    let refused = case.state.clone().noted(&case.orders, Event::Resume, 0).unwrap_err();
    assert!(matches!(refused, Refused::NotNow(_)), "{refused}");
}

#[test]
fn a_run_is_the_same_after_it_was_kept() {
    let more = "limits: {in_flight: 2}\nretry: {later: {times: 1, after: 90m}}\nstop: {whole: {failed: 2}}\n";
    let (mut case, _) = Case::started(more, &one_each(4));
    case.ends(0, LATER);
    case.does(Event::Looked { target: 3, held: Some("a path is lost".to_owned()) });
    let kept = serde_json::to_string(&(&case.state, &case.orders)).unwrap();
    let (state, orders): (State, Orders) = serde_json::from_str(&kept).unwrap();
    assert_eq!((state, orders), (case.state, case.orders));
}

#[test]
fn a_wave_that_was_too_sick_goes_on_when_its_failures_are_tried_again() {
    let text = "waves: [{name: a, take: 2, healthy: 100%}, {name: b}]\n";
    let (mut case, _) = Case::started(text, &one_each(3));
    case.ends(0, End::Updated);
    case.ends(1, REMEDY);
    assert_eq!(case.state.gate, Gate::Promotion);
    case.now = 100;
    assert_eq!(case.does(Event::Retry { targets: vec![1] }), [1]);
    assert_eq!(case.ends(1, End::Updated), [2], "nobody has to promote what is healthy");
    // Who is not yet due does not open what waits.
    let (mut case, _) = Case::started(text, &one_each(3));
    case.does(Event::DroppedOut { target: 2, why: "it moved".to_owned() });
    case.ends(0, End::Updated);
    case.ends(1, REMEDY);
    assert_eq!(case.does(Event::Retry { targets: vec![2] }), NOBODY);
    assert_eq!(case.state.gate, Gate::Promotion);
}

#[test]
fn each_thing_that_is_waited_for_is_named() {
    let text = "waves: [{name: a, take: 2, soak: 1h}, {name: b, approval: yes}]\nlimits: {in_flight: 1}\nretry: {later: {times: 1, after: 90m}}\n";
    let (mut case, first) = Case::started(text, &one_each(3));
    assert_eq!(first, [0]);
    let waits = |case: &Case, target| case.state.waits(&case.orders, target, case.now);
    assert_eq!(waits(&case, 0), [], "it does not wait");
    assert_eq!(waits(&case, 1), [Wait::Room { what: What::InFlight, with: vec![0] }]);
    assert_eq!(waits(&case, 2)[0], Wait::Waves { open: 2 });
    case.now = 5;
    let why = "a path is lost".to_owned();
    case.does(Event::Looked { target: 1, held: Some(why.clone()) });
    case.now = 60;
    case.does(Event::Pause);
    case.does(Event::Looked { target: 1, held: Some(why.clone()) });
    assert_eq!(waits(&case, 1)[..2], [Wait::Resume, Wait::Held { why }]);
    assert_eq!(case.state.targets[1].since, Some(5), "since it was held first");
    case.does(Event::Looked { target: 1, held: None });
    assert_eq!(case.state.targets[1].since, None);
    case.does(Event::Resume);
    assert_eq!(case.ends(0, LATER), [1]);
    assert_eq!(case.ends(1, End::Updated), NOBODY);
    let until = 60 + 5400;
    assert_eq!(waits(&case, 0), [Wait::Again { until }]);
    case.now = until;
    assert_eq!(case.does(Event::Tick), [0]);
    case.ends(0, End::Updated);
    assert_eq!(waits(&case, 2), [Wait::Soak { wave: 0, until: until + 3600 }]);
    case.now = until + 3600;
    case.does(Event::Tick);
    assert_eq!(waits(&case, 2), [Wait::Approval { wave: 1 }]);
    assert_eq!(case.state.given_up_at(&case.orders, 2), Some(case.orders.deadlines.whole.get()));
}

#[test]
fn the_end_is_foreseen_from_how_it_stands() {
    let (mut case, _) = Case::started("limits: {in_flight: 2}\n", &one_each(5));
    let of = |case: &Case| {
        let outlook = case.state.outlook(&case.orders, case.now).unwrap();
        (outlook.usual_end, outlook.starts)
    };
    // Two at a time, ten minutes each.
    assert_eq!(of(&case), (1800, vec![(2, 600), (3, 600), (4, 1200)]));
    case.now = 300;
    assert_eq!(case.ends(0, End::Updated), [2]);
    assert_eq!(of(&case), (1500, vec![(3, 600), (4, 900)]));
    // What takes longer than it should is over soon, and what is held back by a pause goes on at once.
    case.now = 700;
    case.does(Event::Pause);
    assert_eq!(case.ends(2, End::Updated), NOBODY);
    assert_eq!(of(&case), (1360, vec![(3, 701), (4, 760)]));
    case.does(Event::Abort { running: Running::Drain });
    assert_eq!(of(&case), (760, Vec::new()));
    case.ends(1, End::Updated);
    assert_eq!(case.state.outlook(&case.orders, case.now), None, "it is over");
}

#[test]
fn what_lies_between_waves_counts_for_the_end_and_those_who_decide_take_no_time() {
    let text = "waves: [{name: a, take: 2, healthy: 100%, soak: 1h}, {name: b, approval: yes}]\n";
    let (mut case, _) = Case::started(text, &one_each(4));
    let of = |case: &Case| {
        let outlook = case.state.outlook(&case.orders, case.now).unwrap();
        (outlook.usual_end, outlook.starts)
    };
    let next = 600 + 3600;
    assert_eq!(of(&case), (next + 600, vec![(2, next), (3, next)]));
    case.now = 600;
    case.ends(0, End::Updated);
    case.ends(1, End::Updated);
    assert_eq!(of(&case), (next + 600, vec![(2, next), (3, next)]), "it soaks");
    case.now = 1000;
    case.does(Event::Promote);
    assert_eq!(case.state.gate, Gate::Approval);
    assert_eq!(of(&case), (1601, vec![(2, 1001), (3, 1001)]));
}

#[test]
fn who_keeps_what_he_has_leaves_less_for_the_others() {
    let text = "limits: {in_flight: 2}\nstop: {failed_keep_place: yes}\n";
    let (mut case, _) = Case::started(text, &one_each(4));
    case.ends(0, REMEDY);
    let outlook = case.state.outlook(&case.orders, case.now).unwrap();
    assert_eq!((outlook.usual_end, outlook.starts), (1800, vec![(2, 600), (3, 1200)]));
}

/// What people are told of an event.
fn told(case: &mut Case, event: Event) -> Vec<(Subject, Vec<u32>)> {
    let before = case.state.clone();
    case.tries(event).unwrap();
    case.state.tells(&before, &case.orders)
}

#[test]
fn people_are_told_of_what_goes_wrong_and_of_what_waits_for_them() {
    use Subject as S;
    let text = "waves: [{name: a, take: 2, healthy: 100%}, {name: b, approval: yes}]\n\
        stop: {whole: {failed: 2}}\nretry: {unreachable: {times: 1, after: 1m}}\n";
    let mut case = Case::new(text, &one_each(4));
    let fingerprint = case.orders.fingerprint;
    let start = Event::Start { by: REQUESTER, fingerprint };
    assert_eq!(told(&mut case, start), [(S::Started, vec![])]);
    let taken = |target, attempt| Event::Taken { target, attempt };
    let over = |target, attempt, end| Event::Over { target, attempt, end };
    let released = |target, attempt| Event::Released { target, attempt };
    assert_eq!(told(&mut case, taken(0, 1)), []);
    assert_eq!(told(&mut case, over(1, 1, End::Unreachable)), [], "it is tried again");
    assert_eq!(told(&mut case, over(0, 1, REMEDY)), [(S::Failed, vec![0])]);
    assert_eq!(told(&mut case, released(0, 1)), [], "once");
    assert_eq!(told(&mut case, released(1, 1)), []);
    case.now = 120;
    assert_eq!(told(&mut case, Event::Tick), []);
    assert_eq!(told(&mut case, taken(1, 2)), []);
    assert_eq!(told(&mut case, over(1, 2, End::Updated)), []);
    let last = told(&mut case, released(1, 2));
    assert_eq!(last, [(S::Approval, vec![])], "one of two is too few: somebody has to promote");
    let promoted = told(&mut case, Event::Promote);
    assert_eq!(promoted, [(S::Wave, vec![]), (S::Approval, vec![])]);
    let drifts = told(&mut case, drifted(3, "its level is another"));
    assert_eq!(drifts, [(S::Approval, vec![3])]);
    assert_eq!(told(&mut case, Event::Approve { by: APPROVER, fingerprint }), []);
    let stopped = told(&mut case, over(2, 1, End::Stuck));
    assert_eq!(stopped, [(S::Failed, vec![2]), (S::Stopped, vec![])]);
    assert_eq!(told(&mut case, Event::Resume), [(S::Resumed, vec![])]);
    assert_eq!(told(&mut case, Event::Pause), [(S::Paused, vec![])]);
    let aborted = told(&mut case, Event::Abort { running: Running::Drain });
    assert_eq!(aborted.first().map(|one| one.0), Some(S::Aborted));
}

#[test]
fn of_a_stop_and_a_question_at_once_the_stop_is_told_first() {
    let text =
        "waves: [{name: a, take: 1, healthy: 100%}, {name: b}]\nstop: {whole: {failed: 1}}\n";
    let (mut case, _) = Case::started(text, &one_each(2));
    let before = case.state.clone();
    case.ends(0, REMEDY);
    let told: Vec<Subject> =
        case.state.tells(&before, &case.orders).into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(told, [Subject::Failed, Subject::Stopped, Subject::Approval]);
}

#[test]
fn what_was_stuck_and_came_to_its_end_is_no_longer_stuck() {
    let over = |end| Event::Over { target: 0, attempt: 1, end };
    for (later, then) in [
        (REMEDY, None),
        (End::Updated, Some("it is done")),
        (End::Stuck, Some("somebody has to look at it first")),
    ] {
        let (mut case, _) = Case::started("limits: {in_flight: 1}\n", &one_each(2));
        case.does(over(End::Stuck));
        assert_eq!(case.does(over(later.clone())), NOBODY, "its place is not free yet");
        case.does(Event::Released { target: 0, attempt: 1 });
        let one = &case.state.targets[0];
        assert_eq!(one.is, Is::Ended { end: later, keeps_capacity: false });
        assert_eq!(one.no_retry(), then);
    }
}
