//! From a request and what is known to one order for each LPAR, or to all that is wrong. Decides, asks nobody.

pub(super) mod console;
mod data;

use std::collections::{BTreeMap, BTreeSet};

use nim_shared::api::{Cust, FileFault};
use nim_shared::disks::with_keys;
use nim_shared::hook::{Hook, Hooks, NamedHook};
use nim_shared::id::{LparId, ObjectName};
use nim_shared::lpp::{Content, is_fileset, is_package};
use nim_shared::lvupdate::{self, Data, Disks};
use nim_shared::object::{Hmc, Object, Spec};
use nim_shared::policy::Policy;
use nim_shared::prep::{Backup, PrepStep, Subsystem};
use nim_shared::request::{
    Expected, INSTALLP_FLAGS, Images, Install, Kind, Limits, MOST_SCRIPTS, Maintenance, Request,
    Script,
};
use nim_shared::strategy::{Strategy, Way};
use nim_shared::unit::Seconds;

use crate::api::live_update_data::Written;
use crate::inventory::endpoint::Route;
use crate::store::hostkey::KeyHolder;
use crate::store::object::Target;
use crate::store::secret::SecretInfo;
use crate::telemetry::chain;

/// What has to be known of the inventory.
pub(super) struct Known {
    /// Objects that the request or an LPAR names.
    pub(super) objects: BTreeMap<ObjectName, Object>,
    /// Every HMC: a file may name another one than the preferred of the frame.
    pub(super) hmcs: BTreeMap<ObjectName, Hmc>,
    /// Content of each `live_update_data` object, or why it cannot be had.
    pub(super) files: BTreeMap<ObjectName, Result<String, String>>,
    /// How the packages get to the LPARs, or why they cannot; `None` where no source was found.
    pub(super) images: Option<Result<Images, String>>,
    /// What is in the source, where that is known.
    pub(super) content: Option<Content>,
    /// Secrets, without their content.
    pub(super) secrets: BTreeMap<ObjectName, SecretInfo>,
    /// Whose host keys are on record.
    pub(super) host_keys: BTreeSet<KeyHolder>,
    /// The master's own key.
    pub(super) key: std::path::PathBuf,
    /// Whether the list stands for all updates.
    pub(super) updates_only: bool,
    /// The scripts, in their order.
    pub(super) scripts: Vec<Script>,
    /// The hooks, in their order.
    pub(super) hooks: Vec<Hook>,
    /// The hooks that make backups where the policy says so.
    pub(super) backup_hooks: Vec<Hook>,
    /// The hooks that nimd runs itself, in their order.
    pub(super) master_hooks: Vec<NamedHook>,
    /// How long each of those on the LPAR may take.
    pub(super) hook_limit: Seconds,
    /// The site's policy; `None` where none was set.
    pub(super) policy: Option<Policy>,
    /// Limits that the agent keeps.
    pub(super) limits: Limits,
    /// What was chosen for LPARs whose file asks for that.
    pub(super) written: BTreeMap<ObjectName, Written>,
}

/// One operation to be accepted.
pub(super) struct Planned {
    pub(super) lpar: ObjectName,
    pub(super) frame: Option<ObjectName>,
    pub(super) hmc: Option<ObjectName>,
    pub(super) kind: Kind,
    /// What is changed on the LPAR before an update; of a preview: what an update would change.
    pub(super) prep: Vec<PrepStep>,
    /// What is started anew after an update.
    pub(super) restart: Vec<Subsystem>,
    /// What one can go back to.
    pub(super) backup: Option<Backup>,
    /// The order as text.
    pub(super) request: String,
    /// What its `lvupdate.data` says; `None` where it has none.
    pub(super) data: Option<Data>,
    /// What nimd runs itself for it.
    pub(super) master_hooks: Vec<NamedHook>,
    /// What somebody should look at in the `lvupdate.data` of it.
    pub(super) warnings: Vec<FileFault>,
}

impl Planned {
    /// The id that its second partition is to have, where its `lvupdate.data` says so.
    pub(super) fn wanted_id(&self) -> Option<LparId> {
        self.data.as_ref()?.hmc.as_ref()?.lpar_id
    }

