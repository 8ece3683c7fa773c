use sea_orm::sqlx::query;

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
