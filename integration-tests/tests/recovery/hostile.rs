//! Agents that lie, flood and forge: each harms the record of its own operation, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::clock::Mode;
use nim_shared::frame::{AgentFrame, Body, FRAME_LIMIT, Known, Position, Record, Recorded, write};
use nim_shared::id::{Digest, Epoch, OperationId, Seq};
use nim_shared::operation::{Named, Outcome, Report};
use nim_shared::stage::Stage;
use nim_shared::stamp::Timestamp;

use crate::end::End;
use crate::site::{self, Frame};
use crate::update;

/// One hostile agent: what it does, and by which word of `nimctl status` it is seen that `nimd` has met it.
struct Hostile {
    lpar: &'static str,
    /// A program of sed for what an honest agent says in `hello`.
    hello: &'static str,
    /// What it says once it is told to start.
    says: Says,
    seen: &'static str,
}

/// What a hostile agent says.
#[derive(Clone, Copy)]
enum Says {
    /// A line without end, one gigabyte of it, instead of `hello`.
    FloodAtOnce,
    /// The same after `start`.
    Flood,
    /// Zeros.
    Nul,
    /// JSON as deep as a line is long.
    Deep,
    /// An event whose content is as deep.
    DeepEvent,
    /// Texts that a terminal would obey, in all places where texts go.
    Escapes,
    /// Events with gaps.
    Jump,
    /// A journal of which a record was changed.
    Forged,
    /// That it succeeded, before anything was done.
    Success,
    /// Events of the operation of another LPAR.
    Foreign,
    /// Nothing.
    Nothing,
}

impl Hostile {
    /// One whose `hello` is an honest agent's.
    const fn after_hello(lpar: &'static str, says: Says, seen: &'static str) -> Self {
        Self { lpar, hello: "", says, seen }
    }
}

const HOSTILE: &[Hostile] = &[
    Hostile::after_hello("floodfirst", Says::FloodAtOnce, "contact"),
    Hostile::after_hello("flood", Says::Flood, "contact"),
    Hostile::after_hello("nul", Says::Nul, "no frame"),
    Hostile::after_hello("deep", Says::Deep, "no frame"),
    Hostile::after_hello("deepevent", Says::DeepEvent, "no frame"),
    Hostile {
        hello: r#"s/"version":"[^"]*"/"version":"\\u001b[31mred"/"#,
        ..Hostile::after_hello("escapes", Says::Escapes, "running")
    },
    Hostile::after_hello("jump", Says::Jump, "cannot be"),
    Hostile::after_hello("forged", Says::Forged, "is not that of its record"),
    Hostile::after_hello("success", Says::Success, "succeeded"),
    Hostile::after_hello("foreign", Says::Foreign, "cannot be"),
    Hostile {
        hello: r#"s/"partition_name":"[^"]*"/"partition_name":"honest"/"#,
        ..Hostile::after_hello("impostor", Says::Nothing, "failed")
    },
];

