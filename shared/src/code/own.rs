//! Our own codes, `NLU-0201`: each error that a person may read has one, which stays the same for years.
//!
//! The texts of the errors name the object and what to type there and then; what stands here is what the code means wherever it
//! turns up, such as in a log or a ticket. A test over the whole source keeps code and table together, both ways.

mod api;
mod command_line;
mod engine;
mod host;
mod nimd;
mod outcome;
mod store;

use super::{Entry, Retry};

/// All of them, a part of the system each.
pub(super) const ENTRIES: [&[Entry]; 10] = [
    nimd::ENTRIES,
    api::request::ENTRIES,
    api::object::ENTRIES,
    api::operation::ENTRIES,
    api::rollout::ENTRIES,
    outcome::ENTRIES,
    host::ENTRIES,
    store::ENTRIES,
    engine::ENTRIES,
    command_line::ENTRIES,
];

/// The entry of a code of ours: title, cause, remedy, and whether trying again helps.
const fn own(
    code: &'static str,
    title: &'static str,
    cause: &'static str,
    remedy: &'static str,
    retry: Retry,
) -> Entry {
    Entry { code, title, cause, remedy, retry, ..Entry::PLAIN }
}
