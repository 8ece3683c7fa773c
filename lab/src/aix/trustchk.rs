//! `trustchk -p [POLICY]`, `trustchk -p te=on|off`, `trustchk -n FILE …|ALL` (LU §5.4, §4.4a). Policies are in a file of rootvg: a copy has
//! its own. What `-n` says about a file that differs is the lab's own.

use std::fs;
use std::io::Write;

use super::{Context, Options};

/// Where policies are kept: those that are on, a line each.
pub(crate) const POLICIES: &str = "/etc/security/tsd/tepolicies.dat";

/// The database (LU S10).
pub(crate) const DATABASE: &str = "/etc/security/tsd/tsd.dat";

const NAMES: [&str; 9] = [
    "TE",
    "CHKEXEC",
    "CHKSHLIB",
    "CHKSCRIPT",
    "CHKKERNEXT",
    "STOP_UNTRUSTD",
    "STOP_ON_CHKFAIL",
    LOCK,
    "TSD_FILES_LOCK",
];

/// Those that have a list of paths, too.
const PATHS: [&str; 2] = ["TEP", "TLP"];

/// While it is on no other is changed (LU §4.4a S08, inferred).
const LOCK: &str = "LOCK_KERN_POLICIES";

fn all() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().chain(PATHS)
}

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    if options.has('n') {
        return Ok(0);
    }
    let wanted = options.words.first().map(|word| word.to_ascii_uppercase());
    if let Some((name, state)) = wanted.as_deref().and_then(|word| word.split_once('=')) {
        return set(context, name, state);
    }
    if let Some(name) = wanted.as_deref().filter(|name| !all().any(|known| known == *name)) {
        // LU §3.2.
        let typed = name.to_ascii_lowercase();
        writeln!(std::io::stderr(), "trustchk: Invalid attribute: {typed}")?;
        return Ok(1);
    }
    for name in NAMES {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            let state = if is_on(context, name) { "ON" } else { "OFF" };
            writeln!(out, "{name}={state}")?;
        }
    }
    // Two lines: the state, then the paths.
    for name in PATHS {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            let state = if is_on(context, name) { "ON" } else { "OFF" };
            writeln!(out, "{name}={state}\n{name}=/usr/bin:/usr/sbin:/etc:")?;
        }
    }
    Ok(0)
}

/// Whether a policy is on.
pub(super) fn is_on(context: &Context, name: &str) -> bool {
    let text = fs::read_to_string(context.path(POLICIES)).unwrap_or_default();
    text.lines().any(|line| line == format!("{name}=ON"))
}

fn set(context: &Context, name: &str, state: &str) -> anyhow::Result<u8> {
    if !all().any(|known| known == name) || !matches!(state, "ON" | "OFF") {
        return Ok(1);
    }
    if is_on(context, "TE") && is_on(context, LOCK) {
        writeln!(std::io::stderr(), "trustchk: the kernel policies are locked.")?;
        return Ok(1);
    }
    let on = all().filter(|one| if *one == name { state == "ON" } else { is_on(context, one) });
    let text: String = on.map(|one| format!("{one}=ON\n")).collect();
    let path = context.path(POLICIES);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)?;
    Ok(0)
}
