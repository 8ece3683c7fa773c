//! A time without IP filters.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::prep::IpVersion;
use crate::stamp::Timestamp;

/// A time without IP filters, which were in force before and were taken off for the operation. Two records make one: before they are
/// taken off, and once they are in force again and a fresh connection of the master was proven under them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exposed {
    /// Of which version.
    pub version: IpVersion,
    /// Since when, by the LPAR's wall clock in UTC.
    pub from: Timestamp,
    /// Until when; `None` as long as it lasts.
    pub to: Option<Timestamp>,
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, from, to } = self;
        match to {
            Some(to) => write!(f, "without IP filters of version {version} from {from} to {to}"),
            None => write!(f, "without IP filters of version {version} since {from}"),
        }
    }
}