    /// What is said of it before it starts.
    pub(super) fn announced(&self) -> Vec<String> {
        let backup = self.backup.iter().map(ToString::to_string);
        let restart = self.restart.iter().map(|subsystem| {
            format!(
                "subsystem {subsystem} started anew after it, where it runs on replaced libraries"
            )
        });
        backup.chain(self.prep.iter().map(ToString::to_string)).chain(restart).collect()
    }
}

/// A fault at `path`: a part of the request, or an LPAR.
pub(super) fn fault(path: &str, message: String) -> FileFault {
    FileFault { file: None, line: None, path: path.to_owned(), message }
}

/// What is wrong with the request by itself.
pub(super) fn request_faults(cust: &Cust) -> Vec<FileFault> {
    let mut faults = Vec::new();
    let mut refuse = |path: &str, message: &str| faults.push(fault(path, message.to_owned()));
    if cust.targets.is_empty() {
        refuse("targets", "no LPAR is named");
    }
    if cust.kind.is_maintenance() {
        maintenance_faults(cust, &mut faults);
        limit_faults(cust, &mut faults);
        return faults;
    }
    faults.extend(copy_faults(cust));
    let mut refuse = |path: &str, message: &str| faults.push(fault(path, message.to_owned()));
    match (&cust.install, &cust.lpp_source) {
        (Install::Nothing, Some(_)) => {
            refuse("lpp_source", "nothing is to be installed from it: say `fixes` or `filesets`");
        }
        (Install::UpdateAll | Install::All | Install::List(_), None) => {
            refuse("lpp_source", "it is not said where the packages are");
        }
        (Install::Nothing, None) | (_, Some(_)) => {}
    }
    if let Install::List(names) = &cust.install {
        if names.is_empty() && cust.bundles.is_empty() && !cust.names_fixes() {
            refuse("filesets", "none is named");
        }
        for name in names.iter().filter(|name| !is_package(name)) {
            refuse("filesets", &format!("{:?} is no fileset, interim fix or package", name));
        }
    }
    if !cust.bundles.is_empty() && !matches!(cust.install, Install::List(_)) {
        refuse("installp_bundle", "goes with filesets or alone, not with `fixes`");
    }
    if cust.scripts.len() > MOST_SCRIPTS {
        refuse("script", &format!("at most {MOST_SCRIPTS} can be named"));
    }
    for (at, name) in cust.scripts.iter().enumerate() {
        if cust.scripts[..at].contains(name) {
            refuse("script", &format!("{name} is named twice"));
        }
    }
    if cust.strategy == Some(Strategy::Split) {
        if !cust.kind.is_live_update() {
            refuse("strategy", "is for a Live Update, and none is asked for");
        } else if !cust.install.updates() && !cust.names_fixes() && cust.bundles.is_empty() {
            refuse("strategy", "split needs updates: interim fixes go with the move anyway");
        }
    }
    if cust.kind.is_live_update() {
        if cust.live_update_data.is_none() {
            refuse("live_update_data", "it is not said which disks and which console are used");
        }
        if cust.installp_flags.is_some() {
            refuse("installp_flags", "a Live Update takes none");
        }
    } else {
        let copies = cust.kind == Kind::AltDisk;
        if cust.install == Install::Nothing && cust.scripts.is_empty() && !copies {
            let nothing = "nothing is to be done: say `fixes` or `filesets`, or name a script";
            refuse("filesets", nothing);
        }
        if cust.live_update_data.is_some() {
            refuse("live_update_data", "is for a Live Update, and none is asked for");
        }
        let is_flag = |flag: char| INSTALLP_FLAGS.contains(flag);
        if cust
            .installp_flags
            .as_ref()
            .is_some_and(|flags| flags.is_empty() || !flags.chars().all(is_flag))
        {
            refuse("installp_flags", &format!("options for installp are among {INSTALLP_FLAGS}"));
        }
    }
    limit_faults(cust, &mut faults);
    faults
}

