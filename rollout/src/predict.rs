//! How long an update will take, and how long its workload will stand still.
//!
//! What a preview estimates is corrected by how earlier estimates came out: of this LPAR where there are enough, else of its class, else
//! of all. Without an estimate earlier times count themselves. Two figures: the usual one is the middle of what was seen, the long
//! one is longer than 95 of 100.

use std::collections::HashMap;

use nim_shared::api::Basis;
use nim_shared::id::ObjectName;
use nim_shared::unit::Seconds;
use serde::{Deserialize, Serialize};

use crate::facts::{Lpar, Past};
use crate::file::Assume;
use crate::seed::Seeded;

/// A prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// How long it takes usually.
    pub usual: Seconds,
    /// Longer than 95 of 100 take.
    pub long: Seconds,
    /// How long the workload stands still, longer than 95 of 100; `None` where nothing is known of it.
    pub blackout: Option<Seconds>,
    /// What it rests on.
    pub basis: Basis,
}

/// How many earlier updates are needed: of the LPAR, of its class, of all.
const ENOUGH: [(Basis, usize); 3] = [(Basis::Own, 3), (Basis::Class, 5), (Basis::All, 10)];

/// What is added to an estimate for the long figure while nobody knows how estimates come out: half of it. In the one published
/// comparison the update took 1.15 times the estimate. Source: the reference on Live Update, §8.1.
const UNTRIED: u64 = 1500;

/// Earlier updates, sorted out.
#[derive(Debug, Default)]
pub struct Experience<'a> {
    own: HashMap<&'a ObjectName, Numbers>,
    class: HashMap<u32, Numbers>,
    all: Numbers,
}

/// What was seen, smallest first. Ratios are thousandths of what was estimated.
#[derive(Debug, Default)]
struct Numbers {
    times: Vec<u64>,
    ratios: Vec<u64>,
    blackouts: Vec<u64>,
    blackout_ratios: Vec<u64>,
}

impl<'a> Experience<'a> {
    /// Of `history`; `class_of` says the class of an LPAR.
    #[must_use]
    pub fn new(history: &'a [Past], class_of: &HashMap<&ObjectName, u32>) -> Self {
        let mut found = Self::default();
        for past in history {
            found.own.entry(&past.lpar).or_default().add(past);
            if let Some(class) = class_of.get(&past.lpar) {
                found.class.entry(*class).or_default().add(past);
            }
            found.all.add(past);
        }
        let groups = found.own.values_mut().chain(found.class.values_mut());
        groups.chain([&mut found.all]).for_each(Numbers::sort);
        found
    }

    /// What is to be expected of `lpar`, which is of `class`.
    #[must_use]
    pub fn forecast(&self, lpar: &Lpar, class: u32, assume: &Assume) -> Forecast {
        let Expected { time, blackout, basis } = self.expected(lpar, class, assume);
        let usual = Seconds(time.rank(50).0.clamp(1, LONGEST));
        let long = Seconds(time.rank(95).0.clamp(usual.0, LONGEST));
        Forecast { usual, long, blackout: blackout.map(|of| of.rank(95)), basis }
    }

    /// How long `lpar`, which is of `class`, may take, and how likely that is.
    #[must_use]
    pub fn expected(&self, lpar: &Lpar, class: u32, assume: &Assume) -> Expected<'_> {
        let groups = [self.own.get(&lpar.name), self.class.get(&class), Some(&self.all)];
        let enough = |numbers: fn(&Numbers) -> &Vec<u64>| {
            groups.iter().zip(ENOUGH).find_map(|(group, (basis, enough))| {
                let numbers = numbers((*group)?);
                (numbers.len() >= enough).then_some((basis, numbers))
            })
        };
        let (time, basis) = match (lpar.estimate.total, enough(|of| &of.ratios)) {
            (Some(total), Some((basis, ratios))) => (Spread::Ratios { of: total, ratios }, basis),
            (Some(total), None) => {
                (Spread::Guess { usual: total, long: times(total, UNTRIED) }, Basis::Estimate)
            }
            (None, _) => match enough(|of| &of.times) {
                Some((basis, seen)) => (Spread::Times(seen), basis),
                None => {
                    let assumed = Seconds(assume.duration.get().into());
                    (Spread::Guess { usual: assumed, long: assumed }, Basis::Assumed)
                }
            },
        };
        let blackout = match (lpar.estimate.blackout, enough(|of| &of.blackout_ratios)) {
            (Some(of), Some((_, ratios))) => Some(Spread::Ratios { of, ratios }),
            // Here the estimate is what is published to be high: 77 s against 27 s. Source: the reference on Live Update, §8.1.
            (Some(estimated), None) => Some(Spread::Guess { usual: estimated, long: estimated }),
            (None, _) => enough(|of| &of.blackouts).map(|(_, seen)| Spread::Times(seen)),
        };
        Expected { time, blackout, basis }
    }
}

/// How long an update may take.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// The whole of it.
    pub time: Spread<'e>,
    /// How long the workload stands still; `None` where nothing is known of it.
    pub blackout: Option<Spread<'e>>,
    /// What the time rests on.
    pub basis: Basis,
}

