//! The run after the preview, phase by phase (LU §2.4 to §2.6, §5.5).

use std::fs;

use super::check::{blackout_milliseconds, reduction};
use super::fail::{self, Failure};
use super::logs;
use super::say::Printer;
use crate::Phase;
use crate::aix::inittab::INITTAB;
use crate::aix::lvupdate::Data;
use crate::aix::media::Selection;
use crate::aix::{Context, lssrc, stamp};
use crate::fault::Fault;
use crate::record::Deed;
use crate::world::lpar::{OldProcess, Style};
use crate::world::running::{Running, WorkloadManager};
use crate::world::update::Update;

/// How long after the original's end the LPAR has its processors again, where that is a step of its own (ours: no source says it).
const PROCESSORS_BACK_SECONDS: u32 = 10;

/// How a run that went through came out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tidy {
    /// Everything is as it should be.
    All,
    /// Updated, with leftovers.
    Partly,
}

/// Runs the update. The exit status.
pub(super) fn update(
    context: &Context,
    printer: &mut Printer<'_>,
    data: &Data,
    selection: &Selection,
) -> anyhow::Result<u8> {
    printer.progress_b("The live update preview succeeded.")?;
    printer.plain("Non-interruptable live update operation begins in 10 seconds.")?;
    printer.enter(Phase::Countdown)?;
    printer.wait(Phase::Countdown, Phase::Countdown.sample_seconds())?;
    let began = printer.now;
    begin(context, data, selection, began)?;
    logs::started(context, began)?;
    printer.broadcast("Live AIX update in progress.")?;
    printer.progress_b("Live AIX update is starting.")?;
    match phases(context, printer, data) {
        Ok(tidy) => end(context, printer, selection, began, tidy),
        Err(Stop::Failed(failure)) => fail::roll_back(context, printer, &failure),
        // The lab itself failed, or was told to kill this process: nothing is tidied up, as after any other sudden death.
        Err(Stop::Broken(error)) => Err(error),
    }
}

