//! `list` and `tree`: streams of objects, rows and frames.

use insta::assert_snapshot;
use nim_shared::api::{Failure, FailureKind, FileFault};
use serde_json::{Value, json};

use crate::api::Api;
use crate::sample::{before, lpar, object, refusal};

const NOTHING: &[Value] = &[];

fn frame() -> nim_shared::api::ObjectView {
    let attributes = [
        ("hw_type", "9105"),
        ("hw_model", "42A"),
        ("hw_serial", "78ABCDE"),
        ("mgmt_source", "hmc01,hmc02"),
    ];
    object("cec", "p10-a", &attributes)
}

#[test]
fn objects_of_one_type_have_its_columns() {
    let mut first = lpar("lpar01");
    first.last_seen = Some(before(330));
    first.object.labels.insert("env".to_owned(), "prod\u{1b}[2J".to_owned());
    let api = Api::new().lines("GET /v1/list?type=standalone&label=env", &[first, lpar("lpar02")]);
    assert_snapshot!(api.nimctl("list standalone -l env"), @"
    exit: 0
    --- stdout
    NAME    ADDRESS             FRAME  LPAR ID  LABELS        LAST SEEN
    lpar01  lpar01.example.com  p10-a  7        env=prod�[2J  5 min ago
    lpar02  lpar02.example.com  p10-a  7                      never
    ");
}

#[test]
fn objects_of_several_types_share_columns() {
    let objects = vec![
        object("ent", "net", &[("net_addr", "10.1.0.0"), ("snm", "255.255.0.0")]),
        object("hmc", "hmc01", &[("if1", "net hmc01 0")]),
        frame(),
        object(
            "vios",
            "vios1",
            &[("if1", "net vios1 0"), ("mgmt_source", "p10-a"), ("identity", "1")],
        ),
        lpar("lpar01"),
        object("live_update_data", "lud", &[("content", "general:\n\tkext_check = no\n")]),
        object("lpp_source", "7300-03-01", &[("location", "/export/7300-03-01")]),
        object("mac_group", "g", &[("member", "lpar01,vios1")]),
    ];
    let api = Api::new().lines("GET /v1/list?name=%2A1&name=g", &objects);
    assert_snapshot!(api.nimctl("list *1 g"), @"
    exit: 0
    --- stdout
    NAME        TYPE              WHERE
    net         ent               10.1.0.0
    hmc01       hmc               hmc01
    p10-a       cec               9105-42A*78ABCDE
    vios1       vios              vios1
    lpar01      standalone        lpar01.example.com
    lud         live_update_data  2 lines
    7300-03-01  lpp_source        /export/7300-03-01
    g           mac_group         2 members
    ");
    let mut met = objects.clone();
    met[4].last_seen = Some(before(330));
    met.push(lpar("lpar11"));
    let api_met = Api::new().lines("GET /v1/list", &met);
    let seen = api_met.nimctl("list").to_string();
    let of = |name: &str| seen.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    assert!(of("lpar01").ends_with("5 min ago") && of("lpar11").ends_with("never"), "{seen}");
    assert!(of("hmc01").ends_with(" -") && of("vios1").ends_with(" -"), "{seen}");
    let types = api.nimctl("list *1 g -o json").to_string();
    assert!(types.contains("\"mgmt_source\": \"p10-a\""), "{types}");
    let nothing = Api::new().lines("GET /v1/list?class=groups", NOTHING);
    assert_snapshot!(nothing.nimctl("list groups"), @"
    exit: 0
    --- stderr
    there is no such object
    ");
    assert_snapshot!(nothing.nimctl("list groups -o json"), @"
    exit: 0
    --- stdout
    []
    ");
}

#[test]
fn what_was_named_and_is_not_there_is_said() {
    let api = Api::new()
        .lines("GET /v1/list?name=lpar01&name=lpars", &[lpar("lpar01")])
        .lines("GET /v1/list?name=nope%2A", NOTHING)
        .lines("GET /v1/list?name=lpar02&label=env%3Dprod", NOTHING);
    assert_snapshot!(api.nimctl("list lpar01 lpars"), @r#"
    exit: 3
    --- stdout
    NAME    ADDRESS             FRAME  LPAR ID
    lpar01  lpar01.example.com  p10-a  7
    --- stderr
    error: no object matches "lpars"  [NLU-0513]
      hint: `nimctl list` shows all
    "#);
    assert!(api.nimctl("list nope*").to_string().contains("no object matches \"nope*\""));
    // Here the label may be what it does not have.
    assert_snapshot!(api.nimctl("list lpar02 -l env=prod"), @"
    exit: 0
    --- stderr
    there is no such object
    ");
}

#[test]
fn what_was_chosen_is_asked_of_nimd_and_shown_in_columns() {
    let rows = [json!(["lpar02", 7, "7200-05-10-2420"]), json!(["lpar01", null, null])];
    let asked = "GET /v1/rows?type=standalone&label=env%20in%20%28a%2Cb%29&where=oslevel%3C7300-03%20and%20frame%3Dp10-%2A\
                 &sort=-oslevel&limit=10&columns=name%2Cidentity%2Coslevel";
    let api = Api::new().lines(asked, &rows);
    let line = [
        "list",
        "standalone",
        "-l",
        "env in (a,b)",
        "--where",
        "oslevel<7300-03 and frame=p10-*",
        "--sort",
        "-oslevel",
        "--limit",
        "10",
        "--columns",
        "name,identity,oslevel",
    ];
    assert_snapshot!(api.run(&line), @"
    exit: 0
    --- stdout
    NAME    IDENTITY  OSLEVEL
    lpar02  7         7200-05-10-2420
    lpar01  -         -
    ");
    assert_snapshot!(api.run(&[&line[..], &["-o", "json"]].concat()), @r#"
    exit: 0
    --- stdout
    [
      {
        "name": "lpar02",
        "identity": 7,
        "oslevel": "7200-05-10-2420"
      },
      {
        "name": "lpar01",
        "identity": null,
        "oslevel": null
      }
    ]
    "#);
    assert_snapshot!(api.run(&[&line[..], &["-o", "yaml"]].concat()), @r#"
    exit: 0
    --- stdout
    - name: lpar02
      identity: 7
      oslevel: 7200-05-10-2420
    - name: lpar01
      identity: null
      oslevel: null
    "#);
}

#[test]
fn what_is_named_is_looked_for_whatever_the_columns() {
    let api = Api::new().lines(
        "GET /v1/rows?name=lpar01&name=lpar9&columns=hostname%2Cname",
        &[json!(["h", "lpar01"])],
    );
    assert_snapshot!(api.nimctl("list lpar01 lpar9 --columns hostname"), @r#"
    exit: 3
    --- stdout
    HOSTNAME
    h
    --- stderr
    error: no object matches "lpar9"  [NLU-0513]
      hint: `nimctl list` shows all
    "#);
}

#[test]
fn a_wide_table_has_what_is_known_of_a_type() {
    let row = json!([
        "vios1",
        "vios1.example.com",
        "hmc01",
        "p10-a",
        1,
        "4.1.0.10",
        "Running",
        "active",
        null,
        "2026-01-29T10:00:00Z"
    ]);
    let columns =
        "name%2Chostname%2Chmc%2Cframe%2Cidentity%2Cioslevel%2Cstate%2Crmc%2Clabels%2Cseen";
    let api = Api::new().lines(&format!("GET /v1/rows?type=vios&columns={columns}"), &[row]);
    assert_snapshot!(api.nimctl("list vios -o wide"), @"
    exit: 0
    --- stdout
    NAME   HOSTNAME           HMC    FRAME  IDENTITY  IOSLEVEL  STATE    RMC     LABELS  SEEN
    vios1  vios1.example.com  hmc01  p10-a  1         4.1.0.10  Running  active  -       2026-01-29T10:00:00Z
    ");
}

#[test]
fn what_is_wrong_with_a_selection_is_said_with_its_place() {
    let fault = FileFault {
        file: None,
        line: None,
        path: "where".to_owned(),
        message: "character 1: there is no field \"oslvl\"; did you mean \"oslevel\"?".to_owned(),
    };
    let failure = Failure {
        faults: vec![fault],
        ..refusal("NLU-0126", "\"oslvl=1\" cannot be understood", FailureKind::Usage)
    };
    let api = Api::new().refuse("GET /v1/list?where=oslvl%3D1", &failure);
    assert_snapshot!(api.nimctl("list --where oslvl=1"), @r#"
    exit: 2
    --- stderr
    error: "oslvl=1" cannot be understood  [NLU-0126]
      where: character 1: there is no field "oslvl"; did you mean "oslevel"?
    "#);
}

#[test]
fn a_list_that_breaks_off_is_no_short_list() {
    let item = json!({ "item": lpar("lpar01") });
    let failure = refusal("NLU-0301", "the database does not answer", FailureKind::Unreachable);
    let failed = json!({ "failed": failure });
    let api = Api::new()
        .on_text("GET /v1/list?type=standalone", &format!("{item}\n"))
        .on_text("GET /v1/list?type=vios", &format!("{item}\n{failed}\n"))
        .on_text("GET /v1/list?type=hmc", &format!("{item}\n{{\"end\":{{\"items\":2}}}}\n"))
        .on_text("GET /v1/frames", "");
    assert_snapshot!(api.nimctl("list standalone -o json"), @r#"
    exit: 4
    --- stdout
    [
      {
        "name": "lpar01",
        "type": "standalone",
        "if1": "find_net lpar01.example.com 0",
        "mgmt_source": "p10-a",
        "identity": 7,
        "class": "machines",
        "version": 1,
        "created_at": "2025-01-29T10:00:00Z",
        "changed_at": "2025-01-29T10:00:00Z",
        "derived": [],
        "last_seen": null
      }
    --- stderr
    {"code":"NLU-0502","message":"nimd went away before it answered GET /v1/list?type=standalone","causes":["the list has no end"],"hint":"ask again; what was accepted before goes on: `nimctl status`","kind":"unreachable"}
    "#);
    assert_snapshot!(api.nimctl("list vios"), @"
    exit: 4
    --- stderr
    error: the database does not answer  [NLU-0301]
    ");
    assert!(api.nimctl("list hmc").to_string().contains("1 items of 2 came"));
    let tree = api.nimctl("tree").to_string();
    assert!(tree.starts_with("exit: 4") && tree.contains("the list has no end"), "{tree}");
}

#[test]
fn columns_of_a_long_list_stay_where_they_are() {
    let lpars: Vec<_> = (0..2500).map(|number| lpar(&format!("lpar{number:04}"))).collect();
    let api = Api::new().lines("GET /v1/list?type=standalone", &lpars);
    let said = api.nimctl("list standalone").to_string();
    let lines: Vec<&str> = said.lines().skip(2).collect();
    assert_eq!(lines.len(), 2501, "headings once");
    assert_eq!(lines[0], "NAME      ADDRESS               FRAME  LPAR ID  LABELS  LAST SEEN");
    assert_eq!(lines[2500], "lpar2499  lpar2499.example.com  p10-a  7                never");
}

/// A frame as nimd answers, with one partition.
fn status(name: &str, hmcs: &[&str]) -> Value {
    let console = |hmc: &&str| json!({"name": hmc, "state": "Operating", "state_at": null});
    json!({
        "name": name, "mtms": "9105-42A*78ABCD1", "hmcs": hmcs.iter().map(console).collect::<Vec<_>>(),
        "reading": null, "partitions": [{"object": "lpar01", "seen": null}],
    })
}

#[test]
fn frames_are_shown_under_their_hmc_as_they_come() {
    let frames =
        [status("p10-a", &["hmc01", "hmc02"]), status("p10-b", &["hmc01"]), status("p10-c", &[])];
    let api = Api::new()
        .lines("GET /v1/frames", &frames)
        .lines("GET /v1/frames?name=p10-b&name=p11", &frames[1..2]);
    assert_snapshot!(api.nimctl("tree"), @"
    exit: 0
    --- stdout
    hmc01
    ├─ p10-a  9105-42A*78ABCD1  Operating  also on hmc02  nothing read yet
    │  └─ lpar01  not read yet
    └─ p10-b  9105-42A*78ABCD1  Operating  nothing read yet
       └─ lpar01  not read yet
    (no HMC)
    └─ p10-c  9105-42A*78ABCD1  never asked  nothing read yet
       └─ lpar01  not read yet
    ");
    assert_snapshot!(api.nimctl("tree p10-b p11"), @r#"
    exit: 3
    --- stdout
    hmc01
    └─ p10-b  9105-42A*78ABCD1  Operating  nothing read yet
       └─ lpar01  not read yet
    --- stderr
    error: no frame and no HMC of a frame is called "p11"  [NLU-0529]
      hint: nimctl list cec
    "#);
}
