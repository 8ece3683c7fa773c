//! Answers that are streamed: a line of JSON for each item, and a last one that says how it ended.
//!
//! A list has no largest size, so that no whole one is ever in memory: a part is read while the one before it is sent, and no
//! connection to the database is held between them. A client that reads slowly is waited for; at most three parts are kept for it, and as
//! many clients are served as may watch. The first part is read before the answer begins: what is wrong with a request is
//! answered as everywhere.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use nim_shared::api::{Failure, FailureKind, Line};
use serde::Serialize;
use tokio::sync::mpsc::{self, Sender};

use super::Api;
use super::error::{Answer, Refusal};

/// What is streamed.
pub(super) trait Source: Send + 'static {
    /// What stands in a line.
    type Item: Serialize + Send;

    /// The next items; `None` after the last.
    fn next(&mut self) -> impl Future<Output = Answer<Option<Vec<Self::Item>>>> + Send;
}

/// Items of the first part: the first line leaves before much is read.
pub(super) const FIRST: u32 = 50;

/// Items of any other.
pub(super) const MORE: u32 = 1000;

/// Parts that wait for a client beside the one that is read and the one that is sent.
const WAITING: usize = 1;

/// The answer that `source` makes.
pub(super) async fn stream<S: Source>(api: &Api, mut source: S) -> Answer<Response> {
    let permit = api.watchers.clone().try_acquire_owned().map_err(|_| super::watch::too_many())?;
    let first = source.next().await?;
    let (to, parts) = mpsc::channel(WAITING);
    let end = api.end.clone();
    api.tasks.spawn(async move {
        tokio::select! {
            () = produce(source, first, &to) => {}
            () = end.cancelled() => {
                // A client that does not read hears it by the end of the connection.
                drop(to.try_send(line::<()>(&Line::Failed(Box::new(ending())))));
            }
        }
        drop(permit);
    });
    let body = futures::stream::unfold(parts, |mut parts| async {
        parts
            .recv()
            .await
            .map(|part: Vec<u8>| (Ok::<_, std::convert::Infallible>(Bytes::from(part)), parts))
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(body)).into_response())
}

/// Sends all parts, until the client is gone.
async fn produce<S: Source>(mut source: S, first: Option<Vec<S::Item>>, to: &Sender<Vec<u8>>) {
    let (mut part, mut items) = (first, 0_u64);
    loop {
        let Some(found) = part else {
            drop(to.send(line::<()>(&Line::End { items })).await);
            return;
        };
        items += u64::try_from(found.len()).unwrap_or(u64::MAX);
        if to
            .send(found.into_iter().flat_map(|item| line(&Line::Item(item))).collect())
            .await
            .is_err()
        {
            return;
        }
        part = match source.next().await {
            Ok(next) => next,
            Err(refusal) => {
                drop(to.send(line::<()>(&Line::Failed(Box::new(refusal.logged())))).await);
                return;
            }
        };
    }
}

/// A line as it is sent.
fn line<T: Serialize>(line: &Line<T>) -> Vec<u8> {
    let mut text =
        serde_json::to_vec(line).expect("what is listed is JSON that has been read before");
    text.push(b'\n');
    text
}

/// Why a stream ends with nimd.
fn ending() -> Failure {
    Refusal::new(FailureKind::Unreachable, "NLU-0128", "nimd ended before the list did")
        .hint("ask again")
        .failure()
}
