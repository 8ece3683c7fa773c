//! JSON Schemas in `schemas/`, written from the types. The test fails when they differ; `UPDATE_SCHEMAS=1` writes them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

use std::path::PathBuf;

use nim_shared::code::SiteCodes;
use nim_shared::frame;
use nim_shared::frame::{AgentFrame, FileFrame, MasterFrame, Record};
use nim_shared::hook::HookInput;
use nim_shared::notice::Message;
use nim_shared::policy::Policy;
use nim_shared::preflight::site::SiteChecks;
use nim_shared::request::Request;
use nim_shared::yaml::FleetFile;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

#[test]
fn fleet_files() {
    check("fleet", "A fleet file, as nimctl apply reads it", |generator| {
        serde_json::to_value(FleetFile::json_schema(generator)).unwrap()
    });
}

#[test]
fn frames() {
    let about = format!(
        "Frames between nimd and nim-agent, one JSON object a line, protocol {}",
        frame::PROTOCOL
    );
    check("frames", &about, |generator| {
        json!({ "oneOf": [
            generator.subschema_for::<MasterFrame>(),
            generator.subschema_for::<AgentFrame>(),
            generator.subschema_for::<FileFrame>(),
        ]})
    });
}

#[test]
fn policy() {
    check(
        "policy",
        "The policy of a site, as nimctl policy set reads it",
        |generator| json!({ "allOf": [generator.subschema_for::<Policy>()] }),
    );
}

#[test]
fn request() {
    check(
        "request",
        "The order that start carries as text",
        |generator| json!({ "allOf": [generator.subschema_for::<Request>()] }),
    );
}

#[test]
fn record() {
    check(
        "record",
        "The record of an agent's journal that event carries as text",
        |generator| json!({ "allOf": [generator.subschema_for::<Record>()] }),
    );
}

#[test]
fn codes() {
    check(
        "codes",
        "What a site adds to the codes that are known, as knowledge.codes of nimd's settings names it",
        |generator| json!({ "allOf": [generator.subschema_for::<SiteCodes>()] }),
    );
}

#[test]
fn notice() {
    check(
        "notice",
        "A message about a rollout, as web hooks get it",
        |generator| json!({ "allOf": [generator.subschema_for::<Message>()] }),
    );
}

#[test]
fn hook() {
    check(
        "hook",
        "What a hook of the site is told on its standard input",
        |generator| json!({ "allOf": [generator.subschema_for::<HookInput>()] }),
    );
}

#[test]
fn checks() {
    check(
        "checks",
        "What a site says of preflights, as knowledge.checks of nimd's settings names it",
        |generator| json!({ "allOf": [generator.subschema_for::<SiteChecks>()] }),
    );
}

/// Compares what `schema` makes with `schemas/NAME.schema.json`.
fn check(name: &str, about: &str, schema: impl FnOnce(&mut SchemaGenerator) -> Value) {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": about,
    });
    let schema = schema(&mut generator);
    root.as_object_mut().unwrap().extend(schema.as_object().unwrap().clone());
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        root["$defs"] = definitions.into();
    }
    let text = serde_json::to_string_pretty(&root).unwrap() + "\n";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../schemas")
        .join(format!("{name}.schema.json"));
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "schemas/{name}.schema.json differs from the types; UPDATE_SCHEMAS=1 writes it anew"
    );
}
