//! From windows and freezes to spans of time.

use std::collections::HashMap;

use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use nim_shared::stamp::Timestamp;

use crate::choose::names;
use crate::facts::Lpar;
use crate::file::{DayTime, Freeze, Rollout, Window};
use crate::site::{Calendar, Tick};

/// Calendars of a rollout, each made once: most LPARs have one of few.
#[derive(Debug)]
pub struct Calendars<'f> {
    file: &'f Rollout,
    begin: Timestamp,
    horizon: Tick,
    known: HashMap<Vec<bool>, u32>,
    /// All that were made.
    pub made: Vec<Calendar>,
}

impl<'f> Calendars<'f> {
    /// For a plan that begins at `begin` and looks `horizon` seconds ahead.
    #[must_use]
    pub fn new(file: &'f Rollout, begin: Timestamp, horizon: Tick) -> Self {
        Self { file, begin, horizon, known: HashMap::new(), made: Vec::new() }
    }

    /// Index of the calendar of an LPAR.
    pub fn of(&mut self, lpar: &Lpar) -> u32 {
        let windows = self.file.windows.iter().map(|one| &one.only);
        let freezes = self.file.freezes.iter().map(|one| &one.only);
        let holds: Vec<bool> =
            windows.chain(freezes).map(|only| only.is_empty() || names(only, lpar)).collect();
        if let Some(found) = self.known.get(&holds) {
            return *found;
        }
        let (windows, freezes) = holds.split_at(self.file.windows.len());
        let made = self.make(windows, freezes);
        let at = u32::try_from(self.made.len()).unwrap_or(u32::MAX);
        self.made.push(made);
        self.known.insert(holds, at);
        at
    }

    fn make(&self, windows: &[bool], freezes: &[bool]) -> Calendar {
        let mut open = Vec::new();
        if self.file.windows.is_empty() {
            open.push((0, self.horizon));
        }
        for (window, _) in self.file.windows.iter().zip(windows).filter(|(_, holds)| **holds) {
            open.extend(self.days(window.zone.get(), 2).filter_map(|day| self.window(window, day)));
        }
        open.sort_unstable();
        let mut spans: Vec<(Tick, Tick)> = Vec::new();
        for (begin, end) in open {
            match spans.last_mut() {
                Some((_, last)) if begin <= *last => *last = end.max(*last),
                Some(_) | None => spans.push((begin, end)),
            }
        }
        for (freeze, _) in self.file.freezes.iter().zip(freezes).filter(|(_, holds)| **holds) {
            if let Some(closed) = self.freeze(freeze) {
                spans = spans.into_iter().flat_map(|span| without(span, closed)).collect();
            }
        }
        Calendar(spans)
    }

    /// The days there on which something that concerns the plan may begin, from `before` days before it.
    fn days(&self, zone: &TimeZone, before: i32) -> impl Iterator<Item = Date> + use<> {
        let seconds = self.begin.get().unix_timestamp();
        let begin = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let today = zone.to_datetime(begin).date();
        let count = i32::try_from(self.horizon / 86_400).unwrap_or(i32::MAX).saturating_add(2);
        (-before..count).filter_map(move |day| today.checked_add(day.days()).ok())
    }

    fn window(&self, window: &Window, day: Date) -> Option<(Tick, Tick)> {
        if !window.days.is_empty() && !window.days.iter().any(|one| one.is(day.weekday())) {
            return None;
        }
        let last = if window.to > window.from { day } else { day.tomorrow().ok()? };
        // Under both readings: where a time is skipped or comes twice, the later begin and the earlier end.
        let zone = window.zone.get();
        let begin = zone.to_ambiguous_timestamp(at(day, window.from)?).later().ok()?;
        let end = zone.to_ambiguous_timestamp(at(last, window.to)?).earlier().ok()?;
        let (begin, end) = (self.tick(begin), self.tick(end).min(self.horizon));
        (begin < end).then_some((begin, end))
    }

    /// The days of a freeze, as long as they are under either reading.
    fn freeze(&self, freeze: &Freeze) -> Option<(Tick, Tick)> {
        let zone = freeze.zone.get();
        let begin = freeze.from.0.to_datetime(Time::midnight());
        let end = freeze.to.0.tomorrow().ok()?.to_datetime(Time::midnight());
        let begin = zone.to_ambiguous_timestamp(begin).earlier().ok()?;
        let end = zone.to_ambiguous_timestamp(end).later().ok()?;
        Some((self.tick(begin), self.tick(end)))
    }

    /// Seconds since the begin of the plan; 0 before it. A part of a second counts for the later one.
    fn tick(&self, at: jiff::Timestamp) -> Tick {
        let seconds = at.as_second() - self.begin.get().unix_timestamp();
        Tick::try_from(seconds.max(0)).unwrap_or(Tick::MAX)
    }
}

/// A time of a day; the end of it is the begin of the next.
fn at(day: Date, time: DayTime) -> Option<jiff::civil::DateTime> {
    match time.time() {
        Some(time) => Some(day.to_datetime(time)),
        None => Some(day.tomorrow().ok()?.to_datetime(Time::midnight())),
    }
}

