//! `cust`: what is looked at before anything is accepted.

use nim_shared::api::Cust;
use nim_shared::id::{ClientToken, Digest};
use nim_shared::request::{Images, Install, Kind, Request};
use serde_json::{Value, json};

use super::client::Fixture;

/// A request that is right, for `targets`.
pub(super) fn request(targets: &[&str]) -> Cust {
    Cust {
        token: ClientToken(uuid::Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef)),
        targets: targets.iter().map(|name| (*name).to_owned()).collect(),
        kind: Kind::Preview,
        lpp_source: Some("tl3".parse().unwrap()),
        install: Install::UpdateAll,
        bundles: Vec::new(),
        fixes: Vec::new(),
        fix_bundles: Vec::new(),
        scripts: Vec::new(),
        strategy: None,
        hooks: Vec::new(),
        master_hooks: Vec::new(),
        alt_disk: None,
        accept_licenses: true,
        installp_flags: None,
        live_update_data: Some("lud".to_owned()),
        concurrent: None,
        time_limit: None,
    }
}

/// A fleet in which everything is ready.
pub(super) async fn ready() -> Fixture {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    make_ready(&nimd).await;
    nimd
}

pub(super) async fn make_ready(nimd: &Fixture) {
    nimd.send("PUT", "/v1/secrets/hmc_pw", r#"{"value":"pw"}"#).await;
    let keys: Vec<_> = ["lpar01", "lpar02", "bastion"]
        .map(|name| {
            let key = nimd.hosts.key(name);
            let name = if name == "bastion" { "bastion:2222" } else { name };
            json!({"name": name, "algorithm": key.algorithm, "fingerprint": key.fingerprint, "key": key.key, "source": null})
        })
        .into();
    let (status, answer) =
        nimd.post("/v1/hostkeys", &json!({"keys": keys, "replace": false})).await;
    assert_eq!(status, 200, "{answer}");
}

pub(super) async fn send(nimd: &Fixture, cust: &Cust) -> (u16, Value) {
    nimd.post("/v1/cust", &serde_json::to_value(cust).unwrap()).await
}

/// `path: message` of each fault.
pub(super) fn faults(failure: &Value) -> Vec<String> {
    let text = |fault: &Value| {
        format!("{}: {}", fault["path"].as_str().unwrap(), fault["message"].as_str().unwrap())
    };
    failure["faults"].as_array().expect("a list of faults").iter().map(text).collect()
}

#[tokio::test]
async fn an_order_is_accepted_for_each_lpar_of_a_group_and_holds_all_that_it_needs() {
    let nimd = ready().await;
    let (status, accepted) = send(&nimd, &request(&["pair"])).await;
    assert_eq!(
        (status, accepted["operations"].as_array().map(Vec::len)),
        (200, Some(2)),
        "{accepted}"
    );
    let id = accepted["operations"][0]["id"].as_str().unwrap().parse().unwrap();
    let record = nimd.store.operation(id).await.unwrap();
    assert_eq!(record.digest, Digest::of(record.request.as_bytes()));
    assert_eq!(record.frame.unwrap().as_str(), "frame01");
    let order: Request = serde_json::from_str(&record.request).unwrap();
    assert_eq!(
        order.images,
        Some(Images::Nfs { server: "nim01".to_owned(), export: "/export/tl3".to_owned() })
    );
    assert!(
        order.lvupdate_data.contains("\tmanagement_console = 10.1.0.1\n"),
        "{}",
        order.lvupdate_data
    );
    let console = order.console.unwrap();
    assert_eq!(
        (console.address.as_str(), console.port, console.user.as_str()),
        ("10.1.0.1", 12443, "liveupdate")
    );
    assert_eq!(order.expected.partition_name.as_deref(), Some(record.lpar.as_str()));
    assert!(!record.request.contains("\"pw\""), "the password is part of the order");
}

#[tokio::test]
async fn the_same_request_is_accepted_once_and_another_with_its_token_is_refused() {
    let nimd = ready().await;
    let cust = request(&["lpar01"]);
    let (_, first) = send(&nimd, &cust).await;
    let (status, second) = send(&nimd, &cust).await;
    assert_eq!((status, &second["operations"]), (200, &first["operations"]));
    assert_eq!(second["batch"], first["batch"]);
    let (status, failure) = send(&nimd, &Cust { kind: Kind::Update, ..cust.clone() }).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0321")), "{failure}");
    let other = ClientToken(uuid::Uuid::from_u128(1));
    let (status, failure) = send(&nimd, &Cust { token: other, ..cust }).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0120")), "{failure}");
    assert!(faults(&failure)[0].starts_with("lpar01: operation "), "{failure}");
}

#[tokio::test]
async fn all_that_is_wrong_with_all_lpars_is_said_at_once_and_nothing_is_accepted() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let cust =
        Cust { live_update_data: Some("lud_{lpar}".to_owned()), ..request(&["lpar0?", "down01"]) };
    let (status, failure) = send(&nimd, &cust).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0120")), "{failure}");
    let faults = faults(&failure);
    for expected in [
        "lpar01: the host key of lpar01 is not known",
        "lpar01: lud_lpar01: lvupdate.data:",
        "lpar02: the host key of bastion:2222 is not known",
        "lpar02: there is no live_update_data \"lud_lpar02\"",
        "down01: there is no live_update_data \"lud_down01\"",
    ] {
        assert!(
            faults.iter().any(|fault| fault.starts_with(expected)),
            "{expected} is not in {faults:#?}"
        );
    }
    assert_eq!(nimd.get("/v1/operations").await.1["items"], json!([]));
}

