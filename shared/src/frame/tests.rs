use super::*;
use crate::stage::Point;

const OPERATION: &str = "0190b2c0-0000-7000-8000-000000000001";

fn command() -> Command {
    Command { operation: OPERATION.parse().unwrap(), fence: Fence(3), digest: Digest::of(b"r") }
}

#[test]
fn a_frame_is_one_line_and_reads_back() {
    let frame = MasterFrame::Start { command: command(), request: "{\n}".to_owned() };
    let line = write(&frame).unwrap();
    assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
    assert_eq!(read::<MasterFrame>(&line[..line.len() - 1]).unwrap(), frame);
}

#[test]
fn unknown_fields_are_ignored_and_unknown_kinds_refused_by_name() {
    let known = br#"{"frame":"facts","colour":"blue"}"#;
    assert_eq!(read::<MasterFrame>(known).unwrap(), MasterFrame::Facts);
    let unknown = br#"{"frame":"levitate","height":3}"#;
    assert_eq!(
        read::<MasterFrame>(unknown).unwrap_err().to_string(),
        "a frame of the unknown kind \"levitate\""
    );
}

#[test]
fn a_known_kind_that_misses_a_field_is_malformed() {
    assert!(matches!(read::<MasterFrame>(br#"{"frame":"proceed"}"#), Err(BadFrame::Malformed(_))));
    assert!(matches!(read::<AgentFrame>(b"\x00\xff"), Err(BadFrame::Malformed(_))));
}

#[test]
fn an_event_of_a_newer_agent_is_kept_as_it_came() {
    let event = |body: &str| {
        let record = format!(
            r#"{{"epoch":1,"seq":7,"at":"2026-01-01T00:00:00Z","rootvg":[],"mood":"good","body":{body}}}"#,
        );
        let hash = Digest::ZERO.chain(record.as_bytes());
        let line = serde_json::json!({
            "frame": "event", "operation": OPERATION, "hash": hash.to_string(), "record": record,
        });
        let AgentFrame::Event(recorded) = read(line.to_string().as_bytes()).unwrap() else {
            panic!("{line}")
        };
        assert!(recorded.follows(Digest::ZERO), "also with what this version does not know");
        assert!(!recorded.follows(hash));
        recorded.event.body
    };
    let newer = r#"{"kind":"phase_of_moon","full":true}"#;
    assert_eq!(event(newer), Body::Other(serde_json::from_str(newer).unwrap()));
    let known = Known::Point { point: Named::Known(Point::Ready) };
    assert_eq!(event(r#"{"kind":"point","point":"ready"}"#), known.into());
    let later = Known::Point { point: Named::Other("paused".to_owned()) };
    assert_eq!(event(r#"{"kind":"point","point":"paused"}"#), later.into());
}

#[test]
fn an_event_says_what_its_record_says_and_the_hash_covers_it() {
    let record = Record {
        epoch: Epoch(2),
        seq: Seq(3),
        at: Timestamp::from_unix_micros(0),
        rootvg: vec!["00f9".to_owned()],
        body: Known::Note { text: "\"quoted\"\n\u{7}".to_owned() }.into(),
    };
    let operation = OPERATION.parse().unwrap();
    let recorded = Recorded::after(Digest::of(b"before"), operation, record.clone()).unwrap();
    assert_eq!(recorded.event, Event::new(operation, recorded.event.hash, record));
    let line = write(&AgentFrame::Event(Box::new(recorded.clone()))).unwrap();
    let AgentFrame::Event(arrived) = read(&line[..line.len() - 1]).unwrap() else { panic!() };
    assert_eq!(*arrived, recorded);
    assert!(arrived.follows(Digest::of(b"before")));
    let forged = String::from_utf8(line).unwrap().replace("quoted", "forged");
    let AgentFrame::Event(forged) = read(forged.trim_end().as_bytes()).unwrap() else { panic!() };
    assert!(!forged.follows(Digest::of(b"before")));
}

#[test]
fn a_secret_is_not_shown() {
    let frame = MasterFrame::Secret {
        operation: command().operation,
        fence: Fence(1),
        name: "hmc01_pw".parse().unwrap(),
        value: Some(SecretText::new("tiger".to_owned())),
    };
    assert!(!format!("{frame:?}").contains("tiger"));
}

#[test]
fn deep_nesting_is_an_error_not_an_overflow() {
    let deep =
        format!(r#"{{"frame":"event","body":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    assert!(read::<AgentFrame>(deep.as_bytes()).is_err());
    let deep = format!(
        r#"{{"frame":"event","operation":"{OPERATION}","hash":"{}","record":"{{\"body\":{}{}}}"}}"#,
        Digest::ZERO,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert!(read::<AgentFrame>(deep.as_bytes()).is_err());
}

#[test]
fn a_line_over_the_limit_is_refused_in_both_directions() {
    assert!(matches!(read::<MasterFrame>(&vec![b' '; FRAME_LIMIT]), Err(BadFrame::TooLong)));
    let frame = MasterFrame::Start { command: command(), request: "x".repeat(FRAME_LIMIT) };
    assert!(matches!(write(&frame), Err(BadFrame::TooLong)));
}
