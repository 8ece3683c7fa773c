//! `nimd` as a process, and `nimctl` against it.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};

use crate::prepared::{self, Prepared};
use crate::run::{Run, Running};
use crate::{programs, wait_until};

/// How many lines of the log of a `nimd` are shown when its test failed.
const SHOWN: usize = 100;

/// A `nimd` with a data folder of its own.
pub struct Master {
    folder: PathBuf,
    child: Option<Child>,
    nimctl: PathBuf,
    /// What its database was copied from: kept for those that start while this one is there.
    _prepared: Option<Arc<Prepared>>,
}

impl Master {
    /// Starts `nimd` on `folder` and waits until it answers.
    ///
    /// # Errors
    /// When it does not start, with its log.
    pub fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).context("no data folder")?;
        if !prepared::is_wanted(folder) {
            return Self::unprepared(folder);
        }
        let prepared = Prepared::get()?;
        prepared.copy_to(folder)?;
        let mut master = Self::unprepared(folder)?;
        master._prepared = Some(prepared);
        Ok(master)
    }

    /// Starts `nimd` on the folder `folder` as it is, and waits until it answers.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) fn unprepared(folder: &Path) -> Result<Self> {
        let mut master = Self {
            folder: folder.to_owned(),
            child: None,
            nimctl: programs::find("nimctl")?,
            _prepared: None,
        };
        master.launch()?;
        Ok(master)
    }

    /// Starts `nimd` again after [`kill`](Self::kill), [`killed`](Self::killed) or [`stop`](Self::stop).
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn launch(&mut self) -> Result<()> {
        self.run(Command::new(programs::find("nimd")?))
    }

    /// Starts the `nimd` that has places at which a test strikes it, and waits until it answers. `place` is one of them, such as
    /// `kill before SendStart lpar07` or `stop after Reserve lpar07`: once it comes by there, SIGKILL or SIGSTOP meets it.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn launch_until(&mut self, place: &str) -> Result<()> {
        let command = self.struck_at(place)?;
        self.run(command)
    }

    /// The same for a place that it comes to by itself, perhaps before it answers: waits until SIGKILL has ended it there.
    ///
    /// # Errors
    /// When it does not come there.
    pub fn launch_into(&mut self, place: &str) -> Result<()> {
        let command = self.struck_at(&format!("kill {place}"))?;
        self.spawn(command)?;
        self.killed_at(place)
    }

    /// Waits until SIGKILL has ended it at this place.
    ///
    /// # Errors
    /// As [`killed`](Self::killed), and when it was another place.
    pub fn killed_at(&mut self, place: &str) -> Result<()> {
        self.killed().with_context(|| place.to_owned())?;
        let struck = self.struck();
        ensure!(struck.last().is_some_and(|last| last == place), "not at {place}: {struck:?}");
        Ok(())
    }

    fn struck_at(&self, place: &str) -> Result<Command> {
        let mut command = Command::new(programs::find("nimd-crash-points")?);
        command.env("NIMD_CRASH_POINT", place).env("NIMD_CRASH_LOG", self.struck_log());
        Ok(command)
    }

    /// The places at which it was struck so far, in order.
    #[must_use]
    pub fn struck(&self) -> Vec<String> {
        let log = fs::read_to_string(self.struck_log()).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn struck_log(&self) -> PathBuf {
        self.folder.join("struck.log")
    }

    /// Waits until SIGKILL has ended it, which it met at a place of its own.
    ///
    /// # Errors
    /// When it goes on for good, or ends in another way.
    pub fn killed(&mut self) -> Result<()> {
        let child = self.child.as_mut().context("nimd does not run")?;
        let status = wait_until("nimd to be killed at its place", || {
            let ended = child.try_wait().context("nimd cannot be waited for")?;
            Ok(ended.ok_or_else(|| "it runs".to_owned()))
        })?;
        self.child = None;
        ensure!(
            status.signal() == Some(libc::SIGKILL),
            "nimd ended with {status}: {}",
            self.said()
        );
        Ok(())
    }

    /// Waits until SIGSTOP has stopped it, which it met at a place of its own.
    ///
    /// # Errors
    /// When it goes on for good.
    pub fn stopped(&self) -> Result<()> {
        let pid = self.pid().context("nimd does not run")?;
        wait_until("nimd to be stopped at its place", || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("nimd is gone")?;
            // The state follows the name, which ends with the last parenthesis.
            let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
            Ok(if state.starts_with('T') { Ok(()) } else { Err(stat.clone()) })
        })
    }

    fn spawn(&mut self, mut command: Command) -> Result<()> {
        let log =
            File::options().create(true).append(true).open(self.log()).context("no log file")?;
        let child = command
            .arg("--data-dir")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("nimd does not start")?;
        self.child = Some(child);
        Ok(())
    }

    fn run(&mut self, command: Command) -> Result<()> {
        self.spawn(command)?;
        wait_until("nimd to answer", || {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose())
            {
                bail!("nimd ended with {}:\n{}", status?, self.said());
            }
            let run = self.nimctl(["server"], None);
            Ok(if run.code == Some(0) { Ok(()) } else { Err(run.to_string()) })
        })
    }

    /// Kills `nimd` as a crash would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("nimd does not run")?;
        child.kill().context("nimd cannot be killed")?;
        child.wait().context("nimd does not end")?;
        Ok(())
    }

    /// Starts `nimd` again with these settings alone.
    ///
    /// # Errors
    /// When it does not end, or not start with them.
    pub fn settle(&mut self, settings: &str) -> Result<()> {
        self.stop()?;
        fs::write(self.folder.join("nimd.yaml"), settings).context("no settings file")?;
        self.launch()
    }

    /// Asks `nimd` to end and waits until it has.
    ///
    /// # Errors
    /// When it ends with an error, with its log.
    pub fn stop(&mut self) -> Result<()> {
        if self.child.is_none() {
            return Ok(());
        }
        self.send(libc::SIGTERM)?;
        let mut child = self.child.take().context("nimd does not run")?;
        let status = child.wait().context("nimd does not end")?;
        if !status.success() {
            bail!("nimd ended with {status}:\n{}", self.said());
        }
        Ok(())
    }

    /// Stops `nimd` as a machine that hangs would: it stays, and does nothing.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&self) -> Result<()> {
        self.send(libc::SIGSTOP)
    }

    /// Lets a stopped `nimd` go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> Result<()> {
        self.send(libc::SIGCONT)
    }

    /// Kills `nimd`'s own Postgres as a crash would, once it runs, and waits for its end.
    ///
    /// # Errors
    /// When none runs.
    pub fn kill_database(&self) -> Result<()> {
        let file = self.folder.join("postgres/data/postmaster.pid");
        let there = |pid: libc::pid_t| Path::new("/proc").join(pid.to_string()).exists();
        let pid = wait_until("nimd's own Postgres to run", || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
            Ok(pid.filter(|pid| there(*pid)).ok_or_else(|| format!("postmaster.pid: {text}")))
        })?;
        signal(pid, libc::SIGKILL)?;
        wait_until("nimd's own Postgres to end", || {
            Ok(if there(pid) { Err(format!("process {pid} is there")) } else { Ok(()) })
        })
    }

    fn send(&self, what: libc::c_int) -> Result<()> {
        send(self.child.as_ref().context("nimd does not run")?, what)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its log so far.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Its data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn log(&self) -> PathBuf {
        self.folder.join("nimd.log")
    }

    /// Runs `nimctl` against it, with `input` on standard input.
    pub fn nimctl<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
        input: Option<&str>,
    ) -> Run {
        let (command, shown) = self.command(arguments);
        Run::to_end(command, shown, input)
    }

    /// Starts `nimctl` against it, without waiting for its end.
    ///
    /// # Errors
    /// When it does not start.
    pub fn nimctl_started<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Running> {
        let (mut command, shown) = self.command(arguments);
        command.stdin(Stdio::null());
        Running::start(command, shown, &self.folder)
    }

    /// The same as somebody else: as `user`, who may run what lies at `program`, a copy of `nimctl`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn nimctl_started_as<'a>(
        &self,
        user: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Running> {
        let (own, shown) = self.command(arguments);
        let mut command = Command::new("sudo");
        command.args(["-n", "-u", user, "env"]);
        for (key, value) in own.get_envs() {
            let (key, value) = (key.to_string_lossy(), value.unwrap_or_default().to_string_lossy());
            command.arg(format!("{key}={value}"));
        }
        command.arg(program).args(own.get_args()).stdin(Stdio::null());
        Running::start(command, format!("{shown} as {user}"), &self.folder)
    }

    /// Starts `nimctl` against it, with standard output as a pipe.
    ///
    /// # Errors
    /// When it does not start.
    pub fn nimctl_piped<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Child> {
        let (mut command, shown) = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().with_context(|| format!("{shown} does not start"))
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> (Command, String) {
        let arguments: Vec<&str> = arguments.into_iter().collect();
        let mut command = Command::new(&self.nimctl);
        command
            .args(&arguments)
            .env("NIMD_SERVER", format!("unix:{}", self.folder.join("run/nimd.sock").display()))
            .env("NO_COLOR", "1");
        (command, format!("nimctl {}", arguments.join(" ")))
    }
}

