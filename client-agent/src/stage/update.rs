//! `update`: runs geninstall once, with Live Update or without it, follows its output, and decides by evidence how it ended. A split update
//! runs what installs before it, each program once too.
//!
//! geninstall runs in a session of its own, below a shim, with its output into a file; this process only reads that file. It is never
//! signalled. While the workload is moved nothing is opened and nothing is started. Source: LU §7.3.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use nim_shared::frame::Known;
use nim_shared::id::Digest;
use nim_shared::operation::{FollowUp, Found, Kernel, Outcome, Software, StuckReason};
use nim_shared::request::{Images, Install, Kind, Request};
use nim_shared::stage::Phase;

use super::Stop;
use crate::alive;
use crate::disk;
use crate::facts::Facts;
use crate::images::{LINKED, MOUNT};
use crate::operation::{Operation, Verdict};
use crate::root::Root;
use crate::run::{Run, Standing, Step, Watch};
use crate::slot::{Durability, Slot};
use crate::supervisor::{Error, Supervisor, start};
use crate::ticker::Ticker;
use crate::verify::{self, Evidence, Log};

pub(crate) mod split;
mod told;
mod volatile;

use told::{Summary, Told};

/// Runs geninstall, or follows the one that a predecessor has started.
pub(crate) fn run(supervisor: &mut Supervisor) -> Result<Verdict, Stop> {
    match supervisor.request.kind {
        Kind::ReleaseDisks => return super::release::run(supervisor),
        Kind::Rollback => return super::rollback::run(supervisor),
        _ => {}
    }
    if !supervisor.has_begun()? {
        if let Some(verdict) = without_geninstall(supervisor)? {
            return Ok(verdict);
        }
        look_again(supervisor, |summary| {
            Stop::failed(format!("geninstall was not started: {summary}"))
        })?;
        Baseline::take(supervisor).keep(&supervisor.operation).map_err(|error| {
            Stop::failed(format!("geninstall was not started: {}", crate::text::chain(&error)))
        })?;
    }
    let mut follower = Follower::open(supervisor)?;
    if supervisor.slots.run.get()?.is_none() {
        if supervisor.request.is_split() {
            let parts = split::run(supervisor, &mut follower);
            parts.map_err(|stop| split::without_fixes(&supervisor.operation, stop))?;
        }
        let control = supervisor.operation.control()?;
        if supervisor.request.is_split() {
            // A cancel is accepted under the same lock: it is either seen here or refused there.
            split::check_cancel(supervisor)?;
        }
        supervisor.slots.run.set(&Run::Asked, Durability::Synced)?;
        drop(control);
        crate::crash::point("update.asked");
    }
    let slot = supervisor.operation.run(Step::Software)?;
    follower.follow(supervisor, Step::Software, &slot)?;
    let summary = follower.finish(supervisor)?;
    judge(supervisor, &summary)
}

/// Looks at the last moment for what stands against a move, and ends the operation where something does.
fn look_again(supervisor: &mut Supervisor, stop: impl FnOnce(String) -> Stop) -> Result<(), Stop> {
    if !supervisor.request.kind.moves() {
        return Ok(());
    }
    let mut faults = volatile::faults(supervisor)?;
    faults.extend(super::disks::named_otherwise(supervisor)?);
    if faults.is_empty() {
        return Ok(());
    }
    let mut stop = stop(faults.join("; "));
    if let Stop::Decided(verdict) = &mut stop {
        verdict.codes.push(volatile::CODE.to_owned());
    }
    Err(stop)
}

