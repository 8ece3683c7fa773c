//! The order of a list, and its columns.

use std::fmt;
use std::str::FromStr;

use super::{Field, Kind, UnknownField};

/// By which fields a list is sorted, the first one first; objects that are equal in all of them in the order in which they were
/// made. What is not known comes last, in both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sort(pub Vec<(Field, Direction)>);

/// From which end it is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The smallest, oldest, first of the alphabet first.
    Up,
    /// The other way round: `-` before the field.
    Down,
}

/// A text that is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSort {
    /// No such field.
    #[error(transparent)]
    Field(#[from] UnknownField),
    /// It has no order.
    #[error("there is no order of {0}; label.KEY has one")]
    NoOrder(Field),
    /// More than anybody needs.
    #[error("it names more than {MOST} fields")]
    TooMany,
}

/// Which fields of objects are shown, in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(pub Vec<Field>);

/// A text that names no columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadColumns {
    /// No such field.
    #[error(transparent)]
    Field(#[from] UnknownField),
    /// More than anybody needs.
    #[error("it names more than {MOST} fields")]
    TooMany,
    /// The same twice: a row has one value for each.
    #[error("{0} is named twice")]
    Twice(Field),
}

/// Most fields of an order or of a row.
const MOST: usize = 32;

impl FromStr for Sort {
    type Err = BadSort;

    fn from_str(text: &str) -> Result<Self, BadSort> {
        let mut keys = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (name, direction) = match part.strip_prefix('-') {
                Some(name) => (name, Direction::Down),
                None => (part, Direction::Up),
            };
            let field = Field::read(name)?;
            if field.kind() == Kind::Labels {
                return Err(BadSort::NoOrder(field));
            }
            keys.push((field, direction));
        }
        if keys.len() > MOST { Err(BadSort::TooMany) } else { Ok(Self(keys)) }
    }
}

impl FromStr for Columns {
    type Err = BadColumns;

    fn from_str(text: &str) -> Result<Self, BadColumns> {
        let mut fields: Vec<Field> = Vec::new();
        for name in text.split(',').map(str::trim) {
            let field = Field::read(name)?;
            if fields.contains(&field) {
                return Err(BadColumns::Twice(field));
            }
            fields.push(field);
        }
        if fields.len() > MOST { Err(BadColumns::TooMany) } else { Ok(Self(fields)) }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (field, direction)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let sign = if *direction == Direction::Down { "-" } else { "" };
            write!(f, "{comma}{sign}{field}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(","))
    }
}
