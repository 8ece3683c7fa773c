//! The backup is made by a hook of the site: its exit status decides whether the update begins, and what it prints is kept as text.

use nim_shared::frame::Refusal;
use nim_shared::hook::{HookExit, HookInput, HookPoint};
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::prep::{Backup, SiteBackup};
use nim_shared::request::{Kind, Request};
use nim_shared::stage::Stage;

use crate::hook::with;
use crate::lpar::{FIX, Lpar, order};
use crate::master::{Master, Session, push_all};
use crate::script;
use crate::session::refusals;

/// Says what it makes, with an escape in it, and keeps what it was told.
const MAKES: &[u8] = b"#!/bin/sh\ncat > $NIM_AGENT_ROOT/state/told.backup\n\
    echo 'Creating information file'\nprintf 'mksysb nim01:/export/lpar01.\\033[1mmksysb\\n\\n'\n";

/// Makes one, and says nothing.
const QUIET: &[u8] = b"#!/bin/sh\nexit 0\n";

/// Says that it made one, and did not.
const FAILS: &[u8] = b"#!/bin/sh\necho 'hdisk4 holds it'; exit 5\n";

/// Prints before the one that makes the backup.
const BEFORE: &[u8] = b"#!/bin/sh\necho 'not the backup'\n";

fn backed_up_by(content: &[u8]) -> Request {
    let hooks =
        [(HookPoint::Prep, HookExit::Fail, BEFORE), (HookPoint::Backup, HookExit::Fail, content)];
    let backup = Some(Backup::Hook("hook2".parse().unwrap()));
    Request { backup, ..with(&hooks, order(Kind::Update)) }
}

fn run(content: &[u8]) -> (Lpar, Report) {
    let lpar = script::allowing();
    push_all(&lpar, &[FIX, BEFORE, content]);
    let mut master = Master::new(&backed_up_by(content));
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    (lpar, report)
}

#[test]
fn what_a_hook_says_of_the_backup_that_it_made_is_kept_as_text() {
    let (lpar, report) = run(MAKES);
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    let told: HookInput = serde_json::from_str(&lpar.get("told.backup")).unwrap();
    assert_eq!((told.hook, told.stage), (HookPoint::Backup, Stage::Backup));
    let hook = "hook2".parse().unwrap();
    let said = Some("mksysb nim01:/export/lpar01.\u{fffd}[1mmksysb".to_owned());
    assert_eq!(report.site_backup, Some(SiteBackup { hook, said }));
    // It is no copy of rootvg.
    let disks = report.disks.unwrap().disks;
    assert!(disks.iter().all(|disk| disk.volume_group.as_deref() != Some("nimbak_00000001")));
}

#[test]
fn a_hook_that_says_nothing_has_made_one_all_the_same() {
    let (_, report) = run(QUIET);
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    assert_eq!(report.site_backup.unwrap().said, None);
}

#[test]
fn without_the_backup_the_update_does_not_begin() {
    let (lpar, report) = run(FAILS);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    let said = "the hook hook2 at backup failed with exit status 5";
    assert!(report.summary.contains(said), "{}", report.summary);
    assert_eq!((report.site_backup, lpar.get("runs").as_str()), (None, ""));
}

#[test]
fn a_hook_makes_the_backup_where_the_order_names_it_and_nowhere_else() {
    let order = backed_up_by(QUIET);
    let another = Some(Backup::Hook("hook1".parse().unwrap()));
    let waived = Some(Backup::Waived("none".to_owned()));
    let mut lenient = order.clone();
    lenient.hooks.as_mut().unwrap().list[1].exit = HookExit::Warn;
    let mut without = order.clone();
    without.hooks = None;
    let lpar = script::allowing();
    push_all(&lpar, &[FIX, BEFORE, QUIET]);
    let mut refused = refusals(&lpar);
    for wrong in [
        Request { backup: another, ..order.clone() },
        Request { backup: waived, ..order.clone() },
        Request { backup: None, ..order.clone() },
        without,
        lenient,
    ] {
        assert_eq!(refused(&wrong), Some(Refusal::BadRequest), "{wrong:?}");
    }
    assert_eq!(refused(&order), None);
}
