//! Filesets that no Live Update goes with, in the lab: removed where the policy names them, and the update does not begin where installp
//! refuses.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use integration_tests::{Harness, cust};
use nim_lab::fault::Fault;
use nim_lab::state::{State, Turn};

const SOURCE: &str = "lpp_source=7200-05-04";

const POLICY: &str = "prep: {unsupported_filesets: {cas.agent: permanent, security.pkcs11: permanent}}\n\
    backup: {waived: mksysb every night}\n";

fn filesets(site: &Harness, lpar: &str) -> Result<BTreeMap<String, String>> {
    Ok(site.lab().world()?.lpars[lpar].software.filesets.clone())
}

async fn site() -> Result<Harness> {
    let site = Harness::small(200).await?;
    for lpar in ["lpar01", "lpar02"] {
        site.lab().set_state(lpar, State::CasAgent, Turn::On)?;
        site.lab().set_state(lpar, State::Pkcs11, Turn::On)?;
    }
    Ok(site)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_names_is_removed_before_the_update_and_told_with_what_brings_it_back()
-> Result<()> {
    let site = site().await?;
    let levels = filesets(&site, "lpar01")?;
    // Nobody has said that they may go.
    let shown = site.nimctl(["preflight", "lpar01"]).ended_with(3)?.stdout;
    ensure!(shown.contains("block S07  1 LPAR: cas.agent installed\n"), "{shown}");
    site.set_policy(POLICY)?;
    let shown = site.nimctl(["preflight", "lpar01"]).stdout;
    for said in [
        "warn S06  1 LPAR: security.pkcs11 installed: will be removed by prep, for good\n",
        "warn S07  1 LPAR: cas.agent installed: will be removed by prep, for good\n",
    ] {
        ensure!(shown.contains(said), "{shown}");
    }
    let policy = site.nimctl(["policy", "show", "lpar01"]).succeeded()?;
    let listed = "security.pkcs11 and cas.agent removed, where installed; not put back";
    ensure!(policy.stdout.contains(listed), "{policy}");

    let done = site.nimctl(cust(SOURCE, &["lpar01"])).succeeded()?;
    ensure!(done.stderr.contains(&format!("lpar01: {listed}")), "{done}");
    let after = filesets(&site, "lpar01")?;
    for name in ["cas.agent", "security.pkcs11"] {
        ensure!(levels.contains_key(name) && !after.contains_key(name), "{after:?}");
    }
    let lost = format!(
        "removed for good: cas.agent {}, security.pkcs11 {}; from media `installp -acgXd MEDIA cas.agent security.pkcs11`",
        levels["cas.agent"], levels["security.pkcs11"]
    );
    let status = site.nimctl(["status", "lpar01"]).succeeded()?;
    ensure!(status.stdout.contains(&lost), "{lost}\n{status}");
    let events = site.nimctl(["events", "lpar01"]).succeeded()?;
    ensure!(events.stdout.contains("filesets removed: cas.agent "), "{events}");
    let shown = site.nimctl(["preflight", "lpar01"]).stdout;
    ensure!(shown.contains("gone S06 S07"), "{shown}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_installp_refuses_the_update_does_not_begin_and_nothing_is_removed() -> Result<()> {
    let site = site().await?;
    site.set_policy(POLICY)?;
    // By the seed, one refuses at the look and the other when it is to remove; the second fails half way in another manner.
    for (lpar, fault) in [("lpar01", Fault::FilesetRequired), ("lpar02", Fault::InstallFails)] {
        let before = filesets(&site, lpar)?;
        site.lab().set_fault(lpar, fault).await?;
        let failed = site.nimctl(cust(SOURCE, &[lpar])).ended_with(1)?.to_string();
        ensure!(failed.contains("the LPAR could not be made ready: installp"), "{failed}");
        ensure!(failed.contains("cas.agent") && !failed.contains("removed for good"), "{failed}");
        ensure!(filesets(&site, lpar)? == before && site.updates_started(lpar)? == 0, "{failed}");
    }
    site.end().await
}
