//! A rollout of the small site, rehearsed in a lab of its own: the site is copied, and the real programs run it there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::control::Client;
use nim_lab::site;
use serde_json::Value;

use crate::rollout::quick;

/// A rollout of six that goes on where one fails.
fn file(site: &Harness) -> Result<String> {
    let path = quick(site)?;
    let text = fs::read_to_string(&path)?;
    let text = text.replace("{failed: 1}", "{failed: 3}").replace("{failed: 2,", "{failed: 3,");
    fs::write(&path, text)?;
    Ok(path)
}

/// A folder for a rehearsal that is not there yet.
fn folder(site: &Harness) -> Result<(PathBuf, String)> {
    let folder = site.site_folder().join("rehearsal");
    let text = folder.to_str().context("a path")?.to_owned();
    Ok((folder, text))
}

/// Whether neither the lab nor its nimd runs in `folder` any more.
fn nothing_runs(folder: &Path) -> Result<()> {
    ensure!(Client::connect(&folder.join("lab")).is_err(), "the lab runs");
    ensure!(UnixStream::connect(folder.join("nimd/run/nimd.sock")).is_err(), "nimd runs");
    let pid = fs::read_to_string(folder.join("nimd/nimd.lock")).context("nimd never ran")?;
    let pid = pid.trim();
    ensure!(!pid.is_empty() && !Path::new("/proc").join(pid).exists(), "nimd {pid} is there");
    Ok(())
}

/// Frames with what is free, and LPARs with what they are.
type Shape = (BTreeMap<String, Frame>, BTreeMap<String, Lpar>);
type Lpar = (String, u32, String, u64, (u64, u64, u32), bool);

#[derive(Debug, PartialEq, Eq)]
struct Frame {
    machine: (String, String),
    hmcs: Vec<String>,
    /// All of it, what is free, and in what it is handed out, in MB.
    memory: (u64, u64, u64),
    /// What is free, in hundredths of a processor.
    processors: u64,
    /// What is free in each pool, in the same.
    pools: Vec<(u32, Option<u64>)>,
    vios: Vec<(String, u32)>,
}

