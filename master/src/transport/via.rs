//! Ways through bastions.
//!
//! Many LPARs lie behind few bastions, and a bastion's sshd limits logins and sessions. So
//! connections to a bastion are shared: a target takes a place on an open one, up to a number of
//! places each, and a further connection is opened when all are taken, or when the bastion refuses
//! a channel on one that others use. A connection ends with its last target.
//!
//! Targets on one connection share its flow control as well: one that sends faster than it is read
//! holds up its neighbours, the fewer the smaller the number of places.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use russh::ChannelStream;
use russh::client::Msg;
use tokio::time::Instant;

use super::connect::Core;
use super::connection::Connection;
use super::endpoint::{Address, Host, HostId};
use super::error::{Error, Fault};

/// The open connections to bastions.
#[derive(Default)]
pub(super) struct Pool {
    /// By the whole way to the bastion, settings included: a bastion that was redefined is
    /// another one.
    slots: Mutex<HashMap<Vec<Host>, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    // Held while a connection is opened: all who need one wait for the same.
    inner: tokio::sync::Mutex<Open>,
}

#[derive(Default)]
struct Open {
    shared: Vec<Weak<Shared>>,
    /// The last failure: whoever was waiting when it happened gets it as an answer, too.
    failed: Option<(Instant, Arc<Error>)>,
}

struct Shared {
    connection: Connection,
    used: AtomicUsize,
    places: AtomicUsize,
}

/// A place on a connection to a bastion.
pub(super) struct Lease(Arc<Shared>);

/// Why a bastion did not connect to a target.
pub(super) enum NoChannel {
    /// The target did not take the connection, or its name is not known there.
    Target(Fault),
    /// The bastion itself refused.
    Refused(Fault),
    /// The connection to the bastion is gone.
    Lost(Error),
}

impl Pool {
    /// A place on a connection to the last bastion of `chain`; a new connection if `fresh`.
    pub(super) async fn lease(
        &self,
        core: &Arc<Core>,
        chain: &[Host],
        fresh: Fresh,
    ) -> Result<Lease, Arc<Error>> {
        let asked = Instant::now();
        let slot = self.slot(chain);
        let mut open = slot.inner.lock().await;
        if let Some((when, error)) = &open.failed
            && *when >= asked
        {
            return Err(Arc::clone(error));
        }
        open.shared.retain(|shared| shared.strong_count() > 0);
        if fresh == Fresh::No {
            let usable = open.shared.iter().filter_map(Weak::upgrade);
            if let Some(lease) = usable.into_iter().find_map(Lease::take) {
                return Ok(lease);
            }
        }
        let (bastion, before) = chain.split_last().expect("a way has at least one bastion");
        match core.connect(bastion, before).await {
            Ok(connection) => {
                open.failed = None;
                let places = core.settings().targets_per_bastion.max(1);
                let shared = Arc::new(Shared {
                    connection,
                    used: AtomicUsize::new(0),
                    places: AtomicUsize::new(places),
                });
                open.shared.push(Arc::downgrade(&shared));
                Ok(Lease::take(shared).expect("a new connection has a free place"))
            }
            Err(error) => {
                let error = Arc::new(error);
                open.failed = Some((Instant::now(), Arc::clone(&error)));
                Err(error)
            }
        }
    }

    fn slot(&self, chain: &[Host]) -> Arc<Slot> {
        let mut slots = self.slots.lock().expect("nothing panics while it holds this lock");
        if let Some(slot) = slots.get(chain) {
            return Arc::clone(slot);
        }
        // A new way is rare: time to forget those that nobody goes any more.
        slots.retain(|_, slot| {
            Arc::strong_count(slot) > 1
                || slot.inner.try_lock().is_ok_and(|mut open| {
                    open.shared.retain(|shared| shared.strong_count() > 0);
                    !open.shared.is_empty()
                })
        });
        Arc::clone(slots.entry(chain.to_vec()).or_default())
    }
}

/// Whether an open connection will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fresh {
    /// Any connection with a free place.
    No,
    /// Only a new one.
    Yes,
}

impl Lease {
    fn take(shared: Arc<Shared>) -> Option<Self> {
        if shared.connection.is_closed() {
            return None;
        }
        let places = shared.places.load(Ordering::Relaxed);
        let more = |used| (used < places).then_some(used + 1);
        let taken = shared.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        // Not `then_some`: a lease that is made gives a place back.
        taken.is_ok().then(|| Self(shared))
    }

    pub(super) fn bastion(&self) -> &HostId {
        self.0.connection.host()
    }

    /// Whether other targets use this connection.
    pub(super) fn is_shared(&self) -> bool {
        self.0.used.load(Ordering::Relaxed) > 1
    }

    /// Notes that the bastion allows no more channels here than there are, this place excepted.
    pub(super) fn is_full(&self) {
        let used = self.0.used.load(Ordering::Relaxed).saturating_sub(1).max(1);
        self.0.places.store(used, Ordering::Relaxed);
    }

    /// Asks the bastion to connect to `address`.
    pub(super) async fn open(
        &self,
        address: &Address,
        port: u16,
        limit: Duration,
    ) -> Result<ChannelStream<Msg>, NoChannel> {
        let ssh = self.0.connection.handle();
        // The originator is for the bastion's log; we have no address of our own to tell.
        let asked = ssh.channel_open_direct_tcpip(address.to_string(), port.into(), "127.0.0.1", 0);
        match tokio::time::timeout(limit, asked).await {
            Ok(Ok(channel)) => Ok(channel.into_stream()),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => match reason {
                russh::ChannelOpenFailure::ConnectFailed => {
                    Err(NoChannel::Target(Fault::new("the connection failed")))
                }
                other => Err(NoChannel::Refused(Fault::new(format!("{other:?}")))),
            },
            Ok(Err(_)) => Err(NoChannel::Lost(self.0.connection.lost().await)),
            Err(_) => {
                Err(NoChannel::Target(Fault::new(format!("no answer in {} s", limit.as_secs()))))
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.used.fetch_sub(1, Ordering::Relaxed);
    }
}
