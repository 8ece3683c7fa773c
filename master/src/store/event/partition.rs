//! Partitions of events and output: one a month, made ahead, dropped when what is in them is old enough.
//!
//! An operation id is a UUIDv7: its first 48 bits are the milliseconds since 1970, so a month is a range of ids. Rows that came
//! to the default partition because the month's was not there yet are moved when it is made.

use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{AssertSqlSafe, query, query_scalar};
use time::{Date, Month, OffsetDateTime};
use uuid::Uuid;

use crate::store::commit::{Txn, Writing};
use crate::store::{Error, Store};

/// How many months there are partitions for, from this one on.
const AHEAD: u8 = 3;

/// The tables that are partitioned.
const TABLES: [&str; 2] = ["event", "output"];

/// Key of the advisory lock under which partitions come and go.
const LOCK: i64 = 0x6e69_6d64_0000_0004;

impl Store {
    /// Makes the partitions of this month and the next ones, where they are not there. To be called at the start and daily.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn make_partitions(&self, now: Timestamp) -> Result<(), Error> {
        let mut months = vec![Span::of(now.get())];
        for _ in 1..AHEAD {
            months.extend(months.last().map(Span::next));
        }
        let mut txn = self.begin(Writing::Partitions).await?;
        lock(&mut txn).await?;
        let mut made = false;
        for table in TABLES {
            for month in &months {
                made |= make(&mut txn, table, month).await?;
            }
        }
        if made { txn.commit().await } else { Ok(()) }
    }

    /// Drops events and output of operations accepted before the month of `before`, except in months in which an operation is
    /// still open. The operations themselves, their reports and changes stay. Says which partitions went.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn drop_partitions(&self, before: Timestamp) -> Result<Vec<String>, Error> {
        let keep = Span::of(before.get());
        let mut txn = self.begin(Writing::Partitions).await?;
        lock(&mut txn).await?;
        let mut dropped = Vec::new();
        for table in TABLES {
            for name in partitions(&mut txn, table).await? {
                let Some(month) = Span::named(table, &name) else { continue };
                if month.from < keep.from && !has_open(&mut txn, &month).await? {
                    // The name was made by us: letters, digits and `_`.
                    query(AssertSqlSafe(format!("DROP TABLE {name}")))
                        .execute(txn.connection())
                        .await
                        .map_err(txn.failed())?;
                    dropped.push(name);
                }
            }
        }
        if !dropped.is_empty() {
            txn.commit().await?;
        }
        Ok(dropped)
    }
}

/// A month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: Date,
}

impl Span {
    fn of(time: OffsetDateTime) -> Self {
        Self::new(time.year(), time.month())
    }

    fn new(year: i32, month: Month) -> Self {
        Self {
            from: Date::from_calendar_date(year, month, 1).expect("every month has a first day"),
        }
    }

    fn next(&self) -> Self {
        let year = self.from.year() + i32::from(self.from.month() == Month::December);
        Self::new(year, self.from.month().next())
    }

    /// Name of the partition of `table`.
    fn name(&self, table: &str) -> String {
        format!("{table}_{:04}_{:02}", self.from.year(), u8::from(self.from.month()))
    }

    /// The month of a partition by its name.
    fn named(table: &str, name: &str) -> Option<Self> {
        let rest = name.strip_prefix(table)?.strip_prefix('_')?;
        let (year, month) = rest.split_once('_')?;
        let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
        Some(Self::new(year.parse().ok()?, month))
    }

    /// The lowest id of the month.
    fn first_id(&self) -> Uuid {
        let at = self.from.midnight().assume_utc();
        let milliseconds = u128::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        Uuid::from_u128(milliseconds << 80)
    }
}

async fn lock(txn: &mut Txn) -> Result<(), Error> {
    query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(txn.connection())
        .await
        .map(drop)
        .map_err(txn.failed())
}

/// Makes one partition; whether it was not there.
async fn make(txn: &mut Txn, table: &str, month: &Span) -> Result<bool, Error> {
    let name = month.name(table);
    let there: bool = query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(&name)
        .fetch_one(txn.connection())
        .await
        .map_err(txn.failed())?;
    if there {
        return Ok(false);
    }
    let (from, to) = (month.first_id(), month.next().first_id());
    for sql in [
        format!("CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"),
        format!(
            "WITH moved AS (DELETE FROM {table}_default
                WHERE operation_id >= '{from}' AND operation_id < '{to}' RETURNING *)
             INSERT INTO {name} SELECT * FROM moved"
        ),
        format!(
            "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}')"
        ),
    ] {
        query(AssertSqlSafe(sql)).execute(txn.connection()).await.map_err(txn.failed())?;
    }
    Ok(true)
}

/// The partitions of a table, by name.
async fn partitions(txn: &mut Txn, table: &str) -> Result<Vec<String>, Error> {
    query_scalar(
        "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = to_regclass($1) ORDER BY 1",
    )
    .bind(table)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())
}

/// Whether an operation that was accepted in this month is open.
async fn has_open(txn: &mut Txn, month: &Span) -> Result<bool, Error> {
    query_scalar(
        "SELECT EXISTS (SELECT FROM operation WHERE id >= $1 AND id < $2
            AND state IN ('queued', 'dispatching', 'running', 'stuck'))",
    )
    .bind(month.first_id())
    .bind(month.next().first_id())
    .fetch_one(txn.connection())
    .await
    .map_err(txn.failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_a_range_of_ids() {
        let december = Span::new(2026, Month::December);
        assert_eq!(december.name("event"), "event_2026_12");
        assert_eq!(Span::named("event", "event_2026_12"), Some(december));
        assert_eq!(Span::named("event", "event_default"), None);
        let january = december.next();
        assert_eq!(january, Span::new(2027, Month::January));
        let within = Uuid::new_v7(uuid::Timestamp::from_unix_time(1_798_761_599, 0, 0, 0));
        assert!(december.first_id() < within && within < january.first_id());
        let after = Uuid::new_v7(uuid::Timestamp::from_unix_time(1_798_761_600, 0, 0, 0));
        assert!(january.first_id() < after);
    }
}
