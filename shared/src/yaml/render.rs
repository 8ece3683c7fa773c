//! Values as YAML text.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::object::{Need, Object, ObjectType, Spec};

use super::library;

/// `objects` as a fleet file: by type in NIM's order, by name within a type. The same objects give the same text, and
/// [`Fleet`](super::Fleet) reads them back. A text of several lines is written as a block.
///
/// # Errors
/// When the text cannot be made, which no object leads to.
pub fn render_fleet(objects: &[Object]) -> Result<String, NotYaml> {
    let mut types: BTreeMap<ObjectType, Vec<Written<'_>>> = BTreeMap::new();
    for object in objects {
        types.entry(object.spec.object_type()).or_default().push(Written(object));
    }
    for objects in types.values_mut() {
        objects.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    }
    to_string(&types)
}

/// `value` as one YAML document.
///
/// # Errors
/// When its `Serialize` fails, or YAML cannot express it.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, NotYaml> {
    library::to_text(value).map_err(NotYaml)
}

/// A value that YAML cannot express.
#[derive(Debug, thiserror::Error)]
#[error("cannot be written as YAML")]
pub struct NotYaml(#[source] library::Unwritable);

/// An object as a fleet file has it.
struct Written<'a>(&'a Object);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        let Object { name, spec, comments, labels } = self.0;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        let known = Spec::known(spec.object_type());
        let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (attribute, value) in spec.attributes() {
            let stem = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
            match known.iter().find(|one| one.need == Need::List && one.name == stem) {
                Some(list) => lists.entry(list.name).or_default().push(value),
                None => map.serialize_entry(&attribute, &value)?,
            }
        }
        for (attribute, values) in &lists {
            map.serialize_entry(attribute, values)?;
        }
        if let Some(comments) = comments {
            map.serialize_entry("comments", comments)?;
        }
        if !labels.is_empty() {
            map.serialize_entry("labels", labels)?;
        }
        map.end()
    }
}
