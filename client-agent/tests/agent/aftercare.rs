//! What an update leaves to do, as the agent finds it at the end.

use nim_shared::aftercare::OpenItem;
use nim_shared::frame::{AgentFrame, Body, ChangeMoment, Event, Known};
use nim_shared::operation::{FollowUp, Outcome, Report};
use nim_shared::prep::Subsystem;
use nim_shared::request::{Install, Kind, Request};

use crate::lpar::{Lpar, order};
use crate::master::{Master, Session, push};

fn run(lpar: &Lpar) -> (Master, Report) {
    push(lpar);
    let mut master = Master::new(&order(Kind::Update));
    let report = master.follow(&mut Session::open(lpar, &[])).expect("the session ended");
    (master, report)
}

/// Commands that show something else once geninstall has installed the fix.
const AFTER: [(&str, &str); 8] = [
    (
        "genld",
        "printf 'Proc_pid: 4711\\tProc_name: sshd\\n\\nProc_pid: 9  Proc_name: nim-agent\\n'",
    ),
    (
        "ps",
        "case $* in *user*) echo '     PID     USER COMMAND'; echo '    4711     root /usr/sbin/sshd -D'; exit 0;; esac\nprocesses",
    ),
    (
        "lslpp",
        "case $1 in -w) echo '  /usr/sbin/sshd    openssh.base.server   File'; exit 1;; esac\ncat lslpp",
    ),
    (
        "lspath",
        "echo 'Enabled hdisk0 vscsi0'; [ -s fixes ] && echo 'Missing hdisk0 vscsi1' || echo 'Enabled hdisk0 vscsi1'",
    ),
    (
        "errpt",
        "echo 'IDENTIFIER TIMESTAMP  T C RESOURCE_NAME  DESCRIPTION'\n[ -s fixes ] && [ \"$1\" != -N ] && printf 'CB4A951F   0922152115 S S SRC            SOFTWARE PROGRAM ERROR\\n\
         CB4A951F   0922152015 S S SRC            SOFTWARE PROGRAM ERROR\\n9DBCFDEE   0922152015 T O errdemon       ERROR LOGGING TURNED ON\\n'\n\
         cat errpt; echo 'AAAAAAAA   0922101015 P H hdisk0         DISK OPERATION ERROR'",
    ),
    (
        "uname",
        "case $1 in -m) echo 00F94F584C00;; -n) [ -s fixes ] && echo other || echo lpar01;; -L) cat lpar;; esac",
    ),
    ("oslevel", "[ -s fixes ] && echo 7300-02-00-2346 || echo 7300-03-00-2446"),
    ("bootlist", "echo 'hdisk2 blv=hd5 pathid=0'"),
];

#[test]
fn what_an_update_leaves_is_reported_one_by_one() {
    let lpar = Lpar::new();
    for (program, script) in AFTER {
        lpar.command(program, script);
    }
    std::fs::create_dir_all(lpar.path("usr/sbin/rsct/bin")).unwrap();
    lpar.command("rsct/bin/rmcdomainstatus", "exit 0");
    let (master, report) = run(&lpar);
    let before = || "7300-03-00-2446".to_owned();
    assert_eq!(
        report.open_items,
        [
            OpenItem::Level { before: before() },
            OpenItem::Paths { disk: "hdisk0".parse().unwrap(), enabled: 2, others: 0 },
            OpenItem::BootList { disk: "hdisk2".parse().unwrap() },
            OpenItem::ErrorLog {
                identifier: "CB4A951F".to_owned(),
                resource: "SRC".to_owned(),
                description: "SOFTWARE PROGRAM ERROR".to_owned(),
                since: "2015-09-22T15:20".to_owned(),
            },
            OpenItem::HostName { before: "lpar01".to_owned() },
            OpenItem::ManagementLink,
            OpenItem::OldLibraries {
                pid: 4711,
                name: "sshd".to_owned(),
                owner: Some("root".to_owned()),
                fileset: Some("openssh.base.server".to_owned()),
            },
        ]
    );
    let follow_up = [
        FollowUp::Level,
        FollowUp::Paths,
        FollowUp::BootList,
        FollowUp::ErrorLog,
        FollowUp::Identity,
        FollowUp::ManagementLink,
        FollowUp::OldLibraries,
    ];
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: follow_up.to_vec() });
    let note = |event: &Event| match &event.body {
        Body::Known(known) => match &**known {
            Known::Note { text } => Some(text.clone()),
            _ => None,
        },
        Body::Other(_) => None,
    };
    let notes: Vec<_> = master.events.iter().filter_map(note).collect();
    for item in &report.open_items {
        let OpenItem::OldLibraries { .. } = item else {
            let told = format!("left to do: {item}");
            assert!(notes.contains(&told), "{told}: {notes:#?}");
            continue;
        };
        assert!(notes.iter().any(|text| text.ends_with(": sshd (4711)")), "{notes:#?}");
    }
}

