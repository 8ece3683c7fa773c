use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::api::{File, FileFault};
use crate::id::ObjectName;
use crate::object::{Draft, Object, ObjectType};

fn file(text: &str) -> File {
    File { name: "fleet.yaml".to_owned(), text: text.to_owned() }
}

fn read(text: &str) -> Result<Vec<Object>, Vec<FileFault>> {
    let found = Fleet::read(&[file(text)]).check(|_| None)?;
    Ok(found.into_iter().map(|(object, _)| object).collect())
}

/// All faults, one a line.
fn faults(text: &str) -> String {
    let faults = read(text).unwrap_err();
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn attributes(object: &Object) -> Vec<(String, String)> {
    object.attributes()
}

#[test]
fn scalars_keep_the_text_that_was_written() {
    let objects = read(
        "cec:\n\
         - name: 0123\n\
         \x20 hw_type: 9105\n\
         \x20 hw_model: 0x1\n\
         \x20 hw_serial: 0123456\n\
         \x20 comments: no\n\
         \x20 labels: {size: 0.50, on: yes, big: 1e3, quoted: \"null\", date: 2025-01-01}\n",
    )
    .unwrap();
    let found = attributes(&objects[0]);
    let found: Vec<_> = found.iter().map(|(a, v)| (a.as_str(), v.as_str())).collect();
    assert_eq!(objects[0].name.as_str(), "0123");
    assert_eq!(
        found,
        [
            ("hw_type", "9105"),
            ("hw_model", "0x1"),
            ("hw_serial", "0123456"),
            ("comments", "no"),
            ("label.big", "1e3"),
            ("label.date", "2025-01-01"),
            ("label.on", "yes"),
            ("label.quoted", "null"),
            ("label.size", "0.50"),
        ]
    );
}

#[test]
fn lists_are_lists_single_values_or_numbered() {
    let objects = read(
        "mac_group:\n\
         - {name: a, member: [l1, l2]}\n\
         - {name: b, member: l1}\n\
         - {name: c, member1: l1, member2: l2}\n\
         - {name: d, member: 'l1, l2'}\n\
         - {name: e, member: []}\n\
         - {name: f, member: }\n\
         standalone:\n\
         - {name: l1, if1: find_net l1 0}\n\
         - {name: l2, if1: find_net l2 0}\n",
    )
    .unwrap();
    let members: Vec<_> = objects.iter().map(|o| o.spec.references().len()).collect();
    assert_eq!(members, [2, 1, 2, 2, 0, 0, 0, 0]);
}

#[test]
fn every_fault_is_said_at_once_with_its_place() {
    assert_snapshot!(faults(
        "cec:\n\
         - name: p10-a\n\
         \x20 hw_type: 91055\n\
         \x20 hw_serial: 78ABCDE\n\
         \x20 hw_serial: 78ABCDF\n\
         \x20 mgmt_source: [hmc01, hmc9]\n\
         - name: p10-b\n\
         \x20 hw_type: 9105\n\
         \x20 hw_model: 42A\n\
         \x20 hw_serial: 78ABCDE\n\
         \x20 mgmt_source:\n\
         \x20 - hmc01\n\
         \x20 - hcm02\n\
         \x20 mgmt_sorce: x\n\
         - hw_type: 9105\n\
         frame: []\n\
         hmcs: []\n\
         hmc:\n\
         - {name: hmc01, if1: find_net hmc01 0}\n\
         - {name: hmc02, if1: find_net hmc02 0}\n\
         - {name: hmc01, if1: [{a: b}]}\n\
         - hmc03\n\
         mac_group:\n\
         - {name: g, member: [hmc01, p10-a, nobody], labels: {'a b': c, d: [e, f]}}\n\
         - {name: h, member: [hmc01, p10-a, nobody]}\n\
         - {name: i, colour:}\n\
         - {name: 'a b', member: {}, labels: x}\n\
         vios: {}\n"
    ), @r#"
    fleet.yaml:2: cec[0].hw_model: is required
    fleet.yaml:3: cec[0].hw_type: "91055" is not 4 letters and digits
    fleet.yaml:5: cec[0].hw_serial: is written twice; the first time in line 4
    fleet.yaml:6: cec[0].mgmt_source[1]: no hmc is called "hmc9"; did you mean "hmc01"?
    fleet.yaml:13: cec[1].mgmt_source[1]: no hmc is called "hcm02"; did you mean "hmc02"?
    fleet.yaml:14: cec[1].mgmt_sorce: is no attribute of type cec; known are hw_type, hw_model, hw_serial, system_name, limit, mgmt_source, disk_pool, comments, label.KEY; did you mean "mgmt_source"?
    fleet.yaml:15: cec[2].name: is required
    fleet.yaml:15: cec[2].hw_model: is required
    fleet.yaml:15: cec[2].hw_serial: is required
    fleet.yaml:16: frame: "frame" is no object type: one of ent, hmc, cec, vios, master, standalone, live_update_data, lpp_source, script, fb_script, installp_bundle, fix_bundle, exclude_files, resolv_conf, image_data, mksysb, spot, mac_group, res_group
    fleet.yaml:17: hmcs: "hmcs" is no object type: one of ent, hmc, cec, vios, master, standalone, live_update_data, lpp_source, script, fb_script, installp_bundle, fix_bundle, exclude_files, resolv_conf, image_data, mksysb, spot, mac_group, res_group; did you mean "hmc"?
    fleet.yaml:21: hmc[2].if1[0]: is a mapping; a list holds single values
    fleet.yaml:21: hmc[2].name: "hmc01" is the name of another object: the hmc in fleet.yaml:19
    fleet.yaml:22: hmc[3]: is a single value; an object is a mapping with a name
    fleet.yaml:24: mac_group[0].labels.a b: a label is label.KEY=VALUE, once, KEY of letters, digits, `_`, `-`, `.` and `/`
    fleet.yaml:24: mac_group[0].labels.d: a label is label.KEY=VALUE, once, KEY of letters, digits, `_`, `-`, `.` and `/`
    fleet.yaml:24: mac_group[0].member[0]: "hmc01" is of type hmc; standalone or vios is wanted
    fleet.yaml:24: mac_group[0].member[1]: "p10-a" is of type cec; standalone or vios is wanted
    fleet.yaml:24: mac_group[0].member[2]: no standalone or vios is called "nobody"
    fleet.yaml:25: mac_group[1].member[0]: "hmc01" is of type hmc; standalone or vios is wanted
    fleet.yaml:25: mac_group[1].member[1]: "p10-a" is of type cec; standalone or vios is wanted
    fleet.yaml:25: mac_group[1].member[2]: no standalone or vios is called "nobody"
    fleet.yaml:26: mac_group[2].colour: is no attribute of type mac_group; known are member, excluded, comments, label.KEY
    fleet.yaml:27: mac_group[3].name: "a b" is not a NIM object name: ' ' is not allowed in one
    fleet.yaml:27: mac_group[3].member: is a mapping; an attribute is one value or a list of values
    fleet.yaml:27: mac_group[3].labels: is a single value; labels is not written so
    fleet.yaml:28: vios: is a mapping; it takes a list of objects
    "#);
}

#[test]
fn what_is_no_yaml_is_said_with_its_line_beside_what_was_read() {
    assert_snapshot!(faults("mac_group:\n- {name: g, colour: blue}\n---\nent:\n- name: [\n"), @"
    fleet.yaml:2: mac_group[0].colour: is no attribute of type mac_group; known are member, excluded, comments, label.KEY
    fleet.yaml:5: is no YAML: unclosed bracket '['
    ");
    assert_snapshot!(faults("- a\n"), @"fleet.yaml:1: is a list; a fleet is a mapping from types to lists of objects");
    assert_snapshot!(faults("just text\n"), @"fleet.yaml:1: is a single value; a fleet is a mapping from types to lists of objects");
    assert_snapshot!(faults("? [a]\n: b\n"), @"fleet.yaml:1: the key of a mapping is a list");
    assert_snapshot!(faults("ent: !!python/object x\n"), @"fleet.yaml:1: tags such as !!python/object are not read here");
    assert_snapshot!(faults("ent: *nowhere\n"), @"fleet.yaml:1: is no YAML: while parsing node, found unknown anchor");
    assert_snapshot!(faults("ent: &a [*a]\n"), @"fleet.yaml:1: is an alias of what it stands in");
}

#[test]
fn names_are_unique_across_files_and_documents() {
    let files = [
        File {
            name: "a.yaml".into(),
            text: "mac_group:\n- name: g\n---\nmac_group:\n- name: h\n".into(),
        },
        File { name: "b.yaml".into(), text: "# nothing\n---\n\n".into() },
        File { name: "c.yaml".into(), text: "lpp_source:\n- name: g\n  location: /x\n".into() },
    ];
    let faults = Fleet::read(&files).check(|_| None).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].file.as_deref(), faults[0].line), (Some("c.yaml"), Some(2)));
    assert_eq!(faults[0].message, "\"g\" is the name of another object: the mac_group in a.yaml:2");
}

