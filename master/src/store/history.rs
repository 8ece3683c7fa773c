//! What was done to objects, by whom and when.

use nim_shared::id::ObjectName;
use nim_shared::object::Object;
use nim_shared::stamp::Timestamp;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::object_history::{Column, Entity, Model};
use super::{Error, Store, Who, unsigned};

/// One entry of an object's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// `define`, `change` or `remove`.
    pub what: String,
    /// The object's version after it.
    pub version: u64,
    /// The object before.
    pub before: Option<Object>,
    /// The object after.
    pub after: Option<Object>,
    /// Who did it.
    pub by: Who,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// The last `limit` entries of the history of the objects that had this name, the latest first. Outlives the object.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn history(&self, name: &ObjectName, limit: u32) -> Result<Vec<HistoryEntry>, Error> {
        Entity::find()
            .filter(Column::Name.eq(name.as_str()))
            .order_by_desc(Column::Id)
            .limit(u64::from(limit))
            .all(&self.db)
            .await
            .map_err(|cause| Error::database(format!("read the history of {name}"), cause))?
            .into_iter()
            .map(entry)
            .collect()
    }
}

/// The domain's entry of a row.
fn entry(row: Model) -> Result<HistoryEntry, Error> {
    let object = |json: Option<serde_json::Value>| {
        json.map(serde_json::from_value)
            .transpose()
            .map_err(|cause| Error::unreadable(format!("the history of \"{}\"", row.name), cause))
    };
    Ok(HistoryEntry {
        before: object(row.before)?,
        after: object(row.after)?,
        what: row.what,
        version: unsigned(row.version),
        by: Who { uid: u32::try_from(row.by_uid).unwrap_or(u32::MAX) },
        at: Timestamp::new(row.at),
    })
}
