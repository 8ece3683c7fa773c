//! Quantities with their unit in the type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A quantity counted in whole units.
macro_rules! whole {
    ($(#[$doc:meta])+ $name:ident, $suffix:literal) => {
        $(#[$doc])+
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{} ", $suffix), self.0)
            }
        }

        impl std::ops::Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self(0), |sum, item| sum + item)
            }
        }
    };
}

whole! {
    /// Memory or disk space in megabytes of 2^20 bytes, as the HMC and AIX count them.
    Megabytes, "MB"
}
whole! {
    /// A span of time in whole seconds.
    Seconds, "s"
}
whole! {
    /// A span of time in whole milliseconds.
    Milliseconds, "ms"
}

impl Seconds {
    /// As `std` wants it.
    #[must_use]
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0)
    }
}

/// Processor capacity: processor units of a shared LPAR, or whole processors of a dedicated one, in hundredths.
/// Written as the HMC writes it: `0.2`, `1.0`, `16.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessorUnits {
    /// Hundredths of a processor: the HMC's finest step is 0.01.
    pub hundredths: u64,
}

/// A text that is no processor capacity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a number of processor units, such as 0.25 or 2", crate::id::printable(.0))]
pub struct BadUnits(pub String);

impl FromStr for ProcessorUnits {
    type Err = BadUnits;

    fn from_str(text: &str) -> Result<Self, BadUnits> {
        let bad = || BadUnits(text.to_owned());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let (kept, rest) = fraction.split_at_checked(2).unwrap_or((fraction, ""));
        if !digits(whole) || !digits(fraction) || rest.bytes().any(|b| b != b'0') {
            return Err(bad());
        }
        let whole: u64 = whole.parse().map_err(|_| bad())?;
        let part: u64 = kept.parse().map_err(|_| bad())?;
        let part = if kept.len() == 1 { part * 10 } else { part };
        whole
            .checked_mul(100)
            .and_then(|h| h.checked_add(part))
            .map(|hundredths| Self { hundredths })
            .ok_or_else(bad)
    }
}

impl fmt::Display for ProcessorUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.hundredths / 100, self.hundredths % 100);
        if part % 10 == 0 {
            write!(f, "{whole}.{}", part / 10)
        } else {
            write!(f, "{whole}.{part:02}")
        }
    }
}

impl std::ops::Add for ProcessorUnits {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { hundredths: self.hundredths.saturating_add(other.hundredths) }
    }
}

impl std::iter::Sum for ProcessorUnits {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), |sum, item| sum + item)
    }
}

impl Serialize for ProcessorUnits {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProcessorUnits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        /// People write `0.5` in YAML, which is a number there; we write it as text, where nothing is rounded.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(f64),
        }
        let text = match Written::deserialize(from)? {
            Written::Text(text) => text,
            Written::Number(number) => number.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ProcessorUnits {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ProcessorUnits".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "number"], "pattern": "^[0-9]+(\\.[0-9]+)?$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_units_read_what_the_hmc_writes() {
        for (text, hundredths, back) in [
            ("0.3", 30, "0.3"),
            ("1.0", 100, "1.0"),
            ("16", 1600, "16.0"),
            ("0.05", 5, "0.05"),
            ("2.500", 250, "2.5"),
        ] {
            let units: ProcessorUnits = text.parse().unwrap();
            assert_eq!((units.hundredths, units.to_string().as_str()), (hundredths, back));
        }
        for text in ["", "null", "-1", "1.", ".5", "1e3", "0.005", "99999999999999999999"] {
            assert!(text.parse::<ProcessorUnits>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn processor_units_may_be_a_number_in_json() {
        assert_eq!(serde_json::from_str::<ProcessorUnits>("0.5").unwrap().hundredths, 50);
        assert_eq!(serde_json::to_string(&ProcessorUnits { hundredths: 50 }).unwrap(), "\"0.5\"");
    }
}
