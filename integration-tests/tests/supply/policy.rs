//! `deny.toml` as far as the tests here hold the build to it.

use std::collections::BTreeMap;

/// The lists of the file, by `section.key`: each entry with its reason, where it has one. Entries stand on lines of their
/// own; a table's first text is the entry, its last the reason.
pub(crate) struct Policy(BTreeMap<String, Vec<Entry>>);

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) reason: Option<String>,
}

impl Policy {
    pub(crate) fn read(text: &str) -> Self {
        let mut lists: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        let mut section = "";
        let mut open: Option<String> = None;
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            } else if let Some(key) = line.strip_suffix(" = [") {
                open = Some(format!("{section}.{key}"));
            } else if line == "]" {
                open = None;
            } else if let Some(list) = &open {
                let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
                let [name, reasons @ ..] = &quoted[..] else { continue };
                let reason = reasons.last().map(|&reason| reason.to_owned());
                let entry = Entry { name: (*name).to_owned(), reason };
                lists.entry(list.clone()).or_default().push(entry);
            }
        }
        Self(lists)
    }

    /// The entries of a list such as `bans.deny`.
    pub(crate) fn list(&self, name: &str) -> &[Entry] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Whether `allowed` licences satisfy an SPDX expression; one that cannot be read is not satisfied. An older form with `/`
/// means `OR`.
pub(crate) fn satisfied(expression: &str, allowed: &[Entry]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    any_of(&mut rest, allowed) == Some(true) && rest.is_empty()
}

/// `a OR b …`
fn any_of(rest: &mut &[&str], allowed: &[Entry]) -> Option<bool> {
    let mut result = all_of(rest, allowed)?;
    while let Some((&"OR", after)) = rest.split_first() {
        *rest = after;
        result |= all_of(rest, allowed)?;
    }
    Some(result)
}

/// `a AND b …`
fn all_of(rest: &mut &[&str], allowed: &[Entry]) -> Option<bool> {
    let mut result = one(rest, allowed)?;
    while let Some((&"AND", after)) = rest.split_first() {
        *rest = after;
        result &= one(rest, allowed)?;
    }
    Some(result)
}

/// `a`, `a WITH exception` or `( … )`
fn one(rest: &mut &[&str], allowed: &[Entry]) -> Option<bool> {
    let (&first, after) = rest.split_first()?;
    *rest = after;
    if first == "(" {
        let result = any_of(rest, allowed)?;
        *rest = rest.strip_prefix(&[")"])?;
        return Some(result);
    }
    let mut name = first.to_owned();
    if let [with @ "WITH", exception, after @ ..] = rest {
        name = format!("{first} {with} {exception}");
        *rest = after;
    }
    Some(allowed.iter().any(|entry| entry.name == name))
}
