//! A master stops, by itself, before and after each command that it gives; another one takes over; then the first one goes on.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;
use nim_lab::wire::{How, Mishap, Way};
use nim_master::engine::operation::Action;

use crate::end::End;
use crate::site::{self, Frame};
use crate::two_masters::beside;
use crate::update;

/// The frame by which an action commands an agent. Every action by name: a new one does not compile until somebody has said
/// whether it does.
const fn command(action: Action) -> Option<&'static str> {
    match action {
        Action::SendStart => Some("start"),
        Action::SendProceed => Some("proceed"),
        Action::SendCancel => Some("cancel"),
        Action::OpenSession
        | Action::CommitStart
        | Action::Attach
        | Action::Reserve
        | Action::CloseSession
        | Action::RefreshInventory
        | Action::Notify
        | Action::WatchCapacity => None,
    }
}

/// A command before or after which the first master stops.
struct Point {
    lpar: String,
    side: &'static str,
    action: Action,
    frame: &'static str,
}

fn points() -> Vec<Point> {
    let commands = Action::ALL.iter().filter_map(|action| Some((*action, command(*action)?)));
    let sides = commands.flat_map(|(action, frame)| {
        ["before", "after"].map(|side| Point { lpar: String::new(), side, action, frame })
    });
    let named = (1..).zip(sides);
    named.map(|(number, point)| Point { lpar: format!("lpar{number:02}"), ..point }).collect()
}

/// A lease that lapses soon.
const SETTINGS: &str = "lease:\n  length: 3s\n  margin: 1s\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_master_commands_after_it_was_replaced_has_no_effect() -> Result<()> {
    let points = points();
    let mut lpars = vec![("updated", Frame::Roomy), ("cancelled", Frame::Full)];
    let frame = |action| if action == Action::SendCancel { Frame::Full } else { Frame::Roomy };
    lpars.extend(points.iter().map(|point| (point.lpar.as_str(), frame(point.action))));
    let mut site = site::with(&lpars, Mode::Explicit).await?;
    site.master().settle(SETTINGS)?;
    site.lab().set_fault("cancelled", Fault::FrameFull).await?;

    update::ask(&site, "updated")?;
    update::step_to_end(&site, &["updated"])?;
    let updated = End::of(&site, "updated")?;
    updated.is("succeeded", 1)?;
    update::ask(&site, "cancelled")?;
    until_waiting(&site, "cancelled")?;
    site.nimctl(["cancel", "cancelled"]).succeeded()?;
    let cancelled = End::of(&site, "cancelled")?;
    cancelled.is("cancelled", 0)?;

    let folder = site.master().folder().to_owned();
    for Point { lpar, side, action, frame } in &points {
        let place = format!("{side} {action:?} {lpar}");
        site.lab().set_mishaps(lpar, vec![counted(frame)])?;
        site.master().stop()?;
        site.master().launch_until(&format!("stop {place}"))?;
        update::ask(&site, lpar)?;
        let asked = if *action == Action::SendCancel {
            until_waiting(&site, lpar)?;
            Some(site.master().nimctl_started(["cancel", lpar])?)
        } else {
            None
        };
        site.master().stopped().with_context(|| place.clone())?;
        ensure!(site.master().struck().last() == Some(&place), "{place} was not reached");
        drop(asked);

        // From here on the second one is the master that is asked.
        let mut other = beside(&folder, "second", "postgres", SETTINGS)?;
        std::mem::swap(site.master(), &mut other);
        if *action == Action::SendCancel {
            update::end(&site, lpar)?;
        } else {
            update::step_to(&site, lpar, Phase::Install).await.with_context(|| place.clone())?;
        }
        let before = site.lab().befallen(lpar)?[0];
        other.resume()?;
        if *side == "before" {
            // It had looked at its lease, and nothing keeps it from sending.
            wait_until(&format!("the late `{frame}` to {lpar}"), || {
                let sent = site.lab().befallen(lpar)?[0];
                Ok(if sent > before { Ok(()) } else { Err(format!("{sent} of them went")) })
            })?;
        }
        wait_until("the first master to answer", || {
            let run = other.nimctl(["server"], None);
            Ok(if run.code == Some(0) { Ok(()) } else { Err(run.to_string()) })
        })?;
        update::step_to_end(&site, &[lpar])?;
        let end = End::of(&site, lpar)?;
        let undisturbed = if *action == Action::SendCancel { &cancelled } else { &updated };
        ensure!(end == *undisturbed, "{place}: {end:#?}\ninstead of {undisturbed:#?}");
        site.master().stop()?;
        std::mem::swap(site.master(), &mut other);
    }
    site.end().await
}

/// Counts the frames of one kind that go to an agent.
fn counted(frame: &str) -> Mishap {
    Mishap { way: Way::ToAgent, kind: frame.to_owned(), how: How::Counted, times: usize::MAX }
}

fn until_waiting(site: &Harness, lpar: &str) -> Result<()> {
    update::until(site, lpar, "waiting for room on its frame", |view| {
        view["state"] == "running" && !view["waits_for"].is_null()
    })?;
    Ok(())
}
