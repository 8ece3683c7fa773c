//! What an operation leaves on the disks of its LPAR, as they are at its end. It is part of the report, so that it is known later which
//! disk holds what, and what it is needed for.

use nim_shared::aix;
use nim_shared::disks::{Copied, Ended, GoodFor, RunDisk, RunDisks, SeenDisk, record};
use nim_shared::frame::{Change, ChangeMoment, Effect};
use nim_shared::operation::{Named, Outcome};
use nim_shared::request::Kind;
use nim_shared::stage::Point;

use crate::supervisor::{Error, Supervisor};
use crate::text::chain;

/// Looks at the disks; `None` where the operation had nothing to do with any.
pub(crate) fn on_disks(
    supervisor: &mut Supervisor,
    outcome: &Outcome,
) -> Result<Option<RunDisks>, Error> {
    let kind = supervisor.request.kind;
    let copies = copies(supervisor);
    match kind {
        Kind::Update | Kind::AltDisk if supervisor.has_begun()? || !copies.is_empty() => {}
        Kind::ReleaseDisks => {}
        Kind::Update
        | Kind::AltDisk
        | Kind::Preview
        | Kind::InstallPreview
        | Kind::Install
        | Kind::MaintPreview
        | Kind::Maint
        // Where the copy was booted nobody is here any more; where it was not, nothing has changed on any disk.
        | Kind::Rollback
        | Kind::CleanUp
        | Kind::Snap => return Ok(None),
    }
    let now = match super::disks::seen(&supervisor.commands) {
        Ok(now) => now,
        Err(why) => {
            supervisor.note(format!("not known: unique ids of the disks: {why}"))?;
            without_udid(supervisor)
        }
    };
    let disks = if kind == Kind::ReleaseDisks {
        released(supervisor, outcome, &now)
    } else {
        let progress = &supervisor.progress;
        let moved = progress.has_passed(Point::Moved)
            || kind.moves() && matches!(outcome, Outcome::Succeeded { .. });
        let after = progress.after.as_ref().or(progress.before.as_ref());
        record(&Ended {
            request: &supervisor.request,
            outcome,
            moved,
            furthest: progress.furthest,
            before: progress.before.as_ref(),
            level: after.and_then(|after| after.level.as_deref()),
            now: &now,
            copies: &copies,
        })
    };
    let last_update = match supervisor.facts.error_log() {
        Ok(lines) => lines.into_iter().next(),
        Err(error) => {
            supervisor.note(format!("not known: {}", chain(&error)))?;
            None
        }
    };
    let booted_at = supervisor.facts.boot().booted_at;
    Ok(Some(RunDisks { booted_at, last_update, disks }))
}

/// Copies of rootvg that were made, or begun.
fn copies(supervisor: &Supervisor) -> Vec<Copied> {
    let changes = supervisor.progress.changes.values();
    let copy = |change: &Change| match &change.effect {
        Effect::RootvgCopy { disks, name, level, .. } => Some(Copied {
            disks: disks.clone(),
            group: name.clone(),
            level: level.clone(),
            whole: change.moment != Named::Known(ChangeMoment::Intent),
        }),
        _ => None,
    };
    changes.filter_map(copy).collect()
}

/// The disks that are to be released, those that were as such.
fn released(supervisor: &Supervisor, outcome: &Outcome, now: &[SeenDisk]) -> Vec<RunDisk> {
    let all = matches!(outcome, Outcome::Succeeded { .. });
    let dropped: Vec<&str> = supervisor.progress.changes.values().filter_map(dropped).collect();
    let asked = supervisor.request.release.iter().filter(|one| match &one.disk.volume_group {
        Some(group) => dropped.contains(&group.as_str()),
        None => all,
    });
    let as_it_is = |disk: &RunDisk| RunDisk {
        volume_group: now
            .iter()
            .find(|now| disk.is_one_of(now.pvid.as_ref(), now.udid.as_ref()))
            .and_then(|now| now.volume_group.clone()),
        level: None,
        good_for: Named::Known(GoodFor::Released),
        ..disk.clone()
    };
    asked.map(|one| as_it_is(&one.disk)).collect()
}

/// The volume group whose definition a change has dropped.
fn dropped(change: &Change) -> Option<&str> {
    match &change.effect {
        Effect::CopyDropped { name, .. } if change.moment != Named::Known(ChangeMoment::Intent) => {
            Some(name)
        }
        _ => None,
    }
}

/// The disks as `lspv` shows them without unique ids.
fn without_udid(supervisor: &Supervisor) -> Vec<SeenDisk> {
    let text = supervisor.commands.ask("lspv", &[], super::disks::LIMIT).unwrap_or_default();
    let rows = aix::lspv(&text).rows.into_iter();
    let seen = rows.map(|disk| SeenDisk {
        name: disk.name,
        pvid: disk.pvid.and_then(|pvid| pvid.parse().ok()),
        udid: None,
        volume_group: disk.volume_group,
        state: disk.active.then(|| "active".to_owned()),
        lun: None,
    });
    seen.collect()
}
