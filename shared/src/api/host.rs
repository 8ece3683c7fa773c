//! The server itself, host keys, secrets, agents.

use serde::{Deserialize, Serialize};

use crate::frame::{AgentHello, SecretText};
use crate::id::{MasterId, ObjectName};
use crate::stage::names;
use crate::stamp::Timestamp;

/// About this `nimd`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Server {
    /// Version of the program.
    pub version: String,
    /// This run of it.
    pub master: MasterId,
    /// When it became ready.
    pub ready_at: Timestamp,
    /// Its clock.
    pub now: Timestamp,
    /// Other masters on the same database, with their last heartbeat.
    pub masters: Vec<OtherMaster>,
    /// The master's public key, as a line of `authorized_keys`.
    pub public_key: String,
}

/// A master on the same database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OtherMaster {
    /// Which run.
    pub master: MasterId,
    /// Host it runs on.
    pub host: String,
    /// Its last heartbeat, by the database's clock.
    pub heartbeat: Timestamp,
}

/// A host key that is on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostKey {
    /// The object that it belongs to, or `host:port` of a host that connections go through.
    pub name: String,
    /// As in `authorized_keys`: `ssh-ed25519`, …
    pub algorithm: String,
    /// As `ssh-keygen -l` prints it: `SHA256:…`.
    pub fingerprint: String,
    /// The key in base64.
    pub key: String,
    /// How it came here; `None` for one that is only offered.
    pub source: Option<KeySource>,
}

names! {
    /// How a host key came on record.
    KeySource, "source of a host key" {
        /// It was shown and confirmed.
        Confirmed = "confirmed",
        /// From a `known_hosts` file.
        Imported = "imported",
    }
}

/// Asks hosts for their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scan {
    /// Names of objects, or patterns.
    pub targets: Vec<String>,
}

/// What hosts offer, one row a host that answered, with the reason for those that did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scanned {
    /// Keys that hosts offer and that are not on record.
    pub new: Vec<HostKey>,
    /// Keys that are on record already.
    pub known: Vec<HostKey>,
    /// Keys that differ from the one on record for the same algorithm.
    pub changed: Vec<HostKey>,
    /// Hosts that did not answer.
    pub failed: Vec<super::Failure>,
}

/// Puts keys on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TrustKeys {
    /// As they were shown.
    pub keys: Vec<HostKey>,
    /// Whether a key that is on record for the same object and algorithm is replaced.
    pub replace: bool,
}

/// Puts keys of a `known_hosts` file on record, for the objects whose addresses it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportKeys {
    /// The file.
    pub file: super::File,
    /// Whether keys that are on record are replaced.
    pub replace: bool,
}

/// What was put on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trusted {
    /// New on record.
    pub added: u64,
    /// Replaced.
    pub replaced: u64,
    /// On record before.
    pub known: u64,
}

/// A secret that is stored. Never its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretView {
    /// Its name.
    pub name: ObjectName,
    /// Rises each time it is set.
    pub version: u64,
    /// The user whose password it is, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// When it was set.
    pub set_at: Timestamp,
    /// Who set it, as uid on the master.
    pub set_by: u32,
    /// Why it is not used now: a console refused it, and the next try could lock the account.
    pub held_back: Option<String>,
}

/// Stores a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetSecret {
    /// The secret.
    pub value: SecretText,
    /// The user whose password it is; left out: as it was said before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

/// All secrets were sealed with a new key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rotated {
    /// How many there are.
    pub secrets: u64,
}

/// Puts the master's public key on a console, by a login with a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExchangeKey {
    /// Name of the secret with the password; left out: the `passwd_file` of the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<ObjectName>,
}

/// A console lets this master in with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyExchanged {
    /// The console.
    pub hmc: ObjectName,
    /// The user there.
    pub user: String,
    /// Whether the key was there before: then no password was sent.
    pub was_there: bool,
}

/// What an agent says about itself, or why it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentStatus {
    /// The LPAR.
    pub lpar: ObjectName,
    /// Its answer.
    pub hello: Option<AgentHello>,
    /// How far the LPAR's clock is from the master's, in milliseconds; positive when it is ahead.
    pub skew_milliseconds: Option<i64>,
    /// Why there is no answer.
    pub failure: Option<super::Failure>,
}

/// What an LPAR answered to a [`Query`](crate::query::Query): what its command printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueryAnswer {
    /// The LPAR.
    pub lpar: ObjectName,
    /// Exit status of the command; -1 when a signal ended it.
    pub status: i32,
    /// Standard output. It comes from a host: it may hold anything.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}
