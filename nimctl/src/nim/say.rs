//! What goes wrong, in NIM's form on stderr, with NIM's exit code.

use nim_shared::api::{Failure, FailureKind, FileFault};
use nim_shared::id::printable;
use nim_shared::nim::message::{Code, Message};
use nim_shared::nim::order::Order;

use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

/// A command line that cannot be meant.
pub(super) fn usage(what: impl Into<String>, hint: Option<String>) -> Error {
    Error::Usage { what: what.into(), faults: Vec::new(), hint }
}

/// Something that this master does not do.
pub(super) fn refused(code: &str, what: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Server(Box::new(Failure {
        code: code.to_owned(),
        message: what.into(),
        causes: Vec::new(),
        hint: Some(hint.into()),
        faults: Vec::new(),
        kind: FailureKind::Refused,
    }))
}

/// Listings that differ from what is here.
pub(super) fn conflicts(faults: Vec<FileFault>) -> Error {
    Error::Server(Box::new(Failure {
        code: "NLU-0527".to_owned(),
        message: "what is here differs from the listings; nothing was changed".to_owned(),
        causes: Vec::new(),
        hint: Some(
            "change the one or the other, or leave what is here with --skip-conflicts".to_owned(),
        ),
        faults,
        kind: FailureKind::Refused,
    }))
}

/// Whether `error` says that there is no such object.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Server(failure)
        if failure.kind == FailureKind::NotFound && matches!(failure.code.as_str(), "NLU-0310" | "NLU-0311"))
}

/// Reports `error`; the exit code is that of NIM's code, ours where it has none.
pub(super) fn report(program: &str, error: &Error, context: &Context) -> Exit {
    if matches!(error, Error::PipeClosed) {
        return Exit::Done;
    }
    let failure = error.failure();
    let message = Message::of(&failure, program);
    let exit = message.exit().map_or_else(|| error.exit(), Exit::Nim);
    if context.printer.format().is_for_people() {
        context.printer.on_stderr(&message.to_string());
    } else {
        context.printer.failure(&failure);
    }
    exit
}

/// Says `message`, whatever the format; the exit code is that of NIM's code, `other` where it has none.
pub(super) fn message(message: &Message, other: Exit, context: &Context) -> Exit {
    context.printer.on_stderr(&message.to_string());
    message.exit().map_or(other, Exit::Nim)
}

/// Warns of something, which changes no exit code.
pub(super) fn warning(code: &str, program: &str, text: &str, context: &Context) {
    let mut said = Message::new(code, program, printable(text));
    said.warning = true;
    message(&said, Exit::Done, context);
}

/// Says that there is no object of this name.
pub(super) fn no_object(program: &str, name: &str, context: &Context) -> Exit {
    message(&Message::no_object(program, name), Exit::Refused, context)
}

/// Refuses attributes that nobody takes.
pub(super) fn only(order: &Order, known: &[&str]) -> Result<(), Error> {
    match order.attributes.iter().find(|pair| !known.contains(&pair.attribute.as_str())) {
        None => Ok(()),
        Some(pair) => Err(usage(
            format!(
                "{} does not take the attribute {}",
                order.operation,
                printable(&pair.attribute)
            ),
            None,
        )),
    }
}

/// The exit code of one of NIM's codes.
pub(super) fn exit(code: Code) -> Exit {
    Exit::Nim(code.exit())
}
