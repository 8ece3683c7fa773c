use nim_shared::id::InstallationId;

use super::*;

fn name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

fn object(of: ObjectType, called: &str, attributes: &[(&str, &str)]) -> (Object, u64) {
    let mut draft = Draft::new(of);
    attributes.iter().for_each(|(attribute, value)| draft.add(attribute, value));
    (draft.finish(name(called)).unwrap(), 1)
}

fn hmc(called: &str) -> (Object, u64) {
    object(ObjectType::Hmc, called, &[("if1", "find_net hmc 0")])
}

fn cec(called: &str, serial: &str, hmcs: &str) -> (Object, u64) {
    let attributes = [
        ("hw_type", "9105"),
        ("hw_model", "42A"),
        ("hw_serial", serial),
        ("system_name", called),
        ("mgmt_source", hmcs),
    ];
    object(ObjectType::Cec, called, &attributes)
}

fn lpar(called: &str, attributes: &[(&str, &str)]) -> (Object, u64) {
    let all: Vec<_> =
        [("if1", "find_net host 0")].into_iter().chain(attributes.iter().copied()).collect();
    object(ObjectType::Standalone, called, &all)
}

fn on(frame: &str, id: &str, called: &str) -> (Object, u64) {
    lpar(called, &[("mgmt_source", frame), ("identity", id)])
}

fn partition(called: &str, id: u32, os: &str) -> PartitionView {
    PartitionView {
        name: called.to_owned(),
        lpar_id: id.to_string().parse().unwrap(),
        lpar_env: if os == "VIOS" { VIOS } else { "aixlinux" }.to_owned(),
        state: "Running".to_owned(),
        rmc_state: "active".to_owned(),
        rmc_ipaddr: format!("10.0.0.{id}"),
        os_version: os.to_owned(),
    }
}

fn aix(called: &str, id: u32) -> PartitionView {
    partition(called, id, "AIX 7.3 7300-03-00-2446")
}

fn found(called: &str, serial: &str, partitions: Vec<PartitionView>) -> FoundFrame {
    FoundFrame {
        system: SystemView {
            name: called.to_owned(),
            type_model: "9105-42A".to_owned(),
            serial_num: serial.to_owned(),
            ipaddr: "10.1.0.1".to_owned(),
            sp_type: None,
            state: "Operating".to_owned(),
        },
        hmcs: vec![name("hmc01")],
        partitions: Some(partitions),
    }
}

fn on_record(objects: Vec<(Object, u64)>) -> Inventory {
    Inventory { objects, busy: BTreeSet::new() }
}

/// A system's word.
fn says_it_is(called: &str, id: u32, installation: u128) -> Option<Identity> {
    Some(Identity {
        machine_serial: None,
        partition_name: Some(called.to_owned()),
        lpar_id: Some(id.to_string().parse().unwrap()),
        hostname: None,
        installation: InstallationId(uuid::Uuid::from_u128(installation)),
    })
}

/// Changes as text: `+ cec frame1`, `~ standalone lpar01 identity=5`.
fn told(plan: &Plan, before: &Inventory) -> Vec<String> {
    let told = |change: &Change| match change {
        Change::Define(object) => format!("+ {} {}", object.spec.object_type(), object.name),
        Change::Change { object, .. } => {
            let (old, _) = before.objects.iter().find(|(old, _)| old.name == object.name).unwrap();
            let old = old.attributes();
            let new = object.attributes().into_iter().filter(|one| !old.contains(one));
            let new: Vec<_> =
                new.map(|(attribute, value)| format!("{attribute}={value}")).collect();
            format!("~ {} {} {}", object.spec.object_type(), object.name, new.join(" "))
        }
        Change::Put(_) | Change::Remove(_) => panic!("discovery neither overwrites nor removes"),
    };
    plan.changes.iter().map(told).collect()
}

fn kinds(plan: &Plan) -> Vec<(FindingKind, &str)> {
    plan.findings.iter().map(|one| (one.kind, one.name.as_str())).collect()
}

