use insta::assert_snapshot;
use serde_json::json;

use super::*;

const STYLE: Style = Style { color: false, width: None, wide: false };

fn left_out(name: &str, why: &str) -> LeftOut {
    LeftOut { name: name.to_owned(), why: why.to_owned(), proposals: Vec::new() }
}

#[test]
fn both_stand_beside_each_other_with_what_differs() {
    let times = json!({
        "p5": "2026-12-01T20:20:00Z", "p50": "2026-12-01T20:20:00Z", "p95": "2026-12-01T20:29:00Z",
        "worst": "2026-12-01T20:31:00Z",
    });
    let rehearsal = json!({
        "name": "spring", "fingerprint": "c".repeat(64), "seed": 7, "begin": "2026-12-01T20:00:00Z",
        "planned_usual_end": "2026-12-01T20:20:00Z", "planned_end": "2026-12-01T20:30:00Z",
        "targets": 6, "runs": 20, "runs_asked": 20, "all_updated": 15, "ended": 15, "end": times,
        "stops": [{"rule": "1 failed in wave canary", "runs": 5, "updated": 0, "waiting": 5, "at": times}],
        "failures": [{"state": "failed", "code": "1020-311", "title": "open files in /proc", "runs": 5, "times": 5,
                      "lpars": [{"lpar": "lpar08", "times": 5}], "more": 0}],
        "left_out": [], "past_window": null, "blackout": null, "history": [], "notes": [],
    });
    let lab = LabRun {
        folder: "/tmp/rehearsal".into(),
        speed: 100,
        began: "2026-11-30T10:00:00Z".parse().unwrap(),
        over: "2026-11-30T10:00:15Z".parse().unwrap(),
        took: Seconds(15),
        took_in_lab: Seconds(1500),
        stopped_by: Some("1 failed in wave canary".to_owned()),
        counts: RolloutCounts { done: 1, failed: 1, waiting: 4, ..RolloutCounts::default() },
        failures: serde_json::from_value(json!([
            {"state": "failed", "code": "1020-311", "cause": "a long story", "remedy": null, "lpars": ["lpar08"]},
            {"state": "stuck", "code": null, "cause": "it took longer than its deadline", "remedy": null, "lpars": ["lpar09"]},
        ]))
        .unwrap(),
        faults: vec![Set { host: "lpar08".to_owned(), fault: "procfs-open".to_owned(), at: None }],
        left_out: (1..8).map(|at| left_out(&format!("old{at}"), "its level is not known")).collect(),
        differs: vec!["no receiver is told".to_owned()],
    };
    let both = InLab { rehearsal: serde_json::from_value(rehearsal).unwrap(), lab };
    let text = both.table(STYLE);
    let (_, below) = text.split_once("the same in the lab").unwrap();
    assert_snapshot!(below, @"
    , 100 times as fast as life, with its files in /tmp/rehearsal

                 REHEARSED                                IN THE LAB
    all updated  in 15 of 20 runs                         1 done, 1 failed, 4 waiting
    took         20:00 in half, 29:00 in 95 of 100        25:00 (0:15 on the clock)
    stopped by   1 failed in wave canary in 5 of 20 runs  1 failed in wave canary

    set in the lab: procfs-open on lpar08

    WENT WRONG IN THE LAB                          CODE      WITH    REHEARSED
    failed: a process has a file under /proc open  1020-311  lpar08  in 5 of 20 runs
    stuck: it took longer than its deadline        -         lpar09  never

    THE LAB DIFFERS
    not there: old1, old2, old3, old4, old5 and 2 others: its level is not known
    no receiver is told
    ");
}

#[test]
fn whom_the_lab_does_not_have_is_said_in_a_line_a_reason() {
    let all = [left_out("a", "x"), left_out("b", "y"), left_out("c", "x")];
    assert_eq!(said(&all, &["z".to_owned()]), ["not there: a, c: x", "not there: b: y", "z"]);
}
