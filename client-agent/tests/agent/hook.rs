//! Hooks of an order: at their points, once, told what is known, and with the consequence that is declared.

use nim_shared::frame::{ChangeMoment, Refusal};
use nim_shared::hook::{Hook, HookExit, HookInput, HookPoint, Hooks};
use nim_shared::id::Digest;
use nim_shared::operation::{FollowUp, Outcome, Report, Software, StateName};
use nim_shared::request::{Content, Install, Kind, Request, Script};
use nim_shared::stage::Stage;
use nim_shared::unit::Seconds;

use crate::install::plain;
use crate::lpar::{FIX, Lpar, OWN_DATA, order};
use crate::master::{Master, Session, push_all};
use crate::process::Process;
use crate::script::{self, FIRST};
use crate::session::refusals;

/// Leaves a mark, says something that geninstall would not, and keeps what it was told.
pub(crate) const NOTES: &[u8] = b"#!/bin/sh\ncd $NIM_AGENT_ROOT/state\ncat > told\n\
    at=$(sed 's/.*\"hook\":\"\\([^\"]*\\)\".*/\\1/' told)\nmv told told.$at\n\
    echo \"$at\"; echo '1430-030 is not for you'; echo \"$at\" >> scripts\n";

/// The same, and does not succeed.
pub(crate) const FAILS: &[u8] = b"#!/bin/sh\ncd $NIM_AGENT_ROOT/state\ncat > told\n\
    at=$(sed 's/.*\"hook\":\"\\([^\"]*\\)\".*/\\1/' told)\nmv told told.$at\n\
    echo \"$at fails\" >> scripts; exit 3\n";

/// `request` with these hooks.
pub(crate) fn with(hooks: &[(HookPoint, HookExit, &[u8])], request: Request) -> Request {
    let hook = |(number, &(at, exit, content)): (usize, &(HookPoint, HookExit, &[u8]))| Hook {
        at,
        exit,
        script: Script {
            name: format!("hook{number}").parse().unwrap(),
            content: Content { digest: Digest::of(content), bytes: content.len() as u64 },
        },
    };
    let hooks = Hooks {
        lpar: "lpar01".parse().unwrap(),
        lpp_source: Some("7300-03-01".parse().unwrap()),
        limit: Seconds(60),
        list: (1..).zip(hooks).map(hook).collect(),
    };
    Request { hooks: Some(hooks), ..request }
}

/// At every point of an update one that succeeds; what a failure would mean is what it means where nothing is declared.
pub(crate) fn everywhere(request: Request) -> Request {
    let asked = |at: &&HookPoint| ![HookPoint::Backup, HookPoint::BeforeReboot].contains(at);
    let points = HookPoint::ALL.iter().filter(asked);
    let hooks: Vec<_> = points.map(|at| (*at, at.default_exit(), NOTES)).collect();
    with(&hooks, request)
}

fn run(lpar: &Lpar, request: &Request) -> (Master, Report) {
    push_all(lpar, &[FIX, FIRST, NOTES, FAILS]);
    let mut master = Master::new(request);
    let report = master.follow(&mut Session::open(lpar, &[])).expect("the session ended");
    (master, report)
}

/// What the hook at `at` was told.
fn told(lpar: &Lpar, at: HookPoint) -> HookInput {
    serde_json::from_str(&lpar.get(&format!("told.{at}"))).unwrap()
}

