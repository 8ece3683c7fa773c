//! The inventory as it is asked for: by field and label, in columns, sorted, streamed.

use anyhow::{Result, ensure};
use integration_tests::{Harness, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn outdated_lpars_are_found_by_what_their_hmcs_showed() -> Result<()> {
    let site = Harness::small(100).await?;
    wait_until("the frames to be read", || {
        let tree = site.nimctl(["tree"]).succeeded()?;
        let read = tree.stdout.matches("; read ").count() == 2;
        Ok(if read { Ok(()) } else { Err(tree.to_string()) })
    })?;
    for (lpar, label) in [("lpar01", "env=prod"), ("lpar07", "env=prod"), ("lpar02", "env=test")] {
        site.nimctl(["change", "-a", &format!("label.{label}"), lpar]).succeeded()?;
    }

    // The report and the selection count the same LPARs.
    let levels = site.nimctl(["report", "levels", "--output", "json"]).succeeded()?.json()?;
    let levels = levels.as_array().cloned().unwrap_or_default();
    let known: Vec<&str> = levels.iter().filter_map(|row| row["level"].as_str()).collect();
    ensure!(known.len() >= 2 && known.is_sorted(), "{levels:?}");
    for row in &levels {
        let Some(level) = row["level"].as_str() else { continue };
        let filter = format!("oslevel={level} and type=standalone");
        let list =
            ["list", "--where", &filter, "--columns", "name,oslevel,hmc", "--output", "json"];
        let found = site.nimctl(list).succeeded()?.json()?;
        let found = found.as_array().cloned().unwrap_or_default();
        ensure!(row["lpars"].as_u64() == u64::try_from(found.len()).ok(), "{row} {found:?}");
        ensure!(
            found.iter().all(|one| one["oslevel"] == level && one["hmc"].is_string()),
            "{found:?}"
        );
    }

    // Of one frame, the newest first, and those that are left by a label.
    let outdated = [
        "list",
        "standalone",
        "--where",
        "oslevel<7300-03 and frame=frame1",
        "--sort",
        "-oslevel,name",
    ];
    let table =
        site.nimctl(outdated.into_iter().chain(["--columns", "name,frame,oslevel"])).succeeded()?;
    let shown: Vec<Vec<&str>> =
        table.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    ensure!(shown.len() > 2 && shown[0] == ["NAME", "FRAME", "OSLEVEL"], "{table}");
    let column: Vec<_> = shown[1..].iter().map(|row| row[2]).collect();
    ensure!(column.is_sorted_by(|one, next| one >= next), "{table}");
    ensure!(shown[1..].iter().all(|row| row[1] == "frame1" && row[2] < "7300-03"), "{table}");
    let prod = site.nimctl(["list", "-l", "env=prod", "--output", "json"]).succeeded()?.json()?;
    let names: Vec<_> =
        prod.as_array().into_iter().flatten().map(|one| one["name"].clone()).collect();
    ensure!(names == ["lpar01", "lpar07"], "{names:?}");
    let wide = site.nimctl(["list", "vios", "-o", "wide"]).succeeded()?;
    ensure!(wide.stdout.contains("IOSLEVEL") && wide.stdout.contains("active"), "{wide}");

    // What cannot be meant is said with its place and what there is.
    let wrong = site.nimctl(["list", "--where", "name=lpar* and oslvl<7300"]).ended_with(2)?;
    for part in [
        "NLU-0126",
        "character 16: there is no field \"oslvl\"; did you mean \"oslevel\"?",
        "label.KEY",
    ] {
        ensure!(wrong.stderr.contains(part), "{part}: {wrong}");
    }
    let history = site.nimctl(["history", "lpar01"]).succeeded()?;
    ensure!(history.stdout.contains("label.env") && history.stdout.contains("by uid"), "{history}");
    site.end().await
}
