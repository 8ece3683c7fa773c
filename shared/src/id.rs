//! Names and numbers that identify things. Each is a type of its own, so that none can be passed for another.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Longest NIM object name, in bytes. Source: NIM's naming rule (39 characters fit its 40-byte column).
const NAME_MAX: usize = 39;

/// What a NIM name may not contain, because it is special to a shell, a path or a pattern. Source: NIM's naming rule.
const NAME_SPECIAL: &str = "/\\'\"`:=*?[]{}$^&;<>()|";

/// Name of a NIM object, such as `lpar042`: 1 to 39 bytes, no blank and nothing special to a shell, a path or a pattern.
/// Source: NIM's naming rule. Case is significant; a name is unique across all classes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ObjectName(String);

impl ObjectName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no NIM object name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// A character that a name may not contain.
    #[error("\"{}\" is not a NIM object name: {found:?} is not allowed in one", printable(name))]
    Character {
        /// The text that was given.
        name: String,
        /// The first character that is not allowed.
        found: char,
    },
    /// Empty, or longer than 39 bytes.
    #[error("a NIM object name has 1 to {NAME_MAX} bytes; this one has {found}")]
    Length {
        /// Length of the text that was given, in bytes.
        found: usize,
    },
    /// A leading `-` would read as an option, `.` and `..` as folders.
    #[error("\"{name}\" is not a NIM object name: it reads as an option or a folder")]
    Misleading {
        /// The text that was given.
        name: String,
    },
}

impl FromStr for ObjectName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if !(1..=NAME_MAX).contains(&text.len()) {
            return Err(BadName::Length { found: text.len() });
        }
        let refused = |c: &char| c.is_whitespace() || c.is_control() || NAME_SPECIAL.contains(*c);
        match text.chars().find(refused) {
            Some(found) => Err(BadName::Character { name: text.to_owned(), found }),
            None if text.starts_with('-') || text == "." || text == ".." => {
                Err(BadName::Misleading { name: text.to_owned() })
            }
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// `text` without control characters, for messages that quote what somebody typed or sent.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A type that is written as text: `Display`, and `Deserialize` through its `FromStr`.
macro_rules! text_type {
    ($($name:ty),+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for ObjectName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

pub(crate) use text_type;

text_type!(ObjectName, Digest, DiskName);

/// An identifier that is a UUID: its own type, text form and JSON form.
macro_rules! uuid_type {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(transparent))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(with = "String"))] pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_type! {
    /// One operation on one LPAR. A UUIDv7: sorts by the time it was accepted. Made by the master.
    OperationId
}
uuid_type! {
    /// The operations that one request created together (`nimctl cust` on several LPARs). A UUIDv7, made by the master.
    BatchId
}
uuid_type! {
    /// One rollout that was started. A UUIDv7, made by the master.
    RolloutId
}
uuid_type! {
    /// One run of one `nimd`. A restarted `nimd` is another master.
    MasterId
}
uuid_type! {
    /// Chosen by the client for one request, so that the same request sent twice is accepted once. A UUIDv4.
    ClientToken
}
uuid_type! {
    /// One installation of the agent on one rootvg. Random, made when the agent first runs, kept in its folder. Two LPARs
    /// with the same one are clones of each other.
    InstallationId
}

/// A counter that is a type of its own.
macro_rules! counter_type {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this. Saturates: a counter from a hostile host cannot wrap ours.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter_type! {
    /// Number of an event within one epoch of one operation's journal: 1, 2, 3 … Zero means "none".
    Seq
}
counter_type! {
    /// Which line of history a journal follows. Starts at 1; rises when the journal that the LPAR has does not contain what
    /// the master had stored (the LPAR booted an older copy of its rootvg).
    Epoch
}
impl Epoch {
    /// The line of history in which masters tell what they find themselves: behind every one that an agent opens, each of which is one more
    /// than the one before.
    pub const OF_MASTERS: Self = Self(1_000_000_000);
}

counter_type! {
    /// Raised at every change of owner of an operation. Whoever commands with a lower one than the highest ever seen is
    /// refused, by Postgres and by the agent.
    Fence
}

/// Partition id on a frame. Never part of an LPAR's identity: a Live Update usually changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct LparId(pub NonZeroU32);

impl fmt::Display for LparId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LparId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Name of a disk on one LPAR, such as `hdisk4`. Renumbered by AIX at will: what is stored for long is the PVID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct DiskName(String);

impl DiskName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no AIX device name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a disk name: letters, digits, `_`, `.` and `-`, at most 15, such as hdisk4", printable(.0))]
pub struct BadDisk(pub String);

impl FromStr for DiskName {
    type Err = BadDisk;

    fn from_str(text: &str) -> Result<Self, BadDisk> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if begins_well && text.len() <= 15 && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadDisk(text.to_owned()))
        }
    }
}

impl fmt::Display for DiskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// SHA-256 of something: a request, a journal record, a file. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Hash before the first record of a journal.
    pub const ZERO: Self = Self([0; 32]);

    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of `bytes` that come after what `self` stands for: how a journal is chained.
    #[must_use]
    pub fn chain(self, bytes: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(bytes).finalize().into())
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 digest has 64 hexadecimal digits")]
pub struct BadDigest;

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(BadDigest);
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16).ok_or(BadDigest);
            let value = digit(pair[0])? * 16 + digit(pair[1])?;
            *byte = u8::try_from(value).map_err(|_| BadDigest)?;
        }
        Ok(Self(out))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Digest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_masters_are_names() {
        for name in [
            "hmc01",
            "9105-42A_78ABCDE",
            "7100-03-05-1524-lpp_source",
            "vios1.example.com",
            "net_10_192_168_0",
        ] {
            assert_eq!(name.parse::<ObjectName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_a_shell_a_path_or_a_pattern_would_read_is_no_name() {
        let long = "x".repeat(40);
        for name in
            ["", "a b", "a/b", "a*", "$(id)", "a\nb", "a\u{1b}[2J", "-p", "..", long.as_str()]
        {
            assert!(name.parse::<ObjectName>().is_err(), "{name:?} was accepted");
        }
        assert!("x".repeat(39).parse::<ObjectName>().is_ok());
    }

    #[test]
    fn a_digest_reads_what_it_writes() {
        let digest = Digest::of(b"start").chain(b"next");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("xyz".parse::<Digest>(), Err(BadDigest));
        assert_eq!(
            Digest::of(b"").to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
