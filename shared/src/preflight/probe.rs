//! What the agent is asked for a preflight: a list that is compiled into both sides.
//!
//! A master names probes; the agent runs its own command for each, without a shell, within a limit of time and of output, and at most
//! [`MOST_PROCESSES`] processes in a session. None writes, and none opens `/proc`. What is asked last depends on what came back
//! ([`next`]): the size of the disks that are named, auditing where it is set to stream.

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::id::DiskName;
use crate::operation::Named;
use crate::stage::names;
use crate::unit::Seconds;

/// Most processes that a session of the agent starts for probes.
pub const MOST_PROCESSES: usize = 25;

/// The same for a choice of disks, of which each is looked at with several.
pub const MOST_FOR_DISKS: usize = 50;

/// Most bytes of what a probe found.
pub const MOST_BYTES: usize = 400 << 10;

names! {
    /// Something that is looked at on an LPAR.
    ProbeId, "probe" {
        /// Filesets.
        Filesets = "filesets",
        /// The partition.
        Partition = "partition",
        /// Machine and firmware.
        Machine = "machine",
        /// File systems.
        FileSystems = "file_systems",
        /// Tokens for management consoles.
        Tokens = "tokens",
        /// Consoles that RMC is connected to.
        ControlPoints = "control_points",
        /// Subsystems.
        Subsystems = "subsystems",
        /// Disks.
        Disks = "disks",
        /// Paths to disks.
        Paths = "paths",
        /// Devices.
        Devices = "devices",
        /// Logical volumes of rootvg.
        RootVolumes = "root_volumes",
        /// State of rootvg.
        RootGroup = "root_group",
        /// Boot list.
        BootList = "boot_list",
        /// Mounts.
        Mounts = "mounts",
        /// Regions of large pages.
        LargePages = "large_pages",
        /// Network interfaces.
        Interfaces = "interfaces",
        /// Interim fixes.
        InterimFixes = "interim_fixes",
        /// Policies of Trusted Execution.
        Trust = "trust",
        /// Scripts that Live Update notifies.
        Scripts = "scripts",
        /// Base and exit processes that are registered: `/etc/liveupdate/lvup_BaseProcs`.
        BaseProcesses = "base_processes",
        /// What is registered to be started with the surrogate: `/etc/liveupdate/lvup_inittab`.
        SurrogateInittab = "surrogate_inittab",
        /// Commands that load kernel extensions on the surrogate: `/etc/liveupdate/lvup_preload_KE`.
        KernelExtensions = "kernel_extensions",
        /// Who has /proc open.
        ProcUsers = "proc_users",
        /// Processes by name.
        Processes = "processes",
        /// Workload Manager.
        WorkloadManager = "workload_manager",
        /// Workload partitions, where they are installed.
        WorkloadPartitions = "workload_partitions",
        /// Auditing, where it is set to stream.
        Audit = "audit",
        /// The NIS domain, where its client is installed.
        NisDomain = "nis_domain",
        /// What drives a disk.
        PathControl = "path_control",
        /// Size of a disk.
        DiskSize = "disk_size",
        /// State of PowerHA's manager, where it is active.
        ClusterManager = "cluster_manager",
        /// Whether there is a Trusted Computing Base.
        TrustedBase = "trusted_base",
        /// The security profile that was applied.
        SecurityProfile = "security_profile",
        /// Processes on libraries that were replaced.
        OldLibraries = "old_libraries",
        /// Level of the system.
        Level = "level",
        /// Error log.
        ErrorLog = "error_log",
        /// Name of the host.
        HostName = "host_name",
        /// Id of the machine.
        MachineId = "machine_id",
        /// `/var/adm/ras/liveupdate/lvupdate.data`.
        LvupdateData = "lvupdate_data",
        /// `/etc/inittab`.
        Inittab = "inittab",
        /// `/etc/security/audit/config`.
        AuditConfig = "audit_config",
        /// `/etc/nscontrol.conf`.
        NameService = "name_service",
        /// `/etc/krb5/krb5.conf`.
        Kerberos = "kerberos",
        /// The lock of a Live Update.
        Lock = "lock",
        /// Disks with what names them for good.
        DiskIdentities = "disk_identities",
        /// Names that storage gave disks.
        LunNames = "lun_names",
        /// Paging spaces.
        PagingSpaces = "paging_spaces",
        /// Where dumps go.
        DumpDevices = "dump_devices",
        /// The first 4 KB of a disk.
        DiskHeader = "disk_header",
        /// Who has a disk open.
        DiskHolders = "disk_holders",
    }
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Probe {
    /// Which.
    pub id: Named<ProbeId>,
    /// The disk that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskName>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// A command ended.
    Printed {
        /// Its exit status; -1 when a signal ended it.
        status: i32,
        /// Its standard output.
        stdout: String,
        /// The beginning of its standard error.
        stderr: String,
        /// Of scripts: the programs that are not there.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
    },
    /// A file was read.
    File {
        /// Its text.
        text: String,
    },
    /// There is no such file.
    NoFile,
    /// It could not be looked at.
    Failed {
        /// Why.
        why: String,
    },
}

/// A probe with what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Probed {
    /// What was asked.
    pub probe: Probe,
    /// What was found.
    pub answer: Answer,
}