/// What comes of an order for scripts alone, or whose software is there already: geninstall is not needed.
fn without_geninstall(supervisor: &mut Supervisor) -> Result<Option<Verdict>, Stop> {
    let request = &supervisor.request;
    if request.scripts.is_empty() {
        // Looked at before: the operation is over where there is nothing to do.
        return Ok(None);
    }
    // Nothing is installed or moved by such an order.
    let found = Found::by(&Outcome::Unchanged);
    let verdict = |outcome, summary: String| Verdict { found, ..Verdict::of(outcome, summary) };
    if request.install == Install::Nothing && !request.kind.is_live_update() {
        let outcome = Outcome::Succeeded { follow_up: vec![] };
        return Ok(Some(verdict(outcome, "nothing was to be installed".to_owned())));
    }
    let before = supervisor.progress.before.clone().unwrap_or_default();
    let there = match super::pre::is_installed(request, &before) {
        Some(text) => Some(text),
        None => super::content::nothing_new(supervisor)?,
    };
    Ok(there.map(|text| verdict(Outcome::Unchanged, text)))
}

/// Decides again, from what is there now, about an operation that had ended as stuck.
pub(crate) fn judge_anew(supervisor: &mut Supervisor) -> Result<Verdict, Stop> {
    if supervisor.request.kind == Kind::Rollback {
        return super::rollback::judge_anew(supervisor);
    }
    let mut follower = Follower::open(supervisor)?;
    follower.read_on(supervisor)?;
    let summary = follower.finish(supervisor)?;
    if supervisor.slots.run.get()?.is_none() {
        return split::judge_anew(supervisor);
    }
    judge(supervisor, &summary)
}

/// Arguments of the program.
pub(crate) fn arguments(
    operation: &Operation,
    root: &Root,
    request: &Request,
) -> Result<Vec<String>, disk::Error> {
    if request.kind.is_maintenance() {
        return Ok(maintenance(request));
    }
    if request.kind == Kind::CleanUp {
        return Ok(super::clean_up::arguments(request));
    }
    if request.kind == Kind::Snap {
        return Ok(vec![super::snap::LIVE_UPDATE.to_owned()]);
    }
    if let Some(copy) = &request.alt_disk {
        let images = images_folder(operation, root, request);
        return Ok(super::alt_disk::arguments(operation, root, request, copy, images));
    }
    if request.is_split() {
        return split::move_arguments(operation, root, request);
    }
    let mut arguments = Vec::new();
    if request.kind.is_live_update() {
        arguments.push("-k".to_owned());
    }
    if request.kind.is_preview() {
        arguments.push("-p".to_owned());
    }
    if let Some(flags) = &request.installp_flags {
        arguments.extend(["-I".to_owned(), format!("-{flags}")]);
    }
    if request.accept_licenses {
        arguments.push("-Y".to_owned());
    }
    if let (Some(folder), true) =
        (images_folder(operation, root, request), request.install != Install::Nothing)
    {
        arguments.extend(["-d".to_owned(), folder]);
    }
    match &request.install {
        Install::Nothing => {}
        Install::UpdateAll => arguments.push("update_all".to_owned()),
        Install::All => arguments.push("all".to_owned()),
        Install::List(_) if request.installed_only => arguments.extend(operation.chosen()?),
        Install::List(names) => arguments.extend(names.iter().cloned()),
    }
    Ok(arguments)
}

/// Arguments of installp.
fn maintenance(request: &Request) -> Vec<String> {
    let preview = if request.kind.is_preview() { "p" } else { "" };
    let flags = request.installp_flags.as_deref().unwrap_or_default();
    let mut arguments = vec![format!("-{preview}{flags}")];
    match &request.install {
        Install::Nothing | Install::UpdateAll => {}
        Install::All => arguments.push("all".to_owned()),
        Install::List(names) => arguments.extend(names.iter().cloned()),
    }
    arguments
}

/// The folder of the images as AIX sees it.
pub(crate) fn images_folder(
    operation: &Operation,
    root: &Root,
    request: &Request,
) -> Option<String> {
    Some(match request.images.as_ref()? {
        Images::Folder { path } => path.clone(),
        Images::Nfs { .. } => root.as_seen(&operation.file(MOUNT)),
        Images::Pushed { .. } => root.as_seen(&operation.file(LINKED)),
    })
}

