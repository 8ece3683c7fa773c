//! The inventory filled from what HMCs show: from nothing, and again after something changed.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use integration_tests::{Harness, wait_until};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_discovered_from_nothing_and_only_what_changed_later() -> Result<()> {
    let site = Harness::small(100).await?;
    ensure!(changes(&site, 0)? == [] as [&str; 0], "the fleet file is what the HMCs show");

    forget_all_but_consoles(&site)?;
    // NIM's way for the frames alone, twice: the second time there is nothing to define.
    let query = ["nimquery", "-a", "hmc=hmc01", "-d"];
    let frames = site.nimctl(query).succeeded()?;
    let row = "name=frame2,type_model=9105-42A,serial_num=78A1B20,ipaddr=";
    ensure!(frames.stdout.lines().any(|line| line.starts_with(row)), "{frames}");
    ensure!(site.nimctl(query).succeeded()?.stdout == frames.stdout);
    let listed = site.nimctl(["lsnim", "-t", "cec"]).succeeded()?;
    ensure!(listed.stdout.contains("9105-42A_78A1B20"), "{listed}");
    let lpars = site.nimctl(["nimquery", "-a", "cec=9105-42A_78A1B20"]).succeeded()?;
    let row = "name=lpar07,lpar_id=";
    ensure!(lpars.stdout.lines().any(|line| line.starts_with(row)), "{lpars}");
    site.nimctl(["nimquery", "-a", "hmc=nobody"]).ended_with(NIM_NO_OBJECT)?;

    site.nimctl(["discover", "--yes"]).succeeded()?;
    let tree = |kind: &str| -> Result<usize> {
        let listed = site.nimctl(["list", kind, "--output", "json"]).succeeded()?.json()?;
        Ok(listed.as_array().map_or(0, Vec::len))
    };
    ensure!((tree("cec")?, tree("vios")?, tree("standalone")?) == (2, 4, 12));
    let lpar = site.nimctl(["show", "lpar07", "--output", "json"]).succeeded()?.json()?;
    ensure!(lpar.to_string().contains("9105-42A_78A1B20"), "{lpar:#}");
    ensure!(changes(&site, 0)? == [] as [&str; 0], "a second look changes nothing");

    // What was read of the frames stands in the tree, with its time.
    let tree_of = wait_until("the frames to be read", || {
        let tree = site.nimctl(["tree"]).succeeded()?;
        let read = tree.stdout.matches("; read ").count() == 2;
        Ok(if read { Ok(tree) } else { Err(tree.to_string()) })
    })?;
    ensure!(tree_of.stdout.contains("lpar07  id "), "{tree_of}");
    let levels = site.nimctl(["report", "levels"]).succeeded()?;
    ensure!(levels.stdout.contains("7200-05-03-2148"), "{levels}");
    site.nimctl(["tree", "nobody"]).ended_with(3)?;

    // What people changed is kept, what is wrong is put right, what is missing is added again.
    site.nimctl(["remove", "lpar12"]).succeeded()?;
    site.nimctl(["change", "-a", "identity=99", "-a", "comments=mine", "lpar11"]).succeeded()?;
    ensure!(changes(&site, 0)? == ["change lpar11 identity", "create lpar12"]);
    site.nimctl(["discover", "--yes", "hmc02"]).succeeded()?;
    ensure!(changes(&site, 0)? == [] as [&str; 0]);

    let history = site.nimctl(["history", "lpar11"]).succeeded()?;
    ensure!(
        history.stdout.contains("identity: ") && history.stdout.contains("comments: mine"),
        "{history}"
    );
    ensure!(site.nimctl(["history", "lpar12", "-n", "2"]).succeeded()?.stdout.contains("remove"));

    // One HMC that does not answer: what the others show is shown, then the error.
    site.nimctl([
        "define",
        "-t",
        "hmc",
        "-a",
        "if1=find_net 127.0.0.1 0",
        "-a",
        "ssh_port=1",
        "hmc09",
    ])
    .succeeded()?;
    ensure!(changes(&site, 4)? == [] as [&str; 0]);
    let alone = site.nimctl(["discover", "hmc09", "--dry-run"]).ended_with(4)?;
    ensure!(alone.stderr.contains("hmc09"), "{alone}");
    site.nimctl(["discover", "lpar07"]).ended_with(2)?;
    site.nimctl(["discover", "nobody"]).ended_with(3)?;
    site.end().await
}

/// Exit code of NIM's programs where there is no object of a name: that of 0042-053.
const NIM_NO_OBJECT: i32 = 53;

/// Removes everything but networks and HMCs.
pub(crate) fn forget_all_but_consoles(site: &Harness) -> Result<()> {
    for kind in ["mac_group", "standalone", "vios", "cec"] {
        let listed = site.nimctl(["list", kind, "--output", "json"]).succeeded()?.json()?;
        let names: Vec<_> =
            listed.as_array().into_iter().flatten().map(|one| text(&one["name"])).collect();
        if !names.is_empty() {
            site.nimctl(["remove"].into_iter().chain(names.iter().map(String::as_str)))
                .succeeded()?;
        }
    }
    Ok(())
}

/// What discovery would change, as `ACTION NAME ATTRIBUTES`, and what it finds beside, as `KIND NAME`.
pub(crate) fn found(site: &Harness) -> Result<(BTreeSet<String>, Vec<String>)> {
    let found = site.nimctl(["discover", "--dry-run", "--output", "json"]).succeeded()?.json()?;
    Ok((rows(&found).into_iter().collect(), findings(&found)))
}

/// What discovery would change, where it finds nothing beside.
fn changes(site: &Harness, code: i32) -> Result<Vec<String>> {
    let run = site.nimctl(["discover", "--dry-run", "--output", "json"]).ended_with(code)?;
    let found = run.json()?;
    ensure!(findings(&found).is_empty(), "{found:#}");
    Ok(rows(&found))
}

fn rows(found: &Value) -> Vec<String> {
    let rows = found["changes"].as_array().into_iter().flatten();
    rows.map(|row| {
        let attributes = row["attributes"].as_array().into_iter().flatten();
        let attributes: Vec<_> = attributes.map(|one| text(&one["attribute"])).collect();
        let action = text(&row["action"]);
        let attributes = if action == "change" { attributes.join(",") } else { String::new() };
        format!("{action} {} {attributes}", text(&row["name"])).trim_end().to_owned()
    })
    .collect()
}

fn findings(found: &Value) -> Vec<String> {
    let all = found["findings"].as_array().into_iter().flatten();
    all.map(|one| format!("{} {}", text(&one["kind"]), text(&one["name"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
