//! `preflight`: what would stop a Live Update, of each LPAR and over all of them.

mod explain;
mod preview;

use std::collections::BTreeMap;
use std::time::Duration;

use nim_shared::api::{Failure, FailureKind, ObjectView, Preflight, PreflightReport, Preflighted};
use nim_shared::id::ObjectName;
use nim_shared::object::ObjectType;
use nim_shared::preflight::{Advice, Silenced, Verdict};
use serde::Serialize;

use crate::cli;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, NONE, Piece};
use crate::output::text::{Paint, clean, count};
use crate::output::{Style, View};

/// How long `nimd` may take: a slow LPAR takes minutes, and a fleet goes in turns.
const LIMIT: Duration = Duration::from_secs(1800);

pub(super) async fn run(args: &cli::Preflight, context: &Context) -> Result<Exit, Error> {
    if let Some(id) = &args.explain {
        return explain::run(id, context);
    }
    let targets = match args.labels.as_slice() {
        [] => args.targets.clone(),
        labels => {
            let target = Target::new(&["objects"])
                .with("type", ObjectType::Standalone.name())
                .with_each("label", labels)
                .with_each("name", &args.targets);
            let chosen: Vec<ObjectView> = context.client.whole(target).await?;
            if chosen.is_empty() {
                context.printer.failure(&Failure {
                    code: "NLU-0549".to_owned(),
                    message: format!("no LPAR has labels as in {}", labels.join(", ")),
                    causes: Vec::new(),
                    hint: Some("nimctl list standalone -o wide shows labels".to_owned()),
                    faults: Vec::new(),
                    kind: FailureKind::NotFound,
                });
                return Ok(Exit::Refused);
            }
            chosen.iter().map(|object| object.object.name.to_string()).collect()
        }
    };
    let previews = match args.with_preview {
        false => None,
        // What the previews estimate is among what the preflight then judges.
        true => match preview::run(&args.attributes, &targets, context).await? {
            Some(previews) => Some(previews),
            None => return Ok(Exit::Interrupted),
        },
    };
    let client = context.client.with_limit(LIMIT);
    let body = Preflight { targets, all: args.all };
    let mut found: Preflighted = client.post(Target::new(&["preflight"]), &body).await?;
    for report in &mut found.lpars {
        if let Some(previews) = &previews {
            let preview =
                previews.get(&report.lpar).map(|one| one.as_ref().map_err(String::as_str));
            report.add_preview(preview.unwrap_or(Err("no preview was run")), args.all);
        }
    }
    let mut exit = Exit::Done;
    for report in &found.lpars {
        if report.blocks() {
            exit = exit.max(Exit::Refused);
        }
        if let Some(failure) = &report.failure {
            exit = exit.max(failure.kind.into());
        }
    }
    let view = Fleet::of(found.lpars);
    context.printer.show_end(&view, exit)?;
    for failure in view.lpars.iter().filter_map(|report| report.failure.as_ref()) {
        context.printer.failure(failure);
    }
    Ok(exit)
}

/// A finding over the fleet.
#[derive(Serialize)]
struct Group {
    verdict: Verdict,
    check: String,
    found: String,
    lpars: Vec<ObjectName>,
    remedy: Option<Advice>,
    /// That the site lives with it, or did until a day that is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced: Option<Silenced>,
}

impl Group {
    /// Whether it counts on none of its LPARs.
    fn is_silent(&self) -> bool {
        self.silenced.as_ref().is_some_and(|one| !one.is_over)
    }
}

/// A workload over the fleet.
#[derive(Serialize)]
struct Runs {
    workload: String,
    title: String,
    lpars: Vec<ObjectName>,
}

/// What findings of a group have in common: verdict, check, what was found, what is to be done, and why it is silenced.
type Same<'a> = (Verdict, &'a str, &'a str, Option<&'a str>, Option<&'a str>);

/// Every LPAR, and what was found over all of them.
#[derive(Serialize)]
struct Fleet {
    groups: Vec<Group>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workloads: Vec<Runs>,
    lpars: Vec<PreflightReport>,
}