#[test]
fn a_site_is_found_from_nothing_and_a_second_look_changes_nothing() {
    let inventory = on_record(vec![hmc("hmc01")]);
    let mut seen = found(
        "p10-a",
        "78ABCD1",
        vec![
            partition("vios1", 1, "VIOS"),
            aix("lpar01", 10),
            aix("with blank", 11),
            partition("web1", 12, "Linux/RedHat 5.14"),
            partition("off", 13, "Unknown"),
        ],
    );
    seen.hmcs.push(name("hmc02"));
    let plan = plan(std::slice::from_ref(&seen), &inventory, &Answers::new());
    let frame = "9105-42A_78ABCD1";
    assert_eq!(
        told(&plan, &inventory),
        [format!("+ cec {frame}"), "+ vios vios1".to_owned(), "+ standalone lpar01".to_owned()]
    );
    assert_eq!(
        kinds(&plan),
        [
            (FindingKind::LeftOut, "with blank"),
            (FindingKind::LeftOut, "web1"),
            (FindingKind::LeftOut, "off")
        ]
    );
    let made = plan.changes.iter().map(|change| match change {
        Change::Define(object) => (object.clone(), 1),
        other => panic!("{other:?}"),
    });
    let inventory = on_record([hmc("hmc01"), hmc("hmc02")].into_iter().chain(made).collect());
    let again = super::plan(&[seen], &inventory, &Answers::new());
    assert_eq!(told(&again, &inventory), [] as [&str; 0]);
}

#[test]
fn names_that_people_chose_are_kept_and_what_changed_is_followed() {
    let inventory = on_record(vec![
        hmc("hmc01"),
        hmc("hmc02"),
        cec("blue", "78ABCD1", "hmc02"),
        on("blue", "10", "lpar01"),
        lpar("db", &[("mgmt_source", "blue"), ("identity", "11"), ("partition_name", "oradb")]),
        object(
            ObjectType::Vios,
            "vio-left",
            &[("if1", "find_net v 0"), ("mgmt_source", "blue"), ("identity", "1")],
        ),
    ]);
    let seen = found(
        "p10-a",
        "78ABCD1",
        vec![partition("p10-a-vios1", 1, "VIOS"), aix("lpar01", 20), aix("oradb", 11)],
    );
    let plan = plan(&[seen], &inventory, &Answers::new());
    assert_eq!(
        told(&plan, &inventory),
        ["~ cec blue system_name=p10-a mgmt_source2=hmc01", "~ standalone lpar01 identity=20"]
    );
    assert_eq!(kinds(&plan), []);
}

#[test]
fn what_an_update_leaves_is_told_and_not_taken_for_anything_else() {
    let mut inventory = on_record(vec![
        hmc("hmc01"),
        cec("blue", "78ABCD1", "hmc01"),
        on("blue", "10", "lpar01"),
        on("blue", "11", "lpar02"),
        on("blue", "12", "lpar03"),
    ]);
    let partitions = || {
        vec![
            aix("lpar01", 20),
            aix("lpar01_lku0", 10),
            aix("lpar02_lku0", 11),
            aix("lpar03", 12),
            aix("other_lku0", 30),
        ]
    };
    let seen = || [found("blue", "78ABCD1", partitions())];
    let plan = plan(&seen(), &inventory, &Answers::new());
    assert_eq!(told(&plan, &inventory), [] as [&str; 0]);
    let leftover = FindingKind::Leftover;
    assert_eq!(
        kinds(&plan),
        [(leftover, "lpar01"), (leftover, "lpar02"), (leftover, "other_lku0")]
    );
    // While an update runs that is how it looks.
    inventory.busy = ["lpar01", "lpar02"].map(name).into();
    let plan = super::plan(&seen(), &inventory, &Answers::new());
    assert_eq!(kinds(&plan), [(leftover, "other_lku0")]);
}

