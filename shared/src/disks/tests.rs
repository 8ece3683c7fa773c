//! The choice, disk by disk and as a whole.

use super::header::tests::dumped;
use super::*;
use crate::aix::DiskPath;
use crate::id::{ObjectName, OperationId};
use crate::level::Level;
use crate::lvupdate;
use crate::unit::{Megabytes, ProcessorUnits};

fn name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

fn disk(number: u32) -> SeenDisk {
    SeenDisk {
        name: format!("hdisk{number}").parse().unwrap(),
        pvid: format!("00fa343b8f05{number:04}").parse().ok(),
        udid: format!("332136005076{number:04}").parse().ok(),
        volume_group: None,
        state: None,
        lun: Some(format!("lpar01_lku{number}")),
    }
}

fn path(disk: &SeenDisk, parent: &str) -> DiskPath {
    DiskPath {
        disk: disk.name.clone(),
        parent: parent.to_owned(),
        status: "Enabled".to_owned(),
        path_id: None,
        connection: None,
    }
}

fn empty(disk: &SeenDisk, size: u64) -> Closer {
    Closer {
        size: Ok(Megabytes(size)),
        header: Ok(Header { pvid: disk.pvid.clone(), content: Content::Empty }),
        holders: Ok(Vec::new()),
    }
}

/// rootvg on hdisk0, and `free` empty disks of 50 GB.
fn facts(free: u32) -> DiskFacts {
    let mut root = disk(0);
    root.volume_group = Some("rootvg".to_owned());
    root.state = Some("active".to_owned());
    let mut disks = vec![root];
    disks.extend((1..=free).map(disk));
    let paths = |disk: &SeenDisk| [path(disk, "vscsi0"), path(disk, "vscsi1")];
    DiskFacts {
        paths: Ok(disks.iter().flat_map(paths).collect()),
        root: Ok(RootGroup { copies: 1, used: Megabytes(13_000), whole: Megabytes(51_200) }),
        paging: Ok(Megabytes(0)),
        dumps: Ok(Vec::new()),
        closer: disks[1..].iter().map(|disk| (disk.name.clone(), empty(disk, 51_200))).collect(),
        disks: Ok(disks),
    }
}

/// What is chosen with a pool that names every disk of the LPAR.
fn chosen(facts: &DiskFacts) -> Choice {
    with(facts, &Others::default(), &[])
}

fn with(facts: &DiskFacts, others: &Others, pins: &[Pin]) -> Choice {
    let pool = ["lun:{lpar}_lku*".parse().unwrap()];
    choose(facts, &Site { lpar: &name("lpar01"), pool: &pool, others, pins })
}

/// Disks by what they were chosen for.
fn picked(choice: &Choice) -> Vec<(Role, String)> {
    choice.picked.iter().map(|one| (one.role, one.disk.name.to_string())).collect()
}

/// What speaks against a disk.
fn against(choice: &Choice, number: u32) -> Vec<Reason> {
    choice.disks[number as usize].against.clone()
}

fn change(facts: &mut DiskFacts, number: u32, change: impl FnOnce(&mut SeenDisk)) {
    let disks = facts.disks.as_mut().unwrap();
    change(&mut disks[number as usize]);
}

fn closer_of(facts: &mut DiskFacts, number: u32) -> &mut Closer {
    facts.closer.get_mut(&disk(number).name).unwrap()
}

#[test]
fn of_disks_that_are_free_the_smallest_are_taken() {
    let mut facts = facts(4);
    closer_of(&mut facts, 1).size = Ok(Megabytes(60_000));
    closer_of(&mut facts, 4).size = Ok(Megabytes(20_000));
    let choice = chosen(&facts);
    assert_eq!(
        picked(&choice),
        [(Role::Nhdisk, "hdisk4".to_owned()), (Role::Mhdisk, "hdisk2".to_owned())]
    );
    assert_eq!(choice.missing, [""; 0]);
    assert_eq!(against(&choice, 0), [Reason::VolumeGroup("rootvg".to_owned())]);
    // The others could be taken, and nothing is said against them.
    assert!(against(&choice, 1).is_empty() && against(&choice, 3).is_empty());
}

