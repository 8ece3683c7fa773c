//! From settings to a site whose ports are bound and whose LPARs have booted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::{Context as _, bail};
use russh::keys::PrivateKey;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::process::{self, Invocation};
use super::{LparHost, Settings, Shared};
use crate::aix;
use crate::clock::{Clock, machine_now};
use crate::fault::ConsoleFault;
use crate::fleet;
use crate::lpar::Runtime;
use crate::lpar::files::{Files, link};
use crate::record::{self, Deed, Entry};
use crate::site::{LparEntry, SwitchedOn, build};
use crate::ssh::wire::Wire;
use crate::ssh::{self, Gate, keys};
use crate::state::Turn;
use crate::world::lpar::AgentInstalled;
use crate::world::{Store, World};

/// A host that is ready to be served.
pub(crate) struct Listening {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) listener: TcpListener,
    pub(crate) key: PrivateKey,
}

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hmc,
    Vios,
    Lpar,
}

/// Writes what is missing in the directory, binds every port, boots every LPAR.
pub(super) async fn site(settings: Settings) -> anyhow::Result<(Shared, Vec<Listening>)> {
    let directory = &settings.directory;
    fs::create_dir_all(directory.join("run"))
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let directory = fs::canonicalize(directory)
        .with_context(|| format!("cannot use {}", directory.display()))?;
    let clock = Clock::new(settings.clock, start_time(&directory)?);
    let store = Store::of_site(&directory, clock.clone());
    let fresh = !store.exists();
    if fresh {
        let mut world = build::world(&settings.site);
        aix::media::write(&directory, &settings.site.lpp_sources, &mut world)?;
        store.create(&world)?;
    }
    let world = store.read()?;
    same_hosts(&settings, &world)?;
    let user = keys::load_or_create(&directory.join("keys/id_ed25519"), "nimd@lab")?;
    let admin = keys::load_or_create(&directory.join("keys/admin_ed25519"), "admin@lab")?;
    let authorized = format!(
        "# Whoever administers this LPAR.\n{}\n# nimd: this key reaches the agent's gate and nothing else.\nrestrict,command=\"{GATE}\" {}\n",
        admin.public_key().to_openssh()?,
        user.public_key().to_openssh()?
    );
    let listeners = listeners(&directory, &world, settings.site.port)?;
    fleet::write(&directory, &settings.site, &world, &listeners)?;

    let mut lpars = BTreeMap::new();
    let wrapper = process::faketime(&settings)?;
    // In one change: the world of a big site takes long to read and write.
    let mut disks = store.change(|world| {
        let names: Vec<String> = world.lpars.keys().cloned().collect();
        let now = clock.now();
        let boot = |name: String| {
            world.boot(&name, None, now).map(|disk| (name, disk)).map_err(anyhow::Error::from)
        };
        names.into_iter().map(boot).collect::<anyhow::Result<BTreeMap<_, _>>>()
    })?;
    let nothing = BTreeSet::new();
    let on: BTreeMap<&str, &BTreeSet<SwitchedOn>> =
        settings.site.lpars.iter().map(|entry| (entry.name.as_str(), &entry.on)).collect();
    let mut running = BTreeMap::new();
    for (name, lpar) in &world.lpars {
        let files = Files::of(&directory, name);
        if fresh {
            for disk in lpar.disks.iter().filter(|disk| {
                disk.image.is_some() || disk.pvid.as_ref() == Some(&lpar.booted_from)
            }) {
                let pvid = disk.pvid.as_deref().unwrap_or_default();
                files.install(pvid, &settings.lab, aix::COMMANDS)?;
                files.switch_on(pvid, on.get(name.as_str()).copied().unwrap_or(&nothing))?;
                let tree = files.disk(pvid);
                let mut known = authorized.as_str();
                if lpar.agent == AgentInstalled::Absent {
                    known = authorized.split_inclusive('\n').nth(1).unwrap_or_default();
                } else {
                    link(&settings.agent, &tree.join(AGENT))?;
                }
                fs::write(tree.join(".ssh/authorized_keys"), known)?;
                if let Some(entry) = settings.site.lpars.iter().find(|entry| entry.name == *name) {
                    as_written(entry, &tree)
                        .with_context(|| format!("cannot write the files of {name}"))?;
                }
            }
        }
        let booted = disks.remove(name).flatten();
        let gate = Gate::default();
        match &booted {
            Some(pvid) => {
                files.boot(pvid)?;
                let after = files.after_boot();
                if lpar.running != after {
                    running.insert(name.clone(), after);
                }
            }
            None => gate.switch_off(),
        }
        let entry =
            Entry { at: clock.now(), lpar: name.clone(), deed: Deed::Booted { disk: booted } };
        record::append(&directory, &entry)?;
        let process =
            process::root_process(&settings, &directory, name, wrapper.as_deref(), &clock)?;
        let environment =
            process::environment(&files.root(), &lpar.locale, process.wall_clock.as_ref());
        let (lpar_name, site_clock) = (name.clone(), clock.clone());
        let (runtime, wall_clock) = tokio::task::spawn_blocking(move || {
            let Invocation { program, arguments, environment, mut wall_clock } = process;
            let runtime = Runtime::start(&files, &lpar_name, &program, &arguments, &environment)?;
            if let Some(clock) = &mut wall_clock {
                clock
                    .set(runtime.showed, site_clock.now())
                    .context("cannot set an LPAR's clock")?;
            }
            Ok::<_, anyhow::Error>((runtime, wall_clock))
        })
        .await??;
        lpars.insert(
            name.clone(),
            LparHost {
                gate,
                wire: Wire::default(),
                runtime,
                environment,
                wall_clock,
                boots: Mutex::new(0),
            },
        );
    }
    if !running.is_empty() {
        store.change(|world| {
            for (name, running) in running {
                world.lpar_mut(&name)?.running = running;
            }
            Ok::<_, anyhow::Error>(())
        })?;
    }
    let addresses = listeners
        .iter()
        .map(|host| Ok((host.name.clone(), host.listener.local_addr()?)))
        .collect::<std::io::Result<_>>()
        .context("a port without an address")?;
    let consoles = world.hmcs.iter().map(|(name, hmc)| {
        let gate = Gate::default();
        if hmc.faults.contains(&ConsoleFault::HmcReboot) {
            gate.switch_off();
        }
        (name.clone(), gate)
    });
    let consoles = consoles.collect();
    Ok((Shared { directory, store, clock, addresses, lpars, consoles }, listeners))
}

