//! Auditing in stream mode: it goes on without streaming, where the level does not let Live Update carry it over. Source: LU S16.
//!
//! Three changes: it is stopped, its configuration says that it does not stream, and it is started again where it has another mode
//! to go on in. Put back in reverse order that is: stopped, configured as before, started.

use nim_shared::aix;
use nim_shared::frame::{ChangeClass, Effect};
use nim_shared::id::Digest;
use nim_shared::level::{Level, TechnologyLevel};
use nim_shared::lvupdate;
use nim_shared::prep::Setting;

use super::super::Stop;
use super::setting::{self, Error, LIMIT, Lpar};
use crate::disk;
use crate::supervisor::Supervisor;
use crate::undo::FILE_LIMIT;

/// Switches streaming off, where auditing is on and streams.
pub(super) fn run(supervisor: &mut Supervisor, class: ChangeClass) -> Result<(), Stop> {
    let number = supervisor.next_change();
    let streams = is_wanted(supervisor) && mode(supervisor, "streammode")?;
    setting::change(supervisor, class, Setting::Auditing, |before| {
        (streams && before == ON).then(|| OFF.to_owned())
    })?;
    // What follows from the first goes by its record: a successor finds another state.
    let stopped = supervisor.progress.changes.contains_key(&number);
    let edit = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        aix::with_stanza_value(&text, STANZA, "streammode", OFF).map(String::into_bytes)
    };
    supervisor.change(
        class,
        |supervisor| {
            let content = disk::read(&supervisor.root.at(CONFIG), FILE_LIMIT)?;
            match content.as_deref().and_then(edit).filter(|_| stopped) {
                Some(content) => {
                    super::save(supervisor, CONFIG, Some(Digest::of(&content))).map(Some)
                }
                None => Ok(None),
            }
        },
        |supervisor, effect| {
            let Effect::File { saved_as: Some(name), .. } = effect else { return Ok(()) };
            let saved = disk::read(&supervisor.operation.file(name), FILE_LIMIT)?;
            let content = saved.as_deref().and_then(edit).unwrap_or_default();
            super::write(supervisor, effect, &content)
        },
    )?;
    let goes_on = stopped && mode(supervisor, "binmode")?;
    setting::change(supervisor, class, Setting::Auditing, |before| {
        (goes_on && before == OFF).then(|| ON.to_owned())
    })
}

/// From 7300-03 on Live Update carries a stream over, unless `lvupdate.data` says that it is to be refused. Source: LU §1.2, §4.7.
fn is_wanted(supervisor: &Supervisor) -> bool {
    let before = supervisor.progress.before.as_ref();
    let level = before.and_then(|before| before.level.as_ref()?.parse::<Level>().ok());
    let carried = level.is_some_and(|level| level.technology >= TechnologyLevel::TL_7300_03);
    let data = lvupdate::parse(&supervisor.request.lvupdate_data).data();
    !carried || data.general.audit_stream_check == Some(true)
}

/// Whether the configuration has `key` on.
fn mode(supervisor: &Supervisor, key: &str) -> Result<bool, Stop> {
    let text = disk::read(&supervisor.root.at(CONFIG), FILE_LIMIT)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    Ok(aix::stanza_value(&text, STANZA, key) == Some(ON))
}

/// Source: LU §5.4: `audit query` says `auditing on` or `auditing off` first.
pub(super) fn read(lpar: Lpar<'_>) -> Result<String, Error> {
    let text = lpar.commands.ask("audit", &["query"], LIMIT)?;
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match first.strip_prefix("auditing ") {
        Some(state @ (ON | OFF)) => Ok(state.to_owned()),
        _ => Err(Error::Unreadable { setting: Setting::Auditing, text }),
    }
}

pub(super) fn write(lpar: Lpar<'_>, wanted: &str) -> Result<(), Error> {
    let word = if wanted == ON { "start" } else { "shutdown" };
    lpar.commands.ask("audit", &[word], LIMIT)?;
    Ok(())
}

/// What says how auditing works.
pub(super) const CONFIG: &str = "/etc/security/audit/config";

const STANZA: &str = "start";
pub(super) const ON: &str = "on";
pub(super) const OFF: &str = "off";
