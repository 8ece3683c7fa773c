//! How an update goes: in one run of geninstall, or split into parts, and where a published fault makes the parts the better way.
//!
//! One run installs the updates and moves the kernel. Where the move is likely to fail for a reason that has nothing to do with the
//! updates, the parts are run one by one instead: what is installed stays then, and only the move is tried again. Interim fixes always go
//! with the move, never in the part that installs: without Live Update they would wait for a reboot. Source: LU §4.5, "split".

use serde::{Deserialize, Serialize};

use crate::code::keeps_libraries;
use crate::level::{Level, TechnologyLevel};
use crate::request::{Install, Request};
use crate::stage::names;

names! {
    /// How an update goes.
    Strategy, "strategy" {
        /// One run of `geninstall -k` installs and moves.
        OneStep = "one-step",
        /// The updates are installed and committed first; then the kernel is moved, with the interim fixes.
        Split = "split",
    }
}

names! {
    /// A part of a split update, before the move. Each is a program that is run once.
    Part, "part of an update" {
        /// `geninstall` without `-k`: the updates.
        Apply = "apply",
        /// `installp -c all`: they can no longer be rejected, as after an update in one step.
        Commit = "commit",
        /// `startsrc -s pfcdaemon`, where it was active before and is not now.
        Daemon = "daemon",
    }
}

/// How one order goes, and why where nobody asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Way {
    /// In one run, or in parts.
    pub strategy: Strategy,
    /// Why it was chosen, where the order did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Way {
    /// As updates went before anybody could choose.
    pub const ONE_STEP: Self = Self { strategy: Strategy::OneStep, reason: None };

    /// The way that was asked for, or else the one that is better from `level`.
    #[must_use]
    pub fn of(asked: Option<Strategy>, install: &Install, level: Option<Level>) -> Self {
        if let Some(strategy) = asked {
            return Self { strategy, reason: None };
        }
        match level.filter(|_| install.updates()).and_then(fault_of) {
            Some(reason) => Self { strategy: Strategy::Split, reason: Some(reason.to_owned()) },
            None => Self::ONE_STEP,
        }
    }

    /// Whether it is [`Self::ONE_STEP`], which an order leaves out.
    #[must_use]
    pub fn is_one_step(&self) -> bool {
        *self == Self::ONE_STEP
    }
}

impl Default for Way {
    fn default() -> Self {
        Self::ONE_STEP
    }
}

impl Request {
    /// Whether it is carried out in parts.
    #[must_use]
    pub fn is_split(&self) -> bool {
        self.kind.moves() && self.way.strategy == Strategy::Split
    }
}

/// Why an update from `level` is better split. Source: LU §4.5 pitfalls 3 and 6, §4.6.
fn fault_of(level: Level) -> Option<&'static str> {
    let slow = TechnologyLevel { release: 7200, number: 2 };
    if (level.technology, level.service_pack) == (slow, 2) {
        return Some(
            "on 7200-02-02 pfcdaemon may take minutes to start after an update, and without it the move fails (pitfall 3)",
        );
    }
    keeps_libraries(level).map(|_| {
        "the kernel of this level may not release shared libraries of users other than root, and then the move fails (pitfall 6): what is installed stays, and only the move is tried again"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_decides_where_nobody_said_and_there_are_updates() {
        let way = |asked, install: &Install, level: &str| {
            Way::of(asked, install, Some(level.parse().unwrap()))
        };
        let list = |name: &str| Install::List(vec![name.to_owned()]);
        for (level, split) in [
            ("7200-02-02-1810", true),
            ("7200-04-02-2028", true),
            ("7200-04-02-2030", true),
            ("7200-05-01-2038", true),
            ("7200-05-02-2114", false),
            ("7300-04-02-2546", false),
        ] {
            let way = way(None, &Install::UpdateAll, level);
            assert_eq!(way.strategy == Strategy::Split, split, "{level}");
            assert_eq!(way.reason.is_some(), split, "{level}");
        }
        let bad = "7200-05-00-2037";
        assert!(way(Some(Strategy::OneStep), &Install::All, bad).is_one_step());
        assert!(way(None, &Install::Nothing, bad).is_one_step());
        assert!(way(None, &list("E:IJ1.241031.epkg.Z"), bad).is_one_step());
        assert_eq!(way(None, &list("bos.rte"), bad).strategy, Strategy::Split);
        assert_eq!(Way::of(None, &Install::All, None), Way::ONE_STEP);
        let asked = Way::of(Some(Strategy::Split), &Install::All, None);
        assert_eq!((asked.strategy, asked.reason), (Strategy::Split, None));
    }
}
