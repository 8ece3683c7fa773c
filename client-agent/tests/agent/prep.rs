//! What prep changes, and what becomes of it: in success, in failure, with states that were off before, and where undoing fails.

use nim_shared::frame::{ChangeClass, ChangeMoment};
use nim_shared::operation::{Outcome, Report, Software, StuckReason};
use nim_shared::prep::{Backup, PrepStep, Step, Subsystem};
use nim_shared::request::{Images, Install, Kind, Request};

use crate::disks;
use crate::ip_filters;
use crate::lpar::{Lpar, order};
use crate::master::{Master, Session, push};

/// Everything that the steps of these tests can change, as files of the LPAR.
pub(crate) const CHANGED: [&str; 18] = [
    "state/te",
    "state/wlm",
    "state/audit",
    "state/src.dsmcad",
    "state/src.nimon",
    "state/src.pfcdaemon",
    "state/autofs",
    "state/lspv",
    "state/copies",
    "etc/nscontrol.conf",
    "etc/inittab",
    "etc/security/audit/config",
    "state/device.4",
    "state/device.6",
    "state/table.4",
    "state/table.6",
    "state/active.4",
    "state/active.6",
];

const INITTAB: &str = "init:2:initdefault:\nrcnetwlm:23456789:wait:/etc/rc.netwlm start> /dev/console 2>&1 # Start netwlm\n";

const COMMANDS: [(&str, &str); 17] = [
    (
        "trustchk",
        "shown() { read -r te < te; case $te in on) te=ON;; off) te=OFF;; esac; echo TE=$te; }\n\
         echo \"$*\" >> trustchk.log\ncase \"$*\" in\n-p) shown; echo LOCK_KERN_POLICIES=$(cat lock);;\n\
         '-p te') shown;;\n\
         '-p te='*) [ -f te.once ] && { rm te.once; exit 1; }; [ \"$*\" = '-p te=on' ] && [ -f te.stays ] && exit 0; echo ${2#te=} > te;;\n\
         -n*) [ -f mismatch ] && { echo 'trustchk: Verification of attributes failed: hash'; exit 1; }; exit 0;;\nesac",
    ),
    ("chsec", "sed -i \"s/secorder = .*/secorder = ${6#secorder=}/\" ../etc/nscontrol.conf"),
    (
        "wlmcntrl",
        "case $1 in -q) exit $(cat wlm);; -o) echo 1 > wlm;; -a) echo 0 > wlm;; -p) echo 2 > wlm;; esac",
    ),
    ("lsitab", "grep \"^$1:\" ../etc/inittab"),
    (
        "chitab",
        "id=${1%%:*}\nwhile IFS= read -r line; do case $line in $id:*) printf '%s\\n' \"$1\";; *) printf '%s\\n' \"$line\";; esac; done < ../etc/inittab > inittab.new\ncat inittab.new > ../etc/inittab",
    ),
    (
        "lssrc",
        "[ -f src.$2 ] || { echo \"0513-085 The $2 Subsystem is not on file.\"; exit 1; }\n\
         echo 'Subsystem         Group            PID          Status'; echo \" $2 backup $(cat src.$2)\"",
    ),
    (
        "alt_disk_copy",
        "echo \"$*\" >> copies\n[ -f copy.fails ] && { echo '0505-102 it failed'; exit 1; }\n\
         sed -i 's/^hdisk3 \\(.*\\) None/hdisk3 \\1 altinst_rootvg/' lspv",
    ),
    (
        "alt_rootvg_op",
        "[ $1 = -v ] || exit 1\nsed -i \"s/^$4 \\\\([0-9a-f]*\\\\) .*/$4 \\\\1 $2/\" lspv",
    ),
    ("bootlist", "cat bootlist"),
    ("lquerypv", "command cat header-${2#/dev/}"),
    ("fuser", "case $1 in /dev/*) cat open;; esac"),
    (
        "lvupdateRegScript",
        "case $1 in -r) : > autofs;; -a) echo $9 ${11} > autofs;;\n\
         *) echo 'orig,LVUP_CHECK,5:'; echo '        STOP_CACHE = /usr/sbin/cache_mgt'\n\
         [ -s autofs ] && { echo 'orig,LVUP_CHECK,6:'; echo \"        AUTOFS_UMOUNT = $(cut -d' ' -f2- autofs)\"; }; exit 0;; esac",
    ),
    (
        "emgr",
        "case \"$*\" in\n-P) while read -r id state label rest; do case $id in [0-9]*) echo \"bos.rte installp $label\";; esac; done < fixes;;\n\
         '-l -L '*) cat apar.$3;;\n'-r -L '*) sed -i \"/ $3 /d\" fixes;;\n\
         *) [ -s fixes ] || { echo 'There is no efix data on this system.'; exit 0; }; cat fixes-heading fixes;; esac",
    ),
    ("stopsrc", "echo inoperative > src.$2"),
    (
        "startsrc",
        "[ -f src.fails ] && [ $2 = dsmcad ] && { echo 'cannot start'; exit 1; }; echo active > src.$2",
    ),
    (
        "audit",
        "case $1 in query) echo \"auditing $(cat audit)\";; start) echo on > audit;; shutdown) echo off > audit;; esac",
    ),
    (
        "lslpp",
        "case $1 in -fqc) echo \"/usr/lib/objrepos:bos.rte 7.3.3.1:/usr/bin/true\"; echo \"/usr/lib/objrepos:bos.rte 7.3.3.1:/usr/bin/unknown\";; *) cat lslpp;; esac",
    ),
];

