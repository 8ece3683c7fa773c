//! Choosing objects: labels (`env=prod,tier notin (test)`), fields (`oslevel<7300-03 and frame=p10-*`), order and columns.
//!
//! What people type is read here into values whose meaning is settled: which field, compared with what and how. Levels are compared
//! as levels and times as times; what cannot be meant is refused with its place and what there is instead. nimd turns the values into
//! SQL, so that no text of a person ever becomes a part of a statement.
//!
//! What is not known of an object equals nothing: `oslevel=7300-03` and `oslevel<7300-03` are false of an LPAR without a level, and
//! `oslevel!=7300-03` is true, as it is of labels in `kubectl`. So each comparison is true or false, and `not` turns it round.
//! `oslevel=''` asks for those of which nothing is known.

mod filter;
mod label;
mod order;
mod value;

use std::fmt;

pub use filter::{BadFilter, Filter};
pub use label::{BadSelector, Requirement, Selector};
pub use order::{BadColumns, BadSort, Columns, Direction, Sort};
pub use value::{BadValue, Compare, Order, Pattern, Test, Value};

use crate::near::closest;
use crate::object::LABEL;

/// What values of a field are, and so how they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, compared with a pattern: equal or not.
    Text,
    /// A whole number.
    Number,
    /// A level of AIX.
    Level,
    /// A level of a VIOS.
    ViosLevel,
    /// A point in time.
    Time,
    /// All labels: to be shown, not to be compared.
    Labels,
}

impl Kind {
    /// What it is, in a sentence.
    const fn what(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Level => "a level of AIX",
            Self::ViosLevel => "a level of a VIOS",
            Self::Time => "a time",
            Self::Labels => "all labels",
        }
    }
}

/// The fields, each with its name and kind.
macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $kind:ident;)+) => {
        /// What can be compared, sorted by and shown of objects. An object that has no such thing has no value.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Field {
            $($(#[doc = $doc])+ $variant,)+
            /// The label with this key.
            Label(String),
        }

        impl Field {
            /// All but the labels one by one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name; [`LABEL`] for a label, whose key follows.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant => $text,)+ Self::Label(_) => LABEL }
            }

            /// What its values are.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ Self::Label(_) => Kind::Text }
            }
        }
    };
}

fields! {
    /// Its name.
    Name = "name", Text;
    /// NIM's type.
    Type = "type", Text;
    /// NIM's class.
    Class = "class", Text;
    /// Its comments.
    Comments = "comments", Text;
    /// Rises with every change.
    Version = "version", Number;
    /// When it was defined.
    Created = "created", Time;
    /// When it was changed last.
    Changed = "changed", Time;
    /// Host name or address of a machine or an HMC.
    Hostname = "hostname", Text;
    /// The frame of a VIOS or an LPAR.
    Frame = "frame", Text;
    /// The preferred HMC of the frame, of a VIOS, an LPAR or a frame.
    Hmc = "hmc", Text;
    /// Partition id, as it is on record.
    Identity = "identity", Number;
    /// Name of the partition on the HMC.
    Partition = "partition", Text;
    /// State of the partition, as the HMC showed it last: `Running`, `Not Activated`.
    State = "state", Text;
    /// State of RMC, as the HMC showed it last: `active`.
    Rmc = "rmc", Text;
    /// Level of AIX, as the HMC showed it last.
    Oslevel = "oslevel", Level;
    /// Level of a VIOS, as it showed it last.
    Ioslevel = "ioslevel", ViosLevel;
    /// When the HMC showed the partition last.
    Seen = "seen", Time;
    /// Machine type, model and serial number of a frame.
    Mtms = "mtms", Text;
    /// Where a resource lies.
    Location = "location", Text;
    /// The server of a resource.
    Server = "server", Text;
    /// State of the last operation of an LPAR: `queued`, `running`, `succeeded`.
    Operation = "operation", Text;
    /// All its labels.
    Labels = "labels", Labels;
}

impl Field {
    /// The field that `text` names.
    ///
    /// # Errors
    /// [`UnknownField`] with those that there are.
    pub fn read(text: &str) -> Result<Self, UnknownField> {
        if let Some(key) = text.strip_prefix(LABEL).filter(|key| crate::object::is_label_key(key)) {
            return Ok(Self::Label(key.to_owned()));
        }
        let found = Self::ALL.iter().find(|field| field.name() == text);
        found.cloned().ok_or_else(|| UnknownField { found: text.to_owned() })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Label(key) => f.write_str(key),
            _ => Ok(()),
        }
    }
}

/// A name that no field has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// What was written.
    pub found: String,
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no field \"{}\"", crate::id::printable(&self.found))?;
        let names = || Field::ALL.iter().map(Field::name);
        if let Some(meant) = closest(&self.found, names()) {
            write!(f, "; did you mean \"{meant}\"?")?;
        }
        write!(f, " (fields: {}, {LABEL}KEY)", names().collect::<Vec<_>>().join(", "))
    }
}

impl std::error::Error for UnknownField {}

#[cfg(test)]
mod tests;
