//! The files in `examples/` are what they say.

use std::collections::BTreeMap;

use nim_shared::api::File;
use nim_shared::code::{Knowledge, Retry, SiteCodes};
use nim_shared::object::{Object, ObjectType};
use nim_shared::policy::Policy;
use nim_shared::preflight::site::SiteChecks;
use nim_shared::preflight::{Around, Facts, Seen, judge};
use nim_shared::yaml::{Fleet, read_settings, render_fleet};

fn read(name: &str, text: String) -> Vec<Object> {
    let fleet = Fleet::read(&[File { name: name.to_owned(), text }]);
    let found = fleet.check(|_| None).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    found.into_iter().map(|(object, _)| object).collect()
}

#[test]
fn the_example_fleet_has_every_type_and_reads_back() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/fleet.yaml");
    let objects = read("fleet.yaml", std::fs::read_to_string(path).unwrap());
    let mut types = BTreeMap::new();
    for object in &objects {
        *types.entry(object.spec.object_type()).or_insert(0) += 1;
    }
    assert_eq!(types.len(), ObjectType::ALL.len(), "{types:?}");
    let again = read("rendered", render_fleet(&objects).unwrap());
    assert_eq!(again, objects);
}

#[test]
fn the_example_of_a_sites_codes_is_matched_with_what_lpars_print() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/codes.yaml");
    let file = File {
        name: "examples/codes.yaml".to_owned(),
        text: std::fs::read_to_string(path).unwrap(),
    };
    let codes: SiteCodes = read_settings(&file).unwrap();
    let knowledge = Knowledge::with(codes.checked().unwrap());
    let text = "\
1430-134 Notification script '/usr/local/site/lu_check' failed with exit status 1
1430-134 Notification script '/opt/triton/daemon-stop' failed with exit status 1
BKP0043 tape0 is busy
";
    let told: Vec<_> = knowledge.matched(text).messages;
    let told: Vec<_> = told.iter().map(|hit| (hit.meaning.of_site, hit.meaning.retry)).collect();
    assert_eq!(
        told,
        [(true, Retry::Later), (false, Retry::AfterRemedy), (true, Retry::AfterRemedy)]
    );
}

#[test]
fn the_example_policy_says_something_of_each_step_and_has_no_fault() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/policy.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let policy: Policy = read_settings(&File { name: "policy.yaml".to_owned(), text }).unwrap();
    assert_eq!(policy.faults(), []);
    let all = serde_json::to_value(&policy.prep).unwrap();
    let all = all.as_object().unwrap();
    assert!(all.values().all(|value| !value.is_null()), "{all:?}");
    let steps = policy.prep_of(&"lpar01".parse().unwrap(), &BTreeMap::new()).steps();
    assert!(steps.len() >= 5, "{steps:?}");
}

#[test]
fn the_example_of_a_sites_checks_is_judged_and_silences_for_a_time() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/checks.yaml");
    let file = File {
        name: "examples/checks.yaml".to_owned(),
        text: std::fs::read_to_string(path).unwrap(),
    };
    let rules: SiteChecks = read_settings(&file).unwrap();
    let rules = rules.checked().unwrap();
    let (facts, around) = (Facts::unknown("it was not asked"), Around::unknown("no HMC"));
    let seen = Seen { facts: &facts, around: &around };
    let of = |lpar: &str| rules.judge(lpar, &seen).len();
    assert_eq!((of("db01"), of("web01")), (2, 1));
    assert_eq!((rules.timeouts_of("db01").len(), rules.timeouts_of("web01").len()), (1, 0));
    let silenced = |lpar: &str, today: &str| {
        let mut findings = judge(&seen);
        rules.silence(lpar, today.parse().unwrap(), &mut findings);
        findings.into_iter().filter(|one| !one.counts()).map(|one| one.check).collect::<Vec<_>>()
    };
    assert_eq!(silenced("dev01", "2027-06-30"), ["S37"]);
    assert_eq!(silenced("dev01", "2027-07-01"), [""; 0]);
    assert_eq!(silenced("db01", "2027-06-30"), [""; 0]);
}
