//! Verdicts, and the number that sums them up.

use serde::{Deserialize, Serialize};

use super::advice::{Advice, Danger, Standing};
use super::catalogue::{Check, catalogue};
use super::facts::Seen;
use super::site::Day;
use super::{Levels, Severity};
use crate::id::printable;
use crate::operation::Named;
use crate::prep::{PrepStep, StepKind};
use crate::stage::names;

names! {
    /// What a check comes to. In the order in which they are shown.
    Verdict, "verdict" {
        /// Live Update refuses or fails.
        Block = "block",
        /// It works, but is risky or needs follow-up.
        Warn = "warn",
        /// It could not be looked at. Never the same as `pass`.
        Unknown = "unknown",
        /// It holds.
        Pass = "pass",
        /// It does not concern this LPAR.
        NotApplicable = "not_applicable",
    }
}

/// What one check says of one LPAR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What was found, in words that are the same on every LPAR that has it: `open files in /proc by nmon`.
    pub found: String,
    /// What says so on this one.
    pub evidence: Vec<String>,
    /// Whether the remedy would touch what a cluster stands on, beyond what the check says of itself.
    pub touches_cluster: bool,
    /// Whether a step of prep does away with it: then nothing is to be done by hand.
    pub is_done_by_prep: bool,
}

impl Judged {
    fn new(verdict: Verdict, found: impl Into<String>, evidence: Vec<String>) -> Self {
        Self {
            verdict,
            found: found.into(),
            evidence,
            touches_cluster: false,
            is_done_by_prep: false,
        }
    }

    /// It holds, as `evidence` says.
    pub(super) fn pass(evidence: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, "", vec![evidence.into()])
    }

    /// It does not concern this LPAR.
    pub(super) fn not_applicable(why: impl Into<String>) -> Self {
        Self::new(Verdict::NotApplicable, "", vec![why.into()])
    }

    /// Live Update would refuse or fail.
    pub(super) fn block(found: impl Into<String>, evidence: Vec<String>) -> Self {
        Self::new(Verdict::Block, found, evidence)
    }

    /// It would work, at a risk.
    pub(super) fn warn(found: impl Into<String>, evidence: Vec<String>) -> Self {
        Self::new(Verdict::Warn, found, evidence)
    }

    /// It is found, and stops nobody: `step` does away with it before the update.
    fn is_done_by(&mut self, step: &PrepStep) {
        if matches!(self.verdict, Verdict::Block | Verdict::Warn) {
            self.verdict = Verdict::Warn;
            self.found = format!("{}; prep: {step}", self.found);
            self.is_done_by_prep = true;
        }
    }

    fn unknown(why: String) -> Self {
        Self::new(Verdict::Unknown, why, Vec::new())
    }
}

/// What a check found on an LPAR, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// Id of the check.
    pub check: String,
    /// What has to hold.
    pub title: String,
    /// What it came to.
    pub verdict: Named<Verdict>,
    /// What was found, in words that are the same on every LPAR that has it; empty where it holds and nothing is to be told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// What says so on this LPAR.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Advice>,
    /// That the site lives with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced: Option<Silenced>,
}

/// That a site lives with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Silenced {
    /// Why.
    pub reason: String,
    /// The last day, in UTC.
    pub until: Day,
    /// Whether that day is over: then the finding counts.
    pub is_over: bool,
}

impl Finding {
    /// Whether it counts: it is not silenced, or no longer.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.silenced.as_ref().is_none_or(|one| one.is_over)
    }
}

/// Every check of the catalogue, judged by what was seen of one LPAR: blockers first, each group in the order of the catalogue.
#[must_use]
pub fn judge(seen: &Seen<'_>) -> Vec<Finding> {
    let standing = Standing::of(seen.facts);
    let mut all: Vec<Finding> =
        catalogue().map(|check| finding(check, &check.judge(seen), &standing)).collect();
    all.sort_by_key(|finding| finding.verdict.known());
    all
}

/// 100 less 25 a block, 5 a warning and 2 for what is not known, without what is silenced; at least 0.
#[must_use]
pub fn score(findings: &[Finding]) -> u8 {
    let counted = findings.iter().filter(|finding| finding.counts());
    let points = counted.map(|finding| match finding.verdict.known() {
        Some(Verdict::Block) => 25_u32,
        Some(Verdict::Warn) => 5,
        // What another version found is not known to this one.
        Some(Verdict::Unknown) | None => 2,
        Some(Verdict::Pass | Verdict::NotApplicable) => 0,
    });
    let lost = points.sum::<u32>().min(100);
    u8::try_from(100 - lost).unwrap_or(0)
}

fn finding(check: &Check, judged: &Judged, standing: &Standing) -> Finding {
    let danger = if judged.touches_cluster { Danger::Cluster } else { check.remedy.danger };
    let is_bad = matches!(judged.verdict, Verdict::Block | Verdict::Warn);
    Finding {
        check: check.id.to_owned(),
        title: check.title.to_owned(),
        verdict: Named::Known(judged.verdict),
        // What a host printed may be in both.
        found: short(&judged.found),
        evidence: judged.evidence.iter().take(MOST_EVIDENCE).map(|text| short(text)).collect(),
        remedy: (is_bad && !judged.is_done_by_prep).then(|| check.remedy.advise(standing, danger)),
        silenced: None,
    }
}

pub(super) fn short(text: &str) -> String {
    printable(&text.chars().take(LONGEST).collect::<String>())
}

/// Most lines of evidence of one finding.
pub(super) const MOST_EVIDENCE: usize = 20;

/// Longest of them, in characters.
pub(super) const LONGEST: usize = 300;

impl Check {
    /// The step of prep that does away with what the check finds, where the policy of the LPAR has it.
    fn done_by<'a>(&self, seen: &Seen<'a>) -> Option<&'a PrepStep> {
        // Of filesets the policy names some, and the check itself knows which.
        let kind = self.remedy.step.filter(|kind| *kind != StepKind::UnsupportedFilesets)?;
        seen.around.prep.as_ref().ok()?.iter().find(|one| one.step.kind() == kind)
    }

    /// What this check says.
    #[must_use]
    pub fn judge(&self, seen: &Seen<'_>) -> Judged {
        if self.levels != Levels::All {
            match &seen.facts.level {
                Ok(level) if self.levels.concern(*level) => {}
                Ok(level) => {
                    let text = format!("concerns {}, this is {level}", self.levels);
                    return Judged::not_applicable(text);
                }
                Err(why) => return Judged::unknown(why.clone()),
            }
        }
        let mut judged = (self.rule)(seen).unwrap_or_else(Judged::unknown);
        if let Some(step) = self.done_by(seen) {
            judged.is_done_by(step);
        }
        // A check that only informs stops nobody.
        if self.severity == Severity::Info && judged.verdict == Verdict::Block {
            judged.verdict = Verdict::Warn;
        }
        judged
    }
}
