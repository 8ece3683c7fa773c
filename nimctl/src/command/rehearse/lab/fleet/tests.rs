use insta::assert_snapshot;
use serde_json::json;

use super::*;

/// As `nim-lab` writes it.
const WRITTEN: &str = "
ent:
- {name: lab_net, net_addr: 127.0.0.0, snm: 255.0.0.0}
hmc:
- {name: hmc01, if1: lab_net 127.80.0.1 0, login: liveupdate, passwd_file: hmc01_password, ssh_port: 40001}
cec:
- {name: p10a, hw_type: 9105, hw_model: 42A, hw_serial: 0123456, mgmt_source: hmc01}
standalone:
- {name: lpar01, if1: lab_net 127.80.0.4 0, mgmt_source: p10a, identity: 11, ssh_port: 40002}
- {name: lpar02, if1: lab_net 127.80.0.5 0, mgmt_source: p10a, identity: 12, ssh_port: 40003}
mac_group:
- {name: all_lpars, member: [lpar01, lpar02]}
";

fn copy() -> LabCopy {
    let lpar = |name: &str, labels: serde_json::Value, groups: &[&str]| {
        json!({"name": name, "frame": "p10a", "id": 11, "level": "7300-03-00-2446", "memory": 8192, "processors": "0.5",
               "npiv": false, "labels": labels, "groups": groups})
    };
    serde_json::from_value(json!({
        "name": "spring", "fingerprint": "c".repeat(64), "rollout": "", "targets": [],
        "limits": {"global": 10, "per_frame": 2, "per_hmc": 4},
        "hmcs": [{"name": "hmc01", "limit": 3}],
        "frames": [{"name": "p10a", "type_model": "9105-42A", "serial": "0123456", "hmcs": ["hmc01"], "limit": 1,
                    "memory": 1, "free_memory": 1, "region": 1, "free_processors": "1.0", "max_partitions": null, "vioses": []}],
        "lpars": [lpar("lpar01", json!({"env": "prod", "rehearsal-wave": "1"}), &["sap", "web"]), lpar("lpar02", json!({}), &["sap"])],
        "media": null, "left_out": [], "differs": [],
    }))
    .unwrap()
}

fn file(text: &str) -> File {
    File { name: "fleet.yaml".to_owned(), text: text.to_owned() }
}

#[test]
fn labels_groups_and_limits_are_those_of_the_site_and_addresses_those_of_the_lab() {
    let objects = objects(file(WRITTEN), &copy()).unwrap();
    assert_snapshot!(objects.text, @r#"
    ent:
    - name: lab_net
      net_addr: "127.0.0.0"
      snm: "255.0.0.0"
    hmc:
    - name: hmc01
      if1: lab_net 127.80.0.1 0
      passwd_file: hmc01_password
      login: liveupdate
      ssh_port: "40001"
      limit: "3"
    cec:
    - name: p10a
      hw_type: "9105"
      hw_model: 42A
      hw_serial: "0123456"
      limit: "1"
      mgmt_source:
      - hmc01
    standalone:
    - name: lpar01
      if1: lab_net 127.80.0.4 0
      mgmt_source: p10a
      identity: "11"
      ssh_port: "40002"
      labels:
        env: prod
        rehearsal-wave: "1"
    - name: lpar02
      if1: lab_net 127.80.0.5 0
      mgmt_source: p10a
      identity: "12"
      ssh_port: "40003"
    mac_group:
    - name: sap
      member:
      - lpar01
      - lpar02
    - name: web
      member:
      - lpar01
    "#);
    let names: Vec<String> = objects.passwords.iter().map(|one| one.secret().to_string()).collect();
    assert_eq!(names, ["hmc01_password"]);
}

#[test]
fn a_lab_of_another_release_is_said_to_be_one() {
    let error = objects(file("hmc: [{name: a, colour: red}]"), &copy()).unwrap_err();
    let failure = error.failure();
    assert!(failure.message.contains("fleet.yaml") && !failure.faults.is_empty(), "{failure:?}");
}
