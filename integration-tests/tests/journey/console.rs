//! The way into an HMC: the key of the master, put there by a login with a password.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, SOURCE, cust};
use nim_lab::clock::Mode;
use nim_lab::fault::ConsoleFault;
use nim_lab::site;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_onto_an_hmc_and_each_failure_says_what_it_is() -> Result<()> {
    let mut site = Harness::small(100).await?;
    let key = site.master().folder().join("keys/other");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    ensure!(made?.success(), "no key was made");
    let key = format!("ssh_key={}", key.display());
    for hmc in ["hmc01", "hmc02"] {
        site.nimctl(["change", "-a", &key, hmc]).succeeded()?;
    }
    let refused = site.nimctl(["nimquery", "-a", "hmc=hmc01"]);
    ensure!(refused.code != Some(0) && refused.stderr.contains("dkeyexch"), "{refused}");
    let exchange = |site: &Harness, secret: &str, host: &str| {
        site.nimctl(["dkeyexch", "-f", secret, "-I", "hmc", "-H", host])
    };
    let stores = |site: &mut Harness, secret: &str, password: &str| -> Result<()> {
        let words = ["dpasswd", "-f", secret, "-U", "liveupdate"];
        site.master().nimctl(words, Some(password)).succeeded()?;
        Ok(())
    };

    // Role: that user may not give a key to the one that nimd reads with.
    stores(&mut site, "hmc01_password", "live4update\n")?;
    let role = exchange(&site, "hmc01_password", "hmc01");
    ensure!(role.code != Some(0) && role.stderr.contains("HSCL350B"), "{role}");
    ensure!(role.stderr.contains("mkauthkeys -u"), "the next step is not said: {role}");

    site.nimctl(["change", "-a", "ssh_user=", "hmc01"]).succeeded()?;
    let done = exchange(&site, "hmc01_password", "127.77.1.1").succeeded()?;
    ensure!(done.stdout.contains("hmc01 lets this master in as liveupdate"), "{done}");
    let again = exchange(&site, "hmc01_password", "hmc01").succeeded()?;
    ensure!(again.stdout.contains("no password was sent"), "{again}");
    let frames = site.nimctl(["nimquery", "-a", "hmc=hmc01"]).succeeded()?;
    ensure!(frames.stdout.contains("name=frame2,"), "{frames}");

    // Password: one refusal stops the secret, so that the account is not locked.
    site.nimctl(["change", "-a", "ssh_user=", "hmc02"]).succeeded()?;
    stores(&mut site, "wrong", "guessed\n")?;
    for _ in 0..3 {
        let refused = exchange(&site, "wrong", "hmc02");
        ensure!(refused.code != Some(0) && refused.stderr.contains("password"), "{refused}");
        // Neither does a new life of nimd try it again.
        site.master().stop()?;
        site.master().launch()?;
    }
    ensure!(site.lab().world()?.hmcs["hmc02"].users["liveupdate"].failed_logins == 1);

    // Host key, reach, and names.
    site.nimctl(["hostkey", "remove", "hmc02"]).succeeded()?;
    let host_key = exchange(&site, "hmc02_password", "hmc02");
    ensure!(host_key.stderr.contains("host key of hmc02"), "{host_key}");
    site.nimctl(["change", "-a", "ssh_port=1", "hmc01"]).succeeded()?;
    let reach = exchange(&site, "hmc01_password", "hmc01");
    ensure!(reach.stderr.contains("cannot reach hmc01"), "{reach}");
    ensure!(exchange(&site, "hmc01_password", "hmc77").stderr.contains("no hmc is called hmc77"));
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_hmc_is_said_and_a_refused_password_is_not_tried_again() -> Result<()>
{
    let site = Harness::small(100).await?;
    let set = |fault, set| site.lab().set_console_fault("hmc01", fault, set);
    let asked = || site.nimctl(["nimquery", "-a", "hmc=hmc01"]);

    set(ConsoleFault::HmcRole, true)?;
    let role = asked();
    ensure!(role.code != Some(0) && role.stderr.contains("HSCL350B"), "{role}");
    ensure!(role.stderr.contains("hmcviewer"), "the next step is not said: {role}");
    // Both frames have another HMC, which is asked.
    let discovered = site.nimctl(["discover", "--dry-run"]);
    ensure!(discovered.code != Some(0) && discovered.stderr.contains("hmc01"), "{discovered}");
    ensure!(
        discovered.stdout.contains("nothing to change by the HMCs that answered"),
        "{discovered}"
    );
    let partitions = site.nimctl(["nimquery", "-a", "cec=frame1"]).succeeded()?;
    ensure!(partitions.stdout.contains("name=lpar01,"), "{partitions}");
    set(ConsoleFault::HmcRole, false)?;

    set(ConsoleFault::HmcSlow, true)?;
    ensure!(asked().succeeded()?.stdout.contains("name=frame1,"));
    set(ConsoleFault::HmcSlow, false)?;

    // One that restarts takes nobody: the other one is asked beside it, and first from then on.
    set(ConsoleFault::HmcReboot, true)?;
    for _ in 0..2 {
        let partitions = site.nimctl(["nimquery", "-a", "cec=frame1"]).succeeded()?;
        ensure!(partitions.stdout.contains("name=lpar01,"), "{partitions}");
    }
    set(ConsoleFault::HmcReboot, false)?;
    ensure!(asked().succeeded()?.stdout.contains("name=frame1,"));

    // The HMC that the LPAR logs in to takes no password: the update does not begin, and the secret is left alone from then on.
    set(ConsoleFault::HmcLocked, true)?;
    let locked = site.nimctl(cust(SOURCE, &["lpar01"]));
    ensure!(locked.code == Some(1), "{locked}");
    ensure!(site.updates_started("lpar01")? == 0, "{locked}");
    let secrets = site.nimctl(["secret", "list"]).succeeded()?;
    ensure!(secrets.stdout.contains("held back: hmc01 refused it"), "{locked}\n{secrets}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_lpar_logs_in_where_it_reaches_the_hmc_and_not_where_the_master_does() -> Result<()> {
    let mut file =
        site::parse("site-small.yaml", include_str!("../../../examples/site-small.yaml"))?;
    let hmc = file.hmcs.iter_mut().find(|hmc| hmc.name == "hmc01").context("no hmc01")?;
    // Its REST interface has another port at this level.
    hmc.level = "V11R1 M1110".to_owned();
    hmc.lpar_address = Some("10.9.9.1".to_owned());
    let site = Harness::with(file, Mode::Auto { speed: 100 }).await?;
    let preview =
        || site.nimctl(cust("lpp_source=7200-05-04", &["lpar01"]).into_iter().chain(["--preview"]));
    let shown = site.nimctl(["show", "hmc01"]).succeeded()?;
    ensure!(shown.stdout.contains("mgmt_port") && shown.stdout.contains("443"), "{shown}");

    preview().succeeded()?;
    site.nimctl(["change", "-a", "mgmt_port=12443", "hmc01"]).succeeded()?;
    let lost = preview().ended_with(1)?;
    ensure!(lost.to_string().contains("10.9.9.1:12443"), "{lost}");
    // The master's own way is another one.
    site.nimctl(["nimquery", "-a", "hmc=hmc01"]).succeeded()?;
    site.nimctl(["change", "-a", "lpar_address=", "hmc01"]).succeeded()?;
    let unknown = preview().ended_with(3)?;
    ensure!(unknown.stderr.contains("10.9.9.1 is no hmc"), "{unknown}");
    site.end().await
}
