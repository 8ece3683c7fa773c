//! What snap collects is kept as an archive behind what it printed, whole or not at all.

use std::fs;
use std::process::{Command, Stdio};

use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::{Install, Kind, Limits, Request};
use nim_shared::unit::Megabytes;

use crate::lpar::{Lpar, order};
use crate::master::{Master, Session};

const SNAP: &str = "echo \"$*\" >> snaps\nmkdir -p ../tmp/ibmsupt/liveupdate/logs\n\
    printf 'it broke\\n' > ../tmp/ibmsupt/liveupdate/logs/lvupdlog\n\
    head -c 100000 /dev/zero > ../tmp/ibmsupt/liveupdate/large\n\
    ln -sf /etc/passwd ../tmp/ibmsupt/liveupdate/link\necho gathered";

fn collected(lpar: &Lpar, limits: Limits) -> (Master, Report) {
    let request = Request {
        images: None,
        install: Install::Nothing,
        accept_licenses: false,
        lvupdate_data: String::new(),
        console: None,
        limits,
        ..order(Kind::Snap)
    };
    let mut master = Master::new(&request);
    let report = master.follow(&mut Session::open(lpar, &[])).unwrap();
    (master, report)
}

#[test]
fn what_snap_collects_is_one_archive_also_under_the_lock_of_a_live_update() {
    let lpar = Lpar::new();
    fs::write(lpar.path("usr/lpp/.genlib.lock.check"), "").unwrap();
    lpar.command("snap", SNAP);
    let (master, report) = collected(&lpar, order(Kind::Snap).limits);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(report.logs, ["snap"]);
    assert_eq!(lpar.get("snaps"), "-U\n");
    let output = fs::read(lpar.agent_file(&format!("operations/{}/output", master.operation)));
    let output = output.unwrap();
    let archive = output.strip_prefix(b"gathered\n").unwrap();
    let file = lpar.path("state/archive");
    fs::write(&file, archive).unwrap();
    let tar = |words: &[&str]| {
        let mut tar = Command::new("tar");
        let ran = tar.args(words).stderr(Stdio::inherit()).output().unwrap();
        assert!(ran.status.success());
        ran.stdout
    };
    let path = file.to_str().unwrap();
    let mut names: Vec<_> =
        String::from_utf8(tar(&["-tf", path])).unwrap().lines().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, ["liveupdate/large", "liveupdate/logs/", "liveupdate/logs/lvupdlog"]);
    assert_eq!(tar(&["-xOf", path, "liveupdate/logs/lvupdlog"]), b"it broke\n");
    assert_eq!(tar(&["-xOf", path, "liveupdate/large"]).len(), 100_000);
}

#[test]
fn one_that_is_too_large_is_not_begun() {
    let lpar = Lpar::new();
    lpar.command("snap", &SNAP.replace("100000", "2000000"));
    let limits = Limits { output: Megabytes(1), ..order(Kind::Snap).limits };
    let (master, report) = collected(&lpar, limits);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert!(report.summary.contains("it has 2 MB, and agent.snap"), "{report:?}");
    let output = lpar.agent_file(&format!("operations/{}/output", master.operation));
    assert_eq!(fs::read(output).unwrap(), b"gathered\n");
}
