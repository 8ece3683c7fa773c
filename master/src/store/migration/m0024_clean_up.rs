//! What looks after an operation that is stuck, a clean-up or what snap collects, is open beside it.

use super::migration;

migration! {
    /// One index becomes two. A binary that does not know them cannot accept an operation.
    M0024CleanUp, "m0024_clean_up", level 24, r#"
DROP INDEX operation_one_per_lpar;
-- One operation per LPAR at a time, whoever asks.
CREATE UNIQUE INDEX operation_one_per_lpar ON operation (lpar)
    WHERE state IN ('queued', 'dispatching', 'running', 'stuck') AND kind NOT IN ('clean_up', 'snap');
CREATE UNIQUE INDEX operation_one_beside ON operation (lpar)
    WHERE state IN ('queued', 'dispatching', 'running', 'stuck') AND kind IN ('clean_up', 'snap');
UPDATE schema_level SET min_binary = 24;
"#
}
