//! IPsec tunnels, which go with the same devices: what is or may be active stands against removing them.
//!
//! What the commands print where there is none is not published. So only silence counts as none, and what is printed is quoted: a
//! person who reads it may waive it in the policy. Source: LU §4.4a; `lstun`, `ike` and the group `ike` are inferred.

use nim_shared::aix;
use nim_shared::prep::IpVersion;

use super::super::setting::{Error, LIMIT, Lpar};
use super::first_line;
use crate::command;

/// Why the filters must stay; `None` where no tunnel is active, or where it is said that they may be cut.
pub(super) fn fault(
    lpar: Lpar<'_>,
    version: IpVersion,
    cut_tunnels: Option<&str>,
) -> Result<Option<String>, Error> {
    if cut_tunnels.is_some() {
        return Ok(None);
    }
    let found = match printed(lpar, "lstun", &["-v", version.number(), "-a"])? {
        Some(text) => Some(text),
        None => key_exchange(lpar)?,
    };
    Ok(found.map(|found| {
        format!(
            "a tunnel goes with the IP filters of version {version}, and is or may be active: {found}; where it may be cut, the policy \
             says so with a reason (prep: tunnels: {{waived: REASON}})"
        )
    }))
}

/// Tunnels that daemons negotiate, where one of them runs.
fn key_exchange(lpar: Lpar<'_>) -> Result<Option<String>, Error> {
    let answer = lpar.commands.run("lssrc", &["-g", "ike"], LIMIT)?;
    let rows = aix::lssrc(&answer.text).rows;
    if !rows.is_empty() {
        let runs = rows.iter().any(|row| row.status != "inoperative");
        return if runs { printed(lpar, "ike", &["cmd=list"]) } else { Ok(None) };
    }
    let is_none = answer.text.contains(NOT_ON_FILE);
    Ok((!is_none).then(|| format!("lssrc -g ike says {}", first_line(&answer.text))))
}

/// What a command says of tunnels; `None` where it succeeds and is silent.
fn printed(lpar: Lpar<'_>, name: &str, arguments: &[&str]) -> Result<Option<String>, Error> {
    let asked = format!("{name} {}", arguments.join(" "));
    match lpar.commands.run(name, arguments, LIMIT) {
        Ok(answer) if answer.status == 0 && answer.text.trim().is_empty() => Ok(None),
        Ok(answer) => Ok(Some(format!("{asked} says {}", first_line(&answer.text)))),
        Err(missing @ command::Error::Missing { .. }) => Ok(Some(missing.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// What is said of a subsystem or a group that is none. Source: LU §3.2, for a subsystem; for a group it is inferred.
const NOT_ON_FILE: &str = "is not on file";