const LSPV: &str = "hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 None\nhdisk2 none None\n\
    hdisk3 00f94f58c90ae058 None\nhdisk4 00f94f58c90ae059 altinst_rootvg\n";

/// An LPAR on which everything is on, at a level that cannot carry an audit stream over.
pub(crate) fn lpar() -> Lpar {
    let lpar = Lpar::new();
    for (name, script) in COMMANDS {
        lpar.command(name, script);
    }
    ip_filters::put_on(&lpar);
    for folder in ["etc/security/audit", "etc/security/tsd"] {
        std::fs::create_dir_all(lpar.path(folder)).unwrap();
    }
    for (name, content) in [
        ("te", "on\n"),
        ("lock", "OFF\n"),
        ("wlm", "0\n"),
        ("audit", "on\n"),
        ("src.dsmcad", "active\n"),
        ("src.nimon", "inoperative\n"),
        ("src.pfcdaemon", "inoperative\n"),
        ("autofs", "6 /usr/lpp/nfs/autofs/autofs_lku orig\n"),
        ("bootlist", "hdisk0 blv=hd5 pathid=0\nhdisk0 blv=hd5 pathid=1\n"),
        ("lspv", LSPV),
        ("copies", ""),
        ("header-hdisk3", &disks::header("00f94f58c90ae058", "00000000")),
        ("open", ""),
        ("level", "7200-05-04-2220\n"),
    ] {
        lpar.set(name, content);
    }
    for (path, content) in [
        ("etc/nscontrol.conf", "* names\ntsddat:\n\tsecorder = LDAP,files\n"),
        ("etc/inittab", INITTAB),
        ("etc/security/audit/config", "start:\n\tbinmode = on\n\tstreammode = on\n"),
        ("etc/security/tsd/tsd.dat", "/usr/bin/true:\n\towner = root\n"),
    ] {
        std::fs::write(lpar.path(path), content).unwrap();
    }
    lpar
}

/// An update with every step.
pub(crate) fn with_prep() -> Request {
    with_class(ChangeClass::Always)
}

fn with_class(class: ChangeClass) -> Request {
    let service =
        |name: &str| Step::Service { subsystem: Subsystem::try_from(name.to_owned()).unwrap() };
    let always = |step| PrepStep { step, class: ChangeClass::Always };
    let mut prep =
        vec![always(Step::TrustedExecution), always(Step::Secorder), always(Step::OtherCopy)];
    let rest = [
        service("dsmcad"),
        service("nimon"),
        Step::WorkloadManager,
        Step::AuditStream,
        Step::Pfcdaemon,
        Step::StaleAutofs,
    ];
    prep.extend(rest.map(|step| PrepStep { step, class }));
    prep.push(always(Step::IpFilters { cut_tunnels: None }));
    let backup = Some(Backup::CopyTo(vec!["hdisk3".parse().unwrap()]));
    Request { prep, backup, ..order(Kind::Update) }
}

