//! Operations: what is asked of LPARs and how it goes.

use serde::{Deserialize, Serialize};

use crate::frame::Event;
use crate::hook::NamedHook;
use crate::id::{BadName, BatchId, ClientToken, Epoch, MasterId, ObjectName, OperationId, Seq};
use crate::object::ObjectType;
use crate::operation::{Named, Report, StateName};
use crate::prep::{Backup, PrepStep};
use crate::request::{AltDisk, Install, Kind};
use crate::stage::{Phase, Stage};
use crate::stamp::Timestamp;
use crate::strategy::{Strategy, Way};
use crate::unit::Seconds;

/// Asks for a Live Update of one LPAR or several, or for what else is done to them: an installation, maintenance, a copy of rootvg, as `kind`
/// says. Everything is checked before anything is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cust {
    /// Chosen by the client; the same request sent again is accepted once.
    pub token: ClientToken,
    /// Names of LPARs, wildcards of names, names of groups.
    pub targets: Vec<String>,
    /// Look only, or do it.
    pub kind: Kind,
    /// Where the packages are; `None` moves the kernel without software.
    pub lpp_source: Option<ObjectName>,
    /// What is to be installed.
    pub install: Install,
    /// Objects of type `installp_bundle`, whose packages are installed with those in the list of `install`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bundles: Vec<ObjectName>,
    /// Keywords of fixes, such as `IJ52421`: the filesets of `lpp_source` that name them are installed, where they are installed already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<String>,
    /// Objects of type `fix_bundle`, whose keywords are taken with those of `fixes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fix_bundles: Vec<ObjectName>,
    /// Objects of type `script`, which are run on the LPAR once all else has succeeded, in this order. A preview runs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<ObjectName>,
    /// Whether an update goes in one run or in parts; `None` leaves it to the level of each LPAR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Objects of type `script`, which are run on the LPAR as hooks, those of one point in this order. A preview runs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<NamedHook>,
    /// Programs of a folder of the master (`hooks.folder` of its settings) that `nimd` runs itself as hooks, those of one point in this
    /// order. A preview runs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub master_hooks: Vec<NamedHook>,
    /// Where rootvg is copied to: for `alt_disk_install` and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt_disk: Option<AltDisk>,
    /// Whether licences are agreed to.
    pub accept_licenses: bool,
    /// Options for installp, without their dash. Not with Live Update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installp_flags: Option<String>,
    /// The object with `lvupdate.data`; none without Live Update. In its name `{lpar}` stands for the LPAR's. [`super::AUTO`] is none: the
    /// disks are chosen and the file is written for each LPAR.
    pub live_update_data: Option<String>,
    /// Of several LPARs at most this many at a time.
    pub concurrent: Option<u32>,
    /// No further LPAR is started after this time.
    pub time_limit: Option<Seconds>,
}

impl Cust {
    /// Whether fixes are named by their keywords.
    #[must_use]
    pub fn names_fixes(&self) -> bool {
        !self.fixes.is_empty() || !self.fix_bundles.is_empty()
    }

    /// Whether `lvupdate.data` is written for each LPAR instead of taken from an object.
    #[must_use]
    pub fn writes_data(&self) -> bool {
        self.live_update_data.as_deref() == Some(super::AUTO)
    }

    /// The object with the `lvupdate.data` of `lpar`.
    ///
    /// # Errors
    /// What comes of the pattern is no name.
    #[must_use]
    pub fn data_of(&self, lpar: &ObjectName) -> Option<Result<ObjectName, BadName>> {
        let pattern = self.live_update_data.as_ref().filter(|_| !self.writes_data())?;
        Some(pattern.replace("{lpar}", lpar.as_str()).parse())
    }

    /// The resources that it uses on `lpar`, with their types: they are allocated to the LPAR as long as the operation is open.
    #[must_use]
    pub fn resources(&self, lpar: &ObjectName) -> Vec<(ObjectType, ObjectName)> {
        // Every field by name: a new one does not compile until somebody has said whether it is a resource.
        let Self {
            lpp_source,
            bundles,
            fix_bundles,
            scripts,
            hooks,
            master_hooks: _,
            fixes: _,
            strategy: _,
            alt_disk: _,
            live_update_data: _,
            token: _,
            targets: _,
            kind: _,
            install: _,
            accept_licenses: _,
            installp_flags: _,
            concurrent: _,
            time_limit: _,
        } = self;
        let data = self.data_of(lpar).and_then(Result::ok);
        let data = data.map(|name| (ObjectType::LiveUpdateData, name));
        let source = lpp_source.clone().map(|name| (ObjectType::LppSource, name));
        let bundles = bundles.iter().cloned().map(|name| (ObjectType::InstallpBundle, name));
        let fixes = fix_bundles.iter().cloned().map(|name| (ObjectType::FixBundle, name));
        let mut programs = scripts.clone();
        for hook in hooks {
            // One that runs at two points is one resource.
            if !programs.contains(&hook.name) {
                programs.push(hook.name.clone());
            }
        }
        let scripts = programs.into_iter().map(|name| (ObjectType::Script, name));
        source.into_iter().chain(data).chain(bundles).chain(fixes).chain(scripts).collect()
    }
}

