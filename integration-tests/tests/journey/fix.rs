//! Fixes by their keywords, in NIM's words.

use anyhow::{Result, ensure};
use integration_tests::{Harness, SOURCE};

#[tokio::test(flavor = "multi_thread")]
async fn what_fixes_are_in_is_installed_and_they_are_found_afterwards() -> Result<()> {
    let site = Harness::small(100).await?;
    let nim = |words: &[&str]| site.nimctl([&["nim", "-o"], words].concat());
    let path = site.site_folder().join("apars.fix");
    std::fs::write(&path, "# for June\nIJ60002 a fix in bos.mp64\n")?;
    let location = format!("location={}", path.display());
    nim(&["define", "-t", "fix_bundle", "-a", "server=master", "-a", &location, "apars"])
        .ended_with(0)?;
    let query = || nim(&["fix_query", "-a", "fix_bundle=apars", "-a", "fixes=IJ60001", "lpar07"]);
    let before = query();
    ensure!(before.stdout.contains("There was no data for IJ60002"), "{before}");
    let cust = |what: &[&str]| nim(&[&["cust", "-a", SOURCE], what, &["lpar07"]].concat());
    let unknown = cust(&["-a", "fixes=IJ60002 IJ99999"]);
    ensure!(unknown.stderr.contains("no package of 7300-03-01 names IJ99999"), "{unknown}");
    cust(&["-a", "fix_bundle=apars"]).ended_with(0)?;
    let after = query();
    ensure!(after.stdout.contains("All filesets for IJ60002 were found."), "{after}");
    ensure!(after.stdout.contains("There was no data for IJ60001"), "{after}");
    let list = nim(&["lslpp", "-a", "lslpp_flags=-Lc", "lpar07"]).ended_with(0)?;
    ensure!(list.stdout.contains("bos.mp64:7.3.3.1"), "{list}");
    ensure!(list.stdout.contains("bos.rte.libc:7.3.3.0"), "{list}");
    cust(&["-a", "fixes=IJ60001 IJ60002"]).ended_with(0)?;
    ensure!(query().ended_with(0)?.stdout.contains("All filesets for IJ60001 were found."));
    site.end().await
}
