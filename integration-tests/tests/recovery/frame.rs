//! Every kind of frame is met by a cut of the connection, before it arrives and after, and every frame arrives twice.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use integration_tests::{Harness, SOURCE, cust};
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::{Armed, Fault};
use nim_lab::state::{State, Turn};
use nim_lab::wire::{How, Mishap, Way};
use nim_shared::frame::{AgentFrame, FileFrame, Frame as _, MasterFrame};

use crate::end::End;
use crate::site::{self, Frame};
use crate::update;

/// An operation in whose course a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Course {
    /// An update.
    Update,
    /// An update whose connection is lost once: what goes on is attached to.
    Reattached,
    /// An update whose first `start` is lost with its connection.
    StartLost,
    /// An update that waits for room on its frame and is cancelled there.
    Cancelled,
    /// An update that the agent refuses, because another Live Update runs on its LPAR.
    Refused,
    /// An update of an LPAR to which the files are sent.
    Pushed,
    /// The same, and the LPAR's own policy takes no files.
    PushRefused,
    /// A question to the LPAR, and an update after it.
    Asked,
    /// A preflight of the LPAR, and an update after it.
    Looked,
    /// An update of an LPAR whose IP filters come back on trial.
    Filtered,
    /// An update in parts: the master looks for room before each.
    Split,
    /// None yet: no master sends it, and no agent answers it.
    Never,
}

/// Every kind by name: one that is new fails until somebody has said when it goes.
fn course(way: Way, channel: Channel, kind: &str) -> Result<Course> {
    Ok(match (channel, way, kind) {
        (Channel::Serve, Way::ToAgent, "hello" | "start" | "proceed" | "secret" | "ack") => {
            Course::Update
        }
        (Channel::Serve, Way::ToAgent, "attach") | (Channel::Serve, Way::ToMaster, "attached") => {
            Course::Reattached
        }
        (Channel::Serve, Way::ToAgent, "query")
        | (Channel::Serve, Way::ToMaster, "query_output" | "query_ended") => Course::Asked,
        (Channel::Serve, Way::ToAgent, "preflight")
        | (Channel::Serve, Way::ToMaster, "probed" | "preflight_ended") => Course::Looked,
        (Channel::Serve, Way::ToAgent, "proof") | (Channel::Serve, Way::ToMaster, "need_proof") => {
            Course::Filtered
        }
        (Channel::Serve, Way::ToAgent, "step") | (Channel::Serve, Way::ToMaster, "need_step") => {
            Course::Split
        }
        (Channel::Serve, Way::ToAgent, "cancel") => Course::Cancelled,
        (Channel::Serve, Way::ToAgent, "forget" | "facts")
        | (Channel::Serve, Way::ToMaster, "forgotten" | "facts") => Course::Never,
        (Channel::Serve, Way::ToMaster, "hello" | "taken" | "event" | "output" | "need_secret") => {
            Course::Update
        }
        (Channel::Serve, Way::ToMaster, "tombstoned") => Course::StartLost,
        (Channel::Serve, Way::ToMaster, "refused") => Course::Refused,
        (Channel::Receive, Way::ToAgent, "offer" | "chunk")
        | (Channel::Receive, Way::ToMaster, "state" | "kept") => Course::Pushed,
        (Channel::Receive, Way::ToMaster, "refused") => Course::PushRefused,
        // A kind of the other direction.
        (Channel::Receive, ..) => Course::Never,
        (Channel::Serve, way, kind) => bail!("nobody has said when `{kind}` goes {way:?}"),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Serve,
    Receive,
}

/// All kinds of frame, in the directions in which they go.
fn kinds() -> Vec<(Channel, Way, &'static str)> {
    let of = |channel, way, kinds: &'static [&'static str]| {
        kinds.iter().map(move |kind| (channel, way, *kind))
    };
    of(Channel::Serve, Way::ToAgent, MasterFrame::KINDS)
        .chain(of(Channel::Serve, Way::ToMaster, AgentFrame::KINDS))
        .chain(of(Channel::Receive, Way::ToAgent, FileFrame::KINDS))
        .chain(of(Channel::Receive, Way::ToMaster, FileFrame::KINDS))
        .collect()
}

/// One LPAR whose operation meets mishaps.
struct Case {
    lpar: String,
    course: Course,
    mishaps: Vec<Mishap>,
}

/// Each kind of frame on an LPAR of its own: the first one of that kind meets a cut.
fn cuts(how: How) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (channel, way, kind) in kinds() {
        let course = course(way, channel, kind)?;
        if course != Course::Never {
            let mishap = Mishap { way, kind: kind.to_owned(), how, times: 1 };
            cases.push(Case { lpar: lpar(cases.len()), course, mishaps: vec![mishap] });
        }
    }
    Ok(cases)
}

