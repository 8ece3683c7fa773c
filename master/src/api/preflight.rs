//! `POST /v1/preflight`: many LPARs at a time looked at live, judged with what is known of their frames, and kept for the next time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use nim_shared::api::{Failure, Preflight, PreflightReport, Preflighted};
use nim_shared::id::ObjectName;
use nim_shared::object::{Spec, Standalone};
use nim_shared::preflight::{self, Around, Facts, Seen, Verdict};

use super::Api;
use super::agent::refuse_in_silence;
use super::error::{Answer, Refusal};
use super::extract::Body;
use crate::inventory::frame::Seen as Frame;
use crate::inventory::hmc::FrameView;
use crate::store::object::{NamePattern, Target};
use crate::store::vios::KnownVios;

/// `POST /v1/preflight`
pub(super) async fn preflight(
    State(api): State<Api>,
    Body(asked): Body<Preflight>,
) -> Answer<Json<Preflighted>> {
    let every = [EVERY.to_owned()];
    let targets = if asked.targets.is_empty() { &every[..] } else { &asked.targets };
    let mut names = Vec::new();
    for text in targets {
        let read = NamePattern::read(text);
        names.extend(read.map_err(|cause| Refusal::usage("NLU-0235", cause.to_string()))?);
    }
    let targets = api.store.expand_targets(&names).await?.lpars;
    let frames = frames(&api, &targets).await;
    let vioses = api.store.vioses_on(&frames.keys().collect::<Vec<_>>()).await?;
    let makes_tokens = makes_tokens(&api, &targets).await?;
    let site = Arc::new(Site { frames, vioses, makes_tokens });
    let looks: Vec<BoxFuture<'static, PreflightReport>> = targets
        .into_iter()
        .map(|target| {
            let (api, site) = (api.clone(), Arc::clone(&site));
            async move { one(&api, &target, &site).await }.boxed()
        })
        .collect();
    // In the order in which they were named, whoever answers first.
    let mut lpars: Vec<PreflightReport> = stream::iter(looks).buffered(AT_A_TIME).collect().await;
    let names: Vec<&ObjectName> = lpars.iter().map(|report| &report.lpar).collect();
    let earlier = api.store.last_preflights(&names).await?;
    for report in &mut lpars {
        if let Some(earlier) = earlier.get(&report.lpar) {
            report.compare(earlier);
        }
    }
    api.store.record_preflights(&lpars).await?;
    if !asked.all {
        lpars.iter_mut().for_each(PreflightReport::leave_out_what_holds);
    }
    Ok(Json(Preflighted { lpars }))
}

/// The pattern of all names.
const EVERY: &str = "*";

/// How many LPARs are looked at a time: each holds a connection for as long as it takes.
const AT_A_TIME: usize = 64;

/// What is known of the frames of those LPARs.
struct Site {
    frames: BTreeMap<ObjectName, FrameSeen>,
    vioses: BTreeMap<ObjectName, KnownVios>,
    /// HMCs that LPARs get a token of without a person.
    makes_tokens: BTreeSet<ObjectName>,
}

/// A frame as an HMC showed it just now, or why none did.
struct FrameSeen {
    view: Result<FrameView, String>,
    hmc_levels: Result<BTreeMap<String, String>, String>,
}

/// The HMCs whose password is stored, so that an update makes the token itself.
async fn makes_tokens(api: &Api, targets: &[Target]) -> Answer<BTreeSet<ObjectName>> {
    let hmcs: BTreeSet<&ObjectName> = targets.iter().filter_map(|one| one.hmc.as_ref()).collect();
    let mut found = BTreeSet::new();
    for hmc in hmcs {
        if let Spec::Hmc(spec) = api.store.object(hmc).await?.object.spec
            && spec.passwd_file.is_some()
        {
            found.insert(hmc.clone());
        }
    }
    Ok(found)
}

/// Each frame, once.
async fn frames(api: &Api, targets: &[Target]) -> BTreeMap<ObjectName, FrameSeen> {
    let names: BTreeSet<ObjectName> =
        targets.iter().filter_map(|target| target.frame.clone()).collect();
    let looks: Vec<BoxFuture<'static, (ObjectName, FrameSeen)>> = names
        .into_iter()
        .map(|name| {
            let api = api.clone();
            async move {
                let view = match api.hosts.frame(name.clone()).await {
                    Frame::View(view) => Ok(view),
                    Frame::NoConsole => Err(format!("no HMC of {name} can be asked")),
                    Frame::Unreachable(why) => Err(format!("an HMC of {name}: {why}")),
                };
                let hmc_levels = api.hosts.hmc_levels(name.clone()).await;
                (name, FrameSeen { view, hmc_levels })
            }
            .boxed()
        })
        .collect();
    stream::iter(looks).buffer_unordered(AT_A_TIME).collect().await
}

