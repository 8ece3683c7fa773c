//! What goes wrong in a rehearsal, and faults that somebody names.

use std::str::FromStr;

use nim_shared::code::{self, Entry, Retry as Sense};
use nim_shared::id::{ObjectName, printable};

use crate::run::{End, Orders, TargetNumber};

/// What went wrong with an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It failed, by this code where it had one.
    Failed {
        /// The code.
        code: Option<String>,
        /// Whether trying again makes sense.
        sense: Sense,
    },
    /// Its agent could not be reached.
    Unreachable,
    /// A person is needed.
    Stuck {
        /// The code.
        code: Option<String>,
    },
}

impl Cause {
    /// How its LPAR ends.
    #[must_use]
    pub const fn end(&self) -> End {
        match self {
            Self::Failed { sense, .. } => End::Failed { sense: *sense },
            Self::Unreachable => End::Unreachable,
            Self::Stuck { .. } => End::Stuck,
        }
    }

    /// The state that its LPAR is shown in.
    pub(super) const fn state(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "failed",
            Self::Unreachable => "unreachable",
            Self::Stuck { .. } => "stuck",
        }
    }

    /// Its code.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Failed { code, .. } | Self::Stuck { code } => code.as_deref(),
            Self::Unreachable => None,
        }
    }

    /// Whether they are shown as the same.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        (self.state(), self.code()) == (other.state(), other.code())
    }

    /// What it is, in a few words.
    pub(super) fn title(&self) -> String {
        let known = self.code().and_then(code::find).map(|entry| entry.title);
        let unknown = match self {
            Self::Failed { .. } => "nothing is known of the cause",
            Self::Unreachable => "its agent could not be reached",
            Self::Stuck { .. } => "a person is needed, or it took longer than its deadline",
        };
        known.unwrap_or(unknown).to_owned()
    }
}

/// A fault that somebody names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What goes wrong.
    pub cause: Cause,
    /// With whom.
    pub at: Where,
}

/// With whom a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// With one LPAR, in each run another.
    One,
    /// With this one, in every run.
    Lpar(ObjectName),
    /// With so many of 100 updates.
    Percent(u8),
}

/// A text that is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFault {
    /// Not what it is.
    #[error("\"{}\" is no fault: it reads CODE, CODE=LPAR or CODE=5%, CODE one that nimctl explain knows, unreachable or stuck", printable(.0))]
    Form(String),
    /// A code that no update fails by.
    #[error("no update fails by {code}, {title}: {why}")]
    Harmless {
        /// The code.
        code: &'static str,
        /// What it is.
        title: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// Nobody of the plan.
    #[error("{0} is not among those whom the plan updates")]
    NoTarget(ObjectName),
}

impl FromStr for Named {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let bad = || BadFault::Form(text.chars().take(80).collect());
        let (what, at) = match text.split_once('=') {
            None => (text, Where::One),
            Some((what, part)) if part.ends_with('%') => {
                let number = part.trim_end_matches('%').parse().ok();
                let number = number.filter(|part| (1..=100).contains(part)).ok_or_else(bad)?;
                (what, Where::Percent(number))
            }
            Some((what, lpar)) => (what, Where::Lpar(lpar.parse().map_err(|_| bad())?)),
        };
        let cause = match what {
            "unreachable" => Cause::Unreachable,
            "stuck" => Cause::Stuck { code: None },
            code => failure(code::find(code).ok_or_else(bad)?)?,
        };
        Ok(Self { cause, at })
    }
}

/// The failure that a code stands for.
fn failure(entry: &'static Entry) -> Result<Cause, BadFault> {
    let harmless = |why| Err(BadFault::Harmless { code: entry.code, title: entry.title, why });
    match entry.retry {
        Sense::NotNeeded => harmless("nothing went wrong by it alone"),
        Sense::Never => harmless("the update is in effect when it comes"),
        sense @ (Sense::Later | Sense::AfterRemedy | Sense::SeeOthers) => {
            Ok(Cause::Failed { code: Some(entry.code.to_owned()), sense })
        }
    }
}

/// A fault that somebody names, for the targets of a plan.
#[derive(Debug)]
pub(super) struct Placed<'f> {
    pub(super) cause: &'f Cause,
    pub(super) at: Place,
}

/// With whom, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    One,
    Target(TargetNumber),
    Percent(u8),
}

/// Finds the LPARs of `faults` among the targets.
pub(super) fn placed<'f>(
    faults: &'f [Named],
    orders: &Orders,
) -> Result<Vec<Placed<'f>>, BadFault> {
    let place = |fault: &'f Named| {
        let at = match &fault.at {
            Where::One => Place::One,
            Where::Percent(part) => Place::Percent(*part),
            Where::Lpar(lpar) => {
                let found = (0..).zip(&orders.targets).find(|(_, one)| one.lpar == *lpar);
                let found = found.ok_or_else(|| BadFault::NoTarget(lpar.clone()))?;
                Place::Target(found.0)
            }
        };
        Ok(Placed { cause: &fault.cause, at })
    };
    faults.iter().map(place).collect()
}
