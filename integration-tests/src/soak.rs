//! A whole fleet in one rollout, with faults and a master that is killed again and again: what nimd says of it in the end is held
//! against what the lab recorded.

mod fleet;
pub mod proof;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;
use nim_shared::api::{RolloutReport, RolloutStatus};

use crate::{Harness, wait_until_at};
use fleet::Limits;
use proof::Place;

/// How large, and how hard.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Frames, of which each HMC manages the half.
    pub frames: u32,
    /// LPARs.
    pub lpars: u32,
    /// What goes wrong on some of them.
    pub wrong: Wrong,
    /// How often nimd is killed on the way.
    pub kills: usize,
    /// How many times faster than life the site is.
    pub speed: u32,
    /// What chance draws from.
    pub seed: u64,
}

/// What goes wrong, each on an LPAR that the seed draws.
#[derive(Clone, Copy, Debug)]
pub enum Wrong {
    /// So many faults, drawn by the seed: each kind once before one comes twice.
    Drawn(usize),
    /// These.
    Named(&'static [Fault]),
}

impl Size {
    /// As each change has to pass it.
    pub const SHORT: Self = Self {
        frames: 4,
        lpars: 20,
        wrong: Wrong::Named(&[Fault::InstallFails, Fault::AgentKilled, Fault::PartialSuccess]),
        kills: 2,
        speed: 400,
        seed: 1,
    };

