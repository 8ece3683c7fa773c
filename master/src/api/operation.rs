//! Operations: list, show, events, output, cancel, resolve.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{CodeMeaning, EventView, MasterHook, OperationView, Page, Resolve};
use nim_shared::code::Knowledge;
use nim_shared::id::{BatchId, Epoch, ObjectName, OperationId, Seq};
use nim_shared::operation::{Named as Name, Outcome, Report, Software, StateName};
use nim_shared::prep::{Backup, PrepStep};
use nim_shared::strategy::Way;
use tracing::info;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named, Query};
use super::verdict;
use crate::engine::operation::State as Engine;
use crate::store;
use crate::store::event::{Cursor, StoredEvent};
use crate::store::operation::{CancelAnswer, OperationFilter, Record, Verdict};

/// `GET /v1/operations`
pub(super) async fn list(
    State(api): State<Api>,
    mut query: Query,
) -> Answer<Json<Page<OperationView>>> {
    let filter = OperationFilter {
        states: query.all::<StateName>("state")?,
        lpars: query.names("lpar")?,
        batch: query.one::<BatchId>("batch")?,
        ids: query.one::<IdPrefix>("id")?.map(|IdPrefix(first, last)| first..=last),
        ..OperationFilter::default()
    };
    let after = query.one::<OperationId>("after")?;
    let limit = query.limit()?;
    query.end()?;
    let mut page = api.store.operations(&filter, after, limit).await?;
    api.say_what_holds(&mut page.items).await?;
    let next = page.next.map(|id| id.to_string());
    let knowledge = api.knowledge().await;
    let items = page.items.into_iter().map(|record| view(record, &knowledge)).collect();
    Ok(Json(Page { items, next }))
}

/// `GET /v1/operations/{id}`
pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<OperationId>,
) -> Answer<Json<OperationView>> {
    let mut record = api.store.operation(id).await?;
    api.say_what_holds([&mut record]).await?;
    Ok(Json(view(record, &*api.knowledge().await)))
}

/// `POST /v1/operations/{id}/cancel`: noted at once; it takes effect as soon as it can. Refused where it can have none.
pub(super) async fn cancel(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(id): Named<OperationId>,
) -> Answer<Json<OperationView>> {
    let answer = api.store.ask_cancel(id, who).await?;
    let record = api.store.operation(id).await?;
    info!(
        operation.id = %id, lpar.name = %record.lpar, peer.uid = who.uid,
        "cancel of the operation on {} was asked for by uid {}: {answer:?}", record.lpar, who.uid
    );
    let (lpar, state) = (&record.lpar, record.operation.name());
    match answer {
        CancelAnswer::TooLate => Err(Refusal::refused(
            "NLU-0138",
            format!("geninstall has begun on {lpar}: it is one run, which cannot be interrupted"),
        )
        .hint(format!("nimctl watch {id}"))),
        CancelAnswer::Over if state != StateName::Cancelled => {
            Err(Refusal::refused("NLU-0139", format!("the operation on {lpar} is over: {state}"))
                .hint(format!("nimctl status {id}")))
        }
        CancelAnswer::Cancelled | CancelAnswer::Noted { .. } | CancelAnswer::Over => {
            Ok(Json(view(record, &*api.knowledge().await)))
        }
    }
}

/// `POST /v1/operations/{id}/resolve`: ends what is stuck, on a person's word.
pub(super) async fn resolve(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(id): Named<OperationId>,
    Body(Resolve { state, reason, seen }): Body<Resolve>,
) -> Answer<Json<OperationView>> {
    let outcome = match state {
        StateName::Succeeded => Outcome::Succeeded { follow_up: Vec::new() },
        // What is on disk is what the person looked at; nothing more is known here.
        StateName::Failed => Outcome::Failed { software: software(&api, id).await? },
        StateName::Cancelled => Outcome::Cancelled,
        StateName::Unchanged
        | StateName::Queued
        | StateName::Dispatching
        | StateName::Running
        | StateName::Stuck => {
            return Err(Refusal::usage(
                "NLU-0131",
                format!("an operation cannot be resolved as {state}"),
            )
            .hint("resolve it as succeeded, failed or cancelled"));
        }
    };
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > LONGEST_REASON || reason.contains('\0') {
        return Err(Refusal::usage(
            "NLU-0132",
            format!("a reason has 1 to {LONGEST_REASON} bytes; it is kept with the operation"),
        ));
    }
    let verdict = Verdict { who, reason: reason.to_owned(), outcome, seen };
    let record = api.store.resolve(id, verdict).await?;
    info!(
        operation.id = %id, lpar.name = %record.lpar, operation.state = %state, peer.uid = who.uid,
        "the operation on {} was resolved as {state} by uid {}", record.lpar, who.uid
    );
    Ok(Json(view(record, &*api.knowledge().await)))
}

