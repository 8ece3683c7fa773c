//! An open, logged-in connection to one host.
//!
//! A connection is disposable: what runs on the host does not depend on it. It ends when the last
//! clone of its handle and the last command on it are dropped, when the host ends it, or when the
//! host was silent for longer than the [`Patience`] set for it bears.

use std::sync::{Arc, Weak};
use std::time::Duration;

use russh::client::Handle;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::client::{Client, End};
use super::endpoint::HostId;
use super::error::{Error, Fault};
use super::settings::Settings;
use super::via::Lease;
use super::vigil::{Patience, Silence, Watch};
use super::wire::Pulse;

/// A handle to an open connection; cheap to clone.
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    host: HostId,
    ssh: Handle<Client>,
    end: Arc<End>,
    pulse: Arc<Pulse>,
    settings: Arc<Settings>,
    /// Dropped with the last handle, which tells the keeper.
    patience: watch::Sender<Regime>,
    /// The place on a bastion, kept for as long as this connection needs it.
    _through: Option<Lease>,
}

#[derive(Debug, Clone, Copy)]
struct Regime {
    patience: Patience,
    since: Instant,
}

/// The parts of a connection that has just logged in.
pub(super) struct Opened {
    pub(super) host: HostId,
    pub(super) ssh: Handle<Client>,
    pub(super) end: Arc<End>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) through: Option<Lease>,
}

impl Connection {
    pub(super) fn new(opened: Opened, settings: &Arc<Settings>, keepers: &TaskTracker) -> Self {
        let Opened { host, ssh, end, pulse, through } = opened;
        let regime = Regime { patience: Patience::Normal, since: Instant::now() };
        let (patience, changes) = watch::channel(regime);
        let settings = Arc::clone(settings);
        let inner =
            Arc::new(Inner { host, ssh, end, pulse, settings, patience, _through: through });
        keepers.spawn(keep(Keeper {
            connection: Arc::downgrade(&inner),
            end: Arc::clone(&inner.end),
            pulse: Arc::clone(&inner.pulse),
            settings: Arc::clone(&inner.settings),
            changes,
        }));
        Self { inner }
    }

    /// What the host is called.
    pub fn host(&self) -> &HostId {
        &self.inner.host
    }

    /// How much silence is borne from now on.
    pub fn set_patience(&self, patience: Patience) {
        let now = Instant::now();
        self.inner.pulse.set_user_timeout(match patience {
            Patience::Normal => self.inner.settings.silence_limit(),
            Patience::Blackout { until } => {
                until.saturating_duration_since(now) + self.inner.settings.silence_limit()
            }
        });
        self.inner.patience.send_replace(Regime { patience, since: now });
    }

    /// How long nothing was heard of the host. What was not read yet because we were busy does
    /// not count as heard.
    pub fn silent_for(&self) -> Duration {
        self.inner.pulse.heard().elapsed()
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.inner.end.is_reached()
    }

    /// Waits until the connection is over, and says how it ended.
    pub async fn closed(&self) -> Error {
        self.inner.end.reached().await;
        Error::Lost { host: self.host().clone(), cause: self.inner.end.reason() }
    }

    /// Ends the connection with a word to the host, and all commands on it. Returns when it is
    /// over. What their hosts send has to be read meanwhile, or their outputs dropped.
    pub async fn close(self) {
        self.inner.end.because(Fault::new("we closed it"));
        let goodbye = async {
            // Fails when it is over already, which is what is wanted.
            drop(self.inner.ssh.disconnect(russh::Disconnect::ByApplication, "", "").await);
            self.inner.end.reached().await;
        };
        if tokio::time::timeout(GOODBYE, goodbye).await.is_err() {
            self.inner.pulse.cut();
            self.inner.end.reached().await;
        }
    }

    pub(super) fn handle(&self) -> &Handle<Client> {
        &self.inner.ssh
    }

    pub(super) fn end(&self) -> &End {
        &self.inner.end
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The error for a connection that has just failed us.
    pub(super) async fn lost(&self) -> Error {
        // russh closes its queues a moment before it says why.
        drop(tokio::time::timeout(GOODBYE, self.inner.end.reached()).await);
        Error::Lost { host: self.host().clone(), cause: self.inner.end.reason() }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({})", self.host())
    }
}

struct Keeper {
    connection: Weak<Inner>,
    end: Arc<End>,
    pulse: Arc<Pulse>,
    settings: Arc<Settings>,
    changes: watch::Receiver<Regime>,
}

/// Watches over one connection for as long as it lasts.
async fn keep(mut keeper: Keeper) {
    while let Some(until) = keeper.look().await {
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = keeper.end.reached() => return,
            changed = keeper.changes.changed() => if changed.is_err() { break },
        }
    }
    // Nobody needs it any more, or it is lost: russh ends it by itself if the host takes part.
    if tokio::time::timeout(GOODBYE, keeper.end.reached()).await.is_err() {
        keeper.pulse.cut();
    }
}

impl Keeper {
    /// Does what is due now; says when to look again, or that it is over.
    async fn look(&mut self) -> Option<Instant> {
        let Regime { patience, since } = *self.changes.borrow_and_update();
        let now = Instant::now();
        let limit = self.settings.silence_limit();
        let silence = Silence {
            now,
            heard: self.pulse.heard(),
            listening: self.pulse.is_listening(),
            patience,
            since,
        };
        if matches!(patience, Patience::Blackout { until } if until <= now) {
            self.pulse.set_user_timeout(limit);
        }
        match silence.decide(self.settings.keepalive, limit) {
            Watch::Wait { until } => Some(until),
            Watch::Probe { until } => {
                let connection = self.connection.upgrade()?;
                // A queue that takes nothing for so long is silence as well.
                drop(tokio::time::timeout_at(until, connection.ssh.send_keepalive(true)).await);
                Some(until)
            }
            Watch::GiveUp => {
                let seconds = now.saturating_duration_since(self.pulse.heard()).as_secs();
                self.end.because(Fault::new(format!("nothing was heard for {seconds} s")));
                self.pulse.cut();
                None
            }
        }
    }
}

/// How long a host may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
