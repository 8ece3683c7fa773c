use nim_shared::api::File;
use nim_shared::yaml::to_string;

use super::{Amount, Rollout, read};

fn file(text: &str) -> File {
    File { name: "rollout.yaml".to_owned(), text: text.to_owned() }
}

fn faults(text: &str) -> Vec<String> {
    read(&file(text)).unwrap_err().iter().map(ToString::to_string).collect()
}

const LEAST: &str = "name: a\ntargets: {names: 'lpar*'}\noperation: {live_update: yes, live_update_data: '{lpar}_lu'}\n";

/// One with everything.
const ALL: &str = "name: spring
targets:
  names: ['lpar0[1-9]', db1]
  groups: prod
  labels: env=prod,tier!=db
  levels: <7300-03
  exclude: {names: lpar03, levels: ['7200-05-01', '=7200-04'], labels: keep, groups: [g]}
operation:
  live_update: yes
  live_update_data: '{lpar}_lu'
  lpp_source: sp1
  fixes: update_all
  strategy: split
  hook: [post:check, 'on-failure:page:ignore']
  master_hook: pre:ledger
  accept_licenses: yes
waves:
- {name: canary, canary: one-per-class, soak: 1d, approval: yes, healthy: 100%}
- {name: north, labels: site=north, take: 20}
- {name: some, frames: ['p10-*', p9], take: 25%, approval: no}
- name: rest
limits:
  in_flight: 20
  per_hmc: 4
  per_frame: 2
  per_vios_pair: 3
  per_label: {app: 1}
  stagger_hmc: 30s
  stagger_vios: 0s
  reserve_memory: 10%
  reserve_processors: 5%
apart:
  labels: [cluster]
  lists: [[a, b], [c, d]]
stop:
  wave: {failed: 2, unreachable: 10%, skipped: 20%}
  whole: {failed: 5%}
  failed_keep_place: yes
windows:
- {name: nights, zone: Europe/Berlin, days: [fri, sat], from: '22:00', to: '04:00'}
- {name: us, zone: America/New_York, from: '00:00', to: '24:00', names: ['us*'], groups: [us], labels: site=us}
freezes:
- {name: year-end, zone: Europe/Berlin, from: 2026-12-18, to: 2027-01-06}
blackout:
  per_lpar: 60s
  per_service: {label: service, budget: 2m, of: {sap: 5m}}
  above: approval
retry:
  later: {times: 2, after: 15m}
  unreachable: {times: 3, after: 5m}
deadlines: {start: 30m, update: 4h, release: 1h, whole: 14d}
assume: {duration: 45m}
notify:
- {to: oncall, on: [failed, stopped]}
- {to: everybody}
seed: 7
";

#[test]
fn what_is_written_is_read_again() {
    for text in [LEAST, ALL] {
        let read_once = read(&file(text)).unwrap();
        let written = to_string(&read_once).unwrap();
        assert_eq!(read(&file(&written)), Ok(read_once), "{written}");
    }
}

#[test]
fn what_is_not_written_has_the_documented_value() {
    let Rollout { limits, waves, deadlines, stop, .. } = read(&file(LEAST)).unwrap();
    assert_eq!((limits.per_vios_pair, limits.stagger_hmc.get()), (4, 60));
    assert_eq!((limits.in_flight, waves.len(), stop.wave.failed), (None, 0, None));
    assert_eq!(deadlines.whole.to_string(), "30d");
    let all = read(&file(ALL)).unwrap();
    assert_eq!(all.stop.whole.failed.map(|amount: Amount| amount.of(30)), Some(2));
}

