//! What a preflight may look at, how much of it, and that looking changes nothing.

use nim_shared::frame::{AgentFrame, MasterFrame, Refusal};
use nim_shared::operation::Named;
use nim_shared::preflight::probe::{self, Answer, MOST_PROCESSES, Probe, ProbeId};

use crate::lpar::Lpar;
use crate::master::Session;

/// What each probe found, or why all were refused.
type Looked = Result<Vec<(Probe, Answer)>, (Option<Refusal>, String)>;

fn look(session: &mut Session, probes: Vec<Probe>) -> Looked {
    session.send(&MasterFrame::Preflight { probes });
    let mut found = Vec::new();
    loop {
        match session.next().unwrap() {
            AgentFrame::Probed(one) => found.push((one.probe, one.answer)),
            AgentFrame::PreflightEnded => return Ok(found),
            AgentFrame::Refused { refused, why, text, .. } => {
                assert_eq!(refused, "preflight");
                return Err((why.known(), text));
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
}

fn greeted(lpar: &Lpar) -> Session {
    let mut session = Session::open(lpar, &[]);
    session.hello().unwrap();
    session
}

fn printed(status: i32, stdout: &str) -> Answer {
    let stdout = stdout.to_owned();
    Answer::Printed { status, stdout, stderr: String::new(), missing: Vec::new() }
}

#[test]
fn each_probe_has_an_answer_of_its_own_and_what_is_not_there_says_so() {
    let lpar = Lpar::new();
    lpar.command("vmo", "echo \"$* in $LC_ALL\"");
    lpar.command("wlmcntrl", "exit 1");
    lpar.command("getconf", "echo \"$*\"");
    std::fs::write(lpar.path("etc/inittab"), "init:2:initdefault:\n").unwrap();
    let mut session = greeted(&lpar);
    let disk = Probe::of_disk(ProbeId::DiskSize, "hdisk1".parse().unwrap());
    let unknown = Probe { id: Named::Other("weather".to_owned()), disk: None };
    let ids = [
        ProbeId::LargePages,
        ProbeId::WorkloadManager,
        ProbeId::Inittab,
        ProbeId::Kerberos,
        ProbeId::Lock,
        ProbeId::Audit,
    ];
    let asked: Vec<_> = ids.map(Probe::of).into_iter().chain([disk, unknown]).collect();
    let found = look(&mut session, asked.clone()).unwrap();
    let (probes, answers): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    assert_eq!(probes, asked);
    let failed = |why: &str| Answer::Failed { why: why.to_owned() };
    assert_eq!(
        answers,
        [
            printed(0, "-o lgpg_regions in C\n"),
            printed(1, ""),
            Answer::File { text: "init:2:initdefault:\n".to_owned() },
            Answer::NoFile,
            Answer::NoFile,
            failed("there is no command audit on this LPAR"),
            printed(0, "DISK_SIZE /dev/hdisk1\n"),
            failed("this agent does not look at weather"),
        ]
    );
}

#[test]
fn scripts_whose_file_is_gone_are_named() {
    let lpar = Lpar::new();
    lpar.command("there", "");
    lpar.command(
        "lvupdateRegScript",
        "printf 'orig,LVUP_CHECK,6:\\n\\tA = /usr/sbin/there x\\n\\tB = /usr/sbin/gone y\\n'",
    );
    let found = look(&mut greeted(&lpar), vec![Probe::of(ProbeId::Scripts)]).unwrap();
    let Answer::Printed { missing, .. } = &found[0].1 else { panic!("{found:?}") };
    assert_eq!(missing, &["/usr/sbin/gone"]);
}

#[test]
fn a_session_starts_no_more_processes_than_it_may_and_writes_nothing() {
    let lpar = Lpar::new();
    lpar.command("vmo", "echo x >> started");
    let mut session = greeted(&lpar);
    let many = vec![Probe::of(ProbeId::LargePages); MOST_PROCESSES - 1];
    look(&mut session, many).unwrap();
    let last = look(&mut session, vec![Probe::of(ProbeId::LargePages); 2]).unwrap();
    assert_eq!(last[0].1, printed(0, ""));
    let Answer::Failed { why } = &last[1].1 else { panic!("{last:?}") };
    assert!(why.starts_with("25 processes"), "{why}");
    assert_eq!(lpar.get("started").lines().count(), MOST_PROCESSES);
    let too_many = vec![Probe::of(ProbeId::Lock); 65];
    assert_eq!(look(&mut session, too_many).unwrap_err().0, Some(Refusal::BadRequest));

    // A command that prints without end is ended, and the others go on.
    let lpar = Lpar::new();
    lpar.command("vmo", "while :; do echo 0123456789012345678901234567890123456789; done");
    let before = lpar.files_with("\n");
    let probes = vec![Probe::of(ProbeId::LargePages), Probe::of(ProbeId::Lock)];
    let mut session = greeted(&lpar);
    let greeted = lpar.files_with("\n");
    let found = look(&mut session, probes).unwrap();
    assert!(
        matches!(&found[0].1, Answer::Failed { why } if why.contains("more than")),
        "{found:?}"
    );
    assert_eq!(found[1].1, Answer::NoFile);
    assert!(before.len() <= greeted.len());
    assert_eq!(lpar.files_with("\n"), greeted);
}

#[test]
fn no_device_is_opened_while_an_update_is_there() {
    let lpar = Lpar::new();
    for command in ["lquerypv", "fuser"] {
        lpar.command(command, "echo \"$*\"");
    }
    let disk = |id| Probe::of_disk(id, "hdisk1".parse().unwrap());
    let asked = vec![disk(ProbeId::DiskHeader), disk(ProbeId::DiskHolders)];
    let found = look(&mut greeted(&lpar), asked.clone()).unwrap();
    assert_eq!(found[0].1, printed(0, "-h /dev/hdisk1 0 1000\n"));
    assert_eq!(found[1].1, printed(0, "/dev/hdisk1 /dev/rhdisk1\n"));
    std::fs::write(lpar.path("usr/lpp/.genlib.lock.check"), "").unwrap();
    for (_, answer) in look(&mut greeted(&lpar), asked).unwrap() {
        let Answer::Failed { why } = &answer else { panic!("{answer:?}") };
        assert_eq!(why, "/usr/lpp/.genlib.lock.check is there");
    }
    // The names of disks are read from the configuration, and no device is opened for them.
    let names = vec![Probe::of(ProbeId::DiskIdentities)];
    assert!(matches!(look(&mut greeted(&lpar), names).unwrap()[0].1, Answer::Printed { .. }));
}

#[test]
fn the_lpars_own_policy_may_forbid_it() {
    let lpar = Lpar::new();
    std::fs::write(lpar.path("etc/nim-agent.policy"), "preflight = off\n").unwrap();
    let (why, text) = look(&mut greeted(&lpar), probe::first()).unwrap_err();
    assert_eq!(why, Some(Refusal::Policy));
    assert!(text.ends_with("does not allow a preflight"), "{text}");
}
