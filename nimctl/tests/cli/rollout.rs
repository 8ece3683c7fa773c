//! `rollout plan`.

use insta::assert_snapshot;
use nim_shared::api::FailureKind;
use serde_json::{Value, json};

use crate::api::Api;
use crate::sample::refusal;

const FILE: &str = "name: spring\n";

fn planned() -> Value {
    let none = json!({"failed": null, "unreachable": null, "skipped": null});
    let digest = "c".repeat(64);
    json!({
        "name": "spring", "fingerprint": digest, "seed": 0,
        "begin": "2026-12-01T20:00:00Z", "usual_end": "2026-12-01T20:20:00Z",
        "end": "2026-12-01T20:30:00Z", "bound": "2026-12-01T20:30:00Z",
        "waves": [{
            "name": "all", "members": 1, "begin": "2026-12-01T20:00:00Z", "usual_end": "2026-12-01T20:20:00Z",
            "end": "2026-12-01T20:30:00Z", "bound": "2026-12-01T20:30:00Z", "soak": 0, "approval": "no",
            "healthy": null, "in_flight": 1, "stop": none, "worst_failed": null,
        }],
        "targets": [{
            "lpar": "lpar01", "wave": 0, "frame": "frame1", "class": 0, "begin": "2026-12-01T20:00:00Z",
            "usual_end": "2026-12-01T20:20:00Z", "end": "2026-12-01T20:30:00Z", "blackout": 30, "basis": "own",
            "waits_for": null, "approval": null, "fingerprint": digest,
        }],
        "held": [], "excluded": [], "classes": ["7300-03-00-2446"], "stop": none,
        "frames": [],
        "warnings": [{"path": "prep", "message": "lpar01: Workload Manager is stopped"}],
    })
}

