//! (j) and (k) An inventory of 100,000 LPARs: what is answered at once, and what is streamed.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use integration_tests::program;
use nim_lab::replay::Replay;
use nim_shared::api::PartitionView;
use nim_shared::id::LparId;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::{Megabytes, ProcessorUnits};
use tokio::runtime::Handle;

use nim_master::engine::capacity::Reading;
use nim_master::store::reservation::FrameReading;
use nim_master::store::{ConnectOptions, Store};

use crate::answer::{ask, milliseconds};
use crate::hosts::{self, Site};
use crate::report::{Gate, Row, number, step};
use crate::{session, usage};

/// Frames, and LPARs of each.
const FRAMES: u32 = 2000;
const EACH: u32 = 50;

/// Frames of one fleet file.
const FILE: u32 = 200;

/// HMCs, each with as many frames.
const HMCS: u32 = 20;

/// How often each answer is asked for. The middle one counts.
const TIMES: usize = 31;

/// How often each list is read. The middle one counts.
const LISTS: usize = 5;

/// Milliseconds that an answer, and the first byte of a list, may take.
const AT_ONCE: f64 = 100.0;

/// Seconds that all LPARs may take as JSON.
const WHOLE: f64 = 3.0;

/// Resident memory, in KiB, that a list may add to nimd or take in nimctl: far less than the list.
const MEMORY: f64 = 64.0 * 1024.0;

/// A master that knows all of them, and what their HMCs showed.
pub(crate) fn site() -> Result<(Replay, Site)> {
    let folder = hosts::folder()?;
    let first = std::net::Ipv4Addr::new(127, 81, 0, 1);
    let (replay, hosts) = hosts::replay(folder.path(), 1, first, session::whole()?)?;
    let site = Site::start(folder, hosts)?;
    step(&format!("apply of {FRAMES} frames with {EACH} LPARs each"));
    let mut text = String::from("hmc:\n");
    for hmc in 0..HMCS {
        writeln!(text, "- {{name: hmc{hmc:02}, if1: find_net hmc{hmc:02} 0}}")?;
    }
    site.apply("hmcs.yaml", &text)?;
    for first in (0..FRAMES).step_by(usize::try_from(FILE)?) {
        let (mut text, mut lpars) = (String::from("cec:\n"), String::from("standalone:\n"));
        for frame in first..first + FILE {
            writeln!(
                text,
                "- {{name: frame{frame:04}, hw_type: 9105, hw_model: 42A, hw_serial: \"78{frame:05}\", mgmt_source: hmc{:02}}}",
                frame % HMCS
            )?;
            for lpar in 0..EACH {
                let name = name(frame, lpar);
                writeln!(
                    lpars,
                    "- {{name: {name}, if1: find_net {name} 0, mgmt_source: frame{frame:04}, identity: {}, labels: {{env: e{}}}}}",
                    lpar + 3,
                    lpar % 7
                )?;
            }
        }
        site.apply("fleet.yaml", &(text + &lpars))?;
    }
    step("what their HMCs showed");
    Handle::current().block_on(readings(&site))?;
    Ok((replay, site))
}

/// The name of an LPAR.
fn name(frame: u32, lpar: u32) -> String {
    format!("lpar{:06}", frame * EACH + lpar)
}

/// Stores a reading of every frame, as nimd does after it has asked an HMC.
async fn readings(site: &Site) -> Result<()> {
    let store = Store::connect(&ConnectOptions::new(database(site)?)).await?;
    for frame in 0..FRAMES {
        let partition = |lpar: u32| -> Result<PartitionView> {
            let number = frame * EACH + lpar;
            Ok(PartitionView {
                name: name(frame, lpar),
                lpar_id: LparId(std::num::NonZeroU32::new(lpar + 3).context("an id")?),
                lpar_env: "aixlinux".to_owned(),
                state: "Running".to_owned(),
                rmc_state: "active".to_owned(),
                rmc_ipaddr: format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255),
                os_version: match number % 30 {
                    29 => "Unknown".to_owned(),
                    at => format!("AIX 7.3 7300-0{}-0{}-25{:02}", at % 3 + 1, at / 3, at + 1),
                },
            })
        };
        let found = FrameReading {
            reading: Reading {
                read_at: Timestamp::new(time::OffsetDateTime::now_utc()),
                free_memory: Megabytes(262_144),
                free_processors: ProcessorUnits { hundredths: 1200 },
                region: Megabytes(256),
                configurable_memory: Megabytes(4_194_304),
                partitions: Some(EACH),
                max_partitions: Some(1000),
            },
            surrogates: Vec::new(),
            partitions: (0..EACH).map(partition).collect::<Result<_>>()?,
            shapes: std::collections::BTreeMap::new(),
            processors: std::collections::BTreeMap::new(),
            pools: std::collections::BTreeMap::new(),
        };
        store.record_reading(&format!("frame{frame:04}").parse()?, &found).await?;
    }
    store.close().await;
    Ok(())
}

/// The URL of nimd's own database: its server notes where it listens.
fn database(site: &Site) -> Result<String> {
    let file = site.master.folder().join("postgres/data/postmaster.pid");
    let text = std::fs::read_to_string(&file).context("nimd has no database of its own")?;
    let lines: Vec<&str> = text.lines().collect();
    let [_, _, _, port, socket, ..] = lines[..] else { anyhow::bail!("a short file: {text}") };
    Ok(format!("postgres://nimd@localhost:{port}/postgres?host={socket}"))
}