/// What `nimd` may come to hold in memory, in kilobytes: far below what one flood brings.
const MEMORY: u64 = 256 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_agent_harms_its_own_record_only() -> Result<()> {
    let names = ["before", "honest", "after"].into_iter();
    let lpars: Vec<_> = names
        .chain(HOSTILE.iter().map(|hostile| hostile.lpar))
        .map(|lpar| (lpar, Frame::Roomy))
        .collect();
    let mut site = site::with(&lpars, Mode::Explicit).await?;
    update::ask(&site, "before")?;
    update::step_to_end(&site, &["before"])?;
    let undisturbed = End::of(&site, "before")?;
    undisturbed.is("succeeded", 1)?;

    // It stands in the middle of its update while the others do their worst.
    update::ask(&site, "honest")?;
    update::step_to(&site, "honest", nim_lab::Phase::Install).await?;
    let victim = update::view(&site, "honest")?["id"].as_str().context("no id")?.parse()?;
    for hostile in HOSTILE {
        install(&site, hostile, victim)?;
        update::ask(&site, hostile.lpar)?;
    }
    for Hostile { lpar, seen, .. } in HOSTILE {
        wait_until(&format!("nimd to have met {lpar}"), || {
            let run = site.nimctl(["status", lpar, "--output", "json"]);
            Ok(if run.stdout.contains(seen) { Ok(()) } else { Err(run.to_string()) })
        })?;
    }
    let told = wait_until("what the agent with escapes says", || {
        let run = site.nimctl(["events", "escapes", "--output", "json"]);
        Ok(if run.stdout.contains("owned") { Ok(run) } else { Err(run.to_string()) })
    })?;
    ensure!(told.stdout.contains("\\u001b"), "JSON has it as it came, and escaped: {told}");

    update::ask(&site, "after")?;
    update::step_to_end(&site, &["honest", "after"])?;
    for lpar in ["honest", "after"] {
        let end = End::of(&site, lpar)?;
        ensure!(end == undisturbed, "{lpar}: {end:#?}\ninstead of {undisturbed:#?}");
    }
    for Hostile { lpar, .. } in HOSTILE {
        ensure!(site.updates_started(lpar)? == 0);
        let view = update::view(&site, lpar)?;
        ensure!(view["state"] != "succeeded" || *lpar == "success", "{view:#}");
        harmless_output(&site, lpar)?;
    }
    let said = site.master().said();
    ensure!(
        !said.contains('\u{1b}') && !said.contains('\u{9b}'),
        "an escape is in the log of nimd"
    );
    let pid = site.master().pid().context("nimd has ended")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("nimd has ended")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    ensure!(peak < MEMORY, "nimd came to hold {peak} KB");
    site.end().await
}

/// Whatever is shown of it, and however, a terminal finds nothing to obey.
fn harmless_output(site: &Harness, lpar: &str) -> Result<()> {
    for format in ["table", "json", "yaml"] {
        for command in ["status", "events", "log", "show"] {
            let run = site.nimctl([command, lpar, "--output", format]);
            for text in [&run.stdout, &run.stderr] {
                let bad = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
                ensure!(bad.is_none(), "{bad:?} in {run:?}");
            }
        }
    }
    let run = site.nimctl(["status", "--all"]);
    ensure!(!run.stdout.contains('\u{1b}'), "{run:?}");
    Ok(())
}

/// Puts the hostile agent in the place of the honest one.
fn install(site: &Harness, hostile: &Hostile, victim: OperationId) -> Result<()> {
    let folder = site.lab().root(hostile.lpar).join("opt/nim-agent");
    let agent = folder.join("nim-agent");
    let put = |name: &str, content: &[u8]| {
        fs::write(folder.join(name), content).with_context(|| format!("no file {name}"))
    };
    fs::copy(Harness::program("nim-agent")?, folder.join("honest")).context("no copy")?;
    fs::remove_file(&agent).context("no agent there")?;
    put("hello.sed", hostile.hello.as_bytes())?;
    put("says", &says(hostile.says, victim)?)?;
    match hostile.says {
        Says::FloodAtOnce => put("flood-at-once", b"")?,
        Says::Flood => put("flood", b"")?,
        _ => {}
    }
    put("nim-agent", SCRIPT.as_bytes())?;
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).context("no mode")?;
    Ok(())
}

/// Says `hello` as an honest agent would, but for what sed makes of it; then what stands in the file `says`, with the operation and
/// the digest of the order that it got.
const SCRIPT: &str = r#"#!/bin/sh
here=${0%/*}
flood() {
    head -c 1073741824 /dev/zero | tr '\0' x
}
read -r hello
[ ! -f "$here/flood-at-once" ] || flood
printf '%s\n' "$hello" | "$here/honest" serve | head -n 1 | sed -f "$here/hello.sed"
read -r order
operation=$(printf '%s\n' "$order" | sed 's/.*"operation":"\([^"]*\)".*/\1/')
case $order in
*'"digest"'*) printf '%s\n' "$order" | sed 's/.*"digest":"\([^"]*\)".*/\1/' >"$here/digest" ;;
esac
sed -e "s/OPERATION/$operation/g" -e "s/DIGEST/$(cat "$here/digest")/g" "$here/says"
[ ! -f "$here/flood" ] || flood
exec cat >/dev/null
"#;

/// Operation and digest in the frames of [`says`], for sed to find.
fn own() -> OperationId {
    OperationId(uuid::Uuid::nil())
}

