//! Messages to web hooks, posted as JSON and signed by Standard Webhooks 1.0.0: the headers `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`. Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nim_shared::VERSION;
use nim_shared::frame::SecretText;
use nim_shared::notice::{Message, WebhookUrl};
use nim_shared::stamp::Timestamp;
use ring::hmac;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use uuid::Uuid;

/// Why a web hook does not have a message. Paths and queries of URLs are often secret, and are in none of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It answered that it does not take it.
    #[error("{place} answered {status}{}", remark(*.status))]
    Answered {
        /// Where.
        place: String,
        /// The status of HTTP.
        status: u16,
    },
    /// It did not answer in time.
    #[error("{place} did not answer in {} s", .after.as_secs())]
    TooLong {
        /// Where.
        place: String,
        /// After this time.
        after: Duration,
    },
    /// It could not be reached, or not be trusted.
    #[error("{place} cannot be reached: {why}")]
    Unreachable {
        /// Where.
        place: String,
        /// Why.
        why: String,
    },
    /// The certificates of this machine.
    #[error("no certificate of an authority can be read on this machine")]
    NoAuthorities(#[source] Option<rustls_native_certs::Error>),
    /// The secret.
    #[error("the secret begins with whsec_, and what follows is no base64")]
    BadSecret,
    /// The task that waits for it.
    #[error("it could not be waited for")]
    Task(#[source] tokio::task::JoinError),
}

impl Error {
    /// Whether it would be the same for ever: 410 says so.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }
}

/// What a status means that people often ask about.
const fn remark(status: u16) -> &'static str {
    match status {
        300..=399 => {
            ", which leads elsewhere: messages are posted where the policy says and nowhere else"
        }
        401 | 403 => ", so it does not accept the signature or the address",
        404 => ": nothing is there",
        410 => ", so it wants no more of them",
        _ => "",
    }
}

/// Posts a message, once.
///
/// # Errors
/// Why it did not arrive, or may not have.
pub(super) async fn post(
    url: &WebhookUrl,
    secret: SecretText,
    id: Uuid,
    at: Timestamp,
    message: &Message,
    within: Duration,
) -> Result<(), Error> {
    let body = serde_json::json!(message).to_string();
    let id = format!("msg_{}", id.simple());
    let at = at.get().unix_timestamp();
    let signature = sign(&secret, &id, at, &body)?;
    let (url, place) = (url.as_str().to_owned(), url.place().to_owned());
    // At most a few at a time, each within its limit: no more threads than these wait.
    let posted = tokio::task::spawn_blocking(move || {
        let agent = agent(url.starts_with("https:"), within)?;
        let sent = agent
            .post(&url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", &signature)
            .send(&body);
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(Error::Answered { place, status: answer.status().as_u16() }),
            Err(ureq::Error::Timeout(_)) => Err(Error::TooLong { place, after: within }),
            Err(error) => Err(Error::Unreachable { why: told(&error, &url, &place), place }),
        }
    });
    posted.await.map_err(Error::Task)?
}

/// Why it could not be reached.
fn told(error: &ureq::Error, url: &str, place: &str) -> String {
    let text = match error {
        ureq::Error::Io(cause) if cause.kind() == io::ErrorKind::ConnectionRefused => {
            "connection refused".to_owned()
        }
        other => other.to_string(),
    };
    text.replace(url, place)
}

/// What posts: no redirects are followed, and a proxy is taken where the environment of nimd names one.
fn agent(tls: bool, within: Duration) -> Result<ureq::Agent, Error> {
    let mut config = ureq::Agent::config_builder()
        .timeout_global(Some(within))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(format!("nimd/{VERSION}"));
    if tls {
        config = config.tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::Specific(Arc::new(authorities()?)))
                .unversioned_rustls_crypto_provider(Arc::new(
                    rustls::crypto::ring::default_provider(),
                ))
                .build(),
        );
    }
    Ok(config.build().into())
}

/// The authorities that this machine trusts, read anew each time: a site adds its own as it does for all other programs.
fn authorities() -> Result<Vec<Certificate<'static>>, Error> {
    let mut found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Error::NoAuthorities(found.errors.pop()));
    }
    Ok(found.certs.iter().map(|one| Certificate::from_der(one).to_owned()).collect())
}

/// The signature of a message.
fn sign(secret: &SecretText, id: &str, at: i64, body: &str) -> Result<String, Error> {
    let key = match secret.reveal().strip_prefix("whsec_") {
        Some(coded) => STANDARD.decode(coded).map_err(|_| Error::BadSecret)?,
        None => secret.reveal().as_bytes().to_vec(),
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values computed with the reference implementation's test vector.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let body = r#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let of = |secret: &str| sign(&SecretText::new(secret.to_owned()), id, 1_614_265_330, body);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap(), expected);
        assert_ne!(of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap(), expected);
        assert!(matches!(of("whsec_!"), Err(Error::BadSecret)));
    }

    #[test]
    fn only_gone_is_for_ever_and_no_error_shows_the_path() {
        let answered = |status| Error::Answered { place: "https://h".to_owned(), status };
        assert!(answered(410).is_final());
        assert!(
            ![301, 400, 401, 404, 429, 500, 503]
                .into_iter()
                .any(|status| answered(status).is_final())
        );
        let url = "https://h/hooks/T0/secret";
        let text = told(&ureq::Error::BadUri(url.to_owned()), url, "https://h");
        assert!(!text.contains("secret"), "{text}");
    }
}