#[tokio::test]
async fn each_thing_that_is_wrong_with_a_request_is_said_by_its_name() {
    let nimd = ready().await;
    let good = request(&["lpar01"]);
    let rows: [(Cust, &str); 13] = [
        (Cust { targets: vec![], ..good.clone() }, "targets: no LPAR is named"),
        (
            Cust { targets: vec!["lpar99".into()], ..good.clone() },
            "targets: \"lpar99\" names no LPAR and no group: nimctl list standalone",
        ),
        (Cust { targets: vec!["a b".into()], ..good.clone() }, "targets: \"a b\" is no name"),
        (
            Cust { targets: vec!["hmc01".into()], ..good.clone() },
            "targets: \"hmc01\" names no LPAR",
        ),
        (
            Cust { lpp_source: None, ..good.clone() },
            "lpp_source: it is not said where the packages are",
        ),
        (
            Cust { lpp_source: Some("tl9".parse().unwrap()), ..good.clone() },
            "lpp_source: there is no object \"tl9\": nimctl list lpp_source",
        ),
        (
            Cust { lpp_source: Some("lud".parse().unwrap()), ..good.clone() },
            "lpp_source: lud is of type live_update_data",
        ),
        (
            Cust { lpp_source: Some("here".parse().unwrap()), ..good.clone() },
            "lpp_source: here: cannot read /no/such/folder",
        ),
        (
            Cust { install: Install::Nothing, ..good.clone() },
            "lpp_source: nothing is to be installed from it",
        ),
        (
            Cust { install: Install::List(vec!["bos.rte; id".into()]), ..good.clone() },
            "filesets: \"bos.rte; id\" is no fileset",
        ),
        (Cust { live_update_data: None, ..good.clone() }, "live_update_data: it is not said"),
        (
            Cust { live_update_data: Some("tl3".into()), ..good.clone() },
            "lpar01: tl3 is of type lpp_source",
        ),
        (Cust { concurrent: Some(0), ..good.clone() }, "concurrent: at least one"),
    ];
    for (cust, expected) in rows {
        let (status, failure) = send(&nimd, &cust).await;
        assert_eq!(
            (status, failure["code"].as_str()),
            (409, Some("NLU-0120")),
            "{expected}: {failure}"
        );
        let faults = faults(&failure);
        assert!(
            faults.iter().any(|fault| fault.starts_with(expected)),
            "{expected} is not in {faults:#?}"
        );
    }
}

