//! `rollout watch`: the whole rollout on one screen, a line for each change where there is no terminal, an object a line for programs.
//!
//! What is asked for is one answer a second, whatever the number of LPARs: `nimd` keeps no stream for a rollout, and a screen that is
//! left open all night costs it no more than that.

mod draw;
mod keys;
mod poll;
mod screen;
mod terminal;
#[cfg(test)]
mod tests;

use nim_shared::api::{
    AskTurn, RolloutCounts, RolloutEvent, RolloutView, TurnRollout, WatchedRollout,
};
use nim_shared::stamp::Timestamp;
use nim_shared::ticket::Ticket;
use serde::Serialize;
use time::macros::format_description;
use tokio::time::Instant;

use super::status::{List, under};
use crate::cli::WatchRollout;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::text::clean;
use draw::draw;
pub(in crate::command) use poll::{Heard, Poll};
use screen::{Order, Screen, Turn};
use terminal::{Terminal, Told};

pub(super) async fn run(args: &WatchRollout, context: &Context) -> Result<Exit, Error> {
    let mut interrupt = Interrupt::listen()?;
    let target = Target::new(&["rollouts", &args.rollout, "watch"]);
    let Some(first) = interrupt.before(context.client.get::<WatchedRollout>(target)).await else {
        return Ok(Exit::Interrupted);
    };
    let first = first?;
    if is_over(&first.view) {
        let exit = exit(&first.view);
        let text = format!("it is over: nimctl rollout report {} says more", first.view.name);
        if context.printer.format().is_for_people() {
            context.printer.show_end(&List(vec![first.view]), exit)?;
            context.printer.note(&text);
        } else {
            context.printer.stream(&Change::Rollout(Box::new(first.view)))?;
        }
        return Ok(exit);
    }
    let people = context.printer.format().is_for_people();
    let terminal = if people { Terminal::open(context.printer) } else { None };
    match terminal {
        Some(terminal) => {
            live((first, args.ticket.clone()), terminal, &mut interrupt, context).await
        }
        None => lines(first, &mut interrupt, context).await,
    }
}

/// What programs are told, one a line.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Change {
    /// How the rollout stands: at first, and whenever that is other than before.
    Rollout(Box<RolloutView>),
    /// Something happened.
    Event(RolloutEvent),
}

/// Writes a line for each change, until it is over.
async fn lines(
    first: WatchedRollout,
    interrupt: &mut Interrupt,
    context: &Context,
) -> Result<Exit, Error> {
    let printer = context.printer;
    let people = printer.format().is_for_people();
    let name = first.view.name.clone();
    let mut view = first.view.clone();
    if people {
        printer.raw(standing(&view, first.at).as_bytes())?;
    } else {
        printer.stream(&Change::Rollout(Box::new(view.clone())))?;
    }
    let mut poll = Poll::begin(context.client.clone(), &first);
    loop {
        let heard = tokio::select! {
            () = interrupt.pressed() => return Ok(detached(name.as_str(), context)),
            heard = poll.next() => heard,
        };
        match heard {
            Heard::Rollout(now) => {
                for event in &now.events {
                    if people {
                        printer.raw(line(&name, event).as_bytes())?;
                    } else {
                        printer.stream(&Change::Event(event.clone()))?;
                    }
                }
                if !people && now.view != view {
                    printer.stream(&Change::Rollout(Box::new(now.view.clone())))?;
                }
                // What led to the end is told first.
                let over = is_over(&now.view) && now.events.is_empty();
                view = now.view;
                if over {
                    if people {
                        printer.raw(summary(&view).as_bytes())?;
                    }
                    return Ok(exit(&view));
                }
            }
            Heard::Why(_) => {}
            Heard::Away => printer.note(AWAY),
            Heard::Back => printer.note(BACK),
            Heard::Failed(error) => {
                printer.note(&go_on(name.as_str()));
                return Err(error);
            }
        }
    }
}

const AWAY: &str = "nimd is away; what runs goes on. Trying to reach it again ...";
const BACK: &str = "nimd is back";

