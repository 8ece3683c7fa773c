use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use nim_shared::api::{File, FileFault};

use super::*;

fn read(text: &str) -> Result<Settings, Vec<FileFault>> {
    Settings::read(&File { name: "nimd.yaml".to_owned(), text: text.to_owned() })
}

fn faults(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_has_to_be_written() {
    assert_eq!(read("").unwrap(), Settings::default());
    assert_eq!(read("limits:\nssh:\n").unwrap(), Settings::default());
}

#[test]
fn what_is_written_is_meant() {
    let text = "limits: {per_frame: 4, global: 32}\nsocket:\n  mode: 0600\n  group: nimadm\n\
                deadlines:\n  silent: 20m\nagent: {output: 2GiB}\nlog:\n  format: json\n";
    let settings = read(text).unwrap();
    assert_eq!(settings.limits.per_frame.0, 4);
    assert_eq!(settings.limits.per_hmc, Settings::default().limits.per_hmc);
    assert_eq!(settings.socket.mode, Mode(0o600));
    assert_eq!(settings.socket.group, Some(GroupName("nimadm".to_owned())));
    assert_eq!(settings.deadlines.silent.duration(), Duration::from_secs(1200));
    assert_eq!(settings.agent.output.megabytes().0, 2048);
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn all_faults_are_said_at_once_each_with_its_line() {
    let text = "limits:\n  per_fram: 4\n  per_hmc: many\nsoket:\n  mode: 0600\nsocket:\n  mode: 0999\n\
                ssh:\n  connect: 30\n  connect: 40s\nlog:\n  format: [text]\n";
    insta::assert_snapshot!(faults(text).join("\n"), @r#"
    nimd.yaml:2: limits.per_fram: is no setting; did you mean limits.per_frame?
    nimd.yaml:3: limits.per_hmc: is a whole number from 1 to 1000, not "many"
    nimd.yaml:5: soket.mode: is no setting; did you mean socket.mode?
    nimd.yaml:7: socket.mode: is a mode in octal that lets the owner read and write, such as 0660, not "0999"
    nimd.yaml:9: ssh.connect: is a number with a unit (500ms, 30s, 15m, 6h, 30d), not "30"
    nimd.yaml:10: ssh.connect: is written twice
    nimd.yaml:12: log.format[0]: is no setting; did you mean log.format?
    "#);
}

#[test]
fn rules_between_keys_name_the_line_that_was_written() {
    let text = "limits:\n  global: 1\nlease:\n  margin: 10s\nagent:\n  stage: 3h\n";
    insta::assert_snapshot!(faults(text).join("\n"), @r"
    nimd.yaml:2: limits.global: limits.per_frame (2) is more than limits.global (1) lets run
    nimd.yaml:2: limits.global: limits.per_hmc (8) is more than limits.global (1) lets run
    nimd.yaml:4: lease.margin: lease.margin (10s) must be at most two fifths of lease.length (15s), or one lost heartbeat stops a master
    nimd.yaml:6: agent.stage: agent.stage (3h) must be shorter than deadlines.stage (2h)
    ");
}

#[test]
fn text_that_is_no_yaml_says_where() {
    let faults = read("limits: [\n").unwrap_err();
    assert_eq!((faults.len(), faults[0].line), (1, Some(1)));
}

#[test]
fn the_documentation_is_a_file_with_every_default() {
    let text = documentation();
    assert_eq!(read(&text).unwrap(), Settings::default());
    // A key is a comment without a blank; with its mark taken off it says what holds anyway.
    let uncommented: String = text
        .lines()
        .map(|line| match line.split_once('#') {
            Some((indent, key)) if !key.starts_with(' ') => format!("{indent}{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(read(&uncommented).unwrap(), Settings::default(), "{uncommented}");
    for key in KEYS {
        assert!(uncommented.contains(&format!("  {}:", key.name)), "{} is not shown", key.name);
        assert!(key.doc.trim().ends_with('.'), "{}.{} has no sentence", key.section, key.name);
    }
}

#[test]
fn no_key_is_there_twice() {
    let names: BTreeSet<_> = KEYS.iter().map(|key| (key.section, key.name)).collect();
    assert_eq!(names.len(), KEYS.len());
}

#[test]
fn settings_read_what_they_show() {
    let text = "limits: {global: 7, per_hmc: 3}\nssh: {connect: 90s, key: /etc/nim/key}\n";
    let settings = read(text).unwrap();
    assert_eq!(read(&settings.shown()).unwrap(), settings);
}

#[test]
fn the_password_of_a_database_url_is_never_shown() {
    for url in [
        "postgres://nim:hunter2@db01:5432/nim",
        "postgres://nim:hun/ter2@hunter2@db01/nim",
        "postgresql://db01/nim?user=nim&password=hunter2&sslmode=require",
        "postgres://nim@db01/nim?sslpassword=hunter2",
    ] {
        let settings = read(&format!("database:\n  url: \"{url}\"\n")).unwrap();
        assert_eq!(settings.database.url.as_ref().unwrap().reveal(), url);
        for shown in [format!("{settings:?}"), settings.shown()] {
            assert!(!shown.contains("hunter2") && !shown.contains("ter2"), "{shown}");
            assert!(shown.contains("db01"), "{shown}");
        }
    }
    let refused = faults("database:\n  url: mysql://nim:hunter2@db01/nim\n").join("");
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn spans_and_sizes_need_their_unit_and_come_back_in_it() {
    for text in ["500ms", "30s", "15m", "6h", "30d", "90s"] {
        assert_eq!(Span::read(text).unwrap().show(), text);
    }
    for text in ["", "30", "s", "0s", "-1s", "1w", "1.5h", "99999999999999999999d", "4000d"] {
        assert!(Span::read(text).is_err(), "{text:?} was read");
    }
    assert_eq!(Span::read("1500ms").unwrap().seconds().0, 2);
    assert_eq!(Size::read("64KiB").unwrap().bytes(), 65536);
    assert!(Size::read("64").is_err() && Size::read("0MiB").is_err());
}

#[test]
fn a_file_that_was_named_has_to_be_there_and_the_usual_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let found = Configuration::load(folder.path(), None).unwrap();
    assert_eq!(found.settings, Settings::default());
    assert_eq!(found.socket(), folder.path().join("run/nimd.sock"));
    let named = folder.path().join("other.yaml");
    let missing = Configuration::load(folder.path(), Some(&named)).unwrap_err();
    assert!(matches!(missing, Error::Unreadable { .. }), "{missing:?}");
    std::fs::write(folder.path().join("nimd.yaml"), "socket: {path: nim.sock}\n").unwrap();
    let found = Configuration::load(folder.path(), None).unwrap();
    assert_eq!(found.socket(), folder.path().join("nim.sock"));
}

#[test]
fn a_socket_path_that_linux_does_not_take_is_refused() {
    let long = Path::new("/tmp").join("x".repeat(100));
    let error = Configuration::load(&long, None).unwrap_err();
    assert!(matches!(error, Error::SocketPath { found: 119, .. }), "{error:?}");
}
