//! What a Live Update could not clean up itself is cleaned up: by who runs where, with nothing answered for a person.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use integration_tests::{Harness, SOURCE, cust, wait_until};
use nim_lab::Phase;
use nim_lab::fault::{Armed, Fault};
use nim_lab::record::Deed;

/// A site on which geninstall is killed, or its LPAR booted, while an update of `lpar` stands in `phase`. The id of the update, which
/// is stuck by then.
async fn left(site: &Harness, lpar: &str, fault: Fault, phase: Phase) -> Result<String> {
    site.lab().arm_fault(lpar, fault, Armed::At(phase)).await?;
    site.nimctl(cust(SOURCE, &[lpar])).ended_with(1)?;
    let view = site.nimctl(["-o", "json", "status", lpar]).succeeded()?.json()?;
    ensure!(view["report"]["reason"] == "clean_up_open", "{view:#}");
    let hint = view["failure"]["hint"].as_str().unwrap_or_default();
    ensure!(hint.contains(&format!("nimctl cleanup {lpar}")), "{view:#}");
    Ok(view["id"].as_str().context("an operation has an id")?.to_owned())
}

async fn site() -> Result<Harness> {
    let mut site = Harness::small(200).await?;
    // How long a lock that is left is waited for.
    site.master().settle("agent:\n  post: 2s\n")?;
    Ok(site)
}

/// Waits until the operation `id` has ended, and returns it.
fn ended(site: &Harness, id: &str) -> Result<serde_json::Value> {
    wait_until("the update to end by itself", || {
        let view = site.nimctl(["-o", "json", "status", id]).succeeded()?.json()?;
        let over = view["state"] != "stuck";
        Ok(if over { Ok(view) } else { Err(format!("{view:#}")) })
    })
}

/// Whether this machine has a connection to `address`.
fn is_connected(address: SocketAddr) -> Result<bool> {
    let SocketAddr::V4(address) = address else { bail!("{address} is no address of IPv4") };
    let octets = u32::from_ne_bytes(address.ip().octets());
    let (peer, established) = (format!("{octets:08X}:{:04X}", address.port()), "01");
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let mut rows = table.lines().map(|line| line.split_whitespace().skip(2).take(2));
    Ok(rows.any(|row| row.eq([peer.as_str(), established])))
}

/// The arguments with which clvupdate was run.
fn runs(site: &Harness, lpar: &str) -> Result<Vec<Vec<String>>> {
    let record = site.lab().record()?.into_iter().filter(|entry| entry.lpar == lpar);
    Ok(record
        .filter_map(|entry| match entry.deed {
            Deed::Command { arguments } if arguments[0].ends_with("clvupdate") => {
                Some(arguments[1..].to_vec())
            }
            _ => None,
        })
        .collect())
}

