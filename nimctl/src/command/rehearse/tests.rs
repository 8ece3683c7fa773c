use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Rehearsal;
use crate::output::{Style, View as _};

const STYLE: Style = Style { color: false, width: Some(80), wide: false };

/// A rehearsal that was stopped now and then, with `more`.
fn sample(more: &Value) -> Rehearsal {
    let at = |time: &str| format!("2026-12-{time}:00Z");
    let times = |p5, p50, p95, worst| json!({"p5": at(p5), "p50": at(p50), "p95": at(p95), "worst": at(worst)});
    let lpars = json!([{"lpar": "lpar07", "times": 40}, {"lpar": "lpar08", "times": 7},
                       {"lpar": "lpar09", "times": 2}, {"lpar": "lpar10", "times": 1}]);
    let mut one = json!({
        "name": "spring", "fingerprint": "c".repeat(64), "seed": 7,
        "begin": at("01T20:00"), "planned_usual_end": at("02T21:20"), "planned_end": at("02T21:40"),
        "targets": 12, "runs": 400, "runs_asked": 400, "all_updated": 310, "ended": 371,
        "end": times("02T20:50", "02T21:21", "02T21:43", "02T22:10"),
        "stops": [{"rule": "1 failed in wave canary", "runs": 29, "updated": 0, "waiting": 11,
                   "at": times("01T20:10", "01T20:20", "01T20:30", "01T20:41")}],
        "failures": [
            {"state": "failed", "code": "1020-311", "title": "open files in /proc", "runs": 48, "times": 50,
             "lpars": lpars, "more": 2},
            {"state": "unreachable", "code": null, "title": "its agent could not be reached", "runs": 3,
             "times": 3, "lpars": [{"lpar": "lpar12", "times": 3}], "more": 0},
        ],
        "left_out": [{"state": "not_started", "why": "the rollout's deadline passed", "runs": 2, "most": 3,
                      "lpars": [{"lpar": "lpar12", "times": 2}], "more": 0}],
        "past_window": {"runs": 3, "most": 1, "longest": 125, "lpars": [], "more": 0},
        "blackout": {"p50": 310, "p95": 344, "worst": 371, "longest": 58, "longest_of": "lpar09", "unknown": 1},
        "history": [
            {"of": "site", "updates": 240, "faults": [{"state": "failed", "code": "1020-311", "updates": 9},
                                                      {"state": "unreachable", "code": null, "updates": 2}]},
            {"of": "class", "which": "7300-03-00-2446, vscsi", "updates": 31, "faults": []},
            {"of": "lpar", "which": "lpar07", "updates": 4,
             "faults": [{"state": "stuck", "code": null, "updates": 1}]},
        ],
        "notes": ["what holds back 1 of the LPARs now was taken as over"],
    });
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Rehearsal(serde_json::from_value(one).unwrap())
}

#[test]
fn a_rehearsal_is_read_at_80_columns() {
    let text = sample(&json!({})).table(STYLE);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_snapshot!(text, @"
    rehearsal of rollout spring: 12 LPARs, 400 runs, seed 7
    begins         2026-12-01 20:00 UTC
    all updated    in 310 of 400 runs

              RUNS  5 OF 100     HALF         95 OF 100    WORST (UTC)
    ended by  371   12-02 20:50  12-02 21:21  12-02 21:43  12-02 22:10
    planned                      12-02 21:20  12-02 21:40

    STOPPED BY               RUNS  HALF BY      WORST (UTC)  UPDATED  WAITING
    1 failed in wave canary  29    12-01 20:20  12-01 20:41  0        11

    WENT WRONG              CODE      RUNS  TIMES  WITH
    failed: open files in   1020-311  48    50     lpar07 40x, lpar08 7x, lpar09
    /proc                                          2x and 3 more
    unreachable: its agent  -         3     3      lpar12 3x
    could not be reached

    LEFT OUT ON THE WAY                         RUNS  AT MOST  WHO
    not started: the rollout's deadline passed  2     3        lpar12 2x

    past window    in 3 of 400 runs, 1 LPAR at most, up to 2:05 after its end
    blackouts      310 s together in half of the runs, 344 s in 95 of 100
    at worst       371 s together, 58 s of lpar09 alone
    not known      of 1 LPAR

    DRAWN FROM                    UPDATES  OF WHICH
    all of the site               240      9 failed by 1020-311, 2 unreachable
    class 7300-03-00-2446, vscsi  31       all went well
    lpar07                        4        1 stuck

    NOTE
    what holds back 1 of the LPARs now was taken as over
    fingerprint cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    ");
}

#[test]
fn what_did_not_happen_is_said_too() {
    let none = json!({"stops": [], "failures": [], "left_out": [], "past_window": null, "blackout": null,
                      "history": [], "notes": [], "runs": 20, "runs_asked": 400, "all_updated": 20});
    let text = sample(&none).table(STYLE);
    for part in [
        "20 runs, for 400 there was no time",
        "in 20 of 20 runs",
        "nothing stopped it",
        "nothing went wrong with any LPAR",
        "no update was still at work",
        "is not known of any LPAR",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let nobody = sample(&json!({"targets": 0})).table(STYLE);
    assert!(nobody.contains("the plan updates nobody"), "{nobody}");
}
