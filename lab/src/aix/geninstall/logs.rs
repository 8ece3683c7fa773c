//! Files that a run leaves: logs, `liveupdate.cf`, the error log (LU §2.8).

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use anyhow::Context as _;

use super::CONFIGURATION;
use crate::aix::lvupdate::Data;
use crate::aix::{Context, stamp};
use crate::world::lpar::ErrorEntry;

const FOLDER: &str = "/var/adm/ras/liveupdate/logs";
const ROTATED: [&str; 5] = ["lvupdlog", "olvupdlog", "oplhmclog", "olhmclog", "otlog"];

/// Logs of the run before get its time as suffix.
pub(super) fn rotate(context: &Context, now: u64) -> anyhow::Result<()> {
    let folder = context.path(FOLDER);
    fs::create_dir_all(&folder).context("cannot make the log folder")?;
    let suffix = stamp::log_suffix(now);
    for name in ROTATED {
        let current = folder.join(name);
        if current.exists() {
            fs::rename(&current, folder.join(format!("{name}.{suffix}")))
                .context("cannot rotate a log")?;
        }
    }
    Ok(())
}

/// Appends a line to a log, in the shape `COMPONENT EPOCH.MS LEVEL FUNCTION - TEXT`.
pub(super) fn log(context: &Context, file: &str, now: u64, text: &str) -> anyhow::Result<()> {
    append(context, file, &format!("OLVUPDMCR {}.{:03} {text}", now / 1000, now % 1000))
}

/// What the kernel says of a freeze that it denies.
pub(super) fn kernel(context: &Context, now: u64, why: &str) -> anyhow::Result<()> {
    let who = "6750576/24904167 DENY Blocking entry";
    append(context, "lvupdlog", &format!("KLVUPD {} DEBUG - {who}: {why}", now / 1000))
}

/// A line of the HMC library, which uses square brackets.
pub(super) fn hmc_log(context: &Context, text: &str) -> anyhow::Result<()> {
    let line = format!("libhmc_http.c:getHmcErrorMessage:1395: HMC error msg: [[{text}");
    append(context, "olhmclog", &line)
}

fn append(context: &Context, file: &str, line: &str) -> anyhow::Result<()> {
    let path = context.path(FOLDER).join(file);
    let mut file =
        OpenOptions::new().create(true).append(true).open(path).context("cannot write a log")?;
    writeln!(file, "{line}").context("cannot write a log")
}

/// The user may not read the Enterprise Pool, whereupon the library gives up the console (LU §3.3).
pub(super) fn console_given_up(context: &Context) -> anyhow::Result<()> {
    hmc_log(context, "HSCL350B The user does not have the appropriate authority.")?;
    hmc_log(context, "No valid management console to execute the request")?;
    hmc_log(context, "## OP STATUS : OperationError::OP_PARAM_ERROR")
}

/// The state file of the attempt. Its format is not known; one thing is: it says whether cpu_reduction was understood.
pub(super) fn configuration(context: &Context, data: &Data) -> anyhow::Result<()> {
    let reduction = data.value("general", "cpu_reduction").unwrap_or("no");
    let text = format!("CPU_Reduc = {reduction}\n");
    fs::write(context.path(CONFIGURATION), text).context("cannot write liveupdate.cf")
}

/// The update began.
pub(super) fn started(context: &Context, now: u64) -> anyhow::Result<()> {
    report(context, now, "9A74C7AB", 'I', 'S', "LVUPDATE", "Live AIX update started")
}

/// The error daemon starts anew at the switch, and the source of subsystems complains.
pub(super) fn switched(context: &Context, now: u64) -> anyhow::Result<()> {
    report(context, now, "9DBCFDEE", 'T', 'O', "errdemon", "ERROR LOGGING TURNED ON")?;
    report(context, now, "CB4A951F", 'S', 'S', "SRC", "SOFTWARE PROGRAM ERROR")
}

/// The update ended well.
pub(super) fn completed(context: &Context, now: u64) -> anyhow::Result<()> {
    report(context, now, "12295E0B", 'I', 'S', "LVUPDATE", "Live AIX update completed successfully")
}

fn report(
    context: &Context,
    now: u64,
    identifier: &str,
    kind: char,
    class: char,
    resource: &str,
    text: &str,
) -> anyhow::Result<()> {
    let entry = ErrorEntry {
        identifier: identifier.to_owned(),
        timestamp: stamp::errpt(now),
        kind,
        class,
        resource: resource.to_owned(),
        text: text.to_owned(),
    };
    context.change(|lpar| {
        lpar.errors.push(entry);
        Ok(())
    })
}