#[tokio::test]
async fn the_console_of_a_file_has_to_be_one_that_can_be_logged_in_at() {
    let nimd = ready().await;
    let content = |console: &str, user: &str| {
        format!(
            "disks:\n\tnhdisk = hdisk2\n\tmhdisk = hdisk3\nhmc:\n\tmanagement_console = {console}\n\tuser = {user}\n"
        )
    };
    nimd.send("DELETE", "/v1/secrets/hmc_pw", "").await;
    for (console, user, expected) in [
        ("hmc09", "liveupdate", "the management console hmc09 is no hmc"),
        (
            "hmc01",
            "hscroot",
            "lvupdate.data has the user hscroot, and the login of hmc01 is liveupdate",
        ),
    ] {
        let set = json!({"set": [{"attribute": "content", "value": content(console, user)}]});
        let (status, answer) = nimd.send("PATCH", "/v1/objects/lud", &set.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        let (_, failure) = send(&nimd, &request(&["lpar01"])).await;
        let faults = faults(&failure);
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{expected} is not in {faults:#?}"
        );
    }
}

#[tokio::test]
async fn a_secret_that_is_not_set_is_said_before_the_start() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let (_, failure) = send(&nimd, &request(&["lpar01"])).await;
    let faults = faults(&failure);
    assert!(
        faults.iter().any(|fault| fault
            .contains("the secret hmc_pw of hmc01 is not set: nimctl secret set hmc_pw")),
        "{faults:#?}"
    );
}

#[tokio::test]
async fn files_on_the_master_are_listed_with_their_digests() {
    let nimd = ready().await;
    let folder = nimd.folder().join("images");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("bos.U"), "package").unwrap();
    let set = json!({"set": [{"attribute": "location", "value": folder.to_str().unwrap()}]});
    nimd.send("PATCH", "/v1/objects/here", &set.to_string()).await;
    let cust = Cust { lpp_source: Some("here".parse().unwrap()), ..request(&["lpar01"]) };
    let (status, accepted) = send(&nimd, &cust).await;
    assert_eq!(status, 200, "{accepted}");
    let id = accepted["operations"][0]["id"].as_str().unwrap().parse().unwrap();
    let order: Request =
        serde_json::from_str(&nimd.store.operation(id).await.unwrap().request).unwrap();
    let Some(Images::Pushed { files }) = order.images else { panic!("{:?}", order.images) };
    assert_eq!(
        (files.len(), &*files[0].path, files[0].digest),
        (1, "bos.U", Digest::of(b"package"))
    );
}

#[tokio::test]
async fn what_lies_on_the_master_is_mounted_by_the_name_that_the_master_has() {
    let nimd = ready().await;
    let set = json!({"set": [{"attribute": "access", "value": "nfs"}]});
    nimd.send("PATCH", "/v1/objects/here", &set.to_string()).await;
    let cust = Cust { lpp_source: Some("here".parse().unwrap()), ..request(&["lpar01"]) };
    let (_, failure) = send(&nimd, &cust).await;
    assert!(
        faults(&failure).iter().any(|fault| fault.contains("define the object master with if1")),
        "{failure}"
    );
    let master = "master: [{name: master, if1: find_net nim01.example.com 0}]";
    let (status, answer) = nimd.apply(master, false).await;
    assert_eq!(status, 200, "{answer}");
    let (status, accepted) = send(&nimd, &cust).await;
    assert_eq!(status, 200, "{accepted}");
    let id = accepted["operations"][0]["id"].as_str().unwrap().parse().unwrap();
    let order: Request =
        serde_json::from_str(&nimd.store.operation(id).await.unwrap().request).unwrap();
    let server = "nim01.example.com".to_owned();
    assert_eq!(order.images, Some(Images::Nfs { server, export: "/no/such/folder".to_owned() }));
}

