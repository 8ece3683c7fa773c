//! `nimd` is killed before and after each effect of what drives its rollouts, by itself, and started again.
//!
//! All points are points of four rollouts of one site: three of them are led to places that a rollout comes to only when somebody does something
//! or something goes wrong, while the one that runs along does what each does.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use integration_tests::soak::proof::{Span, most, spans};
use integration_tests::{Harness, Running, wait_until};
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;
use nim_lab::record;
use nim_master::api::{RolloutEffect as Effect, RolloutFact as Fact};
use nim_shared::ticket::Deed;
use serde_json::Value;

use crate::site::{self, Frame};

/// A rollout, and what is to become of it.
struct Rollout {
    name: &'static str,
    /// The rest of its file.
    how: &'static str,
    /// Its LPARs: frame, how it is to end, and how often an update of it is to be started.
    lpars: &'static [(&'static str, Frame, &'static str, usize)],
}

/// Its limits hold back somebody all the time once its first wave has soaked, and one of its LPARs fails.
const ALONG: Rollout = Rollout {
    name: "along",
    how: "live_update_data: lud_{lpar}
waves:
- {name: first, take: 1, soak: 1s}
- {name: rest}
limits: {in_flight: 2, per_frame: 1, stagger_hmc: 0s, stagger_vios: 0s}
notify: [{to: board}]
",
    lpars: &[
        ("along01", Frame::Roomy, "updated", 1),
        ("along02", Frame::Roomy, "updated", 1),
        ("along03", Frame::Roomy, "failed", 1),
        ("along04", Frame::Full, "updated", 1),
        ("along05", Frame::Full, "updated", 1),
        ("along06", Frame::Full, "updated", 1),
    ],
};

/// Its first wave fails and stops it. Of the second, which somebody else has to approve, one LPAR waits behind the other.
const HELD: Rollout = Rollout {
    name: "held",
    how: "live_update_data: lud_{lpar}
waves:
- {name: first, frames: frame2, healthy: 100%}
- {name: second, frames: frame1, approval: yes}
limits: {stagger_hmc: 0s, stagger_vios: 0s}
stop: {wave: {failed: 1}}
",
    lpars: &[
        ("held1", Frame::Roomy, "updated", 1),
        ("held2", Frame::Full, "updated", 1),
        ("held3", Frame::Full, "updated", 1),
    ],
};

/// It is aborted over an LPAR that answers nobody, before the turn of the next one.
const ABORTED: Rollout = Rollout {
    name: "aborted",
    how: "live_update_data: lud_{lpar}
waves:
- {name: first, frames: frame2}
- {name: second, frames: frame1}
",
    lpars: &[
        ("aborted1", Frame::Roomy, "cancelled", 0),
        ("aborted2", Frame::Full, "not_started", 0),
    ],
};

/// Nobody has said which disks may be chosen: its start is refused when it is asked for.
const REFUSED: Rollout = Rollout {
    name: "refused",
    how: "live_update_data: auto\n",
    lpars: &[("refused1", Frame::Roomy, "skipped", 0)],
};

const ROLLOUTS: [&Rollout; 4] = [&ALONG, &HELD, &ABORTED, &REFUSED];

/// The rollout that comes to an effect. Every one by name: a new one does not compile until somebody has said which.
const fn of(effect: Effect) -> &'static Rollout {
    match effect {
        Effect::Heed(Deed::Start)
        | Effect::Keep(
            Fact::Starts | Fact::Taken | Fact::Over | Fact::Released | Fact::Waits | Fact::Wave,
        )
        | Effect::AskStart
        | Effect::Tell => &ALONG,
        Effect::Heed(Deed::Pause | Deed::Resume | Deed::Promote | Deed::Approve | Deed::Retry)
        | Effect::Keep(Fact::Stopped | Fact::TakenBack)
        | Effect::Withdraw => &HELD,
        Effect::Heed(Deed::Abort) | Effect::Keep(Fact::Ended) | Effect::AskCancel => &ABORTED,
        Effect::CloseStart => &REFUSED,
    }
}

/// The place on one side of an effect.
fn place(side: &str, effect: Effect) -> String {
    format!("{side} {effect:?} {}", of(effect).name)
}