impl Drop for Master {
    #[expect(clippy::print_stderr, reason = "a test that failed shows what it wrote")]
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A test that failed: nothing of it may stay behind, but what nimd said of it.
            drop(child.kill());
            drop(child.wait());
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            let end = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
            eprintln!("the end of {}:\n{end}", self.log().display());
        }
    }
}

/// Sends `what` to a program that this harness started and has not waited for.
pub(crate) fn send(child: &Child, what: libc::c_int) -> Result<()> {
    signal(libc::pid_t::try_from(child.id()).context("a pid that is none")?, what)
}

/// Kills the group that a program leads, with all that it started there. The program was not waited for.
///
/// # Errors
/// When there is no such group.
pub fn kill_group(leader: u32) -> Result<()> {
    signal(-libc::pid_t::try_from(leader).context("a pid that is none")?, libc::SIGKILL)
}

/// Sends `signal` to a process that this harness started, or that its `nimd` did; to a group where the number is negative.
#[expect(
    unsafe_code,
    reason = "kill(2) on a process of this harness, which its parent has not waited for"
)]
fn signal(pid: libc::pid_t, signal: libc::c_int) -> Result<()> {
    // SAFETY: no memory is touched.
    let done = unsafe { libc::kill(pid, signal) };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()).context("kill failed") }
}
