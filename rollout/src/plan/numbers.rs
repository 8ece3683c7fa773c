//! The exact numbers at which a rollout stops.

use serde::{Deserialize, Serialize};

use crate::file::StopAt;

/// So many stop it; `None` where no number does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopNumbers {
    /// That failed or are stuck.
    pub failed: Option<usize>,
    /// That could not be reached.
    pub unreachable: Option<usize>,
    /// That were skipped.
    pub skipped: Option<usize>,
}

impl StopNumbers {
    /// Of `members` that `at` is about.
    #[must_use]
    pub fn of(at: &StopAt, members: usize) -> Self {
        let number = |amount: Option<crate::file::Amount>| amount.map(|one| one.of(members));
        Self {
            failed: number(at.failed),
            unreachable: number(at.unreachable),
            skipped: number(at.skipped),
        }
    }

    /// What of it so many have reached, in words; `None` where nothing.
    #[must_use]
    pub fn reached(&self, failed: usize, unreachable: usize, skipped: usize) -> Option<String> {
        [
            (self.failed, failed, "failed"),
            (self.unreachable, unreachable, "could not be reached"),
            (self.skipped, skipped, "were skipped"),
        ]
        .into_iter()
        .find_map(|(limit, count, what)| {
            let limit = limit.filter(|limit| count >= *limit)?;
            Some(format!("{count} {what}, {limit} are the end"))
        })
    }
}
