use nim_shared::api::RolloutPlanned;
use serde_json::{Value, json};

use super::picture;
use super::plan::Plan;
use crate::output::{Style, View as _};

const STYLE: Style = Style { color: false, width: Some(80), wide: false };

fn digest(digit: &str) -> String {
    digit.repeat(64)
}

fn lpar(name: &str, wave: usize, times: [&str; 3], more: &Value) -> Value {
    let at = |time: &str| format!("2026-12-{time}:00Z");
    let mut one = json!({
        "lpar": name, "wave": wave, "frame": "frame1", "class": 0,
        "begin": at(times[0]), "usual_end": at(times[1]), "end": at(times[2]),
        "blackout": 30, "basis": "estimate", "waits_for": null, "approval": null,
        "fingerprint": digest("a"),
    });
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one
}

fn wave(name: &str, times: [&str; 3], more: &Value) -> Value {
    let at = |time: &str| format!("2026-12-{time}:00Z");
    let mut one = json!({
        "name": name, "members": 1, "begin": at(times[0]), "usual_end": at(times[1]), "end": at(times[2]),
        "bound": at(times[2]), "soak": 0, "approval": "no", "healthy": null, "in_flight": 1,
        "stop": {"failed": null, "unreachable": null, "skipped": null}, "worst_failed": null,
    });
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one
}

/// A canary on one evening, two LPARs on the next.
fn sample() -> RolloutPlanned {
    let stop = json!({"failed": 1, "unreachable": null, "skipped": null});
    serde_json::from_value(json!({
        "name": "spring", "fingerprint": digest("c"), "seed": 0,
        "begin": "2026-12-01T20:00:00Z", "usual_end": "2026-12-02T21:20:00Z",
        "end": "2026-12-02T21:40:00Z", "bound": "2026-12-02T21:30:00Z",
        "waves": [
            wave("canary", ["01T20:00", "01T20:20", "01T20:30"],
                &json!({"soak": 86400, "healthy": 1, "stop": stop, "worst_failed": 1})),
            wave("rest", ["02T20:30", "02T21:20", "02T21:40"],
                &json!({"members": 3, "in_flight": 2, "approval": "yes"})),
        ],
        "targets": [
            lpar("lpar01", 0, ["01T20:00", "01T20:20", "01T20:30"], &json!({})),
            lpar("lpar02", 1, ["02T20:30", "02T20:50", "02T21:00"], &json!({"frame": "frame2"})),
            lpar("lpar03", 1, ["02T21:00", "02T21:20", "02T21:40"],
                &json!({"blackout": null, "waits_for": "a place on frame1", "approval": "its workload may stand still for 100 s, and 60 s are allowed"})),
        ],
        "held": [{"lpar": "lpar04", "wave": 1, "reasons": ["its VIOS vios1a is Not Activated"], "fingerprint": digest("b")}],
        "excluded": [
            {"name": "lpar05", "why": "needs 9728 MB of memory of frame1, and there are 7936 MB when nothing else runs",
             "proposals": ["it fits with 1832 MB of memory less by DLPAR, 7168 MB in all"]},
            {"name": "lpar99\u{1b}[2J", "why": "no LPAR is called so"},
        ],
        "classes": ["7300-03-00-2446, vscsi"],
        "stop": {"failed": 2, "unreachable": 1, "skipped": null},
        "frames": [
            {"name": "frame1", "hmc": "hmc01", "state": "Operating", "read_at": "2026-12-01T19:59:00Z",
             "free_memory": 65536, "free_processors": "12.0", "at_a_time": 2},
            {"name": "frame2", "hmc": null, "state": "No Connection", "read_at": null,
             "free_memory": null, "free_processors": null, "at_a_time": 1},
        ],
        "what_if": {"changes": "per_frame=1,finish_by=2026-12-02T21:30:00Z", "usual_end_without": "2026-12-02T20:50:00Z",
            "end_without": "2026-12-02T21:00:00Z", "targets_without": 3,
            "finish_by": "2026-12-02T21:30:00Z", "late": ["lpar03"]},
        "notes": ["no preflight of lpar03 is on record: nimctl preflight"],
    }))
    .unwrap()
}