/// What is wrong with a request for a copy of rootvg.
fn copy_faults(cust: &Cust) -> Vec<FileFault> {
    let mut faults = Vec::new();
    let mut refuse = |path: &str, message: &str| faults.push(fault(path, message.to_owned()));
    let copy = match (&cust.alt_disk, cust.kind) {
        (Some(copy), Kind::AltDisk) => copy,
        (None, kind) if kind != Kind::AltDisk => return faults,
        (Some(_), _) => {
            refuse("disk", "is for alt_disk_install");
            return faults;
        }
        (None, _) => {
            refuse("disk", "it is not said which disks rootvg is copied to");
            return faults;
        }
    };
    if copy.disks.is_empty() {
        refuse("disk", "none is named");
    }
    for (at, name) in copy.disks.iter().enumerate() {
        if copy.disks[..at].contains(name) {
            refuse("disk", &format!("{name} is named twice"));
        }
    }
    if !cust.scripts.is_empty() {
        refuse("script", "is not run in a copy of rootvg");
    }
    match &cust.install {
        Install::All => refuse(
            "fixes",
            "interim fixes are not installed into a copy: say update_all, or name fixes or filesets",
        ),
        Install::List(names) => {
            for name in names.iter().filter(|name| !is_fileset(name)) {
                refuse(
                    "filesets",
                    &format!(
                        "{name} is no fileset: neither interim fixes nor RPMs are installed into a copy"
                    ),
                );
            }
        }
        Install::Nothing | Install::UpdateAll => {}
    }
    if cust.install != Install::Nothing && !copy.installs() {
        refuse("phase", "software is installed in phase 2 only");
    }
    faults
}

/// What is wrong with a request for maintenance.
fn maintenance_faults(cust: &Cust, faults: &mut Vec<FileFault>) {
    let not_taken = [
        ("lpp_source", cust.lpp_source.is_some()),
        ("installp_bundle", !cust.bundles.is_empty()),
        ("fixes", cust.names_fixes()),
        ("script", !cust.scripts.is_empty()),
        ("live_update_data", cust.live_update_data.is_some()),
    ];
    for (path, _) in not_taken.into_iter().filter(|(_, given)| *given) {
        faults.push(fault(path, "maint takes none".to_owned()));
    }
    match Maintenance::read(cust.installp_flags.as_deref().unwrap_or_default()) {
        Ok(action) => faults.extend(
            action.takes(&cust.install).err().map(|bad| fault("filesets", bad.to_string())),
        ),
        Err(bad) => faults.push(fault("installp_flags", bad.to_string())),
    }
}

/// What is wrong with how many are asked for at a time, and until when.
fn limit_faults(cust: &Cust, faults: &mut Vec<FileFault>) {
    if cust.concurrent == Some(0) {
        faults.push(fault("concurrent", "at least one has to run at a time".to_owned()));
    }
    if cust.time_limit.is_some_and(|limit| limit.0 == 0) {
        faults.push(fault("time_limit", "it is over before it begins".to_owned()));
    }
}
/// What came of planning.
#[derive(Default)]
pub(super) struct Orders {
    /// Of the LPARs with which nothing is wrong.
    pub(super) planned: Vec<Planned>,
    /// All that is wrong.
    pub(super) faults: Vec<FileFault>,
    /// What keeps LPARs from being started until somebody has seen to it elsewhere.
    pub(super) not_now: Vec<FileFault>,
}

/// One order for each of `targets`, and all that is wrong.
pub(super) fn plan(cust: &Cust, targets: &[Target], known: &Known) -> Orders {
    let Orders { mut planned, mut faults, mut not_now } = Orders::default();
    let images = images(cust, known).unwrap_or_else(|message| {
        faults.push(fault("lpp_source", message));
        None
    });
    if let (Some(source), Some(content)) = (&cust.lpp_source, &known.content) {
        faults.extend(super::packages::faults(&cust.install, source, content));
    }
    for target in targets {
        let mut order = Order { cust, target, known, wrong: Vec::new(), not_now: Vec::new() };
        planned.extend(order.plan(images.as_ref()));
        let of = |message| fault(target.name.as_str(), message);
        faults.extend(order.wrong.into_iter().map(of));
        not_now.extend(order.not_now.into_iter().map(of));
    }
    Orders { planned, faults, not_now }
}

