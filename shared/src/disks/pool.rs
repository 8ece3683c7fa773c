//! What a site gives Live Updates to work with: an entry of the attribute `disk_pool`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Pvid, SeenDisk, Udid};
use crate::id::{ObjectName, printable};

/// Names disks: `pvid:00fa343b8f050a76`, `udid:…`, or `lun:PATTERN` with `*` and `?` for the name of a LUN, in which `{lpar}` stands
/// for the LPAR's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PoolEntry {
    /// One disk by its physical volume id.
    Pvid(Pvid),
    /// One disk by its unique id.
    Udid(Udid),
    /// Disks by the name of their LUN.
    Lun(String),
}

/// A text that is no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{}\" names no disks: it is udid:ID, pvid:ID or lun:PATTERN, such as lun:{{lpar}}_lku*",
    printable(.0)
)]
pub struct BadPoolEntry(pub String);

impl PoolEntry {
    /// Whether it names `disk` of `lpar`.
    #[must_use]
    pub fn names(&self, disk: &SeenDisk, lpar: &ObjectName) -> bool {
        match self {
            Self::Pvid(id) => disk.pvid.as_ref() == Some(id),
            Self::Udid(id) => disk.udid.as_ref().is_some_and(|seen| seen.lun() == id.lun()),
            Self::Lun(pattern) => disk.lun.as_ref().is_some_and(|name| {
                fits(pattern.replace("{lpar}", lpar.as_str()).as_bytes(), name.as_bytes())
            }),
        }
    }
}

/// Whether `name` is one of `pattern`. Without going back further than the last `*`: it takes no longer than both are long.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(of) {
            Some(b'*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(b'?') => (at, of) = (at + 1, of + 1),
            Some(one) if *one == name[at] => (at, of) = (at + 1, of + 1),
            _ => match star {
                Some((before, taken)) => {
                    star = Some((before, taken + 1));
                    (at, of) = (taken + 1, before + 1);
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|one| *one == b'*')
}

/// Longest pattern.
const LONGEST: usize = 128;

impl FromStr for PoolEntry {
    type Err = BadPoolEntry;

    fn from_str(text: &str) -> Result<Self, BadPoolEntry> {
        let bad = || BadPoolEntry(text.to_owned());
        let (kind, value) = text.trim().split_once(':').ok_or_else(bad)?;
        match kind {
            "pvid" => value.parse().map(Self::Pvid).map_err(|_| bad()),
            "udid" => value.parse().map(Self::Udid).map_err(|_| bad()),
            "lun" => {
                let is_one = (1..=LONGEST).contains(&value.len())
                    && value.chars().all(|c| c.is_ascii_graphic() && c != ',');
                // A pattern of every name would name the disks of databases too.
                let names_something = value.chars().any(|c| !matches!(c, '*' | '?'));
                (is_one && names_something).then(|| Self::Lun(value.to_owned())).ok_or_else(bad)
            }
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for PoolEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pvid(id) => write!(f, "pvid:{id}"),
            Self::Udid(id) => write!(f, "udid:{id}"),
            Self::Lun(pattern) => write!(f, "lun:{pattern}"),
        }
    }
}

impl Serialize for PoolEntry {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        into.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PoolEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for PoolEntry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PoolEntry".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Names disks: `pvid:ID`, `udid:ID`, or `lun:PATTERN` with `*` and `?`, in which `{lpar}` stands for the LPAR's name.",
            "type": "string",
            "pattern": "^(pvid|udid|lun):.+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_back_and_nothing_names_every_disk() {
        for text in ["pvid:00fa343b8f050a76", "udid:33213600507680C80", "lun:{lpar}_lku?"] {
            assert_eq!(text.parse::<PoolEntry>().unwrap().to_string(), text);
        }
        for bad in
            ["hdisk4", "lun:", "lun:*", "lun:**?", "pvid:none", "udid:x", "disk:y", "lun:a b"]
        {
            assert!(bad.parse::<PoolEntry>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_is_of_the_whole_name() {
        for (pattern, name, does) in [
            ("a*b", "aXXbYb", true),
            ("a*b", "aXXbY", false),
            ("lku_*", "lku_", true),
            ("?ku", "lku", true),
            ("lku", "lku1", false),
            ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), does, "{pattern} {name}");
        }
    }
}