/// Looks at one LPAR and judges it.
async fn one(api: &Api, target: &Target, site: &Site) -> PreflightReport {
    let lpar = &target.name;
    let looked = match refuse_in_silence(api, lpar, "preflight").await {
        Ok(()) => api.hosts.look(lpar.clone()).await,
        Err(refusal) => Err(refusal.failure()),
    };
    let (level, facts, failure) = match looked {
        Ok(looked) => {
            let level = looked.level.as_deref().ok_or("oslevel -s gave no level".to_owned());
            let facts = Facts::read(level, &looked.probed, "the agent did not answer that");
            (looked.level, facts, None)
        }
        Err(failure) => (None, Facts::unknown(&why(&failure)), Some(failure)),
    };
    let around = around(target, site);
    let findings = preflight::judge(&Seen { facts: &facts, around: &around });
    let passed = findings.iter().filter(|one| one.verdict.known() == Some(Verdict::Pass)).count();
    PreflightReport {
        lpar: lpar.clone(),
        at: api.clock.now(),
        level,
        score: preflight::score(&findings),
        passed: u32::try_from(passed).unwrap_or(u32::MAX),
        findings,
        failure,
        before: None,
    }
}

/// Why an LPAR could not be looked at, in one line.
fn why(failure: &Failure) -> String {
    let mut text = failure.message.clone();
    for cause in &failure.causes {
        text += ": ";
        text += cause;
    }
    text
}

/// What is known around an LPAR.
fn around(target: &Target, site: &Site) -> Around {
    let makes_tokens = Ok(target.hmc.as_ref().is_some_and(|hmc| site.makes_tokens.contains(hmc)));
    let Some(frame) = &target.frame else {
        return Around::unknown("the LPAR names no frame: mgmt_source");
    };
    let Some(seen) = site.frames.get(frame) else { return Around::unknown("not looked at") };
    let name = Standalone::partition(&target.lpar, &target.name).to_owned();
    let view = match &seen.view {
        Ok(view) => view,
        Err(why) => {
            let hmc_levels = seen.hmc_levels.clone();
            return Around {
                partition_name: Ok(name),
                makes_tokens,
                hmc_levels,
                ..Around::unknown(why)
            };
        }
    };
    let own = view.partitions.iter().find(|one| one.view.name == name);
    let own = own.ok_or_else(|| format!("the HMC shows no partition {name} on {frame}"));
    let unshown = || "the HMC does not show it".to_owned();
    let servers = view.partitions.iter().filter(|one| one.view.lpar_env == "vioserver");
    let vios_states: BTreeMap<String, String> =
        servers.map(|one| (one.view.name.clone(), one.view.state.clone())).collect();
    let vios_levels =
        site.vioses.iter().filter(|(vios, _)| vios_states.contains_key(vios.as_str()));
    let vios_levels = vios_levels.map(|(vios, known)| {
        let level = known.reading.as_ref().map(|reading| reading.level.clone());
        let why = known.failure.as_ref().map(|(_, why)| why.clone());
        (vios.to_string(), level.ok_or_else(|| why.unwrap_or_else(|| "never read".to_owned())))
    });
    Around {
        makes_tokens,
        hmc_levels: seen.hmc_levels.clone(),
        rmc_state: own.clone().map(|one| one.view.rmc_state.clone()),
        free: view.reading.map(|all| (all.free_memory, all.free_processors)).ok_or_else(unshown),
        need: own.and_then(|one| {
            one.need.map(|need| (need.memory, need.processors)).ok_or_else(unshown)
        }),
        partitions: view
            .reading
            .and_then(|all| all.partitions.zip(all.max_partitions))
            .ok_or_else(unshown),
        vios_levels: Ok(vios_levels.collect()),
        vios_states: Ok(vios_states),
        names: Ok(view.partitions.iter().map(|one| one.view.name.clone()).collect()),
        partition_name: Ok(name),
    }
}
