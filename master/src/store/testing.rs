//! Real PostgreSQL for tests: one private cluster for a test run, one database for a test, copied from a migrated template.
//!
//! Panics where a test cannot go on. `fsync` is off: only tests may forget what they stored.

mod bench;
mod cut;
#[cfg(test)]
pub mod rollout;
pub mod world;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sea_orm::sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

pub use bench::{EventBench, bench_events};
pub use cut::{Cut, Cutter};

use super::cluster::{self, ClusterHandle, ClusterOptions, FolderLock};
use super::{ConnectOptions, Store};

/// A database of a test's own, migrated.
#[derive(Clone, Debug)]
pub struct TestDatabase {
    /// URL to connect with.
    pub url: String,
}

impl TestDatabase {
    /// A new one, with the schema and nothing in it.
    pub async fn migrated() -> Self {
        Self::copy_of(TEMPLATE).await
    }

    /// A new one with nothing in it at all.
    pub async fn empty() -> Self {
        Self::copy_of("template0").await
    }

    /// A store on it.
    pub async fn store(&self) -> Store {
        Store::open(&self.options()).await.expect("connect to the test database")
    }

    /// How a test connects: few connections, and short waits.
    #[must_use]
    pub fn options(&self) -> ConnectOptions {
        ConnectOptions { connections: 6, ..ConnectOptions::new(self.url.clone()) }
    }

    async fn copy_of(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let cluster = tokio::task::spawn_blocking(shared).await.expect("start the test cluster");
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection =
            PgConnection::connect(cluster.handle.url()).await.expect("connect to the test cluster");
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        connection.execute(AssertSqlSafe(create)).await.expect("make a test database");
        connection.close().await.expect("leave the test cluster");
        Self { url: database_url(cluster.handle.url(), &name) }
    }
}

/// A store on a new migrated database.
pub async fn store() -> Store {
    TestDatabase::migrated().await.store().await
}

/// Name of the database that the others are copied from.
const TEMPLATE: &str = "template_nimd";

/// The cluster of this test run.
struct Shared {
    handle: ClusterHandle,
}

/// Starts the cluster with the first call. It ends with this process, whatever ends that.
fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        sweep();
        let folder = folder(std::process::id());
        let lock = FolderLock::take(&folder).expect("lock the folder of the test cluster");
        let settings = [
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("max_connections", "300"),
            ("shared_buffers", "64MB"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let handle =
            cluster::open(&lock, &ClusterOptions { settings }).expect("start the test cluster");
        // Held until the process ends, as the cluster is.
        std::mem::forget(lock);
        let url = handle.url().to_owned();
        thread::spawn(move || make_template(&url)).join().expect("make the template database");
        Shared { handle }
    })
}

/// Makes and migrates the template.
fn make_template(url: &str) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("connect to the test cluster");
        let create = format!("CREATE DATABASE {TEMPLATE}");
        connection.execute(AssertSqlSafe(create)).await.expect("make the template");
        connection.close().await.expect("leave the test cluster");
        let options =
            ConnectOptions { connections: 1, ..ConnectOptions::new(database_url(url, TEMPLATE)) };
        Store::connect(&options).await.expect("migrate the template").close().await;
    });
}

/// `url` with another database.
fn database_url(url: &str, name: &str) -> String {
    let (server, rest) = url.split_once("/postgres?").expect("a URL of a private cluster");
    format!("{server}/{name}?{rest}")
}

/// Folder of the test cluster of a process.
fn folder(pid: u32) -> PathBuf {
    std::env::temp_dir().join(format!("nimd-test-{pid}"))
}

/// Removes folders of test runs whose process is gone; their servers went with them.
fn sweep() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix("nimd-test-"));
        let Some(pid) = pid.and_then(|pid| pid.parse::<u32>().ok()) else { continue };
        if !Path::new("/proc").join(pid.to_string()).exists() {
            // Another run may be sweeping the same one.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}
