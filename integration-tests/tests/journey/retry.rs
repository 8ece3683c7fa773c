//! What failed is done again where that makes sense, and how long workloads stood still is told of all.

use anyhow::{Result, ensure};
use integration_tests::{Harness, SOURCE, cust};
use nim_lab::fault::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_the_move_is_moved_again_once_its_remedy_is_done() -> Result<()> {
    let site = Harness::small(200).await?;
    site.lab().set_fault("lpar08", Fault::MoveWorkload).await?;
    site.nimctl(cust(SOURCE, &["lpar08"])).ended_with(1)?;
    // The software is on disk already.
    let whole = site.nimctl(["retry", "lpar08"]).ended_with(3)?;
    ensure!(whole.stderr.contains("NLU-0155") && whole.stderr.contains("--move-only"), "{whole}");
    let at_once = site.nimctl(["retry", "--move-only", "lpar08"]).ended_with(3)?;
    let told = ["NLU-0156", "its summary: ", "1430-030", "--remedied"];
    ensure!(told.iter().all(|part| at_once.stderr.contains(part)), "{at_once}");
    assert_eq!(site.updates_started("lpar08")?, 1);

    site.lab().clear_fault("lpar08", Fault::MoveWorkload)?;
    let words = ["retry", "--move-only", "--remedied", "lpar08", "--output", "json"];
    let moved = site.nimctl(words).succeeded()?.json()?;
    let one = &moved["operations"][0];
    assert_eq!(one["state"], "succeeded", "{moved:#}");
    assert_eq!(one["report"]["before"]["level"], one["report"]["after"]["level"], "{moved:#}");
    assert_eq!(site.updates_started("lpar08")?, 2);
    let again = site.nimctl(["retry", "lpar08"]).ended_with(3)?;
    ensure!(again.stderr.contains("NLU-0155") && again.stderr.contains("succeeded"), "{again}");

    // The first of the two never moved.
    let report = site.nimctl(["report", "blackout", "--output", "json"]).succeeded()?.json()?;
    assert_eq!((&report["updates"], &report["lpars"]), (&1.into(), &1.into()), "{report:#}");
    assert_eq!(report["worst"][0]["lpar"], "lpar08", "{report:#}");
    let shown = site.nimctl(["report", "blackout"]).succeeded()?;
    ensure!(shown.stdout.contains("MEDIAN") && shown.stdout.contains("lpar08"), "{shown}");
    let none = site.nimctl(["report", "blackout", "lpar07"]).succeeded()?;
    ensure!(none.stdout.contains("no update has moved"), "{none}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_without_a_number_or_in_a_special_case_is_told_with_its_own_remedy()
-> Result<()> {
    let site = Harness::small(200).await?;
    for (lpar, fault, code, remedy) in [
        ("lpar07", Fault::MissingApars, "missing-apars", "emgr -r -L LABEL"),
        ("lpar08", Fault::AutofsMissing, "1430-134", "lvupdateRegScript -r -n AUTOFS_UMOUNT"),
    ] {
        site.lab().set_fault(lpar, fault).await?;
        site.nimctl(cust(SOURCE, &[lpar])).ended_with(1)?;
        let shown = site.nimctl(["status", lpar, "--output", "json"]).succeeded()?.json()?;
        let of = shown.to_string();
        ensure!(of.contains(remedy), "{shown:#}");
        // Of the first the software was not installed, of the second it waits for its move.
        let words = if code == "1430-134" { &["retry", "--move-only"][..] } else { &["retry"][..] };
        let asks = site.nimctl(words.iter().copied().chain([lpar])).ended_with(3)?;
        let told = ["NLU-0156", code, "--remedied"];
        ensure!(told.iter().all(|part| asks.stderr.contains(part)), "{asks}");
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_success_is_in_effect_and_not_done_again() -> Result<()> {
    let site = Harness::small(200).await?;
    site.lab().set_fault("lpar09", Fault::PartialSuccess).await?;
    site.nimctl(cust(SOURCE, &["lpar09"])).ended_with(0)?;
    for words in [&["retry", "lpar09"][..], &["retry", "--remedied", "--move-only", "lpar09"]] {
        let refused = site.nimctl(words.iter().copied()).ended_with(3)?;
        ensure!(refused.stderr.contains("NLU-0155"), "{refused}");
        ensure!(refused.stderr.contains("it is in effect"), "{refused}");
    }
    assert_eq!(site.updates_started("lpar09")?, 1);
    let shown = site.nimctl(["status", "lpar09"]).succeeded()?;
    ensure!(shown.stdout.contains("1430-094") && shown.stdout.contains("lvupdlog"), "{shown}");
    site.end().await
}