#[test]
fn a_partition_that_moved_or_was_renamed_is_followed_on_its_systems_word_only() {
    let installation = "00000000-0000-0000-0000-000000000007";
    let known = [("installation", installation)];
    let with = |frame: &'static str, id: &'static str, called: &str| {
        let all: Vec<_> =
            [("mgmt_source", frame), ("identity", id)].into_iter().chain(known).collect();
        lpar(called, &all)
    };
    let inventory = on_record(vec![
        hmc("hmc01"),
        cec("blue", "78ABCD1", "hmc01"),
        cec("red", "78ABCD2", "hmc01"),
        with("blue", "10", "moved"),
        with("blue", "11", "renamed"),
        with("blue", "12", "gone"),
    ]);
    let seen = [
        found("blue", "78ABCD1", vec![aix("newname", 11), aix("stranger", 14)]),
        found("red", "78ABCD2", vec![aix("moved", 33)]),
    ];
    let first = plan(&seen, &inventory, &Answers::new());
    assert_eq!(first.ask, ["moved", "renamed"].map(name).into());

    let yes = Answers::from([
        (name("moved"), says_it_is("moved", 33, 7)),
        // AIX may not have heard of its new name yet.
        (name("renamed"), says_it_is("renamed", 11, 7)),
    ]);
    let plan = plan(&seen, &inventory, &yes);
    assert_eq!(
        told(&plan, &inventory),
        [
            "~ standalone moved mgmt_source=red identity=33",
            "~ standalone renamed partition_name=newname",
            "+ standalone stranger"
        ]
    );
    assert_eq!(kinds(&plan), [(FindingKind::Vanished, "gone")]);

    let cases = [
        ("silent", None, FindingKind::Unsure, false),
        ("another installation", says_it_is("moved", 33, 8), FindingKind::Vanished, true),
        ("still where it was", says_it_is("moved", 10, 7), FindingKind::Vanished, true),
    ];
    for (what, said, kind, is_new) in cases {
        let answers =
            Answers::from([(name("moved"), said), (name("renamed"), says_it_is("renamed", 11, 7))]);
        let plan = super::plan(&seen, &inventory, &answers);
        assert!(kinds(&plan).contains(&(kind, "moved")), "{what}: {:?}", plan.findings);
        // A stranger of the same name gets a name of its own; one that may be ours is left alone.
        let new = told(&plan, &inventory).contains(&"+ standalone moved_red".to_owned());
        assert_eq!(new, is_new, "{what}: {:?}", told(&plan, &inventory));
    }
}

#[test]
fn an_lpar_that_was_defined_by_hand_gets_its_frame_by_address_or_by_its_own_word() {
    let inventory = on_record(vec![
        hmc("hmc01"),
        cec("blue", "78ABCD1", "hmc01"),
        object(ObjectType::Standalone, "near", &[("if1", "find_net 10.0.0.10 0")]),
        lpar("far", &[]),
    ]);
    let seen = [found("blue", "78ABCD1", vec![aix("near", 10), aix("far", 11)])];
    let first = plan(&seen, &inventory, &Answers::new());
    assert_eq!(first.ask, [name("far")].into());
    let answers = Answers::from([(name("far"), says_it_is("far", 11, 1))]);
    let plan = plan(&seen, &inventory, &answers);
    assert_eq!(
        told(&plan, &inventory),
        [
            "~ standalone near mgmt_source=blue identity=10",
            "~ standalone far mgmt_source=blue identity=11"
        ]
    );
    let answers = Answers::from([(name("far"), None)]);
    let plan = super::plan(&seen, &inventory, &answers);
    assert_eq!(kinds(&plan), [(FindingKind::Unsure, "far")]);
}

#[test]
fn a_frame_that_cannot_be_listed_changes_nothing_of_what_is_on_it() {
    let inventory =
        on_record(vec![hmc("hmc01"), cec("blue", "78ABCD1", "hmc01"), on("blue", "10", "lpar01")]);
    let mut seen = found("blue", "78ABCD1", vec![]);
    seen.partitions = None;
    seen.system.state = "No Connection".to_owned();
    let plan = plan(&[seen], &inventory, &Answers::new());
    assert_eq!(told(&plan, &inventory), [] as [&str; 0]);
    assert_eq!(kinds(&plan), [(FindingKind::Unseen, "blue")]);
    assert!(plan.findings[0].text.contains("No Connection"), "{:?}", plan.findings);
}
