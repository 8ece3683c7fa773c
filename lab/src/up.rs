//! A site that runs: SSH servers, root processes, clock and control socket, for `nim-lab up` and for tests.

mod act;
mod backend;
mod listen;
mod prepare;
mod process;
mod wall_clock;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::clock::{Clock, Mode, Pending};
use crate::control::Status;
use crate::fault::{Armed, ConsoleFault, Fault};
use crate::lpar::Runtime;
use crate::record::{self, Entry};
use crate::site;
use crate::ssh::Gate;
use crate::ssh::wire::{Mishap, Wire};
use crate::state::{State, Turn};
use crate::world::{Store, World};

pub(crate) use prepare::Listening;
pub use process::Faketime;

/// How a site is to be run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it consists of.
    pub site: site::File,
    /// Where its state is kept.
    pub directory: PathBuf,
    /// How time passes.
    pub clock: Mode,
    /// The real `nim-agent` binary.
    pub agent: PathBuf,
    /// The `nim-lab` binary: root processes and AIX commands are run from it.
    pub lab: PathBuf,
    /// Whether processes on LPARs see the site's time.
    pub faketime: Faketime,
}

impl Settings {
    /// Settings for a test: site and directory, time step by step, binaries beside `lab`.
    pub fn for_test(site: site::File, directory: &Path, lab: &Path) -> Self {
        Self {
            site,
            directory: directory.to_owned(),
            clock: Mode::Explicit,
            agent: lab.with_file_name("nim-agent"),
            lab: lab.to_owned(),
            faketime: Faketime::Off,
        }
    }
}

/// Starts sites.
#[derive(Clone, Copy, Debug)]
pub struct Site;

impl Site {
    /// Starts a site, or starts one again that was kept in the directory: then every LPAR boots.
    pub async fn start(settings: Settings) -> anyhow::Result<Lab> {
        let (shared, listeners) = prepare::site(settings).await?;
        let shared = Arc::new(shared);
        let mut tasks = JoinSet::new();
        let control = listen::bind(&shared.directory)?;
        tasks.spawn(listen::serve(control, Arc::clone(&shared)));
        for host in listeners {
            backend::spawn(&mut tasks, host, &shared);
        }
        Ok(Lab { shared, tasks })
    }
}

/// A running site. When it is dropped, everything on it ends.
#[derive(Debug)]
pub struct Lab {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) directory: PathBuf,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// Where each host listens.
    pub(crate) addresses: BTreeMap<String, SocketAddr>,
    pub(crate) lpars: BTreeMap<String, LparHost>,
    /// The network of each HMC.
    pub(crate) consoles: BTreeMap<String, Gate>,
}

/// What the site holds of one LPAR.
#[derive(Debug)]
pub(crate) struct LparHost {
    pub(crate) gate: Gate,
    pub(crate) wire: Wire,
    pub(crate) runtime: Runtime,
    pub(crate) environment: BTreeMap<String, String>,
    /// `None` where its processes see the machine's time.
    pub(crate) wall_clock: Option<wall_clock::WallClock>,
    /// Number of boots; held while the LPAR is frozen, killed or booted, so that these never mix.
    pub(crate) boots: Mutex<u64>,
}

impl Lab {
    /// The world as it is now.
    pub fn world(&self) -> anyhow::Result<World> {
        Ok(self.shared.store.read()?)
    }

    /// Changes the world between two commands, as people at an HMC do.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut World) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.shared.store.change(change)
    }

    /// The site's directory.
    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Where a host listens: an LPAR, an HMC or a VIO server.
    pub fn address(&self, host: &str) -> anyhow::Result<SocketAddr> {
        self.shared
            .addresses
            .get(host)
            .copied()
            .with_context(|| format!("no host is called {host:?}"))
    }

    /// The running root of an LPAR's files.
    pub fn root(&self, lpar: &str) -> PathBuf {
        crate::lpar::files::Files::of(&self.shared.directory, lpar).root()
    }

    /// What was done on the site so far.
    pub fn record(&self) -> anyhow::Result<Vec<Entry>> {
        record::read(&self.shared.directory).context("cannot read the lab's record")
    }

    /// Sets a fault: a condition from now on, an event now.
    pub async fn set_fault(&self, lpar: &str, fault: Fault) -> anyhow::Result<()> {
        self.shared.set_fault(lpar, fault, None).await
    }

    /// Sets a fault that strikes when an update enters a phase.
    pub async fn arm_fault(&self, lpar: &str, fault: Fault, armed: Armed) -> anyhow::Result<()> {
        self.shared.set_fault(lpar, fault, Some(armed)).await
    }

    /// Takes a fault back.
    pub fn clear_fault(&self, lpar: &str, fault: Fault) -> anyhow::Result<()> {
        self.shared.clear_fault(lpar, fault)
    }

    /// Puts an LPAR in a state, or takes that back.
    pub fn set_state(&self, lpar: &str, state: State, turn: Turn) -> anyhow::Result<()> {
        self.shared.set_state(lpar, state, turn)
    }

    /// Sets a fault of an HMC or a VIO server, or takes it back.
    pub fn set_console_fault(
        &self,
        host: &str,
        fault: ConsoleFault,
        set: bool,
    ) -> anyhow::Result<()> {
        self.shared.set_console_fault(host, fault, set)
    }

    /// From now on `mishaps` befall the lines of new connections between the agent on `lpar` and a master.
    pub fn set_mishaps(&self, lpar: &str, mishaps: Vec<Mishap>) -> anyhow::Result<()> {
        self.shared.host(lpar)?.wire.set(mishaps);
        Ok(())
    }

    /// How many lines each of the mishaps of `lpar` has befallen, in the order in which they were set.
    pub fn befallen(&self, lpar: &str) -> anyhow::Result<Vec<usize>> {
        Ok(self.shared.host(lpar)?.wire.befallen())
    }

    /// Freezes an LPAR: its processes stop, its SSH server neither reads nor writes.
    pub async fn freeze(&self, lpar: &str) -> anyhow::Result<()> {
        let host = self.shared.host(lpar)?;
        let _boots = host.boots.lock().await;
        host.stop().await
    }

    /// Lets a frozen LPAR go on.
    pub async fn thaw(&self, lpar: &str) -> anyhow::Result<()> {
        let host = self.shared.host(lpar)?;
        let _boots = host.boots.lock().await;
        host.go_on().await
    }

    /// Boots an LPAR again, by its boot list or from a disk. All its processes are killed.
    pub async fn reboot(&self, lpar: &str, disk: Option<&str>) -> anyhow::Result<()> {
        self.shared.reboot(lpar, disk).await
    }

    /// Ends the earliest wait on an LPAR (step by step only): the next phase begins. `None` when nothing waits there.
    pub fn advance(&self, lpar: &str) -> Option<Pending> {
        self.shared.clock.advance(Some(lpar))
    }

    /// State of the site in short.
    pub fn status(&self) -> anyhow::Result<Status> {
        self.shared.status()
    }

    /// Ends the site: every process on it, every connection.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        // Sessions may still hold on to the site; its processes end anyway, waited for where that may block.
        let shared = self.shared;
        let end = move || shared.lpars.values().for_each(|host| host.runtime.end());
        if let Err(error) = tokio::task::spawn_blocking(end).await {
            tracing::warn!(%error, "the site did not end cleanly");
        }
    }
}
