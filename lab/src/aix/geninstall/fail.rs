//! A run that did not move the workload: its messages, and the automatic clean-up (LU §2.7, §3.1).

use super::logs;
use super::say::Printer;
use crate::aix::{Context, stamp};
use crate::fault::Fault;
use crate::world::lpar::Style;
use crate::world::update::Refused;

/// Why a run failed: the lines it prints before 1430-045, and what only the log says.
pub(super) struct Failure {
    lines: Vec<String>,
    log: String,
}

impl Failure {
    /// Nothing is printed but the closing lines.
    pub(super) fn silent(log: &str) -> Self {
        Self { lines: Vec::new(), log: format!("ERROR - {log}") }
    }

    /// A script that is notified failed.
    pub(super) fn of_script(command: &str, status: u32) -> Self {
        Self { lines: script(command, status), log: "ERROR - script failed".to_owned() }
    }

    /// The messages of a fault (LU §3.1, samples).
    pub(super) fn of(fault: Fault) -> Self {
        let moving = |lines: &[&str]| {
            let first = lines.iter().map(|line| (*line).to_owned());
            first
                .chain(["1430-030 An error occurred while moving the workload.".to_owned()])
                .collect()
        };
        let (lines, log): (Vec<String>, &str) = match fault {
            Fault::NotifyScript => (script("/usr/local/bin/lu_check", 1), "ERROR - script failed"),
            Fault::Pfcdaemon | Fault::PfcdaemonSlow => {
                (script("/opt/triton/daemon-stop", 1), "ERROR - script failed")
            }
            Fault::AutofsMissing => {
                (script("/usr/lpp/nfs/autofs/autofs_lku orig", 127), "ERROR - script failed")
            }
            Fault::Shlib => (
                moving(&["1020-007 System call mcrk_sys_spl_getfd error (50). [03.156.0064]"]),
                "ERROR mcr_shlib_srm_aix - error 50",
            ),
            Fault::ShlibStale => (
                moving(&[
                    "1020-007 System call mcrk_sys_spl_getfd error (50). [03.156.0064]",
                    "1020-007 System call MCR_GET_SHLIB_ASYNCINFO error (52). A file, file system or message queue is no longer available. [02.239.0142]",
                ]),
                "ERROR mcr - cke_errno 52 cke_Sy_error 23349 cke_Xtnd_error 534 cke_buf /usr/lib/libC.a(shr_64.o)",
            ),
            Fault::DeviceOpen => (
                moving(&[
                    "1020-154 Resource /old/dev/nvram is not checkpointable (pid: 19005844) (name: lscfg_chrp). Query returned 22 Invalid argument [02.229.0462]",
                    "1020-089 Internal error detected. [02.335.0458]",
                ]),
                "ERROR mcr_sync - Action LU_FREEZE failed in SRM with status 6",
            ),
            Fault::ProcfsOpen => (
                moving(&[
                    "1020-311 The state of the LPAR is currently non-checkpointable. Checkpoint should be retried later. [02.229.0730]",
                ]),
                "ERROR mcr_sync - Action LU_FREEZE failed in SRM with status 6",
            ),
            Fault::IpsecRestart => (
                moving(&["0973-006 Checkpoint file probably corrupted (600000000001E)"]),
                "ERROR mcr - cke_errno 52 cke_Sy_error 23352",
            ),
            Fault::MoveWorkload => (moving(&[]), "ERROR - the workload could not be moved"),
            other => (Vec::new(), other.explain()),
        };
        Self { lines, log: log.to_owned() }
    }
}

/// What is printed of a script that failed.
fn script(command: &str, status: u32) -> Vec<String> {
    vec![
        format!("1430-134 Notification script '{command}' failed with exit status {status}"),
        "1430-025 An error occurred while notifying applications.".to_owned(),
    ]
}

/// Says why, puts everything back, and ends with status 1.
pub(super) fn roll_back(
    context: &Context,
    printer: &mut Printer<'_>,
    failure: &Failure,
) -> anyhow::Result<u8> {
    let now = printer.now;
    if failure.lines.iter().any(|line| line.starts_with("1020-311")) {
        // The kernel denied it ten seconds before the engine gives up.
        logs::kernel(context, now.saturating_sub(10_000), "procfs open, count: 9")?;
    }
    logs::log(context, "lvupdlog", now, &failure.log)?;
    // LU §4.5 pitfall 8: what is printed misleads.
    if failure.lines.iter().any(|line| line.starts_with("1020-154")) {
        logs::console_given_up(context)?;
    }
    for line in &failure.lines {
        printer.plain(line)?;
    }
    context.store.change(|world| {
        world.rolled_back(&context.name)?;
        Ok::<_, Refused>(())
    })?;
    printer.plain("1430-045 The live update operation failed.")?;
    match printer.style {
        Style::A => printer.plain("Initiating log capture.")?,
        Style::B => {
            let name = stamp::capture(now);
            printer.progress("Initiating log capture.")?;
            printer.plain("Local log capture in progress and can be tracked from:")?;
            printer.plain(&format!("/tmp/snapimg/lu_{name}_capture.log"))?;
            printer.plain("On completion, log archive will be stored as:")?;
            printer.plain(&format!("/tmp/snapimg/lu_{name}_snap.pax.gz"))?;
        }
    }
    Ok(1)
}
