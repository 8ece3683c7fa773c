//! JSON Schema of a fleet file, from the table of types.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::object::{Known, Need, ObjectType, Spec};

/// A fleet file, for its JSON Schema: editors complete and check with it. What it cannot say (whether a reference leads anywhere,
/// whether an address is one) is said by [`Fleet`](super::Fleet).
#[derive(Debug)]
pub struct FleetFile;

impl JsonSchema for FleetFile {
    fn schema_name() -> Cow<'static, str> {
        "Fleet".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let types: Map<_, _> = ObjectType::ALL
            .iter()
            .map(|one| (one.name().to_owned(), json!({ "type": "array", "items": object(*one) })))
            .collect();
        json_schema!({ "type": "object", "properties": types, "additionalProperties": false })
    }
}

/// An object of one type.
fn object(of: ObjectType) -> Value {
    let known = Spec::known(of);
    let mut properties = Map::new();
    let mut numbered = Map::new();
    properties
        .insert("name".to_owned(), described("Its name, unique among all objects.", scalar()));
    for one in known {
        properties.insert(one.name.to_owned(), described(one.doc.trim(), value(one)));
        if one.need == Need::List {
            let entry = described(&format!("One entry of {}.", one.name), scalar());
            numbered.insert(format!("^{}[1-9][0-9]*$", one.name), entry);
        }
    }
    for kept in Spec::kept(of) {
        let schema = described("Kept and shown, not used.", scalar());
        match kept.strip_suffix('#') {
            Some(base) => numbered.insert(format!("^{base}[1-9][0-9]*$"), schema),
            None => properties.insert((*kept).to_owned(), schema),
        };
    }
    properties.insert("comments".to_owned(), described("Free text.", scalar()));
    let labels = json!({ "type": "object", "additionalProperties": scalar() });
    properties.insert("labels".to_owned(), described("Labels to choose objects by.", labels));
    let required: Vec<_> = std::iter::once("name")
        .chain(known.iter().filter(|one| one.need == Need::Required).map(|one| one.name))
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": numbered,
        "required": required,
        "additionalProperties": false,
    })
}

/// A value of an attribute.
fn value(known: &Known) -> Value {
    match known.need {
        Need::Required | Need::Optional => scalar(),
        Need::List => json!({ "anyOf": [scalar(), { "type": "array", "items": scalar() }] }),
    }
}

/// A single value. Whatever YAML takes it for, its text counts.
fn scalar() -> Value {
    json!({ "type": ["string", "number", "boolean", "null"] })
}

fn described(doc: &str, mut schema: Value) -> Value {
    schema["description"] = doc.into();
    schema
}