/// What something takes, as far as that is known.
#[derive(Clone, Copy, Debug)]
pub enum Spread<'e> {
    /// As one of these, smallest first.
    Times(&'e [u64]),
    /// As an estimate, times one of these, in thousandths, smallest first.
    Ratios {
        /// The estimate.
        of: Seconds,
        /// How earlier estimates came out.
        ratios: &'e [u64],
    },
    /// Nothing of it was seen.
    Guess {
        /// Half take this.
        usual: Seconds,
        /// 95 of 100 take no longer.
        long: Seconds,
    },
}

impl Spread<'_> {
    /// What `percent` of 100 do not exceed. Of a guess 50 and 95.
    #[must_use]
    fn rank(&self, percent: usize) -> Seconds {
        match *self {
            Self::Times(seen) => Seconds(rank(seen, percent)),
            Self::Ratios { of, ratios } => times(of, rank(ratios, percent)),
            Self::Guess { usual, long } => {
                if percent <= 50 {
                    usual
                } else {
                    long
                }
            }
        }
    }

    /// One of them by chance. Of a guess half take the usual time, for nothing says that any is quicker; the others are spread evenly from
    /// there over the long one on.
    #[must_use]
    pub fn draw(&self, random: &mut Seeded) -> Seconds {
        let one = |of: &[u64], random: &mut Seeded| of.get(random.below(of.len())).copied();
        let drawn = match *self {
            Self::Times(seen) => Seconds(one(seen, random).unwrap_or(0)),
            Self::Ratios { of, ratios } => times(of, one(ratios, random).unwrap_or(0)),
            Self::Guess { usual, long } => {
                let more = long.0.saturating_sub(usual.0);
                let place = u64::try_from(random.below(1000)).unwrap_or(0).saturating_sub(500);
                Seconds(usual.0.saturating_add(more.saturating_mul(place) / 450))
            }
        };
        Seconds(drawn.0.min(LONGEST))
    }
}

/// `total` times so many thousandths.
const fn times(total: Seconds, ratio: u64) -> Seconds {
    Seconds(total.0.saturating_mul(ratio) / 1000)
}

/// No update is expected to take longer than a week.
const LONGEST: u64 = 7 * 86_400;

impl Numbers {
    fn add(&mut self, past: &Past) {
        let ratio = |is: Seconds, estimated: Option<Seconds>| {
            let estimated = estimated.filter(|one| one.0 > 0)?;
            Some(is.0.saturating_mul(1000) / estimated.0)
        };
        self.times.push(past.took.0);
        self.ratios.extend(ratio(past.took, past.estimate.total));
        if let Some(blackout) = past.blackout {
            self.blackouts.push(blackout.0);
            self.blackout_ratios.extend(ratio(blackout, past.estimate.blackout));
        }
    }

    fn sort(&mut self) {
        for list in
            [&mut self.times, &mut self.ratios, &mut self.blackouts, &mut self.blackout_ratios]
        {
            list.sort_unstable();
        }
    }
}

/// The value that `percent` of the sorted values do not exceed.
#[must_use]
pub(crate) fn rank(sorted: &[u64], percent: usize) -> u64 {
    let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(at).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lpar;

    fn past(name: &str, estimated: u64, took: u64) -> Past {
        let estimate =
            crate::facts::Estimate { total: Some(Seconds(estimated)), blackout: Some(Seconds(77)) };
        Past {
            lpar: name.parse().unwrap(),
            estimate,
            took: Seconds(took),
            blackout: Some(Seconds(27)),
        }
    }

    fn forecast(history: &[Past], estimate: Option<u64>) -> Forecast {
        let mut one = lpar("a", "f");
        one.estimate.total = estimate.map(Seconds);
        let (a, b): (ObjectName, ObjectName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let classes = HashMap::from([(&a, 0), (&b, 0)]);
        Experience::new(history, &classes).forecast(&one, 0, &Assume::default())
    }

    #[test]
    fn an_estimate_is_corrected_by_how_earlier_ones_came_out() {
        let own: Vec<_> = (0..20).map(|n| past("a", 600, 600 + n * 10)).collect();
        let found = forecast(&own, Some(1000));
        assert_eq!(
            (found.usual, found.long, found.basis),
            (Seconds(1150), Seconds(1300), Basis::Own)
        );
        let class: Vec<_> = (0..5).map(|_| past("b", 600, 1200)).collect();
        assert_eq!(forecast(&class, Some(1000)).usual, Seconds(2000));
        assert_eq!(forecast(&class, Some(1000)).basis, Basis::Class);
        assert_eq!(forecast(&class, None).usual, Seconds(1200));
    }

    #[test]
    fn where_nothing_is_known_it_is_said() {
        let found = forecast(&[], Some(600));
        assert_eq!(
            (found.usual, found.long, found.basis),
            (Seconds(600), Seconds(900), Basis::Estimate)
        );
        let found = forecast(&[past("b", 1, 1)], None);
        assert_eq!(
            (found.long, found.blackout, found.basis),
            (Seconds(3960), None, Basis::Assumed)
        );
    }
}
