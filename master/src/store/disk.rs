//! The disks of LPARs as they were seen last, and those that earlier Live Updates used.

use std::collections::BTreeMap;

use nim_shared::disks::{
    DiskUse, GoodFor, PastRun, Pvid, Role, Run, RunDisk, RunDisks, SeenDisk, Udid, Used,
};
use nim_shared::id::{DiskName, ObjectName, OperationId};
use nim_shared::lvupdate;
use nim_shared::operation::{Named, Outcome, Report, Software, StateName};
use nim_shared::prep::SiteBackup;
use nim_shared::request::{Kind, Request};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::commit::Writing;
use super::{Error, Store};

/// How many updates of an LPAR are looked through, the newest first: what holds disks ends with the first that succeeded.
const UPDATES: i64 = 20;

/// How many operations of an LPAR are looked through for what they left on disks, the newest first.
const RUNS: i64 = 200;

/// A disk by its ids.
type Ids = (Option<Pvid>, Option<Udid>);

/// LPAR, operation, state, order, report.
type Row = (String, Uuid, String, String, Option<Value>);

/// The disks of an LPAR as they were seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSeen {
    /// The disks.
    pub disks: Vec<SeenDisk>,
    /// When they were.
    pub at: Timestamp,
}

impl Store {
    /// Stores what disks LPARs show. A reading that is older than the stored one is dropped, and so is one of an LPAR that is no longer
    /// on record.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn record_disks(
        &self,
        seen: &[(ObjectName, Timestamp, Vec<SeenDisk>)],
    ) -> Result<(), Error> {
        let mut txn = self.begin(Writing::Disks).await?;
        query(
            "INSERT INTO disk_reading AS r (lpar_id, read_at, disks)
             SELECT o.id, x.at, x.disks FROM unnest($1::text[], $2::timestamptz[], $3::jsonb[]) AS x (name, at, disks)
             JOIN nim_object o ON o.name = x.name JOIN nim_standalone s ON s.object_id = o.id
             ON CONFLICT (lpar_id) DO UPDATE SET read_at = excluded.read_at, disks = excluded.disks
             WHERE r.read_at < excluded.read_at",
        )
        .bind(seen.iter().map(|(lpar, ..)| lpar.as_str()).collect::<Vec<_>>())
        .bind(seen.iter().map(|(_, at, _)| at.get()).collect::<Vec<_>>())
        .bind(seen.iter().map(|(.., disks)| json!(disks)).collect::<Vec<_>>())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }

    /// The disks of every LPAR as they were seen last, and when that was; `None` where they never were.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn disks_of_all(&self) -> Result<BTreeMap<ObjectName, Option<LastSeen>>, Error> {
        let rows: Vec<(String, Option<Value>, Option<OffsetDateTime>)> = query_as(
            "SELECT o.name, r.disks, r.read_at FROM nim_standalone s JOIN nim_object o ON o.id = s.object_id
             LEFT JOIN disk_reading r ON r.lpar_id = s.object_id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the disks of LPARs", cause))?;
        rows.into_iter()
            .map(|(name, disks, at)| {
                let disks = disks
                    .map(serde_json::from_value)
                    .transpose()
                    .map_err(|cause| Error::unreadable(format!("the disks of {name}"), cause))?;
                let seen =
                    disks.zip(at).map(|(disks, at)| LastSeen { disks, at: Timestamp::new(at) });
                Ok((super::batch::name(&name)?, seen))
            })
            .collect()
    }

    /// The Live Updates of these LPARs that got as far as geninstall, each LPAR's newest first, with the disks that they used and that
    /// were not released since. One of which no event is left counts as one that did.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn live_updates_of(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, Vec<Run>>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT o.lpar, o.id, o.state, o.request, o.report
             FROM unnest($1::text[]) AS x (name), LATERAL
                (SELECT * FROM operation o
                 WHERE o.lpar = x.name AND o.kind IN ('update', 'release_disks') AND o.started_at IS NOT NULL
                   AND o.state NOT IN ('queued', 'unchanged', 'cancelled')
                   AND (o.state IN ('succeeded', 'stuck')
                        OR EXISTS (SELECT FROM event e WHERE e.operation_id = o.id AND e.body->>'kind' = 'stage' AND e.body->>'stage' = 'update')
                        OR NOT EXISTS (SELECT FROM event e WHERE e.operation_id = o.id))
                 ORDER BY o.id DESC LIMIT $2) o",
        )
        .bind(lpars.iter().map(|lpar| lpar.as_str()).collect::<Vec<_>>())
        .bind(UPDATES)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read which disks updates used", cause))?;
        let mut all: BTreeMap<ObjectName, Vec<Run>> = BTreeMap::new();
        let mut released: BTreeMap<String, Vec<Ids>> = BTreeMap::new();
        for (lpar, id, state, request, report) in rows {
            let unreadable = |cause| Error::unreadable(format!("the operation {id}"), cause);
            let request: Request = serde_json::from_str(&request).map_err(unreadable)?;
            let report: Option<Report> =
                report.map(serde_json::from_value).transpose().map_err(unreadable)?;
            if request.kind == Kind::ReleaseDisks {
                let left = report.and_then(|report| report.disks).unwrap_or_default().disks;
                let ids = left.into_iter().map(|disk| (disk.pvid, disk.udid));
                released.entry(lpar).or_default().extend(ids);
                continue;
            }
            // What failed after the move leaves the same disks.
            let late = Outcome::Failed { software: Software::Applied };
            let moved = state == StateName::Succeeded.name()
                || report.as_ref().is_some_and(|report| report.outcome == late);
            let released = released.get(&lpar).map_or(&[][..], Vec::as_slice);
            let mut disks = used(&request, report.as_ref());
            disks.retain(|(_, pvid, udid)| !released.iter().any(|ids| same(ids, pvid, udid)));
            let run = Run { operation: OperationId(id), moved, disks };
            all.entry(super::batch::name(&lpar)?).or_default().push(run);
        }
        Ok(all)
    }

    /// The last backup of an LPAR that a hook of the site made, with the operation before whose update.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn last_site_backup(
        &self,
        lpar: &ObjectName,
    ) -> Result<Option<(OperationId, SiteBackup)>, Error> {
        let row: Option<(Uuid, Value)> = query_as(
            "SELECT id, report->'site_backup' FROM operation
             WHERE lpar = $1 AND kind = 'update' AND report ? 'site_backup' ORDER BY id DESC LIMIT 1",
        )
        .bind(lpar.as_str())
        .fetch_optional(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read which backup a hook made", cause))?;
        let read = |(id, made): (Uuid, Value)| {
            let made = serde_json::from_value(made);
            let made =
                made.map_err(|cause| Error::unreadable(format!("the operation {id}"), cause))?;
            Ok((OperationId(id), made))
        };
        row.map(read).transpose()
    }

    /// What operations left on the disks of an LPAR, the newest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn runs_on_disks(&self, lpar: &ObjectName) -> Result<Vec<PastRun>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT lpar, id, state, request, report FROM operation
             WHERE lpar = $1 AND kind IN ('update', 'alt_disk_install', 'release_disks', 'rollback')
               AND started_at IS NOT NULL AND state <> 'queued'
             ORDER BY id DESC LIMIT $2",
        )
        .bind(lpar.as_str())
        .bind(RUNS)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what operations left on disks", cause))?;
        let mut runs = Vec::new();
        for (_, id, state, request, report) in rows {
            let unreadable = |cause| Error::unreadable(format!("the operation {id}"), cause);
            let request: Request = serde_json::from_str(&request).map_err(unreadable)?;
            let report: Option<Report> =
                report.map(serde_json::from_value).transpose().map_err(unreadable)?;
            let over = state.parse().is_ok_and(StateName::is_terminal);
            let left = match report.as_ref().and_then(|report| report.disks.clone()) {
                Some(left) => left,
                // An agent that ends an operation before it touches a disk says nothing of disks.
                None if over && state != StateName::Succeeded.name() => continue,
                None => unclear(&request, report.as_ref()),
            };
            runs.push(PastRun { operation: OperationId(id), over, left });
        }
        Ok(runs)
    }
}

