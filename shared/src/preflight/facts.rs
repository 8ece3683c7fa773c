//! What was seen, as typed values. What could not be read carries the reason in its place.

use std::collections::BTreeMap;

use super::around::Around;
use super::probe::{Answer, Probe, ProbeId, Probed};
use crate::aix::{
    self, BootDevice, ControlPoint, Device, DiskPath, FileSystem, Fileset, GroupState, InterimFix,
    Listing, LogicalVolume, Lparstat, Mounted, NotifiedScript, Process, Subsystem, Token, Wpar,
};
use crate::id::{DiskName, printable};
use crate::level::Level;
use crate::lvupdate::{self, Data};
use crate::operation::{Disk, Named};
use crate::unit::Megabytes;

/// A value, or why there is none.
pub type Fact<T> = Result<T, String>;

/// An LPAR as it shows itself.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its level.
    pub level: Fact<Level>,
    /// Its filesets.
    pub filesets: Fact<Vec<Fileset>>,
    /// What `lparstat -i` says.
    pub partition: Fact<Lparstat>,
    /// Level of the firmware, such as `SV810_081`.
    pub firmware: Fact<String>,
    /// File systems.
    pub file_systems: Fact<Vec<FileSystem>>,
    /// Tokens for management consoles.
    pub tokens: Fact<Vec<Token>>,
    /// Consoles that RMC knows.
    pub control_points: Fact<Vec<ControlPoint>>,
    /// Subsystems.
    pub subsystems: Fact<Vec<Subsystem>>,
    /// Disks.
    pub disks: Fact<Vec<Disk>>,
    /// Paths.
    pub paths: Fact<Vec<DiskPath>>,
    /// Devices.
    pub devices: Fact<Vec<Device>>,
    /// Logical volumes of rootvg.
    pub root_volumes: Fact<Vec<LogicalVolume>>,
    /// What of rootvg is stale, and the size of its partitions.
    pub root_group: Fact<(GroupState, Option<Megabytes>)>,
    /// Boot list.
    pub boot_list: Fact<Vec<BootDevice>>,
    /// Mounts.
    pub mounts: Fact<Vec<Mounted>>,
    /// Regions of large pages.
    pub large_pages: Fact<u64>,
    /// Names of network interfaces.
    pub interfaces: Fact<Vec<String>>,
    /// Interim fixes.
    pub fixes: Fact<Vec<InterimFix>>,
    /// Policies of Trusted Execution.
    pub trust: Fact<BTreeMap<String, bool>>,
    /// Scripts that Live Update notifies.
    pub scripts: Fact<Vec<NotifiedScript>>,
    /// Programs of those that are not there.
    pub missing_scripts: Fact<Vec<String>>,
    /// What is registered as base or exit process, line by line.
    pub base_processes: Fact<Vec<String>>,
    /// What is registered to be started with the surrogate, line by line.
    pub surrogate_inittab: Fact<Vec<String>>,
    /// What is registered to load kernel extensions on the surrogate, line by line.
    pub kernel_extensions: Fact<Vec<String>>,
    /// Processes that have /proc open.
    pub proc_users: Fact<Vec<u64>>,
    /// Processes.
    pub processes: Fact<Vec<Process>>,
    /// Whether Workload Manager runs.
    pub workload_manager: Fact<bool>,
    /// Workload partitions.
    pub workload_partitions: Fact<Vec<Wpar>>,
    /// What `audit query` says first.
    pub audit: Fact<String>,
    /// The NIS domain; empty for none.
    pub nis_domain: Fact<String>,
    /// What drives the disk of rootvg.
    pub path_control: Fact<String>,
    /// Sizes of the disks that were asked for.
    pub disk_sizes: BTreeMap<DiskName, Fact<Megabytes>>,
    /// What `lvupdate.data` says; `None` where there is none.
    pub data: Fact<Option<Data>>,
    /// Lines of the inittab that are no comments.
    pub inittab: Fact<Vec<String>>,
    /// Whether auditing is set to stream.
    pub audit_streams: Fact<bool>,
    /// Where Trusted Execution looks up its database: the `secorder` of `tsddat`; empty for the default.
    pub trust_order: Fact<String>,
    /// Whether Kerberos is configured.
    pub kerberos: Fact<bool>,
    /// Whether the lock of a Live Update is there.
    pub lock: Fact<bool>,
    /// State of PowerHA's manager: `ST_STABLE`.
    pub cluster_state: Fact<String>,
    /// State of the Trusted Computing Base: `tcb_disabled`.
    pub trusted_base: Fact<String>,
    /// The security profile that was applied, in the words of `aixpert -t`.
    pub security_profile: Fact<String>,
}

