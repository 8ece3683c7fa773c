//! `nimd` is killed before and after each action of its engine, by itself, and started again: on LPARs that have everything on that a step of
//! prep switches off.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use integration_tests::switched::Switched;
use integration_tests::{Harness, SOURCE, cust, wait_until};
use nim_lab::clock::Mode;
use nim_lab::fault::{Armed, Fault};
use nim_lab::{Lab, Phase};
use nim_master::engine::operation::Action;

use crate::end::End;
use crate::site::{self, Frame};
use crate::update;

/// How the engine is brought to an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Every update comes by there.
    Update,
    /// An update whose connection is cut: what goes on is attached to.
    Cut,
    /// An update that waits for room on its frame and is cancelled there.
    Cancel,
}

/// Every action by name: a new one does not compile until somebody has said how the engine comes to it.
const fn way(action: Action) -> Way {
    match action {
        Action::OpenSession
        | Action::CommitStart
        | Action::SendStart
        | Action::Reserve
        | Action::SendProceed
        | Action::CloseSession
        | Action::RefreshInventory
        | Action::Notify
        | Action::WatchCapacity => Way::Update,
        Action::Attach => Way::Cut,
        Action::SendCancel => Way::Cancel,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_its_engine_is_killed_nimd_goes_on_as_if_undisturbed() -> Result<()> {
    let sides = ["before", "after"].into_iter();
    let points = sides.flat_map(|side| Action::ALL.iter().map(move |action| (side, *action)));
    let points: Vec<(String, &str, Action)> = (1..)
        .zip(points)
        .map(|(number, (side, action))| (format!("struck{number:02}"), side, action))
        .collect();
    let mut lpars = vec![("updated", Frame::Roomy), ("cancelled", Frame::Full)];
    let frame = |action| if way(action) == Way::Cancel { Frame::Full } else { Frame::Roomy };
    lpars.extend(points.iter().map(|(lpar, _, action)| (lpar.as_str(), frame(*action))));
    let mut site = site::all_on(&lpars, Mode::Auto { speed: 1000 }).await?;
    let on = Switched::of(site.lab(), "updated")?;
    site.lab().set_fault("cancelled", Fault::FrameFull).await?;
    let ran = with_hooks(&mut site)?;

    update::ask(&site, "updated")?;
    update::ask(&site, "cancelled")?;
    cancel(&site, "cancelled")?;
    let updated = End::of(&site, "updated")?;
    updated.is("succeeded", 1)?;
    let cancelled = End::of(&site, "cancelled")?;
    cancelled.is("cancelled", 0)?;
    for lpar in ["updated", "cancelled"] {
        ensure!(Switched::of(site.lab(), lpar)? == on, "{lpar} is other than it was");
    }

    site.master().stop()?;
    for (lpar, side, action) in &points {
        // Each start of it is the restart for the operations before: those whose place was struck, and those still under way.
        let place = format!("{side} {action:?} {lpar}");
        site.master().launch_until(&format!("kill {place}"))?;
        if way(*action) == Way::Cut {
            cut_once(site.lab(), lpar).await?;
        }
        let asked = match way(*action) {
            // Its answer may be lost with nimd; the request is not.
            Way::Update | Way::Cut => Some(site.master().nimctl_started(cust(SOURCE, &[lpar]))?),
            Way::Cancel => {
                update::ask(&site, lpar)?;
                cancel(&site, lpar)?;
                None
            }
        };
        site.master().killed().with_context(|| place.clone())?;
        ensure!(site.master().struck().last() == Some(&place), "{place} was not reached");
        drop(asked);
    }
    site.master().launch()?;
    for (lpar, side, action) in &points {
        let end = End::of(&site, lpar).with_context(|| format!("{side} {action:?} on {lpar}"))?;
        let undisturbed = if way(*action) == Way::Cancel { &cancelled } else { &updated };
        if end != *undisturbed {
            let said = &update::view(&site, lpar)?["report"]["summary"];
            bail!("{side} {action:?} on {lpar}: {said}: {end:#?}\ninstead of {undisturbed:#?}");
        }
    }
    hooks_ran_once(&site, &ran, &points)?;
    found_once(&site, &points)?;
    site.end().await
}

/// Looks that what nimd finds after the end of each update is told once, in one order.
fn found_once(site: &Harness, points: &[(String, &str, Action)]) -> Result<()> {
    let updates = points.iter().filter(|(.., action)| way(*action) != Way::Cancel);
    for lpar in updates.map(|(lpar, ..)| lpar.as_str()).chain(["updated"]) {
        let found = wait_until(&format!("what is found of {lpar}"), || {
            let events = update::events(site, lpar)?;
            let found = events.iter().filter_map(|event| event["body"]["found"].as_str());
            let found: Vec<String> = found.map(ToOwned::to_owned).collect();
            let is_over = found.last().is_some_and(|last| last == "capacity_free");
            Ok(if is_over { Ok(found) } else { Err(format!("{found:?}")) })
        })?;
        ensure!(found == ["profiles_as_before", "capacity_free"], "{lpar}: {found:?}");
    }
    Ok(())
}

/// Has nimd run a program of its own at each point of each operation. The file to which the program adds a line each time.
fn with_hooks(site: &mut Harness) -> Result<PathBuf> {
    let folder = site.site_folder().join("hooks");
    std::fs::create_dir(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
    let (program, ran) = (folder.join("notes"), folder.join("ran"));
    let told = r#"s/.*"hook":"\([^"]*\)".*"operation":"\([^"]*\)".*/\2 \1/"#;
    std::fs::write(&program, format!("#!/bin/sh\nsed '{told}' >>{}\n", ran.display()))?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let points = ["pre", "prep", "before-update", "post", "on-failure"];
    // Where nimd is killed over one, how it ended is unknown: that is no reason for another end of the update.
    let always: Vec<String> = points.iter().map(|at| format!("{at}:notes:ignore")).collect();
    let settings =
        format!("hooks:\n  folder: {}\n  always: \"{}\"\n", folder.display(), always.join(" "));
    site.master().settle(&settings)?;
    Ok(ran)
}

/// Looks that no program was run twice for one operation, and that all of an undisturbed one ran.
fn hooks_ran_once(site: &Harness, ran: &Path, points: &[(String, &str, Action)]) -> Result<()> {
    let lpars = points.iter().map(|(lpar, ..)| lpar.as_str());
    for lpar in ["updated", "cancelled"].into_iter().chain(lpars) {
        wait_until(&format!("the hooks of {lpar} to be over"), || {
            let hooks = site.nimctl(["hooks", lpar, "--output", "json"]).succeeded()?.json()?;
            let hooks = hooks.as_array().cloned().unwrap_or_default();
            let open = hooks.iter().any(|hook| hook["state"] == "due" || hook["state"] == "begun");
            Ok(if open || hooks.len() != 5 { Err(format!("{hooks:#?}")) } else { Ok(()) })
        })?;
    }
    let text = std::fs::read_to_string(ran)?;
    let mut lines: Vec<&str> = text.lines().collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    ensure!(lines.len() == all, "a hook was run twice:\n{text}");
    let of = |lpar: &str| -> Result<Vec<String>> {
        let id = update::view(site, lpar)?["id"].as_str().unwrap_or_default().to_owned();
        let own = lines.iter().filter_map(|line| line.strip_prefix(&format!("{id} ")));
        Ok(own.map(ToOwned::to_owned).collect())
    };
    ensure!(of("updated")? == ["before-update", "post", "pre", "prep"], "{text}");
    // It never got room, and so never came to `before-update`.
    ensure!(of("cancelled")? == ["on-failure", "pre", "prep"], "{text}");
    Ok(())
}

#[test]
fn the_nimd_that_ships_has_no_places_to_strike_it_at() -> Result<()> {
    let names = |program: &str| -> Result<bool> {
        let program = std::fs::read(Harness::program(program)?).context("unreadable program")?;
        let name = b"NIMD_CRASH_POINT";
        Ok(program.windows(name.len()).any(|window| window == name))
    };
    ensure!(names("nimd-crash-points")?, "the name is looked for in the wrong way");
    ensure!(!names("nimd")?, "nimd was built with crash points");
    Ok(())
}

/// All connections to `lpar` are cut once, as its update begins to install.
async fn cut_once(lab: &Lab, lpar: &str) -> Result<()> {
    lab.arm_fault(lpar, Fault::SshDrop, Armed::At(Phase::Install)).await
}

/// Cancels an update as it waits for room on its frame. `nimd` may be killed over it.
fn cancel(site: &Harness, lpar: &str) -> Result<()> {
    update::until(site, lpar, "waiting for room on its frame", |view| {
        view["state"] == "running"
            && view["waits_for"].as_str().is_some_and(|what| what.contains("memory"))
    })?;
    let run = site.nimctl(["cancel", lpar]);
    ensure!(matches!(run.code, Some(0 | update::NO_ANSWER)), "{run}");
    Ok(())
}
