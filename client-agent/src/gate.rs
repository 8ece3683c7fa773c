//! What the master's key may start: `serve` and `receive` of this agent, nothing else.
//!
//! sshd runs `nim-agent gate` whatever the client asks for (`command="…"` in `authorized_keys`) and tells it in
//! `SSH_ORIGINAL_COMMAND`. Where root cannot log in, the gate goes on as root by `sudo -n` on exactly this program.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::root::Root;
use crate::{receive, serve, system, tell};

/// What a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Frames.
    Serve,
    /// Files.
    Receive,
}

impl Admitted {
    /// What `command` asks for, where it is admitted: `serve` or `receive`, alone or after the name or path of this program.
    fn read(command: &str, own_path: &str) -> Option<Self> {
        let mut words = command.split_ascii_whitespace();
        let mode = match words.next()? {
            "nim-agent" => words.next()?,
            program if program == own_path => words.next()?,
            mode => mode,
        };
        match (mode, words.next()) {
            ("serve", None) => Some(Self::Serve),
            ("receive", None) => Some(Self::Receive),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Receive => "receive",
        }
    }
}

/// Does what `SSH_ORIGINAL_COMMAND` asks for, or refuses it by name.
pub(crate) fn run(root: &Root) -> ExitCode {
    let asked = std::env::var("SSH_ORIGINAL_COMMAND").unwrap_or_default();
    let own = match system::own_program() {
        Ok(path) => path,
        Err(error) => {
            tell(&format!("nim-agent: cannot find out where this program is: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let Some(admitted) = Admitted::read(&asked, &own.to_string_lossy()) else {
        let asked = nim_shared::id::printable(&asked);
        let what = if asked.is_empty() { "a login shell" } else { &asked };
        tell(&format!("nim-agent: refused: {what}: this key is for `serve` and `receive` only"));
        return ExitCode::from(REFUSED);
    };
    if !may_act(root) {
        let error = Command::new("sudo").arg("-n").arg(&own).arg(admitted.name()).exec();
        tell(&format!("nim-agent: cannot become root by sudo -n {}: {error}", own.display()));
        return ExitCode::from(FAILED);
    }
    match admitted {
        Admitted::Serve => serve::run(root),
        Admitted::Receive => receive::run(root),
    }
}

/// Whether this user is the one whom the LPAR belongs to: root, or on a simulated LPAR the owner of its files.
fn may_act(root: &Root) -> bool {
    let user = system::effective_user();
    let owns = |folder: &std::path::Path| folder.metadata().is_ok_and(|found| found.uid() == user);
    user == 0 || root.simulated().is_some_and(owns)
}

/// Exit code: what was asked for is not admitted.
const REFUSED: u8 = 3;

/// Exit code: the gate itself failed.
const FAILED: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_and_receive_are_admitted_and_nothing_else() {
        let own = "/opt/nim/bin/nim-agent";
        for (command, admitted) in [
            ("serve", Some(Admitted::Serve)),
            ("nim-agent serve", Some(Admitted::Serve)),
            (" nim-agent   receive ", Some(Admitted::Receive)),
            ("/opt/nim/bin/nim-agent receive", Some(Admitted::Receive)),
            ("", None),
            ("nim-agent", None),
            ("nim-agent supervise x", None),
            ("nim-agent gate", None),
            ("serve; id", None),
            ("serve\nid", None),
            ("serve receive", None),
            ("/tmp/nim-agent serve", None),
            ("sh -c serve", None),
            ("$(id)", None),
            ("scp -t /etc", None),
        ] {
            assert_eq!(Admitted::read(command, own), admitted, "{command:?}");
        }
    }
}
