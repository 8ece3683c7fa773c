//! `schemas/rollout.schema.json`, written from the types. The test fails when it differs; `UPDATE_SCHEMAS=1` writes it.

use std::path::PathBuf;

use nim_rollout::file::Rollout;
use schemars::generate::SchemaSettings;

#[test]
fn the_schema_is_that_of_the_types() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rollout",
    });
    let schema = generator.subschema_for::<Rollout>();
    let schema = serde_json::to_value(schema).unwrap();
    root.as_object_mut().unwrap().extend(schema.as_object().unwrap().clone());
    root["$defs"] = generator.take_definitions(true).into();
    let text = serde_json::to_string_pretty(&root).unwrap() + "\n";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/rollout.schema.json");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "{} differs from the types; UPDATE_SCHEMAS=1 writes it",
        path.display()
    );
}
