//! Scripts of an order: after all else, in their order, once, and only where the LPAR's policy lets them.

use std::cell::Cell;
use std::rc::Rc;

use nim_shared::frame::Refusal;
use nim_shared::id::Digest;
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::{Content, Install, Kind, Request, Script};
use nim_shared::unit::Seconds;

use crate::install::{INSTALLS, plain};
use crate::lpar::{FIX, Lpar};
use crate::master::{Master, Session, push_all};
use crate::process::Process;
use crate::session::refusals;

/// A script that says which it is, and leaves a mark.
pub(crate) const FIRST: &[u8] =
    b"#!/bin/sh\necho first $#; echo first >> $NIM_AGENT_ROOT/state/scripts\n";

/// Another one, which does not say which program reads it.
pub(crate) const SECOND: &[u8] = b"echo second; echo second >> $NIM_AGENT_ROOT/state/scripts\n";

/// An LPAR on which software can be installed, and whose policy lets every script run.
pub(crate) fn lpar() -> Lpar {
    let lpar = allowing();
    lpar.command("geninstall", INSTALLS);
    lpar
}

/// An LPAR whose policy lets every script run.
pub(crate) fn allowing() -> Lpar {
    let lpar = Lpar::new();
    allow(&lpar, "scripts = on\n");
    lpar
}

fn allow(lpar: &Lpar, policy: &str) {
    std::fs::write(lpar.path("etc/nim-agent.policy"), policy).unwrap();
}

/// `request` with these scripts at its end.
pub(crate) fn with(scripts: &[&[u8]], request: Request) -> Request {
    let script = |(number, content): (usize, &&[u8])| Script {
        name: format!("script{number}").parse().unwrap(),
        content: Content { digest: Digest::of(content), bytes: content.len() as u64 },
    };
    Request { scripts: (1..).zip(scripts).map(script).collect(), ..request }
}

/// Scripts and nothing else.
fn alone(scripts: &[&[u8]]) -> Request {
    with(scripts, Request { images: None, install: Install::Nothing, ..plain(Kind::Install) })
}

fn run(lpar: &Lpar, request: &Request, scripts: &[&[u8]]) -> (Master, Report) {
    push_all(lpar, &[&[FIX], scripts].concat());
    let mut master = Master::new(request);
    let report = master.follow(&mut Session::open(lpar, &[])).expect("the session ended");
    (master, report)
}

fn output(lpar: &Lpar, master: &Master) -> String {
    let output = lpar.agent_file(&format!("operations/{}/output", master.operation));
    std::fs::read_to_string(output).unwrap()
}

fn steps(master: &Master) -> Vec<String> {
    master.sequence().into_iter().filter(|line| line.starts_with("script")).collect()
}

#[test]
fn scripts_run_once_in_their_order_after_the_software() {
    let lpar = lpar();
    let scripts = [FIRST, SECOND];
    let (master, report) = run(&lpar, &with(&scripts, plain(Kind::Install)), &scripts);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(report.summary, "geninstall reports success; the scripts ran");
    assert_eq!(lpar.get("scripts"), "first\nsecond\n");
    assert_eq!(output(&lpar, &master), "installing\nfirst 0\nsecond\n");
    assert_eq!(
        steps(&master),
        ["script 1 begun", "script 1 succeeded", "script 2 begun", "script 2 succeeded"]
    );
}

#[test]
fn a_script_alone_is_an_order_and_one_that_fails_keeps_those_after_it_from_running() {
    let lpar = lpar();
    let fails: &[u8] = b"#!/bin/sh\necho it is so; exit 3\n";
    let scripts = [FIRST, fails, SECOND];
    let (master, report) = run(&lpar, &alone(&scripts), &scripts);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(
        report.summary,
        "nothing was to be installed; the script script2 failed with exit status 3; one more was not run"
    );
    assert_eq!(report.codes, ["NLU-0164"]);
    assert_eq!((lpar.get("runs"), lpar.get("scripts").as_str()), (String::new(), "first\n"));
    assert!(output(&lpar, &master).ends_with("it is so\n"));
    assert_eq!(steps(&master).last().unwrap(), "script 2 failed");
}

#[test]
fn what_is_installed_stays_when_a_script_after_it_fails() {
    let lpar = lpar();
    let fails: &[u8] = b"#!/bin/sh\nkill -9 $$\n";
    let (_, report) = run(&lpar, &with(&[fails], plain(Kind::Install)), &[fails]);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Applied }, "{report:?}");
    assert_eq!(report.after.unwrap().interim_fixes.unwrap(), ["IJ1"]);
    // It is there already: geninstall is not asked again, and the script is still due.
    let mut again = Master::new(&with(&[FIRST], plain(Kind::Install)));
    again.operation = "0190b2c0-0000-7000-8000-000000000002".parse().unwrap();
    push_all(&lpar, &[FIX, FIRST]);
    let report = again.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(lpar.get("runs").lines().count(), 1);
    assert_eq!(lpar.get("scripts"), "first\n");
}