/// What is compared afterwards. Kept on disk: a successor compares too.
#[derive(Debug, Serialize, Deserialize)]
struct Baseline {
    /// Live Update's entries in the error log, newest first; `None` when it could not be read.
    log: Option<Vec<String>>,
    /// Digest of everything that is installed; `None` when it could not be listed.
    software: Option<Digest>,
    /// The newest entries of the whole error log, newest first; `None` when it could not be read.
    #[serde(default)]
    errors: Option<Vec<String>>,
    /// Whether the flash-cache daemon ran; where it matters and is known.
    #[serde(default)]
    daemon: Option<bool>,
}

impl Baseline {
    fn take(supervisor: &Supervisor) -> Self {
        let facts = &supervisor.facts;
        let daemon = if supervisor.request.is_split() { split::daemon_runs(facts) } else { None };
        let newest = |mut errors: Vec<String>| {
            errors.truncate(NEWEST);
            errors
        };
        let errors = facts.errors().ok().map(newest);
        Self { log: facts.error_log().ok(), software: facts.software(), errors, daemon }
    }

    /// Whether something else is installed than then.
    fn changed(&self, facts: &Facts) -> Option<bool> {
        self.software.zip(facts.software()).map(|(before, now)| before != now)
    }

    fn keep(&self, operation: &Operation) -> Result<(), disk::Error> {
        let path = operation.file(BASELINE);
        let text =
            disk::doing("write", &path, serde_json::to_vec(self).map_err(std::io::Error::other))?;
        disk::replace(&path, &text, 0o600)
    }

    fn read(operation: &Operation) -> Result<Self, disk::Error> {
        let text = disk::read(&operation.file(BASELINE), BASELINE_LIMIT)?.unwrap_or_default();
        Ok(serde_json::from_slice(&text).unwrap_or(Self {
            log: None,
            software: None,
            errors: None,
            daemon: None,
        }))
    }
}

/// The newest entries of the error log right before geninstall; `None` when it could not be read.
pub(crate) fn errors_before(operation: &Operation) -> Result<Option<Vec<String>>, disk::Error> {
    Ok(Baseline::read(operation)?.errors)
}

/// Reads the output as it grows. Opened before the workload is moved.
struct Follower {
    output: File,
    watch: Watch,
    offset: u64,
    /// Where scripts and hooks after it began to write, where they have.
    until: Option<u64>,
    told: Told,
    ticker: Ticker,
}

impl Follower {
    fn open(supervisor: &Supervisor) -> Result<Self, Error> {
        let output = supervisor.operation.output();
        Ok(Self {
            output: disk::doing("open", &output, disk::private().open(&output))?,
            watch: Watch::open(&supervisor.operation)?,
            offset: supervisor.progress.output_before,
            until: supervisor.progress.output_after,
            told: Told::after(supervisor.progress.told, supervisor.request.kind),
            ticker: Ticker::start(),
        })
    }

    /// Follows the program of `step` to its end. It is started where it is wanted and was not.
    fn follow(
        &mut self,
        supervisor: &mut Supervisor,
        step: Step,
        slot: &Slot<Run>,
    ) -> Result<(), Stop> {
        // A process id on record may be another process's by now, after a reboot. Found out once: nothing is started later.
        let foreign = match slot.get()? {
            Some(Run::Started { pid })
                if !supervisor.progress.is_silent()
                    && !alive::is_installer(pid, &supervisor.commands) =>
            {
                Some(pid)
            }
            Some(_) | None => None,
        };
        let limit = supervisor.request.limits.update.duration();
        let since = Instant::now();
        loop {
            // Asked before reading, so that nothing it printed is missed.
            let standing = self.watch.look(slot, foreign)?;
            self.read_on(supervisor)?;
            match standing {
                Standing::Over => return Ok(()),
                Standing::Wanted => {
                    start::run(&supervisor.commands, &supervisor.operation, step)?;
                }
                Standing::Runs => {}
            }
            if since.elapsed() >= limit {
                let program = match step {
                    Step::Part(part) => split::program_of(part),
                    Step::Software | Step::Backup | Step::Removal | Step::Script(_) => {
                        supervisor.request.kind.program()
                    }
                };
                let text = format!(
                    "{program} did not end within {} seconds; it is not interrupted: see {} on the LPAR",
                    limit.as_secs(),
                    supervisor.root.as_seen(&supervisor.operation.output())
                );
                return Err(Stop::stuck(StuckReason::DeadlinePassed, text));
            }
            supervisor.pause(if supervisor.progress.is_silent() { SILENT_PACE } else { PACE })?;
        }
    }

