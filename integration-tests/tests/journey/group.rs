//! A group of LPARs of which one fails.

use anyhow::Result;
use integration_tests::Harness;
use nim_lab::fault::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn one_lpar_of_a_group_fails_and_is_explained_and_the_others_are_updated() -> Result<()> {
    let site = Harness::small(200).await?;
    site.lab().set_fault("lpar08", Fault::ProcfsOpen).await?;
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
    site.end().await
}
