//! The line of one LPAR in the live display: at most 77 characters, so that it fits 80 columns with the spinner.

use nim_shared::api::OperationView;
use nim_shared::operation::StateName;
use nim_shared::stage::Phase;
use nim_shared::stamp::Timestamp;

use super::summary::outcome;
use super::{is_over, place, waiting};
use crate::output::text::{clean, clock, clock_seconds, cut};

/// Widest line, in characters.
pub(super) const WIDTH: usize = 77;

/// Widest name; longer ones are cut.
const NAME: usize = 16;

/// Width of stage and phase: `update: resources`.
const PLACE: usize = 17;

/// The line of an operation. `name` is how wide names are in all lines.
pub(super) fn line(view: &OperationView, name: usize, now: Timestamp) -> String {
    let name = name.min(NAME);
    let lpar = cut(view.lpar.as_str(), name);
    if is_over(view.state) {
        let (text, _) = outcome(view);
        return cut(&format!("{lpar:name$}  {}", clean(&text)), WIDTH);
    }
    let standing = match view.state {
        StateName::Running => place(view),
        StateName::Queued => "queued".to_owned(),
        StateName::Dispatching => "connecting".to_owned(),
        other => other.to_string(),
    };
    let standing = cut(&standing, PLACE);
    let begun = view.started_at.unwrap_or(view.created_at);
    let elapsed = clock(now.since(begun));
    let total = view.estimated_total.map(|total| format!("/~{}", clock_seconds(total)));
    let time = format!("{elapsed}{}", total.unwrap_or_default());
    let head = format!("{lpar:name$}  {standing:PLACE$}  {time:>13}");
    let tail = tail(view, begun, now, WIDTH.saturating_sub(head.chars().count() + 2));
    cut(format!("{head}  {tail}").trim_end(), WIDTH)
}

/// What is worth knowing beside the time: the blackout, what it waits for, or how far it is.
fn tail(view: &OperationView, begun: Timestamp, now: Timestamp, width: usize) -> String {
    let phase = view.phase.as_ref().and_then(|phase| phase.known());
    if let (Some(Phase::Blackout), Some(since)) = (phase, view.entered_at) {
        let seconds = now.since(since).whole_seconds().max(0);
        let of = view.estimated_blackout.map(|time| format!("/~{}", time.0)).unwrap_or_default();
        return format!("blackout {seconds}{of} s, silence expected");
    }
    if let Some(waiting) = waiting(view, now) {
        return clean(&waiting);
    }
    match view.estimated_total {
        Some(total) if view.started_at.is_some() => {
            bar(now.since(begun).whole_seconds(), total.0, width.min(BAR))
        }
        _ => String::new(),
    }
}

/// Widest bar.
const BAR: usize = 24;

/// How much of the estimated time has passed. Never full: an estimate is none of the end.
fn bar(elapsed: i64, total: u64, width: usize) -> String {
    let inner = width.saturating_sub(2);
    if inner < 5 || total == 0 {
        return String::new();
    }
    let elapsed = u64::try_from(elapsed).unwrap_or(0).min(total);
    let cells = u64::try_from(inner).unwrap_or(0);
    let full = usize::try_from(elapsed * cells / total).unwrap_or(0).min(inner - 1);
    format!("[{}>{}]", "=".repeat(full), " ".repeat(inner - 1 - full))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nim_shared::operation::Named;
    use nim_shared::unit::Seconds;
    use serde_json::json;

    /// An update of `lpar` that has run for 90 seconds.
    fn running(lpar: &str, phase: &str) -> (OperationView, Timestamp) {
        let view = json!({
            "id": "0193a2b4-5c6d-7001-8def-0123456789ab", "batch": "0193a2b4-5c6d-7001-8def-0123456789ab",
            "lpar": lpar, "kind": "update", "state": "running", "stage": "update", "phase": phase,
            "entered_at": "2025-01-29T10:01:00Z", "cancel_asked": false,
            "created_at": "2025-01-29T10:00:00Z", "started_at": "2025-01-29T10:00:00Z", "requested_by": 0,
        });
        (serde_json::from_value(view).unwrap(), "2025-01-29T10:01:30Z".parse().unwrap())
    }

    #[test]
    fn a_line_says_where_it_is_how_long_it_takes_and_what_to_expect() {
        let (mut view, now) = running("lpar01", "clone");
        let mut lines = vec![line(&view, 6, now)];
        view.estimated_total = Some(Seconds(600));
        lines.push(line(&view, 6, now));
        view.phase = Some(Named::read("blackout"));
        view.estimated_blackout = Some(Seconds(77));
        lines.push(line(&view, 6, now));
        view.phase = Some(Named::read("clone"));
        view.lost_contact_since = Some("2025-01-29T10:01:20Z".parse().unwrap());
        lines.push(line(&view, 6, now));
        insta::assert_snapshot!(lines.join("\n"), @"
        lpar01  update: clone               1:30
        lpar01  update: clone        1:30/~10:00  [===>                  ]
        lpar01  update: blackout     1:30/~10:00  blackout 30/~77 s, silence expected
        lpar01  update: clone        1:30/~10:00  no contact for 0:10
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for phase in
            Phase::ALL.iter().map(|phase| phase.name()).chain(["a_phase_of_a_much_later_version"])
        {
            for estimate in [None, Some(Seconds(7)), Some(Seconds(u64::MAX))] {
                let (mut view, now) = running(&"x".repeat(39), phase);
                view.estimated_total = estimate;
                view.estimated_blackout = estimate;
                view.waits_for = Some("y".repeat(200));
                assert!(line(&view, 39, now).chars().count() <= WIDTH, "{}", line(&view, 39, now));
            }
        }
    }
}
