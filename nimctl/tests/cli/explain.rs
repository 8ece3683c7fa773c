//! `explain`: needs no `nimd`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::api::Api;

fn transcript(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/tests/transcripts");
    std::fs::read_to_string(format!("{folder}/{name}.txt")).unwrap()
}

#[test]
fn a_text_is_explained_to_people() {
    let api = Api::new();
    assert_snapshot!(api.nimctl_reads("explain -", &transcript("7300-03-update")), @"
    exit: 0
    --- stdout
    outcome   succeeded
    blackout  21 s

    PHASE      STARTED              SECONDS
    countdown  -                    -
    init       2025-01-29T09:09:29  0
    validate   2025-01-29T09:09:29  0
    begin      2025-01-29T09:09:29  10
    resources  2025-01-29T09:09:39  80
    notify     2025-01-29T09:10:59  0
    clone      2025-01-29T09:10:59  140
    boot       2025-01-29T09:13:19  150
    mirror     2025-01-29T09:15:49  50
    move       2025-01-29T09:16:39  37
    blackout   2025-01-29T09:17:16  21
    running    2025-01-29T09:17:37  0
    transfer   2025-01-29T09:17:37  40
    cleanup    2025-01-29T09:18:17  40
    shutdown   2025-01-29T09:18:57  10
    delete     2025-01-29T09:19:07  70
    done       2025-01-29T09:20:17  -
    ");
    assert_snapshot!(api.nimctl_reads("explain -", &transcript("libraries-not-released")), @"
    exit: 0
    --- stdout
    outcome   failed: the workload was not moved

    PHASE     STARTED  SECONDS
    blackout  -        -

    1020-007: shared libraries of other users are not released
       cause  = The running kernel does not release shared libraries of users other than root; the log names the library (cke_buf).
       to do  = The fix (IJ29492 or IJ30267, by level) must be in the running kernel: stop that workload and try again, or reboot once.
       again  = only after that
       phases = blackout

    1430-030: moving the workload failed
       cause  = The workload could not be frozen on the original or started on the surrogate. It runs on the original again.
       to do  = Read the 1020 lines before it: the first one is the reason, later ones follow from it.
       again  = only after that
       phases = move, blackout

    1430-045: the live update failed
       cause  = The closing line of every failed run. The reason stands before it.
       to do  = Keep /var/adm/ras/liveupdate/logs. When the automatic clean-up did not finish, run clvupdate before the next attempt.
       again  = another message decides
    ");
    let hostile = "FAILED: a \u{1b}[31mred\u{1b}]0;title\u{7} device.\n";
    let said = api.nimctl_reads("explain -", hostile).to_string();
    assert!(said.contains("failed  a ") && !said.contains(['\u{1b}', '\u{7}']), "{said}");
}

#[test]
fn a_text_is_explained_to_programs() {
    let api = Api::new();
    let said = api.nimctl_reads("explain - -o json", &transcript("7300-03-update"));
    let understood: Value = serde_json::from_slice(&said.0.stdout).unwrap();
    assert_eq!(understood["outcome"], "succeeded");
    assert_eq!(understood["blackout_seconds"], 21);
    assert_eq!(understood["estimate"], json!({"blackout_seconds": null, "total_seconds": null}));
    let begin = json!({"phase": "begin", "started_at": "2025-01-29T09:09:29", "seconds": 10});
    assert_eq!(understood["phases"][3], begin);
    let keys: Vec<_> = understood.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["blackout_seconds", "checks", "codes", "estimate", "outcome", "phases"]);
}

#[test]
fn every_transcript_that_is_known_has_an_explanation() {
    let api = Api::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/tests/transcripts");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let ran = api.run(&["explain", path.to_str().unwrap()]);
            assert!(ran.to_string().starts_with("exit: 0\n--- stdout\noutcome "), "{ran}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn a_code_is_explained_however_it_is_typed() {
    let api = Api::new();
    assert_snapshot!(api.nimctl("explain 430-030"), @"
    exit: 0
    --- stdout
    1430-030: moving the workload failed
       cause  = The workload could not be frozen on the original or started on the surrogate. It runs on the original again.
       to do  = Read the 1020 lines before it: the first one is the reason, later ones follow from it.
       again  = only after that
       phases = move, blackout
    ");
    assert_snapshot!(api.nimctl("explain 1430-030 -o yaml"), @r#"
    exit: 0
    --- stdout
    code: 1430-030
    title: moving the workload failed
    phases:
    - move
    - blackout
    cause: The workload could not be frozen on the original or started on the surrogate. It runs on the original again.
    remedy: "Read the 1020 lines before it: the first one is the reason, later ones follow from it."
    retry: after_remedy
    "#);
    assert_snapshot!(api.nimctl("explain nlu-0203"), @"
    exit: 0
    --- stdout
    NLU-0203: the key of a host is not known
       cause  = No host key is on record, and nothing is sent to a host whose key is not.
       to do  = Compare the fingerprint on its console, then nimctl hostkey scan, or nimctl hostkey import.
       again  = only after that
    ");
    assert_snapshot!(api.nimctl("explain 1430-03"), @r#"
    exit: 3
    --- stderr
    error: "1430-03" is neither a file nor a code that is known  [NLU-0514]
      hint: a code is such as 1430-030, HSCL350B or NLU-0201; did you mean 1430-030?
    "#);
    assert_eq!(api.requests(), [""; 0]);
}
