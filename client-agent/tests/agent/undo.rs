//! Each setting that cannot be put back, once and always: everything else is put back all the same, the operation waits for a person, and
//! goes on as soon as it can.

use nim_shared::frame::ChangeMoment;
use nim_shared::operation::{Outcome, StuckReason};
use nim_shared::request::{Images, Request};

use crate::lpar::{FIX, Lpar, OWN_DATA};
use crate::master::Session;
use crate::prep::{lpar, run, state, with_copy, with_prep};

/// A command that puts something back.
struct Back {
    command: &'static str,
    /// Which of its calls do, as a pattern of the shell.
    calls: &'static str,
    /// What is not as before while they fail, in the order in which it is changed.
    left: &'static [&'static str],
}

/// One for each setting that an operation with all steps changes.
const BACK: [Back; 14] = [
    back("trustchk", "'-p te=on'", &["state/te"]),
    // Trusted Execution would be enforced by another source than the one that was verified.
    back("chsec", "*", &["state/te", "etc/nscontrol.conf"]),
    back("wlmcntrl", "-a*|-p*", &["state/wlm"]),
    back("chitab", "*", &["etc/inittab"]),
    back("startsrc", "*dsmcad*", &["state/src.dsmcad"]),
    back("stopsrc", "*pfcdaemon*", &["state/src.pfcdaemon"]),
    back("audit", "start*", &["state/audit"]),
    back("lvupdateRegScript", "-a*", &["state/autofs"]),
    back("alt_rootvg_op", "*", &["state/lspv"]),
    back("mkdev", "*6", &FILTERS),
    back("impfilt", "*-v\\ 6*", &FILTERS),
    back("mkfilt", "*6\\ -u", &FILTERS),
    // The order's own; `token` shows whether it is there.
    back(TOKEN, "-r*", &[]),
    // `mounts` shows whether it is.
    back(UMOUNT, "*", &[]),
];

/// Has the token of the console, and takes it away.
const TOKEN: &str = "hmcauth";

/// Takes the packages away that were mounted.
const UMOUNT: &str = "umount";

/// Filters that do not come back whole are off, and their rules are kept elsewhere.
const FILTERS: [&str; 3] = ["state/device.6", "state/table.6", "state/active.6"];

const fn back(command: &'static str, calls: &'static str, left: &'static [&'static str]) -> Back {
    Back { command, calls, left }
}

/// An LPAR that has everything on, with the server of a site's packages.
fn mounting() -> Lpar {
    let lpar = lpar();
    lpar.set("fix", std::str::from_utf8(FIX).unwrap());
    let mount = "[ $# = 0 ] && { cat mounts; exit; }\ncp fix $NIM_AGENT_ROOT/$3/IJ1.241031.epkg.Z && echo \"$2 $3\" >> mounts";
    lpar.command("mount", mount);
    lpar.command(UMOUNT, "rm $NIM_AGENT_ROOT/$1/IJ1.241031.epkg.Z && : > mounts");
    lpar.set("mounts", "");
    lpar
}

/// An order with all steps, whose packages are on that server.
fn mounted() -> Request {
    let (server, export) = ("nim01".to_owned(), "/export/lpp".to_owned());
    Request { images: Some(Images::Nfs { server, export }), ..with_prep() }
}

/// How often a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fails {
    Once,
    Always,
}

/// Has the calls that put something back fail from geninstall on.
fn breaks(lpar: &Lpar, back: &Back, how: Fails) {
    let after = |command: &str, line: &str, put: &str| {
        let path = lpar.path("usr/sbin").join(command);
        let script = std::fs::read_to_string(&path).unwrap();
        assert!(script.contains(line), "{command}");
        std::fs::write(path, script.replacen(line, put, 1)).unwrap();
    };
    let mends = if how == Fails::Once { "rm broken; " } else { "" };
    let place = "cd $NIM_AGENT_ROOT/state\n";
    let fail = format!(
        "{place}case \"$*\" in {}) [ -f broken ] && {{ {mends}echo tried >> tries; echo 'it does not work' >&2; exit 1; }};; esac\n",
        back.calls
    );
    after(back.command, place, &fail);
    after("geninstall", "cat transcript\n", ": > broken\ncat transcript\n");
}

