//! The borders between the parts hold: who imports what.
//!
//! Keeping a border is cheap, redrawing one is not. The table of [`rules`] is `style.md` §1's; a crossing is reported with
//! file, line and the sentence that it breaks. Cargo guards the borders between crates by itself; these are the finer ones.

mod rules;
mod scan;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rules::{Crossing, crossings};

#[test]
fn no_source_crosses_a_border() {
    let root = workspace();
    let dependencies = dependencies(&root);
    let mut seen = 0;
    let mut found: Vec<Crossing> = Vec::new();
    for file in sources(&root) {
        let source = fs::read_to_string(root.join(&file)).unwrap();
        found.extend(crossings(&file, &source, &dependencies));
        seen += 1;
    }
    let report: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(report.is_empty(), "borders crossed:\n{}", report.join("\n"));
    assert!(seen > 30, "only {seen} sources were found below {}", root.display());
}

#[test]
fn a_crossing_is_reported_with_file_and_line() {
    let source = "//! Doc.\n\nuse std::fmt;\nuse sea_orm::{EntityTrait, sea_query::Expr};\n";
    let found = check("master/src/engine/lease.rs", source);
    let report: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        report,
        [
            "master/src/engine/lease.rs:4: `sea_orm::EntityTrait`: only the store speaks SQL",
            "master/src/engine/lease.rs:4: `sea_orm::sea_query::Expr`: only the store speaks SQL",
        ]
    );
}

#[test]
fn each_border_is_noticed() {
    for (file, source, says) in [
        ("shared/src/id.rs", "use std::{fmt, fs::File};", "shared and rollout have no IO"),
        ("shared/src/id.rs", "fn f() { std::process::exit(1) }", "shared and rollout have no IO"),
        ("shared/src/id.rs", "use nim_rollout::seed::Seeded;", "shared uses nothing of ours"),
        ("rollout/src/plan.rs", "use nim_master::store::Store;", "rollout plans and decides"),
        (
            "rollout/src/run.rs",
            "fn f() { std::time::Instant::now(); }",
            "shared and rollout have no IO",
        ),
        (
            "rollout/src/calendar.rs",
            "fn f() { jiff::Zoned::now(); }",
            "shared and rollout have no IO",
        ),
        ("client-agent/src/serve.rs", "use tokio::net;", "the agent uses shared"),
        (
            "client-agent/src/serve.rs",
            "fn f() { ring::digest::digest(); }",
            "the agent uses shared",
        ),
        ("master/src/engine/operation.rs", "use crate::store::Store;", "what decides imports only"),
        (
            "master/src/engine/capacity.rs",
            "use super::super::store::Store;",
            "what decides imports only",
        ),
        (
            "master/src/engine/rollout.rs",
            "use super::session::Session;",
            "what decides does not act",
        ),
        ("master/src/engine/session.rs", "use russh::client;", "only transport speaks SSH"),
        (
            "master/src/store/event.rs",
            "use crate::transport::Connection;",
            "the store knows neither",
        ),
        (
            "master/src/transport/exec.rs",
            "fn f(_: crate::store::Store) {}",
            "transport knows nothing",
        ),
        ("master/src/api/object.rs", "use crate::transport::connect;", "the api translates"),
        ("master/src/api/object.rs", "use sea_orm::Value;", "only the store speaks SQL"),
        ("master/src/inventory/hmc.rs", "use axum::Json;", "only the api speaks HTTP"),
        ("nimctl/src/client.rs", "use nim_master::store;", "nimctl talks to nimd's API only"),
        ("nimctl/tests/cli/main.rs", "use russh::server;", "nimctl opens no database"),
        (
            "lab/src/aix/geninstall.rs",
            "use nim_shared::transcript::read;",
            "of shared the lab uses",
        ),
        ("master/src/engine.rs", "use nim_lab::World;", "nothing imports the lab"),
        ("nimctl/src/output.rs", "use serde_yaml as yaml;", "text becomes YAML values"),
        ("shared/src/yaml/node.rs", "use serde_yaml::Value;", "text becomes YAML values"),
    ] {
        let found = check(file, source);
        assert!(
            found.iter().any(|crossing| crossing.border.starts_with(says)),
            "{file}: {source}: {says}: {found:?}"
        );
    }
}

#[test]
fn what_is_allowed_is_not_reported() {
    for (file, source) in [
        ("shared/src/yaml/library.rs", "use serde_yaml::from_str;"),
        ("master/src/store/event.rs", "use sea_orm::Value; use crate::engine::operation::State;"),
        ("master/src/transport/connect.rs", "use russh::client; use super::exec;"),
        ("master/src/engine/session.rs", "use crate::{store::Store, transport::connect};"),
        ("master/src/engine/journal.rs", "use super::operation::Event; use nim_shared::frame;"),
        ("master/src/engine/operation/tests.rs", "use super::*;"),
        ("client-agent/src/journal/tests.rs", "use proptest::prelude::*;"),
        ("client-agent/src/disk.rs", "fn f() {}\n\n#[cfg(test)]\nmod tests { use proptest::x; }"),
        ("lab/src/site.rs", "use nim_shared::{id::ObjectName, unit::Megabytes};"),
        // What only looks like a path: comments, texts, a lifetime, a name that begins alike.
        ("shared/src/a.rs", "// use std::fs;\n/* tokio::spawn /* nested */ rand::x */\n"),
        ("shared/src/b.rs", "const A: &str = \"tokio::spawn \\\" rand::x\";"),
        ("shared/src/c.rs", "const A: &str = r#\"std::fs \" std::net::x\"#;"),
        ("shared/src/d.rs", "fn f<'a>(x: &'a str) -> char { '\"' } // \"tokio::x"),
        ("shared/src/e.rs", "use tokio_like::x; fn f() { my::std::fs(); }"),
    ] {
        assert_eq!(check(file, source), [], "{file}: {source}");
    }
}

#[test]
fn paths_are_found_however_they_are_written() {
    let source = "use a::{self as b, c::{d, e::*}, f}; fn g() { crate::h::<u8>::i(); ::j::k() }\n\
        use {l::m, n}; fn o<'a>() -> impl Sized + use<'a> { p::q }";
    let found: Vec<String> =
        scan::paths(source).into_iter().map(|path| path.segments.join("::")).collect();
    assert_eq!(
        found,
        ["a::self", "a::c::d", "a::c::e::*", "a::f", "crate::h", "j::k", "l::m", "n", "p::q"]
    );
}

fn check(file: &str, source: &str) -> Vec<Crossing> {
    let crates = ["tokio", "ring", "proptest", "serde"];
    crossings(file, source, &crates.map(str::to_owned))
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a member stands in the workspace")
        .to_owned()
}

/// Every source of the workspace's members, by its path from the root.
fn sources(root: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let members = ["shared", "client-agent", "master", "nimctl", "lab"];
    let mut pending: Vec<PathBuf> = members.iter().map(|member| root.join(member)).collect();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).expect("a folder that can be read") {
            let path = entry.expect("an entry that can be read").path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(root).expect("it was found below the root");
                files.insert(inside.to_str().expect("our names are ASCII").to_owned());
            }
        }
    }
    files
}

/// The names of all crates that any member may use, as sources write them: the keys of the root's table.
fn dependencies(root: &Path) -> Vec<String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the root has a manifest");
    let table = manifest.split("[workspace.dependencies]").nth(1).expect("the root has that table");
    let table = table.split("\n[").next().unwrap_or(table);
    let names = table.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    names.filter(|name| !name.starts_with('#')).map(|name| name.replace('-', "_")).collect()
}
