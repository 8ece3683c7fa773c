//! Values as YAML text.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::object::{Need, Object, ObjectType, Spec};

use super::library;

/// `objects` as a fleet file, in their order. [`Fleet`](super::Fleet) reads them back in it: `lsnim` lists in the order of creation, and
/// a copy of the inventory has to list the same. A document has each type once, so that another begins where a type comes back after
/// others. A text of several lines is written as a block.
///
/// # Errors
/// When the text cannot be made, which no object leads to.
pub fn render_fleet(objects: &[Object]) -> Result<String, NotYaml> {
    let of = |object: &Object| object.spec.object_type();
    let mut documents = vec![Document::default()];
    for run in objects.chunk_by(|one, next| of(one) == of(next)) {
        let Some(object_type) = run.first().map(of) else { continue };
        match documents.last_mut() {
            Some(last) if last.0.iter().all(|(other, _)| *other != object_type) => {
                last.0.push((object_type, run));
            }
            _ => documents.push(Document(vec![(object_type, run)])),
        }
    }
    let texts = documents.iter().map(to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join("---\n"))
}

/// A document of a fleet file: types, each with objects of it.
#[derive(Default)]
struct Document<'a>(Vec<(ObjectType, &'a [Object])>);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let types = self.0.iter();
        to.collect_map(
            types.map(|(of, objects)| (of, objects.iter().map(Written).collect::<Vec<_>>())),
        )
    }
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
