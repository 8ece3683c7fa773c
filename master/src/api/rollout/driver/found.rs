//! What became of the operations of a rollout, as the decision is told of it.

use std::collections::BTreeSet;

use nim_rollout::run::{End, Event, Is, Orders, Phase, State, TargetNumber};
use nim_rollout::site::Tick;
use nim_shared::code::{Knowledge, Retry as Sense};
use nim_shared::id::OperationId;
use nim_shared::operation::{Outcome, Report, Software, StateName};
use nim_shared::stamp::Timestamp;

use crate::engine::dialogue::REFUSED;
use crate::store::rollout::{Asked, Closed, Started};

/// The starts that are waited for no more and were never asked for: their tokens are closed, so that nobody asks for them late, and what
/// they would have taken is free.
pub(super) fn given_up(
    next: &State,
    open: &[(TargetNumber, u32)],
    started: &[Option<Asked>],
) -> Vec<(TargetNumber, u32)> {
    let over = |target: TargetNumber| {
        matches!(next.targets[target as usize].is, Is::Ended { end: End::Unreachable, .. })
    };
    let unasked = open.iter().zip(started).filter(|(_, found)| found.is_none());
    unasked.map(|(one, _)| *one).filter(|(target, _)| over(*target)).collect()
}

/// The starts that may not come any more although they were decided: new ones are held, or their window is too short by now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Withdrawn {
    /// They were never asked for: their tokens are closed.
    pub(super) unasked: Vec<(TargetNumber, u32)>,
    /// They wait in the queue: they are taken out of it.
    pub(super) queued: Vec<OperationId>,
}

impl Withdrawn {
    pub(super) fn of(
        orders: &Orders,
        next: &State,
        open: &[(TargetNumber, u32)],
        started: &[Option<Asked>],
        now: Tick,
    ) -> Self {
        let mut all = Self::default();
        for (&(target, attempt), found) in open.iter().zip(started) {
            let is_starting = matches!(next.targets[target as usize].is, Is::Starting { .. });
            if !is_starting || may_ask(orders, next, target, now) {
                continue;
            }
            match found {
                None => all.unasked.push((target, attempt)),
                Some(Ok(one)) if one.state == StateName::Queued => all.queued.push(one.id),
                Some(Ok(_) | Err(_)) => {}
            }
        }
        all
    }
}

/// Whether the start of a target may be asked for.
pub(super) fn may_ask(orders: &Orders, state: &State, target: TargetNumber, now: Tick) -> bool {
    match state.phase {
        Phase::Running => left(orders, target, now).is_some(),
        // Nothing is begun: its token is closed.
        Phase::Aborting => true,
        Phase::Planned | Phase::Paused | Phase::Stopped { .. } | Phase::Ended => false,
    }
}

/// How long a target may still be started; `None` where its window is too short for it by now.
pub(super) fn left(orders: &Orders, target: TargetNumber, now: Tick) -> Option<Tick> {
    let job = &orders.targets[target as usize].job;
    let last = orders.site.calendars[job.calendar as usize].last_start(now, job.long)?;
    Some(last - now)
}

/// The targets to whose operations capacity of a frame is promised.
pub(super) fn promised(
    open: &[(TargetNumber, u32)],
    started: &[Option<Asked>],
) -> Vec<TargetNumber> {
    let is_promised = |found: &Option<Asked>| matches!(found, Some(Ok(one)) if !one.released);
    let all = open.iter().zip(started);
    all.filter(|(_, found)| is_promised(found)).map(|((target, _), _)| *target).collect()
}

/// The attempts whose operations say something.
pub(super) fn attempts(state: &State) -> Vec<(TargetNumber, u32)> {
    let open = (0..).zip(&state.targets).filter(|(_, one)| match one.is {
        Is::Starting { .. } | Is::Running { .. } | Is::Recalled { .. } | Is::Releasing { .. } => {
            true
        }
        Is::Ended { keeps_capacity, .. } => keeps_capacity,
        Is::Waiting { .. } => false,
    });
    open.map(|(target, one)| (target, one.attempt)).collect()
}

/// The targets whose starts were withdrawn: they wait for their turn again.
pub(super) fn put_back(
    open: &[(TargetNumber, u32)],
    started: &[Option<Asked>],
) -> BTreeSet<TargetNumber> {
    let is_withdrawn = |found: &Option<Asked>| matches!(found, Some(Err(Closed::Withdrawn)));
    let back = open.iter().zip(started).filter(|(_, found)| is_withdrawn(found));
    back.map(|((target, _), _)| *target).collect()
}

/// That the operation of a target waits for capacity.
pub(super) fn waits(
    target: TargetNumber,
    attempt: u32,
    found: Option<&Asked>,
    tick: impl Fn(Timestamp) -> Tick,
) -> Option<Event> {
    let since = found?.as_ref().ok()?.waits_since?;
    Some(Event::WaitsForCapacity { target, attempt, since: tick(since) })
}

