//! What this LPAR is and looks like, asked of AIX.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use nim_shared::aix;
use nim_shared::frame::{Boot, ClockReading, Identity};
use nim_shared::id::{Digest, InstallationId};
use nim_shared::operation::{PathCount, Snapshot};
use nim_shared::stamp::Timestamp;

use crate::command::{self, Commands};
use crate::disk;
use crate::root::Root;
use crate::state::State;
use crate::system;

/// What `hello` and the first record of a journal say about this LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// Which machine this is.
    pub(crate) identity: Identity,
    /// Which boot, and which copy of rootvg.
    pub(crate) boot: Boot,
    /// `oslevel -s`.
    pub(crate) level: Option<String>,
}

/// Asks AIX.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    root: Root,
    commands: Commands,
    installation: InstallationId,
    memory: PathBuf,
}

impl Facts {
    /// For the LPAR at `root`.
    pub(crate) fn new(root: Root, state: &State) -> Result<Self, disk::Error> {
        let installation = state.installation()?;
        let memory = state.folder().join("about");
        Ok(Self { commands: Commands::new(root.clone()), root, installation, memory })
    }

    /// Identity, boot and level now. What a command does not tell is left open.
    pub(crate) fn about(&self) -> Result<About, disk::Error> {
        let (lpar_id, partition_name) = self.partition();
        let identity = Identity {
            machine_serial: self.first_line("uname", &["-m"]),
            partition_name,
            lpar_id,
            hostname: self.first_line("uname", &["-n"]).or_else(system::host_name),
            installation: self.installation,
        };
        let about =
            About { identity, boot: self.boot(), level: self.first_line("oslevel", &["-s"]) };
        let text = serde_json::to_vec(&about).map_err(std::io::Error::other);
        // For the phases in which AIX is asked nothing. A full disk is no reason not to say hello.
        if let Err(error) = disk::doing("write", &self.memory, text)
            .and_then(|text| disk::replace(&self.memory, &text, 0o600))
        {
            crate::tell(&format!("nim-agent: {}", crate::text::chain(&error)));
        }
        Ok(about)
    }

    /// What [`Self::about`] said last, without asking AIX.
    pub(crate) fn remembered(&self) -> Result<About, disk::Error> {
        let text = disk::read(&self.memory, MEMORY_LIMIT)?.unwrap_or_default();
        Ok(serde_json::from_slice(&text).unwrap_or_else(|_| About {
            identity: Identity {
                machine_serial: None,
                partition_name: None,
                lpar_id: None,
                hostname: system::host_name(),
                installation: self.installation,
            },
            boot: Boot::default(),
            level: None,
        }))
    }

    /// Evidence of the boot.
    pub(crate) fn boot(&self) -> Boot {
        let booted_at = self.ask("who", &["-b"]).ok().and_then(|text| boot_time(&text));
        let disks = self.ask("lspv", &[]).map(|text| aix::lspv(&text).rows).unwrap_or_default();
        let rootvg =
            disks.into_iter().filter(|disk| disk.volume_group.as_deref() == Some("rootvg"));
        let mut rootvg: Vec<String> = rootvg.filter_map(|disk| disk.pvid).collect();
        rootvg.sort();
        Boot { booted_at, rootvg }
    }

    /// The clock now.
    pub(crate) fn clock(&self) -> ClockReading {
        let now = now();
        let unix = now.get().unix_timestamp();
        ClockReading {
            now,
            utc_offset_minutes: system::utc_offset_minutes(unix),
            zone: zone(&self.root),
        }
    }

    /// State of the LPAR, and in words what could not be read.
    pub(crate) fn snapshot(&self) -> (Snapshot, Vec<String>) {
        let mut missing = Vec::new();
        let mut note = |result: Result<String, command::Error>| {
            result.map_err(|error| missing.push(crate::text::chain(&error))).ok()
        };
        let level = note(self.ask("oslevel", &["-s"])).map(|text| text.trim().to_owned());
        let disks =
            note(self.ask("lspv", &[])).map(|text| aix::lspv(&text).rows).unwrap_or_default();
        let paths = note(self.ask("lspath", &[]))
            .map(|text| aix::path_counts(&aix::lspath(&text).rows))
            .unwrap_or_default();
        let fixes = note(self.ask("emgr", &["-l"])).map(|text| labels(&text));
        let (lpar_id, partition_name) = self.partition();
        let mut snapshot =
            Snapshot { level, lpar_id, partition_name, interim_fixes: fixes, disks, paths };
        for (what, count) in [
            ("disks", cut(&mut snapshot.disks)),
            ("paths", cut(&mut snapshot.paths)),
            ("interim fixes", snapshot.interim_fixes.as_mut().map_or(0, cut)),
        ] {
            if count > 0 {
                missing.push(format!("{count} more {what} are not listed"));
            }
        }
        (snapshot, missing)
    }

    /// Every fileset with its level, as `lslpp` lists them.
    pub(crate) fn filesets(&self) -> Result<String, command::Error> {
        self.ask("lslpp", &["-Lqc", "all"])
    }

