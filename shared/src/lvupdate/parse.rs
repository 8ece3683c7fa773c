//! Text to lines. Never fails: what cannot be read is kept as it is, and `check` names it.

use super::{Document, Line};

/// Reads a file. What is wrong with it is found by [`check`](fn@super::check).
#[must_use]
pub fn parse(text: &str) -> Document {
    let mut document = Document::default();
    if text.is_empty() {
        return document;
    }
    let text = text.strip_suffix('\n').unwrap_or(text);
    for (at, line) in text.split('\n').enumerate() {
        let bare = line.strip_suffix('\r').unwrap_or(line);
        if bare.len() < line.len() {
            document.carriage_return.get_or_insert(at + 1);
        }
        document.lines.push(read(bare.trim_end()));
    }
    document
}

fn read(line: &str) -> Line {
    let text = line.trim_start();
    if text.is_empty() {
        return Line::Blank;
    }
    if text.starts_with(['#', '*']) {
        return Line::Comment(line.to_owned());
    }
    let indented = text.len() < line.len();
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Line::Unreadable(line.to_owned());
    }
    if let Some((key, value)) = text.split_once('=') {
        let (key, value) = (key.trim(), value.trim());
        if is_word(key) {
            return Line::Attribute { key: key.to_owned(), value: value.to_owned(), indented };
        }
    } else if let Some(name) = text.strip_suffix(':').map(str::trim_end)
        && !indented
        && is_word(name)
    {
        return Line::Stanza(name.to_owned());
    }
    Line::Unreadable(line.to_owned())
}

/// One word without the marks of the grammar.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '=', '#', '*']) && !text.contains(char::is_whitespace)
}