/// As it is after an update that made a copy: that stays.
pub(crate) fn with_copy(mut state: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    for (name, text) in &mut state {
        match *name {
            "state/lspv" => *text = text.replace("ae058 None", &format!("ae058 {COPY}")),
            "state/copies" => *text = "-B -d hdisk3\n".to_owned(),
            _ => {}
        }
    }
    state
}

/// The name that the copy of the tests' operation gets.
const COPY: &str = "nimbak_00000001";

/// What can be changed, as it is.
pub(crate) fn state(lpar: &Lpar) -> Vec<(&'static str, String)> {
    let read = |name: &'static str| std::fs::read_to_string(lpar.path(name)).unwrap_or_default();
    CHANGED.map(|name| (name, read(name))).into()
}

/// Has geninstall write down what it finds, and bring what an update brings.
fn sees(lpar: &Lpar) {
    let script = std::fs::read_to_string(lpar.path("usr/sbin/geninstall")).unwrap();
    let files = CHANGED.map(|name| format!("../{name}")).join(" ");
    let seen = format!("for f in {files}; do echo \"$f: $(cat $f)\"; done > seen\n");
    std::fs::write(
        lpar.path("usr/sbin/geninstall"),
        script.replace("cat transcript\n", &format!("{seen}cat transcript\n")),
    )
    .unwrap();
}

pub(crate) fn run(lpar: &Lpar, request: &Request) -> (Master, Report) {
    run_by(Master::new(request), lpar)
}

/// The same, asked for by `master`.
pub(crate) fn run_by(mut master: Master, lpar: &Lpar) -> (Master, Report) {
    push(lpar);
    let mut session = Session::open(lpar, &[]);
    let report = master.follow(&mut session).expect("the session ended");
    assert_eq!(session.close(), Some(0));
    lpar.wait_for_supervisors(master.operation);
    (master, report)
}

/// Has the update bring another level of a fileset.
fn updates(lpar: &Lpar) {
    let path = lpar.path("usr/sbin/geninstall");
    let script = std::fs::read_to_string(&path).unwrap();
    let changed = "echo 'bos.rte:bos.rte:7.3.3.1: : :C: :Base:' > lslpp\ncat transcript\n";
    std::fs::write(path, script.replace("cat transcript\n", changed)).unwrap();
}

#[test]
fn what_was_on_is_off_for_the_update_and_on_again_after_it() {
    let lpar = lpar();
    sees(&lpar);
    updates(&lpar);
    let before = with_copy(state(&lpar));
    let (master, report) = run(&lpar, &with_prep());
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    let seen = "../state/te: off\n../state/wlm: 1\n../state/audit: on\n../state/src.dsmcad: inoperative\n\
        ../state/src.nimon: inoperative\n../state/src.pfcdaemon: active\n../state/autofs: \n\
        ../state/lspv: hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 None\nhdisk2 none None\n\
        hdisk3 00f94f58c90ae058 nimbak_00000001\nhdisk4 00f94f58c90ae059 nimalt_00000001\n\
        ../state/copies: -B -d hdisk3\n../etc/nscontrol.conf: * names\ntsddat:\n\tsecorder = files\n\
        ../etc/inittab: init:2:initdefault:\n\
        rcnetwlm:23456789:off:/etc/rc.netwlm start> /dev/console 2>&1 # Start netwlm\n\
        ../etc/security/audit/config: start:\n\tbinmode = on\n\tstreammode = off\n\
        ../state/device.4: \n../state/device.6: \n../state/table.4: 1|permit|10.0.0.1|\n0|deny|0.0.0.0|\n\
        ../state/table.6: \n../state/active.4: \n../state/active.6: \n";
    assert_eq!(lpar.get("seen"), seen);
    assert_eq!(state(&lpar), before);
    // Trusted Execution comes first and goes last, and what changed was verified while it was off.
    assert_eq!(master.changes(ChangeMoment::Done), master.changes(ChangeMoment::Undone) + 1);
    assert_eq!(master.changes(ChangeMoment::Kept), 1, "the copy");
    let sequence = master.sequence();
    let undone: Vec<_> = sequence.iter().filter(|line| line.ends_with(" undone")).collect();
    assert_eq!(undone.last().map(|line| line.as_str()), Some("change 1 undone"));
    let asked = lpar.get("trustchk.log");
    let verified = asked.find("-n /usr/bin/true\n").expect("what is in the database was verified");
    assert!(verified < asked.find("te=on").expect("it was switched on"), "{asked}");
    assert!(!asked.contains("-y") && !asked.contains("unknown"), "{asked}");
}

