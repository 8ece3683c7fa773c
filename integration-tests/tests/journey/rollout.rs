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
    let plan = wait_until("nimd has read the frames and their VIOSes", || {
        let plan = site.nimctl(["rollout", "plan", LAB, "-o", "json"]).succeeded()?.json()?;
        let read = plan["frames"].as_array().is_some_and(|all| {
            !all.is_empty() && all.iter().all(|frame| frame["free_memory"].is_u64())
        });
        let classes = plan["classes"].to_string();
        Ok(if read && classes.contains("scsi") { Ok(plan) } else { Err(format!("{plan:#}")) })
    })?;
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
