//! Faults of the past, from which those of a rehearsal are drawn.

use std::collections::{BTreeMap, HashMap};

use nim_shared::api::{RehearsedPast, RehearsedRate};
use nim_shared::id::ObjectName;
use nim_shared::unit::Seconds;

use crate::seed::Seeded;

use super::Known;
use super::fault::Cause;

/// An earlier update, as it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// Of which LPAR.
    pub lpar: ObjectName,
    /// How it came out.
    pub came: Came,
    /// How long it took from when its agent took it; from when it was asked for, of one whose agent never did.
    pub took: Seconds,
}

/// How an update came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// Well, or there was nothing to do.
    Well,
    /// Otherwise.
    Bad(Cause),
}

/// So many earlier updates are needed before a fault is drawn from them.
pub(super) const ENOUGH: usize = 10;

/// How many updates of its own an LPAR needs to be counted by them as often as by those of its class; and a class, as often as by all. Few of
/// them say little: one that failed once of once does not fail always.
const WEIGHT: usize = 20;

/// Earlier updates, sorted out.
#[derive(Debug, Default)]
pub(super) struct Odds<'a> {
    own: HashMap<&'a ObjectName, Group<'a>>,
    class: BTreeMap<u32, Group<'a>>,
    all: Group<'a>,
}

/// Earlier updates of some LPARs.
#[derive(Debug, Default)]
struct Group<'a> {
    updates: usize,
    /// Those that did not go well.
    bad: Vec<(&'a Cause, Seconds)>,
}

impl<'a> Group<'a> {
    fn add(&mut self, past: &'a PastRun) {
        self.updates += 1;
        if let Came::Bad(cause) = &past.came {
            self.bad.push((cause, past.took));
        }
    }

    /// What went wrong, the most frequent first.
    fn faults(&self) -> Vec<RehearsedPast> {
        let mut counts: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
        for (cause, _) in &self.bad {
            *counts.entry((cause.state(), cause.code())).or_default() += 1;
        }
        let mut faults: Vec<RehearsedPast> = counts
            .into_iter()
            .map(|((state, code), updates)| RehearsedPast {
                state: state.to_owned(),
                code: code.map(str::to_owned),
                updates,
            })
            .collect();
        faults.sort_by_key(|one| std::cmp::Reverse(one.updates));
        faults
    }
}

impl<'a> Odds<'a> {
    /// Of `past`; `class_of` says the class of an LPAR.
    pub(super) fn new(past: &'a [PastRun], class_of: &HashMap<&ObjectName, u32>) -> Self {
        let mut found = Self::default();
        for one in past {
            found.own.entry(&one.lpar).or_default().add(one);
            if let Some(class) = class_of.get(&one.lpar) {
                found.class.entry(*class).or_default().add(one);
            }
            found.all.add(one);
        }
        found
    }

    /// How many there are.
    pub(super) const fn updates(&self) -> usize {
        self.all.updates
    }

    /// Whether they are enough to draw from.
    pub(super) const fn is_enough(&self) -> bool {
        self.all.updates >= ENOUGH
    }

    /// One of the past by chance, as it came out: what went wrong and after how long; `None` where it went well. An LPAR's own count the
    /// more the more there are, then those of its class, then all.
    pub(super) fn draw(&self, of: &Known<'_>, random: &mut Seeded) -> Option<(&'a Cause, Seconds)> {
        if !self.is_enough() {
            return None;
        }
        let near = [self.own.get(of.lpar), self.class.get(&of.class)];
        let mut near = near.into_iter().flatten();
        let group = near.find(|group| random.below(group.updates + WEIGHT) < group.updates);
        let group = group.unwrap_or(&self.all);
        group.bad.get(random.below(group.updates)).copied()
    }

    /// After how long updates ended by `cause`, one of them by chance; `None` where there is none.
    pub(super) fn after(&self, cause: &Cause, random: &mut Seeded) -> Option<Seconds> {
        let same = self.all.bad.iter().filter(|(one, _)| one.is_as(cause));
        let same: Vec<Seconds> = same.map(|(_, took)| *took).collect();
        same.get(random.below(same.len())).copied()
    }

    /// The rates, for whoever wants to know what they rest on: of all, of the classes of the plan, and of its LPARs with which something went
    /// wrong.
    pub(super) fn shown(&self, known: &[Known<'_>], classes: &[String]) -> Vec<RehearsedRate> {
        if !self.is_enough() {
            return Vec::new();
        }
        let rate = |of: &str, which: Option<String>, group: &Group<'_>| RehearsedRate {
            of: of.to_owned(),
            which,
            updates: group.updates,
            faults: group.faults(),
        };
        let mut rates = vec![rate("site", None, &self.all)];
        let is_there = |class: &u32| known.iter().any(|one| one.class == *class);
        for (class, group) in self.class.iter().filter(|(class, _)| is_there(class)) {
            let name = classes.get(*class as usize).cloned();
            rates.push(rate("class", name, group));
        }
        let mut own: Vec<(&ObjectName, &Group<'_>)> = known
            .iter()
            .filter_map(|one| Some((one.lpar, self.own.get(one.lpar)?)))
            .filter(|(_, group)| !group.bad.is_empty())
            .collect();
        own.sort_by_key(|(lpar, group)| (std::cmp::Reverse(group.bad.len()), *lpar));
        rates.extend(
            own.into_iter().map(|(lpar, group)| rate("lpar", Some(lpar.to_string()), group)),
        );
        rates
    }
}
