//! `start`: everything that has to be true before an id is taken, and the taking.

use serde::{Deserialize, Serialize};

use nim_shared::disks::{self, GoodFor};
use nim_shared::frame::{Command, Known, Refusal, SecretText};
use nim_shared::hook::{Hook, HookPoint, MOST_HOOKS};
use nim_shared::id::{Digest, ObjectName};
use nim_shared::operation::Named;
use nim_shared::prep::Backup;
use nim_shared::request::{
    Expected, INSTALLP_FLAGS, Images, Install, Kind, LARGEST_SCRIPT, MOST_SCRIPTS, Maintenance,
    Request,
};
use nim_shared::strategy::Strategy;

use super::answer::{Answerer, admit};
use super::refused::Refused;
use crate::crash;
use crate::disk::{self, Created};
use crate::facts::About;
use crate::images;
use crate::journal::{Journal, Weight};
use crate::operation::Operation;
use crate::policy::Policy;
use crate::progress::Progress;
use crate::run::Step;
use crate::slot::Durability;
use crate::state::Claim;
use crate::text::chain;
use crate::{alive, facts};

/// What comes through the named pipe of a secret: one line of JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct SecretAnswer {
    /// Which one.
    pub(crate) name: ObjectName,
    /// The secret; `None` when the master has none.
    pub(crate) value: Option<SecretText>,
}

/// Longest line through that pipe: what is written at once arrives at once.
pub(crate) const SECRET_LIMIT: usize = 512;

/// Takes the operation that `command` starts, at most once. Nothing of the LPAR is touched before its claim is on the disk.
pub(super) fn take(agent: &Answerer, command: Command, text: &str) -> Result<Operation, Refused> {
    if Digest::of(text.as_bytes()) != command.digest {
        return Err(Refused::new(Refusal::DigestMismatch, "the digest is not that of the request"));
    }
    let _lock = agent.state.lock()?;
    let operation = agent.state.operation(command.operation);
    let before = agent.state.claim(command.operation)?;
    match before {
        Some(Claim::Taken { digest }) if digest == command.digest => {
            admit(&operation, command.fence)?;
            return Ok(operation);
        }
        Some(Claim::Taken { .. }) => {
            let text = "another request was taken under this id";
            return Err(Refused::new(Refusal::DigestMismatch, text));
        }
        Some(Claim::Tombstone { fence }) if command.fence <= fence => {
            let text = format!(
                "the operation has a tombstone of fence {fence}: this start never runs here"
            );
            return Err(Refused::new(Refusal::Tombstoned, text));
        }
        Some(Claim::Tombstone { .. }) | None => {}
    }
    if let Err(refused) = claim(agent, &operation, command, text, before.is_some()) {
        // The master takes a refusal for the end. The same start may arrive once more, later, when nothing stands in its way
        // any longer: without a tombstone it would be taken then.
        let tombstone = Claim::Tombstone { fence: command.fence };
        // First, for it may be what fills the disk. Where the claim was linked and only its sync failed, the order is taken.
        if !matches!(agent.state.claim(operation.id)?, Some(Claim::Taken { .. })) {
            disk::remove_folder(operation.folder())?;
        }
        match before {
            Some(_) => agent.state.claim_anew(operation.id, tombstone)?,
            None => drop(agent.state.claim_once(operation.id, tombstone)?),
        }
        return Err(refused);
    }
    Ok(operation)
}

/// Looks whether everything is true that has to be, and takes the id.
fn claim(
    agent: &Answerer,
    operation: &Operation,
    command: Command,
    text: &str,
    anew: bool,
) -> Result<(), Refused> {
    let request = read(text)?;
    Policy::read(&agent.root)?
        .admit(&request)
        .map_err(|text| Refused::new(Refusal::Policy, text))?;
    refuse_when_busy(agent, request.kind)?;
    let about = agent.facts.about()?;
    compare(&request.expected, &about)?;
    check_level(&about)?;

    operation.prepare(text, Step::all(&request))?;
    crash::point("start.prepared");
    operation.fence()?.set(&command.fence, Durability::Synced)?;
    let rootvg = Some(about.boot.rootvg.clone());
    let (mut journal, _) = Journal::open(&operation.journal(), operation.id, rootvg)?;
    let taken = Known::Taken {
        digest: command.digest,
        fence: command.fence,
        identity: about.identity,
        boot: about.boot,
    };
    journal.append(taken, Weight::Needed, facts::now())?;
    crash::point("start.recorded");
    let claim = Claim::Taken { digest: command.digest };
    if anew {
        agent.state.claim_anew(operation.id, claim)?;
    } else if let (Created::Exists, _) = agent.state.claim_once(operation.id, claim)? {
        return Err(Refused::new(Refusal::System, "a claim appeared while the lock was held"));
    }
    crash::point("start.claimed");
    // Taken is taken: an offer that stays keeps its contents a while longer, and no more.
    if let Err(error) = images::offer_is_used(&agent.state) {
        crate::tell(&format!("nim-agent: operation {}: {}", operation.id, chain(&error)));
    }
    Ok(())
}

