//! `lsnim -p`, `-P` and `-q`: what can be, without a question to nimd.

use nim_shared::nim::listing;
use nim_shared::nim::lsnim::{Filter, Predefined, Query};
use nim_shared::nim::predefined::{self, Word};
use nim_shared::object::{ObjectClass, ObjectType};

use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

use super::say;

/// Shows what `query` asks for.
pub(super) fn show(query: &Query, context: &Context) -> Result<Exit, Error> {
    let text = text(query)?;
    if !text.is_empty() {
        context.printer.raw(text.as_bytes())?;
    }
    Ok(Exit::Done)
}

fn text(query: &Query) -> Result<String, Error> {
    let meanings = query.predefined != Some(Predefined::Words);
    let of = match &query.filter {
        Some(Filter::Type(name)) => match name.parse::<ObjectType>() {
            Ok(of) => Some(of),
            Err(_) if predefined::is_other_type(name) => return Ok(String::new()),
            Err(unknown) => return Err(say::usage(unknown.to_string(), None)),
        },
        _ => None,
    };
    if let (Some(operation), Some(of)) = (&query.operation, of) {
        return match predefined::attributes(operation, of) {
            Some(attributes) => Ok(attributes.text()),
            None => Err(no_operation(operation, of)),
        };
    }
    if !query.attributes.is_empty() {
        return query.attributes.iter().map(|word| explained(word, meanings)).collect();
    }
    // There are no subclasses here.
    if query.subclasses || matches!(query.filter, Some(Filter::Subclass(_))) {
        return Ok(String::new());
    }
    let words: Vec<Word> = match (&query.filter, of) {
        (_, Some(of)) => predefined::operations(of),
        (Some(Filter::Class(class)), None) => match class.parse::<ObjectClass>() {
            Ok(class) => predefined::types(class),
            Err(_) if predefined::is_other_class(class) => Vec::new(),
            Err(unknown) => return Err(say::usage(unknown.to_string(), None)),
        },
        _ => predefined::CLASSES.to_vec(),
    };
    Ok(if meanings {
        listing::explained(&words)
    } else {
        words.iter().map(|(word, _)| format!("{word}\n")).collect()
    })
}

/// An operation that objects of a type do not have.
pub(super) fn no_operation(operation: &str, of: ObjectType) -> Error {
    let known: Vec<_> = predefined::operations(of).iter().map(|(name, _)| *name).collect();
    let operation = nim_shared::id::printable(operation);
    say::usage(
        format!("operation \"{operation}\" is not known for type {of}"),
        Some(format!("known are {}", known.join(", "))),
    )
}

/// `-a`: what an attribute or a type means, or the values that it may have.
fn explained(word: &str, meanings: bool) -> Result<String, Error> {
    let Some(meaning) = predefined::explain(word) else {
        let word = nim_shared::id::printable(word);
        return Err(say::usage(
            format!("\"{word}\" is no attribute and no type that is known"),
            None,
        ));
    };
    Ok(if meanings {
        listing::explained(&[(word, meaning)])
    } else {
        predefined::values(word).iter().map(|value| format!("{value}\n")).collect()
    })
}
