//! Hooks that the master runs itself in the midst of an operation: the agent stops for them, and goes on by their word alone.

use nim_shared::frame::{AgentFrame, MasterFrame, MasterStep, Refusal, StepAnswer};
use nim_shared::hook::{HookExit, HookPoint, NamedHook};
use nim_shared::id::Digest;
use nim_shared::operation::{Named, Outcome, Report, Software};
use nim_shared::prep::Backup;
use nim_shared::request::{Kind, Request};

use crate::hook::{self, NOTES};
use crate::install::plain;
use crate::lpar::{Lpar, order};
use crate::master::{Master, Session, push_all};
use crate::rollback;
use crate::script;
use crate::session::refusals;

/// `request` with hooks of the master at these points.
pub(crate) fn with(points: &[HookPoint], request: Request) -> Request {
    let hook = |at: &HookPoint| NamedHook {
        at: *at,
        name: "ledger".parse().unwrap(),
        exit: at.default_exit(),
    };
    Request { master_hooks: points.iter().map(hook).collect(), ..request }
}

/// An update with a hook of the master at each point where the agent stops for one, whose backup one of them makes.
pub(crate) fn backed_up(request: Request) -> Request {
    let backup = Some(Backup::MasterHook("ledger".parse().unwrap()));
    Request { backup, ..with(&[HookPoint::Pre, HookPoint::Prep, HookPoint::Backup], request) }
}

fn run(request: &Request, steps: fn(usize) -> Option<StepAnswer>) -> (Lpar, Master, Report) {
    let lpar = script::allowing();
    push_all(&lpar, &[crate::lpar::FIX, NOTES]);
    let mut master = Master::saying(request, steps);
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    (lpar, master, report)
}

fn against(text: &str) -> Option<StepAnswer> {
    Some(StepAnswer::Against { text: text.to_owned() })
}

fn steps(master: &Master) -> Vec<MasterStep> {
    master.asked.iter().map(|(_, step)| *step).collect()
}

#[test]
fn the_master_is_asked_where_the_agent_comes_by_and_its_hooks_come_first() {
    let own = [(HookPoint::Prep, HookExit::Fail, NOTES)];
    let request = backed_up(hook::with(&own, order(Kind::Update)));
    let (lpar, master, report) = run(&request, |_| Some(StepAnswer::GoOn));
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    let at = |at| MasterStep::Hooks { at };
    assert_eq!(steps(&master), [at(HookPoint::Prep), at(HookPoint::Backup)]);
    assert_eq!(lpar.get("scripts"), "prep\n");
    // What it makes is the master's to tell.
    assert_eq!(report.site_backup, None);
    // Nothing is asked for by what looks alone.
    let (_, master, _) = run(&with(&[HookPoint::Prep], order(Kind::Preview)), |_| None);
    assert_eq!(master.asked, []);
}

#[test]
fn a_word_against_it_ends_the_operation_before_anything_else_runs() {
    let own = [(HookPoint::Prep, HookExit::Fail, NOTES)];
    let request = backed_up(hook::with(&own, order(Kind::Update)));
    let why = "the master's hook ledger at prep failed with exit status 7";
    let (lpar, master, report) =
        run(&request, |_| against("the master's hook ledger at prep failed with exit status 7"));
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    assert_eq!((report.summary.as_str(), lpar.get("runs").as_str()), (why, ""));
    assert_eq!((steps(&master).len(), lpar.get("scripts").as_str()), (1, ""));
    let (lpar, master, report) = run(&request, |number| match number {
        0 => Some(StepAnswer::GoOn),
        _ => against("no room on nim01"),
    });
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    assert_eq!((report.summary.as_str(), lpar.get("runs").as_str()), ("no room on nim01", ""));
    assert_eq!((steps(&master).len(), lpar.get("scripts").as_str()), (2, "prep\n"));
}

#[test]
fn without_the_word_of_the_master_nothing_is_booted() {
    let lpar = rollback::lpar();
    let list = lpar.get("bootlist");
    let request = with(&[HookPoint::BeforeReboot], rollback::order());
    let steps = |_| against("the database does not stop");
    let mut master = Master::saying(&request, steps);
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert_eq!(report.summary, "the database does not stop");
    assert_eq!((lpar.get("runs"), lpar.get("bootlist")), (String::new(), list));
}

#[test]
fn a_cancel_is_heeded_while_the_master_is_waited_for() {
    let (lpar, _, report) = run(&backed_up(order(Kind::Update)), |_| None);
    assert_eq!((report.outcome, lpar.get("runs").as_str()), (Outcome::Cancelled, ""));
}

#[test]
fn a_word_about_another_question_counts_for_none() {
    let lpar = script::lpar();
    push_all(&lpar, &[crate::lpar::FIX]);
    let mut master = Master::new(&with(&[HookPoint::Prep], plain(Kind::Install)));
    let mut session = Session::open(&lpar, &[]);
    session.hello().unwrap();
    master.start(&mut session);
    let asking = loop {
        match session.next().expect("the agent goes on") {
            AgentFrame::NeedStep { asking, .. } => break asking,
            AgentFrame::Event(event) => {
                let event = event.event;
                let upto = nim_shared::frame::Position {
                    epoch: event.epoch,
                    seq: event.seq,
                    hash: event.hash,
                };
                let operation = master.operation;
                session.send(&MasterFrame::Ack { operation, upto, output_offset: 0 });
            }
            _ => {}
        }
    };
    let said =
        |asking| MasterFrame::Step { command: master.command(), asking, answer: StepAnswer::GoOn };
    session.send(&said(Digest::of(b"another")));
    let why = loop {
        if let Some(AgentFrame::Refused { why, .. }) = session.next() {
            break why;
        }
    };
    assert_eq!(why, Named::Known(Refusal::WrongMoment));
    // It waits for its own.
    session.send(&said(asking));
    assert_eq!(session.close(), Some(0));
    master.attach_only();
    let report = master.follow(&mut Session::open(&lpar, &[])).expect("the session ended");
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
}

#[test]
fn a_backup_of_the_masters_is_the_one_that_the_order_names() {
    let order = backed_up(order(Kind::Update));
    let another = Some(Backup::MasterHook("other".parse().unwrap()));
    let lpar = script::allowing();
    push_all(&lpar, &[crate::lpar::FIX]);
    let mut refused = refusals(&lpar);
    for wrong in [
        Request { backup: another, ..order.clone() },
        Request { backup: None, ..order.clone() },
        Request { master_hooks: vec![], ..order.clone() },
    ] {
        assert_eq!(refused(&wrong), Some(Refusal::BadRequest), "{wrong:?}");
    }
    assert_eq!(refused(&order), None);
}
