//! A rollout that somebody watches.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use serde_json::Value;

use crate::rollout::ready;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_reads_each_change_in_its_order_until_the_end() -> Result<()> {
    let (mut site, file) = ready().await?;
    // It is watched from before its first start, over a pause and the death of the master.
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    let watching = site.master().nimctl_started(["rollout", "watch", "lab"])?;
    wait_until("the first line is there", || {
        let said = watching.said();
        Ok(if said.contains("at wave canary") { Ok(()) } else { Err(said) })
    })?;
    let shown = wait_until("an LPAR is in flight", || {
        let shown = site.nimctl(["rollout", "status", "lab", "-o", "json"]).succeeded()?.json()?;
        let is = shown["counts"]["in_flight"] == 1;
        Ok(if is { Ok(shown) } else { Err(format!("{shown:#}")) })
    })?;
    let id = shown["id"].as_str().context("an id")?.to_owned();
    site.nimctl(["rollout", "pause", "lab"]).succeeded()?;
    site.nimctl(["rollout", "resume", "lab"]).succeeded()?;
    site.master().kill()?;
    site.master().launch()?;
    let told = watching.end()?;
    ensure!(told.code == Some(0), "{told}");
    let lines: Vec<&str> = told.stdout.lines().collect();
    let at = |what: &str| lines.iter().position(|line| line.contains(what));
    ensure!(at(" lab: running, at wave canary: ") == Some(0), "{told}");
    let order =
        [at("paused by uid"), at("resumed by uid"), at("wave rest is next"), at("lab: ended")];
    ensure!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?} {told}");
    // Nothing of a wave starts before it is said to be next.
    let starts = lines.iter().enumerate().filter(|(_, line)| line.ends_with(" starts"));
    let next = starts.filter(|(number, _)| Some(*number) > at("wave rest is next")).count();
    ensure!(next == 5, "{told}");
    ensure!(lines.last().is_some_and(|line| line.ends_with("lab is over: 6 done")), "{told}");
    for lpar in ["lpar07", "lpar08", "lpar09", "lpar10", "lpar11", "lpar12"] {
        let (starts, ends) =
            (at(&format!("lab: {lpar} starts")), at(&format!("lab: {lpar} is updated")));
        ensure!(ends.is_some() && starts < ends, "{lpar} {starts:?} {ends:?} {told}");
        ensure!(
            lines.iter().filter(|line| line.contains(&format!("{lpar} is "))).count() == 1,
            "{told}"
        );
    }
    // Each was told once: what is on record is what was read.
    let status = site.nimctl(["rollout", "report", &id, "-o", "json"]).succeeded()?.json()?;
    ensure!(status["operation"]["lpp_source"] == "7300-03-01", "{status:#}");
    let events = status["events"].as_array().context("events")?;
    let happened = |from: &str| {
        let first = events.iter().position(|event| event["what"] == from);
        first.map_or(0, |first| events.len() - first)
    };
    let read = lines.iter().skip(1).position(|line| line.contains("paused by uid"));
    let read = read.map_or(0, |first| lines.len() - 2 - first);
    ensure!(read == happened("paused"), "{read} {events:#?} {told}");
    over(&site)
}

/// Of what is over it is said how it came out.
fn over(site: &Harness) -> Result<()> {
    let said: Value = site.nimctl(["rollout", "watch", "lab", "-o", "json"]).succeeded()?.json()?;
    ensure!(said["kind"] == "rollout" && said["phase"] == "ended", "{said:#}");
    let said = site.nimctl(["rollout", "watch", "nobody"]).ended_with(3)?;
    ensure!(said.stderr.contains("NLU-0329"), "{said}");
    Ok(())
}
