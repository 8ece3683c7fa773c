//! Points in time: always UTC, written as RFC 3339. What an LPAR's wall clock showed is kept as text beside it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

/// A point in time in UTC, to the microsecond (what Postgres keeps).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// `time` in UTC, cut to whole microseconds.
    #[must_use]
    pub fn new(time: OffsetDateTime) -> Self {
        let time = time.to_offset(UtcOffset::UTC);
        let cut = time.nanosecond() / 1000 * 1000;
        Self(time.replace_nanosecond(cut).unwrap_or(time))
    }

    /// From microseconds since 1970. Out of range: the nearest end of what can be written.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Self {
        let last = time::macros::datetime!(9999-12-31 23:59:59 UTC);
        let time =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap_or(last);
        Self::new(time.min(last))
    }

    /// The time as the `time` crate has it.
    #[must_use]
    pub const fn get(self) -> OffsetDateTime {
        self.0
    }

    /// How long after `earlier` this is; negative when it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0 - earlier.0
    }

    /// This time and `more`. Saturates.
    #[must_use]
    pub fn plus(self, more: std::time::Duration) -> Self {
        let more = Duration::try_from(more).unwrap_or(Duration::MAX);
        Self(self.0.saturating_add(more))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = time::error::Parse;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::new)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_utc_and_reads_what_it_writes() {
        let stamp: Timestamp = "2025-01-29T10:09:09.123456789+01:00".parse().unwrap();
        assert_eq!(stamp.to_string(), "2025-01-29T09:09:09.123456Z");
        assert_eq!(stamp.to_string().parse::<Timestamp>().unwrap(), stamp);
    }

    #[test]
    fn a_hostile_number_of_microseconds_is_still_a_time() {
        assert_eq!(Timestamp::from_unix_micros(i64::MAX).get().year(), 9999);
    }
}
