use nim_shared::api::{RehearsedFault, RolloutRehearsed};
use nim_shared::code::Retry as Sense;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;

use super::*;
use crate::facts::Snapshot;
use crate::plan::make;
use crate::run::{Action, Recorded};
use crate::site::Tick;
use crate::testing::{one_each, rollout};

const BEGIN: &str = "2026-01-12T00:00:00Z";

fn rehearsed(more: &str, site: &Snapshot, past: &[PastRun], faults: &[&str]) -> RolloutRehearsed {
    let file = rollout(&format!("assume: {{duration: 10m}}\n{more}"));
    let begin: Timestamp = BEGIN.parse().unwrap();
    let input = Input { file: &file, snapshot: site, history: &[], begin };
    let plan = make(&input);
    let orders = Orders::new(&input, &plan, 1000);
    let faults: Vec<Named> = faults.iter().map(|text| text.parse().unwrap()).collect();
    let of = Rehearsal {
        input,
        plan: &plan,
        orders: &orders,
        past,
        faults: &faults,
        runs: Some(100),
        seed: 7,
    };
    let first = rehearse(&of, || true).unwrap();
    assert_eq!(rehearse(&of, || true).unwrap(), first, "the same has the same answer");
    first
}

fn past(lpar: &str, cause: Option<Cause>) -> PastRun {
    let came = cause.map_or(Came::Well, Came::Bad);
    PastRun { lpar: lpar.parse().unwrap(), came, took: Seconds(300) }
}

fn after(seconds: u64) -> Timestamp {
    let begin: Timestamp = BEGIN.parse().unwrap();
    begin.plus(std::time::Duration::from_secs(seconds))
}

#[test]
fn a_fault_is_read_or_said_to_be_none() {
    let named = |text: &str| text.parse::<Named>();
    let failed = |code: &str, sense| Cause::Failed { code: Some(code.to_owned()), sense };
    let one = named("1020-311").unwrap();
    assert_eq!(one, Named { cause: failed("1020-311", Sense::AfterRemedy), at: Where::One });
    let one = named("unreachable=lpar07").unwrap();
    let at = Where::Lpar("lpar07".parse().unwrap());
    assert_eq!(one, Named { cause: Cause::Unreachable, at });
    let one = named("stuck=5%").unwrap();
    assert_eq!(one, Named { cause: Cause::Stuck { code: None }, at: Where::Percent(5) });
    for bad in ["", "nonsense", "1020-311=", "1020-311=a b", "stuck=0%", "stuck=101%", "stuck=x%"] {
        assert!(matches!(named(bad), Err(BadFault::Form(_))), "{bad}");
    }
    // The update is in effect when they come.
    for bad in ["1430-094", "1430-249"] {
        assert!(matches!(named(bad), Err(BadFault::Harmless { .. })), "{bad}");
    }
}

#[test]
fn without_history_and_faults_all_are_updated_and_that_is_said() {
    let found = rehearsed("", &one_each(3), &[], &[]);
    assert_eq!(
        (found.runs, found.runs_asked, found.all_updated, found.ended),
        (100, 100, 100, 100)
    );
    assert!(found.failures.is_empty() && found.stops.is_empty() && found.history.is_empty());
    // Ten minutes as assumed, and the seconds of the agent and of the HMC beside them.
    let end = found.end.unwrap();
    assert_eq!((end.p5, end.worst), (after(635), after(635)));
    assert!(found.blackout.is_none() && found.past_window.is_none());
    let said = |part: &str| found.notes.iter().any(|note| note.contains(part));
    assert!(said("no earlier update is on record") && said("3 of the LPARs"), "{:?}", found.notes);
    let few: Vec<PastRun> = (0..9).map(|_| past("lpar0", Some(Cause::Unreachable))).collect();
    let found = rehearsed("", &one_each(3), &few, &[]);
    assert_eq!(found.all_updated, 100);
    assert!(found.notes[0].contains("only 9 earlier updates"), "{:?}", found.notes);
}

#[test]
fn what_the_first_run_met_is_said_of_each_lpar_once() {
    let found = rehearsed(
        "retry: {unreachable: {times: 2, after: 1m}}",
        &one_each(3),
        &[],
        &["1020-311=lpar2", "unreachable=lpar0"],
    );
    let met = |one: &RehearsedFault| (one.lpar.to_string(), one.state.clone(), one.code.clone());
    let mut met: Vec<_> = found.first_run.iter().map(met).collect();
    met.sort();
    let code = Some("1020-311".to_owned());
    let wanted = [("lpar0", "unreachable", None), ("lpar2", "failed", code)];
    assert_eq!(met, wanted.map(|(lpar, state, code)| (lpar.to_owned(), state.to_owned(), code)));
}