#[test]
fn a_reference_may_lead_to_what_is_there_already() {
    let text = "mac_group:\n- {name: g, member: [l1, h1]}\n";
    let fleet = Fleet::read(&[file(text)]);
    let mut names: Vec<_> = fleet.names().into_iter().map(|name| name.to_string()).collect();
    names.sort();
    assert_eq!(names, ["g", "h1", "l1"]);
    let exists = |name: &ObjectName| match name.as_str() {
        "l1" => Some(ObjectType::Standalone),
        "h1" => Some(ObjectType::Hmc),
        _ => None,
    };
    let faults = fleet.check(exists).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].path, "mac_group[0].member[1]");
    assert_eq!(faults[0].message, "\"h1\" is of type hmc; standalone or vios is wanted");
}

#[test]
fn anchors_and_merges_save_typing() {
    let objects = read(
        "standalone:\n\
         - &first {name: l1, if1: find_net l1 0, ssh_user: nim, labels: &prod {env: prod}}\n\
         - <<: *first\n\
         \x20 name: l2\n\
         \x20 if1: find_net l2 0\n\
         - {name: l3, if1: find_net l3 0, labels: *prod}\n",
    )
    .unwrap();
    assert_eq!(
        attributes(&objects[1]),
        [("if1", "find_net l2 0"), ("ssh_user", "nim"), ("label.env", "prod")]
            .map(|(a, v)| (a.to_owned(), v.to_owned()))
    );
    assert_eq!(objects[2].labels["env"], "prod");
}

