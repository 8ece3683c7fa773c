//! Preflight of LPARs: what was found, and what became of the findings of the run before.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::id::ObjectName;
use crate::preflight::workload::Found;
use crate::preflight::{self, Finding, Verdict, preview};
use crate::stamp::Timestamp;
use crate::transcript::Understanding;

/// Asks for a preflight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Preflight {
    /// LPARs, groups, or patterns of names of LPARs; all LPARs where there is none.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Whether what holds or does not apply is answered too.
    #[serde(default)]
    pub all: bool,
}

/// What a preflight found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Preflighted {
    /// Each LPAR, in the order in which they were named.
    pub lpars: Vec<PreflightReport>,
}

/// What a preflight found on one LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreflightReport {
    /// The LPAR.
    pub lpar: ObjectName,
    /// When it was looked at, by this master's clock.
    pub at: Timestamp,
    /// Its level.
    pub level: Option<String>,
    /// 100 less 25 a block, 5 a warning and 2 for what is not known; at least 0.
    pub score: u8,
    /// How many checks it passed.
    pub passed: u32,
    /// Blockers first, then warnings, then what is not known; with `all` what holds and what does not apply.
    pub findings: Vec<Finding>,
    /// Why the LPAR itself could not be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The workloads that were recognised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<WorkloadFound>,
    /// Labels of its interim fixes; `None` where they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interim_fixes: Option<Vec<String>>,
    /// What is registered to load kernel extensions on the surrogate, line by line; `None` where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_extensions: Option<Vec<String>>,
    /// The run before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

/// A workload that was recognised on an LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkloadFound {
    /// Its id, such as `db2`: `nimctl preflight --explain db2`.
    pub workload: String,
    /// What it is.
    pub title: String,
    /// What shows it.
    pub evidence: Vec<String>,
}

impl From<Found> for WorkloadFound {
    fn from(found: Found) -> Self {
        let Found { profile, evidence } = found;
        Self { workload: profile.id.to_owned(), title: profile.title.to_owned(), evidence }
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scored {
    /// When it was.
    pub at: Timestamp,
    /// Its score.
    pub score: u8,
}

/// The run before, held against this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Before {
    /// When it was.
    pub at: Timestamp,
    /// Its score.
    pub score: u8,
    /// The runs before that one, oldest first, as many as are shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Scored>,
    /// Ids of checks that blocked or warned then and do not now.
    pub gone: Vec<String>,
    /// Ids of checks that block or warn now and did not then.
    pub new: Vec<String>,
}

impl PreflightReport {
    /// Whether something blocks that is not silenced.
    #[must_use]
    pub fn blocks(&self) -> bool {
        let mut counted = self.findings.iter().filter(|one| one.counts());
        counted.any(|one| one.verdict.known() == Some(Verdict::Block))
    }

    /// Merges what a preview of `geninstall` says, or why there is none; with `all` what holds stays among the findings.
    pub fn add_preview(&mut self, preview: Result<&Understanding, &str>, all: bool) {
        let passes = |findings: &[Finding]| {
            findings.iter().filter(|one| one.verdict.known() == Some(Verdict::Pass)).count()
        };
        let before = passes(&self.findings);
        match preview {
            Ok(preview) => preview::merge(&mut self.findings, preview),
            Err(why) => preview::missing(&mut self.findings, why),
        }
        let more = passes(&self.findings).saturating_sub(before);
        self.passed = self.passed.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        self.score = preflight::score(&self.findings);
        if !all {
            self.leave_out_what_holds();
        }
    }

    /// Without what holds and what does not apply. What the site has registered with Live Update stays.
    pub fn leave_out_what_holds(&mut self) {
        self.findings.retain(|one| match one.verdict.known() {
            Some(Verdict::Pass) => {
                !one.found.is_empty() && preflight::OF_THE_SITE.contains(&one.check.as_str())
            }
            Some(Verdict::NotApplicable) => false,
            Some(Verdict::Block | Verdict::Warn | Verdict::Unknown) | None => true,
        });
    }

    /// Holds it against the one before; `scores` are those of all that are shown, oldest first, that one among them.
    pub fn compare(&mut self, earlier: &Self, mut scores: Vec<Scored>) {
        let bad = |report: &Self| -> BTreeSet<String> {
            let is_bad = |one: &&Finding| {
                matches!(one.verdict.known(), Some(Verdict::Block | Verdict::Warn))
            };
            report.findings.iter().filter(is_bad).map(|one| one.check.clone()).collect()
        };
        let known = |report: &Self, check: &String| {
            let is_unknown = |one: &Finding| {
                one.check == *check && one.verdict.known() == Some(Verdict::Unknown)
            };
            !report.findings.iter().any(is_unknown)
        };
        let (then, now) = (bad(earlier), bad(self));
        scores.retain(|one| one.at < earlier.at);
        self.before = Some(Before {
            at: earlier.at,
            score: earlier.score,
            earlier: scores,
            // What could not be looked at is not gone.
            gone: then.difference(&now).filter(|check| known(self, check)).cloned().collect(),
            new: now.difference(&then).cloned().collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Named;

    fn report(at: &str, findings: &[(&str, Verdict)]) -> PreflightReport {
        let findings = findings.iter().map(|(check, verdict)| Finding {
            check: (*check).to_owned(),
            title: String::new(),
            verdict: Named::Known(*verdict),
            found: String::new(),
            evidence: Vec::new(),
            remedy: None,
            silenced: None,
        });
        PreflightReport {
            lpar: "lpar01".parse().unwrap(),
            at: at.parse().unwrap(),
            level: None,
            score: 50,
            passed: 0,
            findings: findings.collect(),
            failure: None,
            workloads: Vec::new(),
            interim_fixes: None,
            kernel_extensions: None,
            before: None,
        }
    }

    #[test]
    fn what_is_gone_was_looked_at_and_what_is_new_was_not_there() {
        use Verdict::{Block, Pass, Unknown, Warn};
        let earlier = report(
            "2026-01-01T00:00:00Z",
            &[("A", Block), ("B", Warn), ("C", Block), ("D", Unknown)],
        );
        let mut now = report(
            "2026-01-02T00:00:00Z",
            &[("B", Block), ("C", Unknown), ("D", Warn), ("A", Pass)],
        );
        let scored = |at: &str, score| Scored { at: at.parse().unwrap(), score };
        let first = scored("2025-12-31T00:00:00Z", 40);
        now.compare(&earlier, vec![first, scored("2026-01-01T00:00:00Z", 50)]);
        let before = now.before.clone().unwrap();
        assert_eq!((before.earlier, before.score), (vec![first], 50));
        assert_eq!((before.gone, before.new), (vec!["A".to_owned()], vec!["D".to_owned()]));
        assert!(now.blocks());
        now.leave_out_what_holds();
        assert_eq!(now.findings.len(), 3);
    }

    #[test]
    fn what_a_site_has_registered_is_told_although_it_holds() {
        use Verdict::{NotApplicable, Pass};
        let all =
            [("R01", Pass), ("R02", Pass), ("R03", Pass), ("S01", Pass), ("S02", NotApplicable)];
        let mut found = report("2026-01-01T00:00:00Z", &all);
        for finding in found.findings.iter_mut().filter(|one| one.check != "R03") {
            finding.found = "some are registered".to_owned();
        }
        found.leave_out_what_holds();
        let left: Vec<&str> = found.findings.iter().map(|one| one.check.as_str()).collect();
        assert_eq!(left, ["R02"], "of R03 there is none");
    }
}