    fn read_on(&mut self, supervisor: &mut Supervisor) -> Result<(), Error> {
        let mut part = vec![0; READ_AT_ONCE];
        // Behind it come logs, which geninstall did not print.
        let before = supervisor.progress.output_before;
        let logs = supervisor.progress.logs.iter().map(|log| log.output);
        let end = logs.filter(|begin| *begin >= before).min();
        loop {
            let left = end.map_or(u64::MAX, |end| end.saturating_sub(self.offset));
            let wanted = usize::try_from(left).unwrap_or(READ_AT_ONCE).min(READ_AT_ONCE);
            let read = self.output.read_at(&mut part[..wanted], self.offset);
            let count = disk::doing("read", &supervisor.operation.output(), read)?;
            let left = self.until.map_or(u64::MAX, |until| until.saturating_sub(self.offset));
            let count = count.min(usize::try_from(left).unwrap_or(usize::MAX));
            if count == 0 {
                return Ok(());
            }
            self.offset += count as u64;
            let known = self.told.push(&part[..count]);
            self.pass_on(supervisor, known)?;
        }
    }

    fn finish(&mut self, supervisor: &mut Supervisor) -> Result<Summary, Stop> {
        let known = self.told.finish();
        self.pass_on(supervisor, known)?;
        self.stop_measuring(supervisor)?;
        Ok(self.told.summary())
    }

    fn pass_on(
        &mut self,
        supervisor: &mut Supervisor,
        told: Vec<told::Record>,
    ) -> Result<(), Error> {
        for record in told {
            match record {
                told::Record::Point(point) => supervisor.point(point)?,
                told::Record::Known(known) => {
                    let phase = match &*known {
                        Known::Phase { phase, .. } => phase.known(),
                        _ => None,
                    };
                    if phase.is_some_and(|phase| !phase.is_silent()) {
                        self.stop_measuring(supervisor)?;
                    }
                    match phase {
                        Some(_) => supervisor.record(*known)?,
                        None => supervisor.record_detail(*known)?,
                    }
                    if phase.is_some_and(Phase::is_silent) {
                        self.ticker.measure();
                    }
                }
            }
        }
        Ok(())
    }

