//! The listings of the NIM reference, taken over, listed again, and taken over a second time.

use super::*;
use crate::api::{File, ObjectView};
use crate::nim::{dump, listing, row};

const DUMP: &str = "\
master:
   class             = machines
   type              = master
   comments          = machine which controls the NIM environment
   if1               = vlan4 nim 0
   master_port       = 1058
   registration_port = 1059
   serves            = boot
boot:
   class = resources
   type  = boot
vlan4:
   class      = networks
   type       = ent
   Nstate     = ready for use
   prev_state = ready for use
   net_addr   = 10.1.0.0
   snm        = 255.255.255.0
   routing1   = default 10.1.0.1
hmc01:
   class       = management
   type        = hmc
   passwd_file = /export/nim/hmc_liveupdate_passwd
   mgmt_port   = 12443
   if1         = vlan4 hmc01 0
   Cstate      = ready for a NIM operation
   prev_state  =
   Mstate      = currently running
9080-M9S_78ABCDE:
   class      = management
   type       = cec
   Cstate     = ready for a NIM operation
   prev_state =
   hmc        = hmc01
   serial     = 9080-M9S*78ABCDE
aix01:
   class          = machines
   type           = standalone
   connect        = nimsh
   platform       = chrp
   netboot_kernel = 64
   if1            = vlan4 aix01  6E5AF0000000 ent0
   if2            = vlan4 aix01b 0 ent1
   cable_type1    = N/A
   mgmt_profile1  = hmc01 26 9080-M9S_78ABCDE
   Cstate         = ready for a NIM operation
   prev_state     = ready for a NIM operation
   Mstate         = currently running
   spot           = spot_7200
   cpuid          = 00C2FC000000
spot_7200:
   class       = resources
   type        = spot
   arch        = power
   Rstate      = ready for use
   prev_state  = unavailable for use
   location    = /export/nim/spot/spot_7200/usr
   oslevel_r   = 7200-05
   alloc_count = 1
   server      = master
prod_grp:
   class   = groups
   type    = mac_group
   member1 = aix01; EXCLUDED
";

fn read(texts: &[&str]) -> (Vec<Dumped>, Vec<FileFault>) {
    let files: Vec<_> = texts
        .iter()
        .map(|text| File { name: "dump".to_owned(), text: (*text).to_owned() })
        .collect();
    dump::read(&files)
}

fn taken(text: &str, here: &BTreeMap<ObjectName, Object>) -> Taken {
    let (dumped, faults) = read(&[text]);
    assert_eq!(faults, []);
    take(&dumped, here)
}

fn by_name(objects: &[Object]) -> BTreeMap<ObjectName, Object> {
    objects.iter().map(|object| (object.name.clone(), object.clone())).collect()
}