impl Fleet {
    fn of(lpars: Vec<PreflightReport>) -> Self {
        // By what is the same on all of them, and by what is to be done: that of a cluster is another.
        let mut groups: BTreeMap<Same<'_>, Group> = BTreeMap::new();
        let mut workloads: BTreeMap<&str, Runs> = BTreeMap::new();
        for report in &lpars {
            for one in &report.workloads {
                let runs = workloads.entry(&one.workload).or_insert_with(|| Runs {
                    workload: one.workload.clone(),
                    title: one.title.clone(),
                    lpars: Vec::new(),
                });
                runs.lpars.push(report.lpar.clone());
            }
            for one in &report.findings {
                let verdict = match one.verdict.known() {
                    Some(bad @ (Verdict::Block | Verdict::Warn | Verdict::Unknown)) => bad,
                    // It holds, and still there is something to be told.
                    Some(Verdict::Pass) if !one.found.is_empty() => Verdict::Pass,
                    Some(Verdict::Pass | Verdict::NotApplicable) | None => continue,
                };
                let advice = one.remedy.as_ref().map(|advice| advice.text.as_str());
                let reason = one.silenced.as_ref().map(|one| one.reason.as_str());
                let key = (verdict, &*one.check, &*one.found, advice, reason);
                let group = groups.entry(key).or_insert_with(|| Group {
                    verdict,
                    check: one.check.clone(),
                    found: one.found.clone(),
                    lpars: Vec::new(),
                    remedy: one.remedy.clone(),
                    silenced: one.silenced.clone(),
                });
                group.lpars.push(report.lpar.clone());
            }
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_key(|group| {
            (group.is_silent(), group.verdict, std::cmp::Reverse(group.lpars.len()))
        });
        let workloads = workloads.into_values().collect();
        Self { groups, workloads, lpars }
    }
}

impl View for Fleet {
    fn table(&self, style: Style) -> String {
        let mut columns = Columns::new(
            &["LPAR", "SCORE", "BLOCK", "WARN", "UNKNOWN", "PASS", "LEVEL", "BEFORE"],
            style,
        );
        for report in &self.lpars {
            let number = |wanted: Verdict| {
                let counted = report.findings.iter().filter(|one| one.counts());
                counted.filter(|one| one.verdict.known() == Some(wanted)).count().to_string()
            };
            let paint = match (report.blocks(), report.failure.is_some()) {
                (true, _) => Paint::Bad,
                (false, true) => Paint::Care,
                (false, false) => Paint::Good,
            };
            let cells: [Piece; 8] = [
                report.lpar.as_str().into(),
                Piece::painted(report.score.to_string(), paint),
                number(Verdict::Block).into(),
                number(Verdict::Warn).into(),
                number(Verdict::Unknown).into(),
                report.passed.to_string().into(),
                report.level.as_deref().unwrap_or(NONE).into(),
                trend(report).into(),
            ];
            columns.row(cells);
        }
        let mut text = columns.text();
        for group in &self.groups {
            // What is not known is many lines, and one cause.
            if group.verdict != Verdict::Unknown || group.is_silent() || style.wide {
                text += &group.text(&self.lpars, style);
            }
        }
        let unknown = self.groups.iter().filter(|one| one.verdict == Verdict::Unknown);
        let unknown: usize = unknown.filter(|one| !one.is_silent()).count();
        if unknown > 0 && !style.wide {
            text += &format!("\n{} not known: -o wide shows them\n", count(unknown, "check"));
        }
        if !self.workloads.is_empty() {
            text.push('\n');
        }
        for runs in &self.workloads {
            let names: Vec<&str> = runs.lpars.iter().map(ObjectName::as_str).collect();
            let most = if style.wide { names.len() } else { FEW.min(names.len()) };
            let more = match names.len() - most {
                0 => String::new(),
                more => format!(", {more} more"),
            };
            text += &format!(
                "workload {}  {}: {} (nimctl preflight --explain {})\n  {}{more}\n",
                clean(&runs.workload),
                count(names.len(), "LPAR"),
                clean(&runs.title),
                clean(&runs.workload),
                names[..most].join(", ")
            );
        }
        text
    }
}

impl Group {
    fn text(&self, lpars: &[PreflightReport], style: Style) -> String {
        let paint = match self.verdict {
            _ if self.is_silent() => Paint::None,
            Verdict::Block => Paint::Bad,
            Verdict::Warn => Paint::Care,
            Verdict::Unknown | Verdict::Pass | Verdict::NotApplicable => Paint::None,
        };
        let verdict = match self.verdict {
            Verdict::Pass => "info".to_owned(),
            other if self.is_silent() => format!("silenced {other}"),
            other => other.to_string(),
        };
        let mut text = format!(
            "\n{} {}  {}: {}\n",
            paint.paint(&verdict, style),
            clean(&self.check),
            count(self.lpars.len(), "LPAR"),
            clean(&self.found)
        );
        let most = if style.wide { usize::MAX } else { FEW };
        for lpar in self.lpars.iter().take(most) {
            let report = lpars.iter().find(|report| report.lpar == *lpar);
            let finding = report
                .and_then(|report| report.findings.iter().find(|one| one.check == self.check));
            let evidence = finding.map(|one| one.evidence.join("; ")).unwrap_or_default();
            let line =
                if evidence.is_empty() { lpar.to_string() } else { format!("{lpar}: {evidence}") };
            text += &format!("  {}\n", clean(&line));
        }
        if self.lpars.len() > most {
            text += &format!("  and {} more: -o wide shows all\n", self.lpars.len() - most);
        }
        if let Some(silenced) = &self.silenced {
            let (until, reason) = (silenced.until, clean(&silenced.reason));
            text += &match silenced.is_over {
                true => format!(
                    "  was silenced until {until}, which is over, and counts again: {reason}\n"
                ),
                false => format!("  silenced until {until}: {reason}\n"),
            };
        }
        if let Some(advice) = &self.remedy
            && !self.is_silent()
        {
            let label = if advice.is_command { "type" } else { "do" };
            text += &format!("  {label}: {}\n", clean(&advice.text));
            if let Some(before) = &advice.precondition {
                text += &format!("  only where: {}\n", clean(before));
            }
        }
        text
    }
}

/// LPARs of a finding that are named where there is little room.
const FEW: usize = 5;

/// `40 > 55 > 71, gone S26, new L14`: the scores of the runs before this one, and what became of the last one's findings.
fn trend(report: &PreflightReport) -> String {
    let Some(before) = &report.before else { return NONE.to_owned() };
    let earlier = before.earlier.iter().rev().take(FEW - 1).rev().map(|one| one.score);
    let scores: Vec<String> =
        earlier.chain([before.score]).map(|score| score.to_string()).collect();
    let mut text = scores.join(" > ");
    for (label, checks) in [("gone", &before.gone), ("new", &before.new)] {
        if !checks.is_empty() {
            text += &format!(", {label} {}", checks.join(" "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use nim_shared::api::{Scored, WorkloadFound};
    use nim_shared::operation::Named;
    use nim_shared::preflight::{Danger, Finding};

    use super::*;

    fn report(lpar: &str, findings: &[(&str, Verdict, &str)]) -> PreflightReport {
        let findings = findings.iter().map(|(check, verdict, found)| Finding {
            check: (*check).to_owned(),
            title: "it holds".to_owned(),
            verdict: Named::Known(*verdict),
            found: (*found).to_owned(),
            evidence: vec![format!("seen on {lpar}\u{1b}[31m")],
            remedy: (*verdict == Verdict::Block).then(|| Advice {
                text: "stop it".to_owned(),
                is_command: false,
                danger: Danger::None,
                precondition: None,
            }),
            silenced: None,
        });
        PreflightReport {
            lpar: lpar.parse().unwrap(),
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            level: None,
            score: 70,
            passed: 3,
            findings: findings.collect(),
            failure: None,
            workloads: Vec::new(),
            interim_fixes: None,
            kernel_extensions: None,
            before: None,
        }
    }

    #[test]
    fn scores_of_earlier_runs_lead_to_what_became_of_the_last_ones_findings() {
        let mut now = report("lpar01", &[("L14", Verdict::Block, "full")]);
        let at = |day: u8| format!("2025-12-{day:02}T00:00:00Z").parse().unwrap();
        let before = PreflightReport { at: at(20), ..report("lpar01", &[]) };
        let scores = (1..=20).map(|day| Scored { at: at(day), score: day }).collect();
        now.compare(&before, scores);
        assert_eq!(trend(&now), "16 > 17 > 18 > 19 > 70, new L14");
    }

    #[test]
    fn findings_stand_once_for_all_lpars_that_have_them_with_what_blocks_most_of_them_first() {
        let fleet = Fleet::of(vec![
            report("lpar01", &[("S37", Verdict::Warn, "no copy"), ("L12", Verdict::Unknown, "x")]),
            report(
                "lpar02",
                &[("L14", Verdict::Block, "/var is full"), ("S37", Verdict::Warn, "no copy")],
            ),
            report("lpar03", &[("S26", Verdict::Block, "by nmon"), ("L12", Verdict::Unknown, "x")]),
            report("lpar04", &[("S26", Verdict::Block, "by nmon"), ("S26", Verdict::Pass, "")]),
        ]);
        let style = Style { color: false, width: None, wide: false };
        insta::assert_snapshot!(fleet.table(style), @r"
        LPAR    SCORE  BLOCK  WARN  UNKNOWN  PASS  LEVEL  BEFORE
        lpar01  70     0      1     1        3     -      -
        lpar02  70     1      1     0        3     -      -
        lpar03  70     1      0     1        3     -      -
        lpar04  70     1      0     0        3     -      -

        block S26  2 LPARs: by nmon
          lpar03: seen on lpar03�[31m
          lpar04: seen on lpar04�[31m
          do: stop it

        block L14  1 LPAR: /var is full
          lpar02: seen on lpar02�[31m
          do: stop it

        warn S37  2 LPARs: no copy
          lpar01: seen on lpar01�[31m
          lpar02: seen on lpar02�[31m

        1 check not known: -o wide shows them
        ");
    }

    #[test]
    fn what_is_silenced_stands_last_and_does_not_count_and_workloads_are_named() {
        let mut reports = vec![
            report(
                "lpar01",
                &[("S37", Verdict::Warn, "no copy"), ("S26", Verdict::Block, "by nmon")],
            ),
            report("lpar02", &[("S37", Verdict::Warn, "no copy"), ("L14", Verdict::Block, "full")]),
        ];
        let silenced = |is_over| {
            let (reason, until) =
                ("rebuilt\u{1b} nightly".to_owned(), "2026-06-30".parse().unwrap());
            Some(Silenced { reason, until, is_over })
        };
        reports[0].findings[0].silenced = silenced(false);
        reports[0].findings[1].silenced = silenced(false);
        reports[1].findings[1].silenced = silenced(true);
        reports[1].workloads = vec![WorkloadFound {
            workload: "db2".to_owned(),
            title: "Db2".to_owned(),
            evidence: vec!["db2sysc runs".to_owned()],
        }];
        assert!(!reports[0].blocks() && reports[1].blocks());
        let style = Style { color: false, width: None, wide: false };
        insta::assert_snapshot!(Fleet::of(reports).table(style), @r"
        LPAR    SCORE  BLOCK  WARN  UNKNOWN  PASS  LEVEL  BEFORE
        lpar01  70     0      0     0        3     -      -
        lpar02  70     1      1     0        3     -      -

        block L14  1 LPAR: full
          lpar02: seen on lpar02�[31m
          was silenced until 2026-06-30, which is over, and counts again: rebuilt� nightly
          do: stop it

        warn S37  1 LPAR: no copy
          lpar02: seen on lpar02�[31m

        silenced block S26  1 LPAR: by nmon
          lpar01: seen on lpar01�[31m
          silenced until 2026-06-30: rebuilt� nightly

        silenced warn S37  1 LPAR: no copy
          lpar01: seen on lpar01�[31m
          silenced until 2026-06-30: rebuilt� nightly

        workload db2  1 LPAR: Db2 (nimctl preflight --explain db2)
          lpar02
        ");
    }
}
