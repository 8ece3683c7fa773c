//! What is looked at before the workload is moved: the interim fixes before anything starts, and what may change at the last moment.

use nim_shared::frame::{MasterStep, StepAnswer};
use nim_shared::operation::{Found, Kernel, OnDisk, Outcome, Report, Software};
use nim_shared::request::{Install, Kind, Request};

use crate::lpar::{self, Lpar, order};
use crate::master::{Master, Session, push};
use crate::split;

fn run(lpar: &Lpar, request: &Request) -> (Master, Report) {
    push(lpar);
    let mut master = Master::new(request);
    let report = master.follow(&mut Session::open(lpar, &[])).expect("the session ended");
    (master, report)
}

const UNCHANGED: Outcome = Outcome::Failed { software: Software::Unchanged };

/// What stands against a move: a command that shows it, and what is said.
const FAULTS: [(&str, &str, &str); 3] = [
    ("fuser", "echo '/proc: 4711 4712c'", "files in /proc are open"),
    (
        "lspath",
        "cat lspath; echo 'Enabled hdisk0 vscsi0\nMissing hdisk0 vscsi1' > lspath",
        "paths: hdisk0: 1 of 2 paths are Enabled",
    ),
    (
        "hmcauth",
        "[ -f ../state/asked ] && exit 0\ntouch ../state/asked\nprintf 'Address  : 127.0.0.1\\nUser name: liveupdate\\nPort     : 12443\\n'",
        "hmcauth -l shows no token of liveupdate at 127.0.0.1",
    ),
];

#[test]
fn what_stands_against_the_move_at_the_last_moment_keeps_geninstall_from_starting() {
    for (program, script, said) in FAULTS {
        let lpar = Lpar::new();
        lpar.command(program, script);
        let (_, report) = run(&lpar, &order(Kind::Update));
        assert_eq!(report.outcome, UNCHANGED, "{program}: {report:?}");
        assert!(report.summary.contains(said), "{report:?}");
        assert_eq!(report.codes, ["NLU-0159"], "{report:?}");
        assert_eq!(report.found, Some(Found::by(&UNCHANGED)));
        assert_eq!(lpar.get("runs"), "", "{program}");
        assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), lpar::OWN_DATA);
    }
}

#[test]
fn what_sets_in_while_the_updates_are_installed_keeps_the_kernel_from_moving() {
    let lpar = split::lpar();
    lpar.command("fuser", "[ -f committed ] && echo '/proc: 4711'; exit 0");
    lpar.command(
        "installp",
        "echo \"installp $*\" >> runs; echo 'bos.rte:bos.rte:7.3.3.1: : :C: :Base:' > lslpp; touch committed",
    );
    let (_, report) = run(&lpar, &split::order());
    assert_eq!(
        report.outcome,
        Outcome::Failed { software: Software::AppliedNotLive },
        "{report:?}"
    );
    assert!(report.summary.contains("4711"), "{report:?}");
    assert_eq!(lpar.get("runs").lines().count(), 3, "{}", lpar.get("runs"));
    // The interim fix of the order goes with the move.
    let found = Found { software: Some(OnDisk::PartlyApplied), kernel: Some(Kernel::Old) };
    assert_eq!(report.found, Some(found));
}

#[test]
fn capacity_that_somebody_else_has_taken_keeps_the_kernel_from_moving() {
    let taken = |steps| {
        let lpar = split::lpar();
        push(&lpar);
        let mut master = Master::saying(&split::order(), steps);
        let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
        (lpar, master, report)
    };
    // Before anything is installed, and before the move.
    let (lpar, _, report) =
        taken(|_| Some(StepAnswer::Against { text: "capacity: none".to_owned() }));
    assert_eq!((report.outcome, lpar.get("runs").as_str()), (UNCHANGED, ""));
    let (lpar, master, report) = taken(|number| match number {
        0 => Some(StepAnswer::GoOn),
        _ => Some(StepAnswer::Against { text: "capacity: 512 MB are missing".to_owned() }),
    });
    assert_eq!(report.outcome, Outcome::Failed { software: Software::AppliedNotLive });
    assert!(report.summary.contains("capacity: 512 MB are missing"), "{report:?}");
    assert_eq!(lpar.get("runs").lines().count(), 3, "{}", lpar.get("runs"));
    let steps: Vec<_> = master.asked.iter().map(|(_, step)| *step).collect();
    assert_eq!(steps, [MasterStep::Capacity; 2]);
    // Where the master cannot tell it is noted, as all that nobody can.
    let (_, master, report) =
        taken(|_| Some(StepAnswer::Unknown { text: "hmc01 does not answer".to_owned() }));
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    let noted = master.notes().iter().filter(|text| text.contains("hmc01 does not answer")).count();
    assert_eq!(noted, 2);
    // What is moved in one step was looked at when it was let on.
    let lpar = Lpar::new();
    let (master, _) = run(&lpar, &order(Kind::Update));
    assert_eq!(master.asked, []);
}

#[test]
fn what_nobody_can_tell_keeps_nobody_from_updating() {
    let lpar = Lpar::new();
    lpar.command("fuser", "echo 'fuser: not today'; exit 7");
    let (_, report) = run(&lpar, &order(Kind::Update));
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    let found = Found { software: Some(OnDisk::Applied), kernel: Some(Kernel::New) };
    assert_eq!(report.found, Some(found));
}

#[test]
fn interim_fixes_that_a_live_update_cannot_carry_are_refused_before_anything_starts() {
    const LIST: &str = "case $1 in -l) [ -s fixes ] || { echo 'There is no efix data on this system.'; exit 0; }\ncat fixes-heading fixes; exit 0;; esac\n";
    for (emgr, said) in [
        ("echo 'LU CAPABLE:        no'", "IJ1.241031.epkg.Z is not LU CAPABLE"),
        (
            "[ $1 = -p ] && { echo 'bos.net 7.3.3.9 is missing'; exit 3; }; echo 'LU CAPABLE:       yes'",
            "emgr -p -e IJ1.241031.epkg.Z failed with exit status 3: bos.net 7.3.3.9 is missing",
        ),
        (
            "echo no package; exit 1",
            "emgr -d -e IJ1.241031.epkg.Z failed with exit status 1: no package",
        ),
    ] {
        for install in [order(Kind::Update).install, Install::All] {
            let lpar = Lpar::new();
            lpar.command("emgr", &format!("{LIST}{emgr}"));
            let (_, report) =
                run(&lpar, &Request { install: install.clone(), ..order(Kind::Update) });
            // What a fix requires may come with the updates.
            if install == Install::All && said.contains("-p -e") {
                assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
                continue;
            }
            assert_eq!(report.outcome, UNCHANGED, "{report:?}");
            assert!(report.summary.contains(said), "{report:?}");
            assert_eq!(lpar.get("runs"), "");
        }
    }
    let lpar = Lpar::new();
    lpar.command("df", "echo 'Filesystem    MB blocks      Free %Used    Iused %Iused Mounted on'; echo '/dev/fslv00       1024.00    800.00   20%    11436    21% /data'");
    let (_, report) = run(&lpar, &order(Kind::Update));
    assert_eq!(report.outcome, UNCHANGED, "{report:?}");
    assert!(report.summary.contains("is on /data"), "{report:?}");
}
