//! The display on a terminal: `script` gives `nimctl` one.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use nim_shared::stamp::Timestamp;
use serde_json::json;

use crate::api::Api;
use crate::rollout::{view, watched};
use crate::sample::{
    before, event, failed, id, operation, page, reports, running, says, succeeded,
};

/// `nimctl` on a terminal of 80 columns.
struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Terminal {
    fn open(api: &Api, line: &str) -> Self {
        Self::open_as("xterm", 80, api, line)
    }

    /// Another terminal, `columns` wide.
    fn open_as(kind: &str, columns: u16, api: &Api, line: &str) -> Self {
        let nimctl = env!("CARGO_BIN_EXE_nimctl");
        let run = format!("stty cols {columns} rows 24; exec {nimctl} {line}");
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command", &run, "/dev/null"])
            .env("NIMD_SERVER", api.socket())
            .env("TERM", kind)
            .env("SHELL", "/bin/sh")
            .env_remove("NO_COLOR")
            .current_dir(api.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, output, seen: Vec::new() }
    }

    /// Reads on until `text` was on the screen.
    fn wait_for(&mut self, text: &str) {
        while !self.text().contains(text) {
            match self.output.recv() {
                Ok(bytes) => self.seen.extend(bytes),
                Err(_) => panic!("ended without {text:?}; seen:\n{}", self.text()),
            }
        }
    }

    fn type_in(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Everything that was written so far, without what moves the cursor and paints.
    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.seen);
        let mut plain = String::new();
        let mut rest = &*text;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain += before;
            let after = after.strip_prefix('[').unwrap_or(after);
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ';' | '?'));
            rest = rest.get(1..).unwrap_or("");
            plain.push('\n');
        }
        plain + rest
    }

    /// Waits for the end; gives the exit code and everything that was seen.
    fn end(mut self) -> (Option<i32>, String) {
        while let Ok(bytes) = self.output.recv() {
            self.seen.extend(bytes);
        }
        (self.child.wait().unwrap().code(), self.text())
    }
}

#[test]
fn each_lpar_has_a_line_that_moves_and_the_blackout_is_expected() {
    let target = format!("GET /v1/watch?operation={}&operation={}", id(1), id(2));
    let (api, events) = Api::new()
        .on(
            "GET /v1/operations?lpar=lpar01&lpar=lpar02&limit=1000",
            &page(vec![operation(2, "lpar02"), operation(1, "lpar01")]),
        )
        .live(&target);
    let mut terminal = Terminal::open(&api, "watch lpar01 lpar02");
    terminal.wait_for("lpar02  queued");
    let send = |value: serde_json::Value| events.send(value.to_string()).unwrap();
    let mut moving = running(1, "lpar01", "update", "move");
    moving.started_at = Some(before(120));
    moving.estimated_total = Some(nim_shared::unit::Seconds(600));
    send(says(&moving));
    terminal.wait_for("lpar01  update: move");
    terminal.wait_for("/~10:00  [===");
    moving.lost_contact_since = Some(before(5));
    send(says(&moving));
    terminal.wait_for("as expected");
    let now: Timestamp = before(12);
    let mut blackout = json!({"kind": "phase", "phase": "blackout", "printed_at": null});
    blackout["printed_at"] = "10:00:00".into();
    let mut reported = reports(&event(1, "lpar01", 5, "10:00:00", &blackout));
    reported["stored_at"] = json!(now);
    send(reports(&event(
        1,
        "lpar01",
        4,
        "10:00:00",
        &json!({"kind": "estimate", "blackout": 77, "total": 600}),
    )));
    send(reported);
    terminal.wait_for("/~77 s, silence expected");
    send(reports(&event(1, "lpar01", 6, "10:01:00", &json!({"kind": "point", "point": "moved"}))));
    terminal.wait_for("10:01:00Z");
    terminal.wait_for("lpar01: moved: the workload runs on the surrogate, forward only");
    send(says(&failed(2, "lpar02")));
    send(says(&succeeded(1, "lpar01")));
    let (code, text) = terminal.end();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("7300-02-01-2346"), "{text}");
    assert!(text.contains("to do     = see who holds it"), "{text}");
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let target = format!("GET /v1/watch?operation={}", id(1));
    let (api, events) = Api::new()
        .on("GET /v1/operations?lpar=lpar01&limit=1", &page(vec![operation(1, "lpar01")]))
        .live(&target);
    let mut terminal = Terminal::open_as("dumb", 80, &api, "watch lpar01");
    let send = |value: serde_json::Value| events.send(value.to_string()).unwrap();
    // The row says first where it stands; the events that led there come after it and say it in their order.
    send(says(&running(1, "lpar01", "update", "clone")));
    for (seq, stage) in [(1, "pre"), (2, "prep"), (3, "update")] {
        let body = json!({"kind": "stage", "stage": stage});
        send(reports(&event(1, "lpar01", seq, "10:00:00", &body)));
    }
    let body = json!({"kind": "phase", "phase": "clone", "printed_at": null});
    send(reports(&event(1, "lpar01", 4, "10:00:01", &body)));
    terminal.wait_for("lpar01: update: clone");
    send(says(&running(1, "lpar01", "update", "clone")));
    send(says(&succeeded(1, "lpar01")));
    let (code, text) = terminal.end();
    assert_eq!(code, Some(0), "{text}");
    let at = |place: &str| text.matches(&format!("lpar01: {place}\r")).count();
    assert_eq!(["pre", "prep", "update", "update: clone"].map(at), [1; 4], "{text}");
    assert!(text.find("lpar01: pre") < text.find("lpar01: update: clone"), "{text}");
}

