//! A whole fleet in one rollout, with faults and a master that is killed again and again: what nimd says of it in the end is held
//! against what the lab recorded.

mod around;
mod fleet;
pub mod proof;
mod room;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use nim_lab::clock::Mode;
use nim_lab::fault::{ConsoleFault, Fault};
use nim_lab::world::{Lpar, World};
use nim_shared::api::{RolloutReport, RolloutStatus};

use crate::{Harness, wait_until_at};
pub use around::Kind;
use around::Spell;
use fleet::Limits;
use proof::Place;
pub use room::Short;

/// How large, and how hard.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Frames, of which each HMC manages the half.
    pub frames: u32,
    /// LPARs.
    pub lpars: u32,
    /// What goes wrong on some of them.
    pub wrong: Wrong,
    /// What goes wrong around them, once each time that nimd is killed.
    pub spells: Spells,
    /// How long each of these lasts, in minutes of the site; nimd is killed in the middle.
    pub spell_minutes: u64,
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

/// What goes wrong around LPARs, at hosts and frames that the seed draws.
#[derive(Clone, Copy, Debug)]
pub enum Spells {
    /// Drawn by the seed: each kind once before one comes twice.
    Drawn,
    /// These.
    Named(&'static [Kind]),
}

impl Size {
    /// As each change has to pass it.
    pub const SHORT: Self = Self {
        frames: 4,
        lpars: 20,
        wrong: Wrong::Named(&[Fault::InstallFails, Fault::AgentKilled, Fault::PartialSuccess]),
        spells: Spells::Named(&[Kind::Host(ConsoleFault::HmcReboot), Kind::Full]),
        spell_minutes: 10,
        kills: 2,
        speed: 400,
        seed: 1,
    };

    /// `make soak`.
    pub const LONG: Self = Self {
        frames: 40,
        lpars: 1000,
        wrong: Wrong::Drawn(30),
        spells: Spells::Drawn,
        spell_minutes: 100,
        kills: 10,
        speed: 400,
        seed: 1,
    };
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many were updated.
    pub updated: usize,
    /// Who was not.
    pub others: BTreeMap<String, Other>,
    /// How many ran at a time at most, by the lab's record.
    pub at_a_time: usize,
    /// On how many frames what there was little of kept somebody waiting, by the lab's record.
    pub bound: BTreeMap<Short, usize>,
}

/// An LPAR that was not updated.
#[derive(Clone, Debug)]
pub struct Other {
    /// In which state it ended.
    pub state: String,
    /// Why, as the report has it.
    pub why: String,
    /// The fault that was set there, or that it felt.
    pub fault: Option<Fault>,
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
    // What limits it is what the file says: what nimd allows by itself is less, and would never let a limit of the file be met. An HMC
    // whose time runs so much faster answers in a fraction of what one takes in life.
    site.master()
        .settle("limits: {global: 1000, per_frame: 1000, per_hmc: 1000}\nhmc: {rate: 60}\n")?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let file = site.site_folder().join("soak.yaml");
    std::fs::write(&file, fleet::rollout(&size, &limits)?)?;
    let file = file.to_str().context("a path that is no text")?.to_owned();
    site.wait_for_frames(&file)?;
    for (lpar, fault) in &faults {
        tell(&format!("{lpar}: {fault}"));
    }
    fleet::set(site.lab(), &faults).await?;
    let before = site.lab().world()?;

    site.nimctl(["rollout", "start", &file]).succeeded()?;
    // Whoever the plan leaves out would be missed in the end alone.
    let report = site.nimctl(["rollout", "report", "soak", "-o", "json"]).succeeded()?;
    let report: RolloutReport = serde_json::from_str(&report.stdout).context("no report")?;
    ensure!(report.left_out.is_empty(), "left out of the plan: {:?}", report.left_out);
    let all = usize::try_from(size.lpars)?;
    let mut spells = Vec::new();
    for (kill, around) in (1..).zip(around::draw(&size)) {
        let wanted = all * kill / (size.kills + 1);
        let status = until(&site, &format!("{wanted} of {all} to be over"), |status| {
            over(status) >= wanted
        })?;
        tell(&format!(
            "{} of {all} are over: {around}, and nimd is killed, {kill} of {}",
            over(&status),
            size.kills
        ));
        let begun = around.begin(site.lab()).await?;
        around::pass(site.lab(), size.spell_minutes / 2).await;
        site.master().kill()?;
        site.master().launch()?;
        around::pass(site.lab(), size.spell_minutes / 2).await;
        spells.push(begun.end(&site)?);
    }
    let status = until(&site, "the rollout to end", |status| status.view.phase == "ended")?;
    let report = site.nimctl(["rollout", "report", "soak", "-o", "json"]).succeeded()?;
    let report: RolloutReport = serde_json::from_str(&report.stdout).context("no report")?;
    let course = Course { size: &size, limits: &limits, faults: &faults, spells: &spells, before };
    let outcome = course.prove(&site, &status, &report)?;
    // What it was told leads to the same decisions, over all deaths of its master.
    let replayed = site.nimctl(["rollout", "replay", "soak", "-o", "json"]).succeeded()?.json()?;
    ensure!(replayed["complete"] == true && replayed["differs"].is_null(), "{replayed:#}");
    site.end().await?;
    Ok(outcome)
}

/// What was asked for, and what was done to the site meanwhile.
struct Course<'a> {
    size: &'a Size,
    limits: &'a Limits,
    faults: &'a [(String, Fault)],
    spells: &'a [Spell],
    /// The site before the rollout.
    before: World,
}