/// What differs from `before`.
fn differing(lpar: &Lpar, before: &[(&'static str, String)]) -> Vec<&'static str> {
    let now = state(lpar).into_iter().zip(before);
    now.filter(|(now, then)| now != *then).map(|((name, _), _)| name).collect()
}

#[test]
fn what_fails_once_is_put_back_at_the_next_look() {
    for back in &BACK {
        let lpar = mounting();
        breaks(&lpar, back, Fails::Once);
        let before = with_copy(state(&lpar));
        let (mut master, report) = run(&lpar, &mounted());
        assert_eq!(
            report.outcome,
            Outcome::Stuck { reason: StuckReason::UndoFailed },
            "{report:?}"
        );
        assert!(report.summary.contains(back.command), "{report:?}");
        assert_eq!(differing(&lpar, &before), back.left, "{}", back.command);
        assert_eq!(lpar.get("token").is_empty(), back.command != TOKEN, "{}", back.command);
        assert_eq!(lpar.get("mounts").is_empty(), back.command != UMOUNT, "{}", back.command);
        let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
        let succeeded = Outcome::Succeeded { follow_up: vec![] };
        assert_eq!(report.outcome, succeeded, "{}: {report:?}", back.command);
        assert_eq!(differing(&lpar, &before), [""; 0], "{}", back.command);
        let left = (lpar.get("token"), lpar.get("mounts"));
        assert_eq!(left, (String::new(), String::new()), "{}", back.command);
        assert!(master.changes(ChangeMoment::UndoFailed) >= 1);
    }
}

#[test]
fn what_fails_always_keeps_the_operation_open_until_it_works() {
    for back in &BACK {
        let lpar = mounting();
        breaks(&lpar, back, Fails::Always);
        let before = with_copy(state(&lpar));
        let (mut master, report) = run(&lpar, &mounted());
        let stuck = Outcome::Stuck { reason: StuckReason::UndoFailed };
        assert_eq!(report.outcome, stuck, "{}: {report:?}", back.command);
        assert_eq!(differing(&lpar, &before), back.left, "{}", back.command);
        let tries = || lpar.get("tries").lines().count();
        let first = tries();
        let mut session = Session::open(&lpar, &[]);
        let report = master.follow_until(&mut session, || tries() > first);
        // Nothing new is said of what is as it was.
        assert_eq!((report, session.close()), (None, Some(0)), "{}", back.command);
        lpar.wait_for_supervisors(master.operation);
        assert_eq!(differing(&lpar, &before), back.left, "{}", back.command);
        std::fs::remove_file(lpar.path("state/broken")).unwrap();
        let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
        let succeeded = Outcome::Succeeded { follow_up: vec![] };
        assert_eq!(report.outcome, succeeded, "{}: {report:?}", back.command);
        assert_eq!(differing(&lpar, &before), [""; 0], "{}", back.command);
    }
}

#[test]
fn a_file_that_cannot_be_put_back_keeps_the_operation_open_until_it_can() {
    let lpar = lpar();
    let (data, path) = (lpar.data(), lpar.path("usr/sbin/geninstall"));
    let script = std::fs::read_to_string(&path).unwrap();
    let moves = format!("rm {0}; mkdir {0}; : > {0}/somebodys\ncat transcript\n", data.display());
    std::fs::write(&path, script.replacen("cat transcript\n", &moves, 1)).unwrap();
    let before = with_copy(state(&lpar));
    let (mut master, report) = run(&lpar, &with_prep());
    let stuck = Outcome::Stuck { reason: StuckReason::UndoFailed };
    assert_eq!(report.outcome, stuck, "{report:?}");
    assert!(report.summary.contains("lvupdate.data"), "{report:?}");
    // Nobody else's is taken away, and all the rest is put back.
    assert!(data.join("somebodys").exists());
    assert_eq!(differing(&lpar, &before), [""; 0]);
    std::fs::remove_dir_all(&data).unwrap();
    let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(std::fs::read_to_string(&data).unwrap(), OWN_DATA);
}
