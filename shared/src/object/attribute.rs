//! How an attribute is read from text and written as text.

use std::fmt::Display;
use std::str::FromStr;

/// What is wrong with the value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It has to be given.
    #[error("is required")]
    Missing,
    /// It was given more than once, and has one value only.
    #[error("has one value; {given} were given")]
    Several {
        /// How many were given.
        given: usize,
    },
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// A value of an attribute. `texts` holds what was given, one entry for each time; empty means that it is not set.
pub trait Attribute: Sized {
    /// Reads what was given.
    ///
    /// # Errors
    /// [`Problem`] when it is missing, given too often, or cannot be read.
    fn read(texts: &[String]) -> Result<Self, Problem>;

    /// Writes what [`Attribute::read`] reads; empty when it is not set.
    fn write(&self) -> Vec<String>;
}

/// An attribute that is one text.
fn one(texts: &[String]) -> Result<&str, Problem> {
    match texts {
        [] => Err(Problem::Missing),
        [text] => Ok(text),
        more => Err(Problem::Several { given: more.len() }),
    }
}

/// Reads one text as `T`.
pub(super) fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| Problem::Unreadable(error.to_string()))
}

/// Types that are one text, through their `FromStr` and `Display`.
macro_rules! scalar {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::object::Attribute for $name {
            fn read(texts: &[String]) -> Result<Self, $crate::object::Problem> {
                $crate::object::attribute::parse($crate::object::attribute::single(texts)?)
            }

            fn write(&self) -> Vec<String> {
                vec![self.to_string()]
            }
        }
    )+};
}
pub(super) use scalar;

/// As [`one`], for the macro.
pub(super) fn single(texts: &[String]) -> Result<&str, Problem> {
    one(texts)
}

scalar!(crate::id::ObjectName, crate::id::InstallationId, std::net::Ipv4Addr);

/// Types that are one number: what `std` says of a wrong one tells a programmer something, and nobody else.
macro_rules! number {
    ($($name:ty: $most:expr),+ $(,)?) => {$(
        impl Attribute for $name {
            fn read(texts: &[String]) -> Result<Self, Problem> {
                let text = one(texts)?;
                text.trim().parse().map_err(|_| {
                    let most = $most;
                    Problem::Unreadable(format!("is a whole number from 1 to {most}, not {text:?}"))
                })
            }

            fn write(&self) -> Vec<String> {
                vec![self.to_string()]
            }
        }
    )+};
}

number!(
    crate::id::LparId: u32::MAX,
    std::num::NonZeroU16: u16::MAX,
    std::num::NonZeroU32: u32::MAX,
);

impl Attribute for String {
    fn read(texts: &[String]) -> Result<Self, Problem> {
        let text = one(texts)?;
        match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            Some(found) => {
                Err(Problem::Unreadable(format!("contains the control character {found:?}")))
            }
            None => Ok(text.to_owned()),
        }
    }

    fn write(&self) -> Vec<String> {
        vec![self.clone()]
    }
}

impl<T: Attribute> Attribute for Option<T> {
    fn read(texts: &[String]) -> Result<Self, Problem> {
        if texts.is_empty() { Ok(None) } else { T::read(texts).map(Some) }
    }

    fn write(&self) -> Vec<String> {
        self.as_ref().map(T::write).unwrap_or_default()
    }
}

/// A list: one entry for each time it was given. Commas separate entries too, where the entries have none of their own.
impl<T: ListItem> Attribute for Vec<T> {
    fn read(texts: &[String]) -> Result<Self, Problem> {
        let parts = texts.iter().flat_map(|text| text.split(T::SEPARATOR));
        parts.map(str::trim).filter(|part| !part.is_empty()).map(parse).collect()
    }

    fn write(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

/// What may stand in a list.
pub trait ListItem: FromStr<Err: Display> + Display {
    /// Separates entries within one text.
    const SEPARATOR: char = ',';
}

impl ListItem for crate::id::ObjectName {}
impl ListItem for String {}
impl ListItem for crate::disks::PoolEntry {}
