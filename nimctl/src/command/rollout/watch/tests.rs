use nim_shared::api::{WatchedRollout, Why};
use nim_shared::stamp::Timestamp;
use serde_json::{Value, json};

use super::draw::{Size, draw};
use super::keys::Key;
use super::screen::{Asks, Order, Screen, Turn};
use crate::output::Style;

const SIZE: Size = Size { columns: 80, rows: 24 };

fn now() -> Timestamp {
    "2026-12-01T20:30:00Z".parse().unwrap()
}

fn at(time: &str) -> String {
    format!("2026-12-01T{time}Z")
}

fn frame(number: usize, more: &Value) -> Value {
    let mut frame = json!({
        "name": format!("frame{number}"), "hmc": "hmc01", "state": "Operating", "read_at": at("20:29:00"),
        "free_memory": 98_304, "free_processors": "12.0", "at_a_time": 4, "memory": 262_144,
        "updates": 0, "maintenance": null,
    });
    frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    frame
}

fn lpar(name: &str, wave: usize, frame: usize, state: &str, more: &Value) -> Value {
    let mut one = json!({
        "lpar": name, "wave": wave, "frame": format!("frame{frame}"), "state": state,
        "attempt": usize::from(state != "waiting"),
    });
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one
}

/// The update of an LPAR that is under way.
fn update(stage: &str, phase: &str, entered: &str) -> Value {
    json!({"since": at("20:20:00"), "update": {
        "id": "0193a2b4-5c6d-7001-8def-0123456789ab", "state": "running", "stage": stage, "phase": phase,
        "entered_at": at(entered), "started_at": at("20:21:00"), "lost_contact_since": null, "waits_for": null,
        "estimated_blackout": 77, "estimated_total": 1200,
    }})
}

fn failed(code: &str, why: &str) -> Value {
    let remedy = nim_shared::code::find(code).map(|entry| entry.remedy);
    json!({"code": code, "why": why, "remedy": remedy})
}