const SIDES: [&str; 2] = ["before", "after"];

#[tokio::test(flavor = "multi_thread")]
async fn wherever_its_driver_is_killed_a_rollout_goes_on_as_if_undisturbed() -> Result<()> {
    let mut site = ready().await?;
    site.master().stop()?;

    // What every rollout does.
    let along = file(&site, &ALONG)?;
    struck_by(&mut site, Effect::Heed(Deed::Start), &["rollout", "start", &along])?;
    // Of these, those that come once only are first.
    for effect in [
        Effect::Keep(Fact::Starts),
        Effect::AskStart,
        Effect::Keep(Fact::Taken),
        Effect::Keep(Fact::Waits),
        Effect::Keep(Fact::Wave),
        Effect::Tell,
        Effect::Keep(Fact::Over),
        Effect::Keep(Fact::Released),
    ] {
        struck(&mut site, effect)?;
    }

    // One that stops, goes on, and is held while a start of it waits in the queue.
    let held = file(&site, &HELD)?;
    let stopped = Effect::Keep(Fact::Stopped);
    asked_into(&mut site, "before", stopped, &["rollout", "start", &held])?;
    site.master().launch_into(&place("after", stopped))?;
    struck_by(&mut site, Effect::Heed(Deed::Resume), &["rollout", "resume", "held"])?;
    for side in SIDES {
        launch(&mut site, side, Effect::Heed(Deed::Promote))?;
        waits_for(&site, "held", "promote")?;
        let asked = site.master().nimctl_started(["rollout", "promote", "held"])?;
        killed(&mut site, side, Effect::Heed(Deed::Promote), &asked)?;
    }
    for lpar in ["held2", "held3"] {
        site.lab().freeze(lpar).await?;
    }
    let nimctl = for_everybody(&site)?;
    for side in SIDES {
        launch(&mut site, side, Effect::Heed(Deed::Approve))?;
        site.nimctl(["change", "-a", "limit=1", "frame1"]).succeeded()?;
        let status = waits_for(&site, "held", "approve")?;
        let print = status["fingerprint"].as_str().context("a fingerprint")?;
        let words = ["rollout", "approve", "held", "--fingerprint", print];
        let asked = site.master().nimctl_started_as("nobody", &nimctl, words)?;
        killed(&mut site, side, Effect::Heed(Deed::Approve), &asked)?;
    }
    for side in SIDES {
        launch(&mut site, side, Effect::Heed(Deed::Pause))?;
        until(&site, "held", "both of its second wave are asked for", |status| {
            let asked = targets(status).filter(|one| one["operation"].is_string()).count();
            asked == HELD.lpars.len()
        })?;
        let asked = site.master().nimctl_started(["rollout", "pause", "held"])?;
        killed(&mut site, side, Effect::Heed(Deed::Pause), &asked)?;
    }
    struck(&mut site, Effect::Withdraw)?;
    struck(&mut site, Effect::Keep(Fact::TakenBack))?;
    site.lab().clear_fault("held1", Fault::ProcfsOpen)?;
    for lpar in ["held2", "held3"] {
        site.lab().thaw(lpar).await?;
    }
    for side in SIDES {
        launch(&mut site, side, Effect::Heed(Deed::Retry))?;
        if side == "before" {
            site.nimctl(["change", "-a", "limit=200", "frame1"]).succeeded()?;
            site.nimctl(["rollout", "resume", "held"]).succeeded()?;
        }
        let retry = ["rollout", "retry", "held", "held1", "--remedied", "--yes"];
        let asked = site.master().nimctl_started(retry)?;
        killed(&mut site, side, Effect::Heed(Deed::Retry), &asked)?;
    }

    // One that is aborted, and one whose start is refused.
    let aborted = file(&site, &ABORTED)?;
    for side in SIDES {
        launch(&mut site, side, Effect::Heed(Deed::Abort))?;
        if side == "before" {
            site.nimctl(["rollout", "start", &aborted]).succeeded()?;
        }
        until(&site, "aborted", "its first is asked for", |status| {
            targets(status).any(|one| one["operation"].is_string())
        })?;
        let words = ["rollout", "abort", "aborted", "--cancel"];
        let asked = site.master().nimctl_started(words)?;
        killed(&mut site, side, Effect::Heed(Deed::Abort), &asked)?;
    }
    struck(&mut site, Effect::AskCancel)?;
    site.lab().thaw("aborted1").await?;
    struck(&mut site, Effect::Keep(Fact::Ended))?;
    let refused = file(&site, &REFUSED)?;
    asked_into(&mut site, "before", Effect::CloseStart, &["rollout", "start", &refused])?;
    site.master().launch_into(&place("after", Effect::CloseStart))?;

    site.master().launch()?;
    let every = Effect::ALL.iter().flat_map(|effect| SIDES.map(|side| place(side, *effect)));
    let every: BTreeSet<String> = every.collect();
    let was = site.master().struck();
    ensure!(was.len() == every.len() && every == BTreeSet::from_iter(was), "{every:#?}");
    for rollout in ROLLOUTS {
        is_as_undisturbed(&site, rollout)?;
    }
    limits_held(&site)?;
    site.end().await
}