#[test]
fn all_faults_are_said_at_once_each_with_its_place() {
    let text = "name: a b
targets:
  names: ['lpar[']
  levels: ['7.3']
  label: env=prod
operation:
  live_update: no
  concurrent: 5
waves:
- {name: one, take: 0}
- {name: one, canary: all}
- {soak: 5}
limits: {per_hmc: many, reserve_memory: 1%, per_label: {'a b': 1}}
apart: {lists: [[a], [b, b]]}
windows:
- {name: w, zone: Europe/Berlni, from: '25:00', to: '4:00', days: [friday]}
freezes:
- {name: f, zone: UTC, from: 2026-12-18, to: 2026-02-30}
- {name: g, zone: UTC, from: 2026-12-18, to: 2026-12-17, groups: []}
retry: {never: {times: 1, after: 1m}, later: {times: 0}}
blackout: {per_service: {label: service}}
hooks: [x]
notify: [{to: a, on: [failed, lost]}, {to: a}, {on: ended}]
seed: minus
";
    let expected = "rollout.yaml:1: name: \"a b\" is not a NIM object name: ' ' is not allowed in one
rollout.yaml:3: targets.names[0]: \"lpar[\" is no name and no pattern of names, such as lpar01, lpar*, lpar0[7-9] or lpar[07:12]
rollout.yaml:4: targets.levels[0]: \"7.3\" is no comparison with a level, such as <7300-03, 7200-05 or !=7300-03-01-2520
rollout.yaml:5: targets.label: is no key here; did you mean \"labels\"?
rollout.yaml:7: operation.concurrent: does not belong here: limits.in_flight says how many run at a time
rollout.yaml:7: operation.live_update: is yes in a rollout: it plans the second partition of a Live Update
rollout.yaml:7: operation.live_update_data: is required; in it {lpar} stands for the name of the LPAR
rollout.yaml:10: waves[0].take: \"0\" is neither a number from 1 on nor a percentage from 1% to 100%
rollout.yaml:11: waves[1].name: another wave is called \"one\"
rollout.yaml:11: waves[1].canary: is \"all\", and should be one-per-class
rollout.yaml:12: waves[2].name: is required
rollout.yaml:13: limits.per_label.a b: is no key of a label: letters, digits, `_`, `-`, `.` and `/`
rollout.yaml:13: limits.per_hmc: is \"many\", and should be a number from 1 to 1000000
rollout.yaml:13: limits.reserve_memory: is less than the 5% that nimd keeps in any case
rollout.yaml:14: apart.lists[0]: should be a list of two names or more
rollout.yaml:14: apart.lists[1][1]: \"b\" is in the list already
rollout.yaml:16: windows[0].zone: \"Europe/Berlni\" is no time zone; they have IANA's names, such as Europe/Berlin or UTC
rollout.yaml:16: windows[0].from: \"25:00\" is no time of the day from 00:00 to 24:00
rollout.yaml:16: windows[0].to: \"4:00\" is no time of the day from 00:00 to 24:00
rollout.yaml:16: windows[0].days[0]: \"friday\" is no day: mon, tue, wed, thu, fri, sat or sun
rollout.yaml:18: freezes[0].to: \"2026-02-30\" is no day, such as 2026-12-18
rollout.yaml:19: freezes[1].groups: is empty, and would be for nobody; without it it is for all
rollout.yaml:19: freezes[1].to: is before the day on which it begins
rollout.yaml:20: retry.never: cannot be tried again: the update is in effect: running it again repairs nothing and risks more
rollout.yaml:20: retry.later.times: is \"0\", and should be a number from 1 to 1000000
rollout.yaml:20: retry.later.after: is required
rollout.yaml:21: blackout.per_service: has no budget: it takes budget, or of with single ones
rollout.yaml:22: hooks: is no key here (keys: name, targets, operation, waves, limits, apart, stop, windows, freezes, blackout, retry, deadlines, assume, notify, seed)
rollout.yaml:23: notify[0].on[1]: is \"lost\", and should be started or wave or approval or failed or stopped or paused or resumed or aborted or ended
rollout.yaml:23: notify[1].to: \"a\" is told already
rollout.yaml:23: notify[2].to: is required
rollout.yaml:24: seed: invalid digit found in string";
    assert_eq!(faults(text).join("\n"), expected);
}

#[test]
fn an_operation_has_the_hooks_and_the_strategy_of_cust() {
    let operation = read(&file(ALL)).unwrap().operation;
    let token = "00000000-0000-0000-0000-000000000000".parse().unwrap();
    let cust = operation.cust(vec!["lpar01".to_owned()], token).unwrap();
    let of = |hooks: &[nim_shared::hook::NamedHook]| {
        hooks.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of(&cust.hooks), ["post:check:warn", "on-failure:page:ignore"]);
    assert_eq!(of(&cust.master_hooks), ["pre:ledger:fail"]);
    assert_eq!(cust.strategy, Some(nim_shared::strategy::Strategy::Split));
    let text = LEAST.replace("live_update: yes,", "live_update: yes, strategy: split, hook: x,");
    let found = faults(&text).join("\n");
    assert!(found.contains("operation.strategy: split needs updates"), "{found}");
    assert!(found.contains("operation.hook: \"x\" cannot be read"), "{found}");
}

#[test]
fn a_wave_after_one_that_takes_all_is_a_fault() {
    let text = format!("{LEAST}waves: [{{name: all}}, {{name: more, take: 5}}]\n");
    assert_eq!(
        faults(&text),
        ["rollout.yaml:4: waves[1]: takes nobody: wave \"all\" takes all that are left"]
    );
}

#[test]
fn what_is_no_rollout_is_refused_with_its_place() {
    for (text, start) in [
        ("", "rollout.yaml:1: is empty"),
        ("- a\n", "rollout.yaml:1: is a list"),
        ("name: a\n---\nname: b\n", "rollout.yaml:3: holds more than one"),
        ("name: [\n", "rollout.yaml:1: is no YAML"),
        ("name: a\n", "rollout.yaml:1: targets: is required"),
    ] {
        let found = faults(text);
        assert!(found[0].starts_with(start), "{found:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(name|targets|waves|limits|windows|stop|retry|[a-z]{0,4}|[-:{}\\[\\], \n]|[0-9%]{1,3}){0,60}") {
        let _read = read(&file(&text));
        let _read = read(&file(&format!("{LEAST}{text}")));
    }
}
