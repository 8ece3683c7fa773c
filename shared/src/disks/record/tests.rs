use super::*;
use crate::operation::Software;
use crate::request::{AltDisk, Kind};

/// `hdisk0: rootvg, hdisk1: None`, and so on.
fn seen(groups: &[Option<&str>]) -> Vec<SeenDisk> {
    let disk = |(number, group): (usize, &Option<&str>)| SeenDisk {
        name: format!("hdisk{number}").parse().unwrap(),
        pvid: format!("00fa343b8f05{number:04}").parse().ok(),
        udid: format!("332136005076{number:04}").parse().ok(),
        volume_group: group.map(str::to_owned),
        state: (*group == Some(ROOTVG)).then(|| "active".to_owned()),
        lun: None,
    };
    groups.iter().enumerate().map(disk).collect()
}

/// An update with hdisk1 as nhdisk and hdisk2 as mhdisk.
fn update(install: Install) -> Request {
    Request {
        install,
        lvupdate_data: "disks:\n\tnhdisk = hdisk1\n\tmhdisk = hdisk2\n".to_owned(),
        ..Request::of(Kind::Update)
    }
}

fn fix() -> Install {
    Install::List(vec!["IJ1.241031.epkg.Z".to_owned()])
}

const SUCCEEDED: Outcome = Outcome::Succeeded { follow_up: Vec::new() };
const FAILED: Outcome = Outcome::Failed { software: Software::Unchanged };
const OLD: &str = "7300-03-00-2446";
const NEW: &str = "7300-03-01-2520";

fn before() -> Snapshot {
    Snapshot { level: Some(OLD.to_owned()), ..Snapshot::default() }
}

/// `hdisk1 nhdisk booted_kernel -` for each disk but rootvg's.
fn shown(disks: &[RunDisk]) -> Vec<String> {
    let rest = disks.iter().filter(|disk| disk.role != Named::Known(DiskUse::Rootvg));
    rest.map(|disk| {
        let level = disk.level.as_deref().unwrap_or("-");
        format!("{} {} {} {level}", disk.name, disk.role, disk.good_for)
    })
    .collect()
}

/// Its name, what is installed, the volume groups of the three disks afterwards, and what is recorded of the last two.
type Case<'a> = (&'a str, Install, [Option<&'a str>; 3], [&'a str; 2]);

#[test]
fn what_lies_on_which_disk_is_what_is_seen_and_never_what_a_list_says() {
    const N: Option<&str> = None;
    const R: Option<&str> = Some(ROOTVG);
    const S: Option<&str> = Some(SURROGATE);
    let cases: &[Case] = &[
        (
            "a fix",
            fix(),
            [R, S, N],
            ["hdisk1 nhdisk booted_kernel -", "hdisk2 mhdisk way_back 7300-03-00-2446"],
        ),
        (
            "swapped",
            fix(),
            [R, N, S],
            ["hdisk1 nhdisk way_back 7300-03-00-2446", "hdisk2 mhdisk booted_kernel -"],
        ),
        (
            "updates",
            Install::UpdateAll,
            [R, S, N],
            ["hdisk1 nhdisk booted_kernel -", "hdisk2 mhdisk copy 7300-03-01-2520"],
        ),
        (
            "a move",
            Install::Nothing,
            [R, S, N],
            ["hdisk1 nhdisk booted_kernel -", "hdisk2 mhdisk copy 7300-03-00-2446"],
        ),
        (
            "neither shows it",
            fix(),
            [R, N, N],
            ["hdisk1 nhdisk unclear -", "hdisk2 mhdisk unclear -"],
        ),
        (
            "both show it",
            fix(),
            [R, S, S],
            ["hdisk1 nhdisk booted_kernel -", "hdisk2 mhdisk booted_kernel -"],
        ),
        (
            "another group",
            fix(),
            [R, S, Some("appvg")],
            ["hdisk1 nhdisk booted_kernel -", "hdisk2 mhdisk unclear -"],
        ),
    ];
    for (case, install, groups, wanted) in cases {
        let request = update(install.clone());
        let now = seen(groups);
        let ended = Ended {
            request: &request,
            outcome: &SUCCEEDED,
            moved: true,
            furthest: Some(Phase::Done),
            before: Some(&before()),
            level: Some(NEW),
            now: &now,
            copies: &[],
        };
        let disks = record(&ended);
        assert_eq!(shown(&disks), wanted, "{case}");
        let root = &disks[0];
        assert_eq!(
            (root.good_for.known(), root.level.as_deref()),
            (Some(GoodFor::Running), Some(NEW))
        );
        assert_eq!(root.udid, now[0].udid);
    }
}