/// Each thing that may be wrong with a disk: it is never taken then, and the reason is said.
#[test]
fn one_thing_against_a_disk_is_enough() {
    type Wrong = fn(&mut DiskFacts);
    let table: [(&str, Wrong); 14] = [
        ("volume_group", |facts| {
            change(facts, 1, |one| one.volume_group = Some("datavg".to_owned()))
        }),
        ("locked", |facts| {
            change(facts, 1, |one| {
                one.volume_group = Some("ORADATA".to_owned());
                one.state = Some("locked".to_owned());
            });
        }),
        ("not_in_pool", |facts| change(facts, 1, |one| one.lun = None)),
        ("no_udid", |facts| change(facts, 1, |one| one.udid = None)),
        ("twice", |facts| change(facts, 1, |one| one.udid = disk(0).udid)),
        ("adapters", |facts| {
            let paths = facts.paths.as_mut().unwrap();
            paths.retain(|path| path.disk != disk(1).name || path.parent == "vscsi0");
        }),
        ("paths_unknown", |facts| facts.paths = Err("lspath is slow".to_owned())),
        ("not_looked_at", |facts| drop(facts.closer.remove(&disk(1).name))),
        ("too_small", |facts| closer_of(facts, 1).size = Ok(Megabytes(12_999))),
        ("too_large", |facts| closer_of(facts, 1).size = Ok(Megabytes(76_801))),
        ("size_unknown", |facts| closer_of(facts, 1).size = Err("gone".to_owned())),
        ("holds", |facts| {
            closer_of(facts, 1).header = Ok(Header { pvid: None, content: Content::Asm });
        }),
        ("held", |facts| closer_of(facts, 1).holders = Ok(vec![4711])),
        ("holders_unknown", |facts| closer_of(facts, 1).holders = Err("no fuser".to_owned())),
    ];
    for (reason, wrong) in table {
        let mut facts = facts(3);
        wrong(&mut facts);
        let choice = chosen(&facts);
        let found: Vec<_> = against(&choice, 1).iter().map(Reason::name).collect();
        assert!(found.contains(&reason), "{reason}: {found:?}");
        assert!(!picked(&choice).iter().any(|(_, disk)| disk == "hdisk1"), "{reason}");
        for one in against(&choice, 1) {
            assert!(!one.to_string().contains("hdisk1"), "{one}: the disk is named beside it");
        }
    }
}

#[test]
fn what_is_written_on_a_disk_has_to_be_its_own_id() {
    let mut facts = facts(3);
    closer_of(&mut facts, 1).header = Ok(Header { pvid: disk(9).pvid, content: Content::Empty });
    closer_of(&mut facts, 2).header = Err("unreadable".to_owned());
    let choice = chosen(&facts);
    assert_eq!(against(&choice, 1), [Reason::OtherPvid(disk(9).pvid)]);
    assert_eq!(against(&choice, 2), [Reason::HeaderUnknown("unreadable".to_owned())]);
    assert_eq!(choice.missing, ["no disk is left for mhdisk"]);
}

#[test]
fn a_lun_that_another_lpar_sees_is_not_taken_nor_one_of_which_that_is_not_known() {
    let facts = facts(3);
    let mut others = Others::default();
    others.sees(&name("lpar01"), facts.disks.as_ref().unwrap());
    others.sees(&name("lpar07"), &[disk(1)]);
    others.sees(&name("lpar09"), &[disk(1), disk(8)]);
    let choice = with(&facts, &others, &[]);
    assert_eq!(against(&choice, 1), [Reason::Shared(name("lpar07"), 1)]);
    assert_eq!(against(&choice, 1)[0].to_string(), "lpar07 and 1 other LPAR see it too");
    assert_eq!(picked(&choice).len(), 2);
    others.never_seen(name("lpar10"));
    let choice = with(&facts, &others, &[]);
    assert_eq!(against(&choice, 2), [Reason::SharingUnknown(name("lpar10"), 0)]);
    assert!(choice.picked.is_empty());
}

#[test]
fn what_an_earlier_run_left_stays_until_a_later_one_succeeded_on_other_disks() {
    let id = |number: u32| -> OperationId {
        format!("0190b2c0-0000-7000-8000-{number:012}").parse().unwrap()
    };
    let used = |number| (Role::Mhdisk, disk(number).pvid, disk(number).udid);
    let run = |number, moved, of| Run { operation: id(number), moved, disks: vec![used(of)] };
    // The newest first: one that failed, one that succeeded, one before that.
    let pins = pins(&[run(3, false, 1), run(2, true, 2), run(1, true, 3)]);
    let choice = with(&facts(4), &Others::default(), &pins);
    assert_eq!(against(&choice, 1), [Reason::Pinned(id(3), Role::Mhdisk)]);
    assert_eq!(against(&choice, 2), [Reason::Pinned(id(2), Role::Mhdisk)]);
    assert_eq!(
        picked(&choice),
        [(Role::Nhdisk, "hdisk3".to_owned()), (Role::Mhdisk, "hdisk4".to_owned())]
    );
    // Somebody has emptied it and given it another id.
    let mut anew = facts(4);
    change(&mut anew, 1, |one| one.pvid = disk(77).pvid);
    closer_of(&mut anew, 1).header = Ok(Header { pvid: disk(77).pvid, content: Content::Empty });
    assert!(against(&with(&anew, &Others::default(), &pins), 1).is_empty());
}

