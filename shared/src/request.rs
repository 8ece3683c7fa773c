//! What an LPAR is asked to do: the content of `start`.

mod maintenance;

pub use maintenance::{BadMaintenance, MAINT_FLAGS, Maintenance};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::disks::{ChosenDisk, Rollback, Standing};
use crate::hook::{Hook, Hooks, NamedHook};
use crate::id::{Digest, DiskName, InstallationId, ObjectName};
use crate::lvupdate::{self, Data};
use crate::prep::{Backup, PrepStep, Subsystem};
use crate::stage::names;
use crate::strategy::Way;
use crate::unit::{Megabytes, Seconds};

/// The order for one operation. It travels as text, and its [`Digest`] is that of the text: an agent that does not know a
/// field still checks and keeps what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Request {
    /// Look only, or do it.
    pub kind: Kind,
    /// Which machine this is meant for. Another one refuses.
    pub expected: Expected,
    /// Where the packages are; `None` for a kernel move without software.
    pub images: Option<Images>,
    /// What is to be installed from there.
    pub install: Install,
    /// Whether of the list only those filesets are meant that are installed on the LPAR.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub installed_only: bool,
    /// In one run of geninstall, or in parts.
    #[serde(default, skip_serializing_if = "Way::is_one_step")]
    pub way: Way,
    /// Where rootvg is copied to; for [`Kind::AltDisk`] and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt_disk: Option<AltDisk>,
    /// Which disks are released, as they are on record; for [`Kind::ReleaseDisks`] and for nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub release: Vec<Standing>,
    /// What the LPAR is booted from; for [`Kind::Rollback`] and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// Whether licences are agreed to (`geninstall -Y`).
    pub accept_licenses: bool,
    /// Options of installp without their dash: geninstall hands them on (`-I`), maintenance is made of them. Not with Live Update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installp_flags: Option<String>,
    /// Content of `lvupdate.data` for this LPAR, rendered by the master; empty without Live Update.
    pub lvupdate_data: String,
    /// The disks that were chosen for it. `lvupdate_data` has the key of each in place of a name: the agent finds the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<ChosenDisk>,
    /// The management console that the LPAR authenticates at, where it has to.
    pub console: Option<Console>,
    /// Programs that are run one after the other, in this order, once all else has succeeded. A preview runs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<Script>,
    /// Programs of the site that are run around all that. A preview runs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,
    /// What is changed before the update and put back after it, in this order. A preview changes nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prep: Vec<PrepStep>,
    /// Subsystems that are started anew after an update, where they run on libraries that were replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<Subsystem>,
    /// What one can go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// What `clvupdate` is told, for [`Kind::CleanUp`] and for nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clean_up: Vec<CleanUpFlag>,
    /// Programs that the master runs itself around all that. The agent stops for those in the midst of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub master_hooks: Vec<NamedHook>,
    /// Limits of time and space.
    pub limits: Limits,
}

/// An order that cannot be carried out as it is written.
#[derive(Debug, thiserror::Error)]
pub enum BadOrder {
    /// It is none.
    #[error("the order cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It has a part of a later version.
    #[error("this version does not know the part \"{}\" of the order", crate::id::printable(part))]
    Unknown {
        /// Name of the part, with the names of those that it is in.
        part: String,
    },
}

impl Request {
    /// An order of this kind that is meant for any machine and asks for nothing.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            expected: Expected::default(),
            images: None,
            install: Install::Nothing,
            installed_only: false,
            way: Way::ONE_STEP,
            alt_disk: None,
            release: Vec::new(),
            rollback: None,
            accept_licenses: false,
            installp_flags: None,
            lvupdate_data: String::new(),
            disks: Vec::new(),
            console: None,
            scripts: Vec::new(),
            hooks: None,
            prep: Vec::new(),
            restart: Vec::new(),
            backup: None,
            clean_up: Vec::new(),
            master_hooks: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Reads an order to carry it out. What is not understood may be what keeps the LPAR safe: it is not left out.
    ///
    /// # Errors
    /// [`BadOrder`]
    pub fn read(text: &str) -> Result<Self, BadOrder> {
        let request: Self = serde_json::from_str(text)?;
        let sent: Value = serde_json::from_str(text)?;
        match unknown(&sent, &serde_json::to_value(&request)?) {
            None => Ok(request),
            Some(part) => Err(BadOrder::Unknown { part }),
        }
    }

