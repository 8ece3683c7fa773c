//! Hooks that nimd runs itself: at each point and with each meaning of a failure, for every operation, and once, whatever is killed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, SOURCE, cust, wait_until};

/// Gives nimd a folder of hooks that it trusts, with those of `always`.
pub(crate) fn folder(site: &mut Harness, always: &str) -> Result<PathBuf> {
    let folder = site.site_folder().join("hooks");
    std::fs::create_dir(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
    let settings = format!("hooks:\n  folder: {}\n  always: \"{always}\"\n", folder.display());
    site.master().settle(&settings)?;
    Ok(folder)
}

/// The small site with such a folder, a script, and an LPAR that lets it run.
async fn site(always: &str) -> Result<(Harness, PathBuf)> {
    let mut site = Harness::small(100).await?;
    let folder = folder(&mut site, always)?;
    for (name, text) in [
        ("good", "#!/bin/sh\necho \"$(sed 's/.*\"hook\":\"\\([^\"]*\\)\".*/\\1/') is well\"\n"),
        ("bad", "#!/bin/sh\necho it goes wrong >&2; exit 7\n"),
        ("tells", "#!/bin/sh\nsed 's/.*\"result\"://'\n"),
    ] {
        program(&folder, name, text)?;
    }
    let path = site.site_folder().join("done");
    std::fs::write(&path, "#!/bin/sh\necho the script ran\n")?;
    let location = format!("location={}", path.display());
    let words = ["define", "-t", "script", "-a", "server=master", "-a", &location, "done"];
    site.nimctl(words).succeeded()?;
    let policy = site.lab().root("lpar08").join("etc/nim-agent.policy");
    std::fs::write(policy, "scripts = on\n").context("write the policy")?;
    Ok((site, folder))
}

/// Another process makes the program: as long as a file is open for writing, also in what another test is just starting, it cannot be run.
pub(crate) fn program(folder: &Path, name: &str, text: &str) -> Result<()> {
    let source = tempfile::NamedTempFile::new()?;
    std::fs::write(source.path(), text)?;
    let mut install = std::process::Command::new("install");
    let done = install.args(["-m", "755"]).arg(source.path()).arg(folder.join(name)).status()?;
    ensure!(done.success(), "{name}: {done}");
    Ok(())
}

/// The words of an order on lpar08 that runs a script there.
fn order<'a>(hooks: &[&'a str]) -> Vec<&'a str> {
    let hooks = hooks.iter().flat_map(|hook| ["-a", hook]);
    ["nim", "-o", "cust", "-a", "script=done"].into_iter().chain(hooks).chain(["lpar08"]).collect()
}

/// What `nimctl hooks` shows of lpar08 once none is due or runs any more, as JSON.
fn settled(site: &Harness) -> Result<Vec<serde_json::Value>> {
    wait_until("the hooks of lpar08 to be over", || {
        let shown = site.nimctl(["-o", "json", "hooks", "lpar08"]).succeeded()?.json()?;
        let all = shown.as_array().cloned().unwrap_or_default();
        let open = |one: &serde_json::Value| one["state"] == "due" || one["state"] == "begun";
        Ok(if all.iter().any(open) { Err(shown.to_string()) } else { Ok(all) })
    })
}

