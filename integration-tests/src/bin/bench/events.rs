//! (c) Durable, deduplicated events into Postgres beside COPY of the same rows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::Result;
use nim_master::store::cluster::{self, ClusterOptions, FolderLock};
use nim_master::store::testing::{EventBench, bench_events};
use nim_master::store::{ConnectOptions, Store};

use crate::report::{Gate, Row, number};

/// Operations, and events of each.
const SIZE: (u32, u64) = (2000, 50);

/// Rows of a batch: as many as nimd gathers at most.
const BATCH: usize = 500;

/// Measures the row, on a cluster of its own with the settings of a real one.
pub(crate) async fn measure() -> Result<Row> {
    let folder = tempfile::Builder::new().prefix("nimb").tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
    let data = folder.path().join("nimd");
    let (cluster, lock) = tokio::task::spawn_blocking(move || -> Result<_> {
        fs::create_dir_all(&data)?;
        let lock = FolderLock::take(&data)?;
        Ok((cluster::open(&lock, &ClusterOptions::default())?, lock))
    })
    .await??;
    let store = Store::connect(&ConnectOptions::new(cluster.url())).await?;
    let found = bench_events(&store, SIZE.0, SIZE.1, BATCH).await;
    store.close().await;
    tokio::task::spawn_blocking(move || cluster.stop()).await?;
    drop(lock);
    Ok(row(&found))
}

fn row(found: &EventBench) -> Row {
    let (append, copy) = (found.append_per_second(), found.copy_per_second());
    let mut row =
        Row::new(format!("(c) {} durable, deduplicated events, {BATCH} a batch", found.rows));
    row.figure("nimd's store", format!("{:>7} rows/s", number(append)));
    row.figure("COPY of the same rows", format!("{:>7} rows/s", number(copy)));
    row.at_least("events a second", append, 50_000.0, Gate::No);
    row.at_least("share of COPY", append / copy, 0.5, Gate::Yes);
    row
}
