//! The axis of time of a plan: what lies between two nights, or while a wave soaks, takes no room.

use nim_shared::api::RolloutPlan;
use nim_shared::stamp::Timestamp;

/// Where times stand, in columns of text or in points of a picture.
#[derive(Debug)]
pub(super) struct Axis {
    /// In order; never empty.
    pub(super) parts: Vec<Part>,
}

/// A part of the axis without a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its first second, since 1970.
    from: i64,
    /// Its end.
    to: i64,
    /// Where it begins.
    pub(super) at: usize,
    /// How wide it is.
    pub(super) width: usize,
}

/// How an axis is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// All there is.
    pub(super) width: usize,
    /// What a part has at least, so that its time can be written above it.
    pub(super) least: usize,
    /// What lies between two parts.
    pub(super) gap: usize,
}

impl Axis {
    /// For what is planned.
    pub(super) fn of(plan: &RolloutPlan, layout: Layout) -> Self {
        Self::of_spans(plan.targets.iter().map(|one| (one.begin, one.end)), layout)
    }

    /// For spans of time.
    pub(super) fn of_spans(
        spans: impl Iterator<Item = (Timestamp, Timestamp)>,
        layout: Layout,
    ) -> Self {
        Self::new(spans.map(|(from, to)| (second(from), second(to))).collect(), layout)
    }

    fn new(mut spans: Vec<(i64, i64)>, layout: Layout) -> Self {
        spans.sort_unstable();
        let mut busy: Vec<(i64, i64)> = Vec::new();
        for (from, to) in spans {
            match busy.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                Some(_) | None => busy.push((from, to.max(from + 1))),
            }
        }
        let worked: i64 = busy.iter().map(|(from, to)| to - from).sum();
        // The largest pauses are cut out, as many as leave room enough.
        let most = ((layout.width + layout.gap) / (layout.least + layout.gap)).max(1);
        let mut pauses: Vec<(i64, usize)> = busy
            .windows(2)
            .enumerate()
            .map(|(at, pair)| (pair[1].0 - pair[0].1, at))
            .filter(|(pause, _)| pause * SHORT > worked)
            .collect();
        pauses.sort_unstable_by(|a, b| b.cmp(a));
        pauses.truncate(most - 1);
        let mut cuts: Vec<usize> = pauses.into_iter().map(|(_, at)| at).collect();
        cuts.sort_unstable();
        let mut spans = Vec::new();
        let mut begin = 0;
        for end in cuts.into_iter().chain(busy.len().checked_sub(1)) {
            spans.push((busy[begin].0, busy[end].1));
            begin = end + 1;
        }
        Self { parts: parts(&spans, layout) }
    }

    /// Where a time stands. One that was cut out stands where the next part begins.
    pub(super) fn place(&self, at: Timestamp) -> usize {
        let at = second(at);
        let Some(part) = self.parts.iter().find(|part| at <= part.to).or(self.parts.last()) else {
            return 0;
        };
        let inside = at.clamp(part.from, part.to) - part.from;
        part.at + scaled(inside, part.to - part.from, part.width)
    }
}

/// A pause of less than one in so many of what is worked is shown.
const SHORT: i64 = 20;

fn parts(spans: &[(i64, i64)], layout: Layout) -> Vec<Part> {
    let worked: i64 = spans.iter().map(|(from, to)| to - from).sum();
    let fixed = spans.len() * layout.least + spans.len().saturating_sub(1) * layout.gap;
    let spare = layout.width.saturating_sub(fixed);
    let (mut at, mut before) = (0, 0);
    let part = |&(from, to): &(i64, i64)| {
        // What is before it is scaled too, so that nothing is lost by rounding.
        let (begin, end) =
            (scaled(before, worked, spare), scaled(before + to - from, worked, spare));
        before += to - from;
        let part = Part { from, to, at, width: layout.least + end - begin };
        at += part.width + layout.gap;
        part
    };
    spans.iter().map(part).collect()
}

/// `part` of `whole`, as a part of `width`.
fn scaled(part: i64, whole: i64, width: usize) -> usize {
    let number = |value: i64| u128::try_from(value).unwrap_or(0);
    let scaled = number(part) * width as u128 / number(whole).max(1);
    usize::try_from(scaled).unwrap_or(width)
}

impl Part {
    /// When it begins.
    pub(super) fn begin(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.from * 1_000_000)
    }

    /// When it ends.
    pub(super) fn end(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.to * 1_000_000)
    }
}

fn second(at: Timestamp) -> i64 {
    at.get().unix_timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { width: 60, least: 10, gap: 1 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_micros(second * 1_000_000)
    }

    #[test]
    fn a_long_pause_takes_no_room_and_a_short_one_does() {
        let day = 86_400;
        let axis = Axis::new(vec![(0, 3600), (3700, 7200), (day, day + 7200)], LAYOUT);
        let widths: Vec<_> = axis.parts.iter().map(|part| (part.at, part.width)).collect();
        assert_eq!(widths, [(0, 29), (30, 30)]);
        assert_eq!((axis.place(at(0)), axis.place(at(3600)), axis.place(at(7200))), (0, 14, 29));
        assert_eq!((axis.place(at(50_000)), axis.place(at(day + 7200))), (30, 60));
    }

    #[test]
    fn of_many_nights_the_largest_pauses_are_cut() {
        let nights = (0..30).map(|night| (night * 86_400 + night * night, night * 86_400 + 20_000));
        let axis = Axis::new(nights.collect(), LAYOUT);
        assert_eq!(axis.parts.len(), 5);
        let end = axis.parts.last().map(|part| part.at + part.width);
        assert_eq!(end, Some(60));
        assert!(Axis::new(Vec::new(), LAYOUT).parts.is_empty());
    }
}
