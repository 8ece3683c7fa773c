//! What is done to LPARs from outside: freeze, boot, faults.

use anyhow::Context as _;

use super::{LparHost, Shared};
use crate::Phase;
use crate::clock::{Mode, Pending, machine_now};
use crate::control::{LparStatus, Status};
use crate::fault::{Armed, ConsoleFault, Fault, FaultyHost, Kind};
use crate::lpar::files::{Files, copy};
use crate::record::{self, Deed, Entry};
use crate::state::{State, Turn};
use crate::world::frame::Odd;
use crate::world::{FILLER, Partition, PartitionState, Unknown, World};

/// How long an LPAR needs to boot, by the site's clock (HV §4.1: 70 s to the first login, inferred for a plain boot).
const BOOT_MILLISECONDS: u64 = 70_000;

impl LparHost {
    /// The LPAR stands still. The caller holds `boots`.
    pub(super) async fn stop(&self) -> anyhow::Result<()> {
        self.gate.freeze();
        let processes = self.runtime.processes();
        tokio::task::spawn_blocking(move || processes.stop()).await?.context("cannot stop an LPAR")
    }

    /// The LPAR goes on. The caller holds `boots`.
    pub(super) async fn go_on(&self) -> anyhow::Result<()> {
        let processes = self.runtime.processes();
        let gone_on = tokio::task::spawn_blocking(move || processes.go_on()).await?;
        self.gate.thaw();
        gone_on.context("cannot let an LPAR go on")
    }

    async fn kill(&self) -> anyhow::Result<()> {
        let processes = self.runtime.processes();
        tokio::task::spawn_blocking(move || processes.kill()).await?.context("cannot kill an LPAR")
    }

    /// Kills those of its processes that were started as `what`.
    async fn kill_those(&self, what: Target) -> anyhow::Result<usize> {
        let processes = self.runtime.processes();
        tokio::task::spawn_blocking(move || processes.kill_those(|argv| what.matches(argv)))
            .await?
            .context("cannot kill processes of an LPAR")
    }
}

/// Processes that a fault kills.
#[derive(Clone, Copy)]
enum Target {
    /// The agent on SSH channels.
    Agent,
    /// The detached supervisor.
    Supervisor,
    /// geninstall.
    Geninstall,
}

impl Target {
    fn matches(self, argv: &[String]) -> bool {
        let names = |wanted: &str| argv.first().is_some_and(|program| program.ends_with(wanted));
        let role = argv.get(1).map(String::as_str);
        match self {
            Self::Agent => names("nim-agent") && matches!(role, Some("gate" | "serve" | "receive")),
            Self::Supervisor => names("nim-agent") && role == Some("supervise"),
            Self::Geninstall => {
                names("/geninstall") || argv.first().is_some_and(|p| p == "geninstall")
            }
        }
    }
}

impl Shared {
    pub(super) fn host(&self, lpar: &str) -> anyhow::Result<&LparHost> {
        self.lpars.get(lpar).with_context(|| format!("no LPAR is called {lpar:?}"))
    }

    pub(super) fn note(&self, lpar: &str, deed: Deed) -> anyhow::Result<()> {
        let entry = Entry { at: self.clock.now(), lpar: lpar.to_owned(), deed };
        record::append(&self.directory, &entry).context("cannot write the lab's record")
    }

    /// An update enters a phase: what is armed for it strikes.
    pub(super) async fn enter(&self, lpar: &str, phase: Phase) -> anyhow::Result<()> {
        self.note(lpar, Deed::Entered { phase })?;
        self.strike_armed(lpar, phase).await
    }

