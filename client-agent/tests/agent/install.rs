//! An order without Live Update: geninstall without `-k`, and nothing of the LPAR is touched for a move.

use nim_shared::operation::{Outcome, Report, Software, StuckReason};
use nim_shared::request::{Kind, Request};

use crate::lpar::{Lpar, OWN_DATA, order};
use crate::master::{Master, Session, push};

/// An installation of the fix that is pushed.
pub(crate) fn plain(kind: Kind) -> Request {
    Request {
        kind,
        installp_flags: Some("agQX".to_owned()),
        lvupdate_data: String::new(),
        console: None,
        ..order(Kind::Update)
    }
}

fn run(lpar: &Lpar, request: &Request) -> (Master, Report) {
    push(lpar);
    let mut master = Master::new(request);
    let report = master.follow(&mut Session::open(lpar, &[])).expect("the session ended");
    (master, report)
}

/// A geninstall that installs.
pub(crate) const INSTALLS: &str = "echo \"$*\" >> runs; echo 'installing'; echo '1    Q    IJ1        04/30/20 11:03:46            a fix' > fixes";

/// One that only looks.
pub(crate) const LOOKS: &str = "echo \"$*\" >> runs; exit 0";

#[test]
fn software_is_installed_and_nothing_is_prepared_for_a_move() {
    let lpar = Lpar::new();
    lpar.command("geninstall", INSTALLS);
    // Neither room for a clone nor a console matters.
    lpar.command("df", "exit 1");
    lpar.command("hmcauth", "echo asked >> console; exit 1");
    let (master, report) = run(&lpar, &plain(Kind::Install));
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    let folder = format!("/var/adm/nim-agent/operations/{}/images", master.operation);
    assert_eq!(lpar.get("runs"), format!("-I -agQX -Y -d {folder} IJ1.241031.epkg.Z\n"));
    assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
    assert_eq!(lpar.get("console"), "");
    let stages: Vec<_> =
        master.sequence().into_iter().filter(|line| line.starts_with("stage")).collect();
    assert_eq!(stages, ["stage pre", "stage prep", "stage backup", "stage update", "stage post"]);
    assert_eq!(report.after.unwrap().interim_fixes.unwrap(), ["IJ1"]);
}

#[test]
fn a_preview_asks_geninstall_and_changes_nothing() {
    let lpar = Lpar::new();
    lpar.command("geninstall", LOOKS);
    let (_, report) = run(&lpar, &plain(Kind::InstallPreview));
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert!(lpar.get("runs").starts_with("-p -I -agQX -Y -d "), "{}", lpar.get("runs"));
}

#[test]
fn what_an_installation_came_to_is_told_by_its_status_and_by_the_disk() {
    let failed = |software| Outcome::Failed { software };
    for (script, expected) in [
        ("exit 0", Outcome::Unchanged),
        (
            "echo 'Either the software is already at the same level as on the media, or'; exit 1",
            Outcome::Unchanged,
        ),
        ("exit 1", failed(Software::Unchanged)),
        (
            "echo '1    Q    IJ1        04/30/20 11:03:46            a fix' > fixes; exit 7",
            failed(Software::PartlyApplied),
        ),
        ("kill -9 $$", failed(Software::Unchanged)),
        (
            "echo '1    Q    IJ1        04/30/20 11:03:46            a fix' > fixes; kill -9 $$",
            Outcome::Stuck { reason: StuckReason::Ambiguous },
        ),
    ] {
        let lpar = Lpar::new();
        lpar.command("geninstall", script);
        let (_, report) = run(&lpar, &plain(Kind::Install));
        assert_eq!(report.outcome, expected, "{script}: {report:?}");
    }
}

#[test]
fn options_that_remove_and_orders_for_nothing_are_refused() {
    let lpar = Lpar::new();
    lpar.command("geninstall", INSTALLS);
    let mut fence = 0;
    let mut refused = |request: &Request| {
        let mut master = Master::new(request);
        fence += 1;
        master.fence = nim_shared::id::Fence(fence);
        let mut session = Session::open(&lpar, &[]);
        session.hello().unwrap();
        let (command, request) = (master.command(), master.request.clone());
        session.send(&nim_shared::frame::MasterFrame::Start { command, request });
        crate::session::why(&session.next().unwrap())
    };
    let bad = Some(nim_shared::frame::Refusal::BadRequest);
    for flags in ["u", "agQX -d /x", "", "F"] {
        let installp_flags = Some(flags.to_owned());
        assert_eq!(refused(&Request { installp_flags, ..plain(Kind::Install) }), bad, "{flags}");
    }
    assert_eq!(refused(&Request { kind: Kind::Update, ..plain(Kind::Install) }), bad);
    let install = nim_shared::request::Install::Nothing;
    assert_eq!(refused(&Request { install, ..plain(Kind::Install) }), bad);
    std::fs::write(lpar.path("etc/nim-agent.policy"), "preview_only = yes\n").unwrap();
    assert_eq!(refused(&plain(Kind::Install)), Some(nim_shared::frame::Refusal::Policy));
    assert_eq!(lpar.get("runs"), "");
}

#[test]
fn of_filesets_that_are_meant_where_they_are_installed_the_others_are_left_out() {
    let list = |names: &[&str]| {
        nim_shared::request::Install::List(names.iter().map(|name| (*name).to_owned()).collect())
    };
    for (names, runs, expected) in [
        (&["bos.net", "bos.rte"][..], " bos.rte\n", Outcome::Succeeded { follow_up: vec![] }),
        (&["bos.net"], "", Outcome::Unchanged),
    ] {
        let lpar = Lpar::new();
        lpar.command("geninstall", INSTALLS);
        let request =
            Request { install: list(names), installed_only: true, ..plain(Kind::Install) };
        let (_, report) = run(&lpar, &request);
        assert_eq!(report.outcome, expected, "{report:?}");
        assert!(lpar.get("runs").ends_with(runs), "{}", lpar.get("runs"));
        assert_eq!(lpar.get("runs").lines().count(), runs.lines().count());
    }
}
