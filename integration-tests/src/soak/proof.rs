//! What the lab's own record says of a rollout: who was updated how often, and how many at a time.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use nim_lab::Phase;
use nim_lab::record::{self, Deed, Entry};

use super::fleet::Limits;

/// One run of geninstall that changes something, by the clock of the site in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where.
    pub lpar: String,
    /// Its begin.
    pub begin: u64,
    /// Its end, or the last that was recorded of it where it was ended by force.
    pub end: u64,
}

/// Where an LPAR is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) frame: String,
    pub(super) hmc: String,
    /// The VIO servers of its frame.
    pub(super) vioses: Vec<String>,
    /// The value of its label.
    pub(super) label: String,
}

/// All runs of geninstall that change something.
#[must_use]
pub fn spans(entries: &[Entry]) -> Vec<Span> {
    let mut spans = Vec::new();
    // Process ids are of one LPAR: its runs cannot be mixed up.
    let mut open: BTreeMap<(&str, u32), usize> = BTreeMap::new();
    for entry in entries {
        match entry.deed {
            Deed::Geninstall { preview: false, pid, .. } => {
                open.insert((&entry.lpar, pid), spans.len());
                spans.push(Span { lpar: entry.lpar.clone(), begin: entry.at, end: entry.at });
            }
            Deed::GeninstallEnded { pid, .. } => {
                if let Some(at) = open.remove(&(entry.lpar.as_str(), pid)) {
                    spans[at].end = entry.at;
                }
            }
            Deed::Entered { phase } if phase != Phase::Preview => {
                for ((lpar, _), at) in &open {
                    if *lpar == entry.lpar {
                        spans[*at].end = entry.at;
                    }
                }
            }
            _ => {}
        }
    }
    spans
}

/// How many of `spans` run at the same time at most, counted apart by `of`. One that ends as another begins is not beside it.
#[must_use]
pub fn most(spans: &[Span], of: impl Fn(&Span) -> String) -> BTreeMap<String, usize> {
    let mut edges: Vec<(u64, bool, String)> = Vec::new();
    for span in spans.iter().filter(|span| span.begin < span.end) {
        edges.push((span.begin, true, of(span)));
        edges.push((span.end, false, of(span)));
    }
    // Ends sort before begins of the same moment.
    edges.sort();
    let (mut now, mut most) = (BTreeMap::<String, usize>::new(), BTreeMap::new());
    for (_, begins, whose) in edges {
        let count = now.entry(whose.clone()).or_default();
        *count = if begins { *count + 1 } else { count.saturating_sub(1) };
        let most = most.entry(whose).or_insert(0);
        *most = (*most).max(*count);
    }
    most
}

/// When each LPAR began to be updated.
pub(super) fn begun(spans: &[Span]) -> BTreeMap<&str, u64> {
    spans.iter().map(|span| (span.lpar.as_str(), span.begin)).collect()
}

