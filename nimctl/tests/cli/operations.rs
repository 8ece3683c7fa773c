//! Operations that are asked for and followed: cust, watch, an interrupt. stderr is no terminal here: a line a phase.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use insta::assert_snapshot;
use nim_shared::api::{Accepted, AcceptedOperation, FailureKind};
use nim_shared::request::Kind;
use serde_json::{Value, json};

use crate::api::{Api, Ran};
use crate::sample::{
    BATCH, event, failed, id, operation, page, refusal, reports, running, says, succeeded,
};

const WATCH: &str = "GET /v1/watch?batch=0193a2b4-0000-7000-8000-00000000ba7c";
/// Everything of one request, in one question.
const BATCHED: &str = "GET /v1/operations?batch=0193a2b4-0000-7000-8000-00000000ba7c&limit=1000";
const CUST: [&str; 11] = [
    "cust",
    "-a",
    "live_update=yes",
    "-a",
    "lpp_source=7300-03-01",
    "-a",
    "fixes=update_all",
    "-a",
    "live_update_data=lud_{lpar}",
    "lpar01",
    "lpar02",
];

pub(crate) fn accepted() -> Accepted {
    let operation =
        |number, lpar: &str| AcceptedOperation { id: id(number), lpar: lpar.parse().unwrap() };
    Accepted {
        batch: BATCH.parse().unwrap(),
        operations: vec![operation(1, "lpar01"), operation(2, "lpar02")],
        warnings: Vec::new(),
    }
}

/// One update that succeeds, with everything that is announced on the way, and one that fails.
fn story() -> Vec<Value> {
    let tell = |seq, clock, body| reports(&event(1, "lpar01", seq, clock, &body));
    let end: Value = json!({"watched": "end"});
    vec![
        says(&running(1, "lpar01", "pre", "")),
        says(&operation(2, "lpar02")),
        tell(2, "10:00:20", json!({"kind": "stage", "stage": "prep"})),
        tell(3, "10:00:40", json!({"kind": "point", "point": "ready"})),
        tell(4, "10:00:41", json!({"kind": "stage", "stage": "update"})),
        tell(5, "10:00:45", json!({"kind": "phase", "phase": "preview", "printed_at": null})),
        tell(
            6,
            "10:00:50",
            json!({"kind": "check", "verdict": "passed", "code": null, "text": "HMC token is valid."}),
        ),
        tell(
            7,
            "10:00:51",
            json!({"kind": "check", "verdict": "warning", "code": null, "text": "\u{1b}[31mfew paths"}),
        ),
        tell(8, "10:00:55", json!({"kind": "estimate", "blackout": 77, "total": 624})),
        tell(9, "10:03:00", json!({"kind": "phase", "phase": "blackout", "printed_at": null})),
        says(&running(1, "lpar01", "update", "blackout")),
        tell(10, "10:04:15", json!({"kind": "blackout_ended", "reported": 75})),
        tell(11, "10:04:16", json!({"kind": "point", "point": "moved"})),
        tell(12, "10:04:17", json!({"kind": "phase", "phase": "teleport", "printed_at": null})),
        tell(13, "10:04:18", json!({"kind": "dance", "steps": 3})),
        says(&failed(2, "lpar02")),
        says(&succeeded(1, "lpar01")),
        end,
    ]
}

