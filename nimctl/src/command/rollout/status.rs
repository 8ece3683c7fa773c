//! Rollouts that were started, and one of them with all its LPARs.

use nim_shared::api::{ReceiverDeliveries, RolloutCounts, RolloutStatus, RolloutView, TargetView};
use nim_shared::ticket::Ticket;
use serde::Serialize;

use super::plan::{long, short};
use crate::output::fold::{folded, painted};
use crate::output::table::{Columns, NONE, Piece, or_none};
use crate::output::text::{Paint, clean};
use crate::output::{Style, View};

/// Rollouts, a row each.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct List(pub(super) Vec<RolloutView>);

impl View for List {
    fn table(&self, style: Style) -> String {
        if self.0.is_empty() {
            return "no rollout was ever started\n".to_owned();
        }
        let headings = [
            "ROLLOUT",
            "STATE",
            "WAVE",
            "WAIT",
            "RUN",
            "DONE",
            "FAILED",
            "OTHERS",
            "STARTED (UTC)",
        ];
        let mut columns = Columns::new(&headings, style);
        for one in &self.0 {
            let RolloutCounts { waiting, in_flight, done, failed, unreachable, left_out } =
                one.counts;
            let cells: [Piece; 9] = [
                one.name.as_str().into(),
                Piece::painted(one.phase.clone(), paint(&one.phase)),
                one.wave.as_str().into(),
                waiting.to_string().into(),
                in_flight.to_string().into(),
                done.to_string().into(),
                failed.to_string().into(),
                (unreachable + left_out).to_string().into(),
                short(one.created_at).into(),
            ];
            columns.row(cells);
        }
        columns.text()
    }
}

fn paint(phase: &str) -> Paint {
    match phase {
        "stopped" => Paint::Bad,
        "paused" | "aborting" => Paint::Care,
        _ => Paint::None,
    }
}

/// A rollout with its LPARs.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Status(pub(super) RolloutStatus);

impl View for Status {
    fn table(&self, style: Style) -> String {
        let RolloutStatus { view, targets, events, told } = &self.0;
        let mut text = format!("rollout {} is {}\n", view.name, view.phase);
        if let Some(waits) = &view.waits_for {
            let paint = |line: &str| Paint::Care.paint(line, style);
            text += &painted("waits for: ", &clean(waits), style, paint);
        }
        let ended = view.ended_at.map(|at| format!(", ended {}", long(at))).unwrap_or_default();
        let started = format!(
            "{} by uid {}{}, planned to be over by {}{ended}",
            long(view.created_at),
            view.requested_by,
            under(view.ticket.as_ref()),
            long(view.planned_end)
        );
        text += &folded("started ", &started, style);
        told.iter().for_each(|one| text += &deliveries(one, style));
        let mut columns = Columns::new(&["LPAR", "WAVE", "STATE", "TRY", "SINCE", "WHY"], style);
        for one in targets {
            columns.row(row(one));
        }
        text += &format!("\n{}", columns.text());
        if !events.is_empty() {
            text += "\nwhat happened, the newest first, in UTC:\n";
            for one in events {
                let by = one.by.map(|uid| format!(" by uid {uid}")).unwrap_or_default();
                let under = under(one.ticket.as_ref());
                let at = format!("  {} ", short(one.at));
                text += &folded(&at, &format!("{}{by}{under}", clean(&one.what)), style);
            }
        }
        text += &format!("fingerprint {}\n", view.fingerprint);
        text
    }
}

/// How a receiver was told.
fn deliveries(one: &ReceiverDeliveries, style: Style) -> String {
    let ReceiverDeliveries { receiver, sent, waiting, given_up, failure } = one;
    let messages = if *sent == 1 { "message" } else { "messages" };
    let mut text = format!("{receiver} was sent {sent} {messages}");
    if *waiting > 0 {
        text += &format!(", {waiting} to be sent");
    }
    if *given_up > 0 {
        text += &Paint::Bad.paint(&format!(", {given_up} given up"), style).to_string();
    }
    match failure {
        Some(why) if *waiting + *given_up > 0 => {
            folded("", &format!("{text}: {}", clean(why)), style)
        }
        Some(_) | None => format!("{text}\n"),
    }
}

/// The ticket under which something was done.
pub(super) fn under(ticket: Option<&Ticket>) -> String {
    ticket.map(|ticket| format!(" under {ticket}")).unwrap_or_default()
}

/// An LPAR with where it stands.
pub(super) fn row(one: &TargetView) -> [Piece; 6] {
    let paint = match one.state.as_str() {
        "failed" | "stuck" | "unreachable" => Paint::Bad,
        "updated" | "unchanged" => Paint::Good,
        _ => Paint::None,
    };
    [
        one.lpar.as_str().into(),
        one.wave.as_str().into(),
        Piece::painted(one.state.clone(), paint),
        if one.attempt > 0 { one.attempt.to_string() } else { NONE.to_owned() }.into(),
        or_none(one.at.filter(|_| one.attempt > 0).map(short)).into(),
        or_none(one.why.as_deref().map(clean)).into(),
    ]
}