/// Proves from the record that no limit was exceeded, partners were never updated together, and nobody was updated twice. Says how many ran at
/// a time at most.
pub(super) fn prove(
    entries: &[Entry],
    spans: &[Span],
    places: &BTreeMap<String, Place>,
    partners: &[[String; 2]],
    limits: &Limits,
) -> Result<usize> {
    for lpar in places.keys() {
        let started = record::updates_started(entries, lpar);
        ensure!(started <= 1, "{lpar} was updated {started} times");
    }
    let at = |span: &Span| &places[&span.lpar];
    let whole = most(spans, |_| "the whole".to_owned());
    let frames = most(spans, |span| at(span).frame.clone());
    let hmcs = most(spans, |span| at(span).hmc.clone());
    let pairs = most(spans, |span| at(span).vioses.join(" and "));
    let labels = most(spans, |span| at(span).label.clone());
    for (found, limit) in [
        (&whole, limits.in_flight),
        (&frames, limits.per_frame),
        (&hmcs, limits.per_hmc),
        (&pairs, limits.per_frame),
        (&labels, limits.per_label),
    ] {
        for (whose, most) in found {
            ensure!(*most <= limit, "{most} at a time of {whose}, and {limit} are allowed");
        }
    }
    for pair in partners {
        let both: Vec<Span> =
            spans.iter().filter(|span| pair.contains(&span.lpar)).cloned().collect();
        let together = most(&both, |_| String::new()).into_values().max().unwrap_or(0);
        ensure!(together <= 1, "{} and {} were updated together", pair[0], pair[1]);
    }
    Ok(whole.into_values().max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: u64, lpar: &str, deed: Deed) -> Entry {
        Entry { at, lpar: lpar.to_owned(), deed }
    }

    fn run(lpar: &str, pid: u32, begin: u64, end: u64) -> [Entry; 2] {
        let began = Deed::Geninstall { preview: false, arguments: Vec::new(), pid };
        [entry(begin, lpar, began), entry(end, lpar, Deed::GeninstallEnded { pid, status: 0 })]
    }

    fn places() -> BTreeMap<String, Place> {
        let of = |lpar: &str, frame: &str| {
            let place = Place {
                frame: frame.to_owned(),
                hmc: "hmc01".to_owned(),
                vioses: vec![format!("{frame}a"), format!("{frame}b")],
                label: format!("app-{lpar}"),
            };
            (lpar.to_owned(), place)
        };
        BTreeMap::from([of("a", "f1"), of("b", "f1"), of("c", "f2")])
    }

    fn prove(
        entries: &[Entry],
        places: &BTreeMap<String, Place>,
        partners: &[[String; 2]],
        limits: &Limits,
    ) -> Result<usize> {
        super::prove(entries, &spans(entries), places, partners, limits)
    }

    fn record(runs: &[[Entry; 2]]) -> Vec<Entry> {
        let mut all: Vec<Entry> = runs.concat();
        all.sort_by_key(|entry| entry.at);
        all
    }

    const LIMITS: Limits = Limits { in_flight: 2, per_hmc: 2, per_frame: 1, per_label: 2 };

    #[test]
    fn who_comes_after_another_is_not_beside_it() {
        let runs = record(&[run("a", 1, 0, 10), run("b", 1, 10, 20), run("c", 1, 5, 15)]);
        assert_eq!(prove(&runs, &places(), &[], &LIMITS).unwrap(), 2);
    }

    #[test]
    fn what_exceeds_a_limit_is_seen() {
        let beside = record(&[run("a", 1, 0, 10), run("b", 1, 9, 20)]);
        let twice = record(&[run("a", 1, 0, 10), run("a", 2, 20, 30)]);
        let three = record(&[run("a", 1, 0, 10), run("b", 1, 10, 20), run("c", 1, 5, 15)]);
        let pair = [["b".to_owned(), "c".to_owned()]];
        for (runs, partners, limits, why) in [
            (&beside, &[][..], LIMITS, "2 at a time of f1"),
            (&twice, &[][..], LIMITS, "a was updated 2 times"),
            (&three, &[][..], Limits { in_flight: 1, ..LIMITS }, "2 at a time of the whole"),
            (&three, &[][..], Limits { per_hmc: 1, ..LIMITS }, "2 at a time of hmc01"),
            (&three, &pair[..], LIMITS, "b and c were updated together"),
        ] {
            let found = prove(runs, &places(), partners, &limits).unwrap_err().to_string();
            assert!(found.contains(why), "{found}");
        }
    }

    #[test]
    fn a_pair_of_vioses_and_a_label_have_limits_of_their_own() {
        let runs = record(&[run("a", 1, 0, 10), run("c", 1, 5, 15)]);
        let with = |change: fn(&mut Place)| {
            let mut places = places();
            places.values_mut().for_each(change);
            let limits = Limits { per_label: 1, ..LIMITS };
            prove(&runs, &places, &[], &limits).map_err(|error| error.to_string())
        };
        assert_eq!(with(|_| {}), Ok(2));
        let label = with(|place| "web".clone_into(&mut place.label)).unwrap_err();
        assert!(label.contains("2 at a time of web"), "{label}");
        let pair = with(|place| place.vioses = vec!["va".to_owned(), "vb".to_owned()]).unwrap_err();
        assert!(pair.contains("2 at a time of va and vb"), "{pair}");
    }

    #[test]
    fn a_run_that_was_killed_lasts_to_what_was_seen_of_it_last() {
        let mut entries = run("a", 1, 0, 10).to_vec();
        entries[1] = entry(7, "a", Deed::Entered { phase: Phase::Clone });
        assert_eq!(spans(&entries)[0].end, 7);
    }
}
