//! What `clvupdate` should be told, by who runs where. Decides, asks nobody.
//!
//! While original and surrogate both exist the HMC has the surrogate under the LPAR's name and the original under that name with a suffix.
//! Which of the two this system runs on the ids tell: the LPAR knows its own. Sources: HV §4.1, §4.2; LU §5.1.

use std::fmt;

use nim_shared::api::{Advice, FlagView, PartitionView};
use nim_shared::id::LparId;
use nim_shared::request::CleanUpFlag;

/// What was found.
pub(super) struct Found<'a> {
    /// Name of the partition.
    pub(super) partition: &'a str,
    /// What an original is called.
    pub(super) original: &'a str,
    /// The LPAR's own id, as it says.
    pub(super) own: Option<LparId>,
    /// What an HMC shows of these two; `None` where none was asked or answered.
    pub(super) rows: Option<&'a Vec<PartitionView>>,
    /// When the LPAR was booted, as it says.
    pub(super) booted_at: Option<&'a str>,
    /// The same when the Live Update began, where that is on record.
    pub(super) booted_before: Option<&'a str>,
    /// Whether the lock of a Live Update is there; `None` where the LPAR does not say.
    pub(super) locked: Option<bool>,
    /// Whether an operation on it is stuck.
    pub(super) is_stuck: bool,
}

/// On which partition the workload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the surrogate, while there is an original.
    Surrogate { own: String, original: String, original_runs: bool },
    /// On the original.
    Original { own: String, surrogate: Option<String> },
    /// There is one partition.
    Alone { own: String },
    /// It cannot be told.
    Unknown { why: String },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Surrogate { own, original, .. } => {
                write!(f, "the workload runs on the surrogate, {own}; the original is {original}")
            }
            Self::Original { own, surrogate: Some(surrogate) } => {
                write!(f, "the workload runs on the original, {own}; the surrogate is {surrogate}")
            }
            Self::Original { own, surrogate: None } => write!(
                f,
                "the workload runs on the original, {own}, and no surrogate is left: it did not get its name back"
            ),
            Self::Alone { own } => {
                write!(f, "the workload runs on {own}, and there is no second partition of it")
            }
            Self::Unknown { why } => write!(f, "who runs where is not known: {why}"),
        }
    }
}