/// Whether ids are those of one disk.
fn same(known: &Ids, pvid: &Option<Pvid>, udid: &Option<Udid>) -> bool {
    known.0.is_some() && known.0 == *pvid || known.1.is_some() && known.1 == *udid
}

/// What an operation left, where no agent has said it: which disks an update was to use, and nothing of what is on them.
fn unclear(request: &Request, report: Option<&Report>) -> RunDisks {
    let names = request.disks.iter().map(|disk| &disk.name);
    let data = lvupdate::parse(&request.lvupdate_data).data().disks;
    let lists = [&data.nhdisk, &data.mhdisk, &data.tohdisk, &data.tshdisk];
    let names = names.chain(lists.into_iter().flatten());
    let disks = used(request, report).into_iter().zip(names).map(|((role, pvid, udid), name)| {
        let role = match role {
            Role::Nhdisk => DiskUse::Nhdisk,
            Role::Mhdisk => DiskUse::Mhdisk,
            Role::Tohdisk => DiskUse::Tohdisk,
            Role::Tshdisk => DiskUse::Tshdisk,
        };
        RunDisk {
            name: name.clone(),
            pvid,
            udid,
            role: Named::Known(role),
            volume_group: None,
            level: None,
            good_for: Named::Known(GoodFor::Unclear),
        }
    });
    RunDisks { disks: disks.collect(), ..RunDisks::default() }
}

