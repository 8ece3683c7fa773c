//! What a program did.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Exit code and output of a program that ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was run.
    pub command: String,
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Runs `command`, shown as `shown`, to its end, with `input` on standard input.
    ///
    /// # Panics
    /// When it does not start: what is run was found before.
    #[must_use]
    pub fn to_end(mut command: Command, shown: String, input: Option<&str>) -> Self {
        command
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was found before");
        if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
            // A program that ends without reading is one whose exit code tells more than this error.
            drop(stdin.write_all(text.as_bytes()));
        }
        let output = child.wait_with_output().expect("a child that was started can be waited for");
        Self::of(shown, &output)
    }

    fn of(command: String, output: &Output) -> Self {
        Self {
            command,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The run, if it ended with code 0.
    ///
    /// # Errors
    /// With all it printed otherwise.
    pub fn succeeded(self) -> Result<Self> {
        self.ended_with(0)
    }

    /// The run, if it ended with `code`.
    ///
    /// # Errors
    /// With all it printed otherwise.
    pub fn ended_with(self, code: i32) -> Result<Self> {
        ensure!(self.code == Some(code), "expected exit code {code}:\n{self}");
        Ok(self)
    }

    /// Standard output as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("no JSON:\n{self}"))
    }
}

/// A program that runs. It is killed when this is dropped.
pub struct Running {
    command: String,
    child: Child,
    output: [PathBuf; 2],
}

impl Running {
    /// Starts `command`, shown as `shown`, which writes to two files in `folder`.
    pub(crate) fn start(mut command: Command, shown: String, folder: &Path) -> Result<Self> {
        let output = ["stdout", "stderr"].map(|name| folder.join(format!("nimctl.{name}")));
        let [stdout, stderr] = output.each_ref().map(File::create);
        command.stdout(stdout.context("no file for output")?);
        command.stderr(stderr.context("no file for output")?);
        let child = command.spawn().with_context(|| format!("{shown} does not start"))?;
        Ok(Self { command: shown, child, output })
    }

    /// What it wrote so far, to both streams.
    #[must_use]
    pub fn said(&self) -> String {
        self.output.each_ref().map(|file| fs::read_to_string(file).unwrap_or_default()).concat()
    }

    /// Interrupts it as Ctrl-C does, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be interrupted.
    pub fn interrupt(self) -> Result<Run> {
        crate::master::send(&self.child, libc::SIGINT)?;
        self.end()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When its output cannot be read.
    pub fn end(mut self) -> Result<Run> {
        let status = self.child.wait().context("it does not end")?;
        let [stdout, stderr] = self.output.each_ref().map(fs::read);
        let stdout = stdout.context("its output is gone")?;
        let stderr = stderr.context("its output is gone")?;
        Ok(Run::of(self.command.clone(), &Output { status, stdout, stderr }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; nothing of a test may stay behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        write!(f, "$ {}\nexit: {code}\n{}--- stderr\n{}", self.command, self.stdout, self.stderr)
    }
}
