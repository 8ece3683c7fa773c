//! What a disk is known by, whatever its number is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{printable, text_type};

/// Physical volume id: 16 hexadecimal digits that AIX writes on a disk. A copy of the disk has the same. Source: LU §5.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Pvid(String);

/// Unique id of a LUN, as `lspv -u` and the attribute `unique_id` show it: the same on every LPAR that sees the LUN in the same way.
/// The blanks that some storage has in it are left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Udid(String);

/// A text that is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no {what}", printable(found))]
pub struct BadIdentity {
    what: &'static str,
    found: String,
}

impl FromStr for Pvid {
    type Err = BadIdentity;

    fn from_str(text: &str) -> Result<Self, BadIdentity> {
        // The device's own attribute has as many zeros behind it.
        let digits = match text.len() {
            32 if text.is_ascii() && text[16..].bytes().all(|b| b == b'0') => &text[..16],
            _ => text,
        };
        if digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Self(digits.to_ascii_lowercase()));
        }
        let what = "physical volume id: 16 hexadecimal digits, as lspv shows them";
        Err(BadIdentity { what, found: text.to_owned() })
    }
}

impl FromStr for Udid {
    type Err = BadIdentity;

    fn from_str(text: &str) -> Result<Self, BadIdentity> {
        let id: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let is_one = (LEAST..=MOST).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic());
        if is_one && !id.contains(',') {
            return Ok(Self(id));
        }
        let what = "unique id of a disk, as lspv -u shows it";
        Err(BadIdentity { what, found: text.to_owned() })
    }
}

impl Udid {
    /// What names the LUN itself. The id that a client of a VIOS shows is that of the VIOS with four digits before it and the type of
    /// the virtual disk behind it. Source: listings of `lspv -u` on a client and its VIOSes, `docs/decisions/0012`.
    #[must_use]
    pub fn lun(&self) -> &str {
        match self.0.strip_suffix(VIRTUAL) {
            Some(rest) if rest.len() > PREFIX + LEAST && rest.is_char_boundary(PREFIX) => {
                &rest[PREFIX..]
            }
            _ => &self.0,
        }
    }
}

/// Shortest and longest unique id that is taken for one.
const LEAST: usize = 8;
const MOST: usize = 200;

/// What a virtual SCSI disk has behind and before the id of its LUN.
const VIRTUAL: &str = "05VDASD03AIXvscsi";
const PREFIX: usize = 4;

impl fmt::Display for Pvid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Udid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_type!(Pvid, Udid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pvid_has_16_digits_with_or_without_the_zeros_of_the_device() {
        let short: Pvid = "00FA343B8F050A76".parse().unwrap();
        assert_eq!("00fa343b8f050a760000000000000000".parse(), Ok(short));
        for bad in ["none", "", "00fa343b8f050a7", "00fa343b8f050a760000000000000001", "ä"] {
            assert!(bad.parse::<Pvid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_client_of_a_vios_and_the_vios_see_one_lun() {
        let on = |text: &str| text.parse::<Udid>().unwrap();
        let client = on(
            "533E3E21360170E50202E5A5A0000025E50A12AB20F1746      FAStT03IBMfcp05VDASD03AIXvscsi",
        );
        let server = on("3E21360170E50202E5A5A0000025E50A12AB20F1746      FAStT03IBMfcp");
        assert_ne!(client, server);
        assert_eq!(client.lun(), server.lun());
        assert!("x".parse::<Udid>().is_err() && "none".parse::<Udid>().is_err());
    }
}
