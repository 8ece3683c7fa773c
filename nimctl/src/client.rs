//! HTTP with `nimd` over its Unix socket.
//!
//! Each request has a connection of its own: on a Unix socket that costs less than the question whether an old one is still good,
//! and a restart of `nimd` between two requests goes unnoticed.

mod address;
mod events;
mod lines;

pub(crate) use address::{Address, DEFAULT, VARIABLE};
pub(crate) use events::Events;
pub(crate) use lines::Lines;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use nim_shared::api::{BASE, Failure, PAGE_LIMIT, Page};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::error::Error;

/// Longest wait for an answer. Only `hostkey scan` and `agent status` talk to hosts meanwhile, and `nimd` gives up on a host long before.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// Longest wait for a `nimd` that went away while we had to do with it: a restart, or another master that takes over.
pub(crate) const AWAY_LIMIT: Duration = Duration::from_secs(300);

/// How often it is tried whether it is back.
pub(crate) const AWAY_PAUSE: Duration = Duration::from_millis(500);

/// Largest answer, in bytes: a fleet of 100,000 LPARs as YAML.
const SIZE_LIMIT: usize = 256 << 20;

/// A way to `nimd`.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    socket: PathBuf,
    /// Longest wait for an answer.
    limit: Duration,
}

/// Path and query of a request, values escaped.
#[derive(Clone, Debug)]
pub(crate) struct Target(String);

impl Target {
    /// `/v1/` and `parts`, each a name that may hold any character.
    pub(crate) fn new(parts: &[&str]) -> Self {
        let mut text = BASE.to_owned();
        for part in parts {
            text.push('/');
            escape(&mut text, part);
        }
        Self(text)
    }

    /// With one more parameter.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0 += name;
        self.0.push('=');
        escape(&mut self.0, value.as_ref());
        self
    }

    /// With one more parameter for each of `values`.
    pub(crate) fn with_each<T: AsRef<str>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        values.into_iter().fold(self, |target, value| target.with(name, value))
    }
}

/// Writes `text` so that nothing in it means anything in a URL.
fn escape(into: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            into.push(byte.into());
        } else {
            *into += &format!("%{byte:02X}");
        }
    }
}

impl Client {
    pub(crate) fn new(address: Address) -> Self {
        Self { socket: address.socket, limit: ANSWER_LIMIT }
    }

    /// The same with another limit for an answer, for what takes `nimd` long.
    pub(crate) fn with_limit(&self, limit: Duration) -> Self {
        Self { socket: self.socket.clone(), limit }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, target: Target) -> Result<T, Error> {
        self.call(Method::GET, target, None).await
    }

    /// An answer that is text.
    pub(crate) async fn get_text(&self, target: Target) -> Result<Vec<u8>, Error> {
        self.bytes(Method::GET, target, None).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        target: Target,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body = json(body)?;
        self.call(Method::POST, target, Some(body)).await
    }

