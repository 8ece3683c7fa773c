//! The LPAR is booted from each kind of copy of rootvg that an update makes, and the agent is killed there at every place where order
//! matters: the end is that of a boot after which nobody was killed.

use std::fs;

use nim_shared::frame::{AgentFrame, Body, Change, ChangeMoment, Effect, Event, Known, Position};
use nim_shared::operation::Outcome;
use nim_shared::request::Request;

use crate::lpar::{Lpar, OWN_DATA};
use crate::master::{Master, Session};
use crate::other_copy::{copy_file, interrupted};
use crate::prep;
use crate::recovery::{LOG, at_each, has_crashed};

/// Which copy is booted.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The backup of ours: as everything was when it was made, with what prep had changed by then.
    Backup,
    /// One that was made when geninstall ran: for the surrogate, or the mirror that becomes the former rootvg.
    WhileItRan,
    /// The former rootvg after the update has succeeded, and its master has heard that: it was split off while geninstall ran.
    Former,
}

/// An LPAR that was booted from a copy, and what the master has of its update.
struct Booted {
    lpar: Lpar,
    request: Request,
    events: Vec<Event>,
    position: Position,
}

/// What must not depend on where the agent was killed.
#[derive(Debug, PartialEq)]
struct End {
    outcome: Outcome,
    data: String,
    token: String,
    images: bool,
    runs: usize,
    settings: Vec<(&'static str, String)>,
}

#[test]
fn wherever_the_agent_is_killed_on_a_backup_that_was_booted_what_prep_changed_in_it_is_put_back() {
    booted_and_killed(Kind::Backup);
}

#[test]
fn wherever_the_agent_is_killed_on_a_copy_made_meanwhile_what_prep_changed_in_it_is_put_back() {
    booted_and_killed(Kind::WhileItRan);
}

#[test]
fn wherever_the_agent_is_killed_on_the_former_rootvg_what_prep_changed_in_it_is_put_back() {
    booted_and_killed(Kind::Former);
}

fn booted_and_killed(kind: Kind) {
    let before = settings(&prep::lpar());
    let booted = booted(kind);
    let (undisturbed, passed) = end(&booted, "");
    assert_eq!(undisturbed.data, OWN_DATA);
    assert_eq!((undisturbed.images, undisturbed.runs), (false, 1));
    assert_eq!(undisturbed.settings, before);
    assert!(passed.len() > 20, "only {} points", passed.len());
    for (point, end) in at_each(&passed, 0, |point| end(&booted, point).0) {
        assert_eq!(end, undisturbed, "{kind:?} {point}");
    }
}

/// An update with all of prep up to where geninstall runs; then the LPAR is booted from the copy.
fn booted(kind: Kind) -> Booted {
    let lpar = prep::lpar();
    let request = prep::with_prep();
    if let Kind::Former = kind {
        let master = former(&lpar, &request);
        return come_up(lpar, request, master, 2);
    }
    let (master, copies) = interrupted(&lpar, &request);
    let root = match kind {
        Kind::Backup => {
            let is_intent = |event: &Event| {
                matches!(&event.body, Body::Known(known) if matches!(&**known,
                    Known::Change(Change { effect: Effect::RootvgCopy { .. }, moment, .. })
                        if moment.known() == Some(ChangeMoment::Intent)))
            };
            // Nothing is done before the master has stored that, so the copy ends there.
            let number = 1 + master.events.iter().position(is_intent).expect("a copy was made");
            let folder = lpar.agent_file(&format!("operations/{}", master.operation));
            fs::remove_dir_all(&folder).unwrap();
            fs::rename(copies.join(number.to_string()), &folder).unwrap();
            fs::create_dir_all(folder.join("images")).unwrap();
            let changed = copies.join(format!("{number}.changed"));
            for (number, name) in prep::CHANGED.iter().enumerate() {
                copy_file(&changed.join(number.to_string()), &lpar.path(name));
            }
            3
        }
        Kind::WhileItRan | Kind::Former => 1,
    };
    fs::remove_dir_all(copies).unwrap();
    come_up(lpar, request, master, root)
}

/// An update to its end, of which the former rootvg was split off as it was when geninstall began; and that rootvg in the place of the other.
fn former(lpar: &Lpar, request: &Request) -> Master {
    let files: Vec<_> = prep::CHANGED.into_iter().chain([DATA]).collect();
    let path = lpar.path("usr/sbin/geninstall");
    let script = fs::read_to_string(&path).unwrap();
    let splits = files
        .iter()
        .enumerate()
        .map(|(number, name)| format!("cp -p ../{name} ../former/{number} 2>/dev/null; "));
    let splits: String = splits.collect();
    let begins = "echo \"$*\" >> runs\n";
    let split =
        format!("{begins}mkdir ../former; cp -a ../var/adm/nim-agent ../former/agent; {splits}\n");
    assert!(script.contains(begins));
    fs::write(&path, script.replacen(begins, &split, 1)).unwrap();
    let (master, report) = prep::run(lpar, request);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert!(master.open_changes().is_empty());
    fs::remove_dir_all(lpar.agent_file("")).unwrap();
    fs::rename(lpar.path("former/agent"), lpar.agent_file("")).unwrap();
    for (number, name) in files.iter().enumerate() {
        copy_file(&lpar.path(&format!("former/{number}")), &lpar.path(name));
    }
    assert_ne!(settings(lpar), settings(&prep::lpar()), "prep has changed nothing in it");
    fs::remove_dir_all(lpar.path("former")).unwrap();
    // What was installed and written since is on the other one.
    lpar.set("fixes", "");
    lpar.set("errpt", "");
    master
}

/// The LPAR comes up with the disk `root` as its rootvg.
fn come_up(lpar: Lpar, request: Request, master: Master, root: usize) -> Booted {
    let third = if root == 2 { "00f94f58c90ae060" } else { "none" };
    let pvids =
        ["00f94f58cc2de28d", "00f94f58c90ae057", third, "00f94f58c90ae058", "00f94f58c90ae059"];
    let groups = ["None", "None", "None", "nimbak_00000001", "nimalt_00000001"];
    let row = |(number, (pvid, group)): (usize, (&str, &str))| {
        let group = if number == root { "rootvg active" } else { group };
        format!("hdisk{number} {pvid} {group}\n")
    };
    let disks: String = pvids.into_iter().zip(groups).enumerate().map(row).collect();
    lpar.set("lspv", &disks);
    lpar.set("boot", "   .        system boot Nov 12 10:20\n");
    Booted { lpar, request, events: master.events, position: master.position }
}

/// How it ends where the first process that comes to `crash` dies there; and the places that were passed.
fn end(booted: &Booted, crash: &str) -> (End, Vec<String>) {
    let lpar = booted.lpar.copy();
    let log = lpar.path(LOG);
    let log = log.to_str().unwrap();
    let variables = [("NIM_AGENT_CRASH", crash), ("NIM_AGENT_CRASH_LOG", log)];
    let mut master = Master::new(&booted.request);
    (master.events, master.position) = (booted.events.clone(), booted.position);
    master.attach_only();
    let mut outcome = None;
    // It may end by its own journal before it is told of more, and is killed once.
    for _ in 0..MOST_SESSIONS {
        let mut session = Session::open(&lpar, &variables);
        let report = match has_crashed(log, crash) {
            true => master.follow(&mut session),
            false => master.follow_until(&mut session, || has_crashed(log, crash)),
        };
        drop(session);
        // Whoever goes on without a report may wait for a master.
        let Some(report) = report else { continue };
        outcome = Some(report.outcome);
        lpar.wait_for_supervisors(master.operation);
        if let (Some(outcome), true) = (&outcome, is_over(&lpar, &master)) {
            let end = End {
                outcome: outcome.clone(),
                data: fs::read_to_string(lpar.data()).unwrap(),
                token: lpar.get("token"),
                images: lpar
                    .agent_file(&format!("operations/{}/images", master.operation))
                    .exists(),
                runs: lpar.get("runs").lines().count(),
                settings: settings(&lpar),
            };
            let passed = fs::read_to_string(log).unwrap_or_default();
            return (end, passed.lines().map(str::to_owned).collect());
        }
    }
    panic!("{crash}: not over after {MOST_SESSIONS} sessions: {outcome:?} {:?}", master.sequence());
}

/// Whether nothing is left to be put back or told.
fn is_over(lpar: &Lpar, master: &Master) -> bool {
    let Some(AgentFrame::Hello(hello)) = Session::open(lpar, &[]).hello() else {
        panic!("no hello")
    };
    hello.operations[0].at == master.position && master.open_changes().is_empty()
}

/// What prep changes, but for the disks, which are the machine's.
fn settings(lpar: &Lpar) -> Vec<(&'static str, String)> {
    let mut state = prep::state(lpar);
    state.retain(|(name, _)| !["state/lspv", "state/copies"].contains(name));
    state
}

/// What the order itself changes.
const DATA: &str = "var/adm/ras/liveupdate/lvupdate.data";

/// More than any end takes.
const MOST_SESSIONS: usize = 20;
