//! What machines hold, whom groups leave out, and checks, in NIM's words.

use insta::assert_snapshot;
use nim_shared::api::{AllocationChange, Checked, FailureKind, FileFault};

use crate::api::Api;
use crate::nim::called;
use crate::sample::{lpar, object, page, refusal};

/// Two machines in a group, one of them excluded, and a spot and a script.
fn site() -> Api {
    let group = object(
        "mac_group",
        "prod_grp",
        &[("member", "aix01"), ("member", "aix02"), ("excluded", "aix02")],
    );
    let spot = object("spot", "spot_7200", &[("location", "/export/spot")]);
    let script = object("script", "post", &[("location", "/export/post")]);
    Api::new()
        .on("GET /v1/objects?name=aix01&limit=1000", &page(vec![lpar("aix01")]))
        .on("GET /v1/objects?name=aix02&limit=1000", &page(vec![lpar("aix02")]))
        .on("GET /v1/objects?name=prod_grp&limit=1000", &page(vec![group.clone()]))
        .on(
            "GET /v1/objects?name=prod_grp&name=aix01&limit=1000",
            &page(vec![group.clone(), lpar("aix01")]),
        )
        .on(
            "GET /v1/objects?name=prod_grp&name=aix02&limit=1000",
            &page(vec![group, lpar("aix02")]),
        )
        .on("GET /v1/objects?name=aix01&name=nothing&limit=1000", &page(vec![lpar("aix01")]))
        .on("GET /v1/objects?name=spot_7200&limit=1000", &page(vec![spot.clone()]))
        .on("GET /v1/objects?name=post&limit=1000", &page(vec![script.clone()]))
        .on("GET /v1/objects?name=spot_7200&name=post&limit=1000", &page(vec![spot, script]))
        .on("GET /v1/objects?name=nothing&limit=1000", &page(Vec::<()>::new()))
        .on("PATCH /v1/objects/prod_grp", &object("mac_group", "prod_grp", &[("member", "aix01")]))
}

fn fault(path: &str, message: &str) -> FileFault {
    FileFault { file: None, line: None, path: path.to_owned(), message: message.to_owned() }
}

