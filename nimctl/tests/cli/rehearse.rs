//! `rehearse` and `rollout replay`.

use insta::assert_snapshot;
use nim_shared::api::FailureKind;
use serde_json::{Value, json};

use crate::api::Api;
use crate::sample::refusal;

const FILE: &str = "name: spring\n";

fn rehearsed() -> Value {
    let times = json!({
        "p5": "2026-12-01T20:20:00Z", "p50": "2026-12-01T20:20:00Z", "p95": "2026-12-01T20:29:00Z",
        "worst": "2026-12-01T20:31:00Z",
    });
    json!({
        "name": "spring", "fingerprint": "c".repeat(64), "seed": 7, "begin": "2026-12-01T20:00:00Z",
        "planned_usual_end": "2026-12-01T20:20:00Z", "planned_end": "2026-12-01T20:30:00Z",
        "targets": 1, "runs": 20, "runs_asked": 20, "all_updated": 18, "ended": 20, "end": times,
        "stops": [],
        "failures": [{
            "state": "unreachable", "code": null, "title": "its agent could not be reached", "runs": 2, "times": 2,
            "lpars": [{"lpar": "lpar01", "times": 2}], "more": 0,
        }],
        "left_out": [], "past_window": null, "blackout": null, "history": [],
        "notes": ["no earlier update is on record: no fault was drawn from the past"],
    })
}

#[test]
fn a_rehearsal_asks_for_what_was_typed_and_is_shown() {
    let api = Api::new().on("POST /v1/rollout/rehearsal", &rehearsed());
    let line = "rehearse - --begin 2026-12-01T20:00:00Z --runs 20 --seed 7 --fault unreachable=10% --fault stuck";
    assert_snapshot!(api.nimctl_reads(line, FILE), @"
    exit: 0
    --- stdout
    rehearsal of rollout spring: 1 LPAR, 20 runs, seed 7
    begins         2026-12-01 20:00 UTC
    all updated    in 18 of 20 runs

              RUNS  5 OF 100     HALF         95 OF 100    WORST (UTC)
    ended by  20    12-01 20:20  12-01 20:20  12-01 20:29  12-01 20:31
    planned                      12-01 20:20  12-01 20:30

    nothing stopped it

    WENT WRONG                                   CODE  RUNS  TIMES  WITH
    unreachable: its agent could not be reached  -     2     2      lpar01 2x

    no update was still at work when its window had ended
    how long workloads stand still is not known of any LPAR

    NOTE
    no earlier update is on record: no fault was drawn from the past
    fingerprint cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    ");
    assert_snapshot!(api.changes()[0], @r#"POST /v1/rollout/rehearsal {"file":{"name":"standard input","text":"name: spring\n"},"begin":"2026-12-01T20:00:00Z","runs":20,"seed":7,"faults":["unreachable=10%","stuck"]}"#);
    let json = api.nimctl_reads("rehearse - -o json", FILE).to_string();
    assert!(json.starts_with("exit: 0") && json.contains(r#""all_updated": 18"#), "{json}");
}

#[test]
fn a_plan_for_nobody_ends_with_1_and_a_fault_that_is_none_with_2() {
    let mut nobody = rehearsed();
    nobody["targets"] = json!(0);
    let bad = refusal("NLU-0228", "\"x\" is no fault", FailureKind::Usage);
    let said = Api::new().on("POST /v1/rollout/rehearsal", &nobody);
    let said = said.nimctl_reads("rehearse -", FILE).to_string();
    assert!(said.starts_with("exit: 1") && said.contains("updates nobody"), "{said}");
    let said = Api::new().refuse("POST /v1/rollout/rehearsal", &bad);
    let said = said.nimctl_reads("rehearse - --fault x", FILE).to_string();
    assert!(said.starts_with("exit: 2") && said.contains("[NLU-0228]"), "{said}");
}

#[test]
fn a_replay_says_whether_the_decisions_are_the_same() {
    let replayed = |complete: bool, differs: Option<&str>| json!({"name": "spring", "complete": complete, "steps": 12, "events": 9, "starts": 1, "differs": differs});
    let api = Api::new().on("GET /v1/rollouts/spring/replay", &replayed(true, None)).on(
        "GET /v1/rollouts/spring/replay",
        &replayed(false, Some("step 3, at second 60, led to another state than then")),
    );
    assert_snapshot!(api.nimctl("rollout replay spring"), @"
    exit: 0
    --- stdout
    rollout spring: 9 events in 12 steps, 1 start
    the same decisions and states
    ");
    assert_snapshot!(api.nimctl("rollout replay spring"), @"
    exit: 1
    --- stdout
    rollout spring: 9 events in 12 steps, 1 start
    not all that it was told is on record; as far as it is:
    not the same: step 3, at second 60, led to another state than then
    ");
}