/// What is left of `span` without `closed`.
fn without(span: (Tick, Tick), closed: (Tick, Tick)) -> impl Iterator<Item = (Tick, Tick)> {
    let before = (span.0, span.1.min(closed.0));
    let after = (span.0.max(closed.1), span.1);
    [before, after].into_iter().filter(|(begin, end)| begin < end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::read;
    use crate::testing::{lpar, rollout};
    use nim_shared::api::File;

    /// The spans in UTC of a file with these windows and freezes, for a week from `begin`.
    fn spans(timing: &str, begin: &str) -> Vec<String> {
        let text = format!(
            "name: a\ntargets: {{names: a}}\noperation: {{live_update: yes, live_update_data: d}}\n{timing}"
        );
        let file = read(&File { name: "rollout.yaml".to_owned(), text }).unwrap();
        let begin: Timestamp = begin.parse().unwrap();
        let mut calendars = Calendars::new(&file, begin, 7 * 86_400);
        let at = calendars.of(&lpar("lpar1", "frame1"));
        let time = |tick: Tick| {
            let at = begin.plus(std::time::Duration::from_secs(tick.into())).to_string();
            at[5..16].to_owned()
        };
        let spans = &calendars.made[at as usize].0;
        spans.iter().map(|(from, to)| format!("{} {}", time(*from), time(*to))).collect()
    }

    #[test]
    fn a_window_ends_on_the_next_day_by_the_clock_on_the_wall() {
        let nights = "windows: [{name: n, zone: Europe/Berlin, days: [fri, sat], from: '22:00', to: '04:00'}]";
        // Winter time is an hour before UTC's, New York's five behind.
        assert_eq!(
            spans(nights, "2026-01-14T00:00:00Z"),
            ["01-16T21:00 01-17T03:00", "01-17T21:00 01-18T03:00"]
        );
        let york = nights.replace("Europe/Berlin", "America/New_York");
        assert_eq!(
            spans(&york, "2026-01-14T00:00:00Z"),
            ["01-17T03:00 01-17T09:00", "01-18T03:00 01-18T09:00"]
        );
        let kolkata = nights.replace("Europe/Berlin", "Asia/Kolkata");
        assert_eq!(
            spans(&kolkata, "2026-01-14T00:00:00Z"),
            ["01-16T16:30 01-16T22:30", "01-17T16:30 01-17T22:30"]
        );
    }

    #[test]
    fn where_clocks_are_put_forward_the_skipped_hour_is_no_window() {
        // Berlin, 29 March 2026: from 2:00 to 3:00 in one step, at 1:00 UTC.
        let berlin = |from: &str, to: &str| {
            spans(
                &format!(
                    "windows: [{{name: n, zone: Europe/Berlin, days: [sun], from: '{from}', to: '{to}'}}]"
                ),
                "2026-03-27T00:00:00Z",
            )
        };
        assert_eq!(berlin("00:00", "06:00"), ["03-28T23:00 03-29T04:00"], "an hour less");
        assert_eq!(berlin("02:30", "05:00"), ["03-29T01:30 03-29T03:00"]);
        assert_eq!(berlin("01:00", "02:30"), ["03-29T00:00 03-29T00:30"]);
        assert_eq!(berlin("02:15", "02:45"), Vec::<String>::new());
    }

    #[test]
    fn where_clocks_are_put_back_the_hour_that_comes_twice_counts_least() {
        // Berlin, 25 October 2026: from 3:00 to 2:00, at 1:00 UTC.
        let berlin = |from: &str, to: &str| {
            spans(
                &format!(
                    "windows: [{{name: n, zone: Europe/Berlin, days: [sun], from: '{from}', to: '{to}'}}]"
                ),
                "2026-10-23T00:00:00Z",
            )
        };
        assert_eq!(berlin("00:00", "06:00"), ["10-24T22:00 10-25T05:00"], "an hour more");
        assert_eq!(berlin("02:30", "04:00"), ["10-25T01:30 10-25T03:00"], "from the second 2:30");
        assert_eq!(berlin("01:00", "02:30"), ["10-24T23:00 10-25T00:30"], "to the first 2:30");
        assert_eq!(berlin("02:15", "02:45"), Vec::<String>::new());
    }

    #[test]
    fn a_window_and_a_freeze_may_be_for_some_lpars_by_name_group_or_label() {
        let day = "zone: UTC, from: '00:00', to: '24:00'";
        let file = rollout(&format!(
            "windows:\n- {{name: a, {day}, names: 'db[1:2]', labels: tier=web}}\n- {{name: b, {day}, groups: [prod]}}\n\
             freezes: [{{name: f, zone: UTC, from: 2026-01-15, to: 2026-01-15, names: db2}}]\n"
        ));
        let mut lpars = ["db1", "db2", "db3", "other"].map(|name| lpar(name, "frame1"));
        lpars[2].groups.insert("prod".parse().unwrap());
        let mut web = lpar("web1", "frame1");
        web.labels.insert("tier".to_owned(), "web".to_owned());
        let mut calendars = Calendars::new(&file, "2026-01-15T00:00:00Z".parse().unwrap(), 86_400);
        let mut open = |one: &Lpar| {
            let at = calendars.of(one);
            calendars.made[at as usize].0.len()
        };
        assert_eq!(lpars.each_ref().map(&mut open), [1, 0, 1, 0]);
        assert_eq!(open(&web), 1);
    }

    #[test]
    fn windows_that_touch_are_one_and_a_freeze_cuts_them() {
        let timing = "windows:\n- {name: a, zone: UTC, from: '20:00', to: '24:00'}\n- {name: b, zone: UTC, from: '00:00', to: '02:00'}\n\
                      freezes: [{name: f, zone: UTC, from: 2026-01-16, to: 2026-01-18}]";
        assert_eq!(
            spans(timing, "2026-01-14T21:00:00Z"),
            [
                "01-14T21:00 01-15T02:00",
                "01-15T20:00 01-16T00:00",
                "01-19T00:00 01-19T02:00",
                "01-19T20:00 01-20T02:00",
                "01-20T20:00 01-21T02:00",
                "01-21T20:00 01-21T21:00"
            ]
            .map(str::to_owned)
        );
    }
}
