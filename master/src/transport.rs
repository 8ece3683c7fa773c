//! SSH: how the master reaches LPARs, HMCs and VIOSes, and nothing of what it says to them.
//!
//! [`Transport::connect`] opens a connection to an [`Endpoint`], through bastions where it has
//! some; [`Connection::exec`] runs a command on it. Three promises hold on every hop: nothing is
//! sent to a host before it has shown a key on record for its object; what a host sends is bounded
//! in memory; and a host, or the bastion before it, is not asked for more logins at a time than it
//! can bear.
//!
//! This is the only module that knows russh; nothing of it shows in the interface. A connection
//! is disposable: who needs one asks for a new one when the old one is lost.

mod authenticate;
mod client;
mod connect;
mod connection;
mod endpoint;
mod error;
mod exec;
mod host_key;
pub mod known_hosts;
mod limit;
mod login;
mod own_key;
mod quote;
mod secret;
mod settings;
mod user_key;
mod via;
mod vigil;
mod wire;

use std::sync::Arc;

pub use connection::Connection;
pub use endpoint::{
    Address, BadAddress, BadUserName, Endpoint, Host, HostId, Login, SecretId, UserName,
};
pub use error::{Code, Error, Fault, OfferedKey, Retry, Stage};
pub use exec::{Answer, Ask, Ended, Exec, Exit, Input, Output, Stderr};
pub use host_key::{BadHostKey, CertificateFault, Fingerprint, HostKey, HostKeyPolicy};
pub use login::{LoginLedger, LoginOutcome, LoginRecord, MemoryLedger, NotAdmitted, Stopped, Turn};
pub use own_key::{own_key, public_key};
pub use quote::{BadCommand, Command};
pub use secret::Secret;
pub use settings::Settings;
pub use user_key::KeyFault;
pub use vigil::Patience;

use connect::Core;

/// The way to all hosts; cheap to clone.
#[derive(Clone)]
pub struct Transport {
    core: Arc<Core>,
}

impl Transport {
    /// A transport that keeps record of password logins in `ledger`.
    pub fn new(settings: Settings, ledger: Arc<dyn LoginLedger>) -> Self {
        Self { core: Arc::new(Core::new(settings, ledger)) }
    }

    /// Opens a connection and logs in.
    ///
    /// # Errors
    /// [`Error`] says what was tried and whether trying again can help; connections that are
    /// closed before the login are tried again here, within the deadline of the settings.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<Connection, Error> {
        self.core.connect(&endpoint.host, &endpoint.via).await
    }

    /// The host keys that a host has, best kind first, for a person to compare and confirm. The
    /// host itself is neither believed nor logged in to; bastions on the way are.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), except what concerns the host's own key and login.
    pub async fn scan(&self, endpoint: &Endpoint) -> Result<Vec<HostKey>, Error> {
        self.core.scan(endpoint).await
    }

    /// Waits until every connection has ended. Drop or close them first.
    pub async fn drained(&self) {
        self.core.drained().await;
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

#[cfg(test)]
mod tests;