#[tokio::test]
async fn what_lvupdate_data_says_in_vain_is_told_where_somebody_can_act() {
    let nimd = ready().await;
    let (_, lud) = nimd.get("/v1/objects/lud").await;
    assert_eq!(lud["warnings"], Value::Null, "{lud}");
    // A slip of the fingers: AIX would not know this key.
    let content = format!("{}\nllu:\n\tauto_unload = yes\n", lud["content"].as_str().unwrap());
    let edit = json!({"set": [{"attribute": "content", "value": content}]});
    let (status, changed) = nimd.send("PATCH", "/v1/objects/lud", &edit.to_string()).await;
    assert_eq!(status, 200, "{changed}");
    let told = |value: &Value| value.to_string().contains("the stanza llu: is not known");
    assert!(told(&changed["warnings"]), "{changed}");
    let (_, export) = nimd.text("GET", "/v1/export?name=lud").await;
    let other = export.replace("name: lud", "name: lud2");
    let (_, planned) = nimd.apply(&other, true).await;
    assert!(told(&planned["warnings"]), "{planned}");
    assert_eq!(planned["warnings"][0]["file"], "fleet.yaml");
    let (status, accepted) = send(&nimd, &request(&["lpar01", "lpar02"])).await;
    assert_eq!(status, 200, "{accepted}");
    assert!(told(&accepted["warnings"]), "{accepted}");
    let warnings = accepted["warnings"].as_array().unwrap();
    assert_eq!(warnings.iter().filter(|one| told(one)).count(), 1, "once: {accepted}");
}

#[tokio::test]
async fn no_tl_or_sp_is_installed_where_nobody_says_what_leads_back() {
    let nimd = ready().await;
    let ask = async |token: u128, kind: Kind, install: Install, lpar: &str| {
        let token = ClientToken(uuid::Uuid::from_u128(token));
        let lpp_source = (install != Install::Nothing).then(|| "tl3".parse().unwrap());
        send(&nimd, &Cust { token, kind, install, lpp_source, ..request(&[lpar]) }).await
    };
    let refused = |(status, failure): (u16, Value), place: &str| {
        assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0120")), "{failure}");
        let faults = faults(&failure);
        assert!(faults.len() == 1 && faults[0].starts_with(place), "{faults:?}");
        assert!(faults[0].contains("nothing but a backup leads back"), "{faults:?}");
    };
    refused(ask(1, Kind::Update, Install::UpdateAll, "lpar01").await, "backup: no policy was set");
    let text =
        "prep: {workload_manager: always}\nrules: [{lpars: [lpar02], backup: {waived: x}}]\n";
    let body = json!({"file": {"name": "policy.yaml", "text": text}}).to_string();
    let (status, answer) = nimd.send("PUT", "/v1/policy", &body).await;
    assert_eq!(status, 200, "{answer}");
    refused(
        ask(2, Kind::Update, Install::UpdateAll, "lpar01").await,
        "lpar01: the policy says nothing of it",
    );
    let (status, accepted) = ask(3, Kind::Update, Install::UpdateAll, "lpar02").await;
    assert_eq!(status, 200, "{accepted}");
    // A move without a TL or SP needs none.
    let (status, accepted) = ask(4, Kind::Update, Install::Nothing, "lpar01").await;
    assert_eq!(status, 200, "{accepted}");
}

#[tokio::test]
async fn a_preview_says_that_nothing_leads_back_and_is_not_refused_for_it() {
    let nimd = ready().await;
    let (status, accepted) = send(&nimd, &request(&["lpar01"])).await;
    assert_eq!(status, 200, "{accepted}");
    assert!(accepted["warnings"].to_string().contains("a backup leads back"), "{accepted}");
}