#[test]
fn faults_are_drawn_as_often_as_they_came() {
    let code = || Some("1020-311".to_owned());
    let cause = |at: usize| match at % 10 {
        0 => Some(Cause::Failed { code: code(), sense: Sense::AfterRemedy }),
        1 => Some(Cause::Unreachable),
        _ => None,
    };
    let all: Vec<PastRun> =
        (0..1000).map(|at| past(&format!("lpar{}", at % 3), cause(at))).collect();
    let found = rehearsed("", &one_each(3), &all, &[]);
    // A hundred runs of three, each with one in ten.
    let times: Vec<_> = found.failures.iter().map(|one| (one.code.as_deref(), one.times)).collect();
    assert_eq!(times.len(), 2, "{times:?}");
    assert!(times.iter().all(|(_, times)| (15..=45).contains(times)), "{times:?}");
    let site_rate = &found.history[0];
    assert_eq!((site_rate.of.as_str(), site_rate.updates), ("site", 1000));
    let counts: Vec<_> = site_rate.faults.iter().map(|one| one.updates).collect();
    assert_eq!(counts, [100, 100]);
    assert_eq!(found.history.len(), 5, "the site, one class, three LPARs");
}

#[test]
fn an_lpar_that_failed_once_of_once_does_not_fail_always() {
    let mut all: Vec<PastRun> = (0..200).map(|_| past("other", None)).collect();
    all.push(past("lpar0", Some(Cause::Unreachable)));
    let found = rehearsed("", &one_each(2), &all, &[]);
    let failed = found.failures.iter().map(|one| one.times).sum::<u64>();
    assert!((1..=20).contains(&failed), "{failed}");
    let many: Vec<PastRun> =
        (0..200).map(|_| past("lpar0", Some(Cause::Unreachable))).chain(all).collect();
    let found = rehearsed("", &one_each(2), &many, &[]);
    let with = &found.failures[0].lpars[0];
    assert!(with.lpar.as_str() == "lpar0" && with.times > 85, "{with:?}");
}

#[test]
fn what_stops_a_run_is_named_with_its_rule_and_time() {
    let file = "stop: {wave: {failed: 1}}\nlimits: {in_flight: 1}\nretry: {unreachable: {times: 1, after: 1m}}\n\
                waves: [{name: first, take: 1, healthy: 100%}, {name: rest}]";
    let found = rehearsed(file, &one_each(3), &[], &["1020-311"]);
    assert_eq!((found.all_updated, found.runs), (0, 100));
    let rules: Vec<&str> = found.stops.iter().map(|one| one.rule.as_str()).collect();
    assert!(rules.contains(&"1 failed in wave first"), "{rules:?}");
    assert!(rules.contains(&"1 failed in wave rest"), "{rules:?}");
    let stopped: u32 = found.stops.iter().map(|one| one.runs).sum();
    // With the last of them nothing is left that a stop could hold.
    assert_eq!(stopped + found.ended, 100);
    assert!(found.ended > 0, "{found:#?}");
    let first = found.stops.iter().find(|one| one.rule.ends_with("first")).unwrap();
    assert_eq!((first.updated, first.waiting, first.at.p50), (0, 2, after(605)));
    assert_eq!((found.failures[0].runs, found.failures[0].state.as_str()), (100, "failed"));
    // Nobody hears of it until it is given up, and the wave is not healthy then.
    let found = rehearsed(file, &one_each(3), &[], &["unreachable=100%"]);
    let rules: Vec<&str> = found.stops.iter().map(|one| one.rule.as_str()).collect();
    assert_eq!(rules, ["fewer than 1 updated in wave first"]);
    assert_eq!(found.stops[0].at.worst, after(3600));
}

#[test]
fn who_is_stuck_keeps_its_place_and_who_has_a_sick_partner_is_left_out() {
    let file = "apart: {lists: [[lpar0, lpar1]]}";
    let found = rehearsed(file, &one_each(3), &[], &["stuck=lpar0"]);
    let names = |of: &[nim_shared::api::RehearsedTimesOf]| -> Vec<String> {
        of.iter().map(|one| one.lpar.to_string()).collect()
    };
    assert_eq!((found.failures[0].state.as_str(), found.failures[0].runs), ("stuck", 100));
    assert_eq!(names(&found.failures[0].lpars), ["lpar0"]);
    assert_eq!(found.left_out[0].state, "skipped");
    assert_eq!(names(&found.left_out[0].lpars), ["lpar1"]);
    // Its memory is waited for until the deadline of a release.
    assert_eq!(found.end.unwrap().worst, after(605 + 3600));
}

