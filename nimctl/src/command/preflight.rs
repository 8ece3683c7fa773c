//! `preflight`: what would stop a Live Update, of each LPAR and over all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use nim_shared::api::{Failure, FailureKind, ObjectView, Preflight, PreflightReport, Preflighted};
use nim_shared::id::ObjectName;
use nim_shared::object::ObjectType;
use nim_shared::preflight::{self, Advice, Explained, Verdict};
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
        return explain(id, context);
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
    let client = context.client.with_limit(LIMIT);
    let body = Preflight { targets, all: args.all };
    let found: Preflighted = client.post(Target::new(&["preflight"]), &body).await?;
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
    context.printer.show(&view)?;
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
}

/// Every LPAR, and what was found over all of them.
#[derive(Serialize)]
struct Fleet {
    groups: Vec<Group>,
    lpars: Vec<PreflightReport>,
}

impl Fleet {
    fn of(lpars: Vec<PreflightReport>) -> Self {
        // By what is the same on all of them, and by what is to be done: that of a cluster is another.
        let mut groups: BTreeMap<(Verdict, &str, &str, Option<&str>), Group> = BTreeMap::new();
        for report in &lpars {
            for one in &report.findings {
                let verdict = match one.verdict.known() {
                    Some(bad @ (Verdict::Block | Verdict::Warn | Verdict::Unknown)) => bad,
                    // It holds, and still there is something to be told.
                    Some(Verdict::Pass) if !one.found.is_empty() => Verdict::Pass,
                    Some(Verdict::Pass | Verdict::NotApplicable) | None => continue,
                };
                let advice = one.remedy.as_ref().map(|advice| advice.text.as_str());
                let group =
                    groups.entry((verdict, &one.check, &one.found, advice)).or_insert_with(|| {
                        Group {
                            verdict,
                            check: one.check.clone(),
                            found: one.found.clone(),
                            lpars: Vec::new(),
                            remedy: one.remedy.clone(),
                        }
                    });
                group.lpars.push(report.lpar.clone());
            }
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_key(|group| (group.verdict, std::cmp::Reverse(group.lpars.len())));
        Self { groups, lpars }
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
                let found =
                    report.findings.iter().filter(|one| one.verdict.known() == Some(wanted));
                found.count().to_string()
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
            if group.verdict != Verdict::Unknown || style.wide {
                text += &group.text(&self.lpars, style);
            }
        }
        let unknown: usize =
            self.groups.iter().filter(|one| one.verdict == Verdict::Unknown).count();
        if unknown > 0 && !style.wide {
            text += &format!("\n{} not known: -o wide shows them\n", count(unknown, "check"));
        }
        text
    }
}

impl Group {
    fn text(&self, lpars: &[PreflightReport], style: Style) -> String {
        let paint = match self.verdict {
            Verdict::Block => Paint::Bad,
            Verdict::Warn => Paint::Care,
            Verdict::Unknown | Verdict::Pass | Verdict::NotApplicable => Paint::None,
        };
        let label = match self.verdict {
            Verdict::Pass => "info",
            other => other.name(),
        };
        let mut text = format!(
            "\n{} {}  {}: {}\n",
            paint.paint(label, style),
            self.check,
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
        if let Some(advice) = &self.remedy {
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

/// `71, gone S26, new L14`.
fn trend(report: &PreflightReport) -> String {
    let Some(before) = &report.before else { return NONE.to_owned() };
    let mut text = before.score.to_string();
    for (label, checks) in [("gone", &before.gone), ("new", &before.new)] {
        if !checks.is_empty() {
            text += &format!(", {label} {}", checks.join(" "));
        }
    }
    text
}

#[derive(Serialize)]
#[serde(transparent)]
struct One(Explained);

impl View for One {
    fn table(&self, _: Style) -> String {
        let one = &self.0;
        let before = one.precondition.as_deref().unwrap_or("nothing");
        format!(
            "{}: {}\n  severity:      {}\n  levels:        {}\n  looks at:      {}\n  remedy:        {}\n  \
             only where:    {before}\n  danger:        {}\n  done by nimd:  {}\n  source:        {}\n",
            one.check,
            one.title,
            one.severity,
            one.levels,
            one.looks_at,
            one.remedy,
            one.danger,
            one.ours,
            one.source
        )
    }
}

fn explain(id: &str, context: &Context) -> Result<Exit, Error> {
    let Some(check) = preflight::check(id) else {
        context.printer.failure(&Failure {
            code: "NLU-0550".to_owned(),
            message: format!("no check is called \"{}\"", clean(id)),
            causes: Vec::new(),
            hint: Some("nimctl preflight --all shows all checks".to_owned()),
            faults: Vec::new(),
            kind: FailureKind::NotFound,
        });
        return Ok(Exit::Refused);
    };
    context.printer.show(&One(check.into()))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
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
        });
        PreflightReport {
            lpar: lpar.parse().unwrap(),
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            level: None,
            score: 70,
            passed: 3,
            findings: findings.collect(),
            failure: None,
            before: None,
        }
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
}
