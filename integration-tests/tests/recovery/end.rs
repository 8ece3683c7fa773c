//! How an update ended: what must be the same whether it was disturbed or not.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use integration_tests::Harness;
use integration_tests::switched::Switched;
use nim_lab::world::World;
use nim_lab::world::frame::{Odd, PartitionState};
use nim_lab::world::lpar::{DiskPath, Software};
use nim_lab::world::system::System;
use serde_json::Value;

use crate::update;

/// The end of an operation, without times, names and what tells of the recovery itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    /// State and outcome as `nimctl` shows them.
    state: Value,
    outcome: Value,
    /// How often an update was started, by the lab's own record.
    started: usize,
    sequence: Vec<String>,
    lpar: Left,
}

/// What is left on the LPAR.
#[derive(Clone, Debug, PartialEq)]
struct Left {
    software: Software,
    kernel: String,
    /// Disk to volume group and the level that can be booted from it.
    disks: BTreeMap<String, (Option<String>, Option<String>)>,
    paths: Vec<DiskPath>,
    mounts: usize,
    tokens: usize,
    switched: Switched,
    boot_list: Vec<String>,
    /// Mount points.
    filesystems: Vec<String>,
    users: Vec<String>,
    system: System,
    partition: Held,
    update: bool,
    errors: Vec<String>,
    /// The site's own `lvupdate.data`, where there is one.
    data: Option<Vec<u8>>,
}

/// What its partition holds, as the HMC shows it.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    state: PartitionState,
    memory_mb: u64,
    hundredths: u64,
    procs: u32,
    pool: u32,
    odd: Odd,
    /// Partitions of its name or a name made from it.
    of_its_name: usize,
}

impl Held {
    fn by(world: &World, lpar: &str) -> Result<Self> {
        let (frame, id) = (world.frame_of(lpar)?, world.lpar(lpar)?.partition_id);
        let own = frame.partition(id).context("the LPAR runs in no partition")?;
        let is_of_it = |name: &str| name == lpar || name.starts_with(&format!("{lpar}_lku"));
        Ok(Self {
            state: own.state,
            memory_mb: own.memory_mb,
            hundredths: own.hundredths,
            procs: own.procs,
            pool: own.pool,
            odd: own.odd.clone(),
            of_its_name: frame.partitions.iter().filter(|one| is_of_it(&one.name)).count(),
        })
    }
}

impl End {
    /// Waits for the end of the newest operation of `lpar`.
    pub(crate) fn of(site: &Harness, lpar: &str) -> Result<Self> {
        let view = update::end(site, lpar)?;
        let world = site.lab().world()?;
        let found = world.lpars.get(lpar).context("no such LPAR")?;
        let level = |image: &Software| image.level.clone();
        let disk = |disk: &nim_lab::world::lpar::Disk| {
            (disk.name.clone(), (disk.vg.clone(), disk.image.as_ref().map(level)))
        };
        let data = site.lab().root(lpar).join("var/adm/ras/liveupdate/lvupdate.data");
        Ok(Self {
            state: view["state"].clone(),
            outcome: view["report"]["outcome"].clone(),
            started: site.updates_started(lpar)?,
            sequence: update::sequence(&update::events(site, lpar)?),
            lpar: Left {
                software: found.software.clone(),
                kernel: found.kernel.clone(),
                disks: found.disks.iter().map(disk).collect(),
                paths: found.paths.clone(),
                mounts: found.mounts.len(),
                tokens: found.tokens.len(),
                switched: Switched::of(site.lab(), lpar)?,
                boot_list: found.bootlist.clone(),
                filesystems: found.filesystems.iter().map(|one| one.mounted_on.clone()).collect(),
                users: found.users.clone(),
                system: found.system.clone(),
                partition: Held::by(&world, lpar)?,
                update: found.update.is_some(),
                errors: found.errors.iter().map(|error| error.identifier.clone()).collect(),
                data: std::fs::read(data).ok(),
            },
        })
    }

    /// Holds the end of an undisturbed operation against what it has to be, so that what is compared with it means something.
    pub(crate) fn is(&self, state: &str, started: usize) -> Result<()> {
        ensure!(self.state == state && self.started == started, "{self:#?}");
        ensure!(self.lpar.mounts == 0 && !self.lpar.update, "{self:#?}");
        ensure!(self.lpar.partition.of_its_name == 1, "{self:#?}");
        ensure!(started == 0 || !self.sequence.is_empty(), "{self:#?}");
        Ok(())
    }
}
