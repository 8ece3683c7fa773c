//! (e) From the agent's journal to the watcher's screen, and (h) what the agent takes: real agents among recorded sessions.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use integration_tests::program;
use nim_lab::clock::Mode;
use nim_lab::{Faketime, Lab, Settings, site};
use nim_shared::api::Watched;
use nim_shared::stamp::Timestamp;

use crate::hosts::{self, Site};
use crate::report::{Gate, Row, number, step};
use crate::{held, session, usage};

/// Recorded sessions. With the real agents there are 500 operations.
const RECORDED: u32 = 498;

/// Real agents at work at a time.
const REAL: &str = "2";

/// How often each recorded session says something, and how often at most.
const TALK: (Duration, u64) = (Duration::from_secs(5), 100);

/// How fast the lab's time runs for what AIX does. Agents and their journals keep the machine's time.
const SPEED: u32 = 20;

/// Measures both rows.
pub(crate) fn measure() -> Result<[Row; 2]> {
    step(&format!("{RECORDED} recorded sessions are opened beside a site of real agents"));
    let folder = hosts::folder()?;
    let first = Ipv4Addr::new(127, 82, 0, 1);
    let script = session::held(TALK.0, TALK.1)?;
    let (_replay, hosts) = hosts::replay(folder.path(), RECORDED, first, script)?;
    let site = Site::start(folder, hosts)?;
    let lab = Agents::start(&site)?;
    site.submit()?;
    held::wait_until_prepared(&site, RECORDED)?;

    let batch = site.preview(&[
        "-a",
        "live_update_data=lud_{lpar}",
        "-a",
        &format!("concurrent={REAL}"),
        "all_lpars",
    ])?;
    step("the previews of real agents are watched");
    let (done, is_done) = mpsc::channel();
    let (watched, resident) = thread::scope(|scope| {
        let folder = site.folder.path();
        let largest = scope.spawn(move || largest_agent(folder, &is_done));
        let watched = watch(&site, &batch);
        drop(done);
        (watched, largest.join())
    });
    let late = watched?;
    let resident = resident.map_err(|_| anyhow::anyhow!("nobody looked at the agents"))??;
    lab.end();
    Ok([screen(late)?, agent(resident)?])
}

fn screen(mut late: Vec<f64>) -> Result<Row> {
    ensure!(late.len() >= 100, "{} lines only", late.len());
    late.sort_by(f64::total_cmp);
    let part = |percent: usize| late[(late.len() * percent).div_ceil(100).max(1) - 1];
    let mut row = Row::new(format!(
        "(e) from a record in the agent's journal to its line on the watcher's screen, {} running",
        RECORDED + 2
    ));
    row.figure("lines", late.len());
    row.figure("half of them within", format!("{} ms", number(part(50))));
    row.figure("the slowest", format!("{} ms", number(part(100))));
    row.at_most("milliseconds, 99 of 100", part(99), 300.0, Gate::No);
    Ok(row)
}

fn agent(resident: f64) -> Result<Row> {
    let mut row = Row::new("(h) the agent, as built for this machine");
    let size = fs::metadata(program("nim-agent")?)?.len();
    let megabytes = f64::from(u32::try_from(size)?) / 1e6;
    row.at_most("megabytes, the program", megabytes, 5.0, Gate::Yes);
    row.at_most("megabytes resident, the largest process", resident * 1.024 / 1e3, 8.0, Gate::Yes);
    Ok(row)
}

/// LPARs of the lab, with real agents.
struct Agents(Lab);

impl Agents {
    /// The small site, on record at the master.
    fn start(site: &Site) -> Result<Self> {
        let mut file = site::parse("site", include_str!("../../../../examples/site-small.yaml"))?;
        file.port = 0;
        let directory = site.folder.path().join("lab");
        let settings = Settings {
            site: file,
            directory: directory.clone(),
            clock: Mode::Auto { speed: SPEED },
            agent: program("nim-agent")?,
            lab: program("nim-lab")?,
            faketime: Faketime::Off,
        };
        let runtime = tokio::runtime::Handle::current();
        let lab = runtime.block_on(nim_lab::Site::start(settings))?;
        site.apply("lab.yaml", &fs::read_to_string(directory.join("fleet.yaml"))?)?;
        site.import(&directory.join("known_hosts"))?;
        for hmc in ["hmc01", "hmc02"] {
            let secret = format!("{hmc}_password");
            site.master.nimctl(["secret", "set", &secret], Some("live4update\n")).succeeded()?;
        }
        Ok(Self(lab))
    }

    fn end(self) {
        tokio::runtime::Handle::current().block_on(self.0.stop());
    }
}

/// Follows `batch` to its end. How many milliseconds after its record in the journal each line came.
fn watch(site: &Site, batch: &str) -> Result<Vec<f64>> {
    let arguments = ["watch", "--batch", batch, "--output", "json"];
    let mut watcher = Watcher(site.master.nimctl_piped(arguments)?);
    let output = watcher.0.stdout.take().context("no pipe")?;
    let mut began = None;
    let mut late = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        let now = Timestamp::new(SystemTime::now().into());
        let began = *began.get_or_insert(now);
        if let Watched::Event(event) = serde_json::from_str(&line)?
            && event.event.at > began
        {
            late.push(now.since(event.event.at).as_seconds_f64() * 1000.0);
        }
    }
    let ended = watcher.0.wait()?;
    ensure!(ended.success(), "the watcher ended with {ended}:\n{}", site.master.said());
    Ok(late)
}

struct Watcher(Child);

impl Drop for Watcher {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How often one looks at the agents' memory.
const LOOK: Duration = Duration::from_millis(200);

/// The most memory that a process of an agent on a site in `folder` ever had, in KiB, looked at until `done` is hung up.
fn largest_agent(folder: &Path, done: &Receiver<()>) -> Result<f64> {
    let folder = folder.to_str().context("a folder that is no text")?;
    let (mut largest, mut seen) = (0.0_f64, BTreeSet::new());
    while done.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // A process that ended meanwhile has nothing to be read.
            let read =
                |what: &str| fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_default();
            if read("comm").trim() == "nim-agent" && read("environ").contains(folder) {
                seen.insert(pid);
                largest = largest.max(usage::peak(pid).unwrap_or(0.0));
            }
        }
    }
    ensure!(!seen.is_empty(), "no process of an agent was seen");
    Ok(largest)
}
