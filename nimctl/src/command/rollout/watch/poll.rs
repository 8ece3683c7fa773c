//! Asks again and again, a second apart, also while `nimd` is away for a while.

use std::time::Duration;

use nim_shared::api::{WatchedRollout, Why};
use nim_shared::id::ObjectName;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::client::{AWAY_LIMIT, AWAY_PAUSE, Client, Target};
use crate::error::Error;
use crate::listener::Listener;

/// Between an answer and the next question.
const PAUSE: Duration = Duration::from_secs(1);

/// What was heard.
#[derive(Debug)]
pub(in crate::command) enum Heard {
    /// How it stands, with what happened since.
    Rollout(Box<WatchedRollout>),
    /// What the LPAR that is open waits for.
    Why(Vec<Why>),
    /// No answer; said once until there is one.
    Away,
    /// There are answers again.
    Back,
    /// Refused, or away for too long. Nothing follows.
    Failed(Error),
}

/// What is to be asked.
#[derive(Clone, Debug, Default)]
struct Wanted {
    /// The LPAR that is open.
    lpar: Option<ObjectName>,
    /// Goes up when something has changed that should be seen at once.
    nudge: u64,
}

/// A task that asks.
pub(in crate::command) struct Poll {
    heard: Listener<Heard>,
    wanted: watch::Sender<Wanted>,
}

impl Poll {
    /// Goes on after `first`.
    pub(in crate::command) fn begin(client: Client, first: &WatchedRollout) -> Self {
        let (wanted, wants) = watch::channel(Wanted::default());
        // By its id: another one may be started under the same name.
        let (id, last) = (first.view.id.to_string(), first.last_event);
        let heard = Listener::begin(4, Heard::Failed, |sender| async move {
            ask(&client, &id, last, wants, &sender).await
        });
        Self { heard, wanted }
    }

    /// What comes next. May be dropped while it waits.
    pub(in crate::command) async fn next(&mut self) -> Heard {
        self.heard.next().await
    }

    /// From now on it is also asked what this LPAR waits for.
    pub(super) fn open(&self, lpar: Option<ObjectName>) {
        self.wanted.send_modify(|wanted| wanted.lpar = lpar);
    }

    /// Asks now.
    pub(super) fn nudge(&self) {
        self.wanted.send_modify(|wanted| wanted.nudge += 1);
    }
}

/// Asks until nobody listens any more.
async fn ask(
    client: &Client,
    id: &str,
    mut last: i64,
    mut wants: watch::Receiver<Wanted>,
    sender: &mpsc::Sender<Heard>,
) -> Result<(), Error> {
    let mut away_since: Option<Instant> = None;
    loop {
        let lpar = wants.borrow_and_update().lpar.clone();
        let more = match once(client, id, last, lpar.as_ref()).await {
            Ok((rollout, why)) => {
                if away_since.take().is_some() && sender.send(Heard::Back).await.is_err() {
                    return Ok(());
                }
                last = rollout.last_event;
                let more = !rollout.events.is_empty() && rollout.view.phase == "ended";
                if sender.send(Heard::Rollout(Box::new(rollout))).await.is_err() {
                    return Ok(());
                }
                if let Some(why) = why
                    && sender.send(Heard::Why(why)).await.is_err()
                {
                    return Ok(());
                }
                more
            }
            Err(error @ (Error::NoServer { .. } | Error::Lost { .. } | Error::TooSlow { .. })) => {
                let since = match away_since {
                    Some(since) => since,
                    None => {
                        if sender.send(Heard::Away).await.is_err() {
                            return Ok(());
                        }
                        *away_since.insert(Instant::now())
                    }
                };
                if since.elapsed() > AWAY_LIMIT {
                    return Err(error);
                }
                false
            }
            Err(error) => return Err(error),
        };
        let pause = match (more, away_since) {
            (true, _) => Duration::ZERO,
            (false, Some(_)) => AWAY_PAUSE,
            (false, None) => PAUSE,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = wants.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

async fn once(
    client: &Client,
    id: &str,
    last: i64,
    lpar: Option<&ObjectName>,
) -> Result<(WatchedRollout, Option<Vec<Why>>), Error> {
    let target = Target::new(&["rollouts", id, "watch"]).with("after", last.to_string());
    let rollout = client.get(target).await?;
    let why = match lpar {
        Some(lpar) => Some(client.get(Target::new(&["why", lpar.as_str()])).await?),
        None => None,
    };
    Ok((rollout, why))
}