#[test]
fn a_plan_is_read_at_80_columns() {
    let text = Plan(sample()).table(STYLE);
    insta::assert_snapshot!(text, @"
    rollout spring: 3 LPARs in 2 waves, 1 held back now, 2 left out
    begins         2026-12-01 20:00 UTC
    usually over   2026-12-02 21:20 UTC
    at the latest  2026-12-02 21:40 UTC, 10:00 later than the best plan ends
    what if        per_frame=1,finish_by=2026-12-02T21:30:00Z
    without it     3 LPARs, usually over 12-02 20:50, at the latest 12-02 21:00
    finish by      2026-12-02 21:30 UTC: 1 LPAR may be late: lpar03

    WAVE    LPARS  AT A TIME  BEGINS (UTC)  USUALLY OVER  AT LATEST
    canary  1      1          12-01 20:00   12-01 20:20   12-01 20:30
    rest    3      2          12-02 20:30   12-02 21:20   12-02 21:40
    before rest: 1 of 1 updated in canary, 1d to soak, approval

             12-01 20:00               12-02 20:30                            21:40
    frame1: 65536 MB and 12.0 units free, 2 updates at a time
      lpar01 ================---------
      lpar03                                             =============-------------
    frame2: what is free was never read, 1 update at a time, No Connection
      lpar02                           ============------
    = usual time, - up to what 95 of 100 do not exceed; all times UTC

    LPAR    WAVE    STARTS (UTC)  LATEST  BLACKOUT  WAITS FOR
    lpar01  canary  12-01 20:00   20:30   30 s      -
    lpar02  rest    12-02 20:30   21:00   30 s      -
    lpar03  rest    12-02 21:00   21:40   -         a place on frame1; approval:
                                                    its workload may stand still
                                                    for 100 s, and 60 s are
                                                    allowed

    HELD BACK  WHY, UNTIL IT IS LOOKED AT AGAIN
    lpar04     its VIOS vios1a is Not Activated

    LEFT OUT    WHY
    lpar05      needs 9728 MB of memory of frame1, and there are 7936 MB when
                nothing else runs
                it fits with 1832 MB of memory less by DLPAR, 7168 MB in all
    lpar99�[2J  no LPAR is called so

    wave canary stops at 1 failed; at worst 1 failed when all has come to rest
    the whole stops at 2 failed or 1 unreachable

    NOTE
    no preflight of lpar03 is on record: nimctl preflight
    fingerprint cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    ");
    let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > 80).collect();
    let sentences = |line: &&&str| {
        !["  lpar", "    it fits", "no plan", "what if", "may be"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    assert_eq!(wide.iter().filter(sentences).count(), 0, "{wide:#?}");
}

#[test]
fn of_many_lpars_each_frame_has_one_line_unless_more_is_wanted() {
    let mut many = sample();
    let one = many.plan.targets[0].clone();
    many.plan.targets.extend((0..60).map(|number| {
        let mut more = one.clone();
        more.lpar = format!("more{number:02}").parse().unwrap();
        more
    }));
    let text = Plan(many.clone()).table(STYLE);
    assert!(text.contains("\nframe1   ++++"), "{text}");
    assert!(text.contains("... and 23 more: -o wide\n"), "{text}");
    let wide = Plan(many).table(Style { wide: true, ..STYLE });
    assert!(wide.contains("\n  more59 ====") && wide.contains("preview"), "{wide}");
}

#[test]
fn a_plan_with_nobody_says_so_without_a_timeline() {
    let mut nobody = sample();
    nobody.plan.targets.clear();
    let text = Plan(nobody).table(STYLE);
    assert!(text.starts_with("rollout spring: 0 LPARs in 2 waves"), "{text}");
    assert!(!text.contains("usual time") && text.contains("LEFT OUT"), "{text}");
}

#[test]
fn a_picture_needs_nothing_else_and_obeys_no_name() {
    let mut planned = sample();
    planned.plan.targets[0].waits_for = Some("<script>\"&\u{1b}".to_owned());
    let svg = picture::svg(&planned);
    assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert_eq!(svg.matches("<g fill=").count(), 3);
    assert!(svg.contains("&lt;script&gt;&quot;&amp;\u{fffd}"), "{svg}");
    let html = picture::html(&planned);
    assert!(html.contains(svg.trim()) && html.contains("LEFT OUT"), "{html}");
    for foreign in ["<script", "href", "src=", "url(", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
}