#[test]
fn a_mirrored_rootvg_takes_two_disks_for_each_and_three_copies_none() {
    let mut all = facts(4);
    all.root = Ok(RootGroup { copies: 2, used: Megabytes(13_000), whole: Megabytes(51_200) });
    let roles: Vec<_> = picked(&chosen(&all)).into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, [Role::Nhdisk, Role::Nhdisk, Role::Mhdisk, Role::Mhdisk]);
    let mut few = facts(3);
    few.root.clone_from(&all.root);
    assert_eq!(chosen(&few).missing, ["1 of 2 disks are there for mhdisk"]);
    all.root = Ok(RootGroup { copies: 3, used: Megabytes(1), whole: Megabytes(2) });
    let choice = chosen(&all);
    assert!(choice.picked.is_empty() && choice.missing[0].contains("three times"), "{choice:?}");
}

#[test]
fn paging_space_outside_rootvg_takes_two_disks_more_and_a_dump_device_stops_it() {
    let mut all = facts(4);
    all.paging = Ok(Megabytes(4_096));
    closer_of(&mut all, 3).size = Ok(Megabytes(5_000));
    closer_of(&mut all, 4).size = Ok(Megabytes(6_144));
    let choice = chosen(&all);
    assert_eq!(choice.missing, [""; 0]);
    assert_eq!(
        picked(&choice)[2..],
        [(Role::Tohdisk, "hdisk3".to_owned()), (Role::Tshdisk, "hdisk4".to_owned())]
    );
    all.dumps = Ok(vec!["dumplv".to_owned()]);
    assert!(chosen(&all).missing[0].contains("the dump device dumplv is outside rootvg"));
}

#[test]
fn without_a_pool_the_choice_is_the_same_and_somebody_else_decides() {
    let site = name("lpar01");
    let choice =
        choose(&facts(2), &Site { lpar: &site, pool: &[], others: &Others::default(), pins: &[] });
    assert_eq!(picked(&choice).len(), 2);
}

#[test]
fn nothing_is_read_of_a_disk_that_is_in_use() {
    let mut facts = facts(3);
    change(&mut facts, 1, |one| one.volume_group = Some("datavg".to_owned()));
    change(&mut facts, 2, |one| one.lun = None);
    let pool = ["lun:*_lku*".parse().unwrap()];
    let asked: Vec<String> = closer(&facts, &pool, &name("lpar01"))
        .iter()
        .map(|probe| format!("{} {}", probe.id, probe.disk.as_ref().unwrap()))
        .collect();
    assert_eq!(
        asked,
        ["disk_size hdisk0", "disk_size hdisk3", "disk_header hdisk3", "disk_holders hdisk3"]
    );
}

