//! What comes into the product from outside: licences, sources, and crates that are built twice.
//!
//! Asks `cargo tree`, which needs no network and no tool that has to be built first. The rules stand in `deny.toml`, which
//! `cargo deny` understands too (docs/decisions/0004).

mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use policy::{Policy, satisfied};

#[test]
fn every_licence_is_one_that_we_may_ship() {
    let policy = policy();
    let refused: Vec<String> = packages()
        .into_iter()
        .filter(|package| !satisfied(&package.license, policy.list("licenses.allow")))
        .map(|package| format!("{} {}: {}", package.name, package.version, package.license))
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml:\n{}", refused.join("\n"));
}

#[test]
fn everything_comes_from_the_registry_or_from_here() {
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock")).unwrap();
    let sources: BTreeSet<&str> =
        lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    let registry = "\"registry+https://github.com/rust-lang/crates.io-index\"";
    assert_eq!(sources, BTreeSet::from([registry]));
}

#[test]
fn no_banned_crate_is_built() {
    let policy = policy();
    let built: BTreeSet<String> = packages().into_iter().map(|package| package.name).collect();
    for banned in policy.list("bans.deny") {
        assert!(!built.contains(&banned.name), "{}: {:?}", banned.name, banned.reason);
    }
}

#[test]
fn a_crate_is_built_twice_only_with_a_reason() {
    let policy = policy();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let skip = policy.list("bans.skip");
    for (name, versions) in &versions {
        let unexplained: Vec<_> = versions
            .iter()
            .filter(|version| !skip.iter().any(|entry| covers(&entry.name, name, version)))
            .collect();
        assert!(unexplained.len() <= 1, "{name} is built in versions {unexplained:?}");
    }
    for entry in skip {
        let needed = versions.iter().any(|(name, versions)| {
            versions.len() > 1 && versions.iter().any(|version| covers(&entry.name, name, version))
        });
        assert!(needed, "deny.toml excuses {}, which is not built twice", entry.name);
        assert!(entry.reason.is_some(), "deny.toml excuses {} without a reason", entry.name);
    }
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let policy = Policy::read("[licenses]\nallow = [\n  \"MIT\",\n  \"A WITH x\",\n  \"B\",\n]\n");
    let allowed = policy.list("licenses.allow");
    for good in
        ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(GPL-3.0 OR MIT) AND B", "A WITH x", "MIT AND B"]
    {
        assert!(satisfied(good, allowed), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "A",
        "A WITH y",
        "(MIT",
        "MIT)",
        "MIT OR",
        "GPL-3.0 OR (B AND C)",
    ] {
        assert!(!satisfied(bad, allowed), "{bad}");
    }
}

/// A package that is built for the product, with its tests left out.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    license: String,
}

/// Everything that is built on this machine for the workspace.
fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--offline", "--edges", "normal,build"])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"])
        .current_dir(workspace())
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let lines: BTreeSet<String> =
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    let packages: Vec<Package> = lines.iter().filter_map(|line| read(line)).collect();
    assert!(packages.len() > 100, "only {} packages in {lines:?}", packages.len());
    packages
}

/// Reads `name v1.2.3 (where from)|licence`.
fn read(line: &str) -> Option<Package> {
    let (package, license) = line.split_once('|')?;
    let mut words = package.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next()?.trim_start_matches('v').to_owned();
    Some(Package { name, version, license: license.to_owned() })
}

/// Whether an entry such as `rand@0.9` means this version of this crate.
fn covers(entry: &str, name: &str, version: &str) -> bool {
    entry.split_once('@').is_some_and(|(crate_name, prefix)| {
        crate_name == name
            && version
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

fn policy() -> Policy {
    Policy::read(
        &std::fs::read_to_string(workspace().join("deny.toml")).expect("it stands in the root"),
    )
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a member stands in the workspace")
        .to_owned()
}
