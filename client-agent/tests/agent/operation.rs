//! What an operation does to an LPAR, and what it says about it.

use std::cell::Cell;
use std::rc::Rc;

use nim_shared::frame::{ChangeMoment, MasterFrame, Refusal};
use nim_shared::id::LparId;
use nim_shared::operation::{Outcome, Software, StuckReason};
use nim_shared::request::Kind;
use nim_shared::unit::Seconds;

use crate::lpar::{Lpar, OWN_DATA, PASSWORD, order};
use crate::master::{Master, Session, push};
use crate::process::Process;

fn run(lpar: &Lpar, kind: Kind) -> (Master, nim_shared::operation::Report) {
    push(lpar);
    let mut master = Master::new(&order(kind));
    let mut session = Session::open(lpar, &[]);
    let report = master.follow(&mut session).expect("the session ended");
    assert_eq!(session.close(), Some(0));
    (master, report)
}

#[test]
fn an_update_is_run_once_and_everything_is_put_back() {
    let lpar = Lpar::new();
    let (master, report) = run(&lpar, Kind::Update);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(report.blackout.estimated, Some(Seconds(77)));
    assert_eq!(report.blackout.reported, Some(Seconds(21)));
    assert_eq!(report.after.unwrap().lpar_id, Some(LparId(5.try_into().unwrap())));
    let folder = format!("/var/adm/nim-agent/operations/{}/images", master.operation);
    assert_eq!(lpar.get("runs"), format!("-k -Y -d {folder} IJ1.241031.epkg.Z\n"));
    assert_eq!(lpar.get("images-seen"), "IJ1.241031.epkg.Z\n");
    assert!(lpar.get("data-seen").contains("nhdisk = hdisk1"));
    assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
    assert_eq!(lpar.get("token"), "");
    assert_eq!(master.changes(ChangeMoment::Intent), 3);
    assert_eq!(master.changes(ChangeMoment::Undone), 3);
    check_sequence(&master);
    assert_eq!(
        lpar.files_with(PASSWORD),
        [lpar.path("usr/sbin/hmcauth")],
        "the secret was written"
    );
}

fn check_sequence(master: &Master) {
    let sequence = master.sequence();
    let stages: Vec<_> = sequence.iter().filter(|line| line.starts_with("stage")).collect();
    assert_eq!(stages, ["stage pre", "stage prep", "stage backup", "stage update", "stage post"]);
    let phases: Vec<_> = sequence.iter().filter_map(|line| line.strip_prefix("phase ")).collect();
    assert_eq!(
        phases,
        [
            "preview",
            "countdown",
            "init",
            "clone",
            "move",
            "blackout",
            "running",
            "shutdown",
            "done"
        ]
    );
    let points: Vec<_> = sequence.iter().filter_map(|line| line.strip_prefix("point ")).collect();
    assert_eq!(points, ["ready", "committed", "moved"]);
}

#[test]
fn a_preview_restores_both_files_that_geninstall_and_we_write() {
    let lpar = Lpar::new();
    let (_, report) = run(&lpar, Kind::Preview);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert!(lpar.get("runs").starts_with("-k -p -Y -d "));
    assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
    let configuration = lpar.path("var/adm/ras/liveupdate/liveupdate.cf");
    assert_eq!(std::fs::read_to_string(configuration).unwrap(), "CPU_Reduc = no\n");
}

#[test]
fn a_failed_update_is_told_with_its_codes_and_undone() {
    let lpar = Lpar::new();
    lpar.set("fail", "");
    let end = "1020-311 The state of the LPAR is currently non-checkpointable. Checkpoint should be retried later. [02.229.0730]\n\
               1430-030 An error occurred while moving the workload.\n1430-045 The live update operation failed.\n";
    let begin = crate::lpar::TRANSCRIPT.split_inclusive('\n').take(14).collect::<String>();
    lpar.set("transcript", &format!("{begin}{end}"));
    let (master, report) = run(&lpar, Kind::Update);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(report.codes, ["1020-311", "1430-030", "1430-045"]);
    let said: Vec<_> = report.messages.iter().map(|one| (&*one.code, &*one.text)).collect();
    assert_eq!(said[1], ("1430-030", "1430-030 An error occurred while moving the workload."));
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(master.changes(ChangeMoment::Undone), 3);
    assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
}

#[test]
fn an_installation_that_fails_without_a_number_is_told_by_its_names() {
    let lpar = Lpar::new();
    lpar.set("fail", "");
    // LU §2.7, §3.2.
    let text = "install_all_updates: Initializing system parameters.\nEFIX MANAGER LOCKS\n\
                The following selected filesets are locked by EFIX manager:\ninstall_all_updates: Result = FAILURE\n\
                geninstall:  The live update will not proceed because of an install failure.\n";
    lpar.set("transcript", text);
    let (_, report) = run(&lpar, Kind::Update);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(report.codes, ["efix-locks", "install-failed"]);
}