/// Why the phases ended early.
enum Stop {
    /// As the simulation has it.
    Failed(Failure),
    /// Because the lab does not work.
    Broken(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

fn begin(context: &Context, data: &Data, selection: &Selection, now: u64) -> anyhow::Result<()> {
    let (nhdisk, mhdisk) = (data.disks("nhdisk"), data.disks("mhdisk"));
    context.change(|lpar| {
        let before = lpar.software.clone();
        let mut target = before.clone();
        let at = stamp::emgr(now);
        // An ifix that a Live Update applied showed ST (LU §5.2).
        target.ifixes.extend(selection.ifixes.iter().map(|ifix| ifix.installed("ST", at.clone())));
        lpar.update = Some(Update {
            phase: Phase::Init,
            nhdisk,
            mhdisk,
            original_id: lpar.partition_id,
            surrogate_id: None,
            target,
            before,
            pid: std::process::id(),
            booted_at: lpar.booted_at,
            own_hundredths: None,
        });
        Ok(())
    })
}

fn phases(context: &Context, printer: &mut Printer<'_>, data: &Data) -> Result<Tidy, Stop> {
    let name = context.name.as_str();
    let mut run = Run { context, printer };
    let wanted = data.value("hmc", "lpar_id").and_then(|id| id.parse::<u32>().ok());
    run.enter(Phase::Init)?;
    run.wait(Phase::Init)?;
    run.say("Initializing live update on original LPAR.")?;
    run.enter(Phase::Validate)?;
    run.say("Validating original LPAR environment.")?;
    run.enter(Phase::Begin)?;
    run.say("Beginning live update operation on original LPAR.")?;
    run.wait(Phase::Begin)?;

    run.enter(Phase::Resources)?;
    run.say("Requesting resources required for live update.")?;
    run.resources(wanted, data)?;
    run.wait(Phase::Resources)?;

    run.enter(Phase::Notify)?;
    run.say("Notifying applications of impending live update.")?;
    run.fails_by(&[Fault::NotifyScript, Fault::Pfcdaemon])?;
    if !context.lpar()?.autofs_gone {
        run.fails_by(&[Fault::AutofsMissing])?;
    }
    if !context.lpar()?.runs("pfcdaemon", context.now()?) {
        run.fails_by(&[Fault::PfcdaemonSlow])?;
    }
    run.without_domain()?;

    run.enter(Phase::Clone)?;
    run.say("Creating rootvg for boot of surrogate.")?;
    run.printer.progress_b("Starting alt_disk_copy.")?;
    run.wait(Phase::Clone)?;
    run.fails_by(&[Fault::CloneFails])?;
    context.store.change(|world| world.cloned(name))?;
    run.copy_files_to(&data.disks("nhdisk"))?;
    run.printer.progress_b("Completed alt_disk_copy.")?;
    run.printer.progress_b("Rootvg for the surrogate is ready.")?;

    run.enter(Phase::Boot)?;
    run.say("Starting the surrogate LPAR.")?;
    run.printer.progress_b("Surrogate AIX boot started.")?;
    run.printer.wait(Phase::Boot, 70)?;
    run.fails_by(&[Fault::BootFails])?;
    run.printer.progress_b("Surrogate AIX reboot started.")?;
    run.printer.wait(Phase::Boot, 80)?;
    context.store.change(|world| world.surrogate_booted(name))?;
    run.printer.progress_b("Surrogate LPAR AIX is running.")?;

    run.enter(Phase::Mirror)?;
    run.say("Creating mirror of original LPAR's rootvg.")?;
    run.wait(Phase::Mirror)?;
    run.fails_by(&[Fault::MirrorFails])?;
    context.store.change(|world| world.mirrored(name))?;
    run.printer.progress_b("Original rootvg mirror is active.")?;

    run.enter(Phase::Move)?;
    run.say("Moving workload to surrogate LPAR.")?;
    context.store.change(|world| world.refcode(name, "000e"))?;
    run.wait(Phase::Move)?;
    run.fails_by(&[Fault::MoveWorkload])?;
    run.fails_by_workload_manager()?;
    run.blackout(data)?;

    run.enter(Phase::Running)?;
    run.say("Workload is running on surrogate LPAR.")?;
    logs::switched(context, run.printer.now)?;
    run.tidy()
}

/// A run under way.
struct Run<'c, 'p, 'o> {
    context: &'c Context,
    printer: &'p mut Printer<'o>,
}

impl Run<'_, '_, '_> {
    fn say(&mut self, sentence: &str) -> anyhow::Result<()> {
        logs::log(self.context, "lvupdlog", self.printer.now, &format!("DEBUG - {sentence}"))?;
        self.printer.progress(sentence)
    }

    /// The world knows the phase before faults strike for it.
    fn enter(&mut self, phase: Phase) -> Result<(), Stop> {
        self.context.store.change(|world| {
            world.update_mut(&self.context.name)?.phase = phase;
            Ok::<_, crate::world::update::Refused>(())
        })?;
        Ok(self.printer.enter(phase)?)
    }

    fn wait(&mut self, phase: Phase) -> anyhow::Result<()> {
        self.printer.wait(phase, phase.sample_seconds())
    }

    /// Fails if one of these faults is set.
    fn fails_by(&self, faults: &[Fault]) -> Result<(), Stop> {
        let lpar = self.context.lpar()?;
        match faults.iter().find(|fault| lpar.has(**fault)) {
            Some(fault) => Err(Stop::Failed(Failure::of(*fault))),
            None => Ok(()),
        }
    }

    /// Workload Manager that runs, or that the surrogate's inittab starts, keeps the workload from being moved (LU §4.5 pitfall 2).
    fn fails_by_workload_manager(&self) -> Result<(), Stop> {
        let inittab = fs::read_to_string(self.context.path(INITTAB)).unwrap_or_default();
        let states = [
            self.context.lpar()?.running.workload_manager,
            Running::after_boot(&inittab).workload_manager,
        ];
        match states.iter().all(|state| *state == WorkloadManager::Stopped) {
            true => Ok(()),
            false => Err(Stop::Failed(Failure::of(Fault::MoveWorkload))),
        }
    }

