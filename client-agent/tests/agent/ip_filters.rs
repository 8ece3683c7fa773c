//! IP filters are off for the update, and come back only under the eyes of a master that gets in.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nim_shared::frame::{ChangeClass, ChangeMoment};
use nim_shared::operation::{Outcome, Software, StuckReason};
use nim_shared::prep::{PrepStep, Step};
use nim_shared::request::{Kind, Request};
use nim_shared::unit::Seconds;

use crate::lpar::{Lpar, order};
use crate::master::{Master, Proves, Session, push};
use crate::prep::run;
use crate::process::Process;

/// What the references say of them, and where they say nothing one reading for each version: the rules of version 4 outlive their device,
/// those of version 6 hold it.
const COMMANDS: [(&str, &str); 10] = [
    (
        "lsdev",
        "for v in 4 6; do [ -s device.$v ] && echo \"ipsec ipsec_v$v $(cat device.$v) IP Security\"; done; exit 0",
    ),
    (
        "lsfilt",
        "v=${1#-v}\n[ -f unread.$v ] && { echo 'Rule 1:'; exit 0; }\ncase $2 in -O) cat table.$v;;\n\
         *) [ -s active.$v ] || { echo 'nothing is in force'; exit 1; }; cat active.$v;; esac",
    ),
    (
        "mkfilt",
        "echo \"$*\" >> mkfilt.log\ncase $3 in -u) cat table.$2 > active.$2;; -d) : > active.$2;; esac",
    ),
    ("rmfilt", ": > table.$2"),
    ("expfilt", "cp table.$2 ..$4/rules"),
    ("impfilt", "cat ..$4/rules >> table.$2; [ -f another ] && cat another >> table.$2; exit 0"),
    ("mkdev", "echo Available > device.$4; echo \"ipsec_v$4 Available\""),
    (
        "rmdev",
        "v=${2#ipsec_v}\n[ $v = 6 ] && [ -s table.6 ] && { echo '0514-062 busy'; exit 1; }\n\
         : > device.$v; : > active.$v; echo \"$2 deleted\"",
    ),
    ("lstun", "[ -f tunnels ] && cat tunnels; exit 0"),
    ("ike", "[ -f negotiated ] && cat negotiated; exit 0"),
];

const STATE: [(&str, &str); 6] = [
    ("device.4", "Available\n"),
    ("device.6", "Available\n"),
    ("table.4", "1|permit|10.0.0.1|\n0|deny|0.0.0.0|\n"),
    ("table.6", "1|permit|::1|\n0|deny|::|\n"),
    ("active.4", "1|permit|10.0.0.1|\n0|deny|0.0.0.0|\n"),
    ("active.6", "1|permit|::1|\n0|deny|::|\n"),
];

/// Has the LPAR filter.
pub(crate) fn put_on(lpar: &Lpar) {
    COMMANDS.iter().for_each(|(name, script)| lpar.command(name, script));
    STATE.iter().for_each(|(name, content)| lpar.set(name, content));
}

fn lpar() -> Lpar {
    let lpar = Lpar::new();
    put_on(&lpar);
    lpar.command("lssrc", "cat ike || { echo '0513-086 The ike Group is not on file.'; exit 1; }");
    push(&lpar);
    lpar
}

fn wanted(cut_tunnels: Option<&str>) -> Request {
    let step = Step::IpFilters { cut_tunnels: cut_tunnels.map(str::to_owned) };
    let prep = vec![PrepStep { step, class: ChangeClass::Always }];
    Request { prep, ..order(Kind::Update) }
}

fn state(lpar: &Lpar) -> [String; 6] {
    STATE.map(|(name, _)| lpar.get(name))
}

/// Both are off: no device, nothing in force.
fn are_off(lpar: &Lpar) -> bool {
    ["device.4", "device.6", "active.4", "active.6"].iter().all(|name| lpar.get(name).is_empty())
}

fn is_refused(lpar: &Lpar, before: &[String; 6], request: &Request, why: &str) {
    let (master, report) = run(lpar, request);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert!(report.summary.contains(why), "{report:?}");
    assert_eq!((master.changes(ChangeMoment::Intent), lpar.get("mkfilt.log")), (0, String::new()));
    assert_eq!(&state(lpar), before);
}

#[test]
fn filters_come_back_as_they_were_and_the_time_without_them_is_told() {
    let lpar = lpar();
    let before = state(&lpar);
    let (master, report) = run(&lpar, &wanted(None));
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(state(&lpar), before);
    assert_eq!(master.trials, 2, "each version has its own");
    let [of_4, of_6] = &report.exposed[..] else { panic!("{report:?}") };
    assert!(of_4.from <= of_6.from && of_6.to.unwrap() <= of_4.to.unwrap(), "{report:?}");
    assert!(of_4.to_string().starts_with("without IP filters of version 4 from "), "{of_4}");
}