/// `GET /v1/operations/{id}/events`
pub(super) async fn events(
    State(api): State<Api>,
    Named(id): Named<OperationId>,
    mut query: Query,
) -> Answer<Json<Page<EventView>>> {
    let after = query.one::<At>("after")?.map(|At(cursor)| cursor).unwrap_or_default();
    let limit = query.limit()?;
    query.end()?;
    let lpar = api.store.operation(id).await?.lpar;
    let page = api.store.events(id, after, limit).await?;
    let next = page.next.map(|cursor| format!("{}.{}", cursor.epoch, cursor.seq));
    let items = page.items.into_iter().map(|event| event_view(&lpar, event)).collect();
    Ok(Json(Page { items, next }))
}

/// `GET /v1/operations/{id}/hooks`
pub(super) async fn hooks(
    State(api): State<Api>,
    Named(id): Named<OperationId>,
) -> Answer<Json<Vec<MasterHook>>> {
    // That there is such an operation.
    api.store.operation(id).await?;
    let hooks = api.store.hooks(id).await?;
    Ok(Json(hooks.into_iter().map(|stored| stored.hook).collect()))
}

impl Api {
    /// Says of operations in the queue which limit holds them, as this master would find it with its next look.
    pub(super) async fn say_what_holds<'a>(
        &self,
        records: impl IntoIterator<Item = &'a mut Record>,
    ) -> Result<(), store::Error> {
        self.store.say_what_holds(&self.limits, records).await
    }
}

/// An operation as it is shown.
pub(super) fn view(record: Record, knowledge: &Knowledge) -> OperationView {
    let run = match &record.operation.state {
        Engine::Running(run) => Some(*run),
        Engine::Stuck { run, .. } => *run,
        Engine::Queued | Engine::Dispatching { .. } | Engine::Ended { .. } => None,
    };
    let part: Part = serde_json::from_str(&record.request).unwrap_or_default();
    OperationView {
        id: record.id,
        batch: record.batch,
        kind: record.kind,
        way: way(&record.request),
        state: record.operation.name(),
        stage: run.map(|run| Name::Known(run.stage)),
        phase: run.and_then(|run| run.phase).map(Name::Known),
        entered_at: Some(record.entered_at),
        cancel_asked: record.cancel.is_some(),
        lost_contact_since: record.lost_contact_since,
        deadline: record.deadline,
        estimated_blackout: record.estimated_blackout,
        estimated_total: record.estimated_total,
        created_at: record.created_at,
        started_at: record.started_at,
        ended_at: record.ended_at,
        requested_by: record.requested_by.uid,
        owner: record.owner,
        failure: verdict::failure(&record, knowledge),
        meanings: record.report.iter().flat_map(|report| meanings(report, knowledge)).collect(),
        prep: part.prep,
        backup: part.backup,
        lpar: record.lpar,
        waits_for: record.waits_for,
        report: record.report,
    }
}

/// What the codes of a report mean, as far as that is known.
fn meanings(report: &Report, knowledge: &Knowledge) -> Vec<CodeMeaning> {
    let of =
        |code: &String| Some(CodeMeaning::new(code, knowledge.of_code(code, &report.messages)?));
    report.codes.iter().filter_map(of).collect()
}

