//! The programs of a rehearsal: found beside this one, started, waited for, and ended: these and no others.
//!
//! Each is the leader of a process group of its own. Ctrl-C at a terminal goes to nimctl alone, which ends them in their order. Where nimctl is
//! killed and can end nothing, they end by themselves: it is the only one that holds the other end of what they read.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::error::Error;

/// Where the programs are.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) lab: PathBuf,
    pub(super) nimd: PathBuf,
}

impl Programs {
    /// Those beside this program.
    ///
    /// # Errors
    /// When one is missing, with its name.
    pub(super) fn find() -> Result<Self, Error> {
        let this = std::env::current_exe().and_then(|path| path.canonicalize());
        let this = this.map_err(|cause| Error::File {
            what: "find the folder of",
            path: PathBuf::from("nimctl"),
            cause,
        })?;
        let folder = this.parent().unwrap_or(Path::new("/"));
        let missing: Vec<&str> = ["nim-lab", "nimd", "nim-agent"]
            .into_iter()
            .filter(|name| !folder.join(name).is_file())
            .collect();
        if !missing.is_empty() {
            return Err(Error::NoLab {
                what: format!("missing in {}: {}", folder.display(), missing.join(", ")),
                hint: "a rehearsal in a lab needs nim-lab, nimd and nim-agent beside nimctl; without --in-lab it needs none of them".to_owned(),
            });
        }
        Ok(Self { lab: folder.join("nim-lab"), nimd: folder.join("nimd") })
    }
}

/// Runs a program that ends by itself, and takes what it prints.
///
/// # Errors
/// When it does not start, or says that it did not do it.
pub(super) async fn ask(program: &Path, arguments: &[&str]) -> Result<String, Error> {
    let name = name(program);
    let output = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|cause| Error::File { what: "start", path: program.to_owned(), cause })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::LabProgram { what: format!("{name} did not do it"), said: tail(&said) })
}

/// A program that runs until it is ended.
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    child: Child,
    /// What it prints. Held open: who writes to nobody is ended by it.
    out: Lines<BufReader<ChildStdout>>,
    /// What it reads, and never gets anything of. Held open: that it ends tells it that nobody is there.
    #[expect(dead_code, reason = "held for its Drop: it ends the program where nothing else does")]
    input: ChildStdin,
    log: PathBuf,
}

impl Program {
    /// Starts it, with what it logs in `log`.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start(program: &Path, arguments: &[&Path], log: PathBuf) -> Result<Self, Error> {
        let file = std::fs::File::create(&log).map_err(|cause| Error::File {
            what: "write",
            path: log.clone(),
            cause,
        })?;
        let mut command = std::process::Command::new(program);
        command.args(arguments).arg(UNTIL_INPUT_ENDS);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        command.process_group(0);
        let failed = |cause| Error::File { what: "start", path: program.to_owned(), cause };
        let mut child =
            tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(failed)?;
        let out = child.stdout.take().expect("it was asked for");
        let out = BufReader::new(out).lines();
        // Taken out: whoever waits for a child lets go of what it reads.
        let input = child.stdin.take().expect("it was asked for");
        Ok(Self { name: name(program), child, out, input, log })
    }

    /// Waits until it says a line that begins with `word`.
    ///
    /// # Errors
    /// When it ends before, with the end of its log.
    pub(super) async fn says(&mut self, word: &str) -> Result<(), Error> {
        loop {
            match self.out.next_line().await {
                Ok(Some(line)) if line.starts_with(word) => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Err(self.ended().await),
            }
        }
    }

    /// Waits until it ends by itself, which it should not.
    pub(super) async fn ended(&mut self) -> Error {
        let status = self.child.wait().await.ok();
        let how = status.map_or_else(String::new, |status: ExitStatus| format!(" with {status}"));
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        Error::LabProgram { what: format!("{} ended{how}", self.name), said: tail(&said) }
    }

    /// Ends it, and waits for that.
    pub(super) async fn end(mut self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // A child that was not waited for: the number is its own.
            if kill_process(id, Signal::TERM).is_ok()
                && timeout(PATIENCE, self.child.wait()).await.is_ok()
            {
                return;
            }
            drop(self.child.kill().await);
        }
    }
}

/// What nim-lab and nimd are told, so that they do not outlive this program.
const UNTIL_INPUT_ENDS: &str = "--until-input-ends";

/// How long a program may take to end: nimd waits for open requests, and stops its database.
const PATIENCE: Duration = Duration::from_secs(60);

fn name(program: &Path) -> String {
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The last lines of a log.
fn tail(text: &str) -> Vec<String> {
    const LINES: usize = 5;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    last.iter().map(|line| crate::output::text::clean(line)).collect()
}
