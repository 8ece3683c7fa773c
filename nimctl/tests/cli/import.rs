//! Objects of an existing NIM master, and the passwords of its consoles.

use insta::assert_snapshot;
use nim_shared::api::{Action, Applied, ObjectChange, ObjectView, SecretView};
use nim_shared::object::ObjectType;

use crate::api::{Api, Ran};
use crate::nim::called;
use crate::sample::{at, object, page};

const ALL: &str = "GET /v1/objects?limit=1000";

const DUMP: &str = "\
vlan4:
   class      = networks
   type       = ent
   Nstate     = ready for use
   net_addr   = 10.1.0.0
   snm        = 255.255.255.0
boot:
   class = resources
   type  = boot
hmc01:
   class       = management
   type        = hmc
   passwd_file = /export/nim/hmc_liveupdate_passwd
   if1         = vlan4 hmc01 0
";

fn applied(applied: bool) -> Applied {
    let change = |name: &str, object_type| ObjectChange {
        name: name.parse().unwrap(),
        object_type,
        action: Action::Create,
        attributes: Vec::new(),
    };
    Applied {
        applied,
        changes: vec![change("vlan4", ObjectType::Ent), change("hmc01", ObjectType::Hmc)],
        unchanged: 0,
        warnings: Vec::new(),
    }
}

fn import(api: &Api, dump: &str, options: &str) -> Ran {
    std::fs::write(api.folder().join("nim.dump"), dump).unwrap();
    api.nimctl(&format!("import nim {options} nim.dump"))
}

#[test]
fn a_listing_becomes_a_fleet_in_its_order() {
    let api = Api::new()
        .on(ALL, &page(Vec::<ObjectView>::new()))
        .on("POST /v1/apply", &applied(false))
        .on("POST /v1/apply", &applied(true));
    assert_snapshot!(import(&api, DUMP, "--yes"), @r"
    exit: 0
    --- stdout
    + ent vlan4
    + hmc hmc01
    created: 2, changed: 0, as they were: 0
    --- stderr
    left out: boot: objects of type boot are not kept here
    ");
    let changes = api.changes();
    assert_eq!(changes.len(), 2);
    let vlan = changes[1].find("vlan4").unwrap();
    assert!(vlan < changes[1].find("name: hmc01").unwrap(), "{}", changes[1]);
    assert!(changes[1].contains("\"dry_run\":false"));
}

#[test]
fn what_differs_is_listed_and_nothing_is_changed() {
    let other = object("ent", "vlan4", &[("net_addr", "10.2.0.0"), ("snm", "255.255.255.0")]);
    let api = Api::new().on(ALL, &page(vec![other])).on("POST /v1/apply", &applied(false));
    assert_snapshot!(import(&api, DUMP, "--yes"), @r#"
    exit: 3
    --- stderr
    left out: boot: objects of type boot are not kept here
    error: what is here differs from the listings; nothing was changed  [NLU-0527]
      nim.dump:1: vlan4: net_addr is "10.2.0.0" here and "10.1.0.0" there
      hint: change the one or the other, or leave what is here with --skip-conflicts
    "#);
    assert_eq!(api.changes(), [""; 0]);
    let ran = import(&api, DUMP, "--dry-run --skip-conflicts");
    assert!(ran.0.status.success(), "{ran}");
    assert!(!api.changes()[0].contains("vlan4\\n  net_addr"), "{:?}", api.changes());
    assert_snapshot!(import(&api, "what is this\n", ""), @r#"
    exit: 2
    --- stderr
    error: the listings cannot be taken over as they are; nothing was changed  [NLU-0505]
      nim.dump:1: "what is this" is no line of a listing
      hint: write them anew with `lsnim -l` on the NIM master
    "#);
}

#[test]
fn a_password_is_asked_for_and_stored_under_the_path_of_its_file() {
    let hmc = object(
        "hmc",
        "hmc01",
        &[("if1", "vlan4 hmc01 0"), ("passwd_file", "/export/nim/hmc_liveupdate_passwd")],
    );
    let file: nim_shared::object::PasswordFile =
        "/export/nim/hmc_liveupdate_passwd".parse().unwrap();
    let stored = SecretView {
        name: file.secret().clone(),
        version: 1,
        login: None,
        set_at: at("10:00:00"),
        set_by: 0,
        held_back: None,
    };
    let consoles = "GET /v1/objects?type=hmc&limit=1000";
    let api = Api::new()
        .on(consoles, &page(vec![hmc.clone()]))
        .on(&format!("PUT /v1/secrets/{}", file.secret()), &stored)
        .on("PATCH /v1/objects/hmc01", &hmc);
    let line = ["-f", "/export/nim/hmc_liveupdate_passwd", "-U", "liveupdate"];
    assert_snapshot!(api.called("dpasswd", &line, "abc123\n"), @r"
    exit: 0
    --- stdout
    Password file is /export/nim/hmc_liveupdate_passwd
    ");
    let changes = api.changes();
    assert!(changes[0].contains("abc123") && changes[1].contains("\"login\""), "{changes:?}");
    assert_snapshot!(called(&api, "dpasswd", "-f /a/b -U u -P abc123"), @r"
    exit: 2
    --- stderr
    NLU-0505 dpasswd: a password on a command line can be read by everybody on this host: nothing was stored
       next step: leave -P out; it is asked for, or read from standard input
    ");
    let other = object(
        "hmc",
        "hmc01",
        &[("if1", "vlan4 hmc01 0"), ("passwd_file", "/a/b"), ("login", "hscroot")],
    );
    let api = Api::new().on(consoles, &page(vec![other]));
    assert_snapshot!(called(&api, "dpasswd", "-f /a/b -U liveupdate"), @r"
    exit: 3
    --- stderr
    NLU-0528 dpasswd: /a/b is the passwd_file of hmc01, whose login is hscroot, not liveupdate
       next step: give that user, or change it: nim -o change -a login=liveupdate hmc01
    ");
}
