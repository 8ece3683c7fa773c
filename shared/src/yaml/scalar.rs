//! A document as its scalars, for files whose keys are a table of their own: the settings of `nimd`.

use crate::api::{File, FileFault};

use super::document::read_document;
use super::node::{Node, Value};

/// One scalar, or an empty place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Keys and positions that lead to it: `limits.per_frame`, `via[0]`.
    pub path: String,
    /// Its line, from 1.
    pub line: u64,
    /// Its text as it was written; `None` where there is none.
    pub text: Option<String>,
}

/// Reads the scalars of `file`, which holds one mapping or nothing, in the order of the file.
///
/// # Errors
/// What keeps it from being read, with its line.
pub fn read_scalars(file: &File) -> Result<Vec<Scalar>, FileFault> {
    let mut scalars = Vec::new();
    if let Some(document) = read_document(file)? {
        walk(&document, String::new(), &mut scalars);
    }
    Ok(scalars)
}

/// Adds what `node`, which is at `path`, consists of.
fn walk(node: &Node, path: String, into: &mut Vec<Scalar>) {
    match &node.value {
        Value::Null => into.push(Scalar { path, line: node.line, text: None }),
        Value::Text(text) => {
            into.push(Scalar { path, line: node.line, text: Some(text.clone()) });
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, format!("{path}[{index}]"), into);
            }
        }
        Value::Map(pairs) => {
            for (key, value) in pairs {
                let dot = if path.is_empty() { "" } else { "." };
                walk(value, format!("{path}{dot}{}", key.text), into);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_keep_their_text_and_line() {
        let text = "limits:\n  per_frame: 007\n  via: [a, ~]\n\nsocket:\n";
        let file = File { name: "nimd.yaml".to_owned(), text: text.to_owned() };
        let scalars = read_scalars(&file).unwrap();
        let rows: Vec<_> =
            scalars.iter().map(|one| (&*one.path, one.line, one.text.as_deref())).collect();
        assert_eq!(
            rows,
            [
                ("limits.per_frame", 2, Some("007")),
                ("limits.via[0]", 3, Some("a")),
                ("limits.via[1]", 3, None),
                ("socket", 5, None),
            ]
        );
    }

    #[test]
    fn what_is_no_single_mapping_is_refused_with_its_line() {
        // A list that is never closed is reported where it begins.
        for (text, line) in [("a: 1\n---\nb: 2\n", 3), ("\n- a\n", 2), ("a: [\n", 1)] {
            let file = File { name: "nimd.yaml".to_owned(), text: text.to_owned() };
            let fault = read_scalars(&file).unwrap_err();
            assert_eq!(
                (fault.line, fault.file.as_deref()),
                (Some(line), Some("nimd.yaml")),
                "{text:?}"
            );
        }
    }
}