    /// `make soak`.
    pub const LONG: Self =
        Self { frames: 40, lpars: 1000, wrong: Wrong::Drawn(30), kills: 10, speed: 400, seed: 1 };
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many were updated.
    pub updated: usize,
    /// Who was not, in which state it ended, and the fault that was set there.
    pub others: BTreeMap<String, (String, Option<Fault>)>,
    /// How many ran at a time at most, by the lab's record.
    pub at_a_time: usize,
}

/// Between two looks at the rollout.
const PACE: std::time::Duration = std::time::Duration::from_millis(200);

/// Runs it to its end and proves what has to hold. `tell` hears how far it is.
///
/// # Errors
/// What does not hold.
pub async fn run(size: Size, mut tell: impl FnMut(&str)) -> Result<Outcome> {
    let limits = Limits::of(usize::try_from(size.frames)?);
    let faults = fleet::faults(&size);
    let mut site = Harness::with(fleet::site(&size)?, Mode::Auto { speed: size.speed }).await?;
    // What limits it is what the file says: what nimd allows by itself is less, and would never let a limit of the file be met.
    site.master().settle("limits: {global: 1000, per_frame: 1000, per_hmc: 1000}\n")?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let file = site.site_folder().join("soak.yaml");
    std::fs::write(&file, fleet::rollout(&size, &limits)?)?;
    let file = file.to_str().context("a path that is no text")?.to_owned();
    site.wait_for_frames(&file)?;
    for (lpar, fault) in &faults {
        tell(&format!("{lpar}: {fault}"));
    }
    fleet::set(site.lab(), &faults).await?;

    site.nimctl(["rollout", "start", &file]).succeeded()?;
    let all = usize::try_from(size.lpars)?;
    for kill in 1..=size.kills {
        let wanted = all * kill / (size.kills + 1);
        let status = until(&site, &format!("{wanted} of {all} to be over"), |status| {
            over(status) >= wanted
        })?;
        tell(&format!(
            "{} of {all} are over: nimd is killed, {kill} of {}",
            over(&status),
            size.kills
        ));
        site.master().kill()?;
        site.master().launch()?;
    }
    let status = until(&site, "the rollout to end", |status| status.view.phase == "ended")?;
    let report = site.nimctl(["rollout", "report", "soak", "-o", "json"]).succeeded()?;
    let report: RolloutReport = serde_json::from_str(&report.stdout).context("no report")?;
    let outcome = prove(&site, &size, &limits, &faults, &status, &report)?;
    // What it was told leads to the same decisions, over all deaths of its master.
    let replayed = site.nimctl(["rollout", "replay", "soak", "-o", "json"]).succeeded()?.json()?;
    ensure!(replayed["complete"] == true && replayed["differs"].is_null(), "{replayed:#}");
    site.end().await?;
    Ok(outcome)
}

/// Everything that has to hold of a rollout that is over.
fn prove(
    site: &Harness,
    size: &Size,
    limits: &Limits,
    faults: &[(String, Fault)],
    status: &RolloutStatus,
    report: &RolloutReport,
) -> Result<Outcome> {
    let all = usize::try_from(size.lpars)?;
    let world = site.lab().world()?;
    let faults: BTreeMap<&str, Fault> =
        faults.iter().map(|(lpar, fault)| (lpar.as_str(), *fault)).collect();

    // The report is whole, and adds up with the status.
    let named: BTreeSet<&str> = report.lpars.iter().map(|one| one.lpar.as_str()).collect();
    ensure!(named.len() == all && report.lpars.len() == all, "{} LPARs in the report", named.len());
    let counts = &report.view.counts;
    ensure!(counts == &status.view.counts, "{counts:?} and {:?}", status.view.counts);
    let sum = counts.done + counts.failed + counts.unreachable + counts.left_out;
    ensure!(sum == all && counts.waiting + counts.in_flight == 0, "{counts:?}");

    // Who is no partner of a healthy one does not start.
    let partners = fleet::partners(size);
    let updated: BTreeSet<&str> = report
        .lpars
        .iter()
        .filter(|one| one.state == "updated")
        .map(|one| one.lpar.as_str())
        .collect();
    let partner_failed = |name: &str| {
        let pair = partners.iter().find(|pair| pair.iter().any(|one| one == name));
        pair.is_some_and(|pair| !pair.iter().any(|one| updated.contains(one.as_str())))
    };
    let mut others = BTreeMap::new();
    for one in &report.lpars {
        let name = one.lpar.as_str();
        let fault = faults.get(name).copied();
        let level = &world.lpar(name)?.software.level;
        if one.state == "updated" {
            ensure!(level == fleet::TO, "{name} is said to be updated, and is at {level}");
            let said = one.level_after.as_deref();
            ensure!(said == Some(level), "{name} is at {level}, and the report says {said:?}");
        } else {
            let why = one.why.as_deref().unwrap_or_default();
            let held = one.state == "skipped" && partner_failed(name);
            ensure!(
                fault.is_some() || held,
                "{name} is {}, and nothing was wrong there: {why}",
                one.state
            );
            ensure!(!why.is_empty(), "{name} is {}, and nothing says why", one.state);
            others.insert(name.to_owned(), (one.state.clone(), fault));
        }
    }
    let places = world.lpars.iter().map(|(name, lpar)| {
        let hmc = world.frames[&lpar.frame].hmcs.first().cloned().unwrap_or_default();
        (name.clone(), Place { frame: lpar.frame.clone(), hmc })
    });
    let at_a_time = proof::prove(&site.lab().record()?, &places.collect(), &partners, limits)?;
    Ok(Outcome { updated: all - others.len(), others, at_a_time })
}

/// How many targets are over.
fn over(status: &RolloutStatus) -> usize {
    let counts = &status.view.counts;
    counts.done + counts.failed + counts.unreachable + counts.left_out
}

/// Waits until the rollout is as `is` wants it, for as long as it goes on.
fn until(site: &Harness, what: &str, is: impl Fn(&RolloutStatus) -> bool) -> Result<RolloutStatus> {
    let mut before = 0;
    loop {
        let status = wait_until_at(PACE, what, || {
            let run = site.nimctl(["rollout", "status", "soak", "-o", "json"]).succeeded()?;
            let status: RolloutStatus = serde_json::from_str(&run.stdout).context("no status")?;
            let view = &status.view;
            let seen = format!("{:?} {:?} {:?}", view.phase, view.counts, view.waits_for);
            ensure!(view.phase != "stopped", "it stopped: {seen}");
            Ok(if is(&status) || over(&status) > before { Ok(status) } else { Err(seen) })
        })?;
        if is(&status) {
            return Ok(status);
        }
        before = over(&status);
    }
}
