//! What receivers are told of a change of a rollout: stored with the change.

use nim_rollout::file::{Notify, Rollout as File};
use nim_rollout::plan::Plan;
use nim_rollout::run::{Is, Orders, Phase, State, TargetNumber};
use nim_shared::api::{FileFault, RolloutCounts};
use nim_shared::id::{ObjectName, RolloutId};
use nim_shared::near::closest;
use nim_shared::notice::{Message, Subject, Told, ToldLpar, ToldRollout};
use nim_shared::stamp::Timestamp;
use nim_shared::ticket::Ticket;

use super::run::{counts, gate, standing};
use crate::api::Api;
use crate::api::error::{Answer, Refusal};
use crate::api::policy::current;
use crate::notices::Unsent;
use crate::store::notice::NewNotice;
use crate::store::rollout::Rollout;
use crate::store::{self, Who};
use crate::telemetry::chain;

/// The rollout that changes.
pub(super) struct Of<'a> {
    pub(super) id: RolloutId,
    pub(super) plan: &'a Plan,
    pub(super) orders: &'a Orders,
    pub(super) ticket: Option<&'a Ticket>,
}

impl<'a> Of<'a> {
    pub(super) fn kept(rollout: &'a Rollout) -> Self {
        let Rollout { id, plan, orders, ticket, .. } = rollout;
        Self { id: *id, plan, orders, ticket: ticket.as_ref() }
    }
}

/// A change.
pub(super) struct Change<'a> {
    pub(super) before: &'a State,
    pub(super) after: &'a State,
    /// Who did it; `None` for nimd itself.
    pub(super) by: Option<Who>,
    pub(super) at: Timestamp,
}

/// What is told of a change, to each of `whom` what it wants. `why` says of a target what decided how it ended, where that is known.
pub(super) fn notices(
    of: &Of<'_>,
    whom: &[Notify],
    change: &Change<'_>,
    why: impl Fn(TargetNumber) -> Option<String>,
) -> Vec<NewNotice> {
    if whom.is_empty() {
        return Vec::new();
    }
    let mut notices = Vec::new();
    for (subject, targets) in change.after.tells(change.before, of.orders) {
        let message = message(of, change, subject, &targets, &why);
        let wants = whom.iter().filter(|one| one.wants(subject));
        notices.extend(
            wants.map(|one| NewNotice { receiver: one.to.clone(), message: message.clone() }),
        );
    }
    notices
}

fn message(
    of: &Of<'_>,
    change: &Change<'_>,
    subject: Subject,
    targets: &[TargetNumber],
    why: impl Fn(TargetNumber) -> Option<String>,
) -> Message {
    let state = change.after;
    let wave = of.plan.waves.get(state.wave);
    let wave = wave.map_or_else(|| of.plan.name.clone(), |wave| wave.name.clone());
    let counts = counts(state);
    let lpar = |&target: &TargetNumber| {
        let one = &state.targets[target as usize];
        let (name, _, own) = standing(one, of.plan.begin);
        let asks = one.asks.clone().filter(|_| matches!(one.is, Is::Waiting { .. }));
        ToldLpar {
            name: of.orders.targets[target as usize].lpar.clone(),
            state: match &one.is {
                // How it ended is what counts; that its memory is not back yet is another matter.
                Is::Releasing { end, .. } => super::run::ended(end).0.to_owned(),
                _ => name.to_owned(),
            },
            why: asks.or(own).or_else(|| why(target)),
        }
    };
    let text = text(of, change, subject, targets.len(), &wave, counts);
    Message {
        subject,
        timestamp: change.at,
        data: Told {
            text,
            rollout: Some(ToldRollout {
                id: of.id,
                name: of.plan.name.clone(),
                phase: state.phase.name().to_owned(),
                wave,
                ticket: of.ticket.cloned(),
                by: change.by.map(|who| who.uid),
                counts,
            }),
            lpars: targets.iter().take(Told::MOST).map(lpar).collect(),
            more_lpars: targets.len().saturating_sub(Told::MOST),
        },
    }
}

fn text(
    of: &Of<'_>,
    change: &Change<'_>,
    subject: Subject,
    targets: usize,
    wave: &ObjectName,
    counts: RolloutCounts,
) -> String {
    let name = &of.plan.name;
    let by = change.by.map(|who| format!(" by uid {}", who.uid)).unwrap_or_default();
    let lpars = if targets == 1 { "1 LPAR".to_owned() } else { format!("{targets} LPARs") };
    match subject {
        Subject::Started => {
            format!("rollout {name} of {} LPARs was started{by}", of.orders.targets.len())
        }
        Subject::Wave => format!("rollout {name}: wave {wave} is next"),
        Subject::Approval if targets > 0 => {
            format!("rollout {name}: {lpars} wait for somebody to approve them")
        }
        Subject::Approval => {
            let what =
                gate(change.after, of.plan.begin).unwrap_or_else(|| "an approval".to_owned());
            format!("rollout {name}, wave {wave}, waits for {what}")
        }
        Subject::Failed => format!("rollout {name}: {lpars} went wrong"),
        Subject::Stopped => {
            let why = match &change.after.phase {
                Phase::Stopped { why } => format!(": {why}"),
                _ => String::new(),
            };
            format!("rollout {name} stopped{why}; it waits for somebody to resume or abort it")
        }
        Subject::Paused => format!("rollout {name} was paused{by}"),
        Subject::Resumed => format!("rollout {name} goes on{by}"),
        Subject::Aborted => format!("rollout {name} was aborted{by}"),
        Subject::Ended => {
            let RolloutCounts { done, failed, unreachable, left_out, .. } = counts;
            format!(
                "rollout {name} has ended: {done} done, {failed} failed, {unreachable} unreachable, {left_out} left out"
            )
        }
        Subject::Test => "a test".to_owned(),
    }
}

/// Whether all that a rollout names can be told, as far as that can be known before.
///
/// # Errors
/// Who cannot, and why.
pub(super) async fn check(api: &Api, file: &File) -> Answer<()> {
    if file.notify.is_empty() {
        return Ok(());
    }
    let policy = current(&api.store).await?.unwrap_or_default();
    let mut faults = Vec::new();
    for Notify { to, .. } in &file.notify {
        let unsent = match api.sender.check(to, &policy).await {
            Ok(()) => continue,
            Err(Unsent::Store(error)) if !matches!(error, store::Error::NoSuchSecret { .. }) => {
                return Err(error.into());
            }
            Err(unsent) => unsent,
        };
        let names = || policy.receivers.keys().map(ObjectName::as_str);
        let is_unknown = matches!(unsent, Unsent::NoReceiver(_));
        let meant = is_unknown.then(|| closest(to.as_str(), names())).flatten();
        let meant = meant.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        faults.push(FileFault {
            file: None,
            line: None,
            path: format!("notify.{to}"),
            message: format!("{}{meant}", chain(&unsent)),
        });
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Refusal::refused(
        "NLU-0250",
        format!("rollout {} names receivers that cannot be told", file.name),
    )
    .hint("nimctl policy show; nimctl policy set FILE; nimctl secret set NAME")
    .faults(faults))
}