    async fn strike_armed(&self, lpar: &str, phase: Phase) -> anyhow::Result<()> {
        let armed: Vec<Fault> = self.store.near(lpar).change(|world| {
            let faults = &mut world.lpar_mut(lpar)?.faults;
            let due: Vec<Fault> = faults
                .iter()
                .filter(|(_, armed)| **armed == Armed::At(phase))
                .map(|(fault, _)| *fault)
                .collect();
            for fault in &due {
                match fault.kind() {
                    // An event strikes once; a condition that was armed holds from now on.
                    Kind::Event => faults.remove(fault),
                    Kind::Condition => faults.insert(*fault, Armed::Always),
                };
            }
            Ok::<_, anyhow::Error>(due)
        })?;
        for fault in armed {
            self.strike(lpar, fault).await?;
        }
        Ok(())
    }

    /// The LPAR stands still for so long, or until somebody boots it meanwhile.
    pub(super) async fn freeze(
        &self,
        lpar: &str,
        phase: Phase,
        milliseconds: u64,
    ) -> anyhow::Result<()> {
        let host = self.host(lpar)?;
        let before = {
            let boots = host.boots.lock().await;
            host.stop().await?;
            *boots
        };
        let (began, machine_began) = (self.clock.now(), machine_now());
        self.enter(lpar, phase).await?;
        self.clock
            .wait(Pending { lpar: lpar.to_owned(), phase, until: began + milliseconds })
            .await;
        let boots = host.boots.lock().await;
        if *boots == before {
            let machine_milliseconds = machine_now().saturating_sub(machine_began);
            let milliseconds = self.clock.now().saturating_sub(began);
            self.note(lpar, Deed::Frozen { milliseconds, machine_milliseconds })?;
            let steps = self.store.near(lpar).read()?.lpar(lpar)?.variation.clock_steps;
            if let Some(clock) = host.wall_clock.as_ref().filter(|_| steps) {
                clock.step().context("cannot step an LPAR's clock")?;
            }
            host.go_on().await?;
        }
        Ok(())
    }

    pub(super) async fn set_fault(
        &self,
        lpar: &str,
        fault: Fault,
        armed: Option<Armed>,
    ) -> anyhow::Result<()> {
        self.host(lpar)?;
        match (armed, fault.kind()) {
            (Some(Armed::At(phase)), _) => self.store.near(lpar).change(|world| {
                world.lpar_mut(lpar)?.faults.insert(fault, Armed::At(phase));
                Ok(())
            }),
            (None | Some(Armed::Always), Kind::Condition) => {
                self.store.near(lpar).change(|world| {
                    world.lpar_mut(lpar)?.faults.insert(fault, Armed::Always);
                    Ok::<_, anyhow::Error>(())
                })?;
                self.strike(lpar, fault).await
            }
            (None | Some(Armed::Always), Kind::Event) => self.strike(lpar, fault).await,
        }
    }

    /// An LPAR is in a state from now on, or no longer.
    pub(super) fn set_state(&self, lpar: &str, state: State, turn: Turn) -> anyhow::Result<()> {
        self.host(lpar)?;
        let now = self.clock.now();
        self.store
            .near(lpar)
            .change(|world| world.put(lpar, state, turn, now).map_err(anyhow::Error::from))?;
        let root = Files::of(&self.directory, lpar).root();
        state.write(&root, turn).with_context(|| format!("cannot write the files of {lpar}"))
    }