#[test]
fn a_mirror_that_was_not_split_is_no_way_back() {
    let request = update(fix());
    let now = seen(&[Some(ROOTVG), Some(SURROGATE), Some(ROOTVG)]);
    let before = before();
    let ended = Ended {
        request: &request,
        outcome: &SUCCEEDED,
        moved: true,
        furthest: Some(Phase::Done),
        before: Some(&before),
        level: Some(NEW),
        now: &now,
        copies: &[],
    };
    assert_eq!(shown(&record(&ended)), ["hdisk1 nhdisk booted_kernel -"]);
}

#[test]
fn a_run_that_did_not_get_to_the_disks_says_nothing_of_them_and_one_that_did_is_unclear() {
    let request = update(fix());
    let before = before();
    let stuck = Outcome::Stuck { reason: crate::operation::StuckReason::CleanUpOpen };
    let none: &[&str] = &[];
    for (outcome, furthest, group, wanted) in [
        (&FAILED, None, None, none),
        (&FAILED, Some(Phase::Preview), None, none),
        (
            &FAILED,
            Some(Phase::Clone),
            None,
            &["hdisk1 nhdisk unclear -", "hdisk2 mhdisk unclear -"],
        ),
        (&FAILED, Some(Phase::Preview), Some("altinst_rootvg"), &["hdisk1 nhdisk unclear -"]),
        (&stuck, Some(Phase::Begin), None, &["hdisk1 nhdisk unclear -", "hdisk2 mhdisk unclear -"]),
    ] {
        let now = seen(&[Some(ROOTVG), group, None]);
        let ended = Ended {
            request: &request,
            outcome,
            moved: false,
            furthest,
            before: Some(&before),
            level: Some(OLD),
            now: &now,
            copies: &[],
        };
        assert_eq!(shown(&record(&ended)), wanted, "{furthest:?} {group:?}");
    }
}

#[test]
fn copies_hold_their_level_where_they_are_whole() {
    let before = before();
    let backup = |whole| Copied {
        disks: vec!["hdisk3".parse().unwrap()],
        group: "nimbak_12345678".to_owned(),
        level: Some(OLD.to_owned()),
        whole,
    };
    let asked = |install: Install| Request {
        kind: Kind::AltDisk,
        alt_disk: Some(AltDisk {
            disks: vec!["hdisk3".parse().unwrap()],
            set_bootlist: false,
            phase: None,
        }),
        ..update(install)
    };
    let list = || Install::List(vec!["bos.rte".to_owned()]);
    let cases = [
        (
            "backup",
            update(fix()),
            &SUCCEEDED,
            vec![backup(true)],
            "nimbak_12345678",
            "hdisk3 backup way_back 7300-03-00-2446",
        ),
        ("half", update(fix()), &FAILED, vec![backup(false)], COPY, "hdisk3 backup unclear -"),
        (
            "renamed by somebody",
            update(fix()),
            &FAILED,
            vec![backup(true)],
            "theirs",
            "hdisk3 backup unclear -",
        ),
        (
            "copy",
            asked(Install::Nothing),
            &SUCCEEDED,
            vec![],
            COPY,
            "hdisk3 copy copy 7300-03-00-2446",
        ),
        ("updated copy", asked(list()), &SUCCEEDED, vec![], COPY, "hdisk3 copy copy -"),
        ("failed copy", asked(list()), &FAILED, vec![], COPY, "hdisk3 copy unclear -"),
    ];
    for (case, request, outcome, copies, group, wanted) in cases {
        let now = seen(&[Some(ROOTVG), None, None, Some(group)]);
        let ended = Ended {
            request: &request,
            outcome,
            moved: false,
            furthest: None,
            before: Some(&before),
            level: Some(OLD),
            now: &now,
            copies: &copies,
        };
        assert_eq!(shown(&record(&ended)), [wanted], "{case}");
    }
}

#[test]
fn only_names_that_a_run_of_ours_leaves_are_dropped() {
    let all =
        ["altinst_rootvg", "lvup_rootvg", "nimbak_1", "nimbak_", "rootvg", "old_rootvg", "appvg"];
    let ours: Vec<_> = all.into_iter().filter(|group| is_copy(group)).collect();
    assert_eq!(ours, ["altinst_rootvg", "lvup_rootvg", "nimbak_1"]);
}