/// How something is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// By a command.
    Command {
        /// Its name.
        program: &'static str,
        /// Its arguments.
        arguments: Vec<String>,
        /// How long it may take.
        limit: Seconds,
    },
    /// At a text file.
    File(&'static str),
    /// Whether a file is there; nothing is read.
    Presence(&'static str),
}

impl ProbeId {
    /// Whether it is asked for a choice of disks and for nothing else.
    #[must_use]
    pub const fn is_for_disks(self) -> bool {
        matches!(
            self,
            Self::DiskIdentities
                | Self::LunNames
                | Self::PagingSpaces
                | Self::DumpDevices
                | Self::DiskHeader
                | Self::DiskHolders
        )
    }

    /// Whether it is asked after an update and for nothing else.
    #[must_use]
    pub const fn is_for_aftercare(self) -> bool {
        matches!(
            self,
            Self::OldLibraries | Self::Level | Self::ErrorLog | Self::HostName | Self::MachineId
        )
    }

    /// Whether a device is opened for it: never while an update is under way. Source: LU §7.3, rule 10.
    #[must_use]
    pub const fn opens_a_device(self) -> bool {
        matches!(self, Self::DiskHeader | Self::DiskHolders)
    }
}

impl Probe {
    /// About the LPAR.
    #[must_use]
    pub const fn of(id: ProbeId) -> Self {
        Self { id: Named::Known(id), disk: None }
    }

    /// About a disk.
    #[must_use]
    pub const fn of_disk(id: ProbeId, disk: DiskName) -> Self {
        Self { id: Named::Known(id), disk: Some(disk) }
    }

    /// How it is looked at; `None` where this version does not know it, or it names no disk and has to.
    #[must_use]
    pub fn look(&self) -> Option<Look> {
        use ProbeId as P;
        let disk = || self.disk.as_ref().map(ToString::to_string);
        Some(match self.id.known()? {
            P::Filesets => command("lslpp", &["-Lqc", "all"]),
            P::Partition => command("lparstat", &["-i"]),
            P::Machine => command("prtconf", &[]),
            P::FileSystems => command("df", &["-m"]),
            P::Tokens => command("hmcauth", &["-l"]),
            P::ControlPoints => command("rsct/bin/rmcdomainstatus", &["-s", "ctrmc"]),
            P::Subsystems => command("lssrc", &["-a"]),
            P::Disks => command("lspv", &[]),
            P::Paths => command("lspath", &["-F", "name parent path_id connection status"]),
            P::Devices => command("lsdev", &["-C", "-F", "class name status description"]),
            P::RootVolumes => command("lsvg", &["-l", "rootvg"]),
            P::RootGroup => command("lsvg", &["rootvg"]),
            P::BootList => command("bootlist", &["-m", "normal", "-o"]),
            P::Mounts => command("mount", &[]),
            P::LargePages => command("vmo", &["-o", "lgpg_regions"]),
            P::Interfaces => command("ifconfig", &["-a"]),
            P::InterimFixes => command("emgr", &["-l"]),
            P::Trust => command("trustchk", &["-p"]),
            P::Scripts => command("lvupdateRegScript", &["-l"]),
            P::ProcUsers => command("fuser", &["-c", "/proc"]),
            P::Processes => command("ps", &["-e", "-o", "pid,comm"]),
            P::WorkloadManager => command("wlmcntrl", &["-q"]),
            P::WorkloadPartitions => command("lswpar", &["-qc", "-a", "name,state"]),
            P::Audit => command("audit", &["query"]),
            P::NisDomain => command("domainname", &[]),
            P::PathControl => command("lsattr", &["-El", &disk()?, "-a", "PCM", "-F", "value"]),
            P::DiskSize => command("getconf", &["DISK_SIZE", &format!("/dev/{}", disk()?)]),
            P::BaseProcesses => Look::File("/etc/liveupdate/lvup_BaseProcs"),
            P::SurrogateInittab => Look::File("/etc/liveupdate/lvup_inittab"),
            P::KernelExtensions => Look::File("/etc/liveupdate/lvup_preload_KE"),
            P::ClusterManager => command("lssrc", &["-ls", "clstrmgrES"]),
            P::TrustedBase => command("odmget", &["-q", "attribute=TCB_STATE", "PdAt"]),
            P::SecurityProfile => command("aixpert", &["-t"]),
            P::OldLibraries => command("genld", &["-u"]),
            P::Level => command("oslevel", &["-s"]),
            P::ErrorLog => command("errpt", &[]),
            P::HostName => command("uname", &["-n"]),
            P::MachineId => command("uname", &["-m"]),
            P::LvupdateData => Look::File(crate::lvupdate::PATH),
            P::Inittab => Look::File("/etc/inittab"),
            P::AuditConfig => Look::File("/etc/security/audit/config"),
            P::NameService => Look::File("/etc/nscontrol.conf"),
            P::Kerberos => Look::Presence("/etc/krb5/krb5.conf"),
            P::Lock => Look::Presence("/usr/lpp/.genlib.lock.check"),
            P::DiskIdentities => command("lspv", &["-u"]),
            P::LunNames => command("lsmpio", &["-q"]),
            P::PagingSpaces => command("lsps", &["-a"]),
            P::DumpDevices => command("sysdumpdev", &["-l"]),
            P::DiskHeader => {
                command("lquerypv", &["-h", &format!("/dev/{}", disk()?), "0", "1000"])
            }
            P::DiskHolders => {
                let disk = disk()?;
                command("fuser", &[&format!("/dev/{disk}"), &format!("/dev/r{disk}")])
            }
        })
    }
}

fn command(program: &'static str, arguments: &[&str]) -> Look {
    let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
    Look::Command { program, arguments, limit: LIMIT }
}

/// For what is read from a database on disk: many seconds on a busy system.
const LIMIT: Seconds = Seconds(60);

/// What is asked of every LPAR. The commands are few enough that three are left for [`next`].
#[must_use]
pub fn first() -> Vec<Probe> {
    use ProbeId as P;
    let later = [
        P::WorkloadPartitions,
        P::Audit,
        P::NisDomain,
        P::PathControl,
        P::DiskSize,
        P::ClusterManager,
        P::TrustedBase,
        P::SecurityProfile,
    ];
    let is_asked = |id: &P| !later.contains(id) && !id.is_for_disks() && !id.is_for_aftercare();
    let all = P::ALL.iter().filter(|id| is_asked(id));
    all.map(|id| Probe::of(*id)).collect()
}

/// What is asked after that, as the facts say, the most telling first. The agent stops at [`MOST_PROCESSES`].
#[must_use]
pub fn next(facts: &Facts) -> Vec<Probe> {
    let mut probes = Vec::new();
    let has = |name: &str| {
        facts.filesets.as_ref().is_ok_and(|all| all.iter().any(|one| one.name == name))
    };
    let is_active = |name: &str| {
        let all = facts.subsystems.as_ref();
        all.is_ok_and(|all| all.iter().any(|one| one.name == name && one.is_active()))
    };
    if is_active("clstrmgrES") {
        probes.push(Probe::of(ProbeId::ClusterManager));
    }
    if facts.audit_streams == Ok(true) {
        probes.push(Probe::of(ProbeId::Audit));
    }
    if has("bos.wpars") {
        probes.push(Probe::of(ProbeId::WorkloadPartitions));
    }
    if has("bos.net.nis.client") {
        probes.push(Probe::of(ProbeId::NisDomain));
    }
    for disk in facts.named_disks() {
        probes.push(Probe::of_disk(ProbeId::DiskSize, disk));
    }
    if let Ok(disks) = &facts.disks
        && let Some(root) = disks.iter().find(|disk| disk.volume_group.as_deref() == Some("rootvg"))
    {
        probes.push(Probe::of_disk(ProbeId::PathControl, root.name.clone()));
    }
    // Where the disks are not named yet there is room for these; the preview of geninstall looks at both as well.
    probes.extend([ProbeId::TrustedBase, ProbeId::SecurityProfile].map(Probe::of));
    probes
}