/// Asks for what failed once more, on its LPAR alone. Refused where that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Retry {
    /// Chosen by the client; the same request sent again is accepted once.
    pub token: ClientToken,
    /// Whether the kernel alone is moved: the software is on disk.
    #[serde(default)]
    pub move_only: bool,
    /// Whether somebody has done what the codes of the failure ask for.
    #[serde(default)]
    pub remedied: bool,
}

/// Asks for what `snap -U` collects on the LPAR of an operation that is over. Once that has succeeded it is among the logs of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snap {
    /// Chosen by the client; the same request sent again is accepted once.
    pub token: ClientToken,
}

/// What was accepted. It is committed: it goes on whatever happens to the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Accepted {
    /// All of them together.
    pub batch: BatchId,
    /// One an LPAR.
    pub operations: Vec<AcceptedOperation>,
    /// What somebody should look at in what is used, though it can be. Told once: not when the answer is given again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<super::FileFault>,
}

/// One operation that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AcceptedOperation {
    /// Its id.
    pub id: OperationId,
    /// Its LPAR.
    pub lpar: ObjectName,
}

/// An operation as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperationView {
    /// Its id.
    pub id: OperationId,
    /// What it was asked for together with.
    pub batch: BatchId,
    /// Its LPAR.
    pub lpar: ObjectName,
    /// Look only, or do it.
    pub kind: Kind,
    /// How it goes and why, where that is not in one run as always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// Where it stands.
    pub state: StateName,
    /// Stage, while it runs.
    pub stage: Option<Named<Stage>>,
    /// Phase of geninstall, in the stage `update`.
    pub phase: Option<Named<Phase>>,
    /// When that stage or phase was entered, by the master's clock.
    pub entered_at: Option<Timestamp>,
    /// Whether a cancel was asked for.
    pub cancel_asked: bool,
    /// Since when there is no contact, where that is so. No failure by itself.
    pub lost_contact_since: Option<Timestamp>,
    /// What it waits for, in a sentence, where it waits.
    pub waits_for: Option<String>,
    /// Past this time it is `stuck`.
    pub deadline: Option<Timestamp>,
    /// What the preview estimated for the standstill.
    pub estimated_blackout: Option<Seconds>,
    /// What the preview estimated for the whole update.
    pub estimated_total: Option<Seconds>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the agent took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who asked, as uid on the master.
    pub requested_by: u32,
    /// The master that works on it.
    pub owner: Option<MasterId>,
    /// How it ended, once the agent has said so.
    pub report: Option<Report>,
    /// What the codes of the report mean, in their order, by their lines and by what the site adds. What is not known is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meanings: Vec<super::CodeMeaning>,
    /// What is wrong and what to do, for `failed` and `stuck`.
    pub failure: Option<super::Failure>,
    /// What is changed on the LPAR before the update, as the policy said when it was accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prep: Vec<PrepStep>,
    /// What one can go back to, as the policy said then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
}

/// One event with when it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventView {
    /// The LPAR.
    pub lpar: ObjectName,
    /// When nimd stored it, by the master's clock.
    pub stored_at: Timestamp,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// One message of `watch`. The id of the server-sent event is a cursor: `Last-Event-ID` goes on after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "watched", rename_all = "snake_case")]
pub enum Watched {
    /// An operation as it stands: first of all, and after each change.
    Operation(Box<OperationView>),
    /// A journalled event.
    Event(Box<EventView>),
    /// The watched operations are all at an end; the stream ends.
    End,
}

/// A part of the raw output of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// The line of history.
    pub epoch: Epoch,
    /// Offset of the first byte.
    pub offset: u64,
    /// The bytes, in base64.
    pub data: String,
    /// Offset of the next part; `None` at the end of what there is.
    pub next: Option<u64>,
    /// Whether the agent cut the rest because of its limit.
    pub cut: bool,
}

/// Ends an operation that is `stuck`, on a person's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resolve {
    /// What it is to count as: `succeeded`, `failed` or `cancelled`.
    pub state: StateName,
    /// Why; kept with the operation.
    pub reason: String,
    /// The last event that the person has seen, so that a verdict on something newer is refused.
    pub seen: Option<(Epoch, Seq)>,
}
