//! Following operations until they end: live on a terminal, a line a phase elsewhere, an object a line for programs.

mod board;
mod display;
mod line;
mod link;
pub(crate) mod sentence;
pub(crate) mod summary;

use nim_shared::api::{OperationView, Watched};
use nim_shared::id::{BatchId, OperationId};
use nim_shared::operation::StateName;
use nim_shared::stamp::Timestamp;
use time::OffsetDateTime;

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::text::clock;

use board::Board;
use display::Display;
use link::Heard;
use summary::Summary;

/// What is followed.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// Everything of one request.
    Batch(BatchId),
    /// These operations.
    Operations(Vec<OperationId>),
}

/// What programs are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Each message as it comes, one a line.
    AsItGoes,
    /// One value, when everything is at its end.
    AtTheEnd,
}

impl Subject {
    fn target(&self) -> Target {
        let target = Target::new(&["watch"]);
        match self {
            Self::Batch(batch) => target.with("batch", batch.to_string()),
            Self::Operations(ids) => {
                target.with_each("operation", ids.iter().map(ToString::to_string))
            }
        }
    }

    /// How the same is watched again.
    fn again(&self) -> String {
        match self {
            Self::Batch(batch) => format!("nimctl watch --batch {batch}"),
            Self::Operations(ids) => {
                let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
                format!("nimctl watch {}", ids.join(" "))
            }
        }
    }
}

/// Follows `operations` until all are at their end, then sums up.
///
/// # Errors
/// What `nimd` refuses, or that it stayed away. The operations go on.
pub(crate) async fn follow(
    subject: &Subject,
    operations: Vec<OperationView>,
    shown: Shown,
    interrupt: &mut Interrupt,
    context: &Context,
) -> Result<Exit, Error> {
    let printer = context.printer;
    let stream = shown == Shown::AsItGoes && !printer.format().is_for_people();
    let mut board = Board::new(operations);
    if stream && board.is_over() {
        for row in board.rows() {
            printer.stream(&Watched::Operation(Box::new(row.view.clone())))?;
        }
        return Ok(board.exit());
    }
    let mut display = if stream { Display::none(printer) } else { Display::new(printer) };
    let mut link = link::open(context.client.clone(), subject.target());
    let mut ticks = tokio::time::interval(display::TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while !board.is_over() {
        tokio::select! {
            () = interrupt.pressed() => {
                display.clear();
                return Ok(detached(subject, context));
            }
            heard = link.next() => match heard {
                Heard::Message(watched) => {
                    if stream {
                        printer.stream(&watched)?;
                    }
                    for said in board.take(&watched) {
                        display.say(&said);
                    }
                }
                Heard::Away => display.note("nimd is away; what runs goes on. Trying to reach it again ..."),
                Heard::Back => display.note("nimd is back"),
                Heard::Failed(error) => {
                    display.clear();
                    printer.note(&format!("what runs goes on; follow it with: {}", subject.again()));
                    return Err(error);
                }
            },
            _ = ticks.tick() => display.refresh(&board, now()),
        }
    }
    display.clear();
    let exit = board.exit();
    if stream {
        return Ok(exit);
    }
    printer.show_end(&Summary::new(subject, board.into_views()), exit)
}

/// Says how to go on, to somebody who pressed Ctrl-C.
pub(crate) fn detached(subject: &Subject, context: &Context) -> Exit {
    let again = subject.again();
    context.printer.note(&format!("detached: what runs goes on; follow it with: {again}"));
    Exit::Interrupted
}

fn now() -> Timestamp {
    Timestamp::new(OffsetDateTime::now_utc())
}

/// Whether there is nothing to follow any more: at its end, or waiting for a person.
pub(crate) const fn is_over(state: StateName) -> bool {
    state.is_terminal() || matches!(state, StateName::Stuck)
}

/// Stage and phase of an operation, as words: `update: move`.
pub(crate) fn place(view: &OperationView) -> String {
    match (&view.stage, &view.phase) {
        (Some(stage), Some(phase)) => format!("{stage}: {phase}"),
        (Some(stage), None) => stage.to_string(),
        (None, Some(phase)) => phase.to_string(),
        (None, None) => String::new(),
    }
}

/// What an operation that is not over waits for, or what else keeps it, in a few words.
pub(crate) fn waiting(view: &OperationView, now: Timestamp) -> Option<String> {
    if is_over(view.state) {
        return None;
    }
    let silent =
        view.phase.as_ref().and_then(|phase| phase.known()).is_some_and(|phase| phase.is_silent());
    match (view.lost_contact_since, &view.waits_for) {
        (Some(since), _) if silent => {
            Some(format!("silent for {}, as expected", clock(now.since(since))))
        }
        (Some(since), _) => Some(format!("no contact for {}", clock(now.since(since)))),
        (None, Some(what)) => Some(what.clone()),
        (None, None) if view.cancel_asked => Some("cancel asked for".to_owned()),
        (None, None) => None,
    }
}