    pub(super) fn set_console_fault(
        &self,
        host: &str,
        fault: ConsoleFault,
        set: bool,
    ) -> anyhow::Result<()> {
        self.store.change(|world| {
            let faults = match fault.host() {
                FaultyHost::Hmc => world.hmcs.get_mut(host).map(|hmc| &mut hmc.faults),
                FaultyHost::Vios => {
                    let vioses = world.frames.values_mut().map(|frame| &mut frame.vioses);
                    vioses.into_iter().find_map(|all| all.get_mut(host)).map(|one| &mut one.faults)
                }
            };
            let of = fault.host();
            let faults = faults.with_context(|| {
                format!("{fault} is a fault of {of}, and {host:?} is the name of none")
            })?;
            if set {
                faults.insert(fault)
            } else {
                faults.remove(&fault)
            };
            if fault == ConsoleFault::ViosDown {
                let partitions = world.frames.values_mut().flat_map(|frame| &mut frame.partitions);
                let is_it = |one: &&mut Partition| one.env == "vioserver" && one.name == host;
                for partition in partitions.filter(is_it) {
                    partition.state =
                        if set { PartitionState::NotActivated } else { PartitionState::Running };
                }
            }
            Ok::<_, anyhow::Error>(())
        })?;
        self.note(host, Deed::ConsoleFault { fault, set })?;
        match (fault, self.consoles.get(host)) {
            (ConsoleFault::HmcReboot, Some(gate)) if set => gate.switch_off(),
            (ConsoleFault::HmcReboot, Some(gate)) => gate.switch_on(),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn clear_fault(&self, lpar: &str, fault: Fault) -> anyhow::Result<()> {
        if let Some(state) = fault.state() {
            self.set_state(lpar, state, Turn::Off)?;
        }
        self.store.change(|world| {
            world.lpar_mut(lpar)?.faults.remove(&fault);
            match fault {
                Fault::FrameFull => {
                    world.frame_mut(lpar)?.partitions.retain(|one| one.name != FILLER);
                }
                Fault::AsmDisk => world.take_from_database(lpar)?,
                Fault::SharedLun => world.unshare_disks(lpar)?,
                _ => {}
            }
            Ok::<_, anyhow::Error>(())
        })?;
        self.note(lpar, Deed::FaultCleared { fault })
    }

    /// What happens when a fault sets in. Most conditions need nothing: the commands look whether they are set.
    async fn strike(&self, lpar: &str, fault: Fault) -> anyhow::Result<()> {
        self.note(lpar, Deed::Fault { fault })?;
        let host = self.host(lpar)?;
        if let Some(state) = fault.state() {
            self.set_state(lpar, state, Turn::On)?;
        }
        match fault {
            Fault::SshDrop | Fault::SshDropInBlackout => host.gate.cut(),
            Fault::AgentKilled => drop(host.kill_those(Target::Agent).await?),
            Fault::SupervisorKilled => drop(host.kill_those(Target::Supervisor).await?),
            Fault::GeninstallKilled => drop(host.kill_those(Target::Geninstall).await?),
            Fault::Reboot => self.reboot(lpar, None).await?,
            Fault::BootOtherDisk => {
                let world = self.store.near(lpar).read()?;
                let disk = other_boot_disk(&world, lpar)?;
                self.reboot(lpar, Some(&disk)).await?;
            }
            Fault::CloneOfAnotherLpar => self.clone_identity(lpar).await?,
            Fault::FrameFull => self.store.change(|world| fill(world, lpar))?,
            Fault::AsmDisk => self.disks(|world| world.give_to_database(lpar))?,
            Fault::SharedLun => self.disks(|world| world.share_disk(lpar))?,
            Fault::RenumberedHdisk => self.disks(|world| world.renumber_disks(lpar))?,
            Fault::NoToken | Fault::TokenExpires => self.store.change(|world| {
                world.lpar_mut(lpar)?.tokens.clear();
                Ok::<_, anyhow::Error>(())
            })?,
            _ => {}
        }
        Ok(())
    }

    /// Something happens to disks.
    fn disks(&self, change: impl FnOnce(&mut World) -> Result<(), Unknown>) -> anyhow::Result<()> {
        self.store.change(|world| change(world).map_err(anyhow::Error::from))
    }

    pub(super) async fn reboot(&self, lpar: &str, disk: Option<&str>) -> anyhow::Result<()> {
        let host = self.host(lpar)?;
        let mut boots = host.boots.lock().await;
        *boots += 1;
        host.gate.switch_off();
        host.kill().await?;
        let booted = self.store.near(lpar).change(|world| {
            world.lpar_mut(lpar)?.mounts.clear();
            world.boot(lpar, disk, self.clock.now()).map_err(anyhow::Error::from)
        })?;
        self.note(lpar, Deed::Booted { disk: booted.clone() })?;
        let Some(pvid) = booted else { return Ok(()) };
        let files = Files::of(&self.directory, lpar);
        files.boot(&pvid).context("cannot switch an LPAR's files")?;
        let running = files.after_boot();
        self.store.near(lpar).change(|world| {
            world.lpar_mut(lpar)?.running = running;
            Ok::<_, anyhow::Error>(())
        })?;
        let gate = host.gate.clone();
        let clock = self.clock.clone();
        let until = clock.now() + BOOT_MILLISECONDS;
        let lpar = lpar.to_owned();
        // Step by step nobody would think of stepping through a boot.
        if clock.mode() == Mode::Explicit {
            gate.switch_on();
        } else {
            tokio::spawn(async move {
                clock.wait(Pending { lpar, phase: Phase::Boot, until }).await;
                gate.switch_on();
            });
        }
        Ok(())
    }

    pub(super) fn status(&self) -> anyhow::Result<Status> {
        let world = self.store.read()?;
        let lpars = world.lpars.iter().map(|(name, lpar)| LparStatus {
            name: name.clone(),
            address: self.addresses.get(name).map(ToString::to_string).unwrap_or_default(),
            level: lpar.software.level.clone(),
            partition_id: lpar.partition_id,
            phase: lpar.update.as_ref().map(|update| update.phase),
            faults: lpar.faults.keys().copied().collect(),
        });
        Ok(Status { now: self.clock.now(), pending: self.clock.pending(), lpars: lpars.collect() })
    }

    /// Host name and agent state of the next LPAR by name, as a careless restore of its backup would bring them.
    async fn clone_identity(&self, lpar: &str) -> anyhow::Result<()> {
        let world = self.store.read()?;
        let after = world.lpars.keys().filter(|name| name.as_str() > lpar);
        let other = after.chain(world.lpars.keys()).find(|name| *name != lpar);
        let other = other.context("there is no other LPAR to be a clone of")?.clone();
        let hostname = world.lpar(&other)?.hostname.clone();
        let state = "var/adm/nim-agent";
        let from = Files::of(&self.directory, &other).root().join(state);
        let to = Files::of(&self.directory, lpar).root().join(state);
        tokio::task::spawn_blocking(move || {
            if to.exists() {
                std::fs::remove_dir_all(&to)?;
            }
            if from.exists() { copy(&from, &to) } else { Ok(()) }
        })
        .await?
        .context("cannot copy the agent's state")?;
        self.store.change(|world| {
            world.lpar_mut(lpar)?.hostname = hostname;
            Ok(())
        })
    }
}

fn other_boot_disk(world: &World, lpar: &str) -> anyhow::Result<String> {
    let lpar = world.lpar(lpar)?;
    let other = lpar.disks.iter().find(|disk| {
        disk.image.is_some() && disk.pvid.as_deref() != Some(lpar.booted_from.as_str())
    });
    Ok(other.context("no other disk of this LPAR can be booted")?.name.clone())
}

/// A partition without a system takes what is left of the frame.
fn fill(world: &mut World, lpar: &str) -> anyhow::Result<()> {
    let frame = world.frame_mut(lpar)?;
    if frame.named(FILLER).is_some() {
        return Ok(());
    }
    let id = frame.free_id().context("no partition id is free")?;
    let (free_mb, hundredths) = (frame.free_mb(), frame.free_hundredths());
    let mut filler = Partition {
        name: FILLER.to_owned(),
        id,
        env: "aixlinux".to_owned(),
        state: PartitionState::Running,
        memory_mb: free_mb,
        hundredths,
        desired_hundredths: hundredths,
        min_hundredths: 0,
        procs: 1,
        pool: 0,
        uuid: "00000000-0000-0000-0000-00000000F111".to_owned(),
        os_version: "Unknown".to_owned(),
        refcode: String::new(),
        rmc_ipaddr: String::new(),
        odd: Odd::default(),
    };
    // Its page table comes out of the same.
    while frame.held_mb(&filler) > free_mb {
        filler.memory_mb = filler.memory_mb.saturating_sub(frame.region_mb.max(1));
    }
    frame.partitions.push(filler);
    Ok(())
}