/// What the `lvupdate.data` of a target says whose disks are chosen when its turn comes, as far as that is known before.
pub(super) fn foreseen(cust: &Cust, target: &Target, known: &Known) -> Option<Data> {
    if cust.writes_data() {
        return Some(data::short_of_processors());
    }
    let name = cust.data_of(&target.name)?.ok()?;
    let template = known.files.get(&name)?.as_ref().ok()?;
    data::foreseen(template, target, known)
}

/// Where the packages come from.
fn images(cust: &Cust, known: &Known) -> Result<Option<Images>, String> {
    let Some(name) = &cust.lpp_source else { return Ok(None) };
    match (known.objects.get(name), &known.images) {
        (None, _) => Err(format!("there is no object \"{name}\": nimctl list lpp_source")),
        (Some(_), Some(images)) => images.clone().map(Some),
        (Some(other), None) => {
            Err(format!("{name} is of type {}, not lpp_source", other.spec.object_type()))
        }
    }
}

/// One LPAR in the making.
struct Order<'a> {
    cust: &'a Cust,
    target: &'a Target,
    known: &'a Known,
    wrong: Vec<String>,
    /// What keeps it from being started until somebody has seen to it elsewhere; nothing is wrong with it.
    not_now: Vec<String>,
}

impl Order<'_> {
    /// The order; `None` when something is wrong, which is noted. Everything is looked at.
    fn plan(&mut self, images: Option<&Images>) -> Option<Planned> {
        let target = self.target;
        if let Some(open) = target.open {
            self.wrong.push(format!("operation {open} is open on it: nimctl status {open}"));
        }
        self.way();
        let file = if self.cust.kind.is_live_update() { Some(self.file()?) } else { None };
        let console = file.as_ref().and_then(|file| self.console(&file.data));
        let way = match self.cust.kind.moves() {
            true => Way::of(self.cust.strategy, &self.cust.install, target.level),
            false => Way::ONE_STEP,
        };
        let disks = file.as_ref().map(|file| file.data.disks.clone()).unwrap_or_default();
        let (lvupdate_data, chosen, data, mut warnings): (_, _, _, Vec<_>) = match file {
            Some(data::File { object, text, warnings, disks, data }) => {
                let text = with_keys(lvupdate::parse(&text), &disks).render();
                let warnings = warnings.into_iter().map(|text| fault(&object, text)).collect();
                (text, disks, Some(data), warnings)
            }
            None => (String::new(), Vec::new(), None, Vec::new()),
        };
        if let Some(reason) = &way.reason {
            let text = format!(
                "the updates are installed first and the kernel is moved then: {reason}; strategy=one-step has both in one run"
            );
            warnings.push(fault(target.name.as_str(), text));
        }
        let policy = self.known.policy.as_ref();
        let prep = policy.map(|policy| policy.prep_of(&target.name, &target.labels).steps());
        let prep = prep.unwrap_or_default();
        let restart = policy.map(|policy| policy.restart_of(&target.name, &target.labels));
        let restart = restart.unwrap_or_default();
        let backup = self.backup(&disks, &mut warnings);
        let moves = self.cust.kind.moves();
        let master_hooks = self.master_hooks(backup.as_ref().filter(|_| moves));
        let request = Request {
            kind: self.cust.kind,
            expected: expected(target),
            images: images.cloned(),
            install: self.cust.install.clone(),
            installed_only: self.cust.names_fixes() || self.known.updates_only,
            way,
            alt_disk: self.cust.alt_disk.clone(),
            release: Vec::new(),
            rollback: None,
            accept_licenses: self.cust.accept_licenses,
            installp_flags: self.cust.installp_flags.clone(),
            lvupdate_data,
            disks: chosen,
            console,
            scripts: self.known.scripts.clone(),
            hooks: self.hooks(backup.as_ref().filter(|_| moves)),
            prep: if moves { prep.clone() } else { Vec::new() },
            restart: if moves { restart.clone() } else { Vec::new() },
            backup: backup.clone().filter(|_| moves),
            clean_up: Vec::new(),
            master_hooks: master_hooks.clone(),
            limits: self.known.limits,
        };
        if !self.wrong.is_empty() || !self.not_now.is_empty() {
            return None;
        }
        let request = serde_json::to_string(&request).expect("an order is JSON");
        Some(Planned {
            lpar: target.name.clone(),
            frame: target.frame.clone(),
            hmc: target.hmc.clone(),
            kind: self.cust.kind,
            prep,
            restart,
            backup,
            request,
            data,
            master_hooks,
            warnings,
        })
    }

    /// The hooks that run on it, with the one that makes its backup.
    fn hooks(&self, backup: Option<&Backup>) -> Option<Hooks> {
        let mut list = self.known.hooks.clone();
        if let Some(Backup::Hook(name)) = backup {
            let named = self.known.backup_hooks.iter().find(|hook| hook.script.name == *name);
            list.extend(named.cloned());
        }
        (!list.is_empty()).then(|| Hooks {
            lpar: self.target.name.clone(),
            lpp_source: self.cust.lpp_source.clone(),
            limit: self.known.hook_limit,
            list,
        })
    }

    /// The hooks that nimd runs itself for it, with the one that makes its backup.
    fn master_hooks(&self, backup: Option<&Backup>) -> Vec<NamedHook> {
        let mut hooks = self.known.master_hooks.clone();
        if let Some(Backup::MasterHook(name)) = backup {
            hooks.push(NamedHook::backup(name));
        }
        hooks
    }

    /// What one can go back to. A policy that says nothing of it stops an update of a TL or SP, and a preview says that it will.
    fn backup(&mut self, disks: &Disks, warnings: &mut Vec<FileFault>) -> Option<Backup> {
        let policy = self.known.policy.as_ref()?;
        if !self.cust.install.updates() {
            return None;
        }
        let backup = policy.backup_of(&self.target.name, &self.target.labels).cloned();
        match &backup {
            None => {
                let text = format!("the policy says nothing of it, and {NO_WAY_BACK}");
                match self.cust.kind.moves() {
                    true => self.wrong.push(text),
                    false => warnings.push(fault(self.target.name.as_str(), text)),
                }
            }
            Some(Backup::CopyTo(names)) => {
                let used = [&disks.nhdisk, &disks.mhdisk, &disks.tohdisk, &disks.tshdisk];
                for name in names.iter().filter(|name| used.iter().any(|all| all.contains(name))) {
                    self.wrong.push(format!(
                        "the policy has rootvg copied to {name}, which lvupdate.data uses"
                    ));
                }
            }
            // Whether there is such a script or program was looked at.
            Some(Backup::Hook(_) | Backup::MasterHook(_) | Backup::Waived(_)) => {}
        }
        backup
    }

    /// Looks whether the LPAR can be connected to: addresses, key, and a host key for each host on the way.
    fn way(&mut self) {
        let object = Object {
            name: self.target.name.clone(),
            spec: Spec::Standalone(self.target.lpar.clone()),
            comments: None,
            labels: BTreeMap::new(),
        };
        match Route::of(&object, &self.known.key) {
            Ok(route) => {
                for holder in route.holders() {
                    if !self.known.host_keys.contains(&holder) {
                        self.wrong.push(format!(
                            "the host key of {holder} is not known: nimctl hostkey scan {}",
                            self.target.name
                        ));
                    }
                }
            }
            Err(cause) => self.wrong.push(chain(&cause)),
        }
    }
}

/// The partition's name on the HMC.
/// The machine that an order for `target` is meant for.
pub(super) fn expected(target: &Target) -> Expected {
    Expected {
        machine_serial: target.lpar.machine_serial.clone(),
        partition_name: Some(partition(target)),
        installation: target.lpar.installation,
    }
}

fn partition(target: &Target) -> String {
    target.lpar.partition(&target.name).to_owned()
}

/// Why an update is refused. Source: LU §0, S37.
pub(super) const NO_WAY_BACK: &str = "a TL or SP is committed before the move, so that nothing but a backup leads back: `backup` with copy_to, \
    with hook, or waived with a reason";
