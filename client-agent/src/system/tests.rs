use std::io::{Read, Write};
use std::process::Stdio;

use super::*;

#[test]
fn a_lock_is_seen_by_another_process_only_while_it_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let file = File::create(&path).unwrap();
    assert!(try_lock(&file).unwrap());
    // The own process may always: what others see is tested by the supervisor's tests, with real processes.
    assert!(!is_locked(&file).unwrap());
    lock(&file).unwrap();
}

#[test]
fn this_process_exists_and_a_waited_for_child_does_not() {
    assert!(process_exists(std::process::id()));
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    assert!(!process_exists(pid));
    assert!(!process_exists(0));
    assert!(!process_exists(u32::MAX));
}

#[test]
fn a_program_on_a_pty_has_a_terminal_and_nothing_is_echoed() {
    let pty = Pty::open().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "tty <&0 >/dev/null && : </dev/tty && read line && echo got:$line"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    pty.attach(&mut command);
    let mut child = command.spawn().unwrap();
    let mut ours = &pty.ours;
    ours.write_all(b"tiger\n").unwrap();
    let mut seen = String::new();
    while !seen.contains('\n') {
        assert!(wait_readable(&pty.ours, Duration::from_secs(30)).unwrap(), "saw {seen:?}");
        let mut part = [0; 64];
        let count = ours.read(&mut part).unwrap();
        seen.push_str(&String::from_utf8_lossy(&part[..count]));
    }
    assert_eq!(seen.trim_end(), "got:tiger");
    assert!(child.wait().unwrap().success());
}

#[test]
fn broken_down_time_is_counted_as_utc() {
    // SAFETY: all zeros is a valid `tm`.
    let mut tm = unsafe { MaybeUninit::<libc::tm>::zeroed().assume_init() };
    tm.tm_year = 124;
    tm.tm_yday = 60;
    tm.tm_hour = 1;
    // 2024-03-01T01:00:00Z, in a leap year.
    assert_eq!(civil_seconds(&tm), 1_709_254_800);
}

#[test]
fn the_system_answers() {
    assert!(free_bytes(Path::new("/")).unwrap() > 0);
    assert!(free_bytes(Path::new("/no/such/place")).is_err());
    assert!(host_name().is_some());
    assert!(own_program().unwrap().is_absolute());
}
