//! A copy of rootvg: where the disks are free, once, and judged by what the disks hold.

use nim_shared::operation::{Outcome, Report, Software, StuckReason};
use nim_shared::request::{AltDisk, AltPhase, Install, Kind, Request};

use crate::install::plain;
use crate::lpar::Lpar;
use crate::master::{Master, Session, push};

/// A copy to hdisk1, which is updated.
pub(crate) fn order(phase: Option<AltPhase>) -> Request {
    Request {
        install: Install::List(vec!["bos.rte".to_owned()]),
        installp_flags: Some("acgX".to_owned()),
        alt_disk: Some(AltDisk {
            disks: vec!["hdisk1".parse().unwrap()],
            set_bootlist: false,
            phase,
        }),
        ..plain(Kind::AltDisk)
    }
}

/// An LPAR that can copy its rootvg.
pub(crate) fn lpar() -> Lpar {
    let lpar = Lpar::new();
    lpar.command("alt_disk_copy", &format!("{RUNS}; {COPIES}"));
    lpar
}

const RUNS: &str = "echo \"$*\" >> runs; case \"$*\" in *-b\\ *) cat ..$(echo \"$*\" | sed 's/.*-b \\([^ ]*\\).*/\\1/') > list;; esac";

const COPIES: &str = "echo 'Creating logical volume alt_hd2.'; sed 's/ae057 None/ae057 altinst_rootvg/' lspv > new; mv new lspv";

fn run(lpar: &Lpar, request: &Request) -> (Master, Report) {
    push(lpar);
    let mut master = Master::new(request);
    let report = master.follow(&mut Session::open(lpar, &[])).expect("the session ended");
    (master, report)
}

#[test]
fn rootvg_is_copied_with_the_filesets_in_a_file_and_the_bootlist_left_alone() {
    let lpar = lpar();
    let (master, report) = run(&lpar, &order(None));
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    let folder = format!("/var/adm/nim-agent/operations/{}", master.operation);
    assert_eq!(
        lpar.get("runs"),
        format!("-d hdisk1 -B -l {folder}/images -b {folder}/filesets.bnd -I -acgXY\n")
    );
    assert_eq!(lpar.get("list"), "bos.rte\n");
    // The next one finds the copy there, and leaves it: it may be somebody's fallback.
    let mut again = Master::new(&order(None));
    again.operation = "0190b2c0-0000-7000-8000-000000000002".parse().unwrap();
    let report = again.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    for why in ["hdisk1 is in altinst_rootvg", "alt_rootvg_op -v NAME -d hdisk1"] {
        assert!(report.summary.contains(why), "{report:?}");
    }
    assert_eq!(lpar.get("runs").lines().count(), 1);
}

#[test]
fn phases_and_the_bootlist_are_passed_on() {
    let lpar = lpar();
    let mut request =
        Request { images: None, install: Install::Nothing, ..order(Some(AltPhase::One)) };
    request.alt_disk.as_mut().unwrap().set_bootlist = true;
    let (_, report) = run(&lpar, &request);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(lpar.get("runs"), "-d hdisk1 -P 1\n");
    let mut later = Master::new(&order(Some(AltPhase::TwoThree)));
    later.operation = "0190b2c0-0000-7000-8000-000000000002".parse().unwrap();
    let report = later.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert!(lpar.get("runs").contains("-d hdisk1 -B -P 23 -l "), "{}", lpar.get("runs"));
}

#[test]
fn what_a_copy_came_to_is_told_by_its_status_and_by_the_disks() {
    let failed = Outcome::Failed { software: Software::Unchanged };
    let ambiguous = Outcome::Stuck { reason: StuckReason::Ambiguous };
    for (script, expected, why) in [
        ("exit 1".to_owned(), &failed, "exit status 1"),
        (format!("{COPIES}; exit 1"), &failed, "alt_rootvg_op -X altinst_rootvg"),
        ("exit 0".to_owned(), &ambiguous, "its disks hold no copy"),
        ("kill -9 $$".to_owned(), &failed, "its disks hold no copy"),
        (format!("{COPIES}; kill -9 $$"), &ambiguous, "ended without a result"),
    ] {
        let lpar = lpar();
        lpar.command("alt_disk_copy", &script);
        let (_, report) = run(&lpar, &order(None));
        assert_eq!((&report.outcome, true), (expected, report.summary.contains(why)), "{report:?}");
    }
}

#[test]
fn disks_that_are_not_free_and_a_missing_program_are_told_at_once() {
    let lpar = Lpar::new();
    let mut request = order(None);
    let disks = ["hdisk0", "hdisk1", "hdisk9"].map(|name| name.parse().unwrap());
    request.alt_disk.as_mut().unwrap().disks = disks.to_vec();
    let (_, report) = run(&lpar, &request);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    assert_eq!(
        report.summary,
        "there is no alt_disk_copy: bos.alt_disk_install.rte is not installed; hdisk0 is in rootvg; lspv shows no disk hdisk9"
    );
}
