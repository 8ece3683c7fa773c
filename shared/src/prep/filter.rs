//! IP filters: what is told of them as one text, by which one state is told from another.
//!
//! The rules themselves stay on the LPAR. A state names how many there are and a digest of their listing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// Version of the Internet Protocol: each has filters of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum IpVersion {
    /// Version 4.
    #[serde(rename = "4")]
    V4,
    /// Version 6.
    #[serde(rename = "6")]
    V6,
}

impl IpVersion {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// As AIX's commands take it after `-v` and `-t`.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::V4 => "4",
            Self::V6 => "6",
        }
    }

    /// Name of the device. Source: LU S15.
    #[must_use]
    pub const fn device(self) -> &'static str {
        match self {
            Self::V4 => "ipsec_v4",
            Self::V6 => "ipsec_v6",
        }
    }
}

impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

/// State of the IP filters of one version. Text: `none`; or `12 rules 9f86d081884c, 12 active 9f86d081884c`; or
/// `12 rules 9f86d081884c, none active`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterState {
    /// Their device is not available: nothing is filtered.
    Gone,
    /// It is.
    There {
        /// The rules of the table.
        rules: Listed,
        /// Those that are in force; `None` where none is.
        active: Option<Listed>,
    },
}

impl FilterState {
    /// What `lsfilt -O` prints of the table, and with `-a` of the rules in force. `None` where one of them cannot be told: text without
    /// a line that is known to be a rule. Where the table has such lines and the other has none, no rule is in force.
    #[must_use]
    pub fn read(table: &str, in_force: &str) -> Option<Self> {
        let rules = Listed::read(table)?;
        let active = match Listed::read(in_force) {
            Some(active) => Some(active).filter(|active| active.count > 0),
            None if rules.count > 0 => None,
            None => return None,
        };
        Some(Self::There { rules, active })
    }

    /// Whether its table holds the same rules as that of `other`, in force or not.
    #[must_use]
    pub fn has_rules_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::There { rules, .. }, Self::There { rules: others, .. }) => rules == others,
            (Self::Gone, _) | (_, Self::Gone) => false,
        }
    }

    /// Whether rules are in force.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::There { active: Some(_), .. })
    }
}

/// A listing of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    count: usize,
    digest: String,
}

impl Listed {
    /// What `lsfilt` prints with `-O`, one rule a line that begins with its number and a bar; what else is printed counts for the digest
    /// alone. `None` where there is text and no such line in it. Source: LU S15; the shape of a line is inferred.
    #[must_use]
    fn read(text: &str) -> Option<Self> {
        let lines: Vec<&str> =
            text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let count = lines.iter().filter(|line| is_rule(line)).count();
        let digest = Digest::of(lines.join("\n").as_bytes()).to_string();
        let digest = digest.chars().take(DIGITS).collect();
        (count > 0 || lines.is_empty()).then_some(Self { count, digest })
    }
}

/// How many digits of a digest are told: it tells one listing from another, nobody has to trust it.
const DIGITS: usize = 16;

fn is_rule(line: &str) -> bool {
    let number = line.split('|').next().unwrap_or_default();
    line.contains('|') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for FilterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("none"),
            Self::There { rules, active } => {
                write!(f, "{} rules {}, ", rules.count, rules.digest)?;
                match active {
                    Some(active) => write!(f, "{} active {}", active.count, active.digest),
                    None => f.write_str("none active"),
                }
            }
        }
    }
}

/// A text that is no state of IP filters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no state of IP filters", crate::id::printable(.0))]
pub struct BadFilterState(String);

impl FromStr for FilterState {
    type Err = BadFilterState;

    fn from_str(text: &str) -> Result<Self, BadFilterState> {
        read(text).ok_or_else(|| BadFilterState(text.to_owned()))
    }
}

fn read(text: &str) -> Option<FilterState> {
    if text == "none" {
        return Some(FilterState::Gone);
    }
    let listed = |text: &str, word: &str| {
        let (count, digest) = text.split_once(word)?;
        let is_digest =
            digest.len() == DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let count = count.parse().ok()?;
        is_digest.then(|| Listed { count, digest: digest.to_owned() })
    };
    let (rules, active) = text.split_once(", ")?;
    let rules = listed(rules, " rules ")?;
    let active = match active {
        "none active" => None,
        active => Some(listed(active, " active ")?),
    };
    let state = FilterState::There { rules, active };
    // One text for each state: another spelling of a number would be another state.
    (state.to_string() == text).then_some(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "1|permit|0.0.0.0|0.0.0.0|\n2|deny|10.0.0.0|255.0.0.0|\n";

    #[test]
    fn a_state_reads_back_and_nothing_else_does() {
        let off = FilterState::read(RULES, "").unwrap();
        let on = FilterState::read(RULES, RULES).unwrap();
        assert!(on.is_active() && !off.is_active() && !FilterState::Gone.is_active());
        for (state, begin) in [(FilterState::Gone, "none"), (off, "2 rules "), (on, "2 rules ")] {
            assert!(state.to_string().starts_with(begin), "{state}");
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        let digest = "0123456789abcdef";
        for bad in [
            "",
            "off",
            "2 rules",
            "2 rules 01, none active",
            &format!("+2 rules {digest}, none active"),
            &format!("2 rules {digest}, 2 active"),
            &format!("2 rules {digest}, none active\n"),
        ] {
            assert!(bad.parse::<FilterState>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_listing_without_a_line_that_is_known_to_be_a_rule_is_not_read() {
        let read =
            |table, in_force| FilterState::read(table, in_force).map(|state| state.is_active());
        assert_eq!(read("\n  \n", ""), Some(false));
        assert_eq!(read("lsfilt: something is wrong\n", ""), None);
        assert_eq!(read("Rule 1:\nRule action : permit\n", ""), None);
        assert_eq!(read("", "something\n"), None);
        assert_eq!(read(RULES, "a heading\n"), Some(false));
        assert_eq!(read(RULES, "1|permit|\n"), Some(true));
        let heading = format!("a heading\n{RULES}");
        assert_ne!(
            FilterState::read(RULES, ""),
            FilterState::read(&heading, ""),
            "all of it counts"
        );
    }
}
