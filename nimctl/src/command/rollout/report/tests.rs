use nim_shared::api::RolloutReport;
use serde_json::{Value, json};

use super::{Shown, csv, html};
use crate::output::{Style, View as _};

const STYLE: Style = Style { color: false, width: Some(80), wide: false };

fn lpar(name: &str, state: &str, more: &Value) -> Value {
    let mut one = json!({
        "lpar": name, "wave": "rest", "frame": "frame1", "state": state, "attempt": 1, "why": null,
        "planned_begin": "2026-12-01T20:00:00Z", "planned_end": "2026-12-01T20:30:00Z",
        "began": "2026-12-01T20:00:10Z", "ended": "2026-12-01T20:20:10Z", "planned_blackout": 30, "blackout": null,
        "level_before": "7300-02-01-2346", "level_after": "7300-03-01-2520", "operation": null,
    });
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one
}

/// Two that were updated, one that failed, one that was never reached, one whose turn did not come.
fn sample() -> RolloutReport {
    let none = json!({"began": null, "ended": null, "level_before": null, "level_after": null, "attempt": 0});
    let failed = json!({
        "frame": "frame2", "wave": "rest", "attempt": 2, "began": "2026-12-01T20:30:00Z", "ended": "2026-12-01T20:40:00Z",
        "level_after": "7300-02-01-2346", "codes": ["1020-311"], "why": "=1+2, \"a process\" has a file open\u{1b}",
    });
    serde_json::from_value(json!({
        "id": "0193a2b4-0000-7000-8000-00000000ba7c", "name": "spring", "phase": "ended",
        "waits_for": null, "wave": "rest", "fingerprint": "c".repeat(64),
        "begin": "2026-12-01T20:00:00Z", "planned_end": "2026-12-01T20:30:00Z", "requested_by": 1000,
        "created_at": "2026-12-01T19:59:00Z", "ended_at": "2026-12-01T21:00:00Z",
        "counts": {"waiting": 0, "in_flight": 0, "done": 2, "failed": 1, "unreachable": 1, "left_out": 1},
        "operation": {"accept_licenses": "yes", "fixes": "update_all", "live_update": "yes", "lpp_source": "7300-03-01"},
        "at": "2026-12-01T22:00:00Z", "stop": {"failed": 2, "unreachable": null, "skipped": null},
        "lpars": [
            lpar("lpar01", "updated", &json!({"wave": "canary", "blackout": 12,
                "fixes_before": ["IJ1", "IJ2"], "fixes_after": ["IJ2", "IJ3"]})),
            lpar("lpar02", "updated", &json!({"blackout": 41})),
            lpar("lpar03", "failed", &failed),
            lpar("lpar04", "unreachable", &none),
            lpar("lpar05", "not_started", &none),
        ],
        "failures": [
            {"state": "failed", "code": "1020-311", "cause": "a process has a file under /proc open: <truss>",
             "remedy": "Stop nmon & its like.", "lpars": ["lpar03"]},
            {"state": "unreachable", "code": null, "cause": "the LPAR could not be reached", "remedy": null, "lpars": ["lpar04"]},
        ],
        "earlier": [
            {"state": "failed", "code": "1430-030", "cause": "the console did not answer", "remedy": "Try again.", "lpars": ["lpar03"]},
        ],
        "left_out": [
            {"name": "lpar09", "why": "its level is below 7300-00"},
            {"name": "lpar10", "why": "no preflight of it is on record"},
            {"name": "lpar11", "why": "its level is below 7300-00"},
        ],
        "events": [
            {"at": "2026-12-01T19:59:00Z", "by": 1000, "what": "planned and started"},
            {"at": "2026-12-01T21:00:00Z", "by": null, "what": "ended"},
        ],
    }))
    .unwrap()
}

