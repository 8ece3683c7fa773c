//! The rollout in the lab: the nimd of the rehearsal is told of the site, and runs it as it runs any other.

use std::path::Path;
use std::time::Duration;

use nim_shared::api::{
    Applied, Apply, Discover, Discovered, FrameStatus, ImportKeys, PlanRollout, PolicyView,
    RolloutPlanned, RolloutReport, RolloutView, SecretView, SetPolicy, SetSecret, StartRollout,
    Trusted, WatchedRollout,
};
use nim_shared::frame::SecretText;
use nim_shared::id::ClientToken;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::fault::Set;
use super::folder::Folder;
use super::{fleet, program, site};
use crate::client::{Client, Target};
use crate::command::rollout::{Heard, LIMIT, Poll, line, standing};
use crate::error::Error;
use crate::output::Printer;

/// What is played, and where.
#[derive(Debug)]
pub(super) struct Play<'a> {
    pub(super) client: &'a Client,
    pub(super) folder: &'a Folder,
    pub(super) copy: &'a nim_shared::api::LabCopy,
    pub(super) faults: &'a [Set],
    /// The program of the lab, which sets faults.
    pub(super) lab: &'a Path,
    pub(super) printer: Printer,
}

/// What came out.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) report: RolloutReport,
    /// What it stands still for, of one that did not come to its end.
    pub(super) stopped_by: Option<String>,
    /// Whom the plan in the lab left out, with the reason.
    pub(super) left_out: Vec<String>,
}

impl Play<'_> {
    /// Runs it to its end, or until it stands still for somebody to come.
    ///
    /// # Errors
    /// What nimd refuses, or that it does not get ready.
    pub(super) async fn run(&self) -> Result<Played, Error> {
        self.register().await?;
        self.wait_until_read().await?;
        for Set { host, fault, at } in self.faults {
            let folder = self.folder.lab();
            let folder = folder.to_string_lossy();
            let at = at.iter().flat_map(|phase| ["--at", phase]);
            let words: Vec<&str> =
                ["fault", host, fault, "--dir", &folder].into_iter().chain(at).collect();
            program::ask(self.lab, &words).await?;
        }
        let file = self.folder.read(super::ROLLOUT)?;
        let body = PlanRollout { file: file.clone(), what_if: None, begin: None };
        let client = self.client.with_limit(LIMIT);
        let planned: RolloutPlanned = client.post(Target::new(&["rollout", "plan"]), &body).await?;
        let left_out = planned.plan.excluded.iter();
        let left_out = left_out.map(|one| format!("{}: {}", one.name, one.why)).collect();
        let token = ClientToken(Uuid::new_v4());
        let body = StartRollout { token, file, begin: None, fingerprint: None, ticket: None };
        let started: RolloutView = client.post(Target::new(&["rollouts"]), &body).await?;
        let stopped_by = self.follow(&started).await?;
        let target = Target::new(&["rollouts", &started.id.to_string(), "report"]);
        let report = client.get(target).await?;
        Ok(Played { report, stopped_by, left_out })
    }

    /// Tells nimd of the site: objects, host keys, the policy of the lab, passwords, and what the HMCs show.
    async fn register(&self) -> Result<(), Error> {
        let lab = self.folder.lab();
        let written = crate::command::apply::read(&lab.join("fleet.yaml"))?;
        let objects = fleet::objects(written, self.copy)?;
        self.folder.write(super::FLEET, &objects.text)?;
        let body = Apply { files: vec![self.folder.read(super::FLEET)?], dry_run: false };
        let _: Applied = self.client.with_limit(LIMIT).post(Target::new(&["apply"]), &body).await?;
        let file = crate::command::apply::read(&lab.join("known_hosts"))?;
        let body = ImportKeys { file, replace: false };
        let _: Trusted = self.client.post(Target::new(&["hostkeys", "import"]), &body).await?;
        let body = SetPolicy { file: crate::command::apply::read(&lab.join("policy.yaml"))? };
        let _: PolicyView = self.client.put(Target::new(&["policy"]), &body).await?;
        for name in &objects.passwords {
            let value = SecretText::new(site::PASSWORD.to_owned());
            let target = Target::new(&["secrets", name.secret().as_str()]);
            let _: SecretView = self.client.put(target, &SetSecret { value, login: None }).await?;
        }
        let body = Discover { hmcs: Vec::new(), dry_run: false };
        let client = self.client.with_limit(READ);
        let found: Discovered = client.post(Target::new(&["discover"]), &body).await?;
        match found.failed.into_iter().next() {
            None => Ok(()),
            Some(failed) => Err(Error::Server(Box::new(failed.failure))),
        }
    }

    /// Waits until nimd has read what the frames have and what their VIOSes serve: before that a plan has nobody in it.
    async fn wait_until_read(&self) -> Result<(), Error> {
        let last = Instant::now() + READ;
        loop {
            let unread = self.unread().await?;
            if unread.is_empty() {
                return Ok(());
            }
            if Instant::now() > last {
                return Err(Error::LabNotReady {
                    what: format!("nimd has not read {} of the lab", unread.join(", ")),
                    seconds: READ.as_secs(),
                });
            }
            sleep(PACE).await;
        }
    }

    /// Frames and VIOSes that were not read yet.
    async fn unread(&self) -> Result<Vec<String>, Error> {
        let mut frames = self.client.lines::<FrameStatus>(Target::new(&["frames"])).await?;
        let mut unread = Vec::new();
        while let Some(frame) = frames.next().await? {
            if frame.reading.is_none() {
                unread.push(frame.name.to_string());
            }
            let vioses = frame.partitions.iter().filter(|one| {
                one.vios
                    .as_ref()
                    .is_some_and(|vios| vios.read_at.is_none() && vios.failure.is_none())
            });
            unread.extend(vioses.filter_map(|one| one.object.as_ref()).map(ToString::to_string));
        }
        Ok(unread)
    }

    /// Says what happens until it is over; what it stands still for, where it is not.
    async fn follow(&self, started: &RolloutView) -> Result<Option<String>, Error> {
        let target = Target::new(&["rollouts", &started.id.to_string(), "watch"]);
        let first: WatchedRollout = self.client.get(target).await?;
        let say = |text: String| self.printer.note(text.trim_end());
        say(standing(&first.view, first.at));
        let mut poll = Poll::begin(self.client.clone(), &first);
        loop {
            match poll.next().await {
                Heard::Rollout(now) => {
                    now.events.iter().for_each(|event| say(line(&now.view.name, event)));
                    if now.events.is_empty() && stands(&now.view) {
                        say(standing(&now.view, now.at));
                        let ended = now.view.phase == "ended";
                        let why = now.view.waits_for.unwrap_or(now.view.phase);
                        return Ok((!ended).then_some(why));
                    }
                }
                Heard::Why(_) | Heard::Away | Heard::Back => {}
                Heard::Failed(error) => return Err(error),
            }
        }
    }
}

/// Whether nothing happens any more unless somebody does something.
fn stands(view: &RolloutView) -> bool {
    let waits = |what: &str| view.waits_for.as_ref().is_some_and(|waits| waits.contains(what));
    view.phase == "ended"
        || (view.counts.in_flight == 0 && (view.phase == "stopped" || waits("somebody to")))
}

/// How long nimd may take to read the site.
const READ: Duration = Duration::from_secs(600);

/// Between two looks at what it has read.
const PACE: Duration = Duration::from_millis(500);
