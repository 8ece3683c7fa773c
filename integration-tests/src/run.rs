//! What a program did.

use std::fmt;
use std::process::Output;

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
    pub(crate) fn of(command: String, output: &Output) -> Self {
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

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        write!(f, "$ {}\nexit: {code}\n{}--- stderr\n{}", self.command, self.stdout, self.stderr)
    }
}