    /// Stands for everything that is installed: another one means that something was. `None` when it cannot be listed.
    pub(crate) fn software(&self) -> Option<Digest> {
        let fixes = labels(&self.ask("emgr", &["-l"]).ok()?);
        Some(Digest::of(self.filesets().ok()?.as_bytes()).chain(fixes.join("\n").as_bytes()))
    }

    /// Live Update's entries in the error log, newest first.
    pub(crate) fn error_log(&self) -> Result<Vec<String>, command::Error> {
        let text = self.ask("errpt", &["-N", "LVUPDATE"])?;
        Ok(text
            .lines()
            .skip(1)
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// The error log as `errpt` lists it, newest first.
    pub(crate) fn errors(&self) -> Result<Vec<String>, command::Error> {
        let text = self.ask("errpt", &[])?;
        let lines = text.lines().map(str::trim);
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with("IDENTIFIER "));
        Ok(entries.map(str::to_owned).collect())
    }

    /// What `lssrc` says of a subsystem; `None` where there is none, or nobody knows.
    pub(crate) fn subsystem(&self, name: &str) -> Option<String> {
        self.ask("lssrc", &["-s", name]).ok()
    }

    /// Free space of a file system.
    pub(crate) fn free_megabytes(&self, folder: &str) -> Option<u64> {
        aix::df(&self.ask("df", &["-m", folder]).ok()?).rows.last()?.free.map(|free| free.0)
    }

    fn partition(&self) -> (Option<nim_shared::id::LparId>, Option<String>) {
        let text = self.ask("uname", &["-L"]).unwrap_or_default();
        match aix::uname_l(&text) {
            Ok(partition) => (Some(partition.id), Some(partition.name)),
            Err(_) => (None, None),
        }
    }

    fn first_line(&self, command: &str, arguments: &[&str]) -> Option<String> {
        let text = self.ask(command, arguments).ok()?;
        let line = text.lines().next()?.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }

    fn ask(&self, command: &str, arguments: &[&str]) -> Result<String, command::Error> {
        self.commands.ask(command, arguments, LIMIT)
    }
}

/// `who -b`: what follows `system boot`, such as `Nov 12 09:14`.
fn boot_time(text: &str) -> Option<String> {
    let time = text.lines().find_map(|line| line.split("system boot").nth(1))?;
    let time = time.split_whitespace().collect::<Vec<_>>().join(" ");
    (!time.is_empty()).then_some(time)
}

/// Labels of the interim fixes in `emgr -l`.
fn labels(text: &str) -> Vec<String> {
    aix::emgr_l(text).rows.into_iter().map(|fix| fix.label).collect()
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Lowest level that the agent supports: what Rust's AIX target needs. Source: the rustc book, `powerpc64-ibm-aix`.
pub(crate) const FLOOR: &str = "7200-00";

/// Whether `oslevel -s` shows something that the agent does not support. What cannot be read is not below.
pub(crate) fn is_below_floor(level: &str) -> bool {
    let release = level.split('-').next().filter(|text| text.len() == 4);
    release.and_then(|text| text.parse::<u16>().ok()).is_some_and(|release| release < 7200)
}

/// Takes `TZ` from `/etc/environment` where the login has not set it, so that what the agent starts prints the LPAR's time.
pub(crate) fn adopt_time_zone(root: &Root) {
    if std::env::var_os("TZ").is_none()
        && let Some(zone) = zone(root)
    {
        system::set_time_zone(&zone);
    }
}

fn zone(root: &Root) -> Option<String> {
    if let Ok(zone) = std::env::var("TZ") {
        return Some(zone);
    }
    let text = disk::read(&root.at("/etc/environment"), MEMORY_LIMIT).ok()??;
    let text = String::from_utf8_lossy(&text).into_owned();
    let zone = text.lines().find_map(|line| line.strip_prefix("TZ="))?.trim();
    (!zone.is_empty()).then(|| zone.to_owned())
}

/// Keeps what fits a record; how much is left out.
fn cut<T>(list: &mut Vec<T>) -> usize {
    let more = list.len().saturating_sub(LONGEST_LIST);
    list.truncate(LONGEST_LIST);
    more
}

/// How many paths of which disk have which status, before and after: what got worse.
pub(crate) fn lost_paths(before: &[PathCount], after: &[PathCount]) -> Vec<String> {
    let count = |paths: &[PathCount], wanted: &PathCount| {
        let same =
            paths.iter().find(|path| path.disk == wanted.disk && path.status == wanted.status);
        same.map_or(0, |path| path.count)
    };
    let fewer = before.iter().filter(|path| path.status == "Enabled").filter_map(|path| {
        let now = count(after, path);
        (now < path.count)
            .then(|| format!("{}: {now} of {} paths are Enabled", path.disk, path.count))
    });
    let broken = after.iter().filter(|path| path.status != "Enabled").filter_map(|path| {
        let more = path.count > count(before, path);
        more.then(|| format!("{}: {} paths are {}", path.disk, path.count, path.status))
    });
    fewer.chain(broken).collect()
}

/// Time that any one of these commands may take. `oslevel -s` takes many seconds on a busy system.
const LIMIT: Duration = Duration::from_secs(120);

const MEMORY_LIMIT: u64 = 64 << 10;

/// Longest list of a snapshot, so that it fits a record.
const LONGEST_LIST: usize = 500;