/// The targets whose operations are over, with what their agents said.
pub(super) fn ended<'a>(
    open: &'a [(TargetNumber, u32)],
    started: &'a [Option<Asked>],
) -> impl Iterator<Item = (TargetNumber, Option<&'a Report>)> {
    open.iter().zip(started).filter_map(|(&(target, _), found)| {
        let one = found.as_ref()?.as_ref().ok()?;
        one.state.is_terminal().then_some((target, one.report.as_ref()))
    })
}

/// What became of the operation of a target.
pub(super) fn happened(
    state: &State,
    target: TargetNumber,
    attempt: u32,
    (found, knowledge): (Option<&Asked>, &Knowledge),
) -> Vec<Event> {
    let mut events = Vec::new();
    let is = &state.targets[target as usize].is;
    let (is_starting, is_recalled) =
        (matches!(is, Is::Starting { .. }), matches!(is, Is::Recalled { .. }));
    let may_come = is_starting && state.phase != Phase::Aborting;
    let over = |end| Event::Over { target, attempt, end };
    let released = Event::Released { target, attempt };
    match found {
        None => {}
        // It was given up, and how it counts is settled.
        Some(Err(_)) if matches!(is, Is::Ended { .. }) => {
            events.push(released);
        }
        Some(Err(Closed::Withdrawn)) if may_come => {
            events.push(Event::NotBegun { target, attempt });
        }
        // Its time in the queue was over, and nobody asked for that.
        Some(Ok(one))
            if may_come && one.state == StateName::Cancelled && !one.taken && !one.cancel_asked =>
        {
            events.push(Event::NotBegun { target, attempt });
        }
        Some(Err(why)) => {
            let why = why.to_string();
            let end = if state.phase == Phase::Aborting {
                End::NotStarted { why }
            } else {
                End::Skipped { why }
            };
            events.extend([over(end), released]);
        }
        // It never went on from where it was called back. What was promised to it meanwhile is given back first.
        Some(Ok(one)) if is_recalled && one.state == StateName::Cancelled => {
            events.extend(one.released.then_some(Event::NotBegun { target, attempt }));
        }
        Some(Ok(one)) => {
            if one.taken {
                events.push(Event::Taken { target, attempt });
            }
            if one.state == StateName::Stuck {
                events.push(over(End::Stuck));
            }
            if one.state.is_terminal() {
                events.push(over(end(one, knowledge)));
                if one.released {
                    events.push(released);
                }
            }
        }
    }
    events
}

/// How an operation that is over counts.
fn end(one: &Started, knowledge: &Knowledge) -> End {
    match one.state {
        StateName::Succeeded => End::Updated,
        StateName::Unchanged => End::Unchanged,
        StateName::Cancelled => End::Cancelled,
        // The agent never took it, and never will: it was not reached, unless it said so itself.
        StateName::Failed if !one.taken && !is_refused(one.report.as_ref()) => End::Unreachable,
        StateName::Failed => End::Failed { sense: sense(one.report.as_ref(), knowledge) },
        StateName::Queued | StateName::Dispatching | StateName::Running | StateName::Stuck => {
            End::Stuck
        }
    }
}

/// Whether the LPAR was reached and its agent would not take it.
fn is_refused(report: Option<&Report>) -> bool {
    report.is_some_and(|report| report.codes.iter().any(|code| code == REFUSED))
}

/// Whether doing it again makes sense, by what the knowledge base says of the codes, and by what is on disk.
pub(in crate::api::rollout) fn sense(report: Option<&Report>, knowledge: &Knowledge) -> Sense {
    let Some(report) = report else { return Sense::SeeOthers };
    match report.outcome {
        Outcome::Failed { software: Software::Applied } => return Sense::Never,
        // The whole request again would be refused: only the kernel is to be moved.
        Outcome::Failed { software: Software::AppliedNotLive } => return Sense::AfterRemedy,
        _ => {}
    }
    let known = knowledge.of_codes(&report.codes, &report.messages);
    let known: Vec<Sense> = known.into_iter().map(|one| one.retry).collect();
    [Sense::Never, Sense::AfterRemedy, Sense::Later]
        .into_iter()
        .find(|sense| known.contains(sense))
        .unwrap_or(Sense::SeeOthers)
}

#[cfg(test)]
mod tests {
    use nim_shared::code;
    use uuid::Uuid;

    use super::super::{ABORTED, OVERDUE};
    use super::*;

    fn happened(
        state: &State,
        target: TargetNumber,
        attempt: u32,
        found: Option<&Asked>,
    ) -> Vec<Event> {
        super::happened(state, target, attempt, (found, &Knowledge::default()))
    }

