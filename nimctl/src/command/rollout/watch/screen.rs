//! What is on the screen, and what keys do to it. Pure: answers and keys come in, orders come out.

use std::collections::VecDeque;

use nim_shared::api::{RolloutEvent, RolloutView, WatchedLpar, WatchedRollout, Why};
use nim_shared::id::ObjectName;
use nim_shared::stage::{Phase, Stage};

use super::keys::Key;
use crate::output::text::Paint;

/// What is on the screen.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) rollout: WatchedRollout,
    pub(super) shows: Shows,
    /// What is typed at the foot.
    pub(super) asks: Asks,
    /// Only LPARs of which something says this are listed.
    pub(super) filter: String,
    /// The LPAR that Enter opens.
    pub(super) chosen: Option<ObjectName>,
    /// What happened last, the newest first.
    pub(super) lately: VecDeque<RolloutEvent>,
    /// What was said last of the watching itself.
    pub(super) note: Option<(String, Paint)>,
}

/// What the screen is about.
#[derive(Debug)]
pub(super) enum Shows {
    /// All of it.
    Whole,
    /// One LPAR, and what it waits for once that is known.
    Lpar { name: ObjectName, why: Option<Vec<Why>> },
}

/// What is typed at the foot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Nothing: keys do what they stand for.
    Nothing,
    /// The filter.
    Filter,
    /// Whether that is meant.
    Sure(Turn),
}

/// What is done with the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Pause,
    Resume,
}

/// What follows from a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Nothing,
    /// The person leaves.
    Leave,
    /// The LPAR whose reasons are wanted from now on.
    Open(Option<ObjectName>),
    /// Confirmed.
    Turn(Turn),
}

impl Screen {
    pub(super) fn new(rollout: WatchedRollout) -> Self {
        Self {
            lately: rollout.events.iter().rev().cloned().collect(),
            rollout,
            shows: Shows::Whole,
            asks: Asks::Nothing,
            filter: String::new(),
            chosen: None,
            note: None,
        }
    }

    pub(super) const fn rollout(&self) -> &RolloutView {
        &self.rollout.view
    }

    /// It stands so now.
    pub(super) fn take(&mut self, rollout: Box<WatchedRollout>) {
        rollout.events.iter().for_each(|event| self.lately.push_front(event.clone()));
        self.lately.truncate(LATELY);
        self.rollout = *rollout;
    }

    /// What the LPAR that is open waits for.
    pub(super) fn explain(&mut self, found: Vec<Why>) {
        if let Shows::Lpar { why, .. } = &mut self.shows {
            *why = Some(found);
        }
    }

    pub(super) fn away(&mut self, text: &str) {
        self.note = Some((text.to_owned(), Paint::Bad));
    }

    pub(super) fn back(&mut self, text: &str) {
        self.note = Some((text.to_owned(), Paint::None));
    }

    /// What came of what was confirmed.
    pub(super) fn turned(&mut self, answer: Result<RolloutView, String>) {
        match answer {
            Ok(view) => {
                self.note = Some((format!("it is {} now", view.phase), Paint::None));
                self.rollout.view = view;
            }
            Err(why) => self.note = Some((why, Paint::Bad)),
        }
    }

    /// What follows from a key.
    pub(super) fn press(&mut self, key: Key) -> Order {
        match self.asks {
            Asks::Filter => {
                self.type_filter(key);
                Order::Nothing
            }
            Asks::Sure(turn) => {
                self.asks = Asks::Nothing;
                if key == Key::Char('y') { Order::Turn(turn) } else { Order::Nothing }
            }
            Asks::Nothing => self.command(key),
        }
    }

    fn command(&mut self, key: Key) -> Order {
        self.note = None;
        match key {
            Key::Char('q') | Key::End => return Order::Leave,
            Key::Char('p') => self.asks = Asks::Sure(Turn::Pause),
            Key::Char('r') => self.asks = Asks::Sure(Turn::Resume),
            Key::Char('/') => {
                self.asks = Asks::Filter;
                self.shows = Shows::Whole;
                return Order::Open(None);
            }
            Key::Escape => {
                if let Shows::Lpar { .. } = self.shows {
                    self.shows = Shows::Whole;
                    return Order::Open(None);
                }
                self.filter.clear();
                self.chosen = None;
            }
            Key::Enter => {
                if let (Shows::Whole, Some(name)) = (&self.shows, self.chosen.clone()) {
                    self.shows = Shows::Lpar { name: name.clone(), why: None };
                    return Order::Open(Some(name));
                }
            }
            Key::Up => self.choose(-1),
            Key::Down => self.choose(1),
            Key::PageUp => self.choose(-PAGE),
            Key::PageDown => self.choose(PAGE),
            Key::Char(_) | Key::Backspace => {}
        }
        Order::Nothing
    }

