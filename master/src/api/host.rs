//! What the API wants of hosts. Who speaks SSH implements it; tests answer themselves.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use futures::future::BoxFuture;
use nim_shared::api::{AgentStatus, Failure, KeyExchanged, PartitionView, QueryAnswer, SystemView};
use nim_shared::disks::PoolEntry;
use nim_shared::frame::Boot;
use nim_shared::id::ObjectName;
use nim_shared::object::Object;
use nim_shared::preflight::Fact;
use nim_shared::preflight::around::ConsoleUser;
use nim_shared::preflight::probe::{Probe, Probed};
use nim_shared::query::Query;

use crate::inventory::details::Details;
use crate::inventory::frame::Seen;

/// Speaks with hosts on behalf of the API. Each call has a limit of time of its own, below that of a request.
pub trait Hosts: Send + Sync {
    /// The keys that the host of `object` offers, and the hosts on the way to it. Nothing is sent but the key exchange.
    fn host_keys(&self, object: Object) -> BoxFuture<'_, HostKeys>;

    /// What the agent on `lpar` says about itself, or why it does not.
    fn agent_status(&self, lpar: ObjectName) -> BoxFuture<'_, AgentStatus>;

    /// Asks `lpar` something, read-only. Takes as long as the query may.
    fn query(&self, lpar: ObjectName, query: Query) -> BoxFuture<'_, Result<QueryAnswer, Failure>>;

    /// Looks at `lpar` for a preflight.
    fn look(&self, lpar: ObjectName) -> BoxFuture<'_, Result<Looked, Failure>>;

    /// Looks at the disks of `lpar`.
    fn disks(&self, lpar: ObjectName, wanted: DiskLook) -> BoxFuture<'_, Result<Looked, Failure>>;

    /// Looks at single things of `lpar`.
    fn probe(&self, lpar: ObjectName, probes: Vec<Probe>)
    -> BoxFuture<'_, Result<Looked, Failure>>;

    /// A frame as an HMC shows it now.
    fn frame(&self, frame: ObjectName, profiles_of: Vec<String>) -> BoxFuture<'_, Seen>;

    /// What an HMC shows of a frame that only a preflight asks, or why none does.
    fn frame_details(&self, frame: ObjectName) -> BoxFuture<'_, Result<Details, String>>;

    /// The HMCs that did not answer when they were asked last.
    fn silent(&self) -> BTreeSet<ObjectName>;

    /// An HMC as it shows itself.
    fn console(&self, hmc: ObjectName) -> BoxFuture<'_, ConsoleSeen>;

    /// The line of `authorized_keys` that goes with a private key on this master, for hosts that are logged in to with it.
    fn public_key(&self, path: &Path) -> Result<String, Box<Failure>>;

    /// Has `hmc` let this master in with its key, by a login with the password in `secret`, or in its `passwd_file`.
    fn exchange_key(
        &self,
        hmc: ObjectName,
        secret: Option<ObjectName>,
    ) -> BoxFuture<'_, Result<KeyExchanged, Failure>>;

    /// The frames that `hmc` shows.
    fn systems(&self, hmc: ObjectName) -> BoxFuture<'_, Result<Vec<SystemView>, Failure>>;

    /// The partitions of the frame that machine type, model and serial number name, as the first of `hmcs` shows them that answers.
    fn partitions(&self, hmcs: Vec<ObjectName>, mtms: String) -> BoxFuture<'_, Listed>;
}

/// What an HMC shows of itself, or why it does not.
#[derive(Clone, Debug)]
pub struct ConsoleSeen {
    /// Its level.
    pub level: Fact<String>,
    /// Its users.
    pub users: Fact<Vec<ConsoleUser>>,
}

/// How closely disks are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskLook {
    /// What names each of them.
    Names,
    /// Everything that decides whether it can be taken, of those that the pool names; of all where that is empty.
    Closely(Vec<PoolEntry>),
}

/// What a look at an LPAR found.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// What `oslevel -s` said.
    pub level: Option<String>,
    /// What its agent said of the boot.
    pub boot: Boot,
    /// What was found of what was asked.
    pub probed: Vec<Probed>,
}

/// What came of asking HMCs for the partitions of a frame.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The partitions; `None` where no HMC listed them.
    pub partitions: Option<Vec<PartitionView>>,
    /// The HMCs that did not, in the order in which they failed.
    pub failed: Vec<(ObjectName, Failure)>,
}

/// What came of asking a host, and the hosts on the way to it.
#[derive(Clone, Debug, Default)]
pub struct HostKeys {
    /// The keys that they offer.
    pub offered: Vec<Offered>,
    /// Those that did not answer.
    pub failed: Vec<Failure>,
}

/// A key that a host offers.
#[derive(Clone, PartialEq, Eq)]
pub struct Offered {
    /// The object that it belongs to, or `host:port` of a host that connections go through.
    pub holder: String,
    /// `ssh-ed25519`, …
    pub algorithm: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// In base64.
    pub key: String,
}

impl fmt::Debug for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.holder, self.algorithm, self.fingerprint)
    }
}
