//! Who is told of what.

use std::collections::BTreeSet;

use nim_shared::id::ObjectName;
use nim_shared::notice::Subject;
use serde::{Serialize, Serializer};

use super::section::{Faults, Section};

/// A receiver of the site's policy that is told of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Notify {
    /// Its name.
    pub to: ObjectName,
    /// Of what it is told. None: of everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "as_words")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "words"))]
    pub on: Vec<Subject>,
}

impl Notify {
    /// Whether it is told of this.
    #[must_use]
    pub fn wants(&self, subject: Subject) -> bool {
        self.on.is_empty() || self.on.contains(&subject)
    }
}

/// As they stand in a file.
fn as_words<S: Serializer>(subjects: &[Subject], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(subjects.iter().map(|subject| subject.word()))
}

/// The words of subjects, one or a list.
#[cfg(feature = "schema")]
fn words(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let words: Vec<&str> = Subject::OF_ROLLOUTS.iter().map(|(word, _)| *word).collect();
    schemars::json_schema!({
        "oneOf": [{ "enum": words }, { "type": "array", "items": { "enum": words } }]
    })
}

pub(super) fn notify(root: &Section<'_>, faults: &mut Faults) -> Vec<Notify> {
    let mut names = BTreeSet::new();
    let mut all: Vec<Notify> = Vec::new();
    for (node, path) in root.items("notify") {
        let one = Section::new(node, &path, &["to", "on"], faults);
        let on = one.words("on", Subject::OF_ROLLOUTS, faults);
        let Some(to) = one.need::<ObjectName>("to", faults) else { continue };
        if !names.insert(to.clone()) {
            faults.add(one.line, &one.of("to"), format!("\"{to}\" is told already"));
        }
        all.push(Notify { to, on });
    }
    all
}
