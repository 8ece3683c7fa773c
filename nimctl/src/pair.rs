//! `ATTRIBUTE=VALUE` on the command line.

use std::str::FromStr;

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