#[test]
fn a_plan_is_shown_and_drawn() {
    let api = Api::new().on("POST /v1/rollout/plan", &planned());
    let line = "rollout plan - --begin 2026-12-01T20:00:00Z --picture plan.svg";
    assert_snapshot!(api.nimctl_reads(line, FILE), @"
    exit: 0
    --- stdout
    rollout spring: 1 LPAR in 1 wave
    begins         2026-12-01 20:00 UTC
    usually over   2026-12-01 20:20 UTC
    at the latest  2026-12-01 20:30 UTC, 0:00 later than the best plan ends

    WAVE  LPARS  AT A TIME  BEGINS (UTC)  USUALLY OVER  AT LATEST
    all   1      1          12-01 20:00   12-01 20:20   12-01 20:30

             12-01 20:00                                                      20:30
    frame1
      lpar01 ==============================================------------------------
    = usual time, - up to what 95 of 100 do not exceed; all times UTC

    LPAR    WAVE  STARTS (UTC)  LATEST  BLACKOUT  WAITS FOR
    lpar01  all   12-01 20:00   20:30   30 s      -

    no number of failures stops it: the file has no stop
    fingerprint cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    --- stderr
    warning: prep: lpar01: Workload Manager is stopped
    the picture is in plan.svg
    ");
    assert_snapshot!(api.changes()[0], @r#"POST /v1/rollout/plan {"file":{"name":"standard input","text":"name: spring\n"},"begin":"2026-12-01T20:00:00Z"}"#);
    let picture = std::fs::read_to_string(api.folder().join("plan.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("lpar01"), "{picture}");
    let json = api.nimctl_reads("rollout plan - -o json", FILE).to_string();
    assert!(json.starts_with("exit: 0") && json.contains(r#""usual_end": "2026-12-01T20:20:00Z""#));
}

#[test]
fn who_is_late_and_nobody_end_with_1() {
    let mut late = planned();
    late["what_if"] = json!({
        "changes": "finish_by=2026-12-01T20:25:00Z", "usual_end_without": "2026-12-01T20:20:00Z",
        "end_without": "2026-12-01T20:30:00Z", "targets_without": 1,
        "finish_by": "2026-12-01T20:25:00Z", "late": ["lpar01"],
    });
    let mut nobody = planned();
    nobody["targets"] = json!([]);
    let api = Api::new().on("POST /v1/rollout/plan", &late).on("POST /v1/rollout/plan", &nobody);
    let line = "rollout plan - --what-if finish_by=2026-12-01T20:25:00Z";
    let said = api.nimctl_reads(line, FILE).to_string();
    assert!(said.starts_with("exit: 1") && said.contains("1 LPAR may be late: lpar01"), "{said}");
    assert!(api.changes()[0].contains(r#""what_if":"finish_by=2026-12-01T20:25:00Z""#));
    let said = api.nimctl_reads("rollout plan -", FILE).to_string();
    assert!(said.starts_with("exit: 1") && said.contains("0 LPARs in 1 wave"), "{said}");
}

#[test]
fn what_cannot_be_planned_is_refused_and_a_picture_has_a_name() {
    let api = Api::new().refuse(
        "POST /v1/rollout/plan",
        &refusal(
            "NLU-0158",
            "1 fault in standard input; nothing was planned",
            FailureKind::Refused,
        ),
    );
    let said = api.nimctl_reads("rollout plan - --picture plan.svg", FILE).to_string();
    assert!(said.starts_with("exit: 3") && said.contains("[NLU-0158]"), "{said}");
    assert!(!api.folder().join("plan.svg").exists());
    assert_snapshot!(api.nimctl_reads("rollout plan - --picture plan.png", FILE), @"
    exit: 2
    --- stderr
    error: plan.png is no name for a picture  [NLU-0505]
      hint: it ends in .svg or .html
    ");
    assert_eq!(api.changes().len(), 1, "the name is looked at first");
}

pub(crate) fn view(phase: &str) -> Value {
    json!({
        "id": "0193a2b4-0000-7000-8000-00000000ba7c", "name": "spring", "phase": phase,
        "waits_for": null, "wave": "canary", "fingerprint": "c".repeat(64),
        "begin": "2026-12-01T20:00:00Z", "planned_end": "2026-12-01T20:30:00Z", "requested_by": 1000,
        "created_at": "2026-12-01T20:00:00Z", "ended_at": null,
        "counts": {"waiting": 3, "in_flight": 2, "done": 1, "failed": 1, "unreachable": 1, "left_out": 1},
    })
}

#[test]
fn a_rollout_is_started_and_turned() {
    let mut started = view("running");
    started["excluded"] = json!(2);
    let api = Api::new()
        .on("POST /v1/rollouts", &started)
        .on("GET /v1/rollouts", &json!([view("stopped"), view("ended")]))
        .on("POST /v1/rollouts/spring/turn", &view("paused"));
    let fingerprint = "c".repeat(64);
    let line = format!("rollout start - --begin 2026-12-01T20:00:00Z --fingerprint {fingerprint}");
    assert_snapshot!(api.nimctl_reads(&line, FILE), @"
    exit: 0
    --- stdout
    ROLLOUT  STATE    WAVE    WAIT  RUN  DONE  FAILED  OTHERS  STARTED (UTC)
    spring   running  canary  3     2    1     1       2       12-01 20:00
    --- stderr
    left out by the plan: 2 LPARs; `nimctl rollout report spring` names them and says why
    follow: nimctl rollout watch spring
    ");
    let asked = &api.changes()[0];
    assert!(asked.contains(&fingerprint) && asked.contains(r#""token":"#), "{asked}");
    let listed = api.nimctl("rollout list").to_string();
    assert!(listed.contains("stopped") && listed.contains("ended"), "{listed}");
    for (line, body) in [
        ("rollout pause spring", r#"{"what":"pause"}"#.to_owned()),
        ("rollout resume spring", r#"{"what":"resume"}"#.to_owned()),
        ("rollout abort spring", r#"{"what":"abort","cancel":false}"#.to_owned()),
        ("rollout abort --cancel spring", r#"{"what":"abort","cancel":true}"#.to_owned()),
        ("rollout promote spring", r#"{"what":"promote"}"#.to_owned()),
        (
            "rollout promote spring lpar07 lpar08",
            r#"{"what":"promote","lpars":["lpar07","lpar08"]}"#.to_owned(),
        ),
    ] {
        let said = api.nimctl(line).to_string();
        assert!(said.starts_with("exit: 0") && said.contains("paused"), "{said}");
        assert_eq!(*api.changes().last().unwrap(), format!("POST /v1/rollouts/spring/turn {body}"));
    }
    let said = api.nimctl(&format!("rollout approve spring --fingerprint {fingerprint} lpar01"));
    assert!(said.to_string().starts_with("exit: 0"), "{said}");
    assert!(api.changes().last().unwrap().contains(r#""lpars":["lpar01"]"#));
}

#[test]
fn a_rollout_is_shown_with_its_lpars_and_what_happened() {
    let mut status = view("running");
    status["waits_for"] = "the wave before it to soak until 2026-12-01T21:00:00Z".into();
    status["targets"] = json!([
        {"lpar": "lpar01", "wave": "canary", "state": "updated", "attempt": 1, "at": null, "why": null, "operation": null,
         "retry": {"may": "not", "why": "it is done"}},
        {"lpar": "lpar02", "wave": "rest", "state": "waiting", "attempt": 0, "at": "2026-12-01T20:00:00Z",
         "why": "its VIOS vios1a is Not Activated\u{1b}", "operation": null,
         "retry": {"may": "not", "why": "it has not ended"}},
    ]);
    status["events"] = json!([{"at": "2026-12-01T20:20:00Z", "by": 1000, "what": "resumed"}]);
    let api = Api::new().on("GET /v1/rollouts/spring", &status);
    assert_snapshot!(api.nimctl("rollout status spring"), @"
    exit: 0
    --- stdout
    rollout spring is running
    waits for: the wave before it to soak until 2026-12-01T21:00:00Z
    started 2026-12-01 20:00 UTC by uid 1000, planned to be over by 2026-12-01 20:30 UTC

    LPAR    WAVE    STATE    TRY  SINCE  WHY
    lpar01  canary  updated  1    -      -
    lpar02  rest    waiting  -    -      its VIOS vios1a is Not Activated�

    what happened, the newest first, in UTC:
      12-01 20:20 resumed by uid 1000
    fingerprint cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    ");
}

fn ended(lpar: &str, state: &str, retry: &Value) -> Value {
    json!({
        "lpar": lpar, "wave": "rest", "state": state, "attempt": 1, "at": null, "why": null, "operation": null,
        "retry": retry,
    })
}

#[test]
fn who_is_tried_again_is_shown_and_asked_about_first() {
    let mut status = view("stopped");
    status["targets"] = json!([
        ended("lpar01", "updated", &json!({"may": "not", "why": "it is done"})),
        ended(
            "lpar02",
            "failed",
            &json!({"may": "after_remedy", "remedy": "1020-311: stop nmon."})
        ),
        ended("lpar03", "failed", &json!({"may": "now"})),
        ended("lpar04", "unreachable", &json!({"may": "now"})),
        ended("lpar05", "failed", &json!({"may": "not", "why": "the update is in effect"})),
    ]);
    status["events"] = json!([]);
    let api = Api::new()
        .on("GET /v1/rollouts/spring", &status)
        .on("POST /v1/rollouts/0193a2b4-0000-7000-8000-00000000ba7c/turn", &view("stopped"));
    assert_snapshot!(api.nimctl("rollout retry spring --class failed,skipped"), @"
    exit: 2
    --- stdout
    TRIED AGAIN  WAVE  STATE   TRY  SINCE  WHY
    lpar03       rest  failed  1    -      -
    STAYS AS IT IS  WHY
    lpar02          1020-311: stop nmon. When that is done: --remedied
    lpar05          the update is in effect
    it is stopped: nothing starts before nimctl rollout resume spring
    --- stderr
    error: 1 LPAR would be tried again, and nobody can be asked  [NLU-0506]
      hint: `--yes` tries them without a question
    ");
    assert_eq!(api.changes(), [""; 0], "nobody has confirmed");
    let said =
        api.nimctl("rollout retry spring --class failed --class unreachable --remedied --yes");
    assert!(said.to_string().starts_with("exit: 0"), "{said}");
    let asked = api.changes().last().unwrap().clone();
    assert!(
        asked.ends_with(r#"{"what":"retry","lpars":["lpar02","lpar03","lpar04"],"remedied":true}"#),
        "{asked}"
    );
    api.nimctl("rollout retry spring lpar04 -y --ticket CHG5");
    let asked = api.changes().last().unwrap().clone();
    assert!(asked.contains(r#""lpars":["lpar04"],"remedied":false,"ticket":"CHG5"}"#), "{asked}");
    assert_snapshot!(api.nimctl("rollout retry spring lpar01 lpar05 --yes"), @"
    exit: 3
    --- stdout
    STAYS AS IT IS  WHY
    lpar01          it is done
    lpar05          the update is in effect
    ");
    assert_snapshot!(api.nimctl("rollout retry spring lpar09"), @"
    exit: 2
    --- stderr
    error: no LPAR of rollout spring: lpar09  [NLU-0505]
      hint: nimctl rollout status spring lists them
    ");
    assert_eq!(api.changes().len(), 2);
    let said = api.nimctl("rollout retry spring --class cancelled,not_started").to_string();
    assert!(said.starts_with("exit: 3") && said.contains("nobody"), "{said}");
    assert!(api.nimctl("rollout retry spring").to_string().starts_with("exit: 2"));
}

#[test]
fn why_is_one_screen_with_who_decides() {
    let waits = |what: &str, more: &Value| {
        let mut one =
            json!({"what": what, "since": null, "until": null, "decides": "their updates"});
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one
    };
    let mut one = json!({
        "about": "rollout spring", "stands": "stopped, at wave canary", "since": "2026-12-01T20:10:00Z",
        "waits": [
            waits("somebody to resume or abort it: 1 failed, and it stops at 1", &json!({
                "lpars": 5, "since": "2026-12-01T20:10:00Z", "decides": "anybody", "hint": "nimctl rollout resume spring",
            })),
            waits("a window that is long enough\u{1b}", &json!({"lpars": 1, "until": "2026-12-02T20:00:00Z"})),
            waits("memory of its frame", &json!({})),
            waits("a place in flight", &json!({})),
            waits("a place on its frame", &json!({})),
        ],
        "given_up_at": "2026-12-31T20:00:00Z", "hint": "nimctl rollout status spring",
    });
    let api = Api::new().on("GET /v1/why/spring", &json!([one]));
    assert_snapshot!(api.nimctl("why spring"), @"
    exit: 0
    --- stdout
    rollout spring: stopped, at wave canary, since 2026-12-01 20:10 UTC
    waits for  somebody to resume or abort it: 1 failed, and it stops at 1  (5 LPARs)
      since    2026-12-01 20:10 UTC
      decides  anybody
      type     nimctl rollout resume spring
    waits for  a window that is long enough�  (1 LPAR)
      until    2026-12-02 20:00 UTC
      decides  their updates
    waits for  memory of its frame
      decides  their updates
    waits for  a place in flight
      decides  their updates
    ... and for 1 more: -o wide
    given up   2026-12-31 20:00 UTC, if nothing changes before
      type     nimctl rollout status spring
    ");
    let wide = api.nimctl("why spring -o wide").to_string();
    assert!(wide.contains("a place on its frame"), "{wide}");
    one["waits"] = json!([]);
    one["given_up_at"] = Value::Null;
    let api = Api::new().on("GET /v1/why/lpar01", &json!([one]));
    let said = api.nimctl("why lpar01").to_string();
    assert!(said.contains("waits for  nothing") && !said.contains("given up"), "{said}");
    let json = api.nimctl("why lpar01 -o json").to_string();
    assert!(json.contains(r#""waits": []"#), "{json}");
}

#[test]
fn a_report_is_shown_and_written() {
    let mut report = view("ended");
    report["at"] = "2026-12-01T22:00:00Z".into();
    report["stop"] = json!({"failed": null, "unreachable": null, "skipped": null});
    report["lpars"] = json!([{
        "lpar": "lpar01", "wave": "canary", "frame": "frame1", "state": "updated", "attempt": 1, "why": null,
        "planned_begin": null, "planned_end": null, "began": "2026-12-01T20:00:00Z", "ended": "2026-12-01T20:20:00Z",
        "planned_blackout": null, "blackout": 20, "level_before": null, "level_after": null, "operation": null,
    }]);
    report["failures"] = json!([]);
    report["left_out"] = json!([]);
    report["events"] = json!([]);
    let api = Api::new().on("GET /v1/rollouts/spring/report", &report);
    for (file, begin) in [("report.html", "<!DOCTYPE html>"), ("report.csv", "lpar,frame,")] {
        let said = api.nimctl(&format!("rollout report spring --file {file}")).to_string();
        assert_eq!(said.trim_end(), format!("exit: 0\n--- stdout\nthe report is in {file}"));
        let written = std::fs::read_to_string(api.folder().join(file)).unwrap();
        assert!(written.starts_with(begin) && written.contains("lpar01"), "{written}");
    }
    let text = api.nimctl("rollout report spring").to_string();
    assert!(text.starts_with("exit: 0") && text.contains("rollout spring\n"), "{text}");
    let json = api.nimctl("rollout report spring -o json --file report.csv").to_string();
    assert!(json.contains(r#""blackout": 20"#), "{json}");
    assert_snapshot!(api.nimctl("rollout report spring --file report.pdf"), @"
    exit: 2
    --- stderr
    error: report.pdf is no name for a report  [NLU-0505]
      hint: it ends in .html or .csv
    ");
}

#[test]
fn maintenance_is_said_with_a_reason_and_listed() {
    let place = json!({
        "name": "vios1a", "type": "vios", "reason": "update to 4.1.1\u{1b}", "by": 1000,
        "since": "2026-12-01T20:00:00Z", "running": 2,
    });
    let api = Api::new()
        .on("PUT /v1/maintenance/vios1a", &place)
        .on("GET /v1/maintenance", &json!([place]))
        .on_text("DELETE /v1/maintenance/vios1a", "");
    assert_snapshot!(api.run(&["maintenance", "on", "vios1a", "--reason", "update to 4.1.1"]), @"
    exit: 0
    --- stdout
    MAINTENANCE OF  TYPE  SINCE                 BY UID  STILL RUN THERE  REASON
    vios1a          vios  2026-12-01 20:00 UTC  1000    2                update to 4.1.1�
    ");
    assert_snapshot!(api.changes()[0], @r#"PUT /v1/maintenance/vios1a {"reason":"update to 4.1.1"}"#);
    let listed = api.nimctl("maintenance list -o json").to_string();
    assert!(listed.contains(r#""running": 2"#), "{listed}");
    let off = api.nimctl("maintenance off vios1a").to_string();
    assert!(
        off.starts_with("exit: 0") && off.contains("vios1a is not in maintenance any more"),
        "{off}"
    );
    let api = Api::new().on("GET /v1/maintenance", &json!([]));
    assert!(api.nimctl("maintenance list").to_string().contains("there is no maintenance"));
    assert!(api.nimctl("maintenance on vios1a").to_string().starts_with("exit: 2"));
}

/// A rollout as somebody sees it who watches.
pub(crate) fn watched(
    phase: &str,
    counts: &Value,
    events: &[(&str, &str)],
    last_event: i64,
) -> Value {
    let mut watched = view(phase);
    let events = events.iter().map(|(at, what)| json!({"at": at, "by": null, "what": what}));
    let events: Vec<Value> = events.collect();
    let more = json!({
        "counts": counts, "at": "2026-12-01T20:10:00Z", "outlook": null, "frames": [], "targets": [],
        "waves": [{"name": "canary", "planned_begin": "2026-12-01T20:00:00Z", "planned_end": "2026-12-01T20:30:00Z"}],
        "events": events, "last_event": last_event,
    });
    watched.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    watched
}

/// A rollout of two that fails on one of them while it is watched.
fn watched_to_its_end() -> Api {
    let counts = |waiting, in_flight, done, failed| json!({"waiting": waiting, "in_flight": in_flight, "done": done, "failed": failed, "unreachable": 0, "left_out": 0});
    let events =
        [("2026-12-01T20:11:00Z", "lpar01 is updated"), ("2026-12-01T20:11:01Z", "lpar02 starts")];
    let last = [
        ("2026-12-01T20:20:00Z", "lpar02 is failed: files in /proc are open\u{1b}[2J"),
        ("2026-12-01T20:20:00Z", "ended"),
    ];
    let first =
        watched("running", &counts(1, 1, 0, 0), &[("2026-12-01T20:00:00Z", "lpar01 starts")], 3);
    let id = first["id"].as_str().unwrap().to_owned();
    let after = |number: i64| format!("GET /v1/rollouts/{id}/watch?after={number}");
    Api::new()
        .on("GET /v1/rollouts/spring/watch", &first)
        .on(&after(3), &watched("running", &counts(0, 1, 1, 0), &events, 5))
        .on(&after(5), &watched("ended", &counts(0, 0, 1, 1), &last, 7))
        .on(&after(7), &watched("ended", &counts(0, 0, 1, 1), &[], 7))
}

#[test]
fn a_rollout_is_watched_in_lines_until_it_is_over() {
    assert_snapshot!(watched_to_its_end().nimctl("rollout watch spring"), @"
    exit: 1
    --- stdout
    20:10:00Z spring: running, at wave canary: 1 in flight, 1 waiting
    20:11:00Z spring: lpar01 is updated
    20:11:01Z spring: lpar02 starts
    20:20:00Z spring: lpar02 is failed: files in /proc are open�[2J
    20:20:00Z spring: ended
    spring is over: 1 done, 1 failed
    ");
    assert_snapshot!(watched_to_its_end().nimctl("rollout watch spring -o json"), @r#"
    exit: 1
    --- stdout
    {"kind":"rollout","id":"0193a2b4-0000-7000-8000-00000000ba7c","name":"spring","phase":"running","waits_for":null,"wave":"canary","fingerprint":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","begin":"2026-12-01T20:00:00Z","planned_end":"2026-12-01T20:30:00Z","requested_by":1000,"created_at":"2026-12-01T20:00:00Z","ended_at":null,"counts":{"waiting":1,"in_flight":1,"done":0,"failed":0,"unreachable":0,"left_out":0},"excluded":0}
    {"kind":"event","at":"2026-12-01T20:11:00Z","by":null,"what":"lpar01 is updated"}
    {"kind":"event","at":"2026-12-01T20:11:01Z","by":null,"what":"lpar02 starts"}
    {"kind":"rollout","id":"0193a2b4-0000-7000-8000-00000000ba7c","name":"spring","phase":"running","waits_for":null,"wave":"canary","fingerprint":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","begin":"2026-12-01T20:00:00Z","planned_end":"2026-12-01T20:30:00Z","requested_by":1000,"created_at":"2026-12-01T20:00:00Z","ended_at":null,"counts":{"waiting":0,"in_flight":1,"done":1,"failed":0,"unreachable":0,"left_out":0},"excluded":0}
    {"kind":"event","at":"2026-12-01T20:20:00Z","by":null,"what":"lpar02 is failed: files in /proc are open\u001b[2J"}
    {"kind":"event","at":"2026-12-01T20:20:00Z","by":null,"what":"ended"}
    {"kind":"rollout","id":"0193a2b4-0000-7000-8000-00000000ba7c","name":"spring","phase":"ended","waits_for":null,"wave":"canary","fingerprint":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","begin":"2026-12-01T20:00:00Z","planned_end":"2026-12-01T20:30:00Z","requested_by":1000,"created_at":"2026-12-01T20:00:00Z","ended_at":null,"counts":{"waiting":0,"in_flight":0,"done":1,"failed":1,"unreachable":0,"left_out":0},"excluded":0}
    "#);
}

#[test]
fn a_rollout_that_is_over_is_not_watched() {
    let counts = json!({"waiting": 0, "in_flight": 0, "done": 2, "failed": 0, "unreachable": 0, "left_out": 0});
    let api = Api::new().on("GET /v1/rollouts/spring/watch", &watched("ended", &counts, &[], 9));
    let said = api.nimctl("rollout watch spring").to_string();
    assert!(said.starts_with("exit: 0") && said.contains("nimctl rollout report spring"), "{said}");
}

#[test]
fn a_ticket_goes_with_what_is_done_under_it_and_is_shown() {
    let mut started = view("running");
    started["ticket"] = "CHG0031337".into();
    let mut status = started.clone();
    status["targets"] = json!([]);
    status["events"] = json!([
        {"at": "2026-12-01T20:05:00Z", "by": 1001, "what": "the wave was approved", "ticket": "CHG2"},
        {"at": "2026-12-01T20:01:00Z", "by": null, "what": "lpar01 starts"},
    ]);
    let api = Api::new()
        .on("POST /v1/rollouts", &started)
        .on("POST /v1/rollouts/spring/turn", &started)
        .on("GET /v1/rollouts/spring", &status)
        .on("GET /v1/why/spring", &json!([{
            "about": "rollout spring", "stands": "running", "ticket": "CHG0031337", "since": null, "waits": [],
            "given_up_at": null, "hint": null,
        }]));
    let print = "c".repeat(64);
    let start = api.nimctl_reads("rollout start - --ticket CHG0031337", FILE).to_string();
    assert!(start.starts_with("exit: 0"), "{start}");
    for line in [
        format!("rollout approve spring --fingerprint {print} --ticket CHG2"),
        "rollout abort spring --cancel --ticket CHG3".to_owned(),
    ] {
        assert!(api.nimctl(&line).to_string().starts_with("exit: 0"), "{line}");
    }
    let sent = api.changes();
    assert!(sent[0].ends_with(r#","ticket":"CHG0031337"}"#), "{}", sent[0]);
    assert!(sent[1].ends_with(r#","lpars":[],"ticket":"CHG2"}"#), "{}", sent[1]);
    let abort = r#"POST /v1/rollouts/spring/turn {"what":"abort","cancel":true,"ticket":"CHG3"}"#;
    assert_eq!(sent[2], abort);
    let shown = api.nimctl("rollout status spring").to_string();
    assert!(shown.contains("by uid 1000 under CHG0031337, planned"), "{shown}");
    assert!(shown.contains("the wave was approved by uid 1001 under CHG2\n"), "{shown}");
    let why = api.nimctl("why spring").to_string();
    assert!(why.contains("ticket     CHG0031337\n"), "{why}");
    for what in ["pause", "resume", "promote"] {
        let line = format!("rollout {what} spring --ticket CHG4");
        assert!(api.nimctl(&line).to_string().starts_with("exit: 0"), "{line}");
        let asked = format!(r#"POST /v1/rollouts/spring/turn {{"what":"{what}","ticket":"CHG4"}}"#);
        assert_eq!(*api.changes().last().unwrap(), asked);
    }
    let bad = api.run(&["rollout", "abort", "spring", "--ticket", "CHG 3"]).to_string();
    assert!(bad.starts_with("exit: 2") && bad.contains("no ticket"), "{bad}");
}
