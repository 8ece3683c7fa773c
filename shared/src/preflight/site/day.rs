//! A day of the calendar, in UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Date, Month};

use crate::stamp::Timestamp;

/// A day: `2026-12-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no day of the calendar such as 2026-12-31")]
pub struct BadDay;

impl Day {
    /// The day in UTC on which `time` is.
    #[must_use]
    pub const fn of(time: Timestamp) -> Self {
        Self(time.get().date())
    }
}

impl FromStr for Day {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        let [year, month, day] =
            <[&str; 3]>::try_from(text.split('-').collect::<Vec<_>>()).map_err(|_| BadDay)?;
        let is_digits = |text: &str, long: usize| {
            text.len() == long && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !(is_digits(year, 4) && is_digits(month, 2) && is_digits(day, 2)) {
            return Err(BadDay);
        }
        let month: u8 = month.parse().map_err(|_| BadDay)?;
        let month = Month::try_from(month).map_err(|_| BadDay)?;
        let (year, day) = (year.parse().map_err(|_| BadDay)?, day.parse().map_err(|_| BadDay)?);
        Date::from_calendar_date(year, month, day).map(Self).map_err(|_| BadDay)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|bad| {
            serde::de::Error::custom(format!("\"{}\" {bad}", crate::id::printable(&text)))
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date",
            "description": "A day of the calendar, in UTC: 2026-12-31"
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_has_four_two_and_two_digits_and_is_in_the_calendar() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-1-1",
            "+026-01-01",
            "",
            "2026-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Day>(), Err(BadDay), "{text}");
        }
        let at: Timestamp = "2026-01-31T23:59:59.999Z".parse().unwrap();
        assert_eq!(Day::of(at).to_string(), "2026-01-31");
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert!(day("2026-01-31") < day("2026-02-01") && day("2025-12-31") < day("2026-01-01"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(year in 0..9999i32, month in 1..=12u8, day in 1..=28u8) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            prop_assert!(text.parse::<Day>().is_err() || text.len() == 10);
        }
    }
}
