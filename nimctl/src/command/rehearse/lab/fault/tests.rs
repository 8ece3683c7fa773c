use serde_json::json;

use super::*;

/// Some lines of `nim-lab fault --list`.
const LIST: &str = "\
clone-fails            clone      until cleared  alt_disk_copy to nhdisk fails 1430-045
procfs-open            blackout   until cleared  a process has a file in /proc open 1020-311 1430-030 1430-045
partial-success        delete     until cleared  updated, but the original stays 1430-249 1430-094
agent-killed           clone      once           the agent's processes on SSH channels are killed
tape-device            an LPAR    until mended   there is a tape drive (D10)
hmc-slow               an HMC     until cleared  each command of the HMC takes half a minute more
";

fn copy() -> LabCopy {
    let lpar = |name: &str| {
        json!({"name": name, "frame": "f", "id": 3, "level": "7300-03-00-2446", "memory": 1, "processors": "0.5",
               "npiv": false, "labels": {}, "groups": []})
    };
    serde_json::from_value(json!({
        "name": "spring", "fingerprint": "c".repeat(64), "rollout": "", "targets": ["lpar01", "lpar02", "lpar03"],
        "limits": {"global": 10, "per_frame": 2, "per_hmc": 4}, "hmcs": [{"name": "hmc01", "limit": null}], "frames": [],
        "lpars": [lpar("lpar01"), lpar("lpar02"), lpar("lpar03"), lpar("other")],
        "media": null, "left_out": [], "differs": [],
    }))
    .unwrap()
}

fn typed(texts: &[&str]) -> Result<Asked, Error> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    asked(&texts, &known(LIST))
}

fn met(lpar: &str, state: &str, code: Option<&str>) -> RehearsedFault {
    let (state, code) = (state.to_owned(), code.map(str::to_owned));
    RehearsedFault { lpar: lpar.parse().unwrap(), state, code }
}

#[test]
fn names_and_codes_are_read_from_the_labs_list() {
    let known = known(LIST);
    let of: Vec<_> = known.iter().map(|one| (one.name.as_str(), one.codes.len())).collect();
    let wanted =
        [("clone-fails", 1), ("procfs-open", 3), ("partial-success", 2), ("agent-killed", 0)];
    assert_eq!(of[..4], wanted);
    assert_eq!(of[4..], [("tape-device", 0), ("hmc-slow", 0)]);
    assert_eq!(known[1].codes[0], "1020-311");
    let at: Vec<_> = known.iter().filter_map(|one| one.at.as_deref()).collect();
    assert_eq!(at, ["clone"], "what strikes once is set for its phase, and nothing else is");
}

#[test]
fn what_is_typed_goes_to_the_rehearsal_by_code_and_to_the_lab_by_name() {
    for (text, rehearsed, named, notes) in [
        ("procfs-open=lpar01", &["1020-311=lpar01"][..], &["procfs-open"][..], 0),
        ("1020-311=5%", &["1020-311=5%"], &[], 0),
        ("unreachable", &["unreachable"], &[], 0),
        // The update is in effect when its codes come: a rehearsal refuses them.
        ("partial-success=lpar01", &[], &["partial-success"], 1),
        ("agent-killed=lpar01", &[], &["agent-killed"], 1),
    ] {
        let asked = typed(&[text]).unwrap();
        assert_eq!(asked.rehearsed, rehearsed, "{text}");
        let names: Vec<&str> = asked.named.iter().map(|one| one.fault.as_str()).collect();
        assert_eq!((&names[..], asked.notes.len()), (named, notes), "{text}");
    }
}

#[test]
fn a_name_that_is_none_and_one_without_a_host_are_refused_with_a_way_on() {
    for (text, hint) in [
        ("procfs-opne=lpar01", "did you mean procfs-open?"),
        ("rain", "nim-lab fault --list"),
        ("procfs-open", "--fault procfs-open=LPAR"),
        ("procfs-open=5%", "--fault procfs-open=LPAR"),
    ] {
        let failure = typed(&[text]).unwrap_err().failure();
        assert!(failure.hint.as_ref().is_some_and(|one| one.contains(hint)), "{failure:?}");
    }
}

#[test]
fn the_lab_gets_what_was_named_and_what_the_first_run_met_as_far_as_it_has_such() {
    let first = [
        met("lpar01", "failed", Some("1430-045")),
        met("lpar02", "failed", Some("1020-311")),
        met("lpar03", "unreachable", None),
        // A code that is known, of one that is not in the lab.
        met("gone", "failed", Some("1020-311")),
    ];
    let asked = typed(&["agent-killed=lpar01", "hmc-slow=hmc01", "1430-045=lpar02"]).unwrap();
    let (set, notes) = asked.set(&first, &known(LIST), &copy()).unwrap();
    assert_eq!(
        set[0].at.as_deref(),
        Some("clone"),
        "the agent is killed in an update, not before it"
    );
    let set: Vec<_> = set.iter().map(|one| (one.host.as_str(), one.fault.as_str())).collect();
    // One on each: what was named goes before what was drawn.
    let wanted = [("lpar01", "agent-killed"), ("hmc01", "hmc-slow"), ("lpar02", "clone-fails")];
    assert_eq!(set, wanted);
    assert!(notes.iter().any(|one| one.contains("unreachable of lpar03")), "{notes:?}");
}

#[test]
fn a_fault_of_nobody_who_is_there_is_refused() {
    let asked = typed(&["procfs-open=lpar99"]).unwrap();
    let failure = asked.set(&[], &known(LIST), &copy()).unwrap_err().failure();
    assert!(failure.message.contains("no such host"), "{failure:?}");
}
