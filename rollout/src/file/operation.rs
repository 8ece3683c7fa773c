//! What is done to each LPAR: the attributes of `nimctl cust`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::section::{Faults, Section, text};

/// Attributes with their values, as `nimctl cust -a` takes them. A list is written as one value, with blanks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Operation(pub BTreeMap<String, String>);

/// What a Live Update takes.
const KNOWN: &[&str] = &[
    "lpp_source",
    "fixes",
    "filesets",
    "installp_bundle",
    "fix_bundle",
    "script",
    "live_update",
    "live_update_data",
    "accept_licenses",
];

/// What cust takes besides, and where a rollout says it.
const ELSEWHERE: &[(&str, &str)] = &[
    ("concurrent", "limits.in_flight says how many run at a time"),
    ("time_limit", "windows say when updates may run, deadlines how long"),
    ("installp_flags", "a rollout updates by Live Update, which takes no flags for installp"),
];

impl Operation {
    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.0.get(attribute).map(String::as_str)
    }

    pub(super) fn read(root: &Section<'_>, faults: &mut Faults) -> Option<Self> {
        let Some(node) = root.node("operation") else {
            faults.add(root.line, "operation", "is required: the attributes of cust");
            return None;
        };
        let known: Vec<&str> =
            KNOWN.iter().copied().chain(ELSEWHERE.iter().map(|(name, _)| *name)).collect();
        let section = Section::new(node, "operation", &known, faults);
        let mut attributes = BTreeMap::new();
        for (key, _) in section.fields() {
            if let Some((_, why)) = ELSEWHERE.iter().find(|(name, _)| *name == key) {
                faults.add(section.line, &section.of(key), format!("does not belong here: {why}"));
                continue;
            }
            let values: Vec<&str> = section
                .items(key)
                .into_iter()
                .filter_map(|(node, path)| text(node, &path, faults))
                .collect();
            if !values.is_empty() {
                attributes.insert(key.to_owned(), values.join(" "));
            }
        }
        for flag in ["live_update", "accept_licenses"] {
            if let Some(value) = attributes.get(flag)
                && !matches!(value.as_str(), "yes" | "no")
            {
                faults.add(section.line, &section.of(flag), "is yes or no");
            }
        }
        if attributes.get("live_update").map(String::as_str) != Some("yes") {
            faults.add(
                section.line,
                "operation.live_update",
                "is yes in a rollout: it plans the second partition of a Live Update",
            );
        }
        if !attributes.contains_key("live_update_data") {
            faults.add(
                section.line,
                "operation.live_update_data",
                "is required; in it {lpar} stands for the name of the LPAR",
            );
        }
        Some(Self(attributes))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Operation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Operation".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let value = serde_json::json!({
            "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
        });
        let properties: serde_json::Map<_, _> =
            KNOWN.iter().map(|one| ((*one).to_owned(), value.clone())).collect();
        schemars::json_schema!({
            "type": "object",
            "properties": properties,
            "required": ["live_update", "live_update_data"],
            "additionalProperties": false,
        })
    }
}
