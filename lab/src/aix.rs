//! The AIX commands of a simulated LPAR: this binary under other names, on the LPAR's `PATH`.
//!
//! Each command is a function from the world and its arguments to text, in a file of its own. What it prints comes from templates here,
//! with its source in LU; nothing is taken from the product. A command knows its LPAR by `NIM_AGENT_ROOT`.

mod aixpert;
mod alt_disk_copy;
mod alt_rootvg_op;
mod audit;
mod bootlist;
mod chfs;
mod clvupdate;
mod df;
mod domainname;
mod emgr;
mod errpt;
mod filters;
mod fuser;
mod geninstall;
mod genld;
mod getconf;
mod hmcauth;
mod hostname;
mod ifconfig;
pub(crate) mod inittab;
mod installp;
mod instfix;
mod locale;
mod lparstat;
mod lppchk;
mod lquerypv;
mod lsattr;
mod lsdev;
pub(crate) mod lslpp;
mod lsmpio;
mod lspath;
mod lsps;
mod lspv;
mod lssrc;
mod lsvg;
mod lswpar;
mod lvupdate;
mod lvupdate_reg_script;
pub(crate) mod media;
mod mkdev;
mod mount;
mod multibos;
mod odmget;
mod oslevel;
mod prtconf;
mod ps;
mod rmcctrl;
mod rmcdomainstatus;
mod rmdev;
mod shutdown;
mod snap;
mod stamp;
pub(crate) mod stanza;
mod startsrc;
mod syncvg;
mod sysdumpdev;
pub(crate) mod trustchk;
mod tunnels;
mod uname;
mod vmo;
mod who;
mod wlmcntrl;

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

pub(crate) use geninstall::{DATA, LOCK};

use crate::control::{Client, Request};
use crate::lpar::files::Files;
use crate::record::{self, Deed, Entry};
use crate::world::{Lpar, Near, Store, World};

/// Folder and name of each command.
pub(crate) const COMMANDS: &[(&str, &str)] = &[
    ("usr/sbin", "alt_disk_copy"),
    ("usr/sbin", "alt_rootvg_op"),
    ("usr/sbin", "audit"),
    ("usr/bin", "bootlist"),
    ("usr/sbin", "chitab"),
    ("usr/bin", "chsec"),
    ("usr/sbin", "clvupdate"),
    ("usr/sbin", "chfs"),
    ("usr/bin", "df"),
    ("usr/bin", "domainname"),
    ("usr/bin", "odmget"),
    ("usr/sbin", "aixpert"),
    ("usr/sbin", "emgr"),
    ("usr/bin", "errpt"),
    ("usr/sbin", "expfilt"),
    ("usr/sbin", "fuser"),
    ("usr/sbin", "geninstall"),
    ("usr/bin", "genld"),
    ("usr/bin", "getconf"),
    ("usr/sbin", "hmcauth"),
    ("usr/bin", "hostname"),
    ("usr/sbin", "ifconfig"),
    ("usr/sbin", "ike"),
    ("usr/sbin", "impfilt"),
    ("usr/sbin", "installp"),
    ("usr/sbin", "instfix"),
    ("usr/bin", "lparstat"),
    ("usr/bin", "lppchk"),
    ("usr/sbin", "lquerypv"),
    ("usr/sbin", "lsattr"),
    ("usr/sbin", "lsdev"),
    ("usr/sbin", "lsfilt"),
    ("usr/sbin", "lsitab"),
    ("usr/bin", "lslpp"),
    ("usr/sbin", "lsmpio"),
    ("usr/sbin", "lspath"),
    ("usr/sbin", "lsps"),
    ("usr/sbin", "lspv"),
    ("usr/bin", "lssrc"),
    ("usr/sbin", "lstun"),
    ("usr/sbin", "lsvg"),
    ("usr/sbin", "lswpar"),
    ("usr/sbin", "lvupdateRegScript"),
    ("usr/sbin", "mkdev"),
    ("usr/sbin", "mkfilt"),
    ("usr/sbin", "mount"),
    ("usr/sbin", "multibos"),
    ("usr/bin", "oslevel"),
    ("usr/sbin", "prtconf"),
    ("usr/bin", "ps"),
    ("usr/sbin/rsct/install/bin", "recfgct"),
    ("usr/bin", "rmcctrl"),
    ("usr/sbin/rsct/bin", "rmcdomainstatus"),
    ("usr/sbin", "rmdev"),
    ("usr/sbin", "rmfilt"),
    ("usr/sbin", "rmitab"),
    ("usr/sbin", "shutdown"),
    ("usr/sbin", "snap"),
    ("usr/bin", "startsrc"),
    ("usr/bin", "stopsrc"),
    ("usr/sbin", "syncvg"),
    ("usr/bin", "sysdumpdev"),
    ("usr/sbin", "trustchk"),
    ("usr/sbin", "umount"),
    ("usr/bin", "uname"),
    ("usr/sbin/rsct/install/bin", "uncfgct"),
    ("usr/sbin", "vmo"),
    ("usr/bin", "who"),
    ("usr/sbin", "wlmcntrl"),
];