impl Course<'_> {
    /// Everything that has to hold of a rollout that is over.
    fn prove(
        &self,
        site: &Harness,
        status: &RolloutStatus,
        report: &RolloutReport,
    ) -> Result<Outcome> {
        self.adds_up(status, report)?;
        let others = self.not_updated(&site.lab().world()?, report)?;
        let places = self.places()?;
        let record = site.lab().record()?;
        let spans = proof::spans(&record);
        let partners = fleet::partners(self.size);
        let at_a_time = proof::prove(&record, &spans, &places, &partners, self.limits)?;
        let after = site.lab().world()?;
        let short = room::prove(&record, &self.before, &after, &proof::begun(&spans))?;
        let bound = room::bound(self.size, &short)?;
        Ok(Outcome { updated: report.lpars.len() - others.len(), others, at_a_time, bound })
    }

    /// The report is whole, and adds up with the status.
    fn adds_up(&self, status: &RolloutStatus, report: &RolloutReport) -> Result<()> {
        let all = usize::try_from(self.size.lpars)?;
        let named: BTreeSet<&str> = report.lpars.iter().map(|one| one.lpar.as_str()).collect();
        let lpars = report.lpars.len();
        ensure!(named.len() == all && lpars == all, "{} LPARs in the report", named.len());
        let counts = &report.view.counts;
        ensure!(counts == &status.view.counts, "{counts:?} and {:?}", status.view.counts);
        let sum = counts.done + counts.failed + counts.unreachable + counts.left_out;
        ensure!(sum == all && counts.waiting + counts.in_flight == 0, "{counts:?}");
        let failed = report.lpars.iter().filter(|one| one.state != "updated").count();
        ensure!(counts.done + failed == all, "{counts:?}, and {failed} are not updated");
        Ok(())
    }

    /// Who was not updated. Each ended so for a reason: a fault of its own, one around it while it was under way, or a partner that is not
    /// healthy.
    fn not_updated(
        &self,
        world: &World,
        report: &RolloutReport,
    ) -> Result<BTreeMap<String, Other>> {
        let faults: BTreeMap<String, Fault> = self
            .faults
            .iter()
            .flat_map(|(lpar, fault)| {
                // A disk is shared with the next LPAR by name, which feels it too.
                let next = (*fault == Fault::SharedLun).then(|| {
                    let later = self.before.lpars.keys().find(|name| *name > lpar);
                    later.or(self.before.lpars.keys().next()).cloned()
                });
                next.flatten().into_iter().chain([lpar.clone()]).map(|lpar| (lpar, *fault))
            })
            .collect();
        let partners = fleet::partners(self.size);
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
        let places = self.places()?;
        let frame_of = |lpar: &str| places.get(lpar).map(|place| place.frame.clone());
        let mut others = BTreeMap::new();
        let mut struck = 0;
        for one in &report.lpars {
            let name = one.lpar.as_str();
            let level = &world.lpar(name)?.software.level;
            if one.state == "updated" {
                ensure!(level == fleet::TO, "{name} is said to be updated, and is at {level}");
                let said = one.level_after.as_deref();
                ensure!(said == Some(level), "{name} is at {level}, and the report says {said:?}");
                continue;
            }
            let why = one.why.clone().unwrap_or_default();
            let fault = faults.get(name).copied();
            let held = one.state == "skipped" && partner_failed(name);
            // Nobody knows when what is stuck ends.
            let ended = match one.state.as_str() {
                "stuck" => one.ended.or(report.view.ended_at),
                _ => one.ended,
            };
            let ended = ended.with_context(|| format!("{name} ended at no time"))?;
            let when = [one.began.unwrap_or(ended), ended];
            let is_struck =
                self.spells.iter().any(|spell| spell.strikes(&places[name], frame_of, when));
            ensure!(
                fault.is_some() || held || is_struck,
                "{name} is {}, and nothing was wrong there: {why}",
                one.state
            );
            struck += usize::from(fault.is_none() && !held);
            ensure!(!why.is_empty(), "{name} is {}, and nothing says why", one.state);
            others.insert(name.to_owned(), Other { state: one.state.clone(), why, fault });
        }
        let most: usize = self.spells.iter().map(|spell| spell.most(self.limits)).sum();
        ensure!(
            struck <= most,
            "{struck} ended for what was wrong around them, at most {most} can"
        );
        Ok(others)
    }

    /// Where each LPAR is.
    fn places(&self) -> Result<BTreeMap<String, Place>> {
        let labels = fleet::labels(self.size);
        let place = |(name, lpar): (&String, &Lpar)| {
            let frame = &self.before.frames[&lpar.frame];
            let place = Place {
                frame: lpar.frame.clone(),
                hmc: frame.hmcs.first().cloned().with_context(|| format!("{name} has no HMC"))?,
                vioses: frame.vioses.keys().cloned().collect(),
                label: labels.get(name).cloned().with_context(|| format!("{name} has no label"))?,
            };
            Ok((name.clone(), place))
        };
        self.before.lpars.iter().map(place).collect()
    }
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
