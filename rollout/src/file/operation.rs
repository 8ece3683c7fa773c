//! What is done to each LPAR: the attributes of `nimctl cust`.

use std::collections::BTreeMap;

use nim_shared::api::{Cust, FileFault};
use nim_shared::given::{Given, NEEDS_SOURCE, Software};
use nim_shared::hook::HookPlace;
use nim_shared::id::ClientToken;
use nim_shared::request::Kind;
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
    "hook",
    "master_hook",
    "live_update",
    "live_update_data",
    "strategy",
    "accept_licenses",
];

/// Those of them that name objects or hooks, each by itself.
const LISTS: &[&str] = &["installp_bundle", "fix_bundle", "script", "hook", "master_hook"];

/// The token of a request that nobody makes.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

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

    /// The request that `cust` takes for these targets.
    ///
    /// # Errors
    /// All that is wrong with the attributes; nothing in what was read from a file.
    pub fn cust(&self, targets: Vec<String>, token: ClientToken) -> Result<Cust, Vec<FileFault>> {
        let pairs = self.0.iter().flat_map(|(key, value)| {
            // What names objects takes one at a time, and stands here as one value.
            let single = if LISTS.contains(&key.as_str()) { value.as_str() } else { "" };
            let whole = single.is_empty().then_some((key.as_str(), value.as_str()));
            single.split_whitespace().map(move |word| (key.as_str(), word)).chain(whole)
        });
        let mut given = Given::read("a rollout's operation", KNOWN, &[], pairs);
        let live_update = given.yes_or_no("live_update").unwrap_or(false);
        let accept_licenses = given.yes_or_no("accept_licenses").unwrap_or(false);
        let Software { lpp_source, install, bundles, fixes, fix_bundles, scripts } =
            given.software(NEEDS_SOURCE);
        let hooks = given.hooks("hook", HookPlace::Lpar);
        let master_hooks = given.hooks("master_hook", HookPlace::Master);
        let strategy = given.strategy(live_update, &install);
        let live_update_data = given.one("live_update_data");
        let faults = given.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Cust {
            token,
            targets,
            kind: if live_update { Kind::Update } else { Kind::Install },
            lpp_source,
            install,
            bundles,
            fixes,
            fix_bundles,
            scripts,
            strategy,
            hooks,
            master_hooks,
            alt_disk: None,
            accept_licenses,
            installp_flags: None,
            live_update_data,
            concurrent: None,
            time_limit: None,
        })
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
        let operation = Self(attributes);
        // Nobody is named yet, and nobody asks: only whether it could be asked for.
        let token = NOBODY.parse().expect("a UUID");
        for fault in operation.cust(Vec::new(), token).err().unwrap_or_default() {
            let line = section.node(&fault.path).map_or(section.line, |node| node.line);
            faults.add(line, &section.of(&fault.path), fault.message);
        }
        Some(operation)
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
