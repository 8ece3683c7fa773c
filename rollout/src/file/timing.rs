//! When updates may run: windows that come back by days, and freezes by dates, each in a time zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use nim_shared::id::{ObjectName, printable};
use serde::{Serialize, Serializer};

use super::Chosen;
use super::read::chosen;
use super::section::{Faults, Section};
use super::text::as_text;

/// A window: every week on these days, from then to then by the clock on the wall there. One that does not end after it begins ends on the
/// next day. Where clocks are changed in it, it is as long as it is under both readings of its times: an hour that is skipped is no
/// window, an hour that comes twice counts as little as it can. With names, groups or labels it is for whoever is named by any of these,
/// else for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Window {
    /// Its name.
    pub name: ObjectName,
    /// Time zone by its IANA name: `Europe/Berlin`.
    pub zone: Zone,
    /// Days on which it begins. None: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// When it begins: `22:00`.
    pub from: DayTime,
    /// When it ends: `04:00`; `24:00` is the end of the day.
    pub to: DayTime,
    /// Only for these LPARs. None: for all.
    #[serde(flatten)]
    pub only: Chosen,
}

/// Days on which nothing runs, the first and the last included. With names, groups or labels they are for whoever is named by any of these,
/// else for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Freeze {
    /// Its name.
    pub name: ObjectName,
    /// Time zone by its IANA name.
    pub zone: Zone,
    /// First day: `2026-12-18`.
    pub from: LocalDate,
    /// Last day.
    pub to: LocalDate,
    /// Only for these LPARs. None: for all.
    #[serde(flatten)]
    pub only: Chosen,
}

as_text! {
    Zone: "^[A-Za-z0-9_+/-]+$",
    DayTime: "^[0-9]{2}:[0-9]{2}$",
    LocalDate: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
}

/// A time zone by its IANA name. The data is built in: every machine reads the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A text that is no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no time zone; they have IANA's names, such as Europe/Berlin or UTC", printable(.0))]
pub struct BadZone(String);

impl FromStr for Zone {
    type Err = BadZone;

    fn from_str(text: &str) -> Result<Self, BadZone> {
        let bad = || BadZone(text.chars().take(80).collect());
        if text.len() > 60 {
            return Err(bad());
        }
        match jiff::tz::TimeZoneDatabase::bundled().get(text) {
            Ok(zone) => Ok(Self { name: text.to_owned(), zone }),
            Err(_) => Err(bad()),
        }
    }
}

impl Zone {
    pub(crate) const fn get(&self) -> &TimeZone {
        &self.zone
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are days")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

const DAYS: &[(&str, Day)] = &[
    ("mon", Day::Mon),
    ("tue", Day::Tue),
    ("wed", Day::Wed),
    ("thu", Day::Thu),
    ("fri", Day::Fri),
    ("sat", Day::Sat),
    ("sun", Day::Sun),
];

/// A text that is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no day: mon, tue, wed, thu, fri, sat or sun", printable(.0))]
pub struct BadDay(String);

impl FromStr for Day {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        let found = DAYS.iter().find(|(word, _)| *word == text).map(|(_, day)| *day);
        found.ok_or_else(|| BadDay(text.chars().take(80).collect()))
    }
}

impl Day {
    /// Whether `day` is this one.
    pub(crate) fn is(self, day: Weekday) -> bool {
        let number = match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        };
        number == day
    }
}

/// A time of the day by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayTime {
    /// Minutes since midnight; 1440 is the end of the day.
    minutes: u16,
}

/// A text that is no time of the day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no time of the day from 00:00 to 24:00", printable(.0))]
pub struct BadTime(String);

impl FromStr for DayTime {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            let two = |part: &str| {
                let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
                digits.then(|| part.parse::<u16>().ok()).flatten()
            };
            let (hours, minutes) = (two(hours)?, two(minutes)?);
            let sound = minutes < 60 && hours * 60 + minutes <= 1440;
            sound.then_some(Self { minutes: hours * 60 + minutes })
        };
        read().ok_or_else(|| BadTime(text.chars().take(80).collect()))
    }
}

impl DayTime {
    /// The time so many minutes later, on the next day where need be; `None` where that is a day or more.
    pub(crate) fn plus_minutes(self, minutes: u64) -> Option<Self> {
        let later = u64::from(self.minutes) + minutes;
        let later = if later > 1440 { later - 1440 } else { later };
        (minutes < 1440)
            .then(|| u16::try_from(later).ok().map(|minutes| Self { minutes }))
            .flatten()
    }

    /// Minutes from here to the next time that `to` is, a day where that is now.
    pub(crate) fn minutes_to(self, to: Self) -> u64 {
        let minutes = (1440 + to.minutes - self.minutes) % 1440;
        if minutes == 0 { 1440 } else { minutes.into() }
    }

    /// The time of the day; `None` for its end.
    pub(crate) fn time(self) -> Option<Time> {
        let part = |of: u16| i8::try_from(of).ok();
        Time::new(part(self.minutes / 60)?, part(self.minutes % 60)?, 0, 0).ok()
    }
}

impl fmt::Display for DayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalDate(pub(crate) Date);

/// A text that is no day of the calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no day, such as 2026-12-18", printable(.0))]
pub struct BadDate(String);

impl FromStr for LocalDate {
    type Err = BadDate;

    fn from_str(text: &str) -> Result<Self, BadDate> {
        let form = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date = text.parse().ok().filter(|_| form).map(Self);
        date.ok_or_else(|| BadDate(text.chars().take(80).collect()))
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// For whom it is.
fn only(section: &Section<'_>, faults: &mut Faults) -> Chosen {
    for key in ["names", "groups"] {
        if section.node(key).is_some() && section.items(key).is_empty() {
            let message = "is empty, and would be for nobody; without it it is for all";
            faults.add(section.line, &section.of(key), message);
        }
    }
    chosen(section, faults)
}

pub(super) fn windows(root: &Section<'_>, faults: &mut Faults) -> Vec<Window> {
    let keys = ["name", "zone", "days", "from", "to", "names", "groups", "labels"];
    let mut windows = Vec::new();
    for (node, path) in root.items("windows") {
        let one = Section::new(node, &path, &keys, faults);
        let name = one.need("name", faults);
        let zone = one.need("zone", faults);
        let from = one.need("from", faults);
        let to = one.need("to", faults);
        let days = one.list("days", faults);
        let only = only(&one, faults);
        if let (Some(name), Some(zone), Some(from), Some(to)) = (name, zone, from, to) {
            windows.push(Window { name, zone, days, from, to, only });
        }
    }
    windows
}

pub(super) fn freezes(root: &Section<'_>, faults: &mut Faults) -> Vec<Freeze> {
    let keys = ["name", "zone", "from", "to", "names", "groups", "labels"];
    let mut freezes = Vec::new();
    for (node, path) in root.items("freezes") {
        let one = Section::new(node, &path, &keys, faults);
        let name = one.need("name", faults);
        let zone = one.need("zone", faults);
        let from: Option<LocalDate> = one.need("from", faults);
        let to: Option<LocalDate> = one.need("to", faults);
        let only = only(&one, faults);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            faults.add(one.line, &one.of("to"), "is before the day on which it begins");
        }
        if let (Some(name), Some(zone), Some(from), Some(to)) = (name, zone, from, to) {
            freezes.push(Freeze { name, zone, from, to, only });
        }
    }
    freezes
}