fn has_original(site: &Harness, lpar: &str) -> Result<bool> {
    Ok(site.lab().world()?.frame_of(lpar)?.named(&format!("{lpar}_lku0")).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_surrogate_that_is_left_is_taken_away_and_what_was_stuck_comes_to_its_end() -> Result<()>
{
    let site = site().await?;
    let id = left(&site, "lpar08", Fault::GeninstallKilled, Phase::Mirror).await?;
    ensure!(has_original(&site, "lpar08")?, "no surrogate was made");
    let busy = site.nimctl(cust(SOURCE, &["lpar08"]));
    ensure!(busy.code == Some(3) && busy.stderr.contains(&id), "{busy}");

    // Nobody is there to be asked: it is shown, and nothing is done.
    let shown = site.nimctl(["cleanup", "lpar08"]).ended_with(2)?;
    let place = "the workload runs on the original, lpar08_lku0 (id ";
    ensure!(shown.stdout.contains(place) && shown.stdout.contains(&id), "{shown}");
    let refused = site.nimctl(["cleanup", "--yes", "--force-original", "lpar08"]).ended_with(3)?;
    let why = "it would switch off what runs the workload";
    ensure!(refused.stderr.contains("NLU-0189") && refused.stderr.contains(why), "{refused}");
    let refused = site.nimctl(["cleanup", "--yes", "--after-reboot", "lpar08"]).ended_with(3)?;
    ensure!(refused.stderr.contains("was not booted since"), "{refused}");
    ensure!(runs(&site, "lpar08")?.is_empty(), "{:?}", runs(&site, "lpar08")?);

    // What IBM's support wants of it is had while it is stuck; the second time it is there.
    for _ in 0..2 {
        let snap = site.nimctl(["log", "--file", "snap", &id]).succeeded()?;
        ensure!(snap.stdout.contains("liveupdate/logs/lvupdlog\0"), "{} bytes", snap.stdout.len());
        ensure!(snap.stdout.contains("ustar"), "no archive");
    }
    let snaps = site.lab().record()?.into_iter().filter(|entry| {
        matches!(&entry.deed, Deed::Command { arguments } if arguments[0].ends_with("snap"))
    });
    assert_eq!(snaps.count(), 1);
    let still = site.nimctl(["-o", "json", "status", &id]).succeeded()?.json()?;
    ensure!(still["state"] == "stuck", "{still:#}");

    // What it asks is shown and not answered; the logs were kept before.
    site.lab().set_fault("lpar08", Fault::ClvupdateAsks).await?;
    let asked = site.nimctl(["cleanup", "--yes", "lpar08"]).ended_with(1)?;
    ensure!(asked.stdout.contains("Continue? (y/n)"), "{asked}");
    ensure!(asked.stdout.contains("NLU-0179") && asked.stdout.contains("it said last"), "{asked}");
    let to_do = asked.stdout.lines().find(|line| line.trim_start().starts_with("to do"));
    let said = to_do.context("what to do")?.matches("nimctl cleanup").count();
    ensure!(said == 1, "{asked}");
    let log = site.nimctl(["log", "--file", "lvupdlog", "lpar08"]).succeeded()?;
    ensure!(!log.stdout.is_empty(), "{log}");
    let again = site.nimctl(["retry", "lpar08"]).ended_with(3)?;
    ensure!(again.stderr.contains("nimctl cleanup lpar08"), "{again}");
    let still = site.nimctl(["-o", "json", "status", &id]).succeeded()?.json()?;
    ensure!(still["state"] == "stuck", "{still:#}");

    site.lab().clear_fault("lpar08", Fault::ClvupdateAsks)?;
    site.nimctl(["cleanup", "--yes", "lpar08"]).ended_with(0)?;
    let view = ended(&site, &id)?;
    ensure!(view["state"] == "failed" && view["failure"].is_object(), "{view:#}");
    ensure!(!has_original(&site, "lpar08")?, "the surrogate is left");
    ensure!(site.lab().world()?.lpar("lpar08")?.update.is_none());
    let none: [&str; 0] = [];
    assert_eq!(runs(&site, "lpar08")?, [none, none]);
    assert_eq!(site.updates_started("lpar08")?, 1);
    let data = site.lab().root("lpar08").join("var/adm/ras/liveupdate/lvupdate.data");
    ensure!(!data.exists(), "lvupdate.data was not put back");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn clvupdate_is_told_what_the_situation_asks_for_and_a_person_has_agreed_to() -> Result<()> {
    let site = site().await?;
    // The workload has moved, and the original runs.
    let id = left(&site, "lpar09", Fault::GeninstallKilled, Phase::Transfer).await?;
    let without = site.nimctl(["cleanup", "--yes", "lpar09"]).ended_with(1)?;
    ensure!(
        without.stdout.contains("the workload runs on the surrogate, lpar09 (id "),
        "{without}"
    );
    ensure!(without.stderr.contains("without --force-original it is not told -o"), "{without}");
    ensure!(without.stderr.contains("the original partition still runs"), "{without}");
    site.nimctl(["cleanup", "--yes", "--force-original", "lpar09"]).ended_with(0)?;
    let view = ended(&site, &id)?;
    ensure!(view["state"] == "succeeded", "{view:#}");
    ensure!(!has_original(&site, "lpar09")?, "the original is left");

    // Its kernel has never heard of the update. By now nimd looks at what is stuck every five minutes alone.
    let id = left(&site, "lpar07", Fault::Reboot, Phase::Mirror).await?;
    let address = site.lab().address("lpar07")?;
    wait_until("nimd to leave lpar07 alone", || {
        Ok(if is_connected(address)? { Err("it is connected".to_owned()) } else { Ok(()) })
    })?;
    let done = site.nimctl(["cleanup", "--yes", "--after-reboot", "lpar07"]).ended_with(0)?;
    ensure!(done.stdout.contains("the LPAR was booted since the Live Update began"), "{done}");
    ensure!(ended(&site, &id)?["state"] == "failed");
    assert_eq!(runs(&site, "lpar07")?, [["-e"]]);
    ensure!(!has_original(&site, "lpar07")?, "the surrogate is left");
    site.end().await
}
