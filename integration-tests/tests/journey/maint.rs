//! Maintenance of what is installed, in NIM's words.

use anyhow::{Result, ensure};
use integration_tests::{Harness, SOURCE, wait_until};

use crate::group;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_is_rejected_or_committed_and_what_is_installed_removed() -> Result<()> {
    let site = Harness::small(100).await?;
    let nim = |words: &[&str]| site.nimctl([&["nim", "-o"], words].concat());
    let maint = |flags: &str, filesets: Option<&str>| {
        let flags = format!("installp_flags={flags}");
        let filesets = filesets.map(|names| format!("filesets={names}"));
        let mut words = vec!["maint", "-a", &flags];
        words.extend(filesets.iter().flat_map(|names| ["-a", names.as_str()]));
        nim(&[&words[..], &["lpar07"]].concat())
    };
    let lslpp = || nim(&["lslpp", "-a", "lslpp_flags=-Lc", "-a", "filesets=bos.mp64", "lpar07"]);
    let apply = ["cust", "-a", SOURCE, "-a", "fixes=update_all", "-a", "accept_licenses=yes"];
    let apply = || nim(&[&apply[..], &["lpar07"]].concat());
    apply().ended_with(0)?;
    ensure!(lslpp().stdout.contains(":7.3.3.1: : :A:"), "{}", lslpp());

    let look = maint("-pr", Some("bos.mp64")).ended_with(0)?;
    ensure!(look.stdout.contains("bos.mp64 7.3.3.1    # REJECT"), "{look}");
    ensure!(lslpp().stdout.contains(":7.3.3.1: : :A:"), "{}", lslpp());
    maint("-r", Some("bos.mp64")).ended_with(0)?;
    ensure!(lslpp().stdout.contains(":7.3.3.0: : :C:"), "{}", lslpp());

    apply().ended_with(0)?;
    let commit = maint("-c", Some("ALL")).ended_with(0)?;
    ensure!(commit.stdout.contains("Installation Summary"), "{commit}");
    ensure!(lslpp().stdout.contains(":7.3.3.1: : :C:"), "{}", lslpp());
    // Once more: nothing is left to do, and that is no failure. What is committed is not rejected.
    maint("-c", Some("ALL")).ended_with(0)?;
    let refused = maint("-r", Some("bos.mp64")).ended_with(1)?;
    ensure!(
        refused.stderr.contains("the maintenance of lpar07 failed: nothing was changed"),
        "{refused}"
    );
    maint("-ug", Some("artex.base.rte")).ended_with(0)?;
    let gone = nim(&["lslpp", "-a", "filesets=artex.base.rte", "lpar07"]);
    ensure!(gone.stderr.contains("artex.base.rte not installed"), "{gone}");
    maint("-C", None).ended_with(0)?;

    // Nothing that could mean more than it says leaves the master, and a VIOS is none of it.
    for (flags, filesets, why) in [
        ("-u", Some("ALL"), "ALL goes with -c only"),
        ("-cu", Some("bos.mp64"), "one of -c (commit)"),
        ("-c", None, "it is not said which filesets"),
    ] {
        let wrong = maint(flags, filesets).ended_with(2)?;
        ensure!(wrong.stderr.contains(why), "{wrong}");
    }
    let vios = site.nimctl(["lsnim", "-t", "vios"]).ended_with(0)?;
    let vios = vios.stdout.split_whitespace().next().unwrap_or_default();
    let refused =
        nim(&["maint", "-a", "installp_flags=-c", "-a", "filesets=ALL", vios]).ended_with(3)?;
    ensure!(refused.stderr.contains("maint is for standalone machines"), "{refused}");

    // A group is begun and left alone.
    group::of_two(&site)?;
    let group =
        nim(&["maint", "-a", "installp_flags=-c", "-a", "filesets=ALL", "two"]).ended_with(0)?;
    ensure!(
        group.stdout.contains("Initiating the maint operation on machine 2 of 2: lpar08"),
        "{group}"
    );
    ensure!(group.stdout.matches("INITIATED\n").count() == 2, "{group}");
    wait_until("both are done", || {
        let open = site.nimctl(["-o", "json", "status"]).ended_with(0)?.json()?;
        Ok(if open == serde_json::json!([]) { Ok(()) } else { Err(open.to_string()) })
    })?;
    site.end().await
}
