//! Scripts of the site, at the end of `cust` and alone, in NIM's words.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, SOURCE, cust};

use crate::group;

#[tokio::test(flavor = "multi_thread")]
async fn scripts_run_after_the_software_where_the_lpar_lets_them() -> Result<()> {
    let site = Harness::small(100).await?;
    let nim = |words: &[&str]| site.nimctl([&["nim", "-o"], words].concat());
    let folder = site.site_folder();
    for (name, text) in [
        ("post", "#!/bin/sh\necho \"post on $(hostname): $(oslevel -s)\"\n"),
        ("bad", "echo it goes wrong\nexit 7\n"),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        let location = format!("location={}", path.display());
        let words = ["define", "-t", "script", "-a", "server=master", "-a", &location, name];
        nim(&words).ended_with(0)?;
    }
    let alone = ["cust", "-a", "script=post", "lpar07"];

    // Nobody there has said that scripts may run: the order is refused as a whole, with what would allow it.
    let refused = nim(&alone);
    ensure!(refused.code != Some(0), "{refused}");
    ensure!(
        refused.stderr.contains("root on this LPAR allows it there by \"scripts = "),
        "{refused}"
    );
    let policy = |lpar: &str| site.lab().root(lpar).join("etc/nim-agent.policy");
    for lpar in ["lpar07", "lpar08"] {
        std::fs::write(policy(lpar), "scripts = on\n").context("write the policy")?;
    }
    let ran = nim(&alone).ended_with(0)?;
    ensure!(ran.stdout == "post on lpar07: 7300-03-00-2446\n", "{ran}");
    ensure!(site.updates_started("lpar07")? == 0);

    // A preview runs none, and says so.
    let preview = nim(&[
        "cust",
        "-a",
        "installp_flags=-p",
        "-a",
        SOURCE,
        "-a",
        "fixes=update_all",
        "-a",
        "script=post",
        "lpar07",
    ])
    .ended_with(0)?;
    ensure!(preview.stderr.contains("a preview runs no script: post is left out"), "{preview}");
    ensure!(!preview.stdout.contains("post on"), "{preview}");

    // After a Live Update, from a group of resources.
    nim(&["define", "-t", "res_group", "-a", "script=post", "after"]).ended_with(0)?;
    let update = [&["nim", "-o"][..], &cust(SOURCE, &["lpar07"]), &["-a", "group=after"]].concat();
    let update = site.nimctl(update).ended_with(0)?;
    let (_, after) = update.stdout.split_once("Live AIX update completed").context("no update")?;
    ensure!(after.ends_with("post on lpar07: 7300-03-01-2520\n"), "{update}");
    let log = nim(&["showlog", "-a", "log_type=script", "lpar07"]).ended_with(0)?;
    ensure!(log.stdout == "post on lpar07: 7300-03-01-2520\n", "{log}");
    let events = site.nimctl(["events", "lpar07"]).ended_with(0)?;
    ensure!(events.stdout.contains("script post succeeded"), "{events}");

    // On a group, one after the other; the first script that fails ends it.
    group::of_two(&site)?;
    let failed = nim(&["cust", "-a", "script=bad", "-a", "script=post", "-a", "async=no", "two"]);
    ensure!(failed.code == Some(1), "{failed}");
    ensure!(failed.stdout.matches("it goes wrong").count() == 2, "{failed}");
    ensure!(!failed.stdout.contains("post on"), "{failed}");
    for text in ["the script bad failed with exit status 7; one more was not run", "NLU-0164"] {
        ensure!(failed.stderr.contains(text), "no \"{text}\" in {failed}");
    }

    // What an operation uses is allocated meanwhile, and can go afterwards.
    nim(&["remove", "after"]).ended_with(0)?;
    nim(&["remove", "bad"]).ended_with(0)?;
    site.end().await
}
