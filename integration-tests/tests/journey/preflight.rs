//! LPARs looked at before an update: one in order, one with three faults, one that does not answer.

use anyhow::{Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::fault::Fault;
use nim_lab::world::lpar::Token;
use serde_json::Value;

/// Names its disks as the small site has them.
const DATA: &str = "general:\n\tkext_check = no\ndisks:\n\tnhdisk = hdisk1\n\tmhdisk = hdisk2\n";

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_found_grouped_and_gone_when_they_are_mended() -> Result<()> {
    let site = Harness::small(100).await?;
    for lpar in ["lpar07", "lpar08", "lpar09"] {
        let data = site.lab().root(lpar).join("var/adm/ras/liveupdate/lvupdate.data");
        std::fs::write(data, DATA)?;
        site.lab().change(|world| {
            world.lpar_mut(lpar)?.tokens.push(Token {
                address: "hmc02".to_owned(),
                user: "liveupdate".to_owned(),
                port: 12443,
                expires: u64::MAX,
            });
            Ok(())
        })?;
    }
    site.nimctl(["discover", "--yes"]).succeeded()?;
    // VIOSes are read by nimd itself, in its own time.
    wait_until("the VIOSes of the frame are read", || {
        let json = site.nimctl(["-o", "json", "preflight", "lpar10"]).succeeded()?.json()?;
        let unknown = verdicts(&json, 0, "unknown");
        let waits = unknown.iter().any(|one| ["L09", "D06"].contains(&one.as_str()));
        Ok(if waits { Err(format!("{unknown:?}")) } else { Ok(()) })
    })?;

    let healthy = site.nimctl(["-o", "json", "preflight", "lpar07"]).ended_with(0)?.json()?;
    ensure!(verdicts(&healthy, 0, "block") == [""; 0], "{healthy:#}");
    ensure!(number(&healthy["lpars"][0]["passed"]) >= 70, "{healthy:#}");
    // What the HMC and the VIOSes show was judged: what is left is what only the preview of IBM knows, and no copy of rootvg.
    let unknown = verdicts(&healthy, 0, "unknown");
    ensure!(unknown == ["M09", "S11", "S12", "S21"], "{healthy:#}");
    ensure!(number(&healthy["lpars"][0]["score"]) > 80, "{healthy:#}");
    ensure!(healthy["lpars"][0]["before"].is_null(), "{healthy:#}");

    for fault in [Fault::ProcfsOpen, Fault::DiskTooSmall, Fault::DiskFull] {
        site.lab().set_fault("lpar08", fault).await?;
    }
    site.lab().set_fault("lpar09", Fault::ProcfsOpen).await?;
    let names = ["-o", "json", "preflight", "lpar07", "lpar08", "lpar09"];
    let fleet = site.nimctl(names).ended_with(3)?.json()?;
    ensure!(verdicts(&fleet, 0, "block") == [""; 0], "{fleet:#}");
    ensure!(verdicts(&fleet, 1, "block") == ["D02", "L14", "S26"], "{fleet:#}");
    ensure!(verdicts(&fleet, 2, "block") == ["S26"], "{fleet:#}");
    let score = |place: usize| number(&fleet["lpars"][place]["score"]);
    ensure!(score(0) > score(2) && score(2) > score(1), "{fleet:#}");
    // The finding of two LPARs stands before those of one.
    let first = &fleet["groups"][0];
    ensure!(
        first["check"] == "S26" && first["lpars"].as_array().map(Vec::len) == Some(2),
        "{fleet:#}"
    );
    let table = site.nimctl(["preflight", "lpar08", "lpar09"]).ended_with(3)?;
    ensure!(table.stdout.contains("block S26  2 LPARs: open files in /proc by nmon"), "{table}");

    // Mended: the next look says what is gone. It was kept on the database.
    site.lab().clear_fault("lpar09", Fault::ProcfsOpen)?;
    let mended = site.nimctl(["-o", "json", "preflight", "lpar09"]).ended_with(0)?.json()?;
    let before = &mended["lpars"][0]["before"];
    ensure!(
        before["gone"].as_array().is_some_and(|gone| gone.contains(&"S26".into())),
        "{mended:#}"
    );

    // One that stands still: nothing of it passes that it would have to say itself.
    site.lab().freeze("lpar10").await?;
    let silent = site.nimctl(["-o", "json", "preflight", "--all", "lpar10"]).ended_with(4)?;
    let json = silent.json()?;
    ensure!(verdicts(&json, 0, "block") == [""; 0], "{json:#}");
    let unknown = verdicts(&json, 0, "unknown");
    for check in ["L01", "L14", "M01", "D02", "S26"] {
        ensure!(unknown.iter().any(|one| one == check), "{check}: {json:#}");
    }
    ensure!(!json["lpars"][0]["failure"].is_null(), "{json:#}");
    site.lab().thaw("lpar10").await?;

    // What is registered with Live Update is shown: IBM's own scripts where all is asked for.
    let registered = site.lab().root("lpar09").join("etc/liveupdate/lvup_BaseProcs");
    std::fs::write(&registered, "ours /opt/site/based\n")?;
    let all = site.nimctl(["preflight", "--all", "lpar09"]).ended_with(0)?;
    for text in [
        "info R01  1 LPAR: scripts are registered\n  lpar09: orig,LVUP_CHECK: STOP_CACHE",
        "info R02  1 LPAR: base or exit processes are registered\n  lpar09: ours /opt/site/based\n",
    ] {
        ensure!(all.stdout.contains(text), "no \"{text}\" in {all}");
    }

    // A VIOS that runs, and that somebody is about to update.
    site.nimctl(["maintenance", "on", "vios2a", "--reason", "goes to 4.1"]).succeeded()?;
    let maintained = site.nimctl(["preflight", "lpar09"]).ended_with(0)?;
    let text = "warn F04  1 LPAR: a VIOS that is maintained\n";
    let why = "lpar09: vios2a: goes to 4.1";
    ensure!(maintained.stdout.contains(text) && maintained.stdout.contains(why), "{maintained}");
    ensure!(maintained.stdout.contains("info R02  1 LPAR: base or exit"), "{maintained}");
    ensure!(!maintained.stdout.contains("R01"), "{maintained}");
    site.nimctl(["maintenance", "off", "vios2a"]).succeeded()?;

    // The LPAR's own root has the last word.
    let policy = site.lab().root("lpar07").join("etc/nim-agent.policy");
    std::fs::write(&policy, "preflight = off\n")?;
    let refused = site.nimctl(["preflight", "lpar07"]).ended_with(3)?;
    ensure!(refused.stderr.contains("does not allow a preflight"), "{refused}");

    let explained = site.nimctl(["preflight", "--explain", "s26"]).ended_with(0)?;
    ensure!(explained.stdout.contains("fuser -c /proc"), "{explained}");
    site.nimctl(["preflight", "--explain", "S99"]).ended_with(3)?;
    site.nimctl(["preflight", "nobody"]).ended_with(3)?;
    site.nimctl(["preflight", "-l", "no=such"]).ended_with(3)?;
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_lives_with_findings_has_checks_of_its_own_and_asks_for_previews() -> Result<()> {
    let mut site = Harness::small(100).await?;
    let file = site.master().folder().join("checks.yaml");
    let rules = |until: &str| {
        format!(
            "silence:\n- {{check: S37, lpars: ['lpar0?'], until: {until}, reason: rebuilt every night}}\n\
             checks:\n- id: site-rmc\n  title: RMC is stopped\n  severity: block\n  forbids: {{subsystems: [ctrm*]}}\n  remedy: ask the site\n"
        )
    };
    let finding = |json: &Value, check: &str| {
        let mut all = json["lpars"][0]["findings"].as_array().into_iter().flatten();
        all.find(|one| one["check"] == check).cloned().unwrap_or_default()
    };
    // Scores are compared below: what nimd knows of the VIOSes may not change between two of them.
    wait_until("the VIOSes to be read", || {
        let seen = site.nimctl(["-o", "json", "preflight", "lpar07"]).ended_with(0)?.json()?;
        let known = ["L09", "D06"].map(|check| finding(&seen, check));
        let is_read = known.iter().all(|one| one["verdict"] != "unknown");
        Ok(if is_read { Ok(()) } else { Err(format!("{known:?}")) })
    })?;
    std::fs::write(&file, rules("2999-12-31"))?;
    let silenced = site.nimctl(["-o", "json", "preflight", "lpar07"]).ended_with(3)?.json()?;
    ensure!(finding(&silenced, "S37")["silenced"]["is_over"] == false, "{silenced:#}");
    ensure!(finding(&silenced, "site-rmc")["evidence"][0] == "ctrmc is active", "{silenced:#}");
    let table = site.nimctl(["preflight", "lpar07"]).ended_with(3)?;
    ensure!(table.stdout.contains("silenced until 2999-12-31: rebuilt every night"), "{table}");

    // The day is over: it counts again, and that is said.
    std::fs::write(&file, rules("2020-01-01"))?;
    let over = site.nimctl(["-o", "json", "preflight", "lpar07"]).ended_with(3)?.json()?;
    ensure!(finding(&over, "S37")["silenced"]["is_over"] == true, "{over:#}");
    let score = |json: &Value| number(&json["lpars"][0]["score"]);
    ensure!(score(&silenced) == score(&over) + 5, "{silenced:#} {over:#}");
    std::fs::write(&file, "silences: []\n")?;
    let unknown = site.nimctl(["preflight", "lpar07"]).ended_with(3)?;
    ensure!(unknown.stderr.contains("checks.yaml:1: unknown field `silences`"), "{unknown}");
    std::fs::remove_file(&file)?;

    // What nobody looks at from here, the preview of geninstall says.
    let plain = site.nimctl(["-o", "json", "preflight", "lpar07"]).ended_with(0)?.json()?;
    ensure!(finding(&plain, "M09")["verdict"] == "unknown", "{plain:#}");
    let words = ["-o", "json", "preflight", "--all", "--with-preview"];
    let data = ["-a", "live_update_data=lud_{lpar}", "lpar07", "lpar08"];
    let with = site.nimctl(words.into_iter().chain(data)).ended_with(0)?;
    let with = with.json()?;
    for check in ["M09", "preview"] {
        ensure!(finding(&with, check)["verdict"] == "pass", "{check}: {with:#}");
    }
    ensure!(score(&with) > score(&plain), "{with:#}");
    site.lab().set_fault("lpar08", Fault::UnsupportedFs).await?;
    let words = ["preflight", "--with-preview", "-a", "live_update_data=lud_{lpar}", "lpar08"];
    let failed = site.nimctl(words).ended_with(3)?;
    // The check that speaks of the same has its number.
    ensure!(failed.stdout.contains("block D20  1 LPAR: "), "{failed}");
    ensure!(failed.stdout.contains("1430-244 FAILED: "), "{failed}");

    let explained = site.nimctl(["preflight", "--explain", "DB2"]).ended_with(0)?;
    ensure!(explained.stdout.contains("HADR_TIMEOUT"), "{explained}");
    site.end().await
}

/// Ids of the checks with a verdict, of one LPAR, sorted.
fn verdicts(found: &Value, place: usize, verdict: &str) -> Vec<String> {
    let all = found["lpars"][place]["findings"].as_array().into_iter().flatten();
    let of = all.filter(|one| one["verdict"] == verdict);
    let mut ids: Vec<_> =
        of.map(|one| one["check"].as_str().unwrap_or_default().to_owned()).collect();
    ids.sort();
    ids
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}
