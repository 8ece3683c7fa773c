//! One update: asking for it, stepping through it, and what is left of it at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use integration_tests::{Harness, SOURCE, cust, wait_until};
use nim_lab::Phase;
use serde_json::Value;

/// Asks for an update of `lpar` to the level of the site's source, and returns when it was accepted.
pub(crate) fn ask(site: &Harness, lpar: &str) -> Result<()> {
    site.nimctl(cust(SOURCE, &[lpar]).into_iter().chain(["--detach"])).succeeded()?;
    Ok(())
}

/// The newest operation of `lpar` as it stands.
pub(crate) fn view(site: &Harness, lpar: &str) -> Result<Value> {
    site.nimctl(["status", lpar, "--output", "json"]).succeeded()?.json()
}

/// Waits until the newest operation of `lpar` is as `is` wants it, and until there is an answer at all.
pub(crate) fn until(
    site: &Harness,
    lpar: &str,
    what: &str,
    is: impl Fn(&Value) -> bool,
) -> Result<Value> {
    wait_until(&format!("{lpar} to be {what}"), || {
        let run = site.nimctl(["status", lpar, "--output", "json"]);
        if run.code == Some(NO_ANSWER) {
            return Ok(Err(run.to_string()));
        }
        let view = run.succeeded()?.json()?;
        Ok(if is(&view) { Ok(view) } else { Err(format!("{view:#}")) })
    })
}

/// Ends waits of the site's clock on `lpar` until it stands in `phase`: there it stays ([`Mode::Explicit`]).
///
/// [`Mode::Explicit`]: nim_lab::clock::Mode::Explicit
pub(crate) async fn step_to(site: &Harness, lpar: &str, phase: Phase) -> Result<()> {
    loop {
        let standing = tokio::time::timeout(HANG, site.lab().clock().until_pending(lpar));
        let pending = standing.await.with_context(|| format!("{lpar} never gets to {phase:?}"))?;
        if pending.phase == phase {
            return Ok(());
        }
        ensure!(pending.phase < phase, "{lpar} is past {phase:?}: {pending:?}");
        site.lab().advance(lpar);
    }
}

/// Lets the site's time pass for `lpars` until their newest operations have ended or are stuck, and returns their states.
pub(crate) fn step_to_end<'a>(
    site: &Harness,
    lpars: &[&'a str],
) -> Result<BTreeMap<&'a str, String>> {
    wait_until("the end of all updates", || {
        let mut states = BTreeMap::new();
        for lpar in lpars {
            site.lab().advance(lpar);
            states
                .insert(*lpar, view(site, lpar)?["state"].as_str().unwrap_or_default().to_owned());
        }
        let over = states.values().all(|state| is_over(state));
        Ok(if over { Ok(states) } else { Err(format!("{states:?}")) })
    })
}

/// Waits until the newest operation of `lpar` has ended or is stuck.
pub(crate) fn end(site: &Harness, lpar: &str) -> Result<Value> {
    until(site, lpar, "at its end", |view| is_over(view["state"].as_str().unwrap_or_default()))
}

fn is_over(state: &str) -> bool {
    matches!(state, "succeeded" | "unchanged" | "failed" | "cancelled" | "stuck")
}

/// The events of the newest operation of `lpar`. They are numbered from 1 without gap and without double in each line of history.
pub(crate) fn events(site: &Harness, lpar: &str) -> Result<Vec<Value>> {
    let run = site.nimctl(["events", lpar, "--output", "json"]).succeeded()?;
    let events: Vec<Value> =
        run.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut last = BTreeMap::new();
    for event in &events {
        let (Some(epoch), Some(seq)) = (event["epoch"].as_u64(), event["seq"].as_u64()) else {
            bail!("an event without a number: {event}");
        };
        let last = last.entry(epoch).or_insert(0);
        ensure!(seq == *last + 1, "{lpar}: after event {epoch}.{last} comes {epoch}.{seq}");
        *last = seq;
    }
    Ok(events)
}

/// What happened, without times and without what tells of the recovery itself.
pub(crate) fn sequence(events: &[Value]) -> Vec<String> {
    let told = |event: &Value| {
        let body = &event["body"];
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        match text("kind").as_str() {
            "stage" => Some(format!("stage {}", text("stage"))),
            "phase" => Some(format!("phase {}", text("phase"))),
            "point" => Some(format!("point {}", text("point"))),
            "change" => Some(format!("change {} {}", body["number"], text("moment"))),
            "finished" => Some(format!("finished {}", text("outcome"))),
            _ => None,
        }
    };
    events.iter().filter_map(told).collect()
}

/// Holds an update against an undisturbed one: it succeeded, was started once, and went the same way.
pub(crate) fn equals(site: &Harness, lpar: &str, undisturbed: &[String]) -> Result<()> {
    let view = view(site, lpar)?;
    ensure!(view["state"] == "succeeded", "{lpar}: {view:#}\n{}", site.nimctl(["events", lpar]));
    let started = site.updates_started(lpar)?;
    ensure!(started == 1, "{lpar} was started {started} times");
    let went = sequence(&events(site, lpar)?);
    ensure!(went == undisturbed, "{lpar} went {went:#?}\ninstead of {undisturbed:#?}");
    Ok(())
}

/// Exit code of `nimctl` where `nimd` or its database is away.
pub(crate) const NO_ANSWER: i32 = 4;

/// How long an LPAR may take from one wait to the next. A bound for what hangs.
const HANG: Duration = Duration::from_secs(60);
