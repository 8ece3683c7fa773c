//! Rehearsals: of a rollout that is yet to start, and of one that was started, from what it was told.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use nim_rollout::plan::{Input, make};
use nim_rollout::rehearse::{
    BadFault, Came, Cause, Named as Fault, PastRun, Rehearsal, rehearse as run, replay as again,
};
use nim_rollout::run::{Action, Orders};
use nim_shared::api::{RehearseRollout, RolloutRehearsed, RolloutReplayed};
use nim_shared::code::Knowledge;
use nim_shared::operation::StateName;

use super::driver::found::sense;
use super::ready;
use super::report::nearest;
use crate::api::Api;
use crate::api::apply::blocking;
use crate::api::error::{Answer, Refusal};
use crate::api::extract::{Asker, Body, Named};
use crate::store::rollout::PastEnd;

/// How many of the newest updates faults are drawn from.
const UPDATES: u32 = 20_000;

/// How long a rehearsal takes at most, but for its first run; meanwhile nobody plans.
const LIMIT: Duration = Duration::from_secs(120);

/// How often a rollout is run at most.
const MOST: u32 = 100_000;

/// `POST /v1/rollout/rehearsal`
pub(in crate::api) async fn rehearse(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(asked): Body<RehearseRollout>,
) -> Answer<Json<RolloutRehearsed>> {
    let RehearseRollout { file, begin, runs, seed, faults } = asked;
    let faults: Vec<Fault> = faults
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map_err(|why| bad(&why))?;
    if runs.is_some_and(|runs| !(1..=MOST).contains(&runs)) {
        let text = format!("a rehearsal has from 1 to {MOST} runs");
        return Err(Refusal::usage("NLU-0228", text));
    }
    let ready = ready(&api, file, begin).await?;
    let past = api.store.past_ends(UPDATES).await?;
    let knowledge = api.knowledge().await;
    blocking(move || {
        let past: Vec<PastRun> = past.into_iter().map(|past| came(past, &knowledge)).collect();
        let super::Ready { file, site, begin, .. } = &ready;
        let input = Input { file, snapshot: &site.snapshot, history: &site.history, begin: *begin };
        let plan = make(&input);
        let orders = Orders::new(&input, &plan, who.uid);
        let seed = seed.unwrap_or(file.seed);
        let of = Rehearsal {
            input,
            plan: &plan,
            orders: &orders,
            past: &past,
            faults: &faults,
            runs,
            seed,
        };
        let began = Instant::now();
        let mut rehearsed = run(&of, || began.elapsed() < LIMIT).map_err(|why| bad(&why))?;
        rehearsed.plan_notes = site.notes(file, &plan);
        Ok(Json(rehearsed))
    })
    .await?
}

/// How an earlier update counts.
fn came(past: PastEnd, knowledge: &Knowledge) -> PastRun {
    let PastEnd { lpar, state, resolved, taken, took, report } = past;
    let code = report.as_ref().and_then(|report| nearest(report, knowledge));
    let code = code.map(|known| known.code.into_owned());
    let came = match state {
        _ if resolved => Came::Bad(Cause::Stuck { code }),
        StateName::Stuck => Came::Bad(Cause::Stuck { code }),
        StateName::Failed if !taken => Came::Bad(Cause::Unreachable),
        StateName::Failed => {
            Came::Bad(Cause::Failed { code, sense: sense(report.as_ref(), knowledge) })
        }
        StateName::Succeeded
        | StateName::Unchanged
        | StateName::Cancelled
        | StateName::Queued
        | StateName::Dispatching
        | StateName::Running => Came::Well,
    };
    PastRun { lpar, came, took }
}

fn bad(why: &BadFault) -> Refusal {
    Refusal::usage("NLU-0228", why.to_string())
        .hint("nimctl explain CODE says what is known of one; nimctl rollout plan who is updated")
}

/// `GET /v1/rollouts/{name}/replay`
pub(in crate::api) async fn replay(
    State(api): State<Api>,
    Named(name): Named<String>,
) -> Answer<Json<RolloutReplayed>> {
    let rollout = api.store.rollout(&name).await?;
    let recorded = api.store.rollout_steps(rollout.id).await?;
    blocking(move || {
        let is_start = |action: &&Action| matches!(action, Action::Start { .. });
        let starts = recorded.iter().flat_map(|one| &one.actions).filter(is_start).count();
        let (_, differs) = again(&rollout.orders, &recorded);
        let kept = i64::try_from(recorded.len()).unwrap_or(i64::MAX);
        Json(RolloutReplayed {
            name: rollout.name,
            // It may have gone on since it was read.
            complete: kept >= rollout.version,
            steps: recorded.len(),
            events: recorded.iter().map(|one| one.step.events.len()).sum(),
            starts,
            differs: differs.map(|differs| differs.to_string()),
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use nim_shared::code::Retry as Sense;
    use nim_shared::operation::{Outcome, Report, Software};
    use nim_shared::unit::Seconds;

    use super::*;

    #[test]
    fn an_earlier_update_counts_by_how_it_ended_and_what_is_nearest_to_its_cause() {
        let of = |state, taken, resolved, codes: &[&str]| {
            let report = Report {
                codes: codes.iter().map(|code| (*code).to_owned()).collect(),
                ..Report::of(Outcome::Failed { software: Software::Unchanged }, "")
            };
            let lpar = "lpar01".parse().unwrap();
            let report = Some(report);
            came(
                PastEnd { lpar, state, resolved, taken, took: Seconds(60), report },
                &Knowledge::default(),
            )
            .came
        };
        assert_eq!(of(StateName::Succeeded, true, false, &[]), Came::Well);
        assert_eq!(of(StateName::Failed, false, false, &[]), Came::Bad(Cause::Unreachable));
        let code = Some("1020-311".to_owned());
        let failed = Cause::Failed { code: code.clone(), sense: Sense::AfterRemedy };
        assert_eq!(
            of(StateName::Failed, true, false, &["1430-045", "1020-311"]),
            Came::Bad(failed)
        );
        assert_eq!(
            of(StateName::Failed, true, true, &["1020-311"]),
            Came::Bad(Cause::Stuck { code })
        );
        assert_eq!(of(StateName::Stuck, true, false, &[]), Came::Bad(Cause::Stuck { code: None }));
    }
}
