//! `POST /v1/preflight`: many LPARs at a time looked at live, judged with what is known of their frames, and kept for the next time.

mod site;

use axum::Json;
use axum::extract::State;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use nim_shared::api::{Failure, Preflight, PreflightReport, Preflighted};
use nim_shared::id::ObjectName;
use nim_shared::preflight::{self, Facts, Seen, Verdict};
use nim_shared::stamp::Timestamp;

use super::Api;
use super::agent::refuse_in_silence;
use super::error::{Answer, Refusal};
use super::extract::Body;
use crate::store::object::{NamePattern, Target};
use site::Site;

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
    let looks: Vec<BoxFuture<'static, OwnView>> = targets
        .iter()
        .map(|target| {
            let (api, lpar) = (api.clone(), target.name.clone());
            async move { own_view(&api, &lpar).await }.boxed()
        })
        .collect();
    // In the order in which they were named, whoever answers first; what is around them is looked at meanwhile.
    let looks = stream::iter(looks).buffered(AT_A_TIME).collect::<Vec<_>>();
    let (site, looks) = tokio::join!(Site::look(&api, &targets), looks);
    let site = site?;
    let mut lpars: Vec<PreflightReport> =
        targets.iter().zip(looks).map(|(target, own)| report(target, own, &site)).collect();
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

/// What an LPAR shows of itself.
struct OwnView {
    at: Timestamp,
    level: Option<String>,
    facts: Facts,
    failure: Option<Failure>,
}

async fn own_view(api: &Api, lpar: &ObjectName) -> OwnView {
    let looked = match refuse_in_silence(api, lpar, "preflight").await {
        Ok(()) => api.hosts.look(lpar.clone()).await,
        Err(refusal) => Err(refusal.failure()),
    };
    let at = api.clock.now();
    match looked {
        Ok(looked) => {
            let level = looked.level.as_deref().ok_or("oslevel -s gave no level".to_owned());
            let facts = Facts::read(level, &looked.probed, "the agent did not answer that");
            OwnView { at, level: looked.level, facts, failure: None }
        }
        Err(failure) => OwnView {
            at,
            level: None,
            facts: Facts::unknown(&why(&failure)),
            failure: Some(failure),
        },
    }
}

/// Judges one LPAR.
fn report(target: &Target, own: OwnView, site: &Site) -> PreflightReport {
    let findings = preflight::judge(&Seen { facts: &own.facts, around: &site.around(target) });
    let passed = findings.iter().filter(|one| one.verdict.known() == Some(Verdict::Pass)).count();
    PreflightReport {
        lpar: target.name.clone(),
        at: own.at,
        level: own.level,
        score: preflight::score(&findings),
        passed: u32::try_from(passed).unwrap_or(u32::MAX),
        findings,
        failure: own.failure,
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
