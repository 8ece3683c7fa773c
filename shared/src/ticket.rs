//! Tickets of a change management: under which one a rollout is started, approved, held and ended.

use std::collections::BTreeSet;
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
    /// Whether a rollout is started, approved and aborted under a ticket only, or whatever `ticket_for` says.
    #[serde(default)]
    pub ticket: Wanted,
    /// What is done under a ticket only, where one is required. Default: `start`, `approve` and `abort`; nobody who holds a rollout should
    /// have to look for one.
    #[serde(default)]
    pub ticket_for: Option<BTreeSet<Deed>>,
    /// What a ticket looks like, where one is given: `*` stands for anything, `?` for one character.
    #[serde(default)]
    pub ticket_pattern: Option<String>,
}

/// What somebody does with a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Plans and starts it.
    Start,
    /// Approves a wave or LPARs.
    Approve,
    /// Ends it.
    Abort,
    /// Holds it.
    Pause,
    /// Lets it go on.
    Resume,
    /// Lets the next wave begin early.
    Promote,
    /// Tries LPARs again.
    Retry,
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
    /// Whether `deed` may be done under `ticket`.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, deed: Deed, ticket: Option<&Ticket>) -> Result<(), NotUnder> {
        match (ticket, self.ticket, &self.ticket_pattern) {
            (None, Wanted::Required, _) if self.is_for(deed) => Err(NotUnder::None),
            (Some(ticket), _, Some(pattern)) if !glob(pattern, ticket.as_str()) => {
                Err(NotUnder::Other { ticket: ticket.clone(), pattern: pattern.clone() })
            }
            (Some(_), _, _) | (None, Wanted::Optional | Wanted::Required, _) => Ok(()),
        }
    }

    fn is_for(&self, deed: Deed) -> bool {
        match &self.ticket_for {
            Some(deeds) => deeds.contains(&deed),
            None => matches!(deed, Deed::Start | Deed::Approve | Deed::Abort),
        }
    }

    /// What is wrong with it, by its keys: no ticket could ever be like the pattern, or what it is wanted for is said and it is not wanted.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let is_good =
            |pattern: &String| !pattern.is_empty() && pattern.chars().all(|c| c.is_ascii_graphic());
        let mut faults = Vec::new();
        if self.ticket_pattern.as_ref().is_some_and(|pattern| !is_good(pattern)) {
            let what =
                "no ticket is like that: it has letters, digits and signs of ASCII, and no blank";
            faults.push(("ticket_pattern", what));
        }
        match (&self.ticket_for, self.ticket) {
            (Some(_), Wanted::Optional) => {
                faults.push((
                    "ticket_for",
                    "says for what a ticket is required, and ticket is not: required",
                ));
            }
            (Some(deeds), Wanted::Required) if deeds.is_empty() => {
                faults.push((
                    "ticket_for",
                    "names nothing, although a ticket is required: name some, or take it out",
                ));
            }
            (Some(_) | None, _) => {}
        }
        faults
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
            ticket_for: None,
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
            let said = of(wanted, pattern).may(Deed::Start, given.as_ref());
            assert_eq!(said, result, "{wanted:?} {pattern:?}");
        }
        for (pattern, bad) in [("", true), ("CHG *", true), ("é", true), ("CHG???", false)] {
            assert_eq!(!of(required, Some(pattern)).faults().is_empty(), bad, "{pattern}");
        }
    }

    #[test]
    fn a_policy_says_what_a_ticket_is_wanted_for() {
        let of = |text: &str| serde_json::from_str::<Rollouts>(text).unwrap();
        let wanting = |rule: &Rollouts| {
            use Deed::{Abort, Approve, Pause, Promote, Resume, Retry, Start};
            let all = [Start, Approve, Abort, Pause, Resume, Promote, Retry];
            all.into_iter().filter(|deed| rule.may(*deed, None).is_err()).collect::<Vec<_>>()
        };
        let usual = of(r#"{"ticket": "required"}"#);
        assert_eq!(wanting(&usual), [Deed::Start, Deed::Approve, Deed::Abort]);
        let own =
            of(r#"{"ticket": "required", "ticket_for": ["promote", "retry", "pause", "resume"]}"#);
        assert_eq!(wanting(&own), [Deed::Pause, Deed::Resume, Deed::Promote, Deed::Retry]);
        assert!(usual.faults().is_empty() && own.faults().is_empty());
        for bad in [r#"{"ticket_for": ["start"]}"#, r#"{"ticket": "required", "ticket_for": []}"#] {
            let faults = of(bad).faults();
            assert_eq!((faults.len(), faults[0].0), (1, "ticket_for"), "{bad}");
        }
    }
}
