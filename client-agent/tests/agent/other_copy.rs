//! The LPAR boots from a copy of rootvg that was made file by file: it has a change that prep made, and not the record of it.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nim_shared::frame::{AgentFrame, Body, ChangeMoment, Effect, Event, Known};
use nim_shared::operation::{Outcome, Software};
use nim_shared::request::{Kind, Request};
use nim_shared::stage::Stage;
use serde_json::Value;

use crate::lpar::{Lpar, OWN_DATA, order};
use crate::master::{Master, Session, push};
use crate::prep;
use crate::process::Process;

#[test]
fn what_the_copys_own_journal_lacks_is_put_back_by_the_masters_list() {
    let lpar = Lpar::new();
    let (mut master, copies) = interrupted(&lpar, &order(Kind::Update));
    assert_ne!(fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
    boot_copy(&lpar, &master, &copies);

    let failed = Outcome::Failed { software: Software::Unchanged };
    assert_eq!(last_word(&lpar, &mut master), failed);
    assert_eq!(fs::read_to_string(lpar.data()).unwrap(), OWN_DATA);
    assert_eq!(lpar.get("token"), "");
    assert!(!lpar.agent_file(&format!("operations/{}/images", master.operation)).exists());
    assert_eq!(master.changes(ChangeMoment::Undone), 3);
    assert_eq!(lpar.get("runs").lines().count(), 1);
}

#[test]
fn a_list_gives_no_right_to_anything_that_the_order_does_not_make() {
    let lpar = Lpar::new();
    let (mut master, copies) = interrupted(&lpar, &order(Kind::Update));
    boot_copy(&lpar, &master, &copies);
    let victim = lpar.path("etc/passwd");
    fs::write(&victim, "root").unwrap();
    for event in &mut master.events {
        if let Body::Known(known) = &mut event.body
            && let Known::Change(change) = &mut **known
            && let Effect::File { path, before, after, saved_as } = &mut change.effect
        {
            (*path, *before, *after, *saved_as) = ("/etc/passwd".to_owned(), None, None, None);
        }
    }
    last_word(&lpar, &mut master);
    assert_eq!(fs::read_to_string(victim).unwrap(), "root");
    assert_eq!(master.changes(ChangeMoment::Undone), 2);
}

/// `request` up to where geninstall runs, when everything is killed; and a copy of the operation's folder as it was at each event, with what
/// prep changes in a folder beside it.
pub(crate) fn interrupted(lpar: &Lpar, request: &Request) -> (Master, PathBuf) {
    push(lpar);
    lpar.command(
        "geninstall",
        "echo \"$*\" >> runs\necho $$ > other.new && mv other.new other\nexec sleep 600",
    );
    let mut master = Master::new(request);
    let copies = lpar.path("copies");
    let folder = lpar.agent_file(&format!("operations/{}", master.operation));
    let (root, to) = (lpar.root().to_owned(), copies.clone());
    master.on_event = Some(Box::new(move |number| {
        copy(&folder, &to.join(number.to_string()));
        let changed = to.join(format!("{number}.changed"));
        fs::create_dir_all(&changed).unwrap();
        for (number, name) in prep::CHANGED.iter().enumerate() {
            copy_file(&root.join(name), &changed.join(number.to_string()));
        }
    }));
    let mut session = Session::open(lpar, &[]);
    let report = master.follow_until(&mut session, || lpar.path("state/other").exists());
    assert_eq!(report, None);
    master.on_event = None;
    drop(session);
    let geninstall: u32 = lpar.get("other").trim().parse().unwrap();
    let processes: Vec<Process> =
        lpar.agents().into_iter().chain([geninstall]).filter_map(Process::open).collect();
    processes.iter().for_each(Process::kill);
    processes.iter().for_each(Process::wait);
    (master, copies)
}

/// Boots the copy whose journal ends before the first change.
fn boot_copy(lpar: &Lpar, master: &Master, copies: &Path) {
    let is_prep = |event: &Event| {
        matches!(&event.body, Body::Known(known)
            if matches!(&**known, Known::Stage { stage } if stage.known() == Some(Stage::Prep)))
    };
    let number = 1 + master.events.iter().position(is_prep).expect("prep was entered");
    let folder = lpar.agent_file(&format!("operations/{}", master.operation));
    let saved = folder.join("saved.lvupdate.data");
    let kept = copies.join(number.to_string());
    fs::copy(&saved, kept.join("saved.lvupdate.data")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::rename(kept, &folder).unwrap();
    cut_before_the_first_change(&folder.join("journal"));
    fs::create_dir_all(folder.join("images")).unwrap();
    lpar.set("boot", "   .        system boot Nov 12 10:20\n");
    lpar.set(
        "lspv",
        "hdisk0 00f94f58cc2de28d None\nhdisk1 00f94f58c90ae057 rootvg active\nhdisk2 none None\n",
    );
}

/// Clears what comes after the last record before a change: the copy was made between the two.
fn cut_before_the_first_change(journal: &Path) {
    let bytes = fs::read(journal).unwrap();
    let mut at = 0;
    loop {
        let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        if length == 0 {
            return;
        }
        let record: Value = serde_json::from_slice(&bytes[at + 48..at + 48 + length]).unwrap();
        if record["body"]["kind"] == "change" {
            break;
        }
        at += (48 + length).next_multiple_of(8);
    }
    let file = fs::File::options().write(true).open(journal).unwrap();
    file.write_all_at(&vec![0; bytes.len() - at], at as u64).unwrap();
}

/// The outcome when nobody works on the operation any more: the copy may have ended by its own journal before it was told of more.
fn last_word(lpar: &Lpar, master: &mut Master) -> Outcome {
    let mut report = None;
    loop {
        lpar.wait_for_supervisors(master.operation);
        let Some(AgentFrame::Hello(hello)) = Session::open(lpar, &[]).hello() else {
            panic!("no hello")
        };
        if hello.operations[0].at == master.position {
            return report.expect("a report");
        }
        report = master.follow(&mut Session::open(lpar, &[])).map(|report| report.outcome);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        if !item.file_type().unwrap().is_file() {
            continue;
        }
        copy_file(&item.path(), &to.join(item.file_name()));
    }
}

pub(crate) fn copy_file(from: &Path, to: &Path) {
    match fs::copy(from, to) {
        // It was there for a moment only, or is not on this LPAR.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        copied => assert!(copied.is_ok(), "{copied:?}"),
    }
}