#[test]
fn a_master_that_does_not_come_in_anew_has_them_taken_off_again_until_one_does() {
    let lpar = lpar();
    let before = state(&lpar);
    let mut request = wanted(None);
    request.limits.answer = Seconds(3);
    let mut master = Master::new(&request);
    // It lives on under the filters, and says so.
    master.proves = |_| Proves::Here;
    let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Stuck { reason: StuckReason::UndoFailed }, "{report:?}");
    for part in [
        "the IP filters of version 4 are off again: no connection that the master opened came through them within 3 s",
        "/filters.v4 (`impfilt -v 4 -f ",
        "without IP filters of version 4 since ",
    ] {
        assert!(report.summary.contains(part), "{part}: {report:?}");
    }
    assert!(are_off(&lpar));
    let folder = format!("operations/{}/filters.v6/rules", master.operation);
    assert_eq!(std::fs::read_to_string(lpar.agent_file(&folder)).unwrap(), before[3]);
    lpar.wait_for_supervisors(master.operation);

    master.proves = |_| Proves::Anew;
    let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(state(&lpar), before);
    assert!(report.exposed.iter().all(|one| one.to.is_some()), "{report:?}");
}

#[test]
fn whoever_dies_before_the_proof_the_successor_takes_them_off_before_it_tries_again() {
    let lpar = Rc::new(lpar());
    let before = state(&lpar);
    let mut master = Master::new(&wanted(None));
    let mut session = Session::open(&lpar, &[]);
    let (here, serve) = (Rc::clone(&lpar), session.id());
    master.on_trial = Some(Box::new(move |trial| {
        if trial == 1 {
            let others = here.agents().into_iter().filter(|pid| *pid != serve);
            let supervisors: Vec<Process> = others.filter_map(Process::open).collect();
            supervisors.iter().for_each(Process::kill);
            supervisors.iter().for_each(Process::wait);
        }
    }));
    master.proves = |trial| if trial == 1 { Proves::Here } else { Proves::Anew };
    let report = master.follow(&mut session).unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(state(&lpar), before);
    let asked = lpar.get("mkfilt.log");
    let of_6: Vec<_> = asked.lines().filter_map(|line| line.strip_prefix("-v 6 ")).collect();
    assert_eq!(of_6, ["-d", "-u", "-d", "-u"], "{asked}");
}

type Boots = fn(&Lpar);

/// What AIX may make of the filters at a boot: nothing is known of it.
const AT_BOOT: [(&str, Boots); 4] = [
    ("all of them are in force", |lpar| {
        STATE.iter().for_each(|(name, content)| lpar.set(name, content));
    }),
    ("their devices are there, and no rule is in force", |lpar| {
        STATE.iter().for_each(|(name, content)| lpar.set(name, content));
        ["active.4", "active.6"].iter().for_each(|name| lpar.set(name, ""));
    }),
    ("there is no device, and the rules are as they were", |lpar| {
        STATE.iter().for_each(|(name, content)| lpar.set(name, content));
        off(lpar);
    }),
    ("nothing is left of them", |lpar| {
        STATE.iter().for_each(|(name, _)| lpar.set(name, ""));
    }),
];

fn off(lpar: &Lpar) {
    ["device.4", "device.6", "active.4", "active.6"].iter().for_each(|name| lpar.set(name, ""));
}

/// When the LPAR is booted: within a command about version 6, or while its trial waits for the proof.
const MOMENTS: [(&str, &str); 4] = [
    ("mkdev", "[ $4 = 6 ] && hold"),
    ("mkfilt", "[ \"$2 $3\" = '6 -u' ] && hold"),
    // Only what is withdrawn is taken off while it is to come back.
    ("mkfilt", "[ \"$2 $3\" = '6 -d' ] && [ -f loaded ] && hold; [ $3 = -u ] && : > loaded"),
    ("", ""),
];

/// Between loading and proof the LPAR is booted: all that runs is gone, and the filters are whatever AIX makes of them.
#[test]
fn an_lpar_that_is_booted_during_the_trial_has_its_filters_proven_anew() {
    let next = AtomicUsize::new(0);
    let cases: Vec<_> =
        MOMENTS.iter().flat_map(|moment| AT_BOOT.map(|boot| (*moment, boot))).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    booted(case.0, case.1);
                }
            });
        }
    });
}

