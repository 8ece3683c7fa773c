//! What updates have left to do.

use super::migration;

migration! {
    /// What updates have left to do on LPARs, each until a look found it gone. What comes from a host may be too long for an index.
    M0019OpenItem, "m0019_open_item", level 19, r#"
CREATE TABLE open_item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    lpar text NOT NULL,
    item jsonb NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    gone_at timestamptz
);
CREATE UNIQUE INDEX open_item_once ON open_item (operation_id, md5(item::text));
CREATE INDEX open_item_open ON open_item (lpar) WHERE gone_at IS NULL;
"#
}
