//! What LPARs are asked, from NIM's words to AIX and back.

use anyhow::{Result, ensure};
use integration_tests::{Harness, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn deployed_tools_ask_lpars_what_they_always_did_and_nothing_else() -> Result<()> {
    let site = Harness::small(100).await?;
    let level = site.nimctl(["c_rsh", "lpar07", "( LC_ALL=C /usr/bin/oslevel -s ); echo rc=$?"]);
    let level = level.ended_with(0)?;
    let (first, rc) = level.stdout.split_once('\n').unwrap_or_default();
    ensure!(first.starts_with("7") && first.len() == 15 && rc == "rc=0\n", "{level}");
    // Literal quotes round a command, as tools give them to a program without a shell.
    let list = site.nimctl(["c_rsh", "lpar07", "\"/usr/bin/lslpp -Lcq\""]).ended_with(0)?;
    ensure!(list.stdout.contains("bos.mp64:bos.mp64:7"), "{list}");
    let missing = "( LC_ALL=C lslpp -Lc no.such ); echo rc=$?";
    let missing = site.nimctl(["c_rsh", "lpar07", missing]).ended_with(0)?;
    ensure!(missing.stdout == "rc=1\n" && missing.stderr.contains("not installed"), "{missing}");
    site.nimctl(["c_rsh", "lpar07", "/usr/sbin/emgr -lv3"]).ended_with(0)?;
    site.nimctl(["c_rsh", "lpar07", "rm -rf /"]).ended_with(3)?;

    let same = site.nimctl(["nim", "-o", "lslpp", "-a", "lslpp_flags=-Lcq", "lpar07"]);
    ensure!(same.ended_with(0)?.stdout == list.stdout);
    site.nimctl(["nim", "-o", "lppchk", "lpar07"]).ended_with(0)?;
    let fix = ["nim", "-o", "fix_query", "-a", "fixes=IJ00000", "lpar07"];
    let fix = site.nimctl(fix).ended_with(175)?;
    ensure!(fix.stdout.contains("no data for IJ00000"), "{fix}");

    // The LPAR's own root has the last word.
    let policy = site.site_folder().join("lpars/lpar07/root/etc/nim-agent.policy");
    std::fs::write(&policy, "queries = lspv\n")?;
    site.nimctl(["c_rsh", "lpar07", "lspv"]).ended_with(0)?;
    let refused = site.nimctl(["c_rsh", "lpar07", "oslevel -s"]).ended_with(3)?;
    ensure!(refused.stderr.contains("does not allow the query oslevel"), "{refused}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_disturbs_no_update() -> Result<()> {
    let site = Harness::small(60).await?;
    let update = [
        "cust",
        "-a",
        "live_update=yes",
        "-a",
        "lpp_source=7300-03-01",
        "-a",
        "fixes=update_all",
        "-a",
        "accept_licenses=yes",
        "-a",
        "live_update_data=lud_lpar07",
        "--detach",
        "lpar07",
    ];
    site.nimctl(update).ended_with(0)?;
    let (mut answers, mut refusals) = (0, 0);
    wait_until("lpar07 updated", || {
        let asked = site.nimctl(["c_rsh", "lpar07", "lspv"]);
        match asked.code {
            Some(0) => answers += 1,
            _ => refusals += 1,
        }
        let status = site.nimctl(["-o", "json", "status", "--all"]).ended_with(0)?.json()?;
        let state = status[0]["state"].as_str().unwrap_or_default().to_owned();
        let ended = matches!(state.as_str(), "succeeded" | "failed" | "stuck");
        Ok(if ended { Ok(()) } else { Err(format!("{state}; {asked}")) })
    })?;
    let status = site.nimctl(["-o", "json", "status", "--all"]).ended_with(0)?.json()?;
    ensure!(status[0]["state"] == "succeeded", "{status}");
    ensure!(site.updates_started("lpar07")? == 1);
    ensure!(answers > 0, "no question was answered; {refusals} were refused");
    site.end().await
}
