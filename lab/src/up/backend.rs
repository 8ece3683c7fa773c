//! What is behind the SSH servers: an LPAR's processes, an HMC's and a VIO server's commands.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use russh::keys::{PublicKey, load_public_key};
use tokio::task::JoinSet;

use super::Shared;
use super::prepare::{Kind, Listening};
use crate::Phase;
use crate::clock::Pending;
use crate::fault::{ConsoleFault, SLOW_MILLISECONDS};
use crate::lpar::files::Files;
use crate::ssh::keys::{Authorized, authorized};
use crate::ssh::wire::Way;
use crate::ssh::{Backend, Execution, Gate, Login, Output, Promise, serve};
use crate::world::{Denied, World};
use crate::{hmc, vios};

/// Serves one host as long as `tasks` lives.
pub(super) fn spawn(tasks: &mut JoinSet<()>, host: Listening, shared: &Arc<Shared>) {
    let (name, shared) = (host.name, Arc::clone(shared));
    let keys = ["id_ed25519.pub", "admin_ed25519.pub"]
        .map(|file| shared.directory.join("keys").join(file));
    match host.kind {
        Kind::Hmc => {
            let Some(gate) = shared.consoles.get(&name).cloned() else { return };
            let backend = Arc::new(HmcHost { name, keys, shared });
            tasks.spawn(serve(host.listener, host.key, gate, backend));
        }
        Kind::Vios => {
            let backend = Arc::new(ViosHost { name, keys, shared });
            tasks.spawn(serve(host.listener, host.key, Gate::default(), backend));
        }
        Kind::Lpar => {
            let Some(gate) = shared.lpars.get(&name).map(|lpar| lpar.gate.clone()) else { return };
            let backend = Arc::new(Lpar { name, shared });
            tasks.spawn(serve(host.listener, host.key, gate, backend));
        }
    }
}

struct Lpar {
    name: String,
    shared: Arc<Shared>,
}

impl Backend for Lpar {
    fn admits(&self) -> bool {
        !Files::of(&self.shared.directory, &self.name).lock().exists()
    }

    fn key<'a>(&'a self, user: &'a str, key: &'a PublicKey) -> Promise<'a, Option<Authorized>> {
        Box::pin(async move {
            if user != "root" {
                return None;
            }
            let root = Files::of(&self.shared.directory, &self.name).root();
            let text = tokio::fs::read_to_string(root.join(".ssh/authorized_keys")).await.ok()?;
            authorized(&text, key)
        })
    }

    fn password<'a>(&'a self, _: &'a str, _: &'a str) -> Promise<'a, Result<bool, String>> {
        Box::pin(async { Ok(false) })
    }

    fn run<'a>(&'a self, login: &'a Login, command: &'a str) -> Promise<'a, io::Result<Execution>> {
        Box::pin(async move {
            let host = self.shared.lpars.get(&self.name).ok_or(io::ErrorKind::NotFound)?;
            let mut environment = host.environment.clone();
            let line = match &login.authorized {
                Authorized::Free => on_lpar(command),
                Authorized::Forced(forced) => {
                    environment.insert("SSH_ORIGINAL_COMMAND".to_owned(), command.to_owned());
                    forced.clone()
                }
            };
            let argv = vec!["/bin/sh".to_owned(), "-c".to_owned(), line];
            let root = Files::of(&self.shared.directory, &self.name).root();
            let started = host.runtime.command(argv, environment, &root).await?;
            let taps = [Way::ToAgent, Way::ToMaster].map(|way| host.wire.tap(way, &host.gate));
            Ok(Execution::Process(started, taps))
        })
    }
}

/// A command line with the commands of AIX that are typed with their whole path: on the LPAR, not on the machine under it.
fn on_lpar(line: &str) -> String {
    let mut line = line.to_owned();
    for (folder, name) in crate::aix::COMMANDS {
        let typed = format!("/{folder}/{name}");
        let ends = |rest: &str| rest.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
        let mut from = 0;
        while let Some(at) = line[from..].find(&typed).map(|at| at + from) {
            let begins = line[..at].chars().next_back().is_none_or(|c| " ;&|(".contains(c));
            let own =
                if begins && ends(&line[at + typed.len()..]) { "$NIM_AGENT_ROOT" } else { "" };
            line.insert_str(at, own);
            from = at + own.len() + typed.len();
        }
    }
    line
}