#[test]
fn hooks_run_at_their_points_and_are_told_what_is_known() {
    let lpar = script::lpar();
    let request = everywhere(script::with(&[FIRST], plain(Kind::Install)));
    let (master, report) = run(&lpar, &request);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(report.summary, "geninstall reports success; the script ran");
    assert_eq!(lpar.get("scripts"), "pre\nprep\nbefore-update\nfirst\npost\n");
    // What they print is none of geninstall's.
    assert_eq!(report.codes, Vec::<String>::new());
    let output = lpar.agent_file(&format!("operations/{}/output", master.operation));
    let output = std::fs::read_to_string(output).unwrap();
    // All of it was there before the end was told.
    assert_eq!(String::from_utf8_lossy(&master.output), output);
    let lines: Vec<_> = output.lines().filter(|line| !line.starts_with("1430")).collect();
    assert_eq!(lines, ["pre", "prep", "before-update", "installing", "first 0", "post"]);
    let sequence = master.sequence();
    let place = |line: &str| sequence.iter().position(|found| found == line).unwrap();
    for (earlier, later) in [
        ("stage pre", "script 2 begun"),
        ("script 2 succeeded", "stage prep"),
        ("script 3 succeeded", "stage backup"),
        ("point ready", "stage update"),
        ("stage update", "script 4 begun"),
        ("stage post", "script 5 begun"),
    ] {
        assert!(place(earlier) < place(later), "{earlier} {later}: {sequence:?}");
    }

    let before = told(&lpar, HookPoint::BeforeUpdate);
    let expected = HookInput {
        version: 1,
        hook: HookPoint::BeforeUpdate,
        name: "hook3".parse().unwrap(),
        operation: master.operation,
        lpar: "lpar01".parse().unwrap(),
        stage: Stage::Update,
        kind: Kind::Install,
        lpp_source: Some("7300-03-01".parse().unwrap()),
        install: Install::List(vec!["IJ1.241031.epkg.Z".to_owned()]),
        level: Some("7300-03-00-2446".to_owned()),
        result: None,
    };
    assert_eq!(before, expected);
    let after = told(&lpar, HookPoint::Post).result.unwrap();
    assert_eq!((after.state, after.software), (StateName::Succeeded, None));
}

#[test]
fn an_update_that_ends_before_anything_is_prepared_has_its_hook_for_that_too() {
    let lpar = Lpar::new();
    std::fs::write(lpar.path("etc/nim-agent.policy"), "scripts = on\n").unwrap();
    // The first thing that is looked at: what could not be put back as it is.
    std::fs::rename(lpar.data(), lpar.path("own.data")).unwrap();
    std::os::unix::fs::symlink(lpar.path("own.data"), lpar.data()).unwrap();
    let hooks = [
        (HookPoint::Pre, HookExit::Fail, NOTES),
        (HookPoint::OnFailure, HookExit::Warn, NOTES),
        (HookPoint::OnFailure, HookExit::Warn, FAILS),
    ];
    let (master, report) = run(&lpar, &with(&hooks, order(Kind::Update)));
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(lpar.get("scripts"), "on-failure\non-failure fails\n");
    let (cause, hook) = report.summary.split_once("; ").unwrap();
    assert!(cause.contains("is a link or no file"), "{report:?}");
    assert_eq!(hook, "the hook hook3 at on-failure failed with exit status 3");
    // What comes after the failure explains nothing of it.
    assert_eq!(report.codes, [""; 0]);
    let begun = master.sequence().into_iter().filter(|line| line.ends_with(" begun"));
    assert_eq!(begun.collect::<Vec<_>>(), ["script 2 begun", "script 3 begun"]);
}

/// Whatever was changed is put back, and nothing is started.
#[test]
fn a_hook_before_the_update_that_has_to_succeed_ends_it_before_anything_is_started() {
    for at in [HookPoint::Pre, HookPoint::Prep, HookPoint::BeforeUpdate] {
        let lpar = Lpar::new();
        std::fs::write(lpar.path("etc/nim-agent.policy"), "scripts = on\n").unwrap();
        let hooks = [
            (at, HookExit::Fail, FAILS),
            (at, HookExit::Fail, NOTES),
            (HookPoint::Post, HookExit::Warn, NOTES),
            (HookPoint::OnFailure, HookExit::Warn, NOTES),
        ];
        let (master, report) = run(&lpar, &with(&hooks, order(Kind::Update)));
        assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
        assert_eq!(report.summary, format!("the hook hook1 at {at} failed with exit status 3"));
        assert_eq!(report.codes, ["NLU-0168"]);
        assert_eq!(lpar.get("scripts"), format!("{at} fails\non-failure\n"));
        assert_eq!((lpar.get("runs"), lpar.get("token")), (String::new(), String::new()));
        assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
        let changed = master.changes(ChangeMoment::Intent);
        assert_eq!(
            (changed > 0, master.changes(ChangeMoment::Undone)),
            (at != HookPoint::Pre, changed)
        );
        let result = told(&lpar, HookPoint::OnFailure).result.unwrap();
        assert_eq!((result.state, result.codes), (StateName::Failed, vec!["NLU-0168".to_owned()]));
    }
}

