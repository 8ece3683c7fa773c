//! Questions to a person.

use std::io::{self, BufRead, IsTerminal};

use crate::command::Context;
use crate::error::Error;

/// Asks `question`, which is answered with yes or no. What `what` names is not done without an answer.
///
/// # Errors
/// [`Error::Declined`] when the answer is not yes; [`Error::NobodyToAsk`] where no terminal is.
pub(super) fn confirm(
    question: &str,
    what: &str,
    hint: &'static str,
    context: &Context,
) -> Result<(), Error> {
    if !is_anybody_there() {
        return Err(Error::NobodyToAsk { what: what.to_owned(), hint });
    }
    context.printer.on_stderr(&format!("{question} [y/N] "));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|cause| Error::File {
        what: "read the answer from",
        path: "the terminal".into(),
        cause,
    })?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::Declined),
    }
}

/// Whether somebody sees a question and can answer it.
pub(super) fn is_anybody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
