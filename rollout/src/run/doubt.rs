//! Whether a target that is done is known to be healthy. An update that succeeded may leave an LPAR with fewer paths, or with nobody knowing
//! what came after the move: such a one counts as done, and lets neither its partner start nor its wave be healthy, until a look finds that
//! gone or a person says that it is healthy all the same.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{End, Is, Orders, Refused, Standing, State, TargetNumber};

/// Why a target that is done is not known to be healthy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// Something was found that a later look may find gone.
    Found {
        /// What.
        what: String,
    },
    /// Its update could not say, and nothing will be able to: only a person's word ends it.
    Unverified {
        /// What.
        what: String,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Found { what } | Self::Unverified { what }) = self;
        f.write_str(what)
    }
}

impl Standing {
    /// Whether it is done, and something about it is in doubt that nobody has vouched for.
    #[must_use]
    pub fn is_doubted(&self) -> bool {
        self.is_done() && !self.doubts.is_subset(&self.trusted)
    }

    /// Whether it is over and came to the end that was asked for.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.is.end(), Some(End::Updated | End::Unchanged))
    }
}

impl State {
    /// What a look found of a target that is done.
    pub(super) fn doubted(
        &mut self,
        orders: &Orders,
        target: TargetNumber,
        attempt: u32,
        doubts: BTreeSet<Doubt>,
    ) -> Result<(), Refused> {
        let one = self.of_attempt(target, attempt)?;
        if !one.is_done() {
            return Err(Refused::NotOfTarget(target));
        }
        // What comes again after it was gone is in doubt again.
        one.trusted.retain(|doubt| doubts.contains(doubt));
        if one.doubts != doubts {
            one.doubts = doubts;
            self.judge_again(orders, target);
        }
        Ok(())
    }

    /// A person says that targets are healthy, all or none of them.
    pub(super) fn trust(
        &mut self,
        orders: &Orders,
        targets: &[TargetNumber],
    ) -> Result<(), Refused> {
        if !self.is_under_way() {
            return Err(Refused::NotNow("is not under way"));
        }
        for &target in targets {
            let is_over = matches!(self.standing(target)?.is, Is::Ended { .. });
            if !is_over || !self.standing(target)?.is_doubted() {
                return Err(Refused::NotOfTarget(target));
            }
        }
        for &target in targets {
            let one = &mut self.targets[target as usize];
            one.trusted.clone_from(&one.doubts);
            self.judge_again(orders, target);
        }
        Ok(())
    }
}