    fn type_filter(&mut self, key: Key) {
        match key {
            Key::Char(c) => self.filter.push(c),
            Key::Backspace => drop(self.filter.pop()),
            Key::Enter => self.asks = Asks::Nothing,
            Key::Escape | Key::End => {
                self.filter.clear();
                self.asks = Asks::Nothing;
            }
            Key::Up => self.choose(-1),
            Key::Down => self.choose(1),
            Key::PageUp => self.choose(-PAGE),
            Key::PageDown => self.choose(PAGE),
        }
    }

    /// Another one of those that are listed, so many rows further.
    fn choose(&mut self, by: isize) {
        if let Shows::Lpar { .. } = self.shows {
            return;
        }
        let listed = self.listed();
        let at =
            self.chosen.as_ref().and_then(|name| listed.iter().position(|one| one.lpar == *name));
        let next = match at {
            Some(at) => at.saturating_add_signed(by),
            None if by < 0 => listed.len(),
            None => 0,
        };
        let next = next.min(listed.len().saturating_sub(1));
        let chosen = listed.get(next).map(|one| one.lpar.clone());
        self.chosen = chosen;
    }

    /// The LPARs that have a row, as they come: with a filter all that it fits, else those in flight and those that did not end well.
    pub(super) fn listed(&self) -> Vec<&WatchedLpar> {
        if self.filter.is_empty() {
            let mut listed = self.in_flight();
            listed.extend(self.failures());
            return listed;
        }
        let mut listed: Vec<&WatchedLpar> =
            self.rollout.targets.iter().filter(|one| self.fits(one)).collect();
        listed.sort_by_key(|one| match kind(one) {
            Kind::InFlight => 0,
            Kind::Bad => 1,
            Kind::Waiting => 2,
            Kind::LeftOut => 3,
            Kind::Done => 4,
        });
        listed
    }

    /// Those that are under way: those of whom most is at stake first.
    pub(super) fn in_flight(&self) -> Vec<&WatchedLpar> {
        let targets = self.rollout.targets.iter();
        let mut found: Vec<&WatchedLpar> =
            targets.filter(|one| kind(one) == Kind::InFlight).collect();
        found.sort_by_key(|one| {
            let is_over = one.state == "releasing";
            (is_over, std::cmp::Reverse((is_in_blackout(one), place(one))))
        });
        found
    }

    /// Those of whom somebody has to know: what failed first.
    pub(super) fn failures(&self) -> Vec<&WatchedLpar> {
        let targets = self.rollout.targets.iter();
        let mut found: Vec<&WatchedLpar> =
            targets.filter(|one| matches!(kind(one), Kind::Bad | Kind::LeftOut)).collect();
        found.sort_by_key(|one| kind(one) == Kind::LeftOut);
        found
    }

    fn fits(&self, one: &WatchedLpar) -> bool {
        let filter = self.filter.to_lowercase();
        let wave = self.rollout.waves.get(one.wave).map(|wave| wave.name.as_str());
        let place = one.update.as_ref().and_then(|update| update.phase.as_ref());
        let frame = one.frame.as_ref().map(ObjectName::as_str);
        let texts = [Some(one.lpar.as_str()), wave, frame, Some(&one.state), one.code.as_deref()];
        texts.iter().flatten().any(|text| text.to_lowercase().contains(&filter))
            || place.is_some_and(|phase| phase.to_string().contains(&filter))
    }
}

/// How much of what happened is kept: more than a screen has rows.
const LATELY: usize = 200;

/// Rows that a page key goes.
const PAGE: isize = 10;

/// How an LPAR stands, as far as the screen goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Waiting,
    InFlight,
    Done,
    /// Failed, stuck, or could not be reached.
    Bad,
    /// Cancelled, skipped, or its turn did not come.
    LeftOut,
}

/// By the state that `nimd` says. One that a later version knows has ended in some way.
pub(super) fn kind(one: &WatchedLpar) -> Kind {
    match one.state.as_str() {
        "waiting" => Kind::Waiting,
        "starting" | "running" | "recalled" | "releasing" => Kind::InFlight,
        "updated" | "unchanged" => Kind::Done,
        "failed" | "stuck" | "unreachable" => Kind::Bad,
        _ => Kind::LeftOut,
    }
}

/// Whether its workload stands still now.
pub(super) fn is_in_blackout(one: &WatchedLpar) -> bool {
    one.state == "running"
        && one.update.as_ref().and_then(|update| update.phase.as_ref()?.known())
            == Some(Phase::Blackout)
}

/// How far its update is.
fn place(one: &WatchedLpar) -> (Option<Stage>, Option<Phase>) {
    let update = one.update.as_ref();
    (
        update.and_then(|update| update.stage.as_ref()?.known()),
        update.and_then(|update| update.phase.as_ref()?.known()),
    )
}
