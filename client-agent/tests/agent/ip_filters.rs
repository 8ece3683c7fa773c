//! IP filters are off for the update, and come back only under the eyes of a master that gets in.

use std::rc::Rc;

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
