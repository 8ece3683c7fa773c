//! Values to compare with, and how.

use std::fmt;

use time::{Date, Time, UtcOffset};

use super::{Field, Kind};
use crate::id::printable;
use crate::level::{FilesetLevel, Level, TechnologyLevel};
use crate::stamp::Timestamp;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `=`, also `==`.
    Same,
    /// `!=`
    Other,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Order {
    /// As it is written.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Same => "=",
            Self::Other => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// What the sign means; `None` for what is none.
    pub(super) fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" | "==" => Self::Same,
            "!=" => Self::Other,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::More,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }
}

/// A comparison with all values from `first` to `last`: `7300-03` is every level of that technology level. Equal is who is between
/// them, less who is below the first, more who is above the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compare<T> {
    /// How.
    pub order: Order,
    /// The first value.
    pub first: T,
    /// The last one; the same where one value is meant.
    pub last: T,
}

impl<T: PartialOrd> Compare<T> {
    /// Whether `value` is as it has to be.
    pub fn holds(&self, value: &T) -> bool {
        let between = *value >= self.first && *value <= self.last;
        match self.order {
            Order::Same => between,
            Order::Other => !between,
            Order::Less => *value < self.first,
            Order::AtMost => *value <= self.last,
            Order::More => *value > self.last,
            Order::AtLeast => *value >= self.first,
        }
    }
}

/// A text to compare with, in which `*` and `?` may stand for others, `[a-f]` for one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This text.
    Exact(String),
    /// What matches.
    Glob(String),
}

impl Pattern {
    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Glob(text) => text,
        }
    }

    /// A glob as a regular expression of PostgreSQL; `None` for an exact text.
    #[must_use]
    pub fn regex(&self) -> Option<String> {
        let Self::Glob(glob) = self else { return None };
        let mut regex = "^".to_owned();
        let mut left = glob.chars();
        while let Some(c) = left.next() {
            match c {
                '*' => regex.push_str(".*"),
                '?' => regex.push('.'),
                '[' => match set(left.as_str()) {
                    Some((set, after)) => {
                        regex.push_str(&set);
                        left = after.chars();
                    }
                    None => regex.push_str("\\["),
                },
                c if c.is_ascii_punctuation() => regex.extend(['\\', c]),
                c => regex.push(c),
            }
        }
        regex.push('$');
        Some(regex)
    }
}

/// The set at the beginning of what stands behind `[`, and what follows; `None` where it is none: then the bracket is meant itself.
fn set(text: &str) -> Option<(String, &str)> {
    let (inside, after) = text.split_once(']')?;
    let (not, members) = match inside.strip_prefix(['!', '^']) {
        Some(members) => ("^", members),
        None => ("", inside),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let backwards = |three: &[u8]| matches!(three, [from, b'-', to] if from > to);
    let sound = !members.is_empty()
        && members.chars().all(plain)
        && !members.as_bytes().windows(3).any(backwards);
    sound.then(|| (format!("[{not}{members}]"), after))
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The text, without quotation marks.
    pub text: String,
    /// Whether it stood in quotation marks: then `*` is an asterisk.
    pub quoted: bool,
}

/// What a field has to be. The kind of the value is that of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Whether there is a value at all. `true`: there has to be one.
    Known(bool),
    /// A text: `false` when it must not match.
    Text(bool, Pattern),
    /// A number.
    Number(Compare<i64>),
    /// A level of AIX.
    Level(Compare<Level>),
    /// A level of a VIOS: version, release, modification, fix.
    ViosLevel(Compare<[u16; 4]>),
    /// A time.
    Time(Compare<Timestamp>),
}

/// A comparison that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// The field's values have no such order.
    #[error("{field} is {}, which `{}` makes no sense of: only = and != do", .field.kind().what(), .order.sign())]
    NoOrder {
        /// The field.
        field: Field,
        /// How it was to be compared.
        order: Order,
    },
    /// All labels at once.
    #[error("{0} cannot be compared; label.KEY can, such as label.env=prod")]
    NotCompared(Field),
    /// The value is not of the field's kind.
    #[error("{field} is {}, and \"{}\" is none: {wanted}", .field.kind().what(), printable(.found))]
    OtherKind {
        /// The field.
        field: Field,
        /// The value.
        found: String,
        /// How one looks.
        wanted: &'static str,
    },
}

