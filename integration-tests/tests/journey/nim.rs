//! NIM's words, from the command line to the LPAR and back.

use anyhow::{Result, ensure};
use integration_tests::{Harness, SOURCE, cust};
use nim_lab::Phase;
use nim_lab::fault::{Armed, Fault};

#[tokio::test(flavor = "multi_thread")]
async fn an_update_in_nims_words_prints_what_geninstall_prints_and_ends_as_nim_does() -> Result<()>
{
    let site = Harness::small(100).await?;
    let run = |more: &[&'static str], target: &'static str| {
        let words = ["nim", "-o"].into_iter().chain(cust(SOURCE, &[target]));
        site.nimctl(words.chain(more.iter().copied()).collect::<Vec<_>>())
    };
    let preview = run(&["-a", "installp_flags=-p"], "lpar07").ended_with(0)?;
    ensure!(preview.stdout.contains("The live update preview succeeded"), "{preview}");
    ensure!(site.updates_started("lpar07")? == 0);

    let update = run(&[], "lpar07").ended_with(0)?;
    for line in ["Blackout Time started", "Blackout Time end", "Live AIX update completed"] {
        ensure!(update.stdout.contains(line), "no \"{line}\" in {update}");
    }
    ensure!(site.updates_started("lpar07")? == 1);
    let shown = site.nimctl(["lsnim", "-l", "lpar07"]).ended_with(0)?;
    ensure!(shown.stdout.starts_with("lpar07:\n"), "{shown}");
    ensure!(shown.stdout.contains("Cstate_result"), "{shown}");

    // One that fails ends with NIM's code for it, and what geninstall said is there to read.
    site.lab().arm_fault("lpar08", Fault::ProcfsOpen, Armed::At(Phase::Move)).await?;
    let failed = run(&[], "lpar08");
    ensure!(failed.code != Some(0) && failed.stdout.contains("1430-045"), "{failed}");
    site.nimctl(["lsnim", "-l", "nobody"]).ended_with(53)?;
    site.end().await
}