    fn started(state: StateName, taken: bool, report: Option<Report>) -> Started {
        let id = OperationId(Uuid::nil());
        Started { id, state, taken, cancel_asked: false, waits_since: None, report, released: true }
    }

    fn failed(software: Software, codes: &[&str]) -> Report {
        Report {
            codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            ..Report::of(Outcome::Failed { software }, "")
        }
    }

    #[test]
    fn an_end_counts_by_whether_it_was_taken_and_by_what_is_known_of_it() {
        use Software::{Applied, AppliedNotLive, Unchanged};
        let of = |state, taken, report| end(&started(state, taken, report), &Knowledge::default());
        assert_eq!(of(StateName::Succeeded, true, None), End::Updated);
        assert_eq!(of(StateName::Failed, false, None), End::Unreachable);
        let refused = Some(failed(Unchanged, &[REFUSED]));
        let sense = Sense::AfterRemedy;
        assert_eq!(of(StateName::Failed, false, refused), End::Failed { sense });
        assert_eq!(of(StateName::Cancelled, false, None), End::Cancelled);
        let rows = [
            (failed(Applied, &[]), Sense::Never),
            (failed(AppliedNotLive, &[]), Sense::AfterRemedy),
            // Open files in /proc; and a partial success, which is in effect.
            (failed(Unchanged, &["1020-311"]), code::find("1020-311").unwrap().retry),
            (failed(Unchanged, &["1020-311", "1430-094"]), Sense::Never),
            (failed(Unchanged, &["0000-000"]), Sense::SeeOthers),
        ];
        for (report, sense) in rows {
            let codes = report.codes.clone();
            let found = of(StateName::Failed, true, Some(report));
            assert_eq!(found, End::Failed { sense }, "{codes:?}");
        }
    }

    /// A run of two LPARs that has begun.
    fn begun() -> (Orders, State) {
        let fleet = nim_rollout::testing::Fleet {
            frames: 2,
            lpars: (1, 1),
            frames_per_hmc: 1,
            processors: nim_rollout::testing::Processors::FollowMemory,
        };
        let snapshot = nim_rollout::testing::fleet(fleet, 1);
        let file = nim_rollout::testing::rollout("deadlines: {start: 10m}\n");
        let input = nim_rollout::plan::Input {
            file: &file,
            snapshot: &snapshot,
            history: &[],
            begin: snapshot.at,
        };
        let plan = nim_rollout::plan::make(&input);
        let orders = Orders::new(&input, &plan, 1000);
        let start = Event::Start { by: 1000, fingerprint: orders.fingerprint };
        let (state, starts) = State::planned(&orders).after(&orders, start, 0).unwrap();
        assert_eq!(starts.len(), 2, "{starts:?}");
        (orders, state)
    }

    #[test]
    fn a_start_that_nobody_could_ask_for_in_time_is_given_up_and_holds_nothing() {
        let (orders, state) = begun();
        let open = attempts(&state);
        assert_eq!(open, [(0, 1), (1, 1)]);
        // The first was asked for and waits for its agent, the second was not.
        let found = [Some(Ok(started(StateName::Queued, false, None))), None];
        assert_eq!(given_up(&state, &open, &found), []);
        let (state, _) = state.after_all(&orders, Vec::new(), 600);
        let unreachable = |keeps_capacity| Is::Ended { end: End::Unreachable, keeps_capacity };
        assert_eq!(state.targets[1].is, unreachable(true));
        assert_eq!(given_up(&state, &open, &found), [(1, 1)]);
        // Its token is closed then: nothing will ever be begun, and what it would have taken is free.
        let closed = Err(Closed::For(OVERDUE.to_owned()));
        let events = happened(&state, 1, 1, Some(&closed));
        let (state, _) = state.after_all(&orders, events, 601);
        assert_eq!(state.targets[1].is, unreachable(false));
        assert_eq!(state.targets[0].is, unreachable(true), "it may still begin");
    }

