//! The site of a rollout for a lab: what is on record of its frames, and the rollout as it is played there.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use nim_rollout::facts::{Frame, Free, Lpar, Shape};
use nim_rollout::file::{Chosen, Exclusion, Rollout, Targets};
use nim_rollout::plan::{Input, make};
use nim_rollout::rehearse::{ForLab, Installs, Played, WAVE, for_lab};
use nim_rollout::run::Orders;
use nim_shared::api::{
    CopyForLab, LabCopy, LabFrame, LabHmc, LabLimits, LabLpar, LabMedia, LabVios, LeftOut,
};
use nim_shared::id::{LparId, ObjectName};
use nim_shared::level::Level;
use nim_shared::object::{Object, Spec};
use nim_shared::yaml;

use super::site::{Site, gather};
use super::{Ready, ready};
use crate::api::Api;
use crate::api::apply::blocking;
use crate::api::error::{Answer, Refusal};
use crate::api::extract::{Asker, Body};
use crate::engine::capacity::Reading;
use crate::store::object::FrameHmc;

/// Fastest that a lab runs. Source: `nim-lab up --speed`.
const MOST: u32 = 100_000;

/// `POST /v1/rollout/lab`
pub(in crate::api) async fn lab(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(asked): Body<CopyForLab>,
) -> Answer<Json<LabCopy>> {
    let CopyForLab { file, speed } = asked;
    if !(1..=MOST).contains(&speed) {
        let text = format!("a lab runs from 1 to {MOST} times as fast as life");
        return Err(Refusal::usage("NLU-0226", text));
    }
    let ready = ready(&api, file, None).await?;
    let around = Around::of(&api, &ready).await?;
    let limits = LabLimits {
        global: api.limits.global,
        per_frame: api.limits.per_frame,
        per_hmc: api.limits.per_hmc,
    };
    blocking(move || {
        let Ready { file, site, begin, .. } = &ready;
        let input = Input { file, snapshot: &site.snapshot, history: &site.history, begin: *begin };
        let plan = make(&input);
        let orders = Orders::new(&input, &plan, who.uid);
        let Shown { frames, lpars, mut left_out } = around.shown(site);
        let there: BTreeSet<ObjectName> = lpars.iter().map(|one| one.name.clone()).collect();
        let (media, installs, unknown) = around.media();
        let played = for_lab(&ForLab {
            file,
            plan: &plan,
            orders: &orders,
            there: &there,
            lonely: site.lonely(),
            installs,
            speed,
        });
        let mut differs = played.differs.clone();
        differs.extend(unknown);
        differs.extend(facts(&orders, &around, &there));
        left_out.sort_by(|a, b| a.name.cmp(&b.name));
        let rollout = yaml::to_string(&played.rollout).map_err(|cause| {
            Refusal::internal("NLU-0199", "a fault in nimd ended the request", &cause)
        })?;
        let hmcs: BTreeSet<&ObjectName> = frames.iter().flat_map(|one| &one.hmcs).collect();
        let hmc = |name: &ObjectName| LabHmc {
            name: name.clone(),
            limit: around.hmc_limits.get(name).copied(),
        };
        Ok(Json(LabCopy {
            name: plan.name.clone(),
            fingerprint: plan.fingerprint,
            rollout,
            targets: played.members.iter().map(|(lpar, _)| lpar.clone()).collect(),
            limits,
            hmcs: hmcs.into_iter().map(hmc).collect(),
            lpars: labelled(lpars, &played),
            frames,
            media,
            left_out,
            differs,
        }))
    })
    .await?
}

/// What is on record of the frames of a rollout.
struct Around {
    /// All LPARs of nimd, those of other frames among them.
    everybody: Site,
    /// The frames, their VIOSes and LPARs.
    objects: Vec<Object>,
    hmcs: BTreeMap<ObjectName, Vec<FrameHmc>>,
    hmc_limits: BTreeMap<ObjectName, u32>,
    readings: BTreeMap<ObjectName, Reading>,
    /// Levels of VIOSes that were read.
    levels: BTreeMap<ObjectName, String>,
    /// What is installed from, with the level that it leads to or why that is not known.
    source: Option<(ObjectName, Result<String, String>)>,
}

