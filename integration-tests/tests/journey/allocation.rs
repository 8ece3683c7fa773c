//! What machines hold, whom a group leaves out, and checks, in NIM's words.

use anyhow::{Result, ensure};
use integration_tests::{Harness, Run, SOURCE, cust};

/// `nimctl` with the words of `line`, which has no blanks within one.
fn run(site: &Harness, line: &str) -> Run {
    site.nimctl(line.split(' '))
}

/// The value of an attribute, as `lsnim -a` shows it; empty where the object has none.
fn shown(site: &Harness, attribute: &str, name: &str) -> Result<String> {
    let listed = run(site, &format!("lsnim -a {attribute} {name}")).ended_with(0)?.stdout;
    Ok(listed
        .lines()
        .nth(1)
        .and_then(|row| row.split_once(" = "))
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_is_checked_allocated_and_taken_back_and_a_cust_gives_back_by_itself()
-> Result<()> {
    let site = Harness::small(100).await?;
    let place = site.site_folder().join("spot");
    let define =
        format!("nim -o define -t spot -a server=master -a location={} spot_a", place.display());
    run(&site, &define).ended_with(0)?;
    let missing = run(&site, "nim -o check spot_a").ended_with(3)?;
    ensure!(missing.stderr.starts_with("NLU-0124 nim: No such file"), "{missing}");
    ensure!(shown(&site, "Rstate", "spot_a")? == "unavailable for use");
    std::fs::create_dir(&place)?;
    run(&site, "nim -o check spot_a").ended_with(0)?;
    ensure!(shown(&site, "Rstate", "spot_a")? == "ready for use");

    run(&site, "nim -o allocate -a spot=spot_a lpar07").ended_with(0)?;
    ensure!(shown(&site, "spot", "lpar07")? == "spot_a");
    ensure!(shown(&site, "alloc_count", "spot_a")? == "1");
    let held = run(&site, "nim -o remove spot_a").ended_with(3)?;
    ensure!(held.stderr.contains("it is allocated to lpar07"), "{held}");

    // A cust of a group leaves the excluded member alone, and holds what it uses as long as it is open.
    run(&site, "nim -o define -t mac_group -a add_member=lpar07 -a add_member=lpar08 pair")
        .ended_with(0)?;
    run(&site, "nim -o select -a exclude=lpar08 pair").ended_with(0)?;
    let words = ["nim", "-o"].into_iter().chain(cust(SOURCE, &["pair"]));
    let begun = site.nimctl(words.collect::<Vec<_>>()).ended_with(0)?;
    ensure!(begun.stdout.contains("on machine 1 of 1: lpar07 ..."), "{begun}");
    ensure!(begun.stderr.contains("lpar08: left alone: it is excluded from pair"), "{begun}");
    ensure!(shown(&site, "alloc_count", "7300-03-01")? == "1");
    ensure!(shown(&site, "live_update_data", "lpar07")? == "lud_lpar07");
    let busy = run(&site, "nim -o deallocate -a subclass=all lpar07").ended_with(3)?;
    ensure!(busy.stderr.contains("it comes back when that ends"), "{busy}");
    run(&site, "watch lpar07").ended_with(0)?;
    ensure!(shown(&site, "alloc_count", "7300-03-01")? == "0");
    ensure!(shown(&site, "live_update_data", "lpar07")?.is_empty());
    ensure!(site.updates_started("lpar08")? == 0);

    // What was allocated by hand stays until it is taken back.
    ensure!(shown(&site, "spot", "lpar07")? == "spot_a");
    run(&site, "nim -Fo deallocate -a subclass=all lpar07").ended_with(0)?;
    run(&site, "nim -o remove spot_a").ended_with(0)?;

    run(&site, "nim -o check lpar07").ended_with(0)?;
    // Nobody listens there.
    run(&site, "change -a ssh_port=1 lpar09").ended_with(0)?;
    run(&site, "nim -o check lpar09").ended_with(6)?;
    ensure!(shown(&site, "Mstate", "lpar09")? == "not running");
    ensure!(shown(&site, "Mstate", "lpar07")? == "currently running");
    site.end().await
}
