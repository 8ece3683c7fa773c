//! The life of the database, and in which one an operation's LPAR was asked last.

use super::migration;

migration! {
    /// Lives of the database. The table is unlogged on purpose: a server that crashed, and a standby that was promoted, have it empty.
    M0009Life, "m0009_life", level 9, r#"
CREATE UNLOGGED TABLE database_life (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO database_life DEFAULT VALUES;
ALTER TABLE operation ADD COLUMN known_in uuid;
"#
}
