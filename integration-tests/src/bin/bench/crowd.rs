//! (o) How soon the first of 10,000 LPARs of a rollout runs, and (p) what 1,000 LPARs in flight cost: the screen of whoever watches, and
//! the memory of nimd. Nothing ends meanwhile: in these sites time stands still.

use std::io::{BufReader, Read as _};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use integration_tests::{Harness, program, wait_until_at};
use nim_lab::clock::Mode;
use nim_shared::api::OperationView;
use nim_shared::stamp::Timestamp;

use crate::answer::{ask, milliseconds};
use crate::report::{Gate, Row, number, step};
use crate::rolled::{Fleet, Limits};
use crate::usage;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Seconds until the first of many runs.
const FIRST: f64 = 2.0;

/// How often the screen's answer is asked for. The middle one counts.
const TIMES: usize = 31;

/// Milliseconds that an answer for the screen may take: it is asked for once a second, while the agents of all these LPARs are on this
/// machine too.
const REFRESH: f64 = 500.0;

/// Milliseconds of processor time that drawing it may take.
const DRAWN: f64 = 50.0;

/// How often the screen is drawn while one watches.
const DRAWINGS: usize = 20;

/// What each drawing begins with: the cursor goes to the first place.
const HOME: &[u8] = b"\x1b[H";

/// kB of memory of an LPAR in flight, as of a held session.
const MEMORY: f64 = 100.0;

/// Measures (o).
pub(crate) async fn first() -> Result<Row> {
    let fleet = Fleet { frames: 250, lpars: 10_000 };
    step(&format!("a lab of {} LPARs", fleet.lpars));
    let mut site = fleet.site(Mode::Explicit).await?;
    step("what a rollout has to know of them is read");
    let file = fleet.rollout(&site, Limits { in_flight: 4, per_frame: 1 })?;
    step("the rollout is started");
    let begun = Timestamp::new(SystemTime::now().into());
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    let accepted = Timestamp::new(SystemTime::now().into());
    let first = wait_until_at(LOOK, "the first LPAR to run", || {
        let operations = operations(&site)?;
        let first = operations.iter().filter_map(|one| one.started_at).min();
        Ok(first.ok_or_else(|| format!("{} operations", operations.len())))
    })?;
    let counts = Fleet::status(&site)?.view.counts;
    let all = counts.waiting + counts.in_flight;
    ensure!(all == usize::try_from(fleet.lpars)?, "{counts:?}");
    let seconds = first.since(begun).as_seconds_f64();
    let mut row = Row::new(format!(
        "(o) from `nimctl rollout start` with {} LPARs to the first that runs",
        fleet.lpars
    ));
    row.figure(
        "the command, with its plan",
        format!("{} s", number(accepted.since(begun).as_seconds_f64())),
    );
    row.at_most("seconds", seconds, FIRST, Gate::Yes);
    // Nobody waits for updates in which time stands still.
    site.master().kill()?;
    Ok(row)
}

/// Measures (p).
pub(crate) async fn in_flight() -> Result<Row> {
    let fleet = Fleet { frames: 40, lpars: 1000 };
    step(&format!("a lab of {} LPARs", fleet.lpars));
    let mut site = fleet.site(Mode::Explicit).await?;
    let file = fleet.rollout(&site, Limits { in_flight: fleet.lpars, per_frame: fleet.lpars })?;
    let nimd = site.master().pid().context("nimd does not run")?;
    let before = usage::resident(nimd)?;
    step("all of them are begun");
    let begun = Instant::now();
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    let all = usize::try_from(fleet.lpars)?;
    wait_until_at(LOOK, "all of them to run", || {
        let running = operations(&site)?.iter().filter(|one| one.started_at.is_some()).count();
        Ok(if running == all { Ok(()) } else { Err(format!("{running} run")) })
    })?;
    let started = begun.elapsed();
    let after = usage::resident(nimd)?;
    let each = (after - before) / f64::from(fleet.lpars) * 1.024;

    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        ask(site.master(), "/v1/rollouts/bench/watch")?;
        times.push(begun.elapsed());
    }
    times.sort();
    let (middle, slowest) = (milliseconds(times[TIMES / 2]), milliseconds(times[TIMES - 1]));
    step("the screen is watched");
    let (drawn, answered) = watched(&mut site, nimd)?;

    let mut row = Row::new(format!("(p) a rollout with {} LPARs in flight", fleet.lpars));
    row.figure("until all of them ran", format!("{} s", number(started.as_secs_f64())));
    row.figure(
        "an answer for the screen",
        format!("{} ms, the slowest of {TIMES} {} ms", number(middle), number(slowest)),
    );
    row.figure(
        "processor time of a second of watching",
        format!(
            "{} ms in nimctl, {} ms in nimd with all else it does",
            number(drawn),
            number(answered)
        ),
    );
    row.at_most("milliseconds, an answer for the screen", middle, REFRESH, Gate::Yes);
    row.at_most("milliseconds of nimctl a refresh", drawn, DRAWN, Gate::Yes);
    row.at_most("kB of memory of nimd an LPAR in flight", each, MEMORY, Gate::No);
    // Nobody waits for updates in which time stands still.
    site.master().kill()?;
    Ok(row)
}

/// Its operations.
fn operations(site: &Harness) -> Result<Vec<OperationView>> {
    let run = site.nimctl(["status", "--limit", "10000", "--output", "json"]).succeeded()?;
    serde_json::from_str(&run.stdout).context("no list of operations")
}

/// Milliseconds of processor time that a second of `rollout watch` on a terminal takes: of nimctl, and of nimd.
fn watched(site: &mut Harness, nimd: u32) -> Result<(f64, f64)> {
    let nimctl = program("nimctl")?;
    let socket = site.master().folder().join("run/nimd.sock");
    // A terminal of 80 columns and 24 lines, which is what `script` has where nobody says otherwise.
    let mut screen = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("stty cols 80 rows 24; exec {} rollout watch bench", nimctl.display()))
        .arg("/dev/null")
        .env("NIMD_SERVER", format!("unix:{}", socket.display()))
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("script does not start")?;
    let mut shown = BufReader::new(screen.stdout.take().context("script has no output")?);
    drawn(&mut shown, 1)?;
    let watcher = child_of(screen.id())?.context("script runs no nimctl")?;
    let (own, its, since) = (usage::cpu(watcher)?, usage::cpu(nimd)?, Instant::now());
    drawn(&mut shown, DRAWINGS)?;
    let seconds = since.elapsed().as_secs_f64();
    let each = |after: Duration, before: Duration| milliseconds(after - before) / seconds;
    let found = (each(usage::cpu(watcher)?, own), each(usage::cpu(nimd)?, its));
    screen.kill().context("script does not end")?;
    screen.wait()?;
    Ok(found)
}

/// Waits until the screen was drawn this many times more.
fn drawn(shown: &mut BufReader<ChildStdout>, times: usize) -> Result<()> {
    let mut read = 0;
    let mut left = times;
    for byte in shown.bytes() {
        let byte = byte.context("the screen cannot be read")?;
        read = if byte == HOME[read] { read + 1 } else { usize::from(byte == HOME[0]) };
        if read == HOME.len() {
            read = 0;
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
    }
    bail!("the screen ended before it was drawn {times} times")
}

/// The nimctl that the process `parent` has started.
fn child_of(parent: u32) -> Result<Option<u32>> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))
        .context("script is gone")?;
    let named = |pid: &u32| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.trim() == "nimctl"
    };
    Ok(children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(named))
}
