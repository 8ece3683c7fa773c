//! The disk is full: before an operation is taken, and at each record of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nim_shared::frame::{AgentFrame, ChangeMoment, Refusal};
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::Kind;

use crate::lpar::{FIX, Lpar, OWN_DATA, order};
use crate::master::{Master, Session, push_all};
use crate::mounts::{Small, in_own_mounts};
use crate::script::{FIRST, with};
use crate::session::why;

/// Room for an operation and not much more, in kilobytes.
const ROOM: u64 = 6 << 10;

fn lpar() -> (Lpar, Small) {
    let lpar = Lpar::new();
    let disk = Small::mount(&lpar.agent_file(""), ROOM);
    push_all(&lpar, &[FIX, FIRST]);
    std::fs::write(lpar.path("etc/nim-agent.policy"), "scripts = on\n").unwrap();
    // It is no new one: the agent has been asked before.
    let mut session = Session::open(&lpar, &[]);
    assert!(matches!(session.hello(), Some(AgentFrame::Hello(_))));
    assert_eq!(session.close(), Some(0));
    (lpar, disk)
}

#[test]
fn an_operation_for_which_there_is_no_room_is_refused_and_leaves_nothing() {
    in_own_mounts(
        "full::an_operation_for_which_there_is_no_room_is_refused_and_leaves_nothing",
        || {
            let (lpar, disk) = lpar();
            let mut master = Master::new(&order(Kind::Preview));
            let before = files(&lpar.agent_file("operations"));
            let mut refused = 0;
            // From no room at all to room for everything but the last file, and then for all of it.
            for left in (0..).step_by(64) {
                disk.fill(left);
                let mut session = Session::open(&lpar, &[]);
                let hello = session.hello();
                assert!(matches!(hello, Some(AgentFrame::Hello(_))), "{hello:?}");
                master.start(&mut session);
                let answer = session.next().unwrap();
                if matches!(answer, AgentFrame::Taken { .. }) {
                    break;
                }
                assert_eq!(why(&answer), Some(Refusal::NoSpace), "{left} KB were left: {answer:?}");
                assert_eq!(session.close(), Some(0));
                refused += 1;
                disk.free();
                assert_eq!(files(&lpar.agent_file("operations")), before, "{left} KB were left");
                master.fence = master.fence.next();
            }
            assert!(refused > 16, "a journal of 2 MB was taken with {refused} times 64 KB");
        },
    );
}

#[test]
fn once_it_is_taken_every_record_is_written_however_full_the_disk_becomes() {
    in_own_mounts(
        "full::once_it_is_taken_every_record_is_written_however_full_the_disk_becomes",
        || {
            let undisturbed = run(None);
            let succeeded = Outcome::Succeeded { follow_up: vec![] };
            assert_eq!((&undisturbed.report.outcome, undisturbed.runs), (&succeeded, 1));
            let (next, last) = (AtomicUsize::new(1), undisturbed.events);
            std::thread::scope(|scope| {
                let mut workers = Vec::new();
                for _ in 0..WORKERS {
                    workers.push(scope.spawn(|| {
                        loop {
                            let at = next.fetch_add(1, Ordering::Relaxed);
                            if at > last {
                                return;
                            }
                            let end = run(Some(at));
                            let told = format!("full at record {at}: {:?}", end.report);
                            if end.runs == 0 {
                                let unchanged = Outcome::Failed { software: Software::Unchanged };
                                assert_eq!(end.report.outcome, unchanged, "{told}");
                                let why = &end.report.summary;
                                assert!(why.contains("No space left on device"), "{told}");
                            } else {
                                assert_eq!((&end.report.outcome, end.runs), (&succeeded, 1));
                                assert_eq!(end.scripts, "first\n", "{told}");
                                let whole = &undisturbed.sequence;
                                assert_eq!(own(&end.sequence), own(whole), "{told}");
                            }
                        }
                    }));
                }
                workers.into_iter().for_each(|worker| worker.join().unwrap());
            });
        },
    );
}

/// Of a sequence, what does not come from geninstall's output: where the disk is full there may be none.
fn own(sequence: &[String]) -> Vec<&String> {
    let told = ["phase ", "point committed", "point moved"];
    let is_told = |line: &&String| told.iter().any(|begin| line.starts_with(begin));
    sequence.iter().filter(|line| !is_told(line)).collect()
}

/// What came of an update.
struct End {
    report: Report,
    sequence: Vec<String>,
    events: usize,
    /// How often geninstall ran.
    runs: usize,
    /// The scripts that ran.
    scripts: String,
}

/// One update, in which the disk becomes full as the master hears of record `at`. Its journal goes on to its end, numbered without a
/// gap (which the master looks at); what was begun is put back, and nothing is run twice.
fn run(at: Option<usize>) -> End {
    let (lpar, disk) = lpar();
    let mut master = Master::new(&with(&[FIRST], order(Kind::Update)));
    let full = Arc::new(disk);
    let filled = Arc::clone(&full);
    master.on_event = Some(Box::new(move |count| {
        if Some(count) == at {
            filled.fill(0);
        }
    }));
    let mut session = Session::open(&lpar, &[]);
    let report = master.follow(&mut session).expect("the session ended");
    assert_eq!(session.close(), Some(0));
    master.on_event = None;
    let told = format!("full at record {at:?}: {report:?}");
    assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA, "{told}");
    assert_eq!(lpar.get("token"), "", "{told}");
    let begun = master.changes(ChangeMoment::Intent);
    assert_eq!(master.changes(ChangeMoment::Undone), begun, "{told}");
    End {
        report,
        sequence: master.sequence(),
        events: master.events.len(),
        runs: lpar.get("runs").lines().count(),
        scripts: lpar.get("scripts"),
    }
}

/// Runs at once: each mostly waits.
const WORKERS: usize = 8;

/// The names of all files and folders below `folder`.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(items) = std::fs::read_dir(folder) else { return found };
    for item in items {
        let path = item.unwrap().path();
        found.push(path.display().to_string());
        if path.is_dir() {
            found.extend(files(&path));
        }
    }
    found.sort();
    found
}