struct HmcHost {
    name: String,
    keys: [PathBuf; 2],
    shared: Arc<Shared>,
}

impl Backend for HmcHost {
    fn key<'a>(&'a self, user: &'a str, key: &'a PublicKey) -> Promise<'a, Option<Authorized>> {
        Box::pin(async move {
            let hmcs = self.shared.store.hmcs().ok()?;
            let user = hmcs.get(&self.name)?.users.get(user)?;
            let own = user.keys.iter().find_map(|line| authorized(line, key));
            own.or_else(|| one_of(&self.keys, key))
        })
    }

    fn password<'a>(
        &'a self,
        user: &'a str,
        password: &'a str,
    ) -> Promise<'a, Result<bool, String>> {
        Box::pin(async move {
            let now = self.shared.clock.now();
            let tried = self.shared.store.change_hmcs(|hmcs| {
                let hmc = hmcs.get_mut(&self.name);
                Ok::<_, anyhow::Error>(
                    hmc.map_or(Err(Denied::Wrong), |hmc| hmc.log_in(user, password, now)),
                )
            });
            match tried {
                Ok(Ok(())) => Ok(true),
                Ok(Err(Denied::Locked(minutes))) => Err(hmc::locked(minutes)),
                Ok(Err(Denied::Wrong)) => Ok(false),
                Err(error) => {
                    tracing::error!(%error, "the HMC cannot read its users");
                    Ok(false)
                }
            }
        })
    }

    fn run<'a>(&'a self, login: &'a Login, command: &'a str) -> Promise<'a, io::Result<Execution>> {
        Box::pin(async move {
            let faults = self.shared.store.hmcs().map_err(io::Error::other)?.remove(&self.name);
            if faults.is_some_and(|hmc| hmc.faults.contains(&ConsoleFault::HmcSlow)) {
                let until = self.shared.clock.now() + SLOW_MILLISECONDS;
                let pending = Pending { lpar: self.name.clone(), phase: Phase::Preview, until };
                self.shared.clock.wait(pending).await;
            }
            let said = if hmc::changes(command) {
                let run = |world: &mut World| {
                    Ok::<_, anyhow::Error>(hmc::run(world, &self.name, &login.user, command))
                };
                self.shared.store.change(run).map_err(io::Error::other)?
            } else {
                // One frame of forty is a fortieth of the reading.
                let asked = hmc::frames_asked(command);
                let read = self.shared.store.read_some(asked.as_ref());
                let mut world = read.map_err(io::Error::other)?;
                hmc::run(&mut world, &self.name, &login.user, command)
            };
            Ok(Execution::Answered(said))
        })
    }
}

struct ViosHost {
    name: String,
    keys: [PathBuf; 2],
    shared: Arc<Shared>,
}

impl Backend for ViosHost {
    fn key<'a>(&'a self, user: &'a str, key: &'a PublicKey) -> Promise<'a, Option<Authorized>> {
        Box::pin(async move { if user == "padmin" { one_of(&self.keys, key) } else { None } })
    }

    fn password<'a>(&'a self, _: &'a str, _: &'a str) -> Promise<'a, Result<bool, String>> {
        Box::pin(async { Ok(false) })
    }

    fn run<'a>(&'a self, _: &'a Login, command: &'a str) -> Promise<'a, io::Result<Execution>> {
        Box::pin(async move {
            let world = self.shared.store.read().map_err(io::Error::other)?;
            let said: Output = vios::run(&world, &self.name, command, vios::As::Padmin);
            Ok(Execution::Answered(said))
        })
    }
}

fn one_of(files: &[PathBuf], key: &PublicKey) -> Option<Authorized> {
    files
        .iter()
        .filter_map(|file| load_public_key(file).ok())
        .any(|known| known.key_data() == key.key_data())
        .then_some(Authorized::Free)
}
