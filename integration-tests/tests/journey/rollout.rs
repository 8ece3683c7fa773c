//! A rollout of the small site, planned from what is on record.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::fault::Fault;
use serde_json::Value;

/// The example, which the README plans too.
const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/rollout-lab.yaml");

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_planned_from_what_is_on_record_and_nothing_is_changed() -> Result<()> {
    let site = Harness::small(100).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    site.lab().set_fault("lpar08", Fault::ProcfsOpen).await?;
    site.nimctl(["preflight", "lpar08"]).ended_with(3)?;
    site.wait_for_frames(LAB)?;
    let plan = site.nimctl(["rollout", "plan", LAB, "-o", "json"]).succeeded()?.json()?;
    // Those of 7.2 are named by the pattern and left out by their level; lpar08 by its preflight.
    let excluded = names(&plan["excluded"], "name");
    ensure!(
        excluded == ["lpar01", "lpar02", "lpar03", "lpar04", "lpar05", "lpar06", "lpar08"],
        "{plan:#}"
    );
    let why = plan["excluded"][6]["why"].as_str().context("a reason")?;
    ensure!(why.contains("S26"), "{why}");
    let mut targets = names(&plan["targets"], "lpar");
    targets.sort();
    ensure!(targets == ["lpar07", "lpar09", "lpar10", "lpar11", "lpar12"], "{plan:#}");
    ensure!(plan["waves"][0]["members"] == 1 && plan["waves"][1]["members"] == 4, "{plan:#}");
    ensure!(
        plan["waves"][0]["stop"]["failed"] == 1 && plan["stop"]["unreachable"] == 3,
        "{plan:#}"
    );
    // What is free on the frame is what the HMC shows, and nimd lets two run there.
    ensure!(
        plan["frames"][1]["name"] == "frame2" && plan["frames"][1]["at_a_time"] == 2,
        "{plan:#}"
    );
    ensure!(plan["waves"][1]["in_flight"] == 2, "{plan:#}");

    // The same facts make the same plan.
    let begin = "2027-03-01T20:00:00Z";
    let words = ["rollout", "plan", LAB, "--begin", begin, "-o", "json"];
    let fingerprint = |plan: &Value| plan["fingerprint"].as_str().map(str::to_owned);
    let first = site.nimctl(words).succeeded()?.json()?;
    ensure!(first["begin"] == begin, "{first:#}");
    let again = site.nimctl(words).succeeded()?.json()?;
    ensure!(
        fingerprint(&first).is_some() && fingerprint(&first) == fingerprint(&again),
        "{again:#}"
    );

    // Fewer at a time take longer, and that is said beside what would be without.
    let late = format!("per_frame=1,finish_by={}", first["end"].as_str().context("an end")?);
    let tried = site.nimctl([&words[..], &["--what-if", &late]].concat()).ended_with(1)?.json()?;
    ensure!(tried["what_if"]["end_without"] == first["end"], "{tried:#}");
    ensure!(tried["what_if"]["late"].as_array().is_some_and(|late| !late.is_empty()), "{tried:#}");

    let picture = site.site_folder().join("plan.html");
    let shown = site
        .nimctl(["rollout", "plan", LAB, "--picture", picture.to_str().context("a path")?])
        .succeeded()?;
    for part in
        ["WAVE", "frame2: ", "  lpar12", "LEFT OUT", "wave canary stops at 1 failed", "fingerprint"]
    {
        ensure!(shown.stdout.contains(part), "{part}: {shown}");
    }
    ensure!(std::fs::read_to_string(picture)?.contains("<svg"), "no picture");

    // What is wrong with the file is said with its lines, and what cust would refuse is refused.
    let text = std::fs::read_to_string(LAB)?;
    let bad = site.site_folder().join("bad.yaml");
    std::fs::write(&bad, text.replace("soak: 10m", "soak: 10x").replace("levels:", "level:"))?;
    let path = bad.to_str().context("a path")?;
    let refused = site.nimctl(["rollout", "plan", path]).ended_with(3)?;
    ensure!(
        ["NLU-0158", "bad.yaml:5", "bad.yaml:13"].iter().all(|part| refused.stderr.contains(part)),
        "{refused}"
    );
    std::fs::write(&bad, text.replace("lpp_source: 7300-03-01", "lpp_source: nowhere"))?;
    let refused = site.nimctl(["rollout", "plan", path]).ended_with(3)?;
    ensure!(refused.stderr.contains("NLU-0178") && refused.stderr.contains("nowhere"), "{refused}");
    std::fs::write(&bad, text.replace("lud_{lpar}", "none_{lpar}"))?;
    let nobody = site.nimctl(["rollout", "plan", path]).ended_with(1)?;
    ensure!(nobody.stdout.contains("there is no live_update_data \"none_lpar07\""), "{nobody}");
    let unknown = site.nimctl(["rollout", "plan", LAB, "--what-if", "per_hmcs=2"]).ended_with(2)?;
    ensure!(unknown.stderr.contains("NLU-0157") && unknown.stderr.contains("per_hmc"), "{unknown}");

    for lpar in ["lpar07", "lpar09"] {
        assert_eq!(site.updates_started(lpar)?, 0, "a plan changes nothing");
    }
    let open = site.nimctl(["status", "-o", "json"]).succeeded()?.json()?;
    ensure!(open.as_array().is_none_or(Vec::is_empty), "{open:#}");
    site.end().await
}