#[test]
fn a_narrow_terminal_cuts_no_word_in_two() {
    let views = [succeeded(1, "lpar01"), failed(2, "lpar02")];
    let asked = "GET /v1/operations?limit=1000";
    let words = ["0193a2b4-5c6d-7001", "succeeded", "NLU-0431"];
    // With room for one word of each column they are folded between words, with less the terminal folds whole lines; 0 is what a
    // terminal says that does not know its size.
    for columns in [75, 40, 0] {
        let api = Api::new()
            .on(asked, &page(views.to_vec()))
            .on("GET /v1/operations?id=0193a2b4-5c6d&limit=1000", &page(views.to_vec()));
        let (code, text) =
            Terminal::open_as("xterm", columns, &api, "--color never status --all").end();
        assert_eq!(code, Some(0), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{columns} columns:\n{text}");
    }
}

/// What `nimctl` shows of these answers on a terminal of 80 columns, where no line may be longer.
fn on_80_columns(api: &Api, line: &str) -> String {
    let (code, text) = Terminal::open(api, &format!("--color never {line}")).end();
    assert_eq!(code, Some(0), "{text}");
    let text = text.replace('\r', "");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line:?} of\n{text}");
    }
    text
}

#[test]
fn long_values_are_folded_between_words_and_commands_stay_whole() {
    let mut view = failed(2, "lpar02");
    let command = format!("nimctl log --file lvupdlog {}", id(2));
    let failure = view.failure.as_mut().unwrap();
    failure.message = "the Live Update of lpar02 did not happen: nothing was installed, and what was prepared is put back".to_owned();
    failure.hint = Some(format!(
        "stop what holds files in /proc, such as nmon; then: {command} says whether updates remain"
    ));
    let why = json!([{
        "about": "lpar02 in rollout spring", "stands": "waiting in wave canary", "since": "2026-12-01T17:37:00Z",
        "waits": [{
            "what": "memory of its frame p10-a, of which 20480 MB are taken by updates of lpar05 and lpar06",
            "since": null, "until": "2026-12-02T17:37:00Z", "decides": "the updates that run there, or whoever ends them by hand",
            "hint": format!("{command} shows what the first of them does"),
        }],
        "given_up_at": null, "hint": null,
    }]);
    let mut status = view_of_rollout();
    status["waits_for"] =
        json!("the wave before it to soak until 2026-12-01T21:00:00Z, or somebody to promote it");
    let api = Api::new()
        .on("GET /v1/operations?lpar=lpar02&limit=1", &page(vec![view]))
        .on("GET /v1/why/lpar02", &why)
        .on("GET /v1/rollouts/spring", &status);
    let text = on_80_columns(&api, "status lpar02");
    assert!(text.contains(&command) && text.contains("   means     = the Live Update"), "{text}");
    let indented = "\n               ";
    assert!(text.contains(&format!("{indented}{command}")), "{text}");
    let text = on_80_columns(&api, "why lpar02");
    assert!(text.contains(&command) && text.contains("updates of\n           lpar05"), "{text}");
    let text = on_80_columns(&api, "rollout status spring");
    assert!(text.contains("somebody to\n           promote it"), "{text}");
}

