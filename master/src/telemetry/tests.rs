use std::collections::BTreeSet;
use std::path::Path;

use super::{FIELDS, causes, chain};

/// The macros whose fields are looked at.
const MACROS: &[&str] = &["trace!(", "debug!(", "info!(", "warn!(", "error!("];

#[test]
fn every_field_of_every_log_line_is_on_the_list() {
    let mut unknown = BTreeSet::new();
    let mut lines = 0;
    look(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |file, text| {
        for call in calls(text) {
            lines += 1;
            for field in fields(call).filter(|field| !FIELDS.contains(field)) {
                unknown.insert(format!("{}: {field}", file.display()));
            }
        }
    });
    assert!(lines > 0, "no log line was found: the test looks in the wrong place");
    assert!(unknown.is_empty(), "not in telemetry::FIELDS: {unknown:#?}");
}

#[test]
fn fields_are_found_in_a_call() {
    let text = "info!(operation.id = %id, lpar.name = %lpar, \"x = {lpar}, y\"); let a = b;";
    let found: Vec<_> = calls(text).flat_map(fields).collect();
    assert_eq!(found, ["operation.id", "lpar.name"]);
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Link(&'static str, #[source] Option<Box<Self>>);

#[test]
fn causes_are_said_outermost_first_and_a_repeated_one_once() {
    let refused = Link("connection\u{1b}[2J refused", None);
    let wrapped = Link("io: connection\u{1b}[2J refused", Some(Box::new(refused)));
    let outer = Link("cannot connect", Some(Box::new(wrapped)));
    assert_eq!(chain(&outer), "cannot connect: io: connection\u{fffd}[2J refused");
    assert!(causes(None).is_empty());
}

fn look(folder: &Path, at: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look(&path, at);
        } else if path.extension().is_some_and(|end| end == "rs")
            && !path.ends_with("telemetry/tests.rs")
        {
            at(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// What stands between the brackets of each call, up to its message.
fn calls(text: &str) -> impl Iterator<Item = &str> {
    MACROS.iter().flat_map(move |name| {
        text.match_indices(name).filter_map(move |(at, _)| {
            let line = text[..at].rsplit('\n').next().unwrap_or_default().trim_start();
            let before = text[..at].chars().next_back();
            let is_call =
                !line.starts_with("//") && !before.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let rest = &text[at + name.len()..];
            is_call.then(|| &rest[..rest.find('"').unwrap_or(rest.len())])
        })
    })
}

/// The names before each `=`.
fn fields(call: &str) -> impl Iterator<Item = &str> {
    call.split(',').filter_map(|part| {
        let (name, _) = part.split_once('=')?;
        Some(name.trim())
    })
}