#[test]
fn no_script_runs_in_a_preview_or_after_software_that_failed() {
    let lpar = lpar();
    lpar.command("geninstall", "echo \"$*\" >> runs; exit 1");
    for kind in [Kind::InstallPreview, Kind::Install] {
        let (master, report) = run(&lpar, &with(&[FIRST], plain(kind)), &[FIRST]);
        assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
        assert_eq!((steps(&master).len(), lpar.get("scripts").as_str()), (0, ""));
        std::fs::remove_dir_all(lpar.agent_file("")).unwrap();
    }
    let preview = Request { kind: Kind::InstallPreview, ..alone(&[FIRST]) };
    let (_, report) = run(&lpar, &preview, &[FIRST]);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] });
    assert_eq!(report.summary, "nothing was to be installed; a preview runs no script: script1");
    assert_eq!(lpar.get("scripts"), "");
}

#[test]
fn a_script_that_does_not_end_is_ended_with_all_that_runs_in_its_session() {
    let lpar = lpar();
    let hangs: &[u8] = b"#!/bin/sh\nsleep 600 & echo $! > $NIM_AGENT_ROOT/state/child\nwait\n";
    let mut request = alone(&[hangs]);
    request.limits.script = Seconds(1);
    let (master, report) = run(&lpar, &request, &[hangs]);
    assert_eq!(report.codes, ["NLU-0165"], "{report:?}");
    assert_eq!(steps(&master), ["script 1 begun", "script 1 too_long"]);
    let child: u32 = lpar.get("child").trim().parse().unwrap();
    if let Some(child) = Process::open(child) {
        child.wait();
    }
}

/// Its shim is killed while it runs, and so is the supervisor: nobody knows how it ended, and it is not run again.
#[test]
fn a_script_whose_shim_was_killed_is_told_as_unknown_and_not_run_again() {
    let lpar = lpar();
    let waits: &[u8] = b"#!/bin/sh\necho once >> $NIM_AGENT_ROOT/state/scripts\n\
        echo $$ > $NIM_AGENT_ROOT/state/pid.new && mv $NIM_AGENT_ROOT/state/pid.new $NIM_AGENT_ROOT/state/pid\n\
        read line < $NIM_AGENT_ROOT/state/go\n";
    push_all(&lpar, &[waits]);
    let go = lpar.path("state/go");
    assert!(std::process::Command::new("mkfifo").arg(&go).status().unwrap().success());
    let mut master = Master::new(&alone(&[waits]));
    let mut session = Session::open(&lpar, &[]);
    let report = master.follow_until(&mut session, || lpar.path("state/pid").exists());
    assert_eq!(report, None);
    drop(session);
    let agents: Vec<Process> = lpar.agents().into_iter().filter_map(Process::open).collect();
    agents.iter().for_each(Process::kill);
    agents.iter().for_each(Process::wait);
    let script =
        Process::open(lpar.get("pid").trim().parse().unwrap()).expect("the script is there");
    // The successor waits for it, for as long as it is there.
    let (before, told) = (master.events.len(), Rc::new(Cell::new(0)));
    let counted = Rc::clone(&told);
    master.on_event = Some(Box::new(move |count| counted.set(count)));
    let report = master.follow_until(&mut Session::open(&lpar, &[]), || told.get() > before);
    assert_eq!(report, None);
    std::fs::write(&go, "\n").unwrap();
    script.wait();
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(report.codes, ["NLU-0167"]);
    assert_eq!(steps(&master), ["script 1 begun", "script 1 unknown"]);
    assert_eq!(lpar.get("scripts"), "once\n");
}

#[test]
fn scripts_that_the_policy_does_not_allow_are_refused_with_the_whole_order() {
    let lpar = lpar();
    push_all(&lpar, &[FIX, FIRST]);
    let mut refused = refusals(&lpar);
    for policy in ["", "scripts = off\n", &format!("scripts = {}\n", Digest::of(SECOND))] {
        allow(&lpar, policy);
        let request = with(&[FIRST], plain(Kind::Install));
        assert_eq!(refused(&request), Some(Refusal::Policy), "{policy}");
    }
    allow(&lpar, "scripts = on\n");
    let mut huge = with(&[FIRST], plain(Kind::Install));
    huge.scripts[0].content.bytes = 2 << 20;
    assert_eq!(refused(&huge), Some(Refusal::BadRequest));
    assert_eq!((lpar.get("runs"), lpar.get("scripts")), (String::new(), String::new()));
    allow(&lpar, &format!("scripts = {}\n", Digest::of(FIRST)));
    assert_eq!(refused(&with(&[FIRST], plain(Kind::Install))), None);
}