    #[test]
    fn a_start_that_may_not_be_asked_for_any_more_is_withdrawn_and_comes_again() {
        let (orders, state) = begun();
        let open = attempts(&state);
        let asked = || Some(Ok(started(StateName::Queued, false, None)));
        let withdrawn = |state: &State, found: &[_], now| {
            let all = Withdrawn::of(&orders, state, &open, found, now);
            (all.unasked, all.queued.len())
        };
        assert_eq!(withdrawn(&state, &[asked(), None], 5), (vec![], 0), "it runs");
        let paused = state.clone().noted(&orders, Event::Pause, 5).unwrap();
        assert_eq!(withdrawn(&paused, &[asked(), None], 5), (vec![(1, 1)], 1));
        let taken = || Some(Ok(started(StateName::Dispatching, false, None)));
        assert_eq!(withdrawn(&paused, &[taken(), taken()], 5), (vec![], 0), "it goes on");
        // Its window is over.
        let end = orders.deadlines.whole.get();
        assert_eq!(left(&orders, 0, 5), Some(end - orders.targets[0].job.long - 5));
        assert_eq!(withdrawn(&state, &[None, None], end - 9), (vec![(0, 1), (1, 1)], 0));
        let closed = Err(Closed::Withdrawn);
        let again = |target| vec![Event::NotBegun { target, attempt: 1 }];
        assert_eq!(happened(&paused, 1, 1, Some(&closed)), again(1));
        // Its time in the queue of nimd was over; one that somebody cancelled is cancelled.
        let mut queued = started(StateName::Cancelled, false, None);
        assert_eq!(happened(&state, 0, 1, Some(&Ok(queued.clone()))), again(0));
        queued.cancel_asked = true;
        let over = Event::Over { target: 0, attempt: 1, end: End::Cancelled };
        assert_eq!(happened(&state, 0, 1, Some(&Ok(queued)))[0], over);
    }

    #[test]
    fn what_was_called_back_comes_again_when_it_is_put_back_and_holds_nothing() {
        let (mut orders, state) = begun();
        // From its start at 7 on it may be carried on by 53 seconds.
        orders.targets[0].job.long = orders.deadlines.whole.get() - 60;
        let mut one = started(StateName::Running, true, None);
        one.waits_since = Some(Timestamp::from_unix_micros(7_000_000));
        let seconds = |at: Timestamp| Tick::try_from(at.get().unix_timestamp()).unwrap();
        let waits = |one: &Started| waits(0, 1, Some(&Ok(one.clone())), seconds);
        let waiting = Event::WaitsForCapacity { target: 0, attempt: 1, since: 7 };
        assert_eq!(waits(&one), Some(waiting.clone()));
        let taken = happened(&state, 0, 1, Some(&Ok(one.clone())));
        let (state, _) = state.after_all(&orders, taken, 7);
        let (state, _) = state.after_all(&orders, vec![waiting], 61);
        assert!(matches!(state.targets[0].is, Is::Recalled { .. }), "{state:?}");
        one = Started { state: StateName::Cancelled, cancel_asked: true, waits_since: None, ..one };
        assert_eq!(waits(&one), None);
        let again = Event::NotBegun { target: 0, attempt: 1 };
        assert_eq!(happened(&state, 0, 1, Some(&Ok(one.clone()))), [again]);
        // Something was promised to it at that moment.
        one.released = false;
        assert_eq!(happened(&state, 0, 1, Some(&Ok(one))), []);
    }

    #[test]
    fn what_was_refused_is_left_out_and_an_abort_leaves_what_never_began() {
        let (orders, state) = begun();
        let closed = Err(Closed::For("no lpp_source".to_owned()));
        let events = happened(&state, 0, 1, Some(&closed));
        let (state, _) = state.after_all(&orders, events, 5);
        let end = End::Skipped { why: "no lpp_source".to_owned() };
        assert_eq!(state.targets[0].is, Is::Ended { end, keeps_capacity: false });
        let abort = Event::Abort { running: nim_rollout::run::Running::Drain };
        let state = state.noted(&orders, abort, 6).unwrap();
        let closed = Err(Closed::For(ABORTED.to_owned()));
        let events = happened(&state, 1, 1, Some(&closed));
        let (state, _) = state.after_all(&orders, events, 7);
        let end = End::NotStarted { why: ABORTED.to_owned() };
        assert_eq!(state.targets[1].is, Is::Ended { end, keeps_capacity: false });
        assert_eq!(state.phase, Phase::Ended);
    }

    #[test]
    fn an_operation_is_over_for_the_rollout_when_its_memory_is_back() {
        let (orders, state) = begun();
        let mut one = started(StateName::Succeeded, true, None);
        one.released = false;
        let (state, _) =
            state.clone().after_all(&orders, happened(&state, 0, 1, Some(&Ok(one.clone()))), 60);
        assert!(
            matches!(state.targets[0].is, Is::Releasing { end: End::Updated, .. }),
            "{state:?}"
        );
        one.released = true;
        let (state, _) =
            state.clone().after_all(&orders, happened(&state, 0, 1, Some(&Ok(one))), 61);
        let over = Is::Ended { end: End::Updated, keeps_capacity: false };
        assert_eq!(state.targets[0].is, over);
        // What is stuck keeps what it has, until a person has looked.
        let stuck = started(StateName::Stuck, true, None);
        let (state, _) =
            state.clone().after_all(&orders, happened(&state, 1, 1, Some(&Ok(stuck))), 62);
        assert!(matches!(state.targets[1].is, Is::Releasing { end: End::Stuck, .. }), "{state:?}");
    }
}