impl Found<'_> {
    /// On which partition the workload is.
    pub(super) fn place(&self) -> Place {
        let unknown = |why: String| Place::Unknown { why };
        let Some(rows) = self.rows else {
            return unknown("no HMC shows the partitions".to_owned());
        };
        let Some(own) = self.own else {
            return unknown("the LPAR does not say its partition id".to_owned());
        };
        let row = |name: &str| rows.iter().find(|row| row.name == name);
        let (plain, original) = (row(self.partition), row(self.original));
        let is_own = |row: Option<&PartitionView>| row.is_some_and(|row| row.lpar_id == own);
        match (plain, original) {
            (Some(plain), Some(original)) if is_own(Some(plain)) => Place::Surrogate {
                own: told(plain),
                original: told(original),
                original_runs: original.state != NOT_ACTIVATED,
            },
            (surrogate, Some(original)) if is_own(Some(original)) => {
                Place::Original { own: told(original), surrogate: surrogate.map(told) }
            }
            (Some(plain), None) if is_own(Some(plain)) => Place::Alone { own: told(plain) },
            (None, None) => {
                unknown(format!("the HMC shows neither {} nor {}", self.partition, self.original))
            }
            (plain, original) => {
                let shown: Vec<_> = plain.into_iter().chain(original).map(told).collect();
                unknown(format!(
                    "the LPAR says that its id is {own}, and the HMC shows {}",
                    shown.join(" and ")
                ))
            }
        }
    }

    /// What `clvupdate` can be told.
    pub(super) fn flags(&self, place: &Place) -> Vec<FlagView> {
        let flag = |flag, (advice, because)| FlagView { flag, advice, because };
        vec![
            flag(CleanUpFlag::OnlyLock, self.only_lock(place)),
            flag(CleanUpFlag::AfterReboot, self.after_reboot()),
            flag(CleanUpFlag::ForceOriginal, force_original(place)),
            flag(
                CleanUpFlag::IgnoreProcesses,
                (
                    Advice::Possible,
                    format!(
                        "only where clvupdate refused because processes may still run; {place}"
                    ),
                ),
            ),
        ]
    }

    /// Whether the lock is all that is left. Source: LU §4.4 S28, §5.1.
    fn only_lock(&self, place: &Place) -> (Advice, String) {
        match (self.locked, place) {
            (Some(false), _) => (Advice::Refused, "no lock of a Live Update is there".to_owned()),
            (None, _) => (
                Advice::Refused,
                "the agent is too old to say whether the lock of a Live Update is there".to_owned(),
            ),
            (Some(true), _) if self.is_stuck => (
                Advice::Refused,
                "an operation on it is stuck: more than the lock may be left".to_owned(),
            ),
            (Some(true), Place::Alone { .. }) => (
                Advice::Wanted,
                format!(
                    "the lock of a Live Update is there, and nothing else is left of one: {place}"
                ),
            ),
            (
                Some(true),
                Place::Surrogate { .. } | Place::Original { .. } | Place::Unknown { .. },
            ) => (Advice::Refused, format!("more than the lock may be left: {place}")),
        }
    }

    fn after_reboot(&self) -> (Advice, String) {
        match (self.booted_before, self.booted_at) {
            (Some(before), Some(now)) if before == now => (
                Advice::Refused,
                format!("the LPAR was not booted since the Live Update began: it runs since {now}"),
            ),
            (Some(before), Some(now)) => (
                Advice::Wanted,
                format!(
                    "the LPAR was booted since the Live Update began: at {now}, and at {before} before it"
                ),
            ),
            (_, Some(now)) => (
                Advice::Possible,
                format!(
                    "whether the LPAR was booted since the Live Update began is not on record; it was booted at {now}"
                ),
            ),
            (_, None) => (Advice::Possible, "the LPAR does not say when it was booted".to_owned()),
        }
    }
}

/// It switches a partition off: nothing but clear evidence speaks for it.
fn force_original(place: &Place) -> (Advice, String) {
    let advice = match place {
        Place::Surrogate { original_runs: true, .. } => Advice::Wanted,
        Place::Surrogate { original_runs: false, .. }
        | Place::Original { .. }
        | Place::Alone { .. }
        | Place::Unknown { .. } => Advice::Refused,
    };
    let because = match place {
        Place::Original { .. } => format!("it would switch off what runs the workload: {place}"),
        Place::Surrogate { original_runs: false, .. } => {
            format!("the original is off already: {place}")
        }
        Place::Surrogate { .. } | Place::Alone { .. } | Place::Unknown { .. } => place.to_string(),
    };
    (advice, because)
}

/// A partition in words.
fn told(row: &PartitionView) -> String {
    format!("{} (id {}, {})", row.name, row.lpar_id, row.state)
}

