//! Sends messages about rollouts to receivers of the site's policy: to web hooks, and to people by mail.
//!
//! What is to be sent is in the database (`store::notice`), kept with what it tells of; here is only how: a few at a time, each receiver
//! in the order of its messages, again with longer and longer pauses where it failed, until it is too old to be of use to anybody.

mod mail;
pub(crate) mod webhook;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nim_shared::id::{MasterId, ObjectName};
use nim_shared::notice::{Message, Receiver, Way};
use nim_shared::policy::Policy;
use nim_shared::stamp::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::api::RolloutEffect;
use crate::crash;
use crate::engine::lease::Guard;
use crate::store::notice::{Delivery, Notice};
use crate::store::notify::Topic;
use crate::store::secret::KeyFile;
use crate::store::{self, Store};
use crate::taken::Taken;
use crate::telemetry::chain;

/// How messages are sent. Settings of `nimd`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program that mails are given to, called as sendmail is.
    pub mail: Option<PathBuf>,
    /// How long sending one may take.
    pub time: Duration,
    /// How old a message may become.
    pub give_up: Duration,
}

/// Sends messages of this master.
#[derive(Clone, Debug)]
pub struct Sender {
    store: Store,
    secrets: KeyFile,
    settings: Settings,
    stop: CancellationToken,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    /// The policy has no such receiver.
    #[error("the policy of the site names no receiver {0}")]
    NoReceiver(ObjectName),
    /// The policy says it wrongly: another version of nimd let it in.
    #[error("the receiver {0} {1}")]
    Faulty(ObjectName, &'static str),
    /// No program sends mails.
    #[error("nimd has no program for mails: notify.mail of its settings names one")]
    NoMail,
    /// The secret or the policy.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The web hook.
    #[error(transparent)]
    Webhook(#[from] webhook::Error),
    /// The program.
    #[error(transparent)]
    Mail(#[from] mail::Error),
    /// The policy cannot be read.
    #[error("{0}")]
    Policy(String),
}

impl Sender {
    /// Sends until `stop`.
    #[must_use]
    pub const fn new(
        store: Store,
        secrets: KeyFile,
        settings: Settings,
        stop: CancellationToken,
    ) -> Self {
        Self { store, secrets, settings, stop }
    }

    /// Whether a receiver could be told now, as far as that can be known without telling it anything.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self, name: &ObjectName, policy: &Policy) -> Result<(), Unsent> {
        match way(name, policy)? {
            Way::Webhook { secret, .. } => {
                self.store.secret_info(secret).await?;
            }
            Way::Mail(_) => {
                self.settings.mail.as_ref().ok_or(Unsent::NoMail)?;
            }
        }
        Ok(())
    }

    /// Sends one message, once. Where it went.
    ///
    /// # Errors
    /// Why it did not arrive, or may not have.
    pub async fn send(
        &self,
        name: &ObjectName,
        policy: &Policy,
        id: Uuid,
        message: &Message,
    ) -> Result<String, Unsent> {
        match way(name, policy)? {
            Way::Webhook { url, secret } => {
                let secret = self.store.secret_open(&self.secrets, secret).await?;
                let at = self.store.now().await?;
                webhook::post(url, secret, id, at, message, self.settings.time).await?;
                Ok(url.place().to_owned())
            }
            Way::Mail(addresses) => {
                let program = self.settings.mail.as_ref().ok_or(Unsent::NoMail)?;
                let at = self.store.now().await?;
                let mail = mail::text(addresses, id, at, message);
                mail::give(program, &mail, self.settings.time, &self.stop).await?;
                let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                Ok(all.join(", "))
            }
        }
    }

    /// Sends what is due, as `master`, while its lease is good.
    pub async fn run(self, master: MasterId, lease: Guard) {
        let mut hints = self.store.hints(&[Topic::Work]);
        let sender = Arc::new(self);
        let panicked = || Delivery::Again(LONGEST_PAUSE, "sending it ended in a panic".to_owned());
        let mut round = Round { taken: Taken::new("sending a message", panicked), said: None };
        loop {
            if lease.may_command() {
                round.take_up(&sender, master).await;
            }
            tokio::select! {
                () = sender.stop.cancelled() => break,
                true = round.taken.ends() => {}
                () = hints.wait(LOOK) => {}
            }
            round.note(&sender.store, master).await;
        }
        // A mail program is ended with nimd, and a post ends by its time limit.
        while round.taken.ends().await {}
        round.note(&sender.store, master).await;
    }

    /// What becomes of a message now.
    async fn deliver(&self, notice: &Notice, policy: &Result<Policy, String>) -> Delivery {
        let Notice { receiver, id, message, .. } = notice;
        if let Some(rollout) = &message.data.rollout {
            crash::before(RolloutEffect::Tell, &rollout.name);
        }
        let sent = match policy {
            Ok(policy) => self.send(receiver, policy, *id, message).await,
            Err(why) => Err(Unsent::Policy(why.clone())),
        };
        if let Some(rollout) = &message.data.rollout {
            crash::after(RolloutEffect::Tell, &rollout.name);
        }
        let unsent = match sent {
            Ok(place) => {
                info!(notice.id = %id, "{receiver} was told of \"{}\" at {place}", message.subject);
                return Delivery::Sent;
            }
            Err(unsent) => unsent,
        };
        let why = chain(&unsent);
        let now = match self.store.now().await {
            Ok(now) => now,
            // How old it is shows at the next try.
            Err(_) => notice.created_at,
        };
        let delivery = after_failure(notice, now, self.settings.give_up, &unsent, why);
        match &delivery {
            Delivery::Again(pause, why) => {
                warn!(notice.id = %id, "{receiver} was not told of \"{}\", again in {} s: {why}",
                    message.subject, pause.as_secs());
            }
            Delivery::GivenUp(why) => {
                error!(notice.id = %id, "{receiver} is not told of \"{}\", given up: {why}", message.subject);
            }
            Delivery::Sent => {}
        }
        delivery
    }
}

/// Whether it is tried again, and when.
fn after_failure(
    notice: &Notice,
    now: Timestamp,
    give_up: Duration,
    unsent: &Unsent,
    why: String,
) -> Delivery {
    let doublings = notice.attempts.saturating_sub(1).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    let age = Duration::try_from(now.since(notice.created_at)).unwrap_or_default();
    let is_over = match unsent {
        // Whoever changed the policy does not want it told there any more.
        Unsent::NoReceiver(_) => true,
        Unsent::Webhook(error) => error.is_final(),
        Unsent::Faulty(..)
        | Unsent::NoMail
        | Unsent::Store(_)
        | Unsent::Mail(_)
        | Unsent::Policy(_) => false,
    };
    if is_over || age + pause > give_up {
        Delivery::GivenUp(why)
    } else {
        Delivery::Again(pause, why)
    }
}

/// How a receiver of the policy is reached.
fn way<'p>(name: &ObjectName, policy: &'p Policy) -> Result<Way<'p>, Unsent> {
    let receiver: &Receiver =
        policy.receivers.get(name).ok_or_else(|| Unsent::NoReceiver(name.clone()))?;
    receiver.way().map_err(|why| Unsent::Faulty(name.clone(), why))
}

