//! Preflights of LPARs.

use super::migration;

migration! {
    /// What preflights found.
    M0016Preflight, "m0016_preflight", level 16, r#"
CREATE TABLE preflight (
    lpar_id bigint NOT NULL REFERENCES nim_standalone ON DELETE CASCADE,
    at timestamptz NOT NULL,
    report jsonb NOT NULL,
    PRIMARY KEY (lpar_id, at)
);
"#
}