fn read(text: &str) -> Result<Request, Refused> {
    let bad = |text: String| Refused::new(Refusal::BadRequest, text);
    let request = Request::read(text).map_err(|error| bad(error.to_string()))?;
    if let Some(fault) = fault(&request) {
        return Err(bad(fault));
    }
    Ok(request)
}

/// What would make a command mean something else than the order says.
fn fault(request: &Request) -> Option<String> {
    let quoted = |text: &str| nim_shared::id::printable(text);
    let is_path = |path: &str| path.starts_with('/') && !path.chars().any(char::is_control);
    match &request.images {
        Some(Images::Folder { path }) if !is_path(path) => {
            return Some(format!("\"{}\" is no absolute path", quoted(path)));
        }
        Some(Images::Nfs { server, export }) if !is_path(export) || !is_host(server) => {
            return Some(format!("\"{}:{}\" is no NFS export", quoted(server), quoted(export)));
        }
        Some(Images::Pushed { files }) => {
            if let Some(file) = files.iter().find(|file| !images::is_relative(&file.path)) {
                return Some(format!("\"{}\" is no path below a folder", quoted(&file.path)));
            }
        }
        Some(Images::Folder { .. } | Images::Nfs { .. }) | None => {}
    }
    if let Install::List(names) = &request.install {
        let is_name = |name: &String| {
            !name.is_empty()
                && !name.starts_with('-')
                && !name.contains(|c: char| c.is_control() || c.is_whitespace())
        };
        if let Some(name) = names.iter().find(|name| !is_name(name)) {
            return Some(format!("\"{}\" is no name of a fileset or interim fix", quoted(name)));
        }
        if names.is_empty() {
            return Some("the list of what to install is empty".to_owned());
        }
    }
    if request.kind.is_maintenance() {
        return maintenance_fault(request);
    }
    if request.kind == Kind::ReleaseDisks || !request.release.is_empty() {
        return release_fault(request);
    }
    if request.kind == Kind::Rollback || request.rollback.is_some() {
        return rollback_fault(request);
    }
    if request.kind.looks_after() || !request.clean_up.is_empty() {
        return clean_up_fault(request);
    }
    if (request.kind == Kind::AltDisk || request.alt_disk.is_some())
        && let Some(fault) = copy_fault(request)
    {
        return Some(fault);
    }
    if request.install != Install::Nothing && request.images.is_none() {
        return Some("something is to be installed, and no images are named".to_owned());
    }
    if !request.kind.is_live_update()
        && request.kind != Kind::AltDisk
        && request.install == Install::Nothing
        && request.scripts.is_empty()
    {
        return Some("nothing is to be installed, moved or run".to_owned());
    }
    if request.scripts.len() > MOST_SCRIPTS {
        return Some(format!("more than {MOST_SCRIPTS} scripts"));
    }
    let mut anew = request.restart.iter();
    if let Some((subsystem, why)) = anew.find_map(|one| Some((one, one.never_anew()?))) {
        return Some(format!("subsystem {subsystem} is never started anew by itself: {why}"));
    }
    if let Some(fault) = hook_fault(request) {
        return Some(fault);
    }
    if let Some(script) = request.programs().find(|script| script.content.bytes > LARGEST_SCRIPT) {
        return Some(format!("the script {} is larger than {LARGEST_SCRIPT} bytes", script.name));
    }
    let is_flag = |flag: char| INSTALLP_FLAGS.contains(flag) && !request.kind.is_live_update();
    if let Some(flags) = &request.installp_flags
        && (flags.is_empty() || !flags.chars().all(is_flag))
    {
        return Some(format!("\"{}\" are no options for installp here", quoted(flags)));
    }
    if request.way.strategy == Strategy::Split && !request.kind.is_live_update() {
        return Some("only an update by Live Update is split".to_owned());
    }
    match &request.console {
        Some(console) if !is_host(&console.address) || !is_host(&console.user) => {
            Some("address or user of the console cannot be an argument of a command".to_owned())
        }
        Some(_) | None => None,
    }
}

