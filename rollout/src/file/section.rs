//! A mapping that is being read: its keys are known, each is there once, and what is wrong is kept with its place.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use nim_shared::api::FileFault;
use nim_shared::id::printable;
use nim_shared::near::closest;
use nim_shared::yaml::{FAULT_LIMIT, Node, Value};

/// What is wrong with a file, so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    file: String,
    found: Vec<FileFault>,
    more: bool,
}

impl Faults {
    pub(super) fn of(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    pub(super) fn add(&mut self, line: u64, path: &str, message: impl Display) {
        if self.found.len() < FAULT_LIMIT {
            self.found.push(FileFault {
                file: Some(self.file.clone()),
                line: Some(line),
                path: path.to_owned(),
                message: message.to_string(),
            });
        } else {
            self.more = true;
        }
    }

    /// All of them in the order of the file; empty when there are none.
    pub(super) fn finish(mut self) -> Vec<FileFault> {
        self.found.sort_by_key(|fault| fault.line);
        if self.more {
            let message = format!("more than {FAULT_LIMIT} faults; the rest is not listed");
            self.found.push(FileFault { file: None, line: None, path: String::new(), message });
        }
        self.found
    }
}

/// A mapping with its place.
#[derive(Debug)]
pub(super) struct Section<'n> {
    pub(super) path: String,
    pub(super) line: u64,
    fields: Vec<(&'n str, &'n Node)>,
}

impl<'n> Section<'n> {
    /// Of a node that should be a mapping with some of the keys `known`. What is not known is a fault, and left out.
    pub(super) fn new(node: &'n Node, path: &str, known: &[&str], faults: &mut Faults) -> Self {
        let mut section = Self::free(node, path, faults);
        section.fields.retain(|(key, value)| {
            let is_known = known.contains(key);
            if !is_known {
                let hint = match closest(key, known.iter().copied()) {
                    Some(meant) => format!("; did you mean \"{meant}\"?"),
                    None => format!(" (keys: {})", known.join(", ")),
                };
                faults.add(value.line, &join(path, key), format!("is no key here{hint}"));
            }
            is_known
        });
        section
    }

    /// Of a node that should be a mapping with any keys.
    pub(super) fn free(node: &'n Node, path: &str, faults: &mut Faults) -> Self {
        let mut fields = Vec::new();
        match &node.value {
            Value::Map(pairs) => {
                let mut first: HashMap<&str, u64> = HashMap::new();
                for (key, value) in pairs {
                    match first.get(key.text.as_str()) {
                        Some(line) => {
                            let message =
                                format!("is written twice; the first time in line {line}");
                            faults.add(key.line, &join(path, &key.text), message);
                        }
                        None => {
                            first.insert(&key.text, key.line);
                            fields.push((key.text.as_str(), &**value));
                        }
                    }
                }
            }
            Value::Null => {}
            Value::Text(_) | Value::List(_) => {
                let message = format!("is {}, and should be a mapping", node.value.kind());
                faults.add(node.line, path, message);
            }
        }
        Self { path: path.to_owned(), line: node.line, fields }
    }

    /// Keys and values, in the order of the file.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'n str, &'n Node)> + '_ {
        self.fields.iter().copied()
    }

    /// What is written for `key`; an empty place is nothing.
    pub(super) fn node(&self, key: &str) -> Option<&'n Node> {
        let found = self.fields.iter().find(|(name, _)| *name == key).map(|(_, node)| *node);
        found.filter(|node| !matches!(node.value, Value::Null))
    }

    /// The path of `key`.
    pub(super) fn of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The mapping under `key`.
    pub(super) fn section(&self, key: &str, known: &[&str], faults: &mut Faults) -> Option<Self> {
        Some(Self::new(self.node(key)?, &self.of(key), known, faults))
    }

    /// The value of `key`.
    pub(super) fn get<T: FromStr>(&self, key: &str, faults: &mut Faults) -> Option<T>
    where
        T::Err: Display,
    {
        parse(self.node(key)?, &self.of(key), faults)
    }

    /// The value of `key`, which has to be there.
    pub(super) fn need<T: FromStr>(&self, key: &str, faults: &mut Faults) -> Option<T>
    where
        T::Err: Display,
    {
        if self.node(key).is_none() {
            faults.add(self.line, &self.of(key), "is required");
        }
        self.get(key, faults)
    }

    /// The values of `key`: one, or a list.
    pub(super) fn list<T: FromStr>(&self, key: &str, faults: &mut Faults) -> Vec<T>
    where
        T::Err: Display,
    {
        let items = self.items(key);
        items.into_iter().filter_map(|(node, path)| parse(node, &path, faults)).collect()
    }

    /// The nodes under `key`, each with its path: one, or those of a list.
    pub(super) fn items(&self, key: &str) -> Vec<(&'n Node, String)> {
        match self.node(key) {
            None => Vec::new(),
            Some(node) => match &node.value {
                Value::List(items) => {
                    let path = |at: usize| format!("{}[{at}]", self.of(key));
                    items.iter().enumerate().map(|(at, item)| (&**item, path(at))).collect()
                }
                Value::Map(_) | Value::Text(_) | Value::Null => vec![(node, self.of(key))],
            },
        }
    }

    /// One of the words of `table` under `key`.
    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        table: &[(&str, T)],
        faults: &mut Faults,
    ) -> Option<T> {
        word(self.node(key)?, &self.of(key), table, faults)
    }

    /// Words of `table` under `key`: one, or a list.
    pub(super) fn words<T: Copy>(
        &self,
        key: &str,
        table: &[(&str, T)],
        faults: &mut Faults,
    ) -> Vec<T> {
        let items = self.items(key);
        items.into_iter().filter_map(|(node, path)| word(node, &path, table, faults)).collect()
    }

    /// A whole number from 1 on under `key`.
    pub(super) fn count(&self, key: &str, faults: &mut Faults) -> Option<u32> {
        let node = self.node(key)?;
        number(node, &self.of(key), faults)
    }
}

/// One of the words of `table`.
fn word<T: Copy>(node: &Node, path: &str, table: &[(&str, T)], faults: &mut Faults) -> Option<T> {
    let text = text(node, path, faults)?;
    let found = table.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<_> = table.iter().map(|(word, _)| *word).collect();
        let message = format!("is \"{}\", and should be {}", printable(text), words.join(" or "));
        faults.add(node.line, path, message);
    }
    found
}

/// A whole number from 1 on.
pub(super) fn number(node: &Node, path: &str, faults: &mut Faults) -> Option<u32> {
    let text = text(node, path, faults)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let found = text.parse().ok().filter(|count| digits && (1..=MOST).contains(count));
    if found.is_none() {
        let message =
            format!("is \"{}\", and should be a number from 1 to {MOST}", printable(text));
        faults.add(node.line, path, message);
    }
    found
}

/// Largest number of a limit.
const MOST: u32 = 1_000_000;

/// A single value.
pub(super) fn text<'n>(node: &'n Node, path: &str, faults: &mut Faults) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) => Some(text),
        other => {
            faults.add(
                node.line,
                path,
                format!("is {}, and should be a single value", other.kind()),
            );
            None
        }
    }
}

/// A single value as what it should be.
pub(super) fn parse<T: FromStr>(node: &Node, path: &str, faults: &mut Faults) -> Option<T>
where
    T::Err: Display,
{
    match text(node, path, faults)?.parse() {
        Ok(value) => Some(value),
        Err(bad) => {
            faults.add(node.line, path, bad);
            None
        }
    }
}

/// The path of `key` in `path`.
pub(super) fn join(path: &str, key: &str) -> String {
    let key = printable(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}