    /// What its `lvupdate.data` says.
    #[must_use]
    pub fn data(&self) -> Data {
        lvupdate::parse(&self.lvupdate_data).data()
    }

    /// The contents that travel over our connection before it starts: what belongs to the packages, and scripts.
    pub fn contents(&self) -> impl Iterator<Item = Content> {
        let files = match &self.images {
            Some(Images::Pushed { files }) => files.as_slice(),
            Some(Images::Folder { .. } | Images::Nfs { .. }) | None => &[],
        };
        let files = files.iter().map(|file| Content { digest: file.digest, bytes: file.bytes });
        files.chain(self.programs().map(|script| script.content))
    }

    /// The programs of the site: its scripts, then its hooks. Each has its place here as its number, from 1.
    pub fn programs(&self) -> impl Iterator<Item = &Script> {
        self.scripts.iter().chain(self.hooks().iter().map(|hook| &hook.script))
    }

    /// The hooks that run on the LPAR.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        self.hooks.as_ref().map_or(&[], |hooks| &hooks.list)
    }
}

/// The first part of `sent` that `known` lacks. Nothing at all is what is left out.
fn unknown(sent: &Value, known: &Value) -> Option<String> {
    match (sent, known) {
        (Value::Object(sent), Value::Object(known)) => {
            let parts = sent.iter().filter(|(_, value)| !value.is_null());
            parts.map(|(name, value)| (name, value, known.get(name))).find_map(
                |(name, value, known)| match known {
                    None => Some(name.clone()),
                    Some(known) => unknown(value, known).map(|inner| format!("{name}.{inner}")),
                },
            )
        }
        (Value::Array(sent), Value::Array(known)) => {
            sent.iter().zip(known).find_map(|(sent, known)| unknown(sent, known))
        }
        _ => None,
    }
}

/// A copy of rootvg. Source: AIX's description of `alt_disk_install`, and the reference on Live Update, §5.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AltDisk {
    /// Names of the disks that the copy goes to, on the LPAR.
    pub disks: Vec<DiskName>,
    /// Whether the LPAR boots from the copy the next time it is booted.
    pub set_bootlist: bool,
    /// Which part of it is done; all where none is named.
    pub phase: Option<AltPhase>,
}

names! {
    /// A part of copying rootvg: 1 makes and copies, 2 updates the copy, 3 puts it away and sets the bootlist.
    AltPhase, "phase of alt_disk_install" {
        /// The first.
        One = "1",
        /// The second, which may be repeated.
        Two = "2",
        /// The third.
        Three = "3",
        /// The first two.
        OneTwo = "12",
        /// The last two.
        TwoThree = "23",
        /// All of them.
        All = "all",
    }
}

impl AltDisk {
    /// Whether it begins with disks that nothing is on.
    #[must_use]
    pub const fn begins(&self) -> bool {
        matches!(self.phase, None | Some(AltPhase::One | AltPhase::OneTwo | AltPhase::All))
    }

    /// Whether software can be installed into the copy.
    #[must_use]
    pub const fn installs(&self) -> bool {
        !matches!(self.phase, Some(AltPhase::One | AltPhase::Three))
    }
}

/// A content by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Content {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A program of the site that the agent runs as root: the content of an object of type `script`. Where the LPAR's policy does not
/// allow it the whole order is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Script {
    /// The object's name.
    pub name: ObjectName,
    /// The content, which travels over our connection.
    #[serde(flatten)]
    pub content: Content,
}

/// Largest script, in bytes.
pub const LARGEST_SCRIPT: u64 = 1 << 20;

/// Most scripts of an order.
pub const MOST_SCRIPTS: usize = 16;

