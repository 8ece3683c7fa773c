use super::super::testing::{disk, seen};
use super::super::{DiskUse, SURROGATE};
use super::*;

fn run(number: u128, over: bool, disks: &[RunDisk]) -> PastRun {
    PastRun {
        operation: OperationId(uuid::Uuid::from_u128(number)),
        over,
        left: RunDisks {
            booted_at: Some("Nov 12 09:14".to_owned()),
            last_update: Some("12295E0B 1112091426".to_owned()),
            disks: disks.to_vec(),
        },
    }
}

fn booted_at(at: &str, run: PastRun) -> PastRun {
    PastRun { left: RunDisks { booted_at: Some(at.to_owned()), ..run.left }, ..run }
}

fn root() -> RunDisk {
    disk(0, DiskUse::Rootvg, Some("rootvg"), GoodFor::Running)
}

fn booted(number: u32) -> RunDisk {
    disk(number, DiskUse::Nhdisk, Some(SURROGATE), GoodFor::BootedKernel)
}

fn way_back(number: u32) -> RunDisk {
    disk(number, DiskUse::Mhdisk, None, GoodFor::WayBack)
}

/// `hdisk1 booted_kernel`, `hdisk2 free` for each.
fn needs(runs: &[PastRun]) -> Vec<String> {
    let told = |one: Standing| {
        let need = one.need.as_ref().map_or("free".to_owned(), ToString::to_string);
        format!("{} {need}", one.disk.name)
    };
    standing(runs).into_iter().map(told).collect()
}

#[test]
fn a_disk_is_needed_until_something_later_takes_its_place() {
    let copy = |role| disk(3, role, Some("altinst_rootvg"), GoodFor::Copy);
    let released = RunDisk { good_for: Named::Known(GoodFor::Released), ..way_back(2) };
    let cases: &[(&str, Vec<PastRun>, &[&str])] = &[
        (
            "one run",
            vec![run(1, true, &[root(), booted(1), way_back(2)])],
            &["hdisk0 running", "hdisk1 booted_kernel", "hdisk2 way_back"],
        ),
        (
            "a later one with other disks",
            vec![
                run(2, true, &[root(), booted(3), way_back(4)]),
                run(1, true, &[root(), booted(1), way_back(2)]),
            ],
            &[
                "hdisk0 running",
                "hdisk3 booted_kernel",
                "hdisk4 way_back",
                "hdisk1 free",
                "hdisk2 free",
            ],
        ),
        (
            "a later one without a way back",
            vec![
                run(2, true, &[root(), booted(3)]),
                run(1, true, &[root(), booted(1), way_back(2)]),
            ],
            &["hdisk0 running", "hdisk3 booted_kernel", "hdisk1 free", "hdisk2 way_back"],
        ),
        (
            "the same disks again",
            vec![
                run(2, true, &[root(), booted(2), way_back(1)]),
                run(1, true, &[root(), booted(1), way_back(2)]),
            ],
            &["hdisk0 running", "hdisk2 booted_kernel", "hdisk1 way_back"],
        ),
        (
            "one that is not over ends no need",
            vec![run(2, false, &[booted(3)]), run(1, true, &[booted(1), way_back(2)])],
            &["hdisk3 open", "hdisk1 booted_kernel", "hdisk2 way_back"],
        ),
        (
            "booted since, for a rollback",
            vec![
                booted_at("Nov 13 10:00", run(2, true, &[root()])),
                booted_at("Nov 12 09:14", run(1, true, &[booted(1), way_back(2)])),
            ],
            &["hdisk0 running", "hdisk1 free", "hdisk2 way_back"],
        ),
        ("asked for", vec![run(1, true, &[copy(DiskUse::Copy)])], &["hdisk3 asked"]),
        ("of the level after", vec![run(1, true, &[copy(DiskUse::Mhdisk)])], &["hdisk3 free"]),
        (
            "released",
            vec![run(2, true, &[released]), run(1, true, &[way_back(2)])],
            &["hdisk2 free"],
        ),
        (
            "rootvg is elsewhere",
            vec![
                run(2, true, &[disk(7, DiskUse::Rootvg, Some("rootvg"), GoodFor::Running)]),
                run(1, true, &[root()]),
            ],
            &["hdisk7 running", "hdisk0 unclear"],
        ),
    ];
    for (case, runs, wanted) in cases {
        assert_eq!(needs(runs), *wanted, "{case}");
    }
}

/// Its name, the runs, the number of the disk, what a person said, boot and error log, what is different, and what comes of it.
type Case<'a> =
    (&'a str, Vec<PastRun>, u32, Said, (&'a str, Option<&'a str>), fn(&mut SeenDisk), &'a str);