impl Around {
    async fn of(api: &Api, ready: &Ready) -> Answer<Self> {
        let store = &api.store;
        let names: Vec<&ObjectName> =
            ready.site.snapshot.frames.iter().map(|one| &one.name).collect();
        let (everybody, _) = gather(api, of_everybody(&ready.file)).await?;
        let hmcs = store.frames(Some(&names)).await?.into_iter();
        let readings = store.frame_readings(&names).await?.into_iter();
        let vioses = store.vioses_on(&names).await?.into_iter();
        let level = |(name, known): (ObjectName, crate::store::vios::KnownVios)| {
            Some((name, known.reading?.level))
        };
        Ok(Self {
            objects: store.objects_on(&names).await?,
            hmcs: hmcs.map(|one| (one.name, one.hmcs)).collect(),
            hmc_limits: store.hmc_limits().await?,
            readings: readings.map(|(name, (reading, _))| (name, reading)).collect(),
            levels: vioses.filter_map(level).collect(),
            source: source(api, &ready.file).await?,
            everybody,
        })
    }

    /// Frames and LPARs of which enough is known, and the others.
    fn shown(&self, site: &Site) -> Shown {
        let mut shown = Shown::default();
        for frame in &site.snapshot.frames {
            match self.frame(frame) {
                Ok(frame) => shown.frames.push(frame),
                Err(why) => shown.leave_out(&frame.name, why),
            }
        }
        let there: BTreeSet<ObjectName> = shown.frames.iter().map(|one| one.name.clone()).collect();
        let known: BTreeMap<&ObjectName, &Lpar> =
            self.everybody.snapshot.lpars.iter().map(|one| (&one.name, one)).collect();
        for object in &self.objects {
            let Spec::Standalone(lpar) = &object.spec else { continue };
            let Some(frame) = lpar.mgmt_source.as_ref().filter(|one| there.contains(*one)) else {
                shown.leave_out(&object.name, "its frame is left out");
                continue;
            };
            match copied(object, frame, lpar.identity, known.get(&object.name).copied()) {
                Ok(lpar) => shown.lpars.push(lpar),
                Err(why) => shown.leave_out(&object.name, why),
            }
        }
        for lpar in site.snapshot.lpars.iter().filter(|one| one.frame.is_none()) {
            shown.leave_out(&lpar.name, "its frame is not known");
        }
        shown
    }

    fn frame(&self, frame: &Frame) -> Result<LabFrame, &'static str> {
        let object = self.objects.iter().find(|one| one.name == frame.name);
        let Some(Spec::Cec(cec)) = object.map(|one| &one.spec) else {
            return Err("nothing is on record of it");
        };
        let hmcs = self.hmcs.get(&frame.name).map_or(&[][..], Vec::as_slice);
        if hmcs.is_empty() {
            return Err("it names no HMC");
        }
        let Some(Free { memory, processors, region, configurable, .. }) = frame.free else {
            return Err("what it has was never read");
        };
        let vioses = self.objects.iter().filter_map(|one| match &one.spec {
            Spec::Vios(vios) if vios.mgmt_source == frame.name => Some(LabVios {
                name: one.name.clone(),
                id: vios.identity,
                level: self.levels.get(&one.name).cloned(),
            }),
            _ => None,
        });
        let mut vioses: Vec<LabVios> = vioses.collect();
        vioses.sort_by_key(|one| one.id);
        Ok(LabFrame {
            name: frame.name.clone(),
            type_model: format!("{}-{}", cec.hw_type, cec.hw_model),
            serial: cec.hw_serial.to_string(),
            hmcs: hmcs.iter().map(|one| one.name.clone()).collect(),
            limit: frame.limit,
            memory: configurable,
            free_memory: memory,
            region,
            free_processors: processors,
            pools: frame.pools.clone(),
            max_partitions: self.readings.get(&frame.name).and_then(|one| one.max_partitions),
            vioses,
        })
    }

    /// What the lab installs from, what of it, and what is to be said of it.
    fn media(&self) -> (Option<LabMedia>, Installs, Option<String>) {
        match &self.source {
            None => (None, Installs::Nothing, None),
            Some((name, Ok(level))) => {
                let media = LabMedia { name: name.clone(), level: level.clone() };
                (Some(media), Installs::Updates, None)
            }
            Some((name, Err(why))) => {
                let said = format!("the level that {name} leads to is not known: {why}");
                (None, Installs::Nothing, Some(said))
            }
        }
    }
}

