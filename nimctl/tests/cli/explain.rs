//! `explain`: codes and files need no `nimd`, what a site knows and operations do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::api::Api;
use crate::sample::{id, operation, page};

fn transcript(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/tests/transcripts");
    std::fs::read_to_string(format!("{folder}/{name}.txt")).unwrap()
}

#[test]
fn a_text_is_explained_to_people() {
    let api = without_site();
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
       to do  = The fix must be in the running kernel: stop that workload and try again, or reboot once.
       again  = only after that
       phases = blackout
       levels = 7200-04-00 to 7200-04-02, 7200-05-00, 7200-05-01
       fix    = 7200-04-00-1937: IJ29492
       fix    = 7200-04-01-1939: IJ29492
       fix    = 7200-04-02-2028: IJ29492
       fix    = 7200-05-00-2037: IJ30267, in 7200-05-02
       fix    = 7200-05-01-2038: IJ30267, in 7200-05-02
       before = nimctl preflight finds it: P06
       line   = 1020-007 System call mcrk_sys_spl_getfd error (50). [03.156.0064] 1020-007 System call mcrk_sys_spl_getfd error (50). [03.156.0064] 1020-007 System call MCR_GET_SHLIB_ASYNCINFO error (52). A file, fi~

    1430-030: moving the workload failed
       cause  = The workload could not be frozen on the original or started on the surrogate. It runs on the original again.
       to do  = Read the 1020 lines before it: the first one is the reason, later ones follow from it.
       again  = only after that
       phases = move, blackout
       line   = 1430-030 An error occurred while moving the workload. 1430-045 The Live Update operation failed.

    1430-045: the live update failed
       cause  = The closing line of every failed run. The reason stands before it.
       to do  = Keep /var/adm/ras/liveupdate/logs. When the automatic clean-up did not finish, run clvupdate before the next attempt.
       again  = another message decides
       line   = 1430-045 The Live Update operation failed.
    ");
    let hostile = "FAILED: a \u{1b}[31mred\u{1b}]0;title\u{7} device.\n";
    let said = api.nimctl_reads("explain -", hostile).to_string();
    assert!(said.contains("failed  a ") && !said.contains(['\u{1b}', '\u{7}']), "{said}");
}

#[test]
fn a_text_is_explained_to_programs() {
    let api = without_site();
    let said = api.nimctl_reads("explain - -o json", &transcript("7300-03-update"));
    let understood: Value = serde_json::from_slice(&said.0.stdout).unwrap();
    assert_eq!(understood["outcome"], "succeeded");
    assert_eq!(understood["blackout_seconds"], 21);
    assert_eq!(understood["estimate"], json!({"blackout_seconds": null, "total_seconds": null}));
    let begin = json!({"phase": "begin", "started_at": "2025-01-29T09:09:29", "seconds": 10});
    assert_eq!(understood["phases"][3], begin);
    let keys: Vec<_> = understood.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        ["blackout_seconds", "checks", "codes", "estimate", "messages", "outcome", "phases"]
    );
}

