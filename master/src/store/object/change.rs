//! What a change of the inventory is, what it does, and what may stand against it.

use nim_shared::id::{ObjectName, OperationId};
use nim_shared::object::{Object, ObjectType};

/// One change of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new object; its name must be free.
    Define(Object),
    /// Another content for an object that is there.
    Change {
        /// The whole object as it shall be.
        object: Object,
        /// The version that this was made from, where the caller saw one.
        version: Option<u64>,
    },
    /// The object shall be like this, whether it is there or not. What a fleet file says.
    Put(Object),
    /// The object goes.
    Remove(ObjectName),
}

impl Change {
    /// The object's name.
    #[must_use]
    pub const fn name(&self) -> &ObjectName {
        match self {
            Self::Define(object) | Self::Put(object) | Self::Change { object, .. } => &object.name,
            Self::Remove(name) => name,
        }
    }

    /// The object as it shall be; `None` when it goes.
    pub(super) const fn object(&self) -> Option<&Object> {
        match self {
            Self::Define(object) | Self::Put(object) | Self::Change { object, .. } => Some(object),
            Self::Remove(_) => None,
        }
    }
}

/// What a change does to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The object.
    pub name: ObjectName,
    /// Its type.
    pub object_type: ObjectType,
    /// In a word.
    pub deed: Deed,
    /// Attribute by attribute, as text, in the order of the type's definition.
    pub attributes: Vec<AttributeChange>,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is new.
    Made,
    /// Some attributes are other.
    Changed,
    /// It goes.
    Removed,
    /// It is like this already.
    Same,
}

/// One attribute before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeChange {
    /// The attribute; an entry of a list has its number.
    pub attribute: String,
    /// Before; `None` when it was not set.
    pub before: Option<String>,
    /// After; `None` when it is not set.
    pub after: Option<String>,
}

/// Why one object cannot be stored as asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {problem}")]
pub struct Fault {
    /// The object.
    pub object: ObjectName,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The name is taken.
    #[error("there is an object of this name already, of type {0}")]
    Exists(ObjectType),
    /// There is no such object.
    #[error("there is no such object")]
    Missing,
    /// Changed by somebody else in the meantime.
    #[error("it was changed in the meantime: you saw version {seen}, it is {found} now")]
    Stale {
        /// The version that the change was made from.
        seen: u64,
        /// The version that is stored.
        found: u64,
    },
    /// An object keeps its type.
    #[error("it is of type {0}, which cannot be changed")]
    OtherType(ObjectType),
    /// The same object twice in one request.
    #[error("it is given more than once")]
    Twice,
    /// An attribute names nothing.
    #[error("{attribute} names \"{name}\", which is not defined")]
    NoSuchReference {
        /// The attribute.
        attribute: &'static str,
        /// The name.
        name: ObjectName,
    },
    /// An attribute names something else.
    #[error("{attribute} names \"{name}\", which is of type {found}")]
    WrongReference {
        /// The attribute.
        attribute: &'static str,
        /// The name.
        name: ObjectName,
        /// The type that it has.
        found: ObjectType,
    },
    /// A list names the same object twice.
    #[error("{attribute} names \"{name}\" twice")]
    TwiceIn {
        /// The attribute.
        attribute: &'static str,
        /// The name.
        name: ObjectName,
    },
    /// Others mention it.
    #[error("{attribute} of {by} mentions it")]
    Mentioned {
        /// Who.
        by: ObjectName,
        /// By which attribute.
        attribute: String,
    },
    /// An operation is open on it.
    #[error("operation {0} on it is open")]
    OpenOperation(OperationId),
    /// Machines hold it.
    #[error("it is allocated to {}", some(to))]
    Allocated {
        /// The machines.
        to: Vec<ObjectName>,
    },
    /// A machine holds one resource of a type, but for scripts and bundles.
    #[error("{name} cannot be allocated to it: it holds the {of} {other}")]
    SecondOfType {
        /// The resource.
        name: ObjectName,
        /// Its type.
        of: ObjectType,
        /// The one that it holds.
        other: ObjectName,
    },
    /// A NUL, which no text column takes.
    #[error("{0} contains a NUL character")]
    Nul(String),
}

impl Problem {
    /// What to type now, where there is something.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Allocated { .. } => Some(
                "nim -o deallocate takes it back, and what an operation uses comes back when that ends; a change can be forced: nim -Fo change",
            ),
            Self::SecondOfType { .. } => Some("nim -o deallocate takes back the one that it holds"),
            _ => None,
        }
    }
}

/// The first of `names`, and how many more there are.
fn some(names: &[ObjectName]) -> String {
    const FIRST: usize = 10;
    let first: Vec<_> = names.iter().take(FIRST).map(ObjectName::as_str).collect();
    match names.len().saturating_sub(FIRST) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
