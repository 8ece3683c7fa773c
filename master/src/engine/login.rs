//! Passwords for management consoles, on their way to an agent: one login at a time for each console, and none with a password
//! that was refused. Three refused logins lock the account on an HMC.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nim_shared::frame::{Body, ChangeMoment, Effect, Event, Known, SecretText};
use nim_shared::id::ObjectName;
use tokio::time::Instant;

use super::shared::Shared;
use crate::store;
use crate::store::secret::{Login, LoginOutcome, Turn};

/// How long one login may take before others may try: an agent's own limit for it is shorter.
const LASTS: Duration = Duration::from_secs(120);

/// Pause before the turn is asked for again.
pub(super) const AGAIN: Duration = Duration::from_millis(500);

/// Which consoles' turns were asked for of late: of the sessions that wait for one, however many they are, one at a time asks the database.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<ObjectName, Instant>>);

impl Turns {
    /// Whether a session that was told to wait may ask for the turn at `console` again.
    pub(super) fn may_ask(&self, console: &ObjectName) -> bool {
        let mut asked = self.lock();
        if asked.get(console).is_some_and(|at| at.elapsed() < AGAIN) {
            return false;
        }
        asked.insert(console.clone(), Instant::now());
        true
    }

    /// The turn at `console` was given back here: the next one need not wait.
    pub(super) fn given_back(&self, console: &ObjectName) {
        self.lock().remove(console);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectName, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an agent gets that asked for a secret.
#[derive(Debug)]
pub(super) enum Answer {
    /// The secret; the login that it is for is under way.
    Secret(SecretText),
    /// Nothing: there is none, or it may not be used until it is changed.
    Nothing(String),
    /// Another login at the same console is under way.
    Later,
}

/// Asks for the turn for `login`, and opens the secret.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn answer(shared: &Shared, login: Login<'_>) -> Result<Answer, store::Error> {
    let secret = login.secret;
    match shared.store.login_begin(login, LASTS).await {
        Ok(Turn::Yours) => {}
        Ok(Turn::Wait(_)) => return Ok(Answer::Later),
        Ok(Turn::Refused { by, .. }) => {
            return Ok(Answer::Nothing(format!(
                "{by} refused the secret {secret}; set it anew with `nimctl secret set {secret}`"
            )));
        }
        Err(store::Error::NoSuchSecret { .. }) => {
            return Ok(Answer::Nothing(format!(
                "there is no secret {secret}; set it with `nimctl secret set {secret}`"
            )));
        }
        Err(error) => return Err(error),
    }
    let value = shared.store.secret_open(&shared.secrets, secret).await?;
    Ok(Answer::Secret(value))
}

/// What a journal event says about a login that is under way.
#[must_use]
pub(super) fn outcome(event: &Event) -> Option<LoginOutcome> {
    let Body::Known(known) = &event.body else { return None };
    match &**known {
        Known::Change(change) if matches!(change.effect, Effect::ConsoleToken { .. }) => {
            match change.moment.known() {
                Some(ChangeMoment::Done) => Some(LoginOutcome::Accepted),
                _ => None,
            }
        }
        Known::Code { code, .. } if is_rejection(code) => Some(LoginOutcome::Refused),
        // What hmcauth said stands in the report alone: the operation ends by it.
        Known::Finished(report) if report.codes.iter().any(|code| is_rejection(code)) => {
            Some(LoginOutcome::Refused)
        }
        Known::Finished(_) => Some(LoginOutcome::Unknown),
        _ => None,
    }
}

/// Logon rejected. Source: Live Update reference §3.3.
fn is_rejection(code: &str) -> bool {
    code.starts_with("PMCSS")
}
