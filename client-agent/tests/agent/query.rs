//! What an LPAR can be asked, and that asking changes nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nim_shared::frame::{AgentFrame, MasterFrame, OutputStream, Refusal};
use nim_shared::query::{Query, QueryId};
use nim_shared::request::Kind;

use crate::lpar::{Lpar, order};
use crate::master::{Master, Session, push};

/// What came of a query: its status with both streams, or why it was refused.
type Asked = Result<(i32, String, String), (Option<Refusal>, String)>;

fn ask(session: &mut Session, query: Query) -> Asked {
    session.send(&MasterFrame::Query(query));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        match session.next().unwrap() {
            AgentFrame::QueryOutput { stream, data, .. } => match stream.known().unwrap() {
                OutputStream::Stdout => stdout.extend(STANDARD.decode(data).unwrap()),
                OutputStream::Stderr => stderr.extend(STANDARD.decode(data).unwrap()),
            },
            AgentFrame::QueryEnded { status } => {
                let text = |bytes| String::from_utf8(bytes).unwrap();
                return Ok((status, text(stdout), text(stderr)));
            }
            AgentFrame::Refused { refused, why, text, .. } => {
                assert_eq!(refused, "query");
                return Err((why.known(), text));
            }
            // Another operation may run beside.
            AgentFrame::Event(_) | AgentFrame::Output { .. } => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
}

fn query(id: QueryId, options: &str, operands: &[&str]) -> Query {
    Query::new(id, options, operands.iter().map(|one| (*one).to_owned()).collect()).unwrap()
}

fn greeted(lpar: &Lpar) -> Session {
    let mut session = Session::open(lpar, &[]);
    session.hello().unwrap();
    session
}

#[test]
fn a_query_is_run_without_a_shell_and_its_streams_stay_apart() {
    let lpar = Lpar::new();
    lpar.command(
        "lslpp",
        "for one; do echo \"<$one>\"; done; echo \"$LC_ALL\"; echo oops >&2; exit 3",
    );
    let mut session = greeted(&lpar);
    assert_eq!(
        ask(&mut session, query(QueryId::Lslpp, "-Lc", &["bos.*", "x?y"])),
        Ok((3, "<-L>\n<-c>\n<bos.*>\n<x?y>\nC\n".to_owned(), "oops\n".to_owned()))
    );
    // The session goes on, and a long answer comes in parts.
    lpar.command("lspv", "i=0; while [ $i -lt 20000 ]; do echo 'hdisk0 00f94f58cc2de28d rootvg active'; i=$((i+1)); done");
    let (status, stdout, _) = ask(&mut session, query(QueryId::Lspv, "", &[])).unwrap();
    assert_eq!((status, stdout.lines().count()), (0, 20_000));
}

#[test]
fn what_is_not_on_the_list_or_against_the_policy_is_refused_and_not_run() {
    let lpar = Lpar::new();
    lpar.command("instfix", "echo \"$*\" >> asked");
    let mut session = greeted(&lpar);
    let mut raw = |line: &str| {
        session.send_bytes(format!("{{\"frame\":\"query\",{line}}}\n").as_bytes());
        let Some(AgentFrame::Refused { why, text, .. }) = session.next() else { panic!("{line}") };
        (why.known().unwrap(), text)
    };
    for (line, said) in [
        (r#""id":"reboot""#, "\"reboot\" is no query"),
        (r#""id":"instfix","options":["d"]"#, "instfix -d is no query"),
        (r#""id":"instfix","operands":["-d","/dev/cd0"]"#, "\"-d\" cannot be asked"),
        (r#""id":"lslpp","operands":["$(id)"]"#, "\"$(id)\" cannot be asked"),
    ] {
        let (why, text) = raw(line);
        assert_eq!(why, Refusal::BadRequest, "{line}");
        assert!(text.starts_with(said), "{line}: {text}");
    }
    assert_eq!(lpar.get("asked"), "");

    std::fs::write(lpar.path("etc/nim-agent.policy"), "queries = oslevel\n").unwrap();
    let mut session = greeted(&lpar);
    let refused = ask(&mut session, query(QueryId::Instfix, "-i", &["IJ1"])).unwrap_err();
    assert_eq!(refused.0, Some(Refusal::Policy));
    assert!(refused.1.contains("does not allow the query instfix"), "{}", refused.1);
    assert_eq!(lpar.get("asked"), "");
    let level = ask(&mut session, query(QueryId::Oslevel, "-s", &[]));
    assert_eq!(level, Ok((0, "7300-03-00-2446\n".to_owned(), String::new())));
}

#[test]
fn a_command_that_is_missing_or_prints_without_end_is_an_answer_in_words() {
    let lpar = Lpar::new();
    let mut session = greeted(&lpar);
    let refused = ask(&mut session, query(QueryId::Lppchk, "-f", &[])).unwrap_err();
    assert_eq!(refused.0, Some(Refusal::System));
    assert!(refused.1.contains("no command lppchk"), "{}", refused.1);
    lpar.command("lspv", "while :; do echo 0123456789012345678901234567890123456789; done");
    let refused = ask(&mut session, query(QueryId::Lspv, "", &[])).unwrap_err();
    assert!(refused.1.contains("more than"), "{}", refused.1);
}

#[test]
fn a_query_disturbs_no_operation_and_is_refused_while_the_workload_is_moved() {
    let lpar = Lpar::new();
    push(&lpar);
    // geninstall stands still in the middle of the move until somebody reads from the pipe.
    let moved = lpar.path("state/moved");
    assert!(std::process::Command::new("mkfifo").arg(&moved).status().unwrap().success());
    lpar.command("geninstall", "sed '/Workload is running/,$d' transcript; echo x > moved; sed -n '/Workload is running/,$p' transcript\n\
         printf '12295E0B   0922152915 I S LVUPDATE       done\\n9A74C7AB   0922151815 I S LVUPDATE       started\\n' > errpt");
    let (told, hears) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let lpar = &lpar;
        let following = scope.spawn(move || {
            let mut master = Master::new(&order(Kind::Update));
            master.on_event = Some(Box::new(move |count| told.send(count).unwrap_or_default()));
            let report = master.follow(&mut Session::open(lpar, &[])).unwrap();
            (report, master.sequence())
        });
        // Beside the operation, from its first event on, until the move.
        hears.recv().unwrap();
        let mut session = greeted(lpar);
        let refused = loop {
            match ask(&mut session, query(QueryId::Oslevel, "-s", &[])) {
                Ok((status, stdout, _)) => {
                    assert_eq!((status, stdout.as_str()), (0, "7300-03-00-2446\n"));
                }
                Err(refused) => break refused,
            }
        };
        assert_eq!(refused.0, Some(Refusal::WrongMoment), "{}", refused.1);
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "x\n");
        let (report, sequence) = following.join().unwrap();
        assert!(
            matches!(report.outcome, nim_shared::operation::Outcome::Succeeded { .. }),
            "{report:?}"
        );
        assert!(sequence.contains(&"phase running".to_owned()));
        let answered = ask(&mut session, query(QueryId::Oslevel, "-s", &[]));
        assert_eq!(answered.unwrap().0, 0);
    });
}
