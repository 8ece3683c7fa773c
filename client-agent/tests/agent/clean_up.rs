//! A Live Update that has left its lock is cleaned up after by an operation of its own, and what was stuck goes on.

use std::fs;
use std::path::PathBuf;

use nim_shared::frame::{AgentFrame, Body, ChangeMoment, Known, Refusal};
use nim_shared::operation::{Outcome, Report, Software, StuckReason};
use nim_shared::request::{CleanUpFlag, Install, Kind, Request};

use crate::lpar::{Lpar, OWN_DATA, order};
use crate::master::{Master, Session, push};

/// What stands for `clvupdate`: it asks where the LPAR says so, and cleans up where it is told `-e`.
const CLVUPDATE: &str = "echo \"$*\" >> cleaned\n\
    [ -f asks ] && { printf 'Continue? (y/n) '; read answer; [ \"$answer\" = y ] || exit 1; }\n\
    [ \"$1\" = -e ] && rm ../usr/lpp/.genlib.lock.check\nexit 0";

/// An LPAR whose update has failed and left its lock, with the update.
fn locked() -> (Lpar, Master) {
    let lpar = Lpar::new();
    fs::create_dir_all(lpar.path("var/adm/ras/liveupdate/logs")).unwrap();
    lpar.set("fail", "");
    lpar.set(
        "transcript",
        "Validating live update input data.\n1430-045 The live update operation failed.\n",
    );
    let script = fs::read_to_string(lpar.path("usr/sbin/geninstall")).unwrap();
    let failing = ": > ../usr/lpp/.genlib.lock.check; \
                   echo 'OLVUPDMCR 1610089754.160 ERROR it broke' > ../var/adm/ras/liveupdate/logs/lvupdlog; [ -f fail ]";
    fs::write(lpar.path("usr/sbin/geninstall"), script.replace("[ -f fail ]", failing)).unwrap();
    lpar.command("clvupdate", CLVUPDATE);
    push(&lpar);
    let mut update = Master::new(&order(Kind::Update));
    let report = update.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Stuck { reason: StuckReason::CleanUpOpen }, "{report:?}");
    lpar.wait_for_supervisors(update.operation);
    (lpar, update)
}

fn request(flags: &[CleanUpFlag]) -> Request {
    Request {
        images: None,
        install: Install::Nothing,
        accept_licenses: false,
        lvupdate_data: String::new(),
        clean_up: flags.to_vec(),
        ..order(Kind::CleanUp)
    }
}

/// Cleans up, as the operation with this number.
fn clean_up(lpar: &Lpar, number: u32, flags: &[CleanUpFlag]) -> (Master, Report) {
    let mut master = Master::new(&request(flags));
    master.operation = format!("0190b2c0-0000-7000-8000-{number:012}").parse().unwrap();
    let report = master.follow(&mut Session::open(lpar, &[])).unwrap();
    lpar.wait_for_supervisors(master.operation);
    (master, report)
}

fn lock(lpar: &Lpar) -> PathBuf {
    lpar.path("usr/lpp/.genlib.lock.check")
}

#[test]
fn a_question_is_shown_and_not_answered_and_the_logs_are_kept_before() {
    let (lpar, _) = locked();
    lpar.set("asks", "");
    let (master, report) = clean_up(&lpar, 2, &[CleanUpFlag::AfterReboot]);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert!(report.summary.ends_with("it said last: Continue? (y/n)"), "{report:?}");
    assert_eq!(report.codes, ["NLU-0179"]);
    assert_eq!(report.logs, ["lvupdlog"]);
    assert!(lock(&lpar).exists());
    let output = lpar.agent_file(&format!("operations/{}/output", master.operation));
    let text = fs::read_to_string(output).unwrap();
    assert_eq!(text, "OLVUPDMCR 1610089754.160 ERROR it broke\nContinue? (y/n) ");
    let kept = master.events.iter().position(
        |event| matches!(&event.body, Body::Known(known) if matches!(&**known, Known::Log(_))),
    );
    let update = master.sequence().iter().position(|line| line == "stage update");
    assert!(kept.is_some() && update.is_some(), "{:?}", master.sequence());
    assert_eq!(lpar.get("cleaned"), "-e\n");
}

#[test]
fn what_is_told_to_it_decides_and_what_was_stuck_goes_on_when_it_has_cleaned_up() {
    let (lpar, mut update) = locked();
    // It says that it has succeeded, and the lock is there.
    let (_, report) = clean_up(&lpar, 2, &[]);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert!(report.summary.contains("did not clean up"), "{report:?}");
    assert_ne!(fs::read_to_string(lpar.data()).unwrap(), OWN_DATA, "put back under the lock");

    let (_, report) = clean_up(&lpar, 3, &[CleanUpFlag::AfterReboot]);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert!(!lock(&lpar).exists());
    assert_eq!(lpar.get("cleaned"), "\n-e\n");
    let report = update.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(update.changes(ChangeMoment::Undone), 3);
    assert_eq!(fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
    assert_eq!(lpar.get("runs").lines().count(), 1);
}

#[test]
fn nothing_is_cleaned_up_while_something_installs_or_where_a_log_cannot_be_kept() {
    let (lpar, _) = locked();
    lpar.command("ps", "echo '  4711 /usr/sbin/geninstall -k'");
    let mut master = Master::new(&request(&[]));
    master.operation = "0190b2c0-0000-7000-8000-000000000002".parse().unwrap();
    let mut session = Session::open(&lpar, &[]);
    session.hello().unwrap();
    master.start(&mut session);
    let said = session.next();
    let Some(AgentFrame::Refused { why, text, .. }) = &said else { panic!("{said:?}") };
    assert_eq!(why.known(), Some(Refusal::Busy), "{text}");
    assert!(text.contains("geninstall"), "{text}");
    drop(session);

    let (lpar, _) = locked();
    let log = lpar.path("var/adm/ras/emgr.log");
    fs::create_dir(&log).unwrap();
    let log = lpar.path("var/adm/ras/liveupdate/logs/olhmclog");
    std::os::unix::fs::symlink("/nowhere", &log).unwrap();
    let (_, report) = clean_up(&lpar, 2, &[CleanUpFlag::AfterReboot]);
    assert!(
        report.summary.starts_with("nothing was cleaned up, because not all logs"),
        "{report:?}"
    );
    assert_eq!(lpar.get("cleaned"), "");
}
