//! What an update leaves to do, until a look finds it gone.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, SOURCE, cust, wait_until_at};
use nim_lab::fault::Fault;
use serde_json::Value;

/// The kinds of what is open, or gone, on the first LPAR of an answer.
fn kinds<'a>(answer: &'a Value, which: &str) -> Vec<&'a str> {
    let items = answer["lpars"][0][which].as_array();
    items.into_iter().flatten().filter_map(|one| one["item"]["open"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_update_leaves_is_shown_until_it_is_gone() -> Result<()> {
    let site = Harness::small(200).await?;
    let nothing = site.nimctl(["aftercare"]).succeeded()?;
    ensure!(nothing.stdout.is_empty() && nothing.stderr.contains("nothing is left"), "{nothing}");

    // Partial success: errors after the move (1430-094), and a path that is gone.
    site.lab().set_fault("lpar07", Fault::PostProcessing).await?;
    let update = site.nimctl(cust(SOURCE, &["lpar07"])).succeeded()?;
    ensure!(update.stdout.contains("post_processing"), "{update}");
    ensure!(update.stdout.contains("old_libraries"), "{update}");
    let shown = site.nimctl(["aftercare", "lpar07"]).succeeded()?;
    let line = |start: &str, end: &str| {
        shown.stdout.lines().any(|line| line.contains(start) && line.contains(end))
    };
    ensure!(line("srcmstr (3473882) of root, bos.rte.SRC", "open"), "{shown}");
    ensure!(line("1430-094", "nimctl explain 1430-094"), "{shown}");
    ensure!(line("2 enabled paths that it had before", "open"), "{shown}");
    ensure!(line("CB4A951F of SRC: SOFTWARE PROGRAM ERROR", "errpt -a -j CB4A951F"), "{shown}");
    let told = site.nimctl(["events", "lpar07"]).succeeded()?;
    ensure!(told.stdout.contains("left to do: 1430-094"), "{told}");

    // One process is started anew, and what the update could not tidy up is.
    let ask = || site.nimctl(["aftercare", "-o", "json"]).succeeded()?.json();
    let before = ask()?;
    ensure!(kinds(&before, "gone").is_empty(), "{before:#}");
    site.lab().change(|world| {
        let lpar = world.lpar_mut("lpar07")?;
        lpar.outdated.retain(|process| process.name != "srcmstr");
        lpar.paths.iter_mut().for_each(|path| "Enabled".clone_into(&mut path.status));
        lpar.errors.clear();
        lpar.update = None;
        Ok(())
    })?;
    site.lab().clear_fault("lpar07", Fault::PostProcessing)?;
    let lock = site.lab().root("lpar07").join("usr/lpp/.genlib.lock.check");
    if lock.exists() {
        std::fs::remove_file(lock)?;
    }
    let first = ask()?;
    let mut gone = kinds(&first, "gone");
    gone.sort_unstable();
    ensure!(gone == ["error_log", "old_libraries", "paths", "post_processing"], "{first:#}");
    let second = ask()?;
    ensure!(kinds(&second, "gone").is_empty(), "{second:#}");
    ensure!(kinds(&second, "open").iter().all(|kind| *kind == "old_libraries"), "{second:#}");

    // What nobody could look at is not taken for gone.
    site.lab().change(|world| {
        world.lpar_mut("lpar07")?.outdated.clear();
        Ok(())
    })?;
    let policy = site.lab().root("lpar07").join("etc/nim-agent.policy");
    std::fs::write(&policy, "preflight = off\n")?;
    let silent = site.nimctl(["aftercare", "-o", "json"]).ended_with(3)?.json()?;
    ensure!(kinds(&silent, "open") == kinds(&second, "open"), "{silent:#}");
    ensure!(!silent["lpars"][0]["failure"].is_null(), "{silent:#}");
    std::fs::remove_file(policy)?;
    let last = ask()?;
    ensure!(kinds(&last, "open").is_empty() && !kinds(&last, "gone").is_empty(), "{last:#}");
    let nothing = site.nimctl(["aftercare"]).succeeded()?;
    ensure!(nothing.stderr.contains("nothing is left"), "{nothing}");
    site.end().await
}

/// What `aftercare` says of the site, once what is open on its first LPAR is as `wanted`.
fn wait_for(site: &Harness, what: &str, wanted: impl Fn(&[&str]) -> bool) -> Result<Value> {
    wait_until_at(PACE, what, || {
        let found = site.nimctl(["aftercare", "lpar07", "-o", "json"]).succeeded()?.json()?;
        let is_there = wanted(&kinds(&found, "open"));
        Ok(if is_there { Ok(found) } else { Err(found.to_string()) })
    })
}

/// The HMC is asked each time, which costs something.
const PACE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hmc_shows_after_an_update_is_left_to_do_until_it_is_gone() -> Result<()> {
    let site = Harness::small(200).await?;
    site.lab().set_fault("lpar07", Fault::PartialSuccess).await?;
    site.nimctl(cust(SOURCE, &["lpar07"])).succeeded()?;
    let found =
        wait_for(&site, "the partition that was replaced", |open| open.contains(&"surrogate"))?;
    ensure!(!kinds(&found, "open").contains(&"rmc"), "{found:#}");
    let shown = site.nimctl(["aftercare", "lpar07"]).succeeded()?;
    ensure!(shown.stdout.contains("still shows the partition that was replaced"), "{shown}");

    // It is removed, and RMC does not come back for a while.
    site.lab().change(|world| {
        world.lpar_mut("lpar07")?.system.rmc_lost = true;
        Ok(world.original_deleted("lpar07")?)
    })?;
    let found = wait_for(&site, "RMC as the HMC shows it", |open| open.contains(&"rmc"))?;
    ensure!(!kinds(&found, "open").contains(&"surrogate"), "{found:#}");
    site.lab().change(|world| {
        world.lpar_mut("lpar07")?.system.rmc_lost = false;
        Ok(())
    })?;
    wait_for(&site, "RMC that is back", |open| !open.contains(&"rmc"))?;

    // The inventory has the partition by the id that it has now.
    let id = site.lab().world()?.lpar("lpar07")?.partition_id;
    wait_until_at(PACE, "the LPAR's new id", || {
        let shown = site.nimctl(["lsnim", "-l", "lpar07"]).succeeded()?.stdout;
        let profile = shown.lines().find(|line| line.contains("mgmt_profile1"));
        let words: Vec<&str> = profile.into_iter().flat_map(str::split_whitespace).collect();
        let is_there = words.get(3) == Some(&&*id.to_string());
        Ok(if is_there { Ok(()) } else { Err(shown) })
    })?;
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_the_hmc_shows_otherwise_than_before_is_left_to_do() -> Result<()> {
    let site = Harness::small(200).await?;
    // It has another id afterwards, which is no difference.
    site.lab().change(|world| {
        world.lpar_mut("lpar07")?.variation.same_lpar_id = false;
        Ok(())
    })?;
    site.lab().set_fault("lpar07", Fault::ProfileChanged).await?;
    site.nimctl(cust(SOURCE, &["lpar07"])).succeeded()?;
    let found = wait_for(&site, "the profile", |open| open.contains(&"profile"))?;
    let items = found["lpars"][0]["open"].as_array().context("items")?;
    let profiles: Vec<&Value> =
        items.iter().map(|one| &one["item"]).filter(|item| item["open"] == "profile").collect();
    let memory = site.lab().world()?.partition_of("lpar07")?.memory_mb;
    let expected = serde_json::json!({
        "open": "profile", "profile": "default_profile", "attribute": "desired_mem",
        "before": memory.to_string(), "after": (memory / 2).to_string(),
    });
    assert_eq!(profiles, [&expected]);
    let shown = site.nimctl(["aftercare", "lpar07"]).succeeded()?;
    let line = format!("desired_mem was {memory} before the update and is {}", memory / 2);
    ensure!(shown.stdout.contains(&line), "{shown}");

    // Another value is not the one before; it is gone once that is back.
    let set = |value: u64| {
        site.lab().change(|world| {
            let id = world.lpar("lpar07")?.partition_id;
            let own = world.frame_mut("lpar07")?.partition_mut(id).context("its partition")?;
            own.odd.profile.insert("desired_mem".to_owned(), value.to_string());
            Ok(())
        })
    };
    set(memory * 2)?;
    let still = wait_for(&site, "the profile", |open| open.contains(&"profile"))?;
    ensure!(kinds(&still, "gone").is_empty(), "{still:#}");
    set(memory)?;
    wait_for(&site, "the profile as before", |open| !open.contains(&"profile"))?;

    // It is part of the operation's history, behind what the agent has told.
    let events = site.nimctl(["events", "lpar07"]).succeeded()?.stdout;
    let place = |text: &str| {
        let lines: Vec<usize> = (0..)
            .zip(events.lines())
            .filter(|(_, one)| one.contains(text))
            .map(|one| one.0)
            .collect();
        match lines[..] {
            [line] => Ok(line),
            _ => Err(anyhow::anyhow!("{text}: {events}")),
        }
    };
    let finished = place("  succeeded, with something left to do: ")?;
    let [left, gone] = [
        place(&format!("  left to do: HMC profile default_profile: {line}"))?,
        place(&format!("left to do no longer: HMC profile default_profile: {line}"))?,
    ];
    ensure!(finished < left && left < gone, "{events}");
    ensure!(!events.contains("the profile as before"), "{events}");
    let free = place("the frame has the capacity again")?;
    ensure!(finished < free, "{events}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn subsystems_that_the_policy_names_are_started_anew_after_an_update() -> Result<()> {
    let site = Harness::small(200).await?;
    let file = site.site_folder().join("restart.yaml");
    let path = file.to_str().context("a plain name")?;
    for name in ["ctrmc", "clstrmgrES", "srcmstr", "tnslsnr"] {
        std::fs::write(&file, format!("restart:\n  {name}: on\n"))?;
        let refused = site.nimctl(["policy", "set", path]).ended_with(3)?;
        ensure!(refused.stderr.contains(&format!("restart.{name}")), "{refused}");
        ensure!(refused.stderr.contains("never started anew by itself"), "{refused}");
    }
    let text = "backup: {waived: a test}\nrestart:\n  sshd: on\n  syslogd: on\n";
    std::fs::write(&file, text)?;
    site.nimctl(["policy", "set", path]).succeeded()?;
    let shown = site.nimctl(["policy", "show", "lpar07"]).succeeded()?;
    ensure!(shown.stdout.contains("on replaced libraries: sshd syslogd"), "{shown}");

    let update = site.nimctl(cust(SOURCE, &["lpar07"])).succeeded()?;
    ensure!(update.stdout.contains("old_libraries"), "{update}");
    let lpar = site.lab().world()?.lpar("lpar07")?.clone();
    let left: Vec<&str> = lpar.outdated.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(left, ["srcmstr", "portmap"]);
    ensure!(lpar.subsystems.is_empty(), "not all run: {:?}", lpar.subsystems);
    let told = site.nimctl(["events", "lpar07"]).succeeded()?;
    ensure!(told.stdout.contains("subsystem sshd"), "{told}");
    site.end().await
}