/// The LPAR a command runs on.
pub(crate) struct Context {
    /// The site's directory.
    pub(crate) directory: PathBuf,
    /// Name of the LPAR in the world.
    pub(crate) name: String,
    /// Its root.
    pub(crate) root: PathBuf,
    /// Its other file trees.
    pub(crate) files: Files,
    /// The world.
    pub(crate) store: Near,
}

/// A command: the context, its arguments, and where its standard output goes. Its exit status.
type Run = fn(&Context, &[String], &mut dyn io::Write) -> anyhow::Result<u8>;

/// The function of a command, if there is one of that name.
pub(crate) fn command(name: &str) -> Option<Run> {
    Some(match name {
        "alt_disk_copy" => alt_disk_copy::run,
        "alt_rootvg_op" => alt_rootvg_op::run,
        "audit" => audit::run,
        "bootlist" => bootlist::run,
        "chitab" => inittab::chitab,
        "chsec" => stanza::chsec,
        "clvupdate" => clvupdate::run,
        "chfs" => chfs::run,
        "df" => df::run,
        "domainname" => domainname::run,
        "odmget" => odmget::run,
        "aixpert" => aixpert::run,
        "emgr" => emgr::run,
        "errpt" => errpt::run,
        "expfilt" => filters::expfilt,
        "fuser" => fuser::run,
        "geninstall" => geninstall::run,
        "genld" => genld::run,
        "getconf" => getconf::run,
        "hmcauth" => hmcauth::run,
        "hostname" => hostname::run,
        "ifconfig" => ifconfig::run,
        "ike" => tunnels::ike,
        "impfilt" => filters::impfilt,
        "installp" => installp::run,
        "instfix" => instfix::run,
        "lparstat" => lparstat::run,
        "lppchk" => lppchk::run,
        "lquerypv" => lquerypv::run,
        "lsattr" => lsattr::run,
        "lsdev" => lsdev::run,
        "lsfilt" => filters::lsfilt,
        "lsitab" => inittab::lsitab,
        "lslpp" => lslpp::run,
        "lsmpio" => lsmpio::run,
        "lspath" => lspath::run,
        "lsps" => lsps::run,
        "lspv" => lspv::run,
        "lssrc" => lssrc::run,
        "lstun" => tunnels::lstun,
        "lsvg" => lsvg::run,
        "lswpar" => lswpar::run,
        "lvupdateRegScript" => lvupdate_reg_script::run,
        "mkdev" => mkdev::run,
        "mkfilt" => filters::mkfilt,
        "mount" => mount::mount,
        "multibos" => multibos::run,
        "oslevel" => oslevel::run,
        "prtconf" => prtconf::run,
        "ps" => ps::run,
        "recfgct" => rmcctrl::recfgct,
        "rmcctrl" => rmcctrl::rmcctrl,
        "rmcdomainstatus" => rmcdomainstatus::run,
        "rmdev" => rmdev::run,
        "rmfilt" => filters::rmfilt,
        "rmitab" => inittab::rmitab,
        "shutdown" => shutdown::run,
        "snap" => snap::run,
        "startsrc" => startsrc::run,
        "stopsrc" => startsrc::stop,
        "syncvg" => syncvg::run,
        "sysdumpdev" => sysdumpdev::run,
        "trustchk" => trustchk::run,
        "umount" => mount::umount,
        "uname" => uname::run,
        "uncfgct" => rmcctrl::uncfgct,
        "vmo" => vmo::run,
        "who" => who::run,
        "wlmcntrl" => wlmcntrl::run,
        _ => return None,
    })
}

