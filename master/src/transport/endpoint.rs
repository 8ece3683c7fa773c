//! Where a host is and how one logs in there.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use nim_shared::id::ObjectName;

use super::host_key::HostKeyPolicy;
use super::secret::Secret;

/// A host and the way to it. The first bastion of `via` is connected to directly, the next one
/// through it, and so on; `host` comes last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The host itself.
    pub host: Host,
    /// The bastions, nearest to the master first. Each is checked and logged in to as any host.
    pub via: Vec<Host>,
}

/// One host, bastion or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// What the host is called; its host keys are bound to that.
    pub name: HostId,
    /// Tried in this order until one takes the connection.
    pub addresses: Vec<Address>,
    /// The port of sshd.
    pub port: u16,
    /// The user there.
    pub user: UserName,
    /// What that user shows.
    pub login: Login,
    /// How the host is known.
    pub host_keys: HostKeyPolicy,
}

impl Host {
    /// The addresses with the port, for texts.
    pub(super) fn places(&self) -> String {
        let places: Vec<String> =
            self.addresses.iter().map(|address| address.with_port(self.port)).collect();
        places.join(", ")
    }

    /// The names that a host certificate may carry for this host.
    pub(super) fn names(&self) -> Vec<String> {
        let addresses = self.addresses.iter().map(Address::to_string);
        match &self.name {
            HostId::Object(name) => addresses.chain([name.to_string()]).collect(),
            HostId::Hop(_) => addresses.collect(),
        }
    }
}

/// What a host is called in texts and in the record of host keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostId {
    /// An object of the inventory, wherever it is.
    Object(ObjectName),
    /// A bastion, which the inventory knows by its place only. Made by [`HostId::hop`].
    Hop(Box<str>),
}

impl HostId {
    /// A bastion at this place: `host:port`.
    pub fn hop(address: &Address, port: u16) -> Self {
        Self::Hop(address.with_port(port).into())
    }
}

impl From<ObjectName> for HostId {
    fn from(name: ObjectName) -> Self {
        Self::Object(name)
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(name) => name.fmt(f),
            Self::Hop(place) => f.write_str(place),
        }
    }
}

/// An address of a host: a number, or a name that is looked up where the connection is opened
/// from (on the master, or on the bastion before the host).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// IPv4 or IPv6.
    Ip(IpAddr),
    /// A host name.
    Name(String),
}

/// The text is neither an IP address nor a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is neither an IP address nor a host name")]
pub struct BadAddress {
    /// The text.
    pub text: String,
}

impl Address {
    /// `192.0.2.1:22`, `[2001:db8::1]:22`, `lpar01.example:22`.
    pub(super) fn with_port(&self, port: u16) -> String {
        match self {
            Self::Ip(IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
            Self::Ip(ip @ IpAddr::V4(_)) => format!("{ip}:{port}"),
            Self::Name(name) => format!("{name}:{port}"),
        }
    }
}

impl FromStr for Address {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        if let Ok(ip) = text.parse() {
            return Ok(Self::Ip(ip));
        }
        // RFC 1123 §2.1, and the underscore that sites use all the same. A name that is all
        // digits and dots is a mistyped address.
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && !label.starts_with('-')
        };
        let name = text.strip_suffix('.').unwrap_or(text);
        let named = name.len() <= 253
            && name.split('.').all(label)
            && name.bytes().any(|b| b.is_ascii_alphabetic());
        if named {
            Ok(Self::Name(name.to_ascii_lowercase()))
        } else {
            Err(BadAddress { text: text.chars().take(80).collect() })
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What a user shows to be let in.
#[derive(Debug, Clone)]
pub enum Login {
    /// The private key in this file, and no other; many keys offered in turn end in "Too many authentication failures"
    /// on an HMC (hmc-vios §1.1).
    Key(PathBuf),
    /// A password, for HMCs that were not given a key yet.
    Password {
        /// Which secret, in which version: what the login record counts by.
        secret: SecretId,
        /// Its value.
        value: Secret,
    },
}

/// Two logins are the same when they use the same key, or the same version of the same secret.
impl PartialEq for Login {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one), Self::Key(two)) => one == two,
            (Self::Password { secret: one, .. }, Self::Password { secret: two, .. }) => one == two,
            (Self::Key(_), Self::Password { .. }) | (Self::Password { .. }, Self::Key(_)) => false,
        }
    }
}

impl Eq for Login {}

impl Hash for Login {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Key(key) => key.hash(state),
            Self::Password { secret, .. } => secret.hash(state),
        }
    }
}

/// A secret as the inventory knows it. A changed secret has another version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId {
    /// As `nimctl secret set` names it.
    pub name: ObjectName,
    /// Raised by each change.
    pub version: i64,
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (version {})", self.name, self.version)
    }
}

/// A login name on a host: 1 to 255 bytes of `A-Za-z0-9_.-`, not starting with a dash.
/// Source: AIX `mkuser` (names of up to 255 bytes where `v_max_logname` was raised); hmc-vios §1.2
/// for HMC users.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

/// The text is not a user name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user name has 1 to {USER_NAME_MAX} letters, digits, `_`, `-` or `.`, and does not start \
     with `-`"
)]
pub struct BadUserName;

impl UserName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = BadUserName;
    fn from_str(text: &str) -> Result<Self, BadUserName> {
        let good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let sound = (1..=USER_NAME_MAX).contains(&text.len())
            && text.chars().all(good)
            && !text.starts_with('-');
        if sound { Ok(Self(text.to_owned())) } else { Err(BadUserName) }
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const USER_NAME_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_or_names() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1:22"),
            ("2001:db8::1", "[2001:db8::1]:22"),
            ("LPAR01.Example.", "lpar01.example:22"),
            ("bld_07", "bld_07:22"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().with_port(22), shown);
        }
        for text in ["", "192.0.2", "192.0.2.256", "-oProxyCommand=x", "a b", "a..b", "x;reboot"] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_bastion_is_called_by_its_place() {
        let address = "2001:db8::7".parse().unwrap();
        assert_eq!(HostId::hop(&address, 2022).to_string(), "[2001:db8::7]:2022");
    }

    #[test]
    fn user_names_hold_nothing_special() {
        assert_eq!("nim.agent-1".parse::<UserName>().unwrap().as_str(), "nim.agent-1");
        for text in ["", "-l", "root;id", "a b", "ä"] {
            assert!(text.parse::<UserName>().is_err(), "{text:?}");
        }
    }
}
