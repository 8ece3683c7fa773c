//! How an HMC names the secret with its password: by name, or by the path that NIM keeps it under.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::attribute::scalar;
use super::part::{AbsolutePath, BadPart};
use crate::id::{Digest, ObjectName};

/// The name of a secret, or a path as NIM's `passwd_file` and `dpasswd -f` have it. No file is read: the path is a name, under
/// which the secret is stored sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordFile {
    text: String,
    secret: ObjectName,
}

impl PasswordFile {
    /// The name of the secret. For a path it is the file's name and the beginning of a digest of the path, so that two files
    /// of the same name in different folders are two secrets.
    #[must_use]
    pub const fn secret(&self) -> &ObjectName {
        &self.secret
    }
}

/// Most bytes of a file's name that go into the name of its secret; with a dash and the digits they fit an object's name.
const BASE: usize = 30;

/// Digits of the digest.
const DIGITS: usize = 8;

impl FromStr for PasswordFile {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let bad = || BadPart {
            expected: "the name of a secret, or an absolute path such as \"/export/nim/hmc_passwd\"",
            found: text.to_owned(),
        };
        if !text.starts_with('/') {
            let secret = text.parse().map_err(|_| bad())?;
            return Ok(Self { text: text.to_owned(), secret });
        }
        text.parse::<AbsolutePath>().map_err(|_| bad())?;
        let base = text.rsplit('/').next().unwrap_or_default();
        let base: String = base.chars().take_while(char::is_ascii).take(BASE).collect();
        let digest = Digest::of(text.as_bytes()).to_string();
        let secret = format!("{base}-{}", &digest[..DIGITS]);
        let secret = secret.parse().map_err(|_| bad())?;
        if base.is_empty() { Err(bad()) } else { Ok(Self { text: text.to_owned(), secret }) }
    }
}

impl fmt::Display for PasswordFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

scalar!(PasswordFile);

impl Serialize for PasswordFile {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PasswordFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for PasswordFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PasswordFile".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_secret_and_another_path_another() {
        let read = |text: &str| text.parse::<PasswordFile>();
        let path = read("/export/nim/hmc_liveupdate_passwd").unwrap();
        let secret = path.secret().to_string();
        assert!(secret.starts_with("hmc_liveupdate_passwd-") && secret.len() == 30, "{secret}");
        assert_ne!(read("/etc/hmc_liveupdate_passwd").unwrap().secret(), path.secret());
        assert_eq!(path.to_string(), "/export/nim/hmc_liveupdate_passwd");
        assert_eq!(read("hmc01_pw").unwrap().secret().as_str(), "hmc01_pw");
        let long = format!("/{}", "x".repeat(200));
        assert_eq!(read(&long).unwrap().secret().as_str().len(), 39);
        for text in ["", "/", "/a/", "a/b", "/a/../b", "/a/b c", "/a/\u{fc}"] {
            assert!(read(text).is_err(), "{text:?} was accepted");
        }
    }
}
