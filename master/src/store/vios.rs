//! What VIOSes showed of themselves last, and why one could not be read since.

use std::collections::BTreeMap;
use std::time::Duration;

use nim_shared::api::ViosReading;
use nim_shared::id::{LparId, ObjectName, printable};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as, query_scalar};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::commit::Writing;
use super::{Error, Store};

/// What is known of a VIOS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownVios {
    /// As it showed itself last; `None` when it never did.
    pub reading: Option<ViosReading>,
    /// When it was tried in vain after that, and why it was in vain.
    pub failure: Option<(Timestamp, String)>,
}

/// A VIOS, its reading, and when and why it could not be read since.
type Row = (String, Option<Value>, Option<OffsetDateTime>, Option<String>);

impl Store {
    /// Stores what was read of a VIOS. A reading that is older than the stored one is dropped, and so is one of a VIOS that is no
    /// longer on record.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn record_vios(&self, vios: &ObjectName, found: &ViosReading) -> Result<(), Error> {
        let mut txn = self.begin(Writing::ViosReading).await?;
        query(
            "INSERT INTO vios_reading AS r (vios_id, read_at, reading)
             SELECT v.object_id, $2, $3 FROM nim_vios v JOIN nim_object o ON o.id = v.object_id WHERE o.name = $1
             ON CONFLICT (vios_id) DO UPDATE SET read_at = excluded.read_at, reading = excluded.reading,
                failed_at = NULL, failure = NULL
             WHERE r.read_at IS NULL OR r.read_at < excluded.read_at",
        )
        .bind(vios.as_str())
        .bind(found.read_at.get())
        .bind(json!(found))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }

    /// Notes that a VIOS could not be read; what it showed before stays.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn vios_failed(&self, vios: &ObjectName, why: &str) -> Result<(), Error> {
        let mut txn = self.begin(Writing::ViosReading).await?;
        query(
            "INSERT INTO vios_reading (vios_id, failed_at, failure)
             SELECT v.object_id, now(), $2 FROM nim_vios v JOIN nim_object o ON o.id = v.object_id WHERE o.name = $1
             ON CONFLICT (vios_id) DO UPDATE SET failed_at = excluded.failed_at, failure = excluded.failure",
        )
        .bind(vios.as_str())
        .bind(printable(why))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }

    /// What is known of the VIOSes of these frames that were ever tried.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn vioses_on(
        &self,
        frames: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, KnownVios>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT o.name, r.reading, r.failed_at, r.failure
             FROM vios_reading r JOIN nim_object o ON o.id = r.vios_id JOIN nim_vios v ON v.object_id = r.vios_id
                  JOIN nim_object f ON f.id = v.cec_id
             WHERE f.name = ANY($1)",
        )
        .bind(frames.iter().map(|frame| frame.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what is known of VIOSes", cause))?;
        rows.into_iter()
            .map(|(name, reading, failed_at, failure)| {
                let reading = reading
                    .map(serde_json::from_value)
                    .transpose()
                    .map_err(|cause| Error::unreadable(format!("the reading of {name}"), cause))?;
                let failure = failed_at.map(Timestamp::new).zip(failure);
                Ok((super::batch::name(&name)?, KnownVios { reading, failure }))
            })
            .collect()
    }

    /// Which VIOS on record is which partition of these frames.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn vios_partitions(
        &self,
        frames: &[&ObjectName],
    ) -> Result<BTreeMap<(ObjectName, LparId), ObjectName>, Error> {
        let rows: Vec<(String, i64, String)> = query_as(
            "SELECT f.name, v.identity, o.name
             FROM nim_vios v JOIN nim_object o ON o.id = v.object_id JOIN nim_object f ON f.id = v.cec_id
             WHERE f.name = ANY($1)",
        )
        .bind(frames.iter().map(|frame| frame.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for the VIOSes of frames", cause))?;
        rows.into_iter()
            .map(|(frame, id, vios)| {
                let id = id.to_string().parse().map_err(|cause| {
                    Error::unreadable(format!("the partition id of {vios}"), cause)
                })?;
                Ok(((super::batch::name(&frame)?, id), super::batch::name(&vios)?))
            })
            .collect()
    }

    /// The VIOSes of `frame` that have an adapter for the partition with this id, as far as they were read, each with its own id.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn vioses_of(
        &self,
        frame: &ObjectName,
        partition: LparId,
    ) -> Result<Vec<(LparId, ObjectName)>, Error> {
        let known = self.vioses_on(&[frame]).await?;
        let of = self.vios_partitions(&[frame]).await?.into_iter();
        let serves = |vios: &ObjectName| {
            let reading = known.get(vios).and_then(|one| one.reading.as_ref());
            let adapters = reading.map_or(&[][..], |reading| &reading.adapters);
            adapters.iter().any(|one| one.client_id == Some(partition))
        };
        let of = of.filter(|(_, vios)| serves(vios));
        Ok(of.map(|((_, id), vios)| (id, vios)).collect())
    }

    /// The VIOSes that were never tried, or longer ago than `age`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn vioses_not_read_for(&self, age: Duration) -> Result<Vec<ObjectName>, Error> {
        let names: Vec<String> = query_scalar(
            "SELECT o.name FROM nim_vios v JOIN nim_object o ON o.id = v.object_id
             LEFT JOIN vios_reading r ON r.vios_id = v.object_id
             WHERE greatest(r.read_at, r.failed_at) IS NULL
                OR greatest(r.read_at, r.failed_at) < clock_timestamp() - $1 * interval '1 second'
             ORDER BY o.id",
        )
        .bind(age.as_secs_f64())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for VIOSes that were not read for long", cause))?;
        names.iter().map(|name| super::batch::name(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::object::{Change, Mode};
    use crate::store::testing::TestDatabase;
    use crate::store::testing::world::{SOMEBODY, name, object, site};
    use nim_shared::object::ObjectType;

    #[tokio::test]
    async fn a_reading_stays_when_the_next_one_fails_and_goes_with_its_vios() {
        let store = TestDatabase::migrated().await.store().await;
        site(&store, 0).await;
        let attributes = [("if1", "find_net vios1 0"), ("mgmt_source", "p10a"), ("identity", "1")];
        let vios1 = object(ObjectType::Vios, "vios1", &attributes);
        store.apply(vec![Change::Define(vios1)], Mode::Store, SOMEBODY).await.unwrap();
        let read_at = store.now().await.unwrap();
        let found =
            ViosReading { read_at, by: None, level: "3.1.4.21".to_owned(), adapters: Vec::new() };
        let vios = name("vios1");
        assert_eq!(
            store.vioses_not_read_for(Duration::ZERO).await.unwrap(),
            std::slice::from_ref(&vios)
        );
        store.record_vios(&vios, &found).await.unwrap();
        assert_eq!(store.vioses_not_read_for(Duration::from_secs(60)).await.unwrap(), []);
        store.vios_failed(&vios, "it is down\u{1b}").await.unwrap();
        let older =
            ViosReading { read_at: "2020-01-01T00:00:00Z".parse().unwrap(), ..found.clone() };
        store.record_vios(&vios, &older).await.unwrap();
        let known = store.vioses_on(&[&name("p10a")]).await.unwrap();
        assert_eq!(known[&vios].reading.as_ref(), Some(&found));
        assert!(
            known[&vios].failure.as_ref().is_some_and(|(_, why)| why.starts_with("it is down"))
        );
        store.record_vios(&name("gone"), &found).await.unwrap();

        // It serves whom it has an adapter for, by its last reading.
        let client = |id: u32| id.to_string().parse::<LparId>().unwrap();
        let serves = |id| {
            let (store, frame) = (store.clone(), name("p10a"));
            async move { store.vioses_of(&frame, client(id)).await.unwrap() }
        };
        assert_eq!(serves(11).await, []);
        let adapter = nim_shared::api::ServerAdapter {
            name: "vhost0".to_owned(),
            location: "U8286.42A.214F58V-V1-C5".to_owned(),
            client_id: Some(client(11)),
            kind: nim_shared::api::AdapterKind::Scsi { targets: Vec::new() },
        };
        let read_at = store.now().await.unwrap();
        let newer = ViosReading { read_at, adapters: vec![adapter], ..found };
        store.record_vios(&vios, &newer).await.unwrap();
        assert_eq!(serves(11).await, [(client(1), vios)]);
        assert_eq!(serves(12).await, []);
    }
}
