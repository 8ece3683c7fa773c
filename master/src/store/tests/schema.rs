use std::fs;
use std::path::Path;
use std::process::Command;

use sea_orm::sqlx::query;

use crate::store::testing::TestDatabase;
use crate::store::testing::world::{SOMEBODY, master, name, object};
use crate::store::{Error, Store, migration};

#[tokio::test]
async fn two_masters_that_start_at_once_on_an_empty_database_both_succeed() {
    let database = TestDatabase::empty().await;
    let options = database.options();
    let start = async || Store::connect(&options).await;
    let (a, b, c) = tokio::join!(start(), start(), start());
    let stores = [a.unwrap(), b.unwrap(), c.unwrap()];
    let lpp = object(nim_shared::object::ObjectType::LppSource, "lpp", &[("location", "/a")]);
    stores[0].define(&lpp, SOMEBODY).await.unwrap();
    for store in &stores {
        assert_eq!(store.object(&name("lpp")).await.unwrap().object, lpp);
    }
}

#[tokio::test]
async fn a_newer_schema_is_accepted_when_it_says_that_it_may_be() {
    let database = TestDatabase::migrated().await;
    let store = database.store().await;
    query(
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m0099_of_a_later_release', 0)",
    )
    .execute(&store.pool)
    .await
    .unwrap();
    let set = async |level: i32, wants: i32| {
        query("UPDATE schema_level SET level = $1, min_binary = $2")
            .bind(level)
            .bind(wants)
            .execute(&store.pool)
            .await
            .unwrap();
    };
    set(migration::LEVEL + 1, migration::LEVEL).await;
    let older = Store::connect(&database.options()).await.expect("it may");
    master(&older).await;
    set(migration::LEVEL + 1, migration::LEVEL + 1).await;
    match Store::connect(&database.options()).await {
        Err(error @ Error::SchemaTooNew { .. }) => assert_eq!(error.code(), "NLU-0306"),
        result => panic!("{result:?}"),
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_an_error_that_helps_and_shows_no_password() {
    let database = TestDatabase::empty().await;
    let url = database
        .url
        .replace("nimd@", "nimd:canary-in-the-url@")
        .replace("/nimd-test", "/nowhere-test");
    let mut options = database.options();
    options.url = url;
    options.acquire = std::time::Duration::from_millis(200);
    let error = Store::connect(&options).await.expect_err("there is no such socket");
    assert_eq!(error.code(), "NLU-0301");
    assert!(error.hint().is_some());
    let mut said = format!("{error} {error:?} {options:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(one) = cause {
        said.push_str(&one.to_string());
        cause = one.source();
    }
    assert!(!said.contains("canary"), "{said}");
}

/// `schemas/postgres.sql` is the schema as the migrations leave it. `UPDATE_SCHEMAS=1` writes it anew.
#[tokio::test]
async fn the_schema_that_is_checked_in_is_that_of_the_migrations() {
    let database = TestDatabase::empty().await;
    let store = database.store().await;
    migration::run(&store.db).await.unwrap();
    let dump = normal(&dump(&database.url));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/postgres.sql");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &dump).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == dump,
        "schemas/postgres.sql is not what the migrations make; write it anew with UPDATE_SCHEMAS=1"
    );
}

/// What `pg_dump` says of the schema.
fn dump(url: &str) -> String {
    // libpq reads the same URL.
    let output = Command::new("pg_dump")
        .args(["--schema-only", "--no-owner", "--no-privileges", "--dbname", url])
        .output()
        .expect("pg_dump is installed with PostgreSQL");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Without what differs between versions of `pg_dump`: comments, settings of the session, and empty lines.
fn normal(dump: &str) -> String {
    let noise = |line: &&str| {
        line.is_empty()
            || line.starts_with("--")
            || line.starts_with("SET ")
            || line.starts_with("SELECT pg_catalog.set_config")
            || line.starts_with("\\restrict")
            || line.starts_with("\\unrestrict")
    };
    let mut text = String::from(
        "-- The schema as the migrations leave it. Written by a test: UPDATE_SCHEMAS=1.\n",
    );
    for line in dump.lines().filter(|line| !noise(line)) {
        // A statement begins a paragraph.
        if line.starts_with(|c: char| c.is_ascii_uppercase()) {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}