fn rollout(frames: &[Value], targets: &[Value], more: &Value) -> WatchedRollout {
    let number = |states: &[&str]| {
        let is = |one: &&Value| states.iter().any(|state| one["state"] == **state);
        targets.iter().filter(is).count()
    };
    let counts = json!({
        "waiting": number(&["waiting"]), "in_flight": number(&["starting", "running", "recalled", "releasing"]),
        "done": number(&["updated", "unchanged"]), "failed": number(&["failed", "stuck"]),
        "unreachable": number(&["unreachable"]), "left_out": number(&["skipped", "cancelled", "not_started"]),
    });
    let mut all = json!({
        "id": "0193a2b4-5c6d-7001-8def-0123456789ff", "name": "spring", "phase": "running", "waits_for": null,
        "wave": "rest", "fingerprint": "c".repeat(64), "begin": at("20:00:00"), "planned_end": at("23:10:00"),
        "requested_by": 0, "created_at": at("19:59:00"), "ended_at": null, "counts": counts,
        "at": at("20:30:00"), "outlook": {"usual_end": at("22:40:00"), "end": at("23:05:00")},
        "waves": [
            {"name": "canary", "planned_begin": at("20:00:00"), "planned_end": at("20:20:00")},
            {"name": "rest", "planned_begin": at("20:20:00"), "planned_end": at("23:10:00")},
        ],
        "frames": frames, "targets": targets, "events": [], "last_event": 7,
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn text(screen: &Screen, size: Size) -> String {
    let style = Style { color: false, width: None, wide: false };
    let lines = draw(screen, size, now());
    assert!(lines.len() <= size.rows, "{} lines", lines.len());
    let lines: Vec<String> = lines.iter().map(|line| line.text(style)).collect();
    for line in &lines {
        assert!(line.chars().count() <= size.columns, "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// A canary that is done, one in blackout, and one that waits.
fn three() -> Screen {
    let targets = vec![
        lpar("lpar01", 0, 1, "updated", &json!({})),
        lpar("lpar02", 1, 1, "running", &update("update", "blackout", "20:29:30")),
        lpar("lpar03", 1, 2, "waiting", &json!({"starts": at("20:36:00")})),
    ];
    Screen::new(rollout(
        &[frame(1, &json!({"updates": 1})), frame(2, &json!({}))],
        &targets,
        &json!({"events": [
            {"at": at("20:20:01"), "by": null, "what": "wave rest is next"},
            {"at": at("20:25:00"), "by": 1000, "what": "paused", "ticket": "CHG1"},
            {"at": at("20:26:00"), "by": 1000, "what": "resumed"},
        ]}),
    ))
}

/// A bad day: stopped, with something of everything.
fn forty() -> Screen {
    let mut targets = vec![
        lpar("db\u{1b}[31m", 0, 1, "updated", &json!({})),
        lpar("lpar91", 1, 1, "failed", &failed("1020-311", "files in /proc are open\u{7}")),
        lpar("lpar92", 1, 2, "unreachable", &json!({})),
        lpar("lpar93", 1, 2, "skipped", &json!({"why": "a partner is not known to be healthy"})),
        lpar("lpar94", 1, 2, "waiting", &json!({"why": "maintenance of vios2a: update to 4.1.1"})),
    ];
    targets[0]["lpar"] = json!("db01");
    let phases = ["clone", "blackout", "prepare", "install"];
    for number in 0..12 {
        let mut one = lpar(
            &format!("lpar{number:02}"),
            1,
            1 + number % 3,
            "running",
            &update("update", phases[number % 4], "20:29:10"),
        );
        if number == 2 {
            one["update"]["lost_contact_since"] = json!(at("20:28:00"));
        }
        targets.push(one);
    }
    for number in 12..35 {
        let starts = json!({"starts": at(&format!("2{}:{:02}:00", number / 20, 31 + number % 20))});
        targets.push(lpar(&format!("lpar{number:02}"), 1, 1 + number % 3, "waiting", &starts));
    }
    let frames = vec![
        frame(1, &json!({"updates": 4})),
        frame(2, &json!({"updates": 4, "maintenance": "vios2a: update to 4.1.1"})),
        frame(3, &json!({"updates": 4, "free_memory": 1536, "state": "Operating"})),
    ];
    Screen::new(rollout(
        &frames,
        &targets,
        &json!({
            "phase": "stopped", "waits_for": "somebody to resume or abort it: 2 failed, and it stops at 2",
            "outlook": {"usual_end": at("23:40:00"), "end": "2026-12-02T00:15:00Z", "provided": ["it is resumed"]},
        }),
    ))
}

fn thousand() -> Screen {
    let mut targets = Vec::new();
    for number in 0..1000_usize {
        let name = format!("lpar{number:04}");
        let frame = 1 + number % 40;
        targets.push(match number {
            0..560 => lpar(&name, usize::from(number >= 10), frame, "updated", &json!({})),
            560..564 => {
                lpar(&name, 1, frame, "failed", &failed("1020-311", "files in /proc are open"))
            }
            564..570 => lpar(&name, 1, frame, "stuck", &failed("NLU-0160", "the journal is lost")),
            570..600 => {
                let phase = if number % 10 == 0 { "blackout" } else { "clone" };
                lpar(&name, 1, frame, "running", &update("update", phase, "20:29:00"))
            }
            _ => lpar(
                &name,
                1 + number / 900,
                frame,
                "waiting",
                &json!({"starts": at(&format!("2{}:{:02}:00", 1 + number / 900, number % 60))}),
            ),
        });
    }
    let frames: Vec<Value> = (1..=40).map(|number| frame(number, &json!({}))).collect();
    let mut waves: Vec<Value> = ["canary", "rest", "databases"]
        .iter()
        .map(|name| json!({"name": name, "planned_begin": at("20:00:00"), "planned_end": at("23:00:00")}))
        .collect();
    waves.extend((0..9).map(|number| {
        json!({"name": format!("late{number}"), "planned_begin": at("23:00:00"), "planned_end": "2026-12-02T01:00:00Z"})
    }));
    Screen::new(rollout(&frames, &targets, &json!({"waves": waves})))
}

#[test]
fn three_lpars_are_seen_at_80_by_24() {
    insta::assert_snapshot!(text(&three(), SIZE), @"
    rollout spring is running, at wave rest (2 of 2)                       20:30:00Z
    1 done, 1 in flight, 1 waiting
    [========                ]  33 %  over about 22:40Z, by 23:05Z at the latest
    IN FLIGHT: 1, 1 in blackout
      lpar02  frame1  update: blackout     9:00/~20:00  BLACKOUT 30 of ~77 s
    FRAMES: 2, 1 with updates, 192 GB free
      frame1    1/4  [######....] 160 GB of 256 GB used, 96 GB free, 12.0 units
      frame2    0/4  [######....] 160 GB of 256 GB used, 96 GB free, 12.0 units
      WAVES    WAIT    RUN   DONE  FAILED  OTHERS  PLANNED
    * rest        1      1      -       -       -  20:20Z to 23:10Z
      canary      -      -      1       -       -  20:00Z to 20:20Z
    NEXT: 1 to start
      about 20:36Z  lpar03
    LATELY, the newest first
      20:26:00Z resumed by uid 1000
      20:25:00Z paused by uid 1000 under CHG1
      20:20:01Z wave rest is next






    q leave  p pause  r resume  / filter  up, down, Enter: open one LPAR
    ");
}

#[test]
fn forty_lpars_and_all_that_went_wrong_are_seen_at_80_by_24() {
    insta::assert_snapshot!(text(&forty(), SIZE), @"
    rollout spring is stopped, at wave rest (2 of 2)                       20:30:00Z
    1 done, 1 failed, 1 unreachable, 1 left out, 12 in flight, 24 waiting
    [      ]  10 %  over about 23:40Z, by 12-02 00:15Z at the latest, planned 23:10Z
    IN FLIGHT: 12, 3 in blackout
      lpar01  frame2  update: blackout     9:00/~20:00  BLACKOUT 50 of ~77 s
      lpar05  frame3  update: blackout     9:00/~20:00  BLACKOUT 50 of ~77 s
      lpar09  frame1  update: blackout     9:00/~20:00  BLACKOUT 50 of ~77 s
      lpar00  frame1  update: clone        9:00/~20:00
      lpar04  frame2  update: clone        9:00/~20:00
      ... 7 more: 3 update: install, 3 update: prepare, 1 update: clone
    NOT UPDATED: 3
      lpar91  frame1  failed  1020-311  files in /proc are open�
      lpar92  frame2  unreachable
      lpar93  frame2  skipped  a partner is not known to be healthy
    FRAMES: 3, 3 with updates, 193 GB free
      frame2    4/4  96 GB free, maintenance of vios2a: update to 4.1.1
      ... 2 more: 2 with updates
      WAVES    WAIT    RUN   DONE  FAILED  OTHERS  PLANNED
    * rest       24     12      -       2       1  20:20Z to 23:10Z
      canary      -      -      1       -       -  20:00Z to 20:20Z
    NEXT: 24 to start
      waits for somebody to resume or abort it: 2 failed, and it stops at 2
      ... 25 more: 1 held back
    q leave  p pause  r resume  / filter  up, down, Enter: open one LPAR
    ");
}

#[test]
fn what_happens_is_told_with_the_newest_first_and_takes_no_row_from_others() {
    let mut screen = three();
    let next = rollout(
        &[],
        &[],
        &json!({"events": [{"at": at("20:30:00"), "by": null, "what": "ended"}]}),
    );
    screen.take(Box::new(next));
    let shown = text(&screen, SIZE);
    assert!(shown.contains("first\n  20:30:00Z ended\n  20:26:00Z resumed"), "{shown}");
    let mut full = forty();
    full.lately = screen.lately;
    assert!(!text(&full, SIZE).contains("LATELY"), "{}", text(&full, SIZE));
}

#[test]
fn who_failed_is_opened_with_what_to_do() {
    let mut screen = forty();
    press(&mut screen, "/lpar91\r\u{1b}[B\r");
    let why = json!([{"about": "lpar91 in rollout spring", "stands": "failed", "since": null, "waits": [],
        "given_up_at": null, "hint": "nimctl rollout retry spring lpar91"}]);
    screen.explain(serde_json::from_value(why).unwrap());
    let shown = text(&screen, SIZE);
    let remedy = nim_shared::code::find("1020-311").unwrap().remedy;
    let first: Vec<&str> = remedy.split(' ').take(5).collect();
    for part in [
        "\nfailed\n1020-311  files in /proc",
        &format!("\nto do: {}", first.join(" ")),
        "type nimctl",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("waits for"), "{shown}");
}

#[test]
fn a_thousand_lpars_are_folded_into_80_by_24() {
    insta::assert_snapshot!(text(&thousand(), SIZE), @"
    rollout spring is running, at wave rest (2 of 12)                      20:30:00Z
    560 done, 10 failed, 30 in flight, 400 waiting
    [=============           ]  57 %  over about 22:40Z, by 23:05Z at the latest
    IN FLIGHT: 30, 3 in blackout
      lpar0570  frame11  update: blackout     9:00/~20:00  BLACKOUT 60 of ~77 s
      lpar0580  frame21  update: blackout     9:00/~20:00  BLACKOUT 60 of ~77 s
      lpar0590  frame31  update: blackout     9:00/~20:00  BLACKOUT 60 of ~77 s
      lpar0571  frame12  update: clone        9:00/~20:00
      lpar0572  frame13  update: clone        9:00/~20:00
      ... 25 more: 25 update: clone
    NOT UPDATED: 10
      lpar0560  frame1   failed  1020-311  files in /proc are open
      lpar0561  frame2   failed  1020-311  files in /proc are open
      ... 8 more: 6 NLU-0160, 2 1020-311
    FRAMES: 40, 30 with updates, 3840 GB free
      frame11    1/4  [######....] 160 GB of 256 GB used, 96 GB free, 12.0 units
      ... 39 more: 29 with updates, 10 without
      WAVES       WAIT    RUN   DONE  FAILED  OTHERS  PLANNED
    * rest         300     30    550      10       -  20:00Z to 23:00Z
      ... 11 more: 10 to come, 1 over
    NEXT: 400 to start
      about 21:00Z  lpar0600, lpar0660, lpar0720, lpar0780, lpar0840
      ... 119 more
    q leave  p pause  r resume  / filter  up, down, Enter: open one LPAR
    ");
}

#[test]
fn no_size_is_too_small_and_more_room_shows_more() {
    let mut screens = [three(), forty(), thousand()];
    for screen in &mut screens {
        for columns in [1, 20, 40, 79, 132] {
            for rows in [0, 1, 2, 3, 5, 10, 23, 60] {
                text(screen, Size { columns, rows });
            }
        }
    }
    let large = text(&forty(), Size { columns: 132, rows: 80 });
    assert!(!large.contains(" more"), "{large}");
    for number in 0..12 {
        assert!(large.contains(&format!("lpar{number:02}")), "{large}");
    }
}

#[test]
fn what_fails_and_what_stands_still_is_red_and_says_so_without_colours_too() {
    let style = Style { color: true, width: None, wide: false };
    let lines = draw(&forty(), SIZE, now());
    let lines: Vec<String> = lines.iter().map(|line| line.text(style)).collect();
    assert!(
        lines.iter().any(|line| line.contains("\u{1b}[1;31mBLACKOUT 50 of ~77 s\u{1b}[0m")),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.contains("\u{1b}[1;31mfailed\u{1b}[0m")), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains('\u{7}')), "{lines:#?}");
}

fn press(screen: &mut Screen, keys: &str) -> Vec<Order> {
    super::keys::read(keys.as_bytes()).into_iter().map(|key| screen.press(key)).collect()
}

#[test]
fn a_pause_is_asked_for_and_only_a_yes_is_one() {
    let mut screen = three();
    assert_eq!(press(&mut screen, "pn"), [Order::Nothing, Order::Nothing]);
    assert_eq!(press(&mut screen, "pq"), [Order::Nothing, Order::Nothing], "that is no yes either");
    press(&mut screen, "p");
    assert!(text(&screen, SIZE).ends_with("Sure? y/n"));
    assert_eq!(press(&mut screen, "y"), [Order::Turn(Turn::Pause)]);
    assert_eq!(press(&mut screen, "ry"), [Order::Nothing, Order::Turn(Turn::Resume)]);
    screen.turned(Err("rollout spring: it does not start anything".to_owned()));
    assert!(text(&screen, SIZE).contains("it does not start anything"));
    assert_eq!(press(&mut screen, "q"), [Order::Leave]);
}

#[test]
fn a_filter_lists_all_that_it_fits_and_one_of_them_is_opened() {
    let mut screen = thousand();
    press(&mut screen, "/lpar09\r");
    assert_eq!(screen.asks, Asks::Nothing);
    let listed = text(&screen, SIZE);
    assert!(listed.contains("100 LPARs of 1000") && listed.contains("lpar0900"), "{listed}");
    // The one that is chosen is seen, however far down.
    (0..50).for_each(|_| drop(screen.press(Key::Down)));
    assert!(text(&screen, SIZE).contains("> lpar0949"), "{}", text(&screen, SIZE));
    press(&mut screen, "\u{1b}");
    assert!(text(&screen, SIZE).contains("IN FLIGHT: 30, 3 in blackout"));
    press(&mut screen, "/blackout\r\u{1b}[B");
    let open = press(&mut screen, "\r");
    assert_eq!(open, [Order::Open(Some("lpar0570".parse().unwrap()))]);
    let why: Vec<Why> = serde_json::from_value(json!([{
        "about": "lpar0570 in rollout spring", "stands": "running in wave rest", "since": at("20:20:00"),
        "waits": [{"what": "the update, which is at blackout", "since": at("20:29:00"), "until": null,
            "decides": "what runs on the LPAR, or the limit that is named", "hint": "nimctl watch 0193a2b4-5c6d-7001-8def-0123456789ab"}],
        "given_up_at": "2026-12-02T00:20:00Z", "hint": null,
    }])).unwrap();
    screen.explain(why);
    insta::assert_snapshot!(text(&screen, SIZE), @"
    lpar0570 in rollout spring, wave rest, on frame11                      20:30:00Z
    running, since 20:20Z (10 min ago)
    update: blackout, since 20:29Z (60 s ago)
    BLACKOUT 60 of ~77 s
    operation 0193a2b4-5c6d-7001-8def-0123456789ab

    waits for the update, which is at blackout
      since 20:29Z
      decided by what runs on the LPAR, or the limit that is named
      type nimctl watch 0193a2b4-5c6d-7001-8def-0123456789ab
    given up 12-02 00:20Z, if nothing changes before












    Esc back  p pause  r resume  q leave
    ");
    assert_eq!(press(&mut screen, "\u{1b}"), [Order::Open(None)]);
}