#[tokio::test]
async fn a_live_library_update_is_refused_where_a_label_says_production() {
    let nimd = ready().await;
    let (_, lud) = nimd.get("/v1/objects/lud").await;
    let content = format!("{}\nllvupdate:\n\tllu = yes\n", lud["content"].as_str().unwrap());
    let edits = [("lud", "content", content.as_str()), ("lpar01", "label.env", "prod")];
    for (object, attribute, value) in edits {
        let edit = json!({"set": [{"attribute": attribute, "value": value}]}).to_string();
        let (status, changed) = nimd.send("PATCH", &format!("/v1/objects/{object}"), &edit).await;
        assert_eq!(status, 200, "{changed}");
    }
    let (status, refused) = send(&nimd, &request(&["lpar01", "lpar02"])).await;
    assert_eq!(status, 409, "{refused}");
    let text = refused.to_string();
    assert!(text.contains("has the label env=prod") && !text.contains("lpar02"), "{refused}");
    let (status, accepted) = send(&nimd, &request(&["lpar02"])).await;
    assert_eq!(status, 200, "{accepted}");
}

#[tokio::test]
async fn nothing_of_nimds_own_folder_goes_to_an_lpar() {
    let nimd = ready().await;
    let key = nimd.data().join("keys/secrets");
    std::fs::write(&key, "a key").unwrap();
    // By another name for the folder, too.
    let link = nimd.folder().join("link");
    std::os::unix::fs::symlink(nimd.data(), &link).unwrap();
    for (of, name, location) in [
        ("script", "key", key),
        ("lpp_source", "inside", link.join("keys")),
        ("lpp_source", "around", nimd.folder().to_owned()),
    ] {
        let body = json!({"type": of, "name": name, "attributes": [
            {"attribute": "location", "value": location.to_str().unwrap()}]});
        let (status, answer) = nimd.post("/v1/objects", &body).await;
        assert_eq!(status, 201, "{answer}");
    }
    let scripts = vec!["key".parse().unwrap()];
    let (_, failure) = send(&nimd, &Cust { scripts, ..request(&["lpar01"]) }).await;
    let kept = |failure: &Value| {
        faults(failure).iter().any(|fault| fault.ends_with("of which nothing is given out"))
    };
    assert!(kept(&failure), "{failure}");
    for source in ["inside", "around"] {
        let lpp_source = Some(source.parse().unwrap());
        let (_, failure) = send(&nimd, &Cust { lpp_source, ..request(&["lpar01"]) }).await;
        assert!(kept(&failure), "{source}: {failure}");
        let (_, view) = nimd.get(&format!("/v1/lpp_sources/{source}")).await;
        assert!(view.to_string().contains("of which nothing is given out"), "{source}: {view}");
    }
}

#[tokio::test]
async fn the_packages_of_bundles_are_installed_as_their_files_name_them_now() {
    let nimd = ready().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("base"), "# ours\nI:bos.net\nE:IJ1.241031.epkg.Z\n").unwrap();
    std::fs::write(file("bad"), "bos.net\n-u bos.rte\n").unwrap();
    std::fs::write(file("empty"), "# nothing yet\n").unwrap();
    for (name, server) in
        [("base", "master"), ("bad", "master"), ("empty", "master"), ("far", "nim02")]
    {
        let location = file(name).to_str().unwrap().to_owned();
        let body = json!({"type": "installp_bundle", "name": name, "attributes": [
            {"attribute": "location", "value": location}, {"attribute": "server", "value": server}]});
        let (status, answer) = nimd.post("/v1/objects", &body).await;
        assert_eq!(status, 201, "{answer}");
    }
    let with = |install, bundles: &[&str]| Cust {
        install,
        bundles: bundles.iter().map(|name| name.parse().unwrap()).collect(),
        ..request(&["lpar01"])
    };
    let list =
        |names: &[&str]| Install::List(names.iter().map(|name| (*name).to_owned()).collect());
    let (_, failure) =
        send(&nimd, &with(list(&[]), &["base", "bad", "empty", "far", "gone", "tl3"])).await;
    assert_eq!(
        faults(&failure),
        [
            "installp_bundle: far lies on nim02; only files on the master can be read",
            "installp_bundle: there is no object \"gone\": nimctl list installp_bundle",
            "installp_bundle: tl3 is of type lpp_source, not installp_bundle",
            "installp_bundle: bad: line 2: \"-u bos.rte\" is no fileset, interim fix or package",
            "installp_bundle: empty names no package",
        ]
    );
    let (_, failure) = send(&nimd, &with(Install::UpdateAll, &["base"])).await;
    assert_eq!(
        faults(&failure),
        ["installp_bundle: goes with filesets or alone, not with `fixes`"]
    );
    let (status, accepted) = send(&nimd, &with(list(&["bos.rte", "bos.net"]), &["base"])).await;
    assert_eq!(status, 200, "{accepted}");
    let id = accepted["operations"][0]["id"].as_str().unwrap().parse().unwrap();
    let order: Request =
        serde_json::from_str(&nimd.store.operation(id).await.unwrap().request).unwrap();
    assert_eq!(order.install, list(&["bos.rte", "bos.net", "E:IJ1.241031.epkg.Z"]));
}

