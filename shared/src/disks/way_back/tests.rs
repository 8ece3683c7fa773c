use super::super::{DiskUse, PastRun, RunDisks, standing, testing};
use super::*;

const OLD: &str = "7300-03-00-2446";

/// A disk that holds the old level where it is a way back.
fn disk(number: u32, role: DiskUse, group: Option<&str>, good_for: GoodFor) -> RunDisk {
    let level = matches!(good_for, GoodFor::WayBack).then(|| OLD.to_owned());
    RunDisk { level, ..testing::disk(number, role, group, good_for) }
}

/// As the LPAR shows it, which runs from its rootvg.
fn seen(disk: &RunDisk) -> SeenDisk {
    let is_active = disk.volume_group.as_deref() == Some("rootvg");
    SeenDisk { state: is_active.then(|| "active".to_owned()), ..testing::seen(disk) }
}

/// What a run left, and what the LPAR shows: the same.
fn after(disks: &[RunDisk]) -> (Vec<Standing>, Vec<SeenDisk>) {
    let operation = OperationId(uuid::Uuid::from_u128(1));
    let left = RunDisks { disks: disks.to_vec(), ..RunDisks::default() };
    let standing = standing(&[PastRun { operation, over: true, left }]);
    (standing, disks.iter().map(seen).collect())
}

fn update() -> Vec<RunDisk> {
    vec![
        disk(0, DiskUse::Rootvg, Some("rootvg"), GoodFor::Running),
        disk(1, DiskUse::Nhdisk, Some(SURROGATE), GoodFor::BootedKernel),
        disk(2, DiskUse::Mhdisk, None, GoodFor::Copy),
        disk(3, DiskUse::Backup, Some("nimbak_1"), GoodFor::WayBack),
    ]
}

#[test]
fn the_copy_is_the_one_on_record_and_everything_else_is_refused_with_its_reason() {
    type Change = fn(&mut Vec<RunDisk>, &mut Vec<SeenDisk>);
    let same: Change = |_, _| {};
    let cases: &[(&str, Option<&str>, Change, &str)] = &[
        ("the only one", None, same, "hdisk3 7300-03-00-2446"),
        ("by name", Some("hdisk3"), same, "hdisk3 7300-03-00-2446"),
        (
            "the surrogate's",
            Some("hdisk1"),
            same,
            "hdisk1 booted the surrogate and holds its minimal system: nobody boots it",
        ),
        (
            "the level after",
            Some("hdisk2"),
            same,
            "hdisk2 holds no level to go back to: it is copy",
        ),
        ("what runs", Some("hdisk0"), same, "hdisk0 holds no level to go back to: it is running"),
        ("a stranger", Some("hdisk9"), same, "no operation has used hdisk9"),
        (
            "two of them",
            None,
            |disks, _| disks[2] = disk(2, DiskUse::Mhdisk, None, GoodFor::WayBack),
            "several copies hold a level to go back to: hdisk2 (7300-03-00-2446); hdisk3 (7300-03-00-2446)",
        ),
        (
            "two of them, and one is named",
            Some("hdisk2"),
            |disks, _| disks[2] = disk(2, DiskUse::Mhdisk, None, GoodFor::WayBack),
            "hdisk2 7300-03-00-2446",
        ),
        (
            "none",
            None,
            |disks, _| drop(disks.pop()),
            "no disk is on record as holding a level to go back to",
        ),
        (
            "not clear",
            Some("hdisk2"),
            |disks, _| disks[2] = disk(2, DiskUse::Mhdisk, None, GoodFor::Unclear),
            "hdisk2 holds no level to go back to: it is unclear",
        ),
        (
            "no level",
            None,
            |disks, _| disks[3].level = None,
            "the level that hdisk3 holds is not on record",
        ),
        (
            "renamed",
            None,
            |_, now| now[3].volume_group = Some("theirs".to_owned()),
            "hdisk3 is not what is on record: it was in nimbak_1, and is in theirs now: somebody else uses it",
        ),
        (
            "the surrogate's by now",
            None,
            |disks, now| {
                disks[3].volume_group = Some(SURROGATE.to_owned());
                now[3].volume_group = Some(SURROGATE.to_owned());
            },
            "hdisk3 booted the surrogate and holds its minimal system: nobody boots it",
        ),
        (
            "gone",
            None,
            |_, now| drop(now.pop()),
            "hdisk3 is not what is on record: no disk of the LPAR has its PVID and UDID",
        ),
        (
            "woken up",
            None,
            |_, now| now[3].state = Some("active".to_owned()),
            "hdisk3 is not what is on record: it is active: somebody uses it",
        ),
        (
            "another number",
            Some("hdisk7"),
            |_, now| now[3].name = "hdisk7".parse().unwrap(),
            "hdisk3 7300-03-00-2446",
        ),
    ];
    for (case, wanted, change, expected) in cases {
        let mut disks = update();
        let mut nothing = after(&disks).1;
        change(&mut disks, &mut nothing);
        let (standing, mut now) = after(&disks);
        change(&mut disks, &mut now);
        let wanted = wanted.map(|name| name.parse().unwrap());
        let found = match way_back(&standing, wanted.as_ref(), &now) {
            Ok(copy) => told(&copy).replace([')', '('], ""),
            Err(why) => why.to_string(),
        };
        assert_eq!(found, *expected, "{case}");
    }
}

#[test]
fn a_copy_over_two_disks_is_one_copy_and_is_booted_where_rootvg_is_on_both() {
    let mut disks = update();
    disks.push(disk(4, DiskUse::Backup, Some("nimbak_1"), GoodFor::WayBack));
    let (standing, now) = after(&disks);
    let to = way_back(&standing, None, &now).unwrap();
    assert_eq!(to.disks.len(), 2);
    let order = Rollback { to, from: vec![disks[0].clone()] };
    let pvid = |number: u32| format!("00FA343B8F05{number:04}");
    assert!(order.is_on(&[pvid(4), pvid(3)]));
    for other in [vec![], vec![pvid(3)], vec![pvid(0)], vec![pvid(3), pvid(4), pvid(0)]] {
        assert!(!order.is_on(&other), "{other:?}");
    }
}
