//! Values of attributes that have parts of their own.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{ObjectName, printable};

use super::attribute::{ListItem, scalar};

/// A value with parts that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not {expected}", printable(found))]
pub struct BadPart {
    /// What it should be, with an example.
    pub expected: &'static str,
    /// The text that was given.
    pub found: String,
}

/// A network interface: `<network or find_net> <hostname> <mac or 0> [<adapter>]`. Source: the NIM reference, §1.5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The network object; `None` for `find_net`: the network that the host's address belongs to.
    pub network: Option<ObjectName>,
    /// Host name or address.
    pub hostname: String,
    /// Hardware address, `0` for unknown.
    pub mac: String,
    /// Adapter, such as `ent0`.
    pub adapter: Option<String>,
}

impl FromStr for Interface {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let bad = || BadPart {
            expected: "an interface: \"<network|find_net> <hostname> <mac|0> [<adapter>]\", such as \"vlan4 aix01 0\"",
            found: text.to_owned(),
        };
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        let (network, hostname, mac, adapter) = match words[..] {
            [network, hostname, mac] => (network, hostname, mac, None),
            [network, hostname, mac, adapter] => (network, hostname, mac, Some(adapter)),
            _ => return Err(bad()),
        };
        let network = match network {
            "find_net" => None,
            name => Some(name.parse().map_err(|_| bad())?),
        };
        let hex = mac.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_host(hostname) || !hex || !(mac == "0" || mac.len() == 12) {
            return Err(bad());
        }
        Ok(Self {
            network,
            hostname: hostname.to_owned(),
            mac: mac.to_owned(),
            adapter: adapter.map(ToOwned::to_owned),
        })
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = self.network.as_ref().map_or("find_net", ObjectName::as_str);
        write!(f, "{network} {} {}", self.hostname, self.mac)?;
        self.adapter.iter().try_for_each(|adapter| write!(f, " {adapter}"))
    }
}

/// Whether `text` can be a host name or an address. Nothing in it means anything to a shell or an option parser.
fn is_host(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    !text.is_empty() && text.len() <= 253 && !text.starts_with('-') && text.chars().all(allowed)
}

/// A host that connections go through: `[user@]host[:port]`, as `ssh -J` takes it. Ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// User; the target's where it is not given.
    pub user: Option<String>,
    /// Host name or address; an IPv6 address in brackets.
    pub host: String,
    /// Port; 22 where it is not given.
    pub port: Option<NonZeroU16>,
}

impl FromStr for Hop {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let bad = || BadPart {
            expected: "a host to go through: \"[user@]host[:port]\", such as \"nimjump@bastion1:22\"",
            found: text.to_owned(),
        };
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(bad)?)),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map(str::parse).transpose().map_err(|_| bad())?;
        let user_is_good = |user: &str| is_host(user) && !user.contains(':');
        if !is_host(host) || !user.is_none_or(user_is_good) {
            return Err(bad());
        }
        Ok(Self { user: user.map(ToOwned::to_owned), host: host.to_owned(), port })
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.user.iter().try_for_each(|user| write!(f, "{user}@"))?;
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?
        } else {
            f.write_str(&self.host)?
        }
        self.port.iter().try_for_each(|port| write!(f, ":{port}"))
    }
}

impl ListItem for Hop {}

/// An absolute path: no `..`, no control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AbsolutePath(String);

impl AbsolutePath {
    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AbsolutePath {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let climbs = text.split('/').any(|part| part == "..");
        if !text.starts_with('/') || climbs || text.chars().any(char::is_control) {
            return Err(BadPart {
                expected: "an absolute path, such as \"/export/nim/scripts/post.ksh\"",
                found: text.to_owned(),
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for AbsolutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text of exactly `N` letters and digits: machine type (4), model (3) and serial (7) of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FixedText<const N: usize>(String);

impl<const N: usize> FixedText<N> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text of another length, or with other characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not {length} letters and digits", printable(found))]
pub struct BadLength {
    /// How long it has to be.
    pub length: usize,
    /// The text that was given.
    pub found: String,
}

impl<const N: usize> FromStr for FixedText<N> {
    type Err = BadLength;

    fn from_str(text: &str) -> Result<Self, BadLength> {
        if text.len() == N && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadLength { length: N, found: text.to_owned() })
        }
    }
}

impl<const N: usize> fmt::Display for FixedText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A numbered network route: `default <gateway>` or `<network> <gateway here> <gateway there>`. Source: NIM reference §1.5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To everywhere else.
    Default(Ipv4Addr),
    /// To one network object.
    To {
        /// The network.
        network: ObjectName,
        /// Gateway on this network.
        here: Ipv4Addr,
        /// Gateway on the other.
        there: Ipv4Addr,
    },
}

impl FromStr for Route {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let bad = || BadPart {
            expected: "a route: \"default <gateway>\" or \"<network> <gateway here> <gateway there>\"",
            found: text.to_owned(),
        };
        let address = |text: &str| text.parse().map_err(|_| bad());
        match text.split_ascii_whitespace().collect::<Vec<_>>()[..] {
            ["default", gateway] => Ok(Self::Default(address(gateway)?)),
            [network, here, there] => Ok(Self::To {
                network: network.parse().map_err(|_| bad())?,
                here: address(here)?,
                there: address(there)?,
            }),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(gateway) => write!(f, "default {gateway}"),
            Self::To { network, here, there } => write!(f, "{network} {here} {there}"),
        }
    }
}

impl ListItem for Route {}

scalar!(Interface, AbsolutePath, FixedText<4>, FixedText<3>, FixedText<7>);

/// Values that are text in JSON and YAML too.
macro_rules! as_text {
    ($($name:ty: $schema:literal),+ $(,)?) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $schema.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    )+};
}

as_text!(
    Interface: "Interface",
    AbsolutePath: "AbsolutePath",
    Hop: "Hop",
    Route: "Route",
    FixedText<3>: "Model",
    FixedText<4>: "MachineType",
    FixedText<7>: "Serial",
);
