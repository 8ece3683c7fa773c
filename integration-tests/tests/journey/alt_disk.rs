//! A copy of rootvg, in NIM's words: made beside the running system, updated, and found on its disk.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, SOURCE, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn rootvg_is_copied_and_the_copy_updated_and_nothing_is_rebooted() -> Result<()> {
    let site = Harness::small(100).await?;
    let nim = |words: &[&str]| site.nimctl([&["nim", "-o", "alt_disk_install"], words].concat());
    let ask = |what: &str| -> Result<String> {
        Ok(site.nimctl(["c_rsh", "lpar07", what]).ended_with(0)?.stdout)
    };
    let lspv = ask("lspv")?;
    let free = lspv.lines().find(|line| line.ends_with("None")).context("no free disk")?;
    let free = free.split_whitespace().next().context("no name")?;
    let rootvg = lspv.lines().find(|line| line.ends_with("active")).context("no rootvg")?;
    let rootvg = rootvg.split_whitespace().next().context("no name")?;
    let (free, used) = (format!("disk={free}"), format!("disk={rootvg}"));
    let all = [
        "-a",
        "source=rootvg",
        "-a",
        SOURCE,
        "-a",
        "fixes=update_all",
        "-a",
        "installp_flags=-acNgXY",
    ];
    let level = ask("oslevel -s")?;

    for (attribute, why) in [
        ("source=mksysb", "this master restores no backups"),
        ("boot_client=yes", "this master reboots no LPAR"),
    ] {
        let source =
            if attribute.starts_with("source") { vec![] } else { vec!["-a", "source=rootvg"] };
        let words = [&source[..], &["-a", &free, "-a", attribute, "lpar07"]].concat();
        let refused = nim(&words).ended_with(2)?;
        ensure!(refused.stderr.contains(why), "{refused}");
    }
    // What is in use is refused by the LPAR, with its cause.
    let taken =
        nim(&["-a", "source=rootvg", "-a", &used, "-a", "async=no", "lpar07"]).ended_with(1)?;
    ensure!(taken.stderr.contains(&format!("{rootvg} is in rootvg")), "{taken}");

    let begun = nim(&[&all[..], &["-a", &free, "lpar07"]].concat()).ended_with(0)?;
    ensure!(begun.stderr.contains("the bootlist stays as it is"), "{begun}");
    wait_until("the copy shows in lsnim", || {
        let words = ["lsnim", "-Z", "-a", "Cstate", "-a", "info", "lpar07"];
        let shown = site.nimctl(words).ended_with(0)?.stdout;
        let line = "lpar07:alt_disk_install operation is being performed:Creating logical volume alt_hd9var.:";
        Ok(if shown.contains(line) { Ok(()) } else { Err(shown) })
    })?;
    wait_until("the copy is made", || {
        let shown = site.nimctl(["lsnim", "-Z", "-a", "Cstate", "-a", "Cstate_result", "lpar07"]);
        let shown = shown.ended_with(0)?.stdout;
        let done = shown.contains("lpar07:ready for a NIM operation:success:");
        Ok(if done { Ok(()) } else { Err(shown) })
    })?;
    ensure!(ask("lspv")?.contains("altinst_rootvg"), "{}", ask("lspv")?);
    ensure!(ask("oslevel -s")? == level, "the running system was updated");
    let again =
        nim(&["-a", "source=rootvg", "-a", &free, "-a", "async=no", "lpar07"]).ended_with(1)?;
    ensure!(again.stderr.contains("alt_rootvg_op"), "{again}");
    site.end().await
}
