//! What updates have left to do on LPARs, until a look finds it gone.
//!
//! What the agent found comes with its report and is stored with it; what an HMC shows is added when it was asked. A later update takes
//! nothing away: it compares with what it found itself, which may have been left by the one before.

use std::collections::BTreeMap;

use nim_shared::aftercare::OpenItem;
use nim_shared::frame::found::Found;
use nim_shared::id::{ObjectName, OperationId};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::query_as;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::commit::{Txn, Writing};
use super::event::without_nul;
use super::found;
use super::{Error, Store};

/// Something that is left to do on an LPAR.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// Its number.
    pub id: i64,
    /// The update that left it.
    pub operation: OperationId,
    /// When that was found.
    pub found_at: Timestamp,
    /// What it is.
    pub item: OpenItem,
}

/// Number, LPAR, operation, time, item.
type Row = (i64, String, Uuid, OffsetDateTime, Value);

impl Store {
    /// What is open on each of these LPARs that have something, the oldest first. What several updates found is told once.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn open_items(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, Vec<Left>>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT DISTINCT ON (lpar, item) id, lpar, operation_id, found_at, item FROM open_item
             WHERE lpar = ANY($1) AND gone_at IS NULL ORDER BY lpar, item, id",
        )
        .bind(lpars.iter().map(|lpar| lpar.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what updates have left to do", cause))?;
        let mut found: BTreeMap<ObjectName, Vec<Left>> = BTreeMap::new();
        for (id, lpar, operation, found_at, item) in rows {
            let item = serde_json::from_value(item).map_err(|cause| {
                Error::unreadable(format!("what an update left on {lpar}"), cause)
            })?;
            let (operation, found_at) = (OperationId(operation), Timestamp::new(found_at));
            let left = Left { id, operation, found_at, item };
            found.entry(super::batch::name(&lpar)?).or_default().push(left);
        }
        found.values_mut().for_each(|left| left.sort_by_key(|one| one.id));
        Ok(found)
    }

    /// Notes that what these numbers stand for was found gone, whichever updates had left it.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn close_items(&self, gone: &[i64]) -> Result<(), Error> {
        if gone.is_empty() {
            return Ok(());
        }
        let mut txn = self.begin(Writing::OpenItems).await?;
        let closed: Vec<(i64, Uuid, Value)> = query_as(
            "UPDATE open_item o SET gone_at = now() FROM open_item x
             WHERE x.id = ANY($1) AND o.lpar = x.lpar AND o.item = x.item AND o.gone_at IS NULL
             RETURNING o.id, o.operation_id, o.item",
        )
        .bind(gone)
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
        let told = told(closed, |item| Found::Gone { item })?;
        found::tell(&mut txn, &told).await?;
        txn.commit().await
    }

    /// Adds what was found after the end of an operation. Whether any of it is new.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn add_open_items(
        &self,
        operation: OperationId,
        items: &[OpenItem],
    ) -> Result<bool, Error> {
        let mut txn = self.begin(Writing::OpenItems).await?;
        let added = insert(&mut txn, &[(operation, items)]).await?;
        let is_new = !added.is_empty();
        let told = told(added, |item| Found::Left { item })?;
        found::tell(&mut txn, &told).await?;
        txn.commit().await?;
        Ok(is_new)
    }
}

/// What is told of items, in the order in which they were found.
fn told(
    mut rows: Vec<(i64, Uuid, Value)>,
    as_found: fn(OpenItem) -> Found,
) -> Result<Vec<(OperationId, Found)>, Error> {
    rows.sort_by_key(|(number, ..)| *number);
    let read = |(_, operation, item): (i64, Uuid, Value)| {
        let item = serde_json::from_value(item).map_err(|cause| {
            Error::unreadable(format!("what operation {operation} left"), cause)
        })?;
        Ok((OperationId(operation), as_found(item)))
    };
    rows.into_iter().map(read).collect()
}

/// Inserts what operations have left; what of it is new. What was found gone since does not come back with a report that is stored
/// again.
pub(in crate::store) async fn insert(
    txn: &mut Txn,
    left: &[(OperationId, &[OpenItem])],
) -> Result<Vec<(i64, Uuid, Value)>, Error> {
    let items = left.iter().flat_map(|(id, items)| items.iter().map(|item| (id.0, item)));
    let (ids, items): (Vec<Uuid>, Vec<Value>) =
        items.map(|(id, item)| (id, without_nul(json!(item)))).unzip();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    query_as(
        "INSERT INTO open_item (operation_id, lpar, item)
         SELECT o.id, o.lpar, x.item
         FROM unnest($1::uuid[], $2::jsonb[]) WITH ORDINALITY AS x (id, item, place)
         JOIN operation o ON o.id = x.id ORDER BY x.place
         ON CONFLICT DO NOTHING RETURNING id, operation_id, item",
    )
    .bind(ids)
    .bind(items)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())
}