#[test]
fn an_update_is_followed_to_its_end_and_summed_up() {
    let api = Api::new()
        .on("POST /v1/cust", &accepted())
        .on(BATCHED, &page(vec![operation(2, "lpar02"), operation(1, "lpar01")]))
        .events(WATCH, 1, &story());
    assert_snapshot!(api.run(&CUST), @"
    exit: 1
    --- stdout
    LPAR    OUTCOME    LEVEL                               LPAR ID  BLACKOUT                   TIME
    lpar01  succeeded  7300-02-01-2346 -> 7300-03-01-2520  4 -> 5   ~77 s / 75 s / 74.8 s      10:24
    lpar02  failed     7300-02-01-2346                     4        ~77 s / unknown / unknown  10:24
    blackout: estimated (preview), reported (geninstall), measured (agent)

    lpar02:
       outcome   = failed, nothing was installed: geninstall ended before the move
       code      = 1430-030: moving the workload failed
       code      = NLU-0431
       means     = a process holds a file in /proc open
       to do     = see who holds it with `fuser /proc`, then start again
    --- stderr
    10:00:00Z lpar02: queued
    10:00:20Z lpar01: prep
    10:00:40Z lpar01: ready: nothing of the update is touched yet
    10:00:41Z lpar01: update
    10:00:45Z lpar01: update: preview
    10:00:51Z lpar01: check warning: �[31mfew paths
    10:00:55Z lpar01: estimate: 77 s of blackout, 624 s in all
    10:03:00Z lpar01: update: blackout
    10:04:15Z lpar01: blackout over after 75 s, as geninstall reports it
    10:04:16Z lpar01: moved: the workload runs on the surrogate, forward only
    10:04:17Z lpar01: update: teleport
    10:10:34Z lpar02: failed, nothing was installed: geninstall ended before the move [NLU-0431]
    10:10:34Z lpar01: succeeded
    ");
    let body = api.changes().remove(0);
    let (_, body) = body.split_once(' ').unwrap();
    let mut body: Value = serde_json::from_str(body.split_once(' ').unwrap().1).unwrap();
    body["token"] = "[TOKEN]".into();
    assert_snapshot!(body, @r#"{"accept_licenses":false,"concurrent":null,"install":"update_all","kind":"update","live_update_data":"lud_{lpar}","lpp_source":"7300-03-01","targets":["lpar01","lpar02"],"time_limit":null,"token":"[TOKEN]"}"#);
    let said = api.run(&[&CUST[..], &["-o", "json"]].concat());
    let summary: Value = serde_json::from_slice(&said.0.stdout).unwrap();
    assert_eq!(
        (said.0.status.code(), &summary["operations"][1]["state"]),
        (Some(1), &json!("failed"))
    );
    assert!(said.0.stderr.is_empty(), "{said}");
}

#[test]
fn a_detached_update_says_how_it_is_followed() {
    let api = Api::new().on("POST /v1/cust", &accepted());
    assert_snapshot!(api.run(&[&CUST[..], &["--detach"]].concat()), @"
    exit: 0
    --- stdout
    accepted: 2 operations, batch 0193a2b4-0000-7000-8000-00000000ba7c
      0193a2b4-5c6d-7001-8def-0123456789ab lpar01
      0193a2b4-5c6d-7002-8def-0123456789ab lpar02
    --- stderr
    follow: nimctl watch --batch 0193a2b4-0000-7000-8000-00000000ba7c
    ");
    assert_snapshot!(api.run(&[&CUST[..], &["--detach", "-o", "yaml"]].concat()), @"
    exit: 0
    --- stdout
    batch: 0193a2b4-0000-7000-8000-00000000ba7c
    operations:
    - id: 0193a2b4-5c6d-7001-8def-0123456789ab
      lpar: lpar01
    - id: 0193a2b4-5c6d-7002-8def-0123456789ab
      lpar: lpar02
    ");
}

#[test]
fn what_somebody_should_look_at_is_said_when_it_is_used() {
    let mut accepted = accepted();
    accepted.warnings = vec![nim_shared::api::FileFault {
        file: None,
        line: None,
        path: "lud".to_owned(),
        message: "lvupdate.data:2: disks: does not know nhdsk; it is kept".to_owned(),
    }];
    let api = Api::new().on("POST /v1/cust", &accepted);
    let said = api.run(&[&CUST[..], &["--detach"]].concat()).to_string();
    let warning = "warning: lud: lvupdate.data:2: disks: does not know nhdsk; it is kept\n";
    assert!(said.contains(warning), "{said}");
    let said = api.run(&[&CUST[..], &["--detach", "-o", "json"]].concat());
    let told: Value = serde_json::from_slice(&said.0.stdout).unwrap();
    assert_eq!(told["warnings"][0]["path"], "lud");
    assert!(said.0.stderr.is_empty(), "{said}");
}

#[test]
fn a_request_whose_answer_was_lost_is_repeated_with_the_same_token() {
    let api = Api::new().hang_up("POST /v1/cust").on("POST /v1/cust", &accepted());
    assert_snapshot!(api.run(&[&CUST[..], &["--detach"]].concat()), @"
    exit: 0
    --- stdout
    accepted: 2 operations, batch 0193a2b4-0000-7000-8000-00000000ba7c
      0193a2b4-5c6d-7001-8def-0123456789ab lpar01
      0193a2b4-5c6d-7002-8def-0123456789ab lpar02
    --- stderr
    nimd went away before it answered; asking again, it counts once
    follow: nimctl watch --batch 0193a2b4-0000-7000-8000-00000000ba7c
    ");
    let requests = api.changes();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0], requests[1]);
}

#[test]
fn what_cannot_be_asked_for_is_refused_before_anybody_is_asked() {
    let api = Api::new();
    assert_snapshot!(api.nimctl("cust -a live_update=yes -a lpp_source=x -a file_res=etc -a installp_flags=-acN lpar01"), @r"
    exit: 2
    --- stderr
    error: this cannot be asked for  [NLU-0505]
      file_res: folders are not copied here: send one as an RPM or a package, or have a script fetch it
      installp_flags: -c cannot be passed on: geninstall -k takes -p and -Y
      installp_flags: -N cannot be passed on: geninstall -k takes -p and -Y
      hint: `nimctl cust --help` lists the attributes
    ");
    assert_eq!(api.requests(), [""; 0]);
    let mut failure = refusal("NLU-0401", "lpar01 cannot be updated now", FailureKind::Refused);
    failure.hint = Some("follow what runs: nimctl watch lpar01".to_owned());
    let api = Api::new().refuse("POST /v1/cust", &failure);
    assert_snapshot!(api.run(&CUST), @"
    exit: 3
    --- stderr
    error: lpar01 cannot be updated now  [NLU-0401]
      hint: follow what runs: nimctl watch lpar01
    ");
}

#[test]
fn several_lpars_are_asked_for_together() {
    let (one, two, older) =
        (succeeded(3, "lpar01"), succeeded(2, "lpar02"), succeeded(1, "lpar01"));
    let asked = "GET /v1/operations?lpar=lpar01&lpar=lpar02&limit=1000";
    let watched = format!("GET /v1/watch?operation={}&operation={}", id(3), id(2));
    let api = Api::new().on(asked, &page(vec![one.clone(), two.clone(), older])).events(
        &watched,
        1,
        &[says(&one), says(&two)],
    );
    let said = api.nimctl("watch lpar01 lpar02").to_string();
    assert!(said.starts_with("exit: 0"), "{said}");
    let asked_for: Vec<_> =
        api.requests().into_iter().filter(|one| one.starts_with("GET /v1/operations")).collect();
    assert_eq!(asked_for, [asked]);
}

#[test]
fn a_preview_is_summed_up_by_its_estimates() {
    let mut view = succeeded(1, "lpar01");
    view.kind = Kind::Preview;
    let api = Api::new()
        .on("GET /v1/operations?lpar=lpar01&limit=1", &page(vec![view.clone()]))
        .events(&format!("GET /v1/watch?operation={}", id(1)), 1, &[says(&view)]);
    assert_snapshot!(api.nimctl("watch lpar01"), @"
    exit: 0
    --- stdout
    LPAR    PREVIEW  BLACKOUT  WHOLE UPDATE  TIME
    lpar01  passed   ~77 s     ~10:24        10:24
    ");
    assert!(api.nimctl("watch lpar01 -o json").to_string().contains("\"watched\":\"operation\""));
}

#[test]
fn watching_in_json_is_an_object_a_line() {
    let api =
        Api::new().on(&format!("GET /v1/operations/{}", id(1)), &operation(1, "lpar01")).events(
            &format!("GET /v1/watch?operation={}", id(1)),
            1,
            &[says(&operation(1, "lpar01")), says(&succeeded(1, "lpar01"))],
        );
    let said = api.nimctl(&format!("watch {} -o json", id(1)));
    let lines: Vec<Value> = said
        .0
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let states: Vec<_> = lines.iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!((states, said.0.status.code()), (vec!["queued", "succeeded"], Some(0)));
}

#[test]
fn a_restart_of_nimd_is_said_once_and_nothing_is_missed() {
    let target = format!("GET /v1/watch?operation={}", id(1));
    let pre = event(1, "lpar01", 1, "10:00:10", &json!({"kind": "stage", "stage": "pre"}));
    let api = Api::new()
        .on(&format!("GET /v1/operations/{}", id(1)), &operation(1, "lpar01"))
        .events(&target, 1, &[says(&running(1, "lpar01", "pre", "")), reports(&pre)])
        .hang_up(&target)
        .hang_up(&target)
        .events(
            &target,
            3,
            &[says(&running(1, "lpar01", "prep", "")), says(&succeeded(1, "lpar01"))],
        );
    assert_snapshot!(api.nimctl(&format!("watch {}", id(1))), @"
    exit: 0
    --- stdout
    LPAR    OUTCOME    LEVEL                               LPAR ID  BLACKOUT               TIME
    lpar01  succeeded  7300-02-01-2346 -> 7300-03-01-2520  4 -> 5   ~77 s / 75 s / 74.8 s  10:24
    blackout: estimated (preview), reported (geninstall), measured (agent)
    --- stderr
    10:00:10Z lpar01: pre
    nimd is away; what runs goes on. Trying to reach it again ...
    nimd is back
    10:03:00Z lpar01: prep
    10:10:34Z lpar01: succeeded
    ");
    let watched: Vec<_> = api
        .requests()
        .into_iter()
        .filter(|one| one.contains("watch"))
        .map(|one| one.replace(&target, ""))
        .collect();
    assert_eq!(watched, ["", " after 2", " after 2", " after 2"]);
}

#[test]
fn an_interrupt_detaches_and_says_how_to_go_on() {
    let target = format!("GET /v1/watch?operation={}", id(1));
    let (api, events) = Api::new()
        .on(&format!("GET /v1/operations/{}", id(1)), &running(1, "lpar01", "pre", ""))
        .live(&target);
    let child = spawned(&api, &["watch", &id(1).to_string()]);
    events.send(says(&running(1, "lpar01", "pre", "")).to_string()).unwrap();
    api.wait_for(&target, 1);
    interrupt(&child);
    let text = Ran(child.wait_with_output().unwrap()).to_string();
    assert!(text.starts_with("exit: 130"), "{text}");
    assert!(
        text.ends_with(&format!(
            "detached: what runs goes on; follow it with: nimctl watch {}",
            id(1)
        )),
        "{text}"
    );
    drop(events);
}

/// `nimctl` in the background.
fn spawned(api: &Api, arguments: &[&str]) -> Child {
    let mut command = api.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What Ctrl-C does.
fn interrupt(child: &Child) {
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
}

/// The first line that a child says on stderr.
fn first_words(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

#[test]
fn an_interrupt_before_the_request_is_answered_waits_for_what_became_of_it() {
    let (api, answer) = Api::new().on_demand("POST /v1/cust");
    let mut child = spawned(&api, &CUST);
    api.wait_for("POST /v1/cust", 1);
    interrupt(&child);
    assert!(first_words(&mut child).starts_with("interrupted: waiting for nimd"));
    answer.send(serde_json::to_string(&accepted()).unwrap()).unwrap();
    assert_snapshot!(Ran(child.wait_with_output().unwrap()), @"
    exit: 130
    --- stderr
    detached: what runs goes on; follow it with: nimctl watch --batch 0193a2b4-0000-7000-8000-00000000ba7c
    ");

    let (api, answer) = Api::new().on_demand("POST /v1/cust");
    let mut child = spawned(&api, &CUST);
    api.wait_for("POST /v1/cust", 1);
    interrupt(&child);
    assert!(first_words(&mut child).starts_with("interrupted: waiting for nimd"));
    interrupt(&child);
    assert_snapshot!(Ran(child.wait_with_output().unwrap()), @"
    exit: 130
    --- stderr
    what was accepted goes on: `nimctl status` lists it
    ");
    drop(answer);
}

#[test]
fn an_interrupt_between_the_answer_and_the_first_look_detaches_as_any_other() {
    let (api, looked) = Api::new().on("POST /v1/cust", &accepted()).on_demand(BATCHED);
    let child = spawned(&api, &CUST);
    api.wait_for(BATCHED, 1);
    interrupt(&child);
    assert_snapshot!(Ran(child.wait_with_output().unwrap()), @"
    exit: 130
    --- stderr
    detached: what runs goes on; follow it with: nimctl watch --batch 0193a2b4-0000-7000-8000-00000000ba7c
    ");
    drop(looked);
}
