//! What a session admits, and how it ends when the rules are broken.

use std::process::Command;

use nim_shared::frame::{AgentFrame, FRAME_LIMIT, MasterFrame, Position, Refusal};
use nim_shared::id::{Digest, Fence, Seq};
use nim_shared::request::{Kind, Request};

use crate::lpar::{Lpar, order};
use crate::master::{Master, Session, push};

pub(crate) fn why(frame: &AgentFrame) -> Option<Refusal> {
    match frame {
        AgentFrame::Refused { why, .. } => why.known(),
        _ => None,
    }
}

/// Starts each request that it is given, and gives the answer. Each try is that of a later claim: a refused start leaves a tombstone.
fn answers(lpar: &Lpar) -> impl FnMut(&Request) -> AgentFrame {
    let mut fence = Fence(0);
    move |request| {
        let mut master = Master::new(request);
        fence = fence.next();
        master.fence = fence;
        let mut session = greeted(lpar);
        master.start(&mut session);
        session.next().unwrap()
    }
}

/// As [`answers`]: why each was refused.
pub(crate) fn refusals(lpar: &Lpar) -> impl FnMut(&Request) -> Option<Refusal> {
    let mut answers = answers(lpar);
    move |request| why(&answers(request))
}

fn greeted(lpar: &Lpar) -> Session {
    let mut session = Session::open(lpar, &[]);
    session.hello().unwrap();
    session
}

#[test]
fn hello_says_which_machine_this_is() {
    let lpar = Lpar::new();
    let mut session = Session::open(&lpar, &[("TZ", "MEZ-1")]);
    let Some(AgentFrame::Hello(hello)) = session.hello() else { panic!("no hello") };
    assert_eq!(hello.identity.machine_serial.as_deref(), Some("00F94F584C00"));
    assert_eq!(hello.identity.partition_name.as_deref(), Some("lpar01"));
    assert_eq!(hello.boot.rootvg, ["00f94f58cc2de28d"]);
    assert_eq!(hello.level.as_deref(), Some("7300-03-00-2446"));
    assert_eq!((hello.clock.utc_offset_minutes, hello.clock.zone.as_deref()), (60, Some("MEZ-1")));
    assert_eq!(session.close(), Some(0));
}

#[test]
fn lines_that_are_no_frames_are_refused_by_name_and_end_the_session() {
    let lpar = Lpar::new();
    for line in [b"\0\0\n".to_vec(), b"{\n".to_vec(), vec![b'x'; FRAME_LIMIT + 1]] {
        let mut session = greeted(&lpar);
        session.send_bytes(&line);
        assert_eq!(why(&session.next().unwrap()), Some(Refusal::BadFrame));
        assert_eq!(session.next(), None);
        assert_eq!(session.close(), Some(0));
    }
    let mut session = greeted(&lpar);
    session.send_bytes(b"{\"frame\":\"levitate\"}\n");
    assert_eq!(why(&session.next().unwrap()), Some(Refusal::UnknownFrame));
    session.send(&MasterFrame::Facts);
    assert!(matches!(session.next(), Some(AgentFrame::Facts { .. })));
}

#[test]
fn orders_for_another_machine_or_below_the_floor_are_refused_in_words() {
    let lpar = Lpar::new();
    let mut request = order(Kind::Update);
    request.expected.partition_name = Some("lpar02".to_owned());
    let mut refused = answers(&lpar);
    assert_eq!(why(&refused(&request)), Some(Refusal::AnotherMachine));
    request.expected.partition_name = None;
    lpar.set("level", "7100-05-09-2134\n");
    let answer = refused(&request);
    assert_eq!(why(&answer), Some(Refusal::Unsupported));
    let AgentFrame::Refused { text, .. } = answer else { panic!() };
    assert!(text.starts_with("agent unsupported"), "{text}");
    lpar.set("level", "7300-03-00-2446\n");
    std::fs::write(lpar.path("usr/lpp/.genlib.lock.check"), "").unwrap();
    assert_eq!(why(&refused(&request)), Some(Refusal::Busy));
}