    fn stop_measuring(&self, supervisor: &mut Supervisor) -> Result<(), Error> {
        match self.ticker.stop() {
            Some(gap) if supervisor.progress.freeze.is_none() => {
                supervisor.record(Known::Freeze(gap))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Waits until nothing of the run is left or the limit has passed, gathers what is known, and decides.
fn judge(supervisor: &mut Supervisor, summary: &Summary) -> Result<Verdict, Stop> {
    let limit = supervisor.request.limits.post.duration();
    let since = Instant::now();
    let exited = matches!(supervisor.slots.run.get()?, Some(Run::Exited { .. }));
    // Nothing that held the lock has lived through a reboot, and no clean-up at boot is known of: waiting helps nobody.
    let rebooted = !exited && supervisor.was_rebooted();
    let baseline = Baseline::read(&supervisor.operation)?;
    // What it leaves there nothing else takes away.
    let cleans_up = supervisor.request.kind.looks_after();
    let mut said = false;
    let log = loop {
        // The lock outlives geninstall while an automatic clean-up runs (LU §6.4); the error log is late for a moment.
        let locked =
            !rebooted && !cleans_up && alive::live_update_lock(&supervisor.root).is_there();
        let running = alive::run(&supervisor.operation, &supervisor.commands)?.is_there();
        if locked && !said {
            said = true;
            let text = format!(
                "geninstall has ended; for at most {} seconds its clean-up is waited for: {} is there",
                limit.as_secs(),
                alive::LIVE_UPDATE_LOCK
            );
            supervisor.record_detail(Known::Note { text })?;
        }
        let log = log_since(&baseline, &supervisor.facts);
        let late = summary.says_success()
            && matches!(log, Log::Started | Log::Silent)
            && since.elapsed() < LOG_LIMIT;
        if !(locked || running || late) || since.elapsed() >= limit {
            break log;
        }
        supervisor.pause(PACE)?;
    };
    let status = match supervisor.slots.run.get()? {
        Some(Run::Exited { status }) => status,
        Some(Run::Asked | Run::Starting | Run::Started { .. } | Run::TooLong | Run::NotStarted)
        | None => None,
    };
    let split = supervisor.request.is_split();
    let evidence = Evidence {
        kind: supervisor.request.kind,
        ending: summary.ending,
        phase: summary.phase,
        nothing_to_install: summary.nothing_to_install && !split,
        // Of a split update the move was not asked for before all of that had succeeded.
        installed: summary.installed
            || split && !supervisor.operation.divided()?.updates.is_empty(),
        log,
        locked: alive::live_update_lock(&supervisor.root).is_there(),
        changed: baseline.changed(&supervisor.facts),
        status,
        copied: super::alt_disk::is_made(supervisor),
    };
    let mut verdict = verify::judge(&evidence);
    if rebooted && verdict.outcome == (Outcome::Failed { software: Software::AppliedNotLive }) {
        // Whoever boots what is installed runs it.
        verdict.outcome = Outcome::Failed { software: Software::Applied };
        verdict.found.kernel = Some(Kernel::New);
        verdict.summary += "; the LPAR was rebooted, and runs what is on its disk";
    }
    if supervisor.slots.run.get()? == Some(Run::NotStarted) {
        let program = supervisor.request.kind.program();
        verdict.summary =
            format!("{program} could not be started: see the agent's log on the LPAR");
    }
    if split {
        split::note_fixes(&supervisor.operation, &mut verdict)?;
    }
    if supervisor.request.kind == Kind::CleanUp
        && !matches!(verdict.outcome, Outcome::Succeeded { .. })
    {
        super::clean_up::last_words(supervisor, &mut verdict)?;
    }
    if summary.configuration_changed {
        verdict.follow_up.push(FollowUp::ConfigurationChanged);
    }
    Ok(verdict)
}

fn log_since(baseline: &Baseline, facts: &Facts) -> Log {
    match (&baseline.log, facts.error_log()) {
        (Some(before), Ok(after)) => Log::between(before, &after),
        (None, _) | (_, Err(_)) => Log::Unknown,
    }
}

/// How often the output is looked at. Source: LU §7.3 rule 3.
const PACE: Duration = Duration::from_millis(200);

/// The same while the workload is moved.
const SILENT_PACE: Duration = Duration::from_secs(2);

/// How long an entry in the error log may be late.
const LOG_LIMIT: Duration = Duration::from_secs(60);

const READ_AT_ONCE: usize = 64 << 10;

/// Written right before geninstall is asked for.
pub(super) const BASELINE: &str = "baseline";

/// How many entries of the error log are kept: enough to find one again where the newest have given way to repetitions of theirs.
const NEWEST: usize = 50;

const BASELINE_LIMIT: u64 = 4 << 20;
