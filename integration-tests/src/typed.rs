//! A person at a shell of an LPAR.

use std::process::Command;

use anyhow::Result;

use crate::{Harness, Run};

impl Harness {
    /// Types `line` as root at a terminal of `lpar`, and `answers` to what it asks.
    ///
    /// # Errors
    /// When the lab has no such LPAR.
    pub fn typed(&self, lpar: &str, line: &str, answers: &str) -> Result<Run> {
        self.typed_as("root", lpar, line, answers)
    }

    /// As [`typed`](Self::typed), as `user` of any host.
    ///
    /// # Errors
    /// As [`typed`](Self::typed).
    pub fn typed_as(&self, user: &str, host: &str, line: &str, answers: &str) -> Result<Run> {
        let at = self.lab().address(host)?;
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-tt", "-q", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
            .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .arg("-i")
            .arg(self.site_folder().join("keys/admin_ed25519"))
            .args(["-p", &at.port().to_string(), &format!("{user}@{}", at.ip()), line]);
        Ok(Run::to_end(ssh, format!("{host}# {line}"), Some(answers)))
    }
}
