//! Values that a `nimd` could answer with.

use nim_shared::api::{CodeMeaning, Failure, FailureKind, ObjectView, OperationView, Page};
use nim_shared::code::Knowledge;
use nim_shared::id::{Epoch, OperationId, Seq};
use nim_shared::object::{Draft, ObjectType};
use nim_shared::operation::{Blackout, Named, Outcome, Report, Snapshot, StateName};
use nim_shared::request::Kind;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::{Milliseconds, Seconds};
use serde_json::{Value, json};
use time::OffsetDateTime;

pub(crate) const BATCH: &str = "0193a2b4-0000-7000-8000-00000000ba7c";

/// A time some seconds before now.
pub(crate) fn before(seconds: i64) -> Timestamp {
    Timestamp::new(OffsetDateTime::now_utc() - time::Duration::seconds(seconds))
}

/// A time that is always the same.
pub(crate) fn at(clock: &str) -> Timestamp {
    format!("2025-01-29T{clock}Z").parse().unwrap()
}

pub(crate) fn page<T>(items: Vec<T>) -> Page<T> {
    Page { items, next: None }
}

pub(crate) fn object(object_type: &str, name: &str, attributes: &[(&str, &str)]) -> ObjectView {
    let object_type: ObjectType = object_type.parse().unwrap();
    let mut draft = Draft::new(object_type);
    for (attribute, value) in attributes {
        draft.add(attribute, value);
    }
    ObjectView {
        object: draft.finish(name.parse().unwrap()).unwrap(),
        class: object_type.class(),
        version: 1,
        created_at: at("10:00:00"),
        changed_at: at("10:00:00"),
        derived: Vec::new(),
        last_seen: None,
        warnings: Vec::new(),
    }
}

pub(crate) fn lpar(name: &str) -> ObjectView {
    let if1 = format!("find_net {name}.example.com 0");
    let attributes = [("if1", if1.as_str()), ("mgmt_source", "p10-a"), ("identity", "7")];
    object("standalone", name, &attributes)
}

/// The id of the operation number `number`.
pub(crate) fn id(number: u32) -> OperationId {
    format!("0193a2b4-5c6d-7{number:03}-8def-0123456789ab").parse().unwrap()
}

/// An update that is queued.
pub(crate) fn operation(number: u32, lpar: &str) -> OperationView {
    OperationView {
        id: id(number),
        batch: BATCH.parse().unwrap(),
        lpar: lpar.parse().unwrap(),
        kind: Kind::Update,
        way: None,
        state: StateName::Queued,
        stage: None,
        phase: None,
        entered_at: None,
        cancel_asked: false,
        lost_contact_since: None,
        waits_for: None,
        deadline: None,
        estimated_blackout: None,
        estimated_total: None,
        created_at: at("10:00:00"),
        started_at: None,
        ended_at: None,
        requested_by: 0,
        owner: None,
        report: None,
        meanings: Vec::new(),
        failure: None,
        prep: Vec::new(),
        backup: None,
    }
}

/// An update at a stage and perhaps a phase of it.
pub(crate) fn running(number: u32, lpar: &str, stage: &str, phase: &str) -> OperationView {
    OperationView {
        state: StateName::Running,
        stage: Some(Named::read(stage)),
        phase: (!phase.is_empty()).then(|| Named::read(phase)),
        started_at: Some(at("10:00:10")),
        entered_at: Some(at("10:03:00")),
        ..operation(number, lpar)
    }
}

/// An update that succeeded.
pub(crate) fn succeeded(number: u32, lpar: &str) -> OperationView {
    let snapshot = |level: &str, id| Snapshot {
        level: Some(level.to_owned()),
        lpar_id: Some(serde_json::from_value(json!(id)).unwrap()),
        ..Snapshot::default()
    };
    OperationView {
        state: StateName::Succeeded,
        started_at: Some(at("10:00:10")),
        ended_at: Some(at("10:10:34")),
        report: Some(Report {
            outcome: Outcome::Succeeded { follow_up: Vec::new() },
            found: None,
            summary: "the kernel and the level are the new ones".to_owned(),
            codes: Vec::new(),
            messages: Vec::new(),
            before: Some(snapshot("7300-02-01-2346", 4)),
            after: Some(snapshot("7300-03-01-2520", 5)),
            blackout: Blackout {
                estimated: Some(Seconds(77)),
                reported: Some(Seconds(75)),
                measured: Some(Milliseconds(74_812)),
            },
            estimated_total: Some(Seconds(624)),
            logs: vec![],
            open_items: vec![],
            site_backup: None,
            exposed: vec![],
            disks: None,
        }),
        ..operation(number, lpar)
    }
}

/// An update that failed.
pub(crate) fn failed(number: u32, lpar: &str) -> OperationView {
    let mut view = succeeded(number, lpar);
    view.state = StateName::Failed;
    view.failure = Some(Failure {
        hint: Some("see who holds it with `fuser /proc`, then start again".to_owned()),
        ..refusal("NLU-0431", "a process holds a file in /proc open", FailureKind::Refused)
    });
    let code = "1430-030";
    let meaning = Knowledge::default().of_code(code, &[]).unwrap();
    view.meanings = vec![CodeMeaning::new(code, meaning)];
    if let Some(report) = &mut view.report {
        report.outcome =
            serde_json::from_value(json!({"outcome": "failed", "software": "unchanged"})).unwrap();
        report.summary = "geninstall ended before the move".to_owned();
        report.codes = vec![code.to_owned()];
        report.after.clone_from(&report.before);
        report.blackout = Blackout { estimated: Some(Seconds(77)), ..Blackout::default() };
    }
    view
}

pub(crate) fn refusal(code: &str, message: &str, kind: FailureKind) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        causes: Vec::new(),
        hint: None,
        faults: Vec::new(),
        kind,
    }
}

/// A message of `watch` with an operation.
pub(crate) fn says(view: &OperationView) -> Value {
    let mut value = serde_json::to_value(view).unwrap();
    value["watched"] = "operation".into();
    value
}

/// An event of an operation.
pub(crate) fn event(number: u32, lpar: &str, seq: u64, clock: &str, body: &Value) -> Value {
    json!({
        "lpar": lpar, "stored_at": at(clock), "operation": id(number), "epoch": Epoch(1),
        "seq": Seq(seq), "hash": "0".repeat(64), "at": at(clock), "body": body,
    })
}

/// A message of `watch` with an event.
pub(crate) fn reports(event: &Value) -> Value {
    let mut value = event.clone();
    value["watched"] = "event".into();
    value
}
