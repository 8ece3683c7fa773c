use nim_rollout::plan::{Input, make};
use nim_rollout::run::{Doubt, Event, Orders, State};
use nim_rollout::testing::{Fleet, Processors, fleet, rollout as file};
use nim_shared::id::RolloutId;
use uuid::Uuid;

use super::*;
use crate::store::testing::world::{SOMEBODY, name};

/// A rollout of five LPARs, each on a frame of its own, one at a time, that begins an hour after it was started.
fn five() -> (Rollout, Timestamp) {
    let each =
        Fleet { frames: 5, lpars: (1, 1), frames_per_hmc: 1, processors: Processors::FollowMemory };
    let snapshot = fleet(each, 1);
    let file = file("limits: {in_flight: 1}\n");
    let started = snapshot.at;
    let begin = started.plus(std::time::Duration::from_secs(3600));
    let input = Input { file: &file, snapshot: &snapshot, history: &[], begin };
    let plan = make(&input);
    let orders = Orders::new(&input, &plan, SOMEBODY.uid);
    let start = Event::Start { by: SOMEBODY.uid, fingerprint: plan.fingerprint };
    let state = State::planned(&orders).noted(&orders, start, 0).unwrap();
    let rollout = Rollout {
        id: RolloutId(Uuid::nil()),
        name: name("spring"),
        file_name: "rollout.yaml".to_owned(),
        file: "".into(),
        plan: plan.into(),
        orders: orders.into(),
        begin,
        state,
        since: started,
        version: 1,
        cancels: false,
        requested_by: SOMEBODY,
        ticket: None,
        created_at: started,
        ended_at: None,
    };
    (rollout, started)
}

#[test]
fn an_operation_is_called_what_it_is() {
    let id = "0193a2b4-5c6d-7001-8def-0123456789ab";
    let why = |kind: &str, stage: Option<&str>| {
        let view = serde_json::json!({
            "id": id, "batch": id, "lpar": "lpar01", "kind": kind, "state": "running", "stage": stage,
            "cancel_asked": false, "created_at": "2026-01-01T00:00:00Z", "requested_by": 0,
        });
        of_operation("lpar01".to_owned(), &serde_json::from_value(view).unwrap())
    };
    for (kind, stage, wanted) in [
        ("rollback", Some("prep"), "the rollback, which is at prep"),
        ("clean_up", Some("update"), "the clean-up, which is at update"),
        ("update", None, "the update to begin"),
    ] {
        let why = why(kind, stage);
        assert_eq!(why.waits[0].what, wanted);
    }
    let stands = why("rollback", None).stands;
    assert_eq!(stands, format!("operation {id} (rollback) is running on it"));
}

#[test]
fn what_is_in_doubt_of_one_is_said_of_it_and_of_its_partner_with_the_way_on() {
    let (mut rollout, at) = five();
    let first = rollout.orders.targets[0].lpar.clone();
    let done = Is::Ended { end: End::Updated, keeps_capacity: false };
    let doubt = Doubt::Found { what: "a path is lost".to_owned() };
    (rollout.state.targets[0].is, rollout.state.targets[0].attempt) = (done, 1);
    rollout.state.targets[0].doubts.insert(doubt.clone());
    let own = of_target(&rollout, 0, None, None, at);
    assert_eq!(own.stands, "updated in wave all: not known to be healthy: a path is lost");
    let wait = Wait::Doubt { of: vec![0] };
    let partner = said(&rollout, &wait, Some(1));
    assert_eq!(
        partner.what,
        format!(
            "its partner {first} to be healthy, which is updated and not known to be healthy: a path is lost"
        )
    );
    let way_on = format!("nimctl aftercare {first}, or nimctl rollout promote spring {first}");
    assert_eq!(partner.hint, Some(way_on));
    rollout.state.targets[0].trusted.insert(doubt);
    assert_eq!(of_target(&rollout, 0, None, None, at).stands, "updated in wave all");
}

#[test]
fn what_several_wait_for_is_said_once_and_of_one_with_who_has_it() {
    let (mut rollout, started) = five();
    let early = of_rollout(&rollout, started);
    assert_eq!(early.waits[0].what, "its beginning");
    assert_eq!(early.waits[0].until, Some(rollout.begin));
    let (state, starts) = rollout.state.after(&rollout.orders, Event::Tick, 0).unwrap();
    assert_eq!(starts.len(), 1);
    rollout.state = state;
    let at = rollout.begin.plus(std::time::Duration::from_secs(5));
    let all = of_rollout(&rollout, at);
    let said: Vec<_> = all.waits.iter().map(|one| (one.what.as_str(), one.lpars)).collect();
    assert_eq!(
        said,
        [("those in flight to be over", Some(1)), ("a place in flight", Some(4))],
        "{all:#?}"
    );
    assert_eq!(all.given_up_at, Some(time(rollout.begin, rollout.orders.deadlines.whole.get())));
    let first = &rollout.orders.targets[0].lpar;
    let one = of_target(&rollout, 1, None, None, at);
    assert_eq!(one.waits[0].what, format!("a place in flight, taken by {first}"));
    let running = of_target(&rollout, 0, None, None, at);
    assert_eq!(
        (running.since, running.stands.as_str()),
        (Some(rollout.begin), "starting in wave all")
    );
    // What is stuck keeps its memory, and a person decides.
    let before = rollout.state.clone();
    rollout.state.targets[0].is = Is::Releasing { since: 5, end: End::Stuck };
    let stuck = &of_rollout(&rollout, at).waits[0];
    let look = format!("nimctl status {first}");
    assert_eq!(
        (stuck.what.as_str(), stuck.hint.as_ref()),
        ("somebody to look at what is stuck", Some(&look))
    );
    rollout.state = before;
    // A stop holds all of them, and a person decides.
    let why = "1 failed, and it stops at 1".to_owned();
    rollout.state.phase = Phase::Stopped { why: why.clone() };
    let stopped = of_rollout(&rollout, at);
    assert_eq!(stopped.waits[0].what, format!("somebody to resume or abort it: {why}"));
    assert_eq!(stopped.waits[0].hint.as_deref(), Some("nimctl rollout resume spring"));

    // Whoever approves needs a ticket where one was needed to start.
    rollout.state.phase = Phase::Running;
    rollout.state.gate = nim_rollout::run::Gate::Approval;
    for (ticket, end) in [(None, ""), (Some("CHG1"), " --ticket TICKET")] {
        rollout.ticket = ticket.map(|ticket| ticket.parse().unwrap());
        let waits = of_rollout(&rollout, at).waits;
        let hint = waits.iter().filter_map(|one| one.hint.as_deref()).next().unwrap();
        assert!(hint.ends_with(&format!("{}{end}", rollout.orders.fingerprint)), "{hint}");
    }
}
