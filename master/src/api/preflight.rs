//! `POST /v1/preflight`: many LPARs at a time looked at live, judged with what is known of their frames, and kept for the next time.

mod site;

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use nim_shared::api::{Failure, Preflight, PreflightReport, Preflighted};
use nim_shared::id::ObjectName;
use nim_shared::preflight::site::{Day, SiteChecks};
use nim_shared::preflight::{self, Facts, Seen, Verdict, workload};
use nim_shared::stamp::Timestamp;
use nim_shared::yaml::read_settings;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::Body;
use super::knowledge;
use super::look::{AT_A_TIME, Silence, named_or_all};
use crate::store::object::Target;
use site::Site;

/// `POST /v1/preflight`
pub(super) async fn preflight(
    State(api): State<Api>,
    Body(asked): Body<Preflight>,
) -> Answer<Json<Preflighted>> {
    let targets = named_or_all(&api, &asked.targets).await?;
    let rules = rules(&api).await?;
    let silence = Arc::new(Silence::new(&api));
    let looks: Vec<BoxFuture<'static, OwnView>> = targets
        .iter()
        .map(|target| {
            let (api, silence, lpar) = (api.clone(), Arc::clone(&silence), target.name.clone());
            async move { own_view(&api, &silence, &lpar).await }.boxed()
        })
        .collect();
    // In the order in which they were named, whoever answers first; what is around them is looked at meanwhile.
    let looks = stream::iter(looks).buffered(AT_A_TIME).collect::<Vec<_>>();
    let (site, looks) = tokio::join!(Site::look(&api, &targets), looks);
    let site = site?;
    let mut lpars: Vec<PreflightReport> =
        targets.iter().zip(looks).map(|(target, own)| report(target, own, &site, &rules)).collect();
    let names: Vec<&ObjectName> = lpars.iter().map(|report| &report.lpar).collect();
    let earlier = api.store.last_preflights(&names).await?;
    let mut scores = api.store.preflight_scores(&names, SHOWN).await?;
    for report in &mut lpars {
        if let Some(earlier) = earlier.get(&report.lpar) {
            report.compare(earlier, scores.remove(&report.lpar).unwrap_or_default());
        }
    }
    api.store.record_preflights(&lpars).await?;
    if !asked.all {
        lpars.iter_mut().for_each(PreflightReport::leave_out_what_holds);
    }
    Ok(Json(Preflighted { lpars }))
}

/// How many runs before this one are shown of each LPAR.
const SHOWN: i64 = 10;

/// What an LPAR shows of itself.
struct OwnView {
    at: Timestamp,
    level: Option<String>,
    facts: Facts,
    failure: Option<Failure>,
}

async fn own_view(api: &Api, silence: &Silence, lpar: &ObjectName) -> OwnView {
    let looked = match silence.refuse(lpar, "preflight").await {
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

/// What the site says, as its file has it now.
async fn rules(api: &Api) -> Answer<SiteChecks> {
    let (path, needed) = api.configuration.checks();
    let reading = tokio::task::spawn_blocking(move || read(&path, needed));
    reading.await.map_err(|cause| {
        Refusal::internal("NLU-0199", "a fault in nimd ended the request", &cause)
    })?
}

fn read(path: &Path, needed: bool) -> Answer<SiteChecks> {
    let refused = || {
        let message = format!("cannot use the checks of the site in {}", path.display());
        Refusal::refused("NLU-0148", message).hint("the form is in schemas/checks.schema.json")
    };
    let file = knowledge::file(path, needed).map_err(|cause| refused().because(Some(&cause)))?;
    let Some(file) = file else { return Ok(SiteChecks::default()) };
    let rules: SiteChecks = read_settings(&file).map_err(|faults| refused().faults(faults))?;
    rules.checked().map_err(|bad| refused().faults(knowledge::faults(&file, &bad)))
}

/// Judges one LPAR.
fn report(target: &Target, own: OwnView, site: &Site, rules: &SiteChecks) -> PreflightReport {
    let lpar = target.name.as_str();
    let mut around = site.around(target);
    around.timeouts = rules.timeouts_of(lpar);
    let seen = Seen { facts: &own.facts, around: &around };
    let mut findings = preflight::judge(&seen);
    findings.extend(rules.judge(lpar, &seen));
    findings.sort_by_key(|finding| finding.verdict.known());
    rules.silence(lpar, Day::of(own.at), &mut findings);
    let workloads = workload::found(&own.facts);
    let passed = findings.iter().filter(|one| one.verdict.known() == Some(Verdict::Pass)).count();
    PreflightReport {
        lpar: target.name.clone(),
        at: own.at,
        level: own.level,
        score: preflight::score(&findings),
        passed: u32::try_from(passed).unwrap_or(u32::MAX),
        findings,
        failure: own.failure,
        workloads: workloads.into_iter().map(Into::into).collect(),
        interim_fixes: own
            .facts
            .fixes
            .ok()
            .map(|all| all.into_iter().map(|one| one.label).collect()),
        kernel_extensions: own.facts.kernel_extensions.ok(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read_and_what_is_wrong_is_said_with_its_place() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/checks.yaml");
        let rules = read(Path::new(example), true).unwrap();
        assert_eq!((rules.silence.len(), rules.checks.len(), rules.timeouts.len()), (1, 2, 1));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checks.yaml");
        assert_eq!(read(&path, false).unwrap(), SiteChecks::default());
        assert_eq!(read(&path, true).unwrap_err().failure().code, "NLU-0148");
        let cases = [
            ("silence:\n- check: S37\n  untill: 2026-01-01\n", "untill", Some(3)),
            (
                "silence:\n- check: S37\n  until: 2026-02-30\n  reason: x\n",
                "no day of the calendar",
                Some(3),
            ),
            (
                "silence:\n- check: S99\n  until: 2026-02-03\n  reason: x\n",
                "no check is called",
                None,
            ),
        ];
        for (text, said, line) in cases {
            std::fs::write(&path, text).unwrap();
            let faults = read(&path, false).unwrap_err().failure().faults;
            let found = faults.iter().find(|fault| fault.to_string().contains(said));
            assert_eq!(found.map(|fault| fault.line), Some(line), "{faults:?}");
        }
    }
}
