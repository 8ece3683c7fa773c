//! Frames, VIOSes and HMCs on which nothing new is started.

use std::collections::HashMap;

use nim_shared::id::{ObjectName, printable};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{PgConnection, query, query_as};
use time::OffsetDateTime;

use super::commit::Writing;
use super::notify::Topic;
use super::{Error, Store, Who, batch};

/// A frame, VIOS or HMC on which nothing new is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Its name.
    pub on: ObjectName,
    /// What it is, as NIM calls it: `cec`, `vios`, `hmc`.
    pub of: String,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: Who,
    /// Since when.
    pub since: Timestamp,
}

/// LPARs that a VIOS of the row `v` serves by its reading `r`, and which are on its frame.
const SERVED: &str = "s.cec_id = v.cec_id AND EXISTS (
        SELECT FROM jsonb_array_elements(r.reading->'adapters') a WHERE (a->>'client_id')::bigint = s.identity)";

impl Store {
    /// Says that nothing new is to be started there. When it returns, nothing is being started that has not seen it. Said again, the
    /// reason is another one, and since when stays.
    ///
    /// # Errors
    /// [`Error::NoSuchObject`].
    pub async fn maintenance_on(
        &self,
        on: &ObjectName,
        reason: &str,
        who: Who,
    ) -> Result<(), Error> {
        let mut txn = self.begin(Writing::Maintenance).await?;
        super::operation::lock_claims(&mut txn).await?;
        let done = query(
            "INSERT INTO maintenance (object_id, reason, by_uid) SELECT id, $2, $3 FROM nim_object WHERE name = $1
             ON CONFLICT (object_id) DO UPDATE SET reason = excluded.reason, by_uid = excluded.by_uid",
        )
        .bind(on.as_str())
        .bind(printable(reason))
        .bind(i64::from(who.uid))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        if done.rows_affected() == 0 {
            return Err(Error::NoSuchObject { name: on.clone() });
        }
        txn.commit().await?;
        self.hint(Topic::Work).await;
        Ok(())
    }

    /// Says that things may be started there again. Whether they might not.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn maintenance_off(&self, on: &ObjectName) -> Result<bool, Error> {
        let mut txn = self.begin(Writing::Maintenance).await?;
        let done = query(
            "DELETE FROM maintenance m USING nim_object o WHERE o.id = m.object_id AND o.name = $1",
        )
        .bind(on.as_str())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await?;
        self.hint(Topic::Work).await;
        Ok(done.rows_affected() > 0)
    }

    /// Where nothing new is started.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn maintenance(&self) -> Result<Vec<Maintenance>, Error> {
        let rows: Vec<(String, String, String, i64, OffsetDateTime)> = query_as(
            "SELECT n.name, n.type, m.reason, m.by_uid, m.since
             FROM maintenance m JOIN nim_object n ON n.id = m.object_id ORDER BY n.name",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read where there is maintenance", cause))?;
        rows.into_iter()
            .map(|(on, of, reason, by, since)| {
                Ok(Maintenance {
                    on: batch::name(&on)?,
                    of,
                    reason,
                    by: Who { uid: u32::try_from(by).unwrap_or(u32::MAX) },
                    since: Timestamp::new(since),
                })
            })
            .collect()
    }

    /// How many operations run where nothing new is started, which go on. Counted for people: whoever decides asks often, and needs it not.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn running_under_maintenance(&self) -> Result<HashMap<ObjectName, usize>, Error> {
        let rows: Vec<(String, i64)> = query_as(sea_orm::sqlx::AssertSqlSafe(format!(
            "SELECT n.name, (SELECT count(*) FROM operation o WHERE o.state IN ('dispatching', 'running')
                AND (o.frame = n.name OR o.hmc = n.name OR EXISTS (
                    SELECT FROM nim_vios v JOIN vios_reading r ON r.vios_id = v.object_id, nim_standalone s
                    WHERE v.object_id = n.id AND {SERVED}
                      AND s.object_id = (SELECT l.id FROM nim_object l WHERE l.name = o.lpar))))
             FROM maintenance m JOIN nim_object n ON n.id = m.object_id"
        )))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("count what runs under maintenance", cause))?;
        rows.into_iter()
            .map(|(on, running)| {
                Ok((batch::name(&on)?, usize::try_from(running).unwrap_or(usize::MAX)))
            })
            .collect()
    }
}

/// Where operations of the queue are held back, as a claim needs it.
#[derive(Default)]
pub(super) struct Maintained {
    /// Reasons, by the name of a frame or an HMC.
    places: HashMap<String, String>,
    /// VIOSes with reasons, by the name of an LPAR that they serve.
    served: HashMap<String, (String, String)>,
}

impl Maintained {
    pub(super) async fn read(connection: &mut PgConnection) -> Result<Self, sea_orm::sqlx::Error> {
        let places: Vec<(String, String)> = query_as(
            "SELECT n.name, m.reason FROM maintenance m JOIN nim_object n ON n.id = m.object_id",
        )
        .fetch_all(&mut *connection)
        .await?;
        if places.is_empty() {
            return Ok(Self::default());
        }
        let served: Vec<(String, String, String)> = query_as(sea_orm::sqlx::AssertSqlSafe(format!(
            "SELECT l.name, n.name, m.reason
             FROM maintenance m JOIN nim_object n ON n.id = m.object_id JOIN nim_vios v ON v.object_id = n.id
                  JOIN vios_reading r ON r.vios_id = v.object_id, nim_standalone s JOIN nim_object l ON l.id = s.object_id
             WHERE {SERVED} ORDER BY n.name DESC"
        )))
        .fetch_all(connection)
        .await?;
        let served = served.into_iter().map(|(lpar, vios, reason)| (lpar, (vios, reason)));
        Ok(Self { places: places.into_iter().collect(), served: served.collect() })
    }

    /// The place and the reason, of what holds an operation on `lpar`.
    pub(super) fn holds(
        &self,
        lpar: &str,
        frame: Option<&str>,
        hmc: Option<&str>,
    ) -> Option<(String, String)> {
        let mut places = frame.into_iter().chain(hmc);
        let place = places.find_map(|name| Some((name.to_owned(), self.places.get(name)?.clone())));
        place.or_else(|| self.served.get(lpar).cloned())
    }

    #[cfg(test)]
    pub(super) fn of(place: &str, reason: &str) -> Self {
        let places = HashMap::from([(place.to_owned(), reason.to_owned())]);
        Self { places, served: HashMap::new() }
    }
}

#[cfg(test)]
mod tests;