#[test]
fn operations_of_one_request_fit_80_columns_with_ids_that_differ_late() {
    let mut views = [succeeded(1, "lpar01"), failed(2, "lpar02")];
    for (view, end) in views.iter_mut().zip(["1123456789ab", "2123456789ab"]) {
        view.id = format!("0193a2b4-5c6d-7001-8def-012{}", &end[..9]).parse().unwrap();
        view.kind = nim_shared::request::Kind::Install;
    }
    let api = Api::new()
        .on("GET /v1/operations?limit=1000", &page(views.to_vec()))
        .on("GET /v1/operations?id=0193a2b4-5c6d&limit=1000", &page(views.to_vec()));
    let text = on_80_columns(&api, "status --all");
    let ids = ["0193a2b4-5c6d-7001-8def-0121 ", "0193a2b4-5c6d-7001-8def-0122 "];
    assert!(ids.iter().all(|id| text.contains(id)), "{text}");
    assert_eq!(text.matches("installation").count(), 2, "{text}");
}

fn view_of_rollout() -> serde_json::Value {
    let mut status = view("running");
    status["targets"] = json!([]);
    status["events"] = json!([]);
    status
}

#[test]
fn tables_of_disks_and_blackouts_fit_80_columns() {
    let disk = |name: &str, good_for: &str, until: &str| {
        json!({
            "operation": id(1), "name": name, "pvid": "00f6db0a6c7aece5", "udid": null, "role": "nhdisk",
            "volume_group": "altinst_rootvg", "level": "7300-03-01-2520", "good_for": good_for,
            "need": null, "until": until, "booted_at": null,
        })
    };
    let update = json!({
        "lpar": "lpar01", "operation": id(1), "ended_at": "2026-12-01T17:37:00Z", "level": "7300-03-01-2520",
        "estimated": 77, "reported": 75, "measured": 74_812, "milliseconds": 74_812, "error": 2188,
    });
    let spread =
        json!({"count": 1, "least": 74_812, "median": 74_812, "ninth": 74_812, "most": 74_812});
    let report = json!({
        "updates": 1, "lpars": 1, "distribution": spread, "errors": null, "longer_than_estimated": 0, "worst": [update],
    });
    let api = Api::new()
        .on(
            "GET /v1/disks/lpar01",
            &json!({"lpar": "lpar01", "disks": [
                disk("hdisk2", "booted_kernel", "a reboot, or a later update that succeeds"),
                disk("hdisk13", "nothing", "now"),
            ]}),
        )
        .on("GET /v1/report/blackout?limit=10", &report);
    let text = on_80_columns(&api, "disks lpar01");
    for whole in ["00f6db0a6c7aece5", "altinst_rootvg", "7300-03-01-2520", "booted_kernel"] {
        assert_eq!(text.matches(whole).count(), if whole == "booted_kernel" { 1 } else { 2 });
    }
    let text = on_80_columns(&api, "report blackout");
    for whole in ["measured  74.8 s", "2026-12-01T17:37:00Z", &id(1).to_string()] {
        assert!(text.contains(whole), "{text}");
    }
    // Where there is room each has its column.
    let said = api.nimctl("disks lpar01").to_string();
    assert!(said.contains("DISK     PVID              USED AS  VOLUME GROUP"), "{said}");
}

#[test]
fn many_lpars_are_one_line_and_the_busiest() {
    let views: Vec<_> = (0..40)
        .map(|number| match number {
            0..5 => running(number, &format!("lpar{number:02}"), "update", "clone"),
            _ => operation(number, &format!("lpar{number:02}")),
        })
        .collect();
    let mut newest_first = views.clone();
    newest_first.reverse();
    let batch = crate::sample::BATCH;
    let (api, events) = Api::new()
        .on(&format!("GET /v1/operations?batch={batch}&limit=1000"), &page(newest_first))
        .live(&format!("GET /v1/watch?batch={batch}"));
    let mut terminal = Terminal::open(&api, &format!("watch --batch {batch}"));
    terminal.wait_for("35 queued, 5 running");
    terminal.wait_for("lpar04  update: clone");
    assert!(!terminal.text().contains("lpar05"), "{}", terminal.text());
    terminal.type_in("\u{3}");
    let (code, text) = terminal.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains(&format!("nimctl watch --batch {batch}")), "{text}");
    drop(events);
}