/// What can be copied, and what cannot.
#[derive(Default)]
struct Shown {
    frames: Vec<LabFrame>,
    lpars: Vec<LabLpar>,
    left_out: Vec<LeftOut>,
}

impl Shown {
    fn leave_out(&mut self, name: &ObjectName, why: &str) {
        let (name, why) = (name.to_string(), why.to_owned());
        self.left_out.push(LeftOut { name, why, proposals: Vec::new() });
    }
}

/// An LPAR, or what is not known of it.
fn copied(
    object: &Object,
    frame: &ObjectName,
    id: Option<LparId>,
    known: Option<&Lpar>,
) -> Result<LabLpar, &'static str> {
    let id = id.ok_or("its partition id is not known")?;
    let level = known.and_then(|one| one.level).ok_or("its level is not known")?;
    let shape = known.and_then(|one| one.shape);
    let Shape { memory, processors, min_processors, pool, .. } =
        shape.ok_or("its memory is not known")?;
    Ok(LabLpar {
        name: object.name.clone(),
        frame: frame.clone(),
        id,
        level: level.to_string(),
        memory,
        processors,
        min_processors: Some(min_processors),
        pool,
        npiv: known.is_some_and(|one| one.storage.contains("npiv")),
        labels: object.labels.clone(),
        groups: known.map(|one| one.groups.clone()).unwrap_or_default(),
    })
}

/// Each with the wave that it is in.
fn labelled(mut lpars: Vec<LabLpar>, played: &Played) -> Vec<LabLpar> {
    let waves: BTreeMap<&ObjectName, usize> =
        played.members.iter().map(|(lpar, wave)| (lpar, *wave)).collect();
    for lpar in &mut lpars {
        if let Some(wave) = waves.get(&lpar.name) {
            lpar.labels.insert(WAVE.to_owned(), wave.to_string());
        }
    }
    lpars
}

/// The rollout, for all LPARs that there are.
fn of_everybody(file: &Rollout) -> Rollout {
    let names = vec!["*".parse().expect("a pattern of names")];
    let chosen = Chosen { names, ..Chosen::default() };
    let targets = Targets { chosen, levels: Vec::new(), exclude: Exclusion::default() };
    Rollout { targets, ..file.clone() }
}

/// What the rollout installs from, with the level that it leads to or why that is not known.
async fn source(api: &Api, file: &Rollout) -> Answer<Option<(ObjectName, Result<String, String>)>> {
    let Some(name) = file.operation.get("lpp_source").and_then(|name| name.parse().ok()) else {
        return Ok(None);
    };
    let name: ObjectName = name;
    let index = api.store.lpp_index(&name).await?.filter(|index| index.current);
    let level = match index.map(|index| index.found) {
        None => Err("nobody has looked into it".to_owned()),
        Some(Err(why)) => Err(why),
        Some(Ok(content)) => match content.level {
            None => Err("its files do not tell".to_owned()),
            Some(leads) => match leads.to.parse::<Level>() {
                Ok(level) => Ok(level.to_string()),
                Err(_) => Err(format!("{} is no service pack", leads.to)),
            },
        },
    };
    Ok(Some((name, level)))
}

/// What of the LPARs a lab does not have.
fn facts(orders: &Orders, around: &Around, there: &BTreeSet<ObjectName>) -> Vec<String> {
    let lpars = || around.everybody.snapshot.lpars.iter().filter(|one| there.contains(&one.name));
    let held = orders.targets.iter().filter(|one| one.held.is_some()).count();
    let fixed = lpars().filter(|one| !one.fixes.is_empty()).count();
    let fabric = |one: &&Lpar| one.storage.contains("npiv") && !one.storage.contains("vscsi");
    let fabric = lpars().filter(fabric).count();
    let said = [
        (held, "held back now, and nothing holds them there"),
        (fixed, "with interim fixes, and without them there: what they lock is not on record"),
        (fabric, "served by virtual Fibre Channel alone, and by virtual SCSI too there"),
    ];
    let said = said.into_iter().filter(|(many, _)| *many > 0);
    said.map(|(many, what)| format!("{many} of the LPARs: {what}")).collect()
}
