//! Every check of a preflight tripped in the lab, each on an LPAR of its own, and its remedy typed there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use integration_tests::fixtures::{self, CLUSTERED, Fixture, HEALTHY, ROWS, Row, Stage};
use integration_tests::{Harness, wait_until};
use nim_lab::clock::Mode;
use nim_lab::record::Deed;
use nim_shared::preflight::Verdict;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn each_fixture_trips_its_check_and_its_remedy_mends_it() -> Result<()> {
    let file = nim_lab::site::parse("fixtures.yaml", &fixtures::site())?;
    let site = Harness::with(file, Mode::Auto { speed: 100 }).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    site.set_policy(&fixtures::policy())?;
    vioses_are_read(&site)?;
    fixtures::set(site.lab()).await?;
    let before = preflight(&site)?;

    let healthy = before.get(HEALTHY).context("no report of the one in order")?;
    let tripped = healthy.tripped(&BTreeSet::new());
    let unknown = healthy.all(Verdict::Unknown);
    ensure!(tripped == unknown, "the LPAR in order: {tripped:?}, unknown are {unknown:?}");
    let mut faults = Vec::new();
    for row in ROWS {
        let verdict = healthy.verdict(row.check);
        match row.fixture {
            Fixture::Staged(stage) => {
                let report = before.get(&row.lpar()).context("an LPAR without report")?;
                faults.extend(wrong(row, &stage, report, &unknown));
            }
            Fixture::Nothing(_) => {
                if !matches!(verdict, Some("not_applicable" | "pass")) {
                    faults.push(format!("{} is {verdict:?} where nothing is judged", row.check));
                }
            }
            Fixture::NotLookedAt(_) => {
                if !matches!(verdict, Some("unknown" | "not_applicable")) {
                    faults.push(format!("{} is looked at: it needs a fixture", row.check));
                }
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));

    let typed = type_remedies(&site, &before)?;
    let after = preflight(&site)?;
    for (lpar, check, line) in &typed {
        let verdict = after.get(lpar).and_then(|report| report.verdict(check));
        if verdict != Some("pass") {
            faults.push(format!("{lpar}: {check} is {verdict:?} after {line}"));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    let mended: BTreeSet<&str> = typed.iter().map(|(_, check, _)| check.as_str()).collect();
    let with_command: BTreeSet<&str> = ROWS
        .iter()
        .filter(|row| row.is_tripped())
        .filter_map(|row| nim_shared::preflight::check(row.check))
        .filter(|check| check.remedy.is_command)
        .map(|check| check.id)
        .collect();
    ensure!(mended == with_command, "typed: {mended:?}; commands have {with_command:?}");

    // Nobody was told what ends a cluster, so the cluster is whole.
    ensure!(broken(&site)?.is_empty(), "{:?}", broken(&site)?);
    site.typed(CLUSTERED, "/usr/sbin/rsct/install/bin/recfgct", "")?;
    ensure!(broken(&site)? == [CLUSTERED], "{:?}", broken(&site)?);
    site.end().await
}

/// Waits until each VIOS has shown its level, which nimd asks by itself: before anything is wrong with one.
fn vioses_are_read(site: &Harness) -> Result<()> {
    let world = site.lab().world()?;
    let vioses = world.frames.values().flat_map(|frame| frame.vioses.keys());
    for vios in vioses {
        wait_until("each VIOS to be read", || {
            let shown = site.nimctl(["show", vios, "--output", "json"]).succeeded()?.json()?;
            let is_read = !shown[0]["vios"]["level"].is_null();
            Ok(if is_read { Ok(()) } else { Err(format!("{vios}: {shown:#}")) })
        })?;
    }
    Ok(())
}

/// What one LPAR showed.
struct Report {
    lpar: String,
    /// Verdicts by check.
    verdicts: BTreeMap<String, String>,
    /// Commands that are printed, by check.
    commands: Vec<(String, String)>,
    failure: Option<String>,
}

impl Report {
    fn of(json: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let findings = json["findings"].as_array().into_iter().flatten();
        let mut report = Self {
            lpar: text(&json["lpar"]),
            verdicts: BTreeMap::new(),
            commands: Vec::new(),
            failure: (!json["failure"].is_null()).then(|| json["failure"].to_string()),
        };
        for finding in findings {
            let check = text(&finding["check"]);
            if finding["remedy"]["is_command"] == true {
                report.commands.push((check.clone(), text(&finding["remedy"]["text"])));
            }
            report.verdicts.insert(check, text(&finding["verdict"]));
        }
        report
    }

    fn verdict(&self, check: &str) -> Option<&str> {
        self.verdicts.get(check).map(String::as_str)
    }

    fn all(&self, verdict: Verdict) -> BTreeSet<String> {
        let of = self.verdicts.iter().filter(|(_, one)| *one == verdict.name());
        of.map(|(check, _)| check.clone()).collect()
    }

    /// Checks that do not hold, or are not known although they are where everything is in order.
    fn tripped(&self, unknown: &BTreeSet<String>) -> BTreeSet<String> {
        let bad = [Verdict::Block, Verdict::Warn, Verdict::Unknown].map(Verdict::name);
        let all = self.verdicts.iter().filter(|(_, one)| bad.contains(&one.as_str()));
        let all = all.filter(|(check, one)| *one != "unknown" || !unknown.contains(*check));
        all.map(|(check, _)| check.clone()).collect()
    }
}

fn preflight(site: &Harness) -> Result<BTreeMap<String, Report>> {
    let run = site.nimctl(["-o", "json", "preflight", "--all", "*"]).ended_with(3)?;
    let json = run.json()?;
    let reports = json["lpars"].as_array().into_iter().flatten().map(Report::of);
    let reports: BTreeMap<_, _> = reports.map(|report| (report.lpar.clone(), report)).collect();
    for report in reports.values() {
        ensure!(report.failure.is_none(), "{}: {:?}", report.lpar, report.failure);
    }
    Ok(reports)
}

/// What the LPAR of a row shows otherwise than its fixture says.
fn wrong(row: &Row, stage: &Stage, report: &Report, unknown: &BTreeSet<String>) -> Option<String> {
    let verdict = report.verdict(row.check);
    let own = [row.check].into_iter().chain(stage.follows.iter().copied());
    let wanted: BTreeSet<String> = own.map(str::to_owned).collect();
    let tripped = report.tripped(unknown);
    let is_right = verdict == Some(stage.shows.name()) && tripped == wanted;
    let (check, shows) = (row.check, stage.shows);
    (!is_right).then(|| {
        format!("{check}: it is {verdict:?}, not {shows}; tripped: {tripped:?}, not {wanted:?}")
    })
}

/// Types each command that is printed where it is printed: LPAR, check and command.
fn type_remedies(
    site: &Harness,
    reports: &BTreeMap<String, Report>,
) -> Result<Vec<(String, String, String)>> {
    let mut typed = Vec::new();
    for report in reports.values() {
        for (check, command) in &report.commands {
            // What a person has to fill in.
            let line = command.replace("HMC", "hmc01").replace("USER", "liveupdate -p live4update");
            site.typed(&report.lpar, &line, "")?.succeeded()?;
            typed.push((report.lpar.clone(), check.clone(), line));
        }
    }
    Ok(typed)
}

/// LPARs whose cluster was broken, by the lab's own record.
fn broken(site: &Harness) -> Result<Vec<String>> {
    let record = site.lab().record()?;
    let broken =
        record.into_iter().filter(|entry| matches!(entry.deed, Deed::ClusterBroken { .. }));
    Ok(broken.map(|entry| entry.lpar).collect())
}