/// The site, with all that its rollouts meet.
async fn ready() -> Result<Harness> {
    let lpars = ROLLOUTS.iter().flat_map(|rollout| rollout.lpars);
    let lpars: Vec<(&str, Frame)> = lpars.map(|(lpar, frame, ..)| (*lpar, *frame)).collect();
    let mut site = site::with(&lpars, Mode::Auto { speed: 1000 }).await?;
    let mail = site.site_folder().join("sendmail");
    std::fs::write(&mail, "#!/bin/sh\nexec cat >/dev/null\n")?;
    std::fs::set_permissions(&mail, std::fs::Permissions::from_mode(0o755))?;
    let mail = format!("notify:\n  mail: {}\n", mail.display());
    let limits = "limits:\n  per_hmc: 200\nsocket:\n  mode: 0666\n";
    site.master().settle(&format!("{limits}{mail}"))?;
    site.set_policy(
        "receivers:\n  board: {mail: [board@example.com]}\nbackup: {waived: a test}\n",
    )?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    site.wait_for_frames(&file(&site, &ALONG)?)?;
    site.lab().set_fault("along03", Fault::InstallFails).await?;
    site.lab().set_fault("held1", Fault::ProcfsOpen).await?;
    site.lab().freeze("aborted1").await?;
    Ok(site)
}

/// The file of a rollout.
fn file(site: &Harness, rollout: &Rollout) -> Result<String> {
    let Rollout { name, how, .. } = rollout;
    let text = format!(
        "name: {name}\ntargets:\n  names: {name}*\noperation:\n  live_update: yes\n  \
         lpp_source: 7300-03-01\n  fixes: update_all\n  accept_licenses: yes\n  {how}"
    );
    let path = site.site_folder().join(format!("{name}.yaml"));
    std::fs::write(&path, text)?;
    Ok(path.to_str().context("a path")?.to_owned())
}

/// Kills it on both sides of an effect that it comes to by itself.
fn struck(site: &mut Harness, effect: Effect) -> Result<()> {
    SIDES.iter().try_for_each(|side| site.master().launch_into(&place(side, effect)))
}

/// Kills it on both sides of what somebody does: before it is stored, and so it is done once more; and after that.
fn struck_by(site: &mut Harness, effect: Effect, words: &[&str]) -> Result<()> {
    SIDES.iter().try_for_each(|side| asked_into(site, side, effect, words))
}

/// Kills it at a place that it comes to because somebody asks for something.
fn asked_into(site: &mut Harness, side: &str, effect: Effect, words: &[&str]) -> Result<()> {
    launch(site, side, effect)?;
    let asked = site.master().nimctl_started(words.iter().copied())?;
    killed(site, side, effect, &asked)
}

fn launch(site: &mut Harness, side: &str, effect: Effect) -> Result<()> {
    site.master().launch_until(&format!("kill {}", place(side, effect)))
}

/// Waits until it was killed over what somebody has asked, whose answer may be lost with it.
fn killed(site: &mut Harness, side: &str, effect: Effect, asked: &Running) -> Result<()> {
    let killed = site.master().killed_at(&place(side, effect));
    killed.with_context(|| format!("nimctl said: {}", asked.said()))
}