#[test]
fn a_question_is_asked_on_a_terminal_and_no_is_no() {
    let applied = json!({"applied": false, "unchanged": 0, "changes": [
        {"name": "g", "type": "mac_group", "action": "create", "attributes": []}]});
    let done = json!({"applied": true, "unchanged": 0, "changes": applied["changes"]});
    let api = Api::new().on("POST /v1/apply", &applied);
    std::fs::write(api.folder().join("fleet.yaml"), "mac_group:\n- name: g\n").unwrap();
    let mut terminal = Terminal::open(&api, "apply -f fleet.yaml");
    terminal.wait_for("Apply this to 1 object? [y/N]");
    terminal.type_in("n\n");
    let (code, text) = terminal.end();
    assert_eq!((code, api.changes().len()), (Some(3), 1), "{text}");

    let api = Api::new().on("POST /v1/apply", &applied).on("POST /v1/apply", &done);
    std::fs::write(api.folder().join("fleet.yaml"), "mac_group:\n- name: g\n").unwrap();
    let mut terminal = Terminal::open(&api, "apply -f fleet.yaml");
    terminal.wait_for("[y/N]");
    terminal.type_in("y\n");
    let (code, text) = terminal.end();
    assert_eq!((code, api.changes().len()), (Some(0), 2), "{text}");
    assert!(text.contains("created: 1, changed: 0, as they were: 0"), "{text}");
}

#[test]
fn a_secret_is_asked_for_twice_without_echo() {
    let view =
        json!({"name": "pw", "version": 1, "set_at": before(1), "set_by": 0, "held_back": null});
    let api = Api::new().on("PUT /v1/secrets/pw", &view);
    let mut terminal = Terminal::open(&api, "secret set pw");
    terminal.wait_for("secret pw: ");
    terminal.type_in("canary\n");
    terminal.wait_for("once more: ");
    terminal.type_in("canary\n");
    let (code, text) = terminal.end();
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(api.changes(), [r#"PUT /v1/secrets/pw {"value":"canary"}"#]);
}

#[test]
fn a_rollout_fills_the_screen_keys_pause_it_and_open_an_lpar_and_the_terminal_is_left_as_it_was() {
    let counts = json!({"waiting": 1, "in_flight": 1, "done": 0, "failed": 0, "unreachable": 0, "left_out": 0});
    let mut rollout = watched("running", &counts, &[], 3);
    let entered = "2026-12-01T20:09:00Z";
    rollout["targets"] = json!([
        {"lpar": "lpar01", "wave": 0, "frame": null, "state": "running", "attempt": 1, "since": entered, "update": {
            "id": id(1), "state": "running", "stage": "update", "phase": "blackout", "entered_at": entered,
            "started_at": entered, "lost_contact_since": null, "waits_for": null, "estimated_blackout": 77,
            "estimated_total": 600,
        }},
        {"lpar": "lpar02", "wave": 0, "frame": null, "state": "waiting", "attempt": 0},
    ]);
    let id = rollout["id"].as_str().unwrap().to_owned();
    let why = json!([{"about": "lpar01 in rollout spring", "stands": "running", "since": entered, "given_up_at": null,
        "hint": null, "waits": [{"what": "the update, which is at blackout", "since": null, "until": null,
        "decides": "what runs on the LPAR"}]}]);
    let api = Api::new()
        .on("GET /v1/rollouts/spring/watch", &rollout)
        .on(&format!("GET /v1/rollouts/{id}/watch?after=3"), &rollout)
        .on(&format!("POST /v1/rollouts/{id}/turn"), &view("paused"))
        .on("GET /v1/why/lpar01", &why);
    let mut terminal = Terminal::open(&api, "rollout watch spring");
    terminal.wait_for("rollout spring is ");
    terminal.wait_for("IN FLIGHT: 1, 1 in blackout");
    terminal.wait_for("BLACKOUT 6");
    terminal.type_in("\u{1b}[B\r");
    terminal.wait_for("waits for the update, which is at blackout");
    terminal.type_in("\u{1b}");
    terminal.type_in("p");
    terminal.wait_for("Sure? y/n");
    assert!(api.changes().is_empty(), "it is asked first");
    terminal.type_in("y");
    terminal.wait_for("it is paused now");
    terminal.type_in("q");
    let (code, text) = terminal.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("detached: the rollout goes on"), "{text}");
    assert_eq!(api.changes(), [format!(r#"POST /v1/rollouts/{id}/turn {{"what":"pause"}}"#)]);
}
