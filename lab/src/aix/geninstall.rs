//! `geninstall -k`: the Live Update itself, as far as anybody outside can see it; without `-k` an installation.
//!
//! It goes through the phases of LU §2.6 in the site's time, changes the world as LU §5.5 tables it, and prints what LU §2 records, in the
//! style of its level. Faults make it end in each of the ways of LU §2.7. It keeps nothing in memory that matters: killed at any moment it
//! leaves lock, half-made surrogate and taken disks behind, as the real one would, for `clvupdate`.

mod check;
mod fail;
mod install;
mod logs;
mod run;
pub(super) mod say;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};

use anyhow::Context as _;

use super::lvupdate::Data;
use super::media::{self, Selection};
use super::{Context, Options};
use crate::record::Deed;
use say::Printer;

pub(super) use check::NO_TOKEN;

/// One Live Update per LPAR (LU §2.8).
pub(crate) const LOCK: &str = "/usr/lpp/.genlib.lock.check";
/// What it reads (LU §1.1).
pub(crate) const DATA: &str = "/var/adm/ras/liveupdate/lvupdate.data";
/// Written by each attempt, also by a preview (LU §1.1).
const CONFIGURATION: &str = "/var/adm/ras/liveupdate/liveupdate.cf";

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "dfI");
    let preview = options.has('p');
    let pid = std::process::id();
    context.note(Deed::Geninstall { preview, arguments: arguments.to_vec(), pid })?;
    let status = if options.has('k') {
        locked(context, &options, preview, out)?
    } else {
        plain(context, &options, preview, out)?
    };
    context.note(Deed::GeninstallEnded { pid, status })?;
    Ok(status)
}

/// Takes the lock for the whole run. A run that dies leaves it.
fn locked(
    context: &Context,
    options: &Options,
    preview: bool,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let lock = context.path(LOCK);
    match OpenOptions::new().write(true).create_new(true).open(&lock) {
        Ok(mut file) => writeln!(file, "{}", std::process::id())?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // The sentence is not known; the number is the lab's own.
            writeln!(out, "9999-028 FAILED: another live update operation holds the lock {LOCK}.")?;
            return Ok(1);
        }
        Err(error) => return Err(error).context("cannot take the lock"),
    }
    let status = go(context, options, preview, out)?;
    fs::remove_file(&lock).context("cannot release the lock")?;
    Ok(status)
}

/// Without Live Update: installs on the running system. What is fixed in the kernel waits for a reboot.
fn plain(
    context: &Context,
    options: &Options,
    preview: bool,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let mut printer = Printer::new(context, out)?;
    let wanted = wanted(context, options)?;
    let folder = options.value('d').unwrap_or_default();
    let selection = match media::select(&context.find(folder), &wanted) {
        Ok(selection) => selection,
        Err(error) => {
            printer.plain(&format!("geninstall: {error:#}"))?;
            return Ok(1);
        }
    };
    if preview {
        install::preview(context, &mut printer, &selection)?;
        return Ok(0);
    }
    // Applied and not committed, unless -c was given too (LU S05).
    let commits = options.value('I').is_none_or(|flags| flags.contains('c'));
    let state = if commits { install::State::Committed } else { install::State::Applied };
    install::plain(context, &mut printer, &selection, state)
}

fn go(
    context: &Context,
    options: &Options,
    preview: bool,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let mut printer = Printer::new(context, out)?;
    let text = fs::read(context.path(DATA)).unwrap_or_default();
    let data = Data::read(&String::from_utf8_lossy(&text));
    let selection = match options.value('d') {
        None => Selection::default(),
        Some(folder) => {
            let wanted = wanted(context, options)?;
            match media::select(&context.find(folder), &wanted) {
                Ok(selection) => selection,
                Err(error) => return install::unusable(&mut printer, &error),
            }
        }
    };
    logs::rotate(context, printer.now)?;
    logs::configuration(context, &data)?;
    if preview {
        install::preview(context, &mut printer, &selection)?;
        let passed = check::all(context, &mut printer, &data, &selection)?;
        return check::summary(context, &mut printer, passed);
    }
    if let Some(status) = install::apply(context, &mut printer, &selection)? {
        return Ok(status);
    }
    if !check::all(context, &mut printer, &data, &selection)? {
        return Ok(1);
    }
    run::update(context, &mut printer, &data, &selection)
}

/// Words of the command line, or lines of the file that `-f` names.
fn wanted(context: &Context, options: &Options) -> anyhow::Result<Vec<String>> {
    match options.value('f') {
        None => Ok(options.words.clone()),
        Some(file) => {
            let text =
                fs::read_to_string(context.find(file)).context("cannot read the list of -f")?;
            Ok(text.split_whitespace().map(str::to_owned).collect())
        }
    }
}