#[test]
fn what_was_off_stays_off_and_what_is_not_there_is_no_fault() {
    let lpar = lpar();
    let without = LSPV.replace("altinst_rootvg", "None");
    for (name, content) in [
        ("te", "off\n"),
        ("wlm", "1\n"),
        ("audit", "off\n"),
        ("src.dsmcad", "inoperative\n"),
        ("src.pfcdaemon", "active\n"),
        ("autofs", ""),
        ("device.4", ""),
        ("device.6", ""),
        ("lspv", &without),
    ] {
        lpar.set(name, content);
    }
    std::fs::remove_file(lpar.path("state/src.nimon")).unwrap();
    std::fs::write(lpar.path("etc/nscontrol.conf"), "").unwrap();
    std::fs::write(lpar.path("etc/inittab"), INITTAB.replace(":wait:", ":off:")).unwrap();
    let before = with_copy(state(&lpar));
    let (master, report) = run(&lpar, &with_prep());
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(master.changes(ChangeMoment::Intent), 4, "the order's own and the copy");
    assert_eq!(state(&lpar), before);
}

#[test]
fn after_a_failure_everything_is_put_back_and_after_a_success_what_its_class_says() {
    let class = |class, fails: bool| {
        let lpar = lpar();
        if fails {
            lpar.set("fail", "");
            lpar.set(
                "transcript",
                "Validating live update input data.\n1430-045 The live update operation failed.\n",
            );
        }
        let before = with_copy(state(&lpar));
        let (master, report) = run(&lpar, &with_class(class));
        let software = Software::Unchanged;
        let expected = if fails {
            Outcome::Failed { software }
        } else {
            Outcome::Succeeded { follow_up: vec![] }
        };
        assert_eq!(report.outcome, expected, "{report:?}");
        (state(&lpar) == before, master.changes(ChangeMoment::Kept))
    };
    for fails in [false, true] {
        assert_eq!(class(ChangeClass::Always, fails), (true, 1), "{fails}");
    }
    assert_eq!(class(ChangeClass::UnlessUpdated, true), (true, 1));
    assert_eq!(class(ChangeClass::UnlessUpdated, false), (false, 9));
    assert_eq!(class(ChangeClass::Permanent, true), (false, 9));
}

#[test]
fn what_trustchk_does_not_verify_is_not_enforced_and_goes_on_once_it_does() {
    let lpar = lpar();
    updates(&lpar);
    lpar.set("mismatch", "");
    let before = with_copy(state(&lpar));
    let (mut master, report) = run(&lpar, &with_prep());
    assert_eq!(report.outcome, Outcome::Stuck { reason: StuckReason::UndoFailed }, "{report:?}");
    assert!(report.summary.contains("Verification of attributes failed: hash"), "{report:?}");
    assert!(report.summary.contains("Trusted Execution: it stays off"), "{report:?}");
    let differing: Vec<_> =
        state(&lpar).into_iter().zip(&before).filter(|(now, then)| now != *then).collect();
    let names: Vec<_> = differing.iter().map(|((name, _), _)| *name).collect();
    assert_eq!(names, ["state/te", "etc/nscontrol.conf"], "all else is put back");
    std::fs::remove_file(lpar.path("state/mismatch")).unwrap();
    let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(state(&lpar), before);
}

