//! Objects: define, change, remove, show, apply, export.

use insta::assert_snapshot;
use nim_shared::api::{
    Action, Applied, AttributeChange, FailureKind, FileFault, ObjectChange, Pair,
};
use nim_shared::object::ObjectType;
use serde_json::{Value, json};

use crate::api::Api;
use crate::sample::{lpar, object, page, refusal};

fn p10_a() -> nim_shared::api::ObjectView {
    let attributes = [
        ("hw_type", "9105"),
        ("hw_model", "42A"),
        ("hw_serial", "78ABCDE"),
        ("mgmt_source", "hmc01,hmc02"),
    ];
    object("cec", "p10-a", &attributes)
}

#[test]
fn an_object_is_defined_in_nims_words() {
    let api = Api::new().on("POST /v1/objects", &p10_a());
    let line = "define -t cec -a hw_type=9105 -a hw_model=42A -a hw_serial=78ABCDE -a mgmt_source=hmc01 p10-a";
    assert_snapshot!(api.nimctl(line), @"
    exit: 0
    --- stdout
    cec p10-a defined
    ");
    assert_snapshot!(api.changes().join("\n"), @r#"POST /v1/objects {"type":"cec","name":"p10-a","attributes":[{"attribute":"hw_type","value":"9105"},{"attribute":"hw_model","value":"42A"},{"attribute":"hw_serial","value":"78ABCDE"},{"attribute":"mgmt_source","value":"hmc01"}]}"#);
    assert_snapshot!(api.nimctl(&format!("{line} -o json")), @r#"
    exit: 0
    --- stdout
    {
      "name": "p10-a",
      "type": "cec",
      "hw_type": "9105",
      "hw_model": "42A",
      "hw_serial": "78ABCDE",
      "mgmt_source": [
        "hmc01",
        "hmc02"
      ],
      "class": "management",
      "version": 1,
      "created_at": "2025-01-29T10:00:00Z",
      "changed_at": "2025-01-29T10:00:00Z",
      "derived": [],
      "last_seen": null
    }
    "#);
    let group = object("mac_group", "g", &[("member", "lpar01")]);
    let api = Api::new().on("POST /v1/objects", &group);
    assert_snapshot!(api.nimctl("define -t mac_group -a add_member=lpar01 g"), @"
    exit: 0
    --- stdout
    mac_group g defined
    ");
    assert!(api.changes()[0].contains(r#"{"attribute":"member","value":"lpar01"}"#));
}

#[test]
fn all_faults_of_a_definition_are_shown() {
    let fault = |path: &str, message: &str| FileFault {
        file: None,
        line: None,
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let mut failure = refusal("NLU-0302", "p10-a cannot be defined", FailureKind::Usage);
    failure.faults = vec![
        fault("hw_type", "\"91\" is not 4 letters and digits"),
        fault("hw_model", "is required"),
    ];
    let api = Api::new().refuse("POST /v1/objects", &failure);
    assert_snapshot!(api.nimctl("define -t cec -a hw_type=91 p10-a"), @r#"
    exit: 2
    --- stderr
    error: p10-a cannot be defined  [NLU-0302]
      hw_type: "91" is not 4 letters and digits
      hw_model: is required
    "#);
}

#[test]
fn a_change_sets_adds_and_removes() {
    let group = object("mac_group", "g", &[("member", "lpar02")]);
    let api = Api::new().on("PATCH /v1/objects/g", &group);
    let line = [
        "change",
        "-a",
        "comments=two words",
        "-a",
        "add_member=lpar02",
        "-a",
        "rm_member=lpar01",
        "--if-version",
        "3",
        "g",
    ];
    assert_snapshot!(api.run(&line), @"
    exit: 0
    --- stdout
    mac_group g changed
    ");
    assert_snapshot!(api.changes().join("\n"), @r#"PATCH /v1/objects/g {"set":[{"attribute":"comments","value":"two words"}],"add":[{"attribute":"member","value":"lpar02"}],"remove":[{"attribute":"member","value":"lpar01"}],"version":3,"force":false}"#);
}

#[test]
fn what_can_be_removed_is_removed_and_the_rest_is_told() {
    let api = Api::new()
        .on_text("DELETE /v1/objects/a", "")
        .refuse(
            "DELETE /v1/objects/b",
            &refusal("NLU-0303", "b is in use by p10-a", FailureKind::Refused),
        )
        .on_text("DELETE /v1/objects/c", "");
    assert_snapshot!(api.nimctl("remove a b c"), @"
    exit: 3
    --- stdout
    a removed
    c removed
    --- stderr
    error: b is in use by p10-a  [NLU-0303]
    ");
    assert_snapshot!(api.nimctl("remove a b c -o json"), @r#"
    exit: 3
    --- stdout
    {
      "removed": [
        "a",
        "c"
      ]
    }
    --- stderr
    {"code":"NLU-0303","message":"b is in use by p10-a","causes":[],"kind":"refused"}
    "#);
}

/// What VIOSes serve to lpar01, as nimd answers.
fn served(vioses: &[&str]) -> Value {
    let target = |backing, status| json!({"vtd": "vtscsi0", "status": status, "lun": "0x81", "backing": backing});
    let adapter = |vios: &&str| {
        json!({
            "vios": vios, "client": "lpar01", "read_at": "2025-01-29T10:00:00Z", "name": "vhost0",
            "location": "U8286.42A.214F58V-V1-C90", "client_id": 7, "kind": "scsi",
            "targets": [target("hdisk7", "Available"), target("hdisk8", "Defined")],
        })
    };
    json!({"name": "lpar01", "adapters": vioses.iter().map(adapter).collect::<Vec<_>>()})
}

#[test]
fn an_object_is_shown_with_everything_that_is_known() {
    let mut view = lpar("lpar01");
    view.derived =
        vec![Pair { attribute: "mgmt_profile1".to_owned(), value: "hmc01 7 p10-a".to_owned() }];
    view.object.comments = Some("two\nlines".to_owned());
    view.object.labels.insert("env".to_owned(), "prod".to_owned());
    let failure = refusal("NLU-0304", "no object is called \"lpar99\"", FailureKind::NotFound);
    let api = Api::new()
        .on("GET /v1/objects/lpar01", &view)
        .lines("GET /v1/adapters?name=lpar01", &[served(&["vios1"])])
        .lines("GET /v1/adapters?name=lpar99&name=lpar01&name=x%2A", &[] as &[Value])
        .refuse("GET /v1/objects/lpar99", &failure)
        .on("GET /v1/objects?name=x%2A&limit=1000", &page(Vec::<()>::new()));
    assert_snapshot!(api.nimctl("show lpar01"), @"
    exit: 0
    --- stdout
    lpar01:
       class         = machines
       type          = standalone
       if1           = find_net lpar01.example.com 0
       mgmt_source   = p10-a
       identity      = 7
       comments      = two
                       lines
       label.env     = prod
       mgmt_profile1 = hmc01 7 p10-a
       served_by     = vios1 alone: no other VIOS showed an adapter for it
       adapter1      = vios1 vhost0 SCSI hdisk7 hdisk8 (Defined)
       created       = 2025-01-29T10:00:00Z
       changed       = 2025-01-29T10:00:00Z, version 1
    ");
    assert_snapshot!(api.nimctl("show lpar99 lpar01 x* -o yaml"), @r#"
    exit: 3
    --- stdout
    - name: lpar01
      type: standalone
      if1: find_net lpar01.example.com 0
      mgmt_source: p10-a
      identity: 7
      comments: |-
        two
        lines
      labels:
        env: prod
      class: machines
      version: 1
      created_at: "2025-01-29T10:00:00Z"
      changed_at: "2025-01-29T10:00:00Z"
      derived:
      - attribute: mgmt_profile1
        value: hmc01 7 p10-a
      last_seen: null
    --- stderr
    ---
    code: NLU-0304
    message: no object is called "lpar99"
    causes: []
    kind: not_found
    ---
    code: NLU-0513
    message: no object matches "x*"
    causes: []
    hint: "`nimctl list` shows all"
    kind: not_found
    "#);
}

fn planned(applied: bool) -> Applied {
    let attribute = |attribute: &str, before: Option<&str>, after: Option<&str>| AttributeChange {
        attribute: attribute.to_owned(),
        before: before.map(ToOwned::to_owned),
        after: after.map(ToOwned::to_owned),
    };
    Applied {
        applied,
        changes: vec![
            ObjectChange {
                name: "lud".parse().unwrap(),
                object_type: ObjectType::LiveUpdateData,
                action: Action::Create,
                attributes: vec![attribute("content", None, Some("disks:\n\tnhdisk = hdisk1\n"))],
            },
            ObjectChange {
                name: "lpar01".parse().unwrap(),
                object_type: ObjectType::Standalone,
                action: Action::Change,
                attributes: vec![
                    attribute("identity", Some("7"), Some("8")),
                    attribute("comments", Some("x"), None),
                ],
            },
        ],
        unchanged: 10,
        warnings: vec![FileFault {
            file: Some("fleet.yaml".to_owned()),
            line: Some(3),
            path: "live_update_data[0]".to_owned(),
            message: "lvupdate.data:2: disks: does not know nhdsk; it is kept".to_owned(),
        }],
    }
}

#[test]
fn a_fleet_is_applied_after_its_differences_were_shown() {
    let api = Api::new().on("POST /v1/apply", &planned(false));
    std::fs::write(api.folder().join("fleet.yaml"), "mac_group: []\n").unwrap();
    assert_snapshot!(api.nimctl("apply -f fleet.yaml --dry-run"), @"
    exit: 0
    --- stdout
    + live_update_data lud
        content: (2 lines)
    ~ standalone lpar01
        identity: 7 -> 8
        comments: x -> (not set)
    would be created: 1, would be changed: 1, as they were: 10
    --- stderr
    warning: fleet.yaml:3: live_update_data[0]: lvupdate.data:2: disks: does not know nhdsk; it is kept
    ");
    assert_snapshot!(api.nimctl("apply -f fleet.yaml"), @"
    exit: 2
    --- stdout
    + live_update_data lud
        content: (2 lines)
    ~ standalone lpar01
        identity: 7 -> 8
        comments: x -> (not set)
    would be created: 1, would be changed: 1, as they were: 10
    --- stderr
    warning: fleet.yaml:3: live_update_data[0]: lvupdate.data:2: disks: does not know nhdsk; it is kept
    error: 2 objects would change, and nobody can be asked  [NLU-0506]
      hint: `--yes` applies without a question, `--dry-run` only shows
    ");
    assert_eq!(api.changes().len(), 2, "nothing was applied");

    let api = Api::new().on("POST /v1/apply", &planned(false)).on("POST /v1/apply", &planned(true));
    assert_snapshot!(api.nimctl_reads("apply -f - --yes", "mac_group: []\n"), @"
    exit: 0
    --- stdout
    + live_update_data lud
        content: (2 lines)
    ~ standalone lpar01
        identity: 7 -> 8
        comments: x -> (not set)
    created: 1, changed: 1, as they were: 10
    --- stderr
    warning: fleet.yaml:3: live_update_data[0]: lvupdate.data:2: disks: does not know nhdsk; it is kept
    ");
    assert_snapshot!(api.changes().join("\n"), @r#"
    POST /v1/apply {"files":[{"name":"standard input","text":"mac_group: []\n"}],"dry_run":true}
    POST /v1/apply {"files":[{"name":"standard input","text":"mac_group: []\n"}],"dry_run":false}
    "#);
    let nothing =
        Applied { applied: false, changes: Vec::new(), unchanged: 12, warnings: Vec::new() };
    let api = Api::new().on("POST /v1/apply", &nothing);
    assert_snapshot!(api.nimctl_reads("apply -f -", ""), @"
    exit: 0
    --- stdout
    nothing to change: 12 objects are as the files say
    ");
    assert_snapshot!(api.nimctl_reads("apply -f - -o json", ""), @r#"
    exit: 0
    --- stdout
    {
      "applied": false,
      "changes": [],
      "unchanged": 12
    }
    "#);
}

#[test]
fn all_faults_of_a_fleet_are_shown_with_file_and_line() {
    let fault = |line, path: &str, message: &str| FileFault {
        file: Some("fleet.yaml".to_owned()),
        line: Some(line),
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let mut failure = refusal("NLU-0305", "the files cannot be applied", FailureKind::Usage);
    failure.faults = vec![
        fault(12, "cec[0].mgmt_source", "no hmc is called \"hmc9\"; did you mean \"hmc01\"?"),
        fault(14, "", "is no YAML: unclosed bracket '['"),
    ];
    let api = Api::new().refuse("POST /v1/apply", &failure);
    assert_snapshot!(api.nimctl_reads("apply -f -", "x"), @r#"
    exit: 2
    --- stderr
    error: the files cannot be applied  [NLU-0305]
      fleet.yaml:12: cec[0].mgmt_source: no hmc is called "hmc9"; did you mean "hmc01"?
      fleet.yaml:14: is no YAML: unclosed bracket '['
    "#);
    assert_snapshot!(api.nimctl("apply -f nowhere.yaml"), @"
    exit: 2
    --- stderr
    error: cannot read nowhere.yaml  [NLU-0508]
      cause: No such file or directory (os error 2)
    ");
}

#[test]
fn a_fleet_is_exported_as_it_is_stored() {
    let api = Api::new()
        .on_text("GET /v1/export?name=lpar01", "standalone:\n- name: lpar01\n")
        .on("GET /v1/objects?name=lpar01&limit=1000", &page(vec![lpar("lpar01")]));
    assert_snapshot!(api.nimctl("export lpar01"), @"
    exit: 0
    --- stdout
    standalone:
    - name: lpar01
    ");
    assert_snapshot!(api.nimctl("export lpar01 -o json"), @r#"
    exit: 0
    --- stdout
    [
      {
        "name": "lpar01",
        "type": "standalone",
        "if1": "find_net lpar01.example.com 0",
        "mgmt_source": "p10-a",
        "identity": 7
      }
    ]
    "#);
}

#[test]
fn where_nothing_was_left_on_disks_that_is_all_that_is_said() {
    let api = Api::new().on("GET /v1/disks/lpar01", &json!({"lpar": "lpar01", "disks": []}));
    assert_snapshot!(api.nimctl("disks lpar01"), @"
    exit: 0
    --- stderr
    no operation has left anything on a disk of lpar01
    ");
}