/// How an order goes, where that is worth saying.
fn way(request: &str) -> Option<Way> {
    #[derive(serde::Deserialize)]
    struct Ordered {
        way: Way,
    }
    let Ordered { way } = serde_json::from_str(request).ok()?;
    (!way.is_one_step()).then_some(way)
}

/// What of a request is about the time before the update; nothing where another version wrote it in a way that is not known.
#[derive(Default, serde::Deserialize)]
struct Part {
    #[serde(default)]
    prep: Vec<PrepStep>,
    backup: Option<Backup>,
}

/// An event as it is shown.
pub(super) fn event_view(lpar: &ObjectName, stored: StoredEvent) -> EventView {
    EventView { lpar: lpar.clone(), stored_at: stored.stored_at, event: stored.event }
}

/// What the agent said last about the software on disk; where it said nothing, nothing is known to have been touched.
async fn software(api: &Api, id: OperationId) -> Answer<Software> {
    let report = api.store.operation(id).await?.report;
    Ok(match report.map(|report| report.outcome) {
        Some(Outcome::Failed { software }) => software,
        Some(
            Outcome::Succeeded { .. }
            | Outcome::Unchanged
            | Outcome::Cancelled
            | Outcome::Stuck { .. },
        )
        | None => Software::Unchanged,
    })
}

/// The beginning of an id: the first and the last id that begin like this.
struct IdPrefix(OperationId, OperationId);

/// A text that no id begins with.
#[derive(Debug, thiserror::Error)]
#[error("an id begins with hexadecimal digits and dashes, as it is shown")]
struct BadPrefix;

impl FromStr for IdPrefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        const SHAPE: &str = "00000000-0000-0000-0000-000000000000";
        let fits = |(given, shape): (char, char)| match shape {
            '-' => given == '-',
            _ => given.is_ascii_hexdigit(),
        };
        if text.is_empty() || text.len() > SHAPE.len() || !text.chars().zip(SHAPE.chars()).all(fits)
        {
            return Err(BadPrefix);
        }
        let filled = |digit: &str| format!("{text}{}", SHAPE[text.len()..].replace('0', digit));
        let id = |text: String| text.parse().map_err(|_| BadPrefix);
        Ok(Self(id(filled("0"))?, id(filled("f"))?))
    }
}

/// A cursor in a query: `EPOCH.NUMBER`, or a number in the first line of history.
struct At(Cursor);

/// A text that is no cursor.
#[derive(Debug, thiserror::Error)]
#[error("a place reads EPOCH.NUMBER, as `next` of the answer before has it")]
struct BadPlace;

/// Reads `EPOCH.NUMBER` or `NUMBER`.
fn place(text: &str) -> Result<(Epoch, u64), BadPlace> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| BadPlace);
    match text.split_once('.') {
        Some((epoch, rest)) => Ok((Epoch(number(epoch)?), number(rest)?)),
        None => Ok((Epoch(1), number(text)?)),
    }
}

impl FromStr for At {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        place(text).map(|(epoch, number)| Self(Cursor { epoch, seq: Seq(number) }))
    }
}

/// Longest reason in bytes.
const LONGEST_REASON: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_stands_for_all_that_begin_so() {
        let IdPrefix(first, last) = "0199-".replace('-', "").parse().unwrap();
        assert_eq!(first.to_string(), "01990000-0000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "0199ffff-ffff-ffff-ffff-ffffffffffff");
        let whole = "01990000-0000-7000-8000-00000000000a";
        let IdPrefix(first, last) = whole.parse().unwrap();
        assert_eq!((first.to_string(), last.to_string()), (whole.to_owned(), whole.to_owned()));
        for text in ["", "x", "0199000000", "01990000-0000-7000-8000-00000000000ab"] {
            assert!(text.parse::<IdPrefix>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_place_names_its_line_of_history_or_the_first() {
        assert_eq!(place("2.17").unwrap(), (Epoch(2), 17));
        assert_eq!(place("17").unwrap(), (Epoch(1), 17));
        for text in ["", "a", "1.", ".1", "1.2.3", "-1"] {
            assert!(place(text).is_err(), "{text:?}");
        }
    }
}
