//! Who changed what of an object, and when: noted with each change, in its transaction.

use nim_shared::id::ObjectName;
use nim_shared::object::Object;
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::query_as;
use serde_json::Value;
use time::OffsetDateTime;

use super::apply::attribute_changes;
use super::change::AttributeChange;
use crate::store::{Error, Store, Who, unsigned};

/// One change of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Who,
    /// `define`, `change`, `remove`.
    pub what: String,
    /// The version that it led to.
    pub version: u64,
    /// What differs. Empty where one of both sides was written by another version and cannot be read.
    pub attributes: Vec<AttributeChange>,
}

/// When, what, version, before, after, who.
type Row = (OffsetDateTime, String, i64, Option<Value>, Option<Value>, i64);

impl Store {
    /// The last `most` changes of what is or was called `name`, the newest first.
    ///
    /// # Errors
    /// [`Error::NoSuchObject`] when nothing ever was.
    pub async fn object_history(&self, name: &ObjectName, most: u32) -> Result<Vec<Past>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT at, what, version, before, after, by_uid FROM object_history
             WHERE name = $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(name.as_str())
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("read the history of {name}"), cause))?;
        if rows.is_empty() {
            return Err(Error::NoSuchObject { name: name.clone() });
        }
        Ok(rows.into_iter().map(read).collect())
    }
}

fn read((at, what, version, before, after, by): Row) -> Past {
    // `None`: there was none; `Err`: it cannot be read.
    let object = |side: Option<Value>| side.map(serde_json::from_value::<Object>).transpose();
    let attributes = match (object(before), object(after)) {
        (Ok(before), Ok(after)) => attribute_changes(before.as_ref(), after.as_ref()),
        (Err(_), _) | (_, Err(_)) => Vec::new(),
    };
    let by = Who { uid: u32::try_from(by).unwrap_or(u32::MAX) };
    Past { at: Timestamp::new(at), by, what, version: unsigned(version), attributes }
}