/// All that a check may look at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What the LPAR shows.
    pub facts: &'a Facts,
    /// What is around it.
    pub around: &'a Around,
}

impl Facts {
    /// Of an LPAR that could not be asked.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        Self::read(Err(why.to_owned()), &[], why)
    }

    /// Of what came back. What is not among it was not looked at for the reason `otherwise`.
    #[must_use]
    pub fn read(level: Fact<&str>, probed: &[Probed], otherwise: &str) -> Self {
        let all = Answers { probed, otherwise };
        use ProbeId as P;
        let scripts = all.printed(P::Scripts);
        Self {
            level: level.and_then(|text| aix::oslevel(text).map_err(|bad| bad.to_string())),
            filesets: all.filesets(),
            partition: all.printed(P::Partition).and_then(|(text, _)| {
                let read = aix::lparstat(text);
                let found = read.get("Online Memory").is_some();
                found.then_some(read).ok_or_else(|| quoted("lparstat -i", text))
            }),
            firmware: all.printed(P::Machine).and_then(|(text, _)| firmware(text)),
            file_systems: all.rows(P::FileSystems, aix::df),
            tokens: all.rows(P::Tokens, aix::hmcauth),
            control_points: all.rows(P::ControlPoints, aix::rmcdomainstatus),
            subsystems: all.rows(P::Subsystems, aix::lssrc),
            disks: all.some(P::Disks, aix::lspv),
            paths: all.rows(P::Paths, aix::lspath_fields),
            devices: all.some(P::Devices, aix::lsdev_fields),
            root_volumes: all.some(P::RootVolumes, aix::lsvg_l),
            root_group: all.printed(P::RootGroup).and_then(|(text, _)| {
                let state = aix::lsvg(text).map_err(|bad| bad.to_string())?;
                let size = text.split_once("PP SIZE:").and_then(|(_, rest)| {
                    rest.split_whitespace().next()?.parse().ok().map(Megabytes)
                });
                Ok((state, size))
            }),
            boot_list: all.rows(P::BootList, aix::bootlist),
            mounts: all.some(P::Mounts, aix::mount),
            large_pages: all
                .printed(P::LargePages)
                .and_then(|(text, _)| aix::tunable(text).map_err(|bad| bad.to_string())),
            interfaces: all.printed(P::Interfaces).and_then(|(text, _)| interfaces(text)),
            fixes: all.rows(P::InterimFixes, aix::emgr_l),
            trust: all.printed(P::Trust).and_then(|(text, _)| {
                let read = aix::trustchk(text);
                read.contains_key("TE").then_some(read).ok_or_else(|| quoted("trustchk -p", text))
            }),
            missing_scripts: scripts.clone().map(|(_, missing)| missing.to_vec()),
            scripts: scripts.and_then(|(text, _)| rows(P::Scripts, aix::lvupdate_scripts(text))),
            base_processes: all.lines(P::BaseProcesses),
            surrogate_inittab: all.lines(P::SurrogateInittab),
            kernel_extensions: all.lines(P::KernelExtensions),
            proc_users: all.ended(P::ProcUsers).and_then(|(status, text)| {
                // With nobody there it says nothing, and with which status is not known.
                match rows(P::ProcUsers, aix::fuser(text))? {
                    found if found.is_empty() && status > 1 => {
                        Err(format!("fuser -c /proc ended with {status}"))
                    }
                    found => Ok(found),
                }
            }),
            processes: all.some(P::Processes, aix::ps),
            workload_manager: all.ended(P::WorkloadManager).and_then(|(status, text)| {
                // Source: LU §5.4 (inferred): its exit status tells the state.
                match status {
                    0 | 2 => Ok(true),
                    1 => Ok(false),
                    _ => Err(quoted("wlmcntrl -q", text)),
                }
            }),
            workload_partitions: all.rows(P::WorkloadPartitions, aix::lswpar),
            audit: all.printed(P::Audit).and_then(|(text, _)| {
                let line = text.lines().map(str::trim).find(|line| !line.is_empty());
                line.map(printable).ok_or_else(|| quoted("audit query", text))
            }),
            nis_domain: all.printed(P::NisDomain).map(|(text, _)| printable(text.trim())),
            path_control: all.printed(P::PathControl).and_then(|(text, _)| {
                let text = text.trim();
                let is_one = !text.is_empty() && !text.contains(char::is_whitespace);
                is_one.then(|| printable(text)).ok_or_else(|| quoted("lsattr -a PCM", text))
            }),
            disk_sizes: all.disk_sizes(),
            data: all
                .file(P::LvupdateData)
                .map(|text| text.map(|text| lvupdate::parse(text).data())),
            inittab: all.file(P::Inittab).and_then(|text| match text {
                None => Err("there is no /etc/inittab".to_owned()),
                Some(text) => {
                    let lines = text.lines().map(str::trim);
                    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(':'));
                    Ok(lines.map(printable).collect())
                }
            }),
            audit_streams: all
                .file(P::AuditConfig)
                .map(|text| value(text.unwrap_or_default(), "start", "streammode") == "on"),
            trust_order: all
                .file(P::NameService)
                .map(|text| value(text.unwrap_or_default(), "tsddat", "secorder")),
            kerberos: all.file(P::Kerberos).map(|text| text.is_some()),
            lock: all.file(P::Lock).map(|text| text.is_some()),
            cluster_state: all.printed(P::ClusterManager).and_then(|(text, _)| {
                let line = text.lines().find_map(|line| line.split_once("Current state:"));
                let state = line.map(|(_, state)| state.trim()).filter(|state| !state.is_empty());
                state.map(first).ok_or_else(|| quoted("lssrc -ls clstrmgrES", text))
            }),
            trusted_base: all.printed(P::TrustedBase).and_then(|(text, _)| {
                let value = text.lines().find_map(|line| {
                    let (key, value) = line.split_once('=')?;
                    (key.trim() == "deflt").then(|| value.trim().trim_matches('"'))
                });
                value.map(first).ok_or_else(|| quoted("odmget -q attribute=TCB_STATE PdAt", text))
            }),
            security_profile: all.printed(P::SecurityProfile).and_then(|(text, _)| {
                let line = text.lines().map(str::trim).find(|line| !line.is_empty());
                line.map(first).ok_or_else(|| quoted("aixpert -t", text))
            }),
        }
    }

    /// The disks that `lvupdate.data` names, each once: what becomes a copy first.
    #[must_use]
    pub fn named_disks(&self) -> Vec<DiskName> {
        let Ok(Some(data)) = &self.data else { return Vec::new() };
        let disks = &data.disks;
        let all = [&disks.nhdisk, &disks.mhdisk, &disks.tohdisk, &disks.tshdisk];
        let mut names: Vec<DiskName> = Vec::new();
        for name in all.into_iter().flatten() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }
}

