use super::*;

fn draft(of: ObjectType, attributes: &[(&str, &str)]) -> Draft {
    let mut draft = Draft::new(of);
    for (attribute, value) in attributes {
        draft.add(attribute, value);
    }
    draft
}

fn name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

#[test]
fn what_nim_users_type_becomes_an_object() {
    let cec = draft(
        ObjectType::Cec,
        &[
            ("hw_type", "9105"),
            ("hw_model", "42A"),
            ("hw_serial", "78ABCDE"),
            ("mgmt_source", "hmc01,hmc02"),
        ],
    )
    .finish(name("p10-a"))
    .unwrap();
    let rows = cec.attributes();
    let rows: Vec<_> = rows.iter().map(|(a, v)| (a.as_str(), v.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("hw_type", "9105"),
            ("hw_model", "42A"),
            ("hw_serial", "78ABCDE"),
            ("mgmt_source1", "hmc01"),
            ("mgmt_source2", "hmc02"),
        ]
    );
    assert_eq!(cec.spec.references().len(), 2);
}

#[test]
fn all_faults_are_said_at_once() {
    let faults = draft(
        ObjectType::Standalone,
        &[
            ("identity", "0"),
            ("ssh_port", "70000"),
            ("colour", "blue"),
            ("label.env", "prod"),
            ("label.e v", "x"),
        ],
    )
    .finish(name("lpar01"))
    .unwrap_err();
    let about: Vec<_> = faults.iter().map(|fault| fault.attribute.as_str()).collect();
    assert_eq!(about, ["if1", "identity", "ssh_port", "colour", "label.e v"]);
    assert_eq!(faults[0].to_string(), "if1: is required");
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let before = draft(
        ObjectType::Standalone,
        &[
            ("if1", "find_net lpar01 0"),
            ("identity", "4"),
            ("label.env", "prod"),
            ("comments", "db"),
        ],
    )
    .finish(name("lpar01"))
    .unwrap();
    let mut change = Draft::of(&before);
    change.set("identity", "5");
    change.set("comments", "");
    let after = change.finish(name("lpar01")).unwrap();
    assert_eq!(
        after.attributes(),
        [("if1", "find_net lpar01 0"), ("identity", "5"), ("label.env", "prod")]
            .map(|(a, v)| (a.to_owned(), v.to_owned()))
    );
}

#[test]
fn entries_of_a_list_are_set_added_and_removed() {
    let group =
        draft(ObjectType::MacGroup, &[("member", "a"), ("member", "b")]).finish(name("g")).unwrap();
    let mut change = Draft::of(&group);
    change.set("member2", "c");
    change.add("member", "d");
    change.remove("member", "a").unwrap();
    assert!(change.remove("member", "zz").is_err());
    let Spec::MacGroup(after) = change.finish(name("g")).unwrap().spec else { panic!() };
    assert_eq!(after.member, [name("c"), name("d")]);
}

#[test]
fn who_leaves_a_group_is_no_longer_left_out_and_only_members_can_be() {
    let group = draft(ObjectType::MacGroup, &[("member", "a,b"), ("excluded", "b")]);
    let group = group.finish(name("g")).unwrap();
    let mut change = Draft::of(&group);
    change.remove("member", "b").unwrap();
    change.settle(&group.spec);
    let Spec::MacGroup(after) = change.finish(name("g")).unwrap().spec else { panic!() };
    assert_eq!((after.member, after.excluded), (vec![name("a")], vec![]));
    let mut change = Draft::of(&group);
    change.add("excluded", "c");
    change.settle(&group.spec);
    let faults = change.finish(name("g")).unwrap_err();
    assert_eq!(faults[0].to_string(), "excluded: \"c\" is no member of the group");
}

#[test]
fn an_object_reads_back_from_its_json_and_from_its_attributes() {
    let objects = [
        draft(
            ObjectType::Ent,
            &[("net_addr", "10.1.0.0"), ("snm", "255.255.0.0"), ("routing1", "default 10.1.0.1")],
        ),
        draft(
            ObjectType::Hmc,
            &[("if1", "find_net hmc01 0"), ("passwd_file", "hmc01_pw"), ("via", "u@b:22")],
        ),
        draft(
            ObjectType::Vios,
            &[("if1", "vlan4 v 0 ent1"), ("mgmt_source", "p1"), ("identity", "3")],
        ),
        draft(ObjectType::LppSource, &[("location", "/export/lpp"), ("access", "push")]),
        draft(ObjectType::LiveUpdateData, &[("content", "disks:\n\tnhdisk = hdisk1\n")]),
    ];
    for one in objects {
        let object = one.finish(name("x")).unwrap();
        let json = serde_json::to_string(&object).unwrap();
        assert_eq!(serde_json::from_str::<Object>(&json).unwrap(), object, "{json}");
        assert_eq!(Draft::of(&object).finish(name("x")).unwrap(), object);
    }
}

#[test]
fn a_number_that_is_none_is_told_with_what_it_may_be() {
    let faults = draft(
        ObjectType::Standalone,
        &[("if1", "n lpar01 0"), ("identity", "abc"), ("ssh_port", "0")],
    )
    .finish(name("lpar01"))
    .unwrap_err();
    let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "identity: is a whole number from 1 to 4294967295, not \"abc\"",
            "ssh_port: is a whole number from 1 to 65535, not \"0\"",
        ]
    );
}

#[test]
fn parts_refuse_what_a_shell_would_act_on() {
    for text in
        ["find_net a;b 0", "find_net -oProxyCommand 0", "find_net a", "x y z q r", "find_net a 12"]
    {
        assert!(text.parse::<Interface>().is_err(), "{text:?} was accepted");
    }
    for text in ["a@-b", "", "a b", "h:0", "h:x", "[::1"] {
        assert!(text.parse::<Hop>().is_err(), "{text:?} was accepted");
    }
    for text in ["u@h:22", "h", "[fe80::1]:2222", "u@[::1]"] {
        assert_eq!(text.parse::<Hop>().unwrap().to_string(), text);
    }
}