#[test]
fn a_report_is_read_from_the_top() {
    insta::assert_snapshot!(Shown(sample()).table(STYLE), @r#"
    rollout spring
    state          ended
    asked for      Live Update, lpp_source 7300-03-01, fixes update_all, accept_licenses yes
    LPARs          2 updated, 1 failed, 1 unreachable, 1 not started
    started        2026-12-01 19:59 UTC by uid 1000
    planned        2026-12-01 20:00 UTC to 2026-12-01 20:30 UTC at the latest
    updates ran    2026-12-01 20:00 UTC to 2026-12-01 20:40 UTC
    ended          2026-12-01 21:00 UTC
    was to stop at 2 failed
    blackout       known of 2 LPARs, half of them up to 12 s
    the longest    41 s (lpar02), 1 longer than planned
    written        2026-12-01 22:00 UTC

             12-01 20:00                                20:30                 20:40
    frame1
      lpar01 ==========================================
      lpar02 ==========================================
    frame2
      lpar03                                            !!!!!!!!!!!!!!!!!!!!!!!!!!!
    = the update, ! one that did not succeed; all times UTC

    how long workloads stood still:
       over 10 to 20 s      1 ########################################
       over 20 to 30 s      0
       over 30 to 45 s      1 ########################################

    what went wrong, by cause:
    1 failed [1020-311]: a process has a file under /proc open: <truss>
      said   =1+2, "a process" has a file open� (lpar03)
      to do  Stop nmon & its like.
      LPARs  lpar03
    1 unreachable: the LPAR could not be reached
      LPARs  lpar04

    what went wrong in earlier attempts, by cause:
    1 failed [1430-030]: the console did not answer
      to do  Try again.
      LPARs  lpar03

    LEVEL BEFORE     LEVEL AFTER      LPARS
    7300-02-01-2346  7300-02-01-2346  1
    7300-02-01-2346  7300-03-01-2520  2

    LPAR    WAVE    STATE        TRY  BEGAN        OVER         BLACKOUT
    lpar01  canary  updated      1    12-01 20:00  12-01 20:20  12 s
    lpar02  rest    updated      1    12-01 20:00  12-01 20:20  41 s
    lpar03  rest    failed       2    12-01 20:30  12-01 20:40  -
    lpar04  rest    unreachable  0    -            -            -
    lpar05  rest    not started  0    -            -            -

    LEFT OUT OF THE PLAN  WHY
    lpar09 lpar11         its level is below 7300-00
    lpar10                no preflight of it is on record

    what happened, the oldest first, in UTC:
      12-01 19:59 planned and started by uid 1000
      12-01 21:00 ended
    fingerprint of the plan cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    "#);
    let wide = Shown(sample()).table(Style { wide: true, ..STYLE });
    for part in ["7300-02-01-2346", "-IJ1 +IJ3 =IJ2"] {
        assert!(wide.contains(part), "{part}: {wide}");
    }
}

#[test]
fn of_many_lpars_each_frame_has_a_line_on_which_failures_are_seen() {
    let mut many = sample();
    let one = many.lpars[0].clone();
    many.lpars.extend((0..60).map(|number| {
        let mut more = one.clone();
        more.lpar = format!("more{number:02}").parse().unwrap();
        more
    }));
    let mut start = many.events.pop().unwrap();
    many.events.extend((0..60).map(|number| {
        start.what = format!("more{number:02} starts");
        start.clone()
    }));
    let text = Shown(many.clone()).table(STYLE);
    // What people did is shown, and the newest of the rest.
    for (part, is_there) in [
        ("planned and started by uid 1000", true),
        ("more19 starts", false),
        ("more20 starts", true),
        ("... and 20 earlier steps of nimd: -o wide\n", true),
    ] {
        assert_eq!(text.contains(part), is_there, "{part}: {text}");
    }
    assert!(Shown(many).table(Style { wide: true, ..STYLE }).contains("more19 starts"));
    assert!(text.contains("\nframe1   ====") && text.contains("!!!"), "{text}");
    assert!(text.contains("... and 25 more LPARs: -o wide\n"), "{text}");
    let mut nobody = sample();
    nobody.lpars.clear();
    nobody.failures.clear();
    nobody.earlier.clear();
    let text = Shown(nobody.clone()).table(STYLE);
    assert!(!text.contains("stood still") && !text.contains("wrong"), "{text}");
    let page = html::page(&nobody);
    assert!(page.contains("No update has begun.") && !page.contains("<svg"), "{page}");
}

#[test]
fn a_line_for_each_lpar_is_read_by_programs_for_tables() {
    let text = csv::lines(&sample());
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 6);
    assert!(lines.iter().all(|line| !line.contains('\n')), "{text}");
    assert_eq!(
        lines[1],
        "lpar01,frame1,canary,updated,1,2026-12-01T20:00:00Z,2026-12-01T20:30:00Z,2026-12-01T20:00:10Z,\
         2026-12-01T20:20:10Z,1200,30,12,7300-02-01-2346,7300-03-01-2520,IJ1 IJ2,IJ2 IJ3,,,"
    );
    // A text of a host is no formula, and one cell.
    assert!(
        lines[3].ends_with(",1020-311,\"'=1+2, \"\"a process\"\" has a file open\u{fffd}\","),
        "{text}"
    );
}

#[test]
fn a_page_needs_nothing_else_and_obeys_no_text() {
    let page = html::page(&sample());
    for part in [
        "<h1>Rollout spring</h1>",
        "Stop nmon &amp; its like.",
        "under /proc open: &lt;truss&gt;",
        "over 30 to 45 s",
        "1 longer than planned",
        "Levels before and after",
        "What went wrong in earlier attempts, by cause",
        "the console did not answer",
        "-IJ1 +IJ3 =IJ2",
        "its level is below 7300-00",
        "uid 1000",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("<rect").count(), 3 + 3, "three updates, three spans");
    assert_eq!(page.matches("class=\"bad\"").count(), 5, "two LPARs and three causes: {page}");
    for foreign in ["<script", "href", "src=", "url(", "@import", "\u{1b}"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}