/// Source: HV §2.
const NOT_ACTIVATED: &str = "Not Activated";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::world::partition;

    fn advised(own: Option<u32>, rows: Option<&Vec<PartitionView>>) -> (String, Advice) {
        let found = Found {
            partition: "aix1",
            original: "aix1_lku0",
            own: own.map(|id| id.to_string().parse().unwrap()),
            rows,
            booted_at: None,
            booted_before: None,
            locked: Some(false),
            is_stuck: false,
        };
        let place = found.place();
        let flags = found.flags(&place);
        let force = flags.iter().find(|one| one.flag == CleanUpFlag::ForceOriginal).unwrap();
        let others = flags[2..].iter().filter(|one| one.flag != CleanUpFlag::ForceOriginal);
        assert!(others.into_iter().all(|one| one.advice == Advice::Possible));
        (place.to_string(), force.advice)
    }

    #[test]
    fn the_original_is_forced_down_only_where_the_ids_say_that_the_workload_is_elsewhere() {
        let both =
            |state| vec![partition("aix1", 98, "Running"), partition("aix1_lku0", 99, state)];
        for (own, rows, place, force) in [
            (
                Some(98),
                Some(both("Running")),
                "the workload runs on the surrogate, aix1 (id 98, Running); the original is aix1_lku0 (id 99, Running)",
                Advice::Wanted,
            ),
            (
                Some(98),
                Some(both("Not Activated")),
                "the workload runs on the surrogate, aix1 (id 98, Running); the original is aix1_lku0 (id 99, Not Activated)",
                Advice::Refused,
            ),
            (
                Some(99),
                Some(both("Running")),
                "the workload runs on the original, aix1_lku0 (id 99, Running); the surrogate is aix1 (id 98, Running)",
                Advice::Refused,
            ),
            (
                Some(99),
                Some(vec![partition("aix1_lku0", 99, "Running")]),
                "the workload runs on the original, aix1_lku0 (id 99, Running), and no surrogate is left: it did not get its name back",
                Advice::Refused,
            ),
            (
                Some(99),
                Some(vec![partition("aix1", 99, "Running")]),
                "the workload runs on aix1 (id 99, Running), and there is no second partition of it",
                Advice::Refused,
            ),
            (
                Some(7),
                Some(both("Running")),
                "who runs where is not known: the LPAR says that its id is 7, and the HMC shows aix1 (id 98, Running) and aix1_lku0 (id 99, Running)",
                Advice::Refused,
            ),
            (
                Some(7),
                Some(vec![]),
                "who runs where is not known: the HMC shows neither aix1 nor aix1_lku0",
                Advice::Refused,
            ),
            (
                None,
                Some(both("Running")),
                "who runs where is not known: the LPAR does not say its partition id",
                Advice::Refused,
            ),
            (
                Some(98),
                None,
                "who runs where is not known: no HMC shows the partitions",
                Advice::Refused,
            ),
        ] {
            assert_eq!(advised(own, rows.as_ref()), (place.to_owned(), force));
        }
    }

    #[test]
    fn the_lock_alone_is_released_only_where_nothing_else_is_left() {
        let advised = |locked, is_stuck, rows: Vec<PartitionView>| {
            let found = Found {
                partition: "aix1",
                original: "aix1_lku0",
                own: Some("98".parse().unwrap()),
                rows: Some(&rows),
                booted_at: None,
                booted_before: None,
                locked,
                is_stuck,
            };
            let flag = found.flags(&found.place()).swap_remove(0);
            assert_eq!(flag.flag, CleanUpFlag::OnlyLock);
            flag.advice
        };
        let alone = || vec![partition("aix1", 98, "Running")];
        assert_eq!(advised(Some(true), false, alone()), Advice::Wanted);
        assert_eq!(advised(Some(true), true, alone()), Advice::Refused);
        assert_eq!(advised(Some(false), false, alone()), Advice::Refused);
        assert_eq!(advised(None, false, alone()), Advice::Refused);
        let both = vec![partition("aix1", 98, "Running"), partition("aix1_lku0", 99, "Running")];
        assert_eq!(advised(Some(true), false, both), Advice::Refused);
        assert_eq!(advised(Some(true), false, Vec::new()), Advice::Refused);
    }

    #[test]
    fn the_kernels_state_is_ignored_only_after_a_reboot() {
        let advised = |before, now| {
            let found = Found {
                partition: "aix1",
                original: "aix1_lku0",
                own: None,
                rows: None,
                booted_at: now,
                booted_before: before,
                locked: None,
                is_stuck: false,
            };
            found.after_reboot().0
        };
        assert_eq!(advised(Some("a"), Some("a")), Advice::Refused);
        assert_eq!(advised(Some("a"), Some("b")), Advice::Wanted);
        assert_eq!(advised(None, Some("b")), Advice::Possible);
        assert_eq!(advised(Some("a"), None), Advice::Possible);
    }
}