fn states(hooks: &[serde_json::Value]) -> Vec<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    hooks.iter().map(|one| format!("{} {}", word(&one["at"]), word(&one["state"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nimd_runs_hooks_of_its_own_and_a_failure_means_what_is_declared() -> Result<()> {
    let (site, folder) = site("on-failure:ledger:ignore post:ledger:ignore").await?;
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hooks/ledger");
    program(&folder, "ledger", &std::fs::read_to_string(example)?)?;
    let ledger = || std::fs::read_to_string(folder.join("ledger.csv")).unwrap_or_default();

    let words = [
        "master_hook=pre:good",
        "master_hook=prep:good",
        "master_hook=before-update:good",
        "master_hook=post:good",
    ];
    let done = site.nimctl(order(&words)).ended_with(0)?;
    ensure!(done.stdout.contains("the script ran"), "{done}");
    let hooks = settled(&site)?;
    let all = [
        "on-failure left_out",
        "post succeeded",
        "pre succeeded",
        "prep succeeded",
        "before-update succeeded",
        "post succeeded",
    ];
    ensure!(states(&hooks) == all, "{hooks:#?}");
    ensure!(hooks[4]["output"] == "before-update is well\n", "{hooks:#?}");
    ensure!(ledger().contains(",lpar08,install,succeeded,"), "{}", ledger());
    let table = site.nimctl(["hooks", "lpar08"]).succeeded()?;
    ensure!(table.stdout.contains("good at pre:\n  pre is well\n"), "{table}");

    // Before the update: nothing is started, and what prep changed is put back.
    for at in ["pre", "prep", "before-update"] {
        let bad = format!("master_hook={at}:bad");
        let failed = site.nimctl(order(&[&bad, "master_hook=on-failure:tells"])).ended_with(1)?;
        let text = format!("the master's hook bad at {at} failed with exit status 7");
        ensure!(failed.stderr.contains(&text), "{failed}");
        ensure!(!failed.stdout.contains("the script ran"), "{failed}");
        let hooks = settled(&site)?;
        let told = hooks[3]["output"].as_str().unwrap_or_default();
        ensure!(told.starts_with("{\"state\":\"failed\",\"software\":\"unchanged\""), "{hooks:#?}");
        ensure!(told.contains("\"codes\":[\"NLU-0252\"]"), "{hooks:#?}");
        let shown = site.nimctl(["status", "lpar08"]).succeeded()?;
        ensure!(shown.stdout.contains("failed") && shown.stdout.contains(&text), "{shown}");
    }
    ensure!(ledger().matches(",failed,").count() == 3, "{}", ledger());

    // A warning is told, and what is ignored is only on record.
    let words = [
        "master_hook=pre:bad:warn",
        "master_hook=post:bad",
        "master_hook=before-update:bad:ignore",
    ];
    let warned = site.nimctl(order(&words)).ended_with(0)?;
    ensure!(warned.stdout.contains("the script ran"), "{warned}");
    settled(&site)?;
    let shown = wait_until("the report to have what came after it", || {
        let shown = site.nimctl(["status", "lpar08"]).succeeded()?;
        let after = shown.stdout.contains("the master's hook bad at post failed");
        Ok(if after { Ok(shown) } else { Err(shown.stdout) })
    })?;
    ensure!(
        shown.stdout.contains("the master's hook bad at pre failed with exit status 7"),
        "{shown}"
    );
    ensure!(shown.stdout.contains("a hook of the site did not succeed"), "{shown}");
    ensure!(!shown.stdout.contains("before-update"), "{shown}");

    // What cannot be meant, or somebody else may change, is refused before anything is accepted.
    std::fs::set_permissions(folder.join("tells"), std::fs::Permissions::from_mode(0o777))?;
    for (hook, why) in [
        ("master_hook=before-reboot:good", "nimctl rollback --master-hook before-reboot:NAME"),
        ("master_hook=post:good:fail", "on the master it takes warn or ignore"),
        ("master_hook=pre:tells", "is not trusted: others may write to it"),
        ("master_hook=pre:nothing", "cannot look at"),
    ] {
        let refused = site.nimctl(order(&[hook]));
        ensure!(refused.code != Some(0) && refused.stderr.contains(why), "{refused}");
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_nimds_makes_the_backup_and_without_it_nothing_is_begun() -> Result<()> {
    let (site, folder) = site("").await?;
    let words = cust(SOURCE, &["lpar08"]);
    site.set_policy("backup: {master_hook: mksysb}\n")?;
    let refused = site.nimctl(words.clone()).ended_with(3)?;
    ensure!(refused.stderr.contains("mksysb"), "{refused}");
    program(&folder, "mksysb", "#!/bin/sh\necho no room on nim01; exit 5\n")?;
    let failed = site.nimctl(words.clone()).ended_with(1)?;
    let said = "the master's hook mksysb at backup failed with exit status 5";
    ensure!(failed.stderr.matches(said).count() == 1, "{failed}");
    ensure!(site.updates_started("lpar08")? == 0, "{failed}");
    program(&folder, "mksysb", "#!/bin/sh\necho begun; echo nim01:/export/lpar08.mksysb\n")?;
    site.nimctl(words).succeeded()?;
    let status = site.nimctl(["status", "lpar08"]).succeeded()?;
    let made = "the hook mksysb made one and says: nim01:/export/lpar08.mksysb";
    ensure!(status.stdout.contains(made), "{status}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_what_nimd_runs_before_the_update_and_the_operation_is_cancelled()
-> Result<()> {
    let (site, folder) = site("").await?;
    let began = folder.join("began");
    program(&folder, "hangs", &format!("#!/bin/sh\necho $$ > {}\nsleep 600\n", began.display()))?;
    for at in ["pre", "prep", "before-update"] {
        let hook = format!("master_hook={at}:hangs");
        site.nimctl(order(&[&hook, "master_hook=before-update:good", "async=yes"]))
            .ended_with(0)?;
        let pid = wait_until("the hook to run", || {
            let pid = std::fs::read_to_string(&began).unwrap_or_default();
            Ok(if pid.ends_with('\n') { Ok(pid.trim().to_owned()) } else { Err(pid) })
        })?;
        let said = format!("what nimd runs itself at {at}: hangs");
        let why = site.nimctl(["why", "lpar08"]).succeeded()?;
        ensure!(why.stdout.contains(&said), "{why}");
        site.nimctl(["cancel", "lpar08"]).succeeded()?;
        let view = wait_until("the operation to be over", || {
            let view = site.nimctl(["status", "lpar08", "-o", "json"]).succeeded()?.json()?;
            Ok(if view["ended_at"].is_null() { Err(view.to_string()) } else { Ok(view) })
        })?;
        ensure!(view["state"] == "cancelled" && view["waits_for"].is_null(), "{at}: {view:#}");
        let hooks = settled(&site)?;
        ensure!(
            states(&hooks) == [format!("{at} cancelled"), "before-update left_out".to_owned()],
            "{hooks:#?}"
        );
        ensure!(!Path::new("/proc").join(&pid).exists(), "{at}: process {pid} runs");
        std::fs::remove_file(&began)?;
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_runs_when_nimd_is_killed_is_unknown_and_not_run_again() -> Result<()> {
    let (mut site, folder) = site("").await?;
    let (runs, go) = (folder.join("runs"), folder.join("go"));
    let text = format!(
        "#!/bin/sh\necho run >> {}\nuntil [ -e {} ]; do sleep 0.1; done\n",
        runs.display(),
        go.display()
    );
    program(&folder, "waits", &text)?;
    let count = || std::fs::read_to_string(&runs).unwrap_or_default().lines().count();
    for (number, at) in (1..).zip(["pre", "prep", "before-update", "post"]) {
        let hook = format!("master_hook={at}:waits");
        site.nimctl(order(&[&hook, "async=yes"])).ended_with(0)?;
        wait_until("the hook to run", || {
            Ok(if count() == number { Ok(()) } else { Err(format!("{} runs", count())) })
        })?;
        site.master().kill()?;
        std::fs::write(&go, "")?;
        site.master().launch()?;
        let hooks = settled(&site)?;
        ensure!(states(&hooks) == [format!("{at} unknown")], "{at}: {hooks:#?}");
        let text = format!("how the master's hook waits at {at} ended is not known");
        wait_until("the operation to be over and to say so", || {
            let shown = site.nimctl(["status", "lpar08"]).succeeded()?;
            let over = ["failed", "succeeded"].iter().any(|state| shown.stdout.contains(state));
            Ok(if over && shown.stdout.contains(&text) { Ok(()) } else { Err(shown.stdout) })
        })?;
        ensure!(count() == number, "{at} was run {} times", count());
        std::fs::remove_file(&go)?;
    }
    site.end().await
}
