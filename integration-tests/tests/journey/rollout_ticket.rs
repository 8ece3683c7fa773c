//! Rollouts of a site whose policy wants a ticket.

use anyhow::{Context as _, Result, ensure};
use integration_tests::wait_until;

use crate::rollout::ready;

#[tokio::test(flavor = "multi_thread")]
async fn where_the_policy_wants_a_ticket_nothing_is_done_without_and_it_is_on_record() -> Result<()>
{
    let (site, file) = ready().await?;
    let bad = site.site_folder().join("bad.yaml");
    std::fs::write(&bad, "rollouts: {ticket: required, ticket_pattern: 'CHG 1'}\n")?;
    let bad = bad.to_str().context("a path")?;
    let bad = site.nimctl(["policy", "set", bad]).ended_with(3)?;
    ensure!(bad.stderr.contains("rollouts.ticket_pattern"), "{bad}");
    site.set_policy(
        "rollouts: {ticket: required, ticket_for: [start, approve, abort, resume], ticket_pattern: CHG*}\nbackup: {waived: a test}\n",
    )?;

    let start = ["rollout", "start", &file];
    for (ticket, why) in [(None, "wants a ticket"), (Some("INC7"), "like \"CHG*\", not INC7")] {
        let words = ticket.map(|ticket| ["--ticket", ticket]);
        let words = start.iter().copied().chain(words.into_iter().flatten());
        let refused = site.nimctl(words).ended_with(3)?;
        ensure!(refused.stderr.contains("NLU-0225") && refused.stderr.contains(why), "{refused}");
    }
    let none = site.nimctl(["rollout", "list"]).succeeded()?;
    ensure!(none.stdout.contains("no rollout was ever started"), "{none}");
    let words = start.iter().copied().chain(["--ticket", "CHG0031337"]);
    site.nimctl(words).succeeded()?;
    let status = site.nimctl(["rollout", "status", "lab", "-o", "json"]).succeeded()?.json()?;
    let print = status["fingerprint"].as_str().context("a fingerprint")?;
    for words in [
        vec!["rollout", "approve", "lab", "--fingerprint", print],
        vec!["rollout", "abort", "lab", "--cancel"],
    ] {
        let refused = site.nimctl(words).ended_with(3)?;
        ensure!(
            refused.stderr.contains("NLU-0225") && refused.stderr.contains("--ticket"),
            "{refused}"
        );
    }
    // Nobody needs one to hold it.
    site.nimctl(["rollout", "pause", "lab"]).succeeded()?;
    let refused = site.nimctl(["rollout", "resume", "lab"]).ended_with(3)?;
    ensure!(refused.stderr.contains("NLU-0225"), "{refused}");
    site.nimctl(["rollout", "abort", "lab", "--cancel", "--ticket", "CHG9"]).succeeded()?;
    let ended = wait_until("the rollout ends", || {
        let status = site.nimctl(["rollout", "status", "lab", "-o", "json"]).succeeded()?.json()?;
        let is = status["phase"] == "ended";
        Ok(if is { Ok(status) } else { Err(format!("{status:#}")) })
    })?;
    ensure!(ended["ticket"] == "CHG0031337", "{ended:#}");
    let events = ended["events"].as_array().context("events")?;
    let under = |what: &str| {
        let is = |event: &&serde_json::Value| {
            event["what"].as_str().is_some_and(|it| it.starts_with(what))
        };
        events.iter().find(is).and_then(|event| event["ticket"].as_str())
    };
    ensure!(under("planned and started") == Some("CHG0031337"), "{ended:#}");
    ensure!(under("aborted") == Some("CHG9") && under("paused").is_none(), "{ended:#}");
    let why = site.nimctl(["why", "lab"]).succeeded()?;
    ensure!(why.stdout.contains("ticket     CHG0031337"), "{why}");
    let report = site.nimctl(["rollout", "report", "lab"]).succeeded()?;
    ensure!(
        report.stdout.contains("under CHG0031337") && report.stdout.contains("under CHG9"),
        "{report}"
    );
    site.end().await
}