/// What would make hooks mean something else than the order says.
fn hook_fault(request: &Request) -> Option<String> {
    let hooks = request.hooks();
    if hooks.len() > MOST_HOOKS {
        return Some(format!("more than {MOST_HOOKS} hooks"));
    }
    let boots = request.kind == Kind::Rollback;
    if let Some(hook) = hooks.iter().find(|hook| (hook.at == HookPoint::BeforeReboot) != boots) {
        return Some(format!("the hook {} at {} is never come by", hook.script.name, hook.at));
    }
    let own = hooks.iter().filter(|hook| hook.at == HookPoint::Backup);
    let own: Vec<_> = own.map(|hook| &hook.script.name).collect();
    let masters = request.master_hooks.iter().filter(|hook| hook.at == HookPoint::Backup);
    let masters: Vec<_> = masters.map(|hook| &hook.name).collect();
    let fits = match &request.backup {
        Some(Backup::Hook(name)) => (&own[..], &masters[..]) == (&[name], &[]),
        Some(Backup::MasterHook(name)) => (&own[..], &masters[..]) == (&[], &[name]),
        Some(Backup::CopyTo(_) | Backup::Waived(_)) | None => own.is_empty() && masters.is_empty(),
    };
    if !fits {
        return Some(
            "the hook that makes the backup is not the one that the order names".to_owned(),
        );
    }
    let wrong = hooks.iter().find(|hook| !hook.at.takes(hook.exit));
    wrong.map(|Hook { at, exit, script }| format!("the hook {} at {at} cannot {exit}", script.name))
}

/// What would make a copy of rootvg mean something else than the order says.
fn copy_fault(request: &Request) -> Option<String> {
    let (Kind::AltDisk, Some(copy)) = (request.kind, &request.alt_disk) else {
        return Some("disks for a copy of rootvg go with an order for one".to_owned());
    };
    if copy.disks.is_empty() {
        return Some("no disk is named for the copy of rootvg".to_owned());
    }
    let is_list = matches!(request.install, Install::Nothing | Install::List(_));
    if !is_list || (request.install != Install::Nothing && !copy.installs()) {
        return Some("a copy of rootvg takes filesets by name, in its second phase".to_owned());
    }
    if request.programs().next().is_some() || request.console.is_some() {
        return Some("a copy of rootvg takes neither scripts, hooks nor a console".to_owned());
    }
    None
}

/// What would make a release of disks mean something else than the order says.
fn release_fault(request: &Request) -> Option<String> {
    if request.kind != Kind::ReleaseDisks || request.release.is_empty() {
        return Some("disks to release go with an order that releases some".to_owned());
    }
    let more = request.images.is_some() || request.console.is_some() || request.alt_disk.is_some();
    if more || request.install != Install::Nothing || request.programs().next().is_some() {
        return Some("a release of disks takes nothing else".to_owned());
    }
    let groups = request.release.iter().filter_map(|one| one.disk.volume_group.as_deref());
    let wrong = groups.into_iter().find(|group| !disks::is_copy(group));
    wrong.map(|group| format!("{} is no copy of rootvg", nim_shared::id::printable(group)))
}

/// What would make a rollback mean something else than the order says.
fn rollback_fault(request: &Request) -> Option<String> {
    let (Kind::Rollback, Some(order)) = (request.kind, &request.rollback) else {
        return Some("a copy to boot goes with an order for a rollback".to_owned());
    };
    if order.to.disks.is_empty() {
        return Some("no disk is named to boot from".to_owned());
    }
    let more = request.images.is_some() || request.console.is_some() || request.alt_disk.is_some();
    if more || request.install != Install::Nothing || !request.scripts.is_empty() {
        return Some("a rollback takes hooks, and nothing else".to_owned());
    }
    let wrong = order.to.disks.iter().find(|disk| {
        disk.good_for != Named::Known(GoodFor::WayBack)
            || disk.volume_group.as_deref() == Some(disks::SURROGATE)
    });
    let wrong = wrong.map(|disk| format!("{} is no way back: it is {}", disk.name, disk.good_for));
    wrong.or_else(|| hook_fault(request))
}

