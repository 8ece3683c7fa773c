//! The typed content of a file.

use super::{Document, Line};
use crate::id::{DiskName, LparId};
use crate::level::{Level, TechnologyLevel};
use crate::stage::names;
use crate::unit::Seconds;

/// What a file says, typed. `None` and an empty list stand for a blank or absent value: AIX uses its default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// `general:`
    pub general: General,
    /// `disks:`
    pub disks: Disks,
    /// `hmc:`
    pub hmc: Option<Hmc>,
    /// `pvc:`
    pub pvc: Option<Pvc>,
    /// `trace:`
    pub trace: Option<Trace>,
    /// `llvupdate:`
    pub llvupdate: Option<Llvupdate>,
}

/// `general:`. Source: LU §1.2.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct General {
    /// Of early 7.2 code only; replaced by `geninstall -p`. Read, never written.
    pub mode: Option<Mode>,
    /// Whether a kernel extension that is not known to be safe stops the update. Default: yes.
    pub kext_check: Option<bool>,
    /// Whether disks must be driven by the path control module of AIX. What the sources say is a supposition.
    pub aix_mpio: Option<bool>,
    /// Whether the original gives up processors for the surrogate. Default: no. Since 7200-03.
    pub cpu_reduction: Option<bool>,
    /// Whether IPsec tunnels are carried over. Default: no. Since 7300-03.
    pub ipsec_auto_migrate: Option<bool>,
    /// Whether auditing in stream mode stops the update. Since 7300-03.
    pub audit_stream_check: Option<bool>,
}

names! {
    /// Mode of early 7.2 code.
    Mode, "mode" {
        /// Checks and estimates only.
        Preview = "preview",
        /// The update.
        Automated = "automated",
    }
}

/// `disks:`. Source: LU §1.3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disks {
    /// Become the copy of rootvg from which the surrogate boots.
    pub nhdisk: Vec<DiskName>,
    /// Become the mirror of rootvg that moves to the surrogate.
    pub mhdisk: Vec<DiskName>,
    /// Temporary paging and dump space of the original.
    pub tohdisk: Vec<DiskName>,
    /// Temporary paging and dump space of the surrogate.
    pub tshdisk: Vec<DiskName>,
}

/// `hmc:`. Source: LU §1.4.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hmc {
    /// Partition id that the surrogate gets. Default: the HMC chooses.
    pub lpar_id: Option<LparId>,
    /// Host name or address of the HMC whose token `hmcauth -l` shows.
    pub management_console: Option<String>,
    /// The user of that token.
    pub user: Option<String>,
    /// Whether the surrogate takes its sizes from the saved profile. Default: no. Since 7300-03.
    pub clone_from_hmc_profile: Option<bool>,
}

/// `pvc:`. Source: LU §1.5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pvc {
    /// Host name or address of PowerVC.
    pub management_console: Option<String>,
    /// Its user.
    pub user: Option<String>,
    /// Its project.
    pub project: Option<String>,
}

/// `trace:`. Source: LU §1.5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Options of `trace`.
    pub trc_option: Option<String>,
}

/// `llvupdate:`, since 7300-03. Source: LU §1.5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Llvupdate {
    /// Whether libraries are updated after the kernel. Default: no.
    pub llu: Option<bool>,
    /// How often it is tried. Default of the command: 3.
    pub retries: Option<u32>,
    /// How long one try may take. Default of the command: 30 s; at most 300 s.
    pub timeout: Option<Seconds>,
}

impl Llvupdate {
    /// The longest timeout that `llvupdate -t` takes.
    pub const LONGEST: Seconds = Seconds(300);
}

impl Data {
    /// Whether an LPAR of this level gives up processors where they are short. Of a level that is not known it is not assumed.
    /// Source: LU §1.2, §4.7.
    #[must_use]
    pub fn reduces_processors(&self, level: Option<Level>) -> bool {
        self.general.cpu_reduction == Some(true)
            && level.is_some_and(|level| level.technology >= TechnologyLevel::CPU_REDUCTION)
    }
}

