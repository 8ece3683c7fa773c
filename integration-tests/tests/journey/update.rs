//! One LPAR: a preview, an update, what is shown of it.

use anyhow::Result;
use integration_tests::{Harness, SOURCE, cust};

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_changes_nothing_and_an_update_moves_the_lpar() -> Result<()> {
    let site = Harness::small(200).await?;
    let before = site.lab().world()?.lpars["lpar07"].clone();
    let words = cust(SOURCE, &["lpar07"]).into_iter().chain(["--output", "json"]);
    let preview = site.nimctl(words.clone().chain(["--preview"]));
    let preview = preview.succeeded()?.json()?;
    assert_eq!(preview["operations"][0]["state"], "succeeded", "{preview:#}");
    assert_eq!(site.lab().world()?.lpars["lpar07"].software, before.software);
    assert_eq!(site.updates_started("lpar07")?, 0);

    let update = site.nimctl(words);
    let update = update.succeeded()?.json()?;
    let one = &update["operations"][0];
    assert_eq!(one["state"], "succeeded", "{update:#}");
    assert_ne!(one["report"]["before"]["level"], one["report"]["after"]["level"]);
    assert_eq!(site.updates_started("lpar07")?, 1);
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_that_lie_on_the_master_are_sent_once_and_installed() -> Result<()> {
    let site = Harness::small(200).await?;
    let location =
        format!("location={}", site.site_folder().join("lpp_source/7300-03-01").display());
    site.nimctl(["define", "-t", "lpp_source", "-a", &location, "-a", "access=push", "here"])
        .succeeded()?;
    let words = cust("lpp_source=here", &["lpar09"]).into_iter().chain(["--output", "json"]);
    let preview = site.nimctl(words.clone().chain(["--preview"])).succeeded()?.json()?;
    assert_eq!(preview["operations"][0]["state"], "succeeded", "{preview:#}");
    let done = site.nimctl(words).succeeded()?.json()?;
    let report = &done["operations"][0]["report"];
    assert_eq!(report["after"]["level"], "7300-03-01-2520", "{done:#}");
    assert_eq!(site.updates_started("lpar09")?, 1);
    site.end().await
}