    /// Before 7.3 a NIS client without domain fails the notification (LU §4.5 pitfall 7, inferred; the script is not named there).
    fn without_domain(&self) -> Result<(), Stop> {
        let lpar = self.context.lpar()?;
        let is_client = lpar.software.filesets.contains_key("bos.net.nis.client");
        if is_client && lpar.system.nis_domain.is_empty() && lpar.release() < 7300 {
            return Err(Stop::Failed(Failure::of_script("/usr/bin/domainname", 1)));
        }
        Ok(())
    }

    /// The HMC gives what the surrogate needs, or does not.
    fn resources(&self, wanted: Option<u32>, data: &Data) -> Result<(), Stop> {
        let lpar = self.context.lpar()?;
        if lpar.has(Fault::TokenExpires)
            || lpar.tokens.iter().all(|token| token.expires <= self.printer.now)
        {
            logs::hmc_log(self.context, "PMCSS00G The authentication has been rejected")?;
            return Err(Stop::Failed(Failure::silent("the token has run out")));
        }
        if lpar.has(Fault::HmcAuthority) {
            logs::console_given_up(self.context)?;
            return Err(Stop::Failed(Failure::silent("no management console is left")));
        }
        let reduction = reduction(&lpar, data);
        let taken: Result<u32, crate::world::update::Refused> = self
            .context
            .store
            .change(|world| world.take_resources(&self.context.name, wanted, reduction));
        if let Err(refused) = taken {
            // The family of HSCL03EC: not enough memory or processors (LU §3.3, inferred).
            logs::hmc_log(self.context, &format!("HSCL03EC {refused}"))?;
            self.context.note(Deed::Refused { why: refused.to_string() })?;
            return Err(Stop::Failed(Failure::silent(&refused.to_string())));
        }
        Ok(())
    }

    /// Everything stands still; afterwards the workload is on the surrogate, or still where it was.
    fn blackout(&mut self, data: &Data) -> Result<(), Stop> {
        let (context, name) = (self.context, self.context.name.as_str());
        let world = context.world()?;
        let lpar = context.lpar()?;
        let milliseconds = blackout_milliseconds(&world, &lpar, name, data)?;
        context.store.change(|world| {
            world.update_mut(name)?.phase = Phase::Blackout;
            Ok::<_, crate::world::update::Refused>(())
        })?;
        self.printer.blackout("Blackout Time started.")?;
        let has_filters = context.lpar()?.system.has_available("ipsec_v4");
        let causes: Vec<Fault> = [
            Fault::Shlib,
            Fault::ShlibStale,
            Fault::DeviceOpen,
            Fault::ProcfsOpen,
            Fault::IpsecRestart,
        ]
        .into_iter()
        .filter(|cause| *cause != Fault::IpsecRestart || has_filters)
        .collect();
        if self.fails_by(&causes).is_err() {
            // The kernel refuses the freeze soon; the published log has ten seconds between denial and error (LU §2.8).
            self.printer.freeze(Phase::Blackout, milliseconds.min(10_000))?;
            self.fails_by(&causes)?;
        }
        self.printer.freeze(Phase::Blackout, milliseconds)?;
        // The split-off copy holds the files of this moment.
        let copies =
            if lpar.variation.disks_swapped { data.disks("nhdisk") } else { data.disks("mhdisk") };
        context.store.change(|world| world.moved(name))?;
        self.copy_files_to(&copies)?;
        self.printer.blackout("Blackout Time end.")?;
        Ok(())
    }

    /// Those disks hold the files of this moment, whatever was there before.
    fn copy_files_to(&self, disks: &[String]) -> anyhow::Result<()> {
        let lpar = self.context.lpar()?;
        for pvid in disks.iter().filter_map(|name| lpar.disk(name)?.pvid.as_deref()) {
            self.context.files.copy_running_to(pvid)?;
        }
        Ok(())
    }

