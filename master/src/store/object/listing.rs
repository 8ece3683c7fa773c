//! Lists of objects, page by page.
//!
//! In the order of creation a page begins behind the last id of the one before: whatever is made, changed or removed meanwhile, what
//! stays is listed once. In any other order an object could move from a page that is still to come to one that is over, so that the
//! ids of the whole list are frozen with its first page. They are kept in the database, eight bytes each in parts of a thousand,
//! where every master finds them, for [`KEPT`] and for no more than [`LISTS`] lists; a page reads one part or two. A list that fits
//! into its first page is not kept. What a page shows of its objects is as they are then; those that are gone are left out.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use nim_shared::api::Cell;
use nim_shared::level::Level;
use nim_shared::select::{Columns, Field, Kind};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::types::Json;
use sea_orm::sqlx::{query, query_as, query_scalar};
use serde_json::Value;
use uuid::Uuid;

use super::select::{self, Sql};
use super::{ObjectFilter, Stored, stored};
use crate::store::commit::{Held, Txn, Writing};
use crate::store::entity::{self, object::Model};
use crate::store::{Error, Page, Store, bigint, unsigned};

/// Where a page of a list begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the order of creation: behind this id.
    Behind(u64),
    /// In a frozen list: behind so many of its ids.
    Frozen {
        /// The list.
        list: Uuid,
        /// How many ids come before.
        behind: u64,
    },
}

/// How long a frozen list is kept, in minutes.
const KEPT: i32 = 60;

/// Most frozen lists that are kept; of more the oldest go.
const LISTS: i64 = 100;

/// Ids in one part of a frozen list.
const PART: u64 = 1000;

/// Begins a transaction in which joins are look-ups by keys.
const LOOK_UP: &str =
    "BEGIN READ ONLY; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

impl Store {
    /// At most `limit` objects from `place` on, in the order that `filter` asks for.
    ///
    /// # Errors
    /// [`Error::NoSuchList`] when the list that `place` is in is no longer kept.
    pub async fn objects(
        &self,
        filter: &ObjectFilter,
        place: Option<Place>,
        limit: u32,
    ) -> Result<Page<Stored, Place>, Error> {
        let Page { items: ids, next } = self.ids(filter, place, limit).await?;
        let rows = query("SELECT * FROM nim_object_spec WHERE id = ANY($1)")
            .bind(&ids)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let rows: Vec<Model> = entity::read("an object", rows)?;
        let found = rows.into_iter().map(|row| Ok((row.id, stored(row)?)));
        let items = in_order(&ids, found.collect::<Result<_, Error>>()?);
        Ok(Page { items, next })
    }

    /// The same, of each object what stands in `columns`.
    ///
    /// # Errors
    /// As [`Self::objects`].
    pub async fn object_rows(
        &self,
        filter: &ObjectFilter,
        columns: &Columns,
        place: Option<Place>,
        limit: u32,
    ) -> Result<Page<Vec<Cell>, Place>, Error> {
        let Page { items: ids, next } = self.ids(filter, place, limit).await?;
        let mut sql = Sql::new("SELECT o.id, ");
        select::columns(&mut sql, &columns.0);
        sql.push(" FROM ").push(select::from(&columns.0));
        sql.push(" WHERE o.id = ANY(").push_bind(ids.clone()).push(")");
        // The ids are known: each row is looked up by them. Where the planner misjudges how many there are, it reads whole tables.
        let mut held = Held::begin(&self.pool, LOOK_UP).await.map_err(failed)?;
        let rows: Vec<(i64, Json<Vec<Value>>)> = sql
            .build_query_as()
            .persistent(false)
            .fetch_all(held.connection())
            .await
            .map_err(failed)?;
        drop(held);
        let cells = |Json(row): Json<Vec<Value>>| {
            columns.0.iter().zip(row).map(|(field, value)| cell(field, value)).collect()
        };
        let found = rows.into_iter().map(|(id, row)| (id, cells(row))).collect();
        Ok(Page { items: in_order(&ids, found), next })
    }

    /// The ids of a page.
    async fn ids(
        &self,
        filter: &ObjectFilter,
        place: Option<Place>,
        limit: u32,
    ) -> Result<Page<i64, Place>, Error> {
        match place {
            Some(Place::Frozen { list, behind }) => self.frozen(list, behind, limit).await,
            Some(Place::Behind(_)) | None => {
                let behind = match place {
                    Some(Place::Behind(id)) => bigint(id).unwrap_or(i64::MAX),
                    _ => 0,
                };
                let mut sql = Sql::new("SELECT o.id FROM ");
                sql.push(select::from(select::used(filter))).push(" WHERE ");
                select::condition(&mut sql, filter);
                sql.push(" AND o.id > ").push_bind(behind).push(" ORDER BY ");
                select::order(&mut sql, &filter.sort);
                sql.push(" LIMIT ").push_bind(i64::from(limit) + 1);
                // Each selection is a statement of its own: kept ones would push others out.
                let ids: Vec<i64> = sql
                    .build_query_scalar()
                    .persistent(false)
                    .fetch_all(&self.pool)
                    .await
                    .map_err(failed)?;
                let is_whole = ids.len() <= usize::try_from(limit).unwrap_or(usize::MAX);
                if filter.sort.0.is_empty() || is_whole {
                    return Ok(crate::store::page(ids, limit, |id| Place::Behind(unsigned(*id))));
                }
                let list = self.freeze(filter).await?;
                self.frozen(list, 0, limit).await
            }
        }
    }

