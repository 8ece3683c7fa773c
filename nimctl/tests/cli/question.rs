//! What machines are asked in NIM's words: `c_rsh`, and `nim -o lslpp`, `lppchk`, `fix_query`.

use insta::assert_snapshot;
use nim_shared::api::{FailureKind, ObjectView, QueryAnswer};
use serde_json::Value;

use crate::api::Api;
use crate::nim::called;
use crate::sample::{id, object, page, refusal, running, succeeded};

fn machine(name: &str) -> ObjectView {
    object("standalone", name, &[("if1", &format!("vlan4 {name}.example.com 0"))])
}

fn answer(lpar: &str, status: i32, stdout: &str, stderr: &str) -> QueryAnswer {
    let (stdout, stderr) = (stdout.to_owned(), stderr.to_owned());
    QueryAnswer { lpar: lpar.parse().unwrap(), status, stdout, stderr }
}

const ASKED: &str = "POST /v1/agent/aix01/query";

fn site() -> Api {
    let missing = refusal("NLU-0310", "there is no such object", FailureKind::NotFound);
    Api::new()
        .refuse("GET /v1/objects/aix01.example.com", &missing)
        .refuse("GET /v1/objects/aix99", &missing)
        .on("GET /v1/objects/aix01", &machine("aix01"))
        .on("GET /v1/objects/hmc01", &object("hmc", "hmc01", &[("if1", "vlan4 hmc01 0")]))
        .on("GET /v1/objects?type=standalone&limit=1000", &page(vec![machine("aix01")]))
        .on("GET /v1/objects?name=aix01&limit=1000", &page(vec![machine("aix01")]))
        .on(
            "GET /v1/objects?name=hmc01&limit=1000",
            &page(vec![object("hmc", "hmc01", &[("if1", "vlan4 hmc01 0")])]),
        )
}

/// The body of the last question.
fn question(api: &Api) -> Value {
    let asked = api.changes().pop().unwrap();
    serde_json::from_str(
        asked.split_once('{').map(|(_, rest)| format!("{{{rest}")).unwrap().as_str(),
    )
    .unwrap()
}

