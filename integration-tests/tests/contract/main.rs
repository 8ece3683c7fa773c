//! What is promised in writing holds: each command of the README runs, each example is used, each code has an explanation, each
//! check has its row in the documentation, and each command that a hint tells somebody to type is one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

mod checks;
mod codes;
mod examples;
mod hints;
mod markdown;
mod programs;
mod readme;
mod site;

use std::path::PathBuf;

/// The workspace.
fn workspace() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file of the workspace as text.
fn text(path: &str) -> String {
    std::fs::read_to_string(workspace().join(path)).unwrap()
}