fn says(what: Says, victim: OperationId) -> Result<Vec<u8>> {
    let taken = AgentFrame::Taken {
        operation: own(),
        digest: Digest::ZERO,
        at: Position::START,
        proceeded: false,
    };
    let note = |text: &str| Known::Note { text: text.to_owned() };
    let red = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}";
    let report = |summary: &str| Report {
        codes: vec![summary.to_owned()],
        ..Report::of(Outcome::Succeeded { follow_up: vec![] }, summary)
    };
    let told = |operation, told: Vec<(u64, Known)>| -> Result<Vec<AgentFrame>> {
        Ok([vec![taken.clone()], events(operation, told)?].concat())
    };
    let frames = match what {
        Says::FloodAtOnce | Says::Flood | Says::Nothing => vec![],
        Says::Nul => return Ok(b"\0\0\0\0\n".repeat(1000)),
        Says::Deep => {
            return Ok(["[".repeat(FRAME_LIMIT - 2).as_str(), "\n"].concat().into_bytes());
        }
        Says::DeepEvent => {
            let line = lines(&events(own(), vec![(1, note("BODY"))])?)?;
            let body = serde_json::to_string(&Body::from(note("BODY")))?.replace('"', "\\\"");
            ensure!(line.contains(&body), "{line} without {body}");
            let deep = ["[".repeat(FRAME_LIMIT / 4), "]".repeat(FRAME_LIMIT / 4)].concat();
            return Ok(replaced(&line.replace(&body, &deep)));
        }
        Says::Escapes => {
            let told = told(
                own(),
                vec![
                    (1, note(red)),
                    (2, Known::Stage { stage: Named::Other(red.to_owned()) }),
                    (3, Known::Code { code: red.to_owned(), text: red.to_owned() }),
                ],
            )?;
            let rest = vec![
                AgentFrame::Output {
                    operation: own(),
                    epoch: Epoch(1),
                    offset: 0,
                    // ESC [ 3 1 m, BEL, a line end, 0x9b.
                    data: "G1szMW0HCps=".to_owned(),
                },
                AgentFrame::Refused {
                    operation: Some(own()),
                    refused: red.to_owned(),
                    why: Named::Other(red.to_owned()),
                    text: red.to_owned(),
                },
            ];
            [told, rest].concat()
        }
        Says::Jump => told(own(), vec![(1, note("one")), (3, note("three"))])?,
        Says::Forged => {
            let line = lines(&told(own(), vec![(1, note("one")), (2, note("forge me"))])?)?;
            return Ok(replaced(&line.replace("forge me", "forged")));
        }
        Says::Success => told(own(), vec![(1, Known::Finished(Box::new(report(red))))])?,
        Says::Foreign => {
            let entered = Known::Stage { stage: Named::Known(Stage::Post) };
            told(victim, vec![(1, entered), (2, Known::Finished(Box::new(report("all is well"))))])?
        }
    };
    Ok(replaced(&lines(&frames)?))
}

fn lines(frames: &[AgentFrame]) -> Result<String> {
    let lines: Vec<Vec<u8>> = frames.iter().map(write).collect::<Result<_, _>>()?;
    Ok(String::from_utf8(lines.concat())?)
}

/// `text` with names for the operation and the digest that the script learns.
fn replaced(text: &str) -> Vec<u8> {
    let operation = own().to_string();
    let digest = format!("\"digest\":\"{}\"", Digest::ZERO);
    text.replace(&operation, "OPERATION").replace(&digest, "\"digest\":\"DIGEST\"").into_bytes()
}

/// Events of `operation`, each with its number, chained as in an honest agent's journal.
fn events(operation: OperationId, told: Vec<(u64, Known)>) -> Result<Vec<AgentFrame>> {
    let (mut before, mut frames) = (Digest::ZERO, Vec::new());
    for (seq, body) in told {
        let at = Timestamp::from_unix_micros(0);
        let body = body.into();
        let record = Record { epoch: Epoch(1), seq: Seq(seq), at, rootvg: vec![], body };
        let recorded = Recorded::after(before, operation, record)?;
        before = recorded.event.hash;
        frames.push(AgentFrame::Event(Box::new(recorded)));
    }
    Ok(frames)
}
