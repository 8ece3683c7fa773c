//! The agent has to build on AIX, where nobody here can build it: what can be checked without is checked here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What the agent may consist of on AIX: pure Rust, known to build there or without anything that depends on the system.
const ALLOWED: &[&str] = &[
    "base64",
    "block-buffer",
    "cfg-if",
    "const-oid",
    "cpufeatures",
    "crc32fast",
    "crypto-common",
    "deranged",
    "digest",
    "hybrid-array",
    "itoa",
    "libc",
    "memchr",
    "nim-agent",
    "nim-shared",
    "num-conv",
    "powerfmt",
    "serde",
    "serde_core",
    "serde_json",
    "sha2",
    "thiserror",
    "time",
    "time-core",
    "typenum",
    "uuid",
    "zmij",
];

#[test]
fn on_aix_the_agent_consists_of_what_is_allowed() {
    let tree = cargo(&[
        "tree",
        "--offline",
        "--target",
        "powerpc64-ibm-aix",
        "-p",
        "nim-agent",
        "-e",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ]);
    let found: BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let extra: Vec<_> = found.iter().filter(|name| !ALLOWED.contains(name)).collect();
    assert!(extra.is_empty(), "not on the list: {extra:?}");
    assert!(found.contains("serde_json"), "the tree was not understood:\n{tree}");
}

#[test]
fn every_name_of_libc_that_is_used_exists_on_aix() {
    let unix = libc_sources().join("src/unix");
    let common = std::fs::read_to_string(unix.join("mod.rs")).unwrap();
    let aix = ["aix/mod.rs", "aix/powerpc64.rs"]
        .map(|file| std::fs::read_to_string(unix.join(file)).unwrap());
    let primitive = std::fs::read_to_string(unix.join("../primitives.rs")).unwrap_or_default();
    let known = words(&[&common, &aix[0], &aix[1], &primitive]);
    let sources = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut users = BTreeSet::new();
    let mut used = BTreeSet::new();
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        for part in text.split("libc::").skip(1) {
            let name: String =
                part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                used.insert(name);
                users.insert(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert!(used.contains("setsid"), "the sources were not understood: {used:?}");
    let missing: Vec<_> = used.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not in libc for AIX: {missing:?}");
    let allowed = ["system.rs", "tests.rs"].map(str::to_owned).into();
    assert!(users.is_subset(&allowed), "libc is used outside system.rs: {users:?}");
}

fn libc_sources() -> PathBuf {
    let metadata = cargo(&["metadata", "--offline", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let libc = packages.iter().find(|package| package["name"] == "libc").unwrap();
    Path::new(libc["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn words<'a>(texts: &[&'a str]) -> BTreeSet<&'a str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    texts.iter().flat_map(|text| text.split(move |c| !is_word(c))).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}
