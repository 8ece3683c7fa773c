use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB nimd@master";

/// A program that answers `version`, with every byte there is after its end.
fn fake_program() -> Vec<u8> {
    let mut program = b"#!/bin/sh\n[ \"$1\" = version ] && echo 'nim-agent 9.9'\nexit 0\n".to_vec();
    program.extend(
        (0..40_000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()),
    );
    program
}

fn lpar(user: Option<&str>) -> Standalone {
    let mut draft = nim_shared::object::Draft::new(nim_shared::object::ObjectType::Standalone);
    draft.add("if1", "find_net lpar01 0");
    if let Some(user) = user {
        draft.add("ssh_user", user);
    }
    match draft.finish("lpar01".parse().unwrap()).unwrap().spec {
        nim_shared::object::Spec::Standalone(lpar) => lpar,
        _ => unreachable!("a standalone was drafted"),
    }
}

fn bundle() -> String {
    script(&"lpar01".parse().unwrap(), &lpar(None), &fake_program(), KEY).unwrap()
}

/// Feeds `script` to a shell as `ssh root@lpar sh -s` does: through a pipe.
fn run(shell: &str, script: &str, root: &Path, path: &str) -> Output {
    let mut child = Command::new(shell)
        .arg("-s")
        .env("NIM_AGENT_ROOT", root)
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A shell that ends early closes the pipe; what it said is looked at by the caller.
    drop(child.stdin.take().unwrap().write_all(script.as_bytes()));
    child.wait_with_output().unwrap()
}

fn succeeds(output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{:?}: {error}", output.status);
}

const HOST: &str = "/usr/bin:/bin";

#[test]
fn the_script_installs_program_and_key_and_may_be_run_again() {
    let root = tempfile::tempdir().unwrap();
    for shell in ["sh", "bash"] {
        succeeds(&run(shell, &bundle(), root.path(), HOST));
        let agent = root.path().join("opt/nim/bin/nim-agent");
        assert_eq!(std::fs::read(&agent).unwrap(), fake_program(), "{shell}");
        assert_eq!(agent.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        let keys = std::fs::read_to_string(root.path().join(".ssh/authorized_keys")).unwrap();
        let line = format!("restrict,command=\"{} gate\" {KEY}\n", agent.display());
        assert_eq!(keys, line, "{shell}");
        let left: Vec<_> = std::fs::read_dir(agent.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

#[test]
fn other_keys_stay_and_an_older_line_of_ours_goes() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join(".ssh")).unwrap();
    let keys = root.path().join(".ssh/authorized_keys");
    // The last line has no end: ours must not be glued to it.
    std::fs::write(&keys, format!("{KEY}\nssh-rsa AAAAB3 admin@desk")).unwrap();
    succeeds(&run("sh", &bundle(), root.path(), HOST));
    let text = std::fs::read_to_string(&keys).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0], "ssh-rsa AAAAB3 admin@desk");
    assert!(lines[1].starts_with("restrict,command=\"") && lines[1].ends_with(KEY), "{text}");
}

/// A PATH with everything that the script needs but decoders and sums, and those of `names` that this machine has.
fn path_with(names: &[&str], folder: &Path) -> Vec<String> {
    let basic = [
        "id", "mkdir", "rm", "chmod", "cat", "wc", "awk", "mv", "head", "tail", "tr", "grep", "cp",
        "cksum",
    ];
    let mut found = Vec::new();
    for name in basic.iter().chain(names) {
        let place = ["/usr/bin", "/bin"]
            .iter()
            .map(|one| Path::new(one).join(name))
            .find(|one| one.is_file());
        match place {
            Some(place) => {
                std::os::unix::fs::symlink(place, folder.join(name)).unwrap();
                found.push((*name).to_owned());
            }
            None => assert!(names.contains(name), "this machine has no {name}"),
        }
    }
    found
}