names! {
    /// What is done, and whether anything is changed.
    Kind, "kind of operation" {
        /// `geninstall -k -p`.
        Preview = "preview",
        /// `geninstall -k`.
        Update = "update",
        /// `geninstall -p`: of an installation without Live Update.
        InstallPreview = "install_preview",
        /// `geninstall`: software is installed, and nothing is moved.
        Install = "install",
        /// `installp -p -c` and its like: of maintenance.
        MaintPreview = "maint_preview",
        /// `installp -c`, `-r`, `-u`, `-C`: what is installed is committed, rejected, removed, or cleaned up.
        Maint = "maint",
        /// `alt_disk_copy`: rootvg is copied to other disks, and the copy updated where that is asked for.
        AltDisk = "alt_disk_install",
        /// `alt_rootvg_op -X`: copies of rootvg that nothing needs are dropped, and their disks are free.
        ReleaseDisks = "release_disks",
        /// `bootlist` and `shutdown -Fr`: the LPAR is booted from a copy of rootvg that holds the level before.
        Rollback = "rollback",
        /// `clvupdate`: what a Live Update could not clean up itself is cleaned up.
        CleanUp = "clean_up",
        /// `snap -U`: what IBM's support wants of a Live Update is collected and kept.
        Snap = "snap",
    }
}

names! {
    /// What `clvupdate` is told beside that it is to clean up. Source: IBM Docs, clvupdate; LU §5.1.
    CleanUpFlag, "flag of clvupdate" {
        /// Nothing but the lock is released: nothing else is left. It goes with no other.
        OnlyLock = "l",
        /// The state that the kernel has is ignored: the LPAR was booted since.
        AfterReboot = "e",
        /// The original is forced down: the workload runs on the surrogate.
        ForceOriginal = "o",
        /// It is ignored that processes may still run.
        IgnoreProcesses = "u",
    }
}

impl Kind {
    /// Whether nothing is changed.
    #[must_use]
    pub const fn is_preview(self) -> bool {
        matches!(self, Self::Preview | Self::InstallPreview | Self::MaintPreview)
    }

    /// Whether it is about a Live Update, whether for a look or in earnest.
    #[must_use]
    pub const fn is_live_update(self) -> bool {
        matches!(self, Self::Preview | Self::Update)
    }

    /// Whether the workload is moved, which takes room on the frame.
    #[must_use]
    pub const fn moves(self) -> bool {
        matches!(self, Self::Update)
    }

    /// Whether it maintains what is installed.
    #[must_use]
    pub const fn is_maintenance(self) -> bool {
        matches!(self, Self::MaintPreview | Self::Maint)
    }

    /// Whether it is about what a Live Update has left: it may be open beside an operation that is stuck, and runs under its lock.
    #[must_use]
    pub const fn looks_after(self) -> bool {
        matches!(self, Self::CleanUp | Self::Snap)
    }

    /// What it is called in a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Update => "update",
            Self::InstallPreview => "preview of an installation",
            Self::Install => "installation",
            Self::MaintPreview => "preview of maintenance",
            Self::Maint => "maintenance",
            Self::AltDisk => "copy of rootvg",
            Self::ReleaseDisks => "release of disks",
            Self::Rollback => "rollback",
            Self::CleanUp => "clean-up",
            Self::Snap => "snap",
        }
    }

    /// The program on the LPAR that does it.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Preview | Self::Update | Self::InstallPreview | Self::Install => "geninstall",
            Self::MaintPreview | Self::Maint => "installp",
            Self::AltDisk => "alt_disk_copy",
            Self::ReleaseDisks => "alt_rootvg_op",
            Self::Rollback => "shutdown",
            Self::CleanUp => "clvupdate",
            Self::Snap => "snap",
        }
    }
}

/// The options of installp that an order may have: to apply, to commit, with requisites, into larger file systems, without
/// saved files, and how much is said. What removes or overwrites is not among them. Source: the NIM reference, §3.1.
pub const INSTALLP_FLAGS: &str = "acgNQXqwvV";

/// NIM's options for installp where none are given. Source: the NIM reference, §3.1.
pub const DEFAULT_INSTALLP_FLAGS: &str = "agQX";

/// Which machine an order is meant for. What is `None` is not yet known and is not compared. The partition id is no part of
/// it: a Live Update changes that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Expected {
    /// Serial of the frame as the LPAR reports it (`uname -m` / `prtconf`).
    pub machine_serial: Option<String>,
    /// Partition name.
    pub partition_name: Option<String>,
    /// Installation of the agent.
    pub installation: Option<InstallationId>,
}