/// What came back, by what was asked.
pub(crate) struct Answers<'a> {
    pub(crate) probed: &'a [Probed],
    pub(crate) otherwise: &'a str,
}

impl<'a> Answers<'a> {
    fn get(&self, id: ProbeId) -> Fact<&'a Answer> {
        let found = self.probed.iter().find(|one| {
            one.probe == Probe::of(id) || {
                one.probe.id == Named::Known(id) && id == ProbeId::PathControl
            }
        });
        match found.map(|one| &one.answer) {
            None => Err(self.otherwise.to_owned()),
            Some(Answer::Failed { why }) => Err(printable(why)),
            Some(answer) => Ok(answer),
        }
    }

    /// Exit status and standard output of a command that ended, however it did.
    fn ended(&self, id: ProbeId) -> Fact<(i32, &'a str)> {
        match self.get(id)? {
            Answer::Printed { status, stdout, .. } => Ok((*status, stdout)),
            Answer::File { .. } | Answer::NoFile | Answer::Failed { .. } => {
                Err(format!("the agent answers {id} with something else"))
            }
        }
    }

    /// What a command printed that succeeded, and the programs that it names and that are missing.
    pub(crate) fn printed(&self, id: ProbeId) -> Fact<(&'a str, &'a [String])> {
        match self.get(id)? {
            Answer::Printed { status: 0, stdout, missing, .. } => Ok((stdout, missing)),
            Answer::Printed { status, stderr, stdout, .. } => {
                let said = [stderr, stdout].into_iter().find_map(|text| text.lines().next());
                let said = said.map(|line| format!(": {}", first(line))).unwrap_or_default();
                Err(format!("{} ended with {status}{said}", shown(id)))
            }
            Answer::File { .. } | Answer::NoFile | Answer::Failed { .. } => {
                Err(format!("the agent answers {id} with something else"))
            }
        }
    }

    pub(crate) fn rows<T>(&self, id: ProbeId, read: fn(&str) -> Listing<T>) -> Fact<Vec<T>> {
        let (text, _) = self.printed(id)?;
        rows(id, read(text))
    }

    /// The rows of what has at least one on every LPAR.
    pub(crate) fn some<T>(&self, id: ProbeId, read: fn(&str) -> Listing<T>) -> Fact<Vec<T>> {
        let rows = self.rows(id, read)?;
        if rows.is_empty() { Err(format!("{} printed nothing", shown(id))) } else { Ok(rows) }
    }

    fn filesets(&self) -> Fact<Vec<Fileset>> {
        self.some(ProbeId::Filesets, aix::lslpp_q)
    }

    /// The text of a file; `None` where there is no such file.
    fn file(&self, id: ProbeId) -> Fact<Option<&'a str>> {
        match self.get(id)? {
            Answer::File { text } => Ok(Some(text)),
            Answer::NoFile => Ok(None),
            Answer::Printed { .. } | Answer::Failed { .. } => {
                Err(format!("the agent answers {id} with something else"))
            }
        }
    }

    /// Lines of a file that is not there where nothing was ever written to it.
    fn lines(&self, id: ProbeId) -> Fact<Vec<String>> {
        let text = self.file(id)?.unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(lines.map(printable).collect())
    }

    fn disk_sizes(&self) -> BTreeMap<DiskName, Fact<Megabytes>> {
        let asked =
            self.probed.iter().filter(|one| one.probe.id == Named::Known(ProbeId::DiskSize));
        let sizes = asked.filter_map(|one| {
            let size = match &one.answer {
                Answer::Printed { status: 0, stdout, .. } => {
                    aix::disk_size(stdout).map_err(|bad| bad.to_string())
                }
                Answer::Failed { why } => Err(printable(why)),
                Answer::Printed { .. } | Answer::File { .. } | Answer::NoFile => {
                    Err("getconf DISK_SIZE gave no size".to_owned())
                }
            };
            Some((one.probe.disk.clone()?, size))
        });
        sizes.collect()
    }
}

