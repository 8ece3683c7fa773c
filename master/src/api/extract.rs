//! What handlers take from a request. Each extractor refuses with a [`Failure`](nim_shared::api::Failure), never with bare text.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::Refusal;
use super::socket::Peer;
use crate::store::Who;
use crate::store::object::NamePattern;

/// Who is at the other end of the socket, as the kernel says.
pub(super) struct Asker(pub(super) Who);

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match parts.extensions.get::<ConnectInfo<Peer>>() {
            Some(ConnectInfo(Peer { uid: Some(uid), .. })) => Ok(Self(Who { uid: *uid })),
            // Every change is recorded with who made it; one whose maker is unknown is not made.
            Some(ConnectInfo(Peer { uid: None, .. })) | None => Err(Refusal::new(
                nim_shared::api::FailureKind::Forbidden,
                "NLU-0108",
                "the kernel does not say who is at the other end of the socket",
            )),
        }
    }
}

/// A body in JSON.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let too_large = rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE;
            match rejection {
                BytesRejection::FailedToBufferBody(_) if too_large => {
                    Refusal::usage("NLU-0103", "the body of the request is too large")
                        .hint("send less at a time, or raise api.body in nimd's settings")
                }
                other => Refusal::usage("NLU-0104", "the body of the request did not arrive")
                    .because(Some(&other)),
            }
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|cause| {
            Refusal::usage("NLU-0105", "the body of the request cannot be read")
                .because(Some(&cause))
        })
    }
}

/// The one parameter of a path.
pub(super) struct Named<T>(pub(super) T);

impl<S: Send + Sync, T: FromStr<Err: std::error::Error>> FromRequestParts<S> for Named<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|cause| {
                Refusal::usage("NLU-0106", "the path of the request cannot be read")
                    .because(Some(&cause))
            })?;
        text.parse().map(Self).map_err(|cause: T::Err| {
            Refusal::usage("NLU-0106", format!("\"{text}\" cannot be what is asked for"))
                .because(Some(&cause))
        })
    }
}

/// The query of a request: names and values in their order. What nobody takes is refused.
pub(super) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(pairs)| Self(pairs))
            .map_err(|cause| {
                Refusal::usage("NLU-0107", "the query of the request cannot be read")
                    .because(Some(&cause))
            })
    }
}

impl Query {
    /// Takes every value of `name`.
    pub(super) fn all<T: FromStr<Err: std::error::Error>>(
        &mut self,
        name: &str,
    ) -> Result<Vec<T>, Refusal> {
        let (taken, rest) = std::mem::take(&mut self.0).into_iter().partition(|(n, _)| n == name);
        self.0 = rest;
        let taken: Vec<(String, String)> = taken;
        taken
            .into_iter()
            .map(|(_, text)| text.parse().map_err(|cause: T::Err| impossible(name, &text, &cause)))
            .collect()
    }

    /// Takes every value of `name`: names, patterns and ranges of names.
    pub(super) fn names(&mut self, name: &str) -> Result<Vec<NamePattern>, Refusal> {
        let all: Vec<String> = self.all(name)?;
        let read = all
            .iter()
            .map(|text| NamePattern::read(text).map_err(|cause| impossible(name, text, &cause)));
        Ok(read.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// Takes the value of `name`, which may be given once.
    pub(super) fn one<T: FromStr<Err: std::error::Error>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, Refusal> {
        let mut all = self.all(name)?;
        match all.len() {
            0 | 1 => Ok(all.pop()),
            _ => Err(Refusal::usage(
                "NLU-0107",
                format!("the parameter {name} is given more than once"),
            )),
        }
    }

    /// Takes `limit`: how many rows a page may have.
    pub(super) fn limit(&mut self) -> Result<u32, Refusal> {
        let asked = self.one::<u32>("limit")?.unwrap_or(PAGE);
        Ok(asked.clamp(1, nim_shared::api::PAGE_LIMIT))
    }

    /// Refuses what nobody took.
    pub(super) fn end(self) -> Result<(), Refusal> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(Refusal::usage("NLU-0107", format!("there is no parameter {name} here")))
            }
        }
    }
}

/// Rows of a page where nobody says how many.
const PAGE: u32 = 100;

/// A value that the parameter `name` cannot have.
fn impossible(name: &str, text: &str, cause: &dyn std::error::Error) -> Refusal {
    Refusal::usage("NLU-0107", format!("the parameter {name} cannot be \"{text}\""))
        .because(Some(cause))
}