/// What would make a clean-up mean something else than the order says.
fn clean_up_fault(request: &Request) -> Option<String> {
    if request.kind != Kind::CleanUp && !request.clean_up.is_empty() {
        return Some("flags of clvupdate go with a clean-up".to_owned());
    }
    let more = request.images.is_some()
        || request.install != Install::Nothing
        || request.programs().next().is_some()
        || !request.prep.is_empty();
    if more {
        return Some(format!(
            "{} takes no images, filesets, scripts, hooks or prep",
            request.kind.program()
        ));
    }
    let mut seen = request.clean_up.iter().enumerate();
    let twice = seen.find(|(at, flag)| request.clean_up[..*at].contains(flag));
    twice.map(|(_, flag)| format!("-{flag} is named twice"))
}

/// What would make maintenance mean something else than the order says.
fn maintenance_fault(request: &Request) -> Option<String> {
    let runs = request.programs().next().is_some();
    if request.images.is_some() || request.console.is_some() || runs {
        return Some("maintenance takes no images, console, scripts or hooks".to_owned());
    }
    let flags = request.installp_flags.as_deref().unwrap_or_default();
    let action = match Maintenance::read(flags) {
        Ok(action) => action,
        Err(bad) => return Some(bad.to_string()),
    };
    action.takes(&request.install).err().map(|bad| bad.to_string())
}

/// A host name, an address or a user: nothing that a command reads as an option, a path or two words.
fn is_host(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".:_-@%".contains(c);
    !text.is_empty() && text.len() <= 255 && !text.starts_with('-') && text.chars().all(allowed)
}

/// A clean-up, and a look at what was left, are there for what a Live Update has left: its lock, and what could not be put back because of that.
fn refuse_when_busy(agent: &Answerer, kind: Kind) -> Result<(), Refused> {
    let cleans_up = kind.looks_after();
    let busy = |text: String| Err(Refused::new(Refusal::Busy, text));
    for operation in agent.state.operations()? {
        let (progress, _) = Progress::read(&operation)?;
        if progress.finished.is_none() {
            return busy(format!("operation {} runs on this LPAR", operation.id));
        }
        if alive::run(&operation, &agent.commands)?.is_there() {
            return busy(format!("what operation {} has started still runs", operation.id));
        }
        if progress.has_open_changes() && !cleans_up {
            return busy(format!("what operation {} changed is not put back yet", operation.id));
        }
    }
    if alive::live_update_lock(&agent.root).is_there() && !cleans_up {
        return busy(format!(
            "{} is there: a Live Update runs, or a failed one awaits clean-up by `clvupdate`",
            alive::LIVE_UPDATE_LOCK
        ));
    }
    match alive::installer(&agent.commands) {
        Some(process) => busy(format!("this runs on the LPAR: {process}")),
        None => Ok(()),
    }
}

/// What is not known yet is not compared. The partition id is no part of identity.
fn compare(expected: &Expected, about: &About) -> Result<(), Refused> {
    let found = &about.identity;
    let other = |what: &str, expected: &str, found: Option<&str>| {
        let found = found.unwrap_or("not known");
        Err(Refused::new(
            Refusal::AnotherMachine,
            format!(
                "{what} is {found}, and the order is for {}",
                nim_shared::id::printable(expected)
            ),
        ))
    };
    if let Some(serial) = &expected.machine_serial
        && found.machine_serial.as_ref() != Some(serial)
    {
        return other("the machine", serial, found.machine_serial.as_deref());
    }
    if let Some(name) = &expected.partition_name
        && found.partition_name.as_ref() != Some(name)
    {
        return other("the partition", name, found.partition_name.as_deref());
    }
    match &expected.installation {
        Some(id) if *id != found.installation => {
            let (id, here) = (id.to_string(), found.installation.to_string());
            other("the installation of the agent", &id, Some(&here))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_level(about: &About) -> Result<(), Refused> {
    match &about.level {
        Some(level) if facts::is_below_floor(level) => Err(Refused::new(
            Refusal::Unsupported,
            format!(
                "agent unsupported: this LPAR has {level}, the agent needs {} or later",
                facts::FLOOR
            ),
        )),
        Some(_) | None => Ok(()),
    }
}
