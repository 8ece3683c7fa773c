//! A file that holds one mapping, as a tree whose nodes know their lines: for readers that say all faults at once.

use std::rc::Rc;

use crate::api::{File, FileFault};

use super::FILE_LIMIT;
use super::node::{Node, Value, documents};

/// Reads `file`, which holds one mapping or nothing.
///
/// # Errors
/// What keeps it from being read, with its line.
pub fn read_document(file: &File) -> Result<Option<Rc<Node>>, FileFault> {
    let fault = |line, message: String| FileFault {
        file: Some(file.name.clone()),
        line,
        path: String::new(),
        message,
    };
    if file.text.len() > FILE_LIMIT {
        return Err(fault(None, format!("is larger than {} MB", FILE_LIMIT >> 20)));
    }
    let (documents, broken) = documents(&file.text);
    if let Some(broken) = broken {
        return Err(fault(Some(broken.line), broken.message));
    }
    match &documents[..] {
        [] => Ok(None),
        [document] => match &document.value {
            Value::Map(_) => Ok(Some(Rc::clone(document))),
            Value::Null => Ok(None),
            other => {
                let message = format!("is {}, and should be a mapping", other.kind());
                Err(fault(Some(document.line), message))
            }
        },
        [_, second, ..] => Err(fault(Some(second.line), "holds more than one document".to_owned())),
    }
}
