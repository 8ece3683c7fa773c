//! The site file: what a simulated site consists of, as its owner writes it.
//!
//! Everything that can be guessed has a default, so that a small site stays a small file. [`parse`] reports all faults at once, each
//! with its place; a checked [`File`] becomes a [`World`](crate::world::World) by [`build::world`].

pub mod build;
mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use nim_shared::api::FileFault;
use nim_shared::unit::ProcessorUnits;
use nim_shared::yaml;
use serde::Deserialize;

use crate::Phase;
use crate::fault::{ConsoleFault, Fault};
use crate::state::State;
use crate::world::Variation;
use crate::world::frame::USUAL_LEAST;
use crate::world::lpar::{AgentInstalled, Style};

/// A site as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What unclear facts are drawn from. Default 1.
    #[serde(default = "one")]
    pub seed: u64,
    /// TCP port of every SSH server; 0 gives each one of its own. Default 2222.
    #[serde(default = "port")]
    pub port: u16,
    /// Management consoles.
    pub hmcs: Vec<HmcEntry>,
    /// Frames.
    pub frames: Vec<FrameEntry>,
    /// AIX LPARs.
    pub lpars: Vec<LparEntry>,
    /// Software the site's NFS server offers.
    #[serde(default)]
    pub lpp_sources: Vec<SourceEntry>,
}

/// An HMC as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HmcEntry {
    /// Name.
    pub name: String,
    /// Loopback address.
    pub address: String,
    /// Address at which LPARs reach it, where that is another one. Nothing listens there: what an LPAR does at an HMC is simulated.
    #[serde(default)]
    pub lpar_address: Option<String>,
    /// Such as `V10R3 M1060`, which is the default.
    #[serde(default = "hmc_level")]
    pub level: String,
    /// Users that may log in.
    pub users: Vec<UserEntry>,
    /// What is wrong with it: `hmc-slow`, …
    #[serde(default)]
    pub faults: Vec<ConsoleFault>,
}

/// A user of an HMC as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    /// Name.
    pub name: String,
    /// Task role (HV §1.2).
    pub role: String,
    /// Password.
    pub password: String,
}

/// A frame as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameEntry {
    /// Name.
    pub name: String,
    /// `9009-42A`.
    pub type_model: String,
    /// Serial number.
    pub serial: String,
    /// HMCs that manage it, the preferred one first.
    pub hmcs: Vec<String>,
    /// Memory in MB.
    pub memory_mb: u64,
    /// Memory of the hypervisor in MB.
    #[serde(default = "firmware")]
    pub firmware_mb: u64,
    /// Grain of memory in MB.
    #[serde(default = "region")]
    pub region_mb: u64,
    /// Whether its hypervisor takes memory for the page table of each partition. Default no.
    #[serde(default)]
    pub page_tables: bool,
    /// Processors, such as `16.0`.
    pub processors: ProcessorUnits,
    /// Highest partition id.
    #[serde(default = "max_lpars")]
    pub max_lpars: u32,
    /// Level of its firmware. Default `VL950_105`.
    #[serde(default = "crate::world::frame::usual_firmware")]
    pub firmware: String,
    /// Its pair of VIO servers.
    pub vios: Vec<ViosEntry>,
    /// Shared pools of processors beside the default one.
    #[serde(default)]
    pub pools: Vec<PoolEntry>,
}

/// A shared pool of processors as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolEntry {
    /// Its number, from 1 on.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Most that its LPARs may have together, such as `4.0`.
    pub processors: ProcessorUnits,
    /// What of that is kept for none of them.
    #[serde(default = "nothing")]
    pub reserved: ProcessorUnits,
}

/// A VIO server as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViosEntry {
    /// Name.
    pub name: String,
    /// Loopback address.
    pub address: String,
    /// Partition id.
    pub id: u32,
    /// Level.
    #[serde(default = "vios_level")]
    pub level: String,
    /// What is wrong with it: `vios-unreadable`.
    #[serde(default)]
    pub faults: Vec<ConsoleFault>,
}

