//! A group of LPARs of which one fails.

use anyhow::Result;
use integration_tests::{Harness, SOURCE, cust, wait_until};
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::{Armed, Fault};
use nim_lab::site;

/// Defines the group `two` of lpar07 and lpar08.
pub(crate) fn of_two(site: &Harness) -> Result<()> {
    let members = ["-a", "add_member=lpar07", "-a", "add_member=lpar08", "two"];
    let define = ["nim", "-o", "define", "-t", "mac_group"].into_iter().chain(members);
    site.nimctl(define).ended_with(0)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lpar_of_a_group_fails_and_is_explained_and_the_others_are_updated() -> Result<()> {
    let site = Harness::small(200).await?;
    site.lab().arm_fault("lpar08", Fault::ProcfsOpen, Armed::At(Phase::Move)).await?;
    let run = site.nimctl([
        "cust",
        "-a",
        "live_update=yes",
        "-a",
        "live_update_data=lud_{lpar}",
        "-a",
        "concurrent=3",
        "lpar07",
        "lpar08",
        "lpar09",
    ]);
    let run = run.ended_with(1)?;
    assert!(run.stdout.contains("1020-311"), "{run}");
    for lpar in ["lpar07", "lpar08", "lpar09"] {
        assert_eq!(site.updates_started(lpar)?, 1, "{lpar}: {run}");
    }
    told_by_its_logs(&site)?;
    site.end().await
}

/// The logs of the LPAR that failed were fetched, and say what geninstall does not.
fn told_by_its_logs(site: &Harness) -> Result<()> {
    let shown = site.nimctl(["status", "lpar08"]).succeeded()?;
    assert!(
        shown.stdout.contains("pitfall-1") && shown.stdout.contains("--file lvupdlog"),
        "{shown}"
    );
    let log = site.nimctl(["log", "lpar08", "--file", "lvupdlog"]).succeeded()?;
    assert!(log.stdout.contains("DENY Blocking entry: procfs open"), "{log}");
    assert!(!log.stdout.contains("1430-045"), "{log}");
    let printed = site.nimctl(["log", "lpar08"]).succeeded()?;
    assert!(printed.stdout.contains("1430-045") && !printed.stdout.contains("procfs"), "{printed}");
    let none = site.nimctl(["log", "lpar08", "--file", "otlog"]).ended_with(3)?;
    assert!(none.stderr.contains("NLU-0154") && none.stderr.contains("lvupdlog"), "{none}");
    let none = site.nimctl(["log", "lpar07", "--file", "lvupdlog"]).ended_with(3)?;
    assert!(none.stderr.contains("NLU-0154"), "{none}");
    let explained = site.nimctl(["explain", "lpar08"]).succeeded()?;
    for part in ["\npitfall-1: ", "\n1020-311: ", "procfs open, count: 9"] {
        assert!(explained.stdout.contains(part), "{part}: {explained}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_lpar_that_waits_for_its_turn_says_by_which_limit() -> Result<()> {
    let site = site::parse("site-small.yaml", include_str!("../../../examples/site-small.yaml"))?;
    let mut site = Harness::with(site, Mode::Explicit).await?;
    let turns = cust(SOURCE, &["lpar07", "lpar08"]).into_iter().chain(["-a", "concurrent=1"]);
    let watching = site.master().nimctl_started(turns)?;
    let held = "limit: 1 of this request at a time";
    wait_until("lpar08 to say what it waits for", || {
        let run = site.nimctl(["status"]);
        let line = run.stdout.lines().find(|line| line.contains("lpar08")).unwrap_or_default();
        let said = line.contains("queued") && line.contains(held);
        Ok(if said && watching.said().contains(held) {
            Ok(())
        } else {
            Err(format!("{run}\n{}", watching.said()))
        })
    })?;
    let shown = site.nimctl(["lsnim", "-l", "lpar08"]).succeeded()?;
    assert!(shown.stdout.contains(&format!("waits for {held}")), "{shown}");
    wait_until("both to be updated, one after the other", || {
        site.lab().advance("lpar07");
        site.lab().advance("lpar08");
        let state = |lpar| -> Result<String> {
            let view = site.nimctl(["status", lpar, "--output", "json"]).succeeded()?.json()?;
            Ok(view["state"].as_str().unwrap_or_default().to_owned())
        };
        // In this order: what has begun meanwhile began after the first had ended.
        let (second, first) = (state("lpar08")?, state("lpar07")?);
        assert!(first == "succeeded" || second == "queued", "lpar08 is {second} before its turn");
        let over = second == "succeeded";
        Ok(if over { Ok(()) } else { Err(format!("{first}, {second}")) })
    })?;
    let run = watching.end()?.ended_with(0)?;
    // The line that tells of the wait is said once.
    assert_eq!(run.to_string().matches(held).count(), 1, "{run}");
    site.end().await
}