/// Shows all of it on a screen, until it is over or the person leaves; what the person does with it is done under the ticket.
async fn live(
    (first, ticket): (WatchedRollout, Option<Ticket>),
    mut terminal: Terminal,
    interrupt: &mut Interrupt,
    context: &Context,
) -> Result<Exit, Error> {
    let printer = context.printer;
    let style = printer.style_of_stdout();
    let name = first.view.name.clone();
    let mut poll = Poll::begin(context.client.clone(), &first);
    let mut read = (first.at, Instant::now());
    let mut screen = Screen::new(first);
    let mut turning: Option<tokio::task::JoinHandle<Result<RolloutView, Error>>> = None;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let ended = loop {
        let now = read.0.plus(read.1.elapsed());
        terminal.show(&draw(&screen, terminal.size(), now), style)?;
        let order = tokio::select! {
            () = interrupt.pressed() => Order::Leave,
            told = terminal.next() => match told {
                Told::Key(key) => screen.press(key),
                Told::Resized => Order::Nothing,
                Told::Gone => Order::Leave,
            },
            _ = ticks.tick() => Order::Nothing,
            answer = answered(&mut turning) => {
                turning = None;
                screen.turned(answer);
                poll.nudge();
                Order::Nothing
            }
            heard = poll.next() => {
                match heard {
                    Heard::Rollout(view) => {
                        read = (view.at, Instant::now());
                        if is_over(&view.view) {
                            break Ok(Some(view.view));
                        }
                        screen.take(view);
                    }
                    Heard::Why(why) => screen.explain(why),
                    Heard::Away => screen.away(AWAY),
                    Heard::Back => screen.back(BACK),
                    Heard::Failed(error) => break Err(error),
                }
                Order::Nothing
            }
        };
        match order {
            Order::Nothing => {}
            Order::Leave => break Ok(None),
            Order::Open(lpar) => poll.open(lpar),
            // One after the other: an answer is yet to come.
            Order::Turn(_) if turning.is_some() => {}
            Order::Turn(turn) => {
                let (client, id) = (context.client.clone(), screen.rollout().id.to_string());
                let ticket = ticket.clone();
                turning = Some(tokio::spawn(async move {
                    let turn = match turn {
                        Turn::Pause => TurnRollout::Pause,
                        Turn::Resume => TurnRollout::Resume,
                    };
                    let body = AskTurn { turn, ticket };
                    client.post(Target::new(&["rollouts", &id, "turn"]), &body).await
                }));
            }
        }
    };
    drop(terminal);
    // What was asked for is asked for: whoever leaves right after it hears what came of it.
    if let Some(turning) = turning
        && let Ok(Err(error)) = turning.await
    {
        printer.note(&go_on(name.as_str()));
        return Err(error);
    }
    match ended {
        Ok(Some(view)) => {
            let exit = exit(&view);
            printer.show_end(&List(vec![view]), exit)?;
            printer.note(&format!("it is over: nimctl rollout report {name} says more"));
            Ok(exit)
        }
        Ok(None) => Ok(detached(name.as_str(), context)),
        Err(error) => {
            printer.note(&go_on(name.as_str()));
            Err(error)
        }
    }
}

/// How often the screen's clock moves.
const TICK: std::time::Duration = std::time::Duration::from_secs(1);

/// What came of what was asked for; never, where nothing was.
async fn answered(
    turning: &mut Option<tokio::task::JoinHandle<Result<RolloutView, Error>>>,
) -> Result<RolloutView, String> {
    match turning {
        Some(task) => match task.await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(cause) => Err(cause.to_string()),
        },
        None => std::future::pending().await,
    }
}

fn is_over(view: &RolloutView) -> bool {
    view.phase == "ended"
}

/// Everybody is updated, or not.
fn exit(view: &RolloutView) -> Exit {
    let counts = view.counts;
    let others = counts.failed + counts.unreachable + counts.left_out;
    if others == 0 { Exit::Done } else { Exit::DidNotSucceed }
}

fn go_on(name: &str) -> String {
    format!("the rollout goes on; follow it with: nimctl rollout watch {name}")
}

fn detached(name: &str, context: &Context) -> Exit {
    context.printer.note(&format!("detached: {}", go_on(name)));
    Exit::Interrupted
}

/// How it stands, as a line.
pub(in crate::command) fn standing(view: &RolloutView, at: Timestamp) -> String {
    let waits = view.waits_for.as_ref().map(|what| format!("; it waits for {}", clean(what)));
    format!(
        "{} {}: {}, at wave {}: {}{}\n",
        clock(at),
        view.name,
        view.phase,
        view.wave,
        counts(&view.counts),
        waits.unwrap_or_default()
    )
}

/// Something that happened, as a line.
pub(in crate::command) fn line(name: &nim_shared::id::ObjectName, event: &RolloutEvent) -> String {
    format!("{} {name}: {}{}\n", clock(event.at), clean(&event.what), by(event))
}

/// Who did it, and under which ticket; nothing where that was nimd.
fn by(event: &RolloutEvent) -> String {
    let by = event.by.map(|uid| format!(" by uid {uid}")).unwrap_or_default();
    format!("{by}{}", under(event.ticket.as_ref()))
}

/// What became of it, as a line.
fn summary(view: &RolloutView) -> String {
    let at = view.ended_at.map(|at| format!("{} ", clock(at))).unwrap_or_default();
    format!("{at}{} is over: {}\n", view.name, counts(&view.counts))
}

/// How many stand where; what nobody does is left out.
pub(in crate::command) fn counts(counts: &RolloutCounts) -> String {
    let all = [
        (counts.done, "done"),
        (counts.failed, "failed"),
        (counts.unreachable, "unreachable"),
        (counts.left_out, "left out"),
        (counts.in_flight, "in flight"),
        (counts.waiting, "waiting"),
    ];
    let some = all.iter().filter(|(number, _)| *number > 0);
    some.map(|(number, what)| format!("{number} {what}")).collect::<Vec<_>>().join(", ")
}

/// A time of a day to the second, in UTC.
fn clock(at: Timestamp) -> String {
    let form = format_description!("[hour]:[minute]:[second]Z");
    at.get().format(form).unwrap_or_else(|_| at.to_string())
}
