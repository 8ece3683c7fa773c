//! Preflights of LPARs: each is kept, so that the next can say what became of its findings.

use std::collections::{BTreeMap, BTreeSet};

use nim_shared::api::{PreflightReport, Scored};
use nim_shared::id::ObjectName;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use sea_orm::sqlx::{query, query_as};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::commit::Writing;
use super::{Error, Store};

/// How many are kept of each LPAR.
const KEPT: i64 = 50;

impl Store {
    /// Stores reports, without what held; the oldest of each LPAR go. Those of LPARs that are no longer on record are dropped.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn record_preflights(&self, reports: &[PreflightReport]) -> Result<(), Error> {
        let mut txn = self.begin(Writing::Preflights).await?;
        let short = |report: &PreflightReport| {
            let mut report = report.clone();
            report.leave_out_what_holds();
            report.before = None;
            json!(report)
        };
        query(
            "INSERT INTO preflight (lpar_id, at, report)
             SELECT o.id, x.at, x.report FROM unnest($1::text[], $2::timestamptz[], $3::jsonb[]) AS x (name, at, report)
             JOIN nim_object o ON o.name = x.name JOIN nim_standalone s ON s.object_id = o.id ON CONFLICT DO NOTHING",
        )
        .bind(reports.iter().map(|report| report.lpar.as_str()).collect::<Vec<_>>())
        .bind(reports.iter().map(|report| report.at.get()).collect::<Vec<_>>())
        .bind(reports.iter().map(short).collect::<Vec<_>>())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        query(
            "DELETE FROM preflight p USING
                (SELECT q.lpar_id, q.at, row_number() OVER (PARTITION BY q.lpar_id ORDER BY q.at DESC) AS place
                 FROM preflight q JOIN nim_object o ON o.id = q.lpar_id WHERE o.name = ANY($1)) old
             WHERE old.place > $2 AND p.lpar_id = old.lpar_id AND p.at = old.at",
        )
        .bind(reports.iter().map(|report| report.lpar.as_str()).collect::<Vec<_>>())
        .bind(KEPT)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }

    /// What the last preview or update on each of these LPARs that estimated it estimated for the standstill.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn last_estimates(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, Seconds>, Error> {
        let rows: Vec<(String, i64)> = query_as(
            "SELECT DISTINCT ON (lpar) lpar, estimated_blackout_seconds FROM operation
             WHERE lpar = ANY($1) AND estimated_blackout_seconds IS NOT NULL ORDER BY lpar, created_at DESC",
        )
        .bind(lpars.iter().map(|lpar| lpar.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what was estimated last", cause))?;
        rows.into_iter()
            .map(|(name, seconds)| {
                Ok((super::batch::name(&name)?, Seconds(u64::try_from(seconds).unwrap_or(0))))
            })
            .collect()
    }

    /// When the last `most` runs of each of these LPARs were, and what they came to, oldest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn preflight_scores(
        &self,
        lpars: &[&ObjectName],
        most: i64,
    ) -> Result<BTreeMap<ObjectName, Vec<Scored>>, Error> {
        let rows: Vec<(String, OffsetDateTime, i32)> = query_as(
            "SELECT name, at, score FROM (
                SELECT o.name, p.at, (p.report->>'score')::int AS score,
                       row_number() OVER (PARTITION BY p.lpar_id ORDER BY p.at DESC) AS place
                FROM preflight p JOIN nim_object o ON o.id = p.lpar_id WHERE o.name = ANY($1)) x
             WHERE place <= $2 ORDER BY name, at",
        )
        .bind(lpars.iter().map(|lpar| lpar.as_str()).collect::<Vec<_>>())
        .bind(most)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the scores of preflights", cause))?;
        let mut found: BTreeMap<ObjectName, Vec<Scored>> = BTreeMap::new();
        for (name, at, score) in rows {
            let score = u8::try_from(score).unwrap_or(0);
            let one = Scored { at: Timestamp::new(at), score };
            found.entry(super::batch::name(&name)?).or_default().push(one);
        }
        Ok(found)
    }

    /// The last report of each of these LPARs that has one.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn last_preflights(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, PreflightReport>, Error> {
        let rows: Vec<(String, Value)> = query_as(
            "SELECT DISTINCT ON (p.lpar_id) o.name, p.report FROM preflight p JOIN nim_object o ON o.id = p.lpar_id
             WHERE o.name = ANY($1) ORDER BY p.lpar_id, p.at DESC",
        )
        .bind(lpars.iter().map(|lpar| lpar.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the last preflights", cause))?;
        rows.into_iter()
            .map(|(name, report)| {
                let report = serde_json::from_value(report).map_err(|cause| {
                    Error::unreadable(format!("the preflight of {name}"), cause)
                })?;
                Ok((super::batch::name(&name)?, report))
            })
            .collect()
    }

    /// The ids of the workloads that the last report of each of these LPARs found, where there is one.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn last_workloads(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, BTreeSet<String>>, Error> {
        // The rest of a report is long, and the database leaves it where it is.
        let rows: Vec<(String, Vec<String>)> = query_as(
            "SELECT DISTINCT ON (p.lpar_id) o.name,
                ARRAY(SELECT w->>'workload' FROM jsonb_array_elements(coalesce(p.report->'workloads', '[]')) w)
             FROM preflight p JOIN nim_object o ON o.id = p.lpar_id
             WHERE o.name = ANY($1) ORDER BY p.lpar_id, p.at DESC",
        )
        .bind(lpars.iter().map(|lpar| lpar.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what runs on LPARs", cause))?;
        rows.into_iter()
            .map(|(name, ids)| Ok((super::batch::name(&name)?, ids.into_iter().collect())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use nim_shared::api::WorkloadFound;

    use super::*;
    use crate::store::testing::TestDatabase;
    use crate::store::testing::world::{name, site};

    fn report(lpar: &str, second: i64, score: u8) -> PreflightReport {
        PreflightReport {
            lpar: name(lpar),
            at: Timestamp::from_unix_micros(second * 1_000_000),
            level: None,
            score,
            passed: 1,
            findings: Vec::new(),
            failure: None,
            workloads: Vec::new(),
            interim_fixes: None,
            kernel_extensions: None,
            before: None,
        }
    }

    #[tokio::test]
    async fn the_last_report_is_found_again_and_old_ones_go() {
        let store = TestDatabase::migrated().await.store().await;
        site(&store, 2).await;
        let [one, two] = [&name("lpar01"), &name("lpar02")];
        assert!(store.last_preflights(&[one, two]).await.unwrap().is_empty());
        for second in 0..KEPT + 5 {
            let report = report("lpar01", second, u8::try_from(second).unwrap());
            store.record_preflights(std::slice::from_ref(&report)).await.unwrap();
        }
        // The same again, and an LPAR that is not on record.
        let again = [report("lpar01", KEPT + 4, 0), report("gone", 1, 1)];
        store.record_preflights(&again).await.unwrap();
        let last = store.last_preflights(&[one, two]).await.unwrap();
        assert_eq!(last.len(), 1);
        assert_eq!(i64::from(last[one].score), KEPT + 4);
        let scores = store.preflight_scores(&[one, two], 3).await.unwrap();
        let scores: Vec<_> = scores[one].iter().map(|run| i64::from(run.score)).collect();
        assert_eq!(scores, [KEPT + 2, KEPT + 3, KEPT + 4]);
        let (kept,): (i64,) =
            query_as("SELECT count(*) FROM preflight").fetch_one(&store.pool).await.unwrap();
        assert_eq!(kept, KEPT);
        assert_eq!(store.last_workloads(&[one, two]).await.unwrap()[one], BTreeSet::new());
        let db2 = WorkloadFound {
            workload: "db2".to_owned(),
            title: "Db2".to_owned(),
            evidence: Vec::new(),
        };
        let with_db2 = PreflightReport { workloads: vec![db2], ..report("lpar02", 1, 100) };
        store.record_preflights(&[with_db2]).await.unwrap();
        let workloads = store.last_workloads(&[one, two]).await.unwrap();
        assert_eq!(workloads[two], ["db2".to_owned()].into());
    }
}