/// The disks that an update used: those that were chosen for it, and those that its file names, by what the LPAR showed before.
fn used(request: &Request, report: Option<&Report>) -> Vec<Used> {
    let chosen = request.disks.iter().map(|disk| (disk.role, disk.pvid.clone(), disk.udid.clone()));
    let data = lvupdate::parse(&request.lvupdate_data).data().disks;
    let before = report.and_then(|report| report.before.as_ref());
    let pvid = |name: &DiskName| {
        let disk = before?.disks.iter().find(|disk| disk.name == *name)?;
        disk.pvid.as_ref()?.parse().ok()
    };
    let lists = [
        (Role::Nhdisk, data.nhdisk),
        (Role::Mhdisk, data.mhdisk),
        (Role::Tohdisk, data.tohdisk),
        (Role::Tshdisk, data.tshdisk),
    ];
    let named = lists.iter().flat_map(|(role, names)| {
        names.iter().map(|name| (*role, pvid(name), None)).collect::<Vec<_>>()
    });
    chosen.chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestDatabase;
    use crate::store::testing::world::{name, site};

    fn disk(number: u32) -> SeenDisk {
        SeenDisk {
            name: format!("hdisk{number}").parse().unwrap(),
            pvid: format!("00fa343b8f05{number:04}").parse().ok(),
            udid: format!("332136005076{number:04}").parse().ok(),
            volume_group: None,
            state: None,
            lun: None,
        }
    }

    #[tokio::test]
    async fn the_last_reading_of_each_lpar_is_kept_and_one_without_any_is_known_as_such() {
        let store = TestDatabase::migrated().await.store().await;
        site(&store, 2).await;
        let at = |second: u32| format!("2026-01-01T00:00:{second:02}Z").parse().unwrap();
        let reading = |second, disks| [(name("lpar01"), at(second), disks)];
        store.record_disks(&reading(5, vec![disk(1)])).await.unwrap();
        store.record_disks(&reading(4, vec![disk(2)])).await.unwrap();
        store.record_disks(&[(name("gone"), at(1), vec![])]).await.unwrap();
        let all = store.disks_of_all().await.unwrap();
        let seen = LastSeen { disks: vec![disk(1)], at: at(5) };
        assert_eq!(all[&name("lpar01")], Some(seen));
        assert_eq!(all[&name("lpar02")], None);
        assert_eq!(all.len(), 2);
        assert!(store.live_updates_of(&[&name("lpar01")]).await.unwrap().is_empty());
    }
}
