//! Host keys, secrets, agents, the server.

use insta::assert_snapshot;
use nim_shared::api::{
    AgentStatus, FailureKind, HostKey, KeySource, Scanned, SecretView, Server, Trusted,
};
use serde_json::json;

use crate::api::Api;
use crate::sample::{at, before, lpar, page, refusal};

fn key(name: &str, fingerprint: &str, source: Option<KeySource>) -> HostKey {
    HostKey {
        name: name.to_owned(),
        algorithm: "ssh-ed25519".to_owned(),
        fingerprint: format!("SHA256:{fingerprint}"),
        key: "AAAA".to_owned(),
        source,
    }
}

fn scanned() -> Scanned {
    Scanned {
        new: vec![key("lpar01", "one", None)],
        known: vec![key("lpar02", "two", Some(KeySource::Imported))],
        changed: vec![key("lpar03", "three", None)],
        failed: vec![refusal(
            "NLU-0201",
            "cannot reach lpar04 at 10.1.0.4:22",
            FailureKind::Unreachable,
        )],
    }
}

#[test]
fn keys_that_hosts_offer_are_shown_before_they_count() {
    let api = Api::new()
        .on("POST /v1/hostkeys/scan", &scanned())
        .on("POST /v1/hostkeys", &Trusted { added: 1, replaced: 0, known: 0 });
    assert_snapshot!(api.nimctl("hostkey scan lpar*"), @"
    exit: 2
    --- stdout
    NAME    STATE    ALGORITHM    FINGERPRINT
    lpar01  new      ssh-ed25519  SHA256:one
    lpar02  known    ssh-ed25519  SHA256:two
    lpar03  CHANGED  ssh-ed25519  SHA256:three
    --- stderr
    error: cannot reach lpar04 at 10.1.0.4:22  [NLU-0201]
    Changed keys are not taken over: find out why they changed, then scan again with --replace.
    error: 1 key would be put on record, and nobody can be asked  [NLU-0506]
      hint: `--yes` puts them on record without a question, `--dry-run` only shows
    ");
    assert_eq!(api.changes().len(), 1, "nothing was put on record");
    assert_snapshot!(api.nimctl("hostkey scan --yes lpar*"), @"
    exit: 4
    --- stdout
    NAME    STATE    ALGORITHM    FINGERPRINT
    lpar01  new      ssh-ed25519  SHA256:one
    lpar02  known    ssh-ed25519  SHA256:two
    lpar03  CHANGED  ssh-ed25519  SHA256:three
    on record: 1 new, 0 replaced, 0 as before
    --- stderr
    error: cannot reach lpar04 at 10.1.0.4:22  [NLU-0201]
    Changed keys are not taken over: find out why they changed, then scan again with --replace.
    ");
    assert_snapshot!(api.changes()[2], @r#"POST /v1/hostkeys {"keys":[{"name":"lpar01","algorithm":"ssh-ed25519","fingerprint":"SHA256:one","key":"AAAA","source":null}],"replace":false}"#);
    assert_snapshot!(api.nimctl("hostkey scan --dry-run --replace lpar* -o yaml"), @"
    exit: 4
    --- stdout
    new:
    - name: lpar01
      algorithm: ssh-ed25519
      fingerprint: SHA256:one
      key: AAAA
      source: null
    known:
    - name: lpar02
      algorithm: ssh-ed25519
      fingerprint: SHA256:two
      key: AAAA
      source: imported
    changed:
    - name: lpar03
      algorithm: ssh-ed25519
      fingerprint: SHA256:three
      key: AAAA
      source: null
    failed:
    - code: NLU-0201
      message: cannot reach lpar04 at 10.1.0.4:22
      causes: []
      kind: unreachable
    --- stderr
    ---
    code: NLU-0201
    message: cannot reach lpar04 at 10.1.0.4:22
    causes: []
    kind: unreachable
    ");
}

#[test]
fn known_hosts_are_imported_listed_and_removed() {
    let keys = vec![
        key("lpar01", "one", Some(KeySource::Confirmed)),
        key("bastion1:22", "b", Some(KeySource::Imported)),
    ];
    let api = Api::new()
        .on("POST /v1/hostkeys/import", &Trusted { added: 2, replaced: 1, known: 3 })
        .on("GET /v1/hostkeys", &page(keys))
        .on_text("DELETE /v1/hostkeys/bastion1%3A22", "");
    assert_snapshot!(api.nimctl_reads("hostkey import -", "lpar01 ssh-ed25519 AAAA\n"), @"
    exit: 0
    --- stdout
    on record: 2 new, 1 replaced, 3 as before
    ");
    assert_snapshot!(api.changes()[0], @r#"POST /v1/hostkeys/import {"file":{"name":"standard input","text":"lpar01 ssh-ed25519 AAAA\n"},"replace":false}"#);
    assert_snapshot!(api.nimctl("hostkey list"), @"
    exit: 0
    --- stdout
    NAME         ALGORITHM    FINGERPRINT  SOURCE
    lpar01       ssh-ed25519  SHA256:one   confirmed
    bastion1:22  ssh-ed25519  SHA256:b     imported
    ");
    assert_snapshot!(api.nimctl("hostkey remove bastion1:22"), @"
    exit: 0
    --- stdout
    keys of bastion1:22 removed
    ");
}

#[test]
fn a_secret_goes_in_and_never_comes_out() {
    let view = |held_back: Option<&str>| SecretView {
        name: "hmc01_pw".parse().unwrap(),
        version: 2,
        login: None,
        set_at: before(200),
        set_by: 0,
        held_back: held_back.map(ToOwned::to_owned),
    };
    let api = Api::new()
        .on("PUT /v1/secrets/hmc01_pw", &view(None))
        .on("GET /v1/secrets", &page(vec![view(Some("hmc01 refused it"))]))
        .on_text("DELETE /v1/secrets/hmc01_pw", "");
    let set = api.nimctl_reads("secret set hmc01_pw", "s3cret word \nignored\n");
    assert_snapshot!(set, @"
    exit: 0
    --- stdout
    secret hmc01_pw set, version 2
    ");
    assert_eq!(api.changes(), [r#"PUT /v1/secrets/hmc01_pw {"value":"s3cret word "}"#]);
    assert_snapshot!(api.nimctl_reads("secret set hmc01_pw", "\n"), @"
    exit: 2
    --- stderr
    error: an empty secret is none; nothing was changed  [NLU-0505]
    ");
    assert_snapshot!(api.nimctl("secret list"), @"
    exit: 0
    --- stdout
    NAME      VERSION  SET        BY UID  STATE
    hmc01_pw  2        3 min ago  0       held back: hmc01 refused it
    ");
    assert_snapshot!(api.nimctl("secret remove hmc01_pw"), @"
    exit: 0
    --- stdout
    secret hmc01_pw removed
    ");
}

#[test]
fn an_installer_is_a_script_for_each_lpar() {
    let api = Api::new()
        .on_text("GET /v1/agent/lpar01/bundle", "#!/bin/sh\necho 1\n")
        .on_text("GET /v1/agent/lpar02/bundle", "#!/bin/sh\necho 2\n");
    assert_snapshot!(api.nimctl("agent bundle lpar01"), @"
    exit: 0
    --- stdout
    #!/bin/sh
    echo 1
    ");
    assert_snapshot!(api.nimctl("agent bundle lpar01 lpar02"), @"
    exit: 2
    --- stderr
    error: each LPAR has its own installer, and standard output takes one  [NLU-0505]
      hint: `--directory FOLDER` writes one file for each
    ");
    assert_snapshot!(api.nimctl("agent bundle -d . lpar01 lpar02"), @"
    exit: 0
    --- stdout
    ./lpar01.sh
    ./lpar02.sh
    ");
    let second = std::fs::read_to_string(api.folder().join("lpar02.sh")).unwrap();
    assert_eq!(second, "#!/bin/sh\necho 2\n");
}

#[test]
fn agents_say_who_they_are_and_silent_ones_are_told() {
    let hello = json!({
        "protocol": 1, "version": "0.1.0", "level": "7300-02-01-2346",
        "identity": {"machine_serial": "78ABCDE", "partition_name": "lpar01", "lpar_id": 7, "hostname": "lpar01",
            "installation": "0193a2b4-0000-4000-8000-000000000001"},
        "boot": {}, "clock": {"now": at("10:00:00"), "utc_offset_minutes": 60, "zone": "MEZ-1MESZ"},
    });
    let answers = AgentStatus {
        lpar: "lpar01".parse().unwrap(),
        hello: Some(serde_json::from_value(hello).unwrap()),
        skew_milliseconds: Some(-31_240),
        failure: None,
    };
    let silent = AgentStatus {
        lpar: "lpar02".parse().unwrap(),
        hello: None,
        skew_milliseconds: None,
        failure: Some(refusal(
            "NLU-0201",
            "cannot reach lpar02 at 10.1.0.2:22",
            FailureKind::Unreachable,
        )),
    };
    let api = Api::new()
        .on(
            "GET /v1/objects?type=standalone&limit=1000",
            &page(vec![lpar("lpar01"), lpar("lpar02")]),
        )
        .on("GET /v1/agent/lpar01/status", &answers)
        .on("GET /v1/agent/lpar02/status", &silent);
    assert_snapshot!(api.nimctl("agent status"), @"
    exit: 4
    --- stdout
    LPAR    AGENT     LEVEL            SERIAL   LPAR ID  CLOCK    OPEN
    lpar01  0.1.0     7300-02-01-2346  78ABCDE  7        -31.2 s  0 operations
    lpar02  NLU-0201  -                -        -        -        -
    --- stderr
    error: cannot reach lpar02 at 10.1.0.2:22  [NLU-0201]
    ");
}

#[test]
fn the_server_says_who_it_is() {
    let server = Server {
        version: "0.1.0".to_owned(),
        master: "0193a2b4-0000-7000-8000-000000000001".parse().unwrap(),
        ready_at: at("09:00:00"),
        now: at("10:00:00"),
        masters: vec![nim_shared::api::OtherMaster {
            master: "0193a2b4-0000-7000-8000-000000000002".parse().unwrap(),
            host: "nim02".to_owned(),
            heartbeat: at("09:59:58"),
        }],
        public_key: "ssh-ed25519 AAAA nimd".to_owned(),
    };
    let api = Api::new().on("GET /v1/server", &server);
    assert_snapshot!(api.nimctl("server"), @"
    exit: 0
    --- stdout
    nimctl        0.1.0
    nimd          0.1.0
    master        0193a2b4-0000-7000-8000-000000000001
    ready since   2025-01-29T09:00:00Z
    its clock     2025-01-29T10:00:00Z
    other master  0193a2b4-0000-7000-8000-000000000002 on nim02, last heartbeat 2 s ago
    public key    ssh-ed25519 AAAA nimd
    ");
}
