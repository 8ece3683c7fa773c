//! What is counted over the LPARs of a report.

use std::collections::BTreeMap;

use nim_shared::api::{ReportedLpar, RolloutReport};
use nim_shared::id::ObjectName;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;

/// What is counted.
pub(super) struct Figures {
    /// How many ended how, those that are as they should be first.
    pub(super) states: Vec<(String, usize)>,
    /// From the first begin to the last end of updates.
    pub(super) ran: Option<(Timestamp, Timestamp)>,
    /// How long workloads stood still, where that is known of one.
    pub(super) spread: Option<Spread>,
    /// The same in spans: from the first to the last that is not empty.
    pub(super) histogram: Vec<(String, usize)>,
    /// Levels before and after of those that have an update behind them.
    pub(super) levels: BTreeMap<(String, String), usize>,
}

/// How long workloads stood still.
pub(super) struct Spread {
    /// Of how many it is known.
    pub(super) known: usize,
    /// Half of them not longer.
    pub(super) median: Seconds,
    /// The longest.
    pub(super) longest: Seconds,
    /// Whose it was.
    pub(super) of: ObjectName,
    /// How many were longer than planned; `None` where nothing was planned of any.
    pub(super) above: Option<usize>,
}

/// What stands for a level that nobody has read: an update that was not begun does not read it again.
const UNREAD: &str = "not read";

/// Ends of the spans, in seconds.
const SPANS: [u64; 9] = [5, 10, 20, 30, 45, 60, 90, 120, 300];

/// The order of states.
const STATES: [&str; 13] = [
    "updated",
    "unchanged",
    "failed",
    "stuck",
    "unreachable",
    "skipped",
    "cancelled",
    "not_started",
    "waiting",
    "starting",
    "running",
    "recalled",
    "releasing",
];

impl Figures {
    pub(super) fn of(report: &RolloutReport) -> Self {
        let mut states: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        let mut levels = BTreeMap::new();
        let mut known: Vec<(Seconds, &ObjectName)> = Vec::new();
        let mut above = None;
        let mut ran: Option<(Timestamp, Timestamp)> = None;
        for one in &report.lpars {
            let place = STATES.iter().position(|state| *state == one.state);
            *states.entry((place.unwrap_or(STATES.len()), &one.state)).or_default() += 1;
            if let Some(blackout) = one.blackout {
                known.push((blackout, &one.lpar));
                if let Some(most) = one.planned_blackout {
                    *above.get_or_insert(0) += usize::from(blackout > most);
                }
            }
            if one.level_before.is_some() || one.level_after.is_some() {
                let level = |text: &Option<String>| text.as_deref().unwrap_or(UNREAD).to_owned();
                *levels.entry((level(&one.level_before), level(&one.level_after))).or_default() +=
                    1;
            }
            if let Some((from, to)) = span(one, report.at) {
                ran = Some(ran.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
            }
        }
        known.sort_by_key(|(blackout, _)| *blackout);
        let spread = known.last().map(|(longest, of)| Spread {
            known: known.len(),
            median: known[(known.len() - 1) / 2].0,
            longest: *longest,
            of: (*of).clone(),
            above,
        });
        let histogram =
            histogram(&known.iter().map(|(blackout, _)| blackout.0).collect::<Vec<_>>());
        let states = states.into_iter().map(|((_, state), count)| (state.to_owned(), count));
        Self { states: states.collect(), ran, spread, histogram, levels }
    }
}

/// How many are in which span.
fn histogram(sorted: &[u64]) -> Vec<(String, usize)> {
    let mut rows = Vec::new();
    let mut before = 0;
    for end in SPANS.into_iter().chain([u64::MAX]) {
        let number = sorted.iter().filter(|one| **one <= end && (before == 0 || **one > before));
        let label = match (before, end) {
            (0, end) => format!("up to {end} s"),
            (before, u64::MAX) => format!("over {before} s"),
            (before, end) => format!("over {before} to {end} s"),
        };
        rows.push((label, number.count()));
        before = end;
    }
    let first = rows.iter().position(|(_, number)| *number > 0);
    let last = rows.iter().rposition(|(_, number)| *number > 0);
    let Some((first, last)) = first.zip(last) else { return Vec::new() };
    rows.drain(first..=last).collect()
}

/// When an LPAR was updated; up to `now` where it is not over.
pub(super) fn span(one: &ReportedLpar, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let began = one.began?;
    Some((began, one.ended.unwrap_or(now).max(began)))
}

/// Whether somebody should look.
pub(super) fn is_bad(state: &str) -> bool {
    matches!(state, "failed" | "stuck" | "unreachable")
}

/// What became of the interim fixes of an LPAR: `-IJ1 +IJ2`; `None` where they were not read before and after, or there were none.
pub(super) fn fixes(one: &ReportedLpar) -> Option<String> {
    let (before, after) = one.fixes_before.as_ref().zip(one.fixes_after.as_ref())?;
    let gone = before.iter().filter(|label| !after.contains(label));
    let new = after.iter().filter(|label| !before.contains(label));
    let kept = before.iter().filter(|label| after.contains(label));
    let signs = gone.map(|label| format!("-{label}")).chain(new.map(|label| format!("+{label}")));
    let all: Vec<String> = signs.chain(kept.map(|label| format!("={label}"))).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// A state in words.
pub(super) fn named(state: &str) -> String {
    state.replace('_', " ")
}
