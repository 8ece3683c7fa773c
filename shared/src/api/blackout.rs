//! How long workloads stood still: what was estimated, what geninstall reported, and what the agent measured.

use serde::{Deserialize, Serialize};

use crate::id::{ObjectName, OperationId};
use crate::operation::Blackout;
use crate::stamp::Timestamp;

/// The standstill of one update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlackoutView {
    /// The LPAR.
    pub lpar: ObjectName,
    /// The update.
    pub operation: OperationId,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Level afterwards, where it is known.
    pub level: Option<String>,
    /// The three figures.
    #[serde(flatten)]
    pub times: Blackout,
    /// Of those that are known, what counts: what was measured, or else what geninstall reported; in milliseconds.
    pub milliseconds: Option<u64>,
    /// By how much the estimate was too long (more than zero) or too short, in milliseconds.
    pub error: Option<i64>,
}

/// The standstills of the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlackoutReport {
    /// Updates that moved their workload, with a figure or without.
    pub updates: u64,
    /// LPARs among them.
    pub lpars: u64,
    /// How the standstills are spread; `None` where none is known.
    pub distribution: Option<Distribution>,
    /// How the errors of the estimate are spread: its length less what came, so that more than zero is too long.
    pub errors: Option<Distribution>,
    /// In how many updates the workload stood still longer than was estimated.
    pub longer_than_estimated: u64,
    /// The longest, the longest first.
    pub worst: Vec<BlackoutView>,
}

/// How figures are spread, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Distribution {
    /// How many there are.
    pub count: u64,
    /// The smallest.
    pub least: i64,
    /// Half of them are at most this.
    pub median: i64,
    /// Nine of ten are at most this.
    pub ninth: i64,
    /// The largest.
    pub most: i64,
}

impl BlackoutView {
    /// What counts of the figures, and how far the estimate was off.
    #[must_use]
    pub fn new(
        lpar: ObjectName,
        operation: OperationId,
        ended_at: Timestamp,
        level: Option<String>,
        times: Blackout,
    ) -> Self {
        let reported = times.reported.map(|time| time.0.saturating_mul(1000));
        let milliseconds = times.measured.map(|time| time.0).or(reported);
        let error = times.estimated.zip(milliseconds).map(|(estimated, came)| {
            let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
            signed(estimated.0.saturating_mul(1000)).saturating_sub(signed(came))
        });
        Self { lpar, operation, ended_at, level, times, milliseconds, error }
    }
}

impl Distribution {
    /// Of `figures`; `None` where there are none.
    #[must_use]
    pub fn of(mut figures: Vec<i64>) -> Option<Self> {
        figures.sort_unstable();
        let (least, most) = (*figures.first()?, *figures.last()?);
        // The smallest figure that at least so many tenths are not above.
        let tenth = |tenths: usize| figures[(figures.len() * tenths).div_ceil(10) - 1];
        let count = figures.len() as u64;
        Some(Self { count, least, median: tenth(5), ninth: tenth(9), most })
    }
}

impl BlackoutReport {
    /// Of all updates; the `worst` longest are named.
    #[must_use]
    pub fn of(mut views: Vec<BlackoutView>, worst: usize) -> Self {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let came = views.iter().filter_map(|view| view.milliseconds).map(signed).collect();
        let errors: Vec<i64> = views.iter().filter_map(|view| view.error).collect();
        let mut lpars: Vec<_> = views.iter().map(|view| &view.lpar).collect();
        lpars.sort();
        lpars.dedup();
        let mut report = Self {
            updates: views.len() as u64,
            lpars: lpars.len() as u64,
            distribution: Distribution::of(came),
            longer_than_estimated: errors.iter().filter(|error| **error < 0).count() as u64,
            errors: Distribution::of(errors),
            worst: Vec::new(),
        };
        views.retain(|view| view.milliseconds.is_some());
        views.sort_by(|a, b| b.milliseconds.cmp(&a.milliseconds).then(a.lpar.cmp(&b.lpar)));
        views.truncate(worst);
        report.worst = views;
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::{Milliseconds, Seconds};

    fn view(lpar: &str, times: Blackout) -> BlackoutView {
        let operation = "01990000-0000-7000-8000-00000000000a".parse().unwrap();
        let ended_at = "2025-01-29T10:00:00Z".parse().unwrap();
        BlackoutView::new(lpar.parse().unwrap(), operation, ended_at, None, times)
    }

    fn times(estimated: u64, reported: Option<u64>, measured: Option<u64>) -> Blackout {
        Blackout {
            estimated: Some(Seconds(estimated)),
            reported: reported.map(Seconds),
            measured: measured.map(Milliseconds),
        }
    }

    #[test]
    fn what_was_measured_counts_before_what_was_reported() {
        let both = view("a", times(77, Some(21), Some(20_500)));
        assert_eq!((both.milliseconds, both.error), (Some(20_500), Some(56_500)));
        let reported = view("a", times(20, Some(21), None));
        assert_eq!((reported.milliseconds, reported.error), (Some(21_000), Some(-1000)));
        let none = view("a", times(20, None, None));
        assert_eq!((none.milliseconds, none.error), (None, None));
    }

    #[test]
    fn figures_are_spread_by_rank() {
        assert_eq!(Distribution::of(vec![]), None);
        let one = Distribution { count: 1, least: 7, median: 7, ninth: 7, most: 7 };
        assert_eq!(Distribution::of(vec![7]), Some(one));
        let ten = Distribution { count: 10, least: 1, median: 5, ninth: 9, most: 10 };
        assert_eq!(Distribution::of((1..=10).rev().collect()), Some(ten));
        let two = Distribution { count: 2, least: -3, median: -3, ninth: 4, most: 4 };
        assert_eq!(Distribution::of(vec![4, -3]), Some(two));
    }

    #[test]
    fn a_report_counts_what_was_longer_and_names_the_worst() {
        let views = vec![
            view("a", times(77, Some(21), None)),
            view("b", times(10, Some(30), None)),
            view("a", times(77, None, None)),
        ];
        let report = BlackoutReport::of(views, 1);
        assert_eq!((report.updates, report.lpars, report.longer_than_estimated), (3, 2, 1));
        assert_eq!(report.worst.len(), 1);
        assert_eq!(report.worst[0].lpar.as_str(), "b");
        assert_eq!(report.distribution.map(|one| (one.least, one.most)), Some((21_000, 30_000)));
    }
}