/// What this master has taken up and not noted yet.
struct Round {
    taken: Taken<Delivery>,
    /// What was said last of messages that could not be looked for: once is enough.
    said: Option<String>,
}

impl Round {
    /// Takes up what is due, as far as there is room.
    async fn take_up(&mut self, sender: &Arc<Sender>, master: MasterId) {
        let room = self.taken.room(TOGETHER);
        if room == 0 {
            return;
        }
        let notices = match sender.store.claim_notices(master, room).await {
            Ok(notices) => notices,
            Err(error) => {
                let why = chain(&error);
                if self.said.as_ref() != Some(&why) {
                    warn!(error = %why, "cannot look for messages to receivers");
                    self.said = Some(why);
                }
                return;
            }
        };
        self.said = None;
        if notices.is_empty() {
            return;
        }
        let policy = crate::api::policy_now(&sender.store).await;
        let policy = Arc::new(policy.map(Option::unwrap_or_default));
        for notice in notices {
            let (sender, policy) = (Arc::clone(sender), Arc::clone(&policy));
            let number = notice.number;
            self.taken.spawn(number, async move { sender.deliver(&notice, &policy).await });
        }
    }

    /// Notes what became of messages, all in one transaction. What cannot be noted stays, for the next time.
    async fn note(&mut self, store: &Store, master: MasterId) {
        let done = self.taken.done();
        if done.is_empty() {
            return;
        }
        match store.notices_done(master, done).await {
            Ok(()) => self.taken.noted(),
            Err(error) => {
                warn!(error = %chain(&error), "cannot note what became of messages to receivers");
            }
        }
    }
}

/// Most messages under way.
const TOGETHER: u32 = 8;

/// Longest time between two looks without a hint.
const LOOK: Duration = Duration::from_secs(1);

/// Pause after the first failure; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