#[test]
fn hostile_files_are_refused_and_cost_little() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = level - 1;
        laughs += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(","));
    }
    let mut chain = String::from("- &a0 []\n");
    for link in 1..100_000 {
        chain += &format!("- &a{link} [*a{}]\n", link - 1);
    }
    let deep = "[".repeat(100_000);
    let many = format!("mac_group:\n{}", "- {name: g, colour: blue}\n".repeat(5000));
    for text in
        [laughs.as_str(), &chain, &deep, &many, &"x".repeat(FILE_LIMIT + 1), "\u{0}", "a: \t- b"]
    {
        let faults = read(text).unwrap_err();
        assert!((1..=FAULT_LIMIT + 1).contains(&faults.len()));
    }
}

#[test]
fn texts_of_several_lines_are_blocks() {
    let mut draft = Draft::new(ObjectType::LiveUpdateData);
    draft.add("content", "general:\n\tkext_check = no\ndisks:\n\tnhdisk = {{disk}}\n");
    draft.add("comments", "one line: with a colon");
    draft.add("label.serial", "0123456");
    let object = draft.finish("lud".parse().unwrap()).unwrap();
    let text = render_fleet(std::slice::from_ref(&object)).unwrap();
    assert_snapshot!(text, @r#"
    live_update_data:
    - name: lud
      content: |
        general:
        	kext_check = no
        disks:
        	nhdisk = {{disk}}
      comments: "one line: with a colon"
      labels:
        serial: "0123456"
    "#);
    assert_eq!(read(&text).unwrap(), [object]);
}

#[test]
fn a_type_that_comes_back_begins_another_document() {
    let object = |of, name: &str, attributes: &[(&str, &str)]| {
        let mut draft = Draft::new(of);
        attributes.iter().for_each(|(attribute, value)| draft.add(attribute, value));
        draft.finish(name.parse().unwrap()).unwrap()
    };
    let group = |name| object(ObjectType::MacGroup, name, &[]);
    let script = object(ObjectType::Script, "after", &[("location", "/after.sh")]);
    let objects = [group("b"), group("a"), script, group("c")];
    let text = render_fleet(&objects).unwrap();
    assert_snapshot!(text, @"
    mac_group:
    - name: b
    - name: a
    script:
    - name: after
      location: /after.sh
    ---
    mac_group:
    - name: c
    ");
    assert_eq!(read(&text).unwrap(), objects);
    assert_eq!(read(&render_fleet(&[]).unwrap()).unwrap(), []);
}

#[test]
fn settings_refuse_unknown_keys_with_their_line() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[expect(dead_code, reason = "only read")]
        port: u16,
    }
    let fault = |text| read_settings::<Settings>(&file(text)).unwrap_err().remove(0);
    assert!(read_settings::<Settings>(&file("port: 5\n")).is_ok());
    let unknown = fault("# a comment\nport: 5\nprot: 6\n");
    assert_eq!(unknown.line, Some(3));
    assert_snapshot!(unknown.message, @"unknown field `prot`, expected one of port");
    let wrong = fault("port: five\n");
    assert_snapshot!(wrong.message, @"invalid u16");
    assert_eq!(wrong.line, Some(1));
    assert_snapshot!(fault("port: [").message, @"expected string scalar");
}

