//! Operations as one looks at them: status, events, log, clean-up. And how a person ends one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use nim_shared::api::Output;
use nim_shared::id::Epoch;
use nim_shared::operation::StateName;
use serde_json::json;

use crate::api::Api;
use crate::operations::accepted;
use crate::sample::{event, failed, id, operation, page, running, succeeded};

#[test]
fn open_operations_are_listed_with_ids_that_are_taken_where_one_is_asked_for() {
    let mut waiting = operation(2, "lpar02");
    waiting.waits_for = Some("p10-a has no free memory".to_owned());
    waiting.created_at = crate::sample::before(200);
    let mut silent = running(1, "lpar01", "update", "blackout");
    silent.entered_at = Some(crate::sample::before(20 * 60 + 30));
    // One of the same millisecond that has ended and is not listed, with an id that begins as that of lpar01.
    let mut ended = succeeded(3, "lpar03");
    ended.id = "0193a2b4-5c6d-7001-8def-0123456789ff".parse().unwrap();
    let all = [&waiting, &silent, &ended].map(Clone::clone).to_vec();
    let api = Api::new()
        .on(
            "GET /v1/operations?state=queued&state=dispatching&state=running&state=stuck&limit=1000",
            &page(vec![waiting, silent]),
        )
        .on("GET /v1/operations?id=0193a2b4-5c6d&limit=1000", &page(all));
    assert_snapshot!(api.nimctl("status"), @"
    exit: 0
    --- stdout
    ID                                   LPAR    KIND    STATE    AT                SINCE       NOTE
    0193a2b4-5c6d-7002                   lpar02  update  queued                     3 min ago   p10-a has no free memory
    0193a2b4-5c6d-7001-8def-0123456789a  lpar01  update  running  update: blackout  20 min ago
    ");
    let asked = api.requests().len();
    let data = api.nimctl("status -o json").to_string();
    assert!(data.contains("0193a2b4-5c6d-7001-8def-0123456789ab"), "{data}");
    assert_eq!(api.requests().len(), asked + 1, "whole ids need no second question");
}

#[test]
fn what_a_failure_says_is_said_once() {
    let mut view = failed(2, "lpar02");
    let summary = view.report.as_ref().unwrap().summary.clone();
    let failure = view.failure.as_mut().unwrap();
    failure.causes = vec![summary.clone(), "1430-030: moving the workload failed: why".to_owned()];
    let api = Api::new().on("GET /v1/operations?lpar=lpar02&limit=1", &page(vec![view]));
    let text = api.nimctl("status lpar02").to_string();
    assert!(text.contains("because   = 1430-030: moving the workload failed: why"), "{text}");
    for once in ["1430-030", &summary] {
        assert_eq!(text.matches(once).count(), 1, "{text}");
    }
}

#[test]
fn one_operation_is_found_by_its_lpar_or_the_beginning_of_its_id() {
    let view = failed(2, "lpar02");
    let api = Api::new()
        .on("GET /v1/operations?lpar=lpar02&limit=1", &page(vec![view.clone()]))
        .on("GET /v1/operations?lpar=0193a2&limit=1", &page(Vec::<()>::new()))
        .on("GET /v1/operations?lpar=01&limit=1", &page(Vec::<()>::new()))
        .on("GET /v1/operations?id=01&limit=5", &page(vec![view.clone()]))
        .on("GET /v1/operations?lpar=02&limit=1", &page(Vec::<()>::new()))
        .on("GET /v1/operations?id=02&limit=5", &page(Vec::<()>::new()))
        .on("GET /v1/operations?id=0193a2&limit=5", &page(vec![view, operation(1, "lpar01")]));
    assert_snapshot!(api.nimctl("status lpar02"), @"
    exit: 0
    --- stdout
    lpar02:
       operation = 0193a2b4-5c6d-7002-8def-0123456789ab
       batch     = 0193a2b4-0000-7000-8000-00000000ba7c
       kind      = update
       state     = failed
       accepted  = 2025-01-29T10:00:00Z, by uid 0
       started   = 2025-01-29T10:00:10Z
       ended     = 2025-01-29T10:10:34Z
       outcome   = failed, nothing was installed: geninstall ended before the move
       code      = 1430-030: moving the workload failed
       code      = NLU-0431
       means     = a process holds a file in /proc open
       to do     = see who holds it with `fuser /proc`, then start again
    ");
    assert_snapshot!(api.nimctl("status 0193a2"), @r#"
    exit: 3
    --- stderr
    error: several operations have an id that begins with "0193a2"  [NLU-0510]
      hint: type more of it; it can be 0193a2b4-5c6d-7002-8def-0123456789ab (lpar02), 0193a2b4-5c6d-7001-8def-0123456789ab (lpar01)
    "#);
    assert_snapshot!(api.nimctl("status 01"), @r#"
    exit: 3
    --- stderr
    error: "01" is too short to mean an operation  [NLU-0510]
      hint: type more of it; it can be 0193a2b4-5c6d-7002-8def-0123456789ab (lpar02)
    "#);
    assert_snapshot!(api.nimctl("status 02"), @r#"
    exit: 3
    --- stderr
    error: no operation has an id that begins with "02", and no LPAR of that name had one  [NLU-0509]
      hint: `nimctl status --all` lists them
    "#);
}

#[test]
fn the_timeline_tells_what_happened_and_when() {
    let events = page(vec![
        event(1, "lpar01", 1, "10:00:10", &json!({"kind": "stage", "stage": "pre"})),
        event(1, "lpar01", 2, "10:00:40", &json!({"kind": "point", "point": "committed"})),
        event(
            1,
            "lpar01",
            3,
            "10:02:10",
            &json!({"kind": "freeze", "wall": 74_812, "monotonic": 74_790, "tick": 200}),
        ),
        event(
            1,
            "lpar01",
            4,
            "10:03:10",
            &json!({"kind": "code", "code": "1430-030", "text": "An error\u{1b}[0m occurred"}),
        ),
        event(1, "lpar01", 5, "10:03:11", &json!({"kind": "dance"})),
    ]);
    let api = Api::new()
        .on("GET /v1/operations?lpar=lpar01&limit=1", &page(vec![operation(1, "lpar01")]))
        .on(&format!("GET /v1/operations/{}/events?limit=1000", id(1)), &events);
    assert_snapshot!(api.nimctl("events lpar01"), @"
    exit: 0
    --- stdout
    LPAR'S CLOCK          AFTER  EVENT  WHAT
    2025-01-29T10:00:10Z  0:00   1      stage pre
    2025-01-29T10:00:40Z  0:30   2      committed: not interruptible from here
    2025-01-29T10:02:10Z  2:00   3      longest freeze: 74.8 s by the wall clock, 74.7 s by the monotonic one
    2025-01-29T10:03:10Z  3:00   4      1430-030: An error�[0m occurred
    2025-01-29T10:03:11Z  3:01   5      dance: this nimctl is too old to know what that is
    ");
    assert_eq!(api.nimctl("events lpar01 -o json").to_string().lines().count(), 7);
}

#[test]
fn the_log_is_what_was_written_without_what_a_terminal_would_act_on() {
    let part = |offset: u64, bytes: &[u8], next: Option<u64>| Output {
        epoch: Epoch(1),
        offset,
        data: STANDARD.encode(bytes),
        next,
        cut: next.is_none(),
    };
    // The two bytes of ü come in two parts.
    let api = Api::new()
        .on("GET /v1/operations?lpar=lpar01&limit=1", &page(vec![operation(1, "lpar01")]))
        .on(&format!("GET /v1/operations/{}/output", id(1)), &part(0, b"f\xc3", Some(2)))
        .on(
            &format!("GET /v1/operations/{}/output?from=2", id(1)),
            &part(2, b"\xbcr\x1b[2J\n....\xff\nend", None),
        );
    assert_snapshot!(api.nimctl("log lpar01"), @"
    exit: 0
    --- stdout
    für[2J
    ....�
    end
    --- stderr
    -- the rest was cut by the agent: the output passed its limit --
    ");
}

#[test]
fn one_line_of_history_is_asked_for_alone() {
    let part = Output {
        epoch: Epoch(2),
        offset: 1 << 40,
        data: STANDARD.encode(b"once more\n"),
        next: None,
        cut: false,
    };
    let api = Api::new()
        .on("GET /v1/operations?lpar=lpar01&limit=1", &page(vec![operation(1, "lpar01")]))
        .on(&format!("GET /v1/operations/{}/output?epoch=2", id(1)), &part);
    assert_snapshot!(api.nimctl("log lpar01 --epoch 2"), @"
    exit: 0
    --- stdout
    once more
    ");
    assert_eq!(api.nimctl("log lpar01 --epoch 0").0.status.code(), Some(2));
}

#[test]
fn a_followed_log_ends_with_its_operation() {
    let output = |from, data: &[u8]| Output {
        epoch: Epoch(1),
        offset: from,
        data: STANDARD.encode(data),
        next: None,
        cut: false,
    };
    let asked = format!("GET /v1/operations/{}", id(1));
    let api = Api::new()
        .on(
            "GET /v1/operations?lpar=lpar01&limit=1",
            &page(vec![running(1, "lpar01", "update", "")]),
        )
        .on(&asked, &running(1, "lpar01", "update", ""))
        .on(&asked, &succeeded(1, "lpar01"))
        .on(&format!("{asked}/output"), &output(0, b"one\ntw"))
        .on(&format!("{asked}/output?from=6"), &output(6, b"o\n"));
    assert_snapshot!(api.nimctl("log -f lpar01"), @"
    exit: 0
    --- stdout
    one
    two
    ");
}

#[test]
fn a_person_ends_an_operation() {
    let mut cancelled = running(1, "lpar01", "update", "clone");
    cancelled.cancel_asked = true;
    let mut resolved = operation(1, "lpar01");
    resolved.state = StateName::Failed;
    let last = event(1, "lpar01", 9, "10:00:10", &json!({"kind": "stage", "stage": "post"}));
    let asked = format!("/v1/operations/{}", id(1));
    let api = Api::new()
        .on(
            "GET /v1/operations?lpar=lpar01&limit=1",
            &page(vec![running(1, "lpar01", "update", "clone")]),
        )
        .on(&format!("POST {asked}/cancel"), &cancelled)
        .on(&format!("GET {asked}/events?limit=1000"), &page(vec![last]))
        .on(&format!("POST {asked}/resolve"), &resolved);
    assert_snapshot!(api.nimctl("cancel lpar01"), @"
    exit: 0
    --- stdout
    lpar01: cancel asked for; it takes effect between two steps, and what was changed is put back first
    ");
    assert_snapshot!(api.run(&["resolve", "--as", "failed", "--reason", "it was rebooted", "lpar01"]), @"
    exit: 0
    --- stdout
    lpar01: counts as failed; the LPAR is free
    ");
    assert_snapshot!(api.changes()[1], @r#"POST /v1/operations/0193a2b4-5c6d-7001-8def-0123456789ab/resolve {"state":"failed","reason":"it was rebooted","seen":[1,9]}"#);
}

#[test]
fn clvupdate_is_not_offered_where_nothing_is_to_be_cleaned_up() {
    let view = json!({
        "lpar": "lpar08", "operation": null, "lpar_id": 8, "booted_at": "2026-01-01 10:00", "not_seen": null,
        "partitions": [{"name": "lpar08", "lpar_id": 8, "lpar_env": "aixlinux", "state": "Running",
            "rmc_state": "active", "rmc_ipaddr": "", "os_version": ""}],
        "place": "the workload runs on lpar08 (id 8, Running), and there is no second partition of it",
        "nothing_left": true,
        "flags": [{"flag": "u", "advice": "possible", "because": "clvupdate refused"}],
    });
    let api =
        Api::new().on("GET /v1/clean-up/lpar08", &view).on("POST /v1/clean-up/lpar08", &accepted());
    assert_snapshot!(api.nimctl("cleanup lpar08"), @"
    exit: 0
    --- stdout
    lpar08: id 8, booted 2026-01-01 10:00
    PARTITION  ID  STATE    RMC
    lpar08     8   Running  active
    the workload runs on lpar08 (id 8, Running), and there is no second partition of it
    --- stderr
    nothing is to be cleaned up: no operation on lpar08 is stuck, there is no second partition of it, and no lock; `nimctl cleanup --yes lpar08` runs clvupdate all the same
    ");
    let said = api.nimctl("cleanup lpar08 -o json").to_string();
    assert!(said.contains("\"nothing_left\": true"), "{said}");
    assert_eq!(api.changes(), [""; 0]);
    the_lock_alone_is_released(&view);
    let said = api.nimctl("cleanup --yes --detach lpar08").to_string();
    assert!(said.starts_with("exit: 0") && api.changes().len() == 1, "{said}");
}

/// Where the lock is all that is left, that alone is told.
fn the_lock_alone_is_released(view: &serde_json::Value) {
    let mut view = view.clone();
    view["nothing_left"] = json!(false);
    view["flags"] = json!([
        {"flag": "l", "advice": "wanted", "because": "the lock of a Live Update is there"},
        {"flag": "u", "advice": "possible", "because": "clvupdate refused"},
    ]);
    let api =
        Api::new().on("GET /v1/clean-up/lpar08", &view).on("POST /v1/clean-up/lpar08", &accepted());
    let said = api.nimctl("cleanup --yes --only-lock --detach lpar08").to_string();
    assert!(said.starts_with("exit: 0"), "{said}");
    let sent = &api.changes()[0];
    assert!(sent.contains(r#""flags":["l"]"#), "{sent}");
    let said = api.nimctl("cleanup --yes --only-lock --after-reboot lpar08").to_string();
    assert!(said.starts_with("exit: 2"), "{said}");
}
