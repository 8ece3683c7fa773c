//! How an error is told: the chain of its causes in one line.

use std::error::Error;
use std::fmt::Write as _;

/// `error` with its causes: `cannot write FILE: no space left on device`.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        write!(text, ": {error}").unwrap_or_default();
        cause = error.source();
    }
    text
}