#[tokio::test]
async fn scripts_go_with_the_order_as_their_files_are_now() {
    let nimd = ready().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let text = b"#!/usr/bin/ksh\necho done\n";
    std::fs::write(file("post"), text).unwrap();
    std::fs::write(file("empty"), "").unwrap();
    std::fs::write(file("huge"), vec![b'#'; (1 << 20) + 1]).unwrap();
    for name in ["post", "empty", "huge", "gone"] {
        let location = file(name).to_str().unwrap().to_owned();
        let body = json!({"type": "script", "name": name, "attributes": [
            {"attribute": "location", "value": location}]});
        let (status, answer) = nimd.post("/v1/objects", &body).await;
        assert_eq!(status, 201, "{answer}");
    }
    let with = |kind, scripts: &[&str]| Cust {
        kind,
        lpp_source: None,
        install: Install::Nothing,
        live_update_data: None,
        scripts: scripts.iter().map(|name| name.parse().unwrap()).collect(),
        ..request(&["lpar01"])
    };
    let wrong = ["empty", "huge", "gone", "tl3", "nobody", "post", "post"];
    let (status, failure) = send(&nimd, &with(Kind::Install, &wrong)).await;
    assert_eq!(status, 409, "{failure}");
    let found = file("gone").display().to_string();
    let huge = file("huge").display().to_string();
    assert_eq!(
        faults(&failure),
        [
            "script: post is named twice".to_owned(),
            "script: tl3 is of type lpp_source, not script".to_owned(),
            "script: there is no object \"nobody\": nimctl list script".to_owned(),
            "script: empty is empty".to_owned(),
            format!("script: huge: {huge} is larger than 1048576 bytes"),
            format!("script: gone: cannot read {found}: No such file or directory (os error 2)"),
        ]
    );
    let (_, failure) = send(&nimd, &with(Kind::Install, &[])).await;
    assert_eq!(
        faults(&failure),
        ["filesets: nothing is to be done: say `fixes` or `filesets`, or name a script"]
    );
    let preview = with(Kind::InstallPreview, &["post"]);
    let (status, accepted) = send(&nimd, &preview).await;
    assert_eq!(status, 200, "{accepted}");
    assert_eq!(accepted["warnings"][0]["message"], "a preview runs no script: post is left out");
    let id = accepted["operations"][0]["id"].as_str().unwrap().parse().unwrap();
    let order: Request =
        serde_json::from_str(&nimd.store.operation(id).await.unwrap().request).unwrap();
    let [script] = &order.scripts[..] else { panic!("{:?}", order.scripts) };
    assert_eq!((script.name.as_str(), script.content.digest), ("post", Digest::of(text)));
    // It is allocated as long as the operation is open.
    let (_, post) = nimd.get("/v1/objects/post").await;
    assert!(post.to_string().contains(r#"{"attribute":"alloc_count","value":"1"}"#), "{post}");
}

#[tokio::test]
async fn fixes_stand_for_the_filesets_that_the_packages_name_them_in() {
    let nimd = ready().await;
    let folder = tempfile::tempdir().unwrap();
    let ppc = folder.path().join("ppc");
    std::fs::create_dir(&ppc).unwrap();
    let mut table = "0 1 2\n".to_owned();
    for (name, fixes) in [("a.rte", "IJ1 1 x\n"), ("b.rte", "IJ1 1 x\nIJ2 1 y\n")] {
        let text =
            format!("4 R S {name} {{\n{name} 7.3.3.1 1 N U en_US T\n[\n%\n%\n%\n%\n{fixes}]\n}}\n");
        let image = crate::lpp::backup::tests::image(&[("./lpp_name", text.as_bytes())]);
        std::fs::write(ppc.join(format!("{name}.bff")), image).unwrap();
        table += &format!("{name}.bff {text}");
    }
    std::fs::write(ppc.join(".toc"), table).unwrap();
    std::fs::write(folder.path().join("apars"), "IJ2 y\n").unwrap();
    std::fs::write(folder.path().join("bad"), "IJ2\n-d x\n").unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (of, name, location) in [
        ("lpp_source", "sp1", at("ppc")),
        ("fix_bundle", "apars", at("apars")),
        ("fix_bundle", "bad", at("bad")),
    ] {
        let body = json!({"type": of, "name": name, "attributes": [
            {"attribute": "location", "value": location}]});
        let (status, answer) = nimd.post("/v1/objects", &body).await;
        assert_eq!(status, 201, "{answer}");
    }
    let with = |fixes: &[&str], bundles: &[&str]| Cust {
        lpp_source: Some("sp1".parse().unwrap()),
        install: Install::List(Vec::new()),
        fixes: fixes.iter().map(|fix| (*fix).to_owned()).collect(),
        fix_bundles: bundles.iter().map(|name| name.parse().unwrap()).collect(),
        ..request(&["lpar01"])
    };
    nimd.post("/v1/lpp_sources/sp1/check", &json!({})).await;
    assert_eq!(
        nimd.get("/v1/fix_bundles/apars").await,
        (200, json!({"name": "apars", "fixes": ["IJ2"]}))
    );
    let (status, failure) = nimd.get("/v1/fix_bundles/bad").await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0129")), "{failure}");
    let (_, failure) = send(&nimd, &with(&["IJ1", "IJ9", "-x"], &["bad", "sp1"])).await;
    assert_eq!(
        faults(&failure),
        [
            "fixes: \"-x\" is no keyword of a fix",
            "fix_bundle: sp1 is of type lpp_source, not fix_bundle",
            "fix_bundle: bad: line 2 begins with no keyword of a fix",
            "fixes: no package of sp1 names -x",
            "fixes: no package of sp1 names IJ9",
        ]
    );
    let all = Cust { install: Install::UpdateAll, ..with(&["IJ1"], &[]) };
    let (_, failure) = send(&nimd, &all).await;
    assert!(
        faults(&failure)
            .contains(&"fixes: go alone: name fixes, or filesets and bundles".to_owned())
    );
    let (_, failure) =
        send(&nimd, &Cust { lpp_source: Some("tl3".parse().unwrap()), ..with(&["IJ1"], &[]) })
            .await;
    assert!(
        faults(&failure)[0].starts_with("fixes: which filesets they are in is read"),
        "{failure}"
    );
    for (fixes, bundles, expected) in
        [(&["IJ1"][..], &[][..], &["a.rte", "b.rte"][..]), (&[], &["apars"], &["b.rte"])]
    {
        let token = ClientToken(uuid::Uuid::from_u128(expected.len() as u128));
        let cust = Cust { token, ..with(fixes, bundles) };
        let lpar = if fixes.is_empty() { "lpar02" } else { "lpar01" };
        let (status, accepted) =
            send(&nimd, &Cust { targets: vec![lpar.to_owned()], ..cust }).await;
        assert_eq!(status, 200, "{accepted}");
        let id = accepted["operations"][0]["id"].as_str().unwrap().parse().unwrap();
        let order: Request =
            serde_json::from_str(&nimd.store.operation(id).await.unwrap().request).unwrap();
        let expected = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!((order.install, order.installed_only), (Install::List(expected), true));
    }
}
