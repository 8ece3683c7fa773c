//! Where `nimd` listens.

use std::path::PathBuf;
use std::str::FromStr;

use nim_shared::id::printable;

/// Where `nimd` listens unless somebody said otherwise.
pub(crate) const DEFAULT: &str = "/var/lib/nimd/run/nimd.sock";

/// The variable of the environment that says otherwise.
pub(crate) const VARIABLE: &str = "NIMD_SERVER";

/// The socket of a `nimd`: a path, or `unix:` and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) socket: PathBuf,
}

/// A text that is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no path of a socket, such as unix:{DEFAULT}", printable(.0))]
pub(crate) struct BadAddress(String);

impl Address {
    /// Where it listens as far as the environment knows.
    ///
    /// # Errors
    /// That the environment has no such address.
    pub(crate) fn of_environment() -> Result<Self, BadAddress> {
        match std::env::var_os(VARIABLE) {
            Some(text) => text.to_string_lossy().parse(),
            None => Ok(Self { socket: DEFAULT.into() }),
        }
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let path = text.strip_prefix("unix:").unwrap_or(text);
        // Anything else with a colon is meant as another way to get there, of which there is none.
        if path.is_empty() || path.contains("://") || path.contains('\0') {
            return Err(BadAddress(text.to_owned()));
        }
        Ok(Self { socket: path.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_a_path_with_or_without_unix() {
        for text in ["unix:/a/b", "/a/b"] {
            assert_eq!(text.parse::<Address>().unwrap().socket.to_str(), Some("/a/b"));
        }
        for text in ["", "unix:", "https://nim01", "tcp://nim01:443"] {
            assert!(text.parse::<Address>().is_err(), "{text:?} was accepted");
        }
    }
}