#[test]
fn c_rsh_answers_deployed_tools_as_they_parse_it() {
    let api = site().on(ASKED, &answer("aix01", 0, "7300-03-00-2446\n", ""));
    assert_snapshot!(called(&api, "c_rsh", r#"aix01 "( LC_ALL=C /usr/bin/oslevel -s ); echo rc=$?""#), @r"
    exit: 0
    --- stdout
    7300-03-00-2446
    rc=0
    ");
    assert_eq!(
        question(&api),
        serde_json::json!({"id": "oslevel", "options": ["s"], "operands": []})
    );
    // By its host name, and by the whole of it.
    for node in ["aix01.example.com", "aix01"] {
        let ran = called(&api, "c_rsh", &format!("{node} \"/usr/bin/oslevel -s\""));
        assert_eq!(ran.0.stdout, b"7300-03-00-2446\n", "{node}: {ran}");
    }
    let api = site()
        .on(ASKED, &answer("aix01", 1, "\u{1b}[2J", "lslpp: 0504-132  Fileset x not installed.\n"));
    assert_snapshot!(called(&api, "c_rsh", r#"aix01 "( LC_ALL=C lslpp -Lc x ); echo rc=$?""#), @r"
    exit: 0
    --- stdout
    [2J
    rc=1
    --- stderr
    lslpp: 0504-132  Fileset x not installed.
    ");
    let joined = called(&api, "c_rsh", r#"aix01 "( LC_ALL=C lslpp -Lc x 2>&1 ); echo rc=$?""#);
    assert!(joined.0.stdout.ends_with(b"not installed.\nrc=1\n"), "{joined}");
}

#[test]
fn c_rsh_is_no_shell_and_says_what_is_in_the_way() {
    let api = site();
    assert_snapshot!(called(&api, "c_rsh", r#"aix01 "reboot -q""#), @r"
    exit: 3
    --- stderr
    NLU-0540 c_rsh: reboot is no query: of an LPAR can be asked oslevel, emgr, lslpp, lppchk, instfix, lspv, lspath, lsvg, uname, hostname, df
       next step: what is more than a question is done on the machine itself
    ");
    assert_snapshot!(called(&api, "c_rsh", r#"aix01 "oslevel -s; id""#), @r#"
    exit: 3
    --- stderr
    NLU-0540 c_rsh: ";" needs a shell, and there is none: one command that only reads is run at a time
       next step: what is more than a question is done on the machine itself
    "#);
    assert_snapshot!(called(&api, "c_rsh", "hmc01 oslevel"), @r"
    exit: 3
    --- stderr
    NLU-0542 c_rsh: hmc01 is of type hmc, and only standalone machines are asked
       next step: lsnim -t standalone and lsnim -t mac_group list them
    ");
    assert_snapshot!(called(&api, "c_rsh", "aix01"), @r"
    exit: 2
    --- stderr
    usage: c_rsh NODE COMMAND
    ");
    assert_eq!(api.changes(), [""; 0], "somebody was asked");
    assert_snapshot!(called(&api, "c_rsh", "aix99 oslevel"), @r"
    exit: 3
    --- stderr
    NLU-0541 c_rsh: no machine is called aix99, and none has it as host name
       next step: lsnim -l -t standalone shows names and host names
    ");
    let down = refusal("NLU-0201", "cannot reach aix01 at 10.2.0.104:22", FailureKind::Unreachable);
    let api = site().refuse(ASKED, &down);
    assert_eq!(called(&api, "c_rsh", "aix01 oslevel").0.status.code(), Some(6));
}

#[test]
fn what_is_installed_is_printed_as_aix_prints_it() {
    let list = "  Fileset                      Level  State  Type  Description (Uninstaller)\n";
    let api = site().on(ASKED, &answer("aix01", 0, list, ""));
    let ran = called(&api, "nim", "-o lslpp aix01");
    assert_eq!(ran.0.stdout, list.as_bytes(), "{ran}");
    assert_eq!(question(&api)["options"], serde_json::json!(["L"]));
    called(&api, "nim", r#"-o lslpp -a lslpp_flags="-Lc" -a filesets="bos.rte bos.net.*" aix01"#);
    assert_eq!(
        question(&api),
        serde_json::json!({"id": "lslpp", "options": ["L", "c"], "operands": ["bos.rte", "bos.net.*"]})
    );
    called(&api, "nim", "-o lppchk aix01");
    assert_eq!(
        question(&api),
        serde_json::json!({"id": "lppchk", "options": ["f"], "operands": []})
    );
    called(&api, "nim", r#"-o fix_query -a fixes="IJ1 IJ2" -a fix_query_flags=-q aix01"#);
    assert_eq!(
        question(&api),
        serde_json::json!({"id": "instfix", "options": ["q"], "operands": ["IJ1", "IJ2"]})
    );
}

#[test]
fn a_group_is_asked_one_answer_after_the_other_and_what_fails_has_nims_code() {
    let group = object("mac_group", "grp", &[("member1", "aix01"), ("member2", "aix02")]);
    let down = refusal("NLU-0201", "cannot reach aix02 at 10.2.0.105:22", FailureKind::Unreachable);
    let api = Api::new()
        .on("GET /v1/objects?name=grp&limit=1000", &page(vec![group]))
        .on(
            "GET /v1/objects?name=aix01&name=aix02&limit=1000",
            &page(vec![machine("aix01"), machine("aix02")]),
        )
        .on(
            ASKED,
            &answer("aix01", 2, "", "lppchk: 0504-206  File /usr/bin/x could not be located.\n"),
        )
        .refuse("POST /v1/agent/aix02/query", &down);
    assert_snapshot!(called(&api, "nim", "-o lppchk -a async=no grp"), @r#"
    exit: 175
    --- stdout
    aix01:
    --- stderr
    lppchk: 0504-206  File /usr/bin/x could not be located.
    0042-175 nim: An unexpected result was returned by the "lppchk" command:
       exit status 2 on aix01; what it wrote stands before this
    0042-006 nim: cannot reach aix02 at 10.2.0.105:22
    "#);
}

#[test]
fn a_flag_that_does_more_than_read_is_refused_by_name() {
    let api = site();
    assert_snapshot!(called(&api, "nim", "-o lppchk -a lppchk_flags=-cu aix01"), @r"
    exit: 3
    --- stderr
    NLU-0540 nim: lppchk -u is no query: lppchk is asked with -c, -f, -l, -v, -m1, -m2, -m3
       next step: what is more than a question is done on the machine itself
    ");
    assert_snapshot!(called(&api, "nim", "-o fix_query -a fix_query_flags=-d aix01"), @r"
    exit: 3
    --- stderr
    NLU-0540 nim: instfix -d is no query: instfix is asked with -i, -a, -c, -q, -v, -F
       next step: what is more than a question is done on the machine itself
    ");
    assert_snapshot!(called(&api, "nim", "-o lslpp -a installp_flags=-a aix01"), @r"
    exit: 2
    --- stderr
    NLU-0505 nim: lslpp of machines does not take the attribute installp_flags
       next step: it takes lslpp_flags and filesets
    ");
    assert_snapshot!(called(&api, "nim", "-o lslpp hmc01"), @r"
    exit: 3
    --- stderr
    NLU-0542 nim: hmc01 is of type hmc, and only standalone machines are asked
       next step: lsnim -t standalone and lsnim -t mac_group list them
    ");
    assert_eq!(api.changes(), [""; 0], "somebody was asked");
}

#[test]
fn the_log_of_the_last_operation_is_shown_and_of_all_where_that_is_asked() {
    use base64::Engine;
    let output = |text: &str| {
        let data = base64::engine::general_purpose::STANDARD.encode(text);
        serde_json::json!({"epoch": 1, "offset": 0, "data": data, "next": null, "cut": false})
    };
    let (old, new) = (succeeded(1, "aix01"), succeeded(2, "aix01"));
    let api = site()
        .on("GET /v1/operations?lpar=aix01&limit=1", &page(vec![new.clone()]))
        .on("GET /v1/operations?lpar=aix01&limit=1000", &page(vec![new, old]))
        .on(&format!("GET /v1/operations/{}/output", id(1)), &output("first\n"))
        .on(&format!("GET /v1/operations/{}/output", id(2)), &output("second\n"));
    let shown = |line: &str| called(&api, "nim", line).0.stdout;
    assert_eq!(shown("-o showlog -a log_type=niminst aix01"), b"second\n");
    assert_eq!(shown("-o showlog -a log_type=niminst -a full_log=yes aix01"), b"first\nsecond\n");
    assert_snapshot!(called(&api, "nim", "-o showlog -a log_type=bosinst aix01"), @r"
    exit: 3
    --- stderr
    NLU-0543 nim: this master keeps no log of type bosinst
       next step: log_type=niminst is all that an operation wrote, log_type=script what its scripts did; the others lie on the machine, in /var/adm/ras
    ");
    let none: Vec<nim_shared::api::OperationView> = Vec::new();
    let api = site().on("GET /v1/operations?lpar=aix01&limit=1", &page(none));
    assert_snapshot!(called(&api, "nim", "-o showlog aix01"), @r"
    exit: 3
    --- stderr
    NLU-0544 nim: nothing was done on aix01: there is no log
       next step: a cust makes one
    ");
}

#[test]
fn a_reset_is_silent_where_nothing_is_open_and_says_what_is() {
    let asked = "GET /v1/operations?lpar=aix01&state=queued&state=dispatching&state=running&state=stuck&limit=1";
    let none: Vec<nim_shared::api::OperationView> = Vec::new();
    let api = site().on(asked, &page(none));
    assert_snapshot!(called(&api, "nim", "-Fo reset aix01"), @r"
    exit: 0
    ");
    let api = site().on(asked, &page(vec![running(1, "aix01", "update", "move")]));
    assert_snapshot!(called(&api, "nim", "-o reset aix01"), @r"
    exit: 3
    --- stderr
    NLU-0545 nim: aix01 is not reset: operation 0193a2b4-5c6d-7001-8def-0123456789ab is running on it
       next step: nimctl cancel 0193a2b4-5c6d-7001-8def-0123456789ab ends it as long as that is possible
    ");
}