/// Waits until a rollout is as `is` wants it.
fn until(site: &Harness, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
    wait_until(&format!("{name}: {what}"), || {
        let status = site.nimctl(["rollout", "status", name, "-o", "json"]).succeeded()?.json()?;
        Ok(if is(&status) { Ok(status) } else { Err(format!("{status:#}")) })
    })
}

fn waits_for(site: &Harness, name: &str, what: &str) -> Result<Value> {
    until(site, name, &format!("it waits for somebody to {what}"), |status| {
        status["waits_for"].as_str().is_some_and(|it| it.contains(what))
    })
}

fn targets(status: &Value) -> impl Iterator<Item = &Value> {
    status["targets"].as_array().into_iter().flatten()
}

/// A copy of `nimctl` that others may run: whoever started a rollout does not approve it.
fn for_everybody(site: &Harness) -> Result<PathBuf> {
    let copy = site.site_folder().join("nimctl");
    std::fs::copy(Harness::program("nimctl")?, &copy).context("no copy of nimctl")?;
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755))?;
    Ok(copy)
}

/// Holds a rollout that is over against what was to become of it: how each LPAR ended by nimd's word, and how often it was updated by the lab's.
fn is_as_undisturbed(site: &Harness, rollout: &Rollout) -> Result<()> {
    let name = rollout.name;
    let status = until(site, name, "it ends", |status| status["phase"] == "ended")?;
    let report = site.nimctl(["rollout", "report", name, "-o", "json"]).succeeded()?.json()?;
    ensure!(report["counts"] == status["counts"], "{report:#}\n{status:#}");
    let reported = report["lpars"].as_array().context("LPARs")?;
    ensure!(reported.len() == rollout.lpars.len(), "{report:#}");
    let (entries, world) = (site.lab().record()?, site.lab().world()?);
    for (lpar, _, end, updates) in rollout.lpars {
        let said = targets(&status).find(|one| one["lpar"] == *lpar).context("it is a target")?;
        ensure!(said["state"] == *end, "{lpar}: {said:#}");
        let one = reported.iter().find(|one| one["lpar"] == *lpar).context("it is reported")?;
        ensure!(one["state"] == *end, "{lpar}: {one:#}");
        let started = record::updates_started(&entries, lpar);
        ensure!(started == *updates, "{lpar} was updated {started} times");
        let level = &world.lpar(lpar)?.software.level;
        ensure!((level == TO) == (*end == "updated"), "{lpar} is {end}, and at {level}");
    }
    let counts = &status["counts"];
    let of = |ends: &[&str]| rollout.lpars.iter().filter(|one| ends.contains(&one.2)).count();
    for (count, ends) in [
        ("done", &["updated"][..]),
        ("failed", &["failed"]),
        ("left_out", &["cancelled", "skipped", "not_started"]),
    ] {
        ensure!(counts[count] == of(ends), "{count}: {counts}");
    }
    let replayed = site.nimctl(["rollout", "replay", name, "-o", "json"]).succeeded()?.json()?;
    ensure!(replayed["complete"] == true && replayed["differs"].is_null(), "{replayed:#}");
    Ok(())
}

/// Holds what the lab recorded against the limits of the rollout that ran along.
fn limits_held(site: &Harness) -> Result<()> {
    let of = |span: &Span| ALONG.lpars.iter().find(|one| one.0 == span.lpar);
    let mut spans = spans(&site.lab().record()?);
    spans.retain(|span| of(span).is_some());
    ensure!(spans.len() == ALONG.lpars.len(), "{spans:?}");
    let frames = most(&spans, |span| format!("{:?}", of(span).map(|one| one.1)));
    ensure!(frames.len() == 2 && frames.values().all(|most| *most == 1), "{frames:?}");
    let whole = most(&spans, |_| "in flight".to_owned());
    ensure!(whole.values().all(|most| *most <= 2), "{whole:?}");
    Ok(())
}

/// Level to which all are updated.
const TO: &str = "7300-03-01-2520";