impl Test {
    /// What `field order value` asks for.
    ///
    /// # Errors
    /// [`BadValue`] where that makes no sense.
    pub fn read(field: &Field, order: Order, value: &Value) -> Result<Self, BadValue> {
        let kind = field.kind();
        let text = value.text.as_str();
        if kind == Kind::Labels {
            return Err(BadValue::NotCompared(field.clone()));
        }
        let equality = match order {
            Order::Same => Some(true),
            Order::Other => Some(false),
            Order::Less | Order::AtMost | Order::More | Order::AtLeast => None,
        };
        if let (Some(same), "") = (equality, text) {
            return Ok(Self::Known(!same));
        }
        let bad =
            |wanted| BadValue::OtherKind { field: field.clone(), found: text.to_owned(), wanted };
        Ok(match kind {
            Kind::Text | Kind::Labels => {
                let same =
                    equality.ok_or_else(|| BadValue::NoOrder { field: field.clone(), order })?;
                let is_glob = !value.quoted && text.contains(['*', '?', '[']);
                let pattern = if is_glob { Pattern::Glob } else { Pattern::Exact };
                Self::Text(same, pattern(text.to_owned()))
            }
            Kind::Number => {
                let number = text.parse().map_err(|_| bad("a whole number, such as 7"))?;
                Self::Number(Compare { order, first: number, last: number })
            }
            Kind::Level => {
                let (first, last) = levels(text).ok_or_else(|| {
                    bad("such as 7300-03-01-2520, or 7300-03 for all of its service packs")
                })?;
                Self::Level(Compare { order, first, last })
            }
            Kind::ViosLevel => {
                let (first, last) = vios_levels(text)
                    .ok_or_else(|| bad("such as 3.1.4.21, or 3.1 for all of that release"))?;
                Self::ViosLevel(Compare { order, first, last })
            }
            Kind::Time => {
                let (first, last) = times(text).ok_or_else(|| {
                    bad("such as 2026-01-31, which is the day in UTC, or 2026-01-31T22:00:00Z")
                })?;
                Self::Time(Compare { order, first, last })
            }
        })
    }
}

/// The levels that begin with `text`, one or more whole parts of a level: the first and the last of them.
fn levels(text: &str) -> Option<(Level, Level)> {
    let widths = [4, 2, 2, 4];
    let parts: Vec<&str> = text.split('-').collect();
    let sound = |(part, width): (&&str, usize)| {
        part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if parts.len() > widths.len() || !parts.iter().zip(widths).all(sound) {
        return None;
    }
    let level = |rest: u16| {
        let part = |at: usize| match parts.get(at) {
            Some(part) => part.parse().ok(),
            None => Some(rest),
        };
        let small = |at: usize| u8::try_from(part(at)?.min(99)).ok();
        let technology = TechnologyLevel { release: part(0)?, number: small(1)? };
        Some(Level { technology, service_pack: small(2)?, build: part(3)? })
    };
    Some((level(0)?, level(9999)?))
}

/// The same of levels of a VIOS.
fn vios_levels(text: &str) -> Option<([u16; 4], [u16; 4])> {
    let missing = 4_usize.checked_sub(text.split('.').count())?;
    let level = |rest: &str| {
        let whole = format!("{text}{}", format!(".{rest}").repeat(missing));
        whole.parse::<FilesetLevel>().ok().map(FilesetLevel::numbers)
    };
    Some((level("0")?, level("9999")?))
}

/// A point in time, or the first and the last of a day in UTC.
fn times(text: &str) -> Option<(Timestamp, Timestamp)> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some((at, at));
    }
    let mut parts = text.split('-');
    let mut part = |width: usize| {
        let part = parts.next()?;
        let digits = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() {
        return None;
    }
    let month = u8::try_from(month).ok()?.try_into().ok()?;
    let day = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
    let at = |time: Time| Timestamp::new(day.with_time(time).assume_offset(UtcOffset::UTC));
    Some((at(Time::MIDNIGHT), at(Time::MAX)))
}

impl fmt::Display for Value {
    /// As [`Filter`](super::Filter) reads it again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = match self.quoted {
            false => return f.write_str(&self.text),
            true if self.text.contains('\'') => '"',
            true => '\'',
        };
        write!(f, "{quote}{}{quote}", self.text)
    }
}