fn names(rows: &Value, key: &str) -> Vec<String> {
    let rows = rows.as_array().into_iter().flatten();
    rows.filter_map(|row| Some(row[key].as_str()?.to_owned())).collect()
}

/// The example without pauses that a person would want and a test would wait for.
pub(crate) fn quick(site: &Harness) -> Result<String> {
    let text = std::fs::read_to_string(LAB)?;
    let text = text
        .replace("soak: 10m", "soak: 1s")
        .replace("  in_flight: 3\n", "  in_flight: 3\n  stagger_hmc: 0s\n  stagger_vios: 0s\n");
    let path = site.site_folder().join("rollout.yaml");
    std::fs::write(&path, text)?;
    Ok(path.to_str().context("a path")?.to_owned())
}

/// The small site, of which nimd knows what a rollout needs, and that rollout.
pub(crate) async fn ready() -> Result<(Harness, String)> {
    let site = Harness::small(100).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let file = quick(&site)?;
    site.wait_for_frames(&file)?;
    Ok((site, file))
}

/// The same, stopped by the failure of its canary: each of [`LPARS`] has this fault. How it stands then.
pub(crate) async fn stopped_by(fault: Fault) -> Result<(Harness, Value)> {
    let (site, file) = ready().await?;
    for lpar in LPARS {
        site.lab().set_fault(lpar, fault).await?;
    }
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    let stopped = until(&site, "the canary has failed", |status| {
        status["phase"] == "stopped" && target(status, "failed").is_some()
    })?;
    Ok((site, stopped))
}