/// What the site file says of the files of an LPAR.
fn as_written(entry: &LparEntry, tree: &Path) -> std::io::Result<()> {
    if let Some(text) = &entry.lvupdate_data {
        fs::write(tree.join(aix::DATA.trim_start_matches('/')), text)?;
    }
    entry.all_states().try_for_each(|state| state.write(tree, Turn::On))
}

/// Where the agent is on an LPAR, below its root.
const AGENT: &str = "opt/nim-agent/nim-agent";
/// Forced command of nimd's key. The shell that sshd starts resolves the variable.
const GATE: &str = "exec $NIM_AGENT_ROOT/opt/nim-agent/nim-agent gate";

/// A site started again goes on at the latest time of its record: its time never steps back.
fn start_time(directory: &Path) -> anyhow::Result<u64> {
    let record = record::read(directory)?;
    let last = record.iter().map(|entry| entry.at).max();
    Ok(last.unwrap_or(0).max(machine_now()))
}

fn same_hosts(settings: &Settings, world: &World) -> anyhow::Result<()> {
    let written: Vec<&str> = settings.site.lpars.iter().map(|lpar| lpar.name.as_str()).collect();
    for name in world.lpars.keys() {
        if !written.contains(&name.as_str()) {
            bail!(
                "{} holds the state of another site (it has an LPAR {name}); use an empty --dir",
                settings.directory.display()
            );
        }
    }
    if written.len() != world.lpars.len() {
        bail!("{} holds a site with fewer LPARs; use an empty --dir", settings.directory.display());
    }
    Ok(())
}

fn listeners(directory: &Path, world: &World, port: u16) -> anyhow::Result<Vec<Listening>> {
    let hmcs = world.hmcs.iter().map(|(name, hmc)| (name, Kind::Hmc, &hmc.address));
    let vioses = world.frames.values().flat_map(|frame| &frame.vioses);
    let vioses = vioses.map(|(name, vios)| (name, Kind::Vios, &vios.address));
    let lpars = world.lpars.iter().map(|(name, lpar)| (name, Kind::Lpar, &lpar.address));
    let mut bound = Vec::new();
    for (name, kind, address) in hmcs.chain(vioses).chain(lpars) {
        let ip: IpAddr = address.parse().with_context(|| format!("{address} of {name}"))?;
        let at = SocketAddr::new(ip, port);
        let listener =
            ssh::listen(at).with_context(|| {
                format!("cannot listen on {at} for {name}; where another site runs, `port` or addresses have to differ")
            })?;
        let key = keys::load_or_create(
            &directory.join("hosts").join(name).join("ssh_host_ed25519_key"),
            name,
        )?;
        bound.push(Listening { name: name.clone(), kind, listener, key });
    }
    Ok(bound)
}
