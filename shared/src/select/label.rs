//! Label selectors, as `kubectl` has them: `env=prod,tier in (web, db),!old`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::id::printable;
use crate::object::is_label_key;

/// Requirements of labels, all of which have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(pub Vec<Requirement>);

/// What one label has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// `KEY`: there is one, whatever its value.
    Exists(String),
    /// `!KEY`: there is none.
    Missing(String),
    /// `KEY=VALUE`, `KEY==VALUE`, `KEY in (VALUE, …)`: one of these.
    In(String, Vec<String>),
    /// `KEY!=VALUE`, `KEY notin (VALUE, …)`: none of these; also where there is no such label.
    NotIn(String, Vec<String>),
}

impl Selector {
    /// Whether all requirements hold of `labels`.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|one| match one {
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Missing(key) => !labels.contains_key(key),
            Requirement::In(key, values) => labels.get(key).is_some_and(|has| values.contains(has)),
            Requirement::NotIn(key, values) => {
                labels.get(key).is_none_or(|has| !values.contains(has))
            }
        })
    }
}

/// A text that is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "character {at}: \"{}\" is no requirement of a label: KEY=VALUE, KEY!=VALUE, KEY in (VALUE, ...), KEY notin (VALUE, ...), KEY or \
     !KEY, KEY of letters, digits, `_`, `-`, `.` and `/`; several are separated by commas",
    printable(found)
)]
pub struct BadSelector {
    /// Where the requirement begins, in characters from 1.
    pub at: usize,
    /// The requirement.
    pub found: String,
}

/// Longest selector.
const LONGEST: usize = 4096;

impl FromStr for Selector {
    type Err = BadSelector;

    fn from_str(text: &str) -> Result<Self, BadSelector> {
        if text.len() > LONGEST {
            return Err(BadSelector { at: 1, found: text.chars().take(80).collect() });
        }
        let mut requirements = Vec::new();
        let mut at = 1;
        for part in parts(text) {
            let blanks = part.chars().take_while(|c| c.is_whitespace()).count();
            let bad = || BadSelector { at: at + blanks, found: part.trim().to_owned() };
            requirements.push(requirement(part.trim()).ok_or_else(bad)?);
            at += part.chars().count() + 1;
        }
        Ok(Self(requirements))
    }
}

/// The text split at the commas that are not in parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.split(move |c| {
        inside = match c {
            '(' => true,
            ')' => false,
            _ => inside,
        };
        c == ',' && !inside
    })
}

/// What one part asks for.
fn requirement(text: &str) -> Option<Requirement> {
    let key = |text: &str| {
        let key = text.trim();
        is_label_key(key).then(|| key.to_owned())
    };
    if let Some(of) = text.strip_prefix('!') {
        return key(of).map(Requirement::Missing);
    }
    if let Some(before) = text.strip_suffix(')') {
        let (before, values) = before.split_once('(')?;
        let values: Vec<_> = values.split(',').map(|value| value.trim().to_owned()).collect();
        if values.iter().any(|value| !is_value(value)) {
            return None;
        }
        let (of, word) = before.trim_end().rsplit_once(char::is_whitespace)?;
        return match word {
            "in" => Some(Requirement::In(key(of)?, values)),
            "notin" => Some(Requirement::NotIn(key(of)?, values)),
            _ => None,
        };
    }
    let value = |text: &str| {
        let value = text.trim();
        is_value(value).then(|| vec![value.to_owned()])
    };
    if let Some((of, is)) = text.split_once("!=") {
        return Some(Requirement::NotIn(key(of)?, value(is)?));
    }
    match text.split_once('=') {
        Some((of, is)) => {
            Some(Requirement::In(key(of)?, value(is.strip_prefix('=').unwrap_or(is))?))
        }
        None => key(text).map(Requirement::Exists),
    }
}

/// Whether a value can stand in a selector; others are compared by `label.KEY='…'` in a filter.
fn is_value(text: &str) -> bool {
    !text.contains(['(', ')', '!', '=', ',', '\0'])
}

impl fmt::Display for Selector {
    /// As it is read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match requirement {
                Requirement::Exists(key) => f.write_str(key)?,
                Requirement::Missing(key) => write!(f, "!{key}")?,
                Requirement::In(key, values) => write!(f, "{key} in ({})", values.join(","))?,
                Requirement::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(","))?,
            }
        }
        Ok(())
    }
}