/// Waits until a rollout is as `is` wants it.
pub(crate) fn until(site: &Harness, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
    wait_until(what, || {
        let status = site.nimctl(["rollout", "status", "lab", "-o", "json"]).succeeded()?.json()?;
        Ok(if is(&status) { Ok(status) } else { Err(format!("{status:#}")) })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_finishes_over_the_death_of_its_master_and_starts_nothing_twice() -> Result<()> {
    let (mut site, file) = ready().await?;
    let view = site.nimctl(["rollout", "start", &file, "-o", "json"]).succeeded()?.json()?;
    ensure!(view[0]["phase"] == "running" && view[0]["counts"]["waiting"] == 6, "{view:#}");
    let again = site.nimctl(["rollout", "start", &file]).ended_with(3)?;
    ensure!(again.stderr.contains("NLU-0137"), "{again}");
    until(&site, "the canary is in flight", |status| status["counts"]["in_flight"] == 1)?;
    site.master().kill()?;
    site.master().launch()?;
    until(&site, "the second wave is in flight", |status| {
        status["wave"] == "rest" && status["counts"]["in_flight"].as_u64() > Some(0)
    })?;
    site.master().kill()?;
    site.master().launch()?;
    let ended = until(&site, "the rollout ends", |status| status["phase"] == "ended")?;
    ensure!(ended["counts"]["done"] == 6, "{ended:#}");
    for lpar in ["lpar07", "lpar08", "lpar09", "lpar10", "lpar11", "lpar12"] {
        assert_eq!(site.updates_started(lpar)?, 1, "{lpar}");
    }
    let listed = site.nimctl(["rollout", "list"]).succeeded()?;
    ensure!(listed.stdout.contains("lab") && listed.stdout.contains("ended"), "{listed}");
    let shown = site.nimctl(["rollout", "status", "lab"]).succeeded()?;
    ensure!(shown.stdout.contains("lpar12 is updated"), "{shown}");
    site.end().await
}

/// The words that approve what a rollout waits for.
fn approval(status: &Value) -> Result<Vec<&str>> {
    let fingerprint = status["fingerprint"].as_str().context("a fingerprint")?;
    Ok(vec!["rollout", "approve", "lab", "--fingerprint", fingerprint])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_stops_it_and_a_person_resumes_or_aborts_it() -> Result<()> {
    let (site, file) = ready().await?;
    for lpar in ["lpar07", "lpar08", "lpar09", "lpar10", "lpar11", "lpar12"] {
        site.lab().set_fault(lpar, Fault::ProcfsOpen).await?;
    }
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    // It stops as soon as the failure is known; the LPAR is over when its memory is back.
    let stopped = until(&site, "the canary fails", |status| {
        status["phase"] == "stopped" && status["counts"]["failed"] == 1
    })?;
    ensure!(stopped["counts"]["waiting"] == 5, "{stopped:#}");
    ensure!(
        stopped["waits_for"].as_str().is_some_and(|why| why.contains("1 failed")),
        "{stopped:#}"
    );
    let why = site.nimctl(["why", "lab"]).succeeded()?;
    for part in ["rollout lab: stopped, at wave canary", "1 failed", "nimctl rollout resume lab"] {
        ensure!(why.stdout.contains(part), "{part}: {why}");
    }
    // It goes on to the gate: too few of the canary's wave are updated.
    site.nimctl(["rollout", "resume", "lab"]).succeeded()?;
    let waits = until(&site, "the next wave waits to be promoted", |status| {
        status["waits_for"].as_str().is_some_and(|why| why.contains("promote"))
    })?;
    ensure!(waits["counts"]["waiting"] == 5, "{waits:#}");
    for (words, why) in [
        (vec!["rollout", "resume", "lab"], "neither paused nor stopped"),
        (approval(&waits)?, "somebody else does"),
    ] {
        let never = site.nimctl(words).ended_with(3)?;
        ensure!(never.stderr.contains("NLU-0142") && never.stderr.contains(why), "{never}");
    }
    let waiting = target(&waits, "waiting").and_then(|one| one["lpar"].as_str());
    let why = site.nimctl(["why", waiting.context("one that waits")?, "-o", "json"]).succeeded()?;
    let why = why.json()?;
    ensure!(
        why[0]["waits"][0]["what"].as_str().is_some_and(|what| what.contains("promote")),
        "{why:#}"
    );
    ensure!(
        why[0]["waits"][0]["since"].is_string() && why[0]["given_up_at"].is_string(),
        "{why:#}"
    );
    // The next wave may begin, and nothing of it does while it is paused, or after an abort.
    site.nimctl(["rollout", "pause", "lab"]).succeeded()?;
    let promoted = site.nimctl(["rollout", "promote", "lab", "-o", "json"]).succeeded()?.json()?;
    ensure!(promoted[0]["wave"] == "rest" && promoted[0]["phase"] == "paused", "{promoted:#}");
    site.nimctl(["rollout", "abort", "lab"]).succeeded()?;
    let ended = until(&site, "the rollout ends", |status| status["phase"] == "ended")?;
    ensure!(ended["counts"]["left_out"] == 5 && ended["counts"]["failed"] == 1, "{ended:#}");
    let targets = ended["targets"].as_array().context("targets")?;
    for one in targets.iter().filter(|one| one["state"] != "failed") {
        ensure!(one["state"] == "not_started" && one["operation"].is_null(), "{one:#}");
    }
    let who = ended["events"].as_array().into_iter().flatten().any(|event| {
        event["what"].as_str().is_some_and(|what| what.starts_with("aborted"))
            && event["by"].is_u64()
    });
    ensure!(who, "{ended:#}");
    let over = site.nimctl(["why", "lpar12"]).succeeded()?;
    ensure!(over.stdout.contains("nimctl rollout retry lab lpar12"), "{over}");
    let other = site.nimctl(["why", "lpar01"]).succeeded()?;
    ensure!(other.stdout.contains("nothing is under way on it"), "{other}");
    let nobody = site.nimctl(["why", "frame1"]).ended_with(3)?;
    ensure!(nobody.stderr.contains("NLU-0118"), "{nobody}");
    let gone = site.nimctl(["rollout", "status", "nobody"]).ended_with(3)?;
    ensure!(gone.stderr.contains("NLU-0329"), "{gone}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_and_the_rollout_goes_on() -> Result<()> {
    let (site, stopped) = stopped_by(Fault::ProcfsOpen).await?;
    let canary = target(&stopped, "failed").context("the canary")?;
    let name = canary["lpar"].as_str().context("its name")?;
    ensure!(canary["why"].as_str().is_some_and(|why| !why.is_empty()), "{canary:#}");
    // What is known of its failure asks for something first.
    ensure!(canary["retry"]["may"] == "after_remedy", "{canary:#}");
    let early =
        site.nimctl(["rollout", "retry", "lab", "--class", "failed", "-y"]).ended_with(3)?;
    ensure!(early.stdout.contains(name) && early.stdout.contains("--remedied"), "{early}");
    for lpar in LPARS {
        site.lab().clear_fault(lpar, Fault::ProcfsOpen)?;
    }
    let retry = ["rollout", "retry", "lab", "--class", "failed", "--remedied"];
    let unasked = site.nimctl(retry).ended_with(2)?;
    ensure!(unasked.stdout.contains(name) && unasked.stdout.contains("resume"), "{unasked}");
    site.nimctl([&retry[..], &["--yes"]].concat()).succeeded()?;
    site.nimctl(["rollout", "resume", "lab"]).succeeded()?;
    let ended = until(&site, "the rollout ends", |status| status["phase"] == "ended")?;
    ensure!(ended["counts"]["done"] == 6, "{ended:#}");
    // What failed was found before geninstall began.
    for lpar in LPARS {
        assert_eq!(site.updates_started(lpar)?, 1, "{lpar}");
    }
    let again = target(&ended, "updated").context("the canary, which comes first")?;
    ensure!(again["lpar"] == name && again["attempt"] == 2, "{again:#}");
    report(&site, name)?;
    let done = site.nimctl(["rollout", "retry", "lab", name, "--yes"]).ended_with(3)?;
    ensure!(done.stdout.contains("it is done"), "{done}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_starts_where_there_is_maintenance() -> Result<()> {
    let (site, file) = ready().await?;
    let on = ["maintenance", "on", "vios2a", "--reason", "update to 4.1.1"];
    let on = site.nimctl(on).succeeded()?;
    ensure!(on.stdout.contains("vios2a") && on.stdout.contains("update to 4.1.1"), "{on}");
    for (name, why) in [("lpar07", "is of type standalone"), ("nobody", "nobody")] {
        let wrong = site.nimctl(["maintenance", "on", name, "--reason", "x"]);
        ensure!(wrong.code != Some(0) && wrong.stderr.contains(why), "{wrong}");
    }
    let plan = site.nimctl(["rollout", "plan", &file, "-o", "json"]).ended_with(1)?.json()?;
    ensure!(names(&plan["held"], "lpar") == LPARS, "{plan:#}");
    let reason = plan["held"][0]["reasons"][0].as_str().context("a reason")?;
    ensure!(reason == "maintenance of vios2a: update to 4.1.1", "{reason}");
    // A rollout waits, and so does what is asked for by itself; elsewhere work goes on.
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    let order = ["cust", "-a", "lpp_source=7300-03-01", "-a", "fixes=update_all", "-a"];
    let order = [&order[..], &["accept_licenses=yes", "--detach", "lpar12"]].concat();
    site.nimctl(order.clone()).succeeded()?;
    let open = site.nimctl(["status", "-o", "json"]).succeeded()?.json()?;
    ensure!(open[0]["waits_for"] == "maintenance of vios2a: update to 4.1.1", "{open:#}");
    let why = site.nimctl(["why", "lpar07"]).succeeded()?;
    ensure!(why.stdout.contains("maintenance of vios2a: update to 4.1.1"), "{why}");
    let listed = site.nimctl(["maintenance", "list", "-o", "json"]).succeeded()?.json()?;
    ensure!(listed[0]["type"] == "vios" && listed[0]["running"] == 0, "{listed:#}");
    site.nimctl(["cancel", "lpar12"]).succeeded()?;
    let waits = until(&site, "all wait", |status| status["counts"]["waiting"] == 6)?;
    ensure!(target(&waits, "waiting").is_some_and(|one| one["operation"].is_null()), "{waits:#}");
    site.nimctl(["maintenance", "off", "vios2a"]).succeeded()?;
    until(&site, "the canary is in flight", |status| status["counts"]["in_flight"] == 1)?;
    site.nimctl(["rollout", "abort", "--cancel", "lab"]).succeeded()?;
    let ended = until(&site, "the rollout ends", |status| status["phase"] == "ended")?;
    ensure!(ended["counts"]["waiting"] == 0, "{ended:#}");
    // What is under way now counts more than what was.
    site.nimctl(["maintenance", "on", "frame2", "--reason", "new firmware"]).succeeded()?;
    site.nimctl(order).succeeded()?;
    let why = site.nimctl(["why", "lpar12"]).succeeded()?;
    ensure!(why.stdout.contains("maintenance of frame2: new firmware"), "{why}");
    site.nimctl(["cancel", "lpar12"]).succeeded()?;
    site.end().await
}

/// The report adds up: what it says is what ran.
fn report(site: &Harness, canary: &str) -> Result<()> {
    let report = site.nimctl(["rollout", "report", "lab", "-o", "json"]).succeeded()?.json()?;
    let lpars = report["lpars"].as_array().context("LPARs")?;
    ensure!(names(&report["left_out"], "name").len() == 6, "those of 7.2: {report:#}");
    ensure!(
        lpars.len() == 6 && report["failures"].as_array().is_some_and(Vec::is_empty),
        "{report:#}"
    );
    // What was overcome is told as well.
    let overcome = &report["earlier"];
    ensure!(overcome.as_array().is_some_and(|all| all.len() == 1), "{report:#}");
    ensure!(overcome[0]["lpars"] == serde_json::json!([canary]), "{overcome:#}");
    let remedy = overcome[0]["remedy"].as_str().context("what was to be done")?;
    for one in lpars {
        ensure!(one["fixes_before"].is_array() && one["fixes_after"].is_array(), "{one:#}");
        ensure!(one["state"] == "updated" && one["blackout"].is_u64(), "{one:#}");
        ensure!(one["began"].as_str() < one["ended"].as_str(), "{one:#}");
        let (before, after) = (one["level_before"].as_str(), one["level_after"].as_str());
        ensure!(before.is_some() && before < after, "{one:#}");
        let tries = if one["lpar"] == canary { 2 } else { 1 };
        ensure!(one["attempt"] == tries, "{one:#}");
    }
    let page = site.site_folder().join("report.html");
    let path = page.to_str().context("a path")?;
    let shown = site.nimctl(["rollout", "report", "lab", "--file", path]).succeeded()?;
    ensure!(shown.stdout == format!("the report is in {path}\n"), "{shown}");
    let shown = site.nimctl(["rollout", "report", "lab"]).succeeded()?;
    let first = "what went wrong in earlier attempts, by cause";
    for part in
        ["6 updated", "how long workloads stood still", "LEVEL BEFORE", "frame2\n", first, remedy]
    {
        ensure!(shown.stdout.contains(part), "{part}: {shown}");
    }
    let page = std::fs::read_to_string(page)?;
    ensure!(page.contains("<svg") && page.contains("Levels before and after"), "{page}");
    Ok(())
}

/// The first LPAR of a rollout in this state.
pub(crate) fn target<'s>(status: &'s Value, state: &str) -> Option<&'s Value> {
    status["targets"].as_array()?.iter().find(|one| one["state"] == state)
}

/// Who is updated by the example.
pub(crate) const LPARS: [&str; 6] = ["lpar07", "lpar08", "lpar09", "lpar10", "lpar11", "lpar12"];
