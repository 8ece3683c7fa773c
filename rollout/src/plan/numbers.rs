//! The exact numbers at which a rollout stops.

use nim_shared::api::StopNumbers;

use crate::file::{Amount, StopAt};

/// The numbers of `members` that `at` is about.
#[must_use]
pub(super) fn numbers(at: &StopAt, members: usize) -> StopNumbers {
    let number = |amount: Option<Amount>| amount.map(|one| one.of(members));
    StopNumbers {
        failed: number(at.failed),
        unreachable: number(at.unreachable),
        skipped: number(at.skipped),
    }
}
