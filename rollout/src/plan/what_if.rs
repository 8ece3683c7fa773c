//! What would be if limits were others: `max_in_flight=20,finish_by=2026-12-01T06:00:00Z`.

use std::fmt;
use std::str::FromStr;

use nim_shared::id::{ObjectName, printable};
use nim_shared::near::closest;
use nim_shared::stamp::Timestamp;

use crate::file::Rollout;

use super::Plan;

/// Changes of a rollout that are tried, not made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatIf {
    /// Other limits.
    limits: Vec<(Limit, u32)>,
    /// When all has to be done.
    pub finish_by: Option<Timestamp>,
}

/// A limit that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    InFlight,
    PerHmc,
    PerFrame,
    PerVioPair,
}

const LIMITS: [(&str, Limit); 4] = [
    ("max_in_flight", Limit::InFlight),
    ("per_hmc", Limit::PerHmc),
    ("per_frame", Limit::PerFrame),
    ("per_vios_pair", Limit::PerVioPair),
];

const FINISH_BY: &str = "finish_by";

/// A text that is no change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no change: it reads KEY=VALUE, KEY one of max_in_flight, per_hmc, per_frame and per_vios_pair with a number from 1 on, or finish_by with a time such as 2026-12-01T06:00:00Z{}", printable(found), meant.map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default())]
pub struct BadChange {
    /// What was found.
    pub found: String,
    /// What may be meant.
    meant: Option<&'static str>,
}

impl FromStr for WhatIf {
    type Err = BadChange;

    fn from_str(text: &str) -> Result<Self, BadChange> {
        let mut changes = Self::default();
        for part in text.split(',').map(str::trim) {
            let bad = || {
                let key = part.split('=').next().unwrap_or_default();
                let known = LIMITS.iter().map(|(word, _)| *word).chain([FINISH_BY]);
                let meant = closest(key, known).filter(|word| *word != key);
                BadChange { found: part.chars().take(80).collect(), meant }
            };
            let (key, value) = part.split_once('=').ok_or_else(bad)?;
            if key == FINISH_BY {
                changes.finish_by = Some(value.parse().map_err(|_| bad())?);
                continue;
            }
            let (_, limit) = LIMITS.iter().find(|(word, _)| *word == key).ok_or_else(bad)?;
            let most = value.parse().ok().filter(|most| *most > 0).ok_or_else(bad)?;
            changes.limits.push((*limit, most));
        }
        Ok(changes)
    }
}

impl fmt::Display for WhatIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word =
            |limit| LIMITS.iter().find(|(_, one)| one == limit).map_or("?", |(word, _)| *word);
        let limits = self.limits.iter().map(|(limit, most)| format!("{}={most}", word(limit)));
        let parts = limits.chain(self.finish_by.map(|by| format!("{FINISH_BY}={by}")));
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

impl WhatIf {
    /// Twice as much of each limit that the file sets, each by itself.
    pub(crate) fn of_twice(file: &Rollout) -> impl Iterator<Item = Self> + use<> {
        let limits = &file.limits;
        let set = [
            (Limit::InFlight, limits.in_flight),
            (Limit::PerHmc, limits.per_hmc),
            (Limit::PerFrame, limits.per_frame),
            (Limit::PerVioPair, Some(limits.per_vios_pair)),
        ];
        let twice = |(limit, most): (Limit, Option<u32>)| {
            Some(Self { limits: vec![(limit, most?.saturating_mul(2))], finish_by: None })
        };
        set.into_iter().filter_map(twice)
    }

    /// The rollout with these limits.
    #[must_use]
    pub fn applied(&self, file: &Rollout) -> Rollout {
        let mut file = file.clone();
        for (limit, most) in &self.limits {
            match limit {
                Limit::InFlight => file.limits.in_flight = Some(*most),
                Limit::PerHmc => file.limits.per_hmc = Some(*most),
                Limit::PerFrame => file.limits.per_frame = Some(*most),
                Limit::PerVioPair => file.limits.per_vios_pair = *most,
            }
        }
        file
    }

    /// Who is not done in time.
    #[must_use]
    pub fn late<'p>(&self, plan: &'p Plan) -> Vec<&'p ObjectName> {
        let late = |end: Timestamp| self.finish_by.is_some_and(|by| end > by);
        plan.targets.iter().filter(|one| late(one.end)).map(|one| &one.lpar).collect()
    }
}