#[test]
fn every_transcript_that_is_known_has_an_explanation() {
    let api = without_site();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/tests/transcripts");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let ran = api.run(&["explain", path.to_str().unwrap()]);
            let said = ran.to_string();
            let begins = |with: &str| said.starts_with(&format!("exit: 0\n--- stdout\n{with}"));
            assert!(!begins("nothing ") && begins(""), "{ran}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn a_code_is_explained_however_it_is_typed() {
    let api = without_site();
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
    let none = page::<Value>(vec![]);
    let api = api
        .on("GET /v1/operations?lpar=1430-03&limit=1", &none)
        .on("GET /v1/operations?id=1430-03&limit=5", &none);
    assert_snapshot!(api.nimctl("explain 1430-03"), @r#"
    exit: 3
    --- stderr
    error: "1430-03" is no code that is known, no file and no operation  [NLU-0514]
      hint: a code is such as 1430-030, HSCL350B, pitfall-1 or NLU-0201; nimctl status --all lists operations; did you mean 1430-030?
    "#);
}

#[test]
fn codes_and_files_are_explained_without_a_nimd() {
    let api = Api::new();
    std::fs::remove_file(api.socket()).unwrap();
    for what in ["1430-094", "pitfall-1"] {
        let said = api.nimctl(&format!("explain {what}")).to_string();
        assert!(said.starts_with(&format!("exit: 0\n--- stdout\n{what}: ")), "{said}");
    }
    let said = api.nimctl("explain lpar77").to_string();
    assert!(said.starts_with("exit: 3\n--- stderr\n") && said.contains("NLU-0514"), "{said}");
}

#[test]
fn a_log_is_told_by_its_lines_and_what_is_not_known_keeps_its_line() {
    let log = "\
OLVUPDMCR 1610089744.160 DEBUG mcr_fd_srm_dev - Calling lvup_chckpnt_status(LIVE_UPDATE_TRY)
KLVUPD 1610089744 DEBUG - 6750576/24904167 DENY Blocking entry: procfs open, count: 9
OLVUPDMCR 1610089754.160 ERROR mcr_sync - Action LU_FREEZE failed in SRM with status 6
OLVUPDMCR 1610089760.160 ERROR - 1430-998 what nobody has seen
OLVUPDMCR 1610089761.160 ERROR - BKP0042 tape0 is busy
OLVUPDMCR 1610089762.160 ERROR - 1430-998 again
";
    let api = Api::new().on("GET /v1/codes", &site());
    assert_snapshot!(api.nimctl_reads("explain -", log), @"
    exit: 0
    --- stdout
    pitfall-1: the kernel denied the freeze: a file under /proc is open
       cause  = truss, a debugger or a monitor holds files under /proc; one process is enough to keep the whole LPAR from being frozen (1020-311).
       to do  = Find it before the next attempt (fuser -c /proc) and stop it for the update.
       again  = only after that
       phases = move, blackout
       before = nimctl preflight finds it: S26
       line   = KLVUPD 1610089744 DEBUG - 6750576/24904167 DENY Blocking entry: procfs open, count: 9

    site-backup: the backup agent holds its tape
       cause  = It was not stopped.
       to do  = Stop it.
       again  = only after that
       source = this site
       line   = OLVUPDMCR 1610089761.160 ERROR - BKP0042 tape0 is busy

    1430-998: not known here
       line   = OLVUPDMCR 1610089760.160 ERROR - 1430-998 what nobody has seen   (2 lines)
    ");
    let said = api.nimctl_reads("explain - -o json", log);
    let understood: Value = serde_json::from_slice(&said.0.stdout).unwrap();
    assert_eq!(
        understood["unknown"],
        json!([{
            "code": "1430-998",
            "line": "OLVUPDMCR 1610089760.160 ERROR - 1430-998 what nobody has seen",
            "lines": 2,
        }])
    );
    assert_eq!(understood["messages"][1]["of_site"], true);
}

#[test]
fn an_operation_is_explained_by_all_that_is_kept_of_it() {
    let id = id(1).to_string();
    let report = json!({
        "outcome": "failed", "software": "unchanged", "summary": "the move did not happen",
        "codes": ["1430-030", "NLU-0166"], "before": null, "after": null, "estimated_total": null,
    });
    let mut view = operation(1, "lpar01");
    view.report = Some(serde_json::from_value(report).unwrap());
    let text = "1430-030 An error occurred while moving the workload.\n";
    let output = json!({"epoch": 1, "offset": 0, "data": STANDARD.encode(text), "cut": false});
    let api = without_site()
        .on("GET /v1/operations?lpar=lpar01&limit=1", &page(vec![view]))
        .on(&format!("GET /v1/operations/{id}/events?limit=1000"), &page::<Value>(vec![]))
        .on(&format!("GET /v1/operations/{id}/output"), &output);
    let said = api.nimctl("explain lpar01").to_string();
    for part in [
        "lpar01:\n",
        "outcome   = failed, nothing was installed: the move did not happen",
        "\n1430-030: ",
        "\nNLU-0166: ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// A nimd whose site adds nothing.
fn without_site() -> Api {
    Api::new().on("GET /v1/codes", &json!([]))
}

/// What a site adds.
fn site() -> Value {
    json!([{
        "code": "site-backup", "says": ["BKP0042"], "title": "the backup agent holds its tape",
        "cause": "It was not stopped.", "remedy": "Stop it.", "retry": "after_remedy",
    }])
}