fn shape(file: &site::File) -> Shape {
    let world = site::build::world(file);
    let frames = file.frames.iter().map(|one| {
        let frame = &world.frames[&one.name];
        let vios = one.vios.iter().map(|vios| (vios.name.clone(), vios.id)).collect();
        let pools = frame.pools.iter().map(|pool| (pool.id, frame.free_of_pool(pool.id)));
        let shape = Frame {
            machine: (one.type_model.clone(), one.serial.clone()),
            hmcs: one.hmcs.clone(),
            memory: (one.memory_mb, frame.free_mb(), one.region_mb),
            processors: frame.free_hundredths(),
            pools: pools.collect(),
            vios,
        };
        (one.name.clone(), shape)
    });
    let lpars = file.lpars.iter().map(|one| {
        let partition = world.partition_of(&one.name).expect("it is on its frame");
        let processors = (partition.hundredths, partition.least_hundredths(), partition.pool);
        let shape =
            (one.frame.clone(), one.id, one.level.clone(), one.memory_mb, processors, one.npiv);
        (one.name.clone(), shape)
    });
    (frames.collect(), lpars.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_runs_in_a_copy_of_the_site_which_itself_stays_as_it_is() -> Result<()> {
    let source = include_str!("../../../examples/site-small.yaml");
    let mut source = site::parse("site-small.yaml", source)?;
    source.lpars[1].npiv = true;
    let (name, processors) = ("SharedPool01".to_owned(), "4".parse().map_err(anyhow::Error::msg)?);
    let reserved = "0.5".parse().map_err(anyhow::Error::msg)?;
    let lpar = source.lpars.iter_mut().find(|one| one.name == "lpar07").context("no lpar07")?;
    (lpar.pool, lpar.min_processors) = (1, "0.2".parse().ok());
    let frame = lpar.frame.clone();
    let frame = source.frames.iter_mut().find(|one| one.name == frame).context("no frame")?;
    frame.pools = vec![site::PoolEntry { id: 1, name, processors, reserved }];
    let clock = nim_lab::clock::Mode::Auto { speed: 100 };
    let site = Harness::with(source.clone(), clock).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    site.nimctl(["change", "-a", "label.app=billing", "lpar07"]).succeeded()?;
    site.nimctl(["change", "-a", "limit=1", "frame1"]).succeeded()?;
    let file = file(&site)?;
    site.wait_for_frames(&file)?;
    let before = site.nimctl(["export"]).succeeded()?.stdout;

    let (folder, text) = folder(&site)?;
    let words =
        ["rehearse", &file, "--in-lab", &text, "--fault", "procfs-open=lpar12", "-o", "json"];
    let run = site.nimctl(words).succeeded()?;
    let found = run.json()?;
    nothing_runs(&folder)?;

    // What was drawn takes the fault for one of geninstall. The programs find it where it was set and nowhere else, and before they begin.
    let drawn = &found["rehearsal"];
    ensure!(drawn["targets"] == 6 && drawn["failures"][0]["code"] == "1020-311", "{found:#}");
    let lab = &found["lab"];
    ensure!(lab["counts"]["done"] == 5 && lab["counts"]["failed"] == 1, "{found:#}");
    ensure!(lab["stopped_by"].is_null(), "{found:#}");
    ensure!(lab["failures"][0]["code"] == "NLU-0159", "{found:#}");
    ensure!(lab["failures"][0]["lpars"] == serde_json::json!(["lpar12"]), "{found:#}");
    ensure!(lab["left_out"] == serde_json::json!([]), "{found:#}");
    let report = fs::read_to_string(folder.join("report.json"))?;
    let report: Value = serde_json::from_str(&report)?;
    for one in report["lpars"].as_array().context("LPARs")? {
        let wanted = if one["lpar"] == "lpar12" { "failed" } else { "updated" };
        ensure!(one["state"] == wanted, "{one:#}");
        ensure!(wanted == "failed" || one["level_after"] == "7300-03-01-2520", "{one:#}");
    }
    for part in ["a lab of 2 HMCs, 2 frames and 12 LPARs", "ready", "lpar12 is failed"] {
        ensure!(run.stderr.contains(part), "{part}: {run}");
    }
    let differs = fs::read_to_string(folder.join("differences.txt"))?;
    ensure!(differs.contains("divided by 100") && differs.contains("50 GB"), "{differs}");

    // The lab had the shape of the site.
    let copied = fs::read_to_string(folder.join("site.yaml"))?;
    let copied = site::parse("site.yaml", &copied)?;
    assert_eq!(shape(&copied), shape(&source));
    let fleet = fs::read_to_string(folder.join("fleet.yaml"))?;
    for part in ["app: billing", "limit: \"1\"", "name: all_lpars"] {
        ensure!(fleet.contains(part), "{part}: {fleet}");
    }

    // And the site is as it was.
    assert_eq!(site.nimctl(["export"]).succeeded()?.stdout, before);
    for lpar in ["lpar07", "lpar12"] {
        assert_eq!(site.updates_started(lpar)?, 0, "{lpar}");
    }
    let rollouts = site.nimctl(["rollout", "list", "-o", "json"]).succeeded()?.json()?;
    ensure!(rollouts == serde_json::json!([]), "{rollouts:#}");
    let again = site.nimctl(words).ended_with(3)?;
    ensure!(again.stderr.contains("NLU-0553") && again.stderr.contains("not empty"), "{again}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_lab_and_what_is_wrong_is_said_before_one_is_made() -> Result<()> {
    let mut site = Harness::small(100).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let file = file(&site)?;
    site.wait_for_frames(&file)?;
    let (folder, text) = folder(&site)?;

    let in_lab = |more: &[&'static str]| {
        let words = ["rehearse", &file, "--in-lab", &text].map(ToOwned::to_owned);
        words.into_iter().chain(more.iter().map(ToString::to_string)).collect::<Vec<_>>()
    };
    for (more, code, said) in [
        (&["--fault", "procfs-opne=lpar12"][..], 2, "did you mean procfs-open?"),
        (&["--fault", "procfs-open"], 2, "procfs-open=LPAR"),
        (&["--fault", "procfs-open=lpar99"], 2, "lpar99"),
        (&["--fault", "hmc-slow=hmc09"], 2, "no such host"),
        (&["--fault", "1430-094"], 2, "the update is in effect"),
        (&["--speed", "0"], 2, "NLU-0226"),
    ] {
        let words = in_lab(more);
        let bad = site.nimctl(words.iter().map(String::as_str)).ended_with(code)?;
        ensure!(bad.stderr.contains(said), "{said}: {bad}");
        ensure!(!folder.exists(), "{bad}");
    }
    // Below a folder that the database's user cannot enter, where that is another one.
    let closed = site.site_folder().join("closed");
    fs::DirBuilder::new().mode(0o700).create(&closed)?;
    if fs::metadata(&closed)?.uid() == 0 {
        let below = closed.join("new/rehearsal");
        let words = ["rehearse", &file, "--in-lab", below.to_str().context("a path")?];
        let bad = site.nimctl(words).ended_with(3)?;
        for part in ["NLU-0553", "NLU-0344", "cannot enter", "closed"] {
            ensure!(bad.stderr.contains(part), "{part}: {bad}");
        }
        ensure!(fs::read_dir(&closed)?.next().is_none(), "{bad}");
    }
    // A nimctl that stands alone. Another process writes it: what this one writes a program of another test has open too while it starts.
    let alone = site.site_folder().join("nimctl");
    let copied =
        std::process::Command::new("cp").arg(Harness::program("nimctl")?).arg(&alone).status()?;
    ensure!(copied.success(), "{copied}");
    let bad = std::process::Command::new(&alone).args(in_lab(&[])).output()?;
    let said = String::from_utf8_lossy(&bad.stderr);
    ensure!(bad.status.code() == Some(3) && said.contains("nim-lab, nimd, nim-agent"), "{said}");

    // The lab runs at the speed of life: it would take most of an hour.
    let words = in_lab(&["--speed", "1"]);
    let running = site.master().nimctl_started(words.iter().map(String::as_str))?;
    wait_until("the rollout runs in the lab", || {
        let said = running.said();
        Ok(if said.contains("running, at wave canary") { Ok(()) } else { Err(said) })
    })?;
    ensure!(Client::connect(&folder.join("lab")).is_ok(), "the lab runs");
    let ended = running.interrupt()?.ended_with(130)?;
    ensure!(ended.stderr.contains("interrupted"), "{ended}");
    nothing_runs(&folder)?;

    // Where nimctl is killed nobody ends them: they do so themselves.
    let folder = site.site_folder().join("killed/rehearsal");
    let words = ["rehearse", &file, "--in-lab", folder.to_str().context("a path")?];
    let running = site.master().nimctl_started(words)?;
    wait_until("the lab and its nimd run", || {
        let said = running.said();
        Ok(if said.contains("nimd are ready") { Ok(()) } else { Err(said) })
    })?;
    ensure!(Client::connect(&folder.join("lab")).is_ok(), "the lab runs");
    drop(running);
    wait_until("the lab and its nimd to end", || {
        Ok(nothing_runs(&folder).map_err(|why| why.to_string()))
    })?;
    site.end().await
}
