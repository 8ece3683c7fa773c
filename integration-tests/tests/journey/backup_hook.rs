//! The backup before an update, made by a script of the site on the LPAR.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, cust};

const SOURCE: &str = "lpp_source=7300-03-01";

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_the_site_makes_the_backup_and_rollback_boots_nothing_of_what_it_says()
-> Result<()> {
    let site = Harness::small(100).await?;
    site.set_policy("backup: {hook: rootvg_backup}\n")?;
    let words = cust(SOURCE, &["lpar07"]);
    // Nobody has defined it.
    let refused = site.nimctl(words.clone()).ended_with(3)?;
    ensure!(refused.stderr.contains("rootvg_backup"), "{refused}");
    let script = site.site_folder().join("rootvg_backup");
    let write = |text: &str| std::fs::write(&script, text).context("write the script");
    write("#!/bin/sh\necho 'no room on nim01'; exit 5\n")?;
    let location = format!("location={}", script.display());
    let define =
        ["define", "-t", "script", "-a", "server=master", "-a", &location, "rootvg_backup"];
    site.nimctl(define).succeeded()?;
    let allowed = site.lab().root("lpar07").join("etc/nim-agent.policy");
    std::fs::write(allowed, "scripts = on\n").context("write the policy")?;
    let disks = site.lab().world()?.lpars["lpar07"].disks.clone();

    // Without the backup nothing is begun.
    let failed = site.nimctl(words.clone()).ended_with(1)?;
    ensure!(failed.stderr.contains("backup by the hook rootvg_backup of the site"), "{failed}");
    let said = "the hook rootvg_backup at backup failed with exit status 5";
    ensure!(failed.to_string().contains(said) && site.updates_started("lpar07")? == 0, "{failed}");
    let log = site.nimctl(["log", "lpar07"]).succeeded()?;
    ensure!(log.stdout == "no room on nim01\n", "{log}");

    // It names a disk, and that is a text like any other.
    write("#!/bin/sh\necho 'Creating boot image'; echo 'hdisk3 holds 7300-03-00-2446'\n")?;
    site.nimctl(words).succeeded()?;
    let made = "the hook rootvg_backup made one and says: hdisk3 holds 7300-03-00-2446";
    let status = site.nimctl(["status", "lpar07"]).succeeded()?;
    ensure!(status.stdout.contains(made), "{status}");
    let lpar = site.lab().world()?.lpars["lpar07"].clone();
    ensure!(lpar.software.level.starts_with("7300-03-01"), "{}", lpar.software.level);
    let free = |disks: &[nim_lab::world::lpar::Disk]| -> Vec<String> {
        let free = disks.iter().filter(|disk| disk.vg.is_none() && disk.image.is_none());
        free.map(|disk| disk.name.clone()).collect()
    };
    ensure!(
        free(&disks).contains(&"hdisk3".to_owned())
            == free(&lpar.disks).contains(&"hdisk3".to_owned())
    );
    for words in [
        vec!["rollback", "--yes", "lpar07"],
        vec!["rollback", "--yes", "--disk", "hdisk3", "lpar07"],
    ] {
        let refused = site.nimctl(words).ended_with(3)?;
        ensure!(refused.stderr.contains("NLU-0244") && refused.stderr.contains(made), "{refused}");
        ensure!(refused.stderr.contains("nothing is booted from that here"), "{refused}");
    }
    site.end().await
}
