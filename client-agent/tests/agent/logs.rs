//! Logs of the LPAR are kept with an operation that failed, and with no other.

use std::time::{Duration, SystemTime};

use nim_shared::frame::{Body, KeptLog, Known};
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::Kind;

use crate::lpar::{Lpar, TRANSCRIPT, order};
use crate::master::{Master, Session, push};

/// What geninstall leaves in the log. Source of the lines: LU §2.8.
const LOG: &str = "\
OLVUPDMCR 1610089744.160 DEBUG mcr_fd_srm_dev - Calling lvup_chckpnt_status(LIVE_UPDATE_TRY)
KLVUPD 1610089744 DEBUG - 6750576/24904167 DENY Blocking entry: procfs open, count: 9
OLVUPDMCR 1610089754.160 ERROR mcr_sync - Action LU_FREEZE failed in SRM with status 6
OLVUPDMCR 1610089755.160 ERROR - 1430-998 what nobody has seen
";

/// An LPAR whose updates fail in the blackout.
pub(crate) fn lpar() -> Lpar {
    let lpar = Lpar::new();
    let folder = lpar.path("var/adm/ras/liveupdate/logs");
    std::fs::create_dir_all(&folder).unwrap();
    lpar.set("log", LOG);
    let script = std::fs::read_to_string(lpar.path("usr/sbin/geninstall")).unwrap();
    let script = script
        .replace("[ -f fail ]", "cat log > ../var/adm/ras/liveupdate/logs/lvupdlog; [ -f fail ]");
    std::fs::write(lpar.path("usr/sbin/geninstall"), script).unwrap();
    // What an earlier run has left.
    let old = lpar.path("var/adm/ras/emgr.log");
    std::fs::write(&old, "an interim fix of last year\n").unwrap();
    let then = SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&old).unwrap().set_modified(then).unwrap();
    lpar.set("fail", "");
    let end = "1020-311 The state of the LPAR is currently non-checkpointable.\n\
               1430-030 An error occurred while moving the workload.\n1430-045 The live update operation failed.\n";
    let begin = TRANSCRIPT.split_inclusive('\n').take(14).collect::<String>();
    lpar.set("transcript", &format!("{begin}{end}"));
    lpar
}

fn run(lpar: &Lpar) -> (Master, Report) {
    push(lpar);
    let mut master = Master::new(&order(Kind::Update));
    let report = master.follow(&mut Session::open(lpar, &[])).unwrap();
    (master, report)
}

fn kept(master: &Master) -> Vec<KeptLog> {
    let log = |body: &Body| match body {
        Body::Known(known) => match &**known {
            Known::Log(log) => Some(log.clone()),
            _ => None,
        },
        Body::Other(_) => None,
    };
    master.events.iter().filter_map(|event| log(&event.body)).collect()
}

/// What is behind the output that geninstall printed.
pub(crate) fn added(lpar: &Lpar, master: &Master) -> String {
    let path = lpar.agent_file(&format!("operations/{}/output", master.operation));
    let output = std::fs::read_to_string(path).unwrap();
    output.strip_prefix(&lpar.get("transcript")).unwrap_or_default().to_owned()
}

#[test]
fn logs_of_a_failed_update_are_kept_with_what_they_say() {
    let lpar = lpar();
    let (master, report) = run(&lpar);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(report.logs, ["lvupdlog"]);
    assert_eq!(report.codes, ["1020-311", "1430-030", "1430-045", "pitfall-1", "1430-998"]);
    let logs = kept(&master);
    let [KeptLog { path, size, output, bytes, messages, .. }] = &logs[..] else {
        panic!("{logs:?}");
    };
    assert_eq!(path, "/var/adm/ras/liveupdate/logs/lvupdlog");
    let length = LOG.len() as u64;
    let printed = lpar.get("transcript").len() as u64;
    assert_eq!((*size, *output, *bytes), (length, printed, length));
    assert!(messages[0].text.contains("procfs open"), "{messages:?}");
    assert_eq!(added(&lpar, &master), LOG);
}

#[test]
fn an_update_that_succeeds_leaves_its_logs_where_they_are() {
    let lpar = lpar();
    std::fs::remove_file(lpar.path("state/fail")).unwrap();
    lpar.set("transcript", TRANSCRIPT);
    let (master, report) = run(&lpar);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!((report.logs, kept(&master)), (vec![], vec![]));
    assert_eq!(added(&lpar, &master), "");
}

#[test]
fn a_log_that_cannot_be_read_is_noted_and_changes_nothing() {
    let lpar = lpar();
    let log = lpar.path("var/adm/ras/liveupdate/logs/lvupdlog");
    // A link leads anywhere: it is not followed.
    lpar.set("elsewhere", "");
    std::os::unix::fs::symlink(lpar.path("state/elsewhere"), &log).unwrap();
    let (master, report) = run(&lpar);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!((report.logs, kept(&master)), (vec![], vec![]));
    let noted = |body: &Body| matches!(body, Body::Known(known) if matches!(&**known, Known::Note { text } if text.contains("lvupdlog")));
    assert!(master.events.iter().any(|event| noted(&event.body)));
}
