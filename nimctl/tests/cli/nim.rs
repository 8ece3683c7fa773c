//! NIM's own names: what their users type, read and compare.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use nim_shared::api::{Accepted, AcceptedOperation, FailureKind, ObjectView, Output, Pair};
use nim_shared::id::Epoch;
use serde_json::Value;

use crate::api::{Api, Ran};
use crate::sample::{BATCH, failed, id, lpar, object, page, refusal, running, succeeded};

/// What the program of this name says, as a link to `nimctl` starts it. `line` is split as a shell does it.
pub(crate) fn called(api: &Api, program: &str, line: &str) -> Ran {
    let words = words(line);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    api.called(&format!("/usr/sbin/{program}"), &words, "")
}

/// Words of a line: blanks split, double quotes hold together, a backslash takes what follows it as it is.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' => match letters.next() {
                Some('\n') | None => {}
                Some(taken) => word.get_or_insert_default().push(taken),
            },
            letter if letter.is_whitespace() && !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

fn with(mut view: ObjectView, derived: &[(&str, &str)]) -> ObjectView {
    view.derived = derived
        .iter()
        .map(|(attribute, value)| Pair {
            attribute: (*attribute).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    view
}

fn site() -> Vec<ObjectView> {
    let states = [
        ("Cstate", "ready for a NIM operation"),
        ("prev_state", ""),
        ("Mstate", "currently running"),
    ];
    vec![
        with(object("hmc", "hmc01", &[("if1", "vlan4 hmc01 0")]), &states),
        object(
            "cec",
            "9105-42A_78XXXXX",
            &[
                ("hw_type", "9105"),
                ("hw_model", "42A"),
                ("hw_serial", "78XXXXX"),
                ("mgmt_source", "hmc01"),
            ],
        ),
        with(
            lpar("aix01"),
            &[
                ("mgmt_profile1", "hmc01 7 p10-a"),
                ("Cstate", "ready for a NIM operation"),
                ("Cstate_result", "success"),
            ],
        ),
    ]
}

const ALL: &str = "GET /v1/objects?limit=1000";

#[test]
fn objects_are_listed_short_long_and_as_a_table() {
    let site = site();
    let api = Api::new()
        .on(ALL, &page(site.clone()))
        .on("GET /v1/objects?class=management&limit=1000", &page(site[..2].to_vec()))
        .on("GET /v1/objects?name=hmc01&limit=1000", &page(site[..1].to_vec()))
        .on("GET /v1/objects?name=aix01&limit=1000", &page(site[2..].to_vec()))
        .on("GET /v1/objects?type=vios&limit=1000", &page(Vec::<ObjectView>::new()));
    assert_snapshot!(called(&api, "lsnim", ""), @r"
    exit: 0
    --- stdout
    hmc01                management       hmc
    9105-42A_78XXXXX     management       cec
    aix01                machines         standalone
    ");
    assert_snapshot!(called(&api, "lsnim", "-c management"), @r"
    exit: 0
    --- stdout
    hmc01                management       hmc
    9105-42A_78XXXXX     management       cec
    ");
    assert_snapshot!(called(&api, "nimclient", "-l -l hmc01"), @r"
    exit: 0
    --- stdout
    hmc01:
       class      = management
       type       = hmc
       mgmt_port  = 12443
       if1        = vlan4 hmc01 0
       Cstate     = ready for a NIM operation
       prev_state = 
       Mstate     = currently running
    ");
    assert_snapshot!(called(&api, "lsnim", "-Za mgmt_profile aix01"), @r"
    exit: 0
    --- stdout
    #name:mgmt_profile:
    aix01:hmc01 7 p10-a:
    ");
    assert_snapshot!(called(&api, "lsnim", "-Z -a Cstate -a info -a Cstate_result aix01"), @r"
    exit: 0
    --- stdout
    #name:Cstate:info:Cstate_result:
    aix01:ready for a NIM operation:success:
    ");
    assert_snapshot!(called(&api, "lsnim", "-Z --strict -a Cstate -a info -a Cstate_result aix01"), @r"
    exit: 0
    --- stdout
    #name:Cstate:info:Cstate_result:
    aix01:ready for a NIM operation::success:
    ");
    assert_snapshot!(called(&api, "lsnim", "-Z aix01"), @r"
    exit: 0
    --- stdout
    #name:class:type:
    aix01:machines:standalone:
    ");
    // Which objects have it?
    assert_snapshot!(called(&api, "lsnim", "-a mgmt_profile"), @r"
    exit: 0
    --- stdout
    aix01:
       mgmt_profile1 = hmc01 7 p10-a
    ");
    assert_snapshot!(called(&api, "lsnim", "-O aix01"), @r"
    exit: 0
    --- stdout
    aix01:
       change
       remove
       allocate
       deallocate
       cust
       maint
       alt_disk_install
       lslpp
       lppchk
       fix_query
       showlog
       reset
       check
    ");
    // Nothing of a type, and nothing of a type of NIM's that is not kept here.
    for line in ["-t vios", "-t diskless", "-c customers"] {
        let ran = called(&api, "lsnim", line);
        assert_eq!(
            (ran.0.status.code(), ran.0.stdout.len() + ran.0.stderr.len()),
            (Some(0), 0),
            "{line}: {ran}"
        );
    }
}

#[test]
fn a_group_is_shown_with_states_and_stands_for_its_members() {
    let site = site();
    let group = object("mac_group", "prod", &[("member", "aix01")]);
    let api = Api::new()
        .on("GET /v1/objects?name=prod&limit=1000", &page(vec![group]))
        .on("GET /v1/objects?name=aix01&limit=1000", &page(site[2..].to_vec()));
    assert_snapshot!(called(&api, "lsnim", "-g prod"), @r"
    exit: 0
    --- stdout
    prod:
       class   = groups
       type    = mac_group
       member1 = aix01; ready for a NIM operation
    ");
    assert_snapshot!(called(&api, "lsnim", "-m -a Cstate prod"), @r"
    exit: 0
    --- stdout
    aix01:
       Cstate = ready for a NIM operation
    ");
}

#[test]
fn resources_that_a_machine_can_use_are_two_columns() {
    let lpp = object("lpp_source", "lpp_7300_03", &[("location", "/export/lpp")]);
    let data = object("live_update_data", "lud", &[("location", "/export/lud")]);
    let api = Api::new()
        .on("GET /v1/objects?name=aix01&limit=1000", &page(vec![lpar("aix01")]))
        .on("GET /v1/objects?class=resources&limit=1000", &page(vec![lpp.clone(), data]))
        .on("GET /v1/objects?type=lpp_source&limit=1000", &page(vec![lpp]));
    assert_snapshot!(called(&api, "lsnim", "-L aix01"), @r"
    exit: 0
    --- stdout
    lpp_7300_03     lpp_source
    lud             live_update_data
    ");
    assert_snapshot!(called(&api, "lsnim", "-L -t lpp_source aix01"), @r"
    exit: 0
    --- stdout
    lpp_7300_03     lpp_source
    ");
}

#[test]
fn what_is_predefined_needs_no_nimd() {
    let api = Api::new();
    assert_snapshot!(called(&api, "lsnim", "-p"), @r"
    exit: 0
    --- stdout
    machines
    resources
    networks
    management
    groups
    ");
    assert_snapshot!(called(&api, "lsnim", "-P"), @r"
    exit: 0
    --- stdout
    machines   = class of NIM objects which represent machines
    resources  = NIM object class which represent install resources
    networks   = class of NIM objects which represent networks
    management = class of NIM objects which represent machine control points
    groups     = a group of machines or resources
    ");
    assert_snapshot!(called(&api, "lsnim", "-Pcmachines"), @r"
    exit: 0
    --- stdout
    master     = machine which controls the NIM environment
    standalone = local filesystems & resources
    ");
    assert_snapshot!(called(&api, "lsnim", "-POt standalone"), @r"
    exit: 0
    --- stdout
    define           = define an object
    change           = change an object's attributes
    remove           = remove an object
    allocate         = allocate a resource for use
    deallocate       = deallocate a resource
    cust             = perform software customization
    maint            = perform software maintenance
    alt_disk_install = copy rootvg to other disks
    lslpp            = list what is installed
    lppchk           = verify what is installed
    fix_query        = say which fixes are installed
    showlog          = show what the last operation wrote
    reset            = see that no operation is open
    check            = see whether it answers
    ");
    assert_snapshot!(called(&api, "lsnim", "-q define -t cec"), @r"
    exit: 0
    --- stdout

    the following attributes are required:
            -a hw_type=<value>
            -a hw_model=<value>
            -a hw_serial=<value>

    the following attributes are optional:
            -a system_name=<value>
            -a limit=<value>
            -a mgmt_source=<value>
            -a disk_pool=<value>
            -a comments=<value>
    ");
    assert_snapshot!(called(&api, "lsnim", "-Pa live_update_data"), @r"
    exit: 0
    --- stdout
    live_update_data = content of lvupdate.data for Live Update
    ");
    assert_snapshot!(called(&api, "lsnim", "-s bos_res"), @r#"
    exit: 2
    --- stderr
    NLU-0505 lsnim: subclass "bos_res" is not known: there are none here
       next step: choose by class (-c) or type (-t): lsnim -p lists the classes
    "#);
    assert_eq!(api.requests(), [""; 0]);
}

#[test]
fn an_object_that_is_not_there_ends_with_nims_code() {
    let none = Vec::<ObjectView>::new();
    let api = Api::new()
        .on("GET /v1/objects?name=aix99&limit=1000", &page(none.clone()))
        .on("GET /v1/objects?name=lpar%2A&limit=1000", &page(none))
        .on("GET /v1/objects?name=aix01&name=aix02&limit=1000", &page(vec![lpar("aix01")]))
        .refuse(
            "DELETE /v1/objects/aix99",
            &refusal(
                "NLU-0311",
                "1 of the objects cannot be stored as asked for",
                FailureKind::NotFound,
            ),
        );
    assert_snapshot!(called(&api, "lsnim", "aix99"), @r#"
    exit: 53
    --- stderr
    0042-053 lsnim: there is no NIM object named "aix99"
    "#);
    assert_snapshot!(called(&api, "lsnim", "lpar*"), @r#"
    exit: 53
    --- stderr
    0042-053 lsnim: there is no NIM object named "lpar*"
    "#);
    assert_snapshot!(called(&api, "lsnim", "aix[01:02]"), @r#"
    exit: 53
    --- stdout
    aix01     machines       standalone
    --- stderr
    0042-053 lsnim: there is no NIM object named "aix02"
    "#);
    assert_snapshot!(called(&api, "nim", "-o remove aix99"), @r#"
    exit: 53
    --- stderr
    0042-053 nim: there is no NIM object named "aix99"
    "#);
    assert_snapshot!(called(&api, "nim", "-Fo change -a cpuid=00C2FC000000 aix99"), @r#"
    exit: 53
    --- stderr
    0042-053 nim: there is no NIM object named "aix99"
    "#);
}

#[test]
fn objects_are_made_changed_and_removed_in_silence() {
    let group = object("mac_group", "prod_grp", &[("member", "aix02")]);
    let empty = object("mac_group", "prod_grp", &[]);
    let api = Api::new()
        .on("POST /v1/objects", &lpar("aix01"))
        .on("GET /v1/objects?name=aix01&limit=1000", &page(vec![lpar("aix01")]))
        .on("GET /v1/objects?name=prod_grp&limit=1000", &page(vec![group]))
        .on("PATCH /v1/objects/aix01", &lpar("aix01"))
        .on("PATCH /v1/objects/prod_grp", &empty)
        .on_text("DELETE /v1/objects/prod_grp", "")
        .on_text("DELETE /v1/objects/lud", "");
    for line in [
        "-o define -t standalone -a platform=chrp -a if1=\"find_net aix01 0\" -a cable_type1=N/A aix01",
        "-o define -t lpp_source -a server=master \\ -a location=\"/install/nim/lpp_source\" \\ lpp",
        "-o define -t mac_group -a add_member=aix01 -a add_member=aix02 prod_grp",
        "-o change -a identity=26 -a mgmt_source=9080-M9S_78XXXXX aix01",
        "-o change -a rm_member=aix02 prod_grp",
        "-o remove lud",
    ] {
        let ran = called(&api, "nim", line);
        assert_eq!(
            (ran.0.status.code(), ran.0.stdout.len() + ran.0.stderr.len()),
            (Some(0), 0),
            "{line}: {ran}"
        );
    }
    assert_snapshot!(api.changes().join("\n"), @r#"
    POST /v1/objects {"type":"standalone","name":"aix01","attributes":[{"attribute":"platform","value":"chrp"},{"attribute":"if1","value":"find_net aix01 0"},{"attribute":"cable_type1","value":"N/A"}]}
    POST /v1/objects {"type":"lpp_source","name":"lpp","attributes":[{"attribute":"server","value":"master"},{"attribute":"location","value":"/install/nim/lpp_source"}]}
    POST /v1/objects {"type":"mac_group","name":"prod_grp","attributes":[{"attribute":"member","value":"aix01"},{"attribute":"member","value":"aix02"}]}
    PATCH /v1/objects/aix01 {"set":[{"attribute":"identity","value":"26"},{"attribute":"mgmt_source","value":"9080-M9S_78XXXXX"}],"add":[],"remove":[],"version":null,"force":false}
    PATCH /v1/objects/prod_grp {"set":[],"add":[],"remove":[{"attribute":"member","value":"aix02"}],"version":null,"force":false}
    DELETE /v1/objects/prod_grp
    DELETE /v1/objects/lud
    "#);
}

#[test]
fn what_cannot_be_done_is_said_with_its_cause_first() {
    let taken =
        refusal("NLU-0311", "1 of the objects cannot be stored as asked for", FailureKind::Refused);
    let api = Api::new().refuse("POST /v1/objects", &taken).on(
        "GET /v1/objects/vlan4",
        &object("ent", "vlan4", &[("net_addr", "10.1.0.0"), ("snm", "255.255.255.0")]),
    );
    assert_snapshot!(called(&api, "nim", ""), @r"
    exit: 2
    --- stderr
    usage: nim -o Operation [-F] [-t Type] [-a Attribute=Value]... ObjectName...
    ");
    assert_snapshot!(called(&api, "nim", "-o define -t ent -a net_addr=10.1.0.0 -a snm=255.255.255.0 vlan4"), @r#"
    exit: 32
    --- stderr
    0042-032 nim: the name of an object has to be unique: "vlan4" is of type ent
       next step: lsnim -l vlan4
    "#);
    assert_snapshot!(called(&api, "nim", "-o define -t diskless old"), @r"
    exit: 2
    --- stderr
    NLU-0505 nim: this master keeps no objects of type diskless
       next step: it keeps ent, hmc, cec, vios, master, standalone, live_update_data, lpp_source, script, fb_script, installp_bundle, fix_bundle, exclude_files, resolv_conf, image_data, mksysb, spot, mac_group, res_group
    ");
    assert_snapshot!(called(&api, "nim", "-o define -t mksysb -a location=/a -a source=aix01 img"), @r"
    exit: 3
    --- stderr
    NLU-0521 nim: img is not defined: of source this master makes nothing
       next step: copy the images to the location yourself, and define the object without this attribute
    ");
    assert_snapshot!(called(&api, "nim", "-o bos_inst aix01"), @r"
    exit: 3
    --- stderr
    NLU-0520 nim: this master does not do bos_inst: it belongs to network boot
       next step: install the LPAR with a NIM master or from a medium, then define it here; updates of what is installed: nim -o cust -a live_update=yes
    ");
    assert_snapshot!(called(&api, "nim", "-o chnage -a x=y aix01"), @r#"
    exit: 2
    --- stderr
    NLU-0505 nim: operation "chnage" is not known to nimctl 0.1.0
       next step: did you mean change? known are define, change, remove, allocate, deallocate, cust, maint, alt_disk_install, lslpp, lppchk, fix_query, showlog, reset, showres, check, select, update
    "#);
    assert_snapshot!(called(&api, "nim", "-o remove lpar*"), @r#"
    exit: 2
    --- stderr
    NLU-0505 nim: "lpar*" names many: what is removed is named one by one
    "#);
}

fn accepted(lpars: &[&str]) -> Accepted {
    let operations = lpars
        .iter()
        .zip(1..)
        .map(|(lpar, number)| AcceptedOperation { id: id(number), lpar: lpar.parse().unwrap() });
    Accepted {
        batch: BATCH.parse().unwrap(),
        operations: operations.collect(),
        warnings: Vec::new(),
    }
}

fn output(text: &str) -> Output {
    Output {
        epoch: Epoch::default(),
        offset: 0,
        data: STANDARD.encode(text),
        next: None,
        cut: false,
    }
}

const CUST: &str = "-o cust -a lpp_source=72000402_lpp_source -a installp_flags=\"-p\" -a fixes=update_all -a live_update=yes -a live_update_data=liveupdate_data_aix01";

#[test]
fn an_update_of_one_machine_writes_what_it_says_and_ends_with_its_result() {
    let operation = format!("GET /v1/operations/{}", id(1));
    let printed = "Validating live update input data.\nBlackout_time(s): 77\n";
    let asked = |api: Api, text: &str| {
        api.on("GET /v1/objects?name=aix01&limit=1000", &page(vec![lpar("aix01")]))
            .on("POST /v1/cust", &accepted(&["aix01"]))
            .on(&format!("{operation}/output"), &output(text))
            .on(&format!("{operation}/output?from={}", text.len()), &output(""))
    };
    let api = asked(Api::new(), printed)
        .on(&operation, &running(1, "aix01", "update", ""))
        .on(&operation, &succeeded(1, "aix01"));
    assert_snapshot!(called(&api, "nim", &format!("{CUST} aix01")), @r"
    exit: 0
    --- stdout
    Validating live update input data.
    Blackout_time(s): 77
    ");
    let request: Value = serde_json::from_str(&api.changes()[0]["POST /v1/cust ".len()..]).unwrap();
    assert_eq!((&request["kind"], &request["install"]), (&"preview".into(), &"update_all".into()));
    assert_eq!(request["live_update_data"], "liveupdate_data_aix01");

    let api = asked(Api::new(), "1430-030 An error occurred while moving the workload.\n")
        .on(&operation, &failed(1, "aix01"));
    assert_snapshot!(called(&api, "nim", &format!("{CUST} aix01")), @r#"
    exit: 1
    --- stdout
    1430-030 An error occurred while moving the workload.
    --- stderr
    NLU-0431 nim: a process holds a file in /proc open
       0042-001 nim: processing error encountered on "aix01"
       next step: see who holds it with `fuser /proc`, then start again
    "#);

    // Neither fixes nor filesets: the kernel moves, nothing is installed.
    let api = asked(Api::new(), printed).on(&operation, &succeeded(1, "aix01"));
    let line = "-o cust -a live_update=yes -a lpp_source=lpp -a live_update_data=lud aix01";
    assert_snapshot!(called(&api, "nim", line), @r"
    exit: 0
    --- stdout
    Validating live update input data.
    Blackout_time(s): 77
    --- stderr
    warning: NLU-0524 nim: nothing is installed from lpp_source: no fixes, filesets or installp_bundle are given
    ");
    assert!(api.changes()[0].contains("\"lpp_source\":null"), "{:?}", api.changes());
}

#[test]
fn a_group_is_begun_and_not_waited_for_unless_it_is_said() {
    let members = [("member", "aix01"), ("member", "aix02")];
    let group = || {
        Api::new()
            .on(
                "GET /v1/objects?name=prod_grp&limit=1000",
                &page(vec![object("mac_group", "prod_grp", &members)]),
            )
            .on("POST /v1/cust", &accepted(&["aix01", "aix02"]))
    };
    let api = group();
    assert_snapshot!(called(&api, "nim", &format!("{CUST} -a concurrent=1 prod_grp")), @r#"
    exit: 0
    --- stdout
    +-----------------------------------------------------------------------------+
                          Initiating "cust" Operation
    +-----------------------------------------------------------------------------+
     Allocating resources ...
     Initiating the cust operation on machine 1 of 2: aix01 ...
     Initiating the cust operation on machine 2 of 2: aix02 ...
    +-----------------------------------------------------------------------------+
                          "cust" Operation Summary
    +-----------------------------------------------------------------------------+
     Target                  Result
     ------                  ------
     aix01                   INITIATED
     aix02                   INITIATED
     Note: Use the lsnim command to monitor progress of "INITIATED"
           targets by viewing their NIM database definition.
    "#);
    let mut api = group();
    for (number, view) in [(1, succeeded(1, "aix01")), (2, failed(2, "aix02"))] {
        let operation = format!("GET /v1/operations/{}", id(number));
        let text = format!("from {}\n", view.lpar);
        api = api.on(&format!("{operation}/output"), &output(&text)).on(&operation, &view);
    }
    assert_snapshot!(called(&api, "nim", &format!("{CUST} -a async=no prod_grp")), @r#"
    exit: 1
    --- stdout
    +-----------------------------------------------------------------------------+
                          Initiating "cust" Operation
    +-----------------------------------------------------------------------------+
     Allocating resources ...
     Initiating the cust operation on machine 1 of 2: aix01 ...
     Initiating the cust operation on machine 2 of 2: aix02 ...
    from aix01
    from aix02
    +-----------------------------------------------------------------------------+
                          "cust" Operation Summary
    +-----------------------------------------------------------------------------+
     Target                  Result
     ------                  ------
     aix01                   SUCCESS
     aix02                   FAILURE
    --- stderr
    NLU-0431 nim: a process holds a file in /proc open
       0042-001 nim: processing error encountered on "aix02"
       next step: see who holds it with `fuser /proc`, then start again
    "#);
    assert!(api.changes()[0].contains("\"concurrent\":1"), "{:?}", api.changes());
}

#[test]
fn links_are_made_once_and_nothing_else_is_touched() {
    let api = Api::new();
    let folder = api.folder().join("bin");
    let line = format!("install-links {}", folder.display());
    let ran = api.nimctl(&line);
    assert!(ran.0.status.success(), "{ran}");
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["c_rsh", "dkeyexch", "dpasswd", "lsnim", "nim", "nimclient", "nimquery"]);
    let help = std::process::Command::new(folder.join("lsnim")).arg("-p").output().unwrap();
    assert!(help.stdout.starts_with(b"machines\n"), "{}", Ran(help));
    let again = api.nimctl(&line);
    assert!(again.0.status.success() && again.0.stdout.is_empty(), "{again}");
    std::fs::remove_file(folder.join("nim")).unwrap();
    std::fs::write(folder.join("nim"), "somebody else's").unwrap();
    assert_eq!(api.nimctl(&line).0.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(folder.join("nim")).unwrap(), "somebody else's");
    let root = api.folder().join("package");
    let ran = api.nimctl(&format!("install-links --system --root {}", root.display()));
    assert!(ran.0.status.success() && root.join("usr/sbin/nim").is_symlink(), "{ran}");
    assert!(root.join("usr/lpp/bos.sysmgt/nim/methods/c_rsh").is_symlink());
}
