//! How the processes of an LPAR are started, and what time they see.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Settings;
use super::wall_clock::WallClock;
use crate::clock::{Clock, Mode};
use crate::lpar::ROOT_PROCESS;

/// Whether processes on LPARs run under libfaketime, so that they see the site's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faketime {
    /// Where it is installed and time does not run at its own speed.
    Auto,
    /// Refuse to start where it is not installed.
    Require,
    /// Never.
    Off,
}

/// The wrapper that puts processes under the site's time; `None` where time needs no help.
pub(super) fn faketime(settings: &Settings) -> anyhow::Result<Option<PathBuf>> {
    let scaled = matches!(settings.clock, Mode::Auto { speed } if speed != 1);
    if settings.faketime == Faketime::Off || !scaled {
        return Ok(None);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found =
        env::split_paths(&path).map(|folder| folder.join("faketime")).find(|file| file.exists());
    if found.is_none() {
        if settings.faketime == Faketime::Require {
            bail!("`faketime` is not installed (Debian: apt-get install faketime)");
        }
        tracing::warn!(
            "`faketime` is not installed: agents will measure machine time, geninstall will print the site's"
        );
    }
    Ok(found)
}

/// What starts an LPAR's root process, and the clock of all processes below it.
pub(super) struct Invocation {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    /// `None` where processes see the machine's time.
    pub(super) wall_clock: Option<WallClock>,
}

/// The root process of `lpar`, under `wrapper` if time is to be helped.
pub(super) fn root_process(
    settings: &Settings,
    directory: &Path,
    lpar: &str,
    wrapper: Option<&Path>,
    clock: &Clock,
) -> anyhow::Result<Invocation> {
    let own = [ROOT_PROCESS, "--dir", &directory.display().to_string(), "--lpar", lpar]
        .map(str::to_owned);
    let mut environment = BTreeMap::from([
        ("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ("TZ".to_owned(), "UTC".to_owned()),
    ]);
    let (Some(wrapper), Mode::Auto { speed }) = (wrapper, settings.clock) else {
        let program = settings.lab.clone();
        return Ok(Invocation { program, arguments: own.to_vec(), environment, wall_clock: None });
    };
    // All processes below the root share one start; without this each child would begin at that time again.
    environment.insert("FAKETIME_DONT_RESET".to_owned(), "1".to_owned());
    let wall_clock = WallClock::create(directory, lpar, clock.now(), speed)
        .with_context(|| format!("cannot set the clock of {lpar}"))?;
    let lab = settings.lab.display().to_string();
    // -m: the agent has threads.
    let mut arguments = vec!["-m".to_owned(), "-f".to_owned(), wall_clock.argument(), lab];
    arguments.extend(own);
    Ok(Invocation {
        program: wrapper.to_owned(),
        arguments,
        environment,
        wall_clock: Some(wall_clock),
    })
}

/// What sshd and the shell give a login on this LPAR.
pub(super) fn environment(
    root: &Path,
    locale: &str,
    wall_clock: Option<&WallClock>,
) -> BTreeMap<String, String> {
    let root = root.display();
    let mut environment: BTreeMap<String, String> = [
        ("NIM_AGENT_ROOT", root.to_string()),
        ("PATH", format!("{root}/usr/bin:{root}/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin")),
        ("HOME", root.to_string()),
        ("USER", "root".to_owned()),
        ("LOGNAME", "root".to_owned()),
        ("SHELL", "/bin/sh".to_owned()),
        ("LANG", locale.to_owned()),
        ("TZ", "UTC".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    environment.extend(wall_clock.map(WallClock::environment).unwrap_or_default());
    environment
}