/// Runs a command of the LPAR that the environment names.
pub(crate) fn main(run: Run, name: &str, arguments: &[String]) -> anyhow::Result<u8> {
    let root = env::var_os("NIM_AGENT_ROOT")
        .context("NIM_AGENT_ROOT is not set: this command works only on an LPAR of the lab")?;
    let context = Context::of(&root)?;
    let mut shown = vec![name.to_owned()];
    shown.extend(hmcauth::without_secrets(arguments));
    context.note(Deed::Command { arguments: shown })?;
    let status = run(&context, arguments, &mut io::stdout())?;
    io::stdout().flush()?;
    Ok(status)
}

impl Context {
    fn of(root: &OsStr) -> anyhow::Result<Self> {
        let root = PathBuf::from(root);
        let (directory, name, files) = Files::from_root(&root)
            .with_context(|| format!("{} is no root of an LPAR of the lab", root.display()))?;
        let store = Store::at(&directory).near(&name);
        Ok(Self { directory, name, root, files, store })
    }

    /// The LPAR as it is now.
    pub(crate) fn lpar(&self) -> anyhow::Result<Lpar> {
        Ok(self.store.lpar()?)
    }

    /// What the LPAR stands on, as it is now.
    pub(crate) fn world(&self) -> anyhow::Result<World> {
        Ok(self.store.read()?)
    }

    /// Changes the LPAR.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Lpar) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.store.change(|world| change(world.lpar_mut(&self.name)?))
    }

    /// A file of the LPAR, as the LPAR names it.
    pub(crate) fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// Where a path that a person gave is: on the LPAR, or, seen by all LPARs, on the machine itself.
    pub(crate) fn find(&self, given: &str) -> PathBuf {
        let inside = self.path(given);
        if inside.exists() { inside } else { Path::new(given).to_owned() }
    }

    /// A connection to the site.
    pub(crate) fn site(&self) -> anyhow::Result<Client> {
        Ok(Client::connect(&self.directory)?)
    }

    /// Site time in milliseconds.
    pub(crate) fn now(&self) -> anyhow::Result<u64> {
        Ok(self.site()?.done(&Request::Now)?)
    }

    /// `command` touches what a cluster stands on: where this LPAR is in one, that breaks for good.
    pub(crate) fn disturbs_cluster(&self, command: &str) -> anyhow::Result<()> {
        let broke = self.store.change(|world| {
            world.disturb_cluster(&self.name, command).map_err(anyhow::Error::from)
        })?;
        if broke { self.note(Deed::ClusterBroken { by: command.to_owned() }) } else { Ok(()) }
    }

    /// Writes the lab's record. The time is the machine's where the site cannot be asked.
    pub(crate) fn note(&self, deed: Deed) -> anyhow::Result<()> {
        let at = self.now().unwrap_or_else(|_| crate::clock::machine_now());
        record::append(&self.directory, &Entry { at, lpar: self.name.clone(), deed })
            .context("cannot write the lab's record")
    }
}

/// Options of a command in the manner of `getopt`: `-al name` is `-a -l name`. `with_value` lists those that take one.
pub(crate) struct Options {
    /// Options found, with their values.
    found: Vec<(char, String)>,
    /// The other words.
    pub(crate) words: Vec<String>,
}

impl Options {
    /// Splits arguments. Words may stand between options.
    pub(crate) fn read(arguments: &[String], with_value: &str) -> Self {
        let mut options = Self { found: Vec::new(), words: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            match word.strip_prefix('-') {
                Some(letters) if !letters.is_empty() => {
                    let mut letters = letters.chars();
                    while let Some(letter) = letters.next() {
                        if with_value.contains(letter) {
                            let glued = letters.as_str();
                            let value = if glued.is_empty() {
                                rest.next().cloned()
                            } else {
                                Some(glued.to_owned())
                            };
                            options.found.push((letter, value.unwrap_or_default()));
                            break;
                        }
                        options.found.push((letter, String::new()));
                    }
                }
                _ => options.words.push(word.clone()),
            }
        }
        options
    }

    /// Whether an option was given.
    pub(crate) fn has(&self, letter: char) -> bool {
        self.found.iter().any(|(found, _)| *found == letter)
    }

    /// The value of an option.
    pub(crate) fn value(&self, letter: char) -> Option<&str> {
        self.found.iter().rev().find(|(found, _)| *found == letter).map(|(_, value)| value.as_str())
    }
}
