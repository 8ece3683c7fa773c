//! The inventory: NIM objects.
//!
//! Every change, of one object or of a whole fleet, goes through [`Store::apply`], so that there is one set of rules. What
//! [`Store::objects`] lists is in the order in which the objects were made, where no other is asked for.

mod allocation;
mod apply;
mod change;
mod check;
mod frame;
mod history;
mod level;
mod listing;
mod pattern;
mod select;
mod table;
mod target;

use nim_shared::id::ObjectName;
use nim_shared::object::{Object, ObjectClass, ObjectType};
use nim_shared::select::{Filter, Requirement, Sort};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::query;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

pub use allocation::InUse;
pub use change::{AttributeChange, Change, Deed, Difference, Fault, Problem};
pub use check::Check;
pub use frame::{Frame, FrameHmc, Sighting};
pub use history::Past;
pub(in crate::store) use listing::forget_lists;
pub use listing::{BadPlace, Place};
pub use pattern::{BadPattern, NamePattern};
pub use target::{Target, Targets};

use super::entity::{
    self,
    object::{Column, Entity, Model},
};
use super::{Error, Store, Who, unsigned};

/// An object as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The object.
    pub object: Object,
    /// Raised by one at every change; 1 at first.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

/// Which objects are wanted, in which order. What is empty does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ObjectFilter {
    /// Any of these types.
    pub types: Vec<ObjectType>,
    /// Any of these classes.
    pub classes: Vec<ObjectClass>,
    /// Any of these names or patterns.
    pub names: Vec<NamePattern>,
    /// All of these requirements of labels.
    pub labels: Vec<Requirement>,
    /// What fields have to be.
    pub fields: Option<Filter>,
    /// By what they are sorted; by nothing: in the order in which they were made.
    pub sort: Sort,
}

impl Store {
    /// Stores a new object.
    ///
    /// # Errors
    /// [`Error::Faults`] when the name is taken or a mention names nothing of the right type.
    pub async fn define(&self, object: &Object, who: Who) -> Result<(), Error> {
        self.apply(vec![Change::Define(object.clone())], Mode::Store, who).await.map(drop)
    }

    /// Replaces an object. `version`, where given, is the one that the change was made from.
    ///
    /// # Errors
    /// [`Error::Faults`] when there is none of that name, it is of another type or version, or a mention names nothing.
    pub async fn change(
        &self,
        object: &Object,
        version: Option<u64>,
        who: Who,
    ) -> Result<(), Error> {
        let change = Change::Change { object: object.clone(), version };
        self.apply(vec![change], Mode::Store, who).await.map(drop)
    }

    /// Removes an object, with its host keys.
    ///
    /// # Errors
    /// [`Error::Faults`] when there is none, when others mention it (they are listed), or when an operation is open on it.
    pub async fn remove(&self, name: &ObjectName, who: Who) -> Result<(), Error> {
        self.apply(vec![Change::Remove(name.clone())], Mode::Store, who).await.map(drop)
    }

    /// One object by its name.
    ///
    /// # Errors
    /// [`Error::NoSuchObject`].
    pub async fn object(&self, name: &ObjectName) -> Result<Stored, Error> {
        Entity::find()
            .filter(Column::Name.eq(name.as_str()))
            .one(&self.db)
            .await
            .map_err(|cause| Error::database(format!("read {name}"), cause))?
            .ok_or_else(|| Error::NoSuchObject { name: name.clone() })
            .and_then(stored)
    }

    /// The objects of these names, as far as there are such.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn objects_named(&self, names: &[ObjectName]) -> Result<Vec<Stored>, Error> {
        let names: Vec<&str> = names.iter().map(ObjectName::as_str).collect();
        let rows = query("SELECT * FROM nim_object_spec WHERE name = ANY($1)")
            .bind(names)
            .fetch_all(&self.pool)
            .await
            .map_err(|cause| Error::sqlx("read objects", cause))?;
        entity::read("an object", rows)?.into_iter().map(stored).collect()
    }
}

/// Whether changes are stored, or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Store them.
    Store,
    /// Store them, also changes of resources that are allocated.
    Force,
    /// Check them and say what they would do.
    DryRun,
}

/// The domain's object of a row.
pub(super) fn stored(row: Model) -> Result<Stored, Error> {
    let name = row.name;
    let bad = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::unreadable(format!("object \"{name}\""), cause)
    };
    let object = Object {
        name: name.parse().map_err(|cause: nim_shared::id::BadName| bad(cause.into()))?,
        spec: serde_json::from_value(row.spec).map_err(|cause| bad(cause.into()))?,
        comments: row.comments,
        labels: serde_json::from_value(row.labels).map_err(|cause| bad(cause.into()))?,
    };
    Ok(Stored {
        object,
        version: unsigned(row.version),
        created_at: Timestamp::new(row.created_at),
        changed_at: Timestamp::new(row.changed_at),
    })
}

#[cfg(test)]
mod tests;