#[test]
fn what_is_not_seen_to_be_put_back_does_not_count() {
    let lpar = lpar();
    lpar.set("te.stays", "");
    lpar.set("src.fails", "");
    let (mut master, report) = run(&lpar, &with_prep());
    assert_eq!(report.outcome, Outcome::Stuck { reason: StuckReason::UndoFailed }, "{report:?}");
    assert!(
        report.summary.contains("Trusted Execution is off, and had to become on"),
        "{report:?}"
    );
    assert!(report.summary.contains("startsrc failed with exit status 1"), "{report:?}");
    for cause in ["te.stays", "src.fails"] {
        std::fs::remove_file(lpar.path("state").join(cause)).unwrap();
    }
    let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
}

/// What makes an LPAR one that cannot be made ready.
type Breaks = fn(&Lpar);

#[test]
fn what_cannot_be_made_ready_ends_the_operation_before_geninstall_and_is_put_back() {
    let cases: [(Breaks, &str); 3] = [
        (|lpar| lpar.set("lock", "ON\n"), "LOCK_KERN_POLICIES=ON"),
        (|lpar| lpar.set("te.once", ""), "trustchk failed with exit status 1"),
        (|lpar| lpar.set("wlm", "5\n"), "wlmcntrl -q ended with 5"),
    ];
    for (set, why) in cases {
        let lpar = lpar();
        set(&lpar);
        let before = state(&lpar);
        let (_, report) = run(&lpar, &Request { backup: None, ..with_prep() });
        assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
        assert!(report.summary.contains(why), "{report:?}");
        assert_eq!(lpar.get("runs"), "");
        assert_eq!(state(&lpar), before);
    }
}

#[test]
fn an_entry_that_somebody_else_has_changed_meanwhile_is_left_as_it_is() {
    let lpar = lpar();
    let path = lpar.path("usr/sbin/geninstall");
    let script = std::fs::read_to_string(&path).unwrap();
    let other = "sed -i 's/:off:.*/:off:other/' ../etc/inittab\ncat transcript\n";
    std::fs::write(path, script.replace("cat transcript\n", other)).unwrap();
    let (_, report) = run(&lpar, &with_prep());
    assert_eq!(report.outcome, Outcome::Stuck { reason: StuckReason::UndoFailed }, "{report:?}");
    assert!(report.summary.contains("entry rcnetwlm of inittab was set to"), "{report:?}");
    assert!(std::fs::read_to_string(lpar.path("etc/inittab")).unwrap().contains(":off:other"));
}

#[test]
fn a_preview_changes_nothing_of_it() {
    let lpar = lpar();
    let before = state(&lpar);
    let (master, report) = run(&lpar, &Request { kind: Kind::Preview, ..with_prep() });
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(state(&lpar), before);
    assert_eq!(lpar.get("trustchk.log"), "");
    assert_eq!(master.changes(ChangeMoment::Intent), 4);
}

#[test]
fn a_copy_that_fails_ends_the_operation_and_its_disk_is_looked_at_before_anything() {
    let lpar = lpar();
    lpar.set("copy.fails", "");
    let mut before = state(&lpar);
    let (master, report) = run(&lpar, &with_prep());
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert!(
        report.summary.contains("alt_disk_copy ended with exit status 1: 0505-102"),
        "{report:?}"
    );
    for (_, text) in before.iter_mut().filter(|(name, _)| *name == "state/copies") {
        *text = "-B -d hdisk3\n".to_owned();
    }
    assert_eq!((state(&lpar), lpar.get("runs")), (before, String::new()));
    assert_eq!(master.changes(ChangeMoment::Kept), 1);

    let taken = self::lpar();
    taken.set("lspv", &LSPV.replace("ae058 None", "ae058 datavg"));
    let before = state(&taken);
    let (master, report) = run(&taken, &with_prep());
    assert_eq!(report.summary, "the backup goes to hdisk3, which is in datavg");
    assert_eq!((master.changes(ChangeMoment::Intent), state(&taken)), (0, before));

    // It has the number of another one, which lspv shows in no volume group either.
    let foreign: [(Breaks, &str); 3] = [
        (
            |lpar| {
                let text = disks::header("00f94f58c90ae058", "4F52434C");
                let text = text.replacen("4F52434C 00000000", "4F52434C 4449534B", 1);
                lpar.set("header-hdisk3", &text);
            },
            "the backup goes to hdisk3: it holds a disk of Oracle ASM",
        ),
        (|lpar| lpar.set("open", " 4711"), "the backup goes to hdisk3: open in process 4711"),
        (
            |lpar| lpar.set("header-hdisk3", ""),
            "the backup goes to hdisk3: what is on it is not known",
        ),
    ];
    for (change, why) in foreign {
        let lpar = self::lpar();
        change(&lpar);
        let before = state(&lpar);
        let (master, report) = run(&lpar, &with_prep());
        assert!(report.summary.starts_with(why), "{report:?}");
        assert_eq!((master.changes(ChangeMoment::Intent), state(&lpar)), (0, before));
    }

    // Nobody has said that it may be renamed.
    let held = self::lpar();
    let request = Request { prep: Vec::new(), ..with_prep() };
    let (_, report) = run(&held, &request);
    assert!(report.summary.contains("altinst_rootvg is there, on hdisk4"), "{report:?}");
}