#[test]
fn a_failure_that_is_a_warning_is_told_and_one_that_is_ignored_is_only_on_record() {
    for (exit, follow_up) in [(HookExit::Warn, vec![FollowUp::Hook]), (HookExit::Ignore, vec![])] {
        let lpar = script::lpar();
        let points = [HookPoint::Pre, HookPoint::Prep, HookPoint::BeforeUpdate, HookPoint::Post];
        let hooks = points.map(|at| (at, exit, FAILS));
        let (master, report) = run(&lpar, &with(&hooks, plain(Kind::Install)));
        let failed = points.map(|at| format!("{at} fails\n")).concat();
        assert_eq!(lpar.get("scripts"), failed);
        let marks = master.sequence().iter().filter(|line| line.ends_with(" failed")).count();
        assert_eq!((marks, lpar.get("runs").lines().count()), (4, 1));
        let warned = follow_up.len() * 4;
        assert_eq!(report.summary.matches(" failed with exit status 3").count(), warned);
        assert_eq!(report.codes.len(), warned, "{report:?}");
        assert_eq!(report.outcome, Outcome::Succeeded { follow_up });
    }
}

#[test]
fn a_hook_after_the_update_that_has_to_succeed_turns_it_into_a_failure() {
    let lpar = script::lpar();
    let hooks = [
        (HookPoint::Post, HookExit::Fail, FAILS),
        (HookPoint::Post, HookExit::Warn, NOTES),
        (HookPoint::OnFailure, HookExit::Warn, FAILS),
    ];
    let (_, report) = run(&lpar, &with(&hooks, plain(Kind::Install)));
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Applied }, "{report:?}");
    assert_eq!(
        report.summary,
        "geninstall reports success; the hook hook1 at post failed with exit status 3; the hook hook3 at on-failure failed with exit status 3"
    );
    assert_eq!(lpar.get("scripts"), "post fails\non-failure fails\n");
    let result = told(&lpar, HookPoint::OnFailure).result.unwrap();
    assert_eq!(result.software, Some(Software::Applied));
}

#[test]
fn a_preview_runs_no_hook_and_neither_does_an_order_with_nothing_to_do() {
    let lpar = script::lpar();
    let (master, report) = run(&lpar, &everywhere(plain(Kind::InstallPreview)));
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    assert!(!master.sequence().iter().any(|line| line.starts_with("script")));
    std::fs::remove_dir_all(lpar.agent_file("")).unwrap();
    // By now it is installed, since this geninstall knows no preview.
    let (_, report) =
        run(&lpar, &with(&[(HookPoint::Post, HookExit::Warn, NOTES)], plain(Kind::Install)));
    assert_eq!(report.outcome, Outcome::Unchanged, "{report:?}");
    assert_eq!(lpar.get("scripts"), "");
}

#[test]
fn hooks_come_after_a_failure_of_the_software() {
    let lpar = script::lpar();
    lpar.command("geninstall", "echo \"$*\" >> runs; exit 1");
    let (_, report) = run(&lpar, &everywhere(plain(Kind::Install)));
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(lpar.get("scripts"), "pre\nprep\nbefore-update\non-failure\n");
}

