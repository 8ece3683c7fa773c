//! One entry of a map in a JSON text. What else the text holds is passed over, which costs a fraction of making values of it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// What `text`, an object, holds under `field`, an object too, under `name`.
pub(super) fn entry<T: DeserializeOwned>(
    text: &[u8],
    field: &str,
    name: &str,
) -> serde_json::Result<Option<T>> {
    let mut text = serde_json::Deserializer::from_slice(text);
    let found =
        Under { name: field, then: Under { name, then: PhantomData } }.deserialize(&mut text)?;
    text.end()?;
    Ok(found.flatten())
}

/// The value of one name in a map, read as `then` says.
struct Under<'a, S> {
    name: &'a str,
    then: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Under<'_, S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Under<'_, S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut then, mut found) = (Some(self.then), None);
        while let Some(name) = map.next_key::<String>()? {
            match then.take_if(|_| name == self.name) {
                Some(then) => found = Some(map.next_value_seed(then)?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}