    /// As [`Client::post`], but while `nimd` is away the request is repeated. Only for a request that counts once however often it
    /// is made.
    pub(crate) async fn post_patiently<T: DeserializeOwned>(
        &self,
        target: Target,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let last = Instant::now() + AWAY_LIMIT;
        loop {
            match self.post(target.clone(), body).await {
                Err(Error::NoServer { .. } | Error::Lost { .. }) if Instant::now() < last => {
                    tokio::time::sleep(AWAY_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        target: Target,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body = json(body)?;
        self.call(Method::PUT, target, Some(body)).await
    }

    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        target: Target,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body = json(body)?;
        self.call(Method::PATCH, target, Some(body)).await
    }

    pub(crate) async fn delete(&self, target: Target) -> Result<(), Error> {
        self.bytes(Method::DELETE, target, None).await.map(drop)
    }

    /// All rows of a listing that nimd answers in one piece.
    pub(crate) async fn whole<T: DeserializeOwned>(&self, target: Target) -> Result<Vec<T>, Error> {
        self.get::<Page<T>>(target).await.map(|page| page.items)
    }

    /// All rows of a listing, or the first `most`.
    pub(crate) async fn pages<T: DeserializeOwned>(
        &self,
        target: Target,
        most: Option<usize>,
    ) -> Result<Vec<T>, Error> {
        let most = most.unwrap_or(usize::MAX);
        let mut rows = Vec::new();
        let mut after: Option<String> = None;
        while rows.len() < most {
            let limit = (most - rows.len()).min(usize::try_from(PAGE_LIMIT).unwrap_or(usize::MAX));
            let page = target.clone().with("limit", limit.to_string()).with_each("after", after);
            let Page { items, next } = self.get::<Page<T>>(page).await?;
            let empty = items.is_empty();
            rows.extend(items);
            match next {
                // A page without rows that promises more would be asked for without end.
                Some(next) if !empty => after = Some(next),
                _ => break,
            }
        }
        rows.truncate(most);
        Ok(rows)
    }

    /// Opens a stream of items.
    pub(crate) async fn lines<T: DeserializeOwned>(
        &self,
        target: Target,
    ) -> Result<Lines<T>, Error> {
        let asked = format!("GET {}", target.0);
        let request = Request::builder().method(Method::GET).uri(&target.0).header(HOST, "nimd");
        let request = request.body(Full::default());
        let request = request.map_err(|cause| not_understood(&asked, cause))?;
        let response = within(self.limit, &asked, self.send(&asked, request)).await?;
        if response.status().is_success() {
            Ok(Lines::new(response.into_body(), asked, self.limit))
        } else {
            Err(within(self.limit, &asked, refusal(&asked, response)).await?)
        }
    }

    /// Opens a stream of server-sent events, after the one with the id `last` where there is one.
    pub(crate) async fn events(&self, target: Target, last: Option<&str>) -> Result<Events, Error> {
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(&target.0)
            .header(HOST, "nimd")
            .header(ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let asked = format!("GET {}", target.0);
        let request = request.body(Full::default());
        let request = request.map_err(|cause| not_understood(&asked, cause))?;
        let response = within(self.limit, &asked, self.send(&asked, request)).await?;
        if response.status().is_success() {
            Ok(Events::new(response.into_body(), asked))
        } else {
            Err(within(self.limit, &asked, refusal(&asked, response)).await?)
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        target: Target,
        body: Option<Bytes>,
    ) -> Result<T, Error> {
        let asked = format!("{method} {}", target.0);
        let bytes = self.bytes(method, target, body).await?;
        serde_json::from_slice(&bytes).map_err(|cause| not_understood(&asked, cause))
    }

    async fn bytes(
        &self,
        method: Method,
        target: Target,
        body: Option<Bytes>,
    ) -> Result<Vec<u8>, Error> {
        let asked = format!("{method} {}", target.0);
        let mut request = Request::builder().method(method).uri(&target.0).header(HOST, "nimd");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.unwrap_or_default()));
        let request = request.map_err(|cause| not_understood(&asked, cause))?;
        within(self.limit, &asked, async {
            let response = self.send(&asked, request).await?;
            if response.status().is_success() {
                collect(&asked, response.into_body()).await
            } else {
                Err(refusal(&asked, response).await?)
            }
        })
        .await
    }

    async fn send(
        &self,
        asked: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Error> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|cause| Error::NoServer { at: self.socket.clone(), cause })?;
        let lost = |cause| Error::Lost { asked: asked.to_owned(), cause: Box::new(cause) };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        // Ends with the response's body, or with the runtime; what goes wrong in it is seen by whoever reads the body.
        drop(tokio::spawn(connection));
        sender.send_request(request).await.map_err(lost)
    }
}

/// Waits for an answer, but not for ever.
async fn within<T>(
    limit: Duration,
    asked: &str,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        Err(Error::TooSlow { asked: asked.to_owned(), seconds: limit.as_secs() })
    })
}

/// The whole of a body.
async fn collect(asked: &str, body: Incoming) -> Result<Vec<u8>, Error> {
    let collected = Limited::new(body, SIZE_LIMIT).collect().await;
    let collected = collected.map_err(|cause| Error::Lost { asked: asked.to_owned(), cause })?;
    Ok(collected.to_bytes().into())
}

/// What an answer that is no success says.
async fn refusal(asked: &str, response: Response<Incoming>) -> Result<Error, Error> {
    let status: StatusCode = response.status();
    let body = collect(asked, response.into_body()).await?;
    Ok(match serde_json::from_slice::<Failure>(&body) {
        Ok(failure) => Error::Server(Box::new(failure)),
        Err(_) => not_understood(asked, format!("HTTP status {status} without a reason")),
    })
}

fn json(body: &impl Serialize) -> Result<Bytes, Error> {
    let body = serde_json::to_vec(body)
        .map_err(|cause| Error::Format { format: "JSON", cause: Box::new(cause) })?;
    Ok(body.into())
}

fn not_understood(
    asked: &str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::NotUnderstood { asked: asked.to_owned(), cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_means_anything_in_a_url() {
        let target =
            Target::new(&["objects", "a/b?c#d%é"]).with("name", "lpar*").with("x", "a&b=c");
        assert_eq!(target.0, "/v1/objects/a%2Fb%3Fc%23d%25%C3%A9?name=lpar%2A&x=a%26b%3Dc");
    }
}
