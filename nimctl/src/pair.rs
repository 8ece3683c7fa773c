//! `ATTRIBUTE=VALUE` on the command line.

use std::str::FromStr;

use nim_shared::api::{Edit, Pair};
use nim_shared::id::printable;

/// One `-a ATTRIBUTE=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) attribute: String,
    pub(crate) value: String,
}

/// A text that is no assignment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not ATTRIBUTE=VALUE", printable(.0))]
pub(crate) struct BadAssignment(String);

impl FromStr for Assignment {
    type Err = BadAssignment;

    fn from_str(text: &str) -> Result<Self, BadAssignment> {
        match text.split_once('=') {
            Some((attribute, value)) if !attribute.trim().is_empty() => {
                Ok(Self { attribute: attribute.trim().to_owned(), value: value.to_owned() })
            }
            _ => Err(BadAssignment(text.to_owned())),
        }
    }
}

impl From<&Assignment> for Pair {
    fn from(assignment: &Assignment) -> Self {
        Self { attribute: assignment.attribute.clone(), value: assignment.value.clone() }
    }
}

/// Before the name of a list: an entry is added.
const ADD: &str = "add_";

/// Before the name of a list: an entry is taken out.
const REMOVE: &str = "rm_";

/// The attributes of a new object. As NIM has it: `-a add_member=aix01` also when a group is defined.
pub(crate) fn defined(given: impl IntoIterator<Item = Pair>) -> Vec<Pair> {
    let plain = |pair: Pair| match pair.attribute.strip_prefix(ADD) {
        Some(list) => Pair { attribute: list.to_owned(), ..pair },
        None => pair,
    };
    given.into_iter().map(plain).collect()
}

/// A change of an object: what is set, and what is put into lists and taken out of them.
pub(crate) fn edit(given: impl IntoIterator<Item = Pair>) -> Edit {
    let mut edit = Edit::default();
    for Pair { attribute, value } in given {
        if let Some(list) = attribute.strip_prefix(ADD) {
            edit.add.push(Pair { attribute: list.to_owned(), value });
        } else if let Some(list) = attribute.strip_prefix(REMOVE) {
            edit.remove.push(Pair { attribute: list.to_owned(), value });
        } else {
            edit.set.push(Pair { attribute, value });
        }
    }
    edit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_what_it_likes() {
        let read: Assignment = "if1=find_net a=b 0".parse().unwrap();
        assert_eq!((read.attribute.as_str(), read.value.as_str()), ("if1", "find_net a=b 0"));
        let cleared: Assignment = "comments=".parse().unwrap();
        assert_eq!(cleared.value, "");
        assert!("comments".parse::<Assignment>().is_err());
        assert!("=x".parse::<Assignment>().is_err());
    }
}
