//! The stream of what happens, kept open over restarts of `nimd`: the id of the last message says where to go on.

use nim_shared::api::Watched;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::client::{AWAY_LIMIT, AWAY_PAUSE, Client, Events, Target};
use crate::error::Error;
use crate::listener::Listener;

/// What came over the link.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message of `nimd`.
    Message(Box<Watched>),
    /// The connection is gone; said once until it is back.
    Away,
    /// The connection is there again.
    Back,
    /// Refused, or away for too long. Nothing follows.
    Failed(Error),
}

/// Begins to listen to `target`.
pub(super) fn open(client: Client, target: Target) -> Listener<Heard> {
    Listener::begin(
        64,
        Heard::Failed,
        |sender| async move { listen(&client, &target, &sender).await },
    )
}

/// Listens until `nimd` says that everything is at its end.
async fn listen(
    client: &Client,
    target: &Target,
    sender: &mpsc::Sender<Heard>,
) -> Result<(), Error> {
    let mut last: Option<String> = None;
    let mut away_since: Option<Instant> = None;
    loop {
        let lost = match client.events(target.clone(), last.as_deref()).await {
            Ok(events) => {
                if away_since.take().is_some() && sender.send(Heard::Back).await.is_err() {
                    return Ok(());
                }
                match forward(events, &mut last, sender).await {
                    Ok(true) => return Ok(()),
                    Ok(false) => None,
                    Err(error) => Some(error),
                }
            }
            Err(error) => Some(error),
        };
        match lost {
            None | Some(Error::NoServer { .. } | Error::Lost { .. } | Error::TooSlow { .. }) => {}
            Some(error) => return Err(error),
        }
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
            return Err(lost.unwrap_or_else(|| Error::TooSlow {
                asked: "GET watch".to_owned(),
                seconds: AWAY_LIMIT.as_secs(),
            }));
        }
        tokio::time::sleep(AWAY_PAUSE).await;
    }
}

/// Passes messages on until the stream ends. `true` when that was its proper end, or nobody listens.
async fn forward(
    mut events: Events,
    last: &mut Option<String>,
    sender: &mpsc::Sender<Heard>,
) -> Result<bool, Error> {
    while let Some(message) = events.next().await? {
        let watched: Watched = serde_json::from_str(&message.data).map_err(|cause| {
            Error::NotUnderstood { asked: "GET watch".to_owned(), cause: Box::new(cause) }
        })?;
        let end = matches!(watched, Watched::End);
        if sender.send(Heard::Message(Box::new(watched))).await.is_err() || end {
            return Ok(true);
        }
        // Only what was passed on counts as heard.
        *last = message.id.or(last.take());
    }
    Ok(false)
}
