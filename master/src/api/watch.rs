//! Following operations over server-sent events.
//!
//! The store is looked at, woken by hints, from a cursor for each operation: safe, because one fenced owner writes each
//! operation's events in order. The id of a message holds all cursors, so that a client that comes back with `Last-Event-ID`
//! goes on exactly behind it, at this nimd or at another.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use nim_shared::api::{FailureKind, PAGE_LIMIT, Watched};
use nim_shared::id::{BatchId, Epoch, ObjectName, OperationId, Seq};
use nim_shared::stamp::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;
use tracing::warn;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::Query;
use super::operation::{event_view, view};
use crate::store;
use crate::store::event::{Cursor, StoredEvent};
use crate::store::operation::{OperationFilter, Record};

/// `GET /v1/watch`
pub(super) async fn watch(
    State(api): State<Api>,
    headers: HeaderMap,
    mut query: Query,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let operations = query.all::<OperationId>("operation")?;
    let batch = query.one::<BatchId>("batch")?;
    query.end()?;
    let permit = api.watchers.clone().try_acquire_owned().map_err(|_| too_many())?;
    let scope = Scope::of(operations, batch)?;
    // Before the first look: nothing falls between them.
    let news = api.news.subscribe();
    let mut records = scope.read(&api).await?;
    if records.is_empty() {
        let batch = batch.expect("a list of operations is not empty");
        return Err(store::Error::NoSuchBatch { id: batch }.into());
    }
    records.sort_unstable_by_key(|record| record.id);
    let cursors = match headers.get("last-event-id") {
        Some(text) => Place::read(text.as_bytes(), records.len())?,
        None => Place(vec![Cursor::default(); records.len()]),
    };
    let watched = records.iter().zip(cursors.0).map(|(record, cursor)| Followed {
        id: record.id,
        cursor,
        shown: None,
        over: false,
    });
    let follower = Follower {
        scope,
        watched: watched.collect(),
        first: Some(records),
        ready: VecDeque::new(),
        looked: None,
        failed: false,
        ended: false,
        news,
        api,
        permit,
    };
    let stream = futures::stream::unfold(follower, |mut follower| async {
        follower.next().await.map(|event| (Ok(event), follower))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Why nobody else can watch, or list, now.
pub(super) fn too_many() -> Refusal {
    Refusal::new(
        FailureKind::Unreachable,
        "NLU-0133",
        "as many as may are watching or listing already",
    )
    .hint("end some of them, or raise api.watchers in nimd's settings")
}

/// What is watched.
enum Scope {
    Operations(Vec<OperationId>),
    Batch(BatchId),
}

impl Scope {
    fn of(mut operations: Vec<OperationId>, batch: Option<BatchId>) -> Answer<Self> {
        operations.sort_unstable();
        operations.dedup();
        match (operations.len(), batch) {
            (0, Some(batch)) => Ok(Self::Batch(batch)),
            (1..=MOST_BY_ID, None) => Ok(Self::Operations(operations)),
            (0, None) | (_, Some(_)) => {
                Err(Refusal::usage("NLU-0134", "watch takes operations or one batch"))
            }
            (_, None) => Err(Refusal::usage(
                "NLU-0134",
                format!("watch takes at most {MOST_BY_ID} operations; a batch may have more"),
            )),
        }
    }

    /// The operations as they stand.
    async fn read(&self, api: &Api) -> Result<Vec<Record>, store::Error> {
        let (store, mut records) = (&api.store, Vec::new());
        match self {
            Self::Operations(ids) => records = store.operations_of(ids).await?,
            Self::Batch(batch) => {
                let filter = OperationFilter { batch: Some(*batch), ..OperationFilter::default() };
                let mut after = None;
                loop {
                    let page = store.operations(&filter, after, PAGE_LIMIT).await?;
                    records.extend(page.items);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
        }
        api.say_what_holds(&mut records).await?;
        Ok(records)
    }
}

/// One operation and how much of it was sent.
struct Followed {
    id: OperationId,
    cursor: Cursor,
    /// The version of its row that was sent.
    shown: Option<Shown>,
    /// Whether it was at its end, and everything of it sent.
    over: bool,
}

/// What tells one version of an operation from another: what holds it in the queue is not stored with it.
#[derive(Clone, PartialEq, Eq)]
struct Shown {
    changed_at: Timestamp,
    waits_for: Option<String>,
}

impl Shown {
    fn of(record: &Record) -> Self {
        Self { changed_at: record.changed_at, waits_for: record.waits_for.clone() }
    }
}

/// What feeds one stream. Reads only: it may be dropped at any await.
struct Follower {
    api: Api,
    scope: Scope,
    /// In the order of their ids, as the cursors in an id of a message are.
    watched: Vec<Followed>,
    first: Option<Vec<Record>>,
    ready: VecDeque<Event>,
    looked: Option<Instant>,
    /// Whether the last look did not come to its end.
    failed: bool,
    ended: bool,
    news: Receiver<()>,
    #[expect(dead_code, reason = "held for its Drop: a place among the watchers")]
    permit: OwnedSemaphorePermit,
}

impl Follower {
    /// The next message; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let end = self.api.end.clone();
            // A nimd that ends lets its watchers go without `end`: they come back and go on elsewhere.
            let looked = tokio::select! {
                () = end.cancelled() => return None,
                looked = self.look() => looked,
            };
            // While the database is away the connection is kept open, and goes on where it was.
            if let Err(error) = looked
                && error.retry() == store::Retry::Never
            {
                warn!(error = %crate::telemetry::chain(&error), "a watcher cannot be served any longer");
                return None;
            }
        }
    }

    /// Waits until it is time to look, looks, and makes messages of what is new.
    async fn look(&mut self) -> Result<(), store::Error> {
        let records = match self.first.take() {
            Some(records) => records,
            None => {
                if std::mem::replace(&mut self.failed, true) {
                    // It was told already of what it did not come to show.
                    tokio::time::sleep(PAUSE_MOST).await;
                } else if self.news.changed().await.is_err() {
                    // It never ends while there is an API.
                    std::future::pending::<()>().await;
                }
                // Hints come with every batch of events; the more is watched, the less often it is read.
                if let Some(looked) = self.looked {
                    tokio::time::sleep_until(looked + self.pause()).await;
                }
                self.scope.read(&self.api).await?
            }
        };
        self.looked = Some(Instant::now());
        let mut messages = Vec::new();
        let gathered = self.gather(records, &mut messages).await;
        self.failed = gathered.is_err();
        // Also where the database went away in between: what was gathered counts as sent.
        self.place(messages);
        gathered
    }

    /// Makes messages of what `records` have that is new: at the very first the row, then events, then the row when it changed or the
    /// operation is over.
    async fn gather(
        &mut self,
        records: Vec<Record>,
        messages: &mut Vec<(Watched, Option<Place>)>,
    ) -> Result<(), store::Error> {
        // A batch gets no further operations, and what is over is done with.
        let followed = |record: &Record| {
            let index = self.watched.binary_search_by_key(&record.id, |one| one.id).ok()?;
            (!self.watched[index].over).then_some(index)
        };
        let news: Vec<(usize, Record)> =
            records.into_iter().filter_map(|one| Some((followed(&one)?, one))).collect();
        if news.is_empty() {
            return Ok(());
        }
        let knowledge = self.api.knowledge().await;
        for (index, record) in &news {
            let followed = &mut self.watched[*index];
            // Of what is over already, what happened comes first and the outcome last.
            if followed.shown.is_none() && !record.operation.name().is_terminal() {
                followed.shown = Some(Shown::of(record));
                messages
                    .push((Watched::Operation(Box::new(view(record.clone(), &knowledge))), None));
            }
        }
        for part in news.chunks(TOGETHER) {
            self.add_events(part, messages).await?;
        }
        for (index, record) in news {
            let (shown, followed) = (Shown::of(&record), &mut self.watched[index]);
            followed.over = record.operation.name().is_terminal();
            if followed.shown.as_ref() != Some(&shown) {
                followed.shown = Some(shown);
                messages.push((Watched::Operation(Box::new(view(record, &knowledge))), None));
            }
        }
        if self.watched.iter().all(|one| one.over) {
            self.ended = true;
            messages.push((Watched::End, None));
        }
        Ok(())
    }

    /// Adds the events of `part` that are new. Each row says how far its events go, and was read before them: what it says is there,
    /// and what came later would take what is shown back to where it was.
    async fn add_events(
        &mut self,
        part: &[(usize, Record)],
        messages: &mut Vec<(Watched, Option<Place>)>,
    ) -> Result<(), store::Error> {
        loop {
            let mut wanted = Vec::new();
            let mut open = Vec::new();
            for (index, record) in part {
                let upto = Cursor { epoch: record.position.epoch, seq: record.position.seq };
                let from = self.watched[*index].cursor;
                if from < upto {
                    wanted.push((record.id, from, upto));
                    open.push((*index, &record.lpar, upto, 0));
                }
            }
            if wanted.is_empty() {
                return self.add_found(part, messages).await;
            }
            for stored in self.api.store.events_between(&wanted, EVENTS).await? {
                let id = stored.event.operation;
                let Some((index, lpar, _, count)) =
                    open.iter_mut().find(|(index, ..)| self.watched[*index].id == id)
                else {
                    continue;
                };
                *count += 1;
                self.add_event(*index, lpar, stored, messages);
            }
            for (index, _, upto, count) in open {
                // The rest was dropped by retention, or is a line of history that has no events of its own.
                if count < EVENTS {
                    self.watched[index].cursor = upto;
                }
            }
        }
    }

    /// Adds what masters have found about those of `part` that have ended, as far as it is there: nobody waits for more.
    async fn add_found(
        &mut self,
        part: &[(usize, Record)],
        messages: &mut Vec<(Watched, Option<Place>)>,
    ) -> Result<(), store::Error> {
        let end = Cursor { epoch: Epoch::OF_MASTERS, seq: Seq(u64::MAX) };
        let ended = part.iter().filter(|(_, record)| record.operation.name().is_terminal());
        let wanted: Vec<_> =
            ended.map(|(index, record)| (record.id, self.watched[*index].cursor, end)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        for stored in self.api.store.events_between(&wanted, EVENTS).await? {
            let of = |(_, record): &&(usize, Record)| record.id == stored.event.operation;
            if let Some((index, record)) = part.iter().find(of) {
                self.add_event(*index, &record.lpar, stored, messages);
            }
        }
        Ok(())
    }

    fn add_event(
        &mut self,
        index: usize,
        lpar: &ObjectName,
        stored: StoredEvent,
        messages: &mut Vec<(Watched, Option<Place>)>,
    ) {
        self.watched[index].cursor = Cursor { epoch: stored.event.epoch, seq: stored.event.seq };
        let event = Watched::Event(Box::new(event_view(lpar, stored)));
        messages.push((event, self.place_now()));
    }

    /// Turns messages into events. The last one always has an id.
    fn place(&mut self, messages: Vec<(Watched, Option<Place>)>) {
        let last = messages.len();
        for (number, (message, place)) in messages.into_iter().enumerate() {
            let place = if number + 1 == last { Some(self.all()) } else { place };
            let event = Event::default()
                .json_data(&message)
                .expect("what is watched is JSON that has been read before");
            self.ready.push_back(match place {
                Some(place) => event.id(place.to_string()),
                None => event,
            });
        }
    }

    /// All cursors.
    fn all(&self) -> Place {
        Place(self.watched.iter().map(|one| one.cursor).collect())
    }

    /// All cursors after an event: where they are many, only the last message of a look has them.
    fn place_now(&self) -> Option<Place> {
        (self.watched.len() <= IDS_FOR_ALL).then(|| self.all())
    }

    /// How long to wait from look to look.
    fn pause(&self) -> Duration {
        let many = u32::try_from(self.watched.len()).unwrap_or(u32::MAX);
        (PAUSE_EACH * many).clamp(PAUSE_LEAST, PAUSE_MOST)
    }
}

/// A place in everything that is watched: `EPOCH.SEQ` for each operation in the order of their ids, the epoch left out where
/// it is the first, both where nothing was sent.
#[derive(Debug, PartialEq, Eq)]
struct Place(Vec<Cursor>);

impl Place {
    /// Reads what a client sends back.
    fn read(text: &[u8], count: usize) -> Answer<Self> {
        let bad = || Refusal::usage("NLU-0135", "Last-Event-ID is not one of this stream's");
        let text = std::str::from_utf8(text).map_err(|_| bad())?;
        let place: Self = text.parse().map_err(|_| bad())?;
        if place.0.len() == count { Ok(place) } else { Err(bad()) }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, cursor) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match cursor {
                Cursor { seq: Seq(0), epoch: Epoch(0..=1) } => f.write_str(comma)?,
                Cursor { epoch: Epoch(0..=1), seq } => write!(f, "{comma}{seq}")?,
                Cursor { epoch, seq } => write!(f, "{comma}{epoch}.{seq}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Place {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cursor = |part: &str| {
            Ok(match part.split_once('.') {
                Some((epoch, seq)) => {
                    Cursor { epoch: Epoch(epoch.parse()?), seq: Seq(seq.parse()?) }
                }
                None if part.is_empty() => Cursor::default(),
                None => Cursor { epoch: Epoch(1), seq: Seq(part.parse()?) },
            })
        };
        text.split(',').map(cursor).collect::<Result<_, _>>().map(Self)
    }
}

/// Time between two looks, for each operation that is watched: reading a thousand rows takes some 20 ms.
const PAUSE_EACH: Duration = Duration::from_micros(200);

/// The least time between two looks.
const PAUSE_LEAST: Duration = Duration::from_millis(20);

/// The longest time between two looks that hints can cause.
const PAUSE_MOST: Duration = Duration::from_secs(2);

/// Events of one operation that are read at a time.
const EVENTS: u32 = 500;

/// Operations whose events are read together.
const TOGETHER: usize = 100;

/// Most operations that are watched by their ids.
const MOST_BY_ID: usize = 200;

/// Up to how many operations each event has the place of all of them: some 2 KB.
const IDS_FOR_ALL: usize = 500;

/// How often a comment is sent where nothing else is.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_what_it_writes() {
        let at = |epoch, seq| Cursor { epoch: Epoch(epoch), seq: Seq(seq) };
        let place = Place(vec![at(1, 17), Cursor::default(), at(2, 3), at(2, 0)]);
        assert_eq!(place.to_string(), "17,,2.3,2.0");
        assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
    }

    #[test]
    fn a_place_of_another_stream_is_refused() {
        for text in ["1,2", "x", "1.2.3", "-1"] {
            assert!(Place::read(text.as_bytes(), 1).is_err(), "{text:?}");
        }
        assert_eq!(Place::read(b"", 1).unwrap(), Place(vec![Cursor::default()]));
    }
}
