//! What a state is in the files of the LPAR.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{State, Turn};
use crate::aix::LOCK;
use crate::aix::inittab::INITTAB;
use crate::aix::trustchk::POLICIES;

impl State {
    /// Changes the files below `root` so that this state sets in or ends.
    pub(crate) fn write(self, root: &Path, turn: Turn) -> io::Result<()> {
        match self {
            Self::TrustedExecution => lines(root, POLICIES, &["TE=ON"], turn),
            Self::TrustedPath => lines(root, POLICIES, &["TE=ON", "TEP=ON"], turn),
            Self::TrustLocked => lines(root, POLICIES, &["TE=ON", "LOCK_KERN_POLICIES=ON"], turn),
            // LU §4.4 S10: the database is that of the stanza tsddat.
            Self::TrustInLdap => {
                whole(root, "/etc/nscontrol.conf", "tsddat:\n\tsecorder = LDAP,files\n", turn)
            }
            Self::Kerberos => {
                whole(root, "/etc/krb5/krb5.conf", "[libdefaults]\n\tdefault_realm = LAB\n", turn)
            }
            Self::AuditStream => {
                let text = "start:\n\tbinmode = on\n\tstreammode = on\n";
                whole(root, "/etc/security/audit/config", text, turn)?;
                lines(root, INITTAB, &[AUDIT], turn)
            }
            Self::LockLeft => whole(root, LOCK, "4711\n", turn),
            Self::WlmActive => lines(root, INITTAB, &[MANAGER], turn),
            _ => Ok(()),
        }
    }
}

/// The entry that starts Workload Manager, in the words of LU §4.4 S22 with another action.
const MANAGER: &str =
    "rcnetwlm:23456789:wait:/etc/rc.netwlm start> /dev/console 2>&1 # start netwlm";

/// The one that starts auditing (inferred).
const AUDIT: &str = "audit:2:boot:audit start > /dev/console 2>&1";

fn at(root: &Path, path: &str) -> io::Result<PathBuf> {
    let at = root.join(path.trim_start_matches('/'));
    if let Some(folder) = at.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(at)
}

/// A file with this text, or none.
fn whole(root: &Path, path: &str, text: &str, turn: Turn) -> io::Result<()> {
    let at = at(root, path)?;
    match turn {
        Turn::On => fs::write(at, text),
        Turn::Off => match fs::remove_file(at) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        },
    }
}

/// A file with these lines at its end, or without what begins as they do up to the first colon or sign of equality.
fn lines(root: &Path, path: &str, own: &[&str], turn: Turn) -> io::Result<()> {
    let at = at(root, path)?;
    let text = match fs::read_to_string(&at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other?,
    };
    let id = |line: &str| line.split([':', '=']).next().unwrap_or_default().to_owned();
    let others = text.lines().filter(|line| !own.iter().any(|one| id(one) == id(line)));
    let own = own.iter().copied().filter(|_| turn == Turn::On);
    let written: String = others.chain(own).map(|line| format!("{line}\n")).collect();
    fs::write(at, written)
}
