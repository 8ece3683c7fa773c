use std::os::unix::fs::PermissionsExt;

use super::*;

fn lpar(name: &str, script: &str) -> (tempfile::TempDir, Commands) {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("usr/sbin");
    std::fs::create_dir_all(&bin).unwrap();
    let path = bin.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let commands = Commands::new(Root::below(folder.path()));
    (folder, commands)
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_command_runs_in_the_c_locale_with_our_path_and_no_input() {
    let (folder, commands) =
        lpar("lspv", "echo $LC_ALL $ODMDIR $PATH; umask; cat; echo err >&2; exit 3");
    let answer = commands.run("lspv", &[], LONG).unwrap();
    assert_eq!(answer.status, 3);
    let expected = format!("C /etc/objrepos {}/usr/bin:", folder.path().display());
    assert!(answer.text.starts_with(&expected), "{}", answer.text);
    assert!(answer.text.ends_with("err\n"), "{}", answer.text);
    let error = commands.ask("lspv", &[], LONG).unwrap_err();
    assert!(matches!(error, Error::Failed { status: 3, .. }), "{error}");
}

#[test]
fn a_command_that_the_lpar_does_not_have_is_not_looked_for_elsewhere() {
    let (_folder, commands) = lpar("lspv", "");
    let error = commands.run("ls", &[], LONG).unwrap_err();
    assert_eq!(error.to_string(), "there is no command ls on this LPAR");
}

#[test]
fn a_command_past_its_limit_is_ended_with_its_children() {
    // The child holds a lock for as long as it lives; it would say that it came to its own end.
    let script = "exec 9> lock; /usr/bin/flock 9; (/usr/bin/sleep 100; echo > survived) & wait";
    let (folder, commands) = lpar("slow", script);
    let error = commands.run("slow", &[], Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, Error::TooLong { .. }), "{error}");
    if let Ok(lock) = File::open(folder.path().join("lock")) {
        lock.lock().unwrap();
    }
    assert!(!folder.path().join("survived").exists());
}

#[test]
fn a_command_that_prints_without_end_is_ended() {
    let (_folder, commands) = lpar(
        "yes",
        "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done",
    );
    assert!(matches!(commands.run("yes", &[], LONG), Err(Error::TooMuch { .. })));
}
