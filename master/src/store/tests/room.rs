use futures::FutureExt as _;
use sea_orm::sqlx::{query, query_scalar};

use crate::store::testing;
use crate::store::{Error, Retry};

/// Where nothing is given up that may be tried again, an operation is neither: the engine goes by [`Error::retry`].
#[tokio::test]
async fn a_database_without_room_is_waited_for_and_says_what_to_do() {
    let store = testing::store().await;
    for (state, text, full) in [
        ("53100", "refused", true),
        ("53200", "refused", true),
        ("XX000", "could not write init file", true),
        ("XX000", "refused", false),
        ("42501", "refused", false),
    ] {
        let statement = format!("DO $$ BEGIN RAISE '{text}' USING ERRCODE = '{state}'; END $$");
        let refused = query(sea_orm::sqlx::AssertSqlSafe(statement)).execute(&store.pool).await;
        let error = Error::sqlx("store it", refused.unwrap_err());
        assert_eq!(matches!(error, Error::Full { .. }), full, "{state}: {error:?}");
        assert_eq!(error.retry() == Retry::Never, !full, "{state}");
        assert_eq!(error.hint().is_some_and(|hint| hint.contains("make room")), full, "{state}");
    }
}

/// Neither in a transaction that failed at its beginning, nor in one whose beginning nobody waited for.
#[tokio::test]
async fn no_connection_is_left_in_a_transaction_that_did_not_begin() {
    let store = testing::store().await;
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    let run = async |statement: String| {
        query(sea_orm::sqlx::AssertSqlSafe(statement)).execute(&store.pool).await
    };
    run(rename("commit_mark", "away")).await.unwrap();
    for _ in 0..ROUNDS {
        store.sweep().await.unwrap_err();
    }
    run(rename("away", "commit_mark")).await.unwrap();
    for _ in 0..ROUNDS {
        // Asked once and dropped: the statement is on its way.
        assert!(store.sweep().now_or_never().is_none());
    }
    for _ in 0..ROUNDS {
        let is_own: bool = query_scalar("SELECT pg_current_xact_id_if_assigned() IS NULL")
            .fetch_one(&store.pool)
            .await
            .unwrap();
        assert!(is_own, "a statement ran in a transaction that another one began");
        store.sweep().await.unwrap();
    }
}

/// More than there are connections.
const ROUNDS: usize = 40;
