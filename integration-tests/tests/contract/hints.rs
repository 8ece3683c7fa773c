//! Whatever a message tells somebody to type can be typed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::programs::Known;
use crate::workspace;

#[test]
fn commands_in_messages_and_documents_are_commands() {
    let known = Known::ask();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for folder in ["nimctl/src", "master/src", "shared/src", "scripts", "docs", "lab/src"] {
        for path in files(&workspace().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            // A long string goes on in the next line of the source.
            let text = text.replace("\\\n", " ");
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for command in commands(line) {
                    seen += 1;
                    let place = path.strip_prefix(workspace()).unwrap().display();
                    wrong.extend(
                        known.fault(&command).map(|fault| format!("{place}: {command}: {fault}")),
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} commands were found");
}

/// What in a line looks like a command of `nimctl`, to where it ends.
fn commands(line: &str) -> Vec<String> {
    let starts = line.match_indices("nimctl ").map(|(at, _)| at);
    let starts = starts.filter(|at| {
        !line[..*at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/'))
    });
    let cut = |at: usize| {
        let end = |c: char| {
            matches!(
                c,
                '`' | '"' | '\'' | ';' | ',' | '|' | ')' | '(' | ':' | '\\' | '.' | '<' | '>'
            )
        };
        let text = &line[at..];
        text[..text.find(end).unwrap_or(text.len())].trim().to_owned()
    };
    // A sentence about nimctl goes on in words; a command begins with one of its own.
    starts.map(cut).filter(|text| !text.contains(" {} ") && is_meant(text)).collect()
}

/// Whether the word behind `nimctl` is a command or a slip in one, and not the rest of a sentence.
fn is_meant(text: &str) -> bool {
    const SENTENCE: [&str; 14] = [
        "and", "is", "are", "does", "of", "shows", "ends", "talks", "has", "finds", "took", "by",
        "reads", "makes",
    ];
    let word = text.split_whitespace().nth(1).unwrap_or("and");
    !SENTENCE.contains(&word) && !word.starts_with(['{', '$'])
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
