//! What in the lab trips each check of a preflight, as data: a test stages all of it, the documentation prints it.
//!
//! The lab knows conditions of AIX and no checks; here is where both meet. Each row stands on an LPAR of its own, in a site whose
//! other LPAR is in order.

pub mod codes;
mod rows;
mod site;

pub use rows::ROWS;
pub use site::{CLUSTERED, HEALTHY, policy, set, site};

use std::fmt;

use nim_lab::fault::{ConsoleFault, Fault};
use nim_lab::state::State;
use nim_shared::preflight::Verdict;

/// A check with what trips it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Id of the check.
    pub check: &'static str,
    /// What trips it.
    pub fixture: Fixture,
}

/// What trips a check.
#[derive(Clone, Copy, Debug)]
pub enum Fixture {
    /// An LPAR that is so.
    Staged(Stage),
    /// The check judges nothing of an LPAR: it is for information, or for another moment.
    Nothing(&'static str),
    /// Nobody looks at what it needs: it is unknown, or does not apply, on every LPAR. The reason.
    NotLookedAt(&'static str),
}

/// An LPAR that trips a check.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Its level of AIX.
    pub level: &'static str,
    /// How it, or what is around it, differs from what is in order.
    pub how: &'static [How],
    /// What the check says then.
    pub shows: Verdict,
    /// The other checks that this trips by its nature, in the order of the alphabet.
    pub follows: &'static [&'static str],
}

/// A difference.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// Its level of AIX is all there is.
    Level,
    /// A state of the LPAR.
    State(State),
    /// A fault of the LPAR.
    Fault(Fault),
    /// A fault of a VIO server of its frame.
    Vios(ConsoleFault),
    /// An entry of the LPAR in the site file, as YAML.
    Lpar(&'static str),
    /// Entries of its frame.
    Frame(&'static str),
    /// The level of the HMC of its frame.
    Hmc(&'static str),
    /// The level of the VIO servers of its frame.
    ViosLevel(&'static str),
    /// The name of its partition.
    Name(&'static str),
    /// What the policy of the site says of it, as YAML.
    Policy(&'static str),
    /// Lines of its lvupdate.data, beside or in place of those that are in order.
    Data(&'static str),
}

impl Row {
    /// Whether something trips it.
    #[must_use]
    pub const fn is_tripped(&self) -> bool {
        matches!(&self.fixture, Fixture::Staged(stage) if !matches!(stage.shows, Verdict::Unknown))
    }

    /// Name of the LPAR on which it stands.
    #[must_use]
    pub fn lpar(&self) -> String {
        let name = match self.fixture {
            Fixture::Staged(stage) => stage.how.iter().find_map(|how| match how {
                How::Name(name) => Some((*name).to_owned()),
                _ => None,
            }),
            Fixture::Nothing(_) | Fixture::NotLookedAt(_) => None,
        };
        name.unwrap_or_else(|| self.check.to_ascii_lowercase())
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level => f.write_str("the level"),
            Self::State(state) => write!(f, "`{state}`"),
            Self::Fault(fault) => write!(f, "`{fault}`"),
            Self::Vios(fault) => write!(f, "`{fault}` of a VIOS"),
            Self::Lpar(entry) => write!(f, "`{entry}`"),
            Self::Frame(entry) => write!(f, "`{entry}` of the frame"),
            Self::Hmc(level) => write!(f, "`level: {level}` of the HMC"),
            Self::ViosLevel(level) => write!(f, "`level: {level}` of the VIOSes"),
            Self::Name(name) => write!(f, "`name: {name}`"),
            Self::Policy(entry) => write!(f, "`{entry}` in the policy"),
            Self::Data(lines) => {
                let lines: Vec<_> = lines.split_whitespace().collect();
                write!(f, "`{}` in lvupdate.data", lines.join(" "))
            }
        }
    }
}

impl fmt::Display for Fixture {
    /// As the documentation prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staged(stage) => {
                let how: Vec<_> = stage.how.iter().map(ToString::to_string).collect();
                write!(f, "{} at {}: {}", how.join(", "), stage.level, stage.shows)
            }
            Self::Nothing(why) | Self::NotLookedAt(why) => write!(f, "none: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nim_shared::code::{self as knowledge, Retry};
    use nim_shared::preflight::catalogue;

    use super::codes::By;
    use super::*;

    #[test]
    fn each_check_has_one_row() {
        let checks: Vec<_> = catalogue().map(|check| check.id).collect();
        let rows: Vec<_> = ROWS.iter().map(|row| row.check).collect();
        let missing: Vec<_> = checks.iter().filter(|id| !rows.contains(id)).collect();
        assert!(missing.is_empty(), "no fixture: {missing:?}");
        let unknown: Vec<_> = rows.iter().filter(|id| !checks.contains(id)).collect();
        assert!(unknown.is_empty(), "no check: {unknown:?}");
        assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len());
    }

    #[test]
    fn a_message_is_linked_to_the_check_that_the_same_trips() {
        for row in ROWS {
            let Fixture::Staged(stage) = row.fixture else { continue };
            let is_same = |by: By| {
                stage.how.iter().any(|how| match (by, how) {
                    (By::Fault(fault, _), How::Fault(of)) => fault == *of,
                    (By::State(state, _), How::State(of)) => state == *of,
                    _ => false,
                })
            };
            let said = codes::MESSAGES.iter().filter(|message| is_same(message.by));
            for message in said {
                let entry = knowledge::explain(message.code, message.says).unwrap();
                // What only closes a run leads to no cause.
                let leads = entry.retry != Retry::SeeOthers && !CLOSING.contains(&entry.code);
                assert!(
                    !leads || entry.checks.contains(&row.check),
                    "{} {}: not linked to {}",
                    message.code,
                    message.says,
                    row.check
                );
            }
        }
    }

    /// They say where a run failed, and other lines why.
    const CLOSING: [&str; 2] = ["1430-025", "1430-030"];

    #[test]
    fn each_state_of_the_lab_is_the_fixture_of_a_row() {
        let used: BTreeSet<State> = ROWS
            .iter()
            .filter_map(|row| match row.fixture {
                Fixture::Staged(stage) => Some(stage.how),
                Fixture::Nothing(_) | Fixture::NotLookedAt(_) => None,
            })
            .flatten()
            .filter_map(|how| match how {
                How::State(state) => Some(*state),
                How::Lpar(entry) => {
                    entry.strip_prefix("states: [")?.strip_suffix(']')?.parse().ok()
                }
                _ => None,
            })
            .collect();
        let unused: Vec<_> = State::ALL.iter().filter(|state| !used.contains(state)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }
}