#[test]
fn what_a_failed_run_has_locked_is_not_touched_and_goes_on_when_the_lock_is_gone() {
    let lpar = Lpar::new();
    let lock = lpar.path("usr/lpp/.genlib.lock.check");
    lpar.set("fail", "");
    lpar.set(
        "transcript",
        "Validating live update input data.\n1430-045 The live update operation failed.\n",
    );
    let script = std::fs::read_to_string(lpar.path("usr/sbin/geninstall")).unwrap();
    std::fs::write(
        lpar.path("usr/sbin/geninstall"),
        format!("{script}\n")
            .replace("[ -f fail ]", ": > ../usr/lpp/.genlib.lock.check; [ -f fail ]"),
    )
    .unwrap();
    let (mut master, report) = run(&lpar, Kind::Update);
    assert_eq!(report.outcome, Outcome::Stuck { reason: StuckReason::CleanUpOpen }, "{report:?}");
    assert_eq!(master.changes(ChangeMoment::Undone), 0);
    std::fs::remove_file(lock).unwrap();
    lpar.wait_for_supervisors(master.operation);
    let mut session = Session::open(&lpar, &[]);
    let report = master.follow(&mut session).unwrap();
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(master.changes(ChangeMoment::Undone), 3);
    assert_eq!(lpar.get("runs").lines().count(), 1);
}

/// The lock of the run outlives the boot, and the process id of geninstall is another process's: neither is waited for. The limit
/// that would be waited is an hour.
#[test]
fn a_reboot_in_the_middle_is_judged_by_its_evidence_without_waiting_for_what_cannot_be_there() {
    let lpar = Lpar::new();
    push(&lpar);
    let begun = crate::lpar::TRANSCRIPT.split_inclusive('\n').take(12).collect::<String>();
    lpar.set("transcript", &begun);
    lpar.command(
        "geninstall",
        "echo \"$*\" >> runs\n: > ../usr/lpp/.genlib.lock.check\n\
         echo '9A74C7AB   0922151815 I S LVUPDATE       started' > errpt\ncat transcript\n\
         echo $$ > other.new && mv other.new other\nexec sleep 600",
    );
    let mut request = order(Kind::Update);
    request.limits.post = Seconds(3600);
    let mut master = Master::new(&request);
    let mut session = Session::open(&lpar, &[]);
    let report = master.follow_until(&mut session, || lpar.path("state/other").exists());
    assert_eq!(report, None);
    drop(session);
    let other: u32 = lpar.get("other").trim().parse().unwrap();
    let agents: Vec<Process> = lpar.agents().into_iter().filter_map(Process::open).collect();
    agents.iter().for_each(Process::kill);
    agents.iter().for_each(Process::wait);
    assert_eq!(lpar.agents(), Vec::<u32>::new());
    lpar.set("boot", "   .        system boot Nov 12 10:20\n");
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    assert_eq!(report.outcome, Outcome::Stuck { reason: StuckReason::CleanUpOpen }, "{report:?}");
    assert_eq!(lpar.get("runs").lines().count(), 1);
    Process::open(other).expect("it is not ours to end").kill();
}

#[test]
fn a_cancel_before_proceed_undoes_everything_and_a_forgotten_operation_never_starts() {
    let lpar = Lpar::new();
    push(&lpar);
    let mut request = order(Kind::Update);
    request.limits.proceed = Seconds(0);
    let mut master = Master::new(&request);
    let mut session = Session::open(&lpar, &[]);
    let report = master.follow(&mut session).unwrap();
    assert_eq!(report.outcome, Outcome::Cancelled, "{report:?}");
    assert_eq!(lpar.get("runs"), "");
    assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
    drop(session);
    lpar.wait_for_supervisors(master.operation);
    forget(&lpar, &master);
    assert!(!lpar.agent_file(&format!("operations/{}", master.operation)).exists());
    let mut session = Session::open(&lpar, &[]);
    session.hello().unwrap();
    master.start(&mut session);
    let answer = session.next().unwrap();
    assert_eq!(crate::session::why(&answer), Some(Refusal::Tombstoned), "{answer:?}");
}

/// Has the agent forget the operation, which it does not do as long as the supervisor is about to end.
fn forget(lpar: &Lpar, master: &Master) {
    let mut session = Session::open(lpar, &[]);
    session.hello().unwrap();
    session.send(&MasterFrame::Forget { command: master.command() });
    let answer = session.next().unwrap();
    assert!(matches!(answer, nim_shared::frame::AgentFrame::Forgotten { .. }), "{answer:?}");
}

