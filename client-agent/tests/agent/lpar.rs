//! An LPAR that is a folder: small scripts stand for AIX's commands, files in `state` for what they show.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nim_shared::id::{Digest, OperationId};
use nim_shared::lvupdate;
use nim_shared::request::{Console, Expected, Images, Install, Kind, Limits, PushedFile, Request};
use nim_shared::unit::Seconds;

use crate::process::Process;

pub(crate) struct Lpar {
    folder: tempfile::TempDir,
}

pub(crate) const PASSWORD: &str = "tiger-canary";

pub(crate) const OWN_DATA: &str = "general:\n\tkext_check = no\n# the site's own\n";

pub(crate) const FIX: &[u8] = b"an interim fix";

impl Lpar {
    pub(crate) fn new() -> Self {
        let lpar = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["usr/bin", "usr/sbin", "usr/lpp", "etc", "state", "var/adm/ras/liveupdate"] {
            std::fs::create_dir_all(lpar.path(folder)).unwrap();
        }
        for (name, script) in COMMANDS {
            lpar.command(name, script);
        }
        for (name, content) in STATE {
            lpar.set(name, content);
        }
        std::fs::write(lpar.data(), OWN_DATA).unwrap();
        std::fs::write(lpar.path("var/adm/ras/liveupdate/liveupdate.cf"), "CPU_Reduc = no\n")
            .unwrap();
        lpar
    }

    /// Another one that is as this one is now.
    #[cfg(feature = "crash-points")]
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let whole = self.path(".");
        let copied =
            std::process::Command::new("cp").arg("-a").args([&whole, folder.path()]).status();
        assert!(copied.unwrap().success());
        Self { folder }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root().join(below)
    }

    pub(crate) fn agent_file(&self, below: &str) -> PathBuf {
        self.path("var/adm/nim-agent").join(below)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root().join(lvupdate::PATH.trim_start_matches('/'))
    }

    pub(crate) fn set(&self, name: &str, content: &str) {
        std::fs::write(self.path("state").join(name), content).unwrap();
    }

    pub(crate) fn get(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("state").join(name)).unwrap_or_default()
    }

    pub(crate) fn command(&self, name: &str, script: &str) {
        let path = self.path("usr/sbin").join(name);
        std::fs::write(
            &path,
            format!("#!/bin/sh\ncd $NIM_AGENT_ROOT/state\n{CAT}{PROCESSES}{script}\n"),
        )
        .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The agent's processes on this LPAR.
    pub(crate) fn agents(&self) -> Vec<u32> {
        let is_agent = |pid: &u32| {
            let program = Path::new("/proc").join(pid.to_string()).join("exe");
            let program = std::fs::read_link(program).unwrap_or_default();
            program == Path::new(env!("CARGO_BIN_EXE_nim-agent"))
        };
        let mut all = self.processes();
        all.retain(is_agent);
        all
    }

    /// All processes on this LPAR: the agent's, and what they started.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let variable = format!("NIM_AGENT_ROOT={}", self.root().display());
        let ours = |pid: &u32| {
            let process = Path::new("/proc").join(pid.to_string());
            let environment = std::fs::read(process.join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one == variable.as_bytes())
        };
        let processes = std::fs::read_dir("/proc").unwrap();
        let pids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        pids.filter(ours).collect()
    }

    /// Waits until the processes that owned the operation have ended.
    pub(crate) fn wait_for_supervisors(&self, operation: OperationId) {
        let slots = self.agent_file(&format!("operations/{operation}/supervisor.pid"));
        let slots = std::fs::read(slots).unwrap();
        let pid = |slot: &[u8]| -> Option<u32> {
            let digits = slot.iter().skip(16).copied().take_while(u8::is_ascii_digit).collect();
            String::from_utf8(digits).ok()?.parse().ok()
        };
        let pids = slots.chunks(slots.len() / 2).filter_map(pid);
        pids.filter_map(Process::open).for_each(|process| process.wait());
    }

    /// Everything under the folder whose content has `needle` in it.
    pub(crate) fn files_with(&self, needle: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.root().to_owned()];
        while let Some(folder) = open.pop() {
            for item in std::fs::read_dir(folder).unwrap() {
                let path = item.unwrap().path();
                let kind = path.symlink_metadata().unwrap();
                if kind.is_dir() {
                    open.push(path);
                } else if kind.is_file() {
                    let content = std::fs::read(&path).unwrap();
                    if content.windows(needle.len()).any(|part| part == needle.as_bytes()) {
                        found.push(path);
                    }
                }
            }
        }
        found
    }
}

/// An order that needs everything: disks, a token, pushed files.
pub(crate) fn order(kind: Kind) -> Request {
    Request {
        expected: Expected {
            machine_serial: Some("00F94F584C00".to_owned()),
            partition_name: Some("lpar01".to_owned()),
            installation: None,
        },
        images: Some(Images::Pushed {
            files: vec![PushedFile {
                path: "IJ1.241031.epkg.Z".to_owned(),
                bytes: FIX.len() as u64,
                digest: Digest::of(FIX),
            }],
        }),
        install: Install::List(vec!["IJ1.241031.epkg.Z".to_owned()]),
        accept_licenses: true,
        lvupdate_data: "disks:\n\tnhdisk = hdisk1\n\tmhdisk = hdisk2\n".to_owned(),
        console: Some(Console {
            address: "127.0.0.1".to_owned(),
            port: 12443,
            user: "liveupdate".to_owned(),
            secret: "hmc01_pw".parse().unwrap(),
        }),
        limits: Limits { post: Seconds(1), ..Limits::default() },
        ..Request::of(kind)
    }
}