/// An LPAR as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LparEntry {
    /// Name; also its host name.
    pub name: String,
    /// Its frame.
    pub frame: String,
    /// Loopback address.
    pub address: String,
    /// Partition id.
    pub id: u32,
    /// Output of `oslevel -s`.
    pub level: String,
    /// Progress with dots (`A`) or with times (`B`). Default: A for 72xx, B for 7300-03 and later (LU §8.4).
    pub style: Option<Style>,
    /// `LANG`. Default `C`.
    #[serde(default = "locale")]
    pub locale: String,
    /// Labels of its object in the fleet file.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Memory in MB.
    #[serde(default = "lpar_memory")]
    pub memory_mb: u64,
    /// Entitlement, such as `0.5`.
    #[serde(default = "entitlement")]
    pub processors: ProcessorUnits,
    /// Least entitlement, such as `0.1`. Default: that, or what it has where that is less.
    #[serde(default)]
    pub min_processors: Option<ProcessorUnits>,
    /// Virtual processors.
    #[serde(default = "virtual_processors")]
    pub virtual_processors: u32,
    /// Number of its pool of processors. Default: the default pool, 0.
    #[serde(default)]
    pub pool: u32,
    /// Disks.
    #[serde(default)]
    pub disks: Vec<DiskEntry>,
    /// Local file systems beside the usual ones.
    #[serde(default)]
    pub filesystems: Vec<FileSystemEntry>,
    /// Filesets beside the usual ones, with level.
    #[serde(default)]
    pub filesets: BTreeMap<String, String>,
    /// Labels of interim fixes that are installed, with the fileset each locks.
    #[serde(default)]
    pub ifixes: BTreeMap<String, String>,
    /// Users beside root.
    #[serde(default)]
    pub users: Vec<String>,
    /// What is switched on that a Live Update does not go with.
    #[serde(default)]
    pub on: BTreeSet<SwitchedOn>,
    /// Subsystems on file beside the usual ones.
    #[serde(default)]
    pub subsystems: Vec<String>,
    /// Tenths of the sample's durations its phases take, 10 small to 25 large (LU §8.4). Default 10.
    #[serde(default = "size_tenths")]
    pub size_tenths: u32,
    /// Whether the agent is there. Default: installed.
    #[serde(default = "installed")]
    pub agent: AgentInstalled,
    /// Whether each VIO server of its frame has a virtual Fibre Channel adapter for it, beside the virtual SCSI one. Default no.
    #[serde(default)]
    pub npiv: bool,
    /// Exit status of geninstall for a partial success.
    #[serde(default)]
    pub partial_success_status: u8,
    /// Readings of unclear facts; what is not said is drawn from the seed.
    #[serde(default)]
    pub vary: BTreeMap<String, bool>,
    /// Faults from the start.
    #[serde(default)]
    pub faults: Vec<FaultEntry>,
    /// States in which it is from the start: `tape-device`, …
    #[serde(default)]
    pub states: Vec<State>,
    /// Text of the lvupdate.data that lies on it. Default none.
    pub lvupdate_data: Option<String>,
}

/// What an LPAR has on (LU §4.4 S08, S10, S16, S22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchedOn {
    /// Trusted Execution.
    TrustedExecution,
    /// Its database is looked up in LDAP.
    Ldap,
    /// Workload Manager, from inittab.
    WorkloadManager,
    /// Auditing in bin and in stream mode, from inittab.
    AuditStream,
}

/// A disk as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskEntry {
    /// Name.
    pub name: String,
    /// Size in MB.
    pub size_mb: u64,
    /// Volume group; none when free.
    pub vg: Option<String>,
    /// Name that its storage gave the LUN. Default: none.
    #[serde(default)]
    pub lun: Option<String>,
}

impl DiskEntry {
    /// `hdisk0`, `hdisk1` and so on, of 50 GB each, with these volume groups.
    #[must_use]
    pub fn row(groups: &[Option<&str>]) -> Vec<Self> {
        let disk = |(number, vg): (usize, &Option<&str>)| Self {
            name: format!("hdisk{number}"),
            size_mb: 51200,
            vg: vg.map(str::to_owned),
            lun: None,
        };
        groups.iter().enumerate().map(disk).collect()
    }
}

/// A local file system as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSystemEntry {
    /// Logical volume.
    pub device: String,
    /// Mount point.
    pub mounted_on: String,
    /// Type.
    #[serde(default = "jfs2")]
    pub kind: String,
    /// Size in MB.
    pub size_mb: u64,
    /// Used in MB.
    pub used_mb: u64,
}

/// A fault as written: its name alone, or with the phase in which it strikes.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum FaultEntry {
    /// `procfs-open`.
    Name(String),
    /// `{fault: reboot, at: clone}`.
    At {
        /// Name.
        fault: String,
        /// Phase.
        at: String,
    },
}

impl FaultEntry {
    /// The fault and the phase named with it.
    pub fn read(&self) -> Result<(Fault, Option<Phase>), String> {
        match self {
            Self::Name(fault) => Ok((fault.parse()?, None)),
            Self::At { fault, at } => Ok((fault.parse()?, Some(at.parse()?))),
        }
    }
}

