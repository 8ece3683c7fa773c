//! OpenSSH's `known_hosts` files, read for `nimctl hostkey import`.
//!
//! A site has such files already; what they say about a host is bound to the object that has the
//! host's name or address, once, at the import. The form is that of sshd(8), "SSH_KNOWN_HOSTS FILE
//! FORMAT": `[@marker] patterns algorithm base64 [comment]`. A line we cannot use is reported with
//! its number and the others still count.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use nim_shared::glob::glob;
use ring::hmac;

use super::host_key::{BadHostKey, HostKey, HostKeyPolicy};

/// A parsed file.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
}

/// A line that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    #[source]
    pub kind: FaultKind,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// Not UTF-8.
    #[error("not a text")]
    NotText,
    /// Fewer than three fields.
    #[error("expected host names, a key type and a key")]
    Incomplete,
    /// `@` and something else than `cert-authority` or `revoked`.
    #[error("unknown marker {0:?}")]
    Marker(String),
    /// A hashed name that is not `|1|salt|hash`.
    #[error("malformed hashed host name")]
    Hash,
    /// The key type in front differs from the one inside the key.
    #[error("the key is not of the type that stands before it")]
    Mismatch,
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] BadHostKey),
}

impl KnownHosts {
    /// Reads a whole file. What could not be used is in the second part, by line.
    pub fn parse(file: &[u8]) -> (Self, Vec<Fault>) {
        let mut entries = Vec::new();
        let mut faults = Vec::new();
        for (at, line) in file.split(|byte| *byte == b'\n').enumerate() {
            match Entry::parse(line) {
                Ok(Some(entry)) => entries.push(entry),
                Ok(None) => {}
                Err(kind) => faults.push(Fault { line: at + 1, kind }),
            }
        }
        (Self { entries }, faults)
    }

    /// What the file says about a host under any of its `names` (host names or addresses) at
    /// `port`. Other ports than 22 stand in the file as `[name]:port`, and only that form counts.
    pub fn policy_for<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        port: u16,
    ) -> HostKeyPolicy {
        let names: Vec<String> = names.into_iter().map(|name| name_in_file(name, port)).collect();
        let mut policy = HostKeyPolicy::default();
        for entry in self.entries.iter().filter(|e| names.iter().any(|name| e.matches(name))) {
            let list = match entry.marker {
                None => &mut policy.pinned,
                Some(Marker::CertAuthority) => &mut policy.authorities,
                Some(Marker::Revoked) => &mut policy.revoked,
            };
            if !list.contains(&entry.key) {
                list.push(entry.key.clone());
            }
        }
        policy
    }

    /// How many lines hold a usable key.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no line holds a usable key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[derive(Debug, Clone)]
struct Entry {
    marker: Option<Marker>,
    hosts: Hosts,
    key: HostKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    CertAuthority,
    Revoked,
}

#[derive(Debug, Clone)]
enum Hosts {
    Patterns(Vec<Pattern>),
    /// `HMAC-SHA1(salt, name)`: a privacy measure of the file, not a proof of anything.
    Hashed {
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    negated: bool,
}

impl Entry {
    /// `None` for an empty line or a comment.
    fn parse(line: &[u8]) -> Result<Option<Self>, FaultKind> {
        let line = std::str::from_utf8(line).map_err(|_| FaultKind::NotText)?;
        let mut rest = line.trim();
        if rest.is_empty() || rest.starts_with('#') {
            return Ok(None);
        }
        let mut marker = None;
        if rest.starts_with('@') {
            let word = take_word(&mut rest).ok_or(FaultKind::Incomplete)?;
            marker = Some(match word {
                "@cert-authority" => Marker::CertAuthority,
                "@revoked" => Marker::Revoked,
                other => return Err(FaultKind::Marker(printable(other))),
            });
        }
        let hosts = take_word(&mut rest).ok_or(FaultKind::Incomplete)?;
        let algorithm = take_word(&mut rest).ok_or(FaultKind::Incomplete)?;
        let base64 = take_word(&mut rest).ok_or(FaultKind::Incomplete)?;
        let hosts = Hosts::parse(hosts)?;
        if !is_supported(algorithm) {
            let algorithm = printable(algorithm);
            return Err(BadHostKey::Unsupported { algorithm }.into());
        }
        let key: HostKey = format!("{algorithm} {base64}").parse()?;
        if key.algorithm() != algorithm {
            return Err(FaultKind::Mismatch);
        }
        Ok(Some(Self { marker, hosts, key }))
    }

    fn matches(&self, name: &str) -> bool {
        match &self.hosts {
            Hosts::Hashed { salt, hash } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                hmac::sign(&key, name.as_bytes()).as_ref() == hash
            }
            Hosts::Patterns(patterns) => {
                let found =
                    |negated| patterns.iter().any(|p| p.negated == negated && glob(&p.text, name));
                found(false) && !found(true)
            }
        }
    }
}

impl Hosts {
    fn parse(text: &str) -> Result<Self, FaultKind> {
        if let Some(hashed) = text.strip_prefix("|1|") {
            let (salt, hash) = hashed.split_once('|').ok_or(FaultKind::Hash)?;
            let decode = |part: &str| BASE64_STANDARD.decode(part).map_err(|_| FaultKind::Hash);
            let (salt, hash) = (decode(salt)?, decode(hash)?);
            return if hash.len() == SHA1_LENGTH {
                Ok(Self::Hashed { salt, hash })
            } else {
                Err(FaultKind::Hash)
            };
        }
        if text.starts_with('|') {
            return Err(FaultKind::Hash);
        }
        let patterns = text.split(',').filter(|pattern| !pattern.is_empty()).map(|pattern| {
            let (text, negated) = match pattern.strip_prefix('!') {
                Some(text) => (text, true),
                None => (pattern, false),
            };
            Pattern { text: text.to_lowercase(), negated }
        });
        Ok(Self::Patterns(patterns.collect()))
    }
}

fn is_supported(algorithm: &str) -> bool {
    matches!(
        algorithm,
        "ssh-ed25519"
            | "ssh-rsa"
            | "ecdsa-sha2-nistp256"
            | "ecdsa-sha2-nistp384"
            | "ecdsa-sha2-nistp521"
    )
}

/// OpenSSH compares names in lower case and writes `[name]:port` for ports other than 22.
fn name_in_file(name: &str, port: u16) -> String {
    let name = name.to_lowercase();
    if port == 22 { name } else { format!("[{name}]:{port}") }
}

fn take_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    *rest = after;
    (!word.is_empty()).then_some(word)
}

/// What a file says goes into an error text only without control characters, and not at length.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

const SHA1_LENGTH: usize = 20;

#[cfg(test)]
mod tests;
