use proptest::prelude::*;

use super::*;
use crate::preflight::Fact;
use crate::preflight::facts::Facts;
use crate::preflight::tests::lpar;
use crate::preflight::{judge, score};

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn silence(check: &str, lpars: &[&str], until: &str) -> Silence {
    Silence {
        check: check.to_owned(),
        lpars: lpars.iter().map(ToString::to_string).collect(),
        until: day(until),
        reason: "rebuilt every night".to_owned(),
    }
}

fn check(id: &str, forbids: Things, requires: Things) -> SiteCheck {
    SiteCheck {
        id: id.to_owned(),
        title: "the scheduler is stopped".to_owned(),
        severity: Severity::Block,
        lpars: Vec::new(),
        forbids,
        requires,
        remedy: "stop it".to_owned(),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn a_silenced_finding_stays_and_does_not_count_until_its_last_day_is_over() {
    let (facts, around) = (lpar::facts(lpar::LEVEL, &lpar::healthy()), lpar::around());
    let seen = Seen { facts: &facts, around: &around };
    let site = SiteChecks {
        silence: vec![
            silence("s37", &["lpar*"], "2026-06-30"),
            silence("S37", &[], "2026-06-01"),
            silence("S21", &["db?"], "2026-06-30"),
            silence("L01", &[], "2026-06-30"),
        ],
        ..SiteChecks::default()
    };
    let on = |today: &str| {
        let mut findings = judge(&seen);
        site.silence("lpar01", day(today), &mut findings);
        findings
    };
    let before = judge(&seen);
    let then = on("2026-06-30");
    assert_eq!(then.len(), before.len());
    assert_eq!(score(&then), score(&before) + 5);
    let marked: Vec<_> = then.iter().filter(|one| one.silenced.is_some()).collect();
    assert_eq!(marked.len(), 1, "what holds, and what concerns others, is not marked");
    assert_eq!((marked[0].check.as_str(), marked[0].counts()), ("S37", false));
    let after = on("2026-07-01");
    assert_eq!(score(&after), score(&before));
    let marked = after.iter().find(|one| one.check == "S37").unwrap();
    assert!(marked.silenced.as_ref().is_some_and(|one| one.is_over) && marked.counts());
}

#[test]
fn a_check_of_the_site_is_judged_by_what_every_look_sees() {
    use Verdict::{Block, Pass, Unknown};
    let facts = lpar::facts(lpar::LEVEL, &lpar::healthy());
    let things = |process: &[&str], mounts: &[&str]| Things {
        processes: names(process),
        mounts: names(mounts),
        ..Things::default()
    };
    let none = Things::default;
    let cases = [
        (check("a-1", things(&["rm?d"], &[]), none()), Block),
        (check("a-1", things(&["ctm*"], &[]), none()), Pass),
        (check("a-1", none(), things(&["init"], &["/proc"])), Pass),
        (check("a-1", none(), things(&["init"], &["/backup"])), Block),
        (check("a-1", Things { subsystems: names(&["ctrmc"]), ..none() }, none()), Block),
        (check("a-1", none(), Things { filesets: names(&["bos.mp64"]), ..none() }), Pass),
    ];
    for (check, wanted) in cases {
        let found = check.judge(&facts);
        assert_eq!(found.verdict.known(), Some(wanted), "{check:?}");
        assert_eq!(found.remedy.is_some(), wanted == Block);
        let silent = Facts::unknown("it does not answer");
        assert_eq!(check.judge(&silent).verdict.known(), Some(Unknown), "{check:?}");
    }
    let mut warns = check("a-1", none(), things(&["gone"], &[]));
    warns.severity = Severity::Warn;
    let found = warns.judge(&facts);
    assert_eq!(found.verdict.known(), Some(Verdict::Warn));
    assert_eq!(found.evidence, ["program gone is missing"]);
    let site = SiteChecks { checks: vec![warns.clone(), warns], ..SiteChecks::default() };
    let around = lpar::around();
    let mut one = site.clone();
    one.checks[0].lpars = names(&["db*"]);
    let seen = Seen { facts: &facts, around: &around };
    assert_eq!((site.judge("lpar01", &seen).len(), one.judge("lpar01", &seen).len()), (2, 1));
}

#[test]
fn everything_that_cannot_be_meant_is_said_at_once() {
    let mut long = check("site-x", Things::default(), Things::default());
    long.title = " ".to_owned();
    let timeout = |workload: &str, name: &str| SiteTimeout {
        workload: workload.to_owned(),
        name: name.to_owned(),
        seconds: 120,
        lpars: Vec::new(),
    };
    let forbids = Things { processes: names(&["x"]), ..Things::default() };
    let site = SiteChecks {
        silence: vec![silence("S99", &[], "2026-01-01"), silence("SITE-X", &[], "2026-01-01")],
        checks: vec![
            long,
            check("site-x", forbids.clone(), Things::default()),
            check("S01", forbids, Things::default()),
        ],
        timeouts: vec![
            timeout("db2", "HADR_TIMEOUT"),
            timeout("db2", "WEATHER"),
            timeout("x", "y"),
        ],
    };
    let bad = site.checked().unwrap_err();
    assert_eq!(
        bad,
        [
            BadSite::Nothing { at: 0 },
            BadSite::Text { list: "checks", at: 0, field: "title" },
            BadSite::Twice { at: 1 },
            BadSite::Id { at: 2 },
            BadSite::NoCheck { at: 0, check: "S99".to_owned() },
            BadSite::NoTimeout { at: 1, workload: "db2".to_owned(), name: "WEATHER".to_owned() },
            BadSite::NoTimeout { at: 2, workload: "x".to_owned(), name: "y".to_owned() },
        ]
    );
}

#[test]
fn the_later_of_two_values_counts_on_the_lpars_that_it_concerns() {
    let timeout = |seconds, lpars: &[&str]| SiteTimeout {
        workload: "DB2".to_owned(),
        name: "HADR_TIMEOUT".to_owned(),
        seconds,
        lpars: names(lpars),
    };
    let site = SiteChecks {
        timeouts: vec![timeout(120, &[]), timeout(30, &["db*"])],
        ..SiteChecks::default()
    };
    let of = |lpar: &str| -> Fact<u64> {
        let key = ("db2".to_owned(), "HADR_TIMEOUT".to_owned());
        site.timeouts_of(lpar).get(&key).map(|value| value.0).ok_or_else(String::new)
    };
    assert_eq!((of("app01"), of("db01")), (Ok(120), Ok(30)));
}

#[test]
fn stars_and_question_marks_stand_for_others() {
    for (glob, text, wanted) in [
        ("", "", true),
        ("*", "", true),
        ("a*b*c", "axxbxbc", true),
        ("a*b*c", "axxbxb", false),
        ("db?", "db1", true),
        ("db?", "db", false),
        ("db", "db1", false),
        ("**", "x", true),
    ] {
        assert_eq!(is_like(glob, text), wanted, "{glob} {text}");
    }
}

proptest! {
    #[test]
    fn a_star_anywhere_still_matches(text in "[a-c]{0,8}", at in 0..9usize) {
        let at = at.min(text.len());
        let glob = format!("{}*{}", &text[..at], &text[at..]);
        prop_assert!(is_like(&glob, &text));
    }

    #[test]
    fn no_glob_panics(glob in ".*", text in ".*") {
        is_like(&glob, &text);
    }
}
