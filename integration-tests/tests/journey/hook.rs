//! Hooks of the site on the LPAR, at each point and with each meaning of a failure; the examples among them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, SOURCE, cust};

/// The examples that people copy from.
fn examples() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hooks");
    folder.canonicalize().context("examples/hooks is not there")
}

/// Defines a `script` of the master's.
fn define(site: &Harness, name: &str, location: &Path) -> Result<()> {
    let location = format!("location={}", location.display());
    let words = ["define", "-t", "script", "-a", "server=master", "-a", &location, name];
    site.nimctl(words).succeeded()?;
    Ok(())
}

fn allow(site: &Harness, lpar: &str) -> Result<()> {
    let policy = site.lab().root(lpar).join("etc/nim-agent.policy");
    std::fs::write(policy, "scripts = on\n").context("write the policy")
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_around_an_update_where_the_lpar_lets_them() -> Result<()> {
    let site = Harness::small(100).await?;
    let (hold, monitoring) = (examples()?.join("hold"), examples()?.join("monitoring"));
    define(&site, "hold", &hold)?;
    define(&site, "monitoring", &monitoring)?;
    let says = site.site_folder().join("says");
    std::fs::write(
        &says,
        "#!/bin/sh\necho \"level $(oslevel -s), quiet: $(ls var/adm/monitoring.quiet)\"\n",
    )?;
    define(&site, "says", &says)?;
    let hooks = [
        "-a",
        "hook=pre:hold",
        "-a",
        "hook=prep:monitoring",
        "-a",
        "hook=before-update:says",
        "-a",
        "hook=post:monitoring",
        "-a",
        "hook=post:says",
        "-a",
        "hook=on-failure:monitoring",
    ];
    let order = [&cust(SOURCE, &["lpar07"])[..], &hooks].concat();

    // Nobody there has said that scripts may run: nothing is begun.
    let refused = site.nimctl(order.clone());
    ensure!(refused.code != Some(0), "{refused}");
    ensure!(
        refused.stdout.contains("root on this LPAR allows it there by \"scripts = "),
        "{refused}"
    );

    // The LPAR is on hold: the operation ends where nothing has been touched, and says so.
    allow(&site, "lpar07")?;
    let lpar = site.lab().root("lpar07");
    std::fs::write(lpar.join("etc/no-update"), "month end\n")?;
    let held = site.nimctl(order.clone()).ended_with(1)?;
    ensure!(held.stdout.contains("the hook hold at pre failed with exit status 1"), "{held}");
    ensure!(held.stdout.contains("NLU-0168"), "{held}");
    ensure!(site.updates_started("lpar07")? == 0);
    let log = site.nimctl(["log", "lpar07"]).succeeded()?;
    ensure!(log.stdout == "this LPAR is on hold: month end\n", "{log}");

    // A preview runs none.
    let preview = [&order[..], &["--preview"]].concat();
    let preview = site.nimctl(preview).succeeded()?;
    ensure!(preview.stderr.contains("a preview runs no hook: hold, monitoring, says"), "{preview}");

    std::fs::remove_file(lpar.join("etc/no-update"))?;
    let done = site.nimctl(order).succeeded()?;
    ensure!(!done.stdout.contains("the hook"), "{done}");
    ensure!(!lpar.join("var/adm/monitoring.quiet").exists(), "monitoring is still quiet");
    let log = site.nimctl(["log", "lpar07"]).succeeded()?;
    let before = "level 7300-03-00-2446, quiet: var/adm/monitoring.quiet\n";
    ensure!(log.stdout.starts_with(before), "{log}");
    ensure!(log.stdout.contains("level 7300-03-01-2520, quiet: \n"), "{log}");
    let events = site.nimctl(["events", "lpar07"]).succeeded()?;
    for text in [
        "hook hold at pre succeeded",
        "hook monitoring at prep succeeded",
        "hook says at before-update succeeded",
        "hook monitoring at post succeeded",
    ] {
        ensure!(events.stdout.contains(text), "no \"{text}\" in {events}");
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_means_what_is_declared() -> Result<()> {
    let site = Harness::small(100).await?;
    let folder = site.site_folder();
    for (name, text) in [
        ("bad", "#!/bin/sh\necho it goes wrong; exit 7\n"),
        ("done", "#!/bin/sh\necho the script ran\n"),
        // All that comes after a failure is told what it was.
        ("tells", "#!/bin/sh\nsed 's/.*\"result\"://'; echo\n"),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        define(&site, name, &path)?;
    }
    allow(&site, "lpar08")?;
    let order = |hooks: &[&str]| {
        let hooks = hooks.iter().flat_map(|hook| ["-a", hook]);
        let words = ["nim", "-o", "cust", "-a", "script=done"];
        site.nimctl(words.into_iter().chain(hooks).chain(["lpar08"]))
    };
    for at in ["pre", "prep", "before-update"] {
        let bad = format!("hook={at}:bad");
        let failed = order(&[&bad, "hook=on-failure:tells"]);
        ensure!(failed.code == Some(1), "{failed}");
        let text = format!("the hook bad at {at} failed with exit status 7");
        ensure!(failed.stderr.contains(&text), "{failed}");
        ensure!(!failed.stdout.contains("the script ran"), "{failed}");
        ensure!(
            failed.stdout.contains("{\"state\":\"failed\",\"software\":\"unchanged\""),
            "{failed}"
        );
        ensure!(failed.stdout.contains("\"codes\":[\"NLU-0168\"]"), "{failed}");
    }
    let warned = order(&["hook=pre:bad:warn", "hook=post:bad"]).ended_with(0)?;
    ensure!(warned.stdout.contains("the script ran"), "{warned}");
    let shown = site.nimctl(["status", "lpar08"]).succeeded()?;
    for text in [
        "the hook bad at pre failed with exit status 7",
        "the hook bad at post failed with exit status 7",
        "a hook of the site did not succeed; see nimctl events",
    ] {
        ensure!(shown.stdout.contains(text), "no \"{text}\" in {shown}");
    }
    let ignored = order(&["hook=prep:bad:ignore", "hook=post:bad:ignore"]).ended_with(0)?;
    ensure!(!ignored.stderr.contains("hook"), "{ignored}");
    let late = order(&["hook=post:bad:fail", "hook=on-failure:tells"]);
    ensure!(late.code == Some(1), "{late}");
    ensure!(late.stderr.contains("the hook bad at post failed with exit status 7"), "{late}");

    // What cannot be meant is refused before anything is asked.
    for (hook, why) in [
        (
            "hook=after:bad",
            "is no point of a hook: one of pre, prep, before-update, post, on-failure",
        ),
        ("hook=on-failure:bad:fail", "it takes warn or ignore"),
        ("hook=pre:nothing", "there is no object \"nothing\""),
    ] {
        let refused = order(&[hook]);
        ensure!(refused.code != Some(0) && refused.stderr.contains(why), "{refused}");
    }
    site.end().await
}