/// Software as written; the lab makes simulated packages of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// Name, and name of the directory.
    pub name: String,
    /// Level that `update_all` leads to; none for a source of interim fixes only.
    pub level: Option<String>,
    /// Filesets and their levels.
    #[serde(default)]
    pub filesets: BTreeMap<String, String>,
    /// Interim fixes.
    #[serde(default)]
    pub ifixes: Vec<IfixEntry>,
}

/// An interim fix as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IfixEntry {
    /// `IJ52421s2a`.
    pub label: String,
    /// `241031`: the middle part of the file name.
    pub built: String,
    /// One line.
    pub text: String,
    /// Filesets it changes and locks.
    pub packages: Vec<String>,
    /// Whether Live Update may carry it. Default yes.
    #[serde(default = "yes")]
    pub live_update: bool,
    /// Filesets that have to be there, and at which level at least. Default none.
    #[serde(default)]
    pub requires: BTreeMap<String, String>,
}

/// One thing wrong with a site file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Such as `lpars[3].frame`.
    pub place: String,
    /// What is wrong.
    pub text: String,
}

impl From<FileFault> for Wrong {
    fn from(fault: FileFault) -> Self {
        let place = fault.line.map_or_else(|| "file".to_owned(), |line| format!("line {line}"));
        Self { place, text: fault.message }
    }
}

/// Everything wrong with a site file.
#[derive(Debug, thiserror::Error)]
pub struct Faults {
    /// What the file is called.
    pub file: String,
    /// The faults in the order of the file.
    pub list: Vec<Wrong>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.list.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{}: {}: {}", self.file, fault.place, fault.text)?;
        }
        Ok(())
    }
}

/// Reads and checks a site file. `name` is used in messages.
pub fn parse(name: &str, text: &str) -> Result<File, Faults> {
    let source = nim_shared::api::File { name: name.to_owned(), text: text.to_owned() };
    let list = match yaml::read_settings(&source) {
        Ok(file) => match check::faults(&file) {
            list if list.is_empty() => return Ok(file),
            list => list,
        },
        Err(faults) => faults.into_iter().map(Wrong::from).collect(),
    };
    Err(Faults { file: name.to_owned(), list })
}

fn one() -> u64 {
    1
}
fn port() -> u16 {
    2222
}
fn hmc_level() -> String {
    "V10R3 M1060".to_owned()
}
fn vios_level() -> String {
    "3.1.4.21".to_owned()
}
fn firmware() -> u64 {
    7168
}
fn region() -> u64 {
    256
}
fn max_lpars() -> u32 {
    400
}
fn locale() -> String {
    "C".to_owned()
}
fn lpar_memory() -> u64 {
    4096
}
fn entitlement() -> ProcessorUnits {
    ProcessorUnits { hundredths: 50 }
}
const fn nothing() -> ProcessorUnits {
    ProcessorUnits { hundredths: 0 }
}

fn virtual_processors() -> u32 {
    2
}
fn size_tenths() -> u32 {
    10
}
fn installed() -> AgentInstalled {
    AgentInstalled::Installed
}
fn jfs2() -> String {
    "jfs2".to_owned()
}
fn yes() -> bool {
    true
}

/// The readings written for an LPAR over those drawn for it.
pub(crate) fn variation(entry: &LparEntry, seed: u64) -> Result<Variation, String> {
    let mut readings = Variation::draw(seed, &entry.name).by_name();
    readings.extend(entry.vary.clone());
    let readings = readings.into_iter().map(|(name, value)| (name, value.into())).collect();
    serde_json::from_value(serde_json::Value::Object(readings)).map_err(|error| error.to_string())
}

impl LparEntry {
    /// The least entitlement that it may run with.
    pub(crate) fn least_processors(&self) -> ProcessorUnits {
        let usual = ProcessorUnits { hundredths: USUAL_LEAST };
        self.min_processors.unwrap_or_else(|| usual.min(self.processors))
    }

    /// The states in which it is from the start, those that its faults bring among them.
    pub(crate) fn all_states(&self) -> impl Iterator<Item = State> + '_ {
        let faults = self.faults.iter().filter_map(|fault| fault.read().ok()?.0.state());
        self.states.iter().copied().chain(faults)
    }
}

impl File {
    /// Has every unclear fact read on every LPAR as the table of LU has it: nothing varies by seed any more.
    pub fn read_alike(&mut self) {
        for lpar in &mut self.lpars {
            lpar.vary = Variation::default().by_name();
        }
    }
}

#[cfg(test)]
mod tests;