fn booted((command, moment): (&'static str, &str), (what, boot): (&str, Boots)) {
    let case = format!("{command} {moment}: {what}");
    let lpar = Rc::new(lpar());
    let before = state(&lpar);
    let script = |more: &str| {
        if let Some((name, script)) = COMMANDS.iter().find(|(name, _)| *name == command) {
            let hold = "hold() { echo $$ > other.new; mv other.new other; exec sleep 600; }";
            lpar.command(name, &format!("{hold}\n{script}\n{more}\nexit 0"));
        }
    };
    script(moment);
    let mut request = wanted(None);
    let withdraws = moment.contains("-d");
    if withdraws {
        request.limits.answer = Seconds(2);
    }
    let mut master = Master::new(&request);
    master.proves = |_| Proves::Here;
    if command.is_empty() {
        let here = Rc::clone(&lpar);
        master.on_trial = Some(Box::new(move |_| end_all(&here)));
    }
    let mut session = Session::open(&lpar, &[]);
    let is_held = || lpar.path("state/other").exists();
    assert_eq!(master.follow_until(&mut session, is_held), None, "{case}");
    drop(session);
    end_all(&lpar);
    lpar.get("other").trim().parse().ok().and_then(Process::open).iter().for_each(Process::kill);

    script("");
    lpar.set("boot", "   .        system boot Nov 12 10:20\n");
    boot(&lpar);
    lpar.set("mkfilt.log", "");
    let trials = master.trials;
    master.on_trial = None;
    master.proves = |_| Proves::Anew;
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{case}: {report:?}");
    assert_eq!(state(&lpar), before, "{case}");
    let [one, other] = &report.exposed[..] else { panic!("{case}: {report:?}") };
    assert!(one.to.is_some() && other.to.is_some(), "{case}: {report:?}");
    // In force only by a proof of after the boot, and what AIX had loaded by itself is taken off before.
    assert!(master.trials > trials, "{case}");
    let asked = lpar.get("mkfilt.log");
    let of_6: Vec<_> = asked.lines().filter_map(|line| line.strip_prefix("-v 6 ")).collect();
    assert_eq!(of_6.last(), Some(&"-u"), "{case}: {asked}");
    if what.starts_with("all") && !withdraws {
        assert_eq!(of_6, ["-d", "-u"], "{case}: {asked}");
    }
}

/// Ends the agent's processes as a boot does.
fn end_all(lpar: &Lpar) {
    let agents: Vec<Process> = lpar.agents().into_iter().filter_map(Process::open).collect();
    agents.iter().for_each(Process::kill);
    agents.iter().for_each(Process::wait);
}

#[test]
fn what_does_not_come_back_as_it_was_stays_off() {
    let lpar = lpar();
    lpar.set("another", "3|permit|0.0.0.0|\n");
    let (master, report) = run(&lpar, &wanted(None));
    assert_eq!(report.outcome, Outcome::Stuck { reason: StuckReason::UndoFailed }, "{report:?}");
    let part = "the IP filters of version 6 do not come back as they were, and are off";
    assert!(report.summary.contains(part), "{report:?}");
    assert_eq!((master.trials, lpar.get("device.6")), (1, String::new()));
    assert_eq!(lpar.get("active.4"), STATE[4].1, "the others are back");
}

#[test]
fn a_tunnel_that_may_be_active_stands_against_it_unless_it_may_be_cut() {
    for (name, text, why) in [
        ("tunnels", "Tunnel 7 to 10.9.9.9\n", "lstun -v 4 -a says \"Tunnel 7 to 10.9.9.9\""),
        ("negotiated", "Phase 1 up\n", "ike cmd=list says \"Phase 1 up\""),
    ] {
        let lpar = lpar();
        lpar.set(name, text);
        lpar.set("ike", "Subsystem         Group            PID          Status\n isakmpd          ike              77           active\n");
        let before = state(&lpar);
        is_refused(&lpar, &before, &wanted(None), why);
        lpar.set("runs", "");
        let waived = wanted(Some("down on Sundays"));
        let other = Lpar::new();
        put_on(&other);
        other.set(name, text);
        let (_, report) = run(&other, &waived);
        assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
        assert_eq!(state(&other), before);
    }
}

/// What makes filters ones that cannot be read.
type Breaks = fn(&Lpar);

#[test]
fn filters_that_cannot_be_read_are_left_alone() {
    let cases: [(Breaks, &str); 3] = [
        (|lpar| lpar.set("unread.6", ""), "IP filters of version 6: lsfilt prints \"Rule 1:\""),
        (|lpar| lpar.set("active.4", ""), "lsfilt failed with exit status 1: nothing is in force"),
        (
            |lpar| std::fs::remove_file(lpar.path("usr/sbin/lsfilt")).unwrap(),
            "there is no command lsfilt",
        ),
    ];
    for (breaks, why) in cases {
        let lpar = lpar();
        breaks(&lpar);
        let before = state(&lpar);
        is_refused(&lpar, &before, &wanted(None), why);
    }
}
