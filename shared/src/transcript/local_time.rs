//! The wall clock of an LPAR, as its texts show it: a date and a time without a zone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{Date, Month, PrimitiveDateTime, Time};

/// A moment on the wall clock of an LPAR. Its zone is not in the text, so it is for display and for differences
/// within one transcript; it says nothing about another machine.
///
/// Shape in JSON: `"2025-01-29T09:09:19"`, whole seconds, no zone.
/// Source: `01/29/2025-09:09:19 Live AIX update is starting.` (`tests/transcripts/style-b-success.txt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime(PrimitiveDateTime);

impl LocalTime {
    /// Splits a leading `MM/DD/YYYY-HH:MM:SS` off `text`: the moment, and the text behind it.
    ///
    /// `None` when the text does not begin with that shape. A moment that no calendar has (month 13) is
    /// still a time stamp to be removed; it just tells no time.
    pub(super) fn split(text: &str) -> Option<(Option<Self>, &str)> {
        let (stamp, rest) = text.split_at_checked(STAMP.len())?;
        let shaped = stamp.bytes().zip(STAMP.bytes()).all(fits);
        let ends = rest.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
        if !shaped || !ends {
            return None;
        }
        let number = |from: usize, to: usize| stamp.get(from..to)?.parse::<u16>().ok();
        let moment = || {
            let day = Day { year: number(6, 10)?, month: number(0, 2)?, day: number(3, 5)? };
            Self::new(day, number(11, 13)?, number(14, 16)?, number(17, 19)?)
        };
        Some((moment(), rest))
    }

    /// Whether `text` may be the beginning of a time stamp whose rest is on the next line.
    pub(super) fn may_begin(text: &str) -> bool {
        (1..STAMP.len()).contains(&text.len()) && text.bytes().zip(STAMP.bytes()).all(fits)
    }

    /// Whole seconds from `earlier` to `self`; `None` when the clock was set back in between.
    pub fn seconds_since(self, earlier: Self) -> Option<u64> {
        u64::try_from((self.0 - earlier.0).whole_seconds()).ok()
    }

    fn new(day: Day, hour: u16, minute: u16, second: u16) -> Option<Self> {
        let small = |number: u16| u8::try_from(number).ok();
        let month = Month::try_from(small(day.month)?).ok()?;
        let date = Date::from_calendar_date(i32::from(day.year), month, small(day.day)?).ok()?;
        let time = Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
        Some(Self(PrimitiveDateTime::new(date, time)))
    }
}

fn fits((found, wanted): (u8, u8)) -> bool {
    match wanted {
        b'9' => found.is_ascii_digit(),
        other => found == other,
    }
}

/// `9` stands for a digit.
const STAMP: &str = "99/99/9999-99:99:99";

#[derive(Clone, Copy)]
struct Day {
    year: u16,
    month: u16,
    day: u16,
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date(), self.0.time());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let (hour, minute, second) = time.as_hms();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// A text that is no `YYYY-MM-DDTHH:MM:SS`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no local time such as 2025-01-29T09:09:19")]
pub struct BadLocalTime {
    /// What was found.
    pub text: String,
}

impl FromStr for LocalTime {
    type Err = BadLocalTime;

    fn from_str(text: &str) -> Result<Self, BadLocalTime> {
        let bad = || BadLocalTime { text: text.chars().take(40).collect() };
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if text.len() != 19 || marks.iter().any(|(at, mark)| text.as_bytes()[*at] != *mark) {
            return Err(bad());
        }
        let number = |from: usize, to: usize| -> Option<u16> {
            let digits = text.get(from..to)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
        };
        let moment = || {
            let day = Day { year: number(0, 4)?, month: number(5, 7)?, day: number(8, 10)? };
            Self::new(day, number(11, 13)?, number(14, 16)?, number(17, 19)?)
        };
        moment().ok_or_else(bad)
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for LocalTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LocalTime".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_stamp_is_split_off_and_written_as_iso_without_zone() {
        let (at, rest) = LocalTime::split("01/29/2025-09:17:16 Blackout Time started.").unwrap();
        assert_eq!(at.unwrap().to_string(), "2025-01-29T09:17:16");
        assert_eq!(rest, " Blackout Time started.");
    }

    #[test]
    fn a_moment_that_no_calendar_has_is_removed_but_tells_no_time() {
        assert_eq!(LocalTime::split("13/45/2025-25:00:00 x"), Some((None, " x")));
    }

    #[test]
    fn what_only_resembles_a_time_stamp_stays() {
        for text in [
            "",
            "01/29/2025",
            "01/29/2025 09:17:16 x",
            "01/29/2025-09:17:167",
            "é1/29/2025-09:17:16",
        ] {
            assert_eq!(LocalTime::split(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_set_back_gives_no_duration() {
        let at = |text: &str| text.parse::<LocalTime>().unwrap();
        let (a, b) = (at("2024-12-31T23:59:50"), at("2025-01-01T00:00:10"));
        assert_eq!(b.seconds_since(a), Some(20));
        assert_eq!(a.seconds_since(b), None);
    }

    #[test]
    fn display_and_parse_are_inverse_and_nonsense_is_refused() {
        let at: LocalTime = "2025-02-28T00:00:01".parse().unwrap();
        assert_eq!(at.to_string().parse::<LocalTime>().unwrap(), at);
        for text in
            ["2025-02-30T00:00:01", "2025-02-28 00:00:01", "+025-02-28T00:00:01", "ééééééééé1"]
        {
            assert!(text.parse::<LocalTime>().is_err(), "{text}");
        }
    }
}