/// Where packages come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Images {
    /// A folder that the LPAR sees already.
    Folder {
        /// Absolute path on the LPAR.
        path: String,
    },
    /// An NFS export that the agent mounts read-only for the operation, and unmounts after it.
    Nfs {
        /// Host name or address of the server.
        server: String,
        /// Exported path.
        export: String,
    },
    /// Files that came over our own connection (`receive`), kept by content.
    Pushed {
        /// What belongs to the folder.
        files: Vec<PushedFile>,
    },
}

/// One file of an image folder that travels over our connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushedFile {
    /// Path relative to the folder: names separated by `/`, no `..`, no empty part.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Digest of the content.
    pub digest: Digest,
}

/// What is to be installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Install {
    /// Nothing: the kernel is moved.
    Nothing,
    /// Every update, no interim fix (`update_all`).
    UpdateAll,
    /// Every update and every interim fix (`all`).
    All,
    /// Filesets and interim fixes by name, mixed.
    List(Vec<String>),
}

impl Install {
    /// Whether it may bring updates of filesets, not interim fixes alone.
    #[must_use]
    pub fn updates(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::UpdateAll | Self::All => true,
            Self::List(names) => names.iter().any(|name| !crate::lpp::is_interim_fix(name)),
        }
    }
}

/// Where the LPAR gets the token that Live Update needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Console {
    /// Host name or address of the HMC as the LPAR reaches it.
    pub address: String,
    /// TCP port; 12443 where nobody said otherwise.
    pub port: u16,
    /// User on the HMC.
    pub user: String,
    /// Name of the secret that holds the password; it is asked for with `need_secret`, never part of an order.
    pub secret: ObjectName,
}

/// Limits of time and space. Every wait of the agent has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limits {
    /// For `pre`, `prep` and `backup` each.
    pub stage: Seconds,
    /// How long after `ready` the agent waits for `proceed` before it undoes and ends.
    pub proceed: Seconds,
    /// For geninstall: past it the operation is `stuck`. geninstall itself is never signalled.
    pub update: Seconds,
    /// For putting back and verifying.
    pub post: Seconds,
    /// For each script: past it the script is ended, with all that runs in its session.
    #[serde(default = "Limits::script")]
    pub script: Seconds,
    /// How long the agent waits for a secret or for the acknowledgement of an undo record.
    pub answer: Seconds,
    /// How much output is kept; past it the rest is cut with a mark.
    pub output: Megabytes,
    /// Free space that must stay in a file system that files are copied to.
    pub keep_free: Megabytes,
}

impl Limits {
    const fn script() -> Seconds {
        Seconds(1800)
    }
}

impl Default for Limits {
    /// Source: the durations and rules of the Live Update reference (§7.3 rule 8, §8); generous, because a limit that bites
    /// in the middle of an update makes work for a person.
    fn default() -> Self {
        Self {
            stage: Seconds(3600),
            proceed: Seconds(900),
            update: Seconds(6 * 3600),
            post: Seconds(1800),
            script: Self::script(),
            answer: Seconds(600),
            output: Megabytes(16),
            keep_free: Megabytes(500),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interim_fixes_alone_are_no_update() {
        let list =
            |names: &[&str]| Install::List(names.iter().map(|&name| name.to_owned()).collect());
        assert!(!list(&["IJ1.241031.epkg.Z"]).updates() && !Install::Nothing.updates());
        assert!(list(&["IJ1.241031.epkg.Z", "bos.net"]).updates() && Install::All.updates());
    }

    #[test]
    fn a_part_of_a_later_version_is_not_left_out() {
        let request = Request::of(Kind::Update);
        let whole = serde_json::to_value(&request).unwrap();
        assert_eq!(Request::read(&whole.to_string()).unwrap(), request);
        let mut later = whole.clone();
        later["later"] = Value::Null;
        assert_eq!(Request::read(&later.to_string()).unwrap(), request);
        later["later"] = true.into();
        let unknown = |order: &Value| match Request::read(&order.to_string()).unwrap_err() {
            BadOrder::Unknown { part } => part,
            BadOrder::Unreadable(bad) => bad.to_string(),
        };
        assert_eq!(unknown(&later), "later");
        let mut later = whole;
        later["limits"]["patience"] = 3.into();
        assert_eq!(unknown(&later), "limits.patience");
        assert!(matches!(Request::read("{}"), Err(BadOrder::Unreadable(_))));
    }
}