/// The script with a PATH of its own in place of the fixed one.
fn confined(script: &str, folder: &Path) -> String {
    let line = script.lines().find(|line| line.starts_with("PATH=")).unwrap();
    script.replace(line, &format!("PATH={}", folder.display()))
}

#[test]
fn each_decoder_alone_is_enough_and_so_is_each_sum() {
    let mut tried = 0;
    for decoder in ["openssl", "perl", "base64", "uudecode"] {
        for sum in ["sha256sum", "openssl", "shasum"] {
            let (root, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let mut wanted = vec![decoder];
            if sum != decoder {
                wanted.push(sum);
            }
            let found = path_with(&wanted, bin.path());
            if !found.iter().any(|name| name == decoder) {
                continue;
            }
            tried += 1;
            let output = run("/bin/sh", &confined(&bundle(), bin.path()), root.path(), HOST);
            succeeds(&output);
            let agent = root.path().join("opt/nim/bin/nim-agent");
            assert_eq!(std::fs::read(agent).unwrap(), fake_program(), "{decoder} and {sum}");
        }
    }
    assert!(tried >= 3, "this machine has none of the decoders");
}

#[test]
fn a_program_that_arrives_damaged_is_not_installed() {
    let root = tempfile::tempdir().unwrap();
    let good = bundle();
    let line = good.lines().rev().find(|line| line.len() == 76 && !line.contains(' ')).unwrap();
    let bad = good.replace(line, &line.chars().rev().collect::<String>());
    let output = run("sh", &bad, root.path(), HOST);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("unpacks the program"));
    assert!(!root.path().join("opt/nim/bin/nim-agent").exists());
    assert!(!root.path().join(".ssh/authorized_keys").exists());
}

#[test]
fn a_script_that_is_cut_off_fails() {
    let good = bundle();
    for part in [good.len() / 3, good.len() / 2, good.len() - 3000, good.len() - 11] {
        let root = tempfile::tempdir().unwrap();
        let output = run("sh", &good[..part], root.path(), HOST);
        assert!(!output.status.success());
    }
}

#[test]
fn a_program_that_does_not_run_here_is_said_with_what_it_needs() {
    let root = tempfile::tempdir().unwrap();
    let program = b"#!/bin/sh\necho 'Could not load program' >&2\nexit 255\n";
    let text = script(&"lpar01".parse().unwrap(), &lpar(None), program, KEY).unwrap();
    let output = run("sh", &text, root.path(), HOST);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("Could not load program"), "{error}");
    assert!(error.contains("libc++.rte"), "{error}");
}

#[test]
fn nothing_that_a_shell_would_read_gets_into_the_script() {
    let name = "lpar01".parse().unwrap();
    for user in ["root;id", "$(id)", "-x", "a b", "../x"] {
        let error = script(&name, &lpar(Some(user)), b"x", KEY).unwrap_err();
        assert!(matches!(error, Error::BadUser { .. }), "{user}: {error:?}");
    }
    for key in
        ["", "ssh-ed25519", "ssh-ed25519 AAAA $(id)", "ssh-ed25519 AAAA \"x\"", "ssh-rsa A'A x"]
    {
        assert!(matches!(script(&name, &lpar(None), b"x", key), Err(Error::BadKey)), "{key}");
    }
    let mut other = lpar(None);
    other.platform = Some("../../etc".to_owned());
    assert!(matches!(program(Path::new("/"), &other), Err(Error::BadPlatform { .. })));
}

#[test]
fn the_program_is_taken_by_platform() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("chrp")).unwrap();
    assert!(matches!(program(folder.path(), &lpar(None)), Err(Error::NoProgram { .. })));
    std::fs::write(folder.path().join("chrp/nim-agent"), "binary").unwrap();
    assert_eq!(program(folder.path(), &lpar(None)).unwrap(), b"binary");
}

#[test]
fn the_sum_is_that_of_cksum() {
    // Source: `printf 123456789 | cksum` prints 930766865 9.
    assert_eq!(cksum(b"123456789"), 930_766_865);
    assert_eq!(cksum(b""), 4_294_967_295);
}