    /// Keeps the ids of a whole list.
    async fn freeze(&self, filter: &ObjectFilter) -> Result<Uuid, Error> {
        let list = Uuid::now_v7();
        let mut txn = self.begin(Writing::FreezeList).await?;
        forget_lists(&mut txn).await?;
        let mut sql = Sql::new("INSERT INTO frozen_list (id, part, ids) SELECT ");
        sql.push_bind(list).push(", ((n - 1) / ").push(PART).push(")::integer AS part,");
        sql.push(" array_agg(id ORDER BY n) FROM (SELECT o.id, row_number() OVER (ORDER BY ");
        select::order(&mut sql, &filter.sort);
        sql.push(") AS n FROM ").push(select::from(select::used(filter))).push(" WHERE ");
        select::condition(&mut sql, filter);
        sql.push(") x GROUP BY part");
        sql.build().persistent(false).execute(txn.connection()).await.map_err(txn.failed())?;
        txn.commit().await?;
        Ok(list)
    }

    /// Ids of a frozen list, of objects that are still there. Where all of a page are gone, the next page is this one.
    async fn frozen(
        &self,
        list: Uuid,
        mut behind: u64,
        limit: u32,
    ) -> Result<Page<i64, Place>, Error> {
        loop {
            let Page { mut items, next } = self.kept(list, behind, limit).await?;
            let there: HashSet<i64> = query_scalar("SELECT id FROM nim_object WHERE id = ANY($1)")
                .bind(&items)
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?
                .into_iter()
                .collect();
            items.retain(|id| there.contains(id));
            match next {
                Some(Place::Frozen { behind: next, .. }) if items.is_empty() => behind = next,
                next => return Ok(Page { items, next }),
            }
        }
    }

    /// Ids of a frozen list as they are kept.
    async fn kept(&self, list: Uuid, behind: u64, limit: u32) -> Result<Page<i64, Place>, Error> {
        let part = |of: u64| i32::try_from(of / PART).unwrap_or(i32::MAX);
        let last = behind.saturating_add(u64::from(limit));
        let rows: Vec<(i32, Vec<i64>)> = query_as(
            "SELECT part, ids FROM frozen_list
             WHERE id = $1 AND part BETWEEN $2 AND $3 AND made_at >= now() - make_interval(mins => $4)
             ORDER BY part",
        )
        .bind(list)
        .bind(part(behind))
        .bind(part(last))
        .bind(KEPT)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        if rows.is_empty() {
            // It ends here, nothing was chosen any more when it was frozen, or there is no such list.
            let kept: bool = query_scalar(
                "SELECT EXISTS (SELECT FROM frozen_list
                 WHERE id = $1 AND made_at >= now() - make_interval(mins => $2))",
            )
            .bind(list)
            .bind(KEPT)
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
            return match kept || behind == 0 {
                true => Ok(Page { items: Vec::new(), next: None }),
                false => Err(Error::NoSuchList),
            };
        }
        let skip = usize::try_from(behind % PART).unwrap_or(usize::MAX);
        let ids: Vec<i64> = rows.into_iter().flat_map(|(_, ids)| ids).skip(skip).collect();
        let found = crate::store::page(ids, limit, |_| Place::Frozen { list, behind: last });
        Ok(found)
    }
}

/// Deletes frozen lists that are no longer kept.
pub(in crate::store) async fn forget_lists(txn: &mut Txn) -> Result<(), Error> {
    // Those that another request deletes are its own affair.
    query(
        "DELETE FROM frozen_list WHERE (id, part) IN (
            SELECT id, part FROM frozen_list
            WHERE made_at < now() - make_interval(mins => $1) OR id IN (
                SELECT id FROM frozen_list WHERE part = 0 ORDER BY made_at DESC, id OFFSET $2)
            FOR UPDATE SKIP LOCKED)",
    )
    .bind(KEPT)
    .bind(LISTS - 1)
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

/// What was found, in the order of `ids`.
fn in_order<T>(ids: &[i64], mut found: HashMap<i64, T>) -> Vec<T> {
    ids.iter().filter_map(|id| found.remove(id)).collect()
}

/// Why a list could not be read.
fn failed(cause: sea_orm::SqlxError) -> Error {
    Error::sqlx("list objects", cause)
}

/// A value as it is shown.
fn cell(field: &Field, value: Value) -> Cell {
    match (field.kind(), value) {
        (_, Value::Null) => Cell::None,
        (Kind::Level, Value::Number(number)) => {
            let level = number.as_i64().and_then(Level::of_number);
            level.map_or(Cell::None, |level| Cell::Text(level.to_string()))
        }
        (Kind::Time, Value::Number(number)) => {
            let micros = number.as_i64().unwrap_or_default();
            Cell::Text(Timestamp::from_unix_micros(micros).to_string())
        }
        (_, Value::Number(number)) => number.as_i64().map_or(Cell::None, Cell::Number),
        (_, Value::String(text)) => Cell::Text(text),
        (_, other) => Cell::Text(other.to_string()),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind(id) => id.fmt(f),
            Self::Frozen { list, behind } => write!(f, "{list}.{behind}"),
        }
    }
}

/// A text that is no place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not what `next` of a page said")]
pub struct BadPlace;

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        match text.split_once('.') {
            None => text.parse().map(Self::Behind).map_err(|_| BadPlace),
            Some((list, behind)) => Ok(Self::Frozen {
                list: list.parse().map_err(|_| BadPlace)?,
                behind: behind.parse().map_err(|_| BadPlace)?,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