#[test]
fn errors_after_the_move_are_a_success_with_something_left_to_do() {
    let lpar = Lpar::new();
    let begin = crate::lpar::TRANSCRIPT.split_inclusive('\n').take(15).collect::<String>();
    let end = "1430-249 An error occurred during post-processing.\n1430-094 The live update operation completed, but one or more errors occurred during post-processing after the update was applied.\n";
    lpar.set("transcript", &format!("{begin}{end}"));
    let (_, report) = run(&lpar);
    assert_eq!(report.open_items, [OpenItem::PostProcessing { others: 0 }], "{report:?}");
    let follow_up = vec![FollowUp::PostProcessing];
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up }, "{report:?}");
}

/// Subsystems that run, each on libraries that were replaced until it is started anew.
const SUBSYSTEMS: [(&str, &str); 4] = [
    (
        "genld",
        "for one in sshd:4711 syslogd:4712 ctrmc:4713; do [ -f new.${one%:*} ] || echo \"Proc_pid: ${one#*:}  Proc_name: ${one%:*}\"; done",
    ),
    (
        "lssrc",
        "echo 'Subsystem         Group            PID          Status'\n\
         for one in sshd:4711 syslogd:4712 ctrmc:4713 biod:4714; do n=${one%:*}; p=${one#*:}; [ -f new.$n ] && p=9$p\n\
         if [ -f down.$n ]; then echo \" $n  group   inoperative\"; else echo \" $n  group  $p  active\"; fi; done",
    ),
    ("stopsrc", "echo \"stop $2\" >> restarts; touch down.$2"),
    ("startsrc", "echo \"start $2\" >> restarts; rm -f down.$2; touch new.$2"),
];

/// An LPAR with them.
pub(crate) fn lpar() -> Lpar {
    let lpar = Lpar::new();
    for (program, script) in SUBSYSTEMS {
        lpar.command(program, script);
    }
    lpar
}

/// An update after which these are started anew, where they need that.
pub(crate) fn restarting(names: &[&str]) -> Request {
    let name = |text: &&str| Subsystem::try_from((*text).to_owned()).unwrap();
    Request { restart: names.iter().map(name).collect(), ..order(Kind::Update) }
}

/// Those that run and were started anew.
pub(crate) fn anew(lpar: &Lpar) -> Vec<&'static str> {
    let is_there = |what: &str, name: &str| lpar.path(&format!("state/{what}.{name}")).exists();
    let names = SUBSYSTEMS_NAMED.into_iter();
    names.filter(|name| is_there("new", name) && !is_there("down", name)).collect()
}

const SUBSYSTEMS_NAMED: [&str; 4] = ["sshd", "syslogd", "ctrmc", "biod"];

#[test]
fn an_interim_fix_that_all_should_have_brought_is_left_to_do() {
    let lpar = Lpar::new();
    let script = std::fs::read_to_string(lpar.path("usr/sbin/geninstall")).unwrap();
    let other = script.replace("1    S    IJ1 ", "1    S    IJ9 ");
    assert_ne!(other, script);
    std::fs::write(lpar.path("usr/sbin/geninstall"), other).unwrap();
    push(&lpar);
    let mut master = Master::new(&Request { install: Install::All, ..order(Kind::Update) });
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    assert_eq!(report.open_items, [OpenItem::InterimFix { label: "IJ1".to_owned() }], "{report:?}");
}

#[test]
fn what_the_order_has_started_anew_is_one_after_the_other_where_it_needs_that() {
    let lpar = lpar();
    push(&lpar);
    let mut master = Master::new(&restarting(&["biod", "sshd", "syslogd"]));
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    // biod does not run on old ones, and nobody ordered ctrmc.
    assert_eq!(lpar.get("restarts"), "stop sshd\nstart sshd\nstop syslogd\nstart syslogd\n");
    assert_eq!(anew(&lpar), ["sshd", "syslogd"]);
    let left: Vec<_> = report
        .open_items
        .iter()
        .map(|item| match item {
            OpenItem::OldLibraries { name, .. } => name.as_str(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(left, ["ctrmc"]);
    assert_eq!(master.changes(ChangeMoment::Intent), 5);
    assert_eq!(master.changes(ChangeMoment::Undone), 5);
}

#[test]
fn what_others_stand_on_is_refused_whoever_orders_it() {
    let lpar = Lpar::new();
    push(&lpar);
    let master = Master::new(&restarting(&["ctrmc"]));
    let mut session = Session::open(&lpar, &[]);
    session.hello().expect("a hello");
    master.start(&mut session);
    let said = session.next();
    assert!(
        matches!(&said, Some(AgentFrame::Refused { text, .. }) if text.contains("ctrmc is never started anew")),
        "{said:?}"
    );
}
