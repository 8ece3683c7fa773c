//! Preflight: whether a Live Update of an LPAR would succeed, and what to do where it would not.
//!
//! Three steps that know nothing of each other: [`probe`] is what the agent is asked, compiled into both sides; [`facts`] makes typed
//! values of what came back, [`around`] what the master knows beside; [`mod@catalogue`] holds one check for each requirement and each
//! pitfall that is published, and judges it by both. What could not be read makes a check [`Verdict::Unknown`] with the reason, never
//! [`Verdict::Pass`]: an LPAR that shows nothing is not one that is in order.

mod advice;
pub mod around;
pub mod catalogue;
pub mod facts;
mod judged;
pub mod preview;
pub mod probe;
pub mod site;
pub mod workload;

pub use advice::{Advice, Danger, Ours, Remedy, Standing};
pub use around::Around;
pub use catalogue::{Check, OF_THE_SITE, catalogue, check};
pub use facts::{Fact, Facts, Seen};
pub use judged::{Finding, Judged, Silenced, Verdict, judge, score};

use serde::{Deserialize, Serialize};

use crate::level::{Level, TechnologyLevel};
use crate::prep::StepKind;
use crate::stage::names;

names! {
    /// How bad it is when a check does not hold.
    Severity, "severity" {
        /// Live Update refuses or fails.
        Block = "block",
        /// It works, but is risky or needs follow-up.
        Warn = "warn",
        /// For information.
        Info = "info",
    }
}

/// The AIX levels that a check concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// All that have Live Update.
    All,
    /// This one and later.
    From(TechnologyLevel),
    /// Those before this one.
    Below(TechnologyLevel),
}

impl Levels {
    /// Whether `level` is among them.
    #[must_use]
    pub fn concern(self, level: Level) -> bool {
        match self {
            Self::All => true,
            Self::From(first) => level.technology >= first,
            Self::Below(end) => level.technology < end,
        }
    }
}

impl std::fmt::Display for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::From(first) => write!(f, "{first} and later"),
            Self::Below(end) => write!(f, "before {end}"),
        }
    }
}

/// A check in words, as `nimctl preflight --explain` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// Its id.
    pub check: String,
    /// What has to hold.
    pub title: String,
    /// What is looked at.
    pub looks_at: String,
    /// How bad it is when it does not hold.
    pub severity: Severity,
    /// The AIX levels that it concerns.
    pub levels: String,
    /// What to do then.
    pub remedy: String,
    /// How dangerous that is.
    pub danger: Danger,
    /// What has to be so before.
    pub precondition: Option<String>,
    /// Whether `nimd` does it and puts it back.
    pub ours: Ours,
    /// The step of a policy's prep that does it, where one does.
    pub step: Option<StepKind>,
    /// Where it is from.
    pub source: String,
}

impl From<&Check> for Explained {
    fn from(check: &Check) -> Self {
        let Remedy { text, danger, precondition, ours, step, .. } = check.remedy;
        Self {
            check: check.id.to_owned(),
            title: check.title.to_owned(),
            looks_at: check.looks_at.to_owned(),
            severity: check.severity,
            levels: check.levels.to_string(),
            remedy: text.to_owned(),
            danger,
            precondition: (!precondition.is_empty()).then(|| precondition.to_owned()),
            ours,
            step,
            source: check.source.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
