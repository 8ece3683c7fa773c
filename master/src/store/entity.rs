//! Rows as sea-orm reads them. None leaves the store: each has a conversion to the domain type beside the functions that
//! return it.

pub(super) mod batch;
pub(super) mod event;
pub(super) mod host_key;
pub(super) mod object;
pub(super) mod object_history;
pub(super) mod operation;
pub(super) mod output;
pub(super) mod secret;

use sea_orm::sqlx::postgres::PgRow;
use sea_orm::{FromQueryResult, QueryResult};

use super::Error;

/// Reads rows that came from the driver, by the names of their columns.
pub(super) fn read<M: FromQueryResult>(what: &str, rows: Vec<PgRow>) -> Result<Vec<M>, Error> {
    let read = |row| M::from_query_result(&QueryResult::from(row), "");
    rows.into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|cause| Error::unreadable(what, cause))
}
