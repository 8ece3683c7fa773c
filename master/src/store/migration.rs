//! The schema and how it came about. Migrations name tables as text and use no entity: history does not change when a struct
//! does.
//!
//! All of them run in one transaction under an advisory lock, so two masters that start at once on an empty database both
//! find a whole schema. A binary that is older than the schema may go on with it when the schema says so:
//! `schema_level.min_binary` is the lowest level of a binary that still works with it. A migration that only adds leaves it
//! alone; one that takes something away raises it, a release after the last binary that used it.

mod m0001_inventory;
mod m0002_operation;
mod m0003_event;
mod m0004_secret;
mod m0005_secret_version;
mod m0006_catalogue;
mod m0007_partitions;
mod m0008_login_version;
mod m0009_life;
mod m0010_lpp_index;
mod m0011_secret_login;
mod m0012_unanswered;
mod m0013_allocation;
mod m0014_vios_reading;
mod m0015_selection;
mod m0016_preflight;
mod m0017_policy;
mod m0018_disk;
mod m0019_open_item;
mod m0020_rollout;
mod m0021_rollout_since;
mod m0022_maintenance;
mod m0023_master_hook;
mod m0024_clean_up;
mod m0025_profile;
mod m0026_rollout_ticket;
mod m0027_notice;
mod m0028_rollout_step;
mod m0029_again;
mod m0030_shown;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement, TransactionTrait};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use super::Error;

/// The schema level that this binary's migrations lead to.
pub(super) const LEVEL: i32 = 30;

/// Key of the advisory lock under which the schema changes. Any number that nothing else here uses.
const LOCK: i64 = 0x6e69_6d64_0000_0001;

/// Brings the schema to [`LEVEL`], or accepts a newer one that still serves this binary.
///
/// # Errors
/// [`Error::SchemaTooNew`] when it does not; [`Error::Database`] when a migration fails: nothing of any is left then.
pub(super) async fn run(db: &DatabaseConnection) -> Result<(), Error> {
    let failed = |cause: DbErr| Error::database("migrate the schema", cause);
    let txn = db.begin().await.map_err(failed)?;
    txn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
        .await
        .map_err(failed)?;
    let present = present(&txn).await.map_err(failed)?;
    match accept(present, LEVEL)? {
        Plan::Migrate => Migrator::up(&txn, None).await.map_err(failed)?,
        Plan::LeaveAlone => (),
    }
    txn.commit().await.map_err(failed)
}

/// What `schema_level` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Present {
    level: i32,
    min_binary: i32,
}

/// What is to be done about the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Migrate,
    LeaveAlone,
}

/// Decides what a binary of level `own` does with a schema; `None` for an empty database.
fn accept(present: Option<Present>, own: i32) -> Result<Plan, Error> {
    match present {
        Some(Present { level, min_binary }) if level > own => {
            if min_binary <= own {
                Ok(Plan::LeaveAlone)
            } else {
                Err(Error::SchemaTooNew { level, wants: min_binary, own })
            }
        }
        Some(_) | None => Ok(Plan::Migrate),
    }
}

/// Reads `schema_level`, where there is one.
async fn present(db: &impl ConnectionTrait) -> Result<Option<Present>, DbErr> {
    let ask = |sql: &str| Statement::from_string(sea_orm::DbBackend::Postgres, sql);
    let known =
        db.query_one_raw(ask("SELECT to_regclass('schema_level') IS NOT NULL AS known")).await?;
    let known: bool = known.map(|row| row.try_get("", "known")).transpose()?.unwrap_or(false);
    if !known {
        return Ok(None);
    }
    let row = db.query_one_raw(ask("SELECT level, min_binary FROM schema_level")).await?;
    row.map(|row| {
        Ok(Present { level: row.try_get("", "level")?, min_binary: row.try_get("", "min_binary")? })
    })
    .transpose()
}

/// All migrations, in order.
struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_inventory::M0001Inventory),
            Box::new(m0002_operation::M0002Operation),
            Box::new(m0003_event::M0003Event),
            Box::new(m0004_secret::M0004Secret),
            Box::new(m0005_secret_version::M0005SecretVersion),
            Box::new(m0006_catalogue::M0006Catalogue),
            Box::new(m0007_partitions::M0007Partitions),
            Box::new(m0008_login_version::M0008LoginVersion),
            Box::new(m0009_life::M0009Life),
            Box::new(m0010_lpp_index::M0010LppIndex),
            Box::new(m0011_secret_login::M0011SecretLogin),
            Box::new(m0012_unanswered::M0012Unanswered),
            Box::new(m0013_allocation::M0013Allocation),
            Box::new(m0014_vios_reading::M0014ViosReading),
            Box::new(m0015_selection::M0015Selection),
            Box::new(m0016_preflight::M0016Preflight),
            Box::new(m0017_policy::M0017Policy),
            Box::new(m0018_disk::M0018Disk),
            Box::new(m0019_open_item::M0019OpenItem),
            Box::new(m0020_rollout::M0020Rollout),
            Box::new(m0021_rollout_since::M0021RolloutSince),
            Box::new(m0022_maintenance::M0022Maintenance),
            Box::new(m0023_master_hook::M0023MasterHook),
            Box::new(m0024_clean_up::M0024CleanUp),
            Box::new(m0025_profile::M0025Profile),
            Box::new(m0026_rollout_ticket::M0026RolloutTicket),
            Box::new(m0027_notice::M0027Notice),
            Box::new(m0028_rollout_step::M0028RolloutStep),
            Box::new(m0029_again::M0029Again),
            Box::new(m0030_shown::M0030Shown),
        ]
    }
}

/// A migration that is one text of SQL. It notes its level; going back is not offered: a backup is.
macro_rules! migration {
    ($(#[$doc:meta])+ $name:ident, $text:literal, level $level:literal, $sql:literal) => {
        $(#[$doc])+
        pub(in crate::store) struct $name;

        impl sea_orm_migration::MigrationName for $name {
            fn name(&self) -> &str {
                $text
            }
        }

        #[sea_orm_migration::async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for $name {
            async fn up(&self, manager: &sea_orm_migration::SchemaManager) -> Result<(), sea_orm::DbErr> {
                use sea_orm::ConnectionTrait as _;
                let db = manager.get_connection();
                db.execute_unprepared($sql).await?;
                db.execute_unprepared(concat!("UPDATE schema_level SET level = ", $level)).await?;
                Ok(())
            }
        }
    };
}
use migration;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_binary_works_with_a_newer_schema_that_says_so() {
        let at = |level, min_binary| Some(Present { level, min_binary });
        assert!(matches!(accept(None, 4), Ok(Plan::Migrate)));
        assert!(matches!(accept(at(3, 1), 4), Ok(Plan::Migrate)));
        assert!(matches!(accept(at(4, 0), 4), Ok(Plan::Migrate)));
        assert!(matches!(accept(at(6, 4), 4), Ok(Plan::LeaveAlone)));
        assert!(matches!(
            accept(at(6, 5), 4),
            Err(Error::SchemaTooNew { level: 6, wants: 5, own: 4 })
        ));
    }

    #[test]
    fn the_level_of_this_binary_is_that_of_its_last_migration() {
        let migrations = Migrator::migrations();
        let numbers = migrations.iter().map(|one| one.name()[1..5].parse::<i32>().unwrap());
        let numbers: Vec<i32> = numbers.collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        assert_eq!(numbers.last(), Some(&LEVEL));
    }
}