/// Measures what is answered at once: from the first byte of a request to the last of its answer, on nimd's socket.
pub(crate) fn answers(site: &Site) -> Result<Row> {
    let lpars = FRAMES * EACH;
    let mut row = Row::new(format!("(j) answers of nimd among {lpars} LPARs"));
    for (what, target, gate) in [
        ("one object", "/v1/objects/lpar054321", Gate::Yes),
        ("a page of 100", "/v1/objects?type=standalone&limit=100", Gate::Yes),
        (
            "a page of 100 by field and label",
            "/v1/objects?type=standalone&limit=100&label=env%3De3&where=oslevel%3C7300-02%20and%20frame%3Dframe19*",
            Gate::No,
        ),
        ("the last page of 100", "/v1/objects?type=standalone&limit=100&after=101900", Gate::No),
        ("report levels", "/v1/report/levels", Gate::Yes),
    ] {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let begun = Instant::now();
            ask(&site.master, target)?;
            times.push(begun.elapsed());
        }
        times.sort();
        let (middle, slowest) = (milliseconds(times[TIMES / 2]), milliseconds(times[TIMES - 1]));
        row.figure(
            what,
            format!("{} ms, the slowest of {TIMES} {} ms", number(middle), number(slowest)),
        );
        row.at_most(&format!("milliseconds, {what}"), middle, AT_ONCE, gate);
    }
    let mut times = Vec::new();
    for _ in 0..LISTS {
        let begun = Instant::now();
        ask(&site.master, "/v1/objects?type=standalone&limit=100&sort=-oslevel")?;
        times.push(begun.elapsed());
    }
    times.sort();
    let middle = milliseconds(times[LISTS / 2]);
    row.figure("first page by level, list frozen", format!("{} ms", number(middle)));
    Ok(row)
}

/// What reading a list took.
struct Read {
    first: Duration,
    whole: Duration,
    bytes: usize,
    lines: usize,
    /// The most memory that nimctl had, in KiB.
    nimctl: f64,
}

/// Measures what is streamed: `nimctl`, whole process, and what both sides need of memory.
pub(crate) fn streams(site: &Site) -> Result<Row> {
    let lpars = FRAMES * EACH;
    let mut row = Row::new(format!("(k) lists of {lpars} LPARs, streamed; nimctl, whole process"));
    let before = usage::resident(site.pid()?)?;
    for (what, arguments, most) in [
        ("list standalone -o json", &["list", "standalone", "-o", "json"][..], Some(WHOLE)),
        ("list standalone", &["list", "standalone"], None),
        ("list standalone -o wide", &["list", "standalone", "-o", "wide"], None),
        ("list standalone --sort -oslevel", &["list", "standalone", "--sort", "-oslevel"], None),
        ("tree", &["tree"], None),
        ("tree -o json", &["tree", "-o", "json"], None),
    ] {
        step(what);
        let mut reads = Vec::new();
        for _ in 0..LISTS {
            reads.push(read(site, arguments)?);
        }
        let lines = reads[0].lines;
        ensure!(lines > usize::try_from(lpars)?, "{what}: {lines} lines");
        reads.sort_by_key(|read| read.first);
        let first = milliseconds(reads[LISTS / 2].first);
        reads.sort_by_key(|read| read.whole);
        let middle = &reads[LISTS / 2];
        let whole = middle.whole.as_secs_f64();
        let memory = reads.iter().map(|read| read.nimctl).fold(0.0, f64::max);
        row.figure(
            what,
            format!(
                "first byte {} ms, whole {} s, {} MB, nimctl {} MB of memory",
                number(first),
                number(whole),
                middle.bytes >> 20,
                number(memory / 1024.0)
            ),
        );
        // Sorted, it is frozen before it begins.
        let gate = if arguments.contains(&"--sort") { Gate::No } else { Gate::Yes };
        row.at_most(&format!("milliseconds to the first byte, {what}"), first, AT_ONCE, gate);
        row.at_most(&format!("KiB of memory in nimctl, {what}"), memory, MEMORY, Gate::Yes);
        if let Some(most) = most {
            row.at_most(&format!("seconds, {what}"), whole, most, Gate::Yes);
        }
    }
    let peak = usage::peak(site.pid()?)?;
    row.figure(
        "nimd before, and at its most",
        format!("{} and {} MB", number(before / 1024.0), number(peak / 1024.0)),
    );
    let after = usage::resident(site.pid()?)?;
    row.at_most("KiB of memory that they add to nimd", after - before, MEMORY, Gate::Yes);
    Ok(row)
}

/// Reads a list to its end.
fn read(site: &Site, arguments: &[&str]) -> Result<Read> {
    let nimctl: PathBuf = program("nimctl")?;
    let begun = Instant::now();
    let mut child = Command::new(nimctl)
        .args(arguments)
        .env(
            "NIMD_SERVER",
            format!("unix:{}", site.master.folder().join("run/nimd.sock").display()),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("nimctl does not start")?;
    let mut out = BufReader::with_capacity(1 << 16, child.stdout.take().context("no pipe")?);
    let (mut first, mut bytes, mut lines, mut nimctl) = (None, 0, 0, 0.0);
    loop {
        let part = out.fill_buf()?;
        if part.is_empty() {
            break;
        }
        first.get_or_insert_with(|| begun.elapsed());
        bytes += part.len();
        lines += part.iter().filter(|byte| **byte == b'\n').count();
        let taken = part.len();
        out.consume(taken);
        // Gone at the end, which is when it says no more.
        nimctl = usage::peak(child.id()).unwrap_or(nimctl);
    }
    let status = child.wait()?;
    let whole = begun.elapsed();
    ensure!(status.success(), "nimctl ended with {status}");
    Ok(Read { first: first.context("nothing came")?, whole, bytes, lines, nimctl })
}
