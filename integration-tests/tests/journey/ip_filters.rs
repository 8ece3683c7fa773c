//! IP filters in the lab: off while an LPAR is updated, back only when a new connection of the master comes through them.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use integration_tests::{Harness, cust};
use nim_lab::fault::Fault;
use nim_lab::state::{State, Turn};
use nim_lab::world::system::{Device, Filters};

const SOURCE: &str = "lpp_source=7200-05-04";

/// What is told of them, field by field.
#[derive(Debug, PartialEq)]
struct Seen {
    devices: Vec<Device>,
    filters: BTreeMap<String, Filters>,
}

fn seen(site: &Harness, lpar: &str) -> Result<Seen> {
    let mut system = site.lab().world()?.lpars[lpar].system.clone();
    system.devices.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Seen { devices: system.devices, filters: system.filters })
}

/// The small site, where `lpar` filters and the policy has it stop.
async fn site(lpars: [&str; 2], policy: &str) -> Result<Harness> {
    let site = Harness::small(200).await?;
    for lpar in lpars {
        site.lab().set_state(lpar, State::IpFilters, Turn::On)?;
    }
    set(&site, policy)?;
    Ok(site)
}

fn set(site: &Harness, policy: &str) -> Result<()> {
    site.set_policy(&format!("{policy}\nbackup: {{waived: mksysb every night}}\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn ip_filters_are_back_after_an_update_and_after_one_that_failed() -> Result<()> {
    // One on whose LPAR rules hold their device, one where they do not, as far as the seed has both.
    let site = site(["lpar01", "lpar02"], "prep: {ip_filters: always}").await?;
    for (lpar, fails) in [("lpar01", false), ("lpar02", true)] {
        let before = seen(&site, lpar)?;
        ensure!(before.filters.len() == 2 && !before.filters["4"].active.is_empty());
        if fails {
            site.lab().set_fault(lpar, Fault::MoveWorkload).await?;
        }
        let ended = site.nimctl(cust(SOURCE, &[lpar])).ended_with(i32::from(fails))?;
        ensure!(ended.stderr.contains("IP filters off; put back in any case"), "{ended}");
        ensure!(seen(&site, lpar)? == before, "{:#?}", seen(&site, lpar)?);
        let events = site.nimctl(["events", lpar]).succeeded()?;
        let told = |what: &str| {
            events.stdout.contains(&format!("without IP filters of version 4 {what} "))
        };
        ensure!(told("since") && told("from"), "{events}");
        let asked = site.nimctl(["status", lpar]).succeeded()?.stdout;
        ensure!(asked.contains("without IP filters of version 6 from "), "{asked}");
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_stands_against_it_unless_the_policy_waives_it() -> Result<()> {
    let site = site(["lpar01", "lpar02"], "prep: {ip_filters: always}").await?;
    let before = seen(&site, "lpar01")?;
    site.lab().set_fault("lpar01", Fault::IpTunnel).await?;
    let refused = site.nimctl(cust(SOURCE, &["lpar01"])).ended_with(1)?.to_string();
    ensure!(refused.contains("lstun -v 4 -a says \"Tunnel 1: 10.1.1.1"), "{refused}");
    ensure!(seen(&site, "lpar01")? == before && site.updates_started("lpar01")? == 0);
    set(&site, "prep: {ip_filters: always, tunnels: {waived: nobody uses it}}")?;
    let done = site.nimctl(cust(SOURCE, &["lpar01"])).succeeded()?;
    ensure!(done.stderr.contains("active tunnels cut (nobody uses it)"), "{done}");
    ensure!(seen(&site, "lpar01")? == before, "{:#?}", seen(&site, "lpar01")?);
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_that_let_nobody_in_are_taken_off_again_and_a_person_is_asked() -> Result<()> {
    let mut site = site(["lpar01", "lpar02"], "prep: {ip_filters: always}").await?;
    site.master().settle("agent:\n  answer: 8s\n")?;
    site.lab().set_fault("lpar01", Fault::FiltersLockOut).await?;
    let stuck = site.nimctl(cust(SOURCE, &["lpar01"])).ended_with(1)?.to_string();
    ensure!(
        stuck.contains("the IP filters of version 4 are off again: no connection that the master"),
        "{stuck}"
    );
    ensure!(stuck.contains("without IP filters of version 4 since "), "{stuck}");
    // It was updated; the host is open, and whoever may gets in.
    let lpar = site.lab().world()?.lpars["lpar01"].clone();
    ensure!(lpar.software.level.starts_with("7200-05-04"), "{}", lpar.software.level);
    ensure!(lpar.system.filters.values().all(|one| one.active.is_empty()), "{:?}", lpar.system);
    ensure!(lpar.system.devices.iter().all(|one| one.class != "ipsec"), "{:?}", lpar.system);
    site.nimctl(["agent", "status", "lpar01"]).succeeded()?;
    site.end().await
}