#[test]
fn each_value_says_why_and_processors_are_taken_only_where_they_are_missing() {
    let choice = chosen(&facts(2));
    let around = |level: &str, free: u64| Around {
        level: Ok(level.parse::<Level>().unwrap()),
        console: Ok(ConsoleFacts {
            name: "hmc01".to_owned(),
            address: "10.0.0.9".to_owned(),
            user: Some("liveupdate".to_owned()),
        }),
        processors: Ok((ProcessorUnits { hundredths: free }, ProcessorUnits { hundredths: 200 })),
    };
    let proposal = propose(&choice, &around("7300-03-01-2520", 200));
    insta::assert_snapshot!(proposal.text(), @r"
    general:
    	kext_check = yes

    disks:
    	nhdisk = hdisk1
    	mhdisk = hdisk2
    	tohdisk =
    	tshdisk =

    hmc:
    	lpar_id =
    	management_console = 10.0.0.9
    	user = liveupdate
    ");
    assert_eq!(proposal.missing, [""; 0]);
    assert!(proposal.values.iter().all(|(.., why)| !why.is_empty()));
    let short = propose(&choice, &around("7300-03-01-2520", 199));
    assert!(short.text().contains("\tcpu_reduction = yes\n"), "{}", short.text());
    assert!(!short.text().contains("clone_from_hmc_profile"));
    let old = propose(&choice, &around("7200-02-03-1845", 199));
    assert!(!old.text().contains("cpu_reduction"), "{}", old.text());
    let nowhere =
        Around { console: Err("nobody knows".to_owned()), ..around("7300-03-01-2520", 1) };
    assert_eq!(
        propose(&choice, &nowhere).missing,
        ["the management console is not known: nobody knows"]
    );
}

#[test]
fn a_disk_is_found_again_whatever_its_number_is_and_another_one_never() {
    let one = ChosenDisk {
        role: Role::Nhdisk,
        name: "hdisk1".parse().unwrap(),
        pvid: disk(1).pvid,
        udid: disk(1).udid,
        needed: Megabytes(13_000),
    };
    let now = |number: u32, of: u32| SeenDisk { name: disk(number).name, ..disk(of) };
    let swapped = [now(0, 0), now(1, 2), now(2, 1)];
    assert_eq!(resolve(&one, &swapped).unwrap().name, disk(2).name);
    assert!(matches!(resolve(&one, &[now(1, 2)]), Err(Unresolved::Gone(_))));
    let written = SeenDisk { pvid: disk(9).pvid, ..disk(1) };
    assert!(matches!(resolve(&one, &[written]), Err(Unresolved::Changed(..))));
    let twin = SeenDisk { udid: disk(5).udid, ..now(5, 1) };
    assert!(matches!(resolve(&one, &[disk(1), twin]), Err(Unresolved::Several(..))));
    // Two that changed their numbers with each other, in one file.
    let two = ChosenDisk {
        role: Role::Mhdisk,
        name: "hdisk2".parse().unwrap(),
        pvid: None,
        udid: disk(2).udid,
        ..one.clone()
    };
    let file = lvupdate::parse("disks:\n\tnhdisk = hdisk1\n\tmhdisk = hdisk2,hdisk7\n");
    let keyed = with_keys(file, &[one.clone(), two.clone()]);
    assert_eq!(
        keyed.render(),
        "disks:\n\tnhdisk = pvid:00fa343b8f050001\n\tmhdisk = udid:3321360050760002,hdisk7\n"
    );
    assert_eq!(keyed.data().disks.nhdisk, [], "a key is no name of a disk");
    let named = with_names(keyed, &[(one, disk(2).name), (two, disk(1).name)]);
    assert_eq!(named.render(), "disks:\n\tnhdisk = hdisk2\n\tmhdisk = hdisk1,hdisk7\n");
}

#[test]
fn right_before_the_update_a_disk_is_looked_at_again() {
    let one = ChosenDisk {
        role: Role::Nhdisk,
        name: "hdisk1".parse().unwrap(),
        pvid: None,
        udid: disk(1).udid,
        needed: Megabytes(13_000),
    };
    let now = SeenDisk { pvid: None, ..disk(1) };
    let dump = dumped(&[]);
    assert_eq!(fault(&one, &now, "51200\n", &dump, (1, "")), None);
    let reason = |now: &SeenDisk, size: &str, dump: &str, open| {
        fault(&one, now, size, dump, open).map(|reason| reason.name())
    };
    let taken = SeenDisk { volume_group: Some("datavg".to_owned()), ..now.clone() };
    assert_eq!(reason(&taken, "51200", &dump, (0, "")), Some("volume_group"));
    assert_eq!(reason(&now, "12000", &dump, (0, "")), Some("too_small"));
    assert_eq!(reason(&now, "x", &dump, (0, "")), Some("size_unknown"));
    assert_eq!(reason(&now, "51200", &dumped(&[(0x20, b"ORCLDISK")]), (0, "")), Some("holds"));
    assert_eq!(reason(&now, "51200", "", (0, "")), Some("header_unknown"));
    assert_eq!(reason(&now, "51200", &dump, (0, " 4711")), Some("held"));
    assert_eq!(reason(&now, "51200", &dump, (127, "")), Some("holders_unknown"));
}

#[test]
fn a_disk_that_somebody_named_is_not_written_over_where_another_product_has_it() {
    let reason = |marks: &[(usize, &[u8])], open| {
        fault_of_named(&dumped(marks), open).map(|reason| reason.name())
    };
    let nobody = (1, "");
    assert_eq!(reason(&[], nobody), None);
    // A copy that was released leaves that.
    assert_eq!(reason(&[(0xE00, b"_LVM")], nobody), None);
    for foreign in [(0x20, &b"ORCLDISK"[..]), (0x400, b"x"), (0x200, b"EFI PART"), (0x700, b"x")] {
        assert_eq!(reason(&[foreign], nobody), Some("holds"), "{foreign:?}");
    }
    assert_eq!(reason(&[(0xE00, b"_LVM")], (0, " 4711")), Some("held"));
    assert_eq!(reason(&[], (127, "")), Some("holders_unknown"));
    assert_eq!(fault_of_named("", nobody).map(|why| why.name()), Some("header_unknown"));
}
