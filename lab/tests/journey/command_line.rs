//! The program itself.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn nim_lab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nim-lab")).args(arguments).output().unwrap()
}

fn up(directory: &Path) -> (Child, String) {
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/site-small.yaml");
    let directory = directory.to_str().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_nim-lab"))
        .args([
            "up",
            "--site",
            site,
            "--dir",
            directory,
            "--port",
            "0",
            "--steps",
            "--agent",
            "/bin/true",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

#[test]
fn it_says_when_it_is_ready_takes_faults_and_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("site");
    let (mut site, ready) = up(&directory);
    assert!(ready.starts_with("ready: 12 LPARs"), "{ready}");
    let dir = directory.to_str().unwrap();
    let fault = |words: &[&str]| {
        let ran = nim_lab(&[&["fault"], words, &["--dir", dir]].concat());
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let said = fault(&["lpar07", "procfs-open"]);
    assert_eq!(
        said,
        "lpar07: procfs-open from now on, until --clear
"
    );
    let said = fault(&["lpar08", "reboot", "--at", "mirror"]);
    assert_eq!(
        said,
        "lpar08: reboot strikes when an update enters mirror
"
    );
    let said = fault(&["lpar09", "ssh-drop"]);
    assert!(said.starts_with("lpar09: ssh-drop has struck, once,"), "{said}");
    assert!(said.contains("--at PHASE, such as clone"), "{said}");
    let status = String::from_utf8(nim_lab(&["status", "--dir", dir]).stdout).unwrap();
    let row = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(row("lpar07").ends_with("procfs-open"), "{status}");
    assert!(row("lpar08").ends_with("reboot"), "{status}");
    assert_eq!(
        fault(&["lpar07", "procfs-open", "--clear"]),
        "lpar07: procfs-open is taken back
"
    );
    let unknown = nim_lab(&["fault", "lpar99", "procfs-open", "--dir", dir]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no LPAR is called \"lpar99\""));
    assert_eq!(nim_lab(&["advance", "--dir", dir]).stdout, b"nothing waits\n");
    let pid = site.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(site.wait().unwrap().success());
    let gone = nim_lab(&["status", "--dir", dir]);
    assert!(String::from_utf8_lossy(&gone.stderr).contains("is `nim-lab up` running"), "{gone:?}");
}

#[test]
fn every_fault_is_explained() {
    let said = String::from_utf8(nim_lab(&["fault", "--list"]).stdout).unwrap();
    for name in ["procfs-open", "no-token", "frame-full", "clone-of-another-lpar"] {
        assert!(said.lines().any(|line| line.starts_with(name)), "{said}");
    }
}

#[test]
fn a_wrong_site_file_is_refused_with_all_its_faults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.yaml");
    std::fs::write(&file, "hmcs: []\nframes: []\nlpars:\n  - {name: a, frame: x, address: 10.0.0.1, id: 1, level: '7.2'}\n").unwrap();
    let said = nim_lab(&["up", "--site", file.to_str().unwrap(), "--dir", "unused"]);
    let errors = String::from_utf8(said.stderr).unwrap();
    assert!(errors.contains("lpars[0].address: "), "{errors}");
    assert!(errors.contains("lpars[0].frame: no frame is called \"x\""), "{errors}");
}
