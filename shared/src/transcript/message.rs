//! Lines whose text is not known beforehand: verdicts, message numbers, and where one message ends and the next begins.

use super::event::Check;
use super::sentence::{self, Beginning};
use crate::code;
use crate::frame::Verdict;

/// The check that a text is, with the number before the verdict: `1430-246 FAILED: No valid …`.
pub(super) fn check(text: &str) -> Option<Check> {
    let (code, rest) = match code::leading(text) {
        Some(found) => (Some(found.code), text[found.end..].trim_start()),
        None => (None, text),
    };
    let (verdict, rest) =
        VERDICTS.iter().find_map(|(word, verdict)| Some((*verdict, rest.strip_prefix(word)?)))?;
    Some(Check { verdict, code, text: rest.trim().to_owned() })
}

/// Whether a text begins like a message of its own, so that it is no continuation of the line before.
pub(super) fn is_start(text: &str) -> bool {
    check(text).is_some()
        || code::leading(text).is_some()
        || STARTS.iter().any(|start| text.starts_with(start))
        || match sentence::beginning(text) {
            Beginning::Sentence(_) => true,
            // A word or two may begin anything.
            Beginning::Part => text.len() > 12,
            Beginning::Other => false,
        }
}

/// Whether a text is a message that may go on in the next line.
pub(super) fn is_open(text: &str) -> bool {
    if !(check(text).is_some() || code::leading(text).is_some() || text.starts_with("File /")) {
        return false;
    }
    // Messages of the checkpoint engine end with where they came from: `[02.229.0730]`.
    let ends: &[char] = if text.starts_with("1020-") { &[']'] } else { &['.', ']'] };
    !text.trim_end().ends_with(ends)
}

/// Where in a text the next message begins, when several stand in one line: glued by dots, or flattened by a document.
pub(super) fn next_start(text: &str) -> Option<usize> {
    let mut before = ['\0'; 2];
    for (at, c) in text.char_indices() {
        let apart = matches!(before, ['.' | ']' | '…', ' ' | '.' | '…'] | [_, '…'])
            && c != ' '
            && !matches!(c, '.' | '…');
        if apart && at > 0 {
            let rest = &text[at..];
            let message =
                code::leading(rest).is_some_and(|found| rest[found.end..].starts_with(' '));
            if message || matches!(sentence::beginning(rest), Beginning::Sentence(_)) {
                return Some(at);
            }
        }
        // Any run of blanks counts as one.
        if c != ' ' || before[1] != ' ' {
            before = [before[1], c];
        }
    }
    None
}

/// The file in `File /etc/inittab has been modified.`
pub(super) fn modified_file(text: &str) -> Option<&str> {
    let file = text.strip_prefix("File ")?.strip_suffix(" has been modified.")?;
    file.starts_with('/').then_some(file)
}

const VERDICTS: [(&str, Verdict); 4] = [
    ("PASSED:", Verdict::Passed),
    ("FAILED:", Verdict::Failed),
    ("WARNING:", Verdict::Warning),
    ("INFO:", Verdict::Info),
];

/// Beginnings of lines that continue nothing.
const STARTS: [&str; 9] = [
    "install_all_updates:",
    "geninstall:",
    "installp:",
    "LPAR:",
    "HMC:",
    "Mode:",
    "----",
    "+---",
    "****",
];