/// Small files are printed by the shell itself: starting a process is what most of a test's time goes into.
const CAT: &str = "cat() { [ $# = 0 ] && { command cat; return; }; for f; do while IFS= read -r l || [ -n \"$l\" ]; do printf '%s\\n' \"$l\"; done < \"$f\"; done; }\n";

/// The agent's processes and those that it started. `/bin/ps` reads ten files of each process of the machine, and was a quarter of what these
/// tests take; this reads one.
const PROCESSES: &str = r#"processes() { perl -e '
opendir my $proc, "/proc" or die; print "PID COMMAND\n";
for my $pid (grep /^[0-9]/, readdir $proc) {
    open my $file, "<", "/proc/$pid/cmdline" or next;
    my $line = <$file> // next; $line =~ tr/\0/ /;
    print "$pid $line\n" if $line =~ m{nim-agent supervise|/scripts/[0-9]|^\S* ?\Q$ENV{NIM_AGENT_ROOT}\E/usr/sbin/(geninstall|installp|alt_disk_copy) };
}'; }
"#;

const STATE: &[(&str, &str)] = &[
    ("lpar", "4 lpar01\n"),
    ("level", "7300-03-00-2446\n"),
    ("boot", "   .        system boot Nov 12 09:14\n"),
    (
        "lspv",
        "hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 None\nhdisk2 none None\n",
    ),
    ("lspath", "Enabled hdisk0 vscsi0\nEnabled hdisk0 vscsi1\n"),
    ("lslpp", "bos.rte:bos.rte:7.3.3.0: : :C: :Base:\n"),
    (
        "fixes-heading",
        "ID  STATE LABEL      INSTALL TIME      UPDATED BY ABSTRACT\n=== ===== ========== ================= ========== ========\n",
    ),
    ("fixes", ""),
    ("errpt", ""),
    ("token", ""),
    ("transcript", TRANSCRIPT),
    ("transcript-preview", PREVIEW),
];

const COMMANDS: &[(&str, &str)] = &[
    ("uname", "case $1 in -m) echo 00F94F584C00;; -n) echo lpar01;; -L) cat lpar;; esac"),
    ("who", "cat boot"),
    ("oslevel", "cat level"),
    ("lspv", "cat lspv"),
    ("lspath", "cat lspath"),
    ("lslpp", "cat lslpp"),
    (
        "emgr",
        "[ -s fixes ] || { echo 'There is no efix data on this system.'; exit 0; }\ncat fixes-heading fixes",
    ),
    ("errpt", "echo 'IDENTIFIER TIMESTAMP  T C RESOURCE_NAME  DESCRIPTION'; cat errpt"),
    ("genld", "exit 0"),
    ("ps", "processes"),
    (
        "df",
        "echo 'Filesystem    MB blocks      Free %Used    Iused %Iused Mounted on'\necho '/dev/hd9var       1024.00    800.00   20%    11436    21% /var'",
    ),
    (
        "hmcauth",
        "case $1 in\n-l) cat token;;\n-r) : > token;;\n-a) printf 'Enter HMC password: ' ; read p; echo\n\
         [ \"$p\" = tiger-canary ] || { echo \"PMCSS00G: rejected $p\"; exit 1; }\n\
         printf 'Address  : 127.0.0.1\\nUser name: liveupdate\\nPort     : 12443\\n' > token;;\nesac",
    ),
    (
        "geninstall",
        "echo \"$*\" >> runs\ncase \" $* \" in\n*' -p '*) echo preview > ../var/adm/ras/liveupdate/liveupdate.cf; cat transcript-preview; exit 0;;\nesac\n\
         cp ../var/adm/ras/liveupdate/lvupdate.data data-seen\nls ..$(echo \"$*\" | sed 's/.*-d \\([^ ]*\\).*/\\1/') > images-seen\n\
         echo '9A74C7AB   0922151815 I S LVUPDATE       Live AIX update started' > errpt\n\
         cat transcript\n[ -f fail ] && exit 1\n\
         printf '12295E0B   0922152915 I S LVUPDATE       done\\n9A74C7AB   0922151815 I S LVUPDATE       started\\n' > errpt\n\
         echo '1    S    IJ1        04/30/20 11:03:46            a fix' > fixes\necho '5 lpar01' > lpar\nexit 0",
    ),
];

pub(crate) const TRANSCRIPT: &str = "\
Validating live update input data.
Computing the estimated time for the live update operation:
-------------------------------------------------------
LPAR: lpar01
Mode: F
Blackout_time(s): 77
Global_time(s): 624
PASSED: device size is sufficient.
01/29/2025-09:09:09 The live update preview succeeded.
Non-interruptable live update operation begins in 10 seconds.
01/29/2025-09:09:19 Live AIX update is starting.
01/29/2025-09:09:29 Initializing live update on original LPAR.
01/29/2025-09:10:59 Creating rootvg for boot of surrogate.
01/29/2025-09:16:39 Moving workload to surrogate LPAR.
01/29/2025-09:17:16 Blackout Time started.
01/29/2025-09:17:37 Blackout Time end.
01/29/2025-09:17:37 Workload is running on surrogate LPAR.
01/29/2025-09:18:57 Shutting down the Original LPAR.
01/29/2025-09:20:17 Live AIX update completed in 0h 10m 58s.
";

pub(crate) const PREVIEW: &str = "\
Validating live update input data.
Blackout_time(s): 77
Global_time(s): 624
PASSED: device size is sufficient.
The live update preview succeeded.
End of Live Update PREVIEW:  No Live Update operation has actually occurred.
";
