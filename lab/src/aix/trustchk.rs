//! `trustchk -p` (LU §5.4): Trusted Execution is off.

use std::io::Write;

use super::Context;

pub(super) fn run(_: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    for policy in [
        "TE",
        "CHKEXEC",
        "CHKSHLIB",
        "CHKSCRIPT",
        "CHKKERNEXT",
        "STOP_UNTRUSTD",
        "STOP_ON_CHKFAIL",
        "LOCK_KERN_POLICIES",
        "TSD_FILES_LOCK",
    ] {
        writeln!(out, "{policy}=OFF")?;
    }
    // Two lines: the state, then the paths.
    for policy in ["TEP", "TLP"] {
        writeln!(out, "{policy}=OFF\n{policy}=/usr/bin:/usr/sbin:/etc:")?;
    }
    Ok(0)
}
