//! What the site's policy has changed before an update, on LPARs that have everything on: seen in the lab's world, field by field.

use anyhow::{Result, ensure};
use integration_tests::switched::{Switched, switch_on};
use integration_tests::{Harness, cust, wait_until};
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;
use nim_lab::site;
use nim_lab::world::running::WorkloadManager;

const SOURCE: &str = "lpp_source=7200-05-04";

fn state(site: &Harness, lpar: &str) -> Result<Switched> {
    Switched::of(site.lab(), lpar)
}

/// The small site, with everything on on two LPARs.
async fn site() -> Result<Harness> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    for lpar in file.lpars.iter_mut().filter(|lpar| ["lpar01", "lpar02"].contains(&&*lpar.name)) {
        switch_on(lpar);
    }
    Harness::with(file, Mode::Auto { speed: 200 }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_switches_off_is_on_again_after_success_and_after_failure() -> Result<()> {
    let site = site().await?;
    let before = state(&site, "lpar01")?;
    ensure!(before.running.workload_manager == WorkloadManager::Active && before.running.auditing);
    let words = |lpar| cust(SOURCE, &[lpar]);

    // What no policy names is not changed, and geninstall refuses.
    let refused = site.nimctl(words("lpar01")).ended_with(1)?;
    ensure!(refused.stderr.contains("lpar01: no copy of rootvg"), "{refused}");
    ensure!(state(&site, "lpar01")? == before, "{refused}");

    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/policy.yaml");
    site.nimctl(["policy", "set", policy]).succeeded()?;
    let shown = site.nimctl(["policy", "show", "lpar01"]).succeeded()?;
    ensure!(shown.stdout.contains("1 Trusted Execution off; put back in any case"), "{shown}");

    let done = site.nimctl(words("lpar01")).succeeded()?;
    ensure!(done.stderr.contains("lpar01: Trusted Execution off; put back in any case"), "{done}");
    ensure!(state(&site, "lpar01")? == before, "{:#?}", state(&site, "lpar01")?);
    ensure!(site.lab().world()?.lpars["lpar01"].software.level.starts_with("7200-05-04"), "{done}");
    let status = site.nimctl(["status", "lpar01"]).succeeded()?;
    ensure!(status.stdout.contains("subsystem dsmcad stopped"), "{status}");

    // It fails where the workload is to be moved: everything is put back all the same.
    site.lab().set_fault("lpar02", Fault::MoveWorkload).await?;
    let before = state(&site, "lpar02")?;
    let failed = site.nimctl(words("lpar02")).ended_with(1)?;
    ensure!(failed.to_string().contains("1430-030"), "{failed}");
    ensure!(state(&site, "lpar02")? == before, "{:#?}", state(&site, "lpar02")?);
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_stays_and_what_prep_had_changed_in_it_is_put_back_after_a_boot_from_it()
-> Result<()> {
    let site = site().await?;
    let before = state(&site, "lpar01")?;
    let set = |text: &str| site.set_policy(text);
    let steps = "prep: {trusted_execution: always, secorder: always, workload_manager: always, audit_stream: always, other_copy: always}\n";
    let words = cust(SOURCE, &["lpar01"]);

    // A policy has to say what one goes back to, and not to a disk that the update needs.
    set(steps)?;
    let refused = site.nimctl(words.clone()).ended_with(3)?;
    ensure!(refused.stderr.contains("the policy says nothing of it"), "{refused}");
    set(&format!("{steps}backup: {{copy_to: [hdisk1]}}\n"))?;
    let refused = site.nimctl(words.clone()).ended_with(3)?;
    ensure!(refused.stderr.contains("copied to hdisk1, which lvupdate.data uses"), "{refused}");

    set(&format!("{steps}backup: {{copy_to: [hdisk3]}}\n"))?;
    let done = site.nimctl(words).succeeded()?;
    ensure!(done.stderr.contains("lpar01: copy of rootvg to hdisk3; it stays"), "{done}");
    ensure!(state(&site, "lpar01")? == before, "{:#?}", state(&site, "lpar01")?);
    let lpar = site.lab().world()?.lpars["lpar01"].clone();
    let group = |name| lpar.disk(name).and_then(|disk| disk.vg.clone()).unwrap_or_default();
    ensure!(
        group("hdisk3").starts_with("nimbak_") && group("hdisk4") == "altinst_rootvg",
        "{lpar:#?}"
    );
    let level = |name| lpar.disk(name).and_then(|disk| Some(disk.image.as_ref()?.level.clone()));
    ensure!(level("hdisk3").as_deref() == Some("7200-05-03-2148"), "{lpar:#?}");
    ensure!(lpar.bootlist == ["hdisk0"], "{:?}", lpar.bootlist);

    // The copy was made while Trusted Execution was off and its database looked up in files.
    site.lab().reboot("lpar01", Some("hdisk3")).await?;
    wait_until("the copy to be as the original was", || {
        let asked = site.nimctl(["agent", "status", "lpar01"]);
        let now = state(&site, "lpar01")?.files;
        Ok(if now == before.files { Ok(()) } else { Err(format!("{now:#?}\n{asked}")) })
    })?;
    ensure!(site.lab().world()?.lpars["lpar01"].software.level == "7200-05-03-2148");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_with_faults_changes_nothing_and_says_them() -> Result<()> {
    let site = Harness::small(200).await?;
    let file = site.site_folder().join("policy.yaml");
    let path = file.display().to_string();
    for (text, fault) in [
        ("prep: {trusted_execution: permanent}\n", "unknown variant `permanent`"),
        ("prep: {services: {\"-a\": always}}\n", "is no name of a subsystem"),
        ("rules:\n- prep: {}\n", "says neither by labels nor by lpars"),
        ("perp: {}\n", "unknown field `perp`"),
    ] {
        std::fs::write(&file, text)?;
        let refused = site.nimctl(["policy", "set", &path]).ended_with(3)?;
        ensure!(refused.stderr.contains(fault) && refused.stderr.contains("NLU-0145"), "{refused}");
    }
    let shown = site.nimctl(["policy", "show", "lpar07"]).succeeded()?;
    ensure!(shown.stdout.contains("nothing is changed before an update"), "{shown}");
    site.nimctl(["policy", "show", "hmc01"]).ended_with(2)?;
    site.end().await
}