/// Rows without a line that could not be read: that one may be the one that matters.
pub(crate) fn rows<T>(id: ProbeId, listing: Listing<T>) -> Fact<Vec<T>> {
    match listing.unread.first() {
        _ if listing.omitted > 0 => Err(format!("{} printed more than is read", shown(id))),
        None => Ok(listing.rows),
        Some(unread) => Err(format!(
            "line {} of {} cannot be read: \"{}\"",
            unread.line,
            shown(id),
            unread.text
        )),
    }
}

/// How a probe is called in a reason.
fn shown(id: ProbeId) -> String {
    match Probe::of(id).look() {
        Some(super::probe::Look::Command { program, arguments, .. }) => {
            let words: Vec<_> =
                std::iter::once(program).chain(arguments.iter().map(String::as_str)).collect();
            words.join(" ")
        }
        Some(super::probe::Look::File(path) | super::probe::Look::Presence(path)) => {
            path.to_owned()
        }
        None => id.to_string(),
    }
}

fn quoted(command: &str, text: &str) -> String {
    format!("{command} cannot be read: \"{}\"", first(text.lines().next().unwrap_or_default()))
}

fn first(line: &str) -> String {
    printable(&line.trim().chars().take(120).collect::<String>())
}

/// `Platform Firmware level: SV810_081`. Source: LU §4.1 L07, §5.4.
fn firmware(text: &str) -> Fact<String> {
    let line = text.lines().find_map(|line| line.split_once("Firmware level:"));
    let level = line.map(|(_, level)| level.trim()).filter(|level| !level.is_empty());
    level.map(printable).ok_or_else(|| "prtconf shows no firmware level".to_owned())
}

/// Interfaces in `ifconfig -a`: their names stand at the beginning of a line, with a colon.
fn interfaces(text: &str) -> Fact<Vec<String>> {
    let mut names = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t']) && !line.is_empty()) {
        let name = line.split_once(':').map_or(line, |(name, _)| name);
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(quoted("ifconfig -a", line));
        }
        names.push(name.to_owned());
    }
    if names.is_empty() { Err(quoted("ifconfig -a", text)) } else { Ok(names) }
}

/// The value of a key in a stanza file of AIX; empty where there is none.
fn value(text: &str, stanza: &str, key: &str) -> String {
    printable(aix::stanza_value(text, stanza, key).unwrap_or_default())
}