/// `yes` or `no`; another text is neither.
pub(super) fn yes_no(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

impl Document {
    /// The typed content. A value that its attribute cannot have counts as blank here; [`check`](fn@super::check) reports it.
    #[must_use]
    pub fn data(&self) -> Data {
        let text =
            |stanza, key| self.get(stanza, key).map(|one| one.value).filter(|v| !v.is_empty());
        let owned = |stanza, key| text(stanza, key).map(str::to_owned);
        let flag = |stanza, key| text(stanza, key).and_then(yes_no);
        let disks = |key| -> Vec<DiskName> {
            let names = text("disks", key).unwrap_or_default().split(',');
            names.filter_map(|name| name.parse().ok()).collect()
        };
        Data {
            general: General {
                mode: text("general", "mode").and_then(|v| v.parse().ok()),
                kext_check: flag("general", "kext_check"),
                aix_mpio: flag("general", "aix_mpio"),
                cpu_reduction: flag("general", "cpu_reduction"),
                ipsec_auto_migrate: flag("general", "ipsec_auto_migrate"),
                audit_stream_check: flag("general", "audit_stream_check"),
            },
            disks: Disks {
                nhdisk: disks("nhdisk"),
                mhdisk: disks("mhdisk"),
                tohdisk: disks("tohdisk"),
                tshdisk: disks("tshdisk"),
            },
            hmc: self.has("hmc").then(|| Hmc {
                lpar_id: text("hmc", "lpar_id").and_then(|v| v.parse().ok()),
                management_console: owned("hmc", "management_console"),
                user: owned("hmc", "user"),
                clone_from_hmc_profile: flag("hmc", "clone_from_hmc_profile"),
            }),
            pvc: self.has("pvc").then(|| Pvc {
                management_console: owned("pvc", "management_console"),
                user: owned("pvc", "user"),
                project: owned("pvc", "project"),
            }),
            trace: self.has("trace").then(|| Trace { trc_option: owned("trace", "trc_option") }),
            llvupdate: self.has("llvupdate").then(|| Llvupdate {
                llu: flag("llvupdate", "llu"),
                retries: text("llvupdate", "retries").and_then(|v| v.parse().ok()),
                timeout: text("llvupdate", "timeout").and_then(|v| v.parse().ok()).map(Seconds),
            }),
        }
    }

    /// Whether there is a stanza of this name.
    pub(super) fn has(&self, stanza: &str) -> bool {
        self.lines().iter().any(|line| matches!(line, Line::Stanza(name) if name == stanza))
    }
}

impl From<&Data> for Document {
    /// A new file. Attributes that older levels do not know are written only when they have a value; `mode` never.
    fn from(data: &Data) -> Self {
        let mut document = Self::default();
        let flag = |value: bool| if value { "yes" } else { "no" };
        let Data { general, disks, hmc, pvc, trace, llvupdate } = data;
        document.set("general", "kext_check", general.kext_check.map_or("", flag));
        document.set_some("general", "aix_mpio", general.aix_mpio.map(flag));
        document.set_some("general", "cpu_reduction", general.cpu_reduction.map(flag));
        document.set_some("general", "ipsec_auto_migrate", general.ipsec_auto_migrate.map(flag));
        document.set_some("general", "audit_stream_check", general.audit_stream_check.map(flag));
        let lists = [
            ("nhdisk", &disks.nhdisk),
            ("mhdisk", &disks.mhdisk),
            ("tohdisk", &disks.tohdisk),
            ("tshdisk", &disks.tshdisk),
        ];
        for (key, list) in lists {
            let list: Vec<&str> = list.iter().map(DiskName::as_str).collect();
            document.set("disks", key, &list.join(","));
        }
        if let Some(hmc) = hmc {
            document.set(
                "hmc",
                "lpar_id",
                &hmc.lpar_id.map(|id| id.to_string()).unwrap_or_default(),
            );
            document.set(
                "hmc",
                "management_console",
                hmc.management_console.as_deref().unwrap_or_default(),
            );
            document.set("hmc", "user", hmc.user.as_deref().unwrap_or_default());
            document.set_some(
                "hmc",
                "clone_from_hmc_profile",
                hmc.clone_from_hmc_profile.map(flag),
            );
        }
        if let Some(pvc) = pvc {
            document.set(
                "pvc",
                "management_console",
                pvc.management_console.as_deref().unwrap_or_default(),
            );
            document.set("pvc", "user", pvc.user.as_deref().unwrap_or_default());
            document.set_some("pvc", "project", pvc.project.as_deref());
        }
        if let Some(trace) = trace {
            document.set("trace", "trc_option", trace.trc_option.as_deref().unwrap_or_default());
        }
        if let Some(llvupdate) = llvupdate {
            let retries = llvupdate.retries.map(|number| number.to_string());
            let timeout = llvupdate.timeout.map(|time| time.0.to_string());
            document.set("llvupdate", "llu", llvupdate.llu.map_or("", flag));
            document.set_some("llvupdate", "retries", retries.as_deref());
            document.set_some("llvupdate", "timeout", timeout.as_deref());
        }
        document
    }
}

impl Document {
    fn set_some(&mut self, stanza: &str, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(stanza, key, value);
        }
    }
}