#[test]
fn a_hook_that_does_not_end_is_ended_with_all_that_runs_in_its_session() {
    let lpar = script::lpar();
    let hangs: &[u8] = b"#!/bin/sh\nsleep 600 & echo $! > $NIM_AGENT_ROOT/state/child\nwait\n";
    let mut request = with(&[(HookPoint::Pre, HookExit::Fail, hangs)], plain(Kind::Install));
    request.hooks.as_mut().unwrap().limit = Seconds(1);
    push_all(&lpar, &[hangs]);
    let (master, report) = run(&lpar, &request);
    assert_eq!(report.summary, "the hook hook1 at pre did not end within 1 seconds, and was ended");
    assert!(master.sequence().contains(&"script 1 too_long".to_owned()));
    let child: u32 = lpar.get("child").trim().parse().unwrap();
    if let Some(child) = Process::open(child) {
        child.wait();
    }
}

/// Its shim is killed while it runs, and so is the supervisor: nobody knows how it ended. The operation does not go on.
#[test]
fn a_hook_whose_shim_was_killed_is_not_run_again_and_counts_as_failed() {
    let lpar = script::lpar();
    let waits: &[u8] = b"#!/bin/sh\necho once >> $NIM_AGENT_ROOT/state/scripts\n\
        echo $$ > $NIM_AGENT_ROOT/state/pid.new && mv $NIM_AGENT_ROOT/state/pid.new $NIM_AGENT_ROOT/state/pid\n\
        read line < $NIM_AGENT_ROOT/state/go\n";
    push_all(&lpar, &[FIX, waits]);
    let go = lpar.path("state/go");
    assert!(std::process::Command::new("mkfifo").arg(&go).status().unwrap().success());
    let hooks = [(HookPoint::BeforeUpdate, HookExit::Fail, waits)];
    let mut master = Master::new(&with(&hooks, plain(Kind::Install)));
    let mut session = Session::open(&lpar, &[]);
    let report = master.follow_until(&mut session, || lpar.path("state/pid").exists());
    assert_eq!(report, None);
    drop(session);
    let agents: Vec<Process> = lpar.agents().into_iter().filter_map(Process::open).collect();
    agents.iter().for_each(Process::kill);
    agents.iter().for_each(Process::wait);
    let hook = Process::open(lpar.get("pid").trim().parse().unwrap()).expect("the hook is there");
    std::fs::write(&go, "\n").unwrap();
    hook.wait();
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(report.codes, ["NLU-0169"]);
    assert_eq!((lpar.get("scripts").as_str(), lpar.get("runs").as_str()), ("once\n", ""));
}

#[test]
fn hooks_that_the_policy_does_not_allow_are_refused_with_the_whole_order() {
    let lpar = script::lpar();
    push_all(&lpar, &[FIX, NOTES]);
    let request = everywhere(plain(Kind::Install));
    let mut refused = refusals(&lpar);
    for policy in ["", "scripts = off\n", &format!("scripts = {}\n", Digest::of(FIRST))] {
        std::fs::write(lpar.path("etc/nim-agent.policy"), policy).unwrap();
        assert_eq!(refused(&request), Some(Refusal::Policy), "{policy}");
    }
    std::fs::write(lpar.path("etc/nim-agent.policy"), "scripts = on\n").unwrap();
    let late = with(&[(HookPoint::OnFailure, HookExit::Fail, NOTES)], plain(Kind::Install));
    assert_eq!(refused(&late), Some(Refusal::BadRequest));
    let many = with(&[(HookPoint::Post, HookExit::Warn, NOTES); 17], plain(Kind::Install));
    assert_eq!(refused(&many), Some(Refusal::BadRequest));
    assert_eq!(lpar.get("scripts"), "");
    let policy = format!("scripts = {}\n", Digest::of(NOTES));
    std::fs::write(lpar.path("etc/nim-agent.policy"), policy).unwrap();
    assert_eq!(refused(&request), None);
}
