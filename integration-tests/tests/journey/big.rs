//! A big site is discovered from nothing in one command, and what changes on it later is exactly what the next look finds.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, big};
use nim_lab::clock::Mode;

use crate::discover::{forget_all_but_consoles, found};

#[tokio::test(flavor = "multi_thread")]
async fn a_big_site_is_discovered_and_later_exactly_what_changed_is_found() -> Result<()> {
    let site = Harness::with(big::site()?, Mode::Auto { speed: 100 }).await?;
    forget_all_but_consoles(&site)?;
    let first = site.nimctl(["discover", "--yes", "--output", "json"]).succeeded()?.json()?;
    let changes = first["changes"].as_array().map_or(0, Vec::len);
    let vioses = big::FRAMES * 2;
    ensure!(changes == usize::try_from(big::FRAMES + vioses + big::LPARS)?, "{changes} changes");
    ensure!(found(&site)? == (BTreeSet::new(), Vec::new()), "a second look finds nothing");

    // Who an LPAR is now only its agent can say, where it was renamed or moved.
    for lpar in ["lpar021", "lpar022", "lpar023"] {
        reachable(&site, lpar)?;
    }
    let updated: Vec<String> = (1..=10).map(|number| format!("lpar{number:03}")).collect();
    site.lab().change(|world| {
        for lpar in &updated {
            world.update_at_once(lpar, "7200-05-09-2446")?;
        }
        world.rename_partition("lpar021", "db-one")?;
        world.rename_partition("lpar022", "db-two")?;
        world.migrate("lpar023", "frame1")?;
        world.remove_partition("lpar024")?;
        Ok(())
    })?;
    let expected: BTreeSet<String> = updated
        .iter()
        .map(|lpar| format!("change {lpar} identity"))
        .chain(["lpar021", "lpar022"].map(|lpar| format!("change {lpar} partition_name")))
        .chain(["change lpar023 mgmt_source,identity".to_owned()])
        .collect();
    let vanished = vec!["vanished lpar024".to_owned()];
    let (changes, findings) = found(&site)?;
    ensure!((&changes, &findings) == (&expected, &vanished), "{changes:#?} {findings:?}");
    site.nimctl(["discover", "--yes"]).succeeded()?;
    ensure!(found(&site)? == (BTreeSet::new(), vanished), "what was found is on record now");
    let moved = site.nimctl(["show", "lpar023", "--output", "json"]).succeeded()?.json()?;
    ensure!(moved[0]["mgmt_source"] == format!("9105-42A_{}", big::serial(1)), "{moved:#}");
    site.end().await
}

/// Lets nimd speak with the agent on an LPAR that was discovered: on a real site port and key are the usual ones.
fn reachable(site: &Harness, lpar: &str) -> Result<()> {
    let port = format!("ssh_port={}", site.lab().address(lpar)?.port());
    let folder = site.site_folder();
    let path = |name: &str| -> Result<String> {
        folder.join(name).to_str().map(str::to_owned).context("a path that is no text")
    };
    let key = format!("ssh_key={}", path("keys/id_ed25519")?);
    site.nimctl(["change", "-a", &port, "-a", &key, lpar]).succeeded()?;
    site.nimctl(["hostkey", "import", &path("known_hosts")?]).succeeded()?;
    let status = site.nimctl(["agent", "status", lpar, "--output", "json"]).succeeded()?.json()?;
    // As nimd notes it at the first operation: the name that a system says it has may be older than a rename.
    let installation = status[0]["hello"]["identity"]["installation"].as_str();
    let installation = installation.with_context(|| format!("no identity: {status:#}"))?;
    site.nimctl(["change", "-a", &format!("installation={installation}"), lpar]).succeeded()?;
    Ok(())
}