    fn tidy(&mut self) -> Result<Tidy, Stop> {
        let (context, name) = (self.context, self.context.name.as_str());
        self.enter(Phase::Transfer)?;
        context.store.change(|world| world.refcode(name, ""))?;
        self.printer.progress_b(
            "Completing transfer of system resources from the original to the surrogate LPAR.",
        )?;
        self.wait(Phase::Transfer)?;
        let leftovers = context.lpar()?.has(Fault::PartialSuccess);
        if !leftovers {
            context.store.change(|world| world.paths_back(name))?;
        }
        self.enter(Phase::Cleanup)?;
        self.printer.progress_b("Starting cleanup of the original LPAR.")?;
        self.wait(Phase::Cleanup)?;
        let lpar = context.lpar()?;
        if lpar.has(Fault::MobileCod) {
            let host = &lpar.hostname;
            self.printer.plain(&format!("1430-187 WARNING: Couldn't release the unreturned mobile CoD resources generated on CEC '{host}'."))?;
        }
        let lost = lpar.has(Fault::PostProcessing);
        if lost {
            // One path of a disk is lost again (LU §4.6, about one in ten on 7.3 TL3 with NPIV).
            context.change(|lpar| {
                if let Some(path) = lpar.paths.last_mut() {
                    "Missing".clone_into(&mut path.status);
                }
                Ok(())
            })?;
        }
        self.enter(Phase::Shutdown)?;
        self.say("Shutting down the Original LPAR.")?;
        self.wait(Phase::Shutdown)?;
        context.store.change(|world| world.original_down(name))?;
        self.enter(Phase::Delete)?;
        self.printer.progress_b("Deleting the original LPAR.")?;
        self.wait(Phase::Delete)?;
        if context.lpar()?.has(Fault::PartialSuccess) {
            return Ok(Tidy::Partly);
        }
        let is_changed = context.lpar()?.has(Fault::ProfileChanged);
        context.store.change(|world| {
            world.original_deleted(name)?;
            if is_changed { world.change_profile(name) } else { Ok(()) }
        })?;
        let lpar = context.lpar()?;
        let gave_up = lpar.update.is_some_and(|update| update.own_hundredths.is_some());
        if gave_up && lpar.variation.processors_back_later {
            self.printer.wait(Phase::Delete, PROCESSORS_BACK_SECONDS)?;
            context.store.change(|world| world.processors_back(name))?;
        }
        Ok(if lost { Tidy::Partly } else { Tidy::All })
    }
}

/// The last lines, and what an update leaves on the system.
fn end(
    context: &Context,
    printer: &mut Printer<'_>,
    selection: &Selection,
    began: u64,
    tidy: Tidy,
) -> anyhow::Result<u8> {
    let updated = !selection.filesets.is_empty();
    let status = context.change(|lpar| {
        if tidy == Tidy::All {
            lpar.update = None;
        }
        lpar.outdated = outdated();
        Ok(if tidy == Tidy::All { 0 } else { lpar.partial_success_status })
    })?;
    printer.enter(Phase::Done)?;
    if tidy == Tidy::Partly {
        printer.plain("1430-249 An error occurred during post-processing.")?;
        printer.plain("1430-094 The live update operation completed, but one or more errors occurred during post-processing after the update was applied.")?;
        return Ok(status);
    }
    logs::completed(context, printer.now)?;
    match printer.style {
        Style::A => {
            printer.glued("The live update operation succeeded.")?;
            printer.plain("")?;
            printer.broadcast("Live AIX update completed.")?;
        }
        Style::B => {
            let seconds = (printer.now - began) / 1000;
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            printer.progress(&format!(
                "Live AIX update completed in {hours}h {minutes}m {seconds}s."
            ))?;
        }
    }
    if updated {
        fs::write(context.path("/var/adm/ras/config.diff"), "> # changed by the update\n")?;
        printer.plain("File /etc/inittab has been modified.")?;
        printer
            .plain("One or more of the files listed in /etc/check_config.files have changed.")?;
        printer.plain("See /var/adm/ras/config.diff for details.")?;
    }
    Ok(0)
}

/// Processes that keep their old libraries (LU §6.1: typically these).
fn outdated() -> Vec<OldProcess> {
    (0u32..)
        .zip(["srcmstr", "syslogd", "portmap", "sshd"])
        .map(|(number, name)| OldProcess {
            pid: lssrc::process_of(name).unwrap_or(3_473_882 + number * 65_540),
            name: name.to_owned(),
            program: format!("/usr/sbin/{name}"),
        })
        .collect()
}