#[test]
fn only_what_is_on_record_and_needed_by_nothing_is_released() {
    use Said::{GivenUp, Named as ByName, Nothing};
    let later =
        |disk: RunDisk| vec![run(2, true, &[booted(8), way_back(9)]), run(1, true, &[disk])];
    let alone = |disk: RunDisk| vec![run(1, true, &[disk])];
    let backup = disk(3, DiskUse::Backup, Some("nimbak_1"), GoodFor::WayBack);
    let unclear = disk(3, DiskUse::Mhdisk, None, GoodFor::Unclear);
    let same: fn(&mut SeenDisk) = |_| {};
    let before: (&str, Option<&str>) = ("Nov 12 09:14", Some("12295E0B 1112091426"));
    let booted_since = ("Nov 13 10:00", before.1);
    let cases: Vec<Case> = vec![
        ("a later run", later(way_back(2)), 2, Nothing, before, same, "free -"),
        ("our copy", later(backup.clone()), 3, Nothing, before, same, "free nimbak_1"),
        ("the way back", alone(backup.clone()), 3, Nothing, before, same, "needed"),
        ("the way back by name", alone(backup.clone()), 3, ByName, before, same, "needed"),
        ("the way back given up", alone(backup.clone()), 3, GivenUp, before, same, "free nimbak_1"),
        ("the kernel's", alone(booted(1)), 1, GivenUp, before, same, "needed"),
        ("booted since", alone(booted(1)), 1, Nothing, booted_since, same, "free lvup_rootvg"),
        (
            "updated by hand since",
            alone(booted(1)),
            1,
            Nothing,
            ("Nov 13 10:00", Some("12295E0B 1113")),
            same,
            "needed",
        ),
        (
            "the log was cleared",
            alone(booted(1)),
            1,
            Nothing,
            ("Nov 13 10:00", None),
            same,
            "free lvup_rootvg",
        ),
        ("rootvg", alone(root()), 0, GivenUp, before, same, "needed"),
        ("unclear", alone(unclear.clone()), 3, Nothing, before, same, "needed"),
        ("unclear by name", alone(unclear), 3, ByName, before, same, "free -"),
        (
            "in another group",
            later(way_back(2)),
            2,
            Nothing,
            before,
            |disk| disk.volume_group = Some("appvg".to_owned()),
            "other_group",
        ),
        (
            "renamed",
            later(backup.clone()),
            3,
            Nothing,
            before,
            |disk| disk.volume_group = Some("theirs".to_owned()),
            "other_group",
        ),
        (
            "gone from its group",
            later(backup.clone()),
            3,
            Nothing,
            before,
            |disk| disk.volume_group = None,
            "other_group",
        ),
        (
            "woken up",
            later(backup.clone()),
            3,
            Nothing,
            before,
            |disk| disk.state = Some("active".to_owned()),
            "active",
        ),
        (
            "another PVID",
            later(way_back(2)),
            2,
            Nothing,
            before,
            |disk| disk.pvid = "00fa343b8f059999".parse().ok(),
            "changed",
        ),
        (
            "another LUN",
            later(way_back(2)),
            2,
            Nothing,
            before,
            |disk| disk.udid = "33213600507699".parse().ok(),
            "changed",
        ),
        (
            "no such disk",
            later(way_back(2)),
            2,
            Nothing,
            before,
            |disk| {
                disk.pvid = None;
                disk.udid = None;
            },
            "gone",
        ),
        (
            "another number",
            later(way_back(2)),
            2,
            Nothing,
            before,
            |disk| disk.name = "hdisk7".parse().unwrap(),
            "free -",
        ),
    ];
    for (case, runs, number, said, (booted_at, newest), change, wanted) in cases {
        let all = standing(&runs);
        let name = format!("hdisk{number}").parse().unwrap();
        let one = all.iter().find(|one| one.disk.name == name).unwrap();
        let mut disk = seen(&one.disk);
        change(&mut disk);
        let disks = [disk];
        let live = Live { booted_at: Some(booted_at), disks: &disks, last_update: Some(newest) };
        let found = match releasable(one, &live, said) {
            Ok(free) => format!("free {}", free.group.as_deref().unwrap_or("-")),
            Err(keep) => keep.name().to_owned(),
        };
        assert_eq!(found, wanted, "{case}");
    }
}

#[test]
fn two_disks_with_one_id_and_none_with_any_are_left_alone() {
    let one =
        &standing(&[run(2, true, &[booted(8), way_back(9)]), run(1, true, &[way_back(2)])])[2];
    let twice = [seen(&one.disk), SeenDisk { name: "hdisk6".parse().unwrap(), ..seen(&one.disk) }];
    let live = Live { booted_at: None, disks: &twice, last_update: None };
    let keep = releasable(one, &live, Said::Nothing).unwrap_err();
    assert_eq!(keep.to_string(), "hdisk2 and hdisk6 both have its ids");
    let mut nameless = one.clone();
    (nameless.disk.pvid, nameless.disk.udid) = (None, None);
    assert_eq!(releasable(&nameless, &live, Said::Nothing).unwrap_err(), Keep::NoIdentity);
}
