//! Receivers of messages about rollouts: a test message, sent at once.

use axum::Json;
use axum::extract::State;
use nim_shared::api::{FailureKind, ReceiverTold};
use nim_shared::id::ObjectName;
use nim_shared::near::closest;
use nim_shared::notice::{Message, Subject, Told};
use tracing::info;
use uuid::Uuid;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Named};
use super::policy::current;
use crate::notices::{Unsent, webhook};
use crate::telemetry::causes;

/// `POST /v1/receivers/{name}/test`
pub(super) async fn test(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
) -> Answer<Json<ReceiverTold>> {
    let policy = current(&api.store).await?.unwrap_or_default();
    let told = Told {
        text: format!("a test of the receiver {name}, asked for by uid {}", who.uid),
        rollout: None,
        lpars: Vec::new(),
        more_lpars: 0,
    };
    let message = Message { subject: Subject::Test, timestamp: api.store.now().await?, data: told };
    let at = match api.sender.send(&name, &policy, Uuid::now_v7(), &message).await {
        Ok(at) => at,
        Err(Unsent::Store(error)) => return Err(error.into()),
        Err(unsent) => {
            let meant = closest(name.as_str(), policy.receivers.keys().map(ObjectName::as_str));
            let is_unknown = matches!(unsent, Unsent::NoReceiver(_));
            let hint = match meant.filter(|_| is_unknown) {
                Some(meant) => format!("nimctl notify {meant}"),
                None => where_to_look(&unsent).to_owned(),
            };
            let kind = if is_unknown { FailureKind::NotFound } else { FailureKind::Refused };
            let text = causes(Some(&unsent)).join(": ");
            return Err(Refusal::new(kind, "NLU-0251", text).hint(hint));
        }
    };
    info!(peer.uid = who.uid, "the receiver {name} was tested by uid {}", who.uid);
    Ok(Json(ReceiverTold { receiver: name, at }))
}

/// What to look at when a receiver could not be told.
const fn where_to_look(unsent: &Unsent) -> &'static str {
    match unsent {
        Unsent::NoMail => "notify.mail in nimd.yaml; nimd config --defaults says what it is",
        Unsent::Webhook(webhook::Error::BadSecret) => {
            "nimctl secret set NAME; nimctl policy show has the name of the secret"
        }
        Unsent::NoReceiver(_)
        | Unsent::Faulty(..)
        | Unsent::Store(_)
        | Unsent::Webhook(_)
        | Unsent::Mail(_)
        | Unsent::Policy(_) => "nimctl policy show",
    }
}