#[test]
fn resources_are_allocated_and_taken_back_in_silence() {
    let done = AllocationChange { machines: vec!["aix01".parse().unwrap()], warnings: Vec::new() };
    let api = site().on("POST /v1/allocate", &done).on("POST /v1/deallocate", &done);
    for line in [
        "-o allocate -a spot=spot_7200 -a script=post aix01",
        "-Fo deallocate -a subclass=all aix01",
        "-o deallocate -a spot=spot_7200 aix01",
    ] {
        let ran = called(&api, "nim", line);
        assert_eq!(
            (ran.0.status.code(), ran.0.stdout.len() + ran.0.stderr.len()),
            (Some(0), 0),
            "{line}: {ran}"
        );
    }
    assert_snapshot!(api.changes().join("\n"), @r#"
    POST /v1/allocate {"machines":["aix01"],"resources":[{"attribute":"spot","value":"spot_7200"},{"attribute":"script","value":"post"}]}
    POST /v1/deallocate {"machines":["aix01"],"resources":[],"all":true,"force":true}
    POST /v1/deallocate {"machines":["aix01"],"resources":[{"attribute":"spot","value":"spot_7200"}],"all":false,"force":false}
    "#);
}

#[test]
fn a_group_leaves_excluded_members_alone_and_says_so() {
    let used =
        fault("aix01", "operation 0193a2b4 uses the lpp_source lpp: it comes back when that ends");
    let done = AllocationChange { machines: Vec::new(), warnings: vec![used] };
    let api = site().on("POST /v1/deallocate", &done);
    assert_snapshot!(called(&api, "nim", "-Fo deallocate -a subclass=all prod_grp"), @r"
    exit: 0
    --- stderr
    warning: NLU-0548 nim: aix02: left alone: it is excluded from prod_grp
    warning: NLU-0548 nim: aix01: operation 0193a2b4 uses the lpp_source lpp: it comes back when that ends
    ");
    // Who is named otherwise is meant.
    let ran = called(&api, "nim", "-Fo deallocate -a subclass=all prod_grp aix02");
    assert!(!ran.to_string().contains("excluded"), "{ran}");
    assert_snapshot!(api.changes().join("\n"), @r#"
    POST /v1/deallocate {"machines":["aix01"],"resources":[],"all":true,"force":true}
    POST /v1/deallocate {"machines":["aix01","aix02"],"resources":[],"all":true,"force":true}
    "#);
}

#[test]
fn what_cannot_be_allocated_is_said() {
    let refused = nim_shared::api::Failure {
        faults: vec![fault(
            "aix01",
            "spot_7200 cannot be allocated to it: it holds the spot spot_7100",
        )],
        ..refusal("NLU-0311", "aix01 cannot be stored as asked for", FailureKind::Refused)
    };
    let api = site().refuse("POST /v1/allocate", &refused);
    assert_snapshot!(called(&api, "nim", "-o allocate -a spot=spot_7200 aix01"), @r"
    exit: 3
    --- stderr
    NLU-0311 nim: aix01: spot_7200 cannot be allocated to it: it holds the spot spot_7100
       aix01 cannot be stored as asked for
    ");
    assert_snapshot!(called(&api, "nim", "-o allocate -a spot=nothing aix01"), @r#"
    exit: 53
    --- stderr
    0042-053 nim: there is no NIM object named "nothing"
    "#);
    assert_snapshot!(called(&api, "nim", "-o allocate -a spot=spot_7200 aix01 nothing"), @r#"
    exit: 53
    --- stderr
    0042-053 nim: there is no NIM object named "nothing"
    "#);
    assert_snapshot!(called(&api, "nim", "-o allocate aix01"), @r"
    exit: 2
    --- stderr
    NLU-0505 nim: what is to be allocated is not said: give -a TYPE=RESOURCE
       next step: lsnim -c resources lists them
    ");
    assert_snapshot!(called(&api, "nim", "-o deallocate -a subclass=bos_res aix01"), @r"
    exit: 2
    --- stderr
    NLU-0505 nim: there is no subclass bos_res here
       next step: subclass=all means everything that a machine holds
    ");
    assert_eq!(called(&api, "nim", "-o deallocate aix01").0.status.code(), Some(2));
}

#[test]
fn members_are_excluded_and_included_in_silence() {
    let api = site();
    for line in [
        "-o select -a exclude=aix01 prod_grp",
        "-o select -a include_all=yes prod_grp",
        "-o select -a exclude_all=yes -a include=\"aix02\" prod_grp",
        // It is so already.
        "-o select -a exclude=aix02 prod_grp",
    ] {
        let ran = called(&api, "nim", line);
        assert_eq!(
            (ran.0.status.code(), ran.0.stdout.len() + ran.0.stderr.len()),
            (Some(0), 0),
            "{line}: {ran}"
        );
    }
    assert_snapshot!(api.changes().join("\n"), @r#"
    PATCH /v1/objects/prod_grp {"set":[{"attribute":"excluded","value":""}],"add":[{"attribute":"excluded","value":"aix02"},{"attribute":"excluded","value":"aix01"}],"remove":[],"version":1,"force":false}
    PATCH /v1/objects/prod_grp {"set":[{"attribute":"excluded","value":""}],"add":[],"remove":[],"version":1,"force":false}
    PATCH /v1/objects/prod_grp {"set":[{"attribute":"excluded","value":""}],"add":[{"attribute":"excluded","value":"aix01"}],"remove":[],"version":1,"force":false}
    "#);
    assert_snapshot!(called(&api, "lsnim", "-l prod_grp"), @r"
    exit: 0
    --- stdout
    prod_grp:
       class   = groups
       type    = mac_group
       member1 = aix01
       member2 = aix02; EXCLUDED
    ");
    assert_snapshot!(called(&api, "nim", "-o select -a exclude=aix09 prod_grp aix01"), @r"
    exit: 3
    --- stderr
    NLU-0547 nim: aix09 is no member of prod_grp
       next step: lsnim -l prod_grp shows who is
    NLU-0546 nim: select is for groups of machines, and aix01 is of type standalone
       next step: lsnim -t mac_group lists them
    ");
    assert_snapshot!(called(&api, "nim", "-o select -a colour=red prod_grp"), @r"
    exit: 2
    --- stderr
    NLU-0505 nim: select does not take the attribute colour
       next step: it takes exclude, include, exclude_all and include_all
    ");
    assert_eq!(called(&api, "nim", "-o select prod_grp").0.status.code(), Some(2));
}

#[test]
fn machines_and_resources_are_checked() {
    let silent = nim_shared::api::Failure {
        causes: vec!["connection refused".to_owned()],
        ..refusal("NLU-0201", "cannot reach aix01 at 10.1.0.9:22", FailureKind::Unreachable)
    };
    let gone = nim_shared::api::Failure {
        causes: vec!["No such file or directory (os error 2)".to_owned()],
        hint: Some("put it there, or correct the object".to_owned()),
        ..refusal("NLU-0124", "post cannot be used: /export/post", FailureKind::Refused)
    };
    let spot = object("spot", "spot_7200", &[("location", "/export/spot")]);
    let post = object("script", "post", &[("location", "/export/post")]);
    let api = site()
        .on(
            "POST /v1/objects/aix01/check",
            &Checked { object: lpar("aix01"), failure: Some(silent) },
        )
        .on("POST /v1/objects/spot_7200/check", &Checked { object: spot, failure: None })
        .on("POST /v1/objects/post/check", &Checked { object: post, failure: Some(gone) });
    assert_snapshot!(called(&api, "nim", "-o check spot_7200"), @r"
    exit: 0
    ");
    assert_snapshot!(called(&api, "nim", "-Fo check prod_grp"), @r"
    exit: 6
    --- stderr
    warning: NLU-0548 nim: aix02: left alone: it is excluded from prod_grp
    0042-006 nim: connection refused
       cannot reach aix01 at 10.1.0.9:22
    ");
    assert_snapshot!(called(&api, "nim", "-o check post"), @r"
    exit: 3
    --- stderr
    NLU-0124 nim: No such file or directory (os error 2)
       post cannot be used: /export/post
       next step: put it there, or correct the object
    ");
    assert_snapshot!(api.changes().join("\n"), @r#"
    POST /v1/objects/spot_7200/check {"force":false}
    POST /v1/objects/aix01/check {"force":true}
    POST /v1/objects/post/check {"force":false}
    "#);
}

#[test]
fn a_change_of_what_is_allocated_can_be_forced() {
    let spot = object("spot", "spot_7200", &[("location", "/export/spot")]);
    let api = site().on("PATCH /v1/objects/spot_7200", &spot);
    assert_eq!(called(&api, "nim", "-Fo change -a comments=x spot_7200").0.status.code(), Some(0));
    assert_snapshot!(api.changes().join("\n"), @r#"
    PATCH /v1/objects/spot_7200 {"set":[{"attribute":"comments","value":"x"}],"add":[],"remove":[],"version":null,"force":true}
    "#);
}
