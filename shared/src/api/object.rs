//! Objects: the inventory.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ObjectName, printable};
use crate::object::{Object, ObjectClass, ObjectType};
use crate::stage::names;
use crate::stamp::Timestamp;

/// An object as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObjectView {
    /// Name, type, attributes, comments, labels.
    #[serde(flatten)]
    pub object: Object,
    /// NIM's class of its type.
    pub class: ObjectClass,
    /// Rises with every change.
    pub version: u64,
    /// When it was defined.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// Attributes that follow from others or were found, such as `mgmt_profile1` and `Cstate`.
    #[serde(default)]
    pub derived: Vec<Pair>,
    /// When nimd last spoke with it, where it has.
    pub last_seen: Option<Timestamp>,
    /// What somebody should look at, such as a key of `lvupdate.data` that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What stands in one column of an object's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Cell {
    /// There is no such thing, or it is not known.
    None,
    /// A number.
    Number(i64),
    /// A text, a level, a time.
    Text(String),
}

/// An attribute and its value, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pair {
    /// Name of the attribute.
    pub attribute: String,
    /// Its value.
    pub value: String,
}

/// Defines one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Define {
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: ObjectType,
    /// Its name.
    pub name: ObjectName,
    /// Its attributes, in the order in which they were given; a list attribute once for each entry.
    pub attributes: Vec<Pair>,
}

/// Changes one object. What is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Edit {
    /// Attributes to set; an empty value clears.
    #[serde(default)]
    pub set: Vec<Pair>,
    /// Entries to add to lists (`add_member`).
    #[serde(default)]
    pub add: Vec<Pair>,
    /// Entries to take out of lists (`rm_member`).
    #[serde(default)]
    pub remove: Vec<Pair>,
    /// Only if the object still has this version.
    #[serde(default)]
    pub version: Option<u64>,
    /// Also a resource that is allocated.
    #[serde(default)]
    pub force: bool,
}

/// Creates or changes a whole fleet from YAML, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Apply {
    /// The files: name for messages, and text.
    pub files: Vec<File>,
    /// Show the differences, change nothing.
    pub dry_run: bool,
}

/// A file that travels as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct File {
    /// Its name, as the person typed it.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// What `apply` changed, or would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Applied {
    /// Whether it was done.
    pub applied: bool,
    /// One row an object that is created or changed.
    pub changes: Vec<ObjectChange>,
    /// Objects of the files that are as they should be.
    pub unchanged: u64,
    /// What somebody should look at in objects that are created or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FileFault>,
}

/// One object that is created or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObjectChange {
    /// Its name.
    pub name: ObjectName,
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: ObjectType,
    /// Created or changed.
    pub action: Action,
    /// Attributes that differ.
    pub attributes: Vec<AttributeChange>,
}

names! {
    /// What happens to an object.
    Action, "action" {
        /// It is new.
        Create = "create",
        /// Its attributes change.
        Change = "change",
    }
}

/// One attribute that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttributeChange {
    /// Its name.
    pub attribute: String,
    /// Its value before; `None` when it was not set.
    pub before: Option<String>,
    /// Its value after; `None` when it is cleared.
    pub after: Option<String>,
}

/// One change of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastChange {
    /// When.
    pub at: Timestamp,
    /// Numeric id of the user who made it, on the master's host.
    pub by_uid: u32,
    /// `define`, `change`, `remove`.
    pub what: String,
    /// The version that it led to.
    pub version: u64,
    /// Attributes that differ.
    pub attributes: Vec<AttributeChange>,
}

/// One fault of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileFault {
    /// Name of the file, where it is in one.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u64>,
    /// Path to the value: `cec[0].mgmt_source`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for FileFault {
    /// `fleet.yaml:12: cec[0].mgmt_source: no hmc is called "hmc9"`; what is not there is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            f.write_str(&printable(file))?;
            self.line.iter().try_for_each(|line| write!(f, ":{line}"))?;
            f.write_str(": ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", printable(&self.path))?;
        }
        f.write_str(&printable(&self.message))
    }
}