/// Text that an attribute may hold: no control characters but line end and tab, not empty, and of all that YAML gives a meaning.
fn free_text() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        Just("\n".to_owned()),
        Just("\t".to_owned()),
        Just(" ".to_owned()),
        Just("---".to_owned()),
        Just("#".to_owned()),
        Just(": ".to_owned()),
        Just("- ".to_owned()),
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("|".to_owned()),
        Just(">".to_owned()),
        Just("&a *b !c %d @e `f".to_owned()),
        Just("null".to_owned()),
        Just("~".to_owned()),
        Just("0123".to_owned()),
        Just("1e3".to_owned()),
        Just("yes".to_owned()),
        Just("{{x}}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just("<<".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("\u{2028}".to_owned()),
        Just("ä€😀".to_owned()),
        "[ -~]{1,12}",
    ];
    prop::collection::vec(parts, 1..12).prop_map(|parts| parts.concat())
}

prop_compose! {
    fn an_object()(
        (index, comments, content) in (0u32..1_000_000, prop::option::of(free_text()), free_text()),
        labels in prop::collection::btree_map("[a-z0-9_./-]{1,8}", free_text(), 0..4),
        (kind, members) in (0..4, prop::collection::vec("[a-z~][a-z0-9_.~-]{0,8}", 0..4)),
    ) -> Object {
        let mut draft = match kind {
            0 => {
                let mut draft = Draft::new(ObjectType::LiveUpdateData);
                draft.add("content", &content);
                draft
            }
            1 => {
                let mut draft = Draft::new(ObjectType::MacGroup);
                members.iter().for_each(|member| draft.add("member", member));
                draft
            }
            2 => {
                let mut draft = Draft::new(ObjectType::Cec);
                draft.add("hw_type", "9105");
                draft.add("hw_model", "0x1");
                draft.add("hw_serial", &format!("{index:07}"));
                draft.add("limit", "3");
                draft
            }
            _ => {
                let mut draft = Draft::new(ObjectType::LppSource);
                draft.add("location", &content);
                draft.add("access", "push");
                draft
            }
        };
        comments.iter().for_each(|comments| draft.add("comments", comments));
        labels.iter().for_each(|(key, value)| draft.add(&format!("label.{key}"), value));
        draft.finish(format!("o{index}").parse().unwrap()).unwrap()
    }
}

proptest! {
    #[test]
    fn what_is_rendered_reads_back(objects in prop::collection::vec(an_object(), 0..6)) {
        let mut distinct = objects;
        let mut names = std::collections::HashSet::new();
        distinct.retain(|one| names.insert(one.name.clone()));
        let text = render_fleet(&distinct).unwrap();
        let exists = |_: &ObjectName| Some(ObjectType::Standalone);
        let found = Fleet::read(&[file(&text)]).check(exists);
        let found: Vec<_> = found
            .unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
            .into_iter().map(|(object, _)| object).collect();
        prop_assert_eq!(&found, &distinct, "in the same order: {}", text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\n\t]{0,200}", head in free_text()) {
        let fleet = Fleet::read(&[file(&format!("cec:\n- {head}\n{text}")), file(&text), file(&head)]);
        drop(fleet.check(|_| None));
    }
}