#[cfg(test)]
mod tests {
    use nim_shared::frame::{Body, Event, Known};
    use nim_shared::id::{Epoch, Fence, Seq};
    use nim_shared::operation::{Outcome, Report};

    use super::*;
    use crate::engine::operation::{Operation, State};
    use crate::store::event::Cursor;
    use crate::store::operation::Step;
    use crate::store::testing::TestDatabase;
    use crate::store::testing::world::{accepted, name, site};

    fn process(pid: u64, name: &str) -> OpenItem {
        OpenItem::OldLibraries { pid, name: name.to_owned(), owner: None, fileset: None }
    }

    /// The agent of an update of lpar01 reports `items`, as often as `times` says.
    async fn updated(store: &Store, items: &[OpenItem], times: usize) -> OperationId {
        let id = accepted(store, &["lpar01"]).await[0];
        let outcome = Outcome::Succeeded { follow_up: vec![] };
        let report = Report { open_items: items.to_vec(), ..Report::of(outcome.clone(), "") };
        let ended = Operation { state: State::Ended { outcome }, ..Operation::NEW };
        let step = Step { report: Some(report), ..Step::new(ended, vec![]) };
        for _ in 0..times {
            store.transition(id, Fence(0), &step).await.unwrap();
        }
        id
    }

    async fn open(store: &Store) -> Vec<(i64, OpenItem)> {
        let lpar = &name("lpar01");
        let mut left = store.open_items(&[lpar]).await.unwrap();
        let left = left.remove(lpar).unwrap_or_default();
        left.into_iter().map(|one| (one.id, one.item)).collect()
    }

    async fn items(store: &Store) -> Vec<OpenItem> {
        open(store).await.into_iter().map(|(_, item)| item).collect()
    }

    #[tokio::test]
    async fn what_an_update_left_is_open_until_it_was_found_gone() {
        let store = TestDatabase::migrated().await.store().await;
        site(&store, 2).await;
        let link = OpenItem::ManagementLink;
        // Longer than an index takes, and with what a database refuses.
        let (one, two) = (process(1, &"x".repeat(5000)), process(2, "ss\0hd"));
        let first = updated(&store, &[one.clone(), two, link.clone()], 2).await;
        let found = open(&store).await;
        assert_eq!(
            found.iter().map(|(_, item)| item).collect::<Vec<_>>(),
            [&one, &process(2, "ss\u{fffd}hd"), &link]
        );
        store.close_items(&[found[1].0]).await.unwrap();
        assert_eq!(items(&store).await, [one.clone(), link.clone()]);

        // Another update takes nothing away; what both have left is told once, and is gone at once.
        let second = updated(&store, &[process(9, "sshd"), link.clone()], 1).await;
        let found = open(&store).await;
        assert_eq!(found.len(), 3, "{found:?}");
        let place = found.iter().position(|(_, item)| *item == link).unwrap();
        store.close_items(&[found[place].0]).await.unwrap();
        assert_eq!(items(&store).await, [one, process(9, "sshd")]);

        // What an HMC shows is added once, and not to the operation before.
        assert!(store.add_open_items(second, &[OpenItem::Surrogate]).await.unwrap());
        assert!(!store.add_open_items(second, &[OpenItem::Surrogate]).await.unwrap());
        assert_eq!(items(&store).await.last(), Some(&OpenItem::Surrogate));
        let lpar = &name("lpar01");
        let left = store.open_items(&[lpar]).await.unwrap().remove(lpar).unwrap();
        let by: Vec<_> = left.iter().map(|one| one.operation).collect();
        assert_eq!(by, [first, second, second]);

        // All of it is told, of each operation in its order and once.
        for _ in 0..2 {
            store.tell_once(second, Found::ProfilesAsBefore).await.unwrap();
        }
        let told = |id| {
            let store = store.clone();
            async move {
                let page = store.events(id, Cursor::default(), 100).await.unwrap();
                let told = page.items.into_iter().enumerate().map(|(at, stored)| {
                    let Event { epoch, seq, body, .. } = stored.event;
                    assert_eq!((epoch, seq), (Epoch::OF_MASTERS, Seq(at as u64 + 1)));
                    let Body::Known(known) = body else { panic!("{body:?}") };
                    let Known::Found(found) = *known else { panic!("{known:?}") };
                    found.to_string()
                });
                told.collect::<Vec<_>>()
            }
        };
        let gone = format!("left to do no longer: {link}");
        assert_eq!(
            told(first).await,
            ["left to do no longer: ss\u{fffd}hd (2): runs on libraries that were replaced", &gone]
        );
        assert_eq!(
            told(second).await,
            [
                gone,
                format!("left to do: {}", OpenItem::Surrogate),
                "the HMC shows the profile as before the update".to_owned()
            ]
        );
    }
}