/// Each course on an LPAR of its own: every frame comes twice. `hello` on one of its own and once, for a connection ends with its
/// second one.
fn doubled() -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for (channel, way, kind) in kinds() {
        let course = course(way, channel, kind)?;
        if course == Course::Never {
            continue;
        }
        let times = if kind == "hello" { 1 } else { usize::MAX };
        let mishap = Mishap { way, kind: kind.to_owned(), how: How::Twice, times };
        let fits = |case: &&mut Case| {
            case.course == course && case.mishaps.iter().all(|other| other.times == times)
        };
        match cases.iter_mut().find(fits).filter(|_| times > 1) {
            Some(case) => case.mishaps.push(mishap),
            None => {
                cases.push(Case { lpar: lpar(cases.len()), course, mishaps: vec![mishap] });
            }
        }
    }
    Ok(cases)
}

fn lpar(number: usize) -> String {
    format!("lpar{:02}", number + 1)
}

/// The operations that are not disturbed: name, course, state at the end, number of starts.
const UNDISTURBED: &[(&str, Course, &str, usize)] = &[
    ("updated", Course::Update, "succeeded", 1),
    ("cancelled", Course::Cancelled, "cancelled", 0),
    ("refused", Course::Refused, "failed", 0),
    ("pushed", Course::Pushed, "succeeded", 1),
    ("unpushed", Course::PushRefused, "failed", 0),
    ("filtered", Course::Filtered, "succeeded", 1),
    ("split", Course::Split, "succeeded", 2),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_lost_with_its_connection_changes_nothing() -> Result<()> {
    all_end_as_undisturbed(&cuts(How::CutBefore)?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_right_after_a_frame_changes_nothing() -> Result<()> {
    all_end_as_undisturbed(&cuts(How::CutAfter)?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_come_twice_change_nothing() -> Result<()> {
    all_end_as_undisturbed(&doubled()?).await
}

async fn all_end_as_undisturbed(cases: &[Case]) -> Result<()> {
    let undisturbed = UNDISTURBED.iter().map(|(lpar, course, ..)| (*lpar, *course));
    let disturbed = cases.iter().map(|case| (case.lpar.as_str(), case.course));
    let all: Vec<(&str, Course)> = undisturbed.chain(disturbed).collect();
    let frame = |course| if course == Course::Cancelled { Frame::Full } else { Frame::Roomy };
    let lpars: Vec<_> = all.iter().map(|(lpar, course)| (*lpar, frame(*course))).collect();
    // At twice the speed a token of the HMC, which is good for a day, would run out while a connection that was cut is missed.
    let site = site::with(&lpars, Mode::Auto { speed: 500 }).await?;
    site.lab().set_fault("cancelled", Fault::FrameFull).await?;
    let location =
        format!("location={}", site.site_folder().join("lpp_source/7300-03-01").display());
    site.nimctl(["define", "-t", "lpp_source", "-a", &location, "-a", "access=push", "here"])
        .succeeded()?;
    site.set_policy("prep: {ip_filters: always}\nbackup: {waived: nothing is lost here}\n")?;

    for (lpar, ..) in UNDISTURBED {
        site.lab().set_mishaps(lpar, unheard()?)?;
    }
    for Case { lpar, course, mishaps } in cases {
        let lost =
            Mishap { way: Way::ToAgent, kind: "start".to_owned(), how: How::CutBefore, times: 1 };
        let before = (*course == Course::StartLost).then_some(lost);
        site.lab().set_mishaps(lpar, mishaps.iter().cloned().chain(before).collect())?;
    }
    for (lpar, course) in &all {
        ask(&site, lpar, *course).await?;
    }
    for (lpar, _) in all.iter().filter(|(_, course)| *course == Course::Cancelled) {
        update::until(&site, lpar, "waiting for room on its frame", |view| {
            view["state"] == "running" && !view["waits_for"].is_null()
        })?;
        site.nimctl(["cancel", lpar]).succeeded()?;
    }

    let mut ends = Vec::new();
    for (lpar, course, state, started) in UNDISTURBED {
        let end = End::of(&site, lpar)?;
        end.is(state, *started).with_context(|| (*lpar).to_owned())?;
        let heard = site.lab().befallen(lpar)?;
        ensure!(heard.iter().all(|times| *times == 0), "{:?} went: {heard:?}", unheard()?);
        ends.push((*course, end));
    }
    for Case { lpar, course, mishaps } in cases {
        let end = End::of(&site, lpar).with_context(|| format!("{mishaps:?} on {lpar}"))?;
        let befallen = site.lab().befallen(lpar)?;
        ensure!(befallen.iter().all(|times| *times > 0), "{mishaps:?} on {lpar}: {befallen:?}");
        let like = match course {
            Course::Reattached | Course::StartLost | Course::Asked | Course::Looked => {
                Course::Update
            }
            other => *other,
        };
        let (_, undisturbed) =
            ends.iter().find(|(course, _)| *course == like).context("nothing to compare with")?;
        ensure!(
            end == *undisturbed,
            "{mishaps:?} on {lpar}: {end:#?}\ninstead of {undisturbed:#?}\n{}",
            site.nimctl(["events", lpar])
        );
    }
    site.end().await
}

/// Counts the frames that nobody sends.
fn unheard() -> Result<Vec<Mishap>> {
    let mut mishaps = Vec::new();
    for (channel, way, kind) in kinds() {
        if channel == Channel::Serve && course(way, channel, kind)? == Course::Never {
            let (kind, times) = (kind.to_owned(), usize::MAX);
            mishaps.push(Mishap { way, kind, how: How::Counted, times });
        }
    }
    Ok(mishaps)
}

/// Makes `lpar` ready for its course, and asks for its update.
async fn ask(site: &Harness, lpar: &str, course: Course) -> Result<()> {
    let root = site.lab().root(lpar);
    match course {
        Course::Reattached => {
            site.lab().arm_fault(lpar, Fault::SshDrop, Armed::At(Phase::Install)).await?;
        }
        Course::Refused => fs::write(root.join("usr/lpp/.genlib.lock.check"), "")?,
        Course::PushRefused => fs::write(root.join("etc/nim-agent.policy"), "push = off\n")?,
        Course::Asked => {
            let said = site.nimctl(["c_rsh", lpar, "/usr/bin/oslevel -s"]);
            let lines = said.stdout.lines().count();
            let is_whole = said.code == Some(0) && lines == 1;
            ensure!(is_whole || said.code != Some(0) && lines <= 1, "{said}");
        }
        Course::Looked => {
            // Whatever met it, what is not known of the LPAR does not pass.
            let said = site.nimctl(["-o", "json", "preflight", lpar]);
            let report = said.json()?;
            let findings = report["lpars"][0]["findings"].as_array();
            let token = findings.into_iter().flatten().find(|one| one["check"] == "M01");
            let verdict = token.map(|one| one["verdict"].clone()).unwrap_or_default();
            ensure!(verdict == "unknown" || verdict == "warn", "{said}");
        }
        Course::Filtered => site.lab().set_state(lpar, State::IpFilters, Turn::On)?,
        Course::Update
        | Course::StartLost
        | Course::Cancelled
        | Course::Pushed
        | Course::Split
        | Course::Never => {}
    }
    let source = match course {
        Course::Pushed | Course::PushRefused => "lpp_source=here",
        _ => SOURCE,
    };
    let parts: &[&str] = if course == Course::Split { &["-a", "strategy=split"] } else { &[] };
    let words = cust(source, &[lpar]).into_iter().chain(parts.iter().copied());
    site.nimctl(words.chain(["--detach"])).succeeded()?;
    Ok(())
}