#[test]
fn a_start_that_was_refused_never_runs_however_often_it_arrives() {
    let lpar = Lpar::new();
    push(&lpar);
    let master = Master::new(&order(Kind::Preview));
    let start =
        || MasterFrame::Start { command: master.command(), request: master.request.clone() };
    let lock = lpar.path("usr/lpp/.genlib.lock.check");
    std::fs::write(&lock, "").unwrap();
    let mut session = greeted(&lpar);
    session.send(&start());
    assert_eq!(why(&session.next().unwrap()), Some(Refusal::Busy));
    std::fs::remove_file(&lock).unwrap();
    session.send(&start());
    assert_eq!(why(&session.next().unwrap()), Some(Refusal::Tombstoned));
}

#[test]
fn a_start_that_comes_after_its_tombstone_never_runs_and_a_later_one_may() {
    let lpar = Lpar::new();
    push(&lpar);
    let mut master = Master::new(&order(Kind::Preview));
    let mut session = greeted(&lpar);
    let operation = master.operation;
    let attach = |fence| MasterFrame::Attach {
        operation,
        fence,
        after: Position::START,
        output_offset: 0,
        changes: vec![],
    };
    session.send(&attach(Fence(3)));
    assert_eq!(session.next(), Some(AgentFrame::Tombstoned { operation, fence: Fence(3) }));
    for fence in 1..=3 {
        master.fence = Fence(fence);
        master.start(&mut session);
        assert_eq!(why(&session.next().unwrap()), Some(Refusal::Tombstoned), "fence {fence}");
    }
    master.fence = Fence(4);
    master.start(&mut session);
    assert!(matches!(session.next(), Some(AgentFrame::Taken { .. })));
    // From here on lower fences command nothing.
    master.fence = Fence(3);
    let mut other = greeted(&lpar);
    other.send(&MasterFrame::Cancel { command: master.command() });
    assert_eq!(why(&other.next().unwrap()), Some(Refusal::StaleFence));
    other.send(&attach(Fence(3)));
    assert_eq!(why(&other.next().unwrap()), Some(Refusal::StaleFence));
    master.fence = Fence(4);
    other.send(&MasterFrame::Cancel { command: master.command() });
    drop(session);
    let mut report = None;
    while report.is_none() {
        report = Follow { master: &mut master }.once(&lpar);
    }
    assert_eq!(report.unwrap().outcome, nim_shared::operation::Outcome::Cancelled);
}

struct Follow<'a> {
    master: &'a mut Master,
}

impl Follow<'_> {
    fn once(&mut self, lpar: &Lpar) -> Option<nim_shared::operation::Report> {
        self.master.attach_only();
        self.master.follow(&mut Session::open(lpar, &[]))
    }
}

#[test]
fn a_master_that_has_more_than_the_journal_is_told_so_by_another_line_of_history() {
    let lpar = Lpar::new();
    push(&lpar);
    let mut master = Master::new(&order(Kind::Preview));
    let report = master.follow(&mut Session::open(&lpar, &[])).unwrap();
    let (count, stored) = (master.events.len(), master.position);
    master.position = Position { seq: Seq(stored.seq.0 + 7), hash: Digest::of(b"lost"), ..stored };
    let again = master.follow(&mut Session::open(&lpar, &[])).unwrap();
    assert_eq!(again, report);
    let opened = &master.events[count];
    assert_eq!((opened.epoch.0, opened.seq), (2, Seq(1)));
    let text = serde_json::to_string(&opened.body).unwrap();
    assert!(
        text.contains("epoch_opened") && text.contains(&Digest::of(b"lost").to_string()),
        "{text}"
    );
}

#[test]
fn the_gate_refuses_by_name_what_is_not_admitted() {
    let lpar = Lpar::new();
    let gate = |asked: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nim-agent"));
        command.arg("gate").env("NIM_AGENT_ROOT", lpar.root()).env("SSH_ORIGINAL_COMMAND", asked);
        command.stdin(std::process::Stdio::null()).output().unwrap()
    };
    let refused = gate("cat /etc/shadow");
    assert_eq!(refused.status.code(), Some(3));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("refused: cat /etc/shadow"), "{text}");
    for admitted in ["serve", "receive", "nim-agent serve"] {
        assert_eq!(gate(admitted).status.code(), Some(0), "{admitted}");
    }
}