#[test]
fn faults_of_the_order_are_found_before_anything_is_changed_and_told_at_once() {
    let lpar = Lpar::new();
    push(&lpar);
    let mut request = order(Kind::Update);
    request.lvupdate_data = "disks:\n\tnhdisk = hdisk0\n\tmhdisk = hdisk9\n".to_owned();
    let mut master = Master::new(&request);
    let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    assert_eq!(
        report.summary,
        "nhdisk names hdisk0, which is in rootvg; mhdisk names hdisk9, and lspv shows no such disk"
    );
    assert_eq!(master.changes(ChangeMoment::Intent), 0);
}

#[test]
fn a_workload_that_stands_no_live_update_is_found_before_anything_is_changed() {
    let clustered = || {
        let lpar = Lpar::new();
        let rows = "echo '  4711 asm_pmon_+ASM'; echo '  4712 /u01/grid/bin/crsd.bin reboot'";
        lpar.command("ps", rows);
        push(&lpar);
        lpar
    };
    let (master, report) = run(&clustered(), Kind::Update);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    assert!(
        report.summary.contains("asm_pmon_+ASM runs, crsd.bin runs; no Live Update is made of it"),
        "{}",
        report.summary
    );
    assert_eq!(master.changes(ChangeMoment::Intent), 0);
    // A preview moves nothing.
    let (_, report) = run(&clustered(), Kind::Preview);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
}

#[test]
fn a_fix_that_is_installed_is_not_installed_again() {
    let lpar = Lpar::new();
    lpar.set("fixes", "1    S    IJ1        04/30/20 11:03:46            a fix\n");
    let (_, report) = run(&lpar, Kind::Update);
    assert_eq!(report.outcome, Outcome::Unchanged, "{report:?}");
    assert_eq!(lpar.get("runs"), "");
}

#[test]
fn a_token_that_runs_out_too_early_is_replaced_and_stays() {
    let held = "Address  : 127.0.0.1\nUser name: liveupdate\nport     : 12443\n";
    for (life, is_replaced) in [("01:00:00", true), ("20:25:41", false)] {
        let lpar = Lpar::new();
        let before = format!("{held}TTL      : {life} left\n");
        lpar.set("token", &before);
        let (_, report) = run(&lpar, Kind::Update);
        assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
        let after = lpar.get("token");
        assert_eq!(after.contains(life), !is_replaced, "{after}");
        assert!(after.contains("User name: liveupdate"), "{after}");
    }
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let lpar = Lpar::new();
    let script = std::fs::read_to_string(lpar.path("usr/sbin/hmcauth")).unwrap();
    std::fs::write(lpar.path("usr/sbin/hmcauth"), script.replace("= tiger-canary", "= another"))
        .unwrap();
    let (_, report) = run(&lpar, Kind::Update);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    assert_eq!(report.codes, ["PMCSS00G"]);
    assert!(report.summary.ends_with("PMCSS00G: rejected ***"), "{}", report.summary);
    assert!(lpar.files_with(PASSWORD).is_empty());
}

#[test]
fn a_console_that_gives_no_reason_is_told_by_a_code_of_ours() {
    let lpar = Lpar::new();
    lpar.command("hmcauth", "case $1 in -l) exit 0 ;; esac; echo no route to the console; exit 1");
    let (_, report) = run(&lpar, Kind::Update);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    assert_eq!(report.codes, ["NLU-0256"]);
    assert!(report.summary.ends_with("failed: no route to the console"), "{}", report.summary);
}

#[test]
fn a_supervisor_that_was_killed_while_it_waited_for_the_secret_is_followed_by_one_that_gets_it() {
    let lpar = Rc::new(Lpar::new());
    push(&lpar);
    let mut master = Master::new(&order(Kind::Update));
    let mut session = Session::open(&lpar, &[]);
    let (serve, asked) = (session.id(), Rc::new(Cell::new(0)));
    let (here, times) = (Rc::clone(&lpar), Rc::clone(&asked));
    // The first answer finds the pipe of a process that is gone.
    master.on_secret = Some(Box::new(move || {
        times.set(times.get() + 1);
        if times.get() == 1 {
            let others = here.agents().into_iter().filter(|pid| *pid != serve);
            let supervisors: Vec<Process> = others.filter_map(Process::open).collect();
            supervisors.iter().for_each(Process::kill);
            supervisors.iter().for_each(Process::wait);
        }
    }));
    let report = master.follow(&mut session).expect("the session ended");
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(asked.get(), 2);
    assert_eq!(lpar.get("runs").lines().count(), 1);
}