#[test]
fn an_update_that_takes_longer_than_95_of_100_runs_past_its_window() {
    let mut site = one_each(1);
    site.lpars[0].estimate.total = Some(Seconds(2000));
    site.lpars[0].estimate.blackout = Some(Seconds(60));
    let window = "windows: [{name: n, zone: UTC, from: '00:00', to: '00:50'}]";
    let found = rehearsed(window, &site, &[], &[]);
    let late = found.past_window.unwrap();
    assert!((1..=15).contains(&late.runs) && late.most == 1, "{late:?}");
    assert!(late.longest.0 <= 116, "{late:?}");
    let blackout = found.blackout.unwrap();
    assert_eq!((blackout.p50, blackout.worst, blackout.unknown), (Seconds(60), Seconds(60), 0));
}

#[test]
fn a_fault_for_nobody_is_refused_and_time_that_runs_out_shortens_the_answer() {
    let (file, site) = (rollout(""), one_each(1));
    let begin: Timestamp = BEGIN.parse().unwrap();
    let input = Input { file: &file, snapshot: &site, history: &[], begin };
    let plan = make(&input);
    let orders = Orders::new(&input, &plan, 1000);
    let faults = ["stuck=lpar9".parse().unwrap()];
    let of = Rehearsal {
        input,
        plan: &plan,
        orders: &orders,
        past: &[],
        faults: &faults,
        runs: Some(100),
        seed: 7,
    };
    let refused = rehearse(&of, || true).unwrap_err();
    assert_eq!(refused, BadFault::NoTarget("lpar9".parse().unwrap()));
    let found = rehearse(&Rehearsal { faults: &[], ..of }, || false).unwrap();
    assert_eq!((found.runs, found.runs_asked), (1, 100));
    assert_eq!(
        (usual_runs(0), usual_runs(12), usual_runs(1000), usual_runs(100_000)),
        (400, 400, 200, 20)
    );
}

/// Keeps what a world was asked and what came of it.
struct Recording<W>(W, Vec<Recorded>);

impl<W: World> World for Recording<W> {
    fn next(&mut self, state: &State, now: Tick) -> Option<Step> {
        self.0.next(state, now)
    }

    fn decided(&mut self, step: &Step, state: &State, actions: &[Action]) {
        self.1.push(Recorded::new(step.clone(), actions.to_vec(), state));
        self.0.decided(step, state, actions);
    }
}

#[test]
fn what_a_run_was_told_leads_to_the_same_again_and_what_it_was_not_told_does_not() {
    let small = crate::testing::small::Small::default();
    crate::testing::each_seed(2000, |seed| {
        let case = small.case(seed);
        let input = case.input();
        let orders = Orders::new(&input, &make(&input), 1000);
        let prepared = prepare(&input);
        let (_, class_of) = classes(input.snapshot);
        let experience = Experience::new(input.history, &class_of);
        let all: Vec<PastRun> = (0..20)
            .map(|at| past("l0", (at % 4 == 0).then_some(Cause::Stuck { code: None })))
            .collect();
        let odds = Odds::new(&all, &class_of);
        let known = orders.targets.iter().map(|target| {
            let row = prepared.rows.iter().find(|row| row.lpar.name == target.lpar).unwrap();
            let expected = experience.expected(row.lpar, row.class, &case.file.assume);
            Known { lpar: &row.lpar.name, class: row.class, expected }
        });
        let known: Vec<Known<'_>> = known.collect();
        let drawn = Drawn::new(&orders, &known, &odds, &[], Seeded::new(seed));
        let mut world = Recording(drawn, Vec::new());
        let ended = play(&orders, State::planned(&orders), &mut world);
        let recorded = world.1;
        // As it is kept.
        let kept = serde_json::to_string(&recorded).unwrap();
        let kept: Vec<Recorded> = serde_json::from_str(&kept).unwrap();
        assert_eq!(replay(&orders, &kept), (ended, None), "seed {seed}");
        if let Some(at) = kept.iter().position(|one| !one.actions.is_empty()) {
            let mut other = kept;
            other[at].actions.clear();
            let (_, differs) = replay(&orders, &other);
            assert!(matches!(differs, Some(Differs::Actions { .. })), "seed {seed}: {differs:?}");
        }
    });
}
