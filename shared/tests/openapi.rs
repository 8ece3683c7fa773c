//! `schemas/openapi.json`, written from the table of routes in the documentation of `nim_shared::api` and from the types that it
//! names. The test fails when they differ; `UPDATE_SCHEMAS=1` writes it. nimd compares its routes with the file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use nim_shared::api;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Where the table stands.
const SOURCE: &str = include_str!("../src/api.rs");

/// One row of the table.
struct Route {
    method: String,
    path: String,
    /// Names, with a star where they may be repeated.
    query: Vec<String>,
    body: Option<String>,
    /// As it is written: a type, or what else comes.
    answer: String,
}

#[test]
fn the_api_is_described_as_it_is() {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let routes = routes();
    let mut paths = Map::new();
    for route in &routes {
        let described = operation(route, &mut generator);
        let path = paths.entry(&*route.path).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = described;
    }
    let failure = generator.subschema_for::<api::Failure>();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "nimd",
            "version": nim_shared::VERSION,
            "summary": "Live Updates of AIX LPARs: inventory, operations, host keys, secrets, agents",
            "description": "Spoken over nimd's Unix socket, whose mode and group say who may. Times are RFC 3339 in UTC; fields are added, never renamed.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "HTTP/1.1 on the Unix socket of nimd"}],
        "paths": paths,
        "components": {
            "responses": {"Failure": {
                "description": "It was not done. `kind` says of what kind that is, and goes with the status",
                "content": {"application/json": {"schema": failure}},
            }},
            "schemas": generator.take_definitions(true),
        },
    });
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/openapi.json"));
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "schemas/openapi.json differs from the table and the types; UPDATE_SCHEMAS=1 writes it anew"
    );
    assert_eq!(dangling(&document), BTreeSet::new());
}

/// The table, row by row.
fn routes() -> Vec<Route> {
    let rows = SOURCE.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let routes: Vec<_> = rows
        .map(|row| {
            let (asked, rest) = row.split_once("` |").unwrap();
            let (method, target) = asked.split_once(' ').unwrap();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let (body, answer) = rest.trim().trim_end_matches('|').split_once('→').unwrap();
            let body = body.trim();
            Route {
                method: method.to_owned(),
                path: path.to_owned(),
                query: query
                    .split('&')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect(),
                body: (!body.is_empty()).then(|| body.to_owned()),
                answer: answer.trim().to_owned(),
            }
        })
        .collect();
    assert!(routes.len() > 20, "the table was not found");
    routes
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{'));
    let in_path = in_path.map(|name| {
        json!({"name": name.trim_end_matches('}'), "in": "path", "required": true, "schema": {"type": "string"}})
    });
    let in_query = route.query.iter().map(|name| {
        let kind = match name.as_str() {
            "limit" | "from" | "epoch" => json!({"type": "integer", "minimum": 0}),
            repeated if repeated.ends_with('*') => {
                json!({"type": "array", "items": {"type": "string"}})
            }
            _ => json!({"type": "string"}),
        };
        json!({"name": name.trim_end_matches('*'), "in": "query", "schema": kind})
    });
    let parameters: Vec<_> = in_path.chain(in_query).collect();
    let last = route.path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{'));
    let mut described = json!({
        "operationId": format!("{}_{}", route.method.to_lowercase(), last.skip(1).collect::<Vec<_>>().join("_"))
            + if route.path.ends_with('}') { "_one" } else { "" },
        "parameters": parameters,
        "responses": {
            "2XX": answer(&route.answer, generator),
            "default": {"$ref": "#/components/responses/Failure"},
        },
    });
    if let Some(body) = &route.body {
        let schema = schema(body, generator);
        let content = json!({"application/json": {"schema": schema}});
        described["requestBody"] = json!({"required": true, "content": content});
    }
    described
}

fn answer(text: &str, generator: &mut SchemaGenerator) -> Value {
    let plain = json!({"type": "string"});
    let (kind, schema) = match text {
        "nothing" => return json!({"description": "Done"}),
        "YAML text" => ("application/yaml", plain),
        "shell script" => ("text/x-shellscript", plain),
        events if events.starts_with("server-sent events of ") => {
            ("text/event-stream", schema(events, generator))
        }
        lines if lines.starts_with("lines: ") => ("application/x-ndjson", schema(lines, generator)),
        list if list.starts_with("list of ") => {
            let items = schema(list, generator);
            ("application/json", json!({"type": "array", "items": items}))
        }
        _ => ("application/json", schema(text, generator)),
    };
    json!({"description": text.replace(['[', ']', '`'], ""), "content": {kind: {"schema": schema}}})
}

/// The schema of the type that a row names: `[`Page`] of [`ObjectView`], …`.
fn schema(text: &str, generator: &mut SchemaGenerator) -> Value {
    let named: Vec<&str> =
        text.split("[`").skip(1).filter_map(|rest| rest.split("`]").next()).collect();
    macro_rules! types {
        ($($name:ident),+; $($item:ident),+; $($line:ident),+) => {
            match &named[..] {
                $([name] if *name == stringify!($name) => generator.subschema_for::<api::$name>(),)+
                $(["Page", name] if *name == stringify!($item) => generator.subschema_for::<api::Page<api::$item>>(),)+
                $(["Line", name] if *name == stringify!($line) => generator.subschema_for::<api::Line<api::$line>>(),)+
                other => panic!("the table names a type that is not listed here: {other:?}"),
            }
        };
    }
    let schema = types!(
        Aftercare, LeftToDo, Generate, Generated, DiskList, LookAtDisks, ReleaseProposal, ReleaseDisks, LookAtRollback, RollbackProposal, RollBack, PlanRollout, RolloutPlanned, StartRollout, RolloutView, RolloutStatus, AskTurn, RolloutReport, RehearseRollout, RolloutRehearsed, CopyForLab, LabCopy, RolloutReplayed, WatchedRollout, ReceiverTold, Why, MaintenanceView, SetMaintenance, Server, Define, ObjectView, Edit, Apply, Applied, Cust, Accepted, OperationView, MasterHook, Resolve, Retry, Snap, CleanUp, CleanUpView, Output, Watched, Scan,
        Scanned, TrustKeys, Trusted, ImportKeys, SetSecret, SecretView, Rotated, ExchangeKey, KeyExchanged, AgentStatus, Query, QueryAnswer, Preflight, Preflighted, SetPolicy, PolicyView, LparPolicy,
        Discover, Discovered, SystemView, PartitionView, LevelCount, BlackoutReport, SiteEntry, PastChange,
        FixBundleView, LppSourceView, ChangePackages, ChangedPackages, Check, Checked, Allocate, Deallocate, AllocationChange;
        ObjectView, OperationView, EventView, HostKey, SecretView;
        ObjectView, Row, FrameStatus, MachineAdapters
    );
    schema.to_value()
}

/// References that lead nowhere.
fn dangling(document: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, document: &Value, lost: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(target) = map.get("$ref").and_then(Value::as_str)
                    && document.pointer(target.trim_start_matches('#')).is_none()
                {
                    lost.insert(target.to_owned());
                }
                map.values().for_each(|value| walk(value, document, lost));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, document, lost)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut lost = BTreeSet::new();
    walk(document, document, &mut lost);
    lost
}
