//! What we take from the crate behind the name `serde_yaml`, and how it is set. Nothing else names that crate (decision 0002).

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) use serde_yaml::SerializeError as Unwritable;
pub(super) use serde_yaml::granit_parser::{Event, ScalarStyle, Tag};

/// What a text consists of, or why it is no YAML, each with its line (from 1).
pub(super) fn events(
    text: &str,
    depth: usize,
) -> impl Iterator<Item = Result<(Event<'_>, usize), (usize, String)>> {
    let options = serde_yaml::granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: depth,
        block_nesting_limit: depth,
    };
    serde_yaml::granit_parser::Parser::new_from_str_with_options(text, options).map(|next| {
        next.map(|(event, span)| (event, span.start.line()))
            .map_err(|error| (error.marker().line(), error.info().to_owned()))
    })
}

/// A text as a Rust type.
///
/// # Errors
/// What is wrong, and in which line where that is known.
pub(super) fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, (Option<u64>, String)> {
    let options = serde_yaml::options! { strict_booleans: true };
    serde_yaml::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        let mut message = error.to_string();
        let mut line = None;
        if let Some(at) = error.location().filter(|at| at.line() > 0) {
            line = Some(at.line());
            let said = format!(" at line {}, column {}", at.line(), at.column());
            message.truncate(message.strip_suffix(&said).unwrap_or(&message).len());
        }
        (line, message)
    })
}

/// A value as text.
///
/// # Errors
/// When its `Serialize` fails, or YAML cannot express it.
pub(super) fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, Unwritable> {
    // Long lines stay lines: a folded text is hard to find with grep.
    let options = serde_yaml::ser_options! { folded_wrap_chars: usize::MAX };
    serde_yaml::to_string_with_options(&value, options)
}
