//! A split update: the updates are installed and committed, then the kernel is moved; each by a run of its own, at most once.

use nim_shared::frame::MasterFrame;
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::{Install, Kind, Request};
use nim_shared::strategy::{Strategy, Way};

use crate::lpar::{self, FIX, Lpar};
use crate::master::{Master, Session, push_all};
use crate::session::refusals;

/// An order for an update and an interim fix, in parts.
pub(crate) fn order() -> Request {
    Request {
        install: Install::List(vec!["bos.rte".to_owned(), "IJ1.241031.epkg.Z".to_owned()]),
        way: Way { strategy: Strategy::Split, reason: None },
        ..lpar::order(Kind::Update)
    }
}

/// An LPAR whose flash-cache daemon stops with an update and runs again the second time that it is looked at after its start.
pub(crate) fn lpar() -> Lpar {
    let lpar = Lpar::new();
    let moves = std::fs::read_to_string(lpar.path("usr/sbin/geninstall")).unwrap();
    let moves = moves.lines().skip(2).collect::<Vec<_>>().join("\n");
    let moves = moves.replacen("echo \"$*\" >> runs", "echo \"geninstall $*\" >> runs", 1);
    // The same text with and without interim fixes.
    let moves = moves.replace("ls ..$(", "[ -n \"$2\" ] && ls ..$(");
    lpar.command(
        "geninstall",
        &format!("case $1 in -k) ;; *)\n{INSTALLS}\nexit 0;; esac\n{moves}"),
    );
    lpar.command(
        "installp",
        "echo \"installp $*\" >> runs; echo 'bos.rte:bos.rte:7.3.3.1: : :C: :Base:' > lslpp; echo committed",
    );
    lpar.command(
        "startsrc",
        "echo \"startsrc $*\" >> runs; echo inoperative > pfcdaemon-next; echo active > pfcdaemon-last; \
         echo '0513-059 The pfcdaemon Subsystem has been started. Subsystem PID is 1.'",
    );
    lpar.command(
        "lssrc",
        "echo 'Subsystem         Group            PID          Status'\necho \" pfcdaemon        pfc              $(cat pfcdaemon)\"\n\
         [ -f pfcdaemon-last ] && cat pfcdaemon-last > pfcdaemon; exit 0",
    );
    lpar.set("pfcdaemon", "active\n");
    lpar
}

/// Installs an update, which stops the daemon.
const INSTALLS: &str = "echo \"geninstall $*\" >> runs; echo 'bos.rte:bos.rte:7.3.3.1: : :A: :Base:' > lslpp; echo inoperative > pfcdaemon; echo 'install_all_updates: Result = SUCCESS'";

