use nim_shared::id::ObjectName;
use nim_shared::object::{Object, ObjectClass, ObjectType, Spec};
use nim_shared::select::Selector;

use super::*;
use crate::store::testing::world::{SOMEBODY, accepted, name, object, site};
use crate::store::testing::{self};

/// One object of every type, with every kind of mention.
fn fleet() -> Vec<Object> {
    vec![
        object(
            ObjectType::Ent,
            "vlan4",
            &[("net_addr", "10.4.0.0"), ("snm", "255.255.0.0"), ("routing", "default 10.4.0.1")],
        ),
        object(
            ObjectType::Ent,
            "vlan5",
            &[
                ("net_addr", "10.5.0.0"),
                ("snm", "255.255.0.0"),
                ("routing", "vlan4 10.5.0.1 10.4.0.1"),
                ("routing", "default 10.5.0.1"),
            ],
        ),
        object(
            ObjectType::Hmc,
            "hmc01",
            &[
                ("if1", "vlan4 hmc01 0"),
                ("passwd_file", "hmc_pw"),
                ("limit", "3"),
                ("via", "u@jump:22"),
            ],
        ),
        object(ObjectType::Hmc, "hmc02", &[("if1", "find_net hmc02 0")]),
        object(
            ObjectType::Cec,
            "p10a",
            &[
                ("hw_type", "9105"),
                ("hw_model", "42A"),
                ("hw_serial", "78ABCDE"),
                ("mgmt_source", "hmc02,hmc01"),
                ("limit", "2"),
                ("system_name", "p10 a"),
            ],
        ),
        object(
            ObjectType::Vios,
            "vios1",
            &[
                ("if1", "vlan4 vios1 0"),
                ("mgmt_source", "p10a"),
                ("identity", "1"),
                ("allocated", "a_mksysb"),
            ],
        ),
        object(
            ObjectType::Standalone,
            "lpar_a",
            &[
                ("if1", "vlan5 lpar_a 0 ent0"),
                ("mgmt_source", "p10a"),
                ("identity", "7"),
                ("installation", "018f9c6e-0000-7000-8000-000000000001"),
                ("ssh_address", "10.5.0.7,10.5.0.8"),
                ("allocated", "a_spot,a_script"),
                ("label.env", "prod"),
                ("comments", "the first"),
            ],
        ),
        object(
            ObjectType::Standalone,
            "lparXb",
            &[("if1", "find_net lparXb 0"), ("label.env", "test")],
        ),
        object(ObjectType::LiveUpdateData, "lud", &[("content", "disks:\n\tnhdisk = hdisk1\n")]),
        object(ObjectType::LppSource, "lpp", &[("location", "/export/lpp"), ("access", "nfs")]),
        object(
            ObjectType::MacGroup,
            "group",
            &[("member", "lparXb"), ("member", "lpar_a"), ("excluded", "lpar_a")],
        ),
        object(
            ObjectType::Master,
            "master",
            &[("if1", "vlan4 nim 0"), ("if2", "vlan5 nim-b 0"), ("master_port", "1058")],
        ),
        object(
            ObjectType::Script,
            "a_script",
            &[("location", "/export/nim/script"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::FbScript,
            "a_fb_script",
            &[("location", "/export/nim/fb_script"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::InstallpBundle,
            "a_installp_bundle",
            &[("location", "/export/nim/installp_bundle"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::FixBundle,
            "a_fix_bundle",
            &[("location", "/export/nim/fix_bundle"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::ExcludeFiles,
            "a_exclude_files",
            &[("location", "/export/nim/exclude_files"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::ResolvConf,
            "a_resolv_conf",
            &[("location", "/export/nim/resolv_conf"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::ImageData,
            "a_image_data",
            &[("location", "/export/nim/image_data"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::Mksysb,
            "a_mksysb",
            &[("location", "/export/nim/mksysb"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::Spot,
            "a_spot",
            &[("location", "/export/nim/spot"), ("server", "master"), ("nfs_vers", "3")],
        ),
        object(
            ObjectType::ResGroup,
            "patches",
            &[
                ("lpp_source", "lpp"),
                ("mksysb", "a_mksysb"),
                ("script", "a_script"),
                ("script2", "other_script"),
                ("default", "no"),
            ],
        ),
        object(ObjectType::Script, "other_script", &[("location", "/export/nim/other")]),
    ]
}

fn put(objects: Vec<Object>) -> Vec<Change> {
    objects.into_iter().map(Change::Put).collect()
}

async fn all(store: &Store) -> Vec<Object> {
    let page = store.objects(&ObjectFilter::default(), None, 1000).await.unwrap();
    page.items.into_iter().map(|stored| stored.object).collect()
}

#[tokio::test]
async fn a_fleet_of_every_type_reads_back_as_it_was_applied_in_any_order() {
    let store = testing::store().await;
    let mut reversed = fleet();
    reversed.reverse();
    store.apply(put(reversed.clone()), Mode::Store, SOMEBODY).await.unwrap();
    assert_eq!(all(&store).await, reversed);
    let again = store.apply(put(fleet()), Mode::Store, SOMEBODY).await.unwrap();
    assert!(
        again.iter().all(|one| one.deed == Deed::Same && one.attributes.is_empty()),
        "{again:?}"
    );
    assert_eq!(store.object(&name("p10a")).await.unwrap().version, 1);
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let store = testing::store().await;
    store.apply(put(fleet()), Mode::Store, SOMEBODY).await.unwrap();
    let mut changed = fleet().remove(4);
    let Spec::Cec(cec) = &mut changed.spec else { panic!() };
    cec.mgmt_source.remove(0);
    cec.system_name = None;
    let changes = vec![Change::Put(changed), Change::Remove(name("lud"))];
    let differences = store.apply(changes.clone(), Mode::DryRun, SOMEBODY).await.unwrap();
    let text = |one: &Difference| {
        let row = |a: &AttributeChange| format!("{}: {:?} -> {:?}", a.attribute, a.before, a.after);
        (one.name.to_string(), one.deed, one.attributes.iter().map(row).collect::<Vec<_>>())
    };
    insta::assert_debug_snapshot!(differences.iter().map(text).collect::<Vec<_>>(), @r#"
    [
        (
            "p10a",
            Changed,
            [
                "mgmt_source1: Some(\"hmc02\") -> Some(\"hmc01\")",
                "system_name: Some(\"p10 a\") -> None",
                "mgmt_source2: Some(\"hmc01\") -> None",
            ],
        ),
        (
            "lud",
            Removed,
            [
                "content: Some(\"disks:\\n\\tnhdisk = hdisk1\\n\") -> None",
            ],
        ),
    ]
    "#);
    assert_eq!(all(&store).await, fleet());
    store.apply(changes, Mode::Store, SOMEBODY).await.unwrap();
    let frames = store.frames(None).await.unwrap();
    assert_eq!(frames[0].hmcs.len(), 1);
    assert!(matches!(store.object(&name("lud")).await, Err(Error::NoSuchObject { .. })));
    let history = store.history(&name("lud"), 10).await.unwrap();
    assert_eq!(
        history.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(),
        ["remove", "define"]
    );
    assert_eq!(history[0].before.as_ref(), Some(&fleet()[8]));
}

/// The faults of an error, as text.
fn faults<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result {
        Err(Error::Faults { faults }) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("no faults but {other:?}"),
    }
}

#[tokio::test]
async fn all_faults_are_said_at_once_and_nothing_is_stored() {
    let store = testing::store().await;
    store.apply(put(fleet()), Mode::Store, SOMEBODY).await.unwrap();
    let lpar = |called: &str, frame: &str| {
        object(ObjectType::Standalone, called, &[("if1", "lud x 0"), ("mgmt_source", frame)])
    };
    let changes = vec![
        Change::Define(lpar("new1", "nowhere")),
        Change::Define(object(ObjectType::Hmc, "lud", &[("if1", "find_net x 0")])),
        Change::Change {
            object: object(ObjectType::Hmc, "hmc02", &[("if1", "find_net x 0")]),
            version: Some(9),
        },
        Change::Put(object(ObjectType::Hmc, "lpp", &[("if1", "find_net x 0")])),
        Change::Put(object(
            ObjectType::MacGroup,
            "group2",
            &[("member", "hmc01"), ("member", "lpar_a,lpar_a")],
        )),
        Change::Remove(name("absent")),
        Change::Remove(name("vlan4")),
    ];
    insta::assert_debug_snapshot!(faults(store.apply(changes, Mode::Store, SOMEBODY).await), @r#"
    [
        "absent: there is no such object",
        "group2: member names \"lpar_a\" twice",
        "group2: member names \"hmc01\", which is of type hmc",
        "hmc02: it was changed in the meantime: you saw version 9, it is 1 now",
        "lpp: it is of type lpp_source, which cannot be changed",
        "lud: there is an object of this name already, of type live_update_data",
        "new1: mgmt_source names \"nowhere\", which is not defined",
        "new1: if1 names \"lud\", which is of type hmc",
        "vlan4: routing of vlan5 mentions it",
        "vlan4: if1 of hmc01 mentions it",
        "vlan4: if1 of vios1 mentions it",
        "vlan4: if1 of master mentions it",
    ]
    "#);
    assert_eq!(all(&store).await, fleet());
}

#[tokio::test]
async fn what_others_mention_is_removed_only_together_with_them() {
    let store = testing::store().await;
    store.apply(put(fleet()), Mode::Store, SOMEBODY).await.unwrap();
    assert_eq!(
        faults(store.remove(&name("p10a"), SOMEBODY).await),
        ["p10a: mgmt_source of vios1 mentions it", "p10a: mgmt_source of lpar_a mentions it"]
    );
    let everything = fleet().iter().map(|one| Change::Remove(one.name.clone())).collect();
    store.apply(everything, Mode::Store, SOMEBODY).await.unwrap();
    assert_eq!(all(&store).await, []);
}

#[tokio::test]
async fn an_lpar_with_an_open_operation_is_not_removed() {
    let store = testing::store().await;
    site(&store, 1).await;
    let id = accepted(&store, &["lpar01"]).await[0];
    assert_eq!(
        faults(store.remove(&name("lpar01"), SOMEBODY).await),
        [format!("lpar01: operation {id} on it is open")]
    );
}

#[tokio::test]
async fn lists_are_filtered_and_paged_in_the_order_of_making() {
    let store = testing::store().await;
    store.apply(put(fleet()), Mode::Store, SOMEBODY).await.unwrap();
    let names = async |filter: ObjectFilter| -> Vec<String> {
        let page = store.objects(&filter, None, 100).await.unwrap();
        page.items.iter().map(|one| one.object.name.to_string()).collect()
    };
    let of =
        |types: &[ObjectType]| ObjectFilter { types: types.to_vec(), ..ObjectFilter::default() };
    assert_eq!(names(of(&[ObjectType::Hmc, ObjectType::Cec])).await, ["hmc01", "hmc02", "p10a"]);
    let resources =
        ObjectFilter { classes: vec![ObjectClass::Resources], ..ObjectFilter::default() };
    assert_eq!(
        names(resources).await,
        [
            "lud",
            "lpp",
            "a_script",
            "a_fb_script",
            "a_installp_bundle",
            "a_fix_bundle",
            "a_exclude_files",
            "a_resolv_conf",
            "a_image_data",
            "a_mksysb",
            "a_spot",
            "other_script",
        ]
    );
    let called =
        |text: &str| ObjectFilter { names: vec![text.parse().unwrap()], ..ObjectFilter::default() };
    assert_eq!(names(called("lpar?*")).await, ["lpar_a", "lparXb"]);
    assert_eq!(names(called("lpar_*")).await, ["lpar_a"], "an underscore means itself");
    let labelled = ObjectFilter {
        labels: "env=prod".parse::<Selector>().unwrap().0,
        ..ObjectFilter::default()
    };
    assert_eq!(names(labelled).await, ["lpar_a"]);

    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = store.objects(&ObjectFilter::default(), after, 4).await.unwrap();
        assert!(page.items.len() <= 4);
        seen.extend(page.items.into_iter().map(|one| one.object));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, fleet());
}

#[tokio::test]
async fn targets_are_lpars_patterns_and_groups_each_lpar_once() {
    let store = testing::store().await;
    store.apply(put(fleet()), Mode::Store, SOMEBODY).await.unwrap();
    let expand = async |texts: &[&str]| {
        let names: Vec<NamePattern> = texts.iter().map(|text| text.parse().unwrap()).collect();
        store.expand_targets(&names).await.map(|found| found.lpars)
    };
    assert_eq!(expand(&["lpar[W-Y]?"]).await.unwrap().len(), 1);
    let targets = expand(&["group", "lpar*"]).await.unwrap();
    let names: Vec<ObjectName> = targets.iter().map(|one| one.name.clone()).collect();
    assert_eq!(names, [name("lparXb"), name("lpar_a")], "in the order of the group");
    assert_eq!(targets[1].frame, Some(name("p10a")));
    assert_eq!(targets[1].hmc, Some(name("hmc02")), "the preferred one");
    assert_eq!(targets[1].open, None);
    let group: NamePattern = "group".parse().unwrap();
    let found = store.expand_targets(&[group]).await.unwrap();
    assert_eq!(found.lpars.len(), 1);
    assert_eq!(found.excluded, [(name("group"), name("lpar_a"))]);
    match expand(&["lpar_a", "nothing*", "p10a"]).await {
        Err(Error::NoSuchLpar { names }) => assert_eq!(names, ["nothing*", "p10a"]),
        other => panic!("{other:?}"),
    }
    let with_vios = object(ObjectType::MacGroup, "mixed", &[("member", "lpar_a,vios1")]);
    store.define(&with_vios, SOMEBODY).await.unwrap();
    assert!(matches!(expand(&["mixed"]).await, Err(Error::NotLpars { .. })));
}

#[tokio::test]
async fn the_last_state_of_an_hmc_survives_a_change_of_its_frame() {
    let store = testing::store().await;
    site(&store, 0).await;
    let (hmc, unknown) = (name("hmc01"), name("hmc99"));
    let seen = |hmc, mtms: &str, state| Sighting { hmc, mtms: mtms.to_owned(), state };
    let sightings = [
        seen(&hmc, "9105-42A*78ABCDE", "Operating"),
        seen(&hmc, "9105-42A*7800000", "No Connection"),
        seen(&unknown, "9105-42A*78ABCDE", "Standby"),
    ];
    store.hmc_states(&sightings).await.unwrap();
    let mut frame = store.object(&name("p10a")).await.unwrap().object;
    let Spec::Cec(cec) = &mut frame.spec else { panic!() };
    cec.mgmt_source.reverse();
    store.change(&frame, Some(1), SOMEBODY).await.unwrap();
    let hmcs = &store.frames(None).await.unwrap()[0].hmcs;
    let states: Vec<_> =
        hmcs.iter().map(|one| (one.name.as_str(), one.last_state.as_deref())).collect();
    assert_eq!(states, [("hmc02", None), ("hmc01", Some("Operating"))]);
}

#[tokio::test]
async fn two_that_define_the_same_name_at_once_do_not_both_succeed() {
    let store = testing::store().await;
    let one = object(ObjectType::LppSource, "lpp", &[("location", "/a")]);
    let other = object(ObjectType::LppSource, "lpp", &[("location", "/b")]);
    let (a, b) = tokio::join!(store.define(&one, SOMEBODY), store.define(&other, SOMEBODY));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
}

#[tokio::test]
async fn a_resource_that_a_group_names_is_not_removed() {
    let store = testing::store().await;
    store.apply(put(fleet()), Mode::Store, SOMEBODY).await.unwrap();
    match store.remove(&name("other_script"), SOMEBODY).await {
        Err(Error::Faults { faults }) => {
            assert_eq!(faults[0].to_string(), "other_script: script of patches mentions it");
        }
        other => panic!("{other:?}"),
    }
    store.remove(&name("patches"), SOMEBODY).await.unwrap();
    store.remove(&name("other_script"), SOMEBODY).await.unwrap();
}