#[test]
fn a_bootlist_that_the_copy_has_moved_is_told_and_nothing_is_updated() {
    let lpar = lpar();
    let script = std::fs::read_to_string(lpar.path("usr/sbin/alt_disk_copy")).unwrap();
    let moved = format!("{script}echo 'hdisk3 blv=hd5 pathid=0' > bootlist\n");
    std::fs::write(lpar.path("usr/sbin/alt_disk_copy"), moved).unwrap();
    let (_, report) = run(&lpar, &with_prep());
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert!(report.summary.contains("`bootlist -m normal hdisk0` puts it back"), "{report:?}");
    assert_eq!(lpar.get("runs"), "");
}

#[test]
fn interim_fixes_go_only_where_they_lock_what_is_updated_and_installp_leaves_them() {
    let row = |label: &str| format!("1    S    {label}     04/30/20 11:03:46            a fix\n");
    let run = |install: Install, packages: &str| {
        let lpar = lpar();
        std::fs::create_dir(lpar.path("images")).unwrap();
        std::fs::write(lpar.path("images/.toc"), packages).unwrap();
        lpar.set("fixes", &format!("{}{}", row("IJ10001s1a"), row("IJ20002s1a")));
        lpar.set("apar.IJ10001s1a", "APAR number: IJ10001\n");
        lpar.set("apar.IJ20002s1a", "APAR number: IJ20002\nAPAR number: IJ20003\n");
        lpar.set(
            "lslpp",
            "bos.rte:bos.rte:7.2.5.3: : :C: :Base:\nbos.net:bos.net:7.2.5.3: : :C: :Net:\n",
        );
        let step = PrepStep { step: Step::InterimFixes, class: ChangeClass::Permanent };
        let request = Request {
            prep: vec![step],
            images: Some(Images::Folder { path: "/images".to_owned() }),
            install,
            ..order(Kind::Update)
        };
        let script = std::fs::read_to_string(lpar.path("usr/sbin/geninstall")).unwrap();
        let seen = script.replace("cat transcript\n", "cp fixes fixes-seen\ncat transcript\n");
        std::fs::write(lpar.path("usr/sbin/geninstall"), seen).unwrap();
        run(&lpar, &request);
        let seen = lpar.get("fixes-seen");
        ["IJ10001s1a", "IJ20002s1a"].map(|label| seen.contains(label))
    };
    let toc = "bos.rte 07.02.0005.0004 1 N U en_US Base\nIJ10001 1 crash\nIJ20002 1 hang\n";
    // The update has all that the first was made for, and half of what the second was.
    assert_eq!(run(Install::UpdateAll, toc), [true, false]);
    assert_eq!(
        run(
            Install::UpdateAll,
            "bos.net 07.02.0005.0004 1 N U en_US Net\nbos.rte 07.02.0005.0003 1 N U en_US Base\n"
        ),
        [true, true]
    );
    assert_eq!(run(Install::List(vec!["IJ9.250101.epkg.Z".to_owned()]), toc), [true, true]);
}