/// What ran, with the folder of the images left out.
pub(crate) fn runs(lpar: &Lpar) -> String {
    let folder = |word: &str| word.starts_with("/var/adm/nim-agent/operations/");
    let line = |line: &str| {
        line.split(' ')
            .map(|word| if folder(word) { "DIR" } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    };
    lpar.get("runs").lines().map(line).collect::<Vec<_>>().join("\n")
}

fn run(lpar: &Lpar, request: &Request) -> (Master, Report) {
    push_all(lpar, &[FIX]);
    let mut master = Master::new(request);
    let report = master.follow(&mut Session::open(lpar, &[])).expect("the session ended");
    (master, report)
}

fn parts(master: &Master) -> Vec<String> {
    master.sequence().into_iter().filter(|line| line.starts_with("part")).collect()
}

const INSTALLED: Outcome = Outcome::Failed { software: Software::AppliedNotLive };

#[test]
fn updates_are_installed_and_committed_before_the_kernel_moves_with_the_interim_fixes() {
    let lpar = lpar();
    let (master, report) = run(&lpar, &order());
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    assert_eq!(
        runs(&lpar),
        "geninstall -I -agQX -Y -d DIR bos.rte\ninstallp -c all\nstartsrc -s pfcdaemon\n\
         geninstall -k -Y -d DIR IJ1.241031.epkg.Z"
    );
    assert_eq!(
        parts(&master),
        [
            "part apply begun",
            "part apply succeeded",
            "part commit begun",
            "part commit succeeded",
            "part daemon begun",
            "part daemon succeeded",
        ]
    );
    let after = report.after.unwrap();
    assert_eq!(after.interim_fixes.unwrap(), ["IJ1"]);
}

#[test]
fn a_daemon_that_runs_or_did_not_run_before_is_let_alone_and_without_fixes_nothing_is_installed_twice()
 {
    for daemon in ["active\n", "inoperative\n"] {
        let lpar = lpar();
        lpar.set("pfcdaemon", daemon);
        lpar.command("installp", "echo \"installp $*\" >> runs; echo active > pfcdaemon");
        let request = Request { install: Install::UpdateAll, ..order() };
        let (_, report) = run(&lpar, &request);
        assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
        assert_eq!(
            runs(&lpar),
            "geninstall -I -agQX -Y -d DIR update_all\ninstallp -c all\ngeninstall -k"
        );
    }
}

#[test]
fn of_all_updates_and_fixes_the_fixes_of_the_folder_go_with_the_move() {
    let lpar = lpar();
    lpar.set("pfcdaemon", "");
    let (_, report) = run(&lpar, &Request { install: Install::All, ..order() });
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    let expected = "geninstall -I -agQX -Y -d DIR update_all\ninstallp -c all\n\
                    geninstall -k -Y -d DIR IJ1.241031.epkg.Z";
    assert_eq!(runs(&lpar), expected);
}

#[test]
fn a_part_that_fails_ends_the_update_and_says_what_is_on_disk() {
    let fails = "echo \"installp $*\" >> runs; exit 9";
    let partly = "echo \"geninstall $*\" >> runs; echo changed > lslpp; exit 7";
    let failed = |software| Outcome::Failed { software };
    for (program, script, lines, expected, said) in [
        (
            "geninstall",
            "echo \"geninstall $*\" >> runs; exit 1",
            1,
            failed(Software::Unchanged),
            "status 1",
        ),
        ("geninstall", partly, 1, failed(Software::PartlyApplied), "status 7"),
        ("installp", fails, 2, INSTALLED, "installp -c all failed with exit status 9"),
        ("startsrc", "exit 1", 2, INSTALLED, "pfcdaemon does not run"),
    ] {
        let lpar = lpar();
        lpar.command(program, script);
        let install = Install::List(vec!["bos.rte".to_owned()]);
        let (_, report) = run(&lpar, &Request { install, ..order() });
        assert_eq!(report.outcome, expected, "{program}: {report:?}");
        assert!(report.summary.contains(said), "{report:?}");
        assert_eq!(lpar.get("runs").lines().count(), lines, "{program}: {}", lpar.get("runs"));
    }
}

/// As geninstall does it in one step: they may be there already, and wait for the kernel.
#[test]
fn updates_that_are_there_already_keep_nobody_from_moving_the_kernel() {
    let lpar = lpar();
    let moves = std::fs::read_to_string(lpar.path("usr/sbin/geninstall")).unwrap();
    let nothing =
        "echo 'Either the software is already at the same level as on the media, or'; exit 1";
    let moves = moves.lines().skip(2).collect::<Vec<_>>().join("\n").replace(INSTALLS, nothing);
    lpar.command("geninstall", &moves);
    lpar.command("installp", "echo \"installp $*\" >> runs");
    let (_, report) = run(&lpar, &Request { install: Install::UpdateAll, ..order() });
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    assert_eq!(runs(&lpar), "installp -c all\ngeninstall -k");
}

#[test]
fn a_move_that_fails_leaves_the_updates_installed() {
    let lpar = lpar();
    lpar.set("fail", "");
    lpar.set("transcript", "1430-045 The live update operation failed.\n");
    let (_, report) = run(&lpar, &order());
    assert_eq!(report.outcome, INSTALLED, "{report:?}");
    assert_eq!(lpar.get("runs").lines().count(), 4);
}

/// A cancel comes while the updates are installed: their program runs to its end, and nothing comes after it.
#[test]
fn a_cancel_between_the_parts_leaves_the_updates_installed_and_the_kernel_where_it_is() {
    let lpar = lpar();
    let waits = "echo $$ > installing; while [ ! -f go ]; do sleep 0.05; done";
    lpar.command("geninstall", &format!("{waits}\n{INSTALLS}"));
    push_all(&lpar, &[FIX]);
    let mut master = Master::new(&order());
    let mut session = Session::open(&lpar, &[]);
    let report = master.follow_until(&mut session, || lpar.path("state/installing").exists());
    assert_eq!(report, None);
    session.send(&MasterFrame::Cancel { command: master.command() });
    // It has read all of it when it ends.
    session.close();
    lpar.set("go", "");
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    assert_eq!(report.outcome, INSTALLED, "{report:?}");
    assert!(report.summary.starts_with("cancelled after the updates were installed"), "{report:?}");
    assert_eq!(lpar.get("runs").lines().count(), 1, "{}", lpar.get("runs"));
}

#[test]
fn only_a_live_update_is_split() {
    let lpar = lpar();
    let mut refused = refusals(&lpar);
    let request =
        Request { kind: Kind::Install, lvupdate_data: String::new(), console: None, ..order() };
    assert_eq!(refused(&request), Some(nim_shared::frame::Refusal::BadRequest));
}