fn texts(faults: &[FileFault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn objects_come_over_in_their_order_and_a_second_time_nothing_changes() {
    let first = taken(DUMP, &BTreeMap::new());
    assert_eq!((texts(&first.faults), texts(&first.conflicts)), (vec![], vec![]));
    let names: Vec<_> = first.objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(
        names,
        ["master", "vlan4", "hmc01", "9080-M9S_78ABCDE", "aix01", "spot_7200", "prod_grp"]
    );
    assert_eq!(
        first.left_out,
        ["master: serves is not kept here", "boot: objects of type boot are not kept here",]
    );
    let Spec::MacGroup(group) = &first.objects[6].spec else { panic!() };
    assert_eq!(group.excluded, group.member);
    let Spec::Standalone(lpar) = &first.objects[4].spec else { panic!() };
    assert_eq!(lpar.identity.map(|id| id.to_string()).as_deref(), Some("26"));
    assert_eq!(lpar.kept["if2"], "vlan4 aix01b 0 ent1");
    let again = taken(DUMP, &by_name(&first.objects));
    assert_eq!((again.objects.len(), again.same), (0, first.objects.len()));
    assert!(again.conflicts.is_empty());
}

#[test]
fn what_was_taken_over_is_listed_as_it_was() {
    let objects = taken(DUMP, &BTreeMap::new()).objects;
    let entry = |object: &Object| {
        let view = ObjectView {
            object: object.clone(),
            class: object.spec.object_type().class(),
            version: 1,
            created_at: "2025-01-29T10:00:00Z".parse().unwrap(),
            changed_at: "2025-01-29T10:00:00Z".parse().unwrap(),
            derived: Vec::new(),
            last_seen: None,
            warnings: Vec::new(),
        };
        listing::Entry { name: object.name.to_string(), rows: row::rows(&view) }
    };
    let text = listing::long(&objects.iter().map(entry).collect::<Vec<_>>());
    // States come from nimd; everything else is there, but for blanks within an interface.
    for line in ["   if2            = vlan4 aix01b 0 ent1\n", "   cpuid          = 00C2FC000000\n"]
    {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("   if1            = vlan4 aix01 6E5AF0000000 ent0\n"), "{text}");
    assert!(text.contains("   passwd_file = /export/nim/hmc_liveupdate_passwd\n"), "{text}");
}

#[test]
fn what_differs_is_a_conflict_and_what_is_missing_is_added() {
    let mut here = by_name(&taken(DUMP, &BTreeMap::new()).objects);
    let edit = |here: &mut BTreeMap<ObjectName, Object>, name: &str, edits: &[(&str, &str)]| {
        let name: ObjectName = name.parse().unwrap();
        let mut draft = Draft::of(&here[&name]);
        edits.iter().for_each(|(attribute, value)| draft.set(attribute, value));
        here.insert(name.clone(), draft.finish(name).unwrap());
    };
    edit(&mut here, "aix01", &[("identity", "27"), ("cpuid", "")]);
    edit(&mut here, "vlan4", &[("routing1", "default 10.1.0.9")]);
    edit(&mut here, "spot_7200", &[("comments", "ours"), ("oslevel_r", "")]);
    let mut draft = Draft::of(&here[&"9080-M9S_78ABCDE".parse().unwrap()]);
    draft.add("mgmt_source", "hmc02");
    let frame = draft.finish("9080-M9S_78ABCDE".parse().unwrap()).unwrap();
    here.insert(frame.name.clone(), frame);
    let taken = taken(DUMP, &here);
    assert_eq!(
        texts(&taken.conflicts),
        [
            "dump:12: vlan4: routing is \"default 10.1.0.9\" here and \"default 10.1.0.1\" there",
            "dump:36: aix01: identity is \"27\" here and \"26\" there",
        ]
    );
    // The level was missing and is added; what is ours stays. Of what differs nothing is taken.
    assert_eq!((taken.objects.len(), taken.same), (1, 4));
    let attributes = taken.objects[0].attributes();
    assert!(attributes.contains(&("comments".to_owned(), "ours".to_owned())), "{attributes:?}");
    assert!(attributes.contains(&("oslevel_r".to_owned(), "7200-05".to_owned())));
}

#[test]
fn a_profile_that_does_not_fit_its_frame_is_a_conflict() {
    let text = DUMP.replace("= hmc01 26", "= hmc02 26");
    let found = texts(&taken(&text, &BTreeMap::new()).conflicts);
    assert!(found[0].contains("mgmt_profile1 names hmc02"), "{found:?}");
}

#[test]
fn what_is_shown_though_nobody_gave_it_is_no_difference() {
    let mut here = by_name(&taken(DUMP, &BTreeMap::new()).objects);
    for (name, attribute) in
        [("hmc01", "mgmt_port"), ("aix01", "platform"), ("spot_7200", "server")]
    {
        let name: ObjectName = name.parse().unwrap();
        let mut draft = Draft::of(&here[&name]);
        draft.set(attribute, "");
        here.insert(name.clone(), draft.finish(name).unwrap());
    }
    let again = taken(DUMP, &here);
    assert_eq!((again.objects.len(), again.same), (0, here.len()));
}

#[test]
fn a_table_alone_says_nothing_of_what_is_not_here() {
    let (dumped, _) = read(&["#name:cpuid:\naix01:00C2FC000000:\n"]);
    let alone = take(&dumped, &BTreeMap::new());
    assert_eq!(
        texts(&alone.faults),
        ["dump:2: aix01: its type is in no listing, and it is not here"]
    );
    let here = by_name(&taken(DUMP, &BTreeMap::new()).objects);
    let known = take(&dumped, &here);
    assert_eq!((known.same, known.objects.len()), (1, 0));
}
