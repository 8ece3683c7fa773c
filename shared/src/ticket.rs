//! Tickets of a change management: under which one a rollout is started, approved and aborted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::glob::glob;
use crate::id::{printable, text_type};

/// What somebody's change management calls a change, such as `CHG0031337`: 1 to 64 characters of ASCII, none of them white space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Ticket(String);

impl Ticket {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no ticket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no ticket: it has 1 to 64 letters, digits and signs of ASCII, and no blank", printable(.0))]
pub struct BadTicket(String);

impl FromStr for Ticket {
    type Err = BadTicket;

    fn from_str(text: &str) -> Result<Self, BadTicket> {
        let is_good = (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
        if is_good { Ok(Self(text.to_owned())) } else { Err(BadTicket(text.to_owned())) }
    }
}

text_type!(Ticket);

/// What a policy says of tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rollouts {
    /// Whether a rollout is started, approved and aborted under a ticket only.
    #[serde(default)]
    pub ticket: Wanted,
    /// What a ticket looks like, where one is given: `*` stands for anything, `?` for one character.
    #[serde(default)]
    pub ticket_pattern: Option<String>,
}

/// Whether something has to be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// It may be.
    #[default]
    Optional,
    /// It has to be.
    Required,
}

/// Why something is not done under this ticket, or under none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUnder {
    /// There is none.
    #[error("the policy of the site wants a ticket")]
    None,
    /// It is none of the site.
    #[error("the policy of the site wants a ticket like \"{}\", not {ticket}", printable(.pattern))]
    Other {
        /// What was given.
        ticket: Ticket,
        /// What one looks like.
        pattern: String,
    },
}

impl Rollouts {
    /// Whether something may be done under `ticket`.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, ticket: Option<&Ticket>) -> Result<(), NotUnder> {
        match (ticket, self.ticket, &self.ticket_pattern) {
            (None, Wanted::Required, _) => Err(NotUnder::None),
            (Some(ticket), _, Some(pattern)) if !glob(pattern, ticket.as_str()) => {
                Err(NotUnder::Other { ticket: ticket.clone(), pattern: pattern.clone() })
            }
            (Some(_), _, _) | (None, Wanted::Optional, _) => Ok(()),
        }
    }

    /// What is wrong with it: no ticket could ever be like the pattern.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let pattern = self.ticket_pattern.as_ref()?;
        let is_good = !pattern.is_empty() && pattern.chars().all(|c| c.is_ascii_graphic());
        (!is_good).then(|| {
            "no ticket is like that: it has letters, digits and signs of ASCII, and no blank"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_one_word_that_a_terminal_can_show() {
        for good in ["CHG0031337", "a", "INC-7/3#2"] {
            assert_eq!(good.parse::<Ticket>().unwrap().as_str(), good);
        }
        for bad in ["", "CHG 1", "CHG\u{1b}[2J", "é", &"x".repeat(65)] {
            assert!(bad.parse::<Ticket>().is_err(), "{bad}");
            assert!(serde_json::from_value::<Ticket>(serde_json::json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_policy_says_whether_one_is_wanted_and_what_it_looks_like() {
        let ticket = |text: &str| text.parse::<Ticket>().unwrap();
        let of = |ticket, pattern: Option<&str>| Rollouts {
            ticket,
            ticket_pattern: pattern.map(str::to_owned),
        };
        let (optional, required) = (Wanted::Optional, Wanted::Required);
        let other = |given: &str| {
            Err(NotUnder::Other { ticket: ticket(given), pattern: "CHG*".to_owned() })
        };
        let rows = [
            (optional, None, None, Ok(())),
            (optional, None, Some("INC1"), Ok(())),
            (optional, Some("CHG*"), None, Ok(())),
            (optional, Some("CHG*"), Some("INC1"), other("INC1")),
            (required, None, None, Err(NotUnder::None)),
            (required, None, Some("INC1"), Ok(())),
            (required, Some("CHG*"), None, Err(NotUnder::None)),
            (required, Some("CHG*"), Some("CHG1"), Ok(())),
            (required, Some("CHG*"), Some("INC1"), other("INC1")),
        ];
        for (wanted, pattern, given, result) in rows {
            let given = given.map(ticket);
            assert_eq!(of(wanted, pattern).may(given.as_ref()), result, "{wanted:?} {pattern:?}");
        }
        for (pattern, bad) in [("", true), ("CHG *", true), ("é", true), ("CHG???", false)] {
            assert_eq!(of(required, Some(pattern)).fault().is_some(), bad, "{pattern}");
        }
    }
}
